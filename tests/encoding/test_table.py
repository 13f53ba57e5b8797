"""Encoding: what goes in comes out inside the domain, and rare values do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.encoding.table import Discrete, TableEncoder
from tabsynth.errors import InsufficientDataError
from tabsynth.generators.acceptance import outside
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.values import TypedTable, Values, parse_column

RNG = np.random.default_rng(0)


def _typed(cells: list[object], column: Column) -> TypedTable:
    values = parse_column(pd.Series(cells, dtype=object), column).values
    return TypedTable({"x": values}, len(cells))


def _round_trip(cells: list[object], column: Column, k: int = 1) -> tuple[Values, Values]:
    typed = _typed(cells, column)
    encoder = TableEncoder.fit({"x": column}, typed, k=k)
    back = encoder.decode(encoder.encode(typed).columns, rng=np.random.default_rng(0))
    return typed.columns["x"], back.columns["x"]


def _same(a: Values, b: Values) -> bool:
    return bool((a.missing == b.missing).all() and (a.array[~a.missing] == b.array[~b.missing]).all())


def test_the_ends_of_int64_come_back() -> None:
    """2**63 - 1 stands for "none" in many exports; as a float it is 2**63, which no int64 is."""
    cells: list[object] = [2**63 - 1, -(2**63), 2**62, 0, 5] * 4
    before, after = _round_trip(cells, Integer())
    assert before.array.tolist() == cells
    assert after.array.tolist() == cells


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (Integer(lower=2**53 + 1, upper=2**53 + 3), [2**53 + 1, 2**53 + 2, 2**53 + 3]),
        (Number(decimals=1, lower=0.25, upper=0.75), [0.3, 0.5, 0.7]),
        (Number(decimals=0, lower=0.5, upper=2.5), [1, 2, 1]),
        (DateTime(resolution="hour", lower="2020-01-01T10:30"), [f"2020-01-01T{hour}:00" for hour in (11, 12, 13)]),
        (DateTime(resolution="month", lower="2020-01-15"), ["2020-02-01", "2020-03-01", "2020-04-01"]),
    ],
    ids=["beyond floats", "decimals", "whole", "hours", "months"],
)
def test_no_value_lies_outside_bounds_between_two_values(column: Column, cells: list[object]) -> None:
    """Rounding to the nearest step would bring values up to half a step, or a whole one, outside."""
    encoder = TableEncoder.fit({"x": column}, _typed(cells * 10, column), k=5)
    everything = np.linspace(-10, 10, 41) + float(encoder.encode(_typed(cells[:1], column)).columns["x"][0])
    drawn = encoder.decode({"x": everything}, rng=np.random.default_rng(0)).columns["x"]
    assert not outside(drawn, column).any()  # type: ignore[arg-type]
    inside = encoder.decode(encoder.encode(_typed(cells, column)).columns, rng=np.random.default_rng(0)).columns["x"]
    assert column.type == "integer" or (inside.array == _typed(cells, column).columns["x"].array).all()


def test_rare_categories_of_one_person_are_not_pooled() -> None:
    """Forty rows of one person in a ward of their own: a pooled share of them would be that person's."""
    cells = ["x", "y"] * 100 + ["one person's ward"] * 40
    people = np.concatenate([np.arange(200), np.full(40, 200)])
    column = Categorical(rare_label="other")
    typed = _typed(cells, column)
    encoder = TableEncoder.fit({"x": column}, typed, k=10, entities=people)
    assert encoder.encoders["x"].labels == ("x", "y")
    assert "other" not in encoder.decode(encoder.encode(typed).columns, rng=np.random.default_rng(0)).columns["x"].array
    several = _typed(["x", "y"] * 100 + [f"ward {place}" for place in range(40)], column)
    encoder = TableEncoder.fit({"x": column}, several, k=10, entities=np.arange(240) // 2)
    assert encoder.encoders["x"].labels == ("x", "y", "other")


COLUMNS = {
    "integer": (Integer(lower=-(2**40), upper=2**40), st.integers(-(2**40), 2**40)),
    "number": (Number(), st.floats(-1e12, 1e12)),
    "decimals": (Number(decimals=2), st.integers(-(10**9), 10**9).map(lambda n: n / 100)),
    "boolean": (Boolean(labels=("no", "yes")), st.sampled_from(["no", "yes"])),
    "ordinal": (Ordinal(categories=("low", "mid", "high")), st.sampled_from(["low", "mid", "high"])),
    "categorical": (Categorical(), st.text(min_size=1).filter(lambda t: "\x00" not in t)),
    "date": (DateTime(resolution="day"), st.dates().map(str)),
    "moment": (DateTime(resolution="microsecond"), st.datetimes().map(str)),
    "zoned": (
        DateTime(resolution="second", time_zone="Europe/Paris"),
        st.integers(-(10**9), 4 * 10**9).map(lambda s: str(pd.Timestamp(s, unit="s", tz="UTC"))),
    ),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_decode_inverts_encode(kind: str) -> None:
    """decode(encode(x)) == x for every kind, gaps included, where nothing is rare."""
    column, cells = COLUMNS[kind]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(cells | st.none(), min_size=1, max_size=40).filter(lambda items: any(i is not None for i in items)))
    def check(items: list[object]) -> None:
        before, after = _round_trip(items, column)
        if kind == "moment":  # float64 holds microseconds exactly from 1685 to 2255 only
            inside = np.abs(before.array) < 2**53
            before, after = before.take(inside), after.take(inside)
        if kind == "zoned":  # the repeated hour of autumn has one wall-clock name for two moments
            assert (np.abs(before.array - after.array) % 3_600_000_000 == 0).all()
            return
        assert _same(before, after)

    check()


def test_rare_categories_are_pooled() -> None:
    """A category that fewer than k rows have is in no label, and decodes to a kept one."""
    cells = ["a"] * 50 + ["b"] * 40 + [f"only{i}" for i in range(15)]
    typed = _typed(cells, Categorical())
    encoder = TableEncoder.fit({"x": Categorical()}, typed, k=10)
    assert "only" not in str(encoder.state())
    back = encoder.decode(encoder.encode(typed).columns, rng=RNG)
    assert set(back.columns["x"].array) == {"a", "b"}


def test_rare_categories_keep_their_share_under_a_label() -> None:
    """With rare_label the pooled share stays, under that label."""
    column = Categorical(rare_label="other")
    _, after = _round_trip(["a"] * 80 + [f"r{i}" for i in range(20)], column, k=10)
    assert (after.array == "other").sum() == 20


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["10"] * 40 + ["2"] * 30 + ["-1.5"] * 20, [10.0, 2.0, -1.5]),
        (["7"] * 40 + ["3"] * 30 + [f"{i}" for i in range(100, 115)], [7.0, 3.0, np.inf]),
        (["1"] * 40 + ["one"] * 30, None),
        (["1"] * 40 + ["nan"] * 30, None),
    ],
    ids=["numbers", "pooled rare ones", "a word", "not a number"],
)
def test_categories_that_are_numbers_are_known_as_such(cells: list[str], numbers: list[float] | None) -> None:
    """The domain says what number each code stands for, if all are numbers; pooled ones come last."""
    domain = TableEncoder.fit({"x": Categorical()}, _typed(list(cells), Categorical()), k=10).domains["x"]
    assert isinstance(domain, Discrete)
    assert (None if domain.numbers is None else domain.numbers.tolist()) == numbers


