"""Latent normals of rows, each row with its own knowledge of its own latents.

A latent is known exactly (from == to), known to lie in a stretch (a category, a gap), or free. Free ones are drawn at
once from their conditional normal given the others; those in stretches one after another given all others (Gibbs
sampling), so that after some rounds all of them together follow the normal distribution given what is known.

Source: Geman and Geman 1984, "Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from tabsynth.generators.gaussian import root

Array = np.ndarray[Any, Any]

ROUNDS = 8
"""Rounds of Gibbs sampling; without correlations above 0.95 the draws have forgotten their start by then."""
_FURTHEST = 8.0


@dataclass(frozen=True)
class States:
    """Pieces of a latent's scale that some rows weigh differently, though they do not know it."""

    cuts: Array  # (n_states + 1,), rising, -inf to inf
    rows: Array  # (n_weighted,), positions
    weights: Array  # (n_weighted, n_states)


def fill_latents(
    correlation: Array, low: Array, high: Array, states: Mapping[int, States], *, rng: np.random.Generator
) -> Array:
    """Draw latents given what rows know of them.

    Args:
        correlation: Correlation matrix, shape (n_latents, n_latents).
        low: From where, shape (n_rows, n_latents); -inf to inf is free.
        high: To where, same shape.
        states: Weights of the pieces of free latents, by latent.
        rng: Source of every random number.

    Returns:
        Draws, shape (n_rows, n_latents).
    """
    free = np.isneginf(low) & np.isposinf(high)
    for latent, known in states.items():
        free[known.rows, latent] = False
    loose = (low < high) & ~free
    z = _between(0.0, 1.0, low, high, np.asarray(rng.random(low.shape)))
    blocks = _blocks(correlation, free)
    precision = np.linalg.inv(correlation)
    for _ in range(ROUNDS if loose.any() else 1):
        for block, chosen, slope, shape in blocks:
            mean = z[np.ix_(block, np.flatnonzero(~chosen))] @ slope.T
            noise = rng.standard_normal((len(block), len(shape))) @ shape.T
            z[np.ix_(block, np.flatnonzero(chosen))] = mean + noise
        for latent in np.flatnonzero(loose.any(axis=0)).tolist():
            own = float(precision[latent, latent])
            spread = own**-0.5
            mean = -(z @ precision[latent] - z[:, latent] * own) / own
            rows = np.flatnonzero(loose[:, latent])
            start, end = low[rows, latent], high[rows, latent]
            if latent in states:
                weighted = states[latent]
                place = np.searchsorted(rows, weighted.rows)
                start[place], end[place] = _piece(mean[weighted.rows], spread, weighted, rng=rng)
            z[rows, latent] = _between(mean[rows], spread, start, end, rng.random(len(rows)))
    return z


def _blocks(correlation: Array, free: Array) -> list[tuple[Array, Array, Array, Array]]:
    """Rows with the same free latents: positions, which are free, slopes on the others, root of what is left."""
    patterns, which = np.unique(free, axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    ends = np.searchsorted(which.reshape(-1)[order], np.arange(len(patterns) + 1))
    blocks = []
    for number, chosen in enumerate(patterns):
        if chosen.any():
            across = correlation[np.ix_(chosen, ~chosen)]
            slope = np.linalg.solve(correlation[np.ix_(~chosen, ~chosen)], across.T).T
            left = correlation[np.ix_(chosen, chosen)] - slope @ across.T
            blocks.append((order[ends[number] : ends[number + 1]], chosen, slope, root(left)))
    return blocks


def _piece(mean: Array, spread: float, states: States, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """A piece of the scale for each row, by its mass times its weight: from and to, both of shape (n_rows,)."""
    at = ndtr((states.cuts[None, :] - mean[:, None]) / spread)  # (n_rows, n_states + 1)
    mass = np.maximum(np.diff(at, axis=1), 1e-300)
    weighted = mass * states.weights
    weighted = np.where(weighted.sum(axis=1, keepdims=True) > 0, weighted, mass)
    steps = np.cumsum(weighted, axis=1)
    chosen = (steps <= (rng.random(len(mean)) * steps[:, -1])[:, None]).sum(axis=1)
    chosen = np.minimum(chosen, mass.shape[1] - 1)
    return states.cuts[chosen], states.cuts[chosen + 1]


def _between(mean: Array | float, spread: float, low: Array, high: Array, u: Array) -> Array:
    """Draws of normals between two ends, at shares `u` of the mass between them; all of one shape."""
    start, end = (low - mean) / spread, (high - mean) / spread
    flip = start > 0  # work in the lower tail, where ndtr keeps its digits
    start, end = np.where(flip, -end, start), np.where(flip, -start, end)
    first, last = ndtr(start), ndtr(end)
    z = ndtri(first + np.where(flip, 1.0 - u, u) * (last - first))
    z = mean + spread * np.where(flip, -z, z)
    low, high = np.maximum(low, mean - _FURTHEST * spread), np.minimum(high, mean + _FURTHEST * spread)
    # Far out both ends have the same mass: the end nearer to the mean takes it.
    nearest = np.where(flip.astype(bool), low, high)
    z = np.where(np.isfinite(z), z, nearest)
    return np.minimum(np.maximum(z, low), np.maximum(low, high))
