"""Typed values of a column: one canonical array per kind, whatever the table was made of.

kind                                     array                                       at missing cells
identifier, categorical, ordinal, text   object array of str                         ""
boolean                                  bool                                        False
integer                                  int64                                       0
number                                   float64                                     0.0
datetime                                 int64, microseconds since 1970 (UTC where   0
                                         the column has a time zone, else wall clock)

`parse_column` reads text cells (CSV) and native cells (pandas, Parquet) alike; `format_column` writes them back.

Decisions
- Text is parsed by its distinct spellings: a date column of a million rows has a few thousand of them.
- Microseconds, not nanoseconds: all years from 1 to 9999 fit, and historical records have them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from tabsynth.schema import moments, numerals
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.schema.moments import to_micros as to_micros

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: no text, and no file or column of Arrow can hold it."""
ORDERED_CATEGORY = "ordered category"
"""How pandas' ordered categories are remembered, which it calls `category` like the others."""
TRUE_SPELLINGS = frozenset({"true", "t", "yes", "y", "1", "on"})
FALSE_SPELLINGS = frozenset({"false", "f", "no", "n", "0", "off"})


@dataclass(frozen=True, repr=False)
class Values:
    """Canonical values of one column and which of its cells are missing."""

    array: np.ndarray[Any, Any]  # (n_rows,)
    missing: np.ndarray[Any, np.dtype[np.bool_]]  # (n_rows,)

    def __repr__(self) -> str:
        """Counts and no cell: what ends a notebook's cell or stands in a log may be read by others."""
        return f"Values(n_rows={len(self)}, n_missing={np.count_nonzero(self.missing)})"

    def take(self, rows: np.ndarray[Any, Any]) -> Values:
        """The rows that an index array or a mask selects."""
        return Values(self.array[rows], self.missing[rows])

    def __len__(self) -> int:
        return len(self.array)


@dataclass(frozen=True)
class TypedTable:
    """Typed columns of equal length, by name."""

    columns: Mapping[str, Values]
    n_rows: int

    def take(self, rows: np.ndarray[Any, Any]) -> TypedTable:
        """The rows that an index array or a mask selects."""
        columns = {name: values.take(rows) for name, values in self.columns.items()}
        n_rows = int(rows.sum()) if rows.dtype == np.bool_ else len(rows)
        return TypedTable(columns, n_rows)

    @staticmethod
    def stacked(tables: Sequence[TypedTable]) -> TypedTable:
        """The rows of one table or more with the same columns, one after the other."""
        if len(tables) == 1:
            return tables[0]
        columns = {
            name: Values(
                np.concatenate([table.columns[name].array for table in tables]),
                np.concatenate([table.columns[name].missing for table in tables]),
            )
            for name in tables[0].columns
        }
        return TypedTable(columns, sum(table.n_rows for table in tables))


@dataclass(frozen=True)
class Parsed:
    """Result of reading a column: its values, and the rows whose cells could not be read (they count as missing)."""

    values: Values
    invalid: np.ndarray[Any, np.dtype[np.bool_]]  # (n_rows,)


def parse_column(raw: pd.Series, column: Column) -> Parsed:
    """Read the cells of one column as its kind.

    Args:
        raw: Cells as they came: text from a CSV file, or native values. Shape (n_rows,).
        column: The declared kind.

    Returns:
        Canonical values, with unreadable cells marked `invalid` and counted as missing.
    """
    if isinstance(raw.dtype, pd.CategoricalDtype):
        return _spread(parse_column(pd.Series(raw.cat.categories), column), raw.cat.codes.to_numpy(), column)
    if isinstance(raw.dtype, pd.SparseDtype):
        raw = raw.astype(raw.dtype.subtype)
    kind = _storage_kind(raw)
    if isinstance(column, Integer | Number) and kind in "biufm":
        return _parsed(numerals.read_native(raw, kind, column))
    if isinstance(column, Integer | Number) and kind == "M":
        gone = raw.isna().to_numpy(bool)
        return Parsed(_all_missing(len(raw), column), ~gone)
    if isinstance(column, DateTime) and kind == "M":
        return _parse_native_datetimes(raw, column)
    if isinstance(column, Boolean) and kind == "b":
        missing = raw.isna().to_numpy(bool)
        array = raw.fillna(False).to_numpy(bool) if missing.any() else raw.to_numpy(bool)
        return Parsed(Values(array, missing), np.zeros(len(raw), bool))
    return _parse_text(raw if kind != "?" else raw.astype(object), column)


