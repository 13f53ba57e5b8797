"""Rare codes, counted together: what noise would swamp is pooled before pairs are measured, and spread out again after.

A code whose noisy count is under `POOL_SIGMAS` standard deviations says nothing in a pair but adds its noise to it. All
such codes of a column become one coarse code, or, where smoothing its counts pays and codes therefore follow an order,
runs of neighbouring codes become one. Rows of a coarse code are spread over its codes by the column's own counts.

Source: McKenna, Miklau and Sheldon (2021), "Winning the NIST contest", section 4 (domain compression).

Privacy: Made of noisy counts alone; costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tabsynth.dp.graphical.arrays import Array, stretch
from tabsynth.dp.graphical.estimate import Evidence, evidence, fit
from tabsynth.dp.graphical.model import GraphicalModel
from tabsynth.dp.graphical.sampling import extend_rows
from tabsynth.dp.mechanism import Measured

POOL_SIGMAS = 3.0
SINGLE_SHRINKAGE = 0.01
"""How strongly counts of a single column are drawn to a flat distribution, in standard deviations of the noise."""
WIDTHS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 1000.0)
"""Smoothing that is tried, in codes; the last is flat."""


@dataclass(frozen=True)
class Pool:
    """How one column is coarsened, and what is known of it alone."""

    coarse: Array
    """Coarse code of each code, (n_codes,)."""
    counts: Array
    """Estimated rows of each code, without negative ones, (n_codes,)."""
    noisy: Array
    """Noisy counts of the coarse codes, (n_coarse,)."""
    sigma: Array
    """Standard deviation of each of them."""
    total: float
    """Number of rows that all columns together speak of."""

    @property
    def n_coarse(self) -> int:
        """Number of coarse codes."""
        return len(self.noisy)

    @property
    def coarse_counts(self) -> Array:
        """Estimated rows of each coarse code, (n_coarse,)."""
        return np.bincount(self.coarse, weights=self.counts)

    @property
    def coarse_shares(self) -> Array:
        """Share of the rows that each coarse code has, (n_coarse,)."""
        return self.coarse_counts / self.counts.sum()

    @property
    def code_sigma(self) -> float:
        """Standard deviation of the noise on one code that is not pooled."""
        return float(self.sigma[0]) / float(np.sqrt((self.coarse == 0).sum()))

    @property
    def changes(self) -> bool:
        """Whether any codes are pooled."""
        return self.n_coarse < len(self.coarse)


@dataclass(frozen=True)
class Averaged:
    """Noisy counts of one column from all looks at it."""

    clique: tuple[str, ...]
    counts: Array
    sigma: float
    purpose: str = "all looks at one column"
    coarse: tuple[tuple[str, tuple[int, ...]], ...] = ()


def averaged(measured: Sequence[Measured]) -> list[Measured]:
    """Of each column, the mean of its noisy counts, weighted by the inverse of their variance."""
    looks: dict[tuple[str, ...], list[Measured]] = {}
    for item in measured:
        if len(item.clique) == 1 and not item.coarse:
            looks.setdefault(item.clique, []).append(item)
    found: list[Measured] = []
    for clique, items in looks.items():
        weights = np.array([item.sigma**-2 for item in items])
        counts = sum(weight * item.counts for weight, item in zip(weights, items, strict=True)) / weights.sum()
        found.append(Averaged(clique, np.asarray(counts), float(weights.sum() ** -0.5)))
    return found


def pools_of(measured: Sequence[Measured]) -> dict[str, Pool]:
    """The pools that the first noisy counts of the single columns lead to, with what all looks say of them."""
    first: dict[str, Measured] = {}
    for item in measured:
        if len(item.clique) == 1:
            first.setdefault(item.clique[0], item)
    total = rows_of(first.values())
    pools = {name: pool(item.counts, item.sigma, total) for name, item in first.items()}
    if sum(len(item.clique) == 1 for item in measured) > len(pools):
        looks = averaged(measured)
        total = rows_of(looks)
        pools |= {item.clique[0]: pool(item.counts, item.sigma, total, pools[item.clique[0]].coarse) for item in looks}
    return pools


def rows_of(measured: Iterable[Measured]) -> float:
    """Number of rows: the sums of the tables, weighted by the inverse of their noise; at least one."""
    sums = np.array([(float(item.counts.sum()), item.counts.size * item.sigma**2) for item in measured])
    return max(1.0, float((sums[:, 0] / sums[:, 1]).sum() / (1 / sums[:, 1]).sum()))


def pool(counts: Array, sigma: float, total: float, coarse: Array | None = None) -> Pool:
    """Pool the codes under the threshold: neighbours with each other where codes follow an order, else all of them.

    With `coarse`, they are pooled as it says: pairs that were measured since are in these codes.
    """
    width, estimate = smooth(counts, sigma, total)
    if coarse is None:
        coarse = runs(counts, sigma) if width else rare_together(counts, sigma)
    members = np.bincount(coarse)
    noisy = np.bincount(coarse, weights=counts.astype(float))
    return Pool(coarse, estimate, noisy, np.sqrt(members) * sigma, total)


def rare_together(counts: Array, sigma: float) -> Array:
    """Coarse codes, (n_codes,): each code above the threshold its own, and the last one for all others."""
    rare = counts < POOL_SIGMAS * sigma
    coarse = np.arange(len(counts))
    if rare.sum() > 1:
        coarse[~rare] = np.arange(int((~rare).sum()))
        coarse[rare] = int((~rare).sum())
    return coarse


def runs(counts: Array, sigma: float) -> Array:
    """Coarse codes, (n_codes,): runs of neighbouring codes that reach the threshold of their summed noise."""
    coarse = np.zeros(len(counts), np.int64)
    run, height, length = 0, 0.0, 0
    for code, n_rows in enumerate(counts.tolist()):
        coarse[code] = run
        height, length = height + n_rows, length + 1
        if height >= POOL_SIGMAS * sigma * length**0.5:
            run, height, length = run + 1, 0.0, 0
    if length and run:  # the last run fell short: it joins the one before
        coarse[coarse == run] = run - 1
    return coarse


def smooth(counts: Array, sigma: float, total: float) -> tuple[float, Array]:
    """Estimated counts of one column, none negative, and the width of the smoothing that they were given.

    The width is that of the Gaussian kernel over codes with the least estimated error (Stein's unbiased estimate, from
    the noisy counts and the known noise); 0 where neighbouring codes have nothing in common.
    """
    values = counts + (total - float(counts.sum())) / len(counts)
    chosen, least, smoothed = 0.0, len(values) * sigma**2, values
    for width in WIDTHS:
        reach = min(int(4 * width), len(values) - 1)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        heights = np.convolve(np.ones(len(values)), kernel)[reach : reach + len(values)]
        fitted = np.convolve(values, kernel)[reach : reach + len(values)] / heights
        risk = float(((values - fitted) ** 2).sum()) + (2 * float((1 / heights).sum()) - len(values)) * sigma**2
        if risk < least:
            chosen, least, smoothed = width, risk, fitted
    if chosen:
        positive = np.maximum(smoothed, 0.0)
        return chosen, positive if positive.any() else np.ones(len(values))
    own = evidence(("column",), counts, sigma, sizes={"column": len(counts)}, softness=SINGLE_SHRINKAGE * sigma)
    return 0.0, fit([own], {"column": len(counts)}, total=total, sweeps=2).tables[0]


def single_parts(rho: float, sizes: Mapping[str, int]) -> list[float]:
    """Budget of each column, by the square root of its codes; the sum is not above `rho`.

    The error of a table of m codes is about m standard deviations of its noise; equal parts would spend as much on two
    codes as on a hundred.
    """
    roots = {name: size**0.5 for name, size in sizes.items()}
    return [rho * (1 - 1e-12) * root / sum(roots.values()) for root in roots.values()]


def coarse_sizes(pools: Mapping[str, Pool], sizes: Mapping[str, int]) -> dict[str, int]:
    """Number of coarse codes of each column, in the order of the domain."""
    return {name: pools[name].n_coarse for name in sizes}


def coarse_maps(pools: Mapping[str, Pool]) -> dict[str, Array]:
    """Code maps of the columns that are pooled, for the boundary."""
    return {name: item.coarse for name, item in pools.items() if item.changes}


def single_evidence(name: str, pooled: Pool, *, softness: float) -> Evidence:
    """The noisy counts of the coarse codes of one column; `softness` is that of a code that is not pooled."""
    members = np.bincount(pooled.coarse)
    return evidence((name,), pooled.noisy, pooled.sigma, sizes={name: pooled.n_coarse}, softness=softness * members)


@dataclass(frozen=True)
class PooledModel:
    """A model of coarse codes that answers and samples in codes."""

    sizes: Mapping[str, int]
    pools: Mapping[str, Pool]
    coarse: GraphicalModel

    @property
    def total(self) -> float:
        """Estimated number of rows."""
        return self.coarse.total

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Array]:
        """Expected counts of each set of columns; inside a pool, columns are taken as independent."""
        found = []
        for clique, table in zip(cliques, self.coarse.marginals(cliques), strict=True):
            for axis, name in enumerate(clique):
                if self.pools[name].changes:
                    share = stretch(self._shares(name), (name,), clique)
                    table = np.take(table, self.pools[name].coarse, axis=axis) * share
            found.append(table)
        return found

    def _shares(self, name: str) -> Array:
        """Share of each code in its coarse code, (n_codes,)."""
        item = self.pools[name]
        return item.counts / np.maximum(item.coarse_counts, 1e-300)[item.coarse]

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Draw rows of coarse codes, then codes inside the pools."""
        return spread_out(self.coarse.sample(n_rows, rng=rng), self.pools, rng=rng)


def spread_out(rows: Mapping[str, Array], pools: Mapping[str, Pool], *, rng: np.random.Generator) -> dict[str, Array]:
    """Codes in place of coarse codes, drawn inside each pool by the column's own counts."""
    spread = dict(rows)
    for name, item in pools.items():
        if item.changes:
            table = np.zeros((item.n_coarse, len(item.coarse)))
            table[item.coarse, np.arange(len(item.coarse))] = item.counts
            (spread[name],) = extend_rows(len(rows[name]), [rows[name]], table, rng=rng)
    return spread
