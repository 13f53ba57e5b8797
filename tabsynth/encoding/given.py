"""What `given` asks for, on the scale of the encoder.

A condition on a modelled column becomes allowed codes, or stretches of the column's quantile scale; generators draw
inside them directly. A condition on a column that is rewritten before modelling (a gap, a formula) cannot be met that
way and is left to the caller.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from tabsynth.encoding.continuous import ContinuousEncoder, as_number
from tabsynth.encoding.datetime import from_steps
from tabsynth.encoding.discrete import DiscreteEncoder
from tabsynth.encoding.table import TableEncoder
from tabsynth.errors import UsageError
from tabsynth.schema.checks import matches
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.conditions import Condition, Scalar
from tabsynth.schema.literals import canonical, limit
from tabsynth.schema.ordering import scale
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GivenColumn:
    """What one encoded column may be. Exactly one of `codes` and `stretches` is set unless the cell must be missing."""

    missing: bool
    """True: the cell must be missing. False: it must be there."""
    codes: Array | None = None  # (n_codes,), bool
    stretches: Array | None = None  # (n_stretches, 2), from and to on the quantile scale


EncodedGiven = Mapping[str, GivenColumn]

_CONDITION = re.compile(
    r"^\s*(?P<column>`[^`]+`|.+?)\s*(?P<operator>>=|<=|!=|=|>|<|\s+in\s+|\s+is\s+)\s*(?P<value>.*?)\s*$"
)


def read_conditions(
    given: Mapping[str, Any] | Iterable[str | Condition] | None, columns: Mapping[str, Column]
) -> list[Condition]:
    """Conditions from any of the ways to write them.

    Args:
        given: `{"sex": "F", "age": (65, None), "state": {"NY", "NJ"}}` (a value; a pair is a range with open ends as
            None; a set or list is a choice), or texts such as `"age>=65"`, `"sex=F"`, `"state in NY,NJ"`, `"income is
            missing"`.
        columns: The columns of the table, by name.

    Raises:
        UsageError: A condition cannot be read, or names no column of the table.
    """
    if given is None:
        return []
    if isinstance(given, str | Condition):
        given = [given]
    if isinstance(given, Mapping):
        conditions = [_readable(name, value) for name, value in given.items()]
    else:
        items = list(given) if isinstance(given, Iterable) else [None]
        if not all(isinstance(item, str | Condition) for item in items):
            raise UsageError("given: write {column: value}, or texts such as 'age>=65'")
        conditions = [item if isinstance(item, Condition) else parse_condition(item, columns) for item in items]
    for condition in conditions:
        column = columns.get(condition.column)
        if column is None:
            raise UsageError(f"given: the table has no column {condition.column!r}; it has {', '.join(columns)}")
        if isinstance(column, Identifier | Text) and condition.missing is None:
            raise UsageError(
                f"given: {condition.column}: is invented, not learned, so nothing can be asked of its values"
            )
        if None not in (condition.lower, condition.upper, scale(column)):
            ends = (condition.lower, condition.upper)
            lower, upper = (limit(end, column, name=condition.column) for end in ends if end is not None)
            if lower > upper:
                raise UsageError(f"given: {condition.column}: the range ends below where it begins; swap its ends")
    return conditions


def parse_condition(text: str, columns: Mapping[str, Column]) -> Condition:
    """Read one condition such as `age>=65`, `sex=F`, `state in NY,NJ` or `income is missing`.

    Raises:
        UsageError: The text is no condition.
    """
    match = _CONDITION.match(text)
    if match is None:
        raise UsageError(
            "given: is no condition; write one such as sex=F, age>=65, 'state in NY,NJ' or 'income is missing'"
        )
    name = match["column"].strip("`").strip()
    operator, value = match["operator"].strip(), match["value"]
    if operator == "is":
        if value not in ("missing", "present"):
            raise UsageError(f"given: {name}: write 'is missing' or 'is present'")
        return Condition(column=name, missing=value == "missing")
    if operator == "!=":
        raise UsageError(f"given: {name}: != is not supported; list what is allowed with 'in'")
    if value == "":
        raise UsageError(f"given: {name}: has no value; for empty cells write '{name} is missing'")
    column = columns.get(name)
    literals = [_literal(part.strip(), column) for part in (value.split(",") if operator == "in" else [value])]
    if operator in ("=", "in"):
        return Condition(column=name, one_of=tuple(literals))
    if operator.startswith(">"):
        return Condition(column=name, lower=literals[0], lower_strict=operator == ">")
    return Condition(column=name, upper=literals[0], upper_strict=operator == "<")


def encode_given(
    conditions: Iterable[Condition], encoder: TableEncoder, *, direct: Iterable[str]
) -> tuple[dict[str, GivenColumn], list[Condition]]:
    """Split conditions into what a generator meets itself and what is left.

    Args:
        conditions: What is asked.
        encoder: The encoders of the model.
        direct: Columns that are modelled as they are.

    Returns:
        What each encoded column may be, and the conditions on columns that are not modelled directly.

    Raises:
        UsageError: A condition has probability zero under the model.
    """
    direct = set(direct)
    left: list[Condition] = []
    by_column: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.column in direct and condition.column in encoder.encoders:
            by_column.setdefault(condition.column, []).append(condition)
        else:
            left.append(condition)
    given = {name: _encode_column(name, asked, encoder) for name, asked in by_column.items()}
    return given, left


def _readable(name: object, value: Any) -> Condition:
    """The condition of one entry.

    Raises:
        UsageError: The column is no name, or what is asked of it is no value, pair or list of values.
    """
    if not isinstance(name, str):
        raise UsageError("given: a column is not named by text; write {'age': (65, None)}")
    try:
        return _from_value(name, value)
    except ValidationError:
        raise UsageError(
            f"given: {name}: cannot be read; write a text, number or date, a pair (lower, upper), a list of values, or "
            "None for an empty cell"
        ) from None


def _from_value(name: str, value: Any) -> Condition:
    if isinstance(value, Condition):
        return value
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return Condition(column=name, missing=True)
    if isinstance(value, tuple):
        if len(value) != 2:
            raise UsageError(
                f"given: {name}: a range is a pair (lower, upper) with None for an open end; a choice is a list"
            )
        lower, upper = (_plain(part) for part in value)
        if lower is None and upper is None:
            return Condition(column=name, missing=False)
        return Condition(column=name, lower=lower, upper=upper)
    if isinstance(value, set | frozenset | list):
        if not value:
            raise UsageError(f"given: {name}: the choice is empty, so that no row can satisfy it")
        return Condition(column=name, one_of=tuple(sorted((_plain(item) for item in value), key=str)))
    return Condition(column=name, one_of=(_plain(value),))


def _plain(value: Any) -> Any:
    """A value as pydantic's strict scalars take it: numpy scalars unwrapped, dates as ISO text."""
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return value.astype("datetime64[us]").item().isoformat()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _literal(text: str, column: Column | None) -> Scalar:
    text = text.strip("'\"")
    if isinstance(column, Integer | Number):
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return text  # refused, with the column's name, where the condition is checked
    return text


