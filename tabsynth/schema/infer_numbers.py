"""Recognise numbers: in text cells (signs, exponents, decimal comma, gaps spelled out) and in native ones.

Decisions
- A leading zero makes a code, not a number: `01234` would come back as 1234.
- Whole numbers stay whole where gaps made them floats: `3.0` next to an empty cell is 3.
- `1,234` may be a thousand or one and a bit. Commas count as decimal marks only where one of them cannot group
  thousands. Where `1,234.56` or `1.234,56` stand among the cells, the column is asked about, and no key.
- One word besides the numbers, on many rows (`N` for "not asked"), is read as a gap, and asked about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import numpy as np

from tabsynth.schema.infer_cells import Array, Cells, evenly_spaced

LARGEST_WHOLE = 2**62
LARGEST_EXACT_FLOAT = 2**53
MOST_DECIMALS = 15
MOST_DIGITS = 15
_PROBE = 200
_FEW_NUMBERS = 20

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
# 1,234 and 12,34,567.5; 1.234,5; 1 234,5 and 1'234.5. Not 12.345.678, which may be the number of a person.
_GROUPED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:(?:,\d\d\d?)*,\d{3}(?:\.\d*)?|(?:\.\d{3})+,\d*|(?:[ \u00a0\u202f'\u2019]\d{3})+[.,]\d*)"
)
_CODE = re.compile(r"[+-]?0\d")
_WITH_UNIT = re.compile(r"(?P<before>[^\w\s.,+#-]{0,2}) ?[+-]?\d[\d.,]*(?P<after> ?(?:[^\W\d_]{2,4}|[^\w\s.,])?)")
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)


@dataclass(frozen=True)
class Numbers:
    """What the numbers of a column look like."""

    whole: bool
    decimals: int | None = None
    decimal_mark: Literal[".", ","] = "."
    missing_values: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotNumbers:
    """Why a column of text is no column of numbers, where somebody might think it is."""

    questions: tuple[str, ...] = ()


def read_text_numbers(cells: Cells, *, k: int) -> Numbers | NotNumbers:
    """Decide whether text cells are numbers, and how they are written.

    Args:
        cells: The column.
        k: Rows that a word must have before it can be taken for a spelling of "missing".
    """
    texts, counts = cells.distinct(words_are_gaps=True)
    if not len(texts):
        return NotNumbers()
    if not any(c.isdigit() for text in evenly_spaced(texts, _PROBE) for c in text):
        return NotNumbers()
    plain = np.array([_NUMBER.fullmatch(text) is not None for text in texts], bool)
    comma = np.array([_COMMA_NUMBER.fullmatch(text) is not None for text in texts], bool)
    infinite = np.array([_INFINITY.fullmatch(text) is not None for text in texts], bool)
    numeric = plain | comma
    others = ~(numeric | infinite)
    if others.any() and all(_GROUPED.fullmatch(text) for text in texts[others]):
        return NotNumbers(("Numbers with thousands marks; rewrite the cells without them, and set type: number.",))
    if not numeric.all() and _have_unit(texts):
        return NotNumbers(
            ("Numbers with a unit, sign of money or percent in the cell; take it out, and set type: number.",)
        )
    if not numeric.any():
        return NotNumbers()
    questions: list[str] = []
    gaps: list[str] = []
    if infinite.any():
        gaps += list(texts[infinite])
        questions.append(
            f"{int(counts[infinite].sum())} cells spell infinity and are read as missing; is that what they mean?"
        )
    word = _one_word_besides(texts, counts, others, numeric, k)
    if word is not None:
        gaps.append(word)
        questions.append(
            "One word stands beside the numbers on many rows and is read as missing; is that what it means?"
        )
    others = others & (texts != word)
    if others.any():
        return NotNumbers(_mostly_numbers(texts, counts, numeric, others))
    numbers = texts[numeric]
    if any(_CODE.match(text) for text in numbers) or any(_digits_before_point(text) > 18 for text in numbers):
        return NotNumbers()
    mark: Literal[".", ","] = "."
    if comma.any():
        if any("." in text for text in texts[comma]):
            return NotNumbers()
        if all(_THOUSANDS.fullmatch(text) for text in texts[comma]):
            return NotNumbers(
                ("Commas may mark thousands or decimals here; rewrite the cells without thousands marks.",)
            )
        mark = ","
        if any("." in text for text in texts[plain]):
            return NotNumbers(("Decimal points and commas occur side by side; rewrite the cells with one of them.",))
        numbers = np.array([text.replace(",", ".") for text in numbers], dtype=object)
    if not np.isfinite(numbers.astype(np.float64)).all():
        return NotNumbers(("Some numbers are too large to be held; rewrite them or mark them as missing.",))
    decimals = _meaningful(_decimals_of_texts(numbers), numbers.astype(np.float64))
    return Numbers(
        whole=decimals == 0 and _small_enough(numbers),
        decimals=decimals,
        decimal_mark=mark,
        missing_values=cells.missing_spellings(extra=gaps),
        questions=tuple(questions),
    )


def read_native_numbers(cells: Cells) -> Numbers:
    """Describe the numbers of an integer, float or timedelta (in seconds) column."""
    if cells.native_kind == "m":
        floats = cells.raw.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
        return _of_floats(np.unique(floats[~np.isnan(floats)]), single=False)
    if cells.native_kind == "i":
        whole = not len(cells.uniques) or max(abs(int(v)) for v in _ends(cells.uniques)) <= LARGEST_WHOLE
        return Numbers(whole=whole, decimals=0)
    return _of_floats(
        cells.uniques.astype(np.float64), single=str(cells.raw.dtype).lower() in ("float32", "float[pyarrow]")
    )


def _have_unit(texts: Array) -> bool:
    """Whether nearly all cells are numbers with one and the same mark before or after them (33.9%, € 5, 165cm)."""
    marks = [match["before"] + match["after"] for text in texts if (match := _WITH_UNIT.fullmatch(text))]
    if len(marks) < 0.9 * len(texts):
        return False
    commonest = max(set(marks), key=marks.count)
    return bool(commonest) and not commonest.isupper() and marks.count(commonest) >= 0.5 * len(texts)


def _ends(values: Array) -> tuple[Any, Any]:
    return values.min(), values.max()


def _of_floats(values: Array, *, single: bool) -> Numbers:
    finite = values[np.isfinite(values)]
    questions: tuple[str, ...] = ()
    if len(finite) < len(values):
        questions = ("Some cells are infinite, which no model can hold: replace them, or make them missing.",)
    decimals = _meaningful(decimals_of(finite, single=single), finite)
    small = not len(finite) or float(np.abs(finite).max()) <= LARGEST_EXACT_FLOAT
    return Numbers(whole=decimals == 0 and small, decimals=decimals, questions=questions)


def decimals_of(values: Array, *, single: bool = False) -> int | None:
    """Smallest number of decimals that represents every value, or None where 15 do not.

    Args:
        values: Finite numbers, shape (n,).
        single: Whether they were stored with 32 bits, so that 0.1 is the nearest such number.
    """
    open_ = values
    for decimals in range(MOST_DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(open_, decimals)
        same = rounded.astype(np.float32) == open_.astype(np.float32) if single else rounded == open_
        open_ = open_[~same]
        if not len(open_):
            return decimals
    return None


def _meaningful(decimals: int | None, values: Array) -> int | None:
    """The decimals, unless the values have more digits than a float can tell apart (averages, conversions)."""
    if not decimals or not len(values):
        return decimals
    before_point = np.floor(np.log10(max(float(np.abs(values).max()), 1e-300))) + 1
    return decimals if decimals + max(before_point, 0) <= MOST_DIGITS else None


def _decimals_of_texts(texts: Array) -> int | None:
    most = 0
    for text in texts:
        if "e" in text or "E" in text:
            try:
                exponent = Decimal(text).normalize().as_tuple().exponent
            except InvalidOperation:
                return None
            most = max(most, -exponent if isinstance(exponent, int) else 0)
        elif "." in text:
            most = max(most, len(text.partition(".")[2].rstrip("0")))
        if most > MOST_DECIMALS:
            return None
    return most


def _small_enough(texts: Array) -> bool:
    """Whether whole numbers can be held exactly: digits up to 2**62, others (3.0, 1e3) as far as floats are exact."""
    plain = [text for text in texts if text.lstrip("+-").isdigit()]
    others = [text for text in texts if not text.lstrip("+-").isdigit()]
    limit = LARGEST_WHOLE if not others else LARGEST_EXACT_FLOAT
    return all(abs(int(text)) <= limit for text in plain) and all(abs(float(text)) <= limit for text in others)


def _digits_before_point(text: str) -> int:
    if "e" in text or "E" in text:
        return 0
    return len(text.lstrip("+-").partition(".")[0])


def _one_word_besides(texts: Array, counts: Array, others: Array, numeric: Array, k: int) -> str | None:
    """The only text besides many numbers, where it is a word without digits on k rows and 1 % of them, or more."""
    if int(others.sum()) != 1 or int(numeric.sum()) <= _FEW_NUMBERS:
        return None
    if int(counts[others][0]) < max(k, 0.01 * counts.sum()):
        return None
    word = str(texts[others][0])
    return word if len(word) <= 20 and word.replace(" ", "").isalpha() else None


def _mostly_numbers(texts: Array, counts: Array, numeric: Array, others: Array) -> tuple[str, ...]:
    share = counts[numeric].sum() / counts.sum()
    if share < 0.5 or int(numeric.sum()) <= _FEW_NUMBERS:
        return ()
    return (
        f"{share:.0%} of the cells are numbers, {int(counts[others].sum())} cells are not; rewrite those, or list "
        "their spellings under missing_values and set type: number.",
    )
