"""Latent normals: scores of cells, correlations behind thresholds, and draws inside given regions.

Notation: phi, Phi density and distribution of the standard normal; h_m the m-th normalised Hermite polynomial.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

Array = np.ndarray[Any, Any]

N_TERMS = 48
_MAX_CORRELATION = 0.9995


def _thresholds(masses: Array) -> Array:
    edges = np.concatenate([[0.0], np.cumsum(masses)])
    edges[-1] = 1.0
    return ndtri(np.clip(edges, 0.0, 1.0))


def _density(z: Array) -> Array:
    return np.where(np.isfinite(z), np.exp(-0.5 * np.where(np.isfinite(z), z, 0.0) ** 2), 0.0) / np.sqrt(2 * np.pi)


def cell_scores(masses: Array) -> tuple[Array, float]:
    """Mean of a standard normal inside each cell of a partition, and the variance of that mean.

    Args:
        masses: Probability of each cell from low to high, shape (n_cells,), sum 1.

    Returns:
        E[Z | cell] = (phi(a) - phi(b)) / mass for a cell (a, b), shape (n_cells,), and its variance in [0, 1].

    Example:
        >>> scores, variance = cell_scores(np.array([0.5, 0.5]))
        >>> [round(float(s), 4) for s in scores], round(variance, 4)
        ([-0.7979, 0.7979], 0.6366)
    """
    density = _density(_thresholds(masses))
    safe = np.where(masses > 0, masses, 1.0)
    scores = np.where(masses > 0, (density[:-1] - density[1:]) / safe, 0.0)
    return scores, float(np.sum(masses * scores**2))


def hermite_coefficients(masses: Array, scores: Array, n_terms: int = N_TERMS) -> Array:
    """E[s(Z) h_m(Z)] for m = 1 .. n_terms, where s is the step function of cell scores; shape (n_terms,).

    Each cell (a, b) adds s (phi(a) h_{m-1}(a) - phi(b) h_{m-1}(b)) / sqrt(m).
    """
    cuts = _thresholds(masses)[1:-1]
    jumps = np.diff(scores)  # phi is zero at both ends, so only inner cuts count
    density = _density(cuts)
    finite = np.where(np.isfinite(cuts), cuts, 0.0)
    coefficients = np.empty(n_terms)
    before, current = np.zeros(len(cuts)), np.ones(len(cuts))  # h_{m-2}, h_{m-1}
    for m in range(1, n_terms + 1):
        coefficients[m - 1] = np.sum(jumps * density * current) / np.sqrt(m)
        before, current = current, (finite * current - np.sqrt(m - 1.0) * before) / np.sqrt(m)
    return coefficients


def latent_correlation(scores: Array, present: Array, variances: Array, coefficients: Array) -> Array:
    """Correlations of the latent normals that explain the covariances of the scores.

    By Mehler's formula E[s_i s_j] = sum_m a_im a_jm rho^m, which rises in rho because scores rise in the latent
    value; it is solved by
    bisection for all pairs at once.

    Args:
        scores: Cell scores, 0 where missing, shape (n_rows, n_latents).
        present: 1 where a cell is there, same shape.
        variances: Variance of each latent's scores, shape (n_latents,).
        coefficients: Hermite coefficients, shape (n_latents, n_terms).

    Returns:
        Symmetric matrix with unit diagonal, shape (n_latents, n_latents); it need not be positive definite.
    """
    both = np.maximum(present.T @ present, 1.0)
    sums = scores.T @ present  # sum of i over rows where j is there too
    covariance = (scores.T @ scores) / both - (sums / both) * (sums.T / both)
    rho_low, rho_high = np.full(both.shape, -_MAX_CORRELATION), np.full(both.shape, _MAX_CORRELATION)
    for _ in range(30):
        rho = (rho_low + rho_high) / 2
        explained = np.zeros_like(rho)
        for m in range(coefficients.shape[1], 0, -1):  # Horner
            explained = (explained + np.outer(coefficients[:, m - 1], coefficients[:, m - 1])) * rho
        too_small = explained < covariance
        rho_low, rho_high = np.where(too_small, rho, rho_low), np.where(too_small, rho_high, rho)
    rho = (rho_low + rho_high) / 2
    idle = variances < 1e-9
    rho[idle, :] = rho[:, idle] = 0.0
    rho = (rho + rho.T) / 2
    np.fill_diagonal(rho, 1.0)
    return rho


def nearest_correlation(matrix: Array, n_rows: int) -> Array:
    """A positive definite correlation matrix near `matrix`, shrunk a little where rows are few for its size.

    Args:
        matrix: Symmetric with unit diagonal, shape (n, n).
        n_rows: Rows that it was estimated from.
    """
    n = len(matrix)
    if n < 2:
        return matrix
    shrink = n / (n + n_rows)
    matrix = (1 - shrink) * matrix + shrink * np.eye(n)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < 1e-6:
        matrix = (vectors * np.maximum(values, 1e-6)) @ vectors.T
        scale = 1 / np.sqrt(np.diag(matrix))
        matrix = matrix * np.outer(scale, scale)
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


def draw_given(correlation: Array, regions: Mapping[int, Array], n_rows: int, *, rng: np.random.Generator) -> Array:
    """Draw normals with this correlation, some of them inside regions.

    One region is exact. Several are drawn one after another, each given the earlier ones, with importance weights and
    resampling (Geweke-Hajivassiliou-Keane), then refreshed by Gibbs sweeps; rows without a region follow from the
    conditional normal. Nothing is rejected.

    Args:
        correlation: Correlation matrix, shape (n, n).
        regions: For some variables, stretches as rows (from, to, weight), shape (n_stretches, 3); from == to is a
            point.
        n_rows: Rows to draw.
        rng: Source of randomness.

    Returns:
        Draws, shape (n_rows, n).
    """
    n = len(correlation)
    if not regions:
        return rng.standard_normal((n_rows, n)) @ root(correlation).T
    fixed = sorted(regions)
    free = [number for number in range(n) if number not in regions]
    z_fixed = _draw_regions(correlation[np.ix_(fixed, fixed)], [regions[i] for i in fixed], n_rows, rng=rng)
    z = np.empty((n_rows, n))
    z[:, fixed] = z_fixed
    if free:
        across = correlation[np.ix_(free, fixed)]
        slope = np.linalg.solve(correlation[np.ix_(fixed, fixed)], across.T).T  # (n_free, n_fixed)
        rest = correlation[np.ix_(free, free)] - slope @ across.T
        z[:, free] = z_fixed @ slope.T + rng.standard_normal((n_rows, len(free))) @ root(rest).T
    return z


def root(matrix: Array) -> Array:
    """A square root that survives matrices that are only just positive."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _draw_regions(correlation: Array, regions: list[Array], n_rows: int, *, rng: np.random.Generator) -> Array:
    """Draw normals that all lie in their regions; shape (n_rows, n_regions)."""
    plain = len(regions) == 1
    n_particles = n_rows if plain else 4 * n_rows + 2000
    z = np.empty((n_particles, len(regions)))
    log_weight = np.zeros(n_particles)
    for i, region in enumerate(regions):
        mean, spread = np.zeros(n_particles), 1.0
        if i:
            slope = np.linalg.solve(correlation[:i, :i], correlation[:i, i])
            mean = z[:, :i] @ slope
            spread = float(np.sqrt(max(1.0 - float(slope @ correlation[:i, i]), 1e-9)))
        z[:, i], mass = _truncated(mean, spread, region, rng.random(n_particles))
        log_weight += np.log(np.maximum(mass, 1e-300))
    if plain:
        return z
    weight = np.exp(log_weight - log_weight.max())
    picks = (np.arange(n_rows) + rng.random()) / n_rows
    chosen = np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), picks, side="right"), n_particles - 1)
    z = z[rng.permutation(chosen)]
    precision = np.linalg.inv(correlation)
    for _ in range(3):
        for i, region in enumerate(regions):
            spread = float(1 / np.sqrt(precision[i, i]))
            others = z @ precision[i] - z[:, i] * precision[i, i]
            z[:, i], _ = _truncated(-others / precision[i, i], spread, region, rng.random(n_rows))
    return z


