"""Codes of a private column of numbers: one for each value where there are few, else bins between its bounds.

Decisions
- Inside a bin, values are spread evenly over the steps of the column. Nothing finer was measured. What many cells share
  would be lost that way, and no bin says which value that is; that it is often 0 is known without data. Where nobody
  has named the edges, 0 has a bin of its own: without it, none of the zeros came back that Adult's capital gains are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.continuous import ContinuousEncoder, as_number, declared_bounds, step_of
from tabsynth.encoding.datetime import to_steps
from tabsynth.encoding.marginal import Marginal
from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.columns import Column, DateTime, Integer, Number
from tabsynth.schema.values import Values, to_micros

Array = np.ndarray[Any, Any]
Numeric = Integer | Number | DateTime

SMALLEST = float(np.finfo(np.float64).tiny)
"""Width of a bin that holds one value of a column without steps; smaller numbers, some processors take for 0."""


@dataclass(frozen=True)
class BinCodes:
    """Codes of a numeric column: bins between its bounds."""

    column: Numeric
    edges: Array
    """Where bins begin and the last one ends, (n_values + 1,), rising, on the scale of the encoder; of a column with
    steps half a step beside its values."""
    step: float | None

    @property
    def nullable(self) -> bool:
        """Whether the last code stands for a missing cell."""
        return self.column.nullable

    @property
    def n_values(self) -> int:
        """Codes of cells that are there."""
        return len(self.edges) - 1

    @property
    def uppers(self) -> Array:
        """Where the values of each bin end, (n_values,); where they begin if the bin holds a single one."""
        lowers, uppers = self.edges[:-1], self.edges[1:]
        return np.where(uppers - lowers <= SMALLEST, lowers, uppers)

    @property
    def size(self) -> int:
        """All codes."""
        return self.n_values + self.nullable

    def encode(self, values: Values) -> Array:
        """Codes of cells, shape (n_rows,); values outside the bounds count as the nearest bound."""
        if isinstance(self.column, DateTime):
            numbers = to_steps(values.array, self.column)
        else:
            numbers = values.array.astype(np.float64)
        codes = np.searchsorted(self.edges[1:-1], numbers, side="right")
        return np.where(values.missing, self.n_values if self.nullable else 0, codes)

    def encoder(self) -> ContinuousEncoder:
        """The same bins in the form that models decode with."""
        marginal = Marginal(self.edges[:-1], self.uppers, np.full(self.n_values, 1 / self.n_values))
        half = 0.0 if self.step is None else self.step / 2
        lower, upper = float(self.edges[0]) + half, float(self.uppers[-1]) - half
        if isinstance(self.column, Number) and self.column.decimals is not None:
            lower, upper = round(lower, self.column.decimals), round(upper, self.column.decimals)
        return ContinuousEncoder(marginal, self.step, lower, upper)

    def described(self, code: int) -> str:
        """A code in words, on the scale of the encoder."""
        if code == self.n_values:
            return "missing"
        half = 0.0 if self.step is None else self.step / 2
        low, high = float(self.edges[code]) + half, float(self.uppers[code]) - half
        begin = "above 0" if low == SMALLEST else f"{low:.6g}"
        return begin if low == high else f"{begin} to {high:.6g}"


def make_bins(
    name: str,
    column: Numeric,
    lower: float,
    upper: float,
    *,
    bins: int,
    found: Sequence[float] | None,
    cuts: Sequence[float | str] | None,
) -> BinCodes:
    """The bins of a column.

    Args:
        name: Of the column, for errors.
        column: Its declaration.
        lower: Lower bound, on the scale of the encoder.
        upper: Upper bound.
        bins: Bins of a column with more values than that.
        found: Inner edges that were released before, on the scale of the encoder; None for even bins.
        cuts: Inner edges that are public, in the column's own unit; they go before those that were found.

    Raises:
        SchemaError: No value of the column lies between the bounds.
        UsageError: `cuts` does not rise inside the bounds.
    """
    step = step_of(column)
    if step is None:
        edges = np.linspace(lower, upper, bins + 1) if upper > lower else np.array([lower, lower])
    else:
        first, last = math.ceil(lower / step - 1e-9), math.floor(upper / step + 1e-9)
        if last < first:
            raise SchemaError(
                f"{name}: no value with {_steps_in_words(column)} lies between lower and upper; widen them"
            )
        n_values = int(last) - int(first) + 1
        n_bins = n_values if n_values <= bins else bins
        starts = [int(first) + (place * n_values) // n_bins for place in range(n_bins)]
        edges = (np.array([*starts, int(last) + 1], np.float64) - 0.5) * step
    inner = found if cuts is None else _own_scale(name, column, cuts)
    if inner is not None and edges[-1] > edges[0]:
        edges = _with_cuts(name, edges[0], edges[-1], inner, step, declared=cuts is not None)
    if cuts is None and not isinstance(column, DateTime):
        edges = _with_zero(edges, step)
    return BinCodes(column, edges, step)


def has_few_values(column: Column, bins: int) -> bool:
    """Whether the declared bounds leave no more values than bins, so that each is a code of its own."""
    if not isinstance(column, Numeric):
        return False
    (lower, upper), step = declared_bounds(column), step_of(column)
    return lower is not None and upper is not None and step is not None and (upper - lower) / step < bins


def _steps_in_words(column: Numeric) -> str:
    if isinstance(column, Number):
        return f"{column.decimals} decimals"
    return f"resolution {column.resolution}" if isinstance(column, DateTime) else "no decimals"


def _own_scale(name: str, column: Numeric, cuts: Sequence[float | str]) -> list[float]:
    scaled = []
    for cut in cuts:
        if isinstance(cut, str) != isinstance(column, DateTime):
            raise UsageError(f"cuts: {name}: must be numbers, or ISO 8601 texts for a datetime")
        if isinstance(column, DateTime):
            try:
                scaled.append(as_number(column, to_micros(str(cut), column.time_zone)))
            except ValueError:
                raise UsageError(f"cuts: {name}: write ISO 8601 dates such as 2024-02-29") from None
        else:
            scaled.append(float(cut))
    return scaled


def _with_cuts(
    name: str, low: float, high: float, inner: Sequence[float], step: float | None, *, declared: bool
) -> Array:
    """Edges at the cuts, each moved half a step down so that a value at a cut opens its bin."""
    half = 0.0 if step is None else step / 2
    moved = [cut if step is None else math.ceil(cut / step - 1e-9) * step - half for cut in inner]
    edges = np.array([low, *moved, high], np.float64)
    if not (np.diff(edges) > 0).all():
        if declared:
            raise UsageError(f"cuts: {name}: must rise, lie inside the bounds and be at least one step apart")
        edges = np.unique(np.clip(edges, low, high))
    return edges


def _with_zero(edges: Array, step: float | None) -> Array:
    """The same edges, and a bin of its own for 0 where it lies between the outermost."""
    if step is not None:
        around = np.array([-0.5, 0.5]) * step
    elif edges[-1] == 0.0 and edges[0] < 0.0:
        return np.append(edges, SMALLEST)
    else:
        around = np.array([0.0, SMALLEST])
    if around[1] <= edges[0] or around[0] >= edges[-1]:
        return edges
    inside = around[(around > edges[0]) & (around < edges[-1])]
    return np.unique(np.concatenate([edges, inside]))
