"""Similarity of two samples of one column or of one pair of columns, with what each row contributes to it.

Similarity is 1 minus a distance between distributions, so 1 is "the same". Missing cells are a state of their own,
never dropped. The contributions (influence) give standard errors, also for means over many columns, where rows move
all of them.

Decisions
- Influence, not bootstrap: the two agree for these distances (a test holds them together), and 1,000 pairs take a
  second instead of minutes. Rows of one person can be added up, which a bootstrap of counts cannot do.
- Train is taken as fixed: the question is how close these rows are to the rows the generator was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.evaluation.intervals import Interval, around, open_margin, standard_error_of_mean, z_value

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Similarity:
    """Similarity of a sample to train, and the part of each of its rows in it."""

    value: float
    influence: Array  # (n_rows,)

    def interval(self, *, level: float, clusters: Array | None = None) -> Interval:
        """Confidence interval of the value."""
        return around(self.value, self.standard_error(clusters), n=len(self.influence), level=level)

    def standard_error(self, clusters: Array | None = None) -> float:
        """Standard error of the value."""
        return standard_error_of_mean(self.influence, clusters)


def discrete_similarity(train_codes: Array, codes: Array, n_codes: int) -> Similarity:
    """1 - total variation distance of two samples of codes.

    Args:
        train_codes: Codes of train, shape (n_train,), from 0 to n_codes - 1.
        codes: Codes of the other sample, shape (n_rows,).
        n_codes: Number of codes.
    """
    return counted_similarity(np.bincount(train_codes, minlength=n_codes), codes)


def counted_similarity(train_counts: Array, codes: Array) -> Similarity:
    """1 - total variation distance of counted train cells, shape (n_codes,), and a sample of codes, shape (n_rows,)."""
    p = train_counts / train_counts.sum()
    q = np.bincount(codes, minlength=len(p)) / len(codes)
    return Similarity(1 - 0.5 * float(np.abs(p - q).sum()), -0.5 * np.sign(q - p)[codes])


def ordered_similarity(train: Array, values: Array) -> Similarity:
    """1 - Kolmogorov-Smirnov distance of two samples of numbers, with "missing" as a value of its own.

    Missing cells are put below all numbers, then above all, and the larger distance counts: a surplus of missing cells
    cannot make up for a shift of the numbers.

    Args:
        train: Cells of train, NaN where missing, shape (n_train,).
        values: Cells of the other sample, shape (n_rows,).
    """
    best = Similarity(1.0, np.zeros(len(values)))
    for end in (-np.inf, np.inf):
        real = np.sort(np.where(np.isnan(train), end, train))
        other = np.where(np.isnan(values), end, values)
        points = np.concatenate([np.unique(real), np.unique(other)])
        gap = np.searchsorted(np.sort(other), points, side="right") / len(other)
        gap -= np.searchsorted(real, points, side="right") / len(real)
        at = int(np.argmax(np.abs(gap)))
        if 1 - abs(gap[at]) < best.value:
            best = Similarity(1 - abs(float(gap[at])), -np.sign(gap[at]) * (other <= points[at]))
    return best


class Mean:
    """Mean similarity over columns or pairs of the same rows, one at a time."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._influence: Array = np.zeros(0)

    def add(self, part: Similarity) -> None:
        """Count one more column or pair."""
        self._influence = self._influence + part.influence if self._values else part.influence
        self._values.append(part.value)

    def result(self) -> Similarity:
        """The mean so far; at least one part has been added."""
        return Similarity(float(np.mean(self._values)), self._influence / len(self._values))


def mean_similarity(parts: Iterable[Similarity]) -> Similarity:
    """Mean over columns or pairs of the same rows; at least one."""
    mean = Mean()
    for part in parts:
        mean.add(part)
    return mean.result()


def share_of_ceiling(
    synthetic: Similarity,
    holdout: Similarity,
    *,
    level: float,
    clusters: Array | None = None,
    holdout_clusters: Array | None = None,
) -> tuple[float, Interval]:
    """Similarity of synthetic rows as a share of that of real holdout rows, with its interval.

    The ratio of two independent estimates; its relative standard errors add in squares (delta method).
    """
    n = len(synthetic.influence)
    if holdout.value <= 0:
        return 0.0, Interval(low=0.0, high=1.0, level=level)
    ratio = synthetic.value / holdout.value
    error = float(np.hypot(synthetic.standard_error(clusters), ratio * holdout.standard_error(holdout_clusters)))
    half = max(z_value(level) * error, open_margin(n, level=level)) / holdout.value
    return ratio, Interval(low=max(0.0, ratio - half), high=ratio + half, level=level)
