"""The formula language: what it reads, what it calculates, what it refuses."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal
from tabsynth.schema.formula import MAX_DEPTH, MAX_LENGTH, MAX_STEPS, parse
from tabsynth.schema.values import TypedTable
from tests.typed_rows import declare, rows_of

KINDS: dict[str, Column] = {
    "a": Number(),
    "b": Number(),
    "n": Integer(),
    "flag": Boolean(),
    "town": Categorical(),
    "grade": Ordinal(categories=("low", "high")),
    "code": Categorical(categories=(1, 2, 3)),
    "start": DateTime(),
    "end": DateTime(),
    "seen": DateTime(time_zone="Europe/Paris"),
    "unit price": Number(),
}
TABLE = declare(KINDS)


def one_row(**cells: object) -> TypedTable:
    """A single row; columns that are not named are missing."""
    return rows_of(TABLE, [[cells.get(name.replace(" ", "_")) for name in KINDS]])


def result(expression: str, **cells: object) -> object:
    """The value of a formula in one row, None where missing."""
    values = parse(expression).evaluate(one_row(**cells).columns, KINDS)
    return None if values.missing[0] else values.array[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 - 3 - 4", -5),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("7 // 2 + 7 % 4", 6),
        ("-7 // 2", -4),
        ("-7 % 4", 1),
        ("1.5e2 + .5", 150.5),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("abs(-2) + floor(1.9) + ceil(1.1)", 5),
        ("round(2.345, 2)", 2.35),
        ("round(1234, -2)", 1200),
        ("sqrt(16) + log(exp(2))", 6),
        ("where(2 > 1, 10, 20)", 10),
        ("true + true", 2),
        ("+3", 3),
    ],
)
def test_arithmetic_follows_the_precedence_of_python(expression: str, expected: float) -> None:
    """Operators and functions give what Python gives."""
    assert result(expression) == pytest.approx(expected, abs=0.011)


Written = tuple[str, Callable[[float, float], float]]
"""A formula of a and b, and the same in Python."""

_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _binary(parts: tuple[Written, str, Written]) -> Written:
    (left, calculate_left), symbol, (right, calculate_right) = parts
    apply = _OPERATORS[symbol]
    return f"({left}) {symbol} ({right})", lambda a, b: apply(calculate_left(a, b), calculate_right(a, b))


def _negative(inner: Written) -> Written:
    return f"-({inner[0]})", lambda a, b: -inner[1](a, b)


def _choice(inner: Written) -> Written:
    text, calculate = inner

    def choose(a: float, b: float) -> float:
        value = calculate(a, b)
        return value if value > 2 and value != 5 else 1.0

    return f"where({text} > 2 and not {text} == 5, {text}, 1)", choose


FORMULAS = st.recursive(
    st.integers(1, 9).map(lambda number: (str(number), lambda a, b: float(number)))
    | st.just(("a", lambda a, b: a))
    | st.just(("b", lambda a, b: b)),
    lambda inner: (
        st.tuples(inner, st.sampled_from(sorted(_OPERATORS)), inner).map(_binary)
        | inner.map(_negative)
        | inner.map(_choice)
    ),
    max_leaves=12,
)


TENTHS = st.integers(-500, 500).map(lambda number: number / 10)


@given(FORMULAS, TENTHS, TENTHS)
@settings(max_examples=150, deadline=None)
def test_any_formula_agrees_with_python(formula: Written, a: float, b: float) -> None:
    """A formula of numbers has the value that Python's own arithmetic gives it."""
    text, calculate = formula
    try:
        expected: float | None = calculate(a, b)
    except (ZeroDivisionError, OverflowError):
        expected = None
    found = result(text, a=a, b=b)
    if expected is None or not math.isfinite(expected):
        assert found is None
    else:
        assert found == expected


@pytest.mark.parametrize(
    "expression", ["a + b", "a == b", "a > 1 and b > 1", "max(a, b)", "where(b > 0, 1, 2)", "not b > 1", "-b"]
)
def test_missing_operand_gives_missing(expression: str) -> None:
    """A cell that is needed and missing leaves the result missing."""
    assert result(expression, a=2) is None


def test_where_needs_only_the_branch_it_takes() -> None:
    """A missing cell in the branch that is not taken does no harm."""
    assert result("where(a > 0, a, b)", a=2) == 2
    assert result("where(a > 0, b, a)", a=2) is None


@pytest.mark.parametrize("expression", ["1 / 0", "1 // 0", "1 % 0", "sqrt(-1)", "log(0)", "10 ** 400", "(-8) ** 0.5"])
def test_no_finite_number_is_missing(expression: str) -> None:
    """What is not a finite number is a missing cell, not an error and not infinity."""
    assert result(expression) is None


def test_datetimes() -> None:
    """Differences need a unit, numbers move a datetime by days, and year() reads the calendar."""
    cells = {"start": "2024-02-28T12:00:00", "end": "2024-03-01T18:00:00"}
    assert result("days(end - start)", **cells) == 2.25
    assert result("hours(end - start)", **cells) == 54
    assert result("year(end) * 10", **cells) == 20240
    moved = result("start + 2.25", **cells)
    assert datetime(1970, 1, 1) + np.timedelta64(int(moved), "us").item() == datetime(2024, 3, 1, 18)
    assert result("start + (end - start) == end", **cells) == True  # noqa: E712
    assert result("end >= '2024-03-01'", **cells) == True  # noqa: E712
    assert result("max(start, end) == end", **cells) == True  # noqa: E712
    assert result("days(2 * (end - start)) - (end - start) / (end - start)", **cells) == 3.5


