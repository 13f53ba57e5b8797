"""A table with some of its cells replaced: the same library, dtypes, order and index, all other cells untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabsynth.errors import DataError
from tabsynth.tables.frames import as_arrow
from tabsynth.tables.names import shown
from tabsynth.tables.spelling import spelled

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class NewCells:
    """Cells of one column."""

    rows: Array  # (n_cells,), positions, rising
    cells: pd.Series[Any]  # (n_cells,), native values or text


def with_cells(table: object, new: Mapping[str, NewCells]) -> Any:
    """Replace cells; the table itself is not modified.

    Args:
        table: Anything that `to_pandas` takes.
        new: The new cells, by column.

    Returns:
        A table of the same library (tables that are none of pandas, polars and pyarrow come back as pyarrow tables).
        Columns of text get text.

    Raises:
        DataError: A column cannot hold its new cells.
    """
    new = {name: part for name, part in new.items() if len(part.rows)}
    if isinstance(table, pd.DataFrame):
        replaced = table.copy()
        for name, part in new.items():
            replaced[name] = _pandas_column(table[name], part).array
        return replaced
    arrow, library = as_arrow(table)
    for name, part in new.items():
        number = arrow.column_names.index(name)
        arrow = arrow.set_column(number, arrow.field(number), _arrow_column(arrow.column(number), part, name))
    if library != "polars":
        return arrow
    polars: Any = import_module("polars")
    whole: Any = table
    if isinstance(whole, polars.LazyFrame):
        whole = whole.collect()
    made = polars.from_arrow(arrow.select(list(new))) if new else whole
    return whole.with_columns([made[name].cast(whole.schema[name]) for name in new])


def _pandas_column(column: pd.Series[Any], part: NewCells) -> pd.Series[Any]:
    cells: Any = part.cells
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind = column.cat.categories.dtype
        cells = spelled(cells) if kind.kind == "O" else cells.astype(kind)
        fresh = pd.Index(pd.unique(cells)).difference(column.cat.categories)
        result: Any = column.cat.add_categories(fresh) if len(fresh) else column.copy()
        result.iloc[part.rows] = cells.to_numpy()
        return result
    if isinstance(column.dtype, pd.ArrowDtype):
        arrow = _arrow_column(pa.chunked_array([pa.array(column.array)]), part, str(column.name))
        return pd.Series(pd.arrays.ArrowExtensionArray(arrow), index=column.index, name=column.name)
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        there = column.dropna()
        if isinstance(column.dtype, pd.StringDtype) or all(isinstance(cell, str) for cell in there):
            cells = spelled(cells)
        result = column.copy()
        result.iloc[part.rows] = cells.astype(object).to_numpy()
        return result
    try:
        result = column.copy()
        result.iloc[part.rows] = cells.astype(column.dtype).to_numpy()
    except (TypeError, ValueError, OverflowError):
        raise _unfit(str(column.name), str(column.dtype)) from None
    return result


def _arrow_column(column: pa.ChunkedArray, part: NewCells, name: str) -> pa.ChunkedArray:
    kind = column.type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_text = pa.types.is_string(plain) or pa.types.is_large_string(plain) or str(plain) == "string_view"
    cells = spelled(part.cells) if is_text else part.cells
    mask = np.zeros(len(column), bool)
    mask[part.rows] = True
    place = np.zeros(len(column), np.int64)
    place[part.rows] = np.arange(len(part.rows))
    try:
        new = pa.array(cells, from_pandas=True).cast(plain)
        old = column.cast(plain) if pa.types.is_dictionary(kind) else column
        filled = pc.if_else(pa.array(mask), new.take(pa.array(place)), old.combine_chunks())
        return pa.chunked_array([filled.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else filled])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise _unfit(name, str(kind)) from None


def _unfit(name: str, kind: str) -> DataError:
    return DataError(f"table: column {shown(name)}: a column of {kind} cannot hold the new cells; convert it first")
