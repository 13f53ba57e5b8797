"""What every derivation must be: lossless there and back, and unable to break its constraints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabsynth.encoding.datetime import from_steps, to_steps
from tabsynth.encoding.derived import Derivation, derive
from tabsynth.schema.checks import violating_rows
from tabsynth.schema.columns import Boolean, Column, DateTime, Integer, Number
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values, category_text, format_column, parse_column
from tests.typed_rows import differing_rows

RESOLUTIONS = ("year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond")
YEAR = 31_556_952_000_000


def any_values(column: Column, n_rows: int, rng: np.random.Generator, *, wild: bool) -> Values:
    """Cells that the column allows, and no more than that; `wild` reaches as far as the kind does."""
    missing = rng.random(n_rows) < (0.2 if column.nullable else 0.0)
    if isinstance(column, Boolean):
        array: Any = rng.random(n_rows) < 0.5
    elif isinstance(column, Integer):
        far = 2**62 if wild else 20
        lower = column.lower if column.lower is not None else -far
        upper = column.upper if column.upper is not None else far
        array = rng.integers(lower, max(lower, upper), n_rows, endpoint=True)
    elif isinstance(column, Number):
        far = 1e9 if wild else 20.0
        lower = column.lower if column.lower is not None else -far
        upper = column.upper if column.upper is not None else max(far, lower)
        array = rng.uniform(lower, upper, n_rows)
        if column.decimals is not None:
            array = np.clip(np.round(array, column.decimals), lower, upper)
    elif isinstance(column, DateTime):
        years = 7000 if wild else 2
        micros = rng.integers(-(200 if wild else 0) * YEAR, years * YEAR, n_rows)
        array = from_steps(to_steps(micros, column), column)
    else:
        names = getattr(column, "categories", None) or ("x", "y", "z")
        array = np.array([category_text(name) for name in names], dtype=object)[rng.integers(0, len(names), n_rows)]
    empty = "" if array.dtype == object else array.dtype.type(0)
    return Values(np.where(missing, empty, array), missing)


def any_rows(columns: Mapping[str, Column], n_rows: int, seed: int, *, wild: bool = False) -> TypedTable:
    """Rows of cells that the columns allow, each column by itself."""
    rng = np.random.default_rng(seed)
    return TypedTable({name: any_values(column, n_rows, rng, wild=wild) for name, column in columns.items()}, n_rows)


def keeping(table: Table, rows: TypedTable) -> TypedTable:
    """The rows that violate no constraint."""
    bad = np.zeros(rows.n_rows, bool)
    for constraint in table.constraints:
        bad |= violating_rows(constraint, rows, table)
    return rows.take(~bad)


def written_and_read(table: Table, rows: TypedTable) -> TypedTable:
    """The rows as a reader of the written table sees them."""
    columns = {}
    for name, values in rows.columns.items():
        column = table.columns[name]
        columns[name] = parse_column(format_column(values, column, name=name), column).values
    return TypedTable(columns, rows.n_rows)


def assert_kept(derivation: Derivation, rows: TypedTable) -> None:
    """No row violates a constraint that is said to hold by construction."""
    for number in derivation.satisfied:
        bad = violating_rows(derivation.constraints[number], rows, derivation.table)
        assert not bad.any(), (derivation.constraints[number], np.flatnonzero(bad)[:3])


def assert_sound(table: Table, rows: TypedTable, *, k: int = 1, n_satisfied: int, seed: int = 0) -> Derivation:
    """There and back is the same, whatever is drawn keeps the constraints, and the state is complete."""
    derivation = derive(table, rows, k=k)
    assert len(derivation.satisfied) == n_satisfied
    modelled = derivation.forward(rows)
    assert list(modelled.columns) == list(derivation.columns)
    assert not differing_rows(rows, derivation.backward(modelled)).any()
    for wild in (False, True):
        drawn = derivation.backward(any_rows(derivation.columns, 150, seed, wild=wild))
        assert_kept(derivation, drawn)
        assert_kept(derivation, written_and_read(table, drawn))
    saved = json.loads(json.dumps(derivation.state()))
    assert Derivation.from_state(saved, table) == derivation
    return derivation
