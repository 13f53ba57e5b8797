"""Which rows violate which constraint, which meet a condition, and how violations are reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import ConstraintError, SchemaError, UsageError
from tabsynth.schema import literals
from tabsynth.schema.checks import matches, require_satisfied, violating_rows
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
    RangeBetween,
    Regex,
    SumTo,
    Unique,
)
from tabsynth.schema.values import Values
from tests.shared_tables import shared_data
from tests.typed_rows import declare, rows_of, typed


def violating(constraint: Constraint, columns: dict[str, Column], rows: list[tuple[Any, ...]]) -> list[int]:
    """Numbers of the violating rows, from 0."""
    table = declare(columns, constraint)
    bad = violating_rows(constraint, rows_of(table, rows), table)
    assert bad.shape == (len(rows),) and bad.dtype == np.bool_
    return np.flatnonzero(bad).tolist()


NUMBERS: dict[str, Column] = {"a": Integer(), "b": Number(), "c": Number()}


def test_inequality() -> None:
    """Equal values violate only a strict rule, and a missing cell violates none."""
    rows = [(1, 2.0, None), (2, 2.0, None), (3, 2.0, None), (None, 2.0, None), (3, None, None)]
    assert violating(Inequality(low="a", high="b"), NUMBERS, rows) == [2]
    assert violating(Inequality(low="a", high="b", strict=True), NUMBERS, rows) == [1, 2]


def test_chain_looks_past_a_gap() -> None:
    """With the middle missing, the ends are compared with each other."""
    rule = ChainedInequality(columns=("a", "b", "c"))
    rows = [(1, 2, 3), (1, None, 0), (1, None, 1), (None, 2, 1), (None, None, 1), (3, 2, 5)]
    assert violating(rule, NUMBERS, rows) == [1, 3, 5]
    strict = ChainedInequality(columns=("a", "b", "c"), strict=True)
    assert violating(strict, NUMBERS, rows) == [1, 2, 3, 5]


def test_range() -> None:
    """The middle column lies between the other two."""
    rule = RangeBetween(low="a", middle="b", high="c")
    assert violating(rule, NUMBERS, [(1, 2, 3), (1, 4, 3), (1, 0, 3), (1, 1, 1)]) == [1, 2]


def test_datetimes_and_ordinals_are_compared_by_their_own_order() -> None:
    """Datetimes compare across formats and zones, ordinals by the order of their categories."""
    times: dict[str, Column] = {"a": DateTime(time_zone="Europe/Paris"), "b": DateTime(time_zone="UTC")}
    rows = [("2024-01-01T12:00:00", "2024-01-01T11:30:00Z"), ("2024-01-01T12:00:00", "2024-01-01T10:30:00Z")]
    assert violating(Inequality(low="a", high="b"), times, rows) == [1]
    size = Ordinal(categories=("small", "medium", "big"))
    assert violating(Inequality(low="a", high="b"), {"a": size, "b": size}, [("small", "big"), ("big", "medium")]) == [
        1
    ]
    year = Ordinal(categories=(1, 2, 10))
    assert violating(Inequality(low="a", high="b"), {"a": year, "b": Integer()}, [(10, 2), (2, 10)]) == [0]


def test_what_cannot_be_compared_is_refused() -> None:
    """A datetime and a number have no common order."""
    with pytest.raises(SchemaError, match="cannot be compared"):
        violating(Inequality(low="a", high="b"), {"a": Integer(), "b": DateTime()}, [(1, "2024-01-01")])


def test_fixed_combinations() -> None:
    """A row is held against the list by the cells that are there; without a list nothing is wrong."""
    columns: dict[str, Column] = {"city": Categorical(), "state": Categorical(), "zone": Integer()}
    rule = FixedCombinations(
        columns=("city", "state", "zone"), combinations=(("Aix", "PACA", 1), ("Lyon", "ARA", 2), ("Sea", None, 3))
    )
    rows = [
        ("Aix", "PACA", 1),
        ("Aix", "ARA", 1),
        ("Lyon", "ARA", 1),
        ("Lyon", None, 2),
        ("Lyon", None, 1),
        ("Rome", None, None),
        (None, None, None),
        ("Sea", None, 3),
        ("Sea", "ARA", 3),
    ]
    assert violating(rule, columns, rows) == [1, 2, 4, 5, 8]
    assert violating(FixedCombinations(columns=("city", "state")), columns, rows) == []


def test_fixed_combinations_of_every_kind() -> None:
    """Booleans, datetimes, decimals and numeric categories are listed as they are written."""
    columns: dict[str, Column] = {
        "b": Boolean(labels=("no", "yes")),
        "d": DateTime(resolution="day"),
        "x": Number(decimals=1),
        "c": Categorical(categories=(1, 2)),
    }
    rule = FixedCombinations(columns=("b", "d", "x", "c"), combinations=(("yes", "2024-02-29", 0.1, 2),))
    rows = [("yes", "2024-02-29", 0.1, 2), ("no", "2024-02-29", 0.1, 2), ("yes", "2024-03-01", 0.1, 2)]
    assert violating(rule, columns, rows) == [1, 2]


def test_one_hot() -> None:
    """Exactly one 1 and otherwise 0; missing cells leave it open, two ones never do."""
    columns: dict[str, Column] = {"x": Integer(), "y": Boolean(), "z": Categorical(categories=(0, 1))}
    rows = [
        (1, False, 0),
        (0, True, 0),
        (0, False, 0),
        (1, True, 0),
        (2, False, 1),
        (None, False, 0),
        (1, True, None),
        (None, None, None),
    ]
    assert violating(OneHot(columns=("x", "y", "z")), columns, rows) == [2, 3, 4, 6]


def test_formula_allows_what_the_column_rounds() -> None:
    """A column of two decimals may be half a cent off; tolerance is relative."""
    columns: dict[str, Column] = {"p": Number(decimals=3), "n": Integer(), "t": Number(decimals=2)}
    rule = Formula(column="t", expression="p * n")
    rows = [(0.125, 1, 0.12), (0.125, 1, 0.13), (0.125, 1, 0.14), (1000, 5, 5000.01), (None, 5, 1), (1, 1, None)]
    assert violating(rule, columns, rows) == [2, 3]
    loose = Formula(column="t", expression="p * n", tolerance=1e-4)
    assert violating(loose, columns, rows) == [2]


def test_formula_of_every_kind() -> None:
    """Whole numbers, truth values, dates and categories are compared in their own steps."""
    columns: dict[str, Column] = {
        "start": DateTime(),
        "end": DateTime(resolution="day"),
        "stay": Integer(),
        "long": Boolean(),
        "class": Categorical(),
        "code": Categorical(categories=(1, 2)),
    }
    rows = [
        ("2024-01-01T10:00:00", "2024-01-11", 10, True, "long", 2),
        ("2024-01-01T10:00:00", "2024-01-12", 9, False, "short", 1),
    ]
    for column, expression in [
        ("end", "start + 10.2"),
        ("stay", "days(end - start)"),
        ("long", "end > start + 5"),
        ("class", "where(end > start + 5, 'long', 'short')"),
        ("code", "where(end > start + 5, 2, 1)"),
    ]:
        assert violating(Formula(column=column, expression=expression), columns, rows) == [1], column


def test_formula_of_another_kind_is_refused() -> None:
    """A formula that gives text does not fit a column of numbers."""
    with pytest.raises(SchemaError, match="gives a text, but the column is integer"):
        violating(Formula(column="a", expression="where(b > 1, 'x', 'y')"), NUMBERS, [(1, 1, 1)])


def test_sum_to() -> None:
    """Parts add up to a column or to a number, up to float noise and tolerance; a missing part leaves it open."""
    columns: dict[str, Column] = {"a": Number(decimals=1), "b": Number(decimals=1), "t": Number(decimals=1)}
    rows = [(0.1, 0.2, 0.3), (0.1, 0.2, 0.4), (99.9, 0.1, 100), (None, 0.2, 7), (50, 49.9, None)]
    assert violating(SumTo(columns=("a", "b"), total="t"), columns, rows) == [1]
    assert violating(SumTo(columns=("a", "b"), total=100), columns, rows) == [0, 1, 4]
    assert violating(SumTo(columns=("a", "b"), total=100, tolerance=0.01), columns, rows) == [0, 1]


def test_unique_counts_repeats_after_the_first() -> None:
    """The first row of its kind is right; rows with a missing cell are never repeats."""
    columns: dict[str, Column] = {"a": Categorical(), "b": Integer()}
    rows = [("x", 1), ("x", 2), ("x", 1), (None, 1), (None, 1), ("x", 1)]
    assert violating(Unique(columns=("a", "b")), columns, rows) == [2, 5]
    assert violating(Unique(columns=("a",)), columns, rows) == [1, 2, 5]


def test_regex_matches_the_whole_text() -> None:
    """A pattern must fit from the first to the last character."""
    columns: dict[str, Column] = {"code": Identifier()}
    rows = [("AB-1",), ("AB-12",), ("xAB-1",), (None,)]
    assert violating(Regex(column="code", pattern="[A-Z]{2}-[0-9]"), columns, rows) == [1, 2]
    with pytest.raises(SchemaError, match="no regular expression"):
        violating(Regex(column="code", pattern="["), columns, rows)
    with pytest.raises(SchemaError, match="is integer, not text"):
        violating(Regex(column="a", pattern="."), NUMBERS, [(1, 1, 1)])


def conditional(if_: list[dict[str, Any]], then: list[dict[str, Any]]) -> Conditional:
    """A conditional from plain conditions."""
    return Conditional(
        if_=tuple(Condition(**condition) for condition in if_), then=tuple(Condition(**condition) for condition in then)
    )


def test_conditional() -> None:
    """Where every `if` holds, every `then` must; a missing cell breaks only what speaks of missing."""
    columns: dict[str, Column] = {"age": Integer(), "status": Categorical(), "spouse": Categorical()}
    rows = [
        (12, "single", None),
        (12, "married", None),
        (12, None, None),
        (40, "married", None),
        (None, "married", None),
        (12, "single", "Kim"),
    ]
    minors = [{"column": "age", "upper": 16, "upper_strict": True}]
    single = conditional(minors, [{"column": "status", "one_of": ("single",)}])
    assert violating(single, columns, rows) == [1]
    known = conditional(minors, [{"column": "status", "missing": False}])
    assert violating(known, columns, rows) == [2]
    alone = conditional(minors, [{"column": "spouse", "missing": True}])
    assert violating(alone, columns, rows) == [5]


def test_fixed_nulls() -> None:
    """A row must have one of the listed patterns of gaps; without a list nothing is wrong."""
    columns: dict[str, Column] = {"code": Categorical(), "text": Categorical()}
    rows = [("x", "y"), (None, None), ("x", None)]
    rule = FixedNulls(columns=("code", "text"), patterns=((False, False), (True, True)))
    assert violating(rule, columns, rows) == [2]
    assert violating(FixedNulls(columns=("code", "text")), columns, rows) == []


@pytest.mark.parametrize(
    ("column", "cells", "condition", "expected"),
    [
        (Integer(), [1, 5, None, 9], {"lower": 5}, [1, 3]),
        (Integer(), [1, 5, None, 9], {"lower": 5, "lower_strict": True}, [3]),
        (Integer(), [1, 5, None, 9], {"upper": 5.5}, [0, 1]),
        (Integer(), [1, 5, None, 9], {"one_of": (9, 1.0)}, [0, 3]),
        (Integer(), [1, 5, None, 9], {"missing": True}, [2]),
        (Integer(), [1, 5, None, 9], {"missing": False, "upper": 5}, [0, 1]),
        (Number(decimals=1), [0.1, 0.3, None], {"one_of": (0.3,)}, [1]),
        (Number(decimals=1), [0.1, 0.3, None], {"upper": 0.3, "upper_strict": True}, [0]),
        (Categorical(), ["F", "M", None, "X"], {"one_of": ("F", "X")}, [0, 3]),
        (Categorical(categories=(1, 2)), [1, 2, 2], {"one_of": (2,)}, [1, 2]),
        (Categorical(categories=(1, 2)), [1, 2, 2], {"lower": 2}, [1, 2]),
        (Ordinal(categories=("low", "mid", "high")), ["low", "mid", "high"], {"lower": "mid"}, [1, 2]),
        (Ordinal(categories=("low", "mid", "high")), ["low", "mid", "high"], {"upper": "low"}, [0]),
        (Ordinal(categories=(30, 20, 10)), [30, 20, 10], {"lower": 20}, [1, 2]),
        (Boolean(), [True, False, None], {"one_of": (True,)}, [0]),
        (Boolean(), [True, False, None], {"one_of": ("no",)}, [1]),
        (Boolean(labels=("Nein", "Ja")), ["Ja", "Nein"], {"one_of": ("Ja",)}, [0]),
        (Boolean(labels=("Nein", "Ja")), ["Ja", "Nein"], {"one_of": (False,)}, [1]),
        (DateTime(), ["2024-02-28", "2024-03-01", None], {"lower": "2024-02-29"}, [1]),
        (DateTime(time_zone="Europe/Paris"), ["2024-07-01T01:00:00"], {"upper": "2024-06-30T23:30:00+00:00"}, [0]),
        (Identifier(), ["007", "7"], {"one_of": ("007",)}, [0]),
    ],
)
def test_conditions_of_every_kind(
    column: Column, cells: list[Any], condition: dict[str, Any], expected: list[int]
) -> None:
    """A condition selects the cells that meet every part of it."""
    rows = rows_of(declare({"c": column}), [(cell,) for cell in cells])
    found = matches(Condition(column="c", **condition), rows.columns["c"], column)
    assert np.flatnonzero(found).tolist() == expected


@pytest.mark.parametrize(
    ("column", "condition", "says"),
    [
        (Integer(), {"one_of": ("5",)}, "is numeric"),
        (Integer(), {"one_of": (1.5,)}, "whole numbers"),
        (Integer(), {"lower": True}, "is numeric"),
        (Number(), {"upper": float("nan")}, "is numeric"),
        (Categorical(categories=("F", "M")), {"one_of": ("secret",)}, "not among its 2 categories"),
        (Categorical(), {"one_of": (True,)}, "true or false"),
        (Categorical(), {"lower": "F"}, "has no order"),
        (Ordinal(categories=("a", "b")), {"lower": "secret"}, "not among its 2 categories"),
        (Boolean(), {"one_of": ("secret",)}, "is boolean"),
        (Boolean(labels=("n", "j")), {"one_of": ("yes",)}, "or one of its labels"),
        (Boolean(), {"lower": True}, "has no order"),
        (DateTime(), {"lower": "secret"}, "is a datetime"),
        (DateTime(), {"lower": 2024}, "is a datetime"),
        (DateTime(), {"lower": "2024-01-01T00:00:00+02:00"}, "leave the offset out"),
        (Text(), {"upper": "secret"}, "has no order"),
    ],
)
def test_conditions_of_another_kind_are_refused(column: Column, condition: dict[str, Any], says: str) -> None:
    """A value of another kind than the column gives an error that names the column and not the value."""
    rows = rows_of(declare({"sex": column}), [(None,)])
    with pytest.raises(UsageError) as caught:
        matches(Condition(column="sex", **condition), rows.columns["sex"], column)
    assert says in str(caught.value) and "'sex'" in str(caught.value) and "secret" not in str(caught.value)


def test_categories_seen_in_data_are_no_closed_list() -> None:
    """A value beside categories that were read from data matches nothing, and is no error."""
    column = Categorical(categories=("F", "M"), provenance={"categories": Provenance.DATA})
    rows = rows_of(declare({"sex": column}), [("F",), ("X",)])
    assert matches(Condition(column="sex", one_of=("X",)), rows.columns["sex"], column).tolist() == [False, True]


def test_violations_are_listed_together_without_values() -> None:
    """The error names every broken rule with its columns, how many rows, the first of them, and what to do."""
    table = declare(
        {"admitted": Integer(), "discharged": Integer(), "ward": Categorical()},
        Inequality(low="admitted", high="discharged", name="no negative stay"),
        Unique(columns=("ward",)),
        Inequality(low="admitted", high="discharged", strict=True),
    )
    rows = rows_of(table, [(1, 2, "secret"), *[(77123, 5, "secret")] * 7, (3, 3, None)])
    with pytest.raises(ConstraintError) as caught:
        require_satisfied(rows, table)
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 constraints do not hold in the rows (counted from 1):"
    assert lines[1].startswith(
        "- constraint 1 ('no negative stay', inequality of admitted, discharged): 7 rows violate it"
    )
    assert "rows 2, 3, 4, 5, 6, ...; correct these rows" in lines[1]
    assert "unique of ward" in lines[2] and "strict: false" in lines[3]
    assert "secret" not in str(caught.value) and "77123" not in str(caught.value)


def test_rows_that_keep_everything_pass() -> None:
    """No error where nothing is violated, and constraints on absent columns are left alone."""
    table = declare(
        {"a": Integer(), "b": Integer(), "c": Text()}, Inequality(low="a", high="b"), Unique(columns=("c",))
    )
    rows = rows_of(table, [(1, 1, "x"), (1, 2, "y")])
    require_satisfied(rows, table)
    require_satisfied(type(rows)({name: rows.columns[name] for name in ("a", "b")}, 2), table)


def test_no_rows_violate_nothing() -> None:
    """Every check takes a table without rows."""
    columns: dict[str, Column] = {"a": Integer(), "b": Integer(), "t": Categorical()}
    rules: list[Constraint] = [
        ChainedInequality(columns=("a", "b")),
        FixedCombinations(columns=("a", "t"), combinations=((1, "x"),)),
        OneHot(columns=("a", "b")),
        Formula(column="a", expression="b + 1"),
        Unique(columns=("a", "t")),
        Regex(column="t", pattern="x"),
        conditional([{"column": "t", "one_of": ("x",)}], [{"column": "a", "lower": 1}]),
        FixedNulls(columns=("a", "b"), patterns=((True, True),)),
        SumTo(columns=("a", "b"), total=1),
    ]
    for rule in rules:
        assert violating(rule, columns, []) == []


@given(
    st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None])), max_size=30),
    st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None])), min_size=1, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_combinations_agree_with_a_row_by_row_search(
    rows: list[tuple[Any, ...]], listed: list[tuple[Any, ...]]
) -> None:
    """A row is wrong exactly where no listed combination equals it in all cells that are there."""
    columns: dict[str, Column] = {"a": Categorical(), "b": Integer()}
    rule = FixedCombinations(columns=("a", "b"), combinations=tuple(listed))
    expected = [
        number
        for number, row in enumerate(rows)
        if any(cell is not None for cell in row)
        and not any(all(cell is None or cell == known for cell, known in zip(row, one, strict=True)) for one in listed)
    ]
    assert violating(rule, columns, rows) == expected


def test_real_encounters_end_after_they_start() -> None:
    """In the Synthea encounters every stop follows its start, and swapping the columns violates every row."""
    frame = pd.read_csv(shared_data() / "synthea" / "encounters.csv.gz")
    table = declare({"START": DateTime(time_zone="UTC"), "STOP": DateTime(time_zone="UTC")})
    rows = typed(table, frame)
    assert not violating_rows(Inequality(low="START", high="STOP", strict=True), rows, table).any()
    assert violating_rows(Inequality(low="STOP", high="START"), rows, table).all()


def test_real_loans_are_payments_times_duration() -> None:
    """In the Berka loans the amount is the monthly payment times the number of months."""
    frame = pd.read_csv(shared_data() / "berka" / "loan.csv")
    table = declare({"amount": Integer(), "payments": Number(decimals=0), "duration": Integer()})
    rows = typed(table, frame)
    assert not violating_rows(Formula(column="amount", expression="payments * duration"), rows, table).any()
    assert violating_rows(Formula(column="amount", expression="payments * duration + 1"), rows, table).all()


@pytest.mark.parametrize("kind", [Categorical, Ordinal])
def test_categories_are_listed_once_for_many_values(
    kind: type[Categorical] | type[Ordinal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list was gone through, and spelled anew, for each of the values that are asked for: seconds for thousands."""
    asked: list[object] = []
    listed = literals.declared_categories
    monkeypatch.setattr(literals, "declared_categories", lambda column: asked.append(column) or listed(column))
    labels = tuple(f"code {place}" for place in range(50))
    values = Values(np.array(labels, dtype=object), np.zeros(len(labels), bool))
    assert matches(Condition(column="x", one_of=labels), values, kind(categories=labels)).all()
    assert len(asked) == 1
