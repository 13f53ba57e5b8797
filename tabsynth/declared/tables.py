"""All tables of a schema, block by block: rows of a table that hangs on another are made with the rows they hang on.

Blocks have fixed sizes and random streams of their own, so that the rows depend on the seed alone and never on how many
are held in memory or written at once.

Decisions
- A table hangs on the parent of its relationship with `children`, or of its first one. Further relationships point to
  random rows of their parent, made before; where the row above already points there (a lab result of an encounter of a
  patient), the same key is taken, so that the ways through the tables agree.
- Keys of a table that others point to at random are kept in memory; nothing else is.
- Scenarios get their share by rounding the running total: exact at the end, and evenly spread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.declared.draws import Bounds, Cells
from tabsynth.declared.keys import hash_rows
from tabsynth.declared.maker import MAX_TRIES, Block, Maker
from tabsynth.declared.pointing import require_one_way, widest_first, written_as
from tabsynth.declared.rows import Rows
from tabsynth.errors import SchemaError, UsageError
from tabsynth.randomness import child
from tabsynth.schema import distributions as kinds
from tabsynth.schema.columns import Column, Integer
from tabsynth.schema.fitting import ancestors, find_circle, owning
from tabsynth.schema.literals import to_values
from tabsynth.schema.model import Relationship, Schema
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]

BLOCK_ROWS = 65_536
"""Rows of a block of a table that nothing hangs on; also of the pieces of the others."""
PARENT_ROWS = 4_096
"""Rows of a block of a table that others hang on."""
DEFAULT_CHILDREN = kinds.Poisson(mean=2)
DEFAULT_PER_ENTITY = kinds.Uniform(lower=1, upper=5)


@dataclass
class _State:
    """How far a table is."""

    maker: Maker
    n_rows: int = 0
    n_blocks: int = 0


class Tables:
    """Makes the tables of a schema."""

    def __init__(self, schema: Schema, rows: Mapping[str, int], seed: int, *, only: str | None = None) -> None:
        """Plan all tables.

        Args:
            schema: The declarations.
            rows: Rows of each table that hangs on no other.
            seed: Seed of the run.
            only: The table that is asked for; others are made only where it needs them.

        Raises:
            SchemaError: The schema leaves open what is needed, or tables hang on each other in a circle.
            UsageError: `rows` names a table whose rows follow from others.
        """
        self._schema, self._seed, self._rows = schema, seed, rows
        self._owners = owning(schema)
        needs = {
            name: tuple(r.parent for r in schema.relationships if r.child == name != r.parent) for name in schema.tables
        }
        if circle := find_circle(needs):
            raise SchemaError(
                f"the tables hang on each other in a circle: {' -> '.join(circle)}; drop one relationship"
            )
        require_one_way(schema, self._owners)
        self.wanted = _closure(only, needs) if only is not None else set(schema.tables)
        for name in rows:
            if name in self._owners:
                raise UsageError(
                    f"rows: {name} has as many rows as its {self._owners[name].parent} give it; set children: in their "
                    "relationship, and rows of a table that hangs on no other"
                )
        self._stored: dict[tuple[str, tuple[str, ...]], list[list[Values]]] = {
            (r.parent, r.parent_key): []
            for r in schema.relationships
            if self._owners.get(r.child) is not r and not self._follows(r)
        }
        self._states: dict[str, _State] = {}
        for name in schema.tables:
            if name in self.wanted:
                self._states[name] = _State(self._maker(name))

    def parts(self) -> Iterator[tuple[str, TypedTable]]:
        """Pieces of all tables, each table's in order; rows that others point to come first.

        Raises:
            ConstraintError: Some rows cannot be made as the rules want them.
        """
        for name in self._root_order():
            yield from self._root(name)

    def expects(self, name: str) -> bool:
        """Whether any rows of the table are made."""
        return name in self.wanted

    def _root_order(self) -> list[str]:
        """Tables that hang on none, those first whose family others point to."""
        roots = [name for name in self._schema.tables if name in self.wanted and name not in self._owners]
        family = {name: (ancestors(name, self._owners) or (name,))[-1] for name in self._schema.tables}
        after: dict[str, set[str]] = {root: set() for root in roots}
        for r in self._schema.relationships:
            if r.child in self.wanted and family[r.child] != family[r.parent]:
                after[family[r.child]].add(family[r.parent])
        if circle := find_circle({root: tuple(sorted(found)) for root, found in after.items()}):
            raise SchemaError(
                f"the tables point to each other in a circle: {' -> '.join(circle)}; drop one relationship, or write "
                "children: at another one that says how many rows a table has"
            )
        order: list[str] = []
        while len(order) < len(roots):
            order.append(next(root for root in roots if root not in order and after[root] <= set(order)))
        return order

    def _maker(self, name: str) -> Maker:
        table = self._schema.tables[name]
        above = {
            f"{other}.{column}": kind
            for other in ancestors(name, self._owners)
            for column, kind in self._schema.tables[other].columns.items()
        }
        keyed = frozenset(key for r in self._schema.relationships if r.child == name for key in r.child_key)
        most = None if name in self._owners else self._rows[name]
        return Maker(
            name,
            table,
            above=above,
            keyed=keyed,
            later=frozenset(
                key for r in self._schema.relationships if r.child == name == r.parent for key in r.child_key
            ),
            pointed=tuple(r.parent_key for r in self._schema.relationships if r.parent == name),
            most=most,
            n_entities=most,
            seed=self._seed,
        )

    def _root(self, name: str) -> Iterator[tuple[str, TypedTable]]:
        total = self._rows[name]
        table = self._schema.tables[name]
        size = PARENT_ROWS if any(owner.parent == name for owner in self._owners.values()) else BLOCK_ROWS
        state = self._states[name]
        entities = 0
        while state.n_rows < total:
            n_rows = min(size, total - state.n_rows)
            owners = None
            places = state.n_rows + np.arange(n_rows)
            if table.entity_key is not None and table.primary_key != (table.entity_key,):
                counts = self._per_entity(name, size, state.n_blocks)
                codes = np.repeat(np.arange(len(counts)), counts)[: total - state.n_rows]
                n_rows, owners = len(codes), entities + codes
                places = np.arange(n_rows) - np.searchsorted(codes, codes)
                entities += int(codes[-1]) + 1
            yield from self._block(name, n_rows, places, owners, {}, {})

    def _per_entity(self, name: str, size: int, number: int) -> Array:
        """Rows of each of some entities, which have about `size` rows together."""
        declared = self._schema.tables[name].rows_per_entity or DEFAULT_PER_ENTITY
        found = np.zeros(0, np.int64)
        rng = child(self._seed, "mock", name, "rows per entity", str(number))
        while found.sum() < size:
            more = Rows({}, {}, np.arange(256), np.arange(256))
            drawn = _counts(f"{name}: rows_per_entity", declared, more, 1, rng)
            found = np.concatenate([found, drawn])
        kept = int(np.searchsorted(np.cumsum(found), size)) + 1
        return found[:kept]

    def _block(
        self,
        name: str,
        n_rows: int,
        places: Array,
        owners: Array | None,
        keys: Mapping[str, Values],
        above: Mapping[str, Values],
    ) -> Iterator[tuple[str, TypedTable]]:
        """One block of a table, and what hangs on it."""
        state = self._states[name]
        number = state.n_blocks
        known = {**keys, **self._pointers(name, n_rows, number, keys, above)}
        scenario = self._scenarios(name, state.n_rows, n_rows, number)
        block = Block(number, state.n_rows, n_rows, places, owners, scenario, known, above)
        typed = self._pointing_back(name, state.maker.make(block), state.n_rows, number)
        state.n_rows, state.n_blocks = state.n_rows + n_rows, number + 1
        for (parent, columns), kept in self._stored.items():
            if parent == name:
                kept.append([typed.columns[column] for column in columns])
        yield name, typed
        for child_name, owner in self._owners.items():
            if owner.parent == name and child_name in self.wanted:
                yield from self._children(child_name, owner, typed, above, number)

    def _children(
        self, name: str, owner: Relationship, parents: TypedTable, above: Mapping[str, Values], number: int
    ) -> Iterator[tuple[str, TypedTable]]:
        rows = Rows(parents.columns, self._schema.tables[owner.parent].columns, np.arange(parents.n_rows), np.zeros(0))
        rng = child(self._seed, "mock", name, "children", owner.parent, str(number))
        counts = _counts(f"{owner.parent} to {name}: children", owner.children or DEFAULT_CHILDREN, rows, 0, rng)
        whose = np.repeat(np.arange(parents.n_rows), counts)
        places = np.arange(len(whose)) - np.repeat(np.cumsum(counts) - counts, counts)
        for start in range(0, len(whose), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            chosen = whose[part]
            keys = {
                own: self._written(parents.columns[source].take(chosen), (owner.parent, source), (name, own))
                for own, source in zip(owner.child_key, owner.parent_key, strict=True)
            }
            seen = {f"{owner.parent}.{column}": values.take(chosen) for column, values in parents.columns.items()}
            further = {column: values.take(chosen) for column, values in above.items()}
            yield from self._block(name, len(chosen), places[part], None, keys, {**further, **seen})

    def _follows(self, relationship: Relationship) -> tuple[str, tuple[str, ...]] | None:
        """Table above and columns of it that already hold a key, where a further relationship points the same way."""
        for other in ancestors(relationship.child, self._owners):
            if other == relationship.parent:
                return other, relationship.parent_key
            for r in self._schema.relationships:
                if r.child == other and r.parent == relationship.parent and r.parent_key == relationship.parent_key:
                    return other, r.child_key
        return None

    def _pointers(
        self, name: str, n_rows: int, number: int, keys: Mapping[str, Values], above: Mapping[str, Values]
    ) -> dict[str, Values]:
        """Keys of further relationships."""
        made: dict[str, Values] = {}
        drawn: list[tuple[Relationship, np.random.Generator]] = []
        owner = self._owners.get(name)
        for r in self._schema.relationships:
            if r.child == name == r.parent:  # filled in when the rows are there
                for own in r.child_key:
                    empty = to_values([None], self._schema.tables[name].columns[own]).array
                    made[own] = Values(np.repeat(empty, n_rows), np.zeros(n_rows, bool))
        for r in widest_first(self._schema, name, owner):
            if r is owner or all(column in keys or column in made for column in r.child_key):
                continue
            if (follows := self._follows(r)) is not None:
                other, columns = follows
                made |= {
                    own: self._written(above[f"{other}.{column}"], (other, column), (name, own))
                    for own, column in zip(r.child_key, columns, strict=True)
                }
                continue
            place = self._schema.relationships.index(r)
            rng = child(self._seed, "mock", name, "points to", str(place), str(number))
            made |= self._random_keys(name, r, n_rows, rng)
            drawn.append((r, rng))
        for r, rng in drawn:
            self._without_repeats(name, r, {**keys, **made}, made, rng)
        return made

    def _without_repeats(
        self, name: str, r: Relationship, known: Mapping[str, Values], made: dict[str, Values], rng: np.random.Generator
    ) -> None:
        """Draw keys again where rows repeat, though they may not: a student takes a course once."""
        for columns, seen in self._states[name].maker.unique_keys(known.keys()):
            if not set(columns) & set(r.child_key):
                continue
            for _ in range(MAX_TRIES):
                values = [made.get(column, known[column]) for column in columns]
                complete = ~np.any([one.missing for one in values], axis=0)
                rows = np.flatnonzero(complete & seen.repeats(hash_rows([one.array for one in values])))
                if not len(rows):
                    break
                for column, fresh in self._random_keys(name, r, len(rows), rng).items():
                    array, missing = made[column].array.copy(), made[column].missing.copy()
                    array[rows], missing[rows] = fresh.array, fresh.missing
                    made[column] = Values(array, missing)

    def _pointing_back(self, name: str, typed: TypedTable, first: int, number: int) -> TypedTable:
        """Keys that point to earlier rows of the same table, such as managers; early rows are pointed to more often."""
        columns = dict(typed.columns)
        for place, r in enumerate(self._schema.relationships):
            if r.child != name or r.parent != name:
                continue
            rng = child(self._seed, "mock", name, "points back", str(place), str(number))
            chosen = np.floor((first + np.arange(typed.n_rows)) * rng.random(typed.n_rows) ** 2).astype(np.int64)
            for position, (own, source) in enumerate(zip(r.child_key, r.parent_key, strict=True)):
                kept = [part[position].array for part in self._stored[(name, r.parent_key)]]
                array = np.concatenate([*kept, columns[source].array])[chosen]
                missing = typed.columns[own].missing.copy()
                if first == 0 and typed.n_rows:
                    missing[0] = True
                    if not self._schema.tables[name].columns[own].nullable:
                        raise SchemaError(
                            f"{name}.{own}: points to earlier rows of its table, and the first row has none; set "
                            "nullable: true"
                        )
                empty = to_values([None], self._schema.tables[name].columns[source]).array
                pointing = Values(np.where(missing, empty, array), missing)
                columns[own] = self._written(pointing, (name, source), (name, own))
        return TypedTable(columns, typed.n_rows)

    def _random_keys(self, name: str, r: Relationship, n_rows: int, rng: np.random.Generator) -> dict[str, Values]:
        kept = self._stored[(r.parent, r.parent_key)]
        n_parents = sum(len(part[0]) for part in kept)
        if not n_parents:
            raise UsageError(f"{name}: points to rows of {r.parent}, which has none; ask for at least one row there")
        chosen = rng.integers(n_parents, size=n_rows)
        made = {}
        for position, own in enumerate(r.child_key):
            array = np.concatenate([part[position].array for part in kept])
            missing = np.concatenate([part[position].missing for part in kept])
            made[own] = self._written(
                Values(array, missing).take(chosen), (r.parent, r.parent_key[position]), (name, own)
            )
        return made

    def _written(self, keys: Values, source: tuple[str, str], target: tuple[str, str]) -> Values:
        """Keys of one column as another one writes them, which points to it; columns as (table, column)."""
        theirs, own = (self._schema.tables[table].columns[column] for table, column in (source, target))
        return written_as(keys, theirs, own, where=f"{'.'.join(target)} to {'.'.join(source)}")

    def _scenarios(self, name: str, first: int, n_rows: int, number: int) -> Array:
        """Number of the scenario of each row, -1 for none."""
        found = np.full(n_rows, -1)
        declared = self._schema.tables[name].scenarios
        if not declared:
            return found
        ends = np.cumsum([0.0, *(scenario.share for scenario in declared)])
        # Rounded totals of the shares so far, before and after the block: exact for every number of rows.
        counts = []
        for place in range(len(declared)):
            totals = [
                _rounded(ends[place + 1] * rows) - _rounded(ends[place] * rows) for rows in (first, first + n_rows)
            ]
            counts.append(max(0, totals[1] - totals[0]))
        rng = child(self._seed, "mock", name, "scenarios", str(number))
        order = rng.permutation(n_rows)
        start = 0
        for place, count in enumerate(counts):
            found[order[start : start + count]] = place
            start += count
        return found


def _rounded(value: float) -> int:
    return int(np.floor(value + 0.5 + 1e-9))


def _counts(where: str, distribution: Any, rows: Rows, least: int, rng: np.random.Generator) -> Array:
    """How many rows hang on each row, shape (n_rows,)."""
    column: Column = Integer(lower=least)
    ends = Bounds(np.full(rows.n_rows, float(least)), np.full(rows.n_rows, np.inf))
    return Cells(where, column).draw(distribution, rows, ends, rng)


def _closure(name: str, needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += needs[one]
    return found
