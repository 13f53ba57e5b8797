"""The rows that cells are drawn for, with what is known of them so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabsynth.schema.checks import matches
from tabsynth.schema.columns import Column
from tabsynth.schema.conditions import Condition
from tabsynth.schema.distributions import When, conditions
from tabsynth.schema.formula import parse
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rows:
    """Some rows of a block. Cells hold a value even where they will be empty, so that others can depend on it."""

    cells: Mapping[str, Values]
    """Columns made so far, and columns of the tables above by `table.column`; shape (n_all,)."""
    kinds: Mapping[str, Column]
    index: Array  # (n_rows,) which of all rows these are
    places: Array  # (n_all,) 0, 1, 2, ... among the rows of one parent or entity

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.index)

    def take(self, rows: Array) -> Rows:
        """Some of these rows, by number or mask."""
        return replace(self, index=self.index[rows])

    def latent(self, name: str) -> Values:
        """Values of a column, also where cells will be empty."""
        values = self.cells[name]
        return Values(values.array[self.index], np.zeros(self.n_rows, bool))

    def shown(self, name: str) -> Values:
        """Values of a column with its empty cells."""
        return self.cells[name].take(self.index)

    def meets(self, wanted: tuple[Condition, ...], *, shown: bool = False) -> Array:
        """Rows that meet all conditions, shape (n_rows,); by values under empty cells too unless `shown`."""
        good = np.ones(self.n_rows, bool)
        for condition in wanted:
            name = condition.column
            values = self.shown(name) if shown or condition.missing is not None else self.latent(name)
            good &= matches(condition, values, self.kinds[name])
        return good

    def fits(self, when: When) -> Array:
        """Rows that a `when` speaks of, shape (n_rows,)."""
        return self.meets(conditions(when))

    def evaluate(self, expression: str) -> Values:
        """What a formula gives, shape (n_rows,)."""
        parsed = parse(expression)
        if not parsed.columns:
            one = parsed.evaluate({}, {})
            return Values(np.resize(one.array, self.n_rows), np.resize(one.missing, self.n_rows))
        return parsed.evaluate({name: self.latent(name) for name in parsed.columns}, self.kinds)

    def spread(self) -> Array:
        """Place of each row among those of its parent or entity, shape (n_rows,)."""
        return self.places[self.index]
