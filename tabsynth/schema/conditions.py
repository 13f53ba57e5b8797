"""One condition on one column, as used by `given`, by `--given` and by if-then constraints.

`Condition(column="age", lower=65)` is "age at least 65"; `Condition(column="sex", one_of=("F", "X"))` a set. Values are
written as in the table; datetimes as ISO 8601 text.
"""

from __future__ import annotations

from pydantic import model_validator

from tabsynth.schema.part import Part

Scalar = str | int | float | bool


class Condition(Part):
    """A column equals one of some values, lies in a range, or is missing. All parts that are given must hold."""

    column: str
    one_of: tuple[Scalar, ...] | None = None
    """Allowed values; one value is an equality."""
    lower: Scalar | None = None
    """Smallest allowed value (numbers, datetimes as text, ordinals by their order)."""
    upper: Scalar | None = None
    """Largest allowed value."""
    lower_strict: bool = False
    """True where the value must be larger than `lower`."""
    upper_strict: bool = False
    """True where the value must be smaller than `upper`."""
    missing: bool | None = None
    """True: the cell must be empty. False: it must not. None: a cell that meets the rest."""

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        parts = self.one_of is not None or self.lower is not None or self.upper is not None
        if not parts and self.missing is None:
            raise ValueError("states nothing; give one_of, lower, upper or missing")
        if parts and self.missing:
            raise ValueError("missing: true cannot stand together with one_of, lower or upper")
        if self.one_of is not None and not self.one_of:
            raise ValueError("one_of is empty, so that no row can satisfy it")
        return self
