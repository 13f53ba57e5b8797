"""Columns that others determine: what a formula or a sum says a cell should be, and whether it is.

Decisions
- A cell is written in the steps of its column (`decimals`, whole numbers, the resolution of a datetime), so it may
  differ from the calculated value by half a step without being wrong.
- `tolerance` is relative to the value, so that one number serves cents and millions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.schema.constraints import Formula, SumTo
from tabsynth.schema.formula import parse
from tabsynth.schema.model import Table
from tabsynth.schema.operations import local_clock
from tabsynth.schema.ordering import has_numeric_categories, numeric_texts
from tabsynth.schema.values import TypedTable, Values, category_text

Array = np.ndarray[Any, Any]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_ROUNDING = 1e-12
"""Float noise of a sum or formula, relative to the largest number in it."""
_CLOCK_UNITS = {"year": "Y", "month": "M", "day": "D", "hour": "h", "minute": "m", "second": "s", "millisecond": "ms"}


def calculate(constraint: Formula | SumTo, target: str, typed: TypedTable, table: Table) -> Values:
    """What `target` must be so that the constraint holds.

    Args:
        constraint: A formula for `target`, or a sum of which it is the total or a part.
        target: The column to calculate.
        typed: Canonical values of the other columns.
        table: Their declaration.

    Returns:
        Not yet rounded to the column's steps; missing where a cell that is needed is missing. Shape (n_rows,).

    Raises:
        SchemaError: The constraint does not fit the kinds of its columns.
    """
    if isinstance(constraint, Formula):
        expression = parse(constraint.expression)
        require_fitting(target, table.columns[target], expression.kind(table.columns))
        result = expression.evaluate(typed.columns, table.columns)
        if len(result) != typed.n_rows:  # no column at all was given, so that a constant has one row
            return Values(np.resize(result.array, typed.n_rows), np.resize(result.missing, typed.n_rows))
        return result
    others = [_numbers(typed.columns[name], table.columns[name], name) for name in constraint.columns if name != target]
    missing = np.any([part.missing for part in others], axis=0)
    total = np.sum([part.array for part in others], axis=0)
    if constraint.total == target:
        return Values(total, missing)
    if not isinstance(constraint.total, str):
        return Values(float(constraint.total) - total, missing)
    whole = _numbers(typed.columns[constraint.total], table.columns[constraint.total], constraint.total)
    return Values(whole.array - total, missing | whole.missing)


def agrees(constraint: Formula | SumTo, typed: TypedTable, table: Table) -> Mask:
    """Rows that keep the constraint, shape (n_rows,); a row with a missing cell keeps it.

    Raises:
        SchemaError: The constraint does not fit the kinds of its columns.
    """
    noise = _largest(constraint, typed, table)
    if isinstance(constraint, SumTo) and not isinstance(constraint.total, str):
        parts = [_numbers(typed.columns[name], table.columns[name], name) for name in constraint.columns]
        missing = np.any([part.missing for part in parts], axis=0)
        value = Values(np.sum([part.array for part in parts], axis=0), missing)
        cells = Values(np.full(typed.n_rows, float(constraint.total)), missing)
        return missing | _is_close(cells, value, Number(), tolerance=constraint.tolerance, noise=noise)
    target = str(constraint.column if isinstance(constraint, Formula) else constraint.total)
    value, cells, column = calculate(constraint, target, typed, table), typed.columns[target], table.columns[target]
    if has_numeric_categories(column) and value.array.dtype != object:
        cells, column = numeric_texts(cells), Number()
    close = _is_close(cells, value, column, tolerance=constraint.tolerance, noise=noise)
    return close | cells.missing | value.missing


def as_text(values: Values) -> Values:
    """Numbers and truth values of a formula as the texts of categories; texts as they are."""
    if values.array.dtype == object:
        return values
    codes, uniques = pd.factorize(values.array)
    texts = np.array([category_text(item) for item in uniques], dtype=object)
    array = texts[codes] if len(texts) else np.zeros(0, dtype=object)
    return Values(np.where(values.missing, "", array).astype(object), values.missing)


def require_fitting(name: str, column: Column, kind: str) -> None:
    """Refuse a formula whose result is of another kind than its column.

    Raises:
        SchemaError: The kinds do not agree.
    """
    if isinstance(column, Integer | Number):
        fits = kind in ("number", "truth")
    elif isinstance(column, DateTime):
        fits = kind == "datetime"
    elif isinstance(column, Boolean):
        fits = kind == "truth"
    elif isinstance(column, Categorical | Ordinal):
        fits = kind in ("number", "truth") if has_numeric_categories(column) else kind == "text"
    else:
        raise SchemaError(
            f"formula for {name}: the column is {column.type} and is invented, not calculated; change its type"
        )
    if not fits:
        raise SchemaError(
            f"formula for {name}: gives a {kind}, but the column is {column.type}; change the formula or the type"
        )


def require_addable(names: Sequence[str], table: Table) -> None:
    """Refuse a sum over columns that hold no numbers.

    Raises:
        SchemaError: A column is neither numeric nor has categories that are numbers.
    """
    for name in names:
        column = table.columns[name]
        if not isinstance(column, Integer | Number) and not has_numeric_categories(column):
            raise SchemaError(f"column {name!r}: is {column.type} and cannot be added; declare it as integer or number")


def _is_close(target: Values, value: Values, column: Column, *, tolerance: float, noise: Array) -> Mask:
    if isinstance(column, Integer | Number):
        decimals = 0 if isinstance(column, Integer) else column.decimals
        half_step = 0.0 if decimals is None else 0.5 * 10.0**-decimals
        size = np.maximum(np.abs(value.array), np.abs(target.array))
        allowed = np.maximum(tolerance * size, half_step) + _ROUNDING * np.maximum(size, noise)
        return np.asarray(np.abs(target.array - value.array) <= allowed)
    if isinstance(column, DateTime):
        unit = _CLOCK_UNITS.get(column.resolution, "us")
        left, right = (local_clock(v.array, column.time_zone).astype("datetime64[us]") for v in (target, value))
        return np.asarray(left.astype(f"datetime64[{unit}]") == right.astype(f"datetime64[{unit}]"))
    return np.asarray(target.array == value.array)


def _numbers(values: Values, column: Column, name: str) -> Values:
    if isinstance(column, Integer | Number):
        return Values(values.array.astype(np.float64), values.missing)
    if has_numeric_categories(column):
        return numeric_texts(values)
    raise SchemaError(f"column {name!r}: is {column.type} and cannot be added; declare it as integer or number")


def _largest(constraint: Formula | SumTo, typed: TypedTable, table: Table) -> Array:
    """Largest absolute number in each row among the columns of the constraint; shape (n_rows,), float64."""
    size = np.zeros(typed.n_rows)
    for name in constraint.involved:
        if isinstance(table.columns[name], Integer | Number):
            size = np.maximum(size, np.abs(typed.columns[name].array))
    return size
