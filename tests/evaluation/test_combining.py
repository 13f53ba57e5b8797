"""Combining rules: the published formulas, intervals that hold where they should, and errors that name the remedy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import tabsynth as ts
from tabsynth.errors import UsageError
from tabsynth.evaluation.combining import Rule, combine

ESTIMATES, VARIANCES = [1.0, 1.4, 1.2, 0.8], [0.09, 0.11, 0.10, 0.10]


def test_plug_in_and_proper_follow_raab_nowok_and_dibben() -> None:
    """T = v (k/n + 1/m) and T = v (k/n + (1 + k/n)/m), normal."""
    found = ts.combine(ESTIMATES, VARIANCES, rule="plug-in", n_real=500, n_synthetic=1_000)
    assert found.estimate[0] == pytest.approx(1.1)
    assert found.variance[0] == pytest.approx(0.1 * (2 + 1 / 4))
    assert np.isinf(found.degrees_of_freedom[0])
    proper = ts.combine(ESTIMATES, VARIANCES, rule="proper", n_real=500, n_synthetic=1_000)
    assert proper.variance[0] == pytest.approx(0.1 * (2 + 3 / 4))
    assert ts.combine([1.0], [0.1], rule="plug-in", n_real=10, n_synthetic=10).variance[0] == pytest.approx(0.2)


def test_partial_follows_reiter_2003() -> None:
    """T = v + b/m, t with (m - 1)(1 + m v / b)² degrees of freedom."""
    between = np.var(ESTIMATES, ddof=1)
    found = combine(ESTIMATES, VARIANCES, rule="partial")
    assert found.variance[0] == pytest.approx(0.1 + between / 4)
    assert found.degrees_of_freedom[0] == pytest.approx(3 * (1 + 4 * 0.1 / between) ** 2)
    low, high = found.interval(0.9)
    half = stats.t.ppf(0.95, found.degrees_of_freedom[0]) * np.sqrt(found.variance[0])
    assert (low[0], high[0]) == (pytest.approx(1.1 - half), pytest.approx(1.1 + half))


def test_full_follows_raghunathan_reiter_and_rubin_and_is_never_negative() -> None:
    """T = (1 + 1/m) b - v with (m - 1)(1 - v / ((1 + 1/m) b))² degrees; where negative, v."""
    wide = [0.0, 2.0, 1.0, 3.0]
    between = np.var(wide, ddof=1)
    found = combine(wide, VARIANCES, rule="full")
    assert found.variance[0] == pytest.approx(1.25 * between - 0.1)
    assert found.degrees_of_freedom[0] == pytest.approx(3 * (1 - 0.1 / (1.25 * between)) ** 2)
    assert combine([1.0, 1.0], [0.1, 0.1], rule="full").variance[0] == pytest.approx(0.1)


def test_several_estimates_at_once() -> None:
    """Each column is combined by itself."""
    both = combine(np.column_stack([ESTIMATES, ESTIMATES]), np.column_stack([VARIANCES, VARIANCES]), rule="partial")
    one = combine(ESTIMATES, VARIANCES, rule="partial")
    assert both.variance.tolist() == [one.variance[0]] * 2
    assert both.n_copies == 4


@pytest.mark.parametrize("m", [1, 5])
def test_plug_in_intervals_hold_for_a_known_population(m: int) -> None:
    """Copies from a normal model with its fitted mean: intervals hold in 95 of 100 samples; naive ones do not."""
    rng = np.random.default_rng(m)
    n, k, repeats = 100, 200, 4_000
    fitted = rng.normal(0, 1 / np.sqrt(n), repeats)
    means = fitted[:, None] + rng.normal(0, 1 / np.sqrt(k), (repeats, m))
    held, naive = 0, 0
    for copies in means:
        low, high = combine(copies, np.full(m, 1 / k), rule="plug-in", n_real=n, n_synthetic=k).interval()
        held += low[0] <= 0 <= high[0]
        naive += abs(copies[0]) <= 1.96 / np.sqrt(k)
    assert 0.94 <= held / repeats <= 0.96
    assert naive / repeats < 0.80


@pytest.mark.parametrize(
    ("estimates", "variances", "rule", "message"),
    [
        ([1.0, 2.0], [0.1], "partial", "one shape"),
        ([], [], "partial", "not be empty"),
        ([1.0], [0.1], "partial", "at least two copies"),
        ([1.0, 2.0], [0.1, 0.1], "plug-in", "needs n_real and n_synthetic"),
        ([1.0, 2.0], [0.1, -0.1], "partial", "not negative"),
        ([1.0, float("nan")], [0.1, 0.1], "full", "finite"),
        ([1.0, 2.0], [0.1, 0.1], "rubin", "unknown rule"),
    ],
)
def test_wrong_input_is_named(estimates: list[float], variances: list[float], rule: Rule, message: str) -> None:
    """Each error says what would be right."""
    with pytest.raises(UsageError, match=message):
        combine(estimates, variances, rule=rule)


def test_wrong_levels_and_counts_are_named() -> None:
    """Levels are shares; row counts are positive."""
    with pytest.raises(UsageError, match="level"):
        combine([1.0, 2.0], [0.1, 0.1], rule="partial").interval(95)
    with pytest.raises(UsageError, match="at least 1"):
        combine([1.0], [0.1], rule="plug-in", n_real=0, n_synthetic=5)
