"""Fairness of the rows: is every group there, and is each drawn as well as the others?

Both are asked of the groups of `groups.py`, with real holdout rows of the same group beside them: small groups always
differ by chance, and raw distances would accuse every generator of neglecting them.

Source: representation and quality by group as parts of fairness of synthetic data, van Breugel et al. 2021,
arXiv:2110.12884; Bhanot et al. 2021, doi:10.3390/e23091165, for health data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Metric, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.groups import JUDGED_PEOPLE, MIN_PEOPLE, Group, Grouping, groups
from tabsynth.evaluation.intervals import Interval, around, each_of, standard_error_of_mean, z_value
from tabsynth.evaluation.part import Part

MIN_ROWS = 30


class GroupScore(Part):
    """One group: what was measured of synthetic and of real rows."""

    group: str
    n_people: int
    synthetic: float
    real: float
    difference: float
    interval: Interval
    """Of the difference; holds for all groups together."""
    judged: bool


class GroupScores(Detail):
    """All groups, the one that is worst off first."""

    groups: tuple[GroupScore, ...]


class Representation:
    """Largest relative change of a group's share of the rows.

    Formula:
        max over groups g with at least 100 people of |share_g(synthetic) / share_g(train) - 1|.
    Units:
        A share of the group's size: 0.2 is a group that is a fifth too small or too large.
    Cost:
        Below a second.
    Source:
        See the head of this module.
    """

    name = "representation"
    family = Family.FAIRNESS
    question = "Is every group of people as large among the synthetic rows as among the real ones?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the shares of all groups.

        Privacy:
            Leaves shares of groups of at least 30 people, and their names.
        """
        found = groups(comparison)
        if not found.groups:
            return no_groups(self)
        each = each_of(level, max(1, sum(group.judged for group in found.groups)))
        rows = [_share(comparison, found, group, each) for group in found.groups]
        tables: tuple[Which, ...] = ("holdout", "uniform")
        reference, baseline = (
            max([abs(_ratio(comparison, found, group, which)[0] - 1) for group in found.groups if group.judged] or [0])
            for which in tables
        )
        return group_findings(
            self, comparison, found, rows, level=level, what="largest relative change", two_sided=True,
            reference=reference, baseline=baseline, n=comparison.n_compared,
        )  # fmt: skip


