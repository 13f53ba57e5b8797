"""Which constraints are built in, which are left, and what a model file holds of it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from tabsynth.encoding.derived import Derivation, derive
from tabsynth.errors import ArtifactError
from tabsynth.schema.checks import violating_rows
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import (
    ChainedInequality,
    Conditional,
    Constraint,
    FixedCombinations,
    FixedNulls,
    Formula,
    Inequality,
    OneHot,
    Regex,
    SumTo,
    Unique,
)
from tabsynth.schema.values import TypedTable
from tests.encoding.derivations.soundness import any_rows, assert_kept, assert_sound
from tests.shared_tables import shared_data
from tests.typed_rows import declare, differing_rows, rows_of, typed

LEFT: list[Constraint] = [
    Unique(columns=("a",)),
    Regex(column="t", pattern=".*"),
    Conditional(if_=(Condition(column="a", lower=1),), then=(Condition(column="b", lower=0),)),
    Inequality(low="o", high="p"),
]


def test_what_is_left_to_rejection_changes_nothing() -> None:
    """Unique, regex, conditional and ordinal rules leave the columns as they are."""
    size = Ordinal(categories=("S", "M", "L"))
    columns: dict[str, Column] = {"a": Integer(), "b": Integer(), "t": Categorical(), "o": size, "p": size}
    table = declare(columns, *LEFT)
    derivation = derive(table, rows_of(table, [(1, 2, "x", "S", "M")]), k=1)
    assert derivation.satisfied == () and derivation.columns == columns and derivation.direct == set(columns)


@pytest.mark.parametrize(
    "constraint",
    [
        Inequality(low="a", high="b"),
        Formula(column="a", expression="b"),
        SumTo(columns=("a", "b"), total=1),
        OneHot(columns=("a", "b")),
    ],
)
def test_rules_that_the_rows_break_are_not_built_in(constraint: Constraint) -> None:
    """Building in a rule that the data break would change the data; it is left to the caller."""
    table = declare({"a": Integer(), "b": Integer()}, constraint)
    derivation = derive(table, rows_of(table, [(2, 1)]), k=1)
    assert derivation.satisfied == () and list(derivation.columns) == ["a", "b"]


def test_circles_and_taken_columns_are_left_to_rejection() -> None:
    """A column is made once, and never from itself; what remains is not said to hold."""
    table = declare(
        {name: Integer() for name in "abc"},
        Formula(column="c", expression="a + b"),
        Inequality(low="a", high="c"),
        ChainedInequality(columns=("a", "b", "c")),
        Inequality(low="b", high="a"),
    )
    rows = rows_of(table, [(1, 1, 2), (0, 0, 0)])
    derivation = assert_sound(table, rows, n_satisfied=2)
    assert derivation.satisfied == (0, 3)


def test_columns_that_are_not_there_are_left_alone() -> None:
    """A rule about a column that is not given is not built in."""
    table = declare({"a": Integer(), "b": Integer()}, Inequality(low="a", high="b"))
    rows = rows_of(table, [(1, 2)])
    derivation = derive(table, TypedTable({"a": rows.columns["a"]}, 1), k=1)
    assert list(derivation.columns) == ["a"] and derivation.satisfied == ()


def test_without_rows_the_schema_decides() -> None:
    """The same schema gives the same columns whatever the data are, as differential privacy demands."""
    table = declare(
        {
            "a": Integer(lower=0, upper=9),
            "b": Integer(lower=0, upper=9),
            "s": Integer(),
            "x": Boolean(),
            "y": Boolean(),
        },
        Inequality(low="a", high="b"),
        Formula(column="s", expression="a + b"),
        OneHot(columns=("x", "y")),
        FixedNulls(columns=("x", "s"), patterns=((False, False), (True, True))),
    )
    derivation = derive(table, None)
    assert derivation.satisfied == (0, 1, 2)
    assert list(derivation.columns) == [
        "a",
        "b minus a",
        "b where a is missing",
        "s is missing",
        "s where it cannot be calculated",
        "which of x, y",
    ]
    assert_kept(derivation, derivation.backward(any_rows(derivation.columns, 300, 0)))


def test_names_do_not_collide() -> None:
    """A derived column whose name is taken gets a number, and long names are shortened."""
    long = "a" * 70
    table = declare(
        {"b minus a": Integer(), "a": Integer(), "b": Integer(), long: Integer()}, Inequality(low="a", high="b")
    )
    derivation = derive(table, None)
    assert "b minus a (2)" in derivation.columns and len(derivation.columns) == 5
    other = declare({"a": Integer(), long: Integer()}, Inequality(low="a", high=long))
    assert all(len(name) <= 60 for name in derive(other, rows_of(other, [(1, 2)]), k=1).columns)


def test_no_cell_of_a_row_is_saved() -> None:
    """Distances, formulas, sums and choices are saved by the names of their columns alone."""
    table = declare(
        {**{name: Integer() for name in "abcdef"}, "x": Boolean(), "y": Boolean()},
        Inequality(low="a", high="b"),
        Formula(column="c", expression="a + b"),
        SumTo(columns=("d", "e"), total="f"),
        OneHot(columns=("x", "y")),
    )
    rows = rows_of(table, [(77123, 88123, 165246, 55123, 44123, 99246, True, False)] * 20)
    derivation = derive(table, rows)
    assert derivation.satisfied == (0, 1, 2, 3)
    text = json.dumps(derivation.state())
    assert not any(digits in text for digits in ("77123", "88123", "165246", "55123", "44123", "99246", "11000"))


def test_damaged_states_are_refused() -> None:
    """A state that was tampered with, or belongs to another table, is an error and nothing worse."""
    table = declare(
        {"a": Integer(), "b": Integer(), "c": Categorical(), "d": Categorical()},
        Inequality(low="a", high="b"),
        FixedCombinations(columns=("c", "d")),
    )
    state = derive(table, rows_of(table, [(1, 2, "x", "y")] * 3), k=2).state()
    damaged: list[Any] = [{}, {**state, "rewrites": [{"type": "eval"}]}, {**state, "names": ["z"]}]
    damaged += [{**state, "satisfied": [7]}, {**state, "learned": {"9": {}}}, {**state, "rewrites": 3}]
    damaged += [{**state, "rewrites": [{**state["rewrites"][0], "combinations": []}]}]
    for each in damaged:
        with pytest.raises(ArtifactError):
            Derivation.from_state(each, table)


def test_no_rows() -> None:
    """An empty table goes there and back."""
    table = declare(
        {"a": DateTime(), "b": DateTime(), "s": Integer(), "x": Integer(), "y": Integer()},
        Inequality(low="a", high="b"),
        Formula(column="s", expression="x + y"),
        FixedNulls(columns=("x", "y"), patterns=((False, False),)),
    )
    derivation = derive(table, rows_of(table, []), k=1)
    assert derivation.backward(derivation.forward(rows_of(table, []))).n_rows == 0


def test_real_lineitems() -> None:
    """TPC-H lineitems come back cell by cell; receipts stay after shipments and flags stay together."""
    frame = pd.read_csv(shared_data() / "tpch" / "lineitem.csv.gz")
    day = DateTime(resolution="day", nullable=False)
    table = declare(
        {
            "l_quantity": Integer(),
            "l_returnflag": Categorical(),
            "l_linestatus": Categorical(),
            "l_shipdate": day,
            "l_commitdate": day,
            "l_receiptdate": day,
        },
        Inequality(low="l_shipdate", high="l_receiptdate", strict=True),
        FixedCombinations(columns=("l_returnflag", "l_linestatus")),
    )
    assert_sound(table, typed(table, frame), k=10, n_satisfied=2)


def test_real_loans() -> None:
    """The amount of a Berka loan is calculated from its payments."""
    frame = pd.read_csv(shared_data() / "berka" / "loan.csv")
    table = declare(
        {"amount": Integer(), "payments": Number(decimals=0), "duration": Integer()},
        Formula(column="amount", expression="payments * duration"),
    )
    assert_sound(table, typed(table, frame), k=10, n_satisfied=1)


def test_real_conditions() -> None:
    """Synthea conditions, of which many have no end, keep their order and lose only rare codes."""
    frame = pd.read_csv(shared_data() / "synthea" / "conditions.csv")
    table = declare(
        {
            "PATIENT": Identifier(),
            "START": DateTime(resolution="day", nullable=False),
            "STOP": DateTime(resolution="day"),
            "CODE": Categorical(),
            "DESCRIPTION": Categorical(),
        },
        Inequality(low="START", high="STOP"),
        FixedCombinations(columns=("CODE", "DESCRIPTION")),
        FixedNulls(columns=("START", "STOP")),
        entity_key="PATIENT",
    )
    rows = typed(table, frame)
    derivation = derive(table, rows, k=10)
    assert derivation.satisfied == (0, 1, 2)
    back = derivation.backward(derivation.forward(rows))
    changed = differing_rows(rows, back)
    rare = violating_rows(derivation.constraints[1], rows, table)
    assert (changed == rare).all() and 0 < rare.mean() < 0.2
    assert_kept(derivation, derivation.backward(any_rows(derivation.columns, 500, 0)))
    kept = {tuple(row) for row in derivation.constraints[1].combinations}  # type: ignore[union-attr]
    codes = frame.assign(CODE=frame["CODE"].astype(str)).groupby(["CODE", "DESCRIPTION"])["PATIENT"].nunique()
    assert kept == set(codes[codes >= 10].index)


def test_real_players() -> None:
    """Players of whom only the death is known keep it; the living keep having none."""
    frame = pd.read_csv(shared_data() / "baseball" / "players.csv.gz")
    day = DateTime(resolution="day")
    table = declare({"birthDate": day, "deathDate": day}, Inequality(low="birthDate", high="deathDate"))
    derivation = assert_sound(table, typed(table, frame), k=10, n_satisfied=1)
    assert "deathDate where birthDate is missing" in derivation.columns
