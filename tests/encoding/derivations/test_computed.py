"""Columns that formulas and sums determine are calculated."""

from __future__ import annotations

import pytest

from tabsynth.encoding.derived import derive
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number
from tabsynth.schema.constraints import Formula, Inequality, SumTo
from tests.encoding.derivations.soundness import any_rows, assert_sound
from tests.typed_rows import declare, rows_of

FORMULAS: list[tuple[dict[str, Column], Formula]] = [
    ({"p": Number(decimals=2), "n": Integer(), "t": Number(decimals=2)}, Formula(column="t", expression="p * n")),
    ({"h": Number(), "w": Number(), "bmi": Number()}, Formula(column="bmi", expression="w / h ** 2")),
    ({"a": Number(decimals=1), "b": Integer(), "i": Integer()}, Formula(column="i", expression="a / b")),
    (
        {"s": DateTime(), "e": DateTime(), "d": Number(decimals=4)},
        Formula(column="d", expression="days(e - s)"),
    ),
    (
        {"s": DateTime(resolution="hour"), "n": Integer(lower=0, upper=900), "e": DateTime(resolution="day")},
        Formula(column="e", expression="s + n"),
    ),
    (
        {"s": DateTime(time_zone="Europe/Paris"), "y": Integer()},
        Formula(column="y", expression="year(s)"),
    ),
    (
        {"age": Integer(lower=0, upper=99), "band": Categorical(categories=("young", "old"))},
        Formula(column="band", expression="where(age < 50, 'young', 'old')"),
    ),
    (
        {"s": DateTime(time_zone="Europe/Paris", resolution="day"), "n": Integer(), "e": DateTime(time_zone="UTC")},
        Formula(column="e", expression="s + n"),
    ),
    ({"x": Integer(), "y": Integer(), "more": Boolean()}, Formula(column="more", expression="x > y")),
    (
        {"x": Integer(), "code": Categorical(categories=(0, 1, 2))},
        Formula(column="code", expression="where(x > 9, 2, where(x > 0, 1, 0))"),
    ),
]


@pytest.mark.parametrize(("columns", "rule"), FORMULAS, ids=[rule.expression for _, rule in FORMULAS])
def test_formulas_are_calculated(columns: dict[str, Column], rule: Formula) -> None:
    """The column of a formula is left out and calculated, for every kind of result."""
    table = declare(columns, rule)
    bare = derive(table, None)
    first = bare.backward(any_rows(bare.columns, 300, 1))
    derivation = assert_sound(table, first, n_satisfied=1)
    assert rule.column not in derivation.columns
    assert derivation.direct == set(columns) - {rule.column}


def test_formulas_of_formulas_are_calculated_in_their_order() -> None:
    """A formula that needs the result of another, or the end of a stay, comes after it."""
    table = declare(
        {
            "double": Integer(),
            "stay": Integer(),
            "start": DateTime(resolution="day"),
            "stop": DateTime(resolution="day"),
        },
        Formula(column="double", expression="stay * 2"),
        Formula(column="stay", expression="days(stop - start)"),
        Inequality(low="start", high="stop"),
    )
    rows = rows_of(table, [(2, 1, "2024-01-01", "2024-01-02"), (0, 0, "2024-01-01", "2024-01-01")])
    derivation = assert_sound(table, rows, n_satisfied=3)
    assert list(derivation.columns) == ["start", "stop minus start"]


def test_gaps_of_a_calculated_column_are_kept() -> None:
    """A cell that is missing without need, and one that cannot be calculated, come back where k people have them."""
    table = declare({"a": Integer(), "b": Integer(), "s": Integer()}, Formula(column="s", expression="a + b"))
    rows = rows_of(table, [(1, 2, 3)] * 5 + [(1, 2, None)] * 5 + [(None, 2, 9)] * 5 + [(None, None, None)])
    derivation = assert_sound(table, rows, k=5, n_satisfied=1)
    assert derivation.columns["s is missing"] == Boolean(nullable=False)
    assert "s where it cannot be calculated" in derivation.columns
    fewer = derive(table, rows, k=6)
    assert list(fewer.columns) == ["a", "b"]


def test_sums_are_completed() -> None:
    """The total is calculated, or the last part where the total is a number."""
    parts: dict[str, Column] = {
        "x": Number(decimals=2),
        "y": Integer(),
        "z": Number(decimals=1),
        "t": Number(decimals=2),
    }
    table = declare(parts, SumTo(columns=("x", "y", "z"), total="t"))
    bare = derive(table, None)
    assert "t" not in bare.columns
    assert_sound(table, bare.backward(any_rows(bare.columns, 200, 5)), n_satisfied=1)
    hundred = declare(parts, SumTo(columns=("x", "y", "z"), total=100))
    bare = derive(hundred, None)
    assert "x" not in bare.columns  # the only part that has two decimals
    assert_sound(hundred, bare.backward(any_rows(bare.columns, 200, 5)), n_satisfied=1)


def test_second_sum_of_a_total_takes_a_part() -> None:
    """Where the total is calculated already, a part of the second sum is."""
    table = declare(
        {name: Integer() for name in "abcdt"},
        SumTo(columns=("a", "b"), total="t"),
        SumTo(columns=("c", "d"), total="t"),
    )
    rows = rows_of(table, [(1, 2, 3, 0, 3), (5, 5, 1, 9, 10)])
    derivation = assert_sound(table, rows, n_satisfied=2)
    assert list(derivation.columns) == ["a", "b", "c"]
