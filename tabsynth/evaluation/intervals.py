"""Confidence intervals of what the report shows: proportions, their differences, ranking accuracy, means.

Decisions
- Wilson and Newcombe, not the textbook normal interval: they stay honest at zero events, which is the usual case for
  copies.
- An interval is never narrower than what n rows without a single deviation would leave open (`open_margin`): six rows
  that all agree are no proof.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field
from scipy import stats

from tabsynth.evaluation.part import Part

Array = np.ndarray[Any, Any]


class Interval(Part):
    """A confidence interval, `low` to `high`, at confidence `level`."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    level: float = Field(default=0.95, gt=0.5, lt=1.0)


def z_value(level: float) -> float:
    """Two-sided normal quantile of a confidence level: 1.96 for 0.95."""
    return float(stats.norm.ppf(0.5 + level / 2))


def open_margin(n: int, *, level: float = 0.95) -> float:
    """Share that n rows without one event leave open: Wilson's upper bound at zero events."""
    z = z_value(level)
    return z * z / (n + z * z)


def wilson(events: int, n: int, *, level: float = 0.95) -> Interval:
    """Interval of a proportion `events / n`; [0, 1] for n = 0.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Example:
        >>> interval = wilson(0, 100)
        >>> interval.low, round(interval.high, 3)
        (0.0, 0.037)
    """
    if n == 0:
        return Interval(low=0.0, high=1.0, level=level)
    z = z_value(level)
    share = events / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low = 0.0 if events == 0 else max(0.0, centre - half)
    high = 1.0 if events == n else min(1.0, centre + half)
    return Interval(low=low, high=high, level=level)


def newcombe(events: int, n: int, other_events: int, other_n: int, *, level: float = 0.95) -> Interval:
    """Interval of the difference of two independent proportions, `events / n - other_events / other_n`.

    Source: Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    if n == 0 or other_n == 0:
        return Interval(low=-1.0, high=1.0, level=level)
    first, second = wilson(events, n, level=level), wilson(other_events, other_n, level=level)
    p, q = events / n, other_events / other_n
    low = p - q - float(np.hypot(p - first.low, second.high - q))
    high = p - q + float(np.hypot(first.high - p, q - second.low))
    return Interval(low=max(-1.0, low), high=min(1.0, high), level=level)


def auc_interval(
    member_scores: Array, other_scores: Array, *, level: float = 0.95, widened: float = 1.0
) -> tuple[float, Interval]:
    """Area under the ROC curve of scores that should be higher for members, with its interval.

    Args:
        member_scores: Scores of the rows that should rank high, shape (n,).
        other_scores: Scores of the others, shape (m,).
        level: Confidence level.
        widened: Factor on the standard error, where scores come from models that share training rows.

    Returns:
        The area (ties count one half) and DeLong's interval.

    Source: DeLong, DeLong & Clarke-Pearson 1988, in the rank form of Sun & Xu 2014, doi:10.1109/LSP.2014.2337313.
    """
    n, m = len(member_scores), len(other_scores)
    together = stats.rankdata(np.concatenate([member_scores, other_scores]))  # midranks
    above_others = (together[:n] - stats.rankdata(member_scores)) / m  # (n,) share of others below each member
    below_members = 1 - (together[n:] - stats.rankdata(other_scores)) / n  # (m,)
    area = float(above_others.mean())
    variance = 0.0
    if n > 1 and m > 1:
        variance = float(above_others.var(ddof=1)) / n + float(below_members.var(ddof=1)) / m
    return area, around(area, widened * float(np.sqrt(variance)), n=min(n, m), level=level)


def around(
    value: float,
    standard_error: float,
    *,
    n: int,
    level: float = 0.95,
    lower: float = 0.0,
    upper: float = 1.0,
    scale: float = 1.0,
) -> Interval:
    """Normal interval around `value`, never narrower than n rows allow, held to [lower, upper].

    Args:
        value: The estimate.
        standard_error: Its standard error, same unit.
        n: Rows behind it.
        level: Confidence level.
        lower: Smallest possible value.
        upper: Largest possible value.
        scale: What one row's share of 1 is worth in the unit of `value`.
    """
    half = max(z_value(level) * standard_error, scale * open_margin(n, level=level))
    return Interval(low=max(lower, value - half), high=min(upper, value + half), level=level)


def each_of(level: float, n: int) -> float:
    """Level of each of n intervals that together hold with confidence `level` (Bonferroni)."""
    return 1 - (1 - level) / max(1, n)


def size_of(difference: Interval) -> Interval:
    """Interval of the absolute size of a difference."""
    low, high = sorted((abs(difference.low), abs(difference.high)))
    return Interval(low=0.0 if difference.low <= 0 <= difference.high else low, high=high, level=difference.level)


def largest_of(sizes: Iterable[Interval], *, level: float) -> Interval:
    """Interval of the largest of some sizes, at confidence `level` when each was taken at `each_of(level, n)`."""
    found = list(sizes)
    return Interval(low=max(size.low for size in found), high=max(size.high for size in found), level=level)


def standard_error_of_mean(influence: Array, clusters: Array | None = None) -> float:
    """Standard error of an estimate whose linear part is the mean of `influence` over rows.

    Rows of one person move together: with `clusters`, their influences are added up first.

    Args:
        influence: What each row adds to the estimate, shape (n,); need not be centred.
        clusters: Code of the person each row belongs to, shape (n,), or None when rows are independent.

    Source: infinitesimal jackknife, Efron 1982, section 6; cluster form as in Liang & Zeger 1986.
    """
    n = len(influence)
    if n < 2:
        return 1.0
    centred = influence - influence.mean()
    if clusters is not None:
        centred = np.bincount(clusters, weights=centred)
    groups = len(centred)
    correction = groups / (groups - 1) if groups > 1 else 1.0
    return float(np.sqrt(correction * np.sum(centred**2)) / n)
