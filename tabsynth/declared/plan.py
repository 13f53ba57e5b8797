"""In what order the columns of a table are made, and what rules say about each one while it is drawn.

Rules that can be kept while a cell is drawn are kept there: orders and conditions narrow its bounds, formulas and sums
calculate it, combinations and one-hot columns are drawn together. What is left is checked row by row afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tabsynth.encoding.derivations.computed import possible_targets
from tabsynth.errors import SchemaError
from tabsynth.schema.checks import ascending_columns
from tabsynth.schema.columns import Identifier
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Conditional, FixedCombinations, FixedNulls, Formula, OneHot, SumTo, Unique
from tabsynth.schema.fitting import dependencies, find_circle
from tabsynth.schema.model import Table


@dataclass(frozen=True)
class Limit:
    """A column is at least, or at most, another one that was made before."""

    other: str
    above: bool
    strict: bool


@dataclass(frozen=True)
class Plan:
    """How the rows of a table are made."""

    order: tuple[str, ...]
    calculated: Mapping[str, Formula | SumTo]
    """Columns that a formula or sum determines."""
    groups: Mapping[str, FixedCombinations | OneHot]
    """Columns that are drawn together, by each of their names."""
    limits: Mapping[str, tuple[Limit, ...]]
    promises: Mapping[str, tuple[tuple[Conditional, Condition], ...]]
    """What conditions that were decided before say about a column."""
    patterns: tuple[FixedNulls, ...]
    unique: tuple[tuple[str, ...], ...]
    """Columns whose rows may not repeat, beside identifiers that are distinct by themselves."""
    distinct: frozenset[str]
    """Identifier columns without repeats."""


def plan_table(
    table: Table, *, name: str, keyed: frozenset[str] = frozenset(), pointed: tuple[tuple[str, ...], ...] = ()
) -> Plan:
    """Plan the rows of a table.

    Args:
        table: The declaration.
        name: Name of the table, for messages.
        keyed: Columns that come from another table.
        pointed: Columns that other tables point to.

    Raises:
        SchemaError: A rule means "as in the data", of which there is none.
    """
    for number, rule in enumerate(table.constraints, start=1):
        if isinstance(rule, FixedCombinations) and rule.combinations is None:
            raise _as_in_data(name, number, "combinations: [[a, b], [c, d]]")
        if isinstance(rule, FixedNulls) and rule.patterns is None:
            raise _as_in_data(name, number, "patterns: [[false, false], [true, true]]")
    needs = {column: list(reads) for column, reads in dependencies(table).items()}
    groups: dict[str, FixedCombinations | OneHot] = {}
    for rule in table.constraints:
        if isinstance(rule, FixedCombinations | OneHot) and not set(rule.columns) & (groups.keys() | keyed):
            groups |= dict.fromkeys(rule.columns, rule)
    calculated = _calculated(table, needs, set(groups) | keyed)
    wishes: dict[str, list[str]] = {column: [] for column in table.columns}
    for rule in table.constraints:
        if rising := ascending_columns(rule):
            for before, after in zip(rising[0], rising[0][1:], strict=False):
                wishes[after].append(before)
        if isinstance(rule, Conditional):
            for condition in rule.then:
                wishes[condition.column] += [c.column for c in rule.if_ if c.column != condition.column]
    order = _ordered(table, needs, wishes)
    place = {column: number for number, column in enumerate(order)}
    limits: dict[str, list[Limit]] = {}
    promises: dict[str, list[tuple[Conditional, Condition]]] = {}
    for rule in table.constraints:
        if rising := ascending_columns(rule):
            names, strict = rising
            for number, column in enumerate(names):
                for other in names[:number]:
                    if place[other] < place[column]:
                        limits.setdefault(column, []).append(Limit(other, True, strict))
                for other in names[number + 1 :]:
                    if place[other] < place[column]:
                        limits.setdefault(column, []).append(Limit(other, False, strict))
        elif isinstance(rule, Conditional):
            for condition in rule.then:
                if all(place[c.column] < place[condition.column] for c in rule.if_):
                    promises.setdefault(condition.column, []).append((rule, condition))
    distinct, unique = _uniqueness(table, keyed, pointed)
    return Plan(
        order,
        calculated,
        groups,
        {column: tuple(found) for column, found in limits.items()},
        {column: tuple(kept) for column, kept in promises.items()},
        tuple(rule for rule in table.constraints if isinstance(rule, FixedNulls)),
        unique,
        distinct,
    )


def _as_in_data(name: str, number: int, line: str) -> SchemaError:
    return SchemaError(
        f"{name}: constraint {number} means what the data show, but rows are made without data; add {line} to it"
    )


def _calculated(
    table: Table, needs: dict[str, list[str]], taken: set[str] | frozenset[str]
) -> dict[str, Formula | SumTo]:
    """Columns that rules determine, one rule each, without circles; `needs` gets what they are calculated from."""
    found: dict[str, Formula | SumTo] = {}
    for rule in table.constraints:
        if not isinstance(rule, Formula | SumTo):
            continue
        for target in possible_targets(rule, table):
            if target in taken or target in found or getattr(table.columns[target], "distribution", None) is not None:
                continue
            reads = [other for other in rule.involved if other != target]
            wanted = {**needs, target: [*needs[target], *reads]}
            if not find_circle({column: tuple(parts) for column, parts in wanted.items()}):
                needs[target] = wanted[target]
                found[target] = rule
                break
    return found


def _ordered(table: Table, needs: Mapping[str, list[str]], wishes: Mapping[str, list[str]]) -> tuple[str, ...]:
    """All columns, each after those it needs and, where that is no circle, after those it would like to come after."""
    order: list[str] = []
    left = dict.fromkeys(table.columns)
    while left:
        ready = [column for column in left if not set(needs[column]) & left.keys()]
        pleased = [column for column in ready if not set(wishes[column]) & left.keys()]
        chosen = (pleased or ready or list(left))[0]
        order.append(chosen)
        del left[chosen]
    return tuple(order)


def _uniqueness(
    table: Table, keyed: frozenset[str], pointed: tuple[tuple[str, ...], ...]
) -> tuple[frozenset[str], tuple[tuple[str, ...], ...]]:
    sets = [rule.columns for rule in table.constraints if isinstance(rule, Unique)]
    sets += [table.primary_key] if table.primary_key else []
    sets += [key for key in dict.fromkeys(pointed) if set(key) != set(table.primary_key)]
    distinct: set[str] = set()
    rest: list[tuple[str, ...]] = []
    for columns in sets:
        own = [
            name
            for name in columns
            if isinstance(table.columns[name], Identifier)
            and name not in keyed
            and name != table.entity_key
            and table.columns[name].distribution is None
        ]
        if own:
            distinct.add(own[0])
        else:
            rest.append(columns)
    return frozenset(distinct), tuple(rest)
