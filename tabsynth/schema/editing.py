"""A schema with some columns declared anew: what a person decides about a proposal, without a file in between.

Decisions
- Through the plain form that a file has, so that an edit is checked, and told, as a file is.
- What a person writes is declared: the mark that a value was read from data goes with the value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic_core import to_jsonable_python

from tabsynth.errors import SchemaError
from tabsynth.schema.documents import read_json
from tabsynth.schema.layout import plain_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.wording import column_keys, unknown_name, validate


def edit_columns(schema: Schema, changes: Mapping[str, Mapping[str, Any] | None], table_name: str | None) -> Schema:
    """See `Schema.with_columns`."""
    name = schema.only_name if table_name is None else table_name
    if name not in schema.tables:
        raise SchemaError(f"tables: {unknown_name('table', name, list(schema.tables))}")
    plain = plain_schema(schema)
    columns = plain["tables"][name]["columns"]
    for column, change in changes.items():
        if column not in columns:
            raise SchemaError(f"tables.{name}.columns: {unknown_name('column', str(column), list(columns))}")
        if change is None:
            del columns[column]
        elif isinstance(change, Mapping):
            columns[column] = _edited(columns[column], change)
        else:
            raise SchemaError(f"tables.{name}.columns.{column}: write {{key: value}}, or None to leave the column out")
    try:
        text = json.dumps(to_jsonable_python(plain, fallback=_unwrapped))
    except ValueError:
        raise SchemaError(
            "a change holds what no schema file can; write texts, numbers, dates, lists and None"
        ) from None
    root, problems = read_json(text, source="schema")
    return validate(root, source="schema", problems=problems, with_lines=False)


def _edited(column: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The plain form of a column with keys written over; keys that a new kind does not have are left out."""
    known = column_keys(str(change.get("type", column["type"])))

    def stays(key: str) -> bool:
        return key not in change and (known is None or key in known)

    kept = {key: value for key, value in column.items() if stays(key)}
    if "provenance" in kept:
        kept["provenance"] = {key: source for key, source in kept["provenance"].items() if stays(key)}
    return {**kept, **{key: value for key, value in change.items() if value is not None}}


def _unwrapped(value: Any) -> Any:
    """Plain values of numpy's numbers and arrays, which bounds and categories often come from."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise ValueError("no value of a schema file")
