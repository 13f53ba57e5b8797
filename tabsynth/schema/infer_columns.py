"""Decide what kind of column the cells of one column are: by content, name and uniqueness together.

Order of the questions: is anything there; yes or no; a moment; a known identifier (e-mail, name, ...); a number; a
key; and only then categories or free text.

Decisions
- Two whole numbers (0/1, 1/2) and codes by name (sex, region, status) are categories that stay numbers. Other whole
  numbers are `integer`, however few: a model of numbers keeps their order and their point masses, and pools nothing.
- Text becomes categories only where categories of at least k rows cover most of its cells; what remains is a key
  where it looks like one, else text. What is text is never learned, so text comes with a question.
- Measurements never become keys: floats not at all, whole numbers only under a name that says so or as row numbers.
- Order is never guessed: `ordinal` comes from ordered pandas categories alone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.column_names import Evidence, age_unit, is_code, key_evidence, role_of, suggests_code
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal, Text
from tabsynth.schema.detection import Detect
from tabsynth.schema.infer_cells import Array, Cells, common_share, few_and_repeated
from tabsynth.schema.infer_datetimes import Moments, NotMoments, read_text_moments
from tabsynth.schema.infer_identifiers import LEAST_COMMON_SHARE, MOST_CATEGORIES, detected, text_key, whole_key
from tabsynth.schema.infer_numbers import NotNumbers, Numbers, read_native_numbers, read_text_numbers
from tabsynth.schema.values import FALSE_SPELLINGS, TRUE_SPELLINGS, category_text, parse_column

COMMON_SHARE = 0.8
"""Share of cells in categories of at least k rows from which text is categorical without a question."""
FEW_CODES = 30
"""Different whole numbers up to which a name such as `sex` or `status` makes them codes."""

_ANSWERS = (
    ("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"), ("nein", "ja"), ("n", "j"),
    ("falsch", "wahr"), ("non", "oui"), ("faux", "vrai"), ("no", "si"), ("no", "sí"), ("no", "sì"), ("falso", "vero"),
    ("falso", "verdadero"), ("não", "sim"), ("nao", "sim"), ("nee", "ja"), ("nej", "ja"), ("nei", "ja"), ("nie", "tak"),
    ("нет", "да"),
)  # fmt: skip
"""Spellings of no and yes, lower case."""

_TOO_FEW = "Too few rows to tell categories from free text; list the categories if they are known."
_FREE_TEXT = (
    "Free text, or names with many spellings: not learned, and left out of synthetic rows. Write fill: placeholder for "
    "a column of invented words, or set type: categorical or identifier if it is one of these."
)


def infer_column(raw: pd.Series, name: str, *, detect: Detect | None, k: int) -> Column:
    """Decide kind, spelling and role of a column; categories and bounds are left to `measure`.

    Args:
        raw: Cells: text, or native values of any dtype. Shape (n_rows,).
        name: Name of the column.
        detect: Detector of direct identifiers, or None.
        k: Rows that anything read from the data must rest on.

    Raises:
        DataError: The column holds nested values.
    """
    cells = Cells.of(raw, name)
    column = _decide(cells, detect, k)
    if isinstance(column, Integer | Number | DateTime | Boolean):
        unreadable = int(parse_column(raw, column).invalid.sum())
        by_design = isinstance(column, Integer | Number) and cells.native_kind == "f"
        if unreadable and not by_design:
            return _names(cells, k, questions=(_unreadable(column, unreadable),))
    return column


def _unreadable(column: Column, n_cells: int) -> str:
    return f"Nearly a {column.type} column, but {n_cells} cells do not exist as such (like 31 February); correct them."


def _decide(cells: Cells, detect: Detect | None, k: int) -> Column:
    name = cells.name
    if not cells.n_present or (cells.native_kind == "O" and not any(cells.stripped)):
        return Categorical(
            role=role_of(name),
            missing_values=cells.blank_spellings,
            question="Every cell is empty; leave the column out?",
        )
    dtype = cells.raw.dtype
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return Ordinal(role=role_of(name), categories=tuple(_category(item) for item in dtype.categories))
    kind = cells.native_kind
    if kind == "b":
        return Boolean(role=role_of(name))
    if kind == "M":
        zone = getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)
        return DateTime(role=role_of(name), time_zone=_zone_name(zone))
    if kind == "O":
        return _decide_text(cells, detect, k)
    numbers = read_native_numbers(cells)
    if isinstance(dtype, pd.CategoricalDtype):
        return Categorical(role=role_of(name))
    if kind == "m":
        return _number(name, numbers, unit="seconds")
    if numbers.whole and kind == "i" and isinstance(moments := _compact_dates(cells), Moments):
        return DateTime(role=role_of(name), format=moments.format)
    return _number_or_key(cells, numbers, detect, k)


def _category(item: Any) -> str | int:
    return int(item) if isinstance(item, int | np.integer) and not isinstance(item, bool) else category_text(item)


def _zone_name(zone: object) -> str | None:
    if zone is None:
        return None
    try:
        return DateTime(time_zone=str(zone)).time_zone
    except ValueError:  # a fixed offset, which has no IANA name
        return "UTC"


def _compact_dates(cells: Cells) -> Moments | NotMoments:
    """Whole numbers read as dates of bare digits, where the name allows it."""
    largest = int(np.abs(cells.uniques.astype(np.float64)).max())
    return read_text_moments(cells) if len(str(largest)) in (8, 14) else NotMoments()


def _decide_text(cells: Cells, detect: Detect | None, k: int) -> Column:
    name = cells.name
    questions: tuple[str, ...] = ()
    if (answer := _answers(cells)) is not None:
        return answer
    if all(isinstance(value, date) for value in cells.uniques):
        return DateTime(role=role_of(name), time_zone="UTC" if any(map(_has_offset, cells.uniques)) else None)
    moments = read_text_moments(cells)
    if isinstance(moments, Moments):
        return DateTime(
            role=role_of(name),
            format=moments.format,
            time_zone=moments.time_zone,
            missing_values=moments.missing_values,
            question=_joined(moments.questions),
        )
    questions += moments.questions
    numbers = read_text_numbers(cells, k=k)
    if isinstance(numbers, Numbers) and not isinstance(cells.raw.dtype, pd.CategoricalDtype):
        return _number_or_key(cells, numbers, detect, k)
    if (found := detected(cells, detect)) is not None:
        return found
    if isinstance(numbers, NotNumbers):
        questions += numbers.questions
    if not moments.questions and (key := text_key(cells, k=k, doubtful=bool(questions))) is not None:
        return key
    return _names(cells, k, questions=questions)


def _has_offset(moment: date) -> bool:
    return isinstance(moment, datetime) and moment.tzinfo is not None


def _answers(cells: Cells) -> Boolean | None:
    """A boolean column, where all cells are spellings of yes and no."""
    if len(cells.texts) > 40:
        return None
    texts, counts = cells.distinct(words_are_gaps=True)
    folded = {str(text).casefold() for text in texts}
    if len(folded) < 2:
        return None
    gaps = cells.missing_spellings()
    if all(isinstance(value, bool | np.bool_) for value in cells.uniques):
        return Boolean(role=role_of(cells.name))
    for no, yes in _ANSWERS:
        if folded == {no, yes}:
            spelled = {side: _commonest(texts, counts, side) for side in (no, yes)}
            return Boolean(role=role_of(cells.name), labels=(spelled[no], spelled[yes]), missing_values=gaps)
    known = folded <= TRUE_SPELLINGS | FALSE_SPELLINGS
    if known and folded & TRUE_SPELLINGS and folded & FALSE_SPELLINGS and len(folded) > 2:
        question = (
            "Yes and no are spelled in several ways and will be written as True and False; give labels to change that."
        )
        return Boolean(role=role_of(cells.name), missing_values=gaps, question=question)
    return None


def _commonest(texts: Array, counts: Array, folded: str) -> str:
    """The spelling of a word that stands on most rows."""
    return max(
        (count, str(text)) for text, count in zip(texts, counts.tolist(), strict=True) if text.casefold() == folded
    )[1]


def _number_or_key(cells: Cells, numbers: Numbers, detect: Detect | None, k: int) -> Column:
    """Whole numbers are keys, codes or quantities; others are quantities."""
    name = cells.name
    if not numbers.whole:
        return _number(name, numbers)
    if (found := detected(cells, detect)) is not None:
        return found
    if (key := whole_key(cells, numbers.missing_values, k=k)) is not None:
        return key
    counts = cells.value_counts
    role, gaps = role_of(name), numbers.missing_values
    if _are_codes(name, counts, k):
        return Categorical(role=role, missing_values=gaps, question=_joined(numbers.questions))
    questions = numbers.questions
    n_distinct = len(counts)
    if is_code(name) and n_distinct > 2:
        share = common_share(counts, k)
        if share >= LEAST_COMMON_SHARE and n_distinct <= MOST_CATEGORIES:
            return Categorical(role=role, missing_values=gaps, question=_joined((*questions, _rare(share, k))))
        questions = (
            *questions,
            "Codes with many rare values, read as whole numbers; set type: categorical or identifier?",
        )
    return Integer(role=role, missing_values=gaps, unit=age_unit(name), question=_joined(questions))


def _rare(share: float, k: int) -> str:
    return f"{1 - share:.0%} of the cells are in categories of fewer than {k} rows, and not kept; merge some?"


def _number(name: str, numbers: Numbers, *, unit: str | None = None) -> Column:
    unit = age_unit(name) if unit is None else unit
    if numbers.whole:
        return Integer(role=role_of(name), unit=unit, question=_joined(numbers.questions))
    return Number(
        role=role_of(name),
        decimals=numbers.decimals,
        decimal_mark=numbers.decimal_mark,
        unit=unit,
        missing_values=numbers.missing_values,
        question=_joined(numbers.questions),
    )


def _are_codes(name: str, counts: Array, k: int) -> bool:
    """Whether whole numbers are labels: two of them, or few and common ones under the name of a code."""
    common = counts[counts >= k]
    if len(counts) <= 2:
        return len(counts) == 2 and len(common) == 2
    evidence = max(suggests_code(name), key_evidence(name) if key_evidence(name) is Evidence.STRONG else Evidence.NONE)
    if evidence is Evidence.NONE or (evidence is Evidence.WEAK and len(counts) > FEW_CODES):
        return False
    frequent = common_share(counts, k) >= COMMON_SHARE or few_and_repeated(counts)
    return frequent and len(common) <= MOST_CATEGORIES


def _names(cells: Cells, k: int, *, questions: tuple[str, ...]) -> Column:
    """Categories or free text."""
    role, blanks = role_of(cells.name), cells.blank_spellings
    counts = cells.text_counts[cells.stripped != ""]
    n_present, n_distinct = int(counts.sum()), len(counts)
    n_common = int((counts >= k).sum())
    share = common_share(counts, k)
    told = isinstance(cells.raw.dtype, pd.CategoricalDtype)
    if n_present < 4 * k and not told:
        categorical = n_distinct == 1 or n_distinct <= 0.5 * n_present
        questions = (*questions, *((_FREE_TEXT,) if not categorical else (_TOO_FEW,) if not n_common else ()))
    elif n_common > MOST_CATEGORIES and not told:
        categorical = False
        questions = (
            f"{n_common:,} categories of {k} rows or more: left out; set type: categorical, or fill: placeholder?",
        )
    elif told or share >= COMMON_SHARE or few_and_repeated(counts):
        categorical = True
    else:
        categorical = share >= LEAST_COMMON_SHARE
        questions = (*questions, _rare(share, k) if categorical else _FREE_TEXT)
    kind = Categorical if categorical else Text
    return kind(role=role, missing_values=blanks, question=_joined(questions))


def _joined(questions: tuple[str, ...]) -> str | None:
    return " ".join(questions) or None
