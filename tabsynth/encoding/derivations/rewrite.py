"""What every rewriting of columns has in common, and what it may learn from the training rows.

A rewrite replaces its `targets` by modelled columns. On the way back it makes the targets again, from the modelled
columns and from the original columns that it `reads`, which stand ready by then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tabsynth.schema.checks import violating_rows
from tabsynth.schema.columns import Column
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]

MAX_NAME = 60


class Rewrite(ABC):
    """Replaces some columns by others from which they can be made again."""

    type: ClassVar[str]
    """Tag in a model file."""
    constraints: tuple[int, ...]
    """Indices of the constraints that hold by construction."""

    @property
    @abstractmethod
    def targets(self) -> tuple[str, ...]:
        """Original columns that are replaced."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Original columns that are needed to make the targets again."""
        return ()

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Mapping[str, Column]]:
        """Modelled columns by the target at whose place they stand."""

    @abstractmethod
    def forward(self, typed: TypedTable) -> dict[str, Values]:
        """Modelled columns of original rows."""

    @abstractmethod
    def backward(self, modelled: TypedTable, original: Mapping[str, Values]) -> dict[str, Values]:
        """The targets of modelled rows; `original` holds the columns that are read, and perhaps more."""

    def dependents(self, name: str) -> tuple[str, ...]:
        """Modelled columns whose values cannot be told without the cell of an original column."""
        if name not in self.targets and name not in self.reads:
            return ()
        return tuple(made for columns in self.columns.values() for made in columns)

    def anchored(
        self, made: Mapping[str, Values], original: Mapping[str, Values], known: TypedTable, fill: Mapping[str, Array]
    ) -> dict[str, Values]:
        """The columns that `backward` made, and those that it read, moved so that they fit cells that are known.

        Args:
            made: What `backward` returned.
            original: Original columns made so far.
            known: The original rows.
            fill: Cells of them that are to be filled in, by column, shape (n_rows,), bool.
        """
        return dict(made)

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """JSON values that describe the rewrite, without any row."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Self:
        """The rewrite that `state` describes."""


@dataclass(frozen=True)
class Evidence:
    """What planning may ask of the training rows, if there are any.

    Privacy: Answers rest on at least `k` people; without rows they come from the schema alone.
    """

    table: Table
    typed: TypedTable | None
    k: int
    entities: Array | None
    """Code of the person of each row, shape (n_rows,), or None where every row is another person."""

    def asks_for(self, rows: Callable[[TypedTable], Array], *, otherwise: bool) -> bool:
        """Whether at least `k` people have such rows; `otherwise` where there are no rows to ask."""
        return otherwise if self.typed is None else self.people(rows(self.typed)) >= self.k

    def keeps(self, constraint: Constraint) -> bool:
        """Whether all training rows satisfy the constraint; True where there are none."""
        return self.typed is None or not violating_rows(constraint, self.typed, self.table).any()

    @property
    def nothing_shared(self) -> str:
        """Why there is nothing to learn of a rule that means "as in the training data"."""
        if self.typed is None:
            return "means what the data show, but the data may not be read here"
        return f"nothing that the data show is shared by {self.k} people, so none of it may be learned"

    def people(self, rows: Array) -> int:
        """People who have any of the rows that a mask selects."""
        return int(rows.sum()) if self.entities is None else len(np.unique(self.entities[rows]))

    def people_per_code(self, codes: Array, n_codes: int) -> Array:
        """People who have rows of each code, shape (n_codes,)."""
        if self.entities is None:
            return np.bincount(codes, minlength=n_codes)
        pairs = np.unique(np.stack([codes, self.entities], axis=1), axis=0)
        return np.bincount(pairs[:, 0], minlength=n_codes)


def new_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, shortened, with a number where it is taken."""
    name = wanted if len(wanted) <= MAX_NAME else wanted[: MAX_NAME - 3] + "..."
    number = 2
    while name in taken:
        name = f"{wanted[: MAX_NAME - 6]} ({number})"
        number += 1
    return name


def nullable_copy(column: Column, *, nullable: bool) -> Column:
    """The column with another rule about empty cells."""
    return column.model_copy(update={"nullable": nullable})
