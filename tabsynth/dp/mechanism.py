"""What a mechanism sees of a private table, and what it must make of the transcript.

A mechanism is two functions. `measure(table, rho=...)` reads through the boundary alone, so that whatever it learns is
in the transcript; `model(transcript)` is a pure function of the transcript, run as often as wanted, by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Clique = tuple[str, ...]


class Measured(Protocol):
    """Noisy counts of some columns, as they left the boundary."""

    @property
    def clique(self) -> Clique:
        """Columns, in the order of the axes."""

    @property
    def counts(self) -> Array:
        """int64 counts with noise, shaped by the (coarse) sizes of the columns."""

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise, in rows."""

    @property
    def purpose(self) -> str:
        """What it was measured for; mechanisms know their own measurements by it."""

    @property
    def coarse(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Of columns counted in fewer codes: which coarse code each code belongs to."""


class Record(Protocol):
    """What left the boundary so far."""

    @property
    def measurements(self) -> Sequence[Measured]:
        """Noisy counts of columns, in the order they were taken."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Public number of codes of each column, in order."""


class MeasurableTable(Protocol):
    """The looks that a mechanism can take at private rows; each is charged before it is taken."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Public number of codes of each column, in order."""

    @property
    def max_rows(self) -> int:
        """Rows that one unit has at most; what the noise is scaled by."""

    @property
    def transcript(self) -> Record:
        """What left so far."""

    def marginals(
        self,
        cliques: Sequence[Clique],
        *,
        rho_each: Sequence[float],
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> Sequence[Measured]:
        """Counts with noise, of codes or of the coarse codes that they are mapped to."""

    def select(
        self,
        candidates: Sequence[Clique],
        estimates: Sequence[Array],
        *,
        weights: Sequence[float],
        penalties: Sequence[float],
        rho: float,
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> int:
        """The candidate whose counts are furthest from the estimate, with noise; see `PrivateTable.select`."""


class RowModel(Protocol):
    """What rows are drawn from."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of codes of each column, in order."""

    @property
    def total(self) -> float:
        """Estimated number of rows."""

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Draw rows: codes of shape (n_rows,) for each column, in the smallest type that holds them."""


class TableModel(RowModel, Protocol):
    """A model that also says what it expects."""

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Array]:
        """Expected counts of each set of columns."""


def noise_scale(rho: float, max_rows: int) -> float:
    """Standard deviation of the noise on a table of counts that costs `rho`, in rows."""
    return max_rows / (2 * rho) ** 0.5


def even_parts(rho: float, n_parts: int) -> list[float]:
    """Equal parts whose sum is not above `rho` in floating point."""
    return [rho / n_parts * (1 - 1e-12)] * n_parts
