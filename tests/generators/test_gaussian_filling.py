"""Latents given what rows know: against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.generators.gaussian_filling import States, fill_latents

CORRELATION = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.6], [0.5, 0.6, 1.0]])
N = 40_000


def _brute_force() -> np.ndarray:
    """Draws whose last latent is -0.3, shape (400_000, 3)."""
    z = np.random.default_rng(1).standard_normal((400_000, 2))
    slope = CORRELATION[:2, 2]
    left = np.linalg.cholesky(CORRELATION[:2, :2] - np.outer(slope, slope))
    return np.column_stack([-0.3 * slope + z @ left.T, np.full(len(z), -0.3)])


def _ends() -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full((N, 3), -np.inf), np.full((N, 3), np.inf)
    low[:, 2] = high[:, 2] = -0.3
    return low, high


def test_points_and_stretches() -> None:
    """A point and a stretch: mean and spread of the free latent and of the one in the stretch."""
    low, high = _ends()
    low[:, 1] = 0.5
    z = fill_latents(CORRELATION, low, high, {}, rng=np.random.default_rng(0))
    real = _brute_force()
    real = real[real[:, 1] > 0.5]
    assert (z[:, 1] >= 0.5).all() and (z[:, 2] == -0.3).all()
    assert z[:, :2].mean(axis=0) == pytest.approx(real[:, :2].mean(axis=0), abs=0.02)
    assert z[:, :2].std(axis=0) == pytest.approx(real[:, :2].std(axis=0), abs=0.02)


def test_weighted_states() -> None:
    """Pieces of a latent that count nine to one."""
    low, high = _ends()
    weights = States(np.array([-np.inf, 0.0, np.inf]), np.arange(N), np.tile([0.1, 0.9], (N, 1)))
    z = fill_latents(CORRELATION, low, high, {1: weights}, rng=np.random.default_rng(0))
    real = _brute_force()
    weight = np.where(real[:, 1] > 0, 0.9, 0.1)
    assert z[:, 0].mean() == pytest.approx(np.average(real[:, 0], weights=weight), abs=0.03)
    assert (z[:, 1] > 0).mean() == pytest.approx(weight[real[:, 1] > 0].sum() / weight.sum(), abs=0.01)


def test_far_stretches_stay_finite() -> None:
    """A stretch ten deviations out gives values at its near end."""
    low, high = _ends()
    low[:, 1] = 10.0
    z = fill_latents(CORRELATION, low, high, {}, rng=np.random.default_rng(0))
    assert np.isfinite(z).all() and (z[:, 1] >= 10.0).all() and (z[:, 1] < 11.0).all()
