"""Decide whether a column holds keys or other identifiers.

Three kinds of evidence: a detector that knows e-mail addresses, names and the like; the name of the column; and many
different codes of one shape.

Decisions
- An id that few values share (a ward, a plan, under `ward_id`) is a code, and left to be a category; an id of people
  never is (`patient_id`), however few they are. An id that many values share (a customer) is a key: it repeats, but
  it is somebody's.
- Codes that nothing names as keys become keys where nearly all differ, and where there are too many to be categories;
  then with a question.
- Postcodes that most people share with few others are replaced like identifiers, but stay quasi-identifiers.
"""

from __future__ import annotations

import numpy as np

from tabsynth.schema.column_names import (
    Evidence,
    is_person,
    is_person_key,
    key_evidence,
    suggests_calendar,
    suggests_code,
    suggests_postcode,
)
from tabsynth.schema.columns import Identifier, Role
from tabsynth.schema.detection import Detect, Detection
from tabsynth.schema.infer_cells import FEW_CATEGORIES, Array, Cells, common_share
from tabsynth.schema.patterns import infer_pattern

NEAR_UNIQUE = 0.95
"""Share of different values among present cells from which a column may be a key by uniqueness."""
FEWEST_KEYS = 20
"""Rows below which uniqueness says nothing."""
LEAST_COMMON_SHARE = 0.6
"""Share of cells in categories of at least k rows below which values are not categories."""
MOST_CATEGORIES = 1_000
"""Categories of at least k rows above which values are not categories."""
MOST_UNNAMED_CODES = 500
"""Different codes of one shape up to which they may be categories under a name that does not speak of codes."""
CLEARLY = 0.85
"""Share of fitting cells from which a detection needs no question."""

_MANY_CODES = "Codes with very many values: taken for keys and replaced. Set type: categorical to have them learned."


def detected(cells: Cells, detect: Detect | None) -> Identifier | None:
    """The identifier that the detector recognises, if any."""
    found = detect(cells.name, cells.raw) if detect is not None else None
    if found is None:
        return None
    question = None
    if found.confidence < CLEARLY:
        question = f"Taken for {found.reason}, but only {found.confidence:.0%} of the cells fit; is that right?"
    return Identifier(
        surrogate=found.surrogate, pattern=found.pattern, missing_values=_gaps(cells, found), question=question
    )


def _gaps(cells: Cells, found: Detection) -> tuple[str, ...]:
    """Spellings of a gap among identifiers. Among names, words are left alone: people are called Null and None."""
    if cells.native_kind != "O":
        return ()
    names = found.surrogate in ("name", "first_name", "last_name", "user_name", "company")
    return tuple(gap for gap in cells.missing_spellings() if not (names and gap.isalpha()))


def whole_key(cells: Cells, missing_values: tuple[str, ...], *, k: int) -> Identifier | None:
    """The key that whole numbers are, if they are one: by name, or as row numbers."""
    counts = cells.value_counts
    n_present, n_distinct = int(counts.sum()), len(counts)
    if suggests_postcode(cells.name):
        return _postcode(missing_values) if _are_rare(counts, k) else None
    evidence = key_evidence(cells.name)
    named = evidence is Evidence.STRONG or (is_person(cells.name) and n_distinct > 100)
    if named and (is_person_key(cells.name) or not _repeats_like_a_code(n_present, n_distinct)):
        return _key(cells, missing_values)
    if evidence is Evidence.WEAK and n_present >= FEWEST_KEYS and n_distinct >= 0.5 * n_present:
        return _key(cells, missing_values)
    return _key(cells, missing_values) if _is_sequence(cells, n_present, n_distinct) else None


