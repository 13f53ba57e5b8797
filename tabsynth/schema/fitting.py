"""Whether declared distributions, gaps and scenarios fit their columns, and in what order columns can be drawn.

Decisions
- Messages name the place and the remedy and no value of a list, as everywhere; entries are counted from 1.
- A distribution must have at least a millionth of its mass inside the bounds of its column: less is a slip of the
  pen (a mean in other units), and truncation would turn it into a spike at the bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tabsynth.schema import distributions as kinds
from tabsynth.schema.distributions import walk

if TYPE_CHECKING:
    from tabsynth.schema.model import Schema, Table

_LEAST_MASS = 1e-6
_NUMERIC = ("normal", "lognormal", "gamma", "poisson", "uniform", "zipf", "sequence")
_TAKES: dict[str, tuple[str, ...]] = {
    "integer": (*_NUMERIC, "categorical", "bernoulli", "constant", "formula", "copy", "lookup"),
    "number": (*_NUMERIC, "categorical", "constant", "formula", "copy", "lookup"),
    "datetime": ("uniform", "after", "formula", "copy", "constant"),
    "categorical": ("categorical", "uniform", "zipf", "constant", "formula", "copy", "lookup"),
    "ordinal": ("categorical", "uniform", "zipf", "constant", "formula", "copy", "lookup"),
    "boolean": ("bernoulli", "categorical", "constant", "formula", "copy"),
    "identifier": ("copy",),
    "text": ("copy",),
}
_HOLDERS = ("mixture", "given")


def misfit(distribution: Any, column: Any) -> str | None:
    """Why a distribution cannot make the cells of a column; None where it can."""
    kind = distribution.type
    if kind in _HOLDERS and column.type not in ("identifier", "text"):
        return next((found for part in distribution.inner if (found := misfit(part, column))), None)
    takes = _TAKES[column.type]
    if kind not in takes:
        also = "" if column.type in ("identifier", "text") else f", {', '.join(_HOLDERS)}"
        return f"a column of type {column.type} takes no {kind} distribution; it takes {', '.join(takes)}{also}"
    if kind == "after":
        return next(
            (
                f"distance: {part.type} is no distribution of numbers"
                for part in walk(distribution.distance)
                if part.type not in (*_NUMERIC, "constant", "categorical", *_HOLDERS)
            ),
            None,
        )
    if kind == "uniform" and column.type not in ("integer", "number") and distribution.parameters:
        return "uniform takes lower and upper for numbers only; set those of the column"
    if kind == "categorical":
        return _wrong_weights(distribution, column)
    if kind == "constant":
        return _wrong_literal(distribution.value, column)
    if column.type in ("integer", "number"):
        return _outside(distribution, column.lower, column.upper)
    return None


def count_misfit(distribution: Any, what: str) -> str | None:
    """Why a distribution cannot say how many rows there are; None where it can."""
    least = 1 if what == "rows_per_entity" else 0
    for part in walk(distribution):
        stated = [part.value] if part.type == "constant" else list(part.weights) if part.type == "categorical" else []
        if not all(_is_count(value, least) for value in stated):
            return f"{what}: counts rows, and one of its values is no whole number from {least} on; correct it"
        if part.type not in (
            "normal",
            "lognormal",
            "gamma",
            "poisson",
            "uniform",
            "categorical",
            "constant",
            *_HOLDERS,
        ):
            return (
                f"{what}: counts rows, and {part.type} gives no numbers; write one such as {{type: poisson, mean: 3}}"
            )
    return None


def _is_count(value: Any, least: int) -> bool:
    try:
        return not isinstance(value, bool) and float(value).is_integer() and float(value) >= least
    except (ValueError, OverflowError):
        return False


def _wrong_weights(distribution: Any, column: Any) -> str | None:
    from tabsynth.schema.values import category_text

    labels = list(distribution.weights)
    if column.type in ("integer", "number"):
        for number, label in enumerate(labels, start=1):
            try:
                value = float(label)
            except ValueError:
                return f"weights: entry {number} is no number; the column is {column.type}"
            if _outside(kinds.Constant(value=value), column.lower, column.upper):
                return f"weights: entry {number} lies outside lower and upper"
        return None
    if column.type == "boolean":
        known = {str(label) for label in column.labels} if column.labels else {"true", "false"}
        wrong = [number for number, label in enumerate(labels, start=1) if label not in known]
        return f"weights: entry {wrong[0]} is neither of the labels; write them as in labels" if wrong else None
    if column.categories is None:
        return None
    known = {category_text(item) for item in column.categories}
    wrong = [number for number, label in enumerate(labels, start=1) if label not in known]
    if wrong:
        return f"weights: entry {wrong[0]} is not in categories; spell it as there"
    if missing := len(known) - len(labels):
        listed = "1 category has" if missing == 1 else f"{missing} categories have"
        return f"weights: {listed} none; list all, with 0 for those that shall not occur"
    return None


def _wrong_literal(value: Any, column: Any) -> str | None:
    from tabsynth.errors import UsageError
    from tabsynth.schema.literals import canonical, limit

    try:
        canonical(value, column, name="")
        if column.type in ("integer", "number"):
            return _outside(kinds.Constant(value=limit(value, column, name="")), column.lower, column.upper)
    except UsageError as error:
        return str(error).removeprefix("column '': ")
    return None


def _outside(distribution: Any, lower: float | None, upper: float | None) -> str | None:
    """Whether next to nothing of a distribution lies between the bounds; formulas cannot be told and pass."""
    if any(isinstance(parameter, str) for parameter in distribution.parameters):
        return None
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    stated: Any = distribution
    match distribution.type:
        case "constant":
            inside = low <= float(stated.value) <= high
        case "uniform":
            first = -math.inf if stated.lower is None else stated.lower
            last = math.inf if stated.upper is None else stated.upper
            inside = first <= high and low <= last
        case "normal":
            ends = [(end - stated.mean) / stated.sd for end in (low - 0.5, high + 0.5)]
            inside = _normal(ends[1]) - _normal(ends[0]) > _LEAST_MASS
        case "lognormal":
            ends = [
                math.log((end + 0.5) / stated.median) / stated.sigma if end > -0.5 else -math.inf for end in (low, high)
            ]
            inside = _normal(ends[1]) - _normal(ends[0]) > _LEAST_MASS and high > -0.5
        case "gamma":
            far = stated.scale * (stated.shape + 15 * (math.sqrt(stated.shape) + 1))
            inside = high > 0 and low < far
        case "poisson":
            spread = 6 * math.sqrt(stated.mean)
            inside = high >= max(0.0, stated.mean - spread) and low <= stated.mean + spread + 15
        case _:
            inside = True
    return (
        None if inside else f"{distribution.type}: next to nothing of it lies between lower and upper; check the units"
    )


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2)) if math.isfinite(z) else float(z > 0)


def check_table(table: Table) -> Iterator[str]:
    """What is wrong with the declared distributions, gaps and scenarios of a table taken together."""
    from tabsynth.errors import SchemaError, UsageError

    for name, column in table.columns.items():
        for reader in _readers(column):
            for read in reader.reads():
                if read not in table.columns and "." not in read:
                    yield f"column {name!r} depends on {read!r}, which the table has not; name a column of it"
                elif read == name:
                    yield f"column {name!r} depends on itself; name another column"
        if (source := _miscopied(column, table.columns)) is not None:
            kinds_ = f"{column.type} and {table.columns[source].type}"
            yield f"column {name!r} copies {source!r}, and they are {kinds_}; give both one type"
    for name in table.primary_key:
        if name in table.columns and table.columns[name].missing:
            yield f"column {name!r} is in the primary_key, and missing: leaves cells of it empty; delete one of the two"
    for number, rule in enumerate(table.constraints, start=1):
        if rule.type == "formula" and getattr(table.columns.get(rule.column), "distribution", None) is not None:
            yield f"column {rule.column!r} has a distribution, and constraint {number} calculates it; delete one"
    total = sum(scenario.share for scenario in table.scenarios)
    if total > 1 + 1e-9:
        yield f"scenarios: their shares add up to {total:g}; they are separate rows, so at most 1"
    named = [scenario.name for scenario in table.scenarios]
    if len(set(named)) < len(named):
        yield "scenarios: two have the same name; give each its own"
    for scenario in table.scenarios:
        for name, item in scenario.set.items():
            where = f"scenario {scenario.name!r}, column {name!r}"
            if name not in table.columns:
                yield f"{where}: the table has not; name a column of it"
                continue
            column = table.columns[name]
            if item is None:
                wrong = None if column.nullable else "may not be empty (nullable: false)"
            elif hasattr(item, "reads"):
                wrong = misfit(item, column)
                reads = [read for read in item.reads() if read not in table.columns and "." not in read]
                wrong = wrong or (f"depends on {reads[0]!r}, which the table has not" if reads else None)
            elif column.type in ("identifier", "text"):
                wrong = f"is {column.type} and is invented; scenarios set other columns"
            else:
                wrong = _wrong_literal(item, column)
            if wrong:
                yield f"{where}: {wrong}"
    if table.entity_columns and table.entity_key is None:
        yield "entity_columns: the table names no entity_key; add it, or delete this line"
    if unknown := [name for name in table.entity_columns if name not in table.columns]:
        yield f"entity_columns: the table has no column {unknown[0]!r}; name a column of it"
    if table.rows_per_entity is not None:
        if table.entity_key is None:
            yield "rows_per_entity: the table names no entity_key; add it, or delete this line"
        elif wrong := count_misfit(table.rows_per_entity, "rows_per_entity"):
            yield wrong
        elif table.rows_per_entity.reads():
            yield "rows_per_entity: depends on columns, but the rows do not exist yet; give numbers"
    try:
        circle = find_circle(dependencies(table))
    except (SchemaError, UsageError):  # a formula that cannot be parsed is told where it stands
        circle = ()
    if any(_readers(table.columns[name]) for name in circle):  # of formulas alone: a contradiction
        yield f"the columns depend on each other in a circle: {' -> '.join(circle)}; break it at one of them"


_TEXTUAL = ("identifier", "categorical", "ordinal", "text")


def _miscopied(column: Any, columns: Mapping[str, Any]) -> str | None:
    """A column of another kind whose cells would be copied; None where there is none."""
    for part in walk(column.distribution) if column.distribution is not None else ():
        if part.type == "copy" and part.column in columns:
            types = (columns[part.column].type, column.type)
            if types[0] != types[1] and types != ("integer", "number") and not all(kind in _TEXTUAL for kind in types):
                return str(part.column)
    return None


def check_relations(schema: Schema) -> Iterator[str]:
    """What is wrong with what tables read from each other."""
    owners = owning(schema)
    for name, table in schema.tables.items():
        above = ancestors(name, owners)
        seen = {f"{other}.{n}": kind for other in above for n, kind in schema.tables[other].columns.items()}
        for column_name, column in table.columns.items():
            if (copied := _miscopied(column, seen)) is not None and copied not in table.columns:
                kinds_ = f"{column.type} and {seen[copied].type}"
                yield f"column {name}.{column_name} copies {copied!r}, and they are {kinds_}; give both one type"
            for reader in _readers(column):
                for read in reader.reads():
                    if read in table.columns or "." not in read:
                        continue
                    other, _, source = read.partition(".")
                    where = f"column {name}.{column_name} depends on {read!r}"
                    if other not in above:
                        hangs = f"it hangs on {', '.join(above)}" if above else "it hangs on no other table"
                        yield f"{where}, but the rows of {name} do not hang on {other!r} ({hangs}); add a relationship"
                    elif source not in schema.tables[other].columns:
                        yield f"{where}, which table {other!r} has not; name a column of it"
    for number, relationship in enumerate(schema.relationships, start=1):
        if relationship.children is None:
            continue
        wrong = count_misfit(relationship.children, f"relationship {number}, children")
        if wrong:
            yield wrong
        for read in relationship.children.reads():
            if read not in schema.tables[relationship.parent].columns:
                yield f"relationship {number}, children: depends on {read!r}, which {relationship.parent} has not"
    points = {
        name: tuple(r.parent for r in schema.relationships if r.child == name != r.parent) for name in schema.tables
    }
    if circle := find_circle(points):
        declared = any(relationship.children is not None for relationship in schema.relationships)
        if declared:  # a circle of keys is legal in a database, but nothing can be made from nothing along it
            yield f"the tables hang on each other in a circle: {' -> '.join(circle)}; drop one relationship"


def owning(schema: Schema) -> dict[str, Any]:
    """The relationship that says how many rows a table has, by child: the one with `children`, else the first one."""
    found: dict[str, Any] = {}
    for relationship in schema.relationships:
        before = found.get(relationship.child)
        if relationship.child == relationship.parent:
            continue
        if before is None or (before.children is None and relationship.children is not None):
            found[relationship.child] = relationship
    return found


def ancestors(name: str, owners: Mapping[str, Any]) -> tuple[str, ...]:
    """Tables that the rows of a table hang on, nearest first."""
    found: list[str] = []
    while name in owners and owners[name].parent not in found:
        name = owners[name].parent
        found.append(name)
    return tuple(found)


def dependencies(table: Table) -> dict[str, tuple[str, ...]]:
    """Columns of the table that must be there before each column can be made."""
    found: dict[str, list[str]] = {}
    for name, column in table.columns.items():
        found[name] = [read for reader in _readers(column) for read in reader.reads()]
        same_as: str | None = getattr(column, "same_as", None)
        found[name] += [] if same_as is None else [same_as]
    for scenario in table.scenarios:
        for name, item in scenario.distributions.items():
            found.get(name, []).extend(item.reads())
    for rule in table.constraints:
        if rule.type == "formula":
            found[rule.column] += [name for name in rule.involved if name != rule.column]
    return {name: tuple(dict.fromkeys(r for r in reads if r in table.columns)) for name, reads in found.items()}


def find_circle(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Names that need each other in a circle, the first one again at the end; empty where there is none."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        stack = [iter((start,))]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name not in done:
                path.append(name)
                stack.append(iter(needs.get(name, ())))
    return ()


def _readers(column: Any) -> list[Any]:
    """The parts of a column that read other columns."""
    parts = [getattr(column, "distribution", None), column.missing, getattr(column, "template", None)]
    return [part for part in parts if hasattr(part, "reads")]
