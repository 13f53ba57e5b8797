"""Histograms of train and synthetic that may be printed: shared bins, round edges, no cell of fewer than k people.

Decisions
- Edges are round numbers (or calendar steps) between the 1 % and 99 % quantile, with an open bin at either end.
  Nobody's value, and no extreme, is an edge.
- A bin that fewer than k people share is merged with its neighbour, zeros included: what is pooled cannot be told
  apart.
- Categories are named when k people of train share them; the others are pooled and counted. So is what only the
  synthetic table holds: its names could be those of rare real ones.
- Eleven people, because the smallest cell that is usually published is 11.
- Shares of present cells. The share of missing cells is given beside, however small: a gap is nobody's value.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tabsynth.evaluation.calendar import calendar_edges, calendar_label, calendar_text
from tabsynth.evaluation.comparison import Array, Comparison, Scale
from tabsynth.evaluation.part import Part
from tabsynth.schema.columns import DateTime, Integer, Ordinal

K = 11
MAX_CATEGORIES = 12
_GOAL = 18


class Cell(Part):
    """One bar: a category, or a range of numbers or dates."""

    label: str
    train: float
    """Share of the present cells."""
    synthetic: float
    width: int = 1
    """How many steps of the axis the range spans."""
    edge: str | None = None
    """Where the range begins; None for categories and for the open lower end."""


class Profile(Part):
    """Distribution of one column in train and in synthetic."""

    column: str
    kind: Literal["numbers", "dates", "categories"]
    cells: tuple[Cell, ...]
    missing_train: float
    missing_synthetic: float
    note: str | None = None
    k: int = K


def profile(comparison: Comparison, name: str, *, k: int = K) -> Profile:
    """Histogram of one column of the whole training and the whole synthetic table.

    Privacy:
        Leaves shares of cells that at least k people share, round edges, and names of categories that k people share.
    """
    train, synthetic = comparison.train.columns[name], comparison.synthetic.columns[name]
    people = comparison.train_people
    column, scale = comparison.table.columns[name], comparison.scales[name]
    gap = np.isnan(train)
    own, other = train[~gap], synthetic[~np.isnan(synthetic)]
    present_people = None if people is None else people[~gap]
    kind: Literal["numbers", "dates", "categories"] = "categories"
    note = None
    if scale.discrete:
        cells = _categories(own, other, present_people, scale, ordered=isinstance(column, Ordinal), k=k)
    else:
        kind = "dates" if isinstance(column, DateTime) else "numbers"
        whole = isinstance(column, Integer) or scale.decimals == 0
        cells = _ranges(own, other, present_people, dates=kind == "dates", whole=whole, k=k)
    if len(cells) <= 1:
        note = f"Not shown in detail: too few people (below {k}) in every finer cell, or a single value."
    return Profile(
        column=name,
        kind=kind,
        cells=cells,
        missing_train=round(float(gap.mean()), 4) if len(gap) else 0.0,
        missing_synthetic=round(float(np.isnan(synthetic).mean()), 4),
        note=note,
        k=k,
    )


def people_per_code(codes: Array, people: Array | None, n_codes: int) -> Array:
    """Number of people (or rows, without people) behind each code, shape (n_codes,)."""
    if people is None or not len(codes):
        return np.bincount(codes, minlength=n_codes)
    pairs = np.unique(codes.astype(np.int64) * (int(people.max()) + 1) + people)
    return np.bincount(pairs // (int(people.max()) + 1), minlength=n_codes)


def _categories(
    own: Array, other: Array, people: Array | None, scale: Scale, *, ordered: bool, k: int
) -> tuple[Cell, ...]:
    n_codes = len(scale.labels)
    counts = np.bincount(own.astype(np.int64), minlength=n_codes)
    per_code = people_per_code(own.astype(np.int64), people, n_codes)
    theirs = np.bincount(other.astype(np.int64), minlength=n_codes)
    common = [int(code) for code in np.argsort(-counts, kind="stable") if per_code[code] >= k]
    shown = common[:MAX_CATEGORIES]
    in_train = counts > 0
    pooled = [int(code) for code in np.flatnonzero(in_train) if code not in set(shown)]
    while pooled and shown and per_code[pooled].sum() < k:
        pooled.append(shown.pop())
    if ordered:
        shown.sort()
    cells = [
        Cell(
            label=scale.labels[code],
            train=_rounded(counts[code], len(own)),
            synthetic=_rounded(theirs[code], len(other)),
        )
        for code in shown
    ]
    if pooled:
        kind = "rare" if len(common) <= MAX_CATEGORIES else "other"
        cells.append(
            Cell(
                label=f"{kind} ({len(pooled)} pooled)",
                train=_rounded(counts[pooled].sum(), len(own)),
                synthetic=_rounded(theirs[pooled].sum(), len(other)),
            )
        )
    if invented := int(((theirs > 0) & ~in_train).sum()):
        cells.append(
            Cell(
                label=f"not in train ({invented} pooled)",
                train=0.0,
                synthetic=_rounded(theirs[~in_train].sum(), len(other)),
            )
        )
    return tuple(cells)


def _ranges(own: Array, other: Array, people: Array | None, *, dates: bool, whole: bool, k: int) -> tuple[Cell, ...]:
    if not len(own):
        return ()
    lower, upper = np.quantile(own, [0.01, 0.99])
    edges = calendar_edges(lower, upper, _GOAL) if dates else round_edges(lower, upper, _GOAL, whole=whole)
    codes = np.searchsorted(edges, own, side="right")
    n_codes = len(edges) + 1
    counts = np.bincount(codes, minlength=n_codes)
    per_code = people_per_code(codes, people, n_codes)
    theirs = np.bincount(np.searchsorted(edges, other, side="right"), minlength=n_codes)
    cells = []
    for first, last in _merge(per_code, k):
        span = slice(first, last + 1)
        ends = (None if first == 0 else edges[first - 1], None if last == len(edges) else edges[last])
        cells.append(
            Cell(
                label=_label(*ends, dates=dates, whole=whole),
                train=_rounded(counts[span].sum(), len(own)),
                synthetic=_rounded(theirs[span].sum(), len(other)),
                width=last - first + 1,
                edge=None if ends[0] is None else calendar_text(ends[0]) if dates else _number(ends[0]),
            )
        )
    return tuple(cells)


def _merge(counts: Array, k: int) -> list[tuple[int, int]]:
    """Neighbouring bins joined until each holds at least k: (first, last) bin of every group."""
    groups: list[tuple[int, int]] = []
    first, held = 0, 0
    for last, count in enumerate(counts):
        held += int(count)
        if held >= k:
            groups.append((first, last))
            first, held = last + 1, 0
    if first < len(counts):
        start = groups.pop()[0] if groups else 0
        groups.append((start, len(counts) - 1))
    return groups


def round_edges(lower: float, upper: float, goal: int, *, whole: bool) -> Array:
    """Multiples of 1, 2 or 5 times a power of ten between `lower` and `upper`, at most about `goal` of them.

    Example:
        >>> round_edges(17.3, 63.9, 6, whole=False).tolist()
        [20.0, 30.0, 40.0, 50.0, 60.0]
    """
    if not upper > lower:
        return np.empty(0)
    raw = (upper - lower) / goal
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, step)
    first, last = np.floor(lower / step) + 1, np.floor(upper / step)
    edges = np.arange(first, last + 1) * step
    # Where the range is at the end of what floats tell apart, neighbours round to one number.
    return np.unique(np.round(edges, max(0, -int(np.floor(np.log10(step))) + 1)))


def _label(start: Any, end: Any, *, dates: bool, whole: bool) -> str:
    if dates:
        return calendar_label(start, end)
    if start is None and end is None:
        return "all values"
    if start is None:
        return f"below {_number(end)}"
    if end is None:
        return f"{_number(start)} and above"
    if whole:
        return _number(start) if end - start == 1 else f"{_number(start)} to {_number(end - 1)}"
    return f"{_number(start)} to {_number(end)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}"


def _rounded(count: Any, total: int) -> float:
    return round(float(count) / total, 4) if total else 0.0
