"""Presence: do all common values occur, and does none occur that was never seen?

A mean over columns forgives a category that is gone: its share is all that is lost. Whoever belongs to it is missing
from every analysis. So what is common in train must occur at all, and categories that train never had are counted.

Decisions
- Common is what at least MIN_EXPECTED people would have in a sample of this size: that none of them turns up by chance
  happens once in 5e8 tables (e^-20).
- Values are categories, the bins of numbers (`binning.py`) and the missing cell.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.intervals import Interval, each_of, largest_of, newcombe, wilson
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.profiles import people_per_code

MIN_EXPECTED = 20


class ColumnPresence(Part):
    """Values of one column; counts only."""

    column: str
    common: int
    """Values that many people of train have."""
    lost: int
    """Of these, the ones that never occur in the synthetic table."""
    invented: float
    """Share of synthetic cells with a category that train does not have."""


class Presence(Detail):
    """By column, those with lost values first."""

    columns: tuple[ColumnPresence, ...]


class LostValues:
    """Number of common values of train, over all columns, that never occur in the synthetic table.

    Formula:
        sum_j #{values v of column j: people of train with v x n_S / n_T >= 20, v not in S}.
    Units:
        A count of values. Every synthetic row is searched, so its interval is a point.
    Cost:
        One pass over the cells: 0.1 s at 20,000 rows x 15 columns.
    Source:
        Category coverage as in SDMetrics, restricted to what a sample of this size must hold.
    """

    name = "lost-values"
    family = Family.FIDELITY
    question = "Do all common values of the real table occur?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "count"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Look for every common value.

        Privacy:
            Leaves counts and names of columns, no value.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        found = {name: _lost(comparison, name, comparison.synthetic) for name in comparison.columns}
        total = sum(lost for _, lost in found.values())
        parts = [
            ColumnPresence(
                column=name,
                common=common,
                lost=lost,
                invented=round(_invented(comparison, name, comparison.synthetic), 4),
            )
            for name, (common, lost) in found.items()
        ]
        gone = [part.column for part in parts if part.lost]
        whole = answer(
            self,
            value=float(total),
            interval=Interval(low=total, high=total, level=level),
            n=comparison.synthetic.n_rows,
            reference=float(sum(_lost(comparison, name, comparison.holdout)[1] for name in comparison.columns)),
            baseline=float(
                sum(_lost(comparison, name, comparison.compared("independent"))[1] for name in comparison.columns)
            ),
            notes=(f"Columns that lost one: {', '.join(gone[:5])}.",) if gone else (),
        )
        return Findings([whole], Presence(columns=tuple(sorted(parts, key=lambda part: -part.lost))))


class InventedCategories:
    """Largest share of synthetic cells with a category that train does not have, over columns.

    Formula:
        max_j P(S_j not in categories of T_j); judged: beyond the same of H.
    Units:
        A share of cells, 0 to 1.
    Cost:
        One pass over the cells: below 0.1 s at 20,000 rows x 15 columns.
    Source:
        Category adherence as in SDMetrics, held against real rows.
    """

    name = "invented-categories"
    family = Family.FIDELITY
    question = "Does any column hold categories that the real one does not have?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count cells with categories that train does not have.

        Privacy:
            Leaves one share per column.
        """
        names = [name for name in comparison.columns if comparison.scales[name].discrete]
        if not names:
            return Findings([unmeasured(self, "The table has no columns of categories.")])
        each = each_of(level, len(names))
        n, m = comparison.synthetic.n_rows, comparison.holdout.n_rows
        own, real = (
            {name: _invented(comparison, name, rows) for name in names}
            for rows in (comparison.synthetic, comparison.holdout)
        )
        worst = max(names, key=lambda name: own[name] - real[name])
        intervals = [newcombe(round(own[name] * n), n, round(real[name] * m), m, level=each) for name in names]
        whole = answer(
            self,
            value=own[worst],
            interval=wilson(round(own[worst] * n), n, level=level),
            n=min(n, m),
            reference=real[worst],
            baseline=max(_invented(comparison, name, comparison.compared("independent")) for name in names),
            judged=Judged(
                what="excess over the holdout",
                value=own[worst] - real[worst],
                interval=largest_of(intervals, level=level),
            ),
            notes=(f"The column that invents most: {worst}.",) if own[worst] > 0 else (),
        )
        return Findings([whole])


def _lost(comparison: Comparison, name: str, other: Rows) -> tuple[int, int]:
    """Common values of a column, and those that another table lacks."""
    scale, bins = comparison.scales[name], comparison.bins[name]

    def states(rows: Rows) -> Array:
        cells = rows.columns[name]
        if scale.discrete:
            return np.where(np.isnan(cells), 0, cells + 1).astype(np.int64)
        return bins.code(cells)

    n_states = len(scale.labels) + 1 if scale.discrete else bins.n_bins
    people = people_per_code(states(comparison.train), comparison.train_people, n_states)
    common = people * other.n_rows / comparison.train.n_rows >= MIN_EXPECTED
    absent = np.bincount(states(other), minlength=n_states) == 0
    return int(common.sum()), int((common & absent).sum())


def _invented(comparison: Comparison, name: str, rows: Rows) -> float:
    """Share of cells with a category that train does not have."""
    if not comparison.scales[name].discrete:
        return 0.0
    train, cells = comparison.train.columns[name], rows.columns[name]
    known = np.unique(train[~np.isnan(train)])
    return float((~np.isin(cells, known) & ~np.isnan(cells)).mean())
