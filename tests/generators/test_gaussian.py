"""Latent normals: known correlations are found again, and conditional draws follow theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm

from tabsynth.generators.gaussian import (
    cell_scores,
    draw_given,
    hermite_coefficients,
    latent_correlation,
    nearest_correlation,
)


def _cells(z: np.ndarray, masses: np.ndarray) -> np.ndarray:
    return np.searchsorted(norm.ppf(np.cumsum(masses)[:-1]), z)


@pytest.mark.parametrize("rho", [-0.95, -0.6, 0.0, 0.3, 0.8, 0.97])
@pytest.mark.parametrize(
    "masses", [([0.5, 0.5], [0.6, 0.4]), ([0.2, 0.5, 0.3], [0.7, 0.3]), ([1 / 400] * 400, [0.6, 0.4])]
)
def test_thresholds_do_not_hide_the_correlation(rho: float, masses: tuple[list[float], list[float]]) -> None:
    """The latent correlation behind two cut normals is found within 0.03."""
    rng = np.random.default_rng(5)
    z = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 60_000)
    scores, variances, series = [], [], []
    for column, mass in zip(z.T, (np.array(m) for m in masses), strict=True):
        score, variance = cell_scores(mass)
        scores.append(score[_cells(column, mass)])
        variances.append(variance)
        series.append(hermite_coefficients(mass, score))
    found = latent_correlation(np.column_stack(scores), np.ones(z.shape), np.array(variances), np.stack(series))
    assert abs(found[0, 1] - rho) < 0.03


def test_nearest_correlation_is_one() -> None:
    """An impossible matrix becomes a positive definite one with unit diagonal."""
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    repaired = nearest_correlation(impossible, 1000)
    assert np.linalg.eigvalsh(repaired)[0] > 0
    np.testing.assert_allclose(np.diag(repaired), 1.0)


def test_one_region_is_exact() -> None:
    """Given one variable in a tail, it follows the truncated normal and the other its regression."""
    correlation = np.array([[1.0, 0.7], [0.7, 1.0]])
    region = {0: np.array([[2.0, np.inf, 1.0]])}
    z = draw_given(correlation, region, 20_000, rng=np.random.default_rng(0))
    assert kstest(z[:, 0], lambda x: 1 - norm.sf(x) / norm.sf(2.0)).pvalue > 1e-3
    rest = (z[:, 1] - 0.7 * z[:, 0]) / np.sqrt(1 - 0.49)
    assert kstest(rest, "norm").pvalue > 1e-3


def test_two_regions_match_rejection() -> None:
    """Two regions at once give the moments that rejection sampling gives."""
    correlation = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 1.0]])
    regions = {0: np.array([[0.5, 1.5, 1.0]]), 1: np.array([[-np.inf, -0.5, 1.0], [1.0, np.inf, 1.0]])}
    z = draw_given(correlation, regions, 40_000, rng=np.random.default_rng(0))
    free = np.random.default_rng(1).multivariate_normal(np.zeros(3), correlation, 2_000_000)
    inside = (free[:, 0] > 0.5) & (free[:, 0] < 1.5) & ((free[:, 1] < -0.5) | (free[:, 1] > 1.0))
    np.testing.assert_allclose(z.mean(axis=0), free[inside].mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.cov(free[inside].T), atol=0.05)
    assert ((z[:, 1] < -0.5) | (z[:, 1] > 1.0)).all()


def test_weights_tilt_a_region() -> None:
    """Stretches are drawn in proportion to mass times weight."""
    region = {0: np.array([[-np.inf, 0.0, 1.0], [0.0, np.inf, 3.0]])}
    z = draw_given(np.eye(1), region, 40_000, rng=np.random.default_rng(0))
    assert abs((z > 0).mean() - 0.75) < 0.01


def test_far_tails_stay_finite() -> None:
    """A region beyond ten standard deviations still gives numbers inside it."""
    z = draw_given(np.eye(2), {0: np.array([[10.0, 11.0, 1.0]])}, 100, rng=np.random.default_rng(0))
    assert ((z[:, 0] >= 10) & (z[:, 0] <= 11)).all()