def _encode_column(name: str, asked: list[Condition], encoder: TableEncoder) -> GivenColumn:
    column, known = encoder.columns[name], encoder.encoders[name]
    if any(condition.missing for condition in asked):
        if any(not condition.missing for condition in asked):
            raise UsageError(f"given: {name}: is asked to be missing and not missing at once")
        return GivenColumn(missing=True)
    if isinstance(known, DiscreteEncoder):
        allowed = _allowed_codes(name, asked, column, known)
        return GivenColumn(missing=False, codes=allowed)
    if isinstance(known, ContinuousEncoder):
        assert isinstance(column, Integer | Number | DateTime)
        return GivenColumn(missing=False, stretches=_stretches(name, asked, column, known))
    if isinstance(column, Identifier | Text):
        return GivenColumn(missing=False, codes=np.ones(1, bool))
    raise UsageError(f"given: {name}: the model knows no value of this column; it is always empty")


def _allowed_codes(name: str, asked: list[Condition], column: Column, known: DiscreteEncoder) -> Array:
    """Codes that satisfy every condition; shape (n_codes,)."""
    if isinstance(column, Boolean):
        values = Values(np.array([False, True]), np.zeros(2, bool))
    else:
        values = Values(np.array(known.labels, dtype=object), np.zeros(known.n_codes, bool))
    allowed = np.ones(known.n_codes, bool)
    for condition in asked:
        allowed &= matches(condition, values, column)
    if known.pooled and known.rare_label is None:
        allowed[-1] = False  # the pooled code decodes to a draw from the others
    if not (allowed & (known.shares > 0)).any():
        hint = ""
        if isinstance(column, Categorical | Ordinal):
            hint = f" (the model knows {known.n_codes - known.pooled} categories)"
        raise UsageError(
            f"given: {name}: no row of the model can satisfy this{hint}; ask for a value that occurs in it"
        )
    return allowed & (known.shares > 0)


