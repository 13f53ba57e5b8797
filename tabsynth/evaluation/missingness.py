"""Fidelity of gaps: are as many cells missing as in train? For whom: `missing_groups.py`.

Decisions
- Gaps get a metric of their own, besides being a value in every other one: 60 % nulls in one of twenty columns would
  hardly move a mean.
- All rows count here, not equally many: rates of larger tables are surer, but not nearer.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Result, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.intervals import Interval, each_of, largest_of, newcombe, size_of
from tabsynth.evaluation.part import Part


class MissingRate(Part):
    """Share of missing cells of one column."""

    column: str
    train: float
    synthetic: float
    holdout: float
    interval: Interval
    """Of synthetic minus train; holds for all columns together."""


class MissingRates(Detail):
    """Share of missing cells, by column."""

    columns: tuple[MissingRate, ...]


class Missingness:
    """Largest difference of the share of missing cells between synthetic and train, over all columns.

    Formula:
        max over columns of |m(synthetic) - m(train)|, m the share of missing cells.
    Units:
        A share of cells, 0 to 1.
    Cost:
        One pass over all cells: below 0.1 s at 20,000 rows x 15 columns.
    Source:
        Newcombe 1998, method 10, for each difference; Bonferroni over columns.
    """

    name = "missingness"
    family = Family.FIDELITY
    question = "Are as many cells missing as in the real table, in every column?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the share of missing cells of every column.

        Privacy:
            Leaves rates.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        each = each_of(level, len(comparison.columns))
        rates = [_rate(comparison, name, each) for name in comparison.columns]
        results = [self._single(comparison, rate) for rate in rates]
        worst = max(results, key=lambda result: result.value or 0.0)
        whole = worst.model_copy(
            update={
                "subject": (),
                "question": self.question,
                "interval": largest_of((size_of(rate.interval) for rate in rates), level=level),
                "reference": max(result.reference or 0.0 for result in results),
                "baseline": max(result.baseline or 0.0 for result in results),
                "notes": (f"Column that differs most: {worst.subject[0]}.",) if worst.value else (),
            }
        )
        return Findings([whole, *results], MissingRates(columns=tuple(rates)))

    def _single(self, comparison: Comparison, rate: MissingRate) -> Result:
        uniform = float(np.isnan(comparison.compared("uniform").columns[rate.column]).mean())
        return answer(
            self,
            subject=(rate.column,),
            question=f"Are as many cells of {rate.column} missing as in the real table?",
            value=abs(rate.synthetic - rate.train),
            interval=size_of(rate.interval),
            n=min(comparison.synthetic.n_rows, comparison.train.n_rows),
            reference=abs(rate.holdout - rate.train),
            baseline=abs(uniform - rate.train),
        )


def _rate(comparison: Comparison, name: str, level: float) -> MissingRate:
    train, synthetic, holdout = (
        np.isnan(rows.columns[name]) for rows in (comparison.train, comparison.synthetic, comparison.holdout)
    )
    return MissingRate(
        column=name,
        train=float(train.mean()),
        synthetic=float(synthetic.mean()),
        holdout=float(holdout.mean()),
        interval=newcombe(int(synthetic.sum()), len(synthetic), int(train.sum()), len(train), level=level),
    )
