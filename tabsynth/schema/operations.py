"""What the operators and functions of a formula do, on whole columns.

An operand is one of five kinds: number (float64), truth (bool), text, datetime (int64, microseconds) and duration
(int64, microseconds). Every operation gives a missing cell where an operand is missing and where the result is not a
finite number (division by zero, the root of a negative number).

Decisions
- The difference of two datetimes is a duration, a kind of its own: `days(end - start)` or `hours(...)` says in what
  unit it is a number, so that nobody has to guess. A datetime plus a number moves it by that many days.
- A truth value counts as 1 or 0 where a number is needed; a number is never a truth value.
- Datetimes with a time zone and without do not mix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabsynth.schema.values import to_micros

Array = np.ndarray[Any, Any]
Kind = Literal["number", "truth", "text", "datetime", "duration"]

DAY = 86_400_000_000
_LARGEST = 2.0**62
_UNITS = {"days": DAY, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}


class OperandError(ValueError):
    """An operation does not fit the kinds of its operands."""


@dataclass(frozen=True)
class Operand:
    """Cells of one kind; `time_zone` tells datetimes apart."""

    kind: Kind
    array: Array  # (n_rows,) or (1,)
    missing: Array  # (n_rows,) or (1,), bool
    time_zone: str | None = None
    literal: str | None = None
    """The text of a quoted literal, which may turn out to be a datetime."""


def arithmetic(operator: str, left: Operand, right: Operand) -> Operand:
    """`left operator right` for + - * / // % **.

    Raises:
        OperandError: The operator is not defined for these kinds.
    """
    if "text" in (left.kind, right.kind):
        raise OperandError(f"{operator} does not work on text; use columns of numbers or datetimes")
    if "datetime" in (left.kind, right.kind) or "duration" in (left.kind, right.kind):
        return _time_arithmetic(operator, left, right)
    a, b = _as_number(left), _as_number(right)
    with np.errstate(all="ignore"):
        result = _NUMERIC[operator](a.array, b.array)
    return _number(result, a.missing | b.missing)


def compare(operator: str, left: Operand, right: Operand) -> Operand:
    """`left operator right` for == != < <= > >=.

    Raises:
        OperandError: The operands are of kinds that cannot be compared.
    """
    left, right = _same_kind(left, right, "compared")
    if left.kind == "text" and operator not in ("==", "!="):
        raise OperandError("text has no order; compare it with == or !=")
    return Operand("truth", _COMPARISONS[operator](left.array, right.array), left.missing | right.missing)


def logic(operator: str, left: Operand, right: Operand) -> Operand:
    """`left and right`, `left or right`."""
    _require("truth", operator, left, right)
    joined = left.array & right.array if operator == "and" else left.array | right.array
    return Operand("truth", joined, left.missing | right.missing)


def negate(operand: Operand) -> Operand:
    """`not operand`."""
    _require("truth", "not", operand)
    return Operand("truth", ~operand.array, operand.missing)


def minus(operand: Operand) -> Operand:
    """`-operand`."""
    if operand.kind == "duration":
        return Operand("duration", -operand.array, operand.missing)
    number = _as_number(operand)
    return Operand("number", -number.array, number.missing)


def call(name: str, arguments: list[Operand]) -> Operand:
    """Apply the function `name`, one of `FUNCTIONS`.

    Raises:
        OperandError: Wrong number or kind of arguments.
    """
    fewest, most, function = FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or more" if most > 2 else f"{fewest} or {most}"
        raise OperandError(f"{name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {len(arguments)}")
    return function(arguments)


def local_clock(micros: Array, time_zone: str | None) -> Array:
    """Microseconds of canonical datetimes as the wall clock of their time zone shows them; shape (n,), int64."""
    if time_zone in (None, "UTC"):
        return micros
    moments = pd.DatetimeIndex(micros.astype("datetime64[us]"), tz="UTC").tz_convert(time_zone).tz_localize(None)
    return moments.to_numpy().astype("datetime64[us]").astype(np.int64)


def _time_arithmetic(operator: str, left: Operand, right: Operand) -> Operand:
    missing = left.missing | right.missing
    kinds = (left.kind, right.kind)
    sign = -1 if operator == "-" else 1
    if operator in ("+", "-"):
        if kinds == ("datetime", "datetime") and operator == "-":
            _same_clock(left, right)
            return _time("duration", left.array - right.array, missing)
        if kinds == ("duration", "duration"):
            return _time("duration", left.array + sign * right.array, missing)
        if left.kind == "datetime" and right.kind != "datetime":
            return _time("datetime", left.array + sign * _as_duration(right).array, missing, left.time_zone)
        if right.kind == "datetime" and operator == "+" and left.kind != "datetime":
            return _time("datetime", right.array + _as_duration(left).array, missing, right.time_zone)
    if kinds == ("duration", "duration") and operator == "/":
        with np.errstate(all="ignore"):
            return _number(left.array / right.array, missing)
    if operator in ("*", "/") and left.kind == "duration" and right.kind == "number":
        with np.errstate(all="ignore"):
            scaled = left.array * right.array if operator == "*" else left.array / right.array
        return _time("duration", scaled, missing)
    if operator == "*" and kinds == ("number", "duration"):
        return _time("duration", left.array * right.array, missing)
    raise OperandError(
        f"a {left.kind} {operator} a {right.kind} has no meaning; "
        "a difference of datetimes becomes a number by days(a - b)"
    )


def _time(kind: Kind, micros: Array, missing: Array, time_zone: str | None = None) -> Operand:
    if micros.dtype.kind == "f":
        bad = ~(np.abs(micros) < _LARGEST)
        micros, missing = np.rint(np.where(bad, 0.0, micros)).astype(np.int64), missing | bad
    return Operand(kind, micros, missing, time_zone)


def _as_duration(operand: Operand) -> Operand:
    """A duration as it is, a number as that many days."""
    return (
        operand if operand.kind == "duration" else _time("duration", _as_number(operand).array * DAY, operand.missing)
    )


def _as_number(operand: Operand) -> Operand:
    if operand.kind == "truth":
        return Operand("number", operand.array.astype(np.float64), operand.missing)
    if operand.kind != "number":
        hint = "; write days(a - b)" if operand.kind == "duration" else ""
        raise OperandError(f"needs a number here, not a {operand.kind}{hint}")
    return operand


def _number(array: Array, missing: Array) -> Operand:
    bad = ~np.isfinite(array)
    return Operand("number", np.where(bad, 0.0, array), missing | bad)


def _require(kind: Kind, what: str, *operands: Operand) -> None:
    for operand in operands:
        if operand.kind != kind:
            raise OperandError(f"{what} needs a comparison such as a > 0, not a {operand.kind}")


def _same_clock(left: Operand, right: Operand) -> None:
    if (left.time_zone is None) != (right.time_zone is None):
        raise OperandError(
            "one datetime has a time zone and the other has none; give both a time_zone in the schema, or neither"
        )


def _same_kind(left: Operand, right: Operand, verb: str) -> tuple[Operand, Operand]:
    """Both operands as one kind: truth beside a number becomes a number, quoted text beside a datetime a datetime."""
    if left.kind == "datetime" and right.literal is not None:
        right = _moment(right.literal, left.time_zone)
    elif right.kind == "datetime" and left.literal is not None:
        left = _moment(left.literal, right.time_zone)
    if {left.kind, right.kind} == {"truth", "number"}:
        left, right = _as_number(left), _as_number(right)
    if left.kind != right.kind:
        raise OperandError(f"a {left.kind} and a {right.kind} cannot be {verb}; make both the same kind")
    if left.kind == "datetime":
        _same_clock(left, right)
    return left, right


def _moment(text: str, time_zone: str | None) -> Operand:
    try:
        micros = to_micros(text, time_zone)
    except (ValueError, OverflowError):
        raise OperandError("the quoted text beside a datetime is no ISO 8601 date such as '2024-02-29'") from None
    return Operand("datetime", np.array([micros], np.int64), np.zeros(1, bool), time_zone)


def _floor_divide(a: Array, b: Array) -> Array:
    return np.where(b == 0, np.nan, np.floor_divide(a, b))


_NUMERIC: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": _floor_divide,
    "%": np.mod,
    "**": np.power,
}
_COMPARISONS: dict[str, Callable[[Array, Array], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _of_number(function: Callable[[Array], Array]) -> Callable[[list[Operand]], Operand]:
    def apply(arguments: list[Operand]) -> Operand:
        number = _as_number(arguments[0])
        with np.errstate(all="ignore"):
            return _number(function(number.array), number.missing)

    return apply


def _absolute(arguments: list[Operand]) -> Operand:
    operand = arguments[0]
    if operand.kind == "duration":
        return Operand("duration", np.abs(operand.array), operand.missing)
    return _of_number(np.abs)(arguments)


def _extreme(choose: Callable[[Array, Array], Array]) -> Callable[[list[Operand]], Operand]:
    def apply(arguments: list[Operand]) -> Operand:
        best = arguments[0]
        for operand in arguments[1:]:
            left, right = _same_kind(best, operand, "compared")
            if left.kind == "text":
                raise OperandError("min() and max() do not work on text; use numbers or datetimes")
            best = Operand(left.kind, choose(left.array, right.array), left.missing | right.missing, left.time_zone)
        return best

    return apply


def _round(arguments: list[Operand]) -> Operand:
    number = _as_number(arguments[0])
    digits = np.array([0])
    if len(arguments) == 2:
        digits = np.unique(_as_number(arguments[1]).array)
        if len(digits) > 1 or not all(digits == np.rint(digits)) or not all(np.abs(digits) <= 15):
            raise OperandError("round(x, n) takes a fixed whole number of digits, from -15 to 15")
    with np.errstate(all="ignore"):
        return _number(np.round(number.array, int(digits[0]) if len(digits) else 0), number.missing)


def _where(arguments: list[Operand]) -> Operand:
    condition, left, right = arguments
    _require("truth", "where()", condition)
    left, right = _same_kind(left, right, "chosen between")
    missing = condition.missing | np.where(condition.array, left.missing, right.missing)
    return Operand(left.kind, np.where(condition.array, left.array, right.array), missing, left.time_zone)


def _in_unit(name: str) -> Callable[[list[Operand]], Operand]:
    def apply(arguments: list[Operand]) -> Operand:
        operand = arguments[0]
        if operand.kind != "duration":
            raise OperandError(f"{name}() takes a difference of two datetimes, as in {name}(end - start)")
        return Operand("number", operand.array / _UNITS[name], operand.missing)

    return apply


def _year(arguments: list[Operand]) -> Operand:
    operand = arguments[0]
    if operand.kind != "datetime":
        raise OperandError(f"year() takes a datetime, not a {operand.kind}")
    years = local_clock(operand.array, operand.time_zone).astype("datetime64[us]").astype("datetime64[Y]")
    return Operand("number", years.astype(np.int64) + 1970.0, operand.missing)


_MANY = 100
FUNCTIONS: dict[str, tuple[int, int, Callable[[list[Operand]], Operand]]] = {
    "min": (2, _MANY, _extreme(np.minimum)),
    "max": (2, _MANY, _extreme(np.maximum)),
    "abs": (1, 1, _absolute),
    "round": (1, 2, _round),
    "floor": (1, 1, _of_number(np.floor)),
    "ceil": (1, 1, _of_number(np.ceil)),
    "sqrt": (1, 1, _of_number(np.sqrt)),
    "log": (1, 1, _of_number(np.log)),
    "exp": (1, 1, _of_number(np.exp)),
    "where": (3, 3, _where),
    "year": (1, 1, _year),
    **{name: (1, 1, _in_unit(name)) for name in _UNITS},
}
"""Functions of a formula: fewest and most arguments, and what they do."""
