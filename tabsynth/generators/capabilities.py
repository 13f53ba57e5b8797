"""What some fitted generators can do beyond drawing rows. Having the method is saying so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

Array = np.ndarray[Any, Any]


@runtime_checkable
class Imputer(Protocol):
    """Fills in cells of a row given all others."""

    def impute_encoded(
        self, columns: Mapping[str, Array], missing: Mapping[str, Array], *, rng: np.random.Generator
    ) -> dict[str, Array]:
        """Draw marked cells from their distribution given the rest of the row.

        Args:
            columns: Encoded rows, each array of shape (n_rows,); whatever stands in marked cells is ignored.
            missing: Which cells to fill in, by column, shape (n_rows,), bool; columns without any may be left out. A
                missing cell that is not marked is known to be missing. Where the model never saw it missing, or holds
                its value impossible, nothing is known of it.
            rng: Source of every random number.

        Returns:
            All columns, with every marked cell there, and all other cells as they were.
        """
        ...


@runtime_checkable
class Likelihood(Protocol):
    """Says how probable rows are."""

    def log_likelihood(self, columns: Mapping[str, Array]) -> Array:
        """Natural logarithm of the probability of the cells that rows fall in, shape (n_rows,).

        Args:
            columns: Encoded rows, each array of shape (n_rows,).

        Returns:
            -inf for a row with a cell that the model holds impossible.
        """
        ...


@runtime_checkable
class PartDrawer(Protocol):
    """Draws rows that take little memory until a part of them is asked for."""

    def draw_parts(self, n_rows: int, *, rng: np.random.Generator) -> Callable[[int, int], dict[str, Array]]:
        """Draw rows without conditions.

        Args:
            n_rows: Rows in all.
            rng: Source of every random number.

        Returns:
            A function of a first and a last row (exclusive) that gives those rows of what `sample_encoded` would give,
            as often and in whatever order it is asked.
        """
        ...
