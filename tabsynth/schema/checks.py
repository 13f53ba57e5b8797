"""Which rows violate a constraint, and which meet a condition.

Missing cells never violate a comparison: in every check but `fixed_nulls`, and conditions that speak of `missing`, a
row is judged by the cells that are there.

Decisions
- A chain or range compares each column with the last one before it that has a value, so that a gap in the middle does
  not hide that the ends are in the wrong order.
- `fixed_combinations` and `fixed_nulls` without a list mean "as in the training data": there is nothing to hold rows
  against until `encoding.derived` has filled the list in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import ConstraintError, SchemaError
from tabsynth.schema.calculations import agrees
from tabsynth.schema.columns import Boolean, Categorical, Column, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import (
    ChainedInequality,
    Conditional,
    Constraint,
    FixedCombinations,
    FixedNulls,
    Formula,
    Inequality,
    OneHot,
    RangeBetween,
    Regex,
    SumTo,
    Unique,
)
from tabsynth.schema.literals import canonical, category_set, limit, to_values
from tabsynth.schema.model import Table
from tabsynth.schema.ordering import positions, scale
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def violating_rows(constraint: Constraint, typed: TypedTable, table: Table) -> Mask:
    """Rows that break a constraint.

    Args:
        constraint: One constraint of `table`, or one that `Derivation.constraints` has completed.
        typed: Canonical values of at least the columns that it names.
        table: Their declaration.

    Returns:
        True where the row violates it, shape (n_rows,). For `unique`, every repeat after the first.

    Raises:
        SchemaError: The constraint does not fit the kinds of its columns.
        UsageError: A value that it lists is of another kind than its column.
    """
    return _CHECKS[constraint.type](constraint, typed, table)


def matches(condition: Condition, values: Values, column: Column) -> Mask:
    """Rows that meet a condition.

    Args:
        condition: What is asked of the column.
        values: Its cells, shape (n_rows,).
        column: Its declared kind.

    Returns:
        True where the cell meets every part of the condition, shape (n_rows,). A missing cell meets only `missing:
        true`.

    Raises:
        UsageError: A value in the condition is of another kind than the column, or outside its declared categories.
    """
    if condition.missing is True:
        return values.missing.copy()
    name = condition.column
    good = ~values.missing
    if condition.one_of is not None:
        known = category_set(column)
        wanted = [canonical(item, column, name=name, known=known) for item in condition.one_of]
        good &= _is_one_of(values, wanted, column)
    if condition.lower is not None or condition.upper is not None:
        lower = None if condition.lower is None else limit(condition.lower, column, name=name)
        upper = None if condition.upper is None else limit(condition.upper, column, name=name)
        place = positions(values, column)
        good &= ~place.missing
        if lower is not None:
            good &= place.array > lower if condition.lower_strict else place.array >= lower
        if upper is not None:
            good &= place.array < upper if condition.upper_strict else place.array <= upper
    return good


def describe(constraint: Constraint, number: int) -> str:
    """How messages call a constraint: its number (from 1), name, type and columns."""
    named = f"{constraint.name!r}, " if constraint.name else ""
    return f"constraint {number} ({named}{constraint.type} of {', '.join(constraint.involved)})"


def require_satisfied(typed: TypedTable, table: Table) -> None:
    """Refuse rows that violate a constraint of their table.

    Raises:
        ConstraintError: Some constraint does not hold; every one that does not is listed with the number of rows, the
            first of them (counted from 1) and what to do. No value is shown.
    """
    lines = []
    for number, constraint in enumerate(table.constraints, start=1):
        if any(name not in typed.columns for name in constraint.involved):
            continue
        rows = np.flatnonzero(violating_rows(constraint, typed, table))
        if len(rows):
            first = ", ".join(str(row + 1) for row in rows[:5])
            count = "1 row violates" if len(rows) == 1 else f"{len(rows)} rows violate"
            where = f"row {first}" if len(rows) == 1 else f"rows {first}{', ...' if len(rows) > 5 else ''}"
            lines.append(f"- {describe(constraint, number)}: {count} it, {where}; {_remedy(constraint)}")
    if lines:
        what = "1 constraint does" if len(lines) == 1 else f"{len(lines)} constraints do"
        raise ConstraintError(f"{what} not hold in the rows (counted from 1):\n" + "\n".join(lines))


def ascending_columns(constraint: Constraint) -> tuple[tuple[str, ...], bool] | None:
    """Columns that rise from left to right and whether strictly, for the three constraints that say so; else None."""
    match constraint:
        case Inequality(low=low, high=high, strict=strict):
            return (low, high), strict
        case RangeBetween(low=low, middle=middle, high=high, strict=strict):
            return (low, middle, high), strict
        case ChainedInequality(columns=columns, strict=strict):
            return columns, strict
        case _:
            return None


def _rising(constraint: Any, typed: TypedTable, table: Table) -> Mask:
    names, strict = ascending_columns(constraint) or ((), False)
    scales = {scale(table.columns[name]) for name in names}
    if len(scales) > 1 or None in scales:
        raise SchemaError(
            f"{constraint.type} of {', '.join(names)}: the columns cannot be compared; give them the same type"
        )
    last = positions(typed.columns[names[0]], table.columns[names[0]])
    bad = np.zeros(typed.n_rows, bool)
    for name in names[1:]:
        here = positions(typed.columns[name], table.columns[name])
        wrong = here.array <= last.array if strict else here.array < last.array
        bad |= wrong & ~here.missing & ~last.missing
        last = Values(np.where(here.missing, last.array, here.array), last.missing & here.missing)
    return bad


def _outside_combinations(constraint: FixedCombinations, typed: TypedTable, table: Table) -> Mask:
    if constraint.combinations is None:
        return np.zeros(typed.n_rows, bool)
    names = constraint.columns
    listed, rows = [], []
    for place, name in enumerate(names):
        column = table.columns[name]
        cells = [row[place] for row in constraint.combinations]
        categories = category_set(column)
        texts = [None if cell is None else canonical(cell, column, name=name, known=categories) for cell in cells]
        known = to_values(texts, column)
        codes = row_codes([_joined(known, typed.columns[name])])
        listed.append(np.where(known.missing, -1, codes[: len(known)]))
        rows.append(np.where(typed.columns[name].missing, -1, codes[len(known) :]))
    there = np.stack([codes >= 0 for codes in rows], axis=1)
    bad = np.zeros(typed.n_rows, bool)
    # A row is held against the list by the cells that it has, so rows are taken by which cells those are.
    for pattern in np.unique(there, axis=0):
        chosen = np.flatnonzero((there == pattern).all(axis=1))
        present = np.flatnonzero(pattern)
        if len(present):
            pairs = [np.concatenate([listed[place], rows[place][chosen]]) for place in present]
            codes = row_codes([Values(pair, np.zeros(len(pair), bool)) for pair in pairs])
            n_listed = len(constraint.combinations)
            bad[chosen] = ~np.isin(codes[n_listed:], codes[:n_listed])
    return bad


def row_codes(columns: Sequence[Values]) -> Array:
    """A number for every row, equal where the rows are (a missing cell equals only a missing cell); shape (n_rows,)."""
    combined = np.zeros(len(columns[0]), np.int64)
    for values in columns:
        codes = pd.factorize(values.array)[0].astype(np.int64) + 1
        codes = np.where(values.missing, 0, codes)
        combined = pd.factorize(combined * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    return combined


def _joined(first: Values, second: Values) -> Values:
    return Values(np.concatenate([first.array, second.array]), np.concatenate([first.missing, second.missing]))


def _not_one_hot(constraint: OneHot, typed: TypedTable, table: Table) -> Mask:
    ones = np.zeros(typed.n_rows, np.int64)
    complete = np.ones(typed.n_rows, bool)
    bad = np.zeros(typed.n_rows, bool)
    for name in constraint.columns:
        is_one, is_zero = flag_cells(typed.columns[name], table.columns[name], name=name)
        missing = typed.columns[name].missing
        ones += is_one
        complete &= ~missing
        bad |= ~missing & ~is_one & ~is_zero
    return bad | (ones > 1) | (complete & (ones == 0))


def flag_cells(values: Values, column: Column, *, name: str) -> tuple[Mask, Mask]:
    """Which cells of a one-hot column are 1 (or true) and which are 0 (or false); shape (n_rows,) each.

    Raises:
        SchemaError: The column's kind cannot hold 0 and 1.
    """
    there = ~values.missing
    if isinstance(column, Boolean):
        return there & values.array, there & ~values.array
    if isinstance(column, Integer | Number):
        return there & (values.array == 1), there & (values.array == 0)
    if isinstance(column, Categorical | Ordinal):
        return there & (values.array == "1"), there & (values.array == "0")
    raise SchemaError(f"column {name!r}: is {column.type}, but one_hot needs 0 and 1; declare it as boolean or integer")


def _off_value(constraint: Formula | SumTo, typed: TypedTable, table: Table) -> Mask:
    return ~agrees(constraint, typed, table)


def _repeats(constraint: Unique, typed: TypedTable, table: Table) -> Mask:
    columns = [typed.columns[name] for name in constraint.columns]
    complete = np.flatnonzero(~np.any([values.missing for values in columns], axis=0))
    bad = np.zeros(typed.n_rows, bool)
    codes = row_codes([values.take(complete) for values in columns])
    bad[complete] = pd.Series(codes).duplicated(keep="first").to_numpy(bool)
    return bad


def _off_pattern(constraint: Regex, typed: TypedTable, table: Table) -> Mask:
    column = table.columns[constraint.column]
    if not isinstance(column, Categorical | Ordinal | Identifier | Text):
        raise SchemaError(f"regex of {constraint.column}: is {column.type}, not text; use lower and upper instead")
    values = typed.columns[constraint.column]
    codes, texts = pd.factorize(values.array)
    pattern = compile_pattern(constraint)
    fits = np.array([pattern.fullmatch(text) is not None for text in texts], bool)
    return ~fits[codes] & ~values.missing if len(fits) else np.zeros(typed.n_rows, bool)


def compile_pattern(constraint: Regex) -> re.Pattern[str]:
    """The pattern, ready to match.

    Raises:
        SchemaError: It is no regular expression.
    """
    try:
        return re.compile(constraint.pattern)
    except (re.error, RecursionError, OverflowError) as error:
        reason = error.msg if isinstance(error, re.error) else "it is too deep"
        raise SchemaError(
            f"regex of {constraint.column}: the pattern is no regular expression ({reason}); "
            "write one such as [A-Z]{2}[0-9]+"
        ) from None


def _broken_promises(constraint: Conditional, typed: TypedTable, table: Table) -> Mask:
    applies = np.ones(typed.n_rows, bool)
    for condition in constraint.if_:
        applies &= matches(condition, typed.columns[condition.column], table.columns[condition.column])
    kept = np.ones(typed.n_rows, bool)
    for condition in constraint.then:
        values = typed.columns[condition.column]
        met = matches(condition, values, table.columns[condition.column])
        kept &= met | values.missing if condition.missing is None else met
    return applies & ~kept


def _outside_patterns(constraint: FixedNulls, typed: TypedTable, table: Table) -> Mask:
    if constraint.patterns is None:
        return np.zeros(typed.n_rows, bool)
    gaps = np.stack([typed.columns[name].missing for name in constraint.columns], axis=1)
    found = np.zeros(typed.n_rows, bool)
    for pattern in constraint.patterns:
        found |= (gaps == np.array(pattern, bool)).all(axis=1)
    return ~found


def _is_one_of(values: Values, wanted: Sequence[Any], column: Column) -> Mask:
    array = values.array
    if isinstance(column, Number) and column.decimals is not None:
        array = np.round(array, column.decimals)
    if array.dtype == object:
        return pd.Series(array, dtype=object).isin(wanted).to_numpy(bool)
    return np.isin(array, np.array(wanted, dtype=array.dtype))


def _remedy(constraint: Constraint) -> str:
    match constraint:
        case Inequality(strict=True) | ChainedInequality(strict=True) | RangeBetween(strict=True):
            return "correct these rows, allow equal values with strict: false, or remove the constraint"
        case Formula() | SumTo():
            return "correct these rows, raise tolerance, or remove the constraint"
        case FixedCombinations():
            return "correct these rows, or add their combinations to the list"
        case FixedNulls():
            return "correct these rows, or add their patterns to the list"
        case _:
            return "correct these rows, or loosen or remove the constraint"


_CHECKS: dict[str, Callable[[Any, TypedTable, Table], Mask]] = {
    "inequality": _rising,
    "chained_inequality": _rising,
    "range": _rising,
    "fixed_combinations": _outside_combinations,
    "one_hot": _not_one_hot,
    "formula": _off_value,
    "unique": _repeats,
    "regex": _off_pattern,
    "conditional": _broken_promises,
    "fixed_nulls": _outside_patterns,
    "sum_to": _off_value,
}
