"""Columns in order (inequality, chain, range): the first stays, each next one becomes its distance from the one before.

A distance cannot be negative, so the order holds whatever the model draws.

Decisions
- A missing cell in the middle is skipped: the next column is measured from the last one that is there.
- Where at least k people have a later column without any earlier one, a further column keeps those values as they are;
  fewer such rows are not learned.
- A chain may also be read from its last column downwards, where the first one is already made from something else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite, new_name, nullable_copy
from tabsynth.encoding.derivations.steps import MomentSteps, NumberSteps, Steps
from tabsynth.schema.checks import ascending_columns
from tabsynth.schema.columns import Column, DateTime, Integer, Number
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.model import Table
from tabsynth.schema.ordering import bounds, scale
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Gaps(Rewrite):
    """A base column and the distances of the others, one after the other."""

    type: ClassVar[str] = "gaps"
    constraints: tuple[int, ...]
    chain: tuple[str, ...]
    """The base, then the targets, in the order in which they are made."""
    sign: int
    """1 where each column is above the one before it in `chain`, -1 where below."""
    strict: bool
    gap_names: Mapping[str, str]
    """Modelled column of distances, by target."""
    leftover_names: Mapping[str, str]
    """Modelled column of a target's values in rows where no earlier column is there, by target."""
    kinds: Mapping[str, Column]

    @classmethod
    def plan(
        cls, number: int, constraint: Constraint, evidence: Evidence, *, reverse: bool, taken: Collection[str]
    ) -> Gaps | None:
        """The rewrite for a constraint, or None where its columns cannot be measured or its rows break it."""
        ascending = ascending_columns(constraint)
        if ascending is None:
            return None
        names, strict = ascending
        kinds = {name: evidence.table.columns[name] for name in names}
        numeric = all(isinstance(column, Integer | Number) for column in kinds.values())
        moments = all(isinstance(column, DateTime) for column in kinds.values())
        comparable = len({scale(column) for column in kinds.values()}) == 1
        if not (numeric or moments) or not comparable or len(set(names)) < len(names) or not evidence.keeps(constraint):
            return None
        chain = names[::-1] if reverse else names
        used = set(taken)
        gap_names: dict[str, str] = {}
        leftovers: dict[str, str] = {}
        for place, target in enumerate(chain[1:], start=1):
            earlier = chain[:place]
            top, bottom = (earlier[-1], target) if reverse else (target, earlier[-1])
            gap_names[target] = new_name(f"{top} minus {bottom}", used)
            used.add(gap_names[target])

            def alone(typed: TypedTable, target: str = target, earlier: tuple[str, ...] = earlier) -> Array:
                nothing = np.all([typed.columns[name].missing for name in earlier], axis=0)
                return np.asarray(nothing & ~typed.columns[target].missing)

            if evidence.asks_for(alone, otherwise=all(kinds[name].nullable for name in earlier)):
                leftovers[target] = new_name(f"{target} where {earlier[-1]} is missing", used)
                used.add(leftovers[target])
        return cls((number,), chain, -1 if reverse else 1, strict, gap_names, leftovers, kinds)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are replaced."""
        return self.chain[1:]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that must be there before the targets are made."""
        return self.chain[:1]

    @property
    def columns(self) -> dict[str, dict[str, Column]]:
        """What is modelled in place of the targets."""
        made: dict[str, dict[str, Column]] = {}
        for place, target in enumerate(self.chain[1:], start=1):
            column = self.kinds[target]
            nullable = any(self.kinds[name].nullable for name in self.chain[: place + 1])
            gap = self._steps.gap_column(
                strict=self.strict, longest=self._longest(place), nullable=nullable, like=column
            )
            made[target] = {self.gap_names[target]: gap}
            if target in self.leftover_names:
                made[target][self.leftover_names[target]] = nullable_copy(column, nullable=True)
        return made

    def forward(self, typed: TypedTable) -> dict[str, Values]:
        """What is modelled, of original rows."""
        made: dict[str, Values] = {}
        base = typed.columns[self.chain[0]]
        last = Values(self._steps.index(base.array, self.kinds[self.chain[0]]), base.missing)
        for target in self.targets:
            here = typed.columns[target]
            index = self._steps.index(here.array, self.kinds[target])
            both = ~last.missing & ~here.missing
            gap = self._steps.distance(last.array, index) * self.sign
            made[self.gap_names[target]] = Values(np.where(both, np.maximum(gap, 0), gap.dtype.type(0)), ~both)
            if target in self.leftover_names:
                hidden = here.missing | ~last.missing
                empty = here.array.dtype.type(0)
                made[self.leftover_names[target]] = Values(np.where(hidden, empty, here.array), hidden)
            last = Values(np.where(here.missing, last.array, index), last.missing & here.missing)
        return made

    def backward(self, modelled: TypedTable, original: Mapping[str, Values]) -> dict[str, Values]:
        """The targets, of modelled rows."""
        made: dict[str, Values] = {}
        last = original[self.chain[0]]
        index = self._steps.index(last.array, self.kinds[self.chain[0]])
        for target in self.targets:
            column, gap = self.kinds[target], modelled.columns[self.gap_names[target]]
            missing = last.missing | gap.missing
            distance = np.clip(np.where(missing, 0, gap.array), 0, 2**61).astype(index.dtype)
            array, none = self._steps.beyond(last.array, index, distance, column, sign=self.sign, strict=self.strict)
            missing = missing | none
            if target in self.leftover_names:
                rest = modelled.columns[self.leftover_names[target]]
                array = np.where(last.missing, rest.array, array)
                missing = np.where(last.missing, rest.missing, missing)
            made[target] = Values(np.where(missing, array.dtype.type(0), array), missing)
            here = self._steps.index(array, column)
            # Datetimes are compared in microseconds, numbers as they are: `last` keeps the canonical value.
            last = Values(np.where(missing, last.array, array), last.missing & missing)
            index = np.where(missing, index, here)
        return made

    def dependents(self, name: str) -> tuple[str, ...]:
        """The distance of a column from the ones before it, and all later ones."""
        if name not in self.chain:
            return ()
        made = self.columns
        return tuple(part for target in self.chain[max(1, self.chain.index(name)) :] for part in made[target])

    def anchored(
        self, made: Mapping[str, Values], original: Mapping[str, Values], known: TypedTable, fill: Mapping[str, Array]
    ) -> dict[str, Values]:
        """Where the base was drawn and a later column is known, the distances are counted back from that column."""
        chain = {self.chain[0]: original[self.chain[0]], **made}
        never = np.zeros(known.n_rows, bool)
        drawn = fill.get(self.chain[0], never)
        fits = ~drawn
        shift = np.zeros(known.n_rows, np.int64 if self._whole else np.float64)
        for target in self.targets:
            cells, here = known.columns[target], chain[target]
            found = ~fits & ~fill.get(target, never) & ~cells.missing & ~here.missing
            start, end = (self._steps.index(values.array, self.kinds[target]) for values in (here, cells))
            shift = np.where(found, self._steps.distance(start, end), shift)
            fits = fits | found
        moved = drawn & fits
        for name, values in chain.items() if moved.any() else ():
            column = self.kinds[name]
            array = self._steps.value(self._steps.index(values.array, column) + shift, column)
            chain[name] = Values(np.where(moved & ~values.missing, array, values.array), values.missing)
        return chain

    def state(self) -> dict[str, Any]:
        """JSON values, without any row."""
        return {
            "constraints": list(self.constraints),
            "chain": list(self.chain),
            "sign": self.sign,
            "strict": self.strict,
            "gap_names": dict(self.gap_names),
            "leftover_names": dict(self.leftover_names),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], table: Table) -> Self:
        """The rewrite that `state` describes."""
        chain = tuple(state["chain"])
        return cls(
            tuple(state["constraints"]),
            chain,
            int(state["sign"]),
            bool(state["strict"]),
            dict(state["gap_names"]),
            dict(state["leftover_names"]),
            {name: table.columns[name] for name in chain},
        )

    @property
    def _whole(self) -> bool:
        return not any(isinstance(column, Number) for column in self.kinds.values())

    @property
    def _steps(self) -> Steps:
        columns = list(self.kinds.values())
        return MomentSteps(columns) if isinstance(columns[0], DateTime) else NumberSteps(columns)

    def _longest(self, place: int) -> float | None:
        """Largest distance, in steps, that the bounds of the schema leave between a target and what comes before it."""
        near, far = (0, 1) if self.sign == 1 else (1, 0)
        starts = [self._bound(name, near) for name in self.chain[:place]]
        end = self._bound(self.chain[place], far)
        known = [start for start in starts if start is not None]
        if end is None or len(known) < len(starts):
            return None
        longest = max(self.sign * float(self._steps.distance(start, end)[0]) for start in known)
        least = self._steps.gap_column(strict=self.strict, longest=None, nullable=True, like=self.kinds[self.chain[0]])
        return longest if longest >= (least.lower or 0) else None

    def _bound(self, name: str, end: int) -> Array | None:
        bound = bounds(self.kinds[name])[end]
        return None if bound is None else self._steps.index(np.array([bound]), self.kinds[name])
