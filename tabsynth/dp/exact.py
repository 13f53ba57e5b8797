"""Exact tables of counts, for the inside of the boundary alone: counted once, kept, weighed where a unit's rows share.

Decisions
- Rows of equal weight are counted together and their table is multiplied, so that weighed counts are sums of whole
  numbers, like plain ones.

Privacy: These are true counts. Only `measure.py` and `discovery.py` may ask for them, to put noise on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tabsynth.dp.counting import count, count_pairs, smallest_type
from tabsynth.dp.transcript import Clique

Array = np.ndarray[Any, Any]

CACHE_BYTES = 512 * 2**20
"""Exact tables kept inside for looking again, at most; as many again of coarse codes."""


class ExactCounts:
    """Tables of counts of some rows, kept since selections look at the same ones again and again."""

    def __init__(self, columns: Mapping[str, Array], sizes: Mapping[str, int], weights: Array | None = None) -> None:
        """Take rows as codes.

        Args:
            columns: Codes by column, each of shape (n_rows,).
            sizes: Number of codes of each column, in order.
            weights: What each row counts, whole and rising, (n_rows,); None where each counts 1.
        """
        self.columns, self.sizes, self._weights = columns, sizes, weights
        n_rows = len(next(iter(columns.values()))) if columns else 0
        self._groups: list[tuple[int, slice]] = [(1, slice(0, n_rows))]
        if weights is not None:
            starts = np.flatnonzero(np.diff(weights, prepend=np.int64(-1)))
            stops = [*starts[1:].tolist(), n_rows][: len(starts)]  # of no rows there is no group
            self._groups = [
                (int(weights[start]), slice(start, stop)) for start, stop in zip(starts.tolist(), stops, strict=True)
            ] or [(1, slice(0, 0))]
        self.total = sum(weight * (rows.stop - rows.start) for weight, rows in self._groups)
        self._kept: dict[Clique, Array] = {}
        self._kept_bytes = 0
        self._coarse: tuple[dict[str, bytes], ExactCounts] | None = None

    def tables(self, cliques: Sequence[Clique]) -> Iterator[Array]:
        """Counts of each clique, int64."""
        names = list(self.sizes)
        place = {name: number for number, name in enumerate(names)}
        pairs = {tuple(clique) for clique in cliques if len(clique) == 2} - self._kept.keys()
        if len(pairs) > 1 and sum(self.n_cells(pair) for pair in pairs) * 8 <= CACHE_BYTES - self._kept_bytes:
            wanted = sorted(pairs, key=lambda pair: (place[pair[0]], place[pair[1]]))
            numbers = [(place[a], place[b]) for a, b in wanted]
            tables = self._pairs([self.columns[name] for name in names], list(self.sizes.values()), numbers)
            for pair, table in zip(wanted, tables, strict=True):
                self._keep(pair, table)
        for clique in cliques:
            key = tuple(clique)
            counts = self._kept.get(key)
            if counts is None:
                counts = self._count(key)
                if self._kept_bytes + counts.nbytes <= CACHE_BYTES:
                    self._keep(key, counts)
            yield counts

    def coarse_tables(self, cliques: Sequence[Clique], maps: Mapping[str, Array]) -> Iterator[Array]:
        """Counts in coarse codes. Columns are made coarse first, once for all looks by the same maps.

        Tables of coarse codes are counted in fewer passes than those of all codes, and many more of them can be kept:
        selections among triples would otherwise count the same million cells in every round.
        """
        return self._coarsened(maps).tables(cliques) if maps else self.tables(cliques)

    def _coarsened(self, maps: Mapping[str, Array]) -> ExactCounts:
        """The same rows in coarse codes, with what was counted of them by the same maps before."""
        by = {name: codes.tobytes() for name, codes in maps.items()}
        if self._coarse is None or self._coarse[0] != by:
            sizes = {name: int(maps[name].max()) + 1 if name in maps else size for name, size in self.sizes.items()}
            columns = {
                name: maps[name].astype(smallest_type(sizes[name]))[column] if name in maps else column
                for name, column in self.columns.items()
            }
            self._coarse = by, ExactCounts(columns, sizes, self._weights)
        return self._coarse[1]

    def n_cells(self, clique: Clique) -> int:
        """Cells of a table of all codes."""
        return math.prod(self.sizes[name] for name in clique)

    def _count(self, clique: Clique) -> Array:
        if not clique:
            return np.array(self.total, np.int64)
        sizes = [self.sizes[name] for name in clique]
        parts = [weight * count([self.columns[name][rows] for name in clique], sizes) for weight, rows in self._groups]
        return _sum(parts)

    def _pairs(self, columns: Sequence[Array], sizes: Sequence[int], pairs: Sequence[tuple[int, int]]) -> list[Array]:
        parts = [
            [weight * table for table in count_pairs([column[rows] for column in columns], sizes, pairs)]
            for weight, rows in self._groups
        ]
        return parts[0] if len(parts) == 1 else [_sum(tables) for tables in zip(*parts, strict=True)]

    def _keep(self, clique: Clique, counts: Array) -> None:
        self._kept[clique] = counts
        self._kept_bytes += counts.nbytes


def tally(places: Array, n_cells: int, weights: Array | None) -> Array:
    """Counts of cells, int64 of shape (n_cells,).

    Args:
        places: Cell of each row, (n_rows,).
        n_cells: Number of cells.
        weights: What each row counts, whole, (n_rows,); None where each counts 1. Sums below 2**53 are exact.
    """
    return np.bincount(places, weights=weights, minlength=n_cells).astype(np.int64)


def pooled(counts: Array, clique: Clique, maps: Mapping[str, Array]) -> Array:
    """Counts in coarse codes: each cell moves as a whole, so one row still counts once."""
    for axis, name in enumerate(clique):
        if name in maps:
            fine = np.moveaxis(counts, axis, 0)
            summed = np.zeros((int(maps[name].max()) + 1, *fine.shape[1:]), np.int64)
            np.add.at(summed, maps[name], fine)
            counts = np.moveaxis(summed, 0, axis)
    return counts


def _sum(tables: Sequence[Array]) -> Array:
    total = tables[0]
    for table in tables[1:]:
        total = total + table
    return total
