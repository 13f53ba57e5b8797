"""One-hot columns: one column that names which of them is 1.

Decisions
- Rows in which all columns are empty stay so, where at least k people have such rows. A row in which only some cells
  are there is learned by its 1; where such rows have no 1 and at least k people have them, the columns are left as
  they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite, new_name
from tabsynth.schema.checks import flag_cells
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.constraints import OneHot
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Choice(Rewrite):
    """Which of several columns is 1."""

    type: ClassVar[str] = "one_hot"
    constraints: tuple[int, ...]
    members: tuple[str, ...]
    fallback: str
    """Member that stands in where a row names none although it may not be empty."""
    nullable: bool
    name: str
    kinds: Mapping[str, Column]

    @classmethod
    def plan(cls, number: int, rule: OneHot, evidence: Evidence, *, taken: Collection[str]) -> Choice | None:
        """The rewrite, or None where the rows break the rule or leave open which column is 1.

        Privacy: Which column is 1 most often leaves.
        """
        members = rule.columns
        kinds = {name: evidence.table.columns[name] for name in members}
        unfit = any(isinstance(column, DateTime | Identifier | Text) for column in kinds.values())
        if unfit or len(set(members)) < len(members) or not evidence.keeps(rule):
            return None

        def empty(typed: TypedTable) -> Array:
            return np.asarray(np.all([typed.columns[name].missing for name in members], axis=0))

        def open_(typed: TypedTable) -> Array:
            return np.asarray(~empty(typed) & ~np.any(_ones(members, typed, kinds), axis=0))

        if evidence.asks_for(open_, otherwise=False):
            return None
        fallback = members[0]
        if evidence.typed is not None:
            fallback = members[int(np.argmax([ones.sum() for ones in _ones(members, evidence.typed, kinds)]))]
        nullable = evidence.asks_for(empty, otherwise=all(column.nullable for column in kinds.values()))
        return cls((number,), members, fallback, nullable, new_name(f"which of {', '.join(members)}", taken), kinds)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are replaced."""
        return self.members

    @property
    def columns(self) -> dict[str, dict[str, Column]]:
        """What is modelled in place of the targets."""
        return {self.members[0]: {self.name: Categorical(categories=self.members, nullable=self.nullable)}}

    def forward(self, typed: TypedTable) -> dict[str, Values]:
        """What is modelled, of original rows."""
        ones = np.stack(_ones(self.members, typed, self.kinds))  # (n_members, n_rows)
        some = ones.any(axis=0)
        named = np.where(some, np.array(self.members, dtype=object)[ones.argmax(axis=0)], self.fallback)
        empty = np.all([typed.columns[name].missing for name in self.members], axis=0)
        missing = empty & self.nullable
        return {self.name: Values(np.where(missing, "", named).astype(object), missing)}

    def backward(self, modelled: TypedTable, original: Mapping[str, Values]) -> dict[str, Values]:
        """The targets, of modelled rows."""
        chosen = modelled.columns[self.name]
        known = pd.Series(chosen.array, dtype=object).isin(self.members).to_numpy(bool)
        named = np.where(known & ~chosen.missing, chosen.array, self.fallback)
        missing = chosen.missing & self.nullable
        return {name: _flags((named == name) & ~missing, missing, self.kinds[name]) for name in self.members}

    def state(self) -> dict[str, Any]:
        """JSON values, without any row."""
        return {
            "constraints": list(self.constraints),
            "members": list(self.members),
            "fallback": self.fallback,
            "nullable": self.nullable,
            "name": self.name,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Self:
        """The rewrite that `state` describes."""
        members = tuple(state["members"])
        if state["fallback"] not in members:
            raise ValueError("one_hot: the fallback is none of its columns")
        kinds = {name: table.columns[name] for name in members}
        return cls(
            tuple(state["constraints"]), members, state["fallback"], bool(state["nullable"]), str(state["name"]), kinds
        )


def _ones(members: tuple[str, ...], typed: TypedTable, kinds: Mapping[str, Column]) -> list[Array]:
    return [flag_cells(typed.columns[name], kinds[name], name=name)[0] for name in members]


def _flags(ones: Array, missing: Array, column: Column) -> Values:
    if isinstance(column, Boolean):
        return Values(ones, missing)
    if isinstance(column, Integer):
        return Values(ones.astype(np.int64), missing)
    if isinstance(column, Number):
        return Values(ones.astype(np.float64), missing)
    texts = np.array(["0", "1"], dtype=object)[ones.astype(np.int8)]
    return Values(np.where(missing, "", texts).astype(object), missing)
