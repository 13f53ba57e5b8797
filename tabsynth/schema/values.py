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

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.model import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal

TRUE_SPELLINGS = frozenset({"true", "t", "yes", "y", "1", "on"})
FALSE_SPELLINGS = frozenset({"false", "f", "no", "n", "0", "off"})


@dataclass(frozen=True)
class Values:
    """Canonical values of one column and which of its cells are missing."""

    array: np.ndarray[Any, Any]  # (n_rows,)
    missing: np.ndarray[Any, np.dtype[np.bool_]]  # (n_rows,)

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
        raw = raw.astype(raw.cat.categories.dtype) if not raw.isna().any() else raw.astype(object)
    native = not _is_text(raw)
    if native and isinstance(column, Integer | Number):
        return _parse_native_numbers(raw, column)
    if native and isinstance(column, DateTime) and raw.dtype.kind == "M":
        return _parse_native_datetimes(raw, column)
    if native and isinstance(column, Boolean) and pd.api.types.is_bool_dtype(raw.dtype):
        missing = raw.isna().to_numpy(bool)
        array = raw.fillna(False).to_numpy(bool) if missing.any() else raw.to_numpy(bool)
        return Parsed(Values(array, missing), np.zeros(len(raw), bool))
    return _parse_text(raw, column)


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
    series = _natural_series(values, column, name)
    if storage is None or str(series.dtype) == storage:
        return series
    try:
        if storage.startswith("timedelta"):
            return pd.to_timedelta(series, unit="s").astype(storage)
        if storage.startswith("datetime64") and series.dtype.kind == "M":
            return series.astype(storage)
        return series.astype(storage)
    except (TypeError, ValueError, OverflowError):
        return series


def category_text(value: object) -> str:
    """The canonical text of a category: whole numbers without a trailing ".0"."""
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def to_micros(moment: str, time_zone: str | None) -> int:
    """An ISO 8601 text as microseconds since 1970, in the clock of a column with `time_zone`."""
    parsed = datetime.fromisoformat(moment)
    if time_zone is not None and parsed.tzinfo is None:
        from zoneinfo import ZoneInfo

        parsed = parsed.replace(tzinfo=ZoneInfo(time_zone))
    return _micros(parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed)


