"""From noisy tables of four cells to a correlation matrix.

Two columns, each split in two, hang together in one number: how far the share of rows that are high in both exceeds the
product of their shares. Noise on the four counts moves it by a normal error of known size that is the same for every
pair, so the matrix of these numbers is what is true plus noise whose spectrum is known. It is shrunk by that, turned
into correlations of normal variables behind the columns, and moved to the nearest correlation matrix.

Source: Pearson (1900), for correlations of variables that are seen in two classes; Gavish and Donoho (2017), "Optimal
shrinkage of singular values", for what noise does to eigenvalues; Higham (2002), "Computing the nearest correlation
matrix", algorithm 3.3.

Privacy: Reads released counts alone; costs nothing.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LARGEST = 0.99
"""Correlations beyond this are not told from noise, and leave no room for other columns."""
DIAGONAL_ROUNDS = 20
NEAREST_ROUNDS = 60
LEAST_EIGENVALUE = 1e-4
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def excess(low: Array, other: Array, correlation: Array) -> Array:
    """P(X > low, Y > other) - P(X > low) P(Y > other) of two standard normals; all of one shape.

    The derivative of that probability by the correlation is the density at the two thresholds; its integral from 0 is
    taken over the arcsine of the correlation, where it is smooth, by Gauss and Legendre's rule.

    Example:
        >>> round(float(excess(np.zeros(1), np.zeros(1), np.array([0.5]))[0]), 6)  # arcsin(0.5) / (2 pi)
        0.083333
    """
    end = np.arcsin(np.clip(correlation, -1.0, 1.0))
    found = np.zeros(np.shape(end))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        angle = end * (node + 1) / 2
        sine, cosine = np.sin(angle), np.cos(angle)
        found = found + weight * np.exp(-(low**2 - 2 * low * other * sine + other**2) / (2 * cosine**2))
    result: Array = found * end / 2 / (2 * pi)
    return result


def correlations(excesses: Array, low: Array, other: Array) -> Array:
    """Correlations with these excesses over independence, by bisection; held to `LARGEST`.

    Args:
        excesses: As `excess` gives them; noisy ones may be larger than any correlation allows.
        low: Thresholds of the first variable, of the same shape.
        other: Thresholds of the second.
    """
    least, most = np.full(excesses.shape, -LARGEST), np.full(excesses.shape, LARGEST)
    for _ in range(40):
        middle = (least + most) / 2
        too_small = excess(low, other, middle) < excesses
        least, most = np.where(too_small, middle, least), np.where(too_small, most, middle)
    return (least + most) / 2


def shrunk(noisy: Array, noise: float, most: Array) -> Array:
    """What is left of a symmetric matrix when the noise on its entries is taken off.

    What many columns share shows in few large eigenvalues: those that noise alone would not reach are kept, as much
    smaller as noise has made them larger. What two columns have for themselves shows in single entries: those that
    noise alone would not reach are kept as they are.

    Args:
        noisy: The matrix; its diagonal is not looked at. Shape (n, n).
        noise: Standard deviation of the noise on every other entry.
        most: Largest values that the diagonal can have, (n,).

    Returns:
        The matrix without noise, as far as it can be told, on and off the diagonal.
    """
    n = len(noisy)
    off = noisy - np.diag(np.diag(noisy))
    edge = 4 * n * noise**2  # the square of where the eigenvalues of noise end
    diagonal = np.zeros(n)
    shared = np.zeros_like(off)
    for _ in range(DIAGONAL_ROUNDS):
        values, vectors = np.linalg.eigh(off + np.diag(diagonal))
        kept = np.sign(values) * np.sqrt(np.maximum(values**2 - edge, 0.0))
        shared = (vectors * kept) @ vectors.T
        diagonal = np.clip(np.diag(shared), 0.0, most)
    beside = off - shared
    stands_out = np.abs(beside) > noise * sqrt(2 * log(max(n * (n - 1) / 2, 2)))
    np.fill_diagonal(stands_out, val=False)
    result: Array = np.where(stands_out, off, shared)
    return (result + result.T) / 2


def nearest_correlation(matrix: Array) -> Array:
    """The correlation matrix nearest to a symmetric one, in the sum of squared differences; its eigenvalues above 0.

    Projections on matrices without negative eigenvalues and on matrices of unit diagonal, in turn, with Dykstra's
    correction; a fixed number of rounds, then one last step that keeps both.
    """
    current, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(NEAREST_ROUNDS):
        held = current - correction
        values, vectors = np.linalg.eigh(held)
        if values[0] >= LEAST_EIGENVALUE:
            current = held
            break
        positive = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
        correction = positive - held
        current = positive.copy()
        np.fill_diagonal(current, 1.0)
    values, vectors = np.linalg.eigh((current + current.T) / 2)
    positive = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(positive))
    result: Array = positive * np.outer(scale, scale)
    return (result + result.T) / 2
