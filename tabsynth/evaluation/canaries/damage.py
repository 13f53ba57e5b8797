"""Releases that tell something wrong: columns, dependences, groups, gaps and digits that real rows do not have."""

from __future__ import annotations

import numpy as np

from tabsynth.evaluation.canaries.parts import Parts, graft, heaped, with_column
from tabsynth.evaluation.comparison import Array
from tabsynth.schema.columns import Integer, Number
from tabsynth.schema.values import TypedTable, Values

NULLS = 0.6
STRONG = 0.15
"""Share of rows by which a pair must depend on each other so that losing it is a damage."""
SPREAD = 0.5
"""Largest share of one value in a column that is given an invented dependence."""
GROUP = (0.03, 0.4)
"""Size of a group whose loss is tried."""
MIN_GAPS = 0.04
MIN_MISPLACED = 0.08


def fresh(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Real rows of strangers: nothing is wrong."""
    return parts.fresh


def half(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Half as many real rows of strangers."""
    return parts.fresh.take(np.sort(rng.permutation(parts.n_rows)[: parts.n_rows // 2]))


def drawn_again(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Real rows of strangers, drawn with replacement: they repeat each other, not train."""
    return parts.fresh.take(rng.integers(0, parts.n_rows, parts.n_rows))


def sorted_rows(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Real rows of strangers, sorted by a column by which train is not."""
    names = (*parts.numbers, *parts.categories)
    if not names:
        return None
    theirs = parts.comparison.train.columns[names[0]]
    steps = np.diff(theirs[~np.isnan(theirs)])
    if len(steps) == 0 or (steps >= 0).mean() > 0.9 or (steps <= 0).mean() > 0.9:
        return None
    return parts.fresh.take(np.argsort(parts.comparison.synthetic.columns[names[0]], kind="stable"))


def scaled(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """A column of numbers is three times as large, and shifted."""
    if not parts.numbers:
        return None
    name = parts.numbers[0]
    own = parts.fresh.columns[name]
    spread = float(parts.present(parts.train, name).astype(float).std())
    return with_column(parts.fresh, name, 3 * own.array.astype(float) + spread, own.missing)


def invented(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Of two numbers that have least to do with each other, one is put in the order of the other."""
    names = {name for name in parts.numbers if _largest_share(parts, name) <= SPREAD}
    pairs = [pair for pair in parts.strengths if set(pair) <= names]
    if not pairs:
        return None
    first, second = min(pairs, key=lambda pair: parts.strengths[pair])
    own = parts.comparison.synthetic.columns
    rows = np.empty(parts.n_rows, dtype=np.int64)
    # Ties and missing cells in an order of their own, so that nothing else is invented.
    noise = rng.random(parts.n_rows)
    rows[np.lexsort((noise, own[first]))] = np.lexsort((rng.random(parts.n_rows), own[second]))
    cells = parts.fresh.columns[second]
    return with_column(parts.fresh, second, cells.array[rows], cells.missing[rows])


def destroyed(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The strongest dependence between two columns is gone: one is drawn without a look at the other."""
    pair = max(parts.strengths, key=lambda pair: parts.strengths[pair], default=None)
    if pair is None or parts.strengths[pair] < STRONG:
        return None
    cells = parts.train.columns[pair[1]].take(rng.integers(0, parts.n_rows, parts.n_rows))
    return with_column(parts.fresh, pair[1], cells.array, cells.missing)


def permuted(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The column that has most to do with the others no longer belongs to its rows."""
    totals = {name: sum(s for pair, s in parts.strengths.items() if name in pair) for name in parts.columns}
    name = max(totals, key=lambda column: totals[column])
    if max((s for pair, s in parts.strengths.items() if name in pair), default=0.0) < STRONG:
        return None
    cells = parts.fresh.columns[name].take(rng.permutation(parts.n_rows))
    return with_column(parts.fresh, name, cells.array, cells.missing)


def independent(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Every column is drawn from train by itself."""
    if max(parts.strengths.values(), default=0.0) < STRONG:
        return None
    made = parts.fresh
    for name in parts.columns:
        cells = parts.train.columns[name].take(rng.integers(0, parts.n_rows, parts.n_rows))
        made = with_column(made, name, cells.array, cells.missing)
    return made


def no_mode(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The most frequent category of a column never occurs; those who had it have another."""
    for name in parts.categories:
        states, share = _shares(parts, name)
        if 0.2 <= share.max() <= 0.9:
            own = parts.fresh.columns[name]
            gone = (own.array == states[int(np.argmax(share))]) & ~own.missing
            others = np.flatnonzero(~gone & ~own.missing)
            if len(others):
                return graft(
                    parts.fresh, np.flatnonzero(gone), parts.fresh, rng.choice(others, int(gone.sum())), (name,)
                )
    return None


def no_group(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """The people of one group are left out; others stand in their place."""
    for name in parts.categories:
        states, share = _shares(parts, name)
        fitting = np.flatnonzero((share >= GROUP[0]) & (share <= GROUP[1]))
        if len(fitting):
            group = states[fitting[np.argmin(np.abs(share[fitting] - 0.1))]]
            own = parts.fresh.columns[name]
            gone = (own.array == group) & ~own.missing
            if gone.sum() * 1.0 < GROUP[0] / 2 * parts.n_rows:
                continue
            others = np.flatnonzero(~gone)
            return graft(
                parts.fresh, np.flatnonzero(gone), parts.fresh, rng.choice(others, int(gone.sum())), parts.columns
            )
    return None


def wrong_digits(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Numbers have two decimals too many; where all are whole, they are rounded to tens."""
    for name in parts.numbers:
        own, cells = parts.fresh.columns[name], parts.present(parts.train, name).astype(float)
        decimals = parts.comparison.scales[name].decimals
        if isinstance(parts.table.columns[name], Number) and decimals is not None and decimals < 5:
            finer = own.array.astype(float) + rng.integers(1, 100, parts.n_rows) * 10.0 ** -(decimals + 2)
            return with_column(parts.fresh, name, finer, own.missing)
        if isinstance(parts.table.columns[name], Integer) and heaped(cells) < 0.5 and cells.std() > 10:
            return with_column(parts.fresh, name, np.round(own.array.astype(float), -1), own.missing)
    return None


def nulls(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """Three cells in five of a column are missing."""
    name = min(parts.columns, key=lambda column: float(parts.fresh.columns[column].missing.mean()))
    own = parts.fresh.columns[name]
    if own.missing.mean() > 0.3:
        return None
    gone = own.missing | (rng.random(parts.n_rows) < NULLS)
    return TypedTable({**parts.fresh.columns, name: Values(own.array, gone)}, parts.n_rows)


def scattered_gaps(parts: Parts, rng: np.random.Generator) -> TypedTable | None:
    """As many cells of a column are missing as before, but for anybody."""
    own = parts.comparison.train.columns
    gaps = {name: np.isnan(own[name]) for name in parts.columns}
    gapped = [name for name, gone in gaps.items() if MIN_GAPS <= gone.mean() <= 1 - MIN_GAPS]
    misplaced = {name: _misplaced(parts, gaps, name) for name in gapped}
    name = max(misplaced, key=lambda column: misplaced[column], default=None)
    if name is None or misplaced[name] < MIN_MISPLACED:
        return None
    cells = parts.fresh.columns[name]
    gone = rng.permutation(cells.missing)
    known = np.flatnonzero(~cells.missing)
    filled = graft(
        parts.fresh, np.flatnonzero(cells.missing), parts.fresh, rng.choice(known, int(cells.missing.sum())), (name,)
    )
    return TypedTable({**filled.columns, name: Values(filled.columns[name].array, gone)}, parts.n_rows)


def _misplaced(parts: Parts, gaps: dict[str, Array], name: str) -> float:
    """Share of rows whose gap would sit in the wrong group if gaps were scattered; the largest over groupings."""
    worst = 0.0
    for other in parts.columns:
        if other == name:
            continue
        groups = gaps[other].astype(np.int64)
        if parts.comparison.scales[other].discrete:
            groups = np.nan_to_num(parts.comparison.train.columns[other], nan=-1.0).astype(np.int64) + 1
        for codes in (groups, gaps[other].astype(np.int64)):
            n = np.bincount(codes)
            rate = np.bincount(codes, weights=gaps[name].astype(float)) / np.maximum(1, n)
            worst = max(worst, float((n * np.abs(rate - gaps[name].mean())).sum() / n.sum()))
    return worst


def _largest_share(parts: Parts, name: str) -> float:
    """Share of the most frequent value: a column that is nearly constant can depend on nothing strongly."""
    return float(_shares(parts, name)[1].max())


def _shares(parts: Parts, name: str) -> tuple[Array, Array]:
    """Values of a column in train, and their shares of all rows."""
    states, counts = np.unique(parts.present(parts.train, name), return_counts=True)
    return states, counts / parts.train.n_rows
