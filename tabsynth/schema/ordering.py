"""Which columns can be compared with each other, and the numbers to compare them by.

Two columns are comparable where their scales are equal: numbers with numbers, datetimes with datetimes of the same
kind of clock, ordinals with ordinals of the same list of categories.

Decisions
- A column of categories that are numbers counts as numeric; an ordinal does so only where its order is the numeric one.
- A datetime with a time zone and one without are not comparable: which comes first depends on where the clock hangs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.schema.values import Values, category_text, to_micros

Scale = tuple[str, ...]


def scale(column: Column) -> Scale | None:
    """What `column` is measured on; None where its values have no order."""
    if isinstance(column, Integer | Number):
        return ("number",)
    if isinstance(column, DateTime):
        return ("datetime", "wall clock" if column.time_zone is None else "time zone")
    if isinstance(column, Boolean):
        return ("boolean",)
    if isinstance(column, Categorical) and has_numeric_categories(column):
        return ("number",)
    if isinstance(column, Ordinal):
        if has_numeric_categories(column) and all(np.diff([float(item) for item in column.categories]) > 0):
            return ("number",)
        return ("ordinal", *(category_text(item) for item in column.categories))
    return None


def has_numeric_categories(column: Column) -> bool:
    """Whether the column's categories are declared and are numbers."""
    return (
        isinstance(column, Categorical | Ordinal)
        and bool(column.categories)
        and not isinstance((column.categories or ("",))[0], str)
    )


def positions(values: Values, column: Column) -> Values:
    """The cells as numbers that can be compared within one scale.

    Args:
        values: Canonical values of a column that has a scale, shape (n_rows,).
        column: The declared kind.

    Returns:
        int64 or float64 of the same shape; a category that is not in the declared list counts as missing.
    """
    if isinstance(column, Integer | Number | DateTime):
        return values
    if isinstance(column, Boolean):
        return Values(values.array.astype(np.int64), values.missing)
    if isinstance(column, Ordinal) and scale(column) != ("number",):
        names = pd.Index([category_text(item) for item in column.categories])
        codes = names.get_indexer(pd.Index(values.array, dtype=object))
        return Values(np.where(codes < 0, 0, codes).astype(np.int64), values.missing | (codes < 0))
    return numeric_texts(values)


def numeric_texts(values: Values) -> Values:
    """Texts read as numbers, shape (n_rows,), float64; a text that is no number counts as missing."""
    codes, texts = pd.factorize(values.array)
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
    array = numbers[codes] if len(numbers) else np.zeros(len(values))
    missing = values.missing | ~np.isfinite(array)
    return Values(np.where(missing, 0.0, array), missing)


def bounds(column: Column) -> tuple[float | None, float | None]:
    """Smallest and largest possible position, as far as the schema lays them down as a rule."""
    if isinstance(column, Integer | Number):
        return (
            column.lower if column.is_rule("lower") else None,
            column.upper if column.is_rule("upper") else None,
        )
    if isinstance(column, DateTime):
        lower = to_micros(column.lower, column.time_zone) if column.lower and column.is_rule("lower") else None
        upper = to_micros(column.upper, column.time_zone) if column.upper and column.is_rule("upper") else None
        return lower, upper
    if isinstance(column, Boolean):
        return 0, 1
    if scale(column) == ("number",):
        assert isinstance(column, Categorical | Ordinal)
        if isinstance(column, Ordinal) or column.is_rule("categories"):
            numbers = [float(item) for item in column.categories or ()]
            return min(numbers), max(numbers)
        return None, None
    return (0, len(column.categories) - 1) if isinstance(column, Ordinal) else (None, None)
