"""Calendar steps for the axes of date charts: whole years, months, days or clock units, never a record's own moment."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# unit of numpy, steps of it that read well, microseconds in one (about)
_UNITS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("s", (1, 5, 15, 30), 1e6),
    ("m", (1, 5, 15, 30), 60e6),
    ("h", (1, 3, 6, 12), 3600e6),
    ("D", (1, 2, 7, 14), 86_400e6),
    ("M", (1, 2, 3, 6), 30.44 * 86_400e6),
    ("Y", (1, 2, 5, 10, 20, 50, 100, 200, 500), 365.25 * 86_400e6),
)


def calendar_edges(lower: float, upper: float, goal: int) -> Array:
    """Calendar steps between two moments, at most about `goal` of them.

    Args:
        lower: First moment, microseconds since 1970.
        upper: Last moment, microseconds since 1970.
        goal: Number of steps that may be exceeded by one.

    Returns:
        Rising moments strictly above `lower` and not above `upper`, microseconds since 1970.
    """
    if not upper > lower:
        return np.empty(0)
    raw = (upper - lower) / goal
    unit, step = "Y", 500
    for name, steps, micros in _UNITS:
        fitting = [count for count in steps if count * micros >= raw]
        if fitting:
            unit, step = name, fitting[0]
            break
    ends = (
        np.array([lower, upper])
        .astype(np.int64)
        .astype("datetime64[us]")
        .astype(f"datetime64[{unit}]")
        .astype(np.int64)
    )
    offset = 1970 if unit == "Y" else 0  # decades, not steps from 1970
    first = (ends[0] + offset) // step + 1
    last = (ends[1] + offset) // step
    marks = np.arange(first, last + 1) * step - offset
    edges = marks.astype(f"datetime64[{unit}]").astype("datetime64[us]").astype(np.int64).astype(np.float64)
    return edges[(edges > lower) & (edges <= upper)]


def calendar_label(start: float | None, end: float | None) -> str:
    """A range of moments in words, as coarse as its ends allow."""
    if start is None:
        return "all values" if end is None else f"before {calendar_text(end)}"
    if end is None:
        return f"{calendar_text(start)} and later"
    return f"{calendar_text(start)} to before {calendar_text(end)}"


def calendar_text(micros: float) -> str:
    """A moment in as few characters as write it."""
    moment = np.datetime64(int(micros), "us")
    for unit, length in (("Y", 4), ("M", 7), ("D", 10), ("m", 16)):
        if moment.astype(f"datetime64[{unit}]").astype("datetime64[us]") == moment:
            return str(moment)[:length].replace("T", " ")
    return str(moment)[:19].replace("T", " ")
