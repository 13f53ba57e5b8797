"""Keys that join: the rows of a synthetic table point to rows of synthetic tables that are there already.

`model.sample(..., parents={"patients": rows})` deals the rows of a child table to rows of its parents: as many rows to
one parent as the model has learned that a key has, which parent at random. Keys follow: where a laboratory result
points to an encounter, its patient is the patient of that encounter.

Decisions
- Who gets which rows is not learned: cells of parent and child are independent of each other. What joins is the keys.
- Parents that no row is dealt to have none, as in real tables. Where there are fewer parents than keys are needed, they
  are dealt to again; a warning comes where that is beyond chance: the row counts asked for do not belong together.
- A private model has measured how many rows one unit has, or the schema says that it has one; how many rows another key
  has it must not know, and refuses.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabsynth.errors import TabsynthWarning, UsageError
from tabsynth.generators.entities import surrogate_columns
from tabsynth.identifiers.key_formats import in_format_of
from tabsynth.schema.columns import Identifier
from tabsynth.schema.model import Relationship
from tabsynth.schema.values import TypedTable, parse_column
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    from tabsynth.generators.model import Model

Array = np.ndarray[Any, Any]

_BY_CHANCE, _FEW = 1.2, 5  # keys drawn for each parent that is there, up to which nothing is wrong with the row counts


@dataclass(frozen=True)
class Parent:
    """A table that rows point to."""

    relationship: Relationship
    keys: Array
    """Its keys as it writes them, object array of str, (n_parents,), each once."""
    followed: Mapping[str, Array]
    """By column of the child: the key that a row of the parent gives besides its own, (n_parents,)."""

    @property
    def column(self) -> str:
        """The column of the child that points here."""
        return self.relationship.child_key[0]


@dataclass(frozen=True)
class Linked:
    """Keys that rows got from their parents."""

    columns: dict[str, Array]
    """Texts by column of the child, object arrays, (n_rows,)."""
    people: Array | None
    """Code of the person of each row, (n_rows,); None where every row is another person's."""


def read_parents(model: Model, parents: Mapping[str, object]) -> list[Parent]:
    """The tables that rows shall point to, those that decide about others first.

    Args:
        model: The model of the child table.
        parents: Synthetic tables by their name in the schema.

    Raises:
        UsageError: A name is no parent of this table, a table lacks its key, or the keys are not of type identifier.
        DataError: It is no table.
    """
    schema, name = model.schema, model.table_name
    known = {r.parent: r for r in reversed(schema.relationships) if r.child == name != r.parent}
    found = []
    for parent, table in parents.items():
        if parent not in known:
            listed = f"it points to {', '.join(known)}" if known else "no relationship of the schema has it as child"
            raise UsageError(f"parents: {name} does not point to {parent!r}; {listed}")
        frame = to_pandas(table)[0]
        found += [_parent(model, r, frame) for r in schema.relationships if (r.child, r.parent) == (name, parent)]
    return sorted(found, key=lambda parent: -len(parent.followed))


