"""Constraints between columns, as declared in a schema: eleven types, each tagged by `type`.

This file holds the declarations. What a row must satisfy is checked in `checks.py`; how a model satisfies it by
construction is `encoding/derived.py`. Missing cells never violate a comparison: a constraint speaks of values that
are there (except `fixed_nulls`, which speaks of the gaps).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from tabsynth.schema.conditions import Condition, Scalar
from tabsynth.schema.part import Part


class _Constraint(Part):
    name: str | None = None
    """What the rule means to a person; shown where it is violated."""

    @property
    def involved(self) -> tuple[str, ...]:
        """Columns that the constraint names, each once, in order."""
        raise NotImplementedError


class Inequality(_Constraint):
    """`low` is below `high` in every row (`strict: true`), or at most equal."""

    type: Literal["inequality"] = "inequality"
    low: str
    high: str
    strict: bool = False

    @property
    def involved(self) -> tuple[str, ...]:
        return (self.low, self.high)


class ChainedInequality(_Constraint):
    """The columns rise from left to right (admitted, treated, discharged)."""

    type: Literal["chained_inequality"] = "chained_inequality"
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    strict: bool = False

    @property
    def involved(self) -> tuple[str, ...]:
        return self.columns


class RangeBetween(_Constraint):
    """`middle` lies between `low` and `high`, all three columns."""

    type: Literal["range"] = "range"
    low: str
    middle: str
    high: str
    strict: bool = False

    @property
    def involved(self) -> tuple[str, ...]:
        return (self.low, self.middle, self.high)


class FixedCombinations(_Constraint):
    """Only combinations of values that occur in the data (or that `combinations` lists) are possible."""

    type: Literal["fixed_combinations"] = "fixed_combinations"
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    combinations: tuple[tuple[Scalar | None, ...], ...] | None = None

    @property
    def involved(self) -> tuple[str, ...]:
        return self.columns

    @model_validator(mode="after")
    def _widths_agree(self) -> FixedCombinations:
        if self.combinations and any(len(row) != len(self.columns) for row in self.combinations):
            raise ValueError("every row of combinations must have one value for each of columns")
        return self


class OneHot(_Constraint):
    """Exactly one of the columns is 1 (or true), the others 0 (or false)."""

    type: Literal["one_hot"] = "one_hot"
    columns: Annotated[tuple[str, ...], Field(min_length=2)]

    @property
    def involved(self) -> tuple[str, ...]:
        return self.columns


class Formula(_Constraint):
    """`column` equals `expression` of other columns.

    Known are + - * / // % **, comparisons, and/or/not, min, max, abs, round, floor, ceil,
    sqrt, log, exp, where(condition, a, b), days(a - b). A column whose name is not a word is written in backquotes.
    """

    type: Literal["formula"] = "formula"
    column: str
    expression: str
    tolerance: float = Field(default=1e-6, ge=0)
    """Largest accepted difference, relative to the value (rounding in the data)."""

    @property
    def involved(self) -> tuple[str, ...]:
        from tabsynth.schema.formula import parse

        return (self.column, *(name for name in parse(self.expression).columns if name != self.column))


class Unique(_Constraint):
    """No two rows have the same values in these columns."""

    type: Literal["unique"] = "unique"
    columns: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def involved(self) -> tuple[str, ...]:
        return self.columns


class Regex(_Constraint):
    """The whole text of `column` matches `pattern`."""

    type: Literal["regex"] = "regex"
    column: str
    pattern: str

    @property
    def involved(self) -> tuple[str, ...]:
        return (self.column,)


class Conditional(_Constraint):
    """If every condition under `if` holds, then every condition under `then` holds."""

    type: Literal["conditional"] = "conditional"
    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)
    if_: Annotated[tuple[Condition, ...], Field(min_length=1, alias="if")]
    then: Annotated[tuple[Condition, ...], Field(min_length=1)]

    @property
    def involved(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c.column for c in (*self.if_, *self.then)))


class FixedNulls(_Constraint):
    """Only patterns of missing cells that occur in the data (or that `patterns` lists, true = missing) are possible."""

    type: Literal["fixed_nulls"] = "fixed_nulls"
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    patterns: tuple[tuple[bool, ...], ...] | None = None

    @property
    def involved(self) -> tuple[str, ...]:
        return self.columns


class SumTo(_Constraint):
    """The columns add up to `total`: a number or another column."""

    type: Literal["sum_to"] = "sum_to"
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    total: str | int | float
    tolerance: float = Field(default=1e-6, ge=0)

    @property
    def involved(self) -> tuple[str, ...]:
        return (*self.columns, self.total) if isinstance(self.total, str) else self.columns


Constraint = Annotated[
    Inequality
    | ChainedInequality
    | RangeBetween
    | FixedCombinations
    | OneHot
    | Formula
    | Unique
    | Regex
    | Conditional
    | FixedNulls
    | SumTo,
    Field(discriminator="type"),
]
