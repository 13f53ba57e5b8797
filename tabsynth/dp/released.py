"""How many rows and people there are, by what was released or declared: functions of the transcript alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.dp.gaussian_dp import whole_mu
from tabsynth.dp.pooling import rows_of
from tabsynth.dp.transcript import Discovery, Measurement, Transcript
from tabsynth.encoding.marginal import Marginal
from tabsynth.generators.entities import EntityInfo, surrogate_columns
from tabsynth.schema.columns import Identifier
from tabsynth.schema.constraints import Unique
from tabsynth.schema.model import Table

Array = np.ndarray[Any, Any]

FIXED = ("dp-independent", "dp-copula")
"""Mechanisms that take the same looks with the same noise whatever they see."""


def gaussian_mu(transcript: Transcript) -> float | None:
    """The mu of Gaussian differential privacy, where counts with Gaussian noise are all that can leave; else None.

    How much noise there is must be known beforehand: of a mechanism that decides by what it sees, a release that turned
    out to be counts alone is not one that could not have been otherwise. So mechanisms outside `FIXED` have no mu here,
    nor have releases that found categories or bins, on whose number the shares of the budget depend.
    """
    events = [event for event in transcript if not (isinstance(event, Discovery) and event.kind == "sizes")]
    counts = [event for event in events if isinstance(event, Measurement)]
    if transcript.public.get("mechanism") not in FIXED or len(counts) < len(events):
        return None
    sizes = [event for event in transcript.discoveries if event.kind == "sizes"]
    sigmas = [event.sigma for event in counts] + [event.sigma for event in sizes]
    return whole_mu(sigmas, [event.sensitivity for event in counts] + [event.sensitivity for event in sizes])


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
