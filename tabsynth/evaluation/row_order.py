"""Order of rows: does row i of the synthetic table resemble row i of train?

A generator that keeps the order of its input, or a table that was sorted the same way, says which row stands for whom,
even where no cell is right. Rows are laid side by side, first by number, then stretched to one length where the tables
differ in size. In a column, the share of rows that fall into the same bin is held against the share that a random order
would give:

    e_j = P(c_j(T_i) = c_j(S_i)) - sum_k P(c_j(T) = k) P(c_j(S) = k)

Decisions
- The column that agrees most counts, not the mean: rows sorted like train agree in the column that was sorted.
- Not measured where the schema states an order (`order_by`): the order is then known anyway.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison, Rows
from tabsynth.evaluation.intervals import Interval, around, each_of, largest_of


class RowOrder:
    """Largest share of rows that agree with the training row of the same place, beyond a random order, over columns.

    Formula:
        max_j e_j, see the head of this module.
    Units:
        A share of rows; 0 is a random order.
    Cost:
        One pass over the cells: 0.1 s at 20,000 rows x 15 columns.
    Source:
        This project.
    """

    name = "row-order"
    family = Family.COPIES
    question = "Do the synthetic rows stand in the order of the real ones?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Lay rows of train and of synthetic side by side.

        Privacy:
            Leaves one share and the name of a column.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        if comparison.table.order_by:
            return Findings([unmeasured(self, "The schema states an order, so the order of rows is no secret.")])
        found = _agreements(comparison, comparison.synthetic)
        each = each_of(level, len(found))
        intervals = [_interval(*part, each) for part in found.values()]
        worst = max(found, key=lambda key: found[key][0])
        high = largest_of(intervals, level=level)
        whole = answer(
            self,
            value=found[worst][0],
            interval=high,
            n=found[worst][2],
            reference=max(part[0] for part in _agreements(comparison, comparison.holdout).values()),
            baseline=max(part[0] for part in _agreements(comparison, comparison.compared("independent")).values()),
            judged=Judged(what="agreement beyond a random order", value=found[worst][0], interval=high),
            notes=(
                f"The column that agrees most: {worst[0]}. The interval holds for all columns together. "
                "Rows in random order keep this limit: shuffle them.",
            ),
        )
        return Findings([whole])


def _agreements(comparison: Comparison, other: Rows) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Agreement beyond chance, its standard error and its rows, by column and way to lay the tables side by side."""
    n_train, n_other = comparison.train.n_rows, other.n_rows
    shorter = min(n_train, n_other)
    ways = {"by number": (np.arange(shorter), np.arange(shorter))}
    if n_train != n_other:
        place = np.arange(shorter)
        ways["stretched"] = (place * n_train // shorter, place * n_other // shorter)
    found = {}
    for name, bins in comparison.bins.items():
        own, made = bins.code(comparison.train.columns[name]), bins.code(other.columns[name])
        for way, (rows, places) in ways.items():
            a, b = own[rows], made[places]
            p, q = (np.bincount(codes, minlength=bins.n_bins) / shorter for codes in (a, b))
            same = (a == b).astype(float) - q[a] - p[b]  # what each place adds, less what its two rows add by chance
            error = float(same.std()) / np.sqrt(shorter)
            found[name, way] = (float((a == b).mean() - p @ q), float(error), shorter)
    return found


def _interval(value: float, error: float, n: int, level: float) -> Interval:
    return around(value, error, n=n, level=level, lower=-1.0)
