"""Which cells of rows made from a schema are empty."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.declared.plan import Plan
from tabsynth.declared.rows import Rows
from tabsynth.schema.model import Table
from tabsynth.schema.scenarios import Missingness
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]


def draw_gaps(table: Table, plan: Plan, name: str, context: Rows, scenario: Array, rng: np.random.Generator) -> Array:
    """Cells of a column that are empty: by rate, by condition, by scenario; shape (n_rows,).

    Args:
        table: The declared table.
        plan: How it is made.
        name: The column.
        context: What was decided of the rows before.
        scenario: Number of the scenario of each row, -1 for none, shape (n_rows,).
        rng: Source of the draw.
    """
    column = table.columns[name]
    n_rows = context.n_rows
    missing = np.zeros(n_rows, bool)
    if column.missing is not None:
        rate: Array
        if isinstance(column.missing, Missingness):
            rate = np.full(n_rows, column.missing.rate)
            left = np.ones(n_rows, bool)
            for case in column.missing.cases:
                fits = left & context.fits(case.when)
                rate[fits], left = case.rate, left & ~fits
        else:
            rate = np.full(n_rows, float(column.missing))
        missing = rng.random(n_rows) < rate
    for promise, wanted in plan.promises.get(name, ()):
        if wanted.missing is not None:
            missing = np.where(context.meets(promise.if_, shown=True), wanted.missing, missing)
    for number, declared in enumerate(table.scenarios):
        if name in declared.set:
            missing = np.where(scenario == number, declared.set[name] is None, missing)
    return missing


def settle_patterns(table: Table, plan: Plan, cells: dict[str, Values], rng: np.random.Generator) -> None:
    """Rows whose empty cells no listed pattern has get one that is listed."""
    for rule in plan.patterns:
        listed = np.array(rule.patterns, bool)  # (n_patterns, n_columns)
        gaps = np.stack([cells[name].missing for name in rule.columns], axis=1)
        wrong = np.flatnonzero(~(gaps[:, None, :] == listed[None]).all(axis=2).any(axis=1))
        stated = any(table.columns[name].missing is not None for name in rule.columns)
        if stated:  # the listed pattern that is nearest to what was drawn
            distance = (gaps[wrong][:, None, :] != listed[None]).sum(axis=2)
            chosen = distance.argmin(axis=1)
        else:
            wrong = np.arange(len(gaps))
            chosen = rng.integers(len(listed), size=len(wrong))
        for place, name in enumerate(rule.columns):
            missing = cells[name].missing.copy()
            missing[wrong] = listed[chosen, place]
            cells[name] = Values(cells[name].array, missing)
