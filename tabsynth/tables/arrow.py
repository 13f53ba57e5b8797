"""Columns between Arrow (Parquet, polars, pyarrow) and pandas, with their types kept.

Arrow                                    pandas
integers, booleans                       numpy dtypes, nullable ones (`Int64`, `boolean`) where cells are missing
floats, decimals                         float dtypes; decimals as float64
text                                     `str` (pandas 3) or object
dates                                    `datetime64[us]`, with the name of the column reported beside
timestamps, durations                    `datetime64`, `timedelta64` of the same unit and time zone
times of day                             text
dictionary-encoded text or numbers       `category`
bytes                                    text where they are UTF-8
lists, structs, maps, other bytes        refused by name

Decisions
- Whole numbers with gaps never become floats: 2**53 + 1 would change, and so would the type of the output.
- Categories that no row has are dropped in both directions: the list of a column cut out of a larger table may name
  people who are not in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabsynth.errors import DataError
from tabsynth.schema.values import category_text
from tabsynth.tables.names import check_names, shown

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_TEXT = {pa.large_string(): pd.StringDtype(na_value=np.nan)} if PANDAS_3 else {}
_REFUSED: dict[str, tuple[type, ...]] = {
    "lists or records": (list, tuple, dict, set, frozenset, np.ndarray, pd.Series, pd.DataFrame),
    "bytes": (bytes, bytearray, memoryview),
    "complex numbers": (complex, np.complexfloating),
}
_REMEDY = "turn them into numbers, text, dates or booleans, or leave the column out"
_FAILURES = (ValueError, TypeError, KeyError, OverflowError, NotImplementedError)
"""What pyarrow and pandas raise for a column they cannot convert (`ArrowInvalid` is a ValueError)."""


def frame_from_arrow(table: pa.Table, where: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Convert an Arrow table.

    Args:
        table: Any Arrow table.
        where: What it is, for messages.

    Returns:
        The table in pandas, and the names of its date columns, which pandas holds as datetimes.

    Raises:
        DataError: Names are unusable, or a column holds lists, structs, bytes or another type that no cell can have.
    """
    check_names(table.column_names, where)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    series = {name: series_from_arrow(column, name, where) for name, column in columns.items()}
    dates = tuple(name for name, column in columns.items() if pa.types.is_date(column.type))
    return pd.DataFrame(series, copy=False), dates


def series_from_arrow(column: pa.ChunkedArray, name: str, where: str) -> pd.Series[Any]:
    """Convert one Arrow column.

    Raises:
        DataError: pandas has no cell for its type.
    """
    refuse_type(column.type, name, where)
    try:
        plain = _plain(column)
        mapping = {**_TEXT, **(_NULLABLE if plain.null_count else {})}
        series = plain.to_pandas(types_mapper=mapping.get).rename(name)
    except _FAILURES:
        raise _refusal(where, name, f"of type {column.type}, and some cannot be read") from None
    return without_unused_categories(series)


def table_from_frame(frame: pd.DataFrame, where: str) -> pa.Table:
    """Convert a pandas table; cells that no Arrow type holds together are written as text. The index is left out.

    Raises:
        DataError: Names are unusable, or a column holds lists, dicts, bytes or complex numbers.
    """
    names = list(frame.columns)
    check_names(names, where)
    return pa.table([array_from_series(frame[name], name, where) for name in names], names=names)


