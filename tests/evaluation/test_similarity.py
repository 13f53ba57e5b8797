"""Similarity: values by hand, bounds, and standard errors that agree with resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tabsynth.evaluation.similarity import (
    Similarity,
    discrete_similarity,
    mean_similarity,
    ordered_similarity,
    share_of_ceiling,
)

cells = st.lists(st.one_of(st.just(np.nan), st.integers(-5, 5).map(float)), min_size=1, max_size=40)


def test_total_variation_by_hand() -> None:
    """(3/4, 1/4, 0) against (1/2, 0, 1/2) differs by 1/2."""
    found = discrete_similarity(np.array([0, 0, 0, 1]), np.array([0, 2]), 3)
    assert found.value == pytest.approx(0.5)


def test_kolmogorov_smirnov_agrees_with_scipy() -> None:
    """Without missing cells the distance is the two-sample statistic."""
    rng = np.random.default_rng(0)
    train, other = rng.normal(size=300), rng.normal(0.3, 1.2, size=211)
    assert 1 - ordered_similarity(train, other).value == pytest.approx(stats.ks_2samp(train, other).statistic)


@given(cells, cells)
def test_similarity_stays_between_zero_and_one(train: list[float], other: list[float]) -> None:
    """Whatever the cells, 0 <= similarity <= 1, and a sample is fully similar to itself."""
    real, made = np.array(train), np.array(other)
    assert -1e-12 <= ordered_similarity(real, made).value <= 1 + 1e-12
    assert ordered_similarity(real, real).value == pytest.approx(1.0)


@pytest.mark.parametrize("shift", [-5.0, 0.0, 5.0])
def test_missing_cells_are_seen_whatever_the_numbers_do(shift: float) -> None:
    """60 % injected gaps cost at least 0.6, also when the numbers shift the other way."""
    rng = np.random.default_rng(1)
    train = rng.normal(size=2_000)
    other = np.where(rng.random(2_000) < 0.6, np.nan, rng.normal(size=2_000) + shift)
    assert ordered_similarity(train, other).value <= 0.44


def test_a_changed_unit_leaves_nothing() -> None:
    """Multiplying a positive column by 1000 brings the similarity near zero."""
    train = np.random.default_rng(2).uniform(1, 50, size=500)
    assert ordered_similarity(train, 1000 * train).value < 0.01


@pytest.mark.parametrize("kind", ["categories", "numbers", "mean"])
def test_standard_errors_agree_with_resampling(kind: str) -> None:
    """The standard error from influence is within 15 % of a bootstrap over rows, also for a mean over both columns."""
    rng = np.random.default_rng(3)
    train_codes, codes = rng.choice(4, 5_000, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(4, 800, p=[0.2, 0.2, 0.3, 0.3])
    train = rng.normal(size=5_000)
    values = rng.normal(0.5, 1.0, size=800) + 0.5 * codes

    def measure(rows: np.ndarray) -> Similarity:
        found = {
            "categories": discrete_similarity(train_codes, codes[rows], 4),
            "numbers": ordered_similarity(train, values[rows]),
        }
        return found[kind] if kind != "mean" else mean_similarity(found.values())

    resampled = [measure(rng.integers(0, 800, 800)).value for _ in range(400)]
    assert measure(np.arange(800)).standard_error() == pytest.approx(float(np.std(resampled)), rel=0.15)


def test_the_share_of_the_ceiling_covers_one_for_equal_samples() -> None:
    """Two samples of the same source: the interval of the ratio holds 1 in at least 95 of 100 cases."""
    rng = np.random.default_rng(4)
    train = rng.integers(0, 5, 4_000)
    held = 0
    for _ in range(200):
        own, real = (discrete_similarity(train, rng.integers(0, 5, 500), 5) for _ in range(2))
        _, interval = share_of_ceiling(own, real, level=0.95)
        held += interval.low <= 1 <= interval.high
    assert held >= 190
