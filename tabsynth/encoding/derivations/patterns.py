"""Fixed patterns of missing cells: one more column says which cells of a row are empty, and has the last word.

The columns themselves are modelled as they are, gaps and all, so that what is learned about their values rests on
cells that are there. On the way back the pattern empties the cells that it says are empty; a cell that it says is
there and that the model left empty is filled from another drawn row.

Decisions
- Filled from drawn rows, not from training rows. A model that has learned the pattern seldom needs it; where a whole
  batch has no such cell, a plain value stands in: the first declared category or bound, zero, or the commonest
  category.
- Without a declared list, a pattern is kept where at least k people have it; rarer ones are learned as the nearest
  kept one.
- A column that is modelled as its distance from another can take part where that other column takes part too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.derivations.gaps import Gaps
from tabsynth.encoding.derivations.joint import read_labels
from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite, new_name
from tabsynth.errors import ConstraintError
from tabsynth.schema.checks import row_codes
from tabsynth.schema.columns import Categorical, Column, Identifier, Provenance, Text
from tabsynth.schema.constraints import FixedNulls
from tabsynth.schema.literals import declared_categories
from tabsynth.schema.model import Table
from tabsynth.schema.ordering import bounds
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Patterns:
    """Which cells of some columns are missing together."""

    constraint: int
    members: tuple[str, ...]
    patterns: tuple[tuple[bool, ...], ...]
    """Possible patterns, True = missing; the commonest first unless declared."""
    declared: bool
    name: str
    slots: Mapping[str, tuple[str, ...]]
    """Modelled columns that stand for each member: the one that holds its value, then those that must be empty with
    it."""
    fillers: Mapping[str, str]
    """Category that stands in where nothing else can, for members without declared categories."""

    @classmethod
    def plan(
        cls, number: int, rule: FixedNulls, evidence: Evidence, rewrites: Collection[Rewrite], *, taken: Collection[str]
    ) -> Patterns | None:
        """The patterns for a rule, or None where its columns are modelled in a way that a pattern cannot decide.

        Raises:
            ConstraintError: No pattern can be kept.

        Privacy:
            Patterns that at least k people have (or that the schema declares) leave, and the commonest category of each
            column where at least k people have it.
        """
        patterns = possible_patterns(rule, evidence)
        slots = _slots(rule.columns, patterns, rewrites)
        if slots is None or not evidence.keeps(rule):
            return None
        fillers: dict[str, str] = {}
        for name in rule.columns:
            column = evidence.table.columns[name]
            if isinstance(column, Categorical) and declared_categories(column) is None and slots[name] == (name,):
                commonest = _commonest(name, evidence)
                if commonest is None:
                    return None
                fillers[name] = commonest
        label = new_name(f"missing in {', '.join(rule.columns)}", taken)
        return cls(number, rule.columns, patterns, rule.patterns is not None, label, slots, fillers)

    @property
    def column(self) -> Categorical:
        """Declaration of the column of patterns."""
        source = {} if self.declared else {"categories": Provenance.DATA}
        labels = tuple(str(place) for place in range(len(self.patterns)))
        return Categorical(categories=labels, nullable=False, provenance=source)

    def label(self, typed: TypedTable) -> Values:
        """The pattern of each original row, or the nearest possible one; shape (n_rows,)."""
        gaps = np.stack([typed.columns[name].missing for name in self.members], axis=1)
        differences = np.stack([(gaps != np.array(pattern)).sum(axis=1) for pattern in self.patterns], axis=1)
        labels = np.array([str(place) for place in range(len(self.patterns))], dtype=object)
        return Values(labels[differences.argmin(axis=1)], np.zeros(typed.n_rows, bool))

    def settle(self, modelled: TypedTable, columns: Mapping[str, Column]) -> dict[str, Values]:
        """The modelled columns of the members, with cells emptied and filled as the pattern of each row says."""
        places = read_labels(modelled.columns[self.name], len(self.patterns))
        settled: dict[str, Values] = {}
        for number, member in enumerate(self.members):
            empty = np.array([pattern[number] for pattern in self.patterns])[places]
            for slot in self.slots[member]:
                values = settled.get(slot, modelled.columns[slot])
                if slot == self.slots[member][0]:
                    values = self._filled(member, values, ~empty, columns[slot])
                missing = values.missing | empty
                nothing = "" if values.array.dtype == object else values.array.dtype.type(0)
                settled[slot] = Values(np.where(missing, nothing, values.array), missing)
        return settled

    def state(self) -> dict[str, Any]:
        """JSON values that describe the patterns, without any row."""
        return {
            "constraint": self.constraint,
            "members": list(self.members),
            "patterns": [list(pattern) for pattern in self.patterns],
            "declared": self.declared,
            "name": self.name,
            "slots": {name: list(slots) for name, slots in self.slots.items()},
            "fillers": dict(self.fillers),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Patterns:
        """The patterns that `state` describes."""
        members = tuple(state["members"])
        patterns = tuple(tuple(bool(gap) for gap in pattern) for pattern in state["patterns"])
        if not patterns or any(len(pattern) != len(members) for pattern in patterns):
            raise ValueError("fixed_nulls: patterns do not fit their columns")
        return cls(
            int(state["constraint"]),
            members,
            patterns,
            bool(state["declared"]),
            str(state["name"]),
            {name: tuple(state["slots"][name]) for name in members},
            dict(state["fillers"]),
        )

    def _filled(self, member: str, values: Values, needed: Array, column: Column) -> Values:
        """Values with every needed cell there; shape (n_rows,)."""
        rows = np.flatnonzero(needed & values.missing)
        if not len(rows):
            return values
        donors = np.flatnonzero(~values.missing)
        array, missing = values.array.copy(), values.missing.copy()
        array[rows] = values.array[np.resize(donors, len(rows))] if len(donors) else self._plain(member, column)
        missing[rows] = False
        return Values(array, missing)

    def _plain(self, member: str, column: Column) -> Any:
        if isinstance(column, Identifier | Text):
            return ""
        if member in self.fillers:
            return self.fillers[member]
        if (categories := declared_categories(column)) is not None:
            return categories[0]
        lower, upper = bounds(column)
        return lower if lower is not None else upper if upper is not None else 0


def possible_patterns(rule: FixedNulls, evidence: Evidence) -> tuple[tuple[bool, ...], ...]:
    """The patterns that a rule lists, or those that at least k people have, commonest first.

    Raises:
        ConstraintError: There is none.
    """
    if rule.patterns is not None:
        return rule.patterns
    kept: list[tuple[bool, ...]] = []
    if evidence.typed is not None and evidence.typed.n_rows:
        gaps = [evidence.typed.columns[name].missing for name in rule.columns]
        codes = row_codes([Values(gap, np.zeros(len(gap), bool)) for gap in gaps])
        counts = np.bincount(codes)
        people = evidence.people_per_code(codes, len(counts))
        _, first = np.unique(codes, return_index=True)
        common = np.flatnonzero(people >= evidence.k)
        rows = {int(code): tuple(bool(gap[first[code]]) for gap in gaps) for code in common}
        kept = [rows[code] for code in sorted(rows, key=lambda code: (-int(counts[code]), rows[code]))]
    if not kept:
        raise ConstraintError(
            f"fixed_nulls of {', '.join(rule.columns)}: {evidence.nothing_shared}; "
            "list what is possible under patterns, or leave a column out of the rule"
        )
    return tuple(kept)


def _slots(
    members: tuple[str, ...], patterns: tuple[tuple[bool, ...], ...], rewrites: Collection[Rewrite]
) -> dict[str, tuple[str, ...]] | None:
    """Modelled columns of each member, or None where a member's gaps cannot be decided through them."""
    made_by = {target: rewrite for rewrite in rewrites for target in rewrite.targets}
    slots: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(members):
        rewrite = made_by.get(name)
        if rewrite is None:
            slots[name] = (name,)
            continue
        if not isinstance(rewrite, Gaps):
            return None
        earlier = [members.index(other) for other in rewrite.chain[: rewrite.chain.index(name)] if other in members]
        for pattern in patterns:
            if not pattern[place] and all(pattern[other] for other in earlier):
                return None  # the column is there, and nothing that it could be measured from
        rest = (rewrite.leftover_names[name],) if name in rewrite.leftover_names else ()
        slots[name] = (rewrite.gap_names[name], *rest)
    return slots


def _commonest(name: str, evidence: Evidence) -> str | None:
    """The category that most people have, if at least k have it."""
    if evidence.typed is None:
        return None
    values = evidence.typed.columns[name]
    rows = np.flatnonzero(~values.missing)
    if not len(rows):
        return None
    texts, codes = np.unique(values.array[rows].astype(str), return_inverse=True)
    chosen = Evidence(evidence.table, evidence.typed.take(rows), evidence.k, _taken(evidence.entities, rows))
    people = chosen.people_per_code(codes, len(texts))
    return str(texts[people.argmax()]) if people.max() >= evidence.k else None


def _taken(entities: Array | None, rows: Array) -> Array | None:
    return None if entities is None else entities[rows]
