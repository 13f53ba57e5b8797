"""dp-copula: noisy counts of every column, and one number for every pair of columns; for very wide numeric tables.

    1  every column alone
    2  every column is split in two about its noisy median, and every pair of columns counted in four cells; a missing
       cell is a third class where it is common
    3  each table of four cells gives the correlation of two normal variables behind the columns; what noise has added
       to all of them together is taken off, and rows are drawn from the nearest correlation matrix

Four cells carry as much about a correlation as noise allows: with more, less of the budget falls on each. So all pairs
of hundreds of columns can be asked, where tables of all their codes would be noise, and a tree would miss what many
columns share. What is no correlation, it does not see.

Source: the quadrant tables are those of the Bayesian copula of arXiv 2601.03497 (2026); the copula of a table with
discrete columns, Hoff (2007). Taking the noise off the spectrum, and missing cells as variables of their own, are ours.

Decisions
- Codes of a column without an order (categories) are split into two halves of about equal weight, and a category stays
  what it is inside its half: that two halves hang together is kept, no more.
- Shares of the halves come from all tables that a column is in, which together know them better than its own counts.
- Rows are drawn in blocks of a fixed size; inside a block every code gets its expected number of rows, rounded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from scipy.special import ndtri

from tabsynth.dp.counting import smallest_type
from tabsynth.dp.graphical.arrays import Array
from tabsynth.dp.mechanism import Clique, MeasurableTable, Measured, Record, RowModel, even_parts
from tabsynth.dp.pooling import Pool, averaged, pools_of, rows_of, single_parts, smooth
from tabsynth.dp.quadrants import correlations, nearest_correlation, shrunk

COLUMNS_SHARE = 0.6
"""Of the budget; the pairs get the rest. On two wide tables pairs came closest between 0.5 and 0.8."""
PURPOSE = "quadrants of a pair"
MISSING_SIGMAS = 3.0
LEAST_MISSING = 0.01
"""A missing cell is a class of its own where its noisy count passes both: these standard deviations, this share."""
LEAST_SHARE = 1e-4
BLOCK_ROWS = 1 << 15
GRID_CELLS, BESIDE_A_BOUND = 1 << 12, -1
"""Cells of the grid from -5 to 5 by which numbers are told apart, and the mark of those that hold a bound of a part."""


def measure(
    table: MeasurableTable, *, rho: float, unordered: Collection[str] = (), nullable: Collection[str] = ()
) -> None:
    """Columns, and the quadrants of all pairs.

    Args:
        table: The boundary.
        rho: Budget in all.
        unordered: Columns whose codes follow no order.
        nullable: Columns whose last code is a missing cell.

    Privacy: Gaussian noise on counts; `rho` in all. The splits are made of noisy counts of single columns.
    """
    columns = [(name,) for name in table.sizes]
    share = COLUMNS_SHARE if len(pairs_of(table.sizes)) else 1.0
    table.marginals(columns, rho_each=single_parts(share * rho, table.sizes), purpose="counts of each column")
    measure_quadrants(table, rho=(1 - share) * rho, unordered=unordered, nullable=nullable)


def measure_quadrants(
    table: MeasurableTable, *, rho: float, unordered: Collection[str] = (), nullable: Collection[str] = ()
) -> None:
    """Step 2, for `rho`; the single columns are measured already."""
    pairs = pairs_of(table.sizes)
    if not pairs:
        return
    pools = pools_of(table.transcript.measurements)
    splits = {
        name: split(pools[name], ordered=name not in unordered, has_missing=name in nullable)
        for name, size in table.sizes.items()
        if size > 1
    }
    table.marginals(pairs, rho_each=even_parts(rho, len(pairs)), purpose=PURPOSE, coarse=splits)


def pairs_of(sizes: Mapping[str, int]) -> list[Clique]:
    """All pairs of columns that can differ."""
    return list(combinations([name for name, size in sizes.items() if size > 1], 2))


def split(pool: Pool, *, ordered: bool, has_missing: bool) -> Array:
    """The class of each code, (n_codes,): 0 and 1 about the median, 2 for a missing cell where that is common.

    Args:
        pool: Noisy counts of the column, of two codes or more.
        ordered: Whether codes follow an order; else the halves are put together to weigh about the same.
        has_missing: Whether the last code is a missing cell.
    """
    size = len(pool.counts)
    n_values = size - has_missing
    classes: Array = np.zeros(size, np.int64)
    if n_values < 2:  # the value, and that it is missing
        classes[1:] = 1
        return classes
    counts = pool.counts[:n_values]
    if ordered:
        below = np.cumsum(counts)[:-1]
        classes[1 + int(np.argmin(np.abs(below - counts.sum() / 2))) : n_values] = 1
    else:
        weights = np.zeros((2, 2))  # of each half: rows, and codes
        for code in np.argsort(-counts, kind="stable"):
            half = min((0, 1), key=lambda part: tuple(weights[part]))
            classes[code] = half
            weights[half] += counts[code], 1
    alone = int((pool.coarse == pool.coarse[-1]).sum()) == 1  # else it was too rare to be told from its neighbours
    if has_missing and alone:
        missing = float(pool.noisy[pool.coarse[-1]])
        if missing > max(MISSING_SIGMAS * pool.code_sigma, LEAST_MISSING * pool.total):
            classes[-1] = 2
    return classes


@dataclass(frozen=True)
class Column:
    """How one column follows from the normal variables behind it."""

    order: Array
    """Codes of cells that are there, from low to high, (n_values,)."""
    shares: Array
    """Their shares, in that order; sum 1."""
    missing: int | None
    """Code of a missing cell that has a variable of its own."""
    missing_share: float
    high: float
    """Share of the upper half among cells that are there."""

    @property
    def patterns(self) -> Array:
        """How the shares of the classes move when a variable rises: one line for each variable, (n_latents, n_classes).

        A rising value moves rows from the lower to the upper half, a rising chance to be missing from both to the third
        class.
        """
        if self.missing is None:
            return np.array([[-1.0, 1.0]])
        return np.array([[-1.0, 1.0, 0.0], [self.high - 1, -self.high, 1.0]])

    @property
    def classes(self) -> Array:
        """Shares of the classes, (n_classes,)."""
        there = 1 - self.missing_share
        halves = [there * (1 - self.high), there * self.high]
        return np.array(halves if self.missing is None else [*halves, self.missing_share])

    @property
    def above(self) -> list[float]:
        """Chance that each variable is above its threshold."""
        return [self.high] if self.missing is None else [self.high, self.missing_share]

    @property
    def seen(self) -> list[float]:
        """Share of rows in which each variable shows."""
        return [1 - self.missing_share] if self.missing is None else [1 - self.missing_share, 1.0]


@dataclass(frozen=True)
class CopulaModel:
    """Columns, and the correlations of the normal variables behind them."""

    sizes: Mapping[str, int]
    columns: Mapping[str, Column]
    root: Array
    """Lower triangular, (n_latents, n_latents): its product with itself is the correlation matrix."""
    total: float

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Draw rows: codes of shape (n_rows,) for each column."""
        rows = {name: np.zeros(n_rows, smallest_type(size)) for name, size in self.sizes.items()}
        root = self.root.astype(np.float32)  # ranks are taken of it, nothing finer
        for start in range(0, n_rows, BLOCK_ROWS):
            size = min(BLOCK_ROWS, n_rows - start)
            # One product for a block, in one thread: the sums would round differently in other pieces.
            latent = root @ rng.standard_normal((len(root), size), np.float32)
            place = 0
            for name, column in self.columns.items():
                chosen = rows[name][start : start + size]
                order = column.order.astype(chosen.dtype)
                if column.missing is None:
                    chosen[:] = order[places_of(latent[place], parts(column.shares, size, rng.random()))]
                else:
                    n_there = int(size * (1 - column.missing_share) + rng.random())
                    gone = places_of(latent[place + 1], np.array([n_there, size - n_there])) == 1
                    chosen[gone] = column.missing
                    sizes = parts(column.shares, n_there, rng.random())
                    chosen[~gone] = order[places_of(latent[place][~gone], sizes)]
                place += len(column.above)
        return rows


