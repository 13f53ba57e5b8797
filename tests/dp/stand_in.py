"""A stand-in for the measurement boundary: same calls, plain seeded noise, no ledger. For tests of mechanisms only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tabsynth.dp.counting import count


@dataclass(frozen=True)
class Measurement:
    clique: tuple[str, ...]
    counts: np.ndarray
    sigma: float
    rho: float
    purpose: str
    coarse: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Selection:
    candidates: tuple[tuple[str, ...], ...]
    chosen: int
    rho: float
    purpose: str


@dataclass
class Transcript:
    sizes: Mapping[str, int]
    measurements: list[Measurement] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)


def sum_codes(counts: np.ndarray, clique: Sequence[str], coarse: Mapping[str, np.ndarray] | None) -> np.ndarray:
    for axis, name in enumerate(clique):
        if coarse and name in coarse:
            moved = np.moveaxis(counts, axis, 0)
            summed = np.zeros((int(coarse[name].max()) + 1, *moved.shape[1:]), np.int64)
            np.add.at(summed, coarse[name], moved)
            counts = np.moveaxis(summed, 0, axis)
    return counts


class StandIn:
    """Noise of the right size from a seed: normal numbers rounded, Gumbel numbers added to scores."""

    def __init__(self, columns: Mapping[str, np.ndarray], sizes: Mapping[str, int], *, seed: int, max_rows: int = 1):
        self.sizes = dict(sizes)
        self.transcript = Transcript(dict(sizes))
        self.spent = 0.0
        self._columns = dict(columns)
        self._rng = np.random.default_rng(seed)
        self.max_rows = max_rows
        self._true: dict[tuple[str, ...], np.ndarray] = {}

    def _counts(self, clique, coarse):
        if clique not in self._true:
            columns = [self._columns[name] for name in clique]
            n_rows = len(next(iter(self._columns.values())))
            self._true[clique] = count(columns, [self.sizes[c] for c in clique]) if clique else np.int64(n_rows)
        return sum_codes(np.asarray(self._true[clique]), clique, coarse)

    def marginal(self, clique, *, rho, purpose, coarse=None):
        counts = self._counts(clique, coarse)
        sigma = self.max_rows / (2 * rho) ** 0.5
        noisy = counts + np.rint(self._rng.normal(0, sigma, counts.shape)).astype(np.int64)
        kept = tuple((name, tuple(coarse[name].tolist())) for name in clique if coarse and name in coarse)
        measurement = Measurement(clique, noisy, sigma, rho, purpose, kept)
        self.spent += rho
        self.transcript.measurements.append(measurement)
        return measurement

    def marginals(self, cliques, *, rho_each, purpose, coarse=None):
        pairs = zip(cliques, rho_each, strict=True)
        return [self.marginal(clique, rho=rho, purpose=purpose, coarse=coarse) for clique, rho in pairs]

    def row_count(self, *, rho, purpose):
        return self.marginal((), rho=rho, purpose=purpose)

    def select(self, candidates, estimates, *, weights, penalties, rho, purpose, coarse=None):
        scores = np.array(
            [
                weight * (np.abs(self._counts(clique, coarse) - np.rint(estimate)).sum() - penalty)
                for clique, estimate, weight, penalty in zip(candidates, estimates, weights, penalties, strict=True)
            ]
        )
        epsilon = (8 * rho) ** 0.5
        noise = self._rng.gumbel(0, 2 * max(weights) * self.max_rows / epsilon, len(scores))
        chosen = int(np.argmax(scores + noise))
        self.spent += rho
        self.transcript.selections.append(Selection(tuple(candidates), chosen, rho, purpose))
        return chosen
