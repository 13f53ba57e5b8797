"""Cells of a Parquet file as places in the list of their distinct kinds, so that each kind of cell is read once.

Ten million rows of a category are ten million small numbers and a dozen words: reading the words and looking the rest
up takes a hundredth of the time of reading every cell.

Decisions
- Text and whole numbers of one or two bytes only: of other columns, nearly every cell may be another one.
- A cell that is bytes but no text is taken as bytes, on its own, so that it spoils no other one.
- Which kinds there are decides how long reading takes, never what becomes of a cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tabsynth.dp.counting import smallest_type
from tabsynth.errors import DataError
from tabsynth.tables.arrow import series_from_arrow

Array = np.ndarray[Any, Any]
Cells = pd.Series | pa.ChunkedArray


def series_of(column: pa.ChunkedArray) -> pd.Series[Any]:
    """A column in pandas, cell by cell where no dtype holds it."""
    if not _is_sound(column):
        return pd.Series([_text(cell) for cell in _as_bytes(column).to_pylist()], dtype=object)
    try:
        return series_from_arrow(column, "column", "table")
    except DataError:
        return pd.Series(column.to_pylist(), dtype=object)


def distinct(column: pa.ChunkedArray) -> tuple[Array, pa.ChunkedArray] | None:
    """The kinds of cells that a column has, and the kind of each row; None where a column is better read as it is.

    Args:
        column: Cells, (n_rows,).

    Returns:
        Place of each row in the list of kinds, (n_rows,), and that list; its last entry is a missing cell.
    """
    if not _is_listed(column.type):
        return None
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # what older versions of pyarrow make of it
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    words = whole.dictionary
    places = whole.indices.cast(pa.int64()).fill_null(len(words)).to_numpy(zero_copy_only=False)
    kinds = pa.chunked_array([words, pa.nulls(1, words.type)])
    return places.astype(smallest_type(len(words) + 1)), kinds


def text_columns(schema: pa.Schema) -> list[str]:
    """Columns of text, whose words a Parquet file keeps apart from their rows."""
    return [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]


def _is_listed(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        value = kind.value_type
        return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_integer(value))
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(is_text or (pa.types.is_integer(kind) and kind.bit_width <= 16))


def _is_sound(column: pa.ChunkedArray) -> bool:
    """Whether all text is text: files are not checked for that when they are read."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _as_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.large_binary())


def _text(cell: bytes | None) -> str | bytes | None:
    try:
        return None if cell is None else cell.decode()
    except UnicodeDecodeError:
        return cell
