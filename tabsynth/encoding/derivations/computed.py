"""Columns that a formula or a sum determines: left out of the model and calculated on the way back.

Decisions
- What the calculation cannot know is modelled beside it, where at least k people show it: whether the cell is missing
  although it could be calculated, and its value where it cannot. Rarer cases are not learned.
- Of a sum any column may be the one that is calculated: the total first, then the last part. A part is chosen only
  where its steps are as fine as those of all others, or rounding would break the sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tabsynth.encoding.datetime import from_steps, to_steps
from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite, new_name, nullable_copy
from tabsynth.encoding.derivations.steps import moment_range
from tabsynth.schema.calculations import as_text, calculate
from tabsynth.schema.columns import Boolean, Column, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.constraints import Formula, SumTo
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]

_LARGEST = 2.0**62
_DAY = 86_400e6
_NEWTON_STEPS = 4


@dataclass(frozen=True)
class Computed(Rewrite):
    """One column that others determine."""

    type: ClassVar[str] = "computed"
    constraints: tuple[int, ...]
    rule: Formula | SumTo
    target: str
    gap_name: str | None
    """Modelled column that says whether the cell is missing although it could be calculated."""
    leftover_name: str | None
    """Modelled column of the values that cannot be calculated."""
    table: Table

    @classmethod
    def plan(
        cls, number: int, rule: Formula | SumTo, target: str, evidence: Evidence, *, taken: Collection[str]
    ) -> Computed | None:
        """The rewrite that calculates `target`, or None where the training rows break the rule."""
        table = evidence.table
        bare = cls((number,), rule, target, None, None, table)
        if isinstance(table.columns[target], Identifier | Text) or not evidence.keeps(rule):
            return None

        def silent(typed: TypedTable) -> Array:
            return typed.columns[target].missing & bare._known(typed)

        def unexplained(typed: TypedTable) -> Array:
            return ~bare._known(typed) & ~typed.columns[target].missing

        gap_name = leftover_name = None
        if evidence.asks_for(silent, otherwise=table.columns[target].nullable):
            gap_name = new_name(f"{target} is missing", taken)
        if evidence.asks_for(unexplained, otherwise=any(table.columns[name].nullable for name in bare.reads)):
            leftover_name = new_name(f"{target} where it cannot be calculated", taken)
        return cls((number,), rule, target, gap_name, leftover_name, table)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are replaced."""
        return (self.target,)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that must be there before the targets are made."""
        return tuple(name for name in self.rule.involved if name != self.target)

    @property
    def columns(self) -> dict[str, dict[str, Column]]:
        """What is modelled in place of the targets."""
        column = self.table.columns[self.target]
        made: dict[str, Column] = {}
        if self.gap_name is not None:
            made[self.gap_name] = Boolean(nullable=False, role=column.role)
        if self.leftover_name is not None:
            made[self.leftover_name] = nullable_copy(column, nullable=True)
        return {self.target: made}

    def forward(self, typed: TypedTable) -> dict[str, Values]:
        """What is modelled, of original rows."""
        cells, known = typed.columns[self.target], self._known(typed)
        made: dict[str, Values] = {}
        if self.gap_name is not None:
            made[self.gap_name] = Values(cells.missing & known, np.zeros(typed.n_rows, bool))
        if self.leftover_name is not None:
            hidden = cells.missing | known
            empty = "" if cells.array.dtype == object else cells.array.dtype.type(0)
            made[self.leftover_name] = Values(np.where(hidden, empty, cells.array), hidden)
        return made

    def backward(self, modelled: TypedTable, original: Mapping[str, Values]) -> dict[str, Values]:
        """The target, of modelled rows."""
        value = calculate(self.rule, self.target, TypedTable(original, modelled.n_rows), self.table)
        result = written(value, self.table.columns[self.target])
        array, missing = result.array, result.missing
        if self.leftover_name is not None:
            rest = modelled.columns[self.leftover_name]
            array = np.where(value.missing, rest.array, array)
            missing = np.where(value.missing, rest.missing, missing)
        if self.gap_name is not None:
            silent = modelled.columns[self.gap_name]
            missing = missing | (silent.array & ~silent.missing & ~value.missing)
        empty = "" if array.dtype == object else array.dtype.type(0)
        return {self.target: Values(np.where(missing, empty, array), missing)}

    def dependents(self, name: str) -> tuple[str, ...]:
        """What stands in where nothing can be calculated; whether a cell is missing is no value."""
        return () if self.leftover_name is None or name not in self.rule.involved else (self.leftover_name,)

    def anchored(
        self, made: Mapping[str, Values], original: Mapping[str, Values], known: TypedTable, fill: Mapping[str, Array]
    ) -> dict[str, Values]:
        """Where the target is known and an input was drawn, the input is moved to where the calculation agrees."""
        moved = dict(made)
        never = np.zeros(known.n_rows, bool)
        target = known.columns[self.target]
        todo = ~target.missing & ~fill.get(self.target, never)
        if not isinstance(self.table.columns[self.target], Integer | Number | DateTime):
            return moved
        for name in self.reads:
            numeric = isinstance(self.table.columns[name], Integer | Number | DateTime)
            rows = np.flatnonzero(todo & fill.get(name, never) & ~original[name].missing)
            if numeric and len(rows):
                cells = {other: values.take(rows) for other, values in original.items()}
                array = original[name].array.copy()
                array[rows] = self._solved(name, cells, target.array[rows].astype(np.float64))
                moved[name] = Values(array, original[name].missing)
                todo[rows] = False
        return moved

    def _solved(self, name: str, cells: Mapping[str, Values], wanted: Array) -> Array:
        """An input at which the calculation gives the wanted values, by Newton's steps; as near as it gets."""
        column, nothing = self.table.columns[name], cells[name].missing
        step = _DAY if isinstance(column, DateTime) else 1.0

        def value(array: Array) -> Array:
            typed = TypedTable({**cells, name: written(Values(array, nothing), column)}, len(wanted))
            found = calculate(self.rule, self.target, typed, self.table)
            return np.where(found.missing, np.nan, found.array.astype(np.float64))

        array = cells[name].array.astype(np.float64)
        for _ in range(_NEWTON_STEPS):
            here = value(array)
            slope = (value(array + step) - here) / step
            with np.errstate(divide="ignore", invalid="ignore"):
                change = (wanted - here) / slope
            array = array + np.where(np.isfinite(change), change, 0.0)
        return written(Values(array, nothing), column).array.astype(cells[name].array.dtype)

    def state(self) -> dict[str, Any]:
        """JSON values, without any row."""
        return {
            "constraints": list(self.constraints),
            "target": self.target,
            "gap_name": self.gap_name,
            "leftover_name": self.leftover_name,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Self:
        """The rewrite that `state` describes."""
        rule = table.constraints[state["constraints"][0]]
        if not isinstance(rule, Formula | SumTo) or state["target"] not in rule.involved:
            raise ValueError("computed: names no formula or sum of the schema")
        return cls(tuple(state["constraints"]), rule, state["target"], state["gap_name"], state["leftover_name"], table)

    def _known(self, typed: TypedTable) -> Array:
        """Rows in which the target can be calculated, shape (n_rows,)."""
        return ~calculate(self.rule, self.target, typed, self.table).missing


def possible_targets(rule: Formula | SumTo, table: Table) -> Iterator[str]:
    """Columns that the rule can calculate, best first."""
    if isinstance(rule, Formula):
        yield rule.column
        return
    if isinstance(rule.total, str):
        yield rule.total
    for name in reversed(rule.columns):
        if all(_decimals(table.columns[name]) >= _decimals(table.columns[other]) for other in rule.involved):
            yield name


def _decimals(column: Column) -> float:
    if isinstance(column, Number):
        return np.inf if column.decimals is None else column.decimals
    return 0


def written(value: Values, column: Column) -> Values:
    """A calculated value as its column writes it; what the column cannot hold is missing. Shape (n_rows,)."""
    array, missing = value.array, value.missing
    if isinstance(column, Number):
        numbers = array.astype(np.float64)
        return Values(numbers if column.decimals is None else np.round(numbers, column.decimals), missing)
    if isinstance(column, Integer):
        numbers = np.rint(array.astype(np.float64))
        bad = missing | (np.abs(numbers) > _LARGEST)
        return Values(np.where(bad, 0, numbers).astype(np.int64), bad)
    if isinstance(column, DateTime):
        first, last = moment_range(column, local=True)
        bad = missing | (array < first) | (array > last)
        micros = np.where(bad, 0, array)
        return Values(np.where(bad, 0, from_steps(to_steps(micros, column), column)), bad)
    if isinstance(column, Boolean):
        return value
    return as_text(value)
