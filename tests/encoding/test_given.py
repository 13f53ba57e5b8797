"""Conditions: every way to write them means what it says."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from tabsynth.encoding.given import encode_given, read_conditions
from tabsynth.encoding.table import TableEncoder
from tabsynth.errors import UsageError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal
from tabsynth.schema.conditions import Condition
from tabsynth.schema.values import TypedTable, parse_column

COLUMNS: dict[str, Column] = {
    "age": Integer(),
    "cost": Number(decimals=2),
    "sex": Categorical(),
    "stage": Ordinal(categories=("low", "mid", "high")),
    "smoker": Boolean(labels=("no", "yes")),
    "seen": DateTime(resolution="day"),
    "key": Identifier(),
    "a>b": Integer(),
}


def _encoder() -> TableEncoder:
    rng = np.random.default_rng(0)
    n = 400
    raw = {
        "age": rng.integers(18, 90, n),
        "cost": rng.gamma(2, 50, n).round(2),
        "sex": rng.choice(["F", "M"], n),
        "stage": rng.choice(["low", "mid", "high"], n),
        "smoker": rng.choice(["no", "yes"], n),
        "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
        "key": np.arange(n).astype(str),
        "a>b": rng.integers(0, 3, n),
    }
    typed = TypedTable({name: parse_column(pd.Series(raw[name]), COLUMNS[name]).values for name in COLUMNS}, n)
    return TableEncoder.fit(COLUMNS, typed, k=10)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("sex=F", Condition(column="sex", one_of=("F",))),
        ("sex = F", Condition(column="sex", one_of=("F",))),
        ("age>=65", Condition(column="age", lower=65)),
        ("age > 65", Condition(column="age", lower=65, lower_strict=True)),
        ("cost<=9.5", Condition(column="cost", upper=9.5)),
        ("cost < 9.5", Condition(column="cost", upper=9.5, upper_strict=True)),
        ("sex in F,M", Condition(column="sex", one_of=("F", "M"))),
        ("age in 1, 2", Condition(column="age", one_of=(1, 2))),
        ("cost is missing", Condition(column="cost", missing=True)),
        ("cost is present", Condition(column="cost", missing=False)),
        ("`a>b` = 2", Condition(column="a>b", one_of=(2,))),
        ("seen>=2020-06-01", Condition(column="seen", lower="2020-06-01")),
    ],
)
def test_texts_are_read(written: str, means: Condition) -> None:
    """The command line's spelling becomes one condition."""
    assert read_conditions([written], COLUMNS) == [means]


@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("F", {"one_of": ("F",)}),
        (["M", "F"], {"one_of": ("F", "M")}),
        ({"F"}, {"one_of": ("F",)}),
        ((None, 3), {"upper": 3}),
        ((1, None), {"lower": 1}),
        ((np.int64(1), np.int64(2)), {"lower": 1, "upper": 2}),
        ((None, None), {"missing": False}),
        (None, {"missing": True}),
        (datetime.date(2020, 1, 2), {"one_of": ("2020-01-02",)}),
    ],
    ids=str,
)
def test_python_values_are_read(value: object, means: dict[str, object]) -> None:
    """A value is an equality, a pair a range, a set or list a choice, None an empty cell."""
    assert read_conditions({"x": value}, {"x": Categorical()}) == [Condition(column="x", **means)]


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_every_missing_value_is_an_empty_cell(missing: object) -> None:
    """pandas has several; each of them asks for a cell that is not there."""
    assert read_conditions({"cost": missing}, COLUMNS) == [Condition(column="cost", missing=True)]


@pytest.mark.parametrize(
    "written",
    [{"cost": {"a": 1}}, {"sex": b"F"}, {"cost": np.array([1, 2])}, {"sex": [None, "F"]}, {5: 1}, [5], 5, [None]],
)
def test_what_is_no_condition_is_told_in_words(written: object) -> None:
    """Not by the library that checks types, and with the column and the remedy."""
    with pytest.raises(UsageError, match=r"^given: .*write") as caught:
        read_conditions(written, COLUMNS)  # type: ignore[arg-type]
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    "written",
    ["", "sex", "sex=", "=F", "sex!=F", "nobody=1", "key=1", "age is gone", {"age": (1, 2, 3)}, {"sex": []}],
    ids=str,
)
def test_unreadable_conditions_are_named(written: object) -> None:
    """What cannot be read is a usage error that says how to write it."""
    with pytest.raises(UsageError, match="given"):
        read_conditions(written if isinstance(written, dict) else [written], COLUMNS)