def places_of(latent: Array, sizes: Array) -> Array:
    """The part that each row falls into when the lowest fill the first part, and so on; shape (n_rows,).

    Rows are told apart by a fine grid first: most of its cells lie within one part, and only rows of the others are
    compared with the bounds between parts.
    """
    ends = np.cumsum(sizes)[:-1]
    bounds = np.append(np.sort(latent), latent.dtype.type(np.inf))[ends]
    # What is in a lower cell is lower: the cell of a number never falls when the number rises.
    walls = cells_of(bounds)
    part_of = np.searchsorted(walls, np.arange(GRID_CELLS), side="left").astype(np.int32)
    part_of[walls] = BESIDE_A_BOUND
    places: Array = part_of[cells_of(latent)]
    beside = np.flatnonzero(places == BESIDE_A_BOUND)
    places[beside] = np.searchsorted(bounds, latent[beside], side="right")
    return places


def cells_of(latent: Array) -> Array:
    """The cell of a grid over normal numbers that each of them is in; shape (n_rows,)."""
    scaled = latent * latent.dtype.type(GRID_CELLS / 10)
    scaled += latent.dtype.type(GRID_CELLS / 2)
    return np.clip(scaled, 0, GRID_CELLS - 1, out=scaled).astype(np.int16)


def parts(shares: Array, n_rows: int, start: float) -> Array:
    """Rows of each share: its expected number, rounded up or down so that the sum is right; `start` is in [0, 1)."""
    ends = np.floor(np.cumsum(shares) * n_rows + start).astype(np.int64)
    ends[-1] = n_rows
    return np.diff(np.minimum(ends, n_rows), prepend=0)