class GroupFidelity:
    """Largest excess distance of a group's columns over that of equally many real rows of the same group.

    Formula:
        D_g(T) = mean over columns of the total variation distance between T and train within group g, on shared bins;
        judged: max over groups g with at least 100 people of D_g(synthetic) - D_g(holdout), equally many rows each.
    Units:
        A share of the group's rows.
    Cost:
        40 groups x columns x rows: 2 s at 20,000 rows and 15 columns.
    Source:
        See the head of this module.
    """

    name = "group-fidelity"
    family = Family.FAIRNESS
    question = "Are all groups of people drawn as well as real rows of the same group show them?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the columns within each group.

        Privacy:
            Leaves distances over groups of at least 30 people, and their names.
        """
        found = groups(comparison)
        if not found.groups:
            return no_groups(self)
        asked = [group for group in found.groups if _enough(comparison, found, group)]
        if not asked:
            note = f"No group has {MIN_ROWS} rows in holdout and in synthetic."
            return Findings([unmeasured(self, note, undecided=True)])
        each = each_of(level, max(1, sum(group.judged for group in asked)))
        rows, naive = [], []
        for group in asked:
            own, real, independent = (
                _distance(comparison, found, group, which) for which in ("synthetic", "holdout", "independent")
            )
            naive.append(independent[0] if group.judged else 0.0)
            error = float(np.hypot(own[1], real[1]))
            interval = around(own[0] - real[0], error, n=own[2], level=each, lower=-1.0)
            rows.append(
                GroupScore(
                    group=group.name,
                    n_people=group.n_people,
                    synthetic=round(own[0], 4),
                    real=round(real[0], 4),
                    difference=round(own[0] - real[0], 4),
                    interval=interval,
                    judged=group.judged,
                )
            )
        return group_findings(
            self, comparison, found, rows, level=level, what="largest excess over real rows of the group",
            reference=None, baseline=max(naive), n=comparison.n_compared,
        )  # fmt: skip


def no_groups(metric: Metric) -> Findings:
    """What to return where there is no group."""
    note = f"No column forms two groups of at least {MIN_PEOPLE} people."
    return Findings([unmeasured(metric, note)])


def group_findings(
    metric: Metric,
    comparison: Comparison,
    grouping: Grouping,
    rows: Sequence[GroupScore],
    *,
    level: float,
    what: str,
    reference: float | None,
    baseline: float,
    n: int,
    two_sided: bool = False,
    notes: tuple[str, ...] = (),
) -> Findings:
    """The worst group as the result of a metric, and all groups as its detail.

    Args:
        metric: The metric.
        comparison: The tables.
        grouping: Where the groups come from.
        rows: One score per group, with intervals that hold for all of them together.
        level: Confidence level.
        what: Name of the judged number.
        reference: The same with real rows; None: that of the worst group.
        baseline: The same with naive rows.
        n: Rows, or people, behind it.
        two_sided: Whether a group can be too large as well as too small.
        notes: What else to say.
    """
    judged = [row for row in rows if row.judged]
    detail = GroupScores(groups=tuple(sorted(rows, key=lambda row: -_size(row, two_sided))))
    if not judged:
        note = f"No group has {JUDGED_PEOPLE} people; {len(rows)} smaller ones are shown and not judged."
        return Findings([unmeasured(metric, note, undecided=True)], detail)
    worst = max(judged, key=lambda row: _size(row, two_sided))
    sure = [_sizes(row.interval, two_sided)[0] for row in judged]
    high = max(_sizes(_alone(row, level), two_sided)[1] for row in judged)
    value = _size(worst, two_sided)
    interval = Interval(low=min(max(sure), value), high=max(high, value), level=level)
    shown = worst.real if reference is None else reference
    result = answer(
        metric,
        value=value if two_sided else worst.synthetic,
        interval=interval if two_sided else _around(worst, interval, least=0.0 if metric.unit == "share" else -1.0),
        n=n,
        reference=shown,
        baseline=baseline,
        judged=None if two_sided else Judged(what=what, value=worst.difference, interval=interval),
        notes=(
            f"Worst off: {worst.group} ({worst.n_people:,} people). {grouping.words}",
            f"{len(judged)} groups of at least {JUDGED_PEOPLE} people are judged together, {len(rows) - len(judged)} "
            f"smaller ones of at least {MIN_PEOPLE} are shown.",
            *notes,
        ),
    )
    return Findings([result], detail)


def _alone(row: GroupScore, level: float) -> Interval:
    """Interval of one group that does not pay for the search: the upper end of a maximum needs no correction."""
    factor = z_value(level) / z_value(row.interval.level)
    return Interval(
        low=row.difference - factor * (row.difference - row.interval.low),
        high=row.difference + factor * (row.interval.high - row.difference),
        level=level,
    )


def _size(row: GroupScore, two_sided: bool) -> float:
    return abs(row.difference) if two_sided else row.difference


def _sizes(interval: Interval, two_sided: bool) -> tuple[float, float]:
    if not two_sided:
        return interval.low, interval.high
    low, high = sorted((abs(interval.low), abs(interval.high)))
    return (0.0 if interval.low <= 0 <= interval.high else low), high


def _around(worst: GroupScore, interval: Interval, *, least: float) -> Interval:
    """Interval of the value itself: that of the difference, moved by what real rows show, held to [least, 1]."""
    low, high = max(least, worst.interval.low + worst.real), min(1.0, worst.interval.high + worst.real)
    return Interval(low=min(low, worst.synthetic), high=max(high, worst.synthetic), level=interval.level)


def _ratio(comparison: Comparison, grouping: Grouping, group: Group, which: Which) -> tuple[float, float]:
    """Share of a group in a table over its share in train, and its standard error."""
    inside = grouping.members(comparison.compared(which), group).astype(np.float64)
    train = grouping.members(comparison.train, group).astype(np.float64)
    share, own = float(train.mean()), float(inside.mean())
    own_error = standard_error_of_mean(inside, comparison.clusters(which))
    train_error = standard_error_of_mean(train, comparison.train_people)
    return own / share, float(np.hypot(own_error, own / share * train_error)) / share


def _share(comparison: Comparison, grouping: Grouping, group: Group, each: float) -> GroupScore:
    ratio, error = _ratio(comparison, grouping, group, "synthetic")
    n = comparison.n_compared
    share = group.n_people / max(1, int(comparison.people("train").max()) + 1)
    interval = around(ratio - 1, error, n=max(1, round(n * share)), level=each, lower=-1.0, upper=1e6)
    return GroupScore(
        group=group.name,
        n_people=group.n_people,
        synthetic=round(float(grouping.members(comparison.compared("synthetic"), group).mean()), 4),
        real=round(float(grouping.members(comparison.train, group).mean()), 4),
        difference=round(ratio - 1, 4),
        interval=interval,
        judged=group.judged,
    )


def _enough(comparison: Comparison, grouping: Grouping, group: Group) -> bool:
    tables: tuple[Which, ...] = ("synthetic", "holdout", "independent")
    return all(int(grouping.members(comparison.compared(which), group).sum()) >= MIN_ROWS for which in tables)


def _distance(comparison: Comparison, grouping: Grouping, group: Group, which: Which) -> tuple[float, float, int]:
    """Mean distance of the group's columns from train, its standard error, and the rows behind it."""
    sizes = [int(grouping.members(comparison.compared(part), group).sum()) for part in ("synthetic", "holdout")]
    rows = np.flatnonzero(grouping.members(comparison.compared(which), group))
    n = min(*sizes, len(rows))
    rows = rows[np.linspace(0, len(rows) - 1, n).astype(np.int64)]
    train = grouping.members(comparison.train, group)
    own, real = comparison.codes(which), comparison.codes("train")
    fixed = {column for column, _ in group.places}
    distances: list[float] = []
    influence: Array = np.zeros(n)
    for name in comparison.columns:
        if name in fixed:
            continue
        n_bins = comparison.bins[name].n_bins
        codes = own[name][rows]
        gap = np.bincount(codes, minlength=n_bins) / n - np.bincount(real[name][train], minlength=n_bins) / train.sum()
        distances.append(float(np.abs(gap).sum()) / 2)
        influence = influence + np.sign(gap)[codes] / 2
    if not distances:
        return 0.0, 0.0, n
    clusters = comparison.clusters(which)
    people = None if clusters is None else np.unique(clusters[rows], return_inverse=True)[1]
    return float(np.mean(distances)), standard_error_of_mean(influence / len(distances), people), n
