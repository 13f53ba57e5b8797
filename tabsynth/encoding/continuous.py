"""Numbers and datetimes as float64, with a missing cell as NaN, and the marginal that a model may keep of them.

A datetime is counted in steps of its resolution, so that a column of dates is a column of whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.datetime import from_steps, step_bounds, to_steps
from tabsynth.encoding.heaping import fit_heaping, rounded
from tabsynth.encoding.marginal import Marginal, fit_marginal
from tabsynth.schema.columns import DateTime, Integer, Number
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]

_INT64_END = 2.0**63
_INT64_ENDS = np.int64(2**63 - 1), np.int64(-(2**63))


@dataclass(frozen=True)
class ContinuousEncoder:
    """One numeric column: its marginal, step and bounds."""

    marginal: Marginal | None
    """None where too few people have a value to describe any."""
    step: float | None
    """Distance between neighbouring values (1 for integers, 10**-decimals), or None."""
    lower: float | None
    upper: float | None
    heaping: Array | None = None
    """Weights of the grains that numbers between the common values are rounded to, or None."""

    @classmethod
    def fit(
        cls, column: Integer | Number | DateTime, values: Values, *, k: int, entities: Array | None
    ) -> ContinuousEncoder:
        """Describe the column.

        Args:
            column: The declared kind; bounds marked `data` are not used as bounds.
            values: Cells of the training table, shape (n_rows,).
            k: People that every kept value must rest on.
            entities: Code of the person of each row, shape (n_rows,), or None.

        Privacy: See `fit_marginal` and `fit_heaping`.
        """
        lower, upper = declared_bounds(column)
        numbers = _numbers(column, values)
        present = ~values.missing
        marginal = fit_marginal(
            numbers[present], k=k, entities=None if entities is None else entities[present], lower=lower, upper=upper
        )
        if marginal is None and lower is not None and upper is not None:
            marginal = Marginal(np.array([lower]), np.array([upper]), np.array([1.0]))
        step = step_of(column)
        if marginal is None or step is None or isinstance(column, DateTime):
            return cls(marginal, step, lower, upper)
        between = present & ~np.isin(numbers, marginal.atoms)
        owners = None if entities is None else entities[between]
        return cls(marginal, step, lower, upper, fit_heaping(numbers[between], step=step, k=k, entities=owners))

    def encode(self, column: Integer | Number | DateTime, values: Values) -> Array:
        """Numbers of the cells, shape (n_rows,), float64; NaN where missing."""
        return np.where(values.missing, np.nan, _numbers(column, values))

    def decode(self, column: Integer | Number | DateTime, numbers: Array) -> Values:
        """Cells of the numbers, shape (n_rows,): rounded to the step and held to declared bounds."""
        missing = np.isnan(numbers)
        if self.heaping is not None and self.step is not None and self.marginal is not None:
            low, high = self.marginal.lowers[0], self.marginal.uppers[-1]
            coarse = rounded(numbers, self.heaping, step=self.step, atoms=self.marginal.atoms)
            numbers = np.where((coarse >= low) & (coarse <= high), coarse, numbers)
        filled = np.where(missing, 0.0 if self.lower is None else self.lower, numbers)
        if self.step == 1.0:
            filled = np.rint(filled)
        elif isinstance(column, Number) and column.decimals is not None:
            filled = np.round(filled, column.decimals) + 0.0  # no -0.0
        filled = np.clip(filled, self.lower, self.upper) if self.lower is not None or self.upper is not None else filled
        if isinstance(column, Number):
            return Values(np.where(missing, 0.0, filled), missing)
        if isinstance(column, Integer):
            return Values(np.where(missing, 0, _held(_whole(np.where(missing, 0, filled)), column)), missing)
        return Values(np.where(missing, 0, from_steps(filled, column)), missing)

    def state(self) -> dict[str, Any]:
        """What a model file holds of this column."""
        segments = None
        if self.marginal is not None:
            segments = np.stack([self.marginal.lowers, self.marginal.uppers, self.marginal.masses])
        return {
            "segments": segments,
            "step": self.step,
            "lower": self.lower,
            "upper": self.upper,
            "heaping": self.heaping,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ContinuousEncoder:
        """The encoder that `state` describes."""
        segments = state["segments"]
        marginal = None if segments is None else Marginal(segments[0], segments[1], segments[2])
        return cls(marginal, state["step"], state["lower"], state["upper"], state.get("heaping"))


def as_number(column: Integer | Number | DateTime, literal: float | int) -> float:
    """A canonical value (a number, or microseconds) on the scale of the encoder."""
    return float(to_steps(np.array([literal]), column)[0]) if isinstance(column, DateTime) else float(literal)


def _numbers(column: Integer | Number | DateTime, values: Values) -> Array:
    return to_steps(values.array, column) if isinstance(column, DateTime) else values.array.astype(np.float64)


def _whole(numbers: Array) -> Array:
    """Floats as int64, shape (n,); those that no int64 can be, such as 2**63 for 2**63 - 1, at its ends."""
    inside = np.abs(numbers) < _INT64_END
    return np.where(inside, np.where(inside, numbers, 0).astype(np.int64), np.where(numbers > 0, *_INT64_ENDS))


def _held(whole: Array, column: Integer) -> Array:
    """Whole numbers held to bounds that are rules, shape (n,); a float is not exact enough for those beyond 2**53."""
    if column.lower is not None and column.is_rule("lower") and column.lower >= _INT64_ENDS[1]:
        whole = np.maximum(whole, min(column.lower, int(_INT64_ENDS[0])))
    if column.upper is not None and column.is_rule("upper") and column.upper <= _INT64_ENDS[0]:
        whole = np.minimum(whole, max(column.upper, int(_INT64_ENDS[1])))
    return whole


def step_of(column: Integer | Number | DateTime) -> float | None:
    """Distance between neighbouring values on the scale of the encoder, or None."""
    if isinstance(column, Number):
        return None if column.decimals is None else float(10.0**-column.decimals)
    return 1.0


def declared_bounds(column: Integer | Number | DateTime) -> tuple[float | None, float | None]:
    """The outermost values within bounds that are rules, on the scale of the encoder; None where there is none.

    Where no value is possible, numbers have the bounds themselves, and datetimes the last step before the upper one.
    """
    if isinstance(column, DateTime):
        lower, upper = step_bounds(column)
        return (upper, upper) if lower is not None and upper is not None and lower > upper else (lower, upper)
    lower = float(column.lower) if column.lower is not None and column.is_rule("lower") else None
    upper = float(column.upper) if column.upper is not None and column.is_rule("upper") else None
    if isinstance(column, Number) and column.decimals is not None:
        return _inner(lower, upper, column.decimals)
    return lower, upper


def _inner(lower: float | None, upper: float | None, decimals: int) -> tuple[float | None, float | None]:
    """The outermost numbers of so many decimals within bounds; the bounds themselves where there is none."""
    first, last = (None if bound is None else round(bound, decimals) for bound in (lower, upper))
    step = 10.0**-decimals
    if first is not None and lower is not None and first < lower:
        first = round(first + step, decimals)
    if last is not None and upper is not None and last > upper:
        last = round(last - step, decimals)
    return (lower, upper) if first is not None and last is not None and first > last else (first, last)
