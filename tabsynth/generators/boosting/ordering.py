"""The order in which columns are drawn, from what they tell about each other, and rows of several orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tabsynth.generators.boosting.selection import groups, information, spread_rows

Array = np.ndarray[Any, Any]


def shared_information(own: Sequence[Array]) -> Array:
    """Mutual information of every pair of columns, in nats; shape (n_columns, n_columns), 0 on the diagonal.

    Args:
        own: Cell of each row, one array of shape (n_rows,) per column.
    """
    rows = spread_rows(len(own[0]))
    coarse = [groups(cells[rows]) for cells in own]
    told = np.zeros((len(own), len(own)))
    for a in range(len(own)):
        for b in range(a):
            told[a, b] = told[b, a] = max(information(coarse[a], coarse[b]), 0.0)
    return told


def chain(told: Array, *, start: int = 0) -> list[int]:
    """Columns from the one that tells most about the others, each next one that which a column before it tells most of.

    Columns that belong together come one after another, so that each is drawn while few others stand between it and
    the column that explains it. Ties go to the earlier column.

    Args:
        told: Mutual information of every pair, shape (n_columns, n_columns).
        start: Rank, in what it tells, of the column to begin with; 0 is the most telling one.
    """
    left = list(range(len(told)))
    order = [left.pop(int(np.argsort(-told.sum(axis=1), kind="stable")[start]))]
    while left:
        order.append(left.pop(int(np.argmax(told[np.ix_(left, order)].max(axis=1)))))
    return order


def turns(n_rows: int, n_models: int, *, rng: np.random.Generator) -> Array:
    """Which model draws each row: all as many, to within one, in random order; shape (n_rows,)."""
    return rng.permutation((np.arange(n_rows) + rng.integers(n_models)) % n_models)


def together(parts: Sequence[Array], whose: Array) -> Array:
    """Values of all models in the places of their rows, shape (n_rows,).

    Args:
        parts: Values that each model drew.
        whose: Model of each row, as `turns` gives it.
    """
    values = np.empty(len(whose), np.result_type(*parts))
    for number, part in enumerate(parts):
        values[whose == number] = part
    return values
