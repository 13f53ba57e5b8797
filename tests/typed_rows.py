"""Short ways to write a declared table and its rows in a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.columns import Column
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, parse_column


def declare(columns: Mapping[str, Column], *constraints: Constraint, **fields: Any) -> Table:
    """A table with these columns and constraints."""
    return Table(columns=dict(columns), constraints=constraints, **fields)


def rows_of(table: Table, rows: Iterable[Sequence[Any]]) -> TypedTable:
    """Rows written as tuples in the order of the columns; None is a missing cell."""
    listed = [list(row) for row in rows]
    cells = {name: [row[place] for row in listed] for place, name in enumerate(table.columns)}
    return typed(table, {name: pd.Series(column, dtype=object) for name, column in cells.items()})


def typed(table: Table, frame: pd.DataFrame | Mapping[str, pd.Series]) -> TypedTable:
    """A pandas table as typed columns; cells that cannot be read fail the test."""
    columns = {}
    for name, column in table.columns.items():
        parsed = parse_column(frame[name], column)
        assert not parsed.invalid.any(), name
        columns[name] = parsed.values
    return TypedTable(columns, len(frame[next(iter(table.columns))]))


def cells(rows: TypedTable, name: str) -> list[Any]:
    """The cells of one column, None where missing."""
    values = rows.columns[name]
    return [None if gone else cell for cell, gone in zip(values.array.tolist(), values.missing, strict=True)]


def differing_rows(left: TypedTable, right: TypedTable) -> np.ndarray[Any, Any]:
    """Rows in which the two tables differ in any cell, floats compared to 12 digits; shape (n_rows,)."""
    differs = np.zeros(left.n_rows, bool)
    assert list(left.columns) == list(right.columns)
    for name, values in left.columns.items():
        other = right.columns[name]
        assert values.array.dtype == other.array.dtype, name
        if values.array.dtype.kind == "f":
            same = np.isclose(values.array, other.array, rtol=1e-12, atol=1e-12)
        else:
            same = np.asarray(values.array == other.array, bool)
        differs |= (values.missing != other.missing) | (~same & ~values.missing)
    return differs
