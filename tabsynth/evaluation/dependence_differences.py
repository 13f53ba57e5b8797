"""Correlations and mutual information of pairs, as diagnostics: what a correlation matrix or a ranking would show.

    correlation          mean over pairs of |rho_S - rho_T|, rho of ranks in the column, where both cells are present
    mutual information   mean over pairs of |I_S - I_T|,
                         I = sum_ij p_ij log(p_ij / (p_i p_j)) - (k_ij - k_i - k_j + 1) / 2n

with k the cells, rows and columns of the contingency table that hold anything.

Decisions
- Not judged: a mean over pairs forgives one that is destroyed, and a correlation sees only what rises or falls. The
  limit is on `association`, which looks at the whole table of every pair.
- By ranks (Spearman), so that one extreme value does not decide; ties share their mean rank.
- The correction of Miller and Madow: without it the smaller of two tables looks more dependent.
- Pairs share rows, so that their errors may be the same: the interval takes them to be, and is wide rather than narrow.

Source: Spearman 1904; Miller 1955 for the correction; differences of both as in SDMetrics' and synthcity's scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Family, Findings, Metric, Result, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import around

MIN_ROWS = 20
"""Rows with both cells below which a pair has no correlation."""
Strength = Callable[[Comparison, tuple[str, str], Which], tuple[float, float] | None]
"""Strength of a pair in one table and its standard error; None where it has none."""


class CorrelationDifference:
    """Mean difference of rank correlations between synthetic and real rows, over pairs of numbers or times.

    Formula:
        See the head of this module.
    Units:
        A difference of correlations, 0 to 2.
    Cost:
        One ranking per column and table, 1,000 pairs at most: 0.2 s at 20,000 rows x 15 columns.
    Source:
        See the head of this module.
    """

    name = "correlation-difference"
    family = Family.FIDELITY
    question = "Do numbers rise and fall together as they do in the real table? (diagnostic, not judged)"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the rank correlation of every pair of columns in an order.

        Privacy:
            Leaves a mean over pairs, and the names of the pair that differs most.
        """
        pairs = [pair for pair in comparison.pairs if not any(comparison.scales[name].discrete for name in pair)]
        return Findings([_mean_difference(self, comparison, pairs, correlation, level)])


class MutualInformationDifference:
    """Mean difference of the mutual information of pairs between synthetic and real rows, over all pairs.

    Formula:
        See the head of this module.
    Units:
        Nats, 0 or more.
    Cost:
        One contingency table per pair and table, 1,000 pairs at most: 0.1 s at 20,000 rows x 15 columns.
    Source:
        See the head of this module.
    """

    name = "mutual-information-difference"
    family = Family.FIDELITY
    question = "Do columns tell as much about each other as real ones do? (diagnostic, not judged)"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the mutual information of every pair on bins of train.

        Privacy:
            Leaves a mean over pairs, and the names of the pair that differs most.
        """
        return Findings([_mean_difference(self, comparison, comparison.pairs, mutual_information, level)])


def correlation(comparison: Comparison, pair: tuple[str, str], which: Which) -> tuple[float, float] | None:
    """Rank correlation of a pair and its standard error; None where a column is constant or rows are too few."""
    first, second = (_ranks(comparison, name, which) for name in pair)
    present = ~(np.isnan(first) | np.isnan(second))
    first, second = first[present], second[present]
    if len(first) < MIN_ROWS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    value = float(np.corrcoef(first, second)[0, 1])
    return value, (1 - value**2) / float(np.sqrt(len(first) - 1))


def _ranks(comparison: Comparison, name: str, which: Which) -> Array:
    """Rank of each cell among the present ones of its column, NaN where it is missing; (n_rows,)."""

    def rank() -> Array:
        return np.asarray(stats.rankdata(comparison.compared(which).columns[name], nan_policy="omit"))

    found: Array = comparison.once(f"ranks of {name} in {which}", rank)
    return found


def mutual_information(comparison: Comparison, pair: tuple[str, str], which: Which) -> tuple[float, float] | None:
    """Mutual information of a pair in nats, on bins of train, and its standard error."""
    shape = (comparison.bins[pair[0]].n_bins, comparison.bins[pair[1]].n_bins)
    counts = np.bincount(comparison.joint_codes(which, pair), minlength=shape[0] * shape[1]).reshape(shape)
    return information(counts)


def information(counts: Array) -> tuple[float, float] | None:
    """Mutual information of a contingency table in nats, corrected for its size, and its standard error.

    Example:
        >>> round(information(np.array([[500, 0], [0, 500]]))[0], 4)
        0.6936
    """
    n = int(counts.sum())
    if n < MIN_ROWS:
        return None
    rows, columns = np.nonzero(counts)
    share = counts[rows, columns] / n
    each = np.log(share / (counts.sum(axis=1)[rows] / n * (counts.sum(axis=0)[columns] / n)))
    value = float(share @ each)
    spread = float(np.sqrt(max(share @ each**2 - value**2, 0.0) / n))
    occupied = (counts.sum(axis=1) > 0).sum() + (counts.sum(axis=0) > 0).sum()
    return value - float(len(rows) - occupied + 1) / (2 * n), spread


def _mean_difference(
    metric: Metric,
    comparison: Comparison,
    pairs: Sequence[tuple[str, str]],
    strength: Strength,
    level: float,
) -> Result:
    tables: tuple[Which, ...] = ("train", "synthetic", "holdout", "independent")
    found = {pair: [strength(comparison, pair, which) for which in tables] for pair in pairs}
    whole = {pair: [each for each in four if each is not None] for pair, four in found.items()}
    whole = {pair: four for pair, four in whole.items() if len(four) == len(tables)}
    if not whole:
        return unmeasured(metric, "No pair of columns can be compared: too few rows with both cells, or constants.")
    values = np.array([[value for value, _ in four] for four in whole.values()])  # (n_pairs, 4)
    errors = np.array([[error for _, error in four] for four in whole.values()])
    gaps = np.abs(values[:, 1:] - values[:, :1])
    value, reference, baseline = (float(mean) for mean in gaps.mean(axis=0))
    error = float(np.hypot(errors[:, 0], errors[:, 1]).mean())
    place = int(np.argmax(gaps[:, 0] - gaps[:, 1]))
    first, second = list(whole)[place]
    n = comparison.n_compared
    return answer(
        metric,
        value=value,
        interval=around(value, error, n=n, level=level, upper=1e300),
        n=n,
        reference=reference,
        baseline=baseline,
        notes=(
            f"Mean over {len(whole):,} of {len(pairs):,} pairs. Farthest off beyond the holdout: {first} and {second}, "
            f"{values[place, 1]:.3f} where train has {values[place, 0]:.3f}.",
        ),
    )
