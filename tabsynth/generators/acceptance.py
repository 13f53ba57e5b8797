"""Which drawn rows may be kept: those that satisfy the schema's rules and the conditions that were asked for.

Rules that are true by construction are not looked at again. Rows that fail are drawn anew, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tabsynth.encoding.derived import Derivation
from tabsynth.errors import ConstraintError
from tabsynth.schema.checks import matches, violating_rows
from tabsynth.schema.columns import DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Constraint, Regex, Unique
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values, to_micros

Array = np.ndarray[Any, Any]

MAX_DRAWS_PER_ROW = 500
"""Rows drawn for one row that is kept, at most, on average."""


class Acceptance:
    """Keeps rows of one draw that satisfy everything, and remembers what the others failed."""

    def __init__(self, table: Table, derivation: Derivation, conditions: Sequence[Condition] = ()) -> None:
        self.table = table
        self.derivation = derivation
        self.conditions = conditions
        self.rules = _rules_left(table, derivation)
        self.rejected: dict[str, int] = {}
        """Rows that each rule or condition rejected so far, by name."""

    def good(self, typed: TypedTable) -> Array:
        """Rows that keep the rules, shape (n_rows,), bool."""
        good = np.ones(typed.n_rows, bool)

        def strike(name: str, bad: Array) -> None:
            self._count(name, bad)
            good[bad] = False

        for constraint in self.rules:
            label = constraint.name or f"{constraint.type} of {', '.join(constraint.involved)}"
            strike(f"constraint {label}", violating_rows(constraint, typed, self.table))
        for condition in self.conditions:
            column, values = self.table.columns[condition.column], typed.columns[condition.column]
            if isinstance(column, Identifier | Text):
                strike(f"given {condition.column}", values.missing != bool(condition.missing))
            else:
                strike(f"given {condition.column}", ~matches(condition, values, column))
        for name, column in self.table.columns.items():
            if name not in self.derivation.direct and isinstance(column, Integer | Number | DateTime):
                strike(f"bounds of {name}", outside(typed.columns[name], column))
            if not column.nullable:
                strike(f"{name} (may not be empty)", typed.columns[name].missing)
        return good

    def without_repeats(self, typed: TypedTable) -> TypedTable:
        """Drop rows that repeat a key or a combination that must be unique, first one kept."""
        keys = [c.columns for c in self.table.constraints if isinstance(c, Unique)]
        keys += [self.table.primary_key] if self.table.primary_key else []
        for columns in keys:
            if any(isinstance(self.table.columns[name], Identifier | Text) for name in columns):
                continue  # surrogates are made unique
            bad = violating_rows(Unique(columns=columns), typed, self.table)
            if bad.any():
                self._count(f"unique {', '.join(columns)}", bad)
                typed = typed.take(np.flatnonzero(~bad))
        return typed

    def require_hope(self, n_rows: int, kept: int, tried: int) -> None:
        """Give up where too few of the rows that were drawn are good.

        Raises:
            ConstraintError: It names what rejects most of them.
        """
        if kept < n_rows and tried > MAX_DRAWS_PER_ROW * n_rows + 20_000:
            worst = max(self.rejected, key=lambda name: self.rejected[name])
            raise ConstraintError(
                f"only {kept} of {n_rows} rows were found in {tried} draws; {worst} rejects "
                f"{self.rejected[worst] / tried:.1%} of them. Loosen it, ask for fewer rows, or "
                "condition on something that the model produces more often"
            )

    def _count(self, name: str, bad: Array) -> None:
        if bad.any():
            self.rejected[name] = self.rejected.get(name, 0) + int(bad.sum())


def rows_to_ask(n_rows: int, kept: int, tried: int) -> int:
    """Rows to draw next, after `kept` of `tried` were good."""
    rate = max(kept / tried, 0.005) if tried else 1.0
    wanted = max(1, n_rows - kept)
    ask = wanted if not tried else int(np.ceil(wanted / rate * 1.1)) + 8
    return min(ask, max(1_000_000, wanted))


def outside(values: Values, column: Integer | Number | DateTime) -> Array:
    """Rows whose value lies outside bounds that are rules, shape (n_rows,)."""
    bad = np.zeros(len(values), bool)
    for bound in ("lower", "upper"):
        if not column.is_rule(bound):
            continue
        limit = getattr(column, bound)
        limit = to_micros(limit, column.time_zone) if isinstance(column, DateTime) else limit
        bad |= values.array < limit if bound == "lower" else values.array > limit
    return bad & ~values.missing


def _rules_left(table: Table, derivation: Derivation) -> list[Constraint]:
    """Constraints that are neither true by construction nor about repeats and invented values."""
    return [
        constraint
        for number, constraint in enumerate(derivation.constraints)
        if number not in derivation.satisfied
        and not isinstance(constraint, Unique)
        and not (isinstance(constraint, Regex) and isinstance(table.columns[constraint.column], Identifier | Text))
    ]