def _truncated(mean: Array, spread: float, region: Array, u: Array) -> tuple[Array, Array]:
    """Draws of normals inside a union of weighted stretches, and the weighted mass of the union; both (n,)."""
    low = (region[None, :, 0] - mean[:, None]) / spread  # (n, n_stretches)
    high = (region[None, :, 1] - mean[:, None]) / spread
    flip = low > 0  # work in the lower tail, where ndtr keeps its digits
    start = ndtr(np.where(flip, -high, low))
    mass = np.maximum(ndtr(np.where(flip, -low, high)) - start, 0.0)
    point = region[:, 0] == region[:, 1]
    if point.any():
        mass[:, point] = _density(low[:, point]) * 1e-6
    weighted = mass * region[None, :, 2]
    total = weighted.sum(axis=1)
    lost = total <= 0  # every stretch is out of reach: take the nearest one, with next to no weight
    if lost.any():
        nearest = np.argmin(np.minimum(np.abs(low[lost]), np.abs(high[lost])), axis=1)
        weighted[lost] = 0.0
        weighted[lost, nearest] = 1e-300
        total = weighted.sum(axis=1)
    cumulative = np.cumsum(weighted, axis=1)
    target = u * total
    pick = np.minimum((cumulative <= target[:, None]).sum(axis=1), region.shape[0] - 1)
    rows = np.arange(len(u))
    before = np.where(pick > 0, cumulative[rows, pick - 1], 0.0)
    share = np.clip((target - before) / weighted[rows, pick], 0.0, 1.0)
    inside = start[rows, pick] + share * mass[rows, pick]
    z = ndtri(inside)
    z = np.where(flip[rows, pick], -z, z) * spread + mean
    z = np.clip(np.where(np.isfinite(z), z, region[pick, 0]), region[pick, 0], region[pick, 1])
    return np.where(np.isfinite(z), z, 0.0), total
