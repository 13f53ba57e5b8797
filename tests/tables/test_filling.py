"""Replacing cells: dtype, order and index stay, in every library."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tabsynth.errors import DataError
from tabsynth.tables.filling import NewCells, with_cells

ROWS = np.array([1, 3])
WHOLE, REAL = pd.Series([7, 8]), pd.Series([0.5, 2.0])
DAYS = pd.Series(pd.to_datetime(["2020-02-29", "2021-01-01"]))


@pytest.mark.parametrize(
    ("column", "cells", "after"),
    [
        (pd.Series([1.0, None, 3.0, None]), WHOLE, [1.0, 7.0, 3.0, 8.0]),
        (pd.Series([1, None, 3, None], dtype="Int16"), WHOLE, [1, 7, 3, 8]),
        (pd.Series(["1", None, "3", None]), WHOLE, ["1", "7", "3", "8"]),
        (pd.Series(["a", None, "b", None]), DAYS, ["a", "2020-02-29", "b", "2021-01-01"]),
        (pd.Series([1, None, "b", None], dtype=object), WHOLE, [1, 7, "b", 8]),
        (pd.Series(["a", None, "b", None], dtype="category"), pd.Series(["b", "c"]), ["a", "b", "b", "c"]),
        (pd.Series(pd.to_datetime(["2020-01-01", None] * 2)), DAYS, None),
        (pd.Series([True, None] * 2, dtype="boolean"), pd.Series([False, True]), [True, False, True, True]),
        (pd.Series([1, None] * 2, dtype="int64[pyarrow]"), WHOLE, [1, 7, 1, 8]),
    ],
    ids=lambda part: str(getattr(part, "dtype", "")),
)
def test_pandas_columns_keep_their_dtype(column: pd.Series, cells: pd.Series, after: list[object] | None) -> None:
    """Cells come in as the column holds its own; the table that was given is not changed."""
    table = pd.DataFrame({"x": column, "y": range(4)}).set_index(pd.Index([5, 5, 6, 6]))
    before = table.copy(deep=True)
    filled = with_cells(table, {"x": NewCells(ROWS, cells)})
    pd.testing.assert_frame_equal(table, before)
    assert filled.index.equals(table.index)
    if str(column.dtype) != "category":
        assert filled["x"].dtype == column.dtype
    assert filled["x"].notna().all()
    if after is not None:
        assert filled["x"].tolist() == after


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (pa.array([1, None, 3, None], pa.int8()), WHOLE),
        (pa.array(["a", None, "b", None]), WHOLE),
        (pa.array(["a", None, "b", None]).dictionary_encode(), pd.Series(["b", "c"])),
        (pa.array([dt.date(2020, 1, 1), None] * 2), DAYS),
        (pa.array([Decimal("1.25"), None] * 2, pa.decimal128(8, 2)), REAL),
        (pa.array([0.5, None] * 2, pa.float32()), REAL),
    ],
    ids=lambda part: str(getattr(part, "type", "")),
)
def test_arrow_columns_keep_their_type(column: pa.Array, cells: pd.Series) -> None:
    """The field, its place and the cells that were there stay; polars tables likewise."""
    table = pa.table({"first": [1, 2, 3, 4], "x": column})
    filled = with_cells(table, {"x": NewCells(ROWS, cells)})
    assert filled.schema == table.schema
    assert filled.column("x").null_count == 0
    assert filled.column("x")[0].as_py() == column[0].as_py() and filled.column("x")[2].as_py() == column[2].as_py()
    frame = pl.from_arrow(table)
    again = with_cells(frame, {"x": NewCells(ROWS, cells)})
    assert again.schema == frame.schema and again["x"].null_count() == 0


def test_cells_that_do_not_fit_are_named() -> None:
    """A column that cannot hold the new cells is an error with its name, without a cell."""
    for table in (pd.DataFrame({"x": [1.0, None]}), pa.table({"x": [1.0, None]})):
        with pytest.raises(DataError, match="x") as caught:
            with_cells(table, {"x": NewCells(np.array([1]), pd.Series(["secret"]))})
        assert "secret" not in str(caught.value)