def _micros(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _is_text(raw: pd.Series) -> bool:
    return raw.dtype == object or isinstance(raw.dtype, pd.StringDtype) or pd.api.types.is_string_dtype(raw.dtype)


def _parse_native_numbers(raw: pd.Series, column: Integer | Number) -> Parsed:
    if raw.dtype.kind == "m":
        raw = raw.dt.total_seconds()
    elif raw.dtype.kind == "M":
        return Parsed(_all_missing(len(raw), column), ~raw.isna().to_numpy(bool))
    missing = raw.isna().to_numpy(bool)
    if isinstance(column, Integer) and pd.api.types.is_integer_dtype(raw.dtype):
        filled = raw.fillna(0) if missing.any() else raw
        if raw.dtype.kind == "u" and len(filled) and int(filled.max()) > np.iinfo(np.int64).max:
            too_large = (filled > np.iinfo(np.int64).max).to_numpy(bool)
            return Parsed(Values(filled.mask(too_large, 0).to_numpy(np.int64), missing | too_large), too_large)
        return Parsed(Values(filled.to_numpy(np.int64), missing), np.zeros(len(raw), bool))
    floats = raw.to_numpy(dtype=np.float64, na_value=np.nan)
    return _numbers(floats, missing, column)


def _numbers(floats: np.ndarray[Any, Any], missing: np.ndarray[Any, Any], column: Integer | Number) -> Parsed:
    """Split floats into values, gaps and cells that are no number of this kind."""
    invalid = ~missing & ~np.isfinite(floats)
    if isinstance(column, Integer):
        clean = np.where(np.isfinite(floats), floats, 0.0)
        invalid |= ~missing & ((clean != np.floor(clean)) | (np.abs(clean) > 2**62))
        array: np.ndarray[Any, Any] = np.where(missing | invalid, 0.0, clean).astype(np.int64)
    else:
        array = np.where(missing | invalid, 0.0, floats)
    return Parsed(Values(array, missing | invalid), invalid)


def _parse_native_datetimes(raw: pd.Series, column: DateTime) -> Parsed:
    missing = raw.isna().to_numpy(bool)
    zone = getattr(raw.dtype, "tz", None)
    if zone is None and column.time_zone:
        raw = raw.dt.tz_localize(column.time_zone, ambiguous=np.zeros(len(raw), bool), nonexistent="shift_forward")
        zone = column.time_zone
    if zone is not None:
        raw = raw.dt.tz_convert("UTC").dt.tz_localize(None)
    micros = raw.to_numpy().astype("datetime64[us]").astype(np.int64)
    return Parsed(Values(np.where(missing, 0, micros), missing), np.zeros(len(raw), bool))


def _parse_text(raw: pd.Series, column: Column) -> Parsed:
    """Parse by distinct spellings, then spread the result over the rows."""
    codes, uniques = pd.factorize(raw, use_na_sentinel=True)
    texts = np.array([category_text(value) for value in uniques], dtype=object)
    absent = np.isin(texts, ["", *column.missing_values]) if len(texts) else np.zeros(0, bool)
    if isinstance(column, Integer | Number | DateTime | Boolean) and len(texts):
        texts = np.array([text.strip() for text in texts], dtype=object)
        absent = absent | (texts == "") | np.isin(texts, column.missing_values)
    parsed = _parse_distinct(texts, absent, column)
    # One more entry at the end, so that code -1 (missing) finds it.
    array = np.append(parsed.values.array, _all_missing(1, column).array)
    missing = np.append(parsed.values.missing, True)
    invalid = np.append(parsed.invalid, False)
    return Parsed(Values(array[codes], missing[codes]), invalid[codes])


def _parse_distinct(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], column: Column) -> Parsed:
    if isinstance(column, Integer):
        return _integers_from_text(texts, absent, column)
    if isinstance(column, Number):
        if column.decimal_mark == ",":
            texts = np.array([text.replace(",", ".") for text in texts], dtype=object)
        floats = _floats(texts, absent)
        return _numbers(floats, absent, column)
    if isinstance(column, Boolean):
        return _booleans_from_text(texts, absent, column)
    if isinstance(column, DateTime):
        return _datetimes_from_text(texts, absent, column)
    if isinstance(column, Categorical | Ordinal) and column.categories and not isinstance(column.categories[0], str):
        floats = _floats(texts, absent)
        texts = np.array(
            [category_text(f) if np.isfinite(f) else t for f, t in zip(floats, texts, strict=True)], dtype=object
        )
    array = np.where(absent, "", texts).astype(object)
    return Parsed(Values(array, absent), np.zeros(len(texts), bool))


def _floats(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    filled = pd.Series(np.where(absent, "0", texts), dtype=object)
    return pd.to_numeric(filled, errors="coerce").to_numpy(np.float64)


def _integers_from_text(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], column: Integer) -> Parsed:
    filled = pd.Series(np.where(absent, "0", texts), dtype=object)
    numbers = pd.to_numeric(filled, errors="coerce")
    if numbers.dtype.kind == "i":
        return Parsed(Values(numbers.to_numpy(np.int64), absent), np.zeros(len(texts), bool))
    return _numbers(numbers.to_numpy(np.float64), absent, column)


def _booleans_from_text(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], column: Boolean) -> Parsed:
    if column.labels is not None:
        false, true = ({label.strip().casefold()} for label in column.labels)
        if false == true:
            false, true = {column.labels[0]}, {column.labels[1]}
    else:
        false, true = set(FALSE_SPELLINGS), set(TRUE_SPELLINGS)
    folded = [text.casefold() for text in texts]
    array = np.array([text in true for text in folded], dtype=bool)
    known = np.array([text in true or text in false for text in folded], dtype=bool)
    invalid = ~absent & ~known
    return Parsed(Values(array & ~absent, absent | invalid), invalid)


