"""Blocks of rows of one table: cells drawn in order, rules kept while they are, what is left checked and drawn again.

Decisions
- Cells are drawn complete and gaps are cut afterwards, so that a column depends on what a cell would have said, not on
  whether it happens to be empty. A calculated cell is empty where one of its inputs is and where it may be.
- A row that breaks a rule is drawn again at its place, with its keys and its scenario, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabsynth.declared.dates import as_written, require_readable
from tabsynth.declared.domain import Domain
from tabsynth.declared.draws import Bounds, Cells, as_empty
from tabsynth.declared.gaps import draw_gaps, settle_patterns
from tabsynth.declared.invented import Names
from tabsynth.declared.keys import Distinct, hash_rows
from tabsynth.declared.plan import plan_table
from tabsynth.declared.rows import Rows
from tabsynth.declared.together import draw_combinations, draw_flags
from tabsynth.encoding.datetime import within_steps
from tabsynth.encoding.derivations.computed import written
from tabsynth.errors import ConstraintError
from tabsynth.identifiers.key_formats import in_format_of
from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.placeholder import fill_template, fill_text, spelled
from tabsynth.randomness import child
from tabsynth.schema.calculations import calculate
from tabsynth.schema.checks import compile_pattern, violating_rows
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.constraints import FixedCombinations, Regex, Unique
from tabsynth.schema.literals import canonical, category_set, limit
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values, category_text

Array = np.ndarray[Any, Any]
MAX_TRIES = 200
"""How often the rows of a block that break a rule are drawn again."""


@dataclass(frozen=True)
class Block:
    """What is known of some rows before any cell is drawn."""

    number: int
    first: int
    """Number of the first row in its table."""
    n_rows: int
    places: Array  # (n_rows,) 0, 1, 2, ... among the rows of one parent or entity
    owners: Array | None  # (n_rows,) number of the entity
    scenario: Array  # (n_rows,) number of the scenario, -1 for none
    keys: Mapping[str, Values]
    """Columns that point to other tables."""
    above: Mapping[str, Values]
    """Columns of the tables above, by `table.column`."""


class Maker:
    """Makes the rows of one table."""

    def __init__(
        self,
        name: str,
        table: Table,
        *,
        above: Mapping[str, Column],
        keyed: frozenset[str],
        later: frozenset[str] = frozenset(),
        pointed: tuple[tuple[str, ...], ...] = (),
        most: int | None,
        n_entities: int | None,
        seed: int,
    ) -> None:
        """Plan the table.

        Args:
            name: Its name.
            table: Its declaration.
            above: Columns of the tables above that may be read, by `table.column`.
            keyed: Columns that other tables give.
            later: Those of them that are filled in when the rows are there.
            pointed: Columns that rows of other tables point to, and which must tell rows apart therefore.
            most: How many rows there will be, where that is known.
            n_entities: How many entities at most, where that is known.
            seed: Seed of the run.

        Raises:
            SchemaError: A rule means what the data show, of which there is none.
            UsageError: An identifier has too few possible values.
        """
        for column, kind in table.columns.items():
            require_readable(kind, where=f"{name}.{column}")
        table = table.model_copy(update={"columns": {n: as_written(kind) for n, kind in table.columns.items()}})
        self.name, self.table, self._seed = name, table, seed
        self.plan = plan_table(table, name=name, keyed=keyed, pointed=pointed)
        self._kinds = {**table.columns, **above}
        regexes = {rule.column: rule for rule in table.constraints if isinstance(rule, Regex)}
        self._cells = {
            column: Cells(f"{name}.{column}", kind, self._allowed(kind, regexes.get(column)), _pattern(regexes, column))
            for column, kind in table.columns.items()
        }
        self._names: dict[str, Names] = {}
        for column, kind in table.columns.items():
            if not isinstance(kind, Identifier) or column in keyed or kind.distribution is not None or kind.same_as:
                continue
            if kind.pattern is None and column in regexes:
                kind = kind.model_copy(update={"pattern": regexes[column].pattern})
            entity = column == table.entity_key
            needed = n_entities if entity else most
            unique = entity or column in self.plan.distinct
            self._names[column] = Names(f"{name}.{column}", kind, unique=unique, most=needed, seed=seed)
        self._domains = [
            (column, self._domain(column, keyed, regexes)) for column in table.columns if column not in later
        ]
        self._distinct = {columns: Distinct() for columns in self.plan.unique}
        self._patterns = {column: Pattern.parse(rule.pattern).texts for column, rule in regexes.items()
                          if isinstance(table.columns[column], Text)}  # fmt: skip

    def _domain(self, name: str, keyed: frozenset[str], drawn_from: Mapping[str, Regex]) -> Domain:
        column = self.table.columns[name]
        patterned = isinstance(column, Identifier) and (column.pattern is not None or column.same_as is not None)
        foreign = name in keyed or name in self.plan.calculated or patterned
        loose = foreign or column.distribution is not None
        rules = [rule for rule in self.table.constraints if isinstance(rule, Regex) and rule.column == name]
        further = tuple(rule.pattern for rule in rules if loose or rule is not drawn_from[name])
        filled = not column.nullable or name in self.table.primary_key
        return Domain(name, column, filled=filled, foreign=foreign, regexes=further)

    @staticmethod
    def _allowed(column: Column, rule: Regex | None) -> tuple[str, ...] | None:
        if rule is None or not isinstance(column, Categorical | Ordinal) or column.categories is None:
            return None
        pattern = compile_pattern(rule)
        return tuple(text for text in map(category_text, column.categories) if pattern.fullmatch(text))

    def make(self, block: Block) -> TypedTable:
        """The rows of a block, shape (n_rows,) each.

        Raises:
            ConstraintError: Some rows break a rule however often they are drawn; the message names the rule.
            SchemaError: The schema leaves open what a column may hold.
        """
        known = {**block.keys, **self._invented(block)}
        typed = self._draw(block, known, np.arange(block.n_rows), 0)
        if block.owners is not None:  # what all rows of an entity share is not drawn again for one of them
            known |= {name: typed.columns[name] for name in self.table.entity_columns}
        rejected: dict[str, int] = {}
        for attempt in range(1, MAX_TRIES + 1):
            bad = self._broken(typed, rejected)
            again = np.flatnonzero(bad)
            if not len(again):
                break
            if attempt == MAX_TRIES:
                worst = max(rejected, key=lambda rule: rejected[rule])
                raise ConstraintError(
                    f"{self.name}: {len(again)} of {block.n_rows} rows could not be made in {MAX_TRIES} draws; {worst} "
                    "rejects most of them. Declare distributions that fit it, or loosen it"
                )
            typed = _replaced(typed, self._draw(block, known, again, attempt), again)
        for columns, seen in self._distinct.items():
            hashes, complete = _hashes(typed, columns)
            seen.add(hashes[complete])
        return typed

    def unique_keys(self, known: Collection[str]) -> list[tuple[tuple[str, ...], Distinct]]:
        """Sets of these columns whose rows may not repeat, each with what was given out."""
        return [(columns, seen) for columns, seen in self._distinct.items() if set(columns) <= set(known)]

    def _invented(self, block: Block) -> dict[str, Values]:
        made: dict[str, Values] = {}
        numbers = block.first + np.arange(block.n_rows)
        for column, names in self._names.items():
            rng = child(self._seed, "mock", self.name, column, str(block.number))
            if block.owners is None or not self._is_shared(column):
                texts = names.make(numbers, rng)
            else:
                entities, rows = np.unique(block.owners, return_inverse=True)
                texts = names.make(entities, rng)[rows]
            made[column] = Values(texts, np.zeros(block.n_rows, bool))
        return made

    def _is_shared(self, name: str) -> bool:
        """Whether an identifier is the same in all rows of an entity: its key and name, not the numbers of its rows."""
        column = self.table.columns[name]
        if name == self.table.entity_key or name in self.table.entity_columns:
            return True
        kind = getattr(column, "surrogate", "key")
        return name not in self.plan.distinct and kind not in ("key", "uuid")

    def _draw(self, block: Block, known: Mapping[str, Values], rows: Array, attempt: int) -> TypedTable:
        """Cells of some rows of the block; the same rows, block and attempt give the same cells."""
        cells: dict[str, Values] = {name: values.take(rows) for name, values in {**block.above, **known}.items()}
        context = Rows(cells, self._kinds, np.arange(len(rows)), block.places[rows])
        scenario = block.scenario[rows]
        for name in self.plan.order:
            rng = child(self._seed, "mock", self.name, name, str(block.number), str(attempt), "cells")
            if name not in cells:
                self._column(name, cells, context, scenario, rng)
            column = self.table.columns[name]
            array = self._as_set(name, column, cells[name].array, context, scenario, rng)
            missing = cells[name].missing | draw_gaps(self.table, self.plan, name, context, scenario, rng)
            if attempt == 0 and block.owners is not None and name in self.table.entity_columns:
                _, first, whose = np.unique(block.owners, return_index=True, return_inverse=True)
                array, missing = array[first][whose], missing[first][whose]
            cells[name] = Values(array, missing)
        gaps = child(self._seed, "mock", self.name, str(block.number), str(attempt), "patterns")
        settle_patterns(self.table, self.plan, cells, gaps)
        made = {}
        for name, column in self.table.columns.items():
            array, missing = cells[name].array, cells[name].missing
            empty: Any = "" if array.dtype == object else array.dtype.type(0)
            made[name] = Values(np.where(missing, empty, array).astype(as_empty(column)), missing)
        return TypedTable(made, len(rows))

    def _column(
        self, name: str, cells: dict[str, Values], context: Rows, scenario: Array, rng: np.random.Generator
    ) -> None:
        column, never = self.table.columns[name], np.zeros(context.n_rows, bool)
        if (group := self.plan.groups.get(name)) is not None:
            fixed = self._fixed(group.columns, scenario)
            if isinstance(group, FixedCombinations):
                made = draw_combinations(group, self._cells, self.table, context, fixed, rng)
            else:
                made = draw_flags(group, self._cells, self.table, context, fixed, rng)
            for member, values in made.items():
                cells.setdefault(member, values)
        elif (rule := self.plan.calculated.get(name)) is not None:
            complete = {other: context.latent(other) for other in rule.involved if other != name}
            value = calculate(rule, name, TypedTable(complete, context.n_rows), self.table)
            result = written(value, column)
            empty = np.zeros(context.n_rows, bool)
            if column.nullable:
                for other in complete:
                    empty |= context.shown(other).missing
            cells[name] = Values(result.array, result.missing | empty)
        elif isinstance(column, Identifier) and column.same_as is not None and column.distribution is None:
            source = self.table.columns[column.same_as]
            assert isinstance(source, Identifier)
            where = f"{self.name}.{name} (same_as {column.same_as})"
            texts = in_format_of(context.latent(column.same_as).array, source, column, where=where)
            cells[name] = Values(texts, never)
        elif isinstance(column, Identifier | Text) and column.distribution is None:
            if name in self._patterns:
                texts = self._patterns[name].draw(context.n_rows, rng=rng)
            elif isinstance(column, Text) and column.template is not None:
                shown = {
                    read: spelled(context.shown(read), self._kinds[read], name=read) for read in column.template.reads()
                }
                texts = fill_template(column.template, shown, context.n_rows, rng=rng, max_length=column.max_length)
            else:
                texts = fill_text(context.n_rows, rng=rng, max_length=getattr(column, "max_length", None))
            cells[name] = Values(texts, never)
        else:
            cell = self._cells[name]
            bounds = self._bounds(name, column, context)
            array = cell.draw(column.distribution, context, bounds, rng)
            cells[name] = Values(self._kept(name, column, array, context, rng), never)

    def _bounds(self, name: str, column: Column, context: Rows) -> Bounds:
        """Bounds of the schema, narrowed by columns and conditions that were decided before."""
        start = self._cells[name].start(context.n_rows)
        if not isinstance(column, Integer | Number | DateTime):
            return start
        lower, upper = start.lower, start.upper
        step = self._cells[name].step
        for rule in self.plan.limits.get(name, ()):
            other = self.table.columns[rule.other]
            if not isinstance(other, Integer | Number | DateTime) or isinstance(other, DateTime) != isinstance(
                column, DateTime
            ):
                continue
            values = context.latent(rule.other).array
            edge = values.astype(np.float64)
            if isinstance(column, DateTime):
                edge = within_steps(values, column, up=rule.above, strict=rule.strict)
            if rule.strict and not isinstance(column, DateTime):
                towards = np.inf if rule.above else -np.inf
                edge = np.nextafter(edge, towards) if step is None else edge + (step if rule.above else -step)
            lower, upper = (np.maximum(lower, edge), upper) if rule.above else (lower, np.minimum(upper, edge))
        for promise, wanted in self.plan.promises.get(name, ()):
            if wanted.lower is None and wanted.upper is None:
                continue
            rows = context.meets(promise.if_, shown=True)
            for bound, strict, up in (
                (wanted.lower, wanted.lower_strict, True),
                (wanted.upper, wanted.upper_strict, False),
            ):
                if bound is None:
                    continue
                edge = np.array([limit(bound, column, name=name)])
                if isinstance(column, DateTime):
                    edge = within_steps(edge.astype(np.int64), column, up=up, strict=strict)
                elif strict:
                    edge = edge + (1 if up else -1) * (step or 1e-9)
                if up:
                    lower = np.where(rows, np.maximum(lower, edge), lower)
                else:
                    upper = np.where(rows, np.minimum(upper, edge), upper)
        return Bounds(lower, upper)

    def _kept(self, name: str, column: Column, array: Array, context: Rows, rng: np.random.Generator) -> Array:
        """The cells, with those drawn again that a condition on other columns does not allow."""
        for promise, wanted in self.plan.promises.get(name, ()):
            if wanted.one_of is None:
                continue
            categories = category_set(column)
            allowed = [canonical(item, column, name=name, known=categories) for item in wanted.one_of]
            wrong = context.meets(promise.if_, shown=True) & ~np.isin(array, np.array(allowed, array.dtype))
            rows = np.flatnonzero(wrong)
            if not len(rows):
                continue
            array = array.copy()
            if isinstance(column, Categorical | Ordinal | Boolean):
                cell = self._cells[name]
                texts, weights = cell.weights(column.distribution)
                known = [text == "true" if column.type == "boolean" and not column.labels else text for text in texts]
                if isinstance(column, Boolean):
                    known = [False, True]
                inside = np.array([item in allowed for item in known])
                rest = np.where(inside, weights, 0.0)
                array[rows] = cell.choose(texts, rest if rest.sum() > 0 else inside.astype(np.float64), len(rows), rng)
            else:
                array[rows] = np.array(allowed, array.dtype)[rng.integers(len(allowed), size=len(rows))]
        return array

    def _as_set(
        self, name: str, column: Column, array: Array, context: Rows, scenario: Array, rng: np.random.Generator
    ) -> Array:
        """The cells, as scenarios set them."""
        for number, declared in enumerate(self.table.scenarios):
            if name not in declared.set or declared.set[name] is None:
                continue
            rows = np.flatnonzero(scenario == number)
            if not len(rows):
                continue
            item: Any = declared.set[name]
            array = array.copy()
            if name in declared.distributions:
                bounds = self._bounds(name, column, context).take(rows)
                array[rows] = self._cells[name].draw(item, context.take(rows), bounds, rng)
            else:
                array[rows] = canonical(item, column, name=name)
        return array

    def _fixed(self, columns: tuple[str, ...], scenario: Array) -> dict[int, dict[str, Any]]:
        """What scenarios set of some columns, by number of the scenario that some row belongs to."""
        found: dict[int, dict[str, Any]] = {}
        for number, declared in enumerate(self.table.scenarios):
            own = {n: v for n, v in declared.set.items() if n in columns and n not in declared.distributions}
            if own and (scenario == number).any():
                found[number] = {"rows": np.flatnonzero(scenario == number), "values": own}
        return found

    def _broken(self, typed: TypedTable, rejected: dict[str, int]) -> Array:
        """Rows that break a rule, shape (n_rows,)."""
        bad = np.zeros(typed.n_rows, bool)

        def strike(rule: str, wrong: Array) -> None:
            if wrong.any():
                rejected[rule] = rejected.get(rule, 0) + int(wrong.sum())
                bad[wrong] = True

        for number, rule in enumerate(self.table.constraints, start=1):
            if isinstance(rule, Unique) or (
                isinstance(rule, Regex) and isinstance(self.table.columns[rule.column], Identifier | Text)
            ):
                continue
            strike(f"constraint {number} ({rule.name or rule.type})", violating_rows(rule, typed, self.table))
        for name, domain in self._domains:
            for what, wrong in domain.broken(typed.columns[name]):
                strike(what, wrong)
        for columns, seen in self._distinct.items():
            hashes, complete = _hashes(typed, columns)
            wrong = np.zeros(typed.n_rows, bool)
            wrong[complete] = seen.repeats(hashes[complete])
            strike(f"unique {', '.join(columns)}", wrong)
        return bad


def _pattern(regexes: Mapping[str, Regex], column: str) -> str | None:
    return regexes[column].pattern if column in regexes else None


def _replaced(typed: TypedTable, part: TypedTable, rows: Array) -> TypedTable:
    columns = {}
    for name, values in typed.columns.items():
        array, missing = values.array.copy(), values.missing.copy()
        array[rows], missing[rows] = part.columns[name].array, part.columns[name].missing
        columns[name] = Values(array, missing)
    return replace(typed, columns=columns)


def _hashes(typed: TypedTable, columns: tuple[str, ...]) -> tuple[Array, Array]:
    """Hashes of some columns, and the rows in which none of them is missing."""
    found = hash_rows([typed.columns[name].array for name in columns])
    return found, np.flatnonzero(~np.any([typed.columns[name].missing for name in columns], axis=0))
