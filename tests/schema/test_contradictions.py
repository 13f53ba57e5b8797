"""Constraints that cannot hold are found in the schema, and those that can are let through."""

from __future__ import annotations

from typing import Any

import pytest

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
from tabsynth.schema.contradictions import find_contradictions
from tests.typed_rows import declare

DATA = {"lower": Provenance.DATA, "upper": Provenance.DATA}
COLUMNS: dict[str, Column] = {
    "a": Integer(),
    "b": Integer(),
    "c": Integer(),
    "age": Integer(lower=0, upper=120, nullable=False),
    "parent": Integer(lower=130, upper=150),
    "seen": Integer(lower=130, upper=150, provenance=DATA),
    "share": Number(lower=0, upper=40),
    "rest": Number(lower=0, upper=40),
    "half": Number(lower=60, upper=100),
    "sex": Categorical(categories=("F", "M"), nullable=False),
    "town": Categorical(),
    "coded": Categorical(categories=(0, 1)),
    "grade": Ordinal(categories=("low", "mid", "high")),
    "size": Ordinal(categories=("S", "M", "L")),
    "member": Boolean(nullable=False),
    "start": DateTime(lower="2020-01-01", upper="2020-12-31"),
    "end": DateTime(lower="2018-01-01", upper="2019-06-30"),
    "zoned": DateTime(time_zone="UTC"),
    "id": Identifier(),
    "note": Text(),
}


def found(*constraints: Constraint, n_rows: int | None = None) -> list[str]:
    """What is wrong with these constraints on the columns above."""
    return find_contradictions(declare(COLUMNS, *constraints), n_rows=n_rows)


def rule(if_: dict[str, Any], then: dict[str, Any]) -> Conditional:
    """A conditional with one condition on each side."""
    return Conditional(if_=(Condition(**if_),), then=(Condition(**then),))


ADULT = {"column": "age", "lower": 18}
IMPOSSIBLE: list[tuple[tuple[Constraint, ...], str]] = [
    ((Inequality(low="a", high="b", strict=True), Inequality(low="b", high="a")), "below itself"),
    (
        (ChainedInequality(columns=("a", "b", "c")), Inequality(low="c", high="a", strict=True)),
        "constraints between a, b, c",
    ),
    ((Inequality(low="a", high="a"),), "names a column twice"),
    ((Inequality(low="parent", high="age"),), "leaves no room"),
    ((Inequality(low="parent", high="a"), Inequality(low="a", high="age")), "between parent and age"),
    ((RangeBetween(low="parent", middle="a", high="age"),), "between parent and age"),
    ((Inequality(low="start", high="end"),), "between start and end"),
    ((Inequality(low="half", high="share"),), "between half and share"),
    ((Inequality(low="a", high="start"),), "a (integer) and start (datetime) cannot be compared"),
    ((Inequality(low="start", high="zoned"),), "one has a time zone"),
    ((Inequality(low="grade", high="size"),), "ordinals: the same categories"),
    ((Inequality(low="town", high="a"),), "town is categorical and has no order"),
    ((FixedCombinations(columns=("sex", "town"), combinations=()),), "combinations is empty"),
    ((FixedCombinations(columns=("sex", "town"), combinations=(("X", "Aix"),)),), "not among its 2 categories"),
    ((FixedCombinations(columns=("age", "town"), combinations=(("old", "Aix"),)),), "is numeric"),
    ((FixedCombinations(columns=("sex", "town"), combinations=((None, "Aix"),)),), "sex may not be empty"),
    ((FixedCombinations(columns=("id", "town")),), "id is identifier and is invented"),
    ((OneHot(columns=("member", "sex")),), "sex is categorical without the values 0 and 1"),
    ((OneHot(columns=("member", "start")),), "start is datetime"),
    ((OneHot(columns=("member", "parent")),), "bounds of parent exclude 0 or 1"),
    ((Formula(column="a", expression="a + 1"),), "need their own result"),
    (
        (
            Formula(column="a", expression="b + 1"),
            Formula(column="b", expression="c"),
            Formula(column="c", expression="a"),
        ),
        "formulas of a, b, c",
    ),
    ((Formula(column="a", expression="b"), Formula(column="a", expression="c")), "has a formula already"),
    ((Formula(column="a", expression="start"),), "gives a datetime, but the column is integer"),
    ((Formula(column="a", expression="end - start"),), "say in what unit"),
    ((Formula(column="a", expression="b * town"),), "character 3: * does not work on text"),
    ((Formula(column="a", expression="where(id == 'x', 1, 2)"),), "id is identifier and is invented"),
    ((Formula(column="note", expression="town"),), "note: the column is text and is invented"),
    ((Unique(columns=("sex", "member")),), "only 4 combinations are possible, but 5 rows"),
    ((Regex(column="age", pattern="[0-9]+"),), "age is integer, not text"),
    ((Regex(column="town", pattern="["),), "no regular expression"),
    ((Regex(column="sex", pattern="[a-z]"),), "no category of sex matches"),
    ((rule(ADULT, {"column": "sex", "one_of": ("X",)}),), "not among its 2 categories"),
    ((rule(ADULT, {"column": "share", "lower": 41}),), "no value of share can satisfy then"),
    (
        (rule(ADULT, {"column": "a", "lower": 3, "upper": 4, "lower_strict": True, "upper_strict": True}),),
        "no value of a",
    ),
    ((rule(ADULT, {"column": "sex", "missing": True}),), "asks sex to be missing"),
    ((rule(ADULT, {"column": "sex", "lower": "F"}),), "has no order"),
    ((rule(ADULT, {"column": "id", "one_of": ("x",)}),), "id is identifier"),
    ((rule({"column": "age", "lower": 121}, {"column": "a", "lower": 1}),), "no value of age can satisfy if"),
    ((rule(ADULT, {"column": "a", "lower": 5}), rule(ADULT, {"column": "a", "upper": 4})), "contradicts constraint 1"),
    (
        (rule(ADULT, {"column": "town", "one_of": ("Aix",)}), rule(ADULT, {"column": "town", "one_of": ("Lyon",)})),
        "contradicts constraint 1 with the same if about town",
    ),
    (
        (rule(ADULT, {"column": "a", "missing": True}), rule(ADULT, {"column": "a", "lower": 1})),
        "contradicts constraint 1",
    ),
    ((rule(ADULT, {"column": "grade", "one_of": ("low",)}), rule(ADULT, {"column": "grade", "lower": "mid"})), "grade"),
    ((FixedNulls(columns=("a", "b"), patterns=((True,),)),), "must have 2 entries"),
    ((FixedNulls(columns=("age", "b"), patterns=((True, False),)),), "leaves a column empty that may not be (age)"),
    ((SumTo(columns=("share", "rest"), total=100),), "largest possible sum"),
    ((SumTo(columns=("half", "share"), total=50),), "smallest possible sum"),
    ((SumTo(columns=("half", "share"), total="rest"),), "smallest possible sum"),
    ((SumTo(columns=("a", "town"), total=1),), "cannot be added"),
    ((SumTo(columns=("a", "b"), total=2.5),), "whole numbers cannot add up"),
    ((SumTo(columns=("a", "b"), total="a"),), "a is its own total"),
]


