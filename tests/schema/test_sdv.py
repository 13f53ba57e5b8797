"""SDV metadata to schemas and back."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabsynth.errors import SchemaError, UsageError
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
    Text,
)
from tabsynth.schema.files import format_schema, load_schema, parse_schema
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.sdv import VERSIONS, from_sdv, is_sdv, to_sdv

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000)
TEXTS = st.text(min_size=1, max_size=4)
SDTYPES = st.sampled_from(
    [
        "numerical",
        "datetime",
        "categorical",
        "ordinal",
        "boolean",
        "id",
        "unknown",
        "email",
        "ascii_email",
        "name",
        "ssn",
        "phone_number",
        "first_name",
        "city",
        "latitude",
        "ipv4_address",
        "text",
        "paragraph",
        "vin",
        "uuid4",
        "iban",
    ]
)
FORMATS = ["%Y-%m-%d", "%d/%m/%Y %H:%M", "%Y", "%Y-%m-%d %H:%M:%S.%f%z", "%Q", "no directives", 7, None]


def exactly(value: Any) -> str:
    """Text that differs where 1 and 1.0 or true and 1 are confused."""
    return json.dumps(value, sort_keys=True)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """A column as SDV could write it, and as a careless hand could."""
    column: dict[str, Any] = {"sdtype": draw(SDTYPES)}
    optional = {
        "computer_representation": st.sampled_from(["Int64", "Int8", "UInt16", "Float", "x"]),
        "pii": st.booleans() | st.none(),
        "regex_format": st.just("[A-Z]{3}") | JSON,
        "datetime_format": st.sampled_from(FORMATS),
        "order_by": st.sampled_from(["alphabetical", "numerical_value"]),
        "order": st.lists(TEXTS, max_size=3) | st.lists(NUMBERS, max_size=3),
        "range_values": st.lists(TEXTS, max_size=3) | st.lists(NUMBERS | st.booleans() | st.none(), max_size=3) | JSON,
        "range_is_nullable": st.booleans() | JSON,
        "decimal_places": st.integers(-1, 17) | st.booleans() | st.floats(0, 3),
        "high_cardinality": st.booleans(),
        "x-note": JSON,
    }
    for key, values in optional.items():
        if draw(st.integers(0, 4)) == 0:
            column[key] = draw(values)
    if draw(st.booleans()):
        low, high = sorted([draw(NUMBERS), draw(NUMBERS)])
        bounds = draw(
            st.sampled_from([(low, high), (low, None), ("2020-01-05", "2021-01-05"), ("01/02/2020", 5), (True, "x")])
        )
        column["range_min"], column["range_max"] = bounds
    return column


@st.composite
def sdv_tables(draw: st.DrawFn) -> dict[str, Any]:
    """A table with keys that name its columns."""
    names = draw(st.lists(st.text(max_size=4), min_size=1, max_size=4, unique=True))
    name = st.sampled_from(names)
    some = st.lists(name, min_size=1, max_size=3, unique=True)
    table: dict[str, Any] = {"columns": {column: draw(columns()) for column in names}}
    optional = {
        "primary_key": name | some | st.none(),
        "alternate_keys": st.lists(name | some, max_size=2) | st.none(),
        "sequence_key": name | st.lists(name, min_size=2, max_size=2) | st.none(),
        "sequence_index": name | st.none(),
        "column_relationships": JSON,
        "x-table": JSON,
    }
    for key, values in optional.items():
        if draw(st.integers(0, 2)) == 0:
            table[key] = draw(values)
    return table


@st.composite
def metadata(draw: st.DrawFn) -> dict[str, Any]:
    """Any metadata of any version, with the version left out at times."""
    version = draw(st.sampled_from(VERSIONS))
    if version == "SINGLE_TABLE_V1":
        described = draw(sdv_tables())
    else:
        names = draw(st.lists(st.text(max_size=4), min_size=1, max_size=3, unique=True))
        tables = {name: draw(sdv_tables()) for name in names}
        described = {"tables": tables}
        if draw(st.booleans()):
            described["relationships"] = [draw(relationships(tables)) for _ in range(draw(st.integers(0, 2)))] or draw(
                st.sampled_from([[], None])
            )
        if draw(st.booleans()):
            described["x-top"] = draw(JSON)
    if version in ("V1", "SINGLE_TABLE_V1") and draw(st.booleans()):
        return described
    if version == "V1" and draw(st.booleans()):
        version = "SINGLE_TABLE_V1"  # with tables nonetheless, as SDMetrics writes it
    return {**described, "METADATA_SPEC_VERSION": version}


@st.composite
def relationships(draw: st.DrawFn, tables: dict[str, Any]) -> dict[str, Any]:
    """A relationship between tables that are there, its keys written as text or as lists."""
    parent, child = draw(st.sampled_from(list(tables))), draw(st.sampled_from(list(tables)))
    parent_column = draw(st.sampled_from(list(tables[parent]["columns"])))
    child_column = draw(st.sampled_from(list(tables[child]["columns"])))
    relationship: dict[str, Any] = {
        "parent_table_name": parent,
        "parent_primary_key": draw(st.sampled_from([parent_column, [parent_column]])),
        "child_table_name": child,
        "child_foreign_key": draw(st.sampled_from([child_column, [child_column]])),
    }
    return relationship | draw(st.sampled_from([{}, {"x-note": 1}]))


def version_of(described: dict[str, Any]) -> str:
    return described.get("METADATA_SPEC_VERSION", "V1" if "tables" in described else "SINGLE_TABLE_V1")


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(metadata())
def test_there_and_back_is_lossless(described: dict[str, Any]) -> None:
    """Whatever the metadata holds comes back unchanged, through a schema and through a schema file."""
    before = deepcopy(described)
    schema = from_sdv(described)
    assert exactly(described) == exactly(before)
    assert exactly(to_sdv(schema, version=version_of(described))) == exactly(before)
    again = parse_schema(format_schema(schema))
    assert exactly(to_sdv(again, version=version_of(described))) == exactly(before)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(metadata(), st.sampled_from(["V1", "V2"]))
def test_every_version_can_be_written_from_every_other(described: dict[str, Any], version: str) -> None:
    """Metadata in another version reads back, and keeps kinds and keys that both versions know."""
    schema = from_sdv(described)
    other = from_sdv(to_sdv(schema, version=version))
    assert [table.primary_key for table in other.tables.values()] == [
        table.primary_key for table in schema.tables.values()
    ]
    assert other.relationships == schema.relationships
    if version == "V2":
        for (_, _, column), (_, _, twin) in zip(schema.walk(), other.walk(), strict=True):
            assert twin.type == column.type or column.type == "categorical"


SINGLE = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "columns": {
        "id": {"sdtype": "id", "regex_format": "P[0-9]{4}"},
        "visit": {"sdtype": "numerical", "computer_representation": "Int32"},
        "weight": {"sdtype": "numerical", "computer_representation": "Float"},
        "sex": {"sdtype": "categorical"},
        "grade": {"sdtype": "categorical", "order": ["low", "high"]},
        "dead": {"sdtype": "boolean"},
        "born": {"sdtype": "datetime", "datetime_format": "%d/%m/%Y"},
        "mail": {"sdtype": "email", "pii": True},
        "phone": {"sdtype": "phone_number"},
        "city": {"sdtype": "city", "pii": False},
        "car": {"sdtype": "vin", "pii": True},
        "note": {"sdtype": "text", "pii": True},
    },
    "primary_key": "id",
    "alternate_keys": ["mail"],
    "sequence_key": "id",
    "sequence_index": "visit",
}


def test_what_each_sdtype_becomes() -> None:
    """Kinds, formats, orders, surrogates and keys of a single table."""
    table = from_sdv(SINGLE).only_table
    columns = table.columns
    assert isinstance(columns["id"], Identifier) and columns["id"].pattern == "P[0-9]{4}"
    assert isinstance(columns["visit"], Integer) and isinstance(columns["weight"], Number)
    assert isinstance(columns["sex"], Categorical) and columns["sex"].categories is None
    assert isinstance(columns["grade"], Ordinal) and columns["grade"].categories == ("low", "high")
    assert columns["grade"].source("categories") is Provenance.DECLARED
    assert isinstance(columns["dead"], Boolean) and isinstance(columns["note"], Text)
    assert isinstance(columns["born"], DateTime)
    assert (columns["born"].format, columns["born"].resolution) == ("%d/%m/%Y", "day")
    surrogates = {name: c.surrogate for name, c in columns.items() if isinstance(c, Identifier)}
    assert surrogates == {"id": "key", "mail": "email", "phone": "phone", "car": "key"}
    assert columns["car"].question is not None and columns["mail"].question is None
    assert isinstance(columns["city"], Categorical) and columns["city"].role is Role.QUASI_IDENTIFIER
    assert table.primary_key == ("id",) and table.entity_key == "id" and table.order_by == ("visit",)
    assert [constraint.type for constraint in table.constraints] == ["unique"]


NEW = {
    "METADATA_SPEC_VERSION": "V2",
    "tables": {
        "people": {
            "columns": {
                "id": {"sdtype": "id"},
                "age": {"sdtype": "numerical", "decimal_places": 0, "range_min": 0, "range_max": 113},
                "height": {"sdtype": "numerical", "decimal_places": 2, "range_min": 0.5, "range_is_nullable": False},
                "size": {"sdtype": "ordinal", "range_values": [1, 2, 3]},
                "sex": {"sdtype": "categorical", "range_values": ["F", "M"], "high_cardinality": False},
                "seen": {
                    "sdtype": "datetime",
                    "datetime_format": "%d %b %Y %H:%M",
                    "range_min": "03 Feb 2020 10:00",
                    "range_max": "04 Feb 2020 11:30",
                },
            },
            "primary_key": ["id"],
        },
        "visits": {"columns": {"person": {"sdtype": "id"}, "place": {"sdtype": "unknown", "pii": True}}},
    },
    "relationships": [
        {
            "parent_table_name": "people",
            "parent_primary_key": "id",
            "child_table_name": "visits",
            "child_foreign_key": ["person"],
        }
    ],
}


def test_what_version_2_knows_more() -> None:
    """Bounds, decimals, lists of values and nullability become fields of the schema."""
    schema = from_sdv(NEW)
    columns = schema.tables["people"].columns
    assert isinstance(columns["age"], Integer) and (columns["age"].lower, columns["age"].upper) == (0, 113)
    assert isinstance(columns["height"], Number) and columns["height"].decimals == 2
    assert not columns["height"].nullable and columns["age"].nullable
    assert isinstance(columns["size"], Ordinal) and columns["size"].categories == (1, 2, 3)
    assert isinstance(columns["sex"], Categorical) and columns["sex"].categories == ("F", "M")
    assert isinstance(columns["seen"], DateTime)
    assert (columns["seen"].lower, columns["seen"].upper) == ("2020-02-03T10:00:00", "2020-02-04T11:30:00")
    assert schema.relationships[0].parent_key == ("id",) and schema.relationships[0].child_key == ("person",)
    assert schema.tables["visits"].columns["place"].question is not None


def test_bounds_count_as_read_from_data_unless_told_otherwise() -> None:
    """SDV writes real extremes into its files, so its bounds are no declared domain by default."""
    age = from_sdv(NEW).tables["people"].columns["age"]
    assert age.source("upper") is Provenance.DATA and not age.is_rule("upper")
    assert from_sdv(NEW, ranges=Provenance.PUBLIC).tables["people"].columns["age"].source("upper") is Provenance.PUBLIC
    assert from_sdv(NEW, ranges=Provenance.DECLARED).tables["people"].columns["age"].provenance == {}


def edited(schema: Schema, name: str, **changes: Any) -> Schema:
    """The schema with one column of its first table changed."""
    table_name, table = next(iter(schema.tables.items()))
    column = table.columns[name].model_copy(update=changes)
    table = table.model_copy(update={"columns": {**table.columns, name: column}})
    return schema.model_copy(update={"tables": {**schema.tables, table_name: table}})


def test_an_edit_wins_over_what_was_kept() -> None:
    """A bound, a format or a surrogate that was changed since appears in the metadata."""
    schema = edited(from_sdv(NEW), "age", upper=90)
    assert to_sdv(schema, version="V2")["tables"]["people"]["columns"]["age"]["range_max"] == 90
    schema = edited(from_sdv(SINGLE), "mail", surrogate="phone")
    assert to_sdv(schema, version="SINGLE_TABLE_V1")["columns"]["mail"]["sdtype"] == "phone_number"
    ascii_mail = {"columns": {"a": {"sdtype": "ascii_email"}}, "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1"}
    schema = edited(from_sdv(ascii_mail), "a", surrogate="ssn")
    assert to_sdv(schema, version="SINGLE_TABLE_V1")["columns"]["a"]["sdtype"] == "ssn"


def test_keys_of_one_version_are_not_written_into_another() -> None:
    """`computer_representation` does not reach V2, nor `range_min` V1."""
    new = to_sdv(from_sdv(SINGLE), version="V2")["tables"]["table"]["columns"]
    assert new["visit"] == {"sdtype": "numerical", "decimal_places": 0}
    assert new["grade"] == {"sdtype": "ordinal", "range_values": ["low", "high"]}
    old = to_sdv(from_sdv(NEW), version="V1")["tables"]["people"]["columns"]
    assert old["age"] == {"sdtype": "numerical", "computer_representation": "Int64"}
    assert old["seen"] == {"sdtype": "datetime", "datetime_format": "%d %b %Y %H:%M"}


def test_a_schema_of_our_own_becomes_metadata() -> None:
    """Nothing is kept from a file, and every kind has a word."""
    schema = Schema(
        tables={
            "t": Table(
                columns={
                    "a": Identifier(surrogate="email"),
                    "b": Boolean(labels=("n", "y")),
                    "c": Number(lower=0.0, upper=1.5, decimals=1, nullable=False),
                    "d": DateTime(format=("%d.%m.%Y", "%Y"), lower="2020-01-05"),
                    "e": Text(),
                },
                primary_key=("a", "b"),
            )
        }
    )
    assert to_sdv(schema, version="V2") == {
        "tables": {
            "t": {
                "columns": {
                    "a": {"sdtype": "email", "pii": True},
                    "b": {"sdtype": "boolean"},
                    "c": {
                        "sdtype": "numerical",
                        "range_min": 0.0,
                        "range_max": 1.5,
                        "decimal_places": 1,
                        "range_is_nullable": False,
                    },
                    "d": {"sdtype": "datetime", "datetime_format": "%d.%m.%Y", "range_min": "05.01.2020"},
                    "e": {"sdtype": "text", "pii": True},
                },
                "primary_key": ["a", "b"],
            }
        },
        "relationships": [],
        "METADATA_SPEC_VERSION": "V2",
    }


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"METADATA_SPEC_VERSION": "V9"}, "METADATA_SPEC_VERSION is unknown"),
        ({"tables": {"t": {"fields": {}}}}, "before SDV 1.0"),
        ({"tables": []}, "tables: must be a mapping"),
        ({"tables": {"t": {"columns": 5}}}, "tables.t.columns: must be a mapping"),
        ({"columns": {"a": {}}}, "columns.a: has no sdtype"),
        ({"columns": {"a": {"sdtype": "id"}}, "primary_key": "b"}, "names no column of this schema: 'b'"),
        ({"columns": {"a": {"sdtype": "numerical", "range_min": 2, "range_max": 1}}}, "lower is above upper"),
        ({"tables": {"t": {"columns": {"a": {"sdtype": "id"}}}}, "relationships": [{}]}, "lacks parent_table_name"),
        ({"columns": {"a": {"sdtype": object()}}}, "JSON cannot"),
    ],
)
def test_metadata_that_contradicts_itself_is_refused(described: Any, message: str) -> None:
    """Each fault is named."""
    with pytest.raises(SchemaError, match=message):
        from_sdv(described)


def test_unknown_versions_and_too_many_tables_are_refused() -> None:
    """What cannot be written is named before anything is."""
    with pytest.raises(UsageError, match="choose from: SINGLE_TABLE_V1"):
        to_sdv(from_sdv(SINGLE), version="V3")
    with pytest.raises(SchemaError, match="2 tables"):
        to_sdv(from_sdv(NEW), version="SINGLE_TABLE_V1")


def test_a_metadata_file_loads_as_a_schema(tmp_path: Any) -> None:
    """`load_schema` recognises SDV metadata by its shape; a fault is told with the file's name."""
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(SINGLE))
    assert load_schema(path) == from_sdv(SINGLE)
    path.write_text(json.dumps({"columns": {"a": {"sdtype": 5}}, "METADATA_SPEC_VERSION": "V1"}))
    with pytest.raises(SchemaError, match=r"metadata\.json: SDV metadata"):
        load_schema(path)
    assert not is_sdv({"tables": {"t": {"columns": {"a": {"type": "integer"}}}}})


def test_sdv_is_not_imported() -> None:
    """Reading its metadata needs nothing of SDV."""
    code = "import sys, tabsynth.schema.sdv; sys.exit(any(m.split('.')[0] in ('sdv', 'rdt') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
