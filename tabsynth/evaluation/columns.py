"""Fidelity of single columns: is each distribution the one that train had?"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Result, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import Interval, around, each_of, largest_of, newcombe, size_of, wilson
from tabsynth.evaluation.profiles import Profile, profile
from tabsynth.evaluation.similarity import (
    Similarity,
    discrete_similarity,
    mean_similarity,
    ordered_similarity,
    share_of_ceiling,
)


class ColumnProfiles(Detail):
    """What the charts of single columns show; no value, extreme or category that fewer than k people share."""

    k: int
    profiles: tuple[Profile, ...]


class ColumnSimilarity:
    """Similarity of each column, and their mean.

    Formula:
        Categories: 1 - sum_k |p_k - q_k| / 2, lost and invented ones included. Numbers and datetimes:
        1 - max_x |F(x) - G(x)|. A missing cell is a value of its own. Judged: the mean as a share of the holdout's.
    Units:
        A share: 0 (nothing in common) to 1 (the same distribution).
    Cost:
        A sort of every column of every table: 0.1 s at 20,000 rows x 15 columns.
    Source:
        Total variation distance and Kolmogorov-Smirnov statistic, as in many tools; the holdout as ceiling, Platzer &
        Reutterer 2021, doi:10.3389/fdata.2021.679939.
    """

    name = "column-similarity"
    family = Family.FIDELITY
    question = "Does each column, taken alone, have the distribution of the real one?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare every modelled column.

        Privacy:
            Leaves similarities, and histograms whose cells hold at least k people (`profiles.py`).
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        found: dict[Which, list[Similarity]] = {
            which: [column_similarity(comparison, name, which) for name in comparison.columns]
            for which in ("synthetic", "holdout", "uniform")
        }
        clusters, holdout_clusters = comparison.clusters("synthetic"), comparison.clusters("holdout")
        mean, ceiling = mean_similarity(found["synthetic"]), mean_similarity(found["holdout"])
        ratio, ratio_interval = share_of_ceiling(
            mean, ceiling, level=level, clusters=clusters, holdout_clusters=holdout_clusters
        )
        whole = answer(
            self,
            value=mean.value,
            interval=mean.interval(level=level, clusters=clusters),
            n=comparison.n_compared,
            reference=ceiling.value,
            baseline=mean_similarity(found["uniform"]).value,
            judged=Judged(what="share of the ceiling", value=ratio, interval=ratio_interval),
            notes=_notes(comparison),
        )
        singles = [
            answer(
                self,
                subject=(name,),
                question=f"Does {name} have the distribution of the real column?",
                value=own.value,
                interval=own.interval(level=level, clusters=clusters),
                n=comparison.n_compared,
                reference=real.value,
                baseline=naive.value,
                notes=_column_notes(comparison, name),
            )
            for name, own, real, naive in zip(
                comparison.columns, found["synthetic"], found["holdout"], found["uniform"], strict=True
            )
        ]
        profiles = tuple(profile(comparison, name) for name in comparison.columns)
        return Findings([whole, *singles], ColumnProfiles(k=profiles[0].k, profiles=profiles))


class WorstColumn:
    """The column that falls furthest below what holdout rows reach.

    Formula:
        Judged: max over columns j of s_j(holdout) - s_j(synthetic), s_j the similarity of `column-similarity`.
    Units:
        A share, 0 to 1; judged, a difference of shares.
    Cost:
        As `column-similarity`: below 0.1 s at 20,000 rows x 15 columns.
    Source:
        This project: one ruined column in twenty moves a mean by a twentieth. Bonferroni over columns.
    """

    name = "worst-column"
    family = Family.FIDELITY
    question = "Is any single column far from the real one?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare every modelled column, and keep the one that falls furthest short.

        Privacy:
            Leaves similarities and the name of a column.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        clusters, holdout_clusters = comparison.clusters("synthetic"), comparison.clusters("holdout")
        each = each_of(level, len(comparison.columns))
        shortfalls: dict[str, tuple[float, Interval]] = {}
        for name in comparison.columns:
            own, real = (column_similarity(comparison, name, which) for which in ("synthetic", "holdout"))
            error = np.hypot(own.standard_error(clusters), real.standard_error(holdout_clusters))
            shortfall = real.value - own.value
            interval = around(shortfall, float(error), n=comparison.n_compared, level=each, lower=-1.0)
            shortfalls[name] = (shortfall, interval)
        worst = max(shortfalls, key=lambda name: shortfalls[name][0])
        own, real, naive = (
            column_similarity(comparison, worst, which) for which in ("synthetic", "holdout", "uniform")
        )
        whole = answer(
            self,
            value=own.value,
            interval=own.interval(level=level, clusters=clusters),
            n=comparison.n_compared,
            reference=real.value,
            baseline=naive.value,
            judged=Judged(
                what="shortfall below the holdout",
                value=shortfalls[worst][0],
                interval=largest_of((interval for _, interval in shortfalls.values()), level=level),
            ),
            notes=(f"The column that falls furthest short: {worst}. The interval holds for all columns together.",),
        )
        return Findings([whole])


def column_similarity(comparison: Comparison, name: str, which: Which) -> Similarity:
    """Similarity of one column of a table to train's."""
    train, other = comparison.train.columns[name], comparison.compared(which).columns[name]
    scale = comparison.scales[name]
    if scale.discrete:
        n_codes = len(scale.labels) + 1
        return discrete_similarity(_state(train), _state(other), n_codes)
    return ordered_similarity(train, other)


