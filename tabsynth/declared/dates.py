"""Dates that are made as finely as their format writes them, and only where it can be read again.

Decisions
- A column of `%Y-%m-%d` is made in days whatever its resolution: cells would otherwise lose their hours on the way to
  the file, and with them the order that rules demand.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from tabsynth.encoding.datetime import from_steps, step_bounds, to_steps
from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Column, DateTime, Resolution
from tabsynth.schema.moments import read_texts, write_texts

Array = np.ndarray[Any, Any]
_COARSE_TO_FINE: tuple[str, ...] = get_args(Resolution)
_WRITES = {
    "year": "YyGC",
    "month": "mbBh",
    "day": "djeDFxaAwuUWV",
    "hour": "HIklp",
    "minute": "MR",
    "second": "STXcsr",
    "microsecond": "f",
}
"""Directives of strptime, by the finest thing that they say."""


def as_written(column: Column) -> Column:
    """The column, with no finer resolution than its first format writes."""
    if not isinstance(column, DateTime) or column.format is None:
        return column
    spelling = column.format if isinstance(column.format, str) else column.format[0]
    signs = {spelling[place + 1] for place in range(len(spelling) - 1) if spelling[place] == "%"}
    finest = max(
        (_COARSE_TO_FINE.index(name) for name, letters in _WRITES.items() if signs & set(letters)), default=None
    )
    if finest is None or finest >= _COARSE_TO_FINE.index(column.resolution):
        return column
    return column.model_copy(update={"resolution": _COARSE_TO_FINE[finest]})


def require_readable(column: Column, *, where: str) -> None:
    """Check that the first and the last date of a column come back from its format.

    Raises:
        SchemaError: They do not, so that rows would break the bounds of their own schema.
    """
    if not isinstance(column, DateTime) or column.format is None:
        return
    formats = (column.format,) if isinstance(column.format, str) else column.format
    ends = step_bounds(column.model_copy(update={"provenance": {}}))
    steps = np.array([end for end in ends if end is not None], np.float64)
    texts = write_texts(from_steps(steps, column), formats[0], column.time_zone)
    micros, found = read_texts(texts, formats, column.time_zone)
    if not (found & (to_steps(micros, column) == steps)).all():
        raise SchemaError(
            f"{where}: lower or upper is not read back from its format (years of two digits mean 1969 to 2068, no year "
            "means 1900); write %Y in the format, or move the bounds"
        )
