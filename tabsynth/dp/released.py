"""How many rows and people there are, by what was released or declared: functions of the transcript alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.dp.pooling import rows_of
from tabsynth.dp.transcript import Transcript
from tabsynth.encoding.marginal import Marginal
from tabsynth.generators.entities import EntityInfo, surrogate_columns
from tabsynth.schema.constraints import Unique
from tabsynth.schema.model import Identifier, Table

Array = np.ndarray[Any, Any]


def released_rows(transcript: Transcript) -> int:
    """Number of rows as it was declared public or released, never below 0."""
    declared = transcript.public.get("public_rows")
    if declared is not None:
        return int(declared)
    counted = transcript.row_counts
    n_rows = float(counted[0].counts) / transcript.whole if counted else 0.0
    sizes = _rows_per_unit(transcript)
    if transcript.weighed and sizes is not None:  # people were counted
        n_rows *= float(np.arange(1, len(sizes) + 1) @ sizes)
    return max(0, round(n_rows))


def counted(transcript: Transcript) -> int:
    """How many rows, or people where these are counted, the table has, as declared or released."""
    if not transcript.weighed:
        return released_rows(transcript)
    return max(0, round(rows_of(transcript.row_counts or transcript.measurements[:1]) / transcript.whole))


def _rows_per_unit(transcript: Transcript) -> Array | None:
    """Share of units with 1, 2, ... rows, as it was measured; None where it was not."""
    sizes = next((event for event in transcript.discoveries if event.kind == "sizes"), None)
    if sizes is None:
        return None
    counts = np.maximum(sizes.counts, 0).astype(np.float64)
    counts = counts if counts.sum() else np.ones(len(counts))
    return np.asarray(counts / counts.sum())


def entities(table: Table, transcript: Transcript) -> EntityInfo:
    """What a model knows of the people behind the rows: what was measured of them, and what the schema says."""
    once = {table.primary_key} | {rule.columns for rule in table.constraints if isinstance(rule, Unique)}
    unique = tuple(name for name in surrogate_columns(table) if (name,) in once)
    shares, key = _rows_per_unit(transcript), str(transcript.public["unit"])
    if shares is None:
        return EntityInfo(None, (), unique)
    kept = np.flatnonzero(shares)
    at = (kept + 1).astype(np.float64)
    per_entity = (key,) if isinstance(table.columns[key], Identifier) else ()
    return EntityInfo(Marginal(at, at, shares[kept]), per_entity, tuple(name for name in unique if name != key))
