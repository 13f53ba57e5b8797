"""Datetimes as whole numbers of steps: days for a column of dates, months for a column of months.

A column with a time zone is counted on its wall clock, not in UTC: people act by the clock on the wall, and a day
that starts
at midnight there is one step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.schema.columns import DateTime
from tabsynth.schema.moments import to_local, to_micros, to_utc

Array = np.ndarray[Any, Any]

_STEP = {
    "day": 86_400_000_000,
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}


def to_steps(micros: Array, column: DateTime) -> Array:
    """Microseconds since 1970 as whole steps of the column's resolution; shape (n,), float64."""
    micros = np.asarray(micros, np.int64)
    if column.time_zone not in (None, "UTC"):
        micros = to_local(micros, column.time_zone)
    if column.resolution in ("year", "month"):
        unit = "Y" if column.resolution == "year" else "M"
        return micros.astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64).astype(np.float64)
    return np.floor_divide(micros, _STEP[column.resolution]).astype(np.float64)


def from_steps(steps: Array, column: DateTime) -> Array:
    """Whole steps as microseconds since 1970; shape (n,), int64. The inverse of `to_steps`."""
    whole = np.asarray(steps).astype(np.int64)
    if column.resolution in ("year", "month"):
        unit = "Y" if column.resolution == "year" else "M"
        micros = whole.astype(f"datetime64[{unit}]").astype("datetime64[us]").astype(np.int64)
    else:
        micros = whole * _STEP[column.resolution]
    if column.time_zone not in (None, "UTC"):
        micros = to_utc(micros, column.time_zone)
    return micros


def within_steps(micros: Array, column: DateTime, *, up: bool, strict: bool = False) -> Array:
    """The first (`up`) or last step of the column that is not before (after) a moment, or beyond it if `strict`."""
    steps = to_steps(micros, column)
    back = from_steps(steps, column)
    if up:
        return np.where((back < micros) | (strict & (back == micros)), steps + 1, steps)
    return np.where(strict & (back == micros), steps - 1, steps)


def step_bounds(column: DateTime) -> tuple[float | None, float | None]:
    """First and last step inside the declared bounds; None where there is none or where it was read from data.

    Where both lie between the same two steps no value is possible, and the first comes after the last.
    """

    def inside(bound: str, *, up: bool) -> float:
        return float(within_steps(np.array([to_micros(bound, column.time_zone)]), column, up=up)[0])

    lower = inside(column.lower, up=True) if column.lower is not None and column.is_rule("lower") else None
    upper = inside(column.upper, up=False) if column.upper is not None and column.is_rule("upper") else None
    return lower, upper
