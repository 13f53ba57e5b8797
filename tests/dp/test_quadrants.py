"""Correlations of what is seen in two classes: the integral, its inverse, the noise taken off, the nearest matrix."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from tabsynth.dp.quadrants import LARGEST, correlations, excess, nearest_correlation, shrunk


@pytest.mark.parametrize("correlation", [-0.95, -0.3, 0.0, 0.5, 0.9])
def test_the_excess_is_that_of_two_normals(correlation):
    for low, other in ((0.0, 0.0), (0.7, -0.2), (-1.5, 1.0), (2.0, 2.0)):
        covariance = [[1.0, correlation], [correlation, 1.0]]
        both = multivariate_normal(cov=covariance, seed=0).cdf([-low, -other])  # by symmetry P(X > low, Y > other)
        found = float(excess(np.array([low]), np.array([other]), np.array([correlation]))[0])
        assert found == pytest.approx(both - norm.sf(low) * norm.sf(other), abs=2e-6)


def test_correlations_come_back_and_are_held():
    rng = np.random.default_rng(0)
    low, other, true = rng.normal(size=50), rng.normal(size=50), rng.uniform(-0.9, 0.9, 50)
    np.testing.assert_allclose(correlations(excess(low, other, true), low, other), true, atol=1e-5)
    beyond = correlations(np.array([0.4, -0.4]), np.zeros(2), np.zeros(2))
    np.testing.assert_allclose(beyond, [LARGEST, -LARGEST], atol=1e-9)


def symmetric_noise(n, sd, seed):
    noise = np.triu(np.random.default_rng(seed).normal(0, sd, (n, n)), 1)
    return noise + noise.T


def test_noise_alone_is_taken_off():
    left = shrunk(symmetric_noise(80, 0.3, 1), 0.3, np.ones(80))
    off = left[~np.eye(80, dtype=bool)]
    assert np.abs(off).mean() < 0.02


def test_what_columns_share_and_what_two_have_for_themselves_stay():
    n, sd = 100, 0.2
    loadings = np.where(np.arange(n) < 50, 0.6, 0.0)
    true = np.outer(loadings, loadings)
    true[98, 99] = true[99, 98] = 1.0  # one pair beside the crowd, five times the noise
    np.fill_diagonal(true, 0.0)
    noisy = true + symmetric_noise(n, sd, 2)
    left = shrunk(noisy, sd, np.ones(n))
    off = ~np.eye(n, dtype=bool)
    assert np.sqrt(((left - true)[off] ** 2).mean()) < sd / 4
    assert left[98, 99] == noisy[98, 99]


def test_the_nearest_correlation_matrix():
    # Higham's own example: the nearest matrix has .7607 beside the diagonal and .1573 in the corner.
    found = nearest_correlation(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    np.testing.assert_allclose([found[0, 1], found[0, 2]], [0.7607, 0.1573], atol=2e-3)
    rng = np.random.default_rng(3)
    loadings = rng.normal(size=(20, 3))
    good = loadings @ loadings.T + np.eye(20)
    good /= np.sqrt(np.outer(np.diag(good), np.diag(good)))
    np.testing.assert_allclose(nearest_correlation(good), good, atol=1e-10)
    rough = nearest_correlation(np.clip(good + symmetric_noise(20, 0.5, 4), -0.99, 0.99))
    assert np.linalg.eigvalsh(rough)[0] > 0
    np.testing.assert_allclose(np.diag(rough), 1.0)
