"""Intervals: published numbers, coverage of the truth, honesty at small counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tabsynth.evaluation.intervals import (
    Interval,
    around,
    auc_interval,
    each_of,
    largest_of,
    newcombe,
    size_of,
    standard_error_of_mean,
    wilson,
    z_value,
)


@pytest.mark.parametrize(
    ("events", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
)
def test_wilson_gives_the_published_intervals(events: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    found = wilson(events, n)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@pytest.mark.parametrize(
    ("counts", "low", "high"), [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090)]
)
def test_newcombe_gives_the_published_intervals(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10."""
    found = newcombe(*counts)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_holds_the_share_and_stays_in_range(n: int, data: st.DataObject) -> None:
    """The observed share is inside, and neither end leaves [0, 1]."""
    events = data.draw(st.integers(0, n))
    found = wilson(events, n)
    assert 0.0 <= found.low <= events / n + 1e-12
    assert events / n - 1e-12 <= found.high <= 1.0


def test_the_area_counts_ties_half() -> None:
    """The area agrees with scikit-learn's, ties included."""
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 6, 80).astype(float), rng.integers(0, 5, 50).astype(float)
    area, _ = auc_interval(members, others)
    labels = np.repeat([1, 0], [80, 50])
    assert area == pytest.approx(roc_auc_score(labels, np.concatenate([members, others])))


def test_the_area_interval_covers_the_truth() -> None:
    """About 95 of 100 intervals hold the true area of two normal distributions one deviation apart."""
    rng = np.random.default_rng(1)
    truth = 0.7602499389  # Phi(1 / sqrt(2))
    found = [auc_interval(rng.normal(1, 1, 60), rng.normal(0, 1, 60))[1] for _ in range(400)]
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert 0.92 <= covered <= 0.98


def test_six_rows_that_agree_leave_much_open() -> None:
    """Without any variance the interval is as wide as six rows without an event allow."""
    found = around(1.0, 0.0, n=6)
    assert found.low == pytest.approx(1 - wilson(0, 6).high)


def test_rows_of_one_person_count_together() -> None:
    """Repeating every row nine times leaves the standard error of the clusters as it was."""
    influence = np.random.default_rng(2).normal(size=200)
    once = standard_error_of_mean(influence)
    repeated = np.repeat(influence, 9)
    people = np.repeat(np.arange(200), 9)
    assert standard_error_of_mean(repeated, people) == pytest.approx(once, rel=1e-9)
    assert standard_error_of_mean(repeated) < once / 2.5


def test_the_size_of_a_difference_has_no_sign() -> None:
    """An interval around zero has sizes from zero; one below zero is turned over."""
    assert size_of(Interval(low=-0.3, high=0.1)).low == 0.0
    assert size_of(Interval(low=-0.3, high=0.1)).high == 0.3
    assert size_of(Interval(low=-0.3, high=-0.1)).low == pytest.approx(0.1)


def test_the_largest_of_many_is_no_discovery() -> None:
    """With intervals for all together, the largest of 100 zero differences is found above zero about once in twenty."""
    rng = np.random.default_rng(3)
    each = each_of(0.95, 100)
    false = 0
    for _ in range(100):
        estimates = rng.normal(size=100)
        sizes = [size_of(around(value, 1.0, n=10**9, level=each, lower=-99, upper=99)) for value in estimates]
        false += largest_of(sizes, level=0.95).low > 0
    assert false / 100 <= 0.11
    assert z_value(each) > 3.2
