"""Tables against their schemas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import DataError, SchemaError
from tabsynth.schema.columns import (
    Boolean,
    Categorical,
    Column,
    DateTime,
    Identifier,
    Integer,
    Number,
    Ordinal,
    Provenance,
    Text,
)
from tabsynth.schema.constraints import FixedCombinations, Inequality, Unique
from tabsynth.schema.model import Relationship, Schema, Table
from tabsynth.schema.validate import Violation, require_valid, validate_table, validate_tables
from tests.shared_tables import shared_data


def check(cells: list[Any], column: Column, dtype: Any = object) -> list[tuple[str, tuple[int, ...]]]:
    """Rule and rows of each violation of a table with one column `a`."""
    validation = validate_table(pd.DataFrame({"a": pd.Series(cells, dtype=dtype)}), Table(columns={"a": column}))
    assert all(violation.count == len(violation.rows) for violation in validation.violations)
    return [(violation.rule, violation.rows) for violation in validation.violations]


def test_a_validation_shows_no_cell() -> None:
    """Not either where it ends the cell of a notebook, and so stands in a file that is passed on."""
    frame = pd.DataFrame({"name": ["Waldemar", None], "pay": [7654321, 2]})
    validation = validate_table(frame, Table(columns={"name": Text(), "pay": Integer(upper=9)}))
    assert "Waldemar" not in repr(validation) and "7654321" not in repr(validation)
    assert "Values(n_rows=2, n_missing=1)" in repr(validation)


def rules(violations: tuple[Violation, ...]) -> list[tuple[str | None, str]]:
    return [(violation.column, violation.rule) for violation in violations]


@pytest.mark.parametrize(
    ("cells", "column", "expected"),
    [
        (["1", "x", ""], Integer(), [("unreadable", (2,))]),
        (["1", "x", ""], Integer(nullable=False), [("unreadable", (2,)), ("empty-cell", (3,))]),
        (["1", "?", ""], Integer(missing_values=("?",), nullable=False), [("empty-cell", (2, 3))]),
        (["1", "inf", "-Infinity"], Number(), [("infinite", (2, 3))]),
        ([1.0, np.inf, np.nan], Number(), [("infinite", (2,))]),
        ([-1, 0, 5, 6], Integer(lower=0, upper=5), [("below-lower", (1,)), ("above-upper", (4,))]),
        ([1.25, 1.2, None], Number(decimals=1), [("too-many-decimals", (1,))]),
        (["a", "b", "c"], Categorical(categories=("a", "b")), [("not-a-category", (3,))]),
        (["a", "other"], Categorical(categories=("a",), rare_label="other"), []),
        (["a", "b\ud800", ""], Categorical(), [("unreadable", (2,))]),
        (["a", "b\udfff", "b"], Identifier(), [("unreadable", (2,))]),
        ([1.0, 2.0, 3.0], Categorical(categories=(1, 2)), [("not-a-category", (3,))]),
        (["low", "high", ""], Ordinal(categories=("low", "mid")), [("not-a-category", (2,))]),
        (["Ja", "yes"], Boolean(labels=("Nein", "Ja")), [("unreadable", (2,))]),
        (
            ["2019-12-31", "2020-06-01", "2021-01-02"],
            DateTime(lower="2020-01-01", upper="2021-01-01"),
            [("below-lower", (1,)), ("above-upper", (3,))],
        ),
        (["2020-01-01 10:00", "2020-01-01"], DateTime(resolution="day"), [("finer-than-resolution", (1,))]),
        (["2020-01-01 10:00", "2020-01-01"], DateTime(), []),
        (["2020-01-01", "01/02/2020", "now"], DateTime(), [("unreadable", (2, 3))]),
        (["P1", "P22", "", "xP1"], Identifier(pattern="P[0-9]"), [("pattern", (2, 4))]),
        (["short", "long text"], Text(max_length=5), [("too-long", (2,))]),
        ([["a"], "b"], Text(), [("unreadable", (1,))]),
    ],
)
def test_rules_of_a_column(cells: list[Any], column: Column, expected: Any) -> None:
    """Each rule is told with the rows that break it, and with no others."""
    assert check(cells, column) == expected


@pytest.mark.parametrize(
    ("column", "field", "cells"),
    [
        (Integer(upper=1), "upper", [5]),
        (Integer(lower=1), "lower", [0]),
        (Number(decimals=0), "decimals", [0.5]),
        (Categorical(categories=("a",)), "categories", ["b"]),
        (DateTime(lower="2020-01-01"), "lower", ["2019-01-01"]),
        (DateTime(resolution="day"), "resolution", ["2019-01-01 10:00"]),
        (Identifier(pattern="P"), "pattern", ["Q"]),
        (Text(max_length=1), "max_length", ["long"]),
    ],
)
def test_what_was_read_from_data_is_a_notice(column: Column, field: str, cells: list[Any]) -> None:
    """Marked `data`, a bound or list describes; marked anything else, it rules."""
    for source in Provenance:
        table = Table(columns={"a": column.model_copy(update={"provenance": {field: source}})})
        validation = validate_table(pd.DataFrame({"a": cells}), table)
        described = source is Provenance.DATA
        assert (len(validation.violations), len(validation.notices)) == ((0, 1) if described else (1, 0))
        assert validation.ok == described


def test_a_table_that_fits() -> None:
    """No violation, no notice, and the typed values of every column in the order of the schema."""
    table = Table(columns={"a": Integer(), "b": Categorical(), "note": Text(fill="drop")}, primary_key=("a",))
    validation = validate_table(pd.DataFrame({"b": ["x", None], "a": ["1", "2"]}), table, name="t")
    assert validation.ok and not validation.notices and validation.table == "t"
    assert list(validation.typed.columns) == ["a", "b"] and validation.typed.n_rows == 2
    assert validation.typed.columns["a"].array.tolist() == [1, 2]
    require_valid(validation)


def test_an_empty_table_breaks_no_rule_of_cells() -> None:
    """No rows, no broken rows."""
    table = Table(
        columns={"a": Integer(lower=1), "b": Categorical(categories=("x",)), "c": Identifier(pattern="P")},
        primary_key=("a", "b"),
        constraints=(Unique(columns=("c",)),),
    )
    assert validate_table(pd.DataFrame({"a": [], "b": [], "c": []}), table).ok


def test_the_header_is_compared_with_the_schema() -> None:
    """Missing, unknown, repeated and nameless columns are told; repeated ones are read once."""
    frame = pd.DataFrame([[1, 2, 3, 4, 5]], columns=["a", "a", "z", 0, "z"])
    table = Table(columns={"a": Integer(), "b": Integer(), "t": Text(fill="placeholder"), "u": Text(fill="drop")})
    validation = validate_table(frame, table)
    assert rules(validation.violations) == [
        ("a", "duplicate-column"),
        ("b", "missing-column"),
        ("t", "missing-column"),
        ("z", "unexpected-column"),
        (None, "unexpected-column"),
    ]
    assert list(validation.typed.columns) == ["a"]


def test_everything_is_told_at_once_with_counts_rows_and_remedies() -> None:
    """The whole error, as it is printed."""
    table = Table(
        columns={
            "id": Identifier(),
            "age": Integer(upper=90),
            "sex": Categorical(categories=("F", "M")),
            "x": Text(fill="placeholder"),
        },
        primary_key=("id",),
        constraints=(Unique(columns=("age", "sex"), name="no twins"),),
    )
    frame = pd.DataFrame({"id": ["a", "b", "a", ""], "age": [91, 5, 5, 7], "sex": ["F", "M", "M", "m"], "y": 1})
    with pytest.raises(DataError) as caught:
        require_valid(validate_table(frame, table, name="people"))
    assert str(caught.value).split("\n") == [
        "7 violations of the schema",
        "- people.x: the column is missing; add it, or delete it from the schema",
        "- people.y: the schema has no such column; add it to the schema, or drop it from the table",
        "- people.age: values above upper in 1 row (1); mend them, or change upper",
        "- people.sex: values that are no category in 1 row (4); mend them, or add them to categories",
        "- people.id: no primary_key in 1 row (4); fill these cells, or drop the rows",
        "- people.id: the primary_key of an earlier row in 1 row (3); drop the repeated rows, or choose another "
        "primary_key",
        "- people: constraint 1 (no twins) of age, sex is broken in 1 row (3); mend these rows, or the constraint",
    ]


def test_the_first_ten_rows_are_named_and_all_are_counted() -> None:
    """A long list of rows is cut, its length is not."""
    validation = validate_table(pd.DataFrame({"a": range(1500)}), Table(columns={"a": Integer(upper=99)}))
    (violation,) = validation.violations
    assert violation.rows == tuple(range(101, 111)) and violation.count == 1400
    assert "in 1,400 rows (101, 102, 103, 104, 105, 106, 107, 108, 109, 110, ...)" in violation.message


SECRET = "Jane Doe 1970"


@given(st.sampled_from(["integer", "number", "boolean", "datetime", "categorical", "identifier", "text", "ordinal"]))
def test_no_message_holds_a_cell(kind: str) -> None:
    """Whatever is wrong with a cell, its content stays in the table."""
    columns: dict[str, Column] = {
        "integer": Integer(upper=1),
        "number": Number(upper=1.0),
        "boolean": Boolean(),
        "datetime": DateTime(),
        "categorical": Categorical(categories=("a",)),
        "identifier": Identifier(pattern="x"),
        "text": Text(max_length=1),
        "ordinal": Ordinal(categories=("a",)),
    }
    table = Table(columns={"a": columns[kind]}, primary_key=("a",), constraints=(Unique(columns=("a",)),))
    validation = validate_table(pd.DataFrame({"a": [SECRET, SECRET, "987654321", "987654321"]}), table)
    assert validation.violations
    with pytest.raises(DataError) as caught:
        require_valid(validation)
    assert "Jane" not in str(caught.value) and "98765" not in str(caught.value)


def test_numbers_stored_in_32_bits_are_judged_as_stored() -> None:
    """0.1 in a narrow column equals the bound 0.1 and has one decimal."""
    for dtype in ("float32", "float[pyarrow]"):
        column = Number(lower=0.1, upper=0.7, decimals=1)
        assert check([0.1, 0.7, None], column, dtype) == []
        assert check([0.1, 0.71], column, dtype) == [("above-upper", (2,)), ("too-many-decimals", (2,))]


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_rounded_numbers_have_no_decimals_too_many(number: float, decimals: int) -> None:
    """Rounding to `decimals` satisfies `decimals`, whatever the size of the number."""
    assert check([round(number, decimals)], Number(decimals=decimals)) == []


def test_days_are_those_of_the_zone() -> None:
    """Midnight in Paris is no whole day in UTC, and is one here."""
    column = DateTime(time_zone="Europe/Paris", resolution="day")
    assert check(["2020-06-01T00:00:00", "2020-06-01T02:00:00+02:00"], column) == [("finer-than-resolution", (2,))]


def test_keys_of_several_columns() -> None:
    """Only whole keys repeat; a key with a gap is told as such."""
    table = Table(columns={"a": Integer(), "b": Categorical()}, primary_key=("a", "b"))
    frame = pd.DataFrame({"a": [1, 1, 1, None, None], "b": ["x", "y", "x", "x", "x"]})
    violations = validate_table(frame, table).violations
    assert [(v.column, v.rule, v.rows) for v in violations] == [
        ("a", "empty-key", (4, 5)),
        (None, "duplicate-key", (3,)),
    ]


def test_rows_without_an_entity_are_noticed() -> None:
    """A row without an entity key is a person of its own, which is told; repeated entities are what they are for."""
    table = Table(columns={"who": Identifier(), "n": Integer()}, entity_key="who")
    validation = validate_table(pd.DataFrame({"who": ["a", "a", None], "n": [1, 2, 3]}), table)
    assert validation.ok
    assert [(v.column, v.rule, v.rows) for v in validation.notices] == [("who", "empty-key", (3,))]
    assert "(3" not in validation.notices[0].summary


def test_constraints_are_checked_where_their_columns_are() -> None:
    """A constraint on a missing column is left to the finding about the column."""
    constraints = (Inequality(low="a", high="b"), FixedCombinations(columns=("a", "c"), combinations=((1, 1),)))
    table = Table(columns={"a": Integer(), "b": Integer(), "c": Integer()}, constraints=constraints)
    validation = validate_table(pd.DataFrame({"a": [1, 5], "b": [2, 4]}), table)
    assert rules(validation.violations) == [("c", "missing-column"), (None, "constraint")]
    assert validation.violations[1].rows == (2,)


def test_a_pattern_that_is_no_pattern_is_an_error_of_the_schema() -> None:
    """The column is named, and the remedy is."""
    with pytest.raises(SchemaError, match=r"a: pattern is no regular expression .*write one such as"):
        check(["x"], Identifier(pattern="["))


def test_only_pandas_tables_are_taken() -> None:
    """Anything else is refused by name."""
    with pytest.raises(DataError, match="pass a DataFrame"):
        validate_table({"a": [1]}, Table(columns={"a": Integer()}))  # type: ignore[arg-type]


# --- several tables --------------------------------------------------------------------------------------------------


def two(parent_kind: Column, child_kind: Column, **parent: Any) -> Schema:
    """Parents with a key `k`, children with a key `p`."""
    return Schema(
        tables={
            "parents": Table(columns={"k": parent_kind}, **parent),
            "children": Table(columns={"p": child_kind}),
        },
        relationships=(Relationship(parent="parents", parent_key=("k",), child="children", child_key=("p",)),),
    )


@pytest.mark.parametrize("parent_kind", [Identifier(), Integer(), Categorical()])
@pytest.mark.parametrize("child_kind", [Identifier(), Integer(), Number()])
def test_keys_that_point_nowhere(parent_kind: Column, child_kind: Column) -> None:
    """Dangling keys are told for the child, keys of different kinds are compared, gaps point nowhere."""
    frames = {"parents": pd.DataFrame({"k": [1, 2, 3]}), "children": pd.DataFrame({"p": [3, 4, None, 1, 4]})}
    checked = validate_tables(frames, two(parent_kind, child_kind))
    assert checked["parents"].ok
    assert [(v.column, v.rule, v.count, v.rows) for v in checked["children"].violations] == [
        ("p", "dangling-key", 2, (2, 5))
    ]
    with pytest.raises(DataError, match=r"children\.p: a p that is not in parents\.k in 2 rows \(2, 5\)"):
        require_valid(checked)


def test_a_parent_key_must_be_unique_once() -> None:
    """A repeated parent key is told once, whether it is the primary key or not."""
    frames = {"parents": pd.DataFrame({"k": [1, 1]}), "children": pd.DataFrame({"p": [1]})}
    for parent in ({}, {"primary_key": ("k",)}):
        checked = validate_tables(frames, two(Integer(), Integer(), **parent))
        assert rules(checked["parents"].violations) == [("k", "duplicate-key")]
        assert checked["children"].ok


def test_tables_that_are_missing_or_unknown() -> None:
    """All of them are named at once."""
    with pytest.raises(DataError, match=r"(?s)parents: the table is missing.*other: the schema has no such table"):
        validate_tables({"children": pd.DataFrame(), "other": pd.DataFrame()}, two(Integer(), Integer()))


def test_keys_of_a_column_that_is_missing_are_left_to_that_finding() -> None:
    """No second error about the same gap."""
    frames = {"parents": pd.DataFrame({"x": [1]}), "children": pd.DataFrame({"p": [1]})}
    checked = validate_tables(frames, two(Integer(), Integer()))
    assert rules(checked["parents"].violations) == [("k", "missing-column"), ("x", "unexpected-column")]
    assert checked["children"].ok


def test_composite_keys_of_real_tables() -> None:
    """TPC-H: all order lines point to suppliers' parts by two columns, and one altered line is found."""
    folder = shared_data() / "tpch"
    parts = pd.read_csv(folder / "partsupp.csv.gz")[["ps_partkey", "ps_suppkey"]]
    lines = pd.read_csv(folder / "lineitem.csv.gz")[["l_partkey", "l_suppkey"]]
    schema = Schema(
        tables={
            "parts": Table(columns={name: Identifier() for name in parts}, primary_key=tuple(parts)),
            "lines": Table(columns={name: Integer() for name in lines}),
        },
        relationships=(Relationship(parent="parts", parent_key=tuple(parts), child="lines", child_key=tuple(lines)),),
    )
    checked = validate_tables({"parts": parts, "lines": lines}, schema)
    assert all(validation.ok for validation in checked.values())
    lines.loc[7, "l_suppkey"] += 1
    (violation,) = validate_tables({"parts": parts, "lines": lines}, schema)["lines"].violations
    assert (violation.column, violation.rule, violation.rows) == (None, "dangling-key", (8,))


def test_dangling_keys_of_real_tables() -> None:
    """Flights of 2013: planes that the register lacks are counted as a plain join counts them."""
    folder = shared_data() / "nycflights13"
    flights = pd.read_parquet(folder / "flights.parquet", columns=["tailnum"])
    planes = pd.read_csv(folder / "planes.csv")[["tailnum"]]
    schema = Schema(
        tables={
            "planes": Table(columns={"tailnum": Identifier()}, primary_key=("tailnum",)),
            "flights": Table(columns={"tailnum": Categorical()}),
        },
        relationships=(
            Relationship(parent="planes", parent_key=("tailnum",), child="flights", child_key=("tailnum",)),
        ),
    )
    (violation,) = validate_tables({"planes": planes, "flights": flights}, schema)["flights"].violations
    unknown = flights["tailnum"].notna() & ~flights["tailnum"].isin(planes["tailnum"])
    assert violation.count == int(unknown.sum()) > 40_000
