"""Groups of people that fairness is asked about: categories, thirds of numbers, and where two of them meet.

Decisions
- Columns: quasi-identifiers (age, sex, origin are what people are treated by); where the schema names none, the
  columns of few categories.
- Numbers are cut into thirds of train and named by their place, so that no bound leaves.
- A group needs MIN_PEOPLE people in train to be named at all, intersections too; JUDGED_PEOPLE to be judged, as the
  worst of many tiny groups is always far off by luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.profiles import people_per_code
from tabsynth.schema.columns import Identifier, Role, Text

MIN_PEOPLE = 30
JUDGED_PEOPLE = 100
MAX_COLUMNS = 4
MAX_CATEGORIES = 8
MAX_GROUPS = 40
_THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True)
class Group:
    """People who share a category, or two."""

    name: str
    places: tuple[tuple[str, int], ...]  # (column, code of the group within it)
    n_people: int
    """People of train in it."""

    @property
    def judged(self) -> bool:
        """Whether it is large enough to be judged."""
        return self.n_people >= JUDGED_PEOPLE


@dataclass(frozen=True)
class Grouping:
    """The groups of a table, largest first within single and then crossed ones."""

    columns: tuple[str, ...]
    declared: bool
    groups: tuple[Group, ...]
    _edges: dict[str, Array]

    def members(self, rows: Rows, group: Group) -> Array:
        """Which rows belong to a group, shape (n_rows,) bool."""
        inside = np.ones(rows.n_rows, dtype=bool)
        for column, code in group.places:
            inside &= _codes(rows.columns[column], self._edges.get(column)) == code
        return inside

    @property
    def words(self) -> str:
        """Where the groups come from, for a note."""
        named = ", ".join(self.columns)
        return f"Groups by {named}" + ("." if self.declared else "; the schema names no quasi-identifier.")


def groups(comparison: Comparison) -> Grouping:
    """The groups of a comparison, found once.

    Privacy:
        Names of categories that at least MIN_PEOPLE people of train share.
    """
    found: Grouping = comparison.once("groups", lambda: _groups(comparison))
    return found


def _groups(comparison: Comparison) -> Grouping:
    roles = {name: column.role for name, column in comparison.table.columns.items()}
    kinds: dict[str, Any] = dict(comparison.table.columns)
    named = [
        name
        for name in comparison.columns
        if roles[name] is Role.QUASI_IDENTIFIER and not isinstance(kinds[name], Identifier | Text)
    ]
    declared = bool(named)
    if not declared:
        named = [name for name in comparison.columns if comparison.scales[name].discrete]
    edges: dict[str, Array] = {}
    singles: list[Group] = []
    columns = []
    people = comparison.train_people
    for name in named:
        cells = comparison.train.columns[name]
        present = cells[~np.isnan(cells)]
        if not len(present):
            continue
        discrete = comparison.scales[name].discrete
        if not discrete:
            edges[name] = np.unique(np.quantile(present, [1 / 3, 2 / 3]))
            if len(edges[name]) < 2 or not declared:
                continue
        codes = _codes(cells, edges.get(name))
        n_codes = int(codes.max()) + 1
        per_code = people_per_code(codes[codes >= 0], None if people is None else people[codes >= 0], n_codes)
        large = [code for code in np.argsort(-per_code, kind="stable") if per_code[code] >= MIN_PEOPLE]
        if len(large) < 2 or (not declared and len(large) > MAX_CATEGORIES):
            continue
        labels = comparison.scales[name].labels if discrete else _THIRDS
        own = [Group(f"{name}: {labels[code]}", ((name, int(code)),), int(per_code[code])) for code in large]
        singles += own[:MAX_CATEGORIES]
        columns.append(name)
        if len(columns) == MAX_COLUMNS:
            break
    partial = Grouping(tuple(columns), declared, (), edges)
    crossed = []
    for first, second in combinations(singles, 2):
        if first.places[0][0] == second.places[0][0]:
            continue
        both = Group(f"{first.name}, {second.name}", (*first.places, *second.places), 0)
        inside = partial.members(comparison.train, both)
        count = int(inside.sum()) if people is None else len(np.unique(people[inside]))
        if count >= MIN_PEOPLE:
            crossed.append(Group(both.name, both.places, count))
    crossed.sort(key=lambda group: -group.n_people)
    return Grouping(tuple(columns), declared, (*singles, *crossed)[:MAX_GROUPS], edges)


def _codes(cells: Array, edges: Array | None) -> Array:
    """Group of each cell within its column, -1 where it is missing."""
    if edges is None:
        return np.where(np.isnan(cells), -1, np.nan_to_num(cells, nan=-1.0)).astype(np.int64)
    return np.where(np.isnan(cells), -1, np.searchsorted(edges, cells, side="left")).astype(np.int64)
