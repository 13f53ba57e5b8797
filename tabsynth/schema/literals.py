"""Values as a person writes them in a schema or a condition, and the canonical values that columns hold.

`canonical` reads a literal (`65`, `"F"`, `true`, `"2024-02-29"`) as the kind of its column; `written` is the way back;
`to_values` builds a column of canonical values.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from tabsynth.errors import UsageError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.schema.conditions import Scalar
from tabsynth.schema.ordering import scale
from tabsynth.schema.values import FALSE_SPELLINGS, TRUE_SPELLINGS, Values, category_text, to_micros

Canonical = str | bool | int | float
"""One cell of a typed column: text, boolean, whole number (also microseconds) or number."""

_LARGEST_INTEGER = 2**62


def declared_categories(column: Column) -> tuple[str, ...] | None:
    """Canonical texts of a closed list of categories, in order; None where other values are possible."""
    if isinstance(column, Ordinal) or (
        isinstance(column, Categorical) and column.categories and column.is_rule("categories")
    ):
        categories = column.categories or ()
        if all(isinstance(item, str) for item in categories):
            return categories  # type: ignore[return-value]
        return tuple(category_text(item) for item in categories)
    return None


def category_set(column: Column) -> frozenset[str] | None:
    """The same as a set, to look up one after the other among thousands; see `canonical`."""
    allowed = declared_categories(column)
    return None if allowed is None else frozenset(allowed)


def canonical(value: Scalar, column: Column, *, name: str, known: frozenset[str] | None = None) -> Canonical:
    """Read a literal as the kind of `column`.

    Args:
        value: As written in the table; datetimes as ISO 8601 text.
        column: The declared kind.
        name: Name of the column, for messages.
        known: `category_set` of the column, where many values are read; looked up where None.

    Raises:
        UsageError: The literal is of another kind, or not among the categories that the schema declares.
    """
    if isinstance(column, Boolean):
        return _boolean(value, column, name)
    if isinstance(column, Integer):
        number = _number(value, name)
        if not float(number).is_integer() or abs(number) > _LARGEST_INTEGER:
            raise UsageError(f"column {name!r}: holds whole numbers, and a given value is none; write a whole number")
        return int(number)
    if isinstance(column, Number):
        number = float(_number(value, name))
        return number if column.decimals is None else float(np.round(number, column.decimals))
    if isinstance(column, DateTime):
        return _micros(value, column, name)
    if isinstance(value, bool):
        raise UsageError(
            f"column {name!r}: a given value is true or false, but the column is {column.type}; write text"
        )
    text = category_text(value)
    allowed = category_set(column) if known is None else known
    if allowed is not None and text not in allowed:
        raise UsageError(
            f"column {name!r}: a given value is not among its {len(allowed)} categories; "
            "write one that the schema lists, in the same spelling"
        )
    return text


def limit(value: Scalar, column: Column, *, name: str) -> float | int:
    """Read a literal as a bound of `column`, on the scale of `schema.ordering.positions`.

    Unlike a value, a bound of whole numbers may have decimals.

    Raises:
        UsageError: The column has no order, or the literal is of another kind.
    """
    if isinstance(column, Integer | Number):
        return _number(value, name)
    if isinstance(column, DateTime):
        return _micros(value, column, name)
    if isinstance(column, Ordinal):
        text = canonical(value, column, name=name)
        if scale(column) == ("number",):
            return float(text)
        return (declared_categories(column) or ()).index(str(text))
    if scale(column) == ("number",):
        return _number(value, name)
    raise UsageError(f"column {name!r}: is {column.type} and has no order; use one_of instead of lower and upper")


def written(value: Canonical, column: Column) -> Scalar:
    """Write a canonical value as a literal that `canonical` reads back to the same value."""
    if not isinstance(column, DateTime):
        return value
    moment = datetime(1970, 1, 1) + timedelta(microseconds=int(value))
    return moment.isoformat() + ("" if column.time_zone is None else "+00:00")


def to_values(cells: Sequence[Canonical | None], column: Column) -> Values:
    """Canonical cells, None where missing, as a column; shape (len(cells),)."""
    missing = np.array([cell is None for cell in cells], bool)
    if isinstance(column, Boolean):
        return Values(np.array([bool(cell) for cell in cells], bool), missing)
    if isinstance(column, Integer | DateTime):
        return Values(np.array([int(cell or 0) for cell in cells], np.int64), missing)
    if isinstance(column, Number):
        return Values(np.array([float(cell or 0.0) for cell in cells], np.float64), missing)
    array = np.empty(len(cells), dtype=object)
    array[:] = ["" if cell is None else str(cell) for cell in cells]
    return Values(array, missing)


def _number(value: Scalar, name: str) -> int | float:
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise UsageError(
            f"column {name!r}: a given value has more digits than any number of a table; write a smaller one"
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"column {name!r}: is numeric, and a given value is not; write a number without quotes")
    return value


def _boolean(value: Scalar, column: Boolean, name: str) -> bool:
    if isinstance(value, bool):
        return value
    text = category_text(value)
    if column.labels is not None:
        folded = [label.strip().casefold() for label in column.labels]
        if text in column.labels:
            return column.labels.index(text) == 1
        if folded[0] != folded[1] and text.strip().casefold() in folded:
            return folded.index(text.strip().casefold()) == 1
    spelled = text.strip().casefold()
    known = {"true": True, "false": False}
    if column.labels is None:
        known |= dict.fromkeys(TRUE_SPELLINGS, True) | dict.fromkeys(FALSE_SPELLINGS, False)
    if spelled not in known:
        choice = "true or false" if column.labels is None else "true or false, or one of its labels"
        raise UsageError(f"column {name!r}: is boolean, and a given value is not; write {choice}")
    return known[spelled]


def _micros(value: Scalar, column: DateTime, name: str) -> int:
    remedy = "write an ISO 8601 date or datetime in quotes, such as '2024-02-29' or '2024-02-29T13:00:00'"
    if not isinstance(value, str):
        raise UsageError(f"column {name!r}: is a datetime, and a given value is not; {remedy}")
    try:
        zoned = datetime.fromisoformat(value).tzinfo is not None
        micros = to_micros(value, column.time_zone)
    except (ValueError, OverflowError):
        raise UsageError(f"column {name!r}: is a datetime, and a given value is not; {remedy}") from None
    if zoned and column.time_zone is None:
        raise UsageError(f"column {name!r}: has no time zone, but a given value has a UTC offset; leave the offset out")
    return micros
