"""Change of dependence: which dependences between two columns did the generator invent, lose or turn round?

The dependence of a pair is the difference between its joint distribution and what independence would make of its
margins, p_ij - p_i p_j, on the bins of `pairs.py`. Its strength is half the sum of the absolute differences: the
share of rows that would have to move to make the two columns independent. The change is measured the same way between
synthetic and train.

Decisions
- A share of rows, not a normalised coefficient such as Cramér's V: V reaches 1 on ten rows of a rare category and then
  differs by 0.5 between two halves of one real table. V is also blind to a dependence that changed its direction.
- Judged by the largest change, not the mean: one invented dependence among a hundred honest pairs moves no mean. The
  intervals hold for all pairs together (`simultaneous.py`), which the same rows are in.
- Judged beyond what an equally large holdout shows: small samples differ from train even when nothing is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import Interval, around, largest_of
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.simultaneous import joint_level, person_parts
from tabsynth.randomness import child

N_WORST = 10
_COMPARED: tuple[Which, ...] = ("synthetic", "holdout")


class Change(Part):
    """Dependence of one pair: strengths, and how far synthetic and holdout are from train; shares of rows."""

    first: str
    second: str
    train: float
    synthetic: float
    change: float
    holdout_change: float
    excess: Interval
    """Of change over holdout_change; holds for all pairs together."""

    @property
    def kind(self) -> Literal["stronger", "weaker", "different"]:
        """What happened to the dependence."""
        gain = self.synthetic - self.train
        if abs(gain) < self.change / 3:
            return "different"
        return "stronger" if gain > 0 else "weaker"

    @property
    def words(self) -> str:
        """What happened, where it is beyond chance: few rows alone make any dependence look stronger than in train."""
        if self.excess.low <= 0:
            return "as in train, within chance"
        return f"{self.kind} from train" if self.kind == "different" else f"{self.kind} than in train"


class Changes(Detail):
    """The pairs whose dependence changed most beyond what the holdout shows."""

    worst: tuple[Change, ...]
    n_pairs: int


class Association:
    """Largest change of the dependence between two columns, beyond what holdout rows show, over all pairs.

    Formula:
        max over pairs of sum_ij |D_ij(synthetic) - D_ij(train)| / 2, D_ij = p_ij - p_i p_j; judged: minus the same for
        holdout.
    Units:
        A share of rows, 0 to 1.
    Cost:
        One contingency table per pair and table, 1,000 pairs at most: 0.1 s at 20,000 rows x 15 columns, and
        at most 1 s for the joint intervals.
    Source:
        This project; joint intervals as in `simultaneous.py`. D is the numerator of Pearson's statistic, and half its
        absolute sum a total variation distance.
    """

    name = "association"
    family = Family.FIDELITY
    question = "Is any dependence between two columns invented, lost or turned round?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the dependence of every pair.

        Privacy:
            Leaves four numbers per listed pair.
        """
        if len(comparison.columns) < 2:
            return Findings([unmeasured(self, "The table has fewer than two modelled columns.")])
        made, real = ([_distance(comparison, pair, which) for pair in comparison.pairs] for which in _COMPARED)
        rng = child(comparison.seed, "evaluation", "association")
        each = joint_level([[one.parts for one in made], [one.parts for one in real]], level=level, rng=rng)
        found = [_change(comparison, *three, each) for three in zip(comparison.pairs, made, real, strict=True)]
        found.sort(key=lambda change: change.holdout_change - change.change)
        worst = found[0]
        whole = answer(
            self,
            value=worst.change,
            interval=_shifted(worst.excess, worst.holdout_change),
            n=comparison.n_compared,
            reference=worst.holdout_change,
            baseline=max(_distance(comparison, pair, "independent").value for pair in comparison.pairs),
            judged=Judged(
                what="excess over the holdout",
                value=worst.change - worst.holdout_change,
                interval=largest_of((change.excess for change in found), level=level),
            ),
            notes=(
                f"The pair that changed most: {worst.first} × {worst.second}, {worst.words}.",
                f"Shares of rows; {len(found):,} pairs were compared, and the interval holds for all of them together.",
            ),
        )
        return Findings([whole], Changes(worst=tuple(found[:N_WORST]), n_pairs=len(found)))


def dependence(counts: Array) -> Array:
    """Joint distribution minus the product of its margins.

    Args:
        counts: Rows per cell, shape (r, c).

    Returns:
        p_ij - p_i p_j, shape (r, c); all zero when the two are independent.
    """
    joint = counts / counts.sum()
    return np.asarray(joint - np.outer(joint.sum(axis=1), joint.sum(axis=0)))


@dataclass(frozen=True)
class _Distance:
    """How far the dependence of a pair is from train's."""

    value: float
    strength: float
    """Of the dependence itself."""
    parts: Array
    """What each person adds to the error of the value."""


def _change(comparison: Comparison, pair: tuple[str, str], made: _Distance, real: _Distance, level: float) -> Change:
    error = float(np.sqrt((made.parts**2).sum() + (real.parts**2).sum()))
    excess = around(made.value - real.value, error, n=comparison.n_compared, level=level, lower=-1.0)
    shape = (comparison.bins[pair[0]].n_bins, comparison.bins[pair[1]].n_bins)
    before = 0.5 * float(np.abs(dependence(comparison.train_joint(pair).reshape(shape))).sum())
    return Change(
        first=pair[0],
        second=pair[1],
        train=round(before, 4),
        synthetic=round(made.strength, 4),
        change=round(made.value, 4),
        holdout_change=round(real.value, 4),
        excess=excess,
    )


def _distance(comparison: Comparison, pair: tuple[str, str], which: Which) -> _Distance:
    """Distance of a pair's dependence from train's."""
    shape = (comparison.bins[pair[0]].n_bins, comparison.bins[pair[1]].n_bins)
    codes = comparison.joint_codes(which, pair)
    counts = np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape)
    own = dependence(counts)
    difference = own - dependence(comparison.train_joint(pair).reshape(shape))
    # Derivative of the distance in the direction of one more row in cell (i, j).
    sign = np.sign(difference)
    rows, columns = counts.sum(axis=1) / counts.sum(), counts.sum(axis=0) / counts.sum()
    slope = 0.5 * (sign - (sign @ columns)[:, None] - (rows @ sign)[None, :])
    parts = person_parts(slope.ravel()[codes], comparison.clusters(which)).astype(np.float32)
    return _Distance(0.5 * float(np.abs(difference).sum()), 0.5 * float(np.abs(own).sum()), parts)


def _shifted(interval: Interval, by: float) -> Interval:
    return Interval(low=max(0.0, interval.low + by), high=interval.high + by, level=interval.level)