def test_rare_is_counted_in_people() -> None:
    """Fifty rows of one person do not make a category common."""
    typed = _typed(["a"] * 50 + ["b"] * 50, Categorical())
    people = np.concatenate([np.arange(50), np.full(50, 50)])
    encoder = TableEncoder.fit({"x": Categorical()}, typed, k=10, entities=people)
    assert "b" not in encoder.state()["x"]["labels"]


def test_declared_categories_are_kept_however_rare() -> None:
    """Declared categories are a domain: rare and unseen ones stay."""
    column = Categorical(categories=("a", "b", "c"))
    encoder = TableEncoder.fit({"x": column}, _typed(["a"] * 50 + ["b"], column), k=10)
    assert encoder.state()["x"]["labels"] == ["a", "b", "c"]


def test_categories_read_from_data_are_no_domain() -> None:
    """A list marked as read from data does not shield rare categories from pooling."""
    column = Categorical(categories=("a", "b"), provenance={"categories": "data"})
    encoder = TableEncoder.fit({"x": column}, _typed(["a"] * 50 + ["b"], column), k=10)
    assert encoder.state()["x"]["labels"] == ["a"]


@pytest.mark.parametrize("column", [Identifier(), Text()])
def test_identifiers_and_text_leave_no_trace(column: Column) -> None:
    """Of identifiers and text only presence is encoded."""
    typed = _typed(["secret-1", None, "secret-2"], column)
    encoder = TableEncoder.fit({"x": column}, typed, k=1)
    encoded = encoder.encode(typed)
    assert "secret" not in str(encoder.state())
    assert encoded.columns["x"].tolist() == [0, -1, 0]
    assert encoded.domains["x"] == Discrete(encoded.domains["x"].shares, ordered=False)


def test_too_few_values_need_bounds_or_gaps() -> None:
    """A column that may not be empty and has too few values is refused with the remedy."""
    with pytest.raises(InsufficientDataError, match="lower and upper"):
        TableEncoder.fit({"x": Number(nullable=False)}, _typed([1.5] * 5, Number()), k=10)


def test_all_missing_columns_come_back_missing() -> None:
    """An empty column stays empty, whatever its kind."""
    for column in (Integer(), Number(), DateTime(), Categorical(), Boolean(), Text(), Identifier()):
        before, after = _round_trip([None, None, None], column)
        assert before.missing.all() and after.missing.all()


def test_state_restores_the_encoder() -> None:
    """from_state(state()) encodes as before."""
    columns: dict[str, Column] = {"n": Number(decimals=1), "c": Categorical(), "i": Identifier()}
    raw = {"n": RNG.normal(0, 10, 200).round(1), "c": RNG.choice(["a", "b"], 200), "i": np.arange(200).astype(str)}
    typed = TypedTable({k: parse_column(pd.Series(v), columns[k]).values for k, v in raw.items()}, 200)
    encoder = TableEncoder.fit(columns, typed, k=10)
    again = TableEncoder.from_state(encoder.state(), columns)
    for name, array in encoder.encode(typed).columns.items():
        np.testing.assert_array_equal(array, again.encode(typed).columns[name])
