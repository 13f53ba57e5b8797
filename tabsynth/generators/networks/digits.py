"""A column's cells as one digit, or as two: a group of cells, then the place in it.

A network that names one of 500 cells at once has 500 outputs with 60 rows behind each; one that names a group first,
and the place in it given the group, has twice 23, and neighbouring cells share what the first digit learned. Ordered
columns are cut into runs of neighbours; categories without an order into groups of like frequency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tabsynth.encoding.table import Domain, EncodedTable
from tabsynth.generators.boosting.cells import Cells, make_cells
from tabsynth.generators.independent import is_missing

Array = np.ndarray[Any, Any]

ONE_DIGIT = 48
"""Cells up to which a column has one digit."""


@dataclass(frozen=True)
class Digits:
    """First and second digit of each cell of a column."""

    group: Array  # (n_cells,), int64
    place: Array  # (n_cells,), int64

    @property
    def n_groups(self) -> int:
        """Number of first digits."""
        return int(self.group.max()) + 1

    @property
    def n_places(self) -> int:
        """Number of second digits; 1 where the first one says it all."""
        return int(self.place.max()) + 1

    @cached_property
    def cell(self) -> Array:
        """Cell of each pair of digits, -1 where there is none; shape (n_groups, n_places), int32."""
        cell = np.full((self.n_groups, self.n_places), -1, np.int32)
        cell[self.group, self.place] = np.arange(len(self.group))
        return cell


def write_digits(cells: Cells) -> Digits:
    """Choose the digits of a column; a missing cell is a group of its own."""
    n_cells, n_present = cells.n_cells, cells.n_present
    if n_cells <= ONE_DIGIT:
        return Digits(np.arange(n_cells), np.zeros(n_cells, np.int64))
    rank = np.arange(n_present)
    if not cells.ordered:
        rank[np.argsort(-cells.masses[:n_present], kind="stable")] = np.arange(n_present)
    size = -(-n_present // int(np.ceil(n_present**0.5)))
    group, place = rank // size, rank % size
    if cells.has_missing:
        group, place = np.append(group, group.max() + 1), np.append(place, 0)
    return Digits(group, place)


@dataclass(frozen=True)
class CellLayout:
    """Cells of all columns, in the table's order, and how a network numbers them."""

    columns: Mapping[str, Cells]

    @classmethod
    def fit(cls, data: EncodedTable, *, most: int) -> Self:
        """Choose cells.

        Args:
            data: The training rows.
            most: About how many cells a numeric column gets at most.

        Privacy: The share of each cell leaves; a cell rests on the people that `Marginal` or the encoder asks for.
        """
        return cls({name: make_cells(data.columns[name], domain, most=most) for name, domain in data.domains.items()})

    @cached_property
    def cells(self) -> tuple[Cells, ...]:
        """The columns by position."""
        return tuple(self.columns.values())

    @cached_property
    def digits(self) -> tuple[Digits, ...]:
        """Digits of each column."""
        return tuple(write_digits(cells) for cells in self.cells)

    @cached_property
    def two_digits(self) -> tuple[int, ...]:
        """Positions of the columns with a second digit."""
        return tuple(position for position, digits in enumerate(self.digits) if digits.n_places > 1)

    @cached_property
    def starts(self) -> Array:
        """Number of each column's first cell among the cells of all, and their count; shape (n_columns + 1,)."""
        return np.cumsum([0, *(cells.n_cells for cells in self.cells)])

    def of(self, columns: Mapping[str, Array]) -> tuple[Array, Array]:
        """Cells of encoded rows, and which of them the model knows.

        Args:
            columns: Encoded columns, by name.

        Returns:
            Cells, shape (n_rows, n_columns), int64, 0 where unknown; and known, of the same shape, bool.
        """
        own, known = [], []
        for name, cells in self.columns.items():
            found = cells.of(columns[name]).astype(np.int64)
            possible = (found >= 0) & (cells.has_missing | ~is_missing(columns[name]))
            own.append(np.where(possible, found, 0))
            known.append(possible)
        return np.stack(own, axis=1), np.stack(known, axis=1)

    def state(self) -> dict[str, Any]:
        """What a model file holds of the cells."""
        return {
            name: {
                "has_missing": cells.has_missing,
                "edges": cells.edges,
                "segment_cell": cells.segment_cell,
                "masses": cells.masses,
            }
            for name, cells in self.columns.items()
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Domain]) -> Self:
        """The layout that `state` describes, for columns of these domains."""
        return cls(
            {
                name: Cells(domains[name], saved["has_missing"], saved["edges"], saved["segment_cell"], saved["masses"])
                for name, saved in state.items()
            }
        )
