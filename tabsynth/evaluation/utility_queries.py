"""Utility for counting: how far off are the answers to random questions, such as "how many women between 40 and 60"?

A query is a condition on two or three columns (single columns have metrics of their own): a range of neighbouring bins,
or one or several categories, gaps included. Its count is asked of train and of the compared rows, as a share. So is the
mean of one number among the rows that meet the condition.

Decisions
- Relative to the share in train, which is held at 1 % from below: an error of one row in a thousand is none.
- Judged by what exceeds the error of equally many real holdout rows: the noise of sampling is nobody's fault.
- Bins are those of the comparison, fitted on train; the ends of ranges leave with nothing.

Source: Aydöre et al. 2021, arXiv:2103.06641, and Du & Li 2024, arXiv:2402.06806, for workloads of random range and
count queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import around, standard_error_of_mean
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child

N_QUERIES = 600
MIN_WIDTH, MAX_WIDTH = 2, 3
FLOOR = 0.01
MIN_MEAN_ROWS = 30
MAX_TRAIN = 50_000


class QueryErrors(Part):
    """Errors of all queries on one table."""

    table: str
    counts: float
    """Mean relative error of counts."""
    counts_worst: float
    """The error that one query in twenty exceeds."""
    means: float | None
    """Mean error of means, in standard deviations of the column in train; None: no number column."""


class QueryScores(Detail):
    """Errors on synthetic, real and naive rows, and by number of columns in the condition."""

    n_queries: int
    tables: tuple[QueryErrors, ...]
    widths: tuple[int, ...]
    synthetic: tuple[float, ...]
    holdout: tuple[float, ...]


@dataclass(frozen=True)
class _Query:
    columns: tuple[str, ...]
    kept: tuple[Array, ...]  # per column: whether each bin meets the condition, (n_bins,) bool
    number: str | None  # column whose mean is asked for


@dataclass(frozen=True)
class _Answers:
    errors: Array  # (n_queries,) relative errors of counts
    influence: Array  # (n_rows,) of their mean
    means: Array  # (n_queries,) NaN where too few rows meet the condition


class QueryError:
    """Mean relative error of counts over random conditions on two or three columns.

    Formula:
        mean over queries q of |p_q(synthetic) - p_q(train)| / max(p_q(train), 0.01), p_q the share of rows that meet q;
        judged: the same minus that of equally many holdout rows.
    Units:
        A share of the true count.
    Cost:
        600 queries x 3 columns x rows x 3 tables: 2 s at 20,000 rows.
    Source:
        See the head of this module.
    """

    name = "query-error"
    family = Family.UTILITY
    question = "Are counts over random conditions as right as with real rows?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Ask all tables the same random queries.

        Privacy:
            Leaves means over all queries; no query and no count of one.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        rng = child(comparison.seed, "evaluation", "queries")
        queries = [_draw(comparison, rng) for _ in range(N_QUERIES)]
        codes = comparison.codes("train")
        if comparison.train.n_rows > MAX_TRAIN:
            rows = np.sort(rng.choice(comparison.train.n_rows, MAX_TRAIN, replace=False))
            codes = {name: part[rows] for name, part in codes.items()}
        else:
            rows = np.arange(comparison.train.n_rows)
        numbers = {name: comparison.train.columns[name][rows] for name in comparison.columns}
        truth = [_ask(query, codes, numbers) for query in queries]
        tables: tuple[Which, ...] = ("synthetic", "holdout", "independent")
        found = {which: _answers(comparison, which, queries, truth) for which in tables}
        own, real, naive = (found[which] for which in tables)
        clusters = (comparison.clusters("synthetic"), comparison.clusters("holdout"))
        n = comparison.n_compared
        value, reference = float(own.errors.mean()), float(real.errors.mean())
        error = standard_error_of_mean(own.influence, clusters[0])
        both = float(np.hypot(error, standard_error_of_mean(real.influence, clusters[1])))
        result = answer(
            self,
            value=value,
            interval=around(value, error, n=n, level=level, upper=1e3),
            n=n,
            reference=reference,
            baseline=float(naive.errors.mean()),
            judged=Judged(
                what="excess over the holdout",
                value=value - reference,
                interval=around(value - reference, both, n=n, level=level, lower=-1e3, upper=1e3),
            ),
            notes=(
                f"{N_QUERIES} random conditions on {MIN_WIDTH} or {MAX_WIDTH} columns; {n:,} rows of each table.",
                "An error of a count relative to the count, which is held at 1 % of the rows from below.",
            ),
        )
        widths = np.array([len(query.columns) for query in queries])
        present = tuple(int(width) for width in np.unique(widths))
        detail = QueryScores(
            n_queries=N_QUERIES,
            tables=tuple(
                _summary(name, found[which])
                for name, which in (("synthetic", tables[0]), ("holdout", tables[1]), ("naive", tables[2]))
            ),
            widths=present,
            synthetic=tuple(round(float(own.errors[widths == width].mean()), 4) for width in present),
            holdout=tuple(round(float(real.errors[widths == width].mean()), 4) for width in present),
        )
        return Findings([result], detail)


def _draw(comparison: Comparison, rng: np.random.Generator) -> _Query:
    """A condition around a random training row, so that it is seldom empty."""
    names = comparison.columns
    width = int(rng.integers(min(MIN_WIDTH, len(names)), min(MAX_WIDTH, len(names)) + 1))
    chosen = tuple(names[place] for place in np.sort(rng.choice(len(names), width, replace=False)))
    row = int(rng.integers(0, comparison.train.n_rows))
    kept = []
    for name in chosen:
        bins = comparison.bins[name]
        own = int(comparison.codes("train")[name][row])
        keep = np.zeros(bins.n_bins, dtype=bool)
        if own == 0:
            keep[0] = True
        elif comparison.scales[name].discrete:
            keep[rng.random(bins.n_bins) < 0.3] = True
            keep[own] = True
        else:
            steps = int(rng.integers(0, max(1, bins.n_bins // 2)))
            start = own - int(rng.integers(0, steps + 1))
            keep[max(1, start) : start + steps + 1] = True
            keep[own] = True
        kept.append(keep)
    numbers = [name for name in names if not comparison.scales[name].discrete and name not in chosen]
    number = numbers[int(rng.integers(0, len(numbers)))] if numbers else None
    return _Query(chosen, tuple(kept), number)


def _ask(query: _Query, codes: Mapping[str, Array], numbers: Mapping[str, Array]) -> tuple[float, float, float, Array]:
    """Share of rows that meet a condition, mean and spread of its number among them and in all, and which rows."""
    met = np.ones(len(next(iter(codes.values()))), dtype=bool)
    for name, keep in zip(query.columns, query.kept, strict=True):
        met &= keep[codes[name]]
    mean, spread = np.nan, np.nan
    if query.number is not None:
        cells = numbers[query.number]
        inside = cells[met]
        inside = inside[~np.isnan(inside)]
        if len(inside) >= MIN_MEAN_ROWS:
            mean, spread = float(inside.mean()), float(np.nanstd(cells))
    return float(met.mean()), mean, spread, met


def _answers(
    comparison: Comparison, which: Which, queries: list[_Query], truth: list[tuple[float, float, float, Array]]
) -> _Answers:
    codes, numbers = comparison.codes(which), comparison.compared(which).columns
    n = comparison.n_compared
    errors, means, influence = np.empty(len(queries)), np.full(len(queries), np.nan), np.zeros(n)
    for number, (query, (share, mean, spread, _)) in enumerate(zip(queries, truth, strict=True)):
        own, own_mean, _, met = _ask(query, codes, numbers)
        scale = max(share, FLOOR)
        errors[number] = abs(own - share) / scale
        influence += np.sign(own - share) * (met - own) / scale
        if spread > 0:
            means[number] = abs(own_mean - mean) / spread
    return _Answers(errors, influence / len(queries), means)


def _summary(table: str, answers: _Answers) -> QueryErrors:
    means = answers.means[~np.isnan(answers.means)]
    return QueryErrors(
        table=table,
        counts=round(float(answers.errors.mean()), 4),
        counts_worst=round(float(np.quantile(answers.errors, 0.95)), 4),
        means=round(float(means.mean()), 4) if len(means) else None,
    )