class Tails:
    """Share of synthetic numbers outside of the range that holds the middle 98 % of train.

    Formula:
        P(x < q_0.01 or x > q_0.99), quantiles of train; judged: how far that is from the same for holdout, above or
        below. About the whole table: the column that differs most.
    Units:
        A share of present cells, 0 to 1; 0.02 is what train itself has.
    Cost:
        A sort of every number column: below 0.1 s at 20,000 rows x 15 columns.
    Source:
        Newcombe 1998, method 10, for the difference; tails because the Kolmogorov-Smirnov distance is blind to them.
    """

    name = "tails"
    family = Family.FIDELITY
    question = "Do the synthetic numbers reach as far as the real ones, and no further?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count cells outside of train's 1 % and 99 % quantiles.

        Privacy:
            Leaves shares; the quantiles themselves stay inside.
        """
        results: list[Result] = []
        sure: list[Interval] = []
        numbers = sum(not scale.discrete for scale in comparison.scales.values())
        for name, scale in comparison.scales.items():
            train = comparison.train.columns[name]
            present = train[~np.isnan(train)]
            if scale.discrete or len(present) < 2:
                continue
            lower, upper = np.quantile(present, [0.01, 0.99])
            inside_train = _outside(present, lower, upper)
            parts = {
                which: _outside_of(comparison, which, name, lower, upper)
                for which in ("synthetic", "holdout", "uniform")
            }
            events, n = parts["synthetic"]
            holdout_events, holdout_n = parts["holdout"]
            counts = events, n, holdout_events, holdout_n
            sure.append(size_of(newcombe(*counts, level=each_of(level, numbers))))
            results.append(
                answer(
                    self,
                    subject=(name,),
                    question=f"Does {name} reach as far as the real column, and no further?",
                    value=_share(events, n),
                    interval=wilson(events, n, level=level),
                    n=n,
                    reference=_share(holdout_events, holdout_n),
                    baseline=_share(*parts["uniform"]),
                    judged=Judged(
                        what="difference from the holdout",
                        value=abs(_share(events, n) - _share(holdout_events, holdout_n)),
                        interval=size_of(newcombe(*counts, level=level)),
                    ),
                    notes=(f"{_share(*inside_train):.1%} of the training values lie there.",),
                )
            )
        if not results:
            return Findings([unmeasured(self, "The table has no columns of numbers or datetimes with enough values.")])
        worst = max(results, key=lambda result: result.judged.value if result.judged else 0.0)
        differs = worst.judged.value if worst.judged else 0.0
        whole = worst.model_copy(
            update={
                "subject": (),
                "question": self.question,
                "judged": Judged(
                    what="difference from the holdout", value=differs, interval=largest_of(sure, level=level)
                ),
                "notes": (
                    f"The column that differs most from the holdout: {worst.subject[0]}. The interval holds for all "
                    "columns together.",
                ),
            }
        )
        return Findings([whole, *results])


def _state(codes: Array) -> Array:
    """Codes with missing cells as code 0."""
    return np.where(np.isnan(codes), 0, codes + 1).astype(np.int64)


def _outside(values: Array, lower: float, upper: float) -> tuple[int, int]:
    return int(((values < lower) | (values > upper)).sum()), len(values)


def _outside_of(comparison: Comparison, which: Which, name: str, lower: float, upper: float) -> tuple[int, int]:
    whole = {"synthetic": comparison.synthetic, "holdout": comparison.holdout}
    values = whole.get(which, comparison.compared(which)).columns[name]
    return _outside(values[~np.isnan(values)], lower, upper)


def _share(events: int, n: int) -> float:
    return events / n if n else 0.0


def _notes(comparison: Comparison) -> tuple[str, ...]:
    left_out = len(comparison.table.columns) - len(comparison.columns)
    notes = [f"Holdout and synthetic are compared with train in {comparison.n_compared:,} rows each."]
    if left_out:
        notes.append(f"Identifier and text columns ({left_out}) are invented, not learned, and are left out here.")
    return tuple(notes)


def _column_notes(comparison: Comparison, name: str) -> tuple[str, ...]:
    notes = []
    if name in comparison.finer:
        share = comparison.finer[name]
        notes.append(
            f"{share:.0%} of the synthetic values have more decimals than any real one; they were rounded first."
        )
    if bool(np.isnan(comparison.train.columns[name]).all()):
        notes.append("All cells of this column are missing in train.")
    return tuple(notes)