def _datetimes_from_text(texts: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], column: DateTime) -> Parsed:
    formats = (column.format,) if isinstance(column.format, str) else column.format or ("ISO8601",)
    micros = np.zeros(len(texts), np.int64)
    open_ = ~absent
    for spelling in formats:
        rows = np.flatnonzero(open_)
        if not len(rows):
            break
        found, parsed = _datetimes_in_format(texts[rows], spelling, column.time_zone)
        micros[rows[found]] = parsed[found]
        open_[rows[found]] = False
    return Parsed(Values(micros, absent | open_), open_)


def _datetimes_in_format(
    texts: np.ndarray[Any, Any], spelling: str, time_zone: str | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Which texts are datetimes in `spelling`, and their microseconds."""
    fast = pd.to_datetime(pd.Series(texts, dtype=object), format=spelling, errors="coerce", utc=True)
    found = fast.notna().to_numpy(bool)
    wall = fast.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    micros = np.where(found, wall, 0)
    slow = np.flatnonzero(~found)
    for row in slow:  # out of pandas' range, or no datetime at all
        try:
            moment = datetime.fromisoformat(texts[row]) if spelling == "ISO8601" else datetime.strptime(texts[row], spelling)  # noqa: DTZ007
        except ValueError:
            continue
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        micros[row], found[row] = _micros(moment), True
    if time_zone is not None and time_zone != "UTC":
        local = np.array([_has_no_offset(text, spelling) for text in texts], dtype=bool) & found
        if local.any():
            moments = pd.Series(micros[local].astype("datetime64[us]"))
            shifted = moments.dt.tz_localize(
                time_zone, ambiguous=np.zeros(len(moments), bool), nonexistent="shift_forward"
            )
            utc = shifted.dt.tz_convert("UTC").dt.tz_localize(None)
            micros[local] = utc.to_numpy().astype("datetime64[us]").astype(np.int64)
    return found, micros


def _has_no_offset(text: str, spelling: str) -> bool:
    if spelling != "ISO8601":
        return "%z" not in spelling and "%Z" not in spelling
    clock = text[10:]
    return not ("+" in clock or "-" in clock or clock.upper().endswith("Z"))


def _all_missing(n_rows: int, column: Column) -> Values:
    missing = np.ones(n_rows, bool)
    if isinstance(column, Boolean):
        return Values(np.zeros(n_rows, bool), missing)
    if isinstance(column, Integer | DateTime):
        return Values(np.zeros(n_rows, np.int64), missing)
    if isinstance(column, Number):
        return Values(np.zeros(n_rows, np.float64), missing)
    return Values(np.full(n_rows, "", dtype=object), missing)


def _natural_series(values: Values, column: Column, name: str) -> pd.Series:
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
            return pd.Series(texts, name=name, dtype="str" if _PANDAS_3 else object)
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
        numbers = pd.to_numeric(pd.Series(np.where(missing, None, array), dtype=object), errors="coerce")
        if whole and numbers.notna().to_numpy()[~missing].all():
            return numbers.astype("Int64").rename(name) if gaps else numbers.astype(np.int64).rename(name)
        return numbers.astype(np.float64).rename(name)
    return _text_series(array, missing, name)


_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


def _comma(value: float, decimals: int | None) -> str:
    text = repr(float(value)) if decimals is None else f"{value:.{decimals}f}"
    return text.replace(".", ",")


def _text_series(array: np.ndarray[Any, Any], missing: np.ndarray[Any, Any], name: str) -> pd.Series:
    cells = np.where(missing, None, array) if missing.any() else array
    return pd.Series(cells, name=name, dtype="str" if _PANDAS_3 else object)


def _datetime_series(values: Values, column: DateTime, name: str) -> pd.Series:
    moments = pd.Series(values.array.astype("datetime64[us]"), name=name)
    if column.time_zone is not None:
        moments = moments.dt.tz_localize("UTC").dt.tz_convert(column.time_zone)
    if column.format is None:
        return moments.mask(values.missing)
    spelling = column.format if isinstance(column.format, str) else column.format[0]
    codes, uniques = pd.factorize(moments)
    texts = np.array([moment.strftime(spelling) for moment in uniques], dtype=object)
    return _text_series(texts[codes], values.missing, name)