def format_column(values: Values, column: Column, *, name: str, storage: str | None = None) -> pd.Series:
    """Write canonical values back as a pandas column.

    Args:
        values: Canonical values, shape (n_rows,).
        column: The declared kind; its format, labels and decimals decide the spelling.
        name: Name of the result.
        storage: dtype of the column that the model learned from, restored where the values fit it.

    Returns:
        Native values, or text where the column has a `format`, `labels` or a decimal comma.
    """
    series: pd.Series = _natural_series(values, column, name)
    if storage is None or str(series.dtype) == storage:
        return series
    try:
        restored: pd.Series = _restore(series, storage, column)
    except (TypeError, ValueError, OverflowError):
        return series
    return restored if _same_cells(series, restored) else series


def category_text(value: object) -> str:
    """The canonical text of a category: whole numbers without a trailing ".0"."""
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    return str(value)


def _storage_kind(raw: pd.Series) -> str:
    """Numpy's letter for what the cells are; "O" for text and Python objects, "?" for Arrow types that numpy lacks."""
    if not isinstance(raw.dtype, pd.ArrowDtype):
        return str(raw.dtype.kind)
    arrow = raw.dtype.pyarrow_dtype
    if str(arrow).startswith(("timestamp", "duration")):
        return str(raw.dtype.kind)
    if str(arrow) in {"string", "large_string"}:
        return "O"
    if str(arrow).startswith("decimal"):
        return "f"
    return (
        str(raw.dtype.kind) if str(arrow).startswith(("int", "uint", "float", "halffloat", "double", "bool")) else "?"
    )


def _parse_native_datetimes(raw: pd.Series, column: DateTime) -> Parsed:
    micros, missing = moments.read_native(raw, column.time_zone)
    if column.missing_values:
        codes, known = moments.read_texts(
            np.array(column.missing_values, dtype=object), _formats(column), column.time_zone
        )
        missing = missing | np.isin(micros, codes[known])
    return Parsed(Values(np.where(missing, 0, micros), missing), np.zeros(len(raw), bool))


def _parse_text(raw: pd.Series, column: Column) -> Parsed:
    """Parse by distinct spellings, then spread the result over the rows."""
    try:
        codes, cells = _distinct(raw)
    except TypeError:  # lists, dicts: cells that cannot be compared
        codes, cells = _distinct(raw.map(lambda cell: cell if _is_hashable(cell) else b""))
    native = np.array([not isinstance(cell, str) for cell in cells], dtype=bool)
    opaque = np.array([isinstance(cell, bytes) for cell in cells], dtype=bool) & native
    texts = np.array([_cell_text(cell) for cell in cells], dtype=object) if native.any() else cells
    if isinstance(column, Integer | Number | DateTime | Boolean):
        texts = np.array([text.strip() for text in texts], dtype=object)
    absent = _is_one_of(texts, ("", *column.missing_values))
    parsed = _parse_distinct(texts, absent | opaque, native, column)
    invalid = parsed.invalid | opaque
    return _spread(Parsed(parsed.values, invalid), codes, column)