def _share(condition: str) -> float:
    """Probability of a condition under the marginals of the encoder."""
    encoder = _encoder()
    given, left = encode_given(read_conditions([condition], COLUMNS), encoder, direct=COLUMNS)
    assert not left
    (asked,) = given.values()
    if asked.codes is not None:
        domain = encoder.domains[next(iter(given))]
        return float(domain.shares[asked.codes].sum())
    return float((asked.stretches[:, 1] - asked.stretches[:, 0]).sum())


@pytest.mark.parametrize(
    ("condition", "opposite"),
    [
        ("age>=65", "age<65"),
        ("age>65", "age<=65"),
        ("cost>100", "cost<=100"),
        ("stage>=mid", "stage<mid"),
        ("smoker=yes", "smoker=no"),
        ("seen>=2020-06-01", "seen<2020-06-01"),
    ],
)
def test_a_condition_and_its_opposite_share_everything(condition: str, opposite: str) -> None:
    """P(condition) + P(opposite) = 1: no value is lost at a border, and none counts twice."""
    assert abs(_share(condition) + _share(opposite) - 1) < 0.01


@pytest.mark.parametrize(
    ("between", "on_a_value"),
    [
        ("age<30.5", "age<=30"),
        ("age>30.5", "age>=31"),
        ("age>=30.5", "age>=31"),
        ("age<=30.5", "age<=30"),
        ("cost<99.507", "cost<=99.5"),
        ("cost>=99.501", "cost>=99.51"),
        ("seen<2020-06-01T12:00", "seen<=2020-06-01"),
        ("seen>=2020-06-01T12:00", "seen>=2020-06-02"),
        ("age in 30,31,30,30", "age in 30,31"),
        ("seen in 2020-06-01,2020-06-01T12:00", "seen=2020-06-01"),
    ],
)
def test_an_end_between_two_values_means_its_neighbour_inside(between: str, on_a_value: str) -> None:
    """Neither half of the mass of a whole number is lost, nor that of a day, and what is listed twice counts once."""
    assert _share(between) == pytest.approx(_share(on_a_value), abs=1e-9)


@pytest.mark.parametrize(
    "written", [["cost>99.501", "cost<99.504"], ["seen=2020-06-01T12:00"], ["age>30", "age<31"]], ids=str
)
def test_no_value_between_two_ends_is_told_at_once(written: list[str]) -> None:
    """Not after a hundred thousand rows that were drawn and refused."""
    with pytest.raises(UsageError, match="no row of the model can satisfy this"):
        encode_given(read_conditions(written, COLUMNS), _encoder(), direct=COLUMNS)


@pytest.mark.parametrize(
    "written", [{"age": (60, 40)}, {"seen": ("2020-09-01", "2020-02-01")}, {"stage": ("high", "low")}], ids=str
)
def test_reversed_ranges_are_named_as_such(written: object) -> None:
    """Whether the column is modelled as it is or not."""
    with pytest.raises(UsageError, match="ends below where it begins; swap"):
        read_conditions(written, COLUMNS)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [10**400, (None, 10**400), [5, -(10**400)]], ids=["value", "end", "list"])
def test_numbers_beyond_all_floats_are_refused(asked: object) -> None:
    """With the column, and not by Python's arithmetic."""
    with pytest.raises(UsageError, match=r"age.*more digits"):
        encode_given(read_conditions({"age": asked}, COLUMNS), _encoder(), direct=COLUMNS)


@pytest.mark.parametrize("unit", ["D", "us", "ns"])
def test_datetimes_of_numpy_are_read(unit: str) -> None:
    """As Python's own are; its NaT is an empty cell."""
    (condition,) = read_conditions({"seen": np.datetime64("2020-06-01").astype(f"datetime64[{unit}]")}, COLUMNS)
    assert str((condition.one_of or ("",))[0]).startswith("2020-06-01")
    assert read_conditions({"seen": np.datetime64("NaT")}, COLUMNS) == [Condition(column="seen", missing=True)]


def test_conditions_on_one_column_are_joined() -> None:
    """Two conditions on a column must both hold; an empty meeting is refused."""
    encoder = _encoder()
    both = read_conditions(["age>=30", "age<40"], COLUMNS)
    given, _ = encode_given(both, encoder, direct=COLUMNS)
    assert 0 < (given["age"].stretches[:, 1] - given["age"].stretches[:, 0]).sum() < 0.3
    with pytest.raises(UsageError, match="age"):
        encode_given(read_conditions(["age>=60", "age<30"], COLUMNS), encoder, direct=COLUMNS)


def test_rewritten_columns_are_left_to_the_caller() -> None:
    """A condition on a column that is not modelled directly comes back."""
    asked = read_conditions(["age>=30", "sex=F"], COLUMNS)
    given, left = encode_given(asked, _encoder(), direct={"age"})
    assert set(given) == {"age"} and [condition.column for condition in left] == ["sex"]
