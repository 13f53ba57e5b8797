"""What makes the constraints of a table impossible, found in the schema alone, before any data is read.

Each finding is one line: which constraint, what is wrong, what would be right. Only bounds and categories that are
rules count; those that were read from data describe what was seen and forbid nothing.

Decisions
- No solver. What people write wrong is cycles, bounds, misspelled values and columns of the wrong type; a proof that
  all constraints together can hold is not attempted.
- Two rules with the same `if` and different `then` are reported even where a missing cell would satisfy both: nobody
  means that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.calculations import require_addable, require_fitting
from tabsynth.schema.checks import ascending_columns, compile_pattern, describe
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import (
    Conditional,
    Constraint,
    FixedCombinations,
    FixedNulls,
    Formula,
    OneHot,
    Regex,
    SumTo,
    Unique,
)
from tabsynth.schema.formula import parse
from tabsynth.schema.literals import canonical, declared_categories
from tabsynth.schema.model import Table
from tabsynth.schema.ordering import bounds, scale
from tabsynth.schema.regions import Region


def find_contradictions(table: Table, *, n_rows: int | None = None) -> list[str]:
    """Everything that keeps the constraints of a table from holding.

    Args:
        table: The declaration.
        n_rows: Rows that are to be made; None leaves out what depends on it.

    Returns:
        One line per contradiction, each with what would be right; empty where none was found.
    """
    found = []
    for number, constraint in enumerate(table.constraints, start=1):
        label = describe(constraint, number)
        try:
            found += [f"{label}: {line}" for line in _wrong_alone(constraint, table, n_rows)]
        except (SchemaError, UsageError) as error:
            found.append(f"{label}: {error}")
    return [*found, *_wrong_order(table), *_wrong_formulas(table), *_wrong_promises(table), *_nothing_left(table)]


def _nothing_left(table: Table) -> Iterator[str]:
    """A table of which no column would be written."""
    if all(isinstance(column, Text) and column.fill == "drop" for column in table.columns.values()):
        yield (
            "every column is free text, which is left out, so that rows have no cell; write fill: placeholder at one "
            "of them, or set its type"
        )


def _wrong_alone(constraint: Constraint, table: Table, n_rows: int | None) -> Iterator[str]:
    """What is wrong with one constraint by itself."""
    if (ascending := ascending_columns(constraint)) is not None:
        yield from _not_comparable(ascending[0], table)
    match constraint:
        case FixedCombinations():
            yield from _wrong_combinations(constraint, table)
        case OneHot():
            yield from _wrong_flags(constraint, table)
        case Formula():
            yield from _wrong_calculation(constraint, table)
        case Regex():
            yield from _wrong_pattern(constraint, table)
        case Unique():
            yield from _too_few_combinations(constraint, table, n_rows)
        case FixedNulls():
            yield from _wrong_gaps(constraint, table)
        case SumTo():
            yield from _wrong_sum(constraint, table)
        case Conditional():
            yield from _wrong_conditions(constraint, table)
        case _:
            pass


def _not_comparable(names: tuple[str, ...], table: Table) -> Iterator[str]:
    scales = {name: scale(table.columns[name]) for name in names}
    for name, measure in scales.items():
        if measure is None:
            kind = table.columns[name].type
            yield f"{name} is {kind} and has no order; declare it as a number, datetime or ordinal"
    for left, right in pairwise(name for name in names if scales[name] is not None):
        if scales[left] == scales[right]:
            continue
        kinds = f"{left} ({table.columns[left].type}) and {right} ({table.columns[right].type})"
        if isinstance(table.columns[left], DateTime) and isinstance(table.columns[right], DateTime):
            yield f"of {left} and {right} one has a time zone and one has none; give both a time_zone, or neither"
        else:
            yield f"{kinds} cannot be compared; give them the same type (ordinals: the same categories)"
    if len(set(names)) < len(names):
        yield "names a column twice; name each once"


def _wrong_order(table: Table) -> Iterator[str]:
    """Cycles and bounds along all "is below" rules together."""
    steps = list(_steps(table))
    reach = {(step.low, step.high): step.distance for step in steps}
    names = list(dict.fromkeys(name for step in steps for name in (step.low, step.high)))
    # Longest chain of strict steps from one column to another (Floyd and Warshall).
    for middle in names:
        before = [(low, distance) for (low, high), distance in reach.items() if high == middle != low]
        after = [(high, distance) for (low, high), distance in reach.items() if low == middle != high]
        for low, first in before:
            for high, second in after:
                reach[low, high] = max(first + second, reach.get((low, high), 0))
    circles = [name for name in names if reach.get((name, name), 0) > 0]
    if circles:
        yield (
            f"constraints between {', '.join(circles)}: each would have to be below itself; "
            "remove one of the rules that go round, or allow equal values with strict: false"
        )
        return
    # A strict step between whole numbers is at least 1; between others it may be as small as one likes.
    whole = all(isinstance(table.columns[name], Integer) for name in names)
    for (low, high), distance in reach.items():
        lower, upper = bounds(table.columns[low])[0], bounds(table.columns[high])[1]
        if lower is None or upper is None or low == high:
            continue
        least = lower + (distance if whole else 0)
        if least > upper or (distance > 0 and lower >= upper):
            yield (
                f"constraints between {low} and {high}: {low} must be below {high}, but its lower bound leaves no room "
                f"under the upper bound of {high}; change one of the bounds, or remove the rule"
            )


@dataclass(frozen=True)
class _Step:
    low: str
    high: str
    distance: int  # 1 where strict, else 0


def _steps(table: Table) -> Iterator[_Step]:
    for constraint in table.constraints:
        if (ascending := ascending_columns(constraint)) is None:
            continue
        names, strict = ascending
        if len({scale(table.columns[name]) for name in names}) == 1:
            for low, high in pairwise(names):
                yield _Step(low, high, int(strict))


def _wrong_calculation(constraint: Formula, table: Table) -> Iterator[str]:
    expression = parse(constraint.expression)
    require_fitting(constraint.column, table.columns[constraint.column], expression.kind(table.columns))
    for name in expression.columns:
        if isinstance(table.columns[name], Identifier | Text):
            kind = table.columns[name].type
            yield f"{name} is {kind} and is invented, so nothing can be calculated from it; leave it out"


def _wrong_formulas(table: Table) -> Iterator[str]:
    """Formulas that need their own result, directly or through each other."""
    reads: dict[str, tuple[str, ...]] = {}
    for number, constraint in enumerate(table.constraints, start=1):
        if not isinstance(constraint, Formula):
            continue
        if constraint.column in reads:
            yield f"{describe(constraint, number)}: {constraint.column} has a formula already; keep one of them"
            continue
        reads[constraint.column] = parse(constraint.expression).columns
    circular = [name for name in reads if name in _needed(name, reads)]
    if circular:
        yield (
            f"formulas of {', '.join(circular)}: need their own result, directly or through each other; "
            "write each in terms of columns that have no formula"
        )


def _needed(start: str, reads: dict[str, tuple[str, ...]]) -> set[str]:
    """Columns that the formula of `start` depends on, through other formulas too."""
    needed: set[str] = set()
    open_ = list(reads[start])
    while open_:
        name = open_.pop()
        if name not in needed:
            needed.add(name)
            open_ += reads.get(name, ())
    return needed


def _wrong_combinations(constraint: FixedCombinations, table: Table) -> Iterator[str]:
    for name in constraint.columns:
        if isinstance(table.columns[name], Identifier | Text):
            kind = table.columns[name].type
            yield f"{name} is {kind} and is invented, not learned; leave it out, or declare it as categorical"
    if constraint.combinations is None:
        return
    if not constraint.combinations:
        yield "combinations is empty, so that no row is possible; list them, or leave the key out"
    for place, name in enumerate(constraint.columns):
        cells = [row[place] for row in constraint.combinations]
        for cell in cells:
            if cell is not None:
                canonical(cell, table.columns[name], name=name)
        if cells and all(cell is None for cell in cells) and not table.columns[name].nullable:
            yield f"{name} may not be empty, but every combination leaves it empty; correct the list"


def _wrong_flags(constraint: OneHot, table: Table) -> Iterator[str]:
    for name in constraint.columns:
        column = table.columns[name]
        if isinstance(column, Boolean):
            continue
        categories = declared_categories(column)
        low, high = bounds(column) if isinstance(column, Integer | Number) else (None, None)
        wrong_kind = isinstance(column, DateTime | Identifier | Text)
        if wrong_kind or (categories is not None and not {"0", "1"} <= set(categories)):
            yield f"{name} is {column.type} without the values 0 and 1; declare it as boolean or as integer from 0 to 1"
        elif (low is not None and low > 0) or (high is not None and high < 1):
            yield f"the bounds of {name} exclude 0 or 1; set lower to 0 and upper to 1"


def _wrong_pattern(constraint: Regex, table: Table) -> Iterator[str]:
    column = table.columns[constraint.column]
    pattern = compile_pattern(constraint)
    if not isinstance(column, Categorical | Ordinal | Identifier | Text):
        yield f"{constraint.column} is {column.type}, not text; use lower and upper in the column instead"
        return
    categories = declared_categories(column)
    if categories is not None and not any(pattern.fullmatch(text) for text in categories):
        yield f"no category of {constraint.column} matches the pattern; correct the pattern or the categories"


def _too_few_combinations(constraint: Unique, table: Table, n_rows: int | None) -> Iterator[str]:
    if n_rows is None:
        return
    sizes = [_n_values(table.columns[name]) for name in constraint.columns]
    if any(size is None for size in sizes):
        return
    possible = math.prod(size for size in sizes if size is not None)
    if possible < n_rows:
        yield (
            f"only {possible} combinations are possible, but {n_rows} rows are asked for; "
            f"ask for at most {possible} rows, or add a column to the rule"
        )


def _n_values(column: Column) -> int | None:
    """How many different values a column can have; None where that is open, or where empty cells evade the rule."""
    if column.nullable:
        return None
    if (categories := declared_categories(column)) is not None:
        return len(categories)
    if isinstance(column, Boolean):
        return 2
    if isinstance(column, Integer):
        lower, upper = bounds(column)
        return None if lower is None or upper is None else int(upper - lower) + 1
    return None


def _wrong_gaps(constraint: FixedNulls, table: Table) -> Iterator[str]:
    if constraint.patterns is None:
        return
    if not constraint.patterns or any(len(pattern) != len(constraint.columns) for pattern in constraint.patterns):
        yield f"every pattern must have {len(constraint.columns)} entries, one for each column; correct the list"
        return
    firm = [place for place, name in enumerate(constraint.columns) if not table.columns[name].nullable]
    if all(any(pattern[place] for place in firm) for pattern in constraint.patterns):
        names = ", ".join(constraint.columns[place] for place in firm)
        yield f"every pattern leaves a column empty that may not be ({names}); set nullable: true, or correct the list"


def _wrong_sum(constraint: SumTo, table: Table) -> Iterator[str]:
    require_addable(constraint.involved, table)
    if isinstance(constraint.total, str) and constraint.total in constraint.columns:
        yield f"{constraint.total} is its own total; leave it out of columns"
        return
    ends = [bounds(table.columns[name]) for name in constraint.columns]
    least = sum(-math.inf if lower is None else lower for lower, _ in ends)
    most = sum(math.inf if upper is None else upper for _, upper in ends)
    if isinstance(constraint.total, str):
        lower, upper = bounds(table.columns[constraint.total])
    else:
        lower = upper = float(constraint.total)
    slack = constraint.tolerance * max(abs(lower or 0.0), abs(upper or 0.0)) + 1e-9
    if upper is not None and least > upper + slack:
        yield "the smallest possible sum of the columns is above the total; lower their bounds or raise the total"
    if lower is not None and most < lower - slack:
        yield "the largest possible sum of the columns is below the total; raise their bounds or lower the total"
    whole = all(isinstance(table.columns[name], Integer) for name in constraint.columns)
    if whole and not isinstance(constraint.total, str):
        distance = abs(float(constraint.total) - round(constraint.total))
        if distance > constraint.tolerance * abs(float(constraint.total)) + 1e-9:
            yield "whole numbers cannot add up to a total with decimals; write a whole total"


def _wrong_conditions(constraint: Conditional, table: Table) -> Iterator[str]:
    for part, conditions in (("if", constraint.if_), ("then", constraint.then)):
        for condition in conditions:
            column = table.columns[condition.column]
            name = condition.column
            if isinstance(column, Identifier | Text) and condition.missing is None:
                yield f"{name} is {column.type} and is invented, not learned; only missing can be asked of it"
            elif condition.missing is True and not column.nullable:
                yield f"{part} asks {name} to be missing, but it may not be empty; set nullable: true, or change {part}"
            elif condition.missing is not True and Region.of(condition, column).is_empty:
                yield f"no value of {name} can satisfy {part}; correct the condition, or the bounds of the column"


def _wrong_promises(table: Table) -> Iterator[str]:
    """Rules with the same `if` whose `then` exclude each other."""
    seen: dict[frozenset[str], list[tuple[int, Conditional]]] = {}
    for number, constraint in enumerate(table.constraints, start=1):
        if isinstance(constraint, Conditional):
            key = frozenset(condition.model_dump_json() for condition in constraint.if_)
            seen.setdefault(key, []).append((number, constraint))
    for group in seen.values():
        promised = [(number, rule, condition) for number, rule in group for condition in rule.then]
        for place, (number, rule, condition) in enumerate(promised):
            for other, _, earlier in promised[:place]:
                if condition.column == earlier.column and _exclude(condition, earlier, table.columns[condition.column]):
                    with_ = f"constraint {other} with the same if" if other != number else "another part of then"
                    yield (
                        f"{describe(rule, number)}: then contradicts {with_} about {condition.column}; "
                        "make them agree, or narrow one of the ifs"
                    )


def _exclude(first: Condition, second: Condition, column: Column) -> bool:
    if True in (first.missing, second.missing):
        return first.missing is not second.missing
    if isinstance(column, Identifier | Text):
        return False
    try:
        return Region.of(first, column).meets(Region.of(second, column)).is_empty
    except UsageError:
        return False  # reported with the constraint that holds it