def _distinct(raw: pd.Series) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Place of each cell among the distinct ones, -1 for a missing one, and these; (n_rows,) and (n_distinct,).

    To Python True, 1 and 1.0 are the same. Where they meet in a column of objects, each kind is taken by itself,
    or what stands in one row would change how others are read.
    """
    if raw.dtype != object or not pd.api.types.infer_dtype(raw, skipna=True).startswith("mixed"):
        codes, uniques = pd.factorize(raw, use_na_sentinel=True)
        return codes, np.asarray(uniques, dtype=object)
    kinds, first = pd.factorize(raw.map(type).where(raw.notna()), use_na_sentinel=True)
    codes = np.full(len(raw), -1, np.int64)
    cells: list[Any] = []
    for kind in range(len(first)):
        rows = np.flatnonzero(kinds == kind)
        codes[rows], uniques = pd.factorize(raw.iloc[rows], use_na_sentinel=True)
        codes[rows] += len(cells)
        cells += list(uniques)
    found = np.empty(len(cells), dtype=object)
    found[:] = cells
    return codes, found


def _is_hashable(cell: object) -> bool:
    try:
        hash(cell)  # a tuple says that it is, whatever it holds
    except TypeError:
        return False
    return True


def _parsed(numbers: numerals.Numbers) -> Parsed:
    return Parsed(Values(numbers.array, numbers.missing), numbers.invalid)


def _spread(distinct: Parsed, codes: np.ndarray[Any, Any], column: Column) -> Parsed:
    """Distinct values to rows by their codes; code -1 is a missing cell and finds the entry added at the end."""
    array = np.append(distinct.values.array, _all_missing(1, column).array)
    missing = np.append(distinct.values.missing, True)
    invalid = np.append(distinct.invalid, False)
    return Parsed(Values(array[codes], missing[codes]), invalid[codes])


def _parse_distinct(
    texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], native: np.ndarray[Any, Any], column: Column
) -> Parsed:
    """Parse distinct spellings; `native` marks those that were no text in the table. All of shape (n_distinct,)."""
    if isinstance(column, Integer | Number):
        return _parsed(numerals.read_texts(texts, absent, native, column))
    if isinstance(column, Boolean):
        return _booleans_from_text(texts, absent, column)
    if isinstance(column, DateTime):
        return _datetimes_from_text(texts, absent, native, column)
    if isinstance(column, Categorical | Ordinal) and column.categories and not isinstance(column.categories[0], str):
        floats = numerals.floats(texts, absent)
        texts = np.array(
            [category_text(f) if np.isfinite(f) else t for f, t in zip(floats, texts, strict=True)], dtype=object
        )
        absent = absent | _is_one_of(texts, column.missing_values)
    broken = np.array([_HALF_A_PAIR.search(text) is not None for text in texts], dtype=bool) & ~absent
    array = np.where(absent | broken, "", texts).astype(object)
    return Parsed(Values(array, absent | broken), broken)


def _is_one_of(texts: np.ndarray[Any, Any], listed: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([text in listed for text in texts], dtype=bool)


def _cell_text(cell: object) -> str:
    if isinstance(cell, datetime | date) and not isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    return "" if isinstance(cell, bytes) else category_text(cell)


def _booleans_from_text(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], column: Boolean) -> Parsed:
    false, true = set(FALSE_SPELLINGS), set(TRUE_SPELLINGS)
    if column.labels is not None:
        false, true = ({label.strip().casefold()} for label in column.labels)
    if false != true:
        spelled = [text.casefold() for text in texts]
    else:  # the labels differ by case alone
        false, true = ({label.strip()} for label in column.labels or ())
        spelled = list(texts)
    array = np.array([text in true for text in spelled], dtype=bool)
    known = np.array([text in true or text in false for text in spelled], dtype=bool)
    invalid = ~absent & ~known
    return Parsed(Values(array & ~absent, absent | invalid), invalid)


def _datetimes_from_text(
    texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], native: np.ndarray[Any, Any], column: DateTime
) -> Parsed:
    micros = np.zeros(len(texts), np.int64)
    found = np.zeros(len(texts), bool)
    # Numbers such as 2020 or 20200131 are not text, yet written in the column's format.
    for rows, formats in ((~absent, _formats(column)), (~absent & native, (moments.ISO,))):
        rows = rows & ~found
        micros[rows], found[rows] = moments.read_texts(texts[rows], formats, column.time_zone)
    invalid = ~absent & ~found
    return Parsed(Values(micros, absent | invalid), invalid)


def _formats(column: DateTime) -> tuple[str, ...]:
    return (column.format,) if isinstance(column.format, str) else column.format or (moments.ISO,)


def _all_missing(n_rows: int, column: Column) -> Values:
    missing = np.ones(n_rows, bool)
    if isinstance(column, Boolean):
        return Values(np.zeros(n_rows, bool), missing)
    if isinstance(column, Integer | DateTime):
        return Values(np.zeros(n_rows, np.int64), missing)
    if isinstance(column, Number):
        return Values(np.zeros(n_rows, np.float64), missing)
    return Values(np.full(n_rows, "", dtype=object), missing)


def _restore(series: Any, storage: str, column: Column) -> Any:
    """The series in another dtype; raises what pandas raises where it cannot be."""
    if storage == ORDERED_CATEGORY and isinstance(column, Ordinal):
        return series.astype(pd.CategoricalDtype(list(column.categories), ordered=True))
    if storage.startswith("timedelta"):
        return pd.to_timedelta(series, unit="s").astype(storage)
    if series.dtype.kind == "M" and storage.startswith(("datetime64[", "timestamp[")):
        zoned = "," in storage or "tz=" in storage
        if zoned and series.dt.tz is None:  # UTC, since cells with an offset were read so
            return series.dt.tz_localize("UTC").astype(storage)
        return series.astype(storage)
    return series.astype(storage)


def _same_cells(series: pd.Series, restored: pd.Series) -> bool:
    """Whether nothing was cut, wrapped or turned into a truth value on the way."""
    if not pd.api.types.is_integer_dtype(restored.dtype) and not pd.api.types.is_bool_dtype(restored.dtype):
        return True
    there = series.notna().to_numpy(bool)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return bool((series[there].to_numpy(np.float64) == restored[there].to_numpy(np.float64)).all())
    return [str(cell) for cell in restored[there]] == [str(cell) for cell in series[there]]


def _natural_series(values: Values, column: Column, name: str) -> Any:
    array, missing = values.array, values.missing
    gaps = bool(missing.any())
    if isinstance(column, Integer):
        series = pd.Series(array, name=name)
        return series.astype("Int64").mask(missing) if gaps else series
    if isinstance(column, Number):
        rounded = array if column.decimals is None else np.round(array, column.decimals)
        rounded = np.where(rounded == 0, 0.0, rounded)  # no "-0.0"
        if column.decimal_mark == ",":
            texts = [
                None if gone else _comma(value, column.decimals) for value, gone in zip(rounded, missing, strict=True)
            ]
            return pd.Series(texts, name=name, dtype=_TEXT)
        return pd.Series(np.where(missing, np.nan, rounded), name=name)
    if isinstance(column, Boolean):
        if column.labels is not None:
            spelled = np.array(column.labels, dtype=object)[array.astype(np.int8)]
            return _text_series(spelled, missing, name)
        series = pd.Series(array, name=name)
        return series.astype("boolean").mask(missing) if gaps else series
    if isinstance(column, DateTime):
        return _datetime_series(values, column, name)
    if isinstance(column, Categorical | Ordinal) and column.categories and not isinstance(column.categories[0], str):
        whole = all(isinstance(item, int) for item in column.categories)
        numbers = numerals.floats(array, missing)
        if np.isnan(numbers).any():  # a label for pooled categories among numbers
            return _text_series(array, missing, name)
        if not whole:
            return pd.Series(np.where(missing, np.nan, numbers), name=name)
        series = pd.Series(numbers.astype(np.int64), name=name)
        return series.astype("Int64").mask(missing) if gaps else series
    return _text_series(array, missing, name)


# What pandas itself makes of text.
_TEXT: Any = "str" if int(pd.__version__.split(".")[0]) >= 3 else object


def _comma(value: float, decimals: int | None) -> str:
    text = repr(float(value)) if decimals is None else f"{value:.{decimals}f}"
    return text.replace(".", ",")


def _text_series(array: np.ndarray[Any, Any], missing: np.ndarray[Any, Any], name: str) -> pd.Series:
    cells = array.astype(object)
    cells[missing] = None
    return pd.Series(cells, name=name, dtype=_TEXT)


def _datetime_series(values: Values, column: DateTime, name: str) -> Any:
    if column.format is None:
        array = values.array
        if column.time_zone is not None:  # Python has no clock beyond the year 9999
            array = np.clip(array, moments.FIRST_SECOND, moments.LAST_SECOND)
        stamps: Any = pd.Series(array.astype("datetime64[us]"), name=name)
        if column.time_zone is not None:
            stamps = stamps.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo(column.time_zone))
        return stamps.mask(values.missing)
    codes, uniques = pd.factorize(values.array)
    texts = moments.write_texts(uniques, _formats(column)[0], column.time_zone)
    return _text_series(texts[codes], values.missing, name)
