"""What a mechanism sees of a private table, and what it must make of the transcript.

A mechanism is two functions. `measure(table, rho=...)` reads through the boundary alone, so that whatever it learns is
in the transcript; `model(transcript)` is a pure function of the transcript, run as often as wanted, by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Clique = tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """How rows went through one affine layer: the gradient of a row is the outer product of (inputs, 1) and slopes."""

    inputs: Array
    """What went in, (n_rows, n_inputs)."""
    slopes: Array
    """Derivative of the row's own loss by each output, (n_rows, n_outputs)."""


@dataclass(frozen=True)
class Schedule:
    """Batches and noise of a training, decided from public facts."""

    steps: int
    rate: float
    """Probability of each unit to be in a batch."""
    noise: float
    """Standard deviation of the noise, in multiples of what one unit can move."""
    batch: float
    """Rows of a batch that are expected; sums are divided by it."""
    clip: float = 1.0
    """Largest length of the gradient of one unit."""


class Learner(Protocol):
    """Something with affine layers that is trained by noisy sums of gradients alone."""

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """Inputs and outputs of each layer."""

    def traces(self, codes: Array) -> Sequence[Trace]:
        """How rows go through each layer; what is said of a row depends on that row and the weights alone.

        Args:
            codes: Shape (n_rows, n_columns), in the order of the table's columns.
        """

    def step(self, gradients: Sequence[Array]) -> None:
        """Move the weights, by the noisy mean gradient of each layer, (n_inputs + 1, n_outputs); biases come last."""

    def weights(self) -> dict[str, Array]:
        """What is kept of it: float32 arrays, by name."""


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
        """What one unit can move a table of counts by: rows that it has at most, or `whole`, which its rows share."""

    @property
    def whole(self) -> int:
        """What one unit counts where its rows are weighed, else 1: counts over this are numbers of people, or rows."""

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


class TrainableTable(MeasurableTable, Protocol):
    """A table that can be trained on, too."""

    @property
    def order(self) -> int | None:
        """Largest order that costs of a training have to hold for; None for all."""

    def train(self, learner: Learner, schedule: Schedule, *, rho: float, purpose: str) -> object:
        """Move a learner by noisy gradients; see `PrivateTable.train`."""


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
