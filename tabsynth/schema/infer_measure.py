"""Fill an inferred column with what its cells show: categories, bounds, steps, gaps.

Privacy: What leaves are names of categories that at least `k` entities have, the k-th smallest and k-th largest value
(over one value per entity), the step of a calendar, and whether cells are missing. All of it is marked `provenance:
data`. No extreme leaves, no rare value, and nothing of identifiers and text.

Decisions
- An entity counts once, however many rows it has: a value that one patient repeats fifty times is that patient's.
- Rows without an entity count as one entity together, since they may all belong to one.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.columns import Categorical, Column, DateTime, Integer, Number, Ordinal, Provenance
from tabsynth.schema.infer_cells import Array
from tabsynth.schema.infer_datetimes import iso_text, resolution_of
from tabsynth.schema.values import Values, category_text

_WHOLE = re.compile(r"(?:-?[1-9]\d{0,14}|0)(?:\.0*)?")

_READ_FROM_DATA = (
    "nullable",
    "missing_values",
    "pattern",
    "categories",
    "labels",
    "format",
    "resolution",
    "time_zone",
    "decimals",
    "decimal_mark",
    "lower",
    "upper",
    "unit",
)


def measure(column: Column, values: Values, *, k: int, entities: Array | None) -> Column:
    """Complete a column whose kind is decided.

    Args:
        column: Kind, spelling and role.
        values: Its parsed cells, shape (n_rows,).
        k: Entities that a category or a bound must rest on.
        entities: Code of the entity of each row, shape (n_rows,); None where each row is its own.

    Returns:
        The column, with what was read from the cells marked as such.
    """
    present = ~values.missing
    array = values.array[present]
    owners = entities[present] if entities is not None else None
    found: dict[str, Any] = {"nullable": bool(values.missing.any())}
    if isinstance(column, Categorical):
        found["categories"] = _common_categories(array, owners, k)
    elif isinstance(column, Ordinal):
        common = {category_text(item) for item in _common_categories(array, owners, k) or ()}
        kept = tuple(item for item in column.categories if category_text(item) in common)
        if not kept:
            return measure(_without_order(column), values, k=k, entities=entities)
        found["categories"] = kept
    elif isinstance(column, Integer | Number | DateTime):
        if isinstance(column, DateTime):
            column = column.model_copy(update={"resolution": resolution_of(array) if len(array) else "second"})
        bounds = _bounds(array, owners, k)
        if bounds is not None:
            found["lower"], found["upper"] = (_bound(value, column) for value in bounds)
    fields = column.model_dump(exclude_defaults=True) | {"type": column.type} | found
    if isinstance(column, DateTime):
        fields["resolution"] = column.resolution
    marked = [name for name in _READ_FROM_DATA if fields.get(name) not in (None, ())]
    return type(column).model_validate(fields | {"provenance": dict.fromkeys(marked, Provenance.DATA)})


def _without_order(column: Ordinal) -> Categorical:
    return Categorical(role=column.role, missing_values=column.missing_values, question=column.question)


def _common_categories(array: Array, owners: Array | None, k: int) -> tuple[str | int, ...] | None:
    """Categories that at least k entities have, the commonest first; whole numbers as numbers where all are."""
    codes, names = pd.factorize(array)
    if not len(names):
        return None
    rows = np.bincount(codes, minlength=len(names))
    people = rows
    if owners is not None:
        pairs = np.unique(np.stack([codes, owners], axis=1), axis=0)
        people = np.bincount(pairs[:, 0], minlength=len(names))
    texts = [str(name) for name in names]
    whole = all(_WHOLE.fullmatch(text) for text in texts)
    totals: dict[str, tuple[int, int]] = {}
    for text, n_rows, n_people in zip(texts, rows.tolist(), people.tolist(), strict=True):
        text = text.partition(".")[0] if whole else text
        before = totals.get(text, (0, 0))
        totals[text] = (before[0] + n_rows, max(before[1], n_people))
    kept = sorted(
        (text for text, (_, n_people) in totals.items() if n_people >= k), key=lambda text: (-totals[text][0], text)
    )
    if not kept:
        return None
    return tuple(int(text) for text in sorted(kept, key=int)) if whole else tuple(kept)


def _bounds(array: Array, owners: Array | None, k: int) -> tuple[Any, Any] | None:
    """The k-th smallest and the k-th largest value, or None with fewer than 4 k values (entities, where known)."""
    smallest = largest = array
    if owners is not None and len(array):
        per_owner = pd.Series(array).groupby(owners)
        smallest, largest = per_owner.min().to_numpy(), per_owner.max().to_numpy()
    if len(smallest) < 4 * k:
        return None
    lower = np.partition(smallest, k - 1)[k - 1]
    upper = np.partition(largest, len(largest) - k)[len(largest) - k]
    return (lower, upper) if lower <= upper else None


def _bound(value: Any, column: Integer | Number | DateTime) -> int | float | str:
    if isinstance(column, Integer):
        return int(value)
    if isinstance(column, Number):
        return float(value) if column.decimals is None else round(float(value), column.decimals)
    return iso_text(int(value), column)
