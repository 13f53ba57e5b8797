"""dp-auto: the mechanism that the budget can carry, chosen from noisy counts and public facts.

The columns are measured first. Their noise and the number of rows that they speak of give the error that the noise has
brought to the typical column. Above `SWAMPED`, the rest of the budget is better spent on a second look at the columns,
and they stay independent; otherwise it goes to pairs: by rounds as in dp-aim, or in two batches as in dp-cliquetree
where noise is high or columns are so many that rounds would be slow. A hundred columns or more that nearly all follow
an order are left to dp-copula from the start, whatever the noise.

Decisions
- Nothing is lost by deciding late: the second look at the columns is averaged with the first.

Privacy: The choice is made from what was already released; it costs nothing and reads nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import pi, sqrt
from typing import Literal

import numpy as np

from tabsynth.dp import aim, cliquetree, copula, independent
from tabsynth.dp.mechanism import MeasurableTable, Record, RowModel
from tabsynth.dp.mst import COLUMNS_SHARE, measure_columns
from tabsynth.dp.pooling import Pool, pools_of, single_parts

SWAMPED = 0.2
"""Expected total variation between a column and its first noisy counts; calibrated by `evaluations/dp_auto.py`."""
ROUNDS_PAY = 0.01
"""Above this, two batches come closer than rounds, which spend too much on looking."""
MOST_COLUMNS = 30
"""With more columns than this, two batches instead of rounds."""
WIDE_COLUMNS, MOST_UNORDERED = 100, 0.2
"""From this many columns on, of which no more than this share follows no order, correlations: see
`evaluations/dp_wide.py`."""

Choice = Literal["independent", "cliquetree", "aim"]


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

    Privacy: As the mechanism that is chosen; `rho` in all.
    """
    aim.check_parameters(table.sizes, degree=2, target=target)
    if is_wide(table.sizes, unordered):
        copula.measure(table, rho=rho, unordered=unordered or (), nullable=nullable)
        return
    measure_columns(table, rho=rho)
    left = (1 - COLUMNS_SHARE) * rho
    choice = choose(pools_of(table.transcript.measurements), target=target)
    if len(table.sizes) == 1:
        return
    if choice == "independent":
        columns = [(name,) for name in table.sizes]
        table.marginals(columns, rho_each=single_parts(left, table.sizes), purpose="a second look at each column")
    elif choice == "cliquetree":
        cliquetree.measure_batches(table, rho=rho)
    else:
        aim.measure_rounds(table, rho=left, target=target)


def is_wide(sizes: Mapping[str, int], unordered: Collection[str] | None) -> bool:
    """Whether columns are so many, and so few of them without an order, that correlations say most about them."""
    return len(sizes) >= WIDE_COLUMNS and unordered is not None and len(unordered) <= MOST_UNORDERED * len(sizes)


def choose(pools: Mapping[str, Pool], *, target: str | None = None) -> Choice:
    """The mechanism for these columns, of which only noisy counts are known; only rounds can favour a target."""
    noise = column_noise(pools)
    if len(pools) < 2 or noise > SWAMPED:
        return "independent"
    if len(pools) > MOST_COLUMNS or (noise > ROUNDS_PAY and target is None):
        return "cliquetree"
    return "aim"


def column_noise(pools: Mapping[str, Pool]) -> float:
    """Total variation that the noise of the first look brings to a column, before any smoothing: mean over columns."""
    errors = [sqrt(2 / pi) * item.code_sigma * len(item.coarse) / 2 for item in pools.values()]
    return float(np.mean(errors)) / next(iter(pools.values())).total


def model(transcript: Record) -> RowModel:
    """The model that fits all noisy counts."""
    if any(item.purpose == copula.PURPOSE for item in transcript.measurements):
        return copula.model(transcript)
    if any(len(item.clique) > 1 for item in transcript.measurements):
        return aim.model(transcript)
    return independent.model(transcript)