def _stretches(
    name: str, asked: list[Condition], column: Integer | Number | DateTime, known: ContinuousEncoder
) -> Array:
    """Parts of the quantile scale that satisfy every condition; shape (n_stretches, 2)."""
    assert known.marginal is not None
    pieces = [(-np.inf, np.inf)]
    for condition in asked:
        ends: list[tuple[Any, Any]]
        if condition.one_of is not None:
            items = {canonical(item, column, name=name) for item in condition.one_of}  # one listed twice counts once
            ends = [(item, item) for item in sorted(items, key=float)]
        else:
            lower, upper = (
                None if end is None else limit(end, column, name=name) for end in (condition.lower, condition.upper)
            )
            ends = [(lower, upper)]
        strict = condition.lower_strict, condition.upper_strict
        wanted = [_around(low, high, strict, column, known.step) for low, high in ends]
        pieces = [(max(a, c), min(b, d)) for a, b in pieces for c, d in wanted]
        pieces = [(low, high) for low, high in pieces if low < high or (low == high and not known.step)]
    stretches = []
    for low, high in pieces:
        start = 0.0 if low == -np.inf else float(known.marginal.probability_below(np.array([low]), inclusive=False)[0])
        end = 1.0 if high == np.inf else float(known.marginal.probability_below(np.array([high]), inclusive=True)[0])
        if end > start:
            stretches.append((start, end))
        elif low == high and 0.0 < start < 1.0:
            stretches.append((start, start))
    if not stretches:
        raise UsageError(f"given: {name}: no row of the model can satisfy this; ask for a value inside its range")
    return np.array(stretches)


def _around(
    lower: Any, upper: Any, strict: tuple[bool, bool], column: Integer | Number | DateTime, step: float | None
) -> tuple[float, float]:
    """The numbers that become values between two canonical ends; from above to where there is none.

    With a step, from half a step below the first value inside to half a step above the last one: an end that lies
    between two values allows all of its neighbour inside, and nothing of the one outside.
    """
    low, high = -np.inf, np.inf
    if lower is not None:
        low, is_value = _value_upto(lower, column)
        if step:
            low += 0.5 * step if strict[0] or not is_value else -0.5 * step
    if upper is not None:
        high, is_value = _value_upto(upper, column)
        if step:
            high += -0.5 * step if strict[1] and is_value else 0.5 * step
    return low, high


def _value_upto(number: Any, column: Integer | Number | DateTime) -> tuple[float, bool]:
    """The last possible value up to a number or moment, on the scale of the encoder, and whether it is that itself."""
    if isinstance(column, DateTime):
        step = as_number(column, number)
        return step, bool(from_steps(np.array([step]), column)[0] == number)
    if isinstance(column, Integer):
        return float(math.floor(number)), math.floor(number) == number
    if column.decimals is None:
        return float(number), True
    value = round(float(number), column.decimals)
    if value > number:
        value = round(value - 10.0**-column.decimals, column.decimals)
    return value, value == number
