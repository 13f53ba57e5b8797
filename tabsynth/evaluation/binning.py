"""Bins of one column, fitted once on train and used for every table.

A bin for missing cells comes first. Numbers: one bin for each value that at least 5 % of the cells share, up to ten
quantile bins for the rest, and one bin each for what lies below and above all of train. Categories: the ten most
common of train, one bin for its others, one for what train never had.

Decisions
- Never fitted per table: a column multiplied by a thousand would fall into the same bins as before and look perfect.
- Bins are edges in memory, not in results: an edge is somebody's value. The report draws its own, coarser ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_BINS = 10
MIN_ATOM_SHARE = 0.05


@dataclass(frozen=True)
class Bins:
    """How the cells of one column fall into `n_bins` bins; bin 0 is "missing"."""

    atoms: Array  # (n_atoms,) values with a bin of their own, rising
    edges: Array  # (n_quantile_bins - 1,) inner edges, rising
    lower: float
    upper: float
    n_bins: int

    def code(self, values: Array) -> Array:
        """Bin of each cell.

        Args:
            values: Cells as numbers, NaN where missing, shape (n_rows,).

        Returns:
            Codes from 0 to n_bins - 1, shape (n_rows,), int64.
        """
        n_atoms = len(self.atoms)
        first = 1 + n_atoms
        codes = first + np.searchsorted(self.edges, values, side="right")
        outside = first + len(self.edges) + 1
        codes = np.where(values < self.lower, outside, codes)
        codes = np.where(values > self.upper, outside + 1, codes)
        if n_atoms:
            position = np.clip(np.searchsorted(self.atoms, values), 0, n_atoms - 1)
            codes = np.where(self.atoms[position] == values, 1 + position, codes)
        return np.where(np.isnan(values), 0, codes).astype(np.int64)


def fit_bins(train: Array, *, discrete: bool) -> Bins:
    """Fit bins to the cells of a training column.

    Args:
        train: Cells as numbers, NaN where missing, shape (n_rows,).
        discrete: Whether the numbers are codes of categories.

    Privacy:
        The bins hold values of single rows; they are used to count and never leave the evaluation.
    """
    present = train[~np.isnan(train)]
    if not len(present):
        # Everything that is there at all lies outside of what train had.
        return Bins(np.empty(0), np.empty(0), np.inf, -np.inf, 4)
    values, counts = np.unique(present, return_counts=True)
    if discrete:
        atoms = np.sort(values[np.argsort(-counts, kind="stable")[:MAX_BINS]])
        # Codes are whole numbers from 0; those above the largest of train are categories that train never had. Codes
        # that train lacks below that (ordinal columns) fall into "others", which is empty for train.
        return Bins(atoms, np.empty(0), float(values[0]), float(values[-1]), 1 + len(atoms) + 3)
    if len(values) <= MAX_BINS:
        return Bins(values, np.empty(0), float(values[0]), float(values[-1]), 1 + len(values) + 3)
    atoms = values[counts >= MIN_ATOM_SHARE * len(train)]
    rest = present[~np.isin(present, atoms)]
    n_quantiles = max(3, MAX_BINS - len(atoms))
    edges = np.empty(0)
    if len(rest):
        edges = np.unique(np.quantile(rest, np.linspace(0, 1, n_quantiles + 1)[1:-1], method="inverted_cdf"))
    return Bins(atoms, edges, float(values[0]), float(values[-1]), 1 + len(atoms) + len(edges) + 3)
