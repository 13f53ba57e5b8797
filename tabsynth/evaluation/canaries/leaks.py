"""Releases that give people of train away: copies, near copies, memorised loners, blends of neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tabsynth.evaluation.canaries.parts import Parts, graft, with_column
from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.distances import Encoder, Points, nearest_rows
from tabsynth.schema.columns import DateTime, Integer, Number
from tabsynth.schema.values import TypedTable, Values

Maker = Callable[[Parts, np.random.Generator], TypedTable | None]
RARE_SHARE = 0.03
"""Of the rows of train, those with the rarest categories, which the memoriser of rare categories repeats."""
LONER_SHARE = 0.01
NEIGHBOURS = 5


def same_order(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The training table itself, row by row."""
    return graft(parts.fresh, np.arange(parts.n_rows), parts.train, np.arange(parts.n_rows), parts.columns)


def shuffled(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The training table in another order."""
    return graft(parts.fresh, np.arange(parts.n_rows), parts.train, rng.permutation(parts.n_rows), parts.columns)


def copies(share: float) -> Maker:
    """Some rows are rows of train, the others are strangers."""

    def make(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
        n = round(share * parts.n_rows)
        if n == 0:
            return None
        places, rows = (rng.permutation(parts.n_rows)[:n] for _ in range(2))
        return graft(parts.fresh, places, parts.train, rows, parts.columns)

    return make


def near_copies(share: float, noise: float) -> Maker:
    """Some rows are rows of train with noise on every number, in standard deviations; categories stay."""

    def make(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
        names = parts.of_kind(Integer, Number, DateTime)
        if not names:
            return None
        n = round(share * parts.n_rows)
        places, rows = (rng.permutation(parts.n_rows)[:n] for _ in range(2))
        made = graft(parts.fresh, places, parts.train, rows, parts.columns)
        for name in names:
            spread = float(parts.present(parts.train, name).astype(float).std())
            cells = made.columns[name].array.astype(float)
            cells[places] += noise * spread * rng.normal(size=n)
            made = with_column(made, name, cells, made.columns[name].missing)
        return made

    return make


def loner(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The training row that is farthest from all others stands in one row of a hundred."""
    points = _points(parts)
    nearest = nearest_rows(points, points, 2)
    apart = _distances(points, nearest[:, 1])
    n = max(1, round(LONER_SHARE * parts.n_rows))
    places = rng.permutation(parts.n_rows)[:n]
    return graft(parts.fresh, places, parts.train, np.full(n, int(np.argmax(apart))), parts.columns)


def rare(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The training rows with the rarest categories are repeated."""
    names = [name for name in parts.columns if parts.comparison.scales[name].discrete]
    if not names:
        return None
    total = np.zeros(parts.n_rows)
    for name in names:
        states = np.nan_to_num(parts.comparison.train.columns[name], nan=-1.0).astype(np.int64) + 1
        total -= np.log(np.bincount(states)[states] / parts.n_rows)
    n = round(RARE_SHARE * parts.n_rows)
    rows = np.argsort(-total, kind="stable")[:n]
    return graft(parts.fresh, rng.permutation(parts.n_rows)[:n], parts.train, rows, parts.columns)


def bootstrap(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Rows of train, drawn with replacement."""
    rows = rng.integers(0, parts.n_rows, parts.n_rows)
    return graft(parts.fresh, np.arange(parts.n_rows), parts.train, rows, parts.columns)


def between_neighbours(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """SMOTE: every row lies between a row of train and one of its five neighbours; categories are of either."""
    points = _points(parts)
    neighbours = nearest_rows(points, points, NEIGHBOURS + 1)[:, 1:]
    rows = rng.permutation(parts.n_rows)
    other = neighbours[rows, rng.integers(0, neighbours.shape[1], parts.n_rows)]
    way = rng.random(parts.n_rows)
    made = graft(parts.fresh, np.arange(parts.n_rows), parts.train, rows, parts.columns)
    for name in parts.columns:
        own = parts.train.columns[name]
        if isinstance(parts.table.columns[name], Integer | Number | DateTime):
            there, gone = own.array.astype(float), own.missing[rows]
            step = np.where(own.missing[other], 0.0, way * (there[other] - there[rows]))
            made = with_column(made, name, _snapped(parts, name, there[rows] + step), gone)
        else:
            takes = np.where(way < 0.5, rows, other)
            made = TypedTable({**made.columns, name: Values(own.array[takes], own.missing[takes])}, made.n_rows)
    return made


def neighbour_mean(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Every row is the mean of a row of train and its five neighbours; categories are the most frequent of them."""
    points = _points(parts)
    around = nearest_rows(points, points, NEIGHBOURS + 1)[rng.permutation(parts.n_rows)]
    made = parts.fresh
    for name in parts.columns:
        own = parts.train.columns[name]
        if isinstance(parts.table.columns[name], Integer | Number | DateTime):
            cells = np.where(own.missing, np.nan, own.array.astype(float))[around]
            gone = np.isnan(cells).mean(axis=1) > 0.5
            filled = np.where(np.isnan(cells), 0.0, cells).sum(axis=1) / np.maximum(1, (~np.isnan(cells)).sum(axis=1))
            made = with_column(made, name, _snapped(parts, name, filled), gone)
        else:
            states = np.nan_to_num(parts.comparison.train.columns[name], nan=-1.0)[around]
            votes = (states[:, :, None] == states[:, None, :]).sum(axis=2)
            takes = around[np.arange(len(around)), votes.argmax(axis=1)]
            made = TypedTable({**made.columns, name: Values(own.array[takes], own.missing[takes])}, made.n_rows)
    return made


def kept_identifiers(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Strangers, of whom one in a hundred bears the identifiers of a person of train."""
    names = [name for name in parts.identifiers if name != parts.table.entity_key]
    if not names:
        return None
    places, rows = (rng.permutation(parts.n_rows)[: max(1, parts.n_rows // 100)] for _ in range(2))
    return graft(parts.fresh, places, parts.train, rows, names)


def kept_texts(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Strangers, of whom one in a hundred has the free text of a person of train."""
    if not parts.texts:
        return None
    places, rows = (rng.permutation(parts.n_rows)[: max(1, parts.n_rows // 100)] for _ in range(2))
    return graft(parts.fresh, places, parts.train, rows, parts.texts)


def stale_order(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Strangers, in the order that the training rows have in one column."""
    names = (*parts.numbers, *parts.dates)
    if not names:
        return None
    name = names[0]
    theirs, own = (part.columns[name].array.astype(float) for part in (parts.train, parts.fresh))
    rows = np.empty(parts.n_rows, dtype=np.int64)
    rows[np.argsort(theirs, kind="stable")] = np.argsort(own, kind="stable")
    return parts.fresh.take(rows)


def _points(parts: Parts) -> Points:
    own = parts.comparison
    encoder = Encoder((own.train,), own.scales, own.columns, encodings=("quantile",))
    return encoder.points(own.train)


def _distances(points: Points, other: Array) -> Array:
    """Distance of each row to one other row, shape (n_rows,)."""
    numbers = points.numbers["quantile"]
    return np.asarray(
        np.abs(numbers - numbers[other]).sum(axis=1) + (points.states != points.states[other]).sum(axis=1)
    )


def _snapped(parts: Parts, name: str, cells: Array) -> Array:
    """Numbers at the precision of the column, as a careful generator writes them."""
    decimals = parts.comparison.scales[name].decimals
    return np.round(cells, decimals) if decimals is not None else cells
