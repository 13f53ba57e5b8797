"""Keys that rows made from declarations point with: in the format of their own column, and to one table at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tabsynth.errors import SchemaError
from tabsynth.identifiers.key_formats import in_format_of
from tabsynth.schema.columns import Categorical, Column, Identifier, Ordinal, Text
from tabsynth.schema.model import Relationship, Schema
from tabsynth.schema.values import Values, category_text, parse_column


def written_as(keys: Values, source: Column, target: Column, *, where: str) -> Values:
    """Keys of one column as another one writes them.

    Args:
        keys: Keys of `source`, shape (n_rows,).
        source: The column that is pointed to.
        target: The column that points.
        where: Names of both, for messages.

    Raises:
        SchemaError: The kind or the pattern of `target` cannot hold them.
    """
    there = ~keys.missing
    if isinstance(source, Identifier) and isinstance(target, Identifier):
        if target.pattern in (None, source.pattern) or not there.any():
            return keys
        written = keys.array.copy()
        try:
            written[there] = in_format_of(keys.array[there], source, target, where=where)
        except SchemaError:
            if target.is_rule("pattern"):
                raise
            return keys  # a pattern that was read from data only describes
        return Values(written, keys.missing)
    textual = Identifier | Categorical | Ordinal | Text
    if source.type == target.type or (isinstance(source, textual) and isinstance(target, textual)):
        return keys
    texts = [category_text(key) if known else None for key, known in zip(keys.array.tolist(), there, strict=True)]
    read = parse_column(pd.Series(texts, dtype=object), target)
    if read.invalid.any() or not np.array_equal(read.values.missing, keys.missing):
        raise SchemaError(f"{where}: keys of type {source.type} cannot be written as {target.type}; give both one type")
    return read.values


def require_one_way(schema: Schema, owners: Mapping[str, Relationship]) -> None:
    """Check that a column which several relationships name can point to all their tables at once.

    It can where they are one way through the tables: the patient of a result is the patient of its encounter.

    Raises:
        SchemaError: It cannot, and most keys would point to nothing.
    """
    for number, r in enumerate(schema.relationships, start=1):
        if r.child == r.parent and set(r.child_key) & set(r.parent_key):
            raise SchemaError(f"relationship {number}: points from a column to itself; name the column that points")
    for child in schema.tables:
        given: dict[str, tuple[Relationship, str]] = {}
        for r in widest_first(schema, child, owners.get(child)):
            before = {given[key][0] for key in r.child_key if key in given}
            follows = set(r.child_key) <= given.keys() and any(_follows(schema, q, r) for q in before)
            if not follows and not all(_follows(schema, r, q) for q in before):
                others = ", ".join(dict.fromkeys(q.parent for q in schema.relationships if q in before))
                raise SchemaError(
                    f"relationship {schema.relationships.index(r) + 1}: {', '.join(r.child_key)} of {child} points to "
                    f"{others} already, and cannot point to {r.parent} as well without data; give each a column of its "
                    "own, or drop one"
                )
            if not follows:
                given |= {key: (r, source) for key, source in zip(r.child_key, r.parent_key, strict=True)}


def widest_first(schema: Schema, child: str, owner: Relationship | None) -> list[Relationship]:
    """Relationships of a table in the order in which they give its keys: its owner, then keys of many columns first."""
    others = [r for r in schema.relationships if r.child == child != r.parent and r is not owner]
    return [*([] if owner is None else [owner]), *sorted(others, key=lambda r: -len(r.child_key))]


def _follows(schema: Schema, first: Relationship, second: Relationship) -> bool:
    """Whether keys that `first` gives are keys of `second`, too."""
    sources = dict(zip(first.child_key, first.parent_key, strict=True))
    if not set(second.child_key) <= sources.keys():
        return False
    columns = tuple(sources[key] for key in second.child_key)
    return _leads(schema, first.parent, columns, second, frozenset())


def _leads(schema: Schema, table: str, columns: tuple[str, ...], goal: Relationship, seen: frozenset[str]) -> bool:
    """Whether columns of a table are, or point to, the key that a relationship wants."""
    if (table, columns) == (goal.parent, goal.parent_key):
        return True
    return any(
        _leads(schema, r.parent, r.parent_key, goal, seen | {table})
        for r in schema.relationships
        if r.child == table and r.child_key == columns and r.parent not in seen | {table}
    )
