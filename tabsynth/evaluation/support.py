"""Support, as a diagnostic: do synthetic rows lie where real rows lie, and do they reach all of them?

Rows are points (numbers by their rank, categories as states, `distances.py`); distances are sums of absolute
differences.

    alpha-precision      P(a) = share of S within the ball around the centre of T that holds a share a of T
    beta-recall          R(b) = share of T that is nearer to a row of S within b of S's centre than to its own k-th
                         neighbour in T
    both                 1 - 2 x mean over a of |P(a) - a|, 1 being perfect
    neighbour-coverage   share of T whose k-th nearest neighbour in T is farther than the nearest row of S

Decisions
- Diagnostics, never judged: all such measures fail some check of sanity (Räisä et al. 2025, arXiv:2505.22450), and a
  copy of train is perfect by all of them.
- The centre is the median row, not a learned embedding (the `naive` variant of the paper's authors): a network that is
  trained first gives other numbers for every seed.

Source: Alaa et al. 2022, arXiv:2102.08921, equations 4 to 7; coverage, Naeem et al. 2020, arXiv:2002.09797, equation 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows, Which
from tabsynth.evaluation.distances import Encoder, Points
from tabsynth.evaluation.intervals import Interval, around
from tabsynth.randomness import child

MAX_ROWS = 2_000
NEIGHBOURS = 5
MIN_ROWS = 50
_STEPS = np.linspace(0.05, 0.95, 19)
_BLOCK = 64


@dataclass(frozen=True)
class _Supports:
    """What the three metrics read: per kind of rows, curves and shares, and the rows behind them."""

    precision: dict[str, tuple[float, float]]  # value and standard error
    recall: dict[str, tuple[float, float]]
    coverage: dict[str, tuple[float, float]]
    n: int


class _Support:
    """What the three metrics share."""

    name = ""
    family = Family.FIDELITY
    question = ""
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Measure distances among at most MAX_ROWS rows of each table.

        Privacy:
            Leaves one share over all rows.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        found = _supports(comparison)
        if found is None:
            return Findings([unmeasured(self, f"Needs {MIN_ROWS} rows of each table.")])
        parts = {"alpha-precision": found.precision, "beta-recall": found.recall, "neighbour-coverage": found.coverage}
        own = parts[self.name]
        value, error = own["synthetic"]
        interval: Interval = around(value, error, n=found.n, level=level)
        whole = answer(
            self,
            value=value,
            interval=interval,
            n=found.n,
            reference=own["holdout"][0],
            baseline=own["independent"][0],
            notes=(f"A diagnostic, not judged; {found.n:,} rows of each table.",),
        )
        return Findings([whole])


class AlphaPrecision(_Support):
    """Integrated alpha-precision: whether synthetic rows lie where real ones do, from the middle outwards.

    Formula:
        1 - 2 mean_a |P(a) - a|, see the head of this module.
    Units:
        A share; 1 is perfect.
    Cost:
        4,000 x 2,000 distances for each of three tables: 2 s at 15 columns, shared with the two others.
    Source:
        See the head of this module.
    """

    name = "alpha-precision"
    question = "Do synthetic rows lie where real rows lie? (diagnostic, not judged)"


class BetaRecall(_Support):
    """Integrated beta-recall: whether synthetic rows reach all real ones, from the middle outwards.

    Formula:
        1 - 2 mean_b |R(b) - b|, see the head of this module.
    Units:
        A share; real strangers stay below 1, as the reference shows.
    Cost:
        None beyond `alpha-precision`.
    Source:
        See the head of this module.
    """

    name = "beta-recall"
    question = "Do synthetic rows reach all kinds of real rows? (diagnostic, not judged)"


class NeighbourCoverage(_Support):
    """Share of real rows that have a synthetic row nearer than their own fifth neighbour.

    Formula:
        P(d(t, S) <= d_k(t, T)), k = 5.
    Units:
        A share of rows, 0 to 1.
    Cost:
        None beyond `alpha-precision`.
    Source:
        Naeem et al. 2020, arXiv:2002.09797, equation 9.
    """

    name = "neighbour-coverage"
    question = "Is there a synthetic row near every real one? (diagnostic, not judged)"


def _supports(comparison: Comparison) -> _Supports | None:
    n = min(comparison.train.n_rows, comparison.n_compared, MAX_ROWS)
    if n < MIN_ROWS:
        return None

    def search() -> _Supports:
        train = _drawn(comparison.train, n, comparison.seed, "train")
        encoder = Encoder((train,), comparison.scales, comparison.columns, encodings=("quantile",))
        real = encoder.points(train)
        own = _within(real)
        found = _Supports({}, {}, {}, n)
        kinds: tuple[Which, ...] = ("synthetic", "holdout", "independent")
        for which in kinds:
            # Drawn alike, so that the holdout in the place of synthetic rows gives the same figure.
            made = encoder.points(_drawn(comparison.compared(which), n, comparison.seed, "other"))
            found.precision[which], found.recall[which], found.coverage[which] = _measured(real, made, own)
        return found

    supports: _Supports = comparison.once("support", search)
    return supports


def _measured(
    real: Points, made: Points, own: Array
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Precision, recall and coverage with their standard errors; `own` is the k-th distance within train, (n,)."""
    between = _between(real, made)  # (n_real, n_made)
    real_out, made_out = (_from_centre(points, real) for points in (real, made))
    inside = made_out[:, None] <= np.quantile(real_out, _STEPS)[None, :]  # (n_made, n_steps)
    made_own = _from_centre(made, made)
    nearest = between.argmin(axis=1)
    near = between[np.arange(len(between)), nearest] <= own  # (n_real,)
    reached = near[:, None] & (made_own[nearest][:, None] <= np.quantile(made_own, _STEPS)[None, :])
    return _integrated(inside), _integrated(reached), (float(near.mean()), float(near.std() / np.sqrt(len(near))))


