"""Fidelity of gaps by group: are cells missing for the same people as in train?

For a column with gaps and a column that forms groups, the misplaced share is the mean over groups (weighted by their
size in train) of the absolute difference of the missing rates: the share of rows whose gap sits in the wrong group.

Decisions
- Groups are the categories of every discrete column, and the rows where another column is missing: what was not
  measured together is missing together.
- Judged by a share of rows beyond what an equally large holdout shows. The largest difference in any one group would be
  judged by the smallest groups, which always differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import (
    Interval,
    around,
    each_of,
    largest_of,
    newcombe,
    size_of,
    standard_error_of_mean,
)
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.profiles import K, people_per_code

MIN_GROUP = 50  # rows of train and of synthetic in a group that is listed
MAX_GROUP_COLUMNS = 12
MAX_GROUPS = 50
MAX_GAPPED = 40  # columns with gaps that are compared; those whose cells are about as often missing as present
N_WORST = 10


class GroupGap(Part):
    """Share of missing cells of one column within one group."""

    column: str
    group_column: str
    group: str
    train: float
    synthetic: float
    interval: Interval
    """Of synthetic minus train; holds for all listed and unlisted groups together."""


class GroupGaps(Detail):
    """The groups whose share of missing cells differs most, surest first."""

    groups: tuple[GroupGap, ...]
    n_groups: int
    """Groups that were compared, counted per column with gaps."""


@dataclass(frozen=True)
class _Grouping:
    """Rows of two tables by group, for one column with gaps."""

    column: str
    by: str
    labels: tuple[str, ...]
    train: tuple[Array, Array]  # missing cells and rows per group, (n_groups,) each
    other: tuple[Array, Array]
    influence: Array  # (n_rows,) of the other table
    misplaced: float
    listed: Array  # (n_groups,) bool: large enough to be named


class MissingnessByGroup:
    """Largest share of rows whose gap sits in the wrong group, over all columns with gaps and all grouping columns.

    Formula:
        max over columns j and groupings G of sum over groups g of p_g |m_jg(synthetic) - m_jg(train)|, p_g the share of
        g in train, m_jg the share of missing cells of j in g; judged: minus the same for holdout.
    Units:
        A share of rows, 0 to 1.
    Cost:
        At most 40 x 12 contingency tables: 0.1 s at 20,000 rows x 15 columns.
    Source:
        This project; influence functions as in `similarity.py`.
    """

    name = "missingness-by-group"
    family = Family.FIDELITY
    question = "Are cells missing for the same groups of people as in the real table?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare missing rates within groups.

        Privacy:
            Leaves rates, and names of groups that at least 50 training rows and k people share.
        """
        own, real = _groupings(comparison, "synthetic"), _groupings(comparison, "holdout")
        if not own:
            return Findings([unmeasured(self, "No column has missing cells beside a column that forms groups.")])
        each = each_of(level, len(own))
        clusters, holdout_clusters = comparison.clusters("synthetic"), comparison.clusters("holdout")
        excesses = []
        for mine, theirs in zip(own, real, strict=True):
            error = np.hypot(
                standard_error_of_mean(mine.influence, clusters),
                standard_error_of_mean(theirs.influence, holdout_clusters),
            )
            excess = mine.misplaced - theirs.misplaced
            excesses.append(around(excess, float(error), n=comparison.n_compared, level=each, lower=-1.0))
        at = int(np.argmax([mine.misplaced - theirs.misplaced for mine, theirs in zip(own, real, strict=True)]))
        worst, reference = own[at], real[at].misplaced
        gaps, n_groups = _gaps(own, level)
        whole = answer(
            self,
            value=worst.misplaced,
            interval=Interval(
                low=max(0.0, excesses[at].low + reference), high=min(1.0, excesses[at].high + reference), level=level
            ),
            n=comparison.n_compared,
            reference=reference,
            baseline=max(grouping.misplaced for grouping in _groupings(comparison, "independent")),
            judged=Judged(
                what="excess over the holdout",
                value=worst.misplaced - reference,
                interval=largest_of(excesses, level=level),
            ),
            notes=_notes(comparison, worst),
        )
        return Findings([whole], GroupGaps(groups=gaps, n_groups=n_groups))


def _notes(comparison: Comparison, worst: _Grouping) -> tuple[str, ...]:
    notes = [f"Most misplaced: gaps of {worst.column}, in groups of {worst.by}."]
    n_gapped = sum(1 for name in comparison.columns if np.isnan(comparison.train.columns[name]).any())
    if n_gapped > MAX_GAPPED:
        notes.append(f"{MAX_GAPPED} of {n_gapped} columns with gaps are compared.")
    return tuple(notes)


