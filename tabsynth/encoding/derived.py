"""Rewriting of a table so that constraints hold by construction: what a generator models, and the way back.

    columns of the schema --forward--> columns to model --generator--> drawn columns --backward--> columns of the schema

inequality, chained_inequality, range   one column stays, the others become distances       derivations/gaps.py
formula, sum_to                         the determined column is left out and calculated    derivations/computed.py
fixed_combinations                      one column of labels of combinations                derivations/joint.py
one_hot                                 one column that names the 1                         derivations/one_hot.py
fixed_nulls                             one more column with the pattern of missing cells   derivations/patterns.py
conditional, unique, regex              left to the caller, which rejects rows that violate them

Decisions
- A column is made by one rewriting at most, and rewritings may not need each other in a circle. Combinations come
  first (a row of a kept combination keeps every rule inside it), then formulas and sums, which no rejection could
  meet, then one-hot columns, distances and patterns. A constraint that finds its columns taken is left to the caller;
  it is not in `satisfied`.
- A rule that says "as in the training data" comes out with its list filled in (`constraints`), so that the caller can
  check it.
- A derived column may lie outside its declared bounds. Holding it there would break the constraint, so the caller
  rejects such rows.
- A constraint that the training rows break is not built in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tabsynth.encoding.derivations.computed import Computed
from tabsynth.encoding.derivations.gaps import Gaps
from tabsynth.encoding.derivations.joint import Joint
from tabsynth.encoding.derivations.one_hot import Choice
from tabsynth.encoding.derivations.patterns import Patterns
from tabsynth.encoding.derivations.plan import Plan
from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite
from tabsynth.errors import ArtifactError, UsageError
from tabsynth.schema.checks import row_codes
from tabsynth.schema.columns import Column, Number
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]

_REWRITES: dict[str, type[Rewrite]] = {kind.type: kind for kind in (Gaps, Computed, Joint, Choice)}


@dataclass(frozen=True)
class Derivation:
    """The rewriting of one table. Made by `derive` or `from_state`; holds no row."""

    table: Table
    names: tuple[str, ...]
    """Original columns, in the order of the table."""
    rewrites: tuple[Rewrite, ...]
    """In an order in which each finds what it reads."""
    patterns: tuple[Patterns, ...]
    satisfied: tuple[int, ...]
    """Indices of the constraints that hold by construction."""
    constraints: tuple[Constraint, ...]
    """Constraints of the table, with combinations and patterns that were learned filled in; checked in place of the
    table's."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a user should know: how much was too rare to learn."""

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns that a generator models, in order."""
        made: dict[str, Mapping[str, Column]] = {}
        for rewrite in self.rewrites:
            made |= {target: rewrite.columns.get(target, {}) for target in rewrite.targets}
        before = {pattern.members[0]: pattern for pattern in self.patterns}
        columns: dict[str, Column] = {}
        for name in self.names:
            if name in before:
                columns[before[name].name] = before[name].column
            columns |= made.get(name, {name: self.table.columns[name]})
        return columns

    @cached_property
    def direct(self) -> frozenset[str]:
        """Original columns that are modelled as they are."""
        made = {target for rewrite in self.rewrites for target in rewrite.targets}
        settled = {member for pattern in self.patterns for member in pattern.members}
        return frozenset(self.names) - made - settled

    def dependents(self, name: str) -> tuple[str, ...]:
        """Modelled columns that hold the value of an original column, or are measured from it."""
        made = {target for rewrite in self.rewrites for target in rewrite.targets}
        own = () if name in made else (name,)
        return (*own, *(part for rewrite in self.rewrites for part in rewrite.dependents(name)))

    def forward(self, typed: TypedTable) -> TypedTable:
        """The columns to model, of original rows."""
        found = {name: typed.columns[name] for name in self.names}
        for rewrite in self.rewrites:
            found |= rewrite.forward(typed)
        for pattern in self.patterns:
            found[pattern.name] = pattern.label(typed)
        return TypedTable({name: found[name] for name in self.columns}, typed.n_rows)

    def backward(self, typed: TypedTable) -> TypedTable:
        """The original columns, of modelled rows."""
        return self._backward(typed, None, {})

    def complete(self, typed: TypedTable, known: TypedTable, fill: Mapping[str, Array]) -> TypedTable:
        """Original rows with some cells filled in from modelled rows.

        Args:
            typed: Modelled rows that were drawn for them.
            known: The original rows.
            fill: Cells to fill in, by column, shape (n_rows,), bool; all other cells come back as they are known.
        """
        return self._backward(typed, known, fill)

    def _backward(self, typed: TypedTable, known: TypedTable | None, fill: Mapping[str, Array]) -> TypedTable:
        modelled = {name: _on_steps(typed.columns[name], column) for name, column in self.columns.items()}
        for pattern in self.patterns:
            modelled |= pattern.settle(TypedTable(modelled, typed.n_rows), self.columns)
        made = {target for rewrite in self.rewrites for target in rewrite.targets}
        original = {name: modelled[name] for name in self.names if name not in made}
        if known is not None:
            original = _filled(known, original, fill)
        for rewrite in self.rewrites:
            remade = rewrite.backward(TypedTable(modelled, typed.n_rows), original)
            if known is not None:
                remade = _filled(known, rewrite.anchored(remade, original, known, fill), fill)
            original |= remade
        return TypedTable({name: original[name] for name in self.names}, typed.n_rows)

    def state(self) -> dict[str, Any]:
        """What a model file holds of this: JSON values, no row, and nothing that fewer than k people share."""
        learned = {
            str(number): rule.model_dump(mode="json", include={"combinations", "patterns"})
            for number, rule in enumerate(self.constraints)
            if rule is not self.table.constraints[number]
        }
        return {
            "names": list(self.names),
            "rewrites": [{"type": rewrite.type, **rewrite.state()} for rewrite in self.rewrites],
            "patterns": [pattern.state() for pattern in self.patterns],
            "satisfied": list(self.satisfied),
            "learned": learned,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Derivation:
        """The derivation that `state` describes, for the same table.

        Raises:
            ArtifactError: The state is damaged, or belongs to another table.
        """
        try:
            rewrites = tuple(_REWRITES[saved["type"]].from_state(saved, table) for saved in state["rewrites"])
            patterns = tuple(Patterns.from_state(saved, table) for saved in state["patterns"])
            constraints = list(table.constraints)
            for number, lists in state["learned"].items():
                filled = {key: tuple(tuple(row) for row in rows) for key, rows in lists.items()}
                constraints[int(number)] = constraints[int(number)].model_copy(update=filled)
            satisfied = tuple(int(number) for number in state["satisfied"])
            derivation = cls(table, tuple(state["names"]), rewrites, patterns, satisfied, tuple(constraints))
            known = all(name in table.columns for name in derivation.names) and bool(derivation.columns)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError("derivation: the saved state is damaged; make the model file again") from error
        if not known or any(not 0 <= number < len(constraints) for number in satisfied):
            raise ArtifactError(
                "derivation: the saved state belongs to another schema; use the model file's own schema"
            )
        return derivation


def derive(table: Table, typed: TypedTable | None, *, k: int = 10, entities: Array | None = None) -> Derivation:
    """Choose a rewriting under which as many constraints as possible hold by construction.

    Args:
        table: The declaration.
        typed: Training rows; constraints on columns that are not in it are left alone. None: the schema alone decides,
            as differential privacy demands.
        k: People that whatever is learned must rest on.
        entities: Code of the person of each row, shape (n_rows,). None: taken from the table's entity key, if any.

    Raises:
        ConstraintError: A rule means "as in the training data", and nothing in the data is shared by `k` people.
        UsageError: `k` is below 1.

    Privacy:
        Which rewriting is chosen depends on whether the rows keep a constraint, and on whether at least `k` people
        show a gap. Combinations of values, patterns of missing cells and most common categories that at least `k`
        people have leave.
    """
    if k < 1:
        raise UsageError("k: must be at least 1")
    if entities is None and typed is not None:
        entities = _entities(table, typed)
    plan = Plan(Evidence(table, typed, k, entities))
    plan.combinations()
    plan.inside_combinations()
    plan.calculations()
    plan.choices()
    plan.distances()
    plan.gaps()
    return Derivation(
        table,
        plan.names,
        plan.ordered,
        tuple(plan.patterns),
        tuple(sorted(plan.satisfied)),
        tuple(plan.constraints),
        tuple(plan.notes),
    )


def _entities(table: Table, typed: TypedTable) -> Array | None:
    """Code of the person of each row, shape (n_rows,); a row without a key is a person of its own."""
    if table.entity_key is None or table.entity_key not in typed.columns:
        return None
    values = typed.columns[table.entity_key]
    codes = row_codes([values])
    alone = np.flatnonzero(values.missing)
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(len(alone))
    return codes


def _filled(known: TypedTable, drawn: Mapping[str, Values], fill: Mapping[str, Array]) -> dict[str, Values]:
    """Known cells, and drawn ones where they are to be filled in."""
    filled = {}
    for name, values in drawn.items():
        before = known.columns[name]
        filled[name] = before
        if name in fill:
            new = fill[name] & ~values.missing
            array = np.where(new, values.array, before.array).astype(before.array.dtype)
            filled[name] = Values(array, before.missing & ~new)
    return filled


def _on_steps(values: Values, column: Column) -> Values:
    """Numbers rounded as they will be written, so that what is calculated from them agrees with what is seen."""
    if isinstance(column, Number) and column.decimals is not None:
        return Values(np.round(values.array, column.decimals), values.missing)
    return values
