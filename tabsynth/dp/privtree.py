"""Bins of a numeric column by PrivTree: halve a bin while a noisy, biased count of it is high.

    score of a bin = max(count - depth * decay, threshold - decay);  it is halved if score + noise > threshold

Only which bins were halved is released. The bias is what makes the price independent of the depth: along the path of
bins that hold a row, scores fall by `decay` at least, so that only one bin is near the threshold, and those above it
are halved almost surely with the row or without.

Decisions
- Counts, threshold and decay are whole and the noise is discrete Laplace. For q = exp(-1 / scale) the log-odds of a
  split change with one row by at most 1 / scale below the threshold, and by at most q**j / scale at a score of j + 1
  above it (the log of (1 + q - t q) / (1 + q - t) is convex in t, and t = q**j). Along a path this adds up to
  1 / scale * (1 + 1 / (1 - exp(-decay / scale))), which is 3 / scale at decay >= scale * ln 2: the paper's constant for
  halving, here for whole numbers.
- A unit of several rows is a group of rows: its cost is the sum of theirs. Where rows are weighed, the parts that a
  unit counts are taken for rows. So the scale is 3 times what a unit moves a count by, over epsilon.
- Pure epsilon is charged as rho = epsilon**2 / 2.

Source: Zhang, Xiao and Xie 2016 (arXiv 1601.03229), algorithm 2, lemma 3.1 and theorem 3.2.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Node = tuple[int, int]
"""Depth, and place among the bins of that depth."""

COST = 3
"""Epsilon times scale for one row, at a decay of scale * ln 2."""
LN_2 = Fraction(6931471805599454, 10**16)
"""A little above ln 2."""


class Laplace(Protocol):
    """A source of noise."""

    def discrete_laplace(self, scale: Fraction | float, size: int) -> Array:
        """Discrete Laplace noise, int64."""


def pure_epsilon(rho: float) -> float:
    """Epsilon of a pure mechanism that costs at most `rho`: sqrt(2 rho), rounded down."""
    epsilon = math.sqrt(2 * rho)
    while Fraction(epsilon) ** 2 > 2 * Fraction(rho):
        epsilon = math.nextafter(epsilon, 0)
    return epsilon


def scale_for(epsilon: float, moves: int) -> Fraction:
    """Scale of the noise on each score, where one unit moves a count by `moves` and may cost `epsilon`."""
    return COST * Fraction(moves) / Fraction(epsilon)


def decay_of(scale: Fraction) -> int:
    """What a score loses with each halving."""
    return math.ceil(scale * LN_2)


def scores(counts: Array, depth: int, *, decay: int, threshold: int) -> Array:
    """Biased counts of bins of one depth, which noise is added to."""
    return np.maximum(counts - depth * decay, threshold - decay)


def halved(cells: Array, *, scale: Fraction, threshold: int, noise: Laplace) -> list[Node]:
    """Which bins are halved, from the whole on.

    Args:
        cells: Exact counts of the finest bins, (2**depth,).
        scale: Of the noise, see `scale_for`.
        threshold: Count above which a bin is halved; public.
        noise: Source of noise.

    Privacy: `COST / scale` for each row that is added or removed.
    """
    decay = decay_of(scale)
    found: list[Node] = []
    active = np.zeros(1, np.int64)
    for depth in range(len(cells).bit_length() - 1):
        counts = cells.reshape(2**depth, -1).sum(axis=1)[active]
        noisy = scores(counts, depth, decay=decay, threshold=threshold) + noise.discrete_laplace(scale, len(active))
        splits = active[noisy > threshold]
        if not len(splits):
            break
        found += [(depth, int(place)) for place in splits]
        active = np.sort(np.concatenate([2 * splits, 2 * splits + 1]))
    return found


def inner_edges(nodes: list[Node], n_cells: int, most: int) -> list[int]:
    """Places between the finest bins where bins end, rising; of more bins than `most` the deepest are joined again.

    Finest bins that were reached hold what many rows share: as long as those are few, they are the last to be joined.
    """
    last = n_cells.bit_length() - 2
    reached = {2 * place + side for depth, place in nodes if depth == last for side in range(3)} - {0, n_cells}
    kept = reached if 2 * len(reached) <= most else set()
    for depth, place in sorted(nodes):  # by depth, so that every bin that is kept has its parents
        if len(kept) == most - 1:
            break
        kept.add(((2 * place + 1) * n_cells) >> (depth + 1))
    return sorted(kept)
