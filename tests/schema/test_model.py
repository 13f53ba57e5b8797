"""The schema as values: what it holds, refuses and says about itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import (
    Boolean,
    Categorical,
    DateTime,
    Identifier,
    Integer,
    Number,
    Ordinal,
    Provenance,
    Role,
    reads_back,
)
from tabsynth.schema.constraints import Inequality
from tabsynth.schema.model import Privacy, Relationship, Schema, Table, Unit

ONE = {"a": Integer()}


def test_what_is_not_marked_is_declared_and_a_rule() -> None:
    """Provenance is by field; only values read from data are no rule, and values that are not there are none either."""
    column = Integer(lower=0, upper=9, provenance={"upper": Provenance.DATA})
    assert column.source("lower") is Provenance.DECLARED and column.is_rule("lower")
    assert column.source("upper") is Provenance.DATA and not column.is_rule("upper")
    assert Integer(upper=9, provenance={"upper": Provenance.DP}).is_rule("upper")
    assert Integer(upper=9, provenance={"upper": Provenance.PUBLIC}).is_rule("upper")
    assert not Integer().is_rule("upper")


def test_identifiers_are_direct_identifiers_unless_told_otherwise() -> None:
    """The role that protects is the default."""
    assert Identifier().role is Role.DIRECT_IDENTIFIER
    assert Integer().role is Role.NONE


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Integer(lower=2, upper=1), "lower is above upper"),
        (lambda: Number(lower=float("nan")), "finite"),
        (lambda: DateTime(lower="2020-02-30"), "ISO 8601"),
        (lambda: DateTime(lower="2021", upper="2020-01-01"), "ISO 8601"),
        (lambda: DateTime(lower="2021-01-01", upper="2020-01-01"), "lower is above upper"),
        (lambda: DateTime(lower="2020-01-01T00:00+00:00", upper="2021-01-01"), "UTC offset, or neither"),
        (lambda: DateTime(time_zone="Mars/Base"), "no IANA time zone"),
        (lambda: DateTime(format="yyyy-mm-dd"), "strptime directives"),
        (lambda: DateTime(format=("%Y", "%Q")), "strptime directives"),
        (lambda: Categorical(categories=()), "categories is empty"),
        (lambda: Categorical(categories=("a", "a")), "same entry twice"),
        (lambda: Categorical(categories=("1", 1)), "same entry twice"),
        (lambda: Categorical(categories=("a", 1)), "mixes text and numbers"),
        (lambda: Ordinal(categories=(True, False)), "put them in quotes"),
        (lambda: Boolean(labels=("ja", " ja")), "two different texts"),
        (lambda: Integer(provenance={"low": Provenance.DATA}), "names no field of this column: low"),
        (lambda: Table(columns={}), "at least 1"),
        (lambda: Table(columns=ONE, primary_key=("b",)), "primary_key names no column of this schema: b"),
        (lambda: Table(columns=ONE, order_by=("b",)), "order_by names no column"),
        (lambda: Table(columns=ONE, entity_key="b"), "entity_key names no column"),
        (lambda: Table(columns=ONE, constraints=(Inequality(low="a", high="b"),)), "constraint 1"),
        (lambda: Relationship(parent="p", parent_key=("a", "b"), child="c", child_key=("a",)), "equally many"),
        (lambda: Privacy(unit="row", epsilon=0.0), "greater than 0"),
        (lambda: Privacy(unit="row", delta=1.0), "less than 1"),
    ],
)
def test_contradictions_are_refused(make: Any, message: str) -> None:
    """A schema cannot say what cannot be."""
    with pytest.raises(ValidationError, match=message):
        make()


def test_names_between_tables_must_exist() -> None:
    """Relationships and the privacy unit are checked against the tables."""
    tables = {"p": Table(columns=ONE), "c": Table(columns={"b": Integer()})}
    Schema(tables=tables, relationships=(Relationship(parent="p", parent_key=("a",), child="c", child_key=("b",)),))
    with pytest.raises(ValidationError, match="relationship 1 names no column"):
        Schema(tables=tables, relationships=(Relationship(parent="p", parent_key=("a",), child="c", child_key=("a",)),))
    with pytest.raises(ValidationError, match=r"privacy\.unit names no table"):
        Schema(tables=tables, privacy=Privacy(unit=Unit(table="x", key="a")))
    with pytest.raises(ValidationError, match=r"privacy\.unit names no column"):
        Schema(tables=tables, privacy=Privacy(unit=Unit(table="p", key="b")))


def test_errors_do_not_repeat_the_input() -> None:
    """A value in a schema may be a patient's; pydantic is told not to print it."""
    with pytest.raises(ValidationError) as caught:
        Integer(lower="Jane Doe")  # type: ignore[arg-type]
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("value", [1, 1.0, "true", None])
def test_nothing_is_coerced(value: Any) -> None:
    """A truth value is a truth value."""
    with pytest.raises(ValidationError):
        Integer(nullable=value)


def test_parts_are_frozen() -> None:
    """A contract does not change under a fitted model."""
    with pytest.raises(ValidationError, match="frozen"):
        Integer().lower = 3  # type: ignore[misc]


def test_the_only_table() -> None:
    """A schema of one table gives it without a name; one of several asks for the name."""
    one = Schema(tables={"t": Table(columns=ONE)})
    assert one.only_name == "t" and one.only_table is one.tables["t"]
    two = Schema(tables={"t": Table(columns=ONE), "u": Table(columns=ONE)})
    with pytest.raises(SchemaError, match="2 tables"):
        _ = two.only_table
    assert [(table, name) for table, name, _ in two.walk()] == [("t", "a"), ("u", "a")]


@pytest.mark.parametrize(
    "spelling", ["%Y-%m-%d", "%d/%m/%y", "%H:%M", "%Y", "%d %b %Y", "%Y-%m-%dT%H:%M:%S%z", "%j %Y"]
)
def test_formats_that_read_what_they_write(spelling: str) -> None:
    """Usual strptime formats are accepted, those with part of a date or an offset too."""
    assert reads_back(spelling)


@pytest.mark.parametrize("spelling", ["", "date", "%", "%Q", "%Y-%m-%", "yyyy"])
def test_formats_that_do_not(spelling: str) -> None:
    """Other notations, and formats without a directive, are refused."""
    assert not reads_back(spelling)


def test_json_and_python_give_the_same_schema() -> None:
    """Enumerations, tuples and defaults survive the way through JSON."""
    schema = Schema(
        tables={"t": Table(columns={"a": Categorical(categories=("x",), provenance={"categories": Provenance.DP})})}
    )
    assert Schema.model_validate_json(schema.model_dump_json()) == schema