def text_key(cells: Cells, *, k: int, doubtful: bool) -> Identifier | None:
    """The key that text cells are, if they are one: by name and digits, or as many different codes of one shape.

    Args:
        cells: The column.
        k: Rows that a category must have.
        doubtful: Whether the cells are nearly numbers, so that only the name can make them keys.
    """
    texts, counts = cells.distinct(words_are_gaps=True)
    n_present, n_distinct = int(counts.sum()), len(texts)
    if not n_distinct:
        return None
    gaps = cells.missing_spellings()
    with_digits = sum(any(c.isdigit() for c in text) for text in texts) / n_distinct
    if suggests_postcode(cells.name):
        short = with_digits >= 0.9 and all(len(text) <= 10 for text in texts)
        return _postcode(gaps) if short and _are_rare(counts, k) else None
    tokens = sum(not any(c.isspace() for c in text) and len(text) <= 100 for text in texts) / n_distinct
    unique = n_present >= FEWEST_KEYS and n_distinct >= NEAR_UNIQUE * n_present
    many = is_person_key(cells.name) or not _repeats_like_a_code(n_present, n_distinct)
    evidence = key_evidence(cells.name)
    if evidence is Evidence.STRONG and tokens >= 0.9 and many:
        return _key(cells, gaps)
    if evidence is not Evidence.NONE and with_digits >= 0.8 and (unique or (n_distinct > 100 and many)):
        return _key(cells, gaps)
    if doubtful or tokens < NEAR_UNIQUE or not (with_digits >= 0.8 or _are_short_codes(texts)):
        return None
    key = _key(cells, gaps)
    if unique or key.pattern is None:
        return key if key.pattern is not None else None
    most = MOST_CATEGORIES if suggests_code(cells.name) is not Evidence.NONE else MOST_UNNAMED_CODES
    return key.model_copy(update={"question": _MANY_CODES}) if n_distinct > most else None


def _repeats_like_a_code(n_present: int, n_distinct: int) -> bool:
    """Whether so few values share the rows that they are a code (of a ward, a plan), not keys of people or things."""
    if n_distinct >= NEAR_UNIQUE * n_present:
        return False
    return n_distinct <= FEW_CATEGORIES or (n_distinct <= 100 and n_present >= 20 * n_distinct)


def _is_sequence(cells: Cells, n_present: int, n_distinct: int) -> bool:
    """Whether whole numbers are row numbers: all numbers of a range, once each."""
    if n_present < FEWEST_KEYS or n_distinct < n_present or suggests_calendar(cells.name):
        return False
    texts = cells.distinct(words_are_gaps=True)[0] if cells.native_kind == "O" else cells.uniques
    values = texts.astype(np.float64)
    lower, upper = values.min(), values.max()
    years = lower >= 1800 and upper <= 2100
    return bool(upper - lower + 1 == n_distinct) and (lower in (0, 1) or (n_present >= 50 and not years))


def _are_rare(counts: Array, k: int) -> bool:
    return len(counts) > FEW_CATEGORIES and common_share(counts, k) < LEAST_COMMON_SHARE


def _are_short_codes(texts: Array) -> bool:
    """Two to twelve capitals and digits, all of one length (`JFK`, `04G`)."""
    lengths = {len(text) for text in texts}
    if len(lengths) > 1 or not 2 <= lengths.pop() <= 12:
        return False
    return all(text.isascii() and text.isalnum() and text == text.upper() for text in texts)


def _postcode(missing_values: tuple[str, ...]) -> Identifier:
    return Identifier(role=Role.QUASI_IDENTIFIER, surrogate="postcode", missing_values=missing_values)


def _key(cells: Cells, missing_values: tuple[str, ...]) -> Identifier:
    texts = cells.distinct(words_are_gaps=True)[0] if cells.native_kind == "O" else cells.texts
    if all(text.endswith(".0") and text[:-2].isdigit() for text in texts):  # whole numbers that passed through floats
        texts = np.array([text[:-2] for text in texts], dtype=object)
    return Identifier(surrogate="key", pattern=infer_pattern(texts), missing_values=missing_values)
