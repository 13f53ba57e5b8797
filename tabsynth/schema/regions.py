"""Which values of a column a condition leaves, to see whether any is left and whether two conditions meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tabsynth.schema.checks import matches
from tabsynth.schema.columns import Boolean, Column, DateTime, Integer, Number
from tabsynth.schema.conditions import Condition
from tabsynth.schema.literals import canonical, category_set, declared_categories, limit, to_values
from tabsynth.schema.ordering import bounds


@dataclass(frozen=True)
class Region:
    """Some of a list of values, or a stretch of numbers or datetimes."""

    values: frozenset[object] | None
    lower: float
    upper: float
    lower_open: bool
    upper_open: bool

    @classmethod
    def of(cls, condition: Condition, column: Column) -> Region:
        """Values of `column` that meet `condition`, within the bounds and categories of the column.

        Raises:
            UsageError: A value in the condition is of another kind than the column.
        """
        name = condition.column
        values: frozenset[object] | None = None
        listed = condition.one_of
        if listed is not None:
            known = category_set(column)
            candidates = [canonical(item, column, name=name, known=known) for item in listed]
        elif (categories := declared_categories(column)) is not None:
            candidates = list(categories)
        elif isinstance(column, Boolean):
            candidates = [False, True]
        else:
            candidates = None
        if candidates is not None:
            kept = matches(condition, to_values(candidates, column), column)
            low, high = bounds(column) if isinstance(column, Integer | Number | DateTime) else (None, None)
            values = frozenset(
                cell for cell, keep in zip(candidates, kept, strict=True) if keep and not _outside(cell, low, high)
            )
            return cls(values, -math.inf, math.inf, False, False)
        low, high = bounds(column)
        lower = -math.inf if condition.lower is None else limit(condition.lower, column, name=name)
        upper = math.inf if condition.upper is None else limit(condition.upper, column, name=name)
        lower_open, upper_open = condition.lower_strict, condition.upper_strict
        if low is not None and low > lower:
            lower, lower_open = low, False
        if high is not None and high < upper:
            upper, upper_open = high, False
        if isinstance(column, Integer):
            if math.isfinite(lower):
                lower, lower_open = (math.floor(lower) + 1 if lower_open else math.ceil(lower)), False
            if math.isfinite(upper):
                upper, upper_open = (math.ceil(upper) - 1 if upper_open else math.floor(upper)), False
        return cls(None, lower, upper, lower_open, upper_open)

    def meets(self, other: Region) -> Region:
        """What both leave."""
        if self.values is not None and other.values is not None:
            return Region(self.values & other.values, -math.inf, math.inf, False, False)
        if self.values is not None or other.values is not None:
            listed, stretch = (self, other) if self.values is not None else (other, self)
            kept = frozenset(cell for cell in listed.values or () if stretch.holds(cell))
            return Region(kept, -math.inf, math.inf, False, False)
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        ends = (self, other)
        return Region(
            None,
            lower,
            upper,
            any(end.lower == lower and end.lower_open for end in ends),
            any(end.upper == upper and end.upper_open for end in ends),
        )

    def holds(self, cell: object) -> bool:
        """Whether the stretch has `cell` in it."""
        if not isinstance(cell, int | float):
            return True
        below = cell < self.lower or (self.lower_open and cell == self.lower)
        above = cell > self.upper or (self.upper_open and cell == self.upper)
        return not below and not above

    @property
    def is_empty(self) -> bool:
        """Whether no value is left."""
        if self.values is not None:
            return not self.values
        return self.lower > self.upper or (self.lower == self.upper and (self.lower_open or self.upper_open))


def _outside(cell: object, low: float | None, high: float | None) -> bool:
    return isinstance(cell, int | float) and ((low is not None and cell < low) or (high is not None and cell > high))