def array_from_series(series: pd.Series[Any], name: str, where: str) -> pa.ChunkedArray:
    """Convert one pandas column.

    Raises:
        DataError: It holds lists, dicts, bytes or complex numbers.
    """
    refuse_cells(series, name, where)
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.astype(series.dtype.subtype)
    series = without_unused_categories(series)
    try:
        array = _texts(series, name, where) if _is_mixture(series) else pa.array(series, from_pandas=True)
    except _FAILURES:
        array = _texts(series, name, where)
    value_type = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if isinstance(value_type, pa.BaseExtensionType) or pa.types.is_null(value_type):
        array = _texts(series, name, where)
    elif value_type == array.type == pa.string():  # one type for text, however pandas holds it
        array = array.cast(pa.large_string())
    elif value_type == pa.string():
        array = array.cast(pa.dictionary(array.type.index_type, pa.large_string(), array.type.ordered))
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def coarsest(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A timestamp or time column in the coarsest unit that holds all its values."""
    for unit in ("s", "ms", "us"):
        if pa.types.is_timestamp(column.type):
            target = pa.timestamp(unit, column.type.tz)
        else:
            target = pa.time64(unit) if unit == "us" else pa.time32(unit)
        try:
            return column.cast(target)
        except pa.ArrowInvalid:
            continue
    return column


def refuse_type(arrow_type: pa.DataType, name: str, where: str) -> None:
    """Refuse a column whose cells are no single values.

    Raises:
        DataError: The type is a list, struct, map or union.
    """
    inner = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    inner = inner.storage_type if isinstance(inner, pa.BaseExtensionType) else inner
    if pa.types.is_nested(inner) or pa.types.is_interval(inner):
        raise _refusal(where, name, "lists or records")


def refuse_cells(series: pd.Series[Any], name: str, where: str) -> None:
    """Refuse a pandas column whose cells are no single values.

    Raises:
        DataError: Some cell is a list, dict, array, bytes or complex number.
    """
    if isinstance(series.dtype, pd.ArrowDtype):
        refuse_type(series.dtype.pyarrow_dtype, name, where)
    cells = series.cat.categories if isinstance(series.dtype, pd.CategoricalDtype) else series
    kinds = set(map(type, cells.to_numpy())) if cells.dtype == object else {cells.dtype.type}
    for what, refused in _REFUSED.items():
        if any(issubclass(kind, refused) for kind in kinds):
            raise _refusal(where, name, what)


def without_unused_categories(series: pd.Series[Any]) -> pd.Series[Any]:
    """The column, with categories that no row has left out of its dtype."""
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return series
    return series.cat.remove_unused_categories()


def _refusal(where: str, name: str, what: str) -> DataError:
    return DataError(f"{where}: column {shown(name)}: its cells are {what}; {_REMEDY}")


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in an Arrow type that pandas has a dtype for."""
    arrow_type = column.type
    if isinstance(arrow_type, pa.BaseExtensionType):
        return _plain(pa.chunked_array([chunk.storage for chunk in column.chunks], arrow_type.storage_type))
    if pa.types.is_dictionary(arrow_type):
        value = arrow_type.value_type
        if pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_integer(value):
            return _signed(column.unify_dictionaries())
        return _plain(column.cast(value))
    if pa.types.is_date(arrow_type):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_decimal(arrow_type):
        return column.cast(pa.float64())
    if pa.types.is_float16(arrow_type):
        return column.cast(pa.float32())
    if pa.types.is_time(arrow_type):
        return coarsest(column).cast(pa.large_string())
    if pa.types.is_boolean(arrow_type) or pa.types.is_primitive(arrow_type):
        return column
    return column.cast(pa.large_string())  # text of all kinds, bytes that are UTF-8, and the null type


def _signed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary-encoded column with codes of a signed type, which older versions of pyarrow ask for."""
    ordered = column.type.ordered
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices.cast(pa.int32()), chunk.dictionary, ordered=ordered)
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), column.type.value_type, ordered))


def _is_mixture(series: pd.Series[Any]) -> bool:
    """Whether the cells are objects of several kinds; Arrow would cut a datetime among dates down to its date."""
    if series.dtype != object:
        return False
    kinds = set(map(type, series[series.notna()]))
    return len(kinds) > 1 and not all(issubclass(kind, int | float | np.number) for kind in kinds)


def _texts(series: pd.Series[Any], name: str, where: str) -> pa.Array:
    """The cells as text, each spelled on its own."""
    missing = series.isna().to_numpy(bool)
    cells = [None if gone else category_text(cell) for cell, gone in zip(series, missing, strict=True)]
    try:
        return pa.array(cells, pa.large_string())
    except UnicodeEncodeError:
        raise DataError(
            f"{where}: column {shown(name)}: its text holds halves of surrogate pairs, which no file can; read it "
            "again with the encoding it has"
        ) from None
