"""Rows that satisfy conditions, from a model that cannot draw inside them: proposals are kept where they hold.

The number of proposals is bounded. A condition that asks for less than `NARROW` of a numeric column keeps rows near
it, and moves their value into it: with an equality on a number no draw would ever hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tabsynth.encoding.given import EncodedGiven, GivenColumn
from tabsynth.encoding.marginal import Marginal
from tabsynth.encoding.table import Continuous, Domain
from tabsynth.errors import ConstraintError
from tabsynth.generators.independent import is_missing

Array = np.ndarray[Any, Any]

MAX_DRAWS_PER_ROW = 500
"""Rows drawn for one row that satisfies the conditions, at most, on average."""
SPARE_DRAWS = 50_000
NARROW = 0.02
"""Least share of a numeric column that rows are kept from."""


def redraw(
    propose: Callable[[int], dict[str, Array]],
    n_rows: int,
    domains: Mapping[str, Domain],
    *,
    given: EncodedGiven,
    chunk: int,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Encoded rows that all satisfy `given`.

    Args:
        propose: Makes the number of encoded rows that it is told, or fewer, which may or may not satisfy `given`.
        n_rows: Rows to draw, >= 1.
        domains: Domains of the columns.
        given: What some columns may be.
        chunk: Rows to propose at once, at most.
        rng: Source of the values that are moved into narrow conditions.

    Raises:
        ConstraintError: Too few of the proposed rows satisfy the conditions.
    """
    pieces: list[dict[str, Array]] = []
    rejected = dict.fromkeys(given, 0)
    kept = tried = 0
    while kept < n_rows:
        rate = max(kept / tried, 0.002) if tried else 1.0
        ask = min(chunk, int(np.ceil((n_rows - kept) / rate)) + (64 if given else 0))
        arrays = propose(ask)
        good = np.ones(len(next(iter(arrays.values()))), bool)
        for name, asked in given.items():
            arrays[name], inside = restrict(arrays[name], asked, domains[name], rng=rng)
            rejected[name] += int((~inside).sum())
            good &= inside
        pieces.append({name: array[good] for name, array in arrays.items()} if given else arrays)
        kept, tried = kept + int(good.sum()), tried + ask
        if kept < n_rows and tried >= MAX_DRAWS_PER_ROW * n_rows + SPARE_DRAWS:
            worst = max(rejected, key=lambda name: rejected[name])
            raise ConstraintError(
                f"given: only {kept} of {n_rows} rows were found in {tried} draws "
                f"({kept / tried:.3%} accepted); {worst} rejects {rejected[worst] / tried:.1%} of them. Ask for "
                "fewer rows, loosen the condition, or use the generator copula, which draws inside conditions"
            )
    return {name: np.concatenate([piece[name] for piece in pieces])[:n_rows] for name in domains}


def restrict(array: Array, asked: GivenColumn, domain: Domain, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """An encoded column with near values moved into a narrow condition, and which rows then satisfy it."""
    missing = is_missing(array)
    if asked.missing:
        return array, missing
    if asked.codes is not None:
        return array, ~missing & asked.codes[np.maximum(array, 0)]
    assert asked.stretches is not None and isinstance(domain, Continuous)
    return _inside_stretches(array, missing, asked.stretches, domain.marginal, rng)


def _inside_stretches(
    array: Array, missing: Array, stretches: Array, marginal: Marginal, rng: np.random.Generator
) -> tuple[Array, Array]:
    values = np.where(missing, 0.0, array)
    pad = max(0.0, NARROW - float((stretches[:, 1] - stretches[:, 0]).sum())) / (2 * len(stretches))
    inside, near = np.zeros(len(array), bool), np.full(len(array), -1)
    for number, (start, end) in enumerate(stretches):
        inside |= _between(values, start, end, marginal)
        if pad:
            close = _between(values, max(0.0, start - pad), min(1.0, end + pad), marginal)
            near[close & (near < 0)] = number
    inside &= ~missing
    moved = ~inside & ~missing & (near >= 0)
    if moved.any():
        start, end = stretches[near[moved]].T
        u = start + rng.random(int(moved.sum())) * (end - start) * (1 - 1e-12)
        array = array.copy()
        array[moved] = marginal.quantile(u)
    return array, inside | moved


def _between(values: Array, start: float, end: float, marginal: Marginal) -> Array:
    low, high = marginal.quantile(np.array([start, start + (end - start) * (1 - 1e-12)]))
    return (values >= low) & (values <= high)
