"""Schemas edited in Python: what a person decides is checked as a file is, and counts as declared."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

import tabsynth as ts
from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Provenance
from tabsynth.schema.files import parse_schema

SCHEMA = parse_schema(
    """
tables:
  visits:
    primary_key: [visit]
    columns:
      visit: {type: identifier, pattern: "V[0-9]{4}", nullable: false}
      age: {type: integer, lower: 3, upper: 88, provenance: {lower: data, upper: data, nullable: data}}
      note: {type: text, fill: placeholder, max_length: 40, question: "Free text?", provenance: {max_length: data}}
      seen: {type: datetime, resolution: day}
"""
)


def test_what_is_written_is_declared_and_the_rest_stays() -> None:
    """New values lose the mark of the data, the others keep it; the schema that was there is untouched."""
    edited = SCHEMA.with_columns({"age": {"upper": 120, "role": "quasi-identifier"}})
    age = edited.only_table.columns["age"]
    assert (age.lower, age.upper, age.role.value) == (3, 120, "quasi-identifier")
    assert age.provenance == {"lower": Provenance.DATA, "nullable": Provenance.DATA}
    assert SCHEMA.only_table.columns["age"].upper == 88
    assert list(edited.only_table.columns) == list(SCHEMA.only_table.columns)


def test_columns_change_their_kind_and_leave() -> None:
    """Keys that the new kind lacks go with the old one; None takes a key back, or the column out."""
    edited = SCHEMA.with_columns(
        {"note": {"type": "categorical", "categories": ["a", "b"], "question": None}, "age": None}
    )
    note = edited.only_table.columns["note"]
    assert (note.type, note.categories, note.question, note.provenance) == ("categorical", ("a", "b"), None, {})
    assert "age" not in edited.only_table.columns


def test_values_of_notebooks_are_read() -> None:
    """numpy's numbers, tuples and dates stand for what a file would say."""
    cells = np.array([18, 67])
    columns = SCHEMA.with_columns(
        {"age": {"lower": cells.min(), "upper": cells.max()}, "seen": {"lower": date(2024, 2, 29)}}
    ).only_table.columns
    assert (columns["age"].lower, columns["age"].upper, columns["seen"].lower) == (18, 67, "2024-02-29")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agee": {"lower": 0}}, r"^tables\.visits\.columns: names no column .*'agee' \(did you mean 'age'\?\)"),
        ({"age": {"lowr": 0}}, r"columns\.age: unknown key 'lowr' \(did you mean 'lower'\?\)"),
        ({"age": {"lower": 99}}, "lower is above upper"),
        ({"age": {"lower": object()}}, "holds what no schema file can"),
        ({"age": 5}, r"columns\.age: write \{key: value\}, or None"),
        ({"visit": None}, "primary_key: names no column of this schema: 'visit'"),
        ({"age": {"type": "whole"}}, r"columns\.age: is of an unknown type"),
    ],
)
def test_a_wrong_edit_is_told_as_in_a_file(changes: Any, message: str) -> None:
    """With the place and the remedy, and without lines of a file that is not there."""
    with pytest.raises(SchemaError, match=message):
        SCHEMA.with_columns(changes)


def test_the_table_is_named_where_there_are_several() -> None:
    """As everywhere: the only one needs no name, an unknown one is told."""
    two = parse_schema("tables: {a: {columns: {x: {type: integer}}}, b: {columns: {x: {type: integer}}}}")
    assert two.with_columns({"x": {"lower": 1}}, table_name="b").tables["b"].columns["x"].lower == 1
    with pytest.raises(SchemaError, match="has 2 tables"):
        two.with_columns({"x": {"lower": 1}})
    with pytest.raises(SchemaError, match="names no table of this schema: 'c'"):
        two.with_columns({"x": {"lower": 1}}, table_name="c")


def test_a_schema_prints_as_its_file_and_is_short_in_a_notebook() -> None:
    """`print` shows what `save_schema` writes; what ends a cell is one line, however many columns there are."""
    assert parse_schema(str(SCHEMA)) == SCHEMA
    assert repr(SCHEMA) == "Schema(name=None, tables={'visits': 4 columns})"


def test_what_is_no_schema_is_named() -> None:
    """Also where a dict or a table stands in the place of the schema."""
    with pytest.raises(ts.TabsynthError, match=r"schema: a dict is no schema; give a Schema"):
        ts.validate(None, {"tables": {}})  # type: ignore[arg-type]