def test_year_is_read_on_the_local_clock() -> None:
    """The last hour of a year in UTC is the next year in Paris."""
    assert result("year(seen)", seen="2023-12-31T23:30:00+00:00") == 2024


def test_text_and_categories() -> None:
    """Text compares with quoted text; categories that are numbers count as numbers."""
    assert result("where(town == 'Aix' or town == \"L'Oie\", 1, 0)", town="L'Oie") == 1
    assert result("grade != 'low'", grade="high") == True  # noqa: E712
    assert result("where(a > 1, 'many', town)", a=1, town="Aix") == "Aix"
    assert result("code * 2", code=3) == 6
    assert result("where(flag, a, b)", flag=True, a=1, b=2) == 1


def test_names_in_backquotes() -> None:
    """A column whose name is not a word is written in backquotes, and is listed once, in order."""
    expression = parse("`unit price` * n + `unit price`")
    assert expression.columns == ("unit price", "n")
    assert result(expression.text, unit_price=2.5, n=2) == 7.5


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "is empty"),
        ("a +", "character 4: ends too early"),
        ("a b", "character 3: an operator is missing"),
        ("a = 1", "character 3: = alone"),
        ("(a", "character 3: a bracket is not closed"),
        ("a)", "character 2: this bracket closes nothing"),
        ("a.b", "character 2: a dot"),
        ("a; b", "character 2: this character"),
        ("a ^ 2", "character 3: a power is written **"),
        ("a & b", "character 3: write and, or, not"),
        ("'a", "character 1: the text is not closed"),
        ("`a", "character 1: the name is not closed"),
        ("__import__('os')", "character 1: there is no function __import__()"),
        ("max(a", "character 6: max( is not closed"),
        ("1 < a < 3", "character 7: comparisons do not chain"),
        ("* a", "character 1: a value or column is missing"),
        ("a[0]", "character 2: this character"),
        ("lambda: 1", "character 7: this character"),
        ("(" * 100 + "a" + ")" * 100, f"more than {MAX_DEPTH} levels"),
        ("+".join(["a"] * (MAX_STEPS + 2)), f"more than {MAX_STEPS} operations"),
        ("a" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH}"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(expression: str, says: str) -> None:
    """A text that is no formula gives an error that names the character and the remedy."""
    with pytest.raises(SchemaError) as caught:
        parse(expression)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("a + town", "character 3: + does not work on text"),
        ("town < 'x'", "character 6: text has no order"),
        ("town == 1", "a text and a number cannot be compared"),
        ("start + end", "a datetime + a datetime has no meaning"),
        ("start * 2", "has no meaning"),
        ("end - start", "say in what unit"),
        ("abs(end - start) > 2", "a duration and a number cannot be compared"),
        ("start - seen", "one datetime has a time zone and the other has none"),
        ("start > 'soon'", "no ISO 8601 date"),
        ("sqrt(start)", "needs a number here, not a datetime"),
        ("days(3)", "takes a difference of two datetimes"),
        ("year(a)", "year() takes a datetime"),
        ("where(a, 1, 2)", "where() needs a comparison"),
        ("where(a > 1, 1, 'x')", "cannot be chosen between"),
        ("a and b", "and needs a comparison"),
        ("not a", "not needs a comparison"),
        ("round(a, b)", "fixed whole number of digits"),
        ("min(a)", "min() takes 2 or more arguments, not 1"),
        ("sqrt(a, b)", "sqrt() takes 1 argument, not 2"),
        ("max(town, town)", "do not work on text"),
        ("a + nowhere", "character 5: there is no column 'nowhere'"),
    ],
)
def test_operations_that_do_not_fit_their_columns_are_refused(expression: str, says: str) -> None:
    """A formula that does not fit the kinds of its columns gives an error, with and without rows."""
    cells = {"a": 1, "b": 0.5, "town": "Aix", "start": "2024-01-01", "end": "2024-01-02"}
    rows = one_row(**cells, seen="2024-01-01T00:00:00+00:00")
    with pytest.raises(SchemaError) as caught:
        parse(expression).evaluate(rows.columns, KINDS)
    assert says in str(caught.value)
    if "round" not in expression:  # how many digits is seen only in rows
        with pytest.raises(SchemaError):
            parse(expression).kind(KINDS)


def test_errors_show_no_value() -> None:
    """The message about cells of the wrong kind does not contain them."""
    rows = one_row(town="Mallory", a=41.5)
    with pytest.raises(SchemaError) as caught:
        parse("a * town").evaluate(rows.columns, KINDS)
    assert "Mallory" not in str(caught.value) and "41.5" not in str(caught.value)


@given(st.text(max_size=40) | st.text("ab()+-*/<>=!'`\" ,.0123456789", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is a formula or a SchemaError, never another exception."""
    try:
        parse(text)
    except SchemaError as error:
        assert str(error).startswith("formula")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("a * 2", "number"), ("a > 1", "truth"), ("where(a > 1, 'x', 'y')", "text"), ("start + 1", "datetime")],
)
def test_kind_is_known_without_rows(expression: str, kind: str) -> None:
    """What a formula gives is known from the kinds of its columns alone."""
    assert parse(expression).kind(KINDS) == kind


def test_identifiers_are_text() -> None:
    """An identifier is read as text, like any column of names."""
    kinds = {"id": Identifier()}
    rows = rows_of(declare(kinds), [("x",), ("y",)])
    assert parse("id == 'x'").evaluate(rows.columns, kinds).array.tolist() == [True, False]
