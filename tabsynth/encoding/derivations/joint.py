"""Fixed combinations: the columns become one column of labels, each standing for a combination of values.

Decisions
- A label is the place of the combination in a list, so that no value can be mistaken for a separator.
- Without a declared list, a combination is kept where at least k people have it. A row with a rarer one is learned as
  a kept combination that agrees with it in as many columns as possible, then in which cells are empty; among equals
  the choice follows how common they are. Where that is unknown (the schema alone decides), it is the first in the list,
  so that what a row becomes depends on no other row. It costs the rare combination, and keeps the row's other columns.
- Rules that share columns become one joint column, unless all of them declare their lists.
- A declared list is kept whole; combinations with an empty cell, which no list forbids, are added where k people have
  them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite, new_name
from tabsynth.errors import ConstraintError
from tabsynth.schema.checks import row_codes
from tabsynth.schema.columns import Categorical, Column, Provenance
from tabsynth.schema.constraints import FixedCombinations
from tabsynth.schema.literals import Canonical, canonical, category_set, to_values, written
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]
Combination = tuple[Canonical | None, ...]

_GOLDEN = 0.6180339887498949
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Joint(Rewrite):
    """One label for the values of several columns."""

    type: ClassVar[str] = "joint"
    constraints: tuple[int, ...]
    members: tuple[str, ...]
    combinations: tuple[Combination, ...]
    """Canonical values, None where missing; label i stands for entry i, the commonest first unless declared."""
    weights: tuple[float, ...]
    """How common each combination is, summing to 1."""
    declared: bool
    name: str
    kinds: Mapping[str, Column]

    @classmethod
    def plan(cls, rules: Mapping[int, FixedCombinations], evidence: Evidence, *, taken: Collection[str]) -> Joint:
        """The rewrite for rules that share columns, by their index.

        Raises:
            ConstraintError: No combination can be kept.

        Privacy:
            Combinations that at least k people have (or that the schema declares) and the share of each leave.
        """
        members = tuple(dict.fromkeys(name for rule in rules.values() for name in rule.columns))
        kinds = {name: evidence.table.columns[name] for name in members}
        listed: list[Combination] = []
        only = next(iter(rules.values())) if len(rules) == 1 else None
        if only is not None and only.combinations is not None:
            known = {name: category_set(column) for name, column in kinds.items()}
            listed = list(dict.fromkeys(_canonical_row(row, members, kinds, known) for row in only.combinations))
        declared = bool(listed)
        found, sizes = _common(members, evidence, kinds)
        if declared:
            size_of = dict(zip(found, sizes, strict=True))
            combinations = [*listed, *(row for row in found if None in row and row not in set(listed))]
            weights = [size_of.get(row, 0.0) for row in combinations]
        else:
            combinations, weights = found, list(sizes)
        if not combinations:
            raise ConstraintError(
                f"fixed_combinations of {', '.join(members)}: {evidence.nothing_shared}; list what is possible under "
                "combinations, or leave a column out of the rule"
            )
        total = sum(weights)
        shares = tuple(weight / total if total else 1 / len(weights) for weight in weights)
        name = new_name(" + ".join(members), taken)
        return cls(tuple(rules), members, tuple(combinations), shares, declared, name, kinds)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are replaced."""
        return self.members

    @property
    def columns(self) -> dict[str, dict[str, Column]]:
        """What is modelled in place of the targets."""
        source = {} if self.declared else {"categories": Provenance.DATA}
        labels = tuple(str(place) for place in range(len(self.combinations)))
        return {self.members[0]: {self.name: Categorical(categories=labels, nullable=False, provenance=source)}}

    @property
    def listing(self) -> TypedTable:
        """The combinations as rows of the members."""
        columns = {
            name: to_values([row[place] for row in self.combinations], self.kinds[name])
            for place, name in enumerate(self.members)
        }
        return TypedTable(columns, len(self.combinations))

    def literals(self, columns: Sequence[str]) -> tuple[tuple[Any, ...], ...]:
        """The combinations of some of the members, each once, as a schema lists them."""
        places = [self.members.index(name) for name in columns]
        rows = dict.fromkeys(tuple(row[place] for place in places) for row in self.combinations)
        return tuple(
            tuple(
                None if cell is None else written(cell, self.kinds[name])
                for cell, name in zip(row, columns, strict=True)
            )
            for row in rows
        )

    def forward(self, typed: TypedTable) -> dict[str, Values]:
        """What is modelled, of original rows."""
        places = self._places(typed)
        labels = np.array([str(place) for place in range(len(self.combinations))], dtype=object)
        return {self.name: Values(labels[places], np.zeros(typed.n_rows, bool))}

    def backward(self, modelled: TypedTable, original: Mapping[str, Values]) -> dict[str, Values]:
        """The targets, of modelled rows."""
        places = read_labels(modelled.columns[self.name], len(self.combinations))
        return {name: values.take(places) for name, values in self.listing.columns.items()}

    def state(self) -> dict[str, Any]:
        """JSON values, without any row."""
        return {
            "constraints": list(self.constraints),
            "members": list(self.members),
            "combinations": [list(row) for row in self.combinations],
            "weights": list(self.weights),
            "declared": self.declared,
            "name": self.name,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Self:
        """The rewrite that `state` describes."""
        members = tuple(state["members"])
        combinations = tuple(tuple(row) for row in state["combinations"])
        if not combinations or any(len(row) != len(members) for row in combinations):
            raise ValueError("joint: combinations do not fit their columns")
        return cls(
            tuple(state["constraints"]),
            members,
            combinations,
            tuple(float(weight) for weight in state["weights"]),
            bool(state["declared"]),
            str(state["name"]),
            {name: table.columns[name] for name in members},
        )

    def rare_rows(self, typed: TypedTable) -> Array:
        """Rows whose combination is not in the list, shape (n_rows,)."""
        return self._match(typed)[0] < 0

    def _match(self, typed: TypedTable) -> tuple[Array, Array]:
        """Place of each row's combination in the list, -1 where it is not there, and codes of all cells.

        Returns:
            Places, shape (n_rows,), and codes that are equal where cells of a member are, the listed combinations
            first, shape (n_listed + n_rows, n_members).
        """
        n_listed = len(self.combinations)
        listing = self.listing
        codes = []
        for name in self.members:
            known, cells = listing.columns[name], typed.columns[name]
            both = Values(np.concatenate([known.array, cells.array]), np.concatenate([known.missing, cells.missing]))
            codes.append(row_codes([both]))
        rows = row_codes([Values(column, np.zeros(len(column), bool)) for column in codes])
        place_of = np.full(int(rows.max()) + 1, -1)
        place_of[rows[:n_listed]] = np.arange(n_listed)
        return place_of[rows[n_listed:]], np.stack(codes, axis=1)

    def _places(self, typed: TypedTable) -> Array:
        """Place in the list that each row is learned as, shape (n_rows,)."""
        n_listed = len(self.combinations)
        places, cells = self._match(typed)
        rare = np.flatnonzero(places < 0)
        if len(rare):
            empty = np.stack([typed.columns[name].missing[rare] for name in self.members], axis=1)
            kinds, first, which = np.unique(cells[n_listed:][rare], axis=0, return_index=True, return_inverse=True)
            places[rare] = self._nearest(cells[:n_listed], kinds, empty[first])[which.reshape(-1)]
        return places

    def _nearest(self, listed: Array, rare: Array, empty: Array) -> Array:
        """Place of the listed combination that stands in for each rare one, shape (n_rare,).

        Args:
            listed: Codes of the listed combinations, shape (n_listed, n_members).
            rare: Codes of the rare ones, shape (n_rare, n_members).
            empty: Which cells of the rare ones are missing, shape (n_rare, n_members).
        """
        listed_empty = np.array([[cell is None for cell in row] for row in self.combinations])
        weights = np.maximum(np.array(self.weights), 1e-12)
        blind = len(set(self.weights)) == 1
        nearest = np.empty(len(rare), np.int64)
        step = max(1, _CHUNK // (listed.size or 1))
        for start in range(0, len(rare), step):
            chunk, gaps = rare[start : start + step], empty[start : start + step]
            equal = (chunk[:, None, :] == listed[None, :, :]).sum(axis=2)  # (n_chunk, n_listed)
            alike = (gaps[:, None, :] == listed_empty[None, :, :]).sum(axis=2)
            agreement = equal * (len(self.members) + 1) + alike
            best = agreement == agreement.max(axis=1, keepdims=True)
            if blind:
                nearest[start : start + step] = best.argmax(axis=1)
                continue
            cumulative = np.cumsum(np.where(best, weights, 0.0), axis=1)
            # Golden-section steps spread the choices evenly, in proportion and without a random draw.
            share = ((start + np.arange(len(chunk)) + 0.5) * _GOLDEN) % 1.0
            nearest[start : start + step] = (cumulative <= share[:, None] * cumulative[:, -1:]).sum(axis=1)
        return nearest


def read_labels(values: Values, n_labels: int) -> Array:
    """Labels as places in a list of `n_labels`; the first place where there is none. Shape (n_rows,)."""
    place_of = {str(place): place for place in range(n_labels)}
    codes, texts = pd.factorize(values.array)
    places = np.array([place_of.get(text, 0) for text in texts], np.int64)
    return np.where(values.missing, 0, places[codes]) if len(places) else np.zeros(len(values), np.int64)


def _common(
    members: tuple[str, ...], evidence: Evidence, kinds: Mapping[str, Column]
) -> tuple[list[Combination], list[float]]:
    """Combinations that at least k people have, commonest first, and how many rows have each."""
    if evidence.typed is None or not evidence.typed.n_rows:
        return [], []
    columns = [evidence.typed.columns[name] for name in members]
    codes = row_codes(columns)
    counts = np.bincount(codes)
    people = evidence.people_per_code(codes, len(counts))
    _, first = np.unique(codes, return_index=True)
    kept = np.flatnonzero(people >= evidence.k)
    # Ties in the order of the values, not of the rows: which row came first is nobody's business.
    rows = {int(code): _row(columns, int(first[code])) for code in kept}
    order = sorted(rows, key=lambda code: (-int(counts[code]), [("" if c is None else str(c)) for c in rows[code]]))
    return [rows[code] for code in order], [float(counts[code]) for code in order]


def _row(columns: Sequence[Values], row: int) -> Combination:
    cells: list[Canonical | None] = []
    for values in columns:
        cell = values.array[row]
        cells.append(None if values.missing[row] else cell.item() if isinstance(cell, np.generic) else str(cell))
    return tuple(cells)


def _canonical_row(
    row: Sequence[Any],
    members: tuple[str, ...],
    kinds: Mapping[str, Column],
    known: Mapping[str, frozenset[str] | None],
) -> Combination:
    return tuple(
        None if cell is None else canonical(cell, kinds[name], name=name, known=known[name])
        for cell, name in zip(row, members, strict=True)
    )