def model(transcript: Record) -> RowModel:
    """The copula that noisy counts and quadrants describe."""
    single = {item.clique[0]: item for item in averaged(transcript.measurements)}
    pairs = [item for item in transcript.measurements if len(item.clique) == 2]
    classes: dict[str, Array] = {name: np.array(codes) for item in pairs for name, codes in item.coarse}
    total = rows_of([*single.values(), *pairs])
    sums = class_sums(pairs)
    columns = {
        name: column_of(single[name], classes.get(name), sums.get(name), total=total) for name in transcript.sizes
    }
    return CopulaModel(dict(transcript.sizes), columns, root_of(columns, pairs, total), total)


def class_sums(pairs: list[Measured]) -> dict[str, tuple[Array, float]]:
    """Noisy rows of each class of each column, over all tables that it is in, and the variance of each."""
    sums: dict[str, tuple[Array, float]] = {}
    for item in pairs:
        for axis, name in enumerate(item.clique):
            counts, precision = sums.get(name, (np.zeros(item.counts.shape[axis]), 0.0))
            weight = 1 / (item.counts.shape[1 - axis] * item.sigma**2)
            sums[name] = counts + weight * item.counts.sum(axis=1 - axis), precision + weight
    return {name: (counts / precision, 1 / precision) for name, (counts, precision) in sums.items()}


def column_of(single: Measured, classes: Array | None, sums: tuple[Array, float] | None, *, total: float) -> Column:
    """One column from its own counts and the sums of its classes."""
    noisy, sigma = single.counts.astype(np.float64), single.sigma
    size = len(noisy)
    if classes is None or sums is None:
        estimate = smooth(noisy, sigma, total)[1] if size > 1 else np.ones(size)
        return Column(np.arange(size), estimate / estimate.sum(), None, 0.0, 0.5)
    missing = size - 1 if classes[-1] == 2 else None
    members = np.bincount(classes)
    own, own_variance = np.bincount(classes, weights=noisy), members * sigma**2
    both = (own / own_variance + sums[0] / sums[1]) / (1 / own_variance + 1 / sums[1])
    both = np.maximum(both, LEAST_SHARE * total)
    shares = both / both.sum()
    n_values = size - (missing is not None)
    estimate = smooth(noisy[:n_values], sigma, total * float(shares[:2].sum()))[1] if n_values > 1 else np.ones(1)
    order = np.argsort(classes[:n_values], kind="stable")
    halves = np.bincount(classes[:n_values], weights=estimate, minlength=2)
    within = np.where(halves[classes[:n_values]] > 0, estimate, 1.0)  # an upper half that nobody seems to be in
    halves = np.bincount(classes[:n_values], weights=within, minlength=2)
    within = within * (shares[classes[:n_values]] / halves[classes[:n_values]])
    there = float(shares[:2].sum())
    return Column(order, within[order] / there, missing, 1 - there if missing is not None else 0.0, shares[1] / there)


def root_of(columns: Mapping[str, Column], pairs: list[Measured], total: float) -> Array:
    """Square root of the correlation matrix of all variables, (n_latents, n_latents)."""
    places: dict[str, int] = {}
    n = 0
    for name, column in columns.items():
        places[name] = n
        n += len(column.above)
    if not pairs:
        return np.eye(n)
    inverses = {name: np.linalg.pinv(column.patterns) for name, column in columns.items()}  # (n_classes, n_latents)
    lengths = np.concatenate([np.sqrt((inverses[name] ** 2).sum(axis=0)) for name in columns])
    noisy = np.zeros((n, n))
    for item in pairs:
        a, b = item.clique
        expected = np.outer(columns[a].classes, columns[b].classes)
        moved = inverses[a].T @ (item.counts / total - expected) @ inverses[b]
        rows: Array = places[a] + np.arange(moved.shape[0])
        cols: Array = places[b] + np.arange(moved.shape[1])
        noisy[np.ix_(rows, cols)] = moved
        noisy[np.ix_(cols, rows)] = moved.T
    noise = sqrt(float(np.mean([item.sigma**2 for item in pairs]))) / total
    above = np.array([chance for column in columns.values() for chance in column.above])
    seen = np.array([share for column in columns.values() for share in column.seen])
    # Over their lengths, all entries carry noise of the same size.
    clean = shrunk(noisy / np.outer(lengths, lengths), noise, above * (1 - above) * seen / lengths**2)
    excesses = clean * np.outer(lengths, lengths) / np.maximum(np.outer(seen, seen), LEAST_SHARE)
    thresholds = -ndtri(np.clip(above, LEAST_SHARE, 1 - LEAST_SHARE))
    low, other = np.broadcast_arrays(thresholds[:, None], thresholds[None, :])
    matrix = correlations(excesses, low, other)
    for name, column in columns.items():
        own: Array = places[name] + np.arange(len(column.above))
        matrix[np.ix_(own, own)] = 0.0  # whether a cell is missing says nothing about the value that is not there
    np.fill_diagonal(matrix, 1.0)
    root: Array = np.linalg.cholesky(nearest_correlation((matrix + matrix.T) / 2))
    return root
