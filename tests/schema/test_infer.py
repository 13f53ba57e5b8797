"""Drafts of whole tables: every storage, keys, relationships, and nothing of single people."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import DataError, UsageError
from tabsynth.identifiers.detect import detect_identifier
from tabsynth.schema.columns import Categorical, Column, DateTime, Identifier, Integer, Number, Provenance, Text
from tabsynth.schema.infer import infer_schema, infer_table
from tabsynth.schema.validate import validate_table
from tabsynth.schema.values import parse_column
from tests.schema.inferring import N_ROWS, cycled, inferred


def test_every_storage_is_read() -> None:
    """Nullable, Arrow, sparse, interval, period and Python objects become schemas that fit their table."""
    base = [None if n % 9 == 0 else n % 17 for n in range(60)]

    def arrow(kind: Any, cells: list[Any]) -> pd.Series:
        return pd.Series(pd.array(cells, dtype=pd.ArrowDtype(kind)))

    days = [None if b is None else dt.date(2020, 1, b + 1) for b in base]
    stamps = [None if day is None else dt.datetime(day.year, day.month, day.day, 3) for day in days]
    expected: dict[str, tuple[Any, type[Column]]] = {
        "Int64": (pd.Series(base, dtype="Int64"), Integer),
        "UInt8": (pd.Series(base, dtype="UInt8"), Integer),
        "Float64": (pd.Series([None if b is None else b / 4 for b in base], dtype="Float64"), Number),
        "timedelta": (pd.to_timedelta([None if b is None else b * 1.5 for b in base], unit="s"), Number),
        "period": (pd.period_range("2000-01", periods=60, freq="M"), DateTime),
        "interval": (pd.interval_range(0, 60), Text),
        "sparse": (pd.Series(pd.arrays.SparseArray([0.0] * 40 + [1.0] * 20)), Categorical),
        "complex": ([complex(n, 1) for n in range(60)], Text),
        "dates": (pd.Series(days, dtype=object), DateTime),
        "datetimes": (pd.Series(stamps, dtype=object), DateTime),
        "decimals": (pd.Series([Decimal(n) / 4 for n in range(60)], dtype=object), Number),
        "mixed": (pd.Series([n if n % 3 else f"{n}.5" for n in range(60)], dtype=object), Number),
        "arrow decimal": (arrow(pa.decimal128(10, 2), [None if b is None else Decimal(b) / 4 for b in base]), Number),
        "arrow date": (arrow(pa.date32(), days), DateTime),
        "arrow timestamp": (arrow(pa.timestamp("us", tz="Europe/Paris"), stamps), DateTime),
        "arrow time": (arrow(pa.time64("us"), [None if s is None else s.time() for s in stamps]), Categorical),
        "arrow duration": (arrow(pa.duration("s"), [dt.timedelta(seconds=n) for n in range(60)]), Integer),
        "arrow float": (arrow(pa.float32(), [None if b is None else b / 4 for b in base]), Number),
        "arrow text": (arrow(pa.string(), [None if b is None else str(b) for b in base]), Integer),
    }
    frame = pd.DataFrame({name: cells for name, (cells, _) in expected.items()})
    table = infer_table(frame, detect=detect_identifier)
    assert {name: type(column) for name, column in table.columns.items()} == {n: k for n, (_, k) in expected.items()}
    assert validate_table(frame, table).violations == ()


def test_durations_are_seconds() -> None:
    """A timedelta is a number of seconds, and says so."""
    column = inferred(pd.to_timedelta(pd.Series(range(0, 3600, 30)), unit="s"), name="stay")
    assert isinstance(column, Integer) and column.unit == "seconds"


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=["a", 3]),
        pd.DataFrame({"a": [[1], [2]]}),
        pd.DataFrame({"a": [{"b": 1}]}),
        pd.DataFrame({"a": [b"x", b"y"]}),
    ],
    ids=["no columns", "twice", "number", "lists", "dictionaries", "bytes"],
)
def test_tables_that_cannot_be_inferred(frame: pd.DataFrame) -> None:
    """Unusable headers and nested cells are named errors."""
    with pytest.raises(DataError):
        infer_table(frame)


@pytest.mark.parametrize("k", [0, -1, 2.5, True])
def test_k_is_a_positive_whole_number(k: Any) -> None:
    """A wrong k is refused."""
    with pytest.raises(UsageError, match="k:"):
        infer_table(pd.DataFrame({"a": [1]}), k=k)


@pytest.mark.parametrize("k", [2, 10])
def test_bounds_are_the_kth_values(k: int) -> None:
    """Never the extremes; nothing at all from fewer than 4 k values."""
    values = np.random.default_rng(1).permutation(np.arange(1000, 1000 + 4 * k))
    column = inferred(values, name="weight", k=k)
    assert (column.lower, column.upper) == (1000 + k - 1, 1000 + 4 * k - k)
    assert inferred(values[:-1], name="weight", k=k).lower is None
    assert inferred([v / 4 for v in values], name="weight", k=k).upper == (1000 + 3 * k) / 4


def test_one_person_counts_once() -> None:
    """With an entity key, categories and bounds rest on people, not on their rows."""
    people = [n // 5 for n in range(500)]
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{p:04d}" for p in people],
            "drug": ["aspirin" if p % 2 else "ibuprofen" if p > 9 else "rareDrug" for p in people],
            "dose": [1000.0 + p + 0.5 for p in people],
        }
    )
    table = infer_table(frame, detect=detect_identifier)
    assert table.entity_key == "patient_id"
    drug, dose = table.columns["drug"], table.columns["dose"]
    assert isinstance(drug, Categorical) and set(drug.categories or ()) == {"aspirin", "ibuprofen"}
    assert isinstance(dose, Number) and (dose.lower, dose.upper) == (1009.5, 1090.5)


def test_everything_read_from_the_data_says_so() -> None:
    """Categories, bounds, formats and gaps are marked `data`, so that they describe and do not forbid."""
    frame = pd.DataFrame(
        {
            "kind": cycled("a", "b", None),
            "flag": cycled("yes", "no"),
            "when": [f"{n % 28 + 1}.01.2020" for n in range(N_ROWS)],
            "size": [f"{n},5" for n in range(N_ROWS)],
            "key": [f"K{n:05d}" for n in range(N_ROWS)],
        }
    )
    columns = infer_table(frame).columns
    fields = {
        "kind": {"nullable", "categories"},
        "flag": {"nullable", "labels"},
        "when": {"nullable", "format", "resolution", "lower", "upper"},
        "size": {"nullable", "decimals", "decimal_mark", "lower", "upper"},
        "key": {"nullable", "pattern"},
    }
    for name, expected in fields.items():
        assert set(columns[name].provenance) == expected
        assert set(columns[name].provenance.values()) == {Provenance.DATA}


def test_new_rows_may_differ_from_what_was_seen() -> None:
    """A draft describes: a new category or a larger value does not violate it."""
    frame = pd.DataFrame({"kind": cycled("a", "b"), "size": list(range(N_ROWS))})
    table = infer_table(frame)
    other = pd.DataFrame({"kind": ["c", "d"], "size": [10_000, -1]})
    assert validate_table(other, table).violations == ()


def test_the_same_table_gives_the_same_schema() -> None:
    """There is no chance in it, and the order of equally common categories is fixed."""
    frame = pd.DataFrame({"a": cycled("z", "y", "x"), "b": np.random.default_rng(2).normal(size=N_ROWS)})
    assert infer_table(frame) == infer_table(frame.copy())
    assert infer_table(frame).columns["a"] == infer_table(frame[::-1]).columns["a"]


def test_primary_key_is_unique_and_complete() -> None:
    """A repeated or incomplete identifier is none; the better name wins."""
    ids = [f"{n:05d}" for n in range(N_ROWS)]
    frame = pd.DataFrame({"serial": ids[::-1], "record_id": ids, "x": 1})
    assert infer_table(frame).primary_key == ("record_id",)
    assert infer_table(frame.assign(record_id=[None, *ids[1:]])).primary_key == ("serial",)
    assert infer_table(frame.assign(record_id=[ids[1], *ids[1:]], serial="a")).primary_key == ()


def test_entity_key_is_a_repeated_key_of_somebody() -> None:
    """People go before other keys; codes, places and unique keys are no entities."""
    frame = pd.DataFrame(
        {
            "order_id": [f"{n // 2:05d}" for n in range(1000)],
            "customer_id": [f"C{n // 4:05d}" for n in range(1000)],
            "store_id": [f"S{n % 150:05d}" for n in range(1000)],
            "ward_id": [str(n % 7) for n in range(1000)],
        }
    )
    assert infer_table(frame).entity_key == "customer_id"
    assert infer_table(frame.drop(columns="customer_id")).entity_key == "order_id"
    assert infer_table(frame[["store_id", "ward_id"]]).entity_key is None
    assert isinstance(infer_table(frame).columns["ward_id"], Categorical)
    few = pd.DataFrame({"patient_id": [n % 7 + 301 for n in range(700)], "age": [30 + n % 7 for n in range(700)]})
    assert infer_table(few).entity_key == "patient_id"
    assert "lower" not in infer_table(few).columns["age"].provenance


def test_an_entity_key_with_gaps_is_asked_about() -> None:
    """Rows of nobody keep a column from being the entity key; people are counted by it all the same."""
    people = [f"C{n // 20:05d}" if n % 50 else None for n in range(400)]
    frame = pd.DataFrame({"customer_id": people, "drug": ["rareDrug" if n < 100 else "usual" for n in range(400)]})
    table = infer_table(frame)
    assert table.entity_key == "customer_id" and "people of their own" in str(table.columns["customer_id"].question)
    assert validate_table(frame, table).violations == ()
    drug = table.columns["drug"]
    assert isinstance(drug, Categorical) and drug.categories == ("usual",)


def test_relationships() -> None:
    """Columns named like a parent's key, or like the parent, point to it; bare ids of different tables do not."""
    patients = pd.DataFrame({"id": range(1, 101), "age": [20 + n % 50 for n in range(100)]})
    visits = pd.DataFrame(
        {
            "id": range(1, 301),
            "patient": [n % 100 + 1 for n in range(300)],
            "ward_key": [n % 8 for n in range(300)],
        }
    )
    wards = pd.DataFrame({"ward_key": range(8), "beds": range(10, 18)})
    schema = infer_schema({"patients": patients, "visits": visits, "wards": wards}, name="hospital")
    found = {(r.child, r.child_key, r.parent, r.parent_key) for r in schema.relationships}
    assert found == {
        ("visits", ("patient",), "patients", ("id",)),
        ("visits", ("ward_key",), "wards", ("ward_key",)),
    }
    assert schema.name == "hospital"
    child, parent = schema.tables["visits"].columns["ward_key"], schema.tables["wards"].columns["ward_key"]
    assert isinstance(child, Identifier) and isinstance(parent, Identifier) and child.pattern == parent.pattern


