"""What is done to a column before anything is learned of it: left out, made coarser, moved, or refused.

Identifiers need no treatment: `type: identifier` already means that every value is replaced by an invented one, and
`type: text` that none is learned.

Decisions
- Names say what is left (`state`, `zip3`, `year`), not what is taken away.
- `shift` is the one that Safe Harbor does not know; the words for it say so wherever they are shown.
"""

from __future__ import annotations

from typing import Final, Literal

Treatment = Literal["keep", "drop", "refuse", "state", "zip3", "year", "birth-year", "age-90", "shift"]

IN_WORDS: Final[dict[str, str]] = {
    "keep": "kept: declared to hold no identifier",
    "drop": "left out",
    "refuse": "refused where it holds anything",
    "state": "cut to the state",
    "zip3": "cut to three digits, 000 where few people live",
    "year": "cut to the year",
    "birth-year": "cut to the year of birth, one group from 90 years of age on",
    "age-90": "ages over 89 joined into one group, written 90",
    "shift": "dates of each person shifted by a random number of days: Expert Determination, not Safe Harbor",
}
"""What each treatment does, for reports."""

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "state": ("identifier", "categorical", "integer", "text"),
    "zip3": ("identifier", "categorical", "integer", "text"),
    "year": ("datetime", "integer", "number"),
    "birth-year": ("datetime", "integer", "number"),
    "age-90": ("integer", "number"),
    "shift": ("datetime",),
}
"""Kinds of columns that a treatment is for; the others are for all."""


def misplaced(treatment: Treatment | None, kind: str) -> str | None:
    """What is wrong with a treatment at a column of this kind, or None."""
    allowed = KINDS.get(treatment or "", (kind,))
    if kind in allowed:
        return None
    return f"treatment {treatment} is for columns of type {', '.join(allowed)}; change one of the two"
