"""Gaussian mixture of one numeric column, fitted to its marginal instead of its rows.

Decisions
- The marginal is what the model file may keep of the column. A mixture computed from it tells nothing new, needs no
  random numbers and costs the same for a thousand rows and for a billion.
- Components start at equal steps of the quantile scale; one that ends below `MIN_SHARE` is dropped. So the number of
  modes adapts as with a variational mixture, without its prior.

Source: Dempster, Laird, Rubin 1977, "Maximum likelihood from incomplete data via the EM algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.marginal import Marginal

Array = np.ndarray[Any, Any]

GRID = 2048
STEPS = 100
MIN_SHARE = 0.01


@dataclass(frozen=True)
class Mixture:
    """Components in rising order of their means; arrays of shape (n_components,)."""

    means: Array
    deviations: Array
    shares: Array

    def log_densities(self, values: Array) -> Array:
        """Logarithm of share times density, up to a constant; shape (n, n_components)."""
        with np.errstate(over="ignore"):  # so far away that the density is 0
            squares = ((values[:, None] - self.means) / self.deviations) ** 2
        return np.log(self.shares / self.deviations) - 0.5 * squares


def fit_mixture(marginal: Marginal, *, max_components: int) -> Mixture:
    """Describe a marginal by at most `max_components` normals.

    Args:
        marginal: The distribution; point masses count as values like others.
        max_components: Components to start from.
    """
    values = marginal.quantile((np.arange(GRID) + 0.5) / GRID)
    if values.max() == values.min():
        return Mixture(values[:1], np.ones(1), np.ones(1))
    with np.errstate(over="ignore"):
        unit = 1.0 if np.isfinite(values.max() - values.min()) else 4.0  # a range that no float holds
    centre = float(values.min()) / unit
    spread = float(values.max()) / unit - centre
    scaled = (values / unit - centre) / spread
    n_components = min(max_components, len(np.unique(scaled)))
    groups = np.array_split(scaled, n_components)
    mixture = Mixture(
        np.array([group.mean() for group in groups]),
        np.maximum([group.std() for group in groups], 1e-3),
        np.full(n_components, 1 / n_components),
    )
    for _ in range(STEPS):
        mixture = _step(mixture, scaled)
    order = np.argsort(mixture.means, kind="stable")
    means, deviations = (mixture.means[order] * spread + centre) * unit, mixture.deviations[order] * spread * unit
    return Mixture(means, np.maximum(deviations, np.finfo(np.float64).tiny), mixture.shares[order])


def _step(mixture: Mixture, values: Array) -> Mixture:
    """One step of EM; components that have become too small are dropped first."""
    log = mixture.log_densities(values)
    weights = np.exp(log - log.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)  # (n, n_components)
    shares = weights.mean(axis=0)
    kept = shares >= min(MIN_SHARE, shares.max())
    if not kept.all():
        return Mixture(mixture.means[kept], mixture.deviations[kept], shares[kept] / shares[kept].sum())
    totals = weights.sum(axis=0)
    means = weights.T @ values / totals
    squares = (weights * (values[:, None] - means) ** 2).sum(axis=0) / totals
    return Mixture(means, np.maximum(np.sqrt(squares), 1e-3), shares)
