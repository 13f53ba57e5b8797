"""Declarations of constraints: what is read, what they name, what is refused."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from tabsynth.schema.columns import Integer, Number
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Conditional, Constraint, FixedCombinations, Formula, OneHot, SumTo
from tabsynth.schema.model import Table

ANY = TypeAdapter(Constraint)

DECLARED = [
    ({"type": "inequality", "low": "a", "high": "b"}, ("a", "b")),
    ({"type": "chained_inequality", "columns": ["a", "b", "c"]}, ("a", "b", "c")),
    ({"type": "range", "low": "a", "middle": "b", "high": "c"}, ("a", "b", "c")),
    ({"type": "fixed_combinations", "columns": ["a", "b"], "combinations": [["x", None], [1, True]]}, ("a", "b")),
    ({"type": "one_hot", "columns": ["a", "b"]}, ("a", "b")),
    ({"type": "formula", "column": "c", "expression": "a * `b` + a"}, ("c", "a", "b")),
    ({"type": "unique", "columns": ["a"]}, ("a",)),
    ({"type": "regex", "column": "a", "pattern": "[A-Z]+"}, ("a",)),
    (
        {"type": "conditional", "if": [{"column": "a", "lower": 3}], "then": [{"column": "b", "missing": True}]},
        ("a", "b"),
    ),
    ({"type": "fixed_nulls", "columns": ["a", "b"], "patterns": [[True, False]]}, ("a", "b")),
    ({"type": "sum_to", "columns": ["a", "b"], "total": "c"}, ("a", "b", "c")),
    ({"type": "sum_to", "columns": ["a", "b"], "total": 100}, ("a", "b")),
]


@pytest.mark.parametrize(("declared", "involved"), DECLARED, ids=[f"{d['type']}" for d, _ in DECLARED])
def test_every_type_is_read_and_written_back(declared: dict[str, object], involved: tuple[str, ...]) -> None:
    """JSON becomes the constraint of its type, names its columns once and comes back unchanged."""
    constraint = ANY.validate_json(json.dumps(declared))
    assert constraint.type == declared["type"]
    assert constraint.involved == involved
    assert ANY.validate_json(ANY.dump_json(constraint)) == constraint


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "inequalty", "low": "a", "high": "b"},
        {"type": "inequality", "low": "a"},
        {"type": "one_hot", "columns": ["a"]},
        {"type": "formula", "column": "a", "expression": "b", "tolerance": -1},
        {"type": "fixed_combinations", "columns": ["a", "b"], "combinations": [["x"]]},
        {"type": "conditional", "if": [], "then": [{"column": "b", "missing": True}]},
        {"type": "unique", "columns": ["a"], "column": "b"},
    ],
)
def test_wrong_declarations_are_refused(declared: dict[str, object]) -> None:
    """Unknown types and keys, missing keys and lists of the wrong width are refused."""
    with pytest.raises(ValidationError):
        ANY.validate_python(declared, strict=False)


@pytest.mark.parametrize(
    "fields",
    [{}, {"missing": True, "lower": 3}, {"one_of": ()}],
)
def test_conditions_that_say_nothing_or_two_things_are_refused(fields: dict[str, object]) -> None:
    """A condition must ask for something, and not for a missing cell with a value."""
    with pytest.raises(ValidationError):
        Condition(column="a", **fields)  # type: ignore[arg-type]


def test_constraints_name_columns_of_their_table() -> None:
    """A constraint on an unknown column is refused with its number, also inside a formula."""
    with pytest.raises(ValidationError, match=r"constraint 2 \(formula\) names no column of this schema: weight"):
        Table(
            columns={"bmi": Number(), "height": Number()},
            constraints=(
                SumTo(columns=("bmi", "height"), total=1),
                Formula(column="bmi", expression="weight / height ** 2"),
            ),
        )


def test_formula_that_cannot_be_read_is_refused_with_its_table() -> None:
    """The table names the place in the formula at which reading failed."""
    with pytest.raises(ValidationError, match="formula, character 4: ends too early"):
        Table(columns={"a": Integer()}, constraints=(Formula(column="a", expression="1 + "),))


def test_aliases_of_if() -> None:
    """A conditional is written with `if` and dumped with `if`, and can be built by its Python name."""
    rule = Conditional(if_=(Condition(column="a", lower=1),), then=(Condition(column="b", upper=2),))
    assert set(rule.model_dump()) >= {"if", "then"}


def test_defaults_mean_what_the_data_show() -> None:
    """Without a list, combinations are left open; one-hot needs no further word."""
    assert FixedCombinations(columns=("a", "b")).combinations is None
    assert OneHot(columns=("a", "b")).name is None
