"""What is put to drawn rows: surrogates, keys of other tables, placeholder text, and the order of a person's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.generators.entities import surrogate_columns
from tabsynth.generators.parents import Linked, Parent, link
from tabsynth.identifiers.key_formats import agreeing, in_format_of
from tabsynth.identifiers.placeholder import fill_template, fill_text, spelled
from tabsynth.identifiers.surrogate import make_surrogates, n_possible
from tabsynth.schema.columns import Identifier, Text
from tabsynth.schema.ordering import positions, scale
from tabsynth.schema.values import TypedTable, Values

if TYPE_CHECKING:
    from tabsynth.generators.model import Model

Array = np.ndarray[Any, Any]


def complete(
    model: Model, typed: TypedTable, rng: np.random.Generator, above: list[Parent], dealing: np.random.Generator
) -> TypedTable:
    """Invent identifiers and text, deal rows to parents, and put the rows of a person in order.

    Args:
        model: The model that drew them.
        typed: Drawn rows, with gaps where identifiers and text are missing.
        rng: Source of what is invented.
        above: Tables that keys are taken from.
        dealing: Source of who gets which of their keys.
    """
    table = model.table
    people = model.entity_info.draw(typed.n_rows, rng=rng) if typed.n_rows else None
    linked = link(model, typed, people, above, rng=dealing) if above else Linked({}, people)
    pointing, people = linked.columns, linked.people
    keys = [
        typed.columns[name].array
        if scale(table.columns[name]) is None
        else positions(typed.columns[name], table.columns[name]).array
        for name in reversed(table.order_by)
        if not isinstance(table.columns[name], Identifier | Text)
    ]
    moved = people is not None and bool((np.diff(people) < 0).any())
    if people is not None and (keys or moved):
        order = np.lexsort((*keys, people))
        typed = typed.take(order)
        if moved:
            pointing, people = {name: texts[order] for name, texts in pointing.items()}, people[order]
    columns = dict(typed.columns)
    gaps = {name: columns[name].missing for name in model.entity_info.groups}
    for name, texts in invented(model, typed.n_rows, people, rng=rng, missing=gaps, pointing=pointing):
        columns[name] = _where_present(texts, columns[name])
    for name, column in table.columns.items():  # sentences last: they quote other columns
        if isinstance(column, Text) and column.template is not None:
            quoted = {read: spelled(columns[read], table.columns[read], name=read) for read in column.template.reads()}
            texts = fill_template(column.template, quoted, typed.n_rows, rng=rng, max_length=column.max_length)
            columns[name] = _where_present(texts, columns[name])
    return TypedTable(columns, typed.n_rows)


def invented(
    model: Model,
    n_rows: int,
    people: Array | None,
    *,
    rng: np.random.Generator,
    missing: Mapping[str, Array] | None = None,
    pointing: Mapping[str, Array] | None = None,
) -> Iterator[tuple[str, Array]]:
    """Surrogates and placeholder texts, column by column: name and texts of shape (n_rows,); no templates.

    Args:
        model: The model whose columns are meant.
        n_rows: Rows to invent for.
        people: Code of the person of each row, or None where every row is another one.
        rng: Source of the draws.
        missing: Empty cells of columns that point to other tables, (n_rows,) each; None where none is empty.
        pointing: Keys that other tables gave, by column, (n_rows,) each.
    """
    identifiers, made = surrogate_columns(model.table), dict[str, Array]()
    same = agreeing(model.table)
    info = model.entity_info
    for name, column in model.table.columns.items():
        if isinstance(column, Text) and column.template is None:
            yield name, fill_text(n_rows, rng=rng, max_length=column.max_length)
        elif name in identifiers and name not in same:
            if pointing is not None and name in pointing:
                made[name] = pointing[name]
                yield name, made[name]
                continue
            if people is not None and name in info.per_entity:
                owners, unique = people, name == model.table.entity_key
            elif name in info.groups:  # different keys, as long as there are that many
                owners = info.groups[name].deal(n_rows, people, (missing or {}).get(name), rng=rng)
                unique = int(owners.max(initial=-1)) < n_possible(identifiers[name], info.apart.get(name))
            else:
                owners, unique = np.arange(n_rows), name in info.unique
            n_values = int(owners.max(initial=-1)) + 1
            texts = make_surrogates(identifiers[name], n_values, rng=rng, unique=unique, apart=info.apart.get(name))
            made[name] = texts[owners]
            yield name, made[name]
    for name, source in same.items():
        where = f"{name} (same_as {source})"
        yield name, in_format_of(made[source], identifiers[source], identifiers[name], where=where)


def _where_present(texts: Array, values: Values) -> Values:
    """Texts in the cells of a column that are not empty."""
    return Values(np.where(values.missing, "", texts).astype(object), values.missing)
