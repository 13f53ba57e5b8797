"""Gaps and rare cases as declared: how often a cell is empty, and cases that occur in a chosen share of rows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from tabsynth.schema.conditions import Scalar
from tabsynth.schema.distributions import Conditioned, Distribution
from tabsynth.schema.part import Part

Rate = Annotated[float, Field(ge=0, le=1)]


class RateCase(Conditioned):
    """How often a cell is empty in some rows."""

    rate: Rate


class Missingness(Part):
    """How often a cell is empty, by group."""

    rate: Rate = 0.0
    """In rows that no case fits."""
    cases: tuple[RateCase, ...] = ()
    """Read from the top; the first one that fits a row counts."""

    def reads(self) -> tuple[str, ...]:
        """Columns that must be there before this can be decided, each once."""
        return tuple(dict.fromkeys(name for case in self.cases for name in case.when))


class Scenario(Part):
    """A case that must occur in a chosen share of rows, however rare it is: what tests need and samples lack."""

    name: str
    share: float = Field(ge=0, allow_inf_nan=False)
    """Share of the rows of the table; the number of rows is exact, rounded to a whole row."""
    set: Annotated[dict[str, Scalar | Distribution | None], Field(min_length=1)]
    """What the columns hold in these rows: a value, a distribution, or null for an empty cell."""
    description: str | None = None

    @model_validator(mode="after")
    def _is_share(self) -> Scenario:
        if self.share > 1:
            raise ValueError("share is above 1; write 0.01 for one row in a hundred")
        return self

    def reads(self) -> tuple[str, ...]:
        """Columns that its distributions read."""
        return tuple(dict.fromkeys(name for item in self.distributions.values() for name in item.reads()))

    @property
    def distributions(self) -> dict[str, Any]:
        """Columns that are drawn, with their distribution."""
        return {name: item for name, item in self.set.items() if item is not None and hasattr(item, "reads")}