def _integrated(hits: Array) -> tuple[float, float]:
    """1 - 2 mean |curve - a| of hits, shape (n, n_steps), and its standard error."""
    curve = hits.mean(axis=0)
    influence = -2 * (np.sign(curve - _STEPS) * hits).mean(axis=1)
    value = 1 - 2 * float(np.abs(curve - _STEPS).mean())
    return max(0.0, value), float(influence.std() / np.sqrt(len(hits)))


def _from_centre(points: Points, centre_of: Points) -> Array:
    """Distance of each row to the middle of a table: the median of numbers, the most frequent state; (n_rows,)."""
    numbers = points.numbers["quantile"]
    total = np.abs(numbers - np.median(centre_of.numbers["quantile"], axis=0)).sum(axis=1).astype(float)
    for place in range(points.states.shape[1]):
        values, counts = np.unique(centre_of.states[:, place], return_counts=True)
        total += points.states[:, place] != values[np.argmax(counts)]
    return np.asarray(total)


def _between(asked: Points, searched: Points) -> Array:
    """All distances, shape (n_asked, n_searched), float32."""
    found = np.empty((asked.n_rows, searched.n_rows), np.float32)
    for start in range(0, asked.n_rows, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.zeros((min(_BLOCK, asked.n_rows - start), searched.n_rows), np.float32)
        for one, other in zip(asked.numbers["quantile"][rows].T, searched.numbers["quantile"].T, strict=True):
            block += np.abs(one[:, None] - other[None, :])
        for one, other in zip(asked.states[rows].T, searched.states.T, strict=True):
            block += one[:, None] != other[None, :]
        found[rows] = block
    return found


def _within(points: Points) -> Array:
    """Distance of each row to its k-th neighbour among the others, shape (n,)."""
    apart = _between(points, points)
    np.fill_diagonal(apart, np.inf)
    k = min(NEIGHBOURS, points.n_rows - 1)
    return np.asarray(np.partition(apart, k - 1, axis=1)[:, k - 1])


def _drawn(rows: Rows, n: int, seed: int, name: str) -> Rows:
    if rows.n_rows == n:
        return rows
    return rows.take(np.sort(child(seed, "evaluation", "support", name).choice(rows.n_rows, n, replace=False)))