def _gaps(groupings: list[_Grouping], level: float) -> tuple[tuple[GroupGap, ...], int]:
    """The groups that differ most, the surest difference first, and how many were compared."""
    listed = [(grouping, int(code)) for grouping in groupings for code in np.flatnonzero(grouping.listed)]
    each = each_of(level, len(listed))
    found = []
    for grouping, code in listed:
        absent, size = (int(part[code]) for part in grouping.train)
        other_absent, other_size = (int(part[code]) for part in grouping.other)
        found.append(
            GroupGap(
                column=grouping.column,
                group_column=grouping.by,
                group=grouping.labels[code],
                train=round(absent / size, 4),
                synthetic=round(other_absent / other_size, 4),
                interval=newcombe(other_absent, other_size, absent, size, level=each),
            )
        )
    found.sort(key=lambda gap: (-size_of(gap.interval).low, -abs(gap.synthetic - gap.train)))
    return tuple(found[:N_WORST]), len(found)


def _groupings(comparison: Comparison, which: Which) -> list[_Grouping]:
    """Every column with gaps beside every column that forms groups; the same list for every table."""
    tables = [comparison.train, *(comparison.compared(name) for name in ("holdout", "synthetic"))]
    gapped = [name for name in comparison.columns if any(np.isnan(table.columns[name]).any() for table in tables)]
    gapped = _most_mixed(comparison, gapped)
    discrete = [name for name, scale in comparison.scales.items() if scale.discrete]
    # Categories of train: those that only a release holds must not take a column out of the comparison.
    discrete = [name for name in discrete if _n_categories(comparison.train.columns[name]) <= MAX_GROUPS]
    discrete = discrete[:MAX_GROUP_COLUMNS]
    found: list[_Grouping] = []
    for by in dict.fromkeys([*discrete, *gapped]):
        labels = comparison.scales[by].labels if by in discrete else ("present",)
        codes = _group_codes(comparison.train.columns[by], labels)
        other_codes = _group_codes(comparison.compared(which).columns[by], labels)
        people = people_per_code(codes, comparison.train_people, len(labels) + 1)
        found.extend(
            _grouping(comparison, which, name, by, (*labels, "missing"), codes, other_codes, people)
            for name in gapped
            if name != by
        )
    return found


def _n_categories(cells: Array) -> int:
    return len(np.unique(cells[~np.isnan(cells)]))


def _most_mixed(comparison: Comparison, gapped: list[str]) -> list[str]:
    """At most MAX_GAPPED columns, those with the most to tell about who has a gap; in order of the schema."""
    rates = {name: float(np.isnan(comparison.train.columns[name]).mean()) for name in gapped}
    kept = set(sorted(gapped, key=lambda name: abs(rates[name] - 0.5))[:MAX_GAPPED])
    return [name for name in gapped if name in kept]


def _grouping(
    comparison: Comparison,
    which: Which,
    column: str,
    by: str,
    labels: tuple[str, ...],
    codes: Array,
    other_codes: Array,
    people: Array,
) -> _Grouping:
    n_groups = len(labels)
    gap, other_gap = np.isnan(comparison.train.columns[column]), np.isnan(comparison.compared(which).columns[column])
    sizes, other_sizes = np.bincount(codes, minlength=n_groups), np.bincount(other_codes, minlength=n_groups)
    absent = np.bincount(codes, weights=gap, minlength=n_groups)
    other_absent = np.bincount(other_codes, weights=other_gap, minlength=n_groups)
    rate, other_rate = absent / np.maximum(sizes, 1), other_absent / np.maximum(other_sizes, 1)
    both = (sizes > 0) & (other_sizes > 0)  # a group that one table lacks is a matter of the pair's similarity
    weight = np.where(both, sizes, 0) / len(codes)
    # One more missing cell in a group moves its rate by 1 / n_group; per row of the table, by n / n_group.
    slope = weight * np.sign(other_rate - rate) * len(other_codes) / np.maximum(other_sizes, 1)
    return _Grouping(
        column=column,
        by=by,
        labels=labels,
        train=(absent, sizes),
        other=(other_absent, other_sizes),
        influence=slope[other_codes] * (other_gap - other_rate[other_codes]),
        misplaced=float((weight * np.abs(other_rate - rate)).sum()),
        listed=(sizes >= MIN_GROUP) & (other_sizes >= MIN_GROUP) & (people >= K),
    )


def _group_codes(values: Array, labels: tuple[str, ...]) -> Array:
    """Group of each row, shape (n_rows,): the category, or 0 where only "present" is told apart; missing comes last."""
    gap = np.isnan(values)
    present = np.where(gap, 0, values) if len(labels) > 1 else np.zeros(len(values))
    return np.where(gap, len(labels), present).astype(np.int64)
