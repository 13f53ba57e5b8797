"""Columns in order become distances."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.encoding.derived import derive
from tabsynth.schema.columns import Column, DateTime, Integer, Number
from tabsynth.schema.constraints import ChainedInequality, Formula, Inequality, RangeBetween
from tabsynth.schema.model import Table
from tests.encoding.derivations.soundness import RESOLUTIONS, any_rows, assert_sound, keeping
from tests.typed_rows import cells, declare, differing_rows, rows_of

NUMERIC = st.one_of(
    st.builds(Integer, nullable=st.booleans()),
    st.builds(Number, nullable=st.booleans(), decimals=st.sampled_from([None, 0, 1, 3])),
)
WALL = st.builds(DateTime, nullable=st.booleans(), resolution=st.sampled_from(RESOLUTIONS))
ZONED = st.builds(
    DateTime,
    nullable=st.booleans(),
    resolution=st.sampled_from(RESOLUTIONS),
    time_zone=st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
)


@st.composite
def chains(draw: st.DrawFn) -> Table:
    """Two to four comparable columns that rise."""
    kind = draw(st.sampled_from([NUMERIC, WALL, ZONED]))
    columns: dict[str, Column] = {name: draw(kind) for name in "abcd"[: draw(st.integers(2, 4))]}
    return declare(columns, ChainedInequality(columns=tuple(columns), strict=draw(st.booleans())))


@given(chains(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_columns_in_order_stay_in_order(table: Table, seed: int) -> None:
    """Any chain of numbers or datetimes comes back as it was, and holds for whatever is drawn."""
    rows = keeping(table, any_rows(table.columns, 300, seed))
    derivation = assert_sound(table, rows, n_satisfied=1, seed=seed)
    assert derivation.direct == {"a"}


def test_distances_are_whole_steps_of_the_resolution() -> None:
    """Dates are days apart, months are months apart, and a strict rule starts at one step."""
    day = declare({"a": DateTime(resolution="day"), "b": DateTime(resolution="day")}, Inequality(low="a", high="b"))
    derivation = derive(day, rows_of(day, [("2024-02-28", "2024-03-01"), ("2024-01-01", "2024-01-01")]), k=1)
    assert derivation.columns["b minus a"] == Integer(lower=0, unit="days")
    forward = derivation.forward(rows_of(day, [("2024-02-28", "2024-03-01"), ("2024-01-01", None)]))
    assert cells(forward, "b minus a") == [2, None]
    month = declare(
        {"a": DateTime(resolution="month"), "b": DateTime(resolution="year")},
        Inequality(low="a", high="b", strict=True),
    )
    derivation = derive(month, rows_of(month, [("2023-11-01", "2025-01-01")]), k=1)
    assert derivation.columns["b minus a"] == Integer(lower=1, unit="months")
    assert cells(derivation.forward(rows_of(month, [("2023-11-01", "2025-01-01")])), "b minus a") == [14]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
def test_far_dates_are_kept(zone: str | None) -> None:
    """A last day of the calendar that stands for "no end" comes back as it is."""
    column = DateTime(resolution="day", time_zone=zone)
    table = declare({"a": column, "b": column}, Inequality(low="a", high="b", strict=True))
    assert_sound(table, rows_of(table, [("2024-02-29", "9999-12-31"), ("0001-01-02", "2024-02-29")]), n_satisfied=1)


def test_bounds_of_the_schema_bound_the_distance() -> None:
    """Where the schema bounds both ends, the distance has a largest value."""
    columns: dict[str, Column] = {"a": Integer(lower=10, upper=90), "b": Integer(lower=0, upper=100)}
    table = declare(columns, Inequality(low="a", high="b", strict=True))
    assert derive(table, None).columns["b minus a"] == Integer(lower=1, upper=90)


def test_value_without_an_earlier_one_is_kept() -> None:
    """A column that is there where its base is missing is modelled beside the distance, if k people show it."""
    table = declare({"a": Integer(), "b": Integer()}, Inequality(low="a", high="b"))
    rows = rows_of(table, [(1, 5)] * 8 + [(None, 7)] * 3)
    enough = derive(table, rows, k=3)
    assert list(enough.columns) == ["a", "b minus a", "b where a is missing"]
    assert not differing_rows(rows, enough.backward(enough.forward(rows))).any()
    few = derive(table, rows, k=4)
    assert list(few.columns) == ["a", "b minus a"]
    assert cells(few.backward(few.forward(rows)), "b") == [5] * 8 + [None] * 3


def test_order_can_be_read_downwards() -> None:
    """Where the upper column is calculated, the lower one is measured from it."""
    table = declare(
        {"part": Integer(), "price": Integer(lower=1), "n": Integer(lower=1), "total": Integer()},
        Formula(column="total", expression="price * n"),
        Inequality(low="part", high="total"),
    )
    rows = rows_of(table, [(3, 2, 2, 4), (6, 2, 3, 6), (None, 1, 1, 1)])
    derivation = assert_sound(table, rows, n_satisfied=2)
    assert list(derivation.columns) == ["total minus part", "price", "n"]


def test_range_and_inequalities_share_a_base() -> None:
    """Several rules may be measured from the same column."""
    columns: dict[str, Column] = {name: Number(decimals=2) for name in ("low", "middle", "high", "other")}
    table = declare(
        columns, RangeBetween(low="low", middle="middle", high="high"), Inequality(low="low", high="other", strict=True)
    )
    rows = keeping(table, any_rows(columns, 400, 3))
    assert_sound(table, rows, n_satisfied=2)
