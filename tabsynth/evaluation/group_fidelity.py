"""Fidelity by group: are the columns of every group of people as near to the real ones as equally many strangers are?

A group is a category of a column with the role quasi-identifier or sensitive (of every column of categories, where the
schema gives no such role) that at least MIN_GROUP rows of each table share. Within it, the mean similarity of all other
columns (`columns.py`) is compared with what the holdout's rows of the same group reach.

Decisions
- Always beyond the holdout: a small group differs from itself by sampling alone, and a raw distance would accuse every
  generator of treating minorities badly.
- Not judged by default: with dozens of small groups, the interval for all of them together is wide, and a table of a
  few thousand rows would always be "insufficient evidence".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Result, Unit, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows, Which
from tabsynth.evaluation.intervals import Interval, around, each_of, largest_of
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.profiles import K, people_per_code
from tabsynth.evaluation.similarity import Similarity, discrete_similarity, mean_similarity, ordered_similarity
from tabsynth.schema.model import Role

MIN_GROUP = 30
MAX_GROUPS = 60
N_WORST = 15


class GroupScore(Part):
    """Similarity within one group."""

    column: str
    group: str
    n_synthetic: int
    value: float
    reference: float
    shortfall: Interval
    """Below the holdout; holds for all groups together."""


class GroupScores(Detail):
    """The groups that fall furthest short."""

    groups: tuple[GroupScore, ...]
    n_groups: int
    n_too_small: int
    """Groups of train that have fewer than MIN_GROUP rows in some table."""


@dataclass(frozen=True)
class _Group:
    column: str
    code: int
    own: Similarity
    real: Similarity
    naive: float


class GroupFidelity:
    """Similarity of all columns within the group that falls furthest short of what holdout rows of that group reach.

    Formula:
        min over groups g of mean_j sim_j(S | g, T | g); judged: the shortfall below mean_j sim_j(H | g, T | g).
    Units:
        A share; 1 is "the same".
    Cost:
        Two similarities per group and column: 0.6 s at 20,000 rows, 15 columns and 60 groups.
    Source:
        This project; why groups need a reference of their size, Bhanot et al. 2021, doi:10.3390/e23091165.
    """

    name = "group-fidelity"
    family = Family.FIDELITY
    question = "Are all groups of people described as well as real rows describe them?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the columns within every group.

        Privacy:
            Leaves similarities, and names of groups that at least k people of train share.
        """
        names, given = _grouping(comparison)
        groups, too_small = _groups(comparison, names)
        if not groups:
            note = f"No column forms groups of at least {MIN_GROUP} rows in each table beside another column."
            return Findings([unmeasured(self, note)])
        each = each_of(level, len(groups))
        scores, intervals = [], []
        for group in groups:
            error = float(np.hypot(group.own.standard_error(), group.real.standard_error()))
            n = len(group.own.influence)
            shortfall = group.real.value - group.own.value
            intervals.append(around(shortfall, error, n=min(n, len(group.real.influence)), level=each, lower=-1.0))
            scores.append(
                GroupScore(
                    column=group.column,
                    group=_label(comparison, group),
                    n_synthetic=n,
                    value=round(group.own.value, 4),
                    reference=round(group.real.value, 4),
                    shortfall=intervals[-1],
                )
            )
        worst = int(np.argmax([group.real.value - group.own.value for group in groups]))
        order = sorted(range(len(groups)), key=lambda place: groups[place].own.value - groups[place].real.value)
        found = groups[worst]
        whole = Result(
            metric=self.name,
            family=self.family,
            question=self.question,
            better=self.better,
            value=found.own.value,
            interval=found.own.interval(level=level),
            n=len(found.own.influence),
            reference=found.real.value,
            baseline=found.naive,
            judged=Judged(
                what="shortfall below the holdout",
                value=found.real.value - found.own.value,
                interval=largest_of(intervals, level=level),
            ),
            notes=(
                f"{len(groups):,} groups of at least {MIN_GROUP} rows; the one that falls furthest short is one of "
                f"{found.column}.",
                *(() if given else ("The schema gives no column the role of a group, so all categories were taken.",)),
            ),
        )
        detail = GroupScores(
            groups=tuple(scores[place] for place in order[:N_WORST]), n_groups=len(groups), n_too_small=too_small
        )
        return Findings([whole], detail)


def _grouping(comparison: Comparison) -> tuple[list[str], bool]:
    """Columns that form groups, and whether the schema names them."""
    discrete = [name for name in comparison.columns if comparison.scales[name].discrete]
    roles = (Role.QUASI_IDENTIFIER, Role.SENSITIVE)
    named = [name for name in discrete if comparison.table.columns[name].role in roles]
    return (named, True) if named else (discrete, False)


def _groups(comparison: Comparison, names: list[str]) -> tuple[list[_Group], int]:
    """Groups that are large enough in every table, the largest first, and how many are not."""
    tables: dict[Which, Rows] = {
        which: comparison.compared(which) for which in ("train", "synthetic", "holdout", "independent")
    }
    sizes = []
    too_small = 0
    for name in names:
        n_codes = len(comparison.scales[name].labels)
        counts = {
            which: np.bincount(rows.columns[name][~np.isnan(rows.columns[name])].astype(np.int64), minlength=n_codes)
            for which, rows in tables.items()
        }
        smallest = np.minimum.reduce([counts["train"], counts["synthetic"], counts["holdout"]])
        too_small += int(((counts["train"] > 0) & (smallest < MIN_GROUP)).sum())
        sizes += [(int(smallest[code]), name, int(code)) for code in np.flatnonzero(smallest >= MIN_GROUP)]
    sizes.sort(key=lambda size: -size[0])
    found = []
    for _, name, code in sizes[:MAX_GROUPS]:
        others = [column for column in comparison.columns if column != name]
        if not others:
            continue
        parts = {which: rows.take(np.flatnonzero(rows.columns[name] == code)) for which, rows in tables.items()}
        own, real, naive = (
            _similarity(comparison, parts["train"], parts[which], others)
            for which in ("synthetic", "holdout", "independent")
        )
        if own is not None and real is not None:
            found.append(_Group(name, code, own, real, naive.value if naive is not None else 0.0))
    return found, too_small


def _similarity(comparison: Comparison, train: Rows, other: Rows, names: list[str]) -> Similarity | None:
    """Mean similarity of some columns of two tables."""
    if not other.n_rows:
        return None
    parts = []
    for name in names:
        a, b = train.columns[name], other.columns[name]
        if comparison.scales[name].discrete:
            parts.append(discrete_similarity(_states(a), _states(b), len(comparison.scales[name].labels) + 1))
        else:
            parts.append(ordered_similarity(a, b))
    return mean_similarity(parts)


def _states(codes: Array) -> Array:
    """Codes with missing cells as code 0."""
    return np.where(np.isnan(codes), 0, codes + 1).astype(np.int64)


def _label(comparison: Comparison, group: _Group) -> str:
    """Name of a group that at least k people of train share."""
    scale = comparison.scales[group.column]
    codes: Array = np.nan_to_num(comparison.train.columns[group.column], nan=len(scale.labels)).astype(np.int64)
    people = people_per_code(codes, comparison.train_people, len(scale.labels) + 1)
    return scale.labels[group.code] if people[group.code] >= K else "a small group"
