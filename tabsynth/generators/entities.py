"""People with several rows: how many rows each has, and which identifiers belong to the person.

Rows of one person are drawn independently of each other; what is kept is how many rows people have, and that a name
or an address stays the same on all of them. Modelling their course over time is the sequential generator's work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.encoding.marginal import Marginal, fit_marginal
from tabsynth.generators.groups import Group, repeated
from tabsynth.identifiers.apart import KeptApart
from tabsynth.schema.columns import Identifier
from tabsynth.schema.constraints import Regex, Unique
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class EntityInfo:
    """What a model knows of the people behind the rows."""

    sizes: Marginal | None
    """Rows per person; None where every row is another person."""
    per_entity: tuple[str, ...]
    """Identifier columns that have one value per person, the entity key first."""
    unique: tuple[str, ...]
    """Identifier columns without repeats."""
    apart: Mapping[str, KeptApart] = field(default_factory=dict)
    """Identifier columns whose surrogates come from a part of what is possible, and this part."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """Columns that point to other tables, and how many rows share a key of them; not the entity key, nor what follows
    from it."""

    @staticmethod
    def codes(table: Table, typed: TypedTable) -> Array | None:
        """Code of the person of each row, shape (n_rows,), or None without an entity key.

        Rows without a key count as people of their own.
        """
        if table.entity_key is None:
            return None
        values = typed.columns[table.entity_key]
        codes = pd.factorize(values.array)[0].astype(np.int64)
        n_missing = int(values.missing.sum())
        if n_missing:
            codes[values.missing] = codes.max(initial=-1) + 1 + np.arange(n_missing)
            codes = pd.factorize(codes)[0].astype(np.int64)
        return codes

    @classmethod
    def fit(
        cls,
        table: Table,
        typed: TypedTable,
        entities: Array | None,
        *,
        k: int,
        others: Mapping[str, Values] | None = None,
        pointing: Sequence[str] = (),
    ) -> tuple[EntityInfo, tuple[str, ...]]:
        """Learn rows per person, which identifiers repeat, and where surrogates meet none of them.

        Args:
            table: The declared table.
            typed: The training rows.
            entities: Code of the person of each row, shape (n_rows,), or None.
            k: People that every kept size must rest on.
            others: Further identifiers that surrogates must not meet, by column.
            pointing: Columns that point to other tables.

        Returns:
            The information, and notes for the user.

        Raises:
            SchemaError: The pattern of an identifier cannot be read.

        Privacy: The distribution of rows per person leaves (every kept size is shared by at least `k` people or is an
        average over them), whether a column repeats, and what `KeptApart.fit` and `Group.fit` name.
        """
        identifiers = surrogate_columns(table)
        unique = tuple(name for name in identifiers if _is_unique(name, table, typed))
        apart, notes = _keep_apart(identifiers, typed, others or {})
        if not typed.n_rows:
            return cls(None, (), unique, apart), notes
        sizes = None if entities is None else np.bincount(entities).astype(np.float64)
        if entities is None or sizes is None or sizes.max() == 1:
            return cls(None, (), unique, apart, _groups(pointing, typed, None, unique, k)), notes
        per_entity = [name for name in identifiers if name not in unique and _is_constant(typed, name, entities)]
        per_entity.sort(key=lambda name: name != table.entity_key)
        marginal = fit_marginal(sizes, k=k, entities=None, lower=1.0, upper=None)
        settled = (*unique, *per_entity, *([table.entity_key] if table.entity_key else []))
        groups = _groups(pointing, typed, entities, settled, k)
        return cls(marginal, tuple(per_entity), unique, apart, groups), notes

    def draw(self, n_rows: int, *, rng: np.random.Generator) -> Array | None:
        """Code of the person of each of `n_rows` new rows, shape (n_rows,); None where every row is another person."""
        if self.sizes is None:
            return None
        return repeated(self.sizes, n_rows, rng=rng)

    def state(self) -> dict[str, Any]:
        """What a model file holds of this."""
        sizes = None if self.sizes is None else np.stack([self.sizes.lowers, self.sizes.uppers, self.sizes.masses])
        return {
            "sizes": sizes,
            "per_entity": list(self.per_entity),
            "unique": list(self.unique),
            "apart": {name: part.state() for name, part in self.apart.items()},
            "groups": {name: group.state() for name, group in self.groups.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> EntityInfo:
        """The information that `state` describes."""
        sizes = None if state["sizes"] is None else Marginal(*state["sizes"])
        apart = {name: KeptApart.from_state(part) for name, part in state["apart"].items()}
        groups = {name: Group.from_state(part) for name, part in state.get("groups", {}).items()}
        return cls(sizes, tuple(state["per_entity"]), tuple(state["unique"]), apart, groups)


def surrogate_columns(table: Table) -> dict[str, Identifier]:
    """The identifier columns by name; one without a pattern takes that of its regex constraint."""
    patterns = {rule.column: rule.pattern for rule in table.constraints if isinstance(rule, Regex)}
    return {
        name: column
        if column.pattern is not None or name not in patterns
        else column.model_copy(update={"pattern": patterns[name]})
        for name, column in table.columns.items()
        if isinstance(column, Identifier)
    }


def _groups(
    pointing: Sequence[str], typed: TypedTable, entities: Array | None, settled: Sequence[str], k: int
) -> dict[str, Group]:
    """Columns that point to other tables and repeat, and how many rows share a key of them."""
    found = {name: Group.fit(typed.columns[name], entities, k=k) for name in pointing if name not in settled}
    return {name: group for name, group in found.items() if group is not None}


def _keep_apart(
    identifiers: Mapping[str, Identifier], typed: TypedTable, others: Mapping[str, Values]
) -> tuple[dict[str, KeptApart], tuple[str, ...]]:
    apart, notes = {}, []
    for name, column in identifiers.items():
        values = typed.columns[name]
        texts = pd.unique(values.array[~values.missing])
        n_different = len(texts)
        if name in others:
            more = others[name]
            texts = pd.unique(np.concatenate([texts, more.array[~more.missing]]))
        part = KeptApart.fit(column, texts, n_rows=n_different)
        if part.crowded:
            remedy = "use surrogate: key or uuid" if column.pattern is None else "widen its pattern"
            notes.append(
                f"column {name!r}: so many of the possible surrogates are identifiers of the training table that "
                f"some may equal one by chance; {remedy} so that there are at least 20 times as many as rows"
            )
        if not part.is_whole:
            apart[name] = part
    return apart, tuple(notes)


def _is_unique(name: str, table: Table, typed: TypedTable) -> bool:
    if table.primary_key == (name,) or any(isinstance(c, Unique) and c.columns == (name,) for c in table.constraints):
        return True
    values = typed.columns[name]
    present = values.array[~values.missing]
    return len(present) > 1 and len(pd.unique(present)) == len(present)


def _is_constant(typed: TypedTable, name: str, entities: Array) -> bool:
    values = typed.columns[name]
    codes = pd.factorize(np.where(values.missing, "", values.array))[0]
    pairs = np.unique(np.stack([entities, codes], axis=1), axis=0)
    return len(pairs) == len(np.unique(entities))
