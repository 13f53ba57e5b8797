"""Identifiers inside longer texts, and the single one among a million cells of something else.

Each pattern has a cheap form that RE2 looks for in every distinct text of a column, and a test in Python for the texts
in which RE2 found it. Nothing is sampled on the first step, so that one e-mail address in a million remarks is found.

Decisions
- Where very many texts pass the first step, the test is run on `PROBE` of them, evenly spaced, and the count is scaled;
  only if none of those passes are the others tested, up to `MOST`.
- Cells of JSON are read as prose, `{"patient_id": "A-123"}` as `patient id : A-123`, so that the names of their fields
  say what follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.identifiers.text_patterns import PATTERNS, Pattern

PROBE = 3_000
MOST = 200_000


@dataclass(frozen=True)
class Hit:
    """A kind of identifier inside the texts of a column."""

    kind: Kind
    detector: str
    confidence: float
    n_found: int
    """Rows, scaled up where not all candidates were tested."""
    what: str
    is_scaled: bool


_JSON = r"^\s*[\[{]"
_MARKS_OF_JSON = r'[\[\]{}"_]'
_PLAIN_NUMBER = r"^[-+]?[0-9]*[.,]?[0-9]*(?:[eE][-+]?[0-9]+)?$"


def search_texts(texts: Any, counts: Any) -> list[Hit]:
    """Kinds of identifiers that any of some texts hold.

    Args:
        texts: Distinct texts, object array of str, (n_distinct,).
        counts: Rows of each, (n_distinct,).

    Returns:
        One hit per kind and pattern, in the order of the patterns.

    Privacy: Kinds and counts leave; no text.
    """
    if not len(texts):
        return []
    arrow = pa.array(texts, type=pa.large_string(), from_pandas=True)
    plain = pc.match_substring_regex(arrow, _PLAIN_NUMBER)
    chosen = np.flatnonzero(~pc.fill_null(plain, True).to_numpy(zero_copy_only=False))
    if not len(chosen):
        return []
    arrow, counts = _as_prose(arrow.take(pa.array(chosen))), counts[chosen]
    hits = []
    for pattern in PATTERNS:
        rows = np.flatnonzero(pc.match_substring_regex(arrow, pattern.cheap).to_numpy(zero_copy_only=False))
        if len(rows) and (hit := _confirm(pattern, arrow, counts, rows)) is not None:
            hits.append(hit)
    return hits


def _as_prose(arrow: Any) -> Any:
    """Texts in which those of JSON have spaces for its marks, and for what joins the words of its names."""
    is_json = pc.match_substring_regex(arrow, _JSON)
    if not pc.any(is_json).as_py():
        return arrow
    return pc.if_else(is_json, pc.replace_substring_regex(arrow, _MARKS_OF_JSON, " "), arrow)


def _confirm(pattern: Pattern, arrow: Any, counts: Any, rows: Any) -> Hit | None:
    """Test the texts in which the cheap form was found."""
    first = rows if len(rows) <= PROBE else rows[np.linspace(0, len(rows) - 1, PROBE).astype(np.int64)]
    passed = [row for row, text in _texts(arrow, first) if pattern.found(text)]
    scaled = len(first) < len(rows)
    if not passed and scaled:
        for row, text in _texts(arrow, rows[:MOST]):
            if pattern.found(text):
                passed.append(row)
                break
    if not passed:
        return None
    n_found = int(counts[passed].sum())
    if scaled:
        n_found = max(n_found, round(n_found * len(rows) / len(first)))
    return Hit(pattern.kind, pattern.detector, pattern.confidence, n_found, pattern.what, scaled)


def _texts(arrow: Any, rows: Any) -> Iterator[tuple[int, str]]:
    return zip(rows.tolist(), arrow.take(pa.array(rows)).to_pylist(), strict=True)