@pytest.mark.parametrize(("constraints", "says"), IMPOSSIBLE, ids=[says[:40] for _, says in IMPOSSIBLE])
def test_what_cannot_hold_is_reported(constraints: tuple[Constraint, ...], says: str) -> None:
    """One line says what is wrong, names a column or constraint, and gives a remedy."""
    lines = found(*constraints, n_rows=5)
    assert len(lines) == 1 and says in lines[0]
    assert ";" in lines[0]  # what would be right follows


POSSIBLE: list[tuple[Constraint, ...]] = [
    (Inequality(low="a", high="b"), Inequality(low="b", high="a")),
    (Inequality(low="a", high="b", strict=True), Inequality(low="a", high="c", strict=True)),
    (Inequality(low="age", high="parent", strict=True),),
    (Inequality(low="seen", high="age"),),
    (Inequality(low="end", high="start"),),
    (Inequality(low="a", high="share"),),
    (Inequality(low="coded", high="a"),),
    (FixedCombinations(columns=("sex", "age"), combinations=(("F", 3), ("M", None))),),
    (OneHot(columns=("member", "coded", "a")),),
    (Formula(column="a", expression="b + c"), Formula(column="b", expression="c * 2")),
    (Unique(columns=("sex", "member", "coded")),),
    (Unique(columns=("town",)),),
    (Regex(column="sex", pattern="[A-Z]"), Regex(column="id", pattern="x")),
    (rule(ADULT, {"column": "a", "lower": 5}), rule(ADULT, {"column": "a", "upper": 5})),
    (rule(ADULT, {"column": "a", "lower": 5}), rule({"column": "age", "upper": 3}, {"column": "a", "upper": 4})),
    (rule(ADULT, {"column": "seen", "lower": 200}),),
    (rule({"column": "member", "one_of": (True,)}, {"column": "id", "missing": True}),),
    (FixedNulls(columns=("age", "b"), patterns=((False, False), (False, True))),),
    (SumTo(columns=("share", "rest"), total=80),),
    (SumTo(columns=("a", "b"), total="share"),),
]


@pytest.mark.parametrize("constraints", POSSIBLE, ids=[rules[0].type for rules in POSSIBLE])
def test_what_can_hold_is_let_through(constraints: tuple[Constraint, ...]) -> None:
    """Nothing is reported where some row can keep all constraints."""
    assert found(*constraints, n_rows=5) == []


def test_strict_steps_between_whole_numbers_add_up() -> None:
    """Three whole numbers from 1 to 2 cannot rise strictly; three decimals can."""
    whole: dict[str, Column] = {name: Integer(lower=1, upper=2) for name in "xyz"}
    chain = ChainedInequality(columns=("x", "y", "z"), strict=True)
    assert "leaves no room" in find_contradictions(declare(whole, chain))[0]
    real: dict[str, Column] = {name: Number(lower=1, upper=2) for name in "xyz"}
    assert find_contradictions(declare(real, chain)) == []


def test_unique_without_a_number_of_rows_is_not_judged() -> None:
    """How many rows are wanted decides, so nothing is reported where that is not known."""
    assert found(Unique(columns=("sex",))) == []
    assert found(Unique(columns=("sex",)), n_rows=2) == []
    assert len(found(Unique(columns=("sex",)), n_rows=3)) == 1


def test_everything_is_reported_at_once() -> None:
    """Several contradictions give several lines, each with the number of its constraint."""
    lines = found(Regex(column="age", pattern="x"), Inequality(low="a", high="b"), Inequality(low="town", high="a"))
    assert [line.split(" (")[0] for line in lines] == ["constraint 1", "constraint 3"]
