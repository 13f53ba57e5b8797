"""What becomes of the cells of one column under a treatment: coarser ones that Safe Harbor lets stand.

Decisions
- 29 February loses its day and month like any other date; a year, once cut, stays what it is.
- Numbers under `year` are years, yyyymmdd (also with hhmm or hhmmss behind it), yyyymm, yyyyddd, ddmmyyyy, Excel
  serials (of the 1900 system) or Unix time in any unit, told apart by their size and by which of them exist.
  Unix time is read as UTC.
- An age of 90 or more is written 90 in the column's own unit (1080 months); the new schema says what 90 means.
- A negative age, and one above 130 years, is an error that names the column: nobody can say what was meant by it.
- Years of birth from `as_of` minus 90 on backwards become one: they tell an age over 89 or come close to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.identifiers.written_dates import FIRST_YEAR, LAST_AGE, LAST_YEAR
from tabsynth.identifiers.zip_codes import STATE_OF_PREFIX, WITHHELD, are_prefixes, state_of, zip3
from tabsynth.schema.columns import Column, DateTime
from tabsynth.schema.moments import to_local
from tabsynth.schema.values import Values, category_text

Array = np.ndarray[Any, Any]

OLDEST = 130
"""Years above which an age is an error."""
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25}
_EXCEL = (7_300, 80_400)  # 1919 to 2120


@dataclass(frozen=True)
class Generalised:
    """Cells after a treatment."""

    cells: pd.Series
    n_lost: int
    """Cells whose value could not be read as what the treatment is for; they are withheld."""


def to_zip3(values: Values, *, are_short: bool | None = None) -> Generalised:
    """Three-digit ZIP codes; 000 where few people share them or the cell is no US ZIP code.

    Args:
        values: The cells.
        are_short: Whether codes of three digits are prefixes; None where all cells together have to say, which private
            rows may not: one longer code would change what becomes of everybody's.
    """
    return _by_text(values, lambda text, short: zip3(text, are_short=short), WITHHELD, are_short)


def to_state(values: Values, *, are_short: bool | None = None) -> Generalised:
    """Postal abbreviation of the state of a ZIP code, or of a text that names one; missing where it tells none.

    See `to_zip3` for `are_short`.
    """
    known = frozenset(STATE_OF_PREFIX.values())

    def state(text: str, short: bool) -> str | None:
        if text.strip().upper() in known:
            return text.strip().upper()
        if (found := state_of(text, are_short=short)) is not None:
            return found
        words = text.replace(",", " ").split()
        named = [word for word in words[1:] if word in known]
        if named:
            return named[-1]
        codes = [word for word in words[1:] if word[:5].isdigit() and len(word) in (5, 10)]
        return state_of(codes[-1]) if codes else None

    return _by_text(values, state, None, are_short)


def _by_text(
    values: Values, change: Callable[[str, bool], str | None], withheld: str | None, are_short: bool | None
) -> Generalised:
    codes, distinct = pd.factorize(values.array)
    texts = [category_text(value).strip() for value in distinct]
    there = np.zeros(len(texts), bool)
    there[codes[~values.missing]] = True
    short = are_short
    if short is None:
        short = are_prefixes(text for text, present in zip(texts, there, strict=True) if present)
    changed = np.array([change(text, short) for text in texts], dtype=object)
    cells = changed[codes] if len(texts) else np.empty(0, dtype=object)
    lost = np.array([cell == withheld for cell in cells], bool) & ~values.missing
    unread = np.array([not any(c.isdigit() for c in text) or not _is_us(text) for text in texts], bool)
    n_lost = int((lost & unread[codes]).sum()) if len(texts) else 0
    cells[values.missing] = None
    return Generalised(pd.Series(cells, dtype=object), n_lost)


def _is_us(text: str) -> bool:
    return text.replace("-", "").replace(" ", "").removesuffix(".0").isdigit()


def years_of(values: Values, column: Column) -> tuple[Array, Array]:
    """The year of each cell and whether it could be read; both (n_rows,)."""
    if isinstance(column, DateTime):
        local = values.array if column.time_zone is None else to_local(values.array, column.time_zone)
        years = local.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
        return years, ~values.missing
    return years_of_numbers(values.array.astype(np.float64)), ~values.missing


def years_of_numbers(numbers: Array) -> Array:
    """Years of numbers that are years, dates of bare digits, Excel serials or Unix time; -1 where they are none."""
    years = np.full(len(numbers), -1, np.int64)
    whole = np.floor(numbers)
    months, days, minutes, seconds = whole // 100, whole // 1000, whole // 10**4, whole // 10**6
    epochs = {8: 1, 11: 1_000, 14: 1_000_000, 17: 1_000_000_000}
    rules: tuple[tuple[Array, Callable[[Array], Array]], ...] = (
        (_is_year(whole), lambda n: n),
        ((whole >= _EXCEL[0]) & (whole <= _EXCEL[1]), lambda n: _year_after("1899-12-30", n * 86_400)),
        (_is_day(whole), lambda n: n // 10**4),
        (_is_day(minutes) & _is_clock(whole % 10**4), lambda n: n // 10**8),
        (_is_day(seconds) & _is_clock(whole // 100 % 10**4), lambda n: n // 10**10),
        (_is_year(months) & _is_from(whole % 100, 12), lambda n: n // 100),
        (_is_year(days) & _is_from(whole % 1000, 366), lambda n: n // 1000),
        (_is_year(whole % 10**4) & _is_day_and_month(minutes), lambda n: n % 10**4),
        (_is_year(minutes), lambda n: n // 10**4),
        *(
            ((whole >= 10**low) & (whole < 5 * 10 ** (low + 1)), lambda n, u=unit: _year_after("1970-01-01", n // u))
            for low, unit in epochs.items()
        ),
    )
    for rows, year in rules:
        rows = rows & (years < 0)
        years[rows] = year(whole[rows]).astype(np.int64)
    return years


def _is_year(numbers: Array) -> Array:
    return (numbers >= FIRST_YEAR) & (numbers <= LAST_YEAR)


def _is_from(numbers: Array, last: int) -> Array:
    """Whether numbers lie between 1 and the last one."""
    return (numbers >= 1) & (numbers <= last)


def _is_day(numbers: Array) -> Array:
    """Whether numbers are yyyymmdd."""
    return _is_year(numbers // 10**4) & _is_from(numbers // 100 % 100, 12) & _is_from(numbers % 100, 31)


def _is_clock(numbers: Array) -> Array:
    """Whether numbers are hours and minutes, hhmm."""
    return (numbers // 100 <= 24) & (numbers % 100 <= 59)


def _is_day_and_month(numbers: Array) -> Array:
    """Whether numbers are ddmm or mmdd."""
    first, second = numbers // 100, numbers % 100
    return _is_from(np.minimum(first, second), 12) & _is_from(np.maximum(first, second), 31)


def to_year(values: Values, column: Column) -> Generalised:
    """The year alone."""
    years, there = years_of(values, column)
    return _years(years, there)


def to_birth_year(values: Values, column: Column, as_of: date) -> Generalised:
    """The year of birth; years that tell an age over 89 on `as_of`, or come close to it, as one."""
    years, there = years_of(values, column)
    eldest = as_of.year - LAST_AGE - 1
    return _years(np.where((years >= 0) & (years < eldest), eldest, years), there)


def to_age_90(values: Values, unit: str | None) -> tuple[Generalised, int]:
    """Ages with all from 90 years on as 90, in the column's unit.

    Args:
        values: Whole or real numbers.
        unit: `years`, `months`, `weeks` or `days`; years where it is None or another word.

    Returns:
        The ages, and how many cells are below 0 or above 130 years, which are left as they are.
    """
    top = ninety(unit)
    wrong = ~values.missing & ((values.array < 0) | (values.array > OLDEST * top / 90))
    array = np.where(values.array >= top, top, values.array).astype(values.array.dtype)
    cells = pd.Series(array)
    if values.missing.any():
        cells = cells.astype("Int64" if array.dtype.kind == "i" else "float64").mask(values.missing)
    return Generalised(cells, 0), int(wrong.sum())


def ninety(unit: str | None) -> int:
    """90 years in a unit: 90 years, 1080 months, 4696 weeks, 32873 days, rounded up."""
    letter = (unit or "y").strip().lower()[:1]
    return int(np.ceil(90 * _PER_YEAR.get(letter, 1.0)))


def shifted(values: Values, column: DateTime, days: Array) -> Generalised:
    """Dates moved by a number of days of each row, (n_rows,); the time of day stays."""
    micros = values.array + days.astype(np.int64) * 86_400_000_000
    return Generalised(pd.Series(micros.astype("datetime64[us]")).mask(values.missing), 0)


def _years(years: Array, there: Array) -> Generalised:
    read = there & (years >= 0)
    cells = pd.Series(np.where(read, years, 0), dtype="int64")
    if not read.all():
        cells = cells.astype("Int64").mask(~read)
    return Generalised(cells, int((there & ~read).sum()))


def _year_after(start: str, seconds: Array) -> Array:
    moments = np.datetime64(start, "s") + seconds.astype(np.int64).astype("timedelta64[s]")
    return moments.astype("datetime64[Y]").astype(np.int64) + 1970
