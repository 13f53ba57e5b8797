"""Columns that are drawn together: listed combinations, and one-hot columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tabsynth.declared.draws import Cells
from tabsynth.declared.numbers import pick
from tabsynth.declared.rows import Rows
from tabsynth.errors import ConstraintError
from tabsynth.schema import distributions as kinds
from tabsynth.schema.columns import Boolean, Categorical, Column, Integer, Number, Ordinal
from tabsynth.schema.constraints import FixedCombinations, OneHot
from tabsynth.schema.literals import canonical, to_values
from tabsynth.schema.model import Table
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]


def draw_combinations(
    rule: FixedCombinations,
    cells: Mapping[str, Cells],
    table: Table,
    rows: Rows,
    fixed: Mapping[int, Mapping[str, Any]],
    rng: np.random.Generator,
) -> dict[str, Values]:
    """Cells of all columns of a rule, each row a listed combination.

    A combination weighs as much as the weights of its values: those of the columns that declare some.

    Args:
        rule: The rule, with its list.
        cells: Columns of the table.
        table: The declaration.
        rows: The rows.
        fixed: What scenarios set of these columns (`values`), and in which `rows`.
        rng: Source of the draw.

    Raises:
        ConstraintError: No listed combination has a weight, or holds what a scenario sets.
    """
    assert rule.combinations is not None
    listed = {
        name: [None if row[place] is None else canonical(row[place], table.columns[name], name=name)  # type: ignore[arg-type]
               for row in rule.combinations]
        for place, name in enumerate(rule.columns)
    }  # fmt: skip
    weights = np.ones(len(rule.combinations))
    for name in rule.columns:
        column = table.columns[name]
        known = _weights(cells[name], column)
        if known is not None:
            weights = weights * np.array([known.get(_label(value, column), 0.0) for value in listed[name]])
    chosen = _picked(weights, rows.n_rows, rule, rng)
    for entry in fixed.values():
        fits = np.ones(len(rule.combinations), bool)
        for name, value in entry["values"].items():
            wanted = None if value is None else canonical(value, table.columns[name], name=name)
            fits &= np.array([item == wanted for item in listed[name]])
        rest = np.where(fits, weights, 0.0)
        chosen[entry["rows"]] = _picked(rest if rest.sum() > 0 else fits * 1.0, len(entry["rows"]), rule, rng)
    made = {}
    for name in rule.columns:
        values = to_values(listed[name], table.columns[name])
        made[name] = values.take(chosen)
    return made


def draw_flags(
    rule: OneHot,
    cells: Mapping[str, Cells],
    table: Table,
    rows: Rows,
    fixed: Mapping[int, Mapping[str, Any]],
    rng: np.random.Generator,
) -> dict[str, Values]:
    """Cells of one-hot columns: one of them is 1, by the probabilities that they declare (all alike without any)."""
    weights = np.ones(len(rule.columns))
    for place, name in enumerate(rule.columns):
        distribution = table.columns[name].distribution
        if isinstance(distribution, kinds.Bernoulli) and not isinstance(distribution.probability, str):
            weights[place] = distribution.probability
    which = _picked(weights, rows.n_rows, rule, rng)
    for entry in fixed.values():
        hot = [
            n for n, value in entry["values"].items() if str(value) in ("1", "True", "1.0") or value == _true(table, n)
        ]
        if hot:
            which[entry["rows"]] = rule.columns.index(hot[0])
        else:
            cold = np.array([0.0 if name in entry["values"] else 1.0 for name in rule.columns])
            which[entry["rows"]] = _picked(weights * cold, len(entry["rows"]), rule, rng)
    made = {}
    for place, name in enumerate(rule.columns):
        column, hit = table.columns[name], which == place
        array: Array = hit
        if isinstance(column, Integer):
            array = hit.astype(np.int64)
        elif isinstance(column, Number):
            array = hit.astype(np.float64)
        elif not isinstance(column, Boolean):
            array = np.where(hit, "1", "0").astype(object)
        made[name] = Values(array, np.zeros(rows.n_rows, bool))
    return made


def _true(table: Table, name: str) -> object:
    column = table.columns[name]
    return column.labels[1] if isinstance(column, Boolean) and column.labels else True


def _picked(weights: Array, n_rows: int, rule: Any, rng: np.random.Generator) -> Array:
    if not weights.sum() > 0:
        what = f"{rule.type} of {', '.join(rule.columns)}"
        raise ConstraintError(
            f"{what}: none of what it allows has a weight, or holds what a scenario sets; mend the weights, the "
            "scenario, or its list"
        )
    return pick(rng.random(n_rows), weights)


def _weights(cell: Cells, column: Column) -> dict[str, float] | None:
    """Declared weights of a column's values; None where it declares none."""
    if isinstance(column, Categorical | Ordinal | Boolean):
        listed = isinstance(column, Categorical) and column.code_list is not None
        if isinstance(column.distribution, kinds.Weights | kinds.Zipf | kinds.Bernoulli) or listed:
            texts, weights = cell.weights(column.distribution)
            return dict(zip(texts, weights.tolist(), strict=True))
    return None


def _label(value: Any, column: Column) -> str:
    if isinstance(column, Boolean):
        labels = column.labels or ("false", "true")
        return str(labels[int(bool(value))])
    return "" if value is None else str(value)
