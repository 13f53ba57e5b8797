"""Intervals that hold for many estimates of the same rows together, and are no wider than these need.

Bonferroni's correction takes estimates for unrelated. Those of a hundred pairs of columns are not: the same rows are in
all of them. The distribution of the largest standardised error is simulated from the influence of each row,

    t* = max_j |sum_i g_i a_ij| / se_j,    g_i normal and independent,

and its quantile takes the place of the normal one.

Source: the multiplier bootstrap of maxima, Chernozhukov, Chetverikov & Kato 2013, doi:10.1214/13-AOS1161.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from tabsynth.evaluation.intervals import each_of
from tabsynth.evaluation.similarity import Array
from tabsynth.randomness import deterministic_threads

DRAWS = 1_000
MAX_CELLS = 2_000_000
"""Estimates x rows above which Bonferroni's correction stays: with so many rows the width hardly matters."""
_BLOCK = 200


def person_parts(influence: Array, clusters: Array | None = None) -> Array:
    """What each row, or each person, adds to the error of an estimate; their squares add up to its variance.

    Args:
        influence: What each row adds to the estimate, shape (n,); need not be centred.
        clusters: Code of the person each row belongs to, shape (n,), or None when rows are independent.

    Returns:
        Shape (n,), or (n_people,).
    """
    centred = influence - influence.mean()
    if clusters is not None:
        centred = np.bincount(clusters, weights=centred)
    groups = len(centred)
    return np.asarray(centred * np.sqrt(groups / max(1, groups - 1)) / max(1, len(influence)))


def joint_level(parts: Sequence[Sequence[Array]], *, level: float, rng: np.random.Generator) -> float:
    """Level at which each interval must be taken so that all hold together with confidence `level`.

    Args:
        parts: For each independent sample, what its people add to each estimate: (n_people,) arrays, one per estimate.
        level: Confidence of all intervals together.
        rng: Stream of the multipliers.

    Returns:
        At least `level`, at most Bonferroni's.
    """
    n_estimates = len(parts[0])
    bound = each_of(level, n_estimates)
    if n_estimates * max(len(sample[0]) for sample in parts) > MAX_CELLS:
        return bound
    tables = [np.stack([np.asarray(part, dtype=np.float32) for part in sample]) for sample in parts]
    errors = np.sqrt(sum((table.astype(np.float64) ** 2).sum(axis=1) for table in tables))  # (n_estimates,)
    moving = errors > 0
    if not moving.any():
        return bound
    largest = np.empty(DRAWS)
    with deterministic_threads():
        for start in range(0, DRAWS, _BLOCK):
            total = np.zeros((int(moving.sum()), _BLOCK))
            for table in tables:
                total += table[moving] @ rng.standard_normal((table.shape[1], _BLOCK), dtype=np.float32)
            largest[start : start + _BLOCK] = (np.abs(total) / errors[moving, None]).max(axis=0)
    # The order statistic that lies above the quantile even after DRAWS draws, as conformal bounds take it.
    place = min(DRAWS, int(np.ceil(level * (DRAWS + 1)))) - 1
    quantile = float(np.sort(largest)[place])
    return float(min(bound, max(level, 2 * stats.norm.cdf(quantile) - 1)))
