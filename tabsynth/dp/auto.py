"""dp-auto: columns, then as many steps of choosing pairs as the noise leaves room for.

    1  every column alone; where noise swamps the columns themselves, a second look at them takes all the rest
    2  a tree of pairs in one batch, as dp-cliquetree: it ends where no pair stands out
    3  where noise is high or columns are many, further pairs in one batch, as dp-cliquetree; else rounds as dp-aim,
       which start from the fitted tree, and so too where the pairs of the tree stand out far

Where noise is lowest, rounds choose all pairs, the tree included, as dp-aim. A hundred columns or more that nearly all
follow an order are left to dp-copula from the start.

Decisions
- Nothing is lost by deciding late: the second look at the columns is averaged with the first.
- How much noise there is, is read from the typical pair of pooled columns, not from the columns: where columns have
  fifty codes, rounds need far more budget than where they have four.
- How strongly columns hang together no public fact tells, but the noisy pairs of the tree do, for nothing.
- Between a batch and rounds lies a tree with rounds after it: within 2 % of the better of the two on either side, so
  that the place of the border matters little. Below `TREE_PAYS` a tree costs up to 7 % (pairs of Telco at epsilon 3),
  however small its share: its pairs are chosen without each other, and fill the model's cells.

Privacy: Shares and steps follow from what was already released and from public facts; deciding costs nothing and reads
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from math import pi, sqrt
from typing import Literal

import numpy as np

from tabsynth.dp import aim, cliquetree, copula, independent
from tabsynth.dp.mechanism import MeasurableTable, Record, RowModel, noise_scale
from tabsynth.dp.mst import COLUMNS_SHARE, measure_columns
from tabsynth.dp.pooling import Pool, pools_of

SWAMPED = 0.5
"""Expected total variation between a column and its first noisy counts, from which on pairs are not looked at."""
ROUNDS_PAY = 0.05
"""Expected total variation between a pair of the tree and its noisy counts, up to which rounds come closer than one
more batch; chosen, as the others here, by `evaluations/dp_auto.py`."""
TREE_PAYS = 0.033
"""The same, up to which rounds do better without a tree before them."""
CLEAR = 3.0
"""From this clearness of its pairs on, a whole tree is followed by rounds whatever the noise; see `clearness`."""
MOST_COLUMNS = 30
"""With more columns than this, two batches instead of rounds."""
WIDE_COLUMNS, MOST_UNORDERED = 100, 0.2
"""From this many columns on, of which no more than this share follows no order, correlations: see
`evaluations/dp_wide.py`."""

Choice = Literal["independent", "batches", "tree and rounds", "rounds"]


def measure(
    table: MeasurableTable,
    *,
    rho: float,
    target: str | None = None,
    unordered: Collection[str] | None = None,
    nullable: Collection[str] = (),
) -> None:
    """Columns, then whatever the rest of the budget serves best.

    Args:
        table: The boundary.
        rho: Budget in all.
        target: See `aim.measure`.
        unordered: Columns whose codes follow no order; None where nothing is known of codes.
        nullable: Columns whose last code is a missing cell.

    Privacy: Gaussian noise on counts and the exponential mechanism on L1 distances, or as `copula.measure`; `rho` in
    all.
    """
    aim.check_parameters(table.sizes, degree=2, target=target)
    if is_wide(table.sizes, unordered):
        copula.measure(table, rho=rho, unordered=unordered or (), nullable=nullable)
        return
    measure_columns(table, rho=rho)
    if len(table.sizes) == 1:
        return
    left = (1 - COLUMNS_SHARE) * rho
    choice = choose(pools_of(table.transcript.measurements), rho=rho, max_rows=table.max_rows, target=target)
    if choice == "independent":
        independent.measure(table, rho=left, again=True)
    elif choice == "rounds":
        aim.measure_rounds(table, rho=left, target=target)
    else:
        measure_tree_first(table, rho=rho, choice=choice)


def measure_tree_first(table: MeasurableTable, *, rho: float, choice: Choice) -> None:
    """A tree; then a batch, or rounds as large as they would be without it, for what the columns have left of `rho`."""
    whole = (1 - COLUMNS_SHARE) * rho
    for_choice, for_pairs = cliquetree.TREE_CHOICE_SHARE * rho, cliquetree.tree_share(len(table.sizes)) * rho
    edges, spent = cliquetree.measure_tree(table, for_choice=for_choice, for_pairs=for_pairs)
    is_whole, few = len(edges) == len(table.sizes) - 1, len(table.sizes) <= MOST_COLUMNS
    clear = is_whole and few and clearness(table.transcript) > CLEAR
    if (choice == "batches" and not clear) or not cliquetree.further_pairs(len(table.sizes)):
        cliquetree.measure_rest(table, edges, spent, rho=rho)
    elif edges:
        aim.measure_rounds(table, rho=whole - spent, per_column=aim.ROUNDS_PER_COLUMN * (1 - spent / whole))
    else:
        independent.measure(table, rho=whole - spent, again=True)


def clearness(transcript: Record) -> float:
    """How far the pairs measured so far are from independent columns, in multiples of what noise alone would bring.

    Median over pairs of the L1 distance, over the expected sum of the noise.
    """
    pools = pools_of(transcript.measurements)
    total = next(iter(pools.values())).total
    shares = {name: pool.coarse_shares for name, pool in pools.items()}
    found = []
    for item in transcript.measurements:
        if len(item.clique) == 2:
            a, b = item.clique
            gap = float(np.abs(item.counts - total * np.outer(shares[a], shares[b])).sum())
            found.append(gap / (sqrt(2 / pi) * item.sigma * item.counts.size))
    return float(np.median(found))


def is_wide(sizes: Mapping[str, int], unordered: Collection[str] | None) -> bool:
    """Whether columns are so many, and so few of them without an order, that correlations say most about them."""
    return len(sizes) >= WIDE_COLUMNS and unordered is not None and len(unordered) <= MOST_UNORDERED * len(sizes)


def choose(pools: Mapping[str, Pool], *, rho: float, max_rows: int, target: str | None = None) -> Choice:
    """What follows the columns, of which only noisy counts are known; only rounds can favour a target.

    Args:
        pools: What is known of the columns.
        rho: Budget in all.
        max_rows: What one unit can move a table of counts by.
        target: See `aim.measure`.
    """
    swamped = column_noise(pools)
    if len(pools) < 2 or swamped > SWAMPED:
        return "independent"
    noise = pair_noise(pools, noise_scale(cliquetree.tree_share(len(pools)) * rho / (len(pools) - 1), max_rows))
    # Noise that pools nearly all codes of all columns leaves little of itself in pairs, but rounds nothing to find.
    if len(pools) > MOST_COLUMNS or (max(noise, swamped) > ROUNDS_PAY and target is None):
        return "batches"
    return "rounds" if noise <= TREE_PAYS or target is not None else "tree and rounds"


def column_noise(pools: Mapping[str, Pool]) -> float:
    """Total variation that the noise of the first look brings to a column, before any smoothing: mean over columns."""
    errors = [sqrt(2 / pi) * item.code_sigma * len(item.coarse) / 2 for item in pools.values()]
    return float(np.mean(errors)) / next(iter(pools.values())).total


def pair_noise(pools: Mapping[str, Pool], sigma: float) -> float:
    """Total variation that noise of `sigma` brings to the counts of two columns' coarse codes: median over pairs."""
    cells = [a.n_coarse * b.n_coarse for a, b in combinations(pools.values(), 2)]
    return sqrt(2 / pi) * sigma * float(np.median(cells)) / 2 / next(iter(pools.values())).total


def model(transcript: Record) -> RowModel:
    """The model that fits all noisy counts."""
    if any(item.purpose == copula.PURPOSE for item in transcript.measurements):
        return copula.model(transcript)
    if any(len(item.clique) > 1 for item in transcript.measurements):
        return aim.model(transcript)
    return independent.model(transcript)
