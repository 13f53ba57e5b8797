"""Rows of a private generator that was trained: codes drawn in blocks from weights, then codes inside the pools."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tabsynth.dp import independent
from tabsynth.dp.mechanism import Record
from tabsynth.dp.pooling import Pool, pools_of, spread_out

Array = np.ndarray[Any, Any]

BLOCK = 20_000
"""Rows drawn at once."""


@dataclass(frozen=True)
class TrainedModel(ABC):
    """Pools of codes from the noisy counts of the columns, and weights from noisy gradients."""

    pools: Mapping[str, Pool]
    weights: Mapping[str, Array]

    @property
    def total(self) -> float:
        """Estimated number of rows."""
        return next(iter(self.pools.values())).total

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Codes of every column, int64 of shape (n_rows,)."""
        pieces = [self.draw(min(BLOCK, n_rows - start), rng=rng) for start in range(0, n_rows, BLOCK)]
        drawn = np.concatenate(pieces) if pieces else np.zeros((0, len(self.pools)), np.int64)
        rows = {name: drawn[:, place] for place, name in enumerate(self.pools)}
        return spread_out(rows, self.pools, rng=rng)

    @abstractmethod
    def draw(self, n_rows: int, *, rng: np.random.Generator) -> Array:
        """Coarse codes in the table's order, int64 of shape (n_rows, n_columns)."""


class _Trained(Protocol):
    @property
    def weights(self) -> Mapping[str, Array]: ...


class TrainedRecord(Record, Protocol):
    """A transcript with trainings in it."""

    @property
    def trainings(self) -> Sequence[_Trained]:
        """What was trained, in order."""


def last_trained(transcript: TrainedRecord, kind: type[TrainedModel]) -> Any:
    """The model of the last training; where there was none, as with a single column, that of the counts."""
    if not transcript.trainings:
        return independent.model(transcript)
    return kind(pools_of(transcript.measurements), transcript.trainings[-1].weights)
