"""Rows from tables: systematic sampling inside every combination of what is already drawn.

Source: Madow (1949), systematic sampling: one uniform start per group, then equal steps through the cumulated counts,
so that a cell's number of rows differs from its expectation by less than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from tabsynth.dp.counting import smallest_type
from tabsynth.dp.graphical.arrays import Array


def extend_rows(n_rows: int, given: Sequence[Array], table: Array, *, rng: np.random.Generator) -> list[Array]:
    """Draw more columns for rows that have some.

    Args:
        n_rows: Number of rows.
        given: Codes that each row has already, one array per leading axis of the table.
        table: Expected counts, shape (*given, *fresh); zeros and any scale are allowed.
        rng: Stream of the draws.

    Returns:
        Codes of each further axis of the table, in the smallest type that holds them.
    """
    fresh_shape = table.shape[len(given) :]
    if not fresh_shape:
        return []
    n_fresh = prod(fresh_shape)
    weights = np.maximum(table.reshape(-1, n_fresh), 0.0)  # (n_groups, n_fresh)
    group = group_of(given, table.shape[: len(given)], n_rows)
    # A random order first, else neighbours within a group would follow the columns drawn before.
    shuffled = rng.permutation(n_rows)
    order = shuffled[np.argsort(group[shuffled], kind="stable")]
    sizes = np.bincount(group, minlength=len(weights))
    cell = np.empty(n_rows, np.int64)
    cell[order] = systematic(sizes, weights, rng=rng)
    fresh = np.unravel_index(cell, fresh_shape) if len(fresh_shape) > 1 else (cell,)
    return [codes.astype(smallest_type(size)) for codes, size in zip(fresh, fresh_shape, strict=True)]


def group_of(given: Sequence[Array], shape: tuple[int, ...], n_rows: int) -> Array:
    """One number per row for its combination of given codes, as small a type as holds it (sorting is faster)."""
    n_groups = prod(shape)
    group = np.zeros(n_rows, np.uint16 if n_groups <= 1 << 16 else np.int64)
    for codes, size in zip(given, shape, strict=True):
        np.multiply(group, group.dtype.type(size), out=group)
        np.add(group, codes.astype(group.dtype), out=group)
    return group


def systematic(sizes: Array, weights: Array, *, rng: np.random.Generator) -> Array:
    """Cells for the rows of each group, groups one after the other.

    Args:
        sizes: Rows of each group, (n_groups,).
        weights: Relative counts of the cells of each group, (n_groups, n_cells).
        rng: Stream of the starts.
    """
    used = np.flatnonzero(sizes)
    sizes, weights = sizes[used], weights[used]
    sums = weights.sum(axis=1, keepdims=True)
    weights = np.where(sums > 0, weights, 1.0)
    heights = np.cumsum(weights, axis=1)
    heights /= heights[:, -1:]
    # Group g owns the interval from g to g + 1 of one long cumulated table.
    heights += np.arange(len(sizes))[:, None]
    first = np.cumsum(sizes) - sizes
    within = np.arange(int(sizes.sum())) - np.repeat(first, sizes)
    start = rng.random(len(sizes))
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    points = numbers + (within + start[numbers]) / np.repeat(sizes, sizes)
    flat = np.searchsorted(heights.ravel(), points, side="right")
    n_cells = weights.shape[1]
    return np.clip(flat - numbers * n_cells, 0, n_cells - 1)
