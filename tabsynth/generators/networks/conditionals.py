"""The any-order network in numpy: probabilities of cells given others, and draws from them.

Rows are kept as the embeddings of the cells known so far, side by side, zero where a cell is not known; what a column
may be is then a few matrix products, whatever is known of each row.

Decisions
- Draws are systematic, as those of the trees: cells are halved by their mass again and again, and rows sorted by their
  probability turn at equal steps, so that shares come out exact.
- Rows go through in blocks of a fixed size, so that memory stays bounded and bytes do not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.generators.boosting.drawing import systematic
from tabsynth.generators.networks.digits import CellLayout

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Conditionals:
    """Weights of a `MaskedNetwork` as `masked.export` gives them."""

    layout: CellLayout
    weights: Mapping[str, Array]
    """float32 arrays."""

    def empty(self, n_rows: int) -> Array:
        """Rows of which nothing is known, shape (n_rows, n_columns, embedding)."""
        return np.zeros((n_rows, len(self.layout.cells), self.weights["table"].shape[1]), np.float32)

    def show(self, rows: Array, column: int, cells: Array, at: Array | slice = slice(None)) -> None:
        """Make cells of a column known, in place.

        Args:
            rows: As `empty` gives them.
            column: Position of the column.
            cells: Cell of each of the rows `at`.
            at: Which rows.
        """
        rows[at, column] = self.weights["table"][self.layout.starts[column] + cells]

    def log_probability(self, column: int, rows: Array, cells: Array) -> Array:
        """Log-probability of a cell of each row given what is known of it, shape (n_rows,)."""
        digits = self.layout.digits[column]
        group, place = digits.group[cells], digits.place[cells]
        hidden = self._hidden(column, rows)
        found = _log_softmax(self._group_logits(column, hidden))[np.arange(len(cells)), group]
        if column in self.layout.two_digits:
            for value in np.unique(group):
                some = np.flatnonzero(group == value)
                chances = _log_softmax(self._place_logits(column, hidden[some], int(value)))
                found[some] += chances[np.arange(len(some)), place[some]]
        return found

    def probability(self, column: int, rows: Array, allowed: Array) -> Array:
        """Probability that a column's cell is allowed, shape (n_rows,).

        Args:
            column: Position of the column.
            rows: What is known.
            allowed: Share of each cell that is allowed, shape (n_cells,).
        """
        return self._allowed_groups(column, self._hidden(column, rows), allowed).sum(axis=1)

    def draw(self, column: int, rows: Array, *, rng: np.random.Generator, allowed: Array | None = None) -> Array:
        """Cell of each row given what is known of it, and that it is allowed; shape (n_rows,), int64.

        Args:
            column: Position of the column.
            rows: What is known.
            rng: Source of every random number.
            allowed: Share of each cell that is allowed, shape (n_cells,), or None for all.
        """
        digits = self.layout.digits[column]
        hidden = self._hidden(column, rows)
        if allowed is None:
            group = draw_choices(_softmax(self._group_logits(column, hidden)), rng=rng)
        else:
            group = draw_choices(self._allowed_groups(column, hidden, allowed), rng=rng)
        place = np.zeros(len(rows), np.int64)
        if column in self.layout.two_digits:
            for value in np.unique(group):
                some = np.flatnonzero(group == value)
                chances = _softmax(self._place_logits(column, hidden[some], int(value)))
                if allowed is not None:
                    chances = chances * _shares_of(digits.cell[value], allowed)
                place[some] = draw_choices(chances, rng=rng)
        return digits.cell[group, place].astype(np.int64)

    def _hidden(self, column: int, rows: Array) -> Array:
        weights = self.weights
        first = np.ascontiguousarray(weights["first"][:, column])
        hidden = np.maximum(rows.reshape(len(rows), -1) @ first + weights["first_bias"][column], np.float32(0))
        inner = hidden @ weights["second"][column] + weights["second_bias"][column]
        return hidden + np.maximum(inner, np.float32(0))

    def _group_logits(self, column: int, hidden: Array) -> Array:
        n_groups = self.layout.digits[column].n_groups
        weight, bias = self.weights["group_weight"][column], self.weights["group_bias"][column, 0]
        return hidden @ np.ascontiguousarray(weight[:, :n_groups]) + bias[:n_groups]

    def _place_logits(self, column: int, hidden: Array, group: int) -> Array:
        number = self.layout.two_digits.index(column)
        weights, n_places = self.weights, self.layout.digits[column].n_places
        inner = (hidden @ weights["third"][number]) * weights["third_scale"][number, group]
        inner = np.maximum(inner + weights["third_bias"][number, group], np.float32(0))
        weight, bias = weights["place_weight"][number], weights["place_bias"][number, group]
        return inner @ np.ascontiguousarray(weight[:, :n_places]) + bias[:n_places]

    def _allowed_groups(self, column: int, hidden: Array, allowed: Array) -> Array:
        """Probability of each group together with being allowed, shape (n_rows, n_groups)."""
        chances = _softmax(self._group_logits(column, hidden))
        for value, cells in enumerate(self.layout.digits[column].cell):
            shares = _shares_of(cells, allowed)
            there = shares[cells >= 0]
            if there.min() == there.max():
                chances[:, value] *= there[0]
            else:
                chances[:, value] *= _softmax(self._place_logits(column, hidden, value)) @ shares
        return chances


def draw_choices(chances: Array, *, rng: np.random.Generator) -> Array:
    """One choice for each row in proportion to its chances, shape (n_rows,), int64.

    Args:
        chances: Not negative, of any positive sum in each row; shape (n_rows, n_choices).
        rng: Source of every random number.
    """
    n_rows, n_choices = chances.shape
    upto = np.concatenate([np.zeros((n_rows, 1)), np.cumsum(chances, axis=1)], axis=1)
    chosen = np.zeros(n_rows, np.int64)
    waiting = [(rng.permutation(n_rows), 0, n_choices)]
    while waiting:
        rows, start, stop = waiting.pop()
        if stop - start == 1:
            chosen[rows] = start
            continue
        below = upto[rows, start : stop + 1]
        mass = below.mean(axis=0)
        cut = 1 + int(np.argmin(np.abs(mass[1:-1] - (mass[0] + mass[-1]) / 2)))
        total = below[:, -1] - below[:, 0]
        chance = np.divide(below[:, -1] - below[:, cut], total, out=np.zeros(len(rows)), where=total > 0)
        right = systematic(chance, rng=rng)
        waiting += [
            part for part in ((rows[right], start + cut, stop), (rows[~right], start, start + cut)) if len(part[0])
        ]
    return chosen


def _shares_of(cells: Array, allowed: Array) -> Array:
    """Allowed share of the cells of a group, 0 where there is none."""
    return np.where(cells >= 0, allowed[np.maximum(cells, 0)], 0.0)


def _softmax(logits: Array) -> Array:
    return np.exp(_log_softmax(logits))


def _log_softmax(logits: Array) -> Array:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
