"""What the schema leaves open, paid for: categories, bounds and bins, each with noise and written to the transcript.

This is part of the boundary: it looks at rows, charges first, and gives back only what it writes down.

categories   counts of all categories that occur, with noise; one is named only where its noisy count passes a threshold
             that a category of one unit alone passes with probability `delta` at most
bounds       counts of signs and powers of two, with noise; the outermost that stand out of the noise are the bounds
cuts         counts of a fine even grid between the bounds, with noise; bins of about equal mass are read off it
tree         bins that are halved while noisy counts of them are high (`privtree.py`)

Decisions
- The threshold rests on the sub-Gaussian tail of the discrete Gaussian: at most `max_rows` categories can be new with
  one unit, each of them counts what one unit can move at most, so that plus `sigma * sqrt(2 ln(max_rows / delta))` is
  enough.
- Everything after the noise is post-processing: which cells count as standing out is a matter of use, not of privacy.
- Categories are written down in alphabetical order: the order of the rows is nobody's business.

Source: Korolova et al. 2009 and Wilson et al. 2020 (thresholded partition selection), with Gaussian noise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.dp.bins import Numeric
from tabsynth.dp.budget import Sensitivity, gaussian_scale_squared, split
from tabsynth.dp.domain import Found
from tabsynth.dp.exact import tally
from tabsynth.dp.measure import silence
from tabsynth.dp.privtree import halved, inner_edges, pure_epsilon, scale_for
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.spending import Spending
from tabsynth.dp.transcript import Discovery, Transcript
from tabsynth.encoding.continuous import step_of
from tabsynth.encoding.datetime import to_steps
from tabsynth.schema.columns import DateTime
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]

GRID = 1024
"""Cells of the even grid that bins of equal mass are read off."""
TREE_DEPTH = 20
"""Halvings from the bounds to the finest bins of a tree; its price does not depend on it."""
TOTAL_SHARE = 0.1
"""Of the cost of a tree: the number of cells, which its threshold is made of."""
_POWERS = np.arange(-20, 63)
"""Powers of two between which magnitudes are told apart."""
_FALSE_ALARM = 0.01
"""Probability that any empty cell is taken for one that stands out, when bounds are read off."""


def discover_categories(rows: PrivateRows, name: str, *, rho: float, delta: float, spending: Spending) -> Discovery:
    """The categories of a column that enough people share.

    Args:
        rows: The private rows.
        name: A categorical column.
        rho: Cost of the noisy counts.
        delta: Probability that a category of one unit alone is named, at most.
        spending: Pays.

    Privacy: Names of categories whose noisy count passes the threshold leave, and those noisy counts.
    """
    k, moves = rows.unit.max_rows, rows.unit.moves
    variance = gaussian_scale_squared(rho, Sensitivity.of_counts(moves))
    sigma = math.sqrt(variance)
    threshold = moves + sigma * math.sqrt(2 * math.log(k / delta))
    purpose = f"find the categories of {name}"
    spending.charge(rho=rho, delta=delta, purpose=purpose, mechanism="thresholded-discrete-gaussian")
    with silence():
        values = rows.column(name)
        codes, texts = pd.factorize(values.array[~values.missing])
        exact = tally(codes, len(texts), None if rows.weights is None else rows.weights[~values.missing])
        noisy = exact + spending.noise.discrete_gaussian(variance, exact.size)
        named = sorted((str(texts[place]), int(noisy[place])) for place in np.flatnonzero(noisy >= threshold))
    found = Discovery(
        column=name,
        kind="categories",
        categories=tuple(text for text, _ in named),
        numbers=(),
        counts=np.array([count for _, count in named], np.int64),
        sigma=sigma,
        sensitivity=float(moves),
        threshold=threshold,
        rho=rho,
        delta=delta,
        purpose=purpose,
    )
    spending.transcript.append(found)
    return found


def discover_bounds(rows: PrivateRows, name: str, column: Numeric, *, rho: float, spending: Spending) -> Discovery:
    """Bounds of a numeric column, as powers of two on the scale of the encoder.

    Privacy: Noisy counts of rows by sign and power of two leave.
    """
    edges = np.concatenate([-(2.0 ** _POWERS[::-1]), [0.0], 2.0**_POWERS])
    exact_of = _histogram(edges, column)
    purpose = f"find bounds of {name}"
    noisy, sigma = _noisy(rows, name, exact_of, len(edges) + 1, rho, purpose, spending)
    stands_out = np.flatnonzero(noisy >= sigma * math.sqrt(2 * math.log(len(noisy) / _FALSE_ALARM)))
    if len(stands_out):
        lower = float(edges[max(0, stands_out[0] - 1)])
        upper = float(edges[min(len(edges) - 1, stands_out[-1])])
    else:
        lower, upper = 0.0, 1.0
    return _numbers(rows, name, "bounds", (lower, upper), noisy, sigma, rho, purpose, spending)


def discover_cuts(
    rows: PrivateRows,
    name: str,
    column: Numeric,
    *,
    lower: float,
    upper: float,
    bins: int,
    rho: float,
    spending: Spending,
) -> Discovery:
    """Inner edges of bins of about equal mass.

    Args:
        rows: The private rows.
        name: A numeric column.
        column: Its declaration.
        lower: Lower bound on the scale of the encoder.
        upper: Upper bound.
        bins: Bins to make, at most.
        rho: What it may cost.
        spending: Pays.

    Privacy: Noisy counts of an even grid of `GRID` cells leave.
    """
    edges = np.linspace(lower, upper, GRID + 1)[1:-1]
    purpose = f"find bins of {name}"
    noisy, sigma = _noisy(rows, name, _histogram(edges, column), GRID, rho, purpose, spending)
    cuts = equal_mass_cuts(noisy, edges, bins, sigma=sigma)
    return _numbers(rows, name, "cuts", cuts, noisy, sigma, rho, purpose, spending)


def discover_tree(
    rows: PrivateRows,
    name: str,
    column: Numeric,
    *,
    lower: float,
    upper: float,
    bins: int,
    rho: float,
    spending: Spending,
) -> Discovery:
    """Inner edges of bins by PrivTree, narrow where rows are many.

    Args:
        rows: The private rows.
        name: A numeric column.
        column: Its declaration.
        lower: Lower bound on the scale of the encoder.
        upper: Upper bound.
        bins: Bins to make, at most.
        rho: What it may cost.
        spending: Pays.

    Privacy: A noisy number of cells that are there, and which bins were halved, leave.
    """
    edges, half = finest_edges(lower, upper, step_of(column))
    for_total, for_tree = split(rho, [TOTAL_SHARE, 1 - TOTAL_SHARE])
    purpose = f"find bins of {name}"

    def all_there(values: Values, weights: Array | None) -> Array:
        there = ~values.missing
        return tally(np.zeros(int(there.sum()), np.int64), 1, None if weights is None else weights[there])

    total, sigma = _noisy(rows, name, all_there, 1, for_total, purpose, spending)
    _numbers(rows, name, "total", (), total, sigma, for_total, purpose, spending)
    threshold = max(0, int(total[0]) // bins)
    epsilon = pure_epsilon(for_tree)
    scale = scale_for(epsilon, rows.unit.moves)
    spending.charge(rho=for_tree, purpose=purpose, mechanism="privtree")
    with silence():
        exact = _histogram(edges - half, column)(rows.column(name), rows.weights)
        nodes = halved(exact, scale=scale, threshold=threshold, noise=spending.noise)
    cuts = tuple(float(edges[place - 1]) for place in inner_edges(nodes, len(exact), bins))
    return _numbers(rows, name, "tree", cuts, np.zeros(0, np.int64), float(scale), for_tree, purpose, spending)


def finest_edges(lower: float, upper: float, step: float | None) -> tuple[Array, float]:
    """Inner edges of the finest bins of a tree, a power of 2 of them, and half a step of the column.

    Where the column has steps, an edge is the first value of a bin, and no bin is narrower than a step.
    """
    if step is None:
        return np.linspace(lower, upper, 2**TREE_DEPTH + 1)[1:-1], 0.0
    n_steps = round((upper - lower) / step) + 1
    depth = min(TREE_DEPTH, max(0, n_steps - 1).bit_length())
    width = step * math.ceil(n_steps / 2**depth)
    return lower + width * np.arange(1, 2**depth), step / 2


def discover_sizes(rows: PrivateRows, *, rho: float, spending: Spending) -> Discovery:
    """How many units have 1, 2, ... `max_rows` rows.

    Privacy: Noisy counts of units leave; one unit moves one of them by 1.
    """
    key = rows.unit.key
    assert key is not None
    variance = gaussian_scale_squared(rho, Sensitivity.of_counts(1))
    purpose = f"rows per {key}"
    spending.charge(rho=rho, purpose=purpose, mechanism="discrete-gaussian")
    with silence():
        exact = rows.rows_per_unit
        assert exact is not None
        noisy: Array = exact + spending.noise.discrete_gaussian(variance, exact.size)
    found = Discovery(key, "sizes", (), (), noisy, math.sqrt(variance), 1.0, 0.0, rho, 0.0, purpose)
    spending.transcript.append(found)
    return found


def equal_mass_cuts(noisy: Array, edges: Array, bins: int, *, sigma: float) -> tuple[float, ...]:
    """Inner edges that split noisy counts into about equal parts, none of them too small to be told from noise.

    Args:
        noisy: Noisy counts of cells, shape (n_cells,).
        edges: Inner edges of the cells, shape (n_cells - 1,).
        bins: Parts, at most.
        sigma: Noise on each count.
    """
    mass = np.where(noisy > 2 * sigma, noisy, 0).astype(np.float64)
    if mass.sum() <= 0:
        mass = np.ones(len(noisy))
    cumulative = np.cumsum(mass) / mass.sum()
    wanted = np.arange(1, bins) / bins
    places = np.unique(np.searchsorted(cumulative, wanted, side="left"))
    return tuple(float(edges[place]) for place in places if place < len(edges))


def findings(transcript: Transcript) -> dict[str, Found]:
    """What the transcript says about columns that the schema leaves open, by name."""
    found: dict[str, Found] = {}
    for event in transcript.discoveries:
        known = vars(found.get(event.column, Found()))
        if event.kind == "categories":
            known = {**known, "categories": event.categories}
        elif event.kind == "bounds":
            known = {**known, "lower": event.numbers[0], "upper": event.numbers[1]}
        elif event.kind in ("cuts", "tree"):
            known = {**known, "cuts": event.numbers}
        found[event.column] = Found(**known)
    return found


def _histogram(edges: Array, column: Numeric) -> Any:
    """A function that counts cells between edges; the outermost cells are open."""

    def exact(values: Values, weights: Array | None) -> Array:
        there = values.array[~values.missing]
        numbers = to_steps(there, column) if isinstance(column, DateTime) else there.astype(np.float64)
        counted = None if weights is None else weights[~values.missing]
        return tally(np.searchsorted(edges, numbers, side="right"), len(edges) + 1, counted)

    return exact


def _noisy(
    rows: PrivateRows, name: str, exact_of: Any, n_cells: int, rho: float, purpose: str, spending: Spending
) -> tuple[Array, float]:
    variance = gaussian_scale_squared(rho, Sensitivity.of_counts(rows.unit.moves))
    spending.charge(rho=rho, purpose=purpose, mechanism="discrete-gaussian")
    with silence():
        exact = exact_of(rows.column(name), rows.weights)
        noisy: Array = exact + spending.noise.discrete_gaussian(variance, n_cells)
    return noisy, math.sqrt(variance)


def _numbers(
    rows: PrivateRows,
    name: str,
    kind: str,
    numbers: tuple[float, ...],
    noisy: Array,
    sigma: float,
    rho: float,
    purpose: str,
    spending: Spending,
) -> Discovery:
    found = Discovery(
        column=name,
        kind=kind,
        categories=(),
        numbers=numbers,
        counts=noisy,
        sigma=sigma,
        sensitivity=float(rows.unit.moves),
        threshold=0.0,
        rho=rho,
        delta=0.0,
        purpose=purpose,
    )
    spending.transcript.append(found)
    return found
