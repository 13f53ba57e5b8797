"""Distances between columns that rise from left to right, in steps that both columns have.

Numbers are taken in their finest decimals, datetimes in the finest resolution of the chain: days between dates, months
between months, seconds otherwise. Adding a distance to a value lands on the steps of the column that is made; where
rounding would put it on the wrong side, it moves on by one step.

Decisions
- Numbers without declared decimals have no step: adding the distance back can differ from the original in the last bit.
- Whole numbers are handled up to 2**61 and years from 1 to 9999. Where a limit leaves no room, the result is a missing
  cell, which breaks no order, rather than a wrong one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from tabsynth.encoding.datetime import from_steps, to_steps
from tabsynth.schema.columns import Column, DateTime, Integer, Number

Array = np.ndarray[Any, Any]

_LARGEST = 2**61
_MARGIN = 15 * 3_600_000_000  # clocks differ by less
_FIRST_MOMENT = -62_135_596_800_000_000  # year 1
_LAST_MOMENT = 253_402_300_799_999_999  # year 9999
_COARSE_FIRST = ("year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond")
_CLOCK_UNITS = {
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}


class Steps(ABC):
    """The common steps of the columns of one chain."""

    @abstractmethod
    def index(self, array: Array, column: Column) -> Array:
        """Canonical values of `column` as positions on the common scale."""

    @abstractmethod
    def value(self, index: Array, column: Column) -> Array:
        """Canonical values of `column` nearest to positions on the common scale."""

    @abstractmethod
    def next(self, array: Array, column: Column, sign: int) -> Array:
        """The neighbouring values of `column`, upwards for sign 1, downwards for -1."""

    @abstractmethod
    def distance(self, start: Array, end: Array) -> Array:
        """`end - start` for positions, shape (n_rows,)."""

    @abstractmethod
    def gap_column(self, *, strict: bool, longest: float | None, nullable: bool, like: Column) -> Integer | Number:
        """Declaration of the column of distances; `longest` in steps, where the schema bounds it."""

    def beyond(
        self, last: Array, last_index: Array, gap: Array, column: Column, *, sign: int, strict: bool
    ) -> tuple[Array, Array]:
        """Values of `column` that lie `gap` steps from `last`.

        Args:
            last: Canonical values that must not be passed, shape (n_rows,).
            last_index: Their positions.
            gap: Distances, >= 0, shape (n_rows,).
            column: Kind of the result.
            sign: 1 where the result is above `last`, -1 where below.
            strict: Whether equality is excluded.

        Returns:
            The values, and the rows in which there is none on the right side of `last`; shape (n_rows,) each.
        """

        def short(array: Array) -> Array:
            return np.asarray(sign * array <= sign * last if strict else sign * array < sign * last)

        array = self.value(last_index + sign * gap, column)
        # Rounding to the steps of `column` can fall short, by less than one of them.
        wrong = short(array)
        if wrong.any():
            array = np.where(wrong, self.next(array, column, sign), array)
            wrong = short(array)
        return array, wrong


class NumberSteps(Steps):
    """Integers, and numbers with or without decimals."""

    def __init__(self, columns: Sequence[Column]) -> None:
        places = [0 if isinstance(column, Integer) else getattr(column, "decimals", None) for column in columns]
        self.whole = all(isinstance(column, Integer) for column in columns)
        self.decimals = None if None in places else max(place for place in places if place is not None)

    def index(self, array: Array, column: Column) -> Array:
        """Canonical values as positions."""
        return np.clip(array, -_LARGEST, _LARGEST) if self.whole else array.astype(np.float64)

    def value(self, index: Array, column: Column) -> Array:
        """Positions as canonical values on the steps of `column`."""
        if isinstance(column, Integer):
            return np.clip(index if self.whole else np.rint(index), -_LARGEST, _LARGEST).astype(np.int64)
        assert isinstance(column, Number)
        return index if column.decimals is None else np.round(index, column.decimals)

    def next(self, array: Array, column: Column, sign: int) -> Array:
        """The next value in the direction of `sign`."""
        if isinstance(column, Integer):
            return array + sign
        assert isinstance(column, Number)
        neighbour = np.nextafter(array, sign * np.inf)
        if column.decimals is None:
            return neighbour
        stepped = np.round(array + sign * 10.0**-column.decimals, column.decimals)
        return np.where(stepped == array, neighbour, stepped)  # a step too small for so large a number

    def distance(self, start: Array, end: Array) -> Array:
        """`end - start`."""
        return end - start if self.decimals is None or self.whole else np.round(end - start, self.decimals)

    def gap_column(self, *, strict: bool, longest: float | None, nullable: bool, like: Column) -> Integer | Number:
        """Declaration of the column of distances."""
        unit = like.unit if isinstance(like, Integer | Number) else None
        if self.whole:
            upper = None if longest is None else int(longest)
            return Integer(lower=int(strict), upper=upper, unit=unit, nullable=nullable, role=like.role)
        least = 10.0**-self.decimals if strict and self.decimals is not None else 0.0
        return Number(lower=least, upper=longest, decimals=self.decimals, unit=unit, nullable=nullable, role=like.role)


class MomentSteps(Steps):
    """Datetimes."""

    def __init__(self, columns: Sequence[Column]) -> None:
        resolutions = [column.resolution for column in columns if isinstance(column, DateTime)]
        self.resolution = max(resolutions, key=_COARSE_FIRST.index)
        # Days and longer are counted on each column's own calendar; shorter steps in UTC, which has no jumps.
        self.unit = _CLOCK_UNITS.get(self.resolution)

    def index(self, array: Array, column: Column) -> Array:
        """Canonical values as positions."""
        held = np.clip(array, *moment_range(column, local=self.unit is None))
        if self.unit is not None:
            return held // self.unit
        return to_steps(held, self._calendar(column)).astype(np.int64)

    def value(self, index: Array, column: Column) -> Array:
        """Positions as canonical values on the steps of `column`."""
        assert isinstance(column, DateTime)
        same = column.resolution == self.resolution
        first, last = self.index(np.array(moment_range(column, local=self.unit is None or not same)), column)
        held = np.clip(index, first, last)
        array = from_steps(held, self._calendar(column)) if self.unit is None else held * self.unit
        return array if same else from_steps(to_steps(array, column), column)

    def next(self, array: Array, column: Column, sign: int) -> Array:
        """The next value in the direction of `sign`."""
        assert isinstance(column, DateTime)
        if (unit := _CLOCK_UNITS.get(column.resolution)) is not None:
            return array + sign * unit
        first, last = to_steps(np.array(moment_range(column, local=True)), column)
        return from_steps(np.clip(to_steps(array, column) + sign, first, last), column)

    def distance(self, start: Array, end: Array) -> Array:
        """`end - start`."""
        return end - start

    def gap_column(self, *, strict: bool, longest: float | None, nullable: bool, like: Column) -> Integer | Number:
        """Declaration of the column of distances."""
        upper = None if longest is None else int(longest)
        return Integer(lower=int(strict), upper=upper, unit=f"{self.resolution}s", nullable=nullable, role=like.role)

    def _calendar(self, column: Column) -> DateTime:
        assert isinstance(column, DateTime)
        return DateTime(resolution=self.resolution, time_zone=column.time_zone)


def moment_range(column: Column, *, local: bool) -> tuple[int, int]:
    """First and last moment that is handled; `local` where the clock of the column must be in the same years."""
    assert isinstance(column, DateTime)
    margin = _MARGIN if local and column.time_zone not in (None, "UTC") else 0
    return _FIRST_MOMENT + margin, _LAST_MOMENT - margin