def test_relationships_need_their_values() -> None:
    """One orphan in twenty is asked about; more, and there is no relationship."""
    parent = pd.DataFrame({"account_id": [f"A{n:03d}" for n in range(100)]})
    keys = [f"A{n % 100:03d}" for n in range(400)]
    whole = infer_schema({"accounts": parent, "rows": pd.DataFrame({"account_id": keys})})
    assert len(whole.relationships) == 1 and whole.tables["rows"].columns["account_id"].question is None
    some = infer_schema({"accounts": parent, "rows": pd.DataFrame({"account_id": [*keys, *["B001"] * 8]})})
    assert "point to no row" in str(some.tables["rows"].columns["account_id"].question)
    many = infer_schema({"accounts": parent, "rows": pd.DataFrame({"account_id": [*keys, *["B001"] * 40]})})
    assert many.relationships == ()


def test_one_to_one_tables_point_one_way() -> None:
    """Two tables with the same key are parent and child, in the order given."""
    keys = pd.DataFrame({"stay_id": range(1000, 1100), "x": 1.5})
    schema = infer_schema({"stays": keys, "outcomes": keys.rename(columns={"x": "y"})})
    assert [(r.parent, r.child) for r in schema.relationships] == [("stays", "outcomes")]


def test_no_tables() -> None:
    """Nothing to infer from is an error."""
    with pytest.raises(DataError, match="no tables"):
        infer_schema({})


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.integers(-(2**70), 2**70),
    st.floats(allow_infinity=False),
    st.booleans(),
    st.dates().map(str),
    st.sampled_from(["?", "NA", " ", "0", "1", "yes", "no", "1,5", "1.5", "01", "12/11/2020", "31/02/2020", "inf"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_CELLS, max_size=30), st.sampled_from([1, 15]), st.sampled_from(["x", "id", "date", "zip"]))
def test_any_column_gets_a_schema_that_fits_it(cells: list[Any], repeats: int, name: str) -> None:
    """Whatever the cells are, the draft can be made, and reads every cell."""
    frame = pd.DataFrame({name: pd.Series(cells * repeats, dtype=object)})
    table = infer_table(frame, detect=detect_identifier)
    assert not parse_column(frame[name], table.columns[name]).invalid.any()
    assert validate_table(frame, table).violations == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("0123456789-/:. ,ABab%TZ+"), max_size=12), min_size=1, max_size=30))
def test_any_text_column_gets_a_schema_that_fits_it(cells: list[str]) -> None:
    """Texts that are nearly numbers, dates and keys are read in full as well."""
    frame = pd.DataFrame({"date": cells * 12}, dtype=object)
    table = infer_table(frame, detect=detect_identifier)
    assert validate_table(frame, table).violations == ()