def _parent(model: Model, r: Relationship, frame: pd.DataFrame) -> Parent:
    schema = model.schema
    above = schema.tables[r.parent]
    where = f"{model.table_name}.{r.child_key[0]} to {r.parent}.{r.parent_key[0]}"
    if len(r.child_key) != 1:
        raise UsageError(
            f"parents: the key of {r.parent} has several columns; only keys of one column can be dealt out"
        )
    for side, column in (("parent", above.columns[r.parent_key[0]]), ("child", model.table.columns[r.child_key[0]])):
        if not isinstance(column, Identifier):
            raise UsageError(f"parents: {where}: the {side}'s column is {column.type}; write type: identifier at both")
    followed = {
        own.child_key[0]: other.child_key[0]
        for own in schema.relationships
        for other in schema.relationships
        if own.child == model.table_name and other.child == r.parent and len(own.child_key) == 1
        and (own.parent, own.parent_key) == (other.parent, other.parent_key)
        and own.parent not in (r.parent, own.child) and isinstance(model.table.columns[own.child_key[0]], Identifier)
    }  # fmt: skip
    wanted = [r.parent_key[0], *followed.values()]
    if lacking := [column for column in wanted if column not in frame.columns]:
        raise UsageError(f"parents: the table {r.parent} has no column {', '.join(lacking)}; give its synthetic rows")
    read = {column: parse_column(frame[column], above.columns[column]).values for column in wanted}
    keys = read[r.parent_key[0]]
    first = ~(keys.missing | pd.Series(keys.array).duplicated().to_numpy(bool))
    rows = np.flatnonzero(first)
    if not len(rows):
        raise UsageError(f"parents: no row of {r.parent} has a key in {r.parent_key[0]}; give its synthetic rows")
    own = surrogate_columns(model.table)
    theirs = surrogate_columns(above)

    def written(source: str, target: str) -> Array:
        texts = np.where(read[source].missing, "", read[source].array).astype(object)[rows]
        there = texts != ""
        made = texts.copy()
        made[there] = in_format_of(texts[there], theirs[source], own[target], where=where)
        return made

    return Parent(
        r,
        written(r.parent_key[0], r.child_key[0]),
        {column: written(source, column) for column, source in followed.items()},
    )


def link(
    model: Model, typed: TypedTable, people: Array | None, parents: list[Parent], *, rng: np.random.Generator
) -> Linked:
    """Deal rows to parents.

    Args:
        model: The model of the child table.
        typed: Its rows, identifiers not yet made.
        people: Code of the person of each row, or None.
        parents: As `read_parents` gives them.
        rng: Source of the draws.

    Raises:
        UsageError: A key that may not repeat is needed for more rows than there are parents, or a private model has
            not measured how many rows a key has.
    """
    columns: dict[str, Array] = {}
    for parent in parents:
        if parent.column in columns:
            continue  # follows from another parent
        codes = _codes(model, parent, typed, people, rng)
        n_needed, n_there = int(codes.max(initial=-1)) + 1, len(parent.keys)
        if n_needed > n_there:
            _too_few(model, parent, n_needed, typed.n_rows)
        chosen = rng.permutation(n_there)[codes % n_there]
        columns[parent.column] = parent.keys[chosen]
        for column, keys in parent.followed.items():
            columns[column] = keys[chosen]
            if column == model.table.entity_key:
                people = pd.factorize(keys[chosen])[0].astype(np.int64)
    return Linked(columns, people)


def _codes(model: Model, parent: Parent, typed: TypedTable, people: Array | None, rng: np.random.Generator) -> Array:
    """Number of the key of each row, from 0, (n_rows,)."""
    info, column, n_rows = model.entity_info, parent.column, typed.n_rows
    if people is not None and (column == model.table.entity_key or column in info.per_entity):
        return people
    if column in info.groups:
        return info.groups[column].deal(n_rows, people, typed.columns[column].missing, rng=rng)
    if column in info.unique or column == model.table.entity_key:
        return np.arange(n_rows)
    if model.generator.private:
        raise UsageError(
            f"parents: how many rows of {model.table_name} one {parent.relationship.parent} has was not measured, and "
            f"a private model may not look; leave {parent.relationship.parent} out of the parents, or make {column} "
            "the key of privacy.unit"
        )
    return rng.integers(len(parent.keys), size=n_rows)  # too few people for counts: evenly, at random


def _too_few(model: Model, parent: Parent, n_needed: int, n_rows: int) -> None:
    table, above = model.table_name, parent.relationship.parent
    if parent.column in model.entity_info.unique:
        raise UsageError(
            f"parents: {n_rows:,} rows of {table} need as many {above}, since {parent.column} may not repeat, and "
            f"there are {len(parent.keys):,}; ask for fewer rows"
        )
    if n_needed <= _BY_CHANCE * len(parent.keys) + _FEW:
        return
    warnings.warn(
        f"{n_rows:,} rows of {table} would hang on {n_needed:,} different {above}, and there are "
        f"{len(parent.keys):,}: some have more rows than is usual. Ask for fewer rows of {table}, or more of {above}",
        TabsynthWarning,
        stacklevel=5,
    )
