"""Rows that share a key of another table: how many rows hang on one key, and which rows these are.

A table of encounters names patients, doctors and hospitals. How many rows each of them has is kept for every such
column by itself: the schema's relationships say which columns these are.

Decisions
- Counts alone. That sick patients have more encounters is not modelled: rows are dealt out without a look at their
  cells.
- Where all rows of a key belong to one person in training, so they do in synthetic rows; other keys are spread at
  random.
- A row without a key takes no place among the rows of one.

Privacy: Of the counts leaves what `fit_marginal` lets out: counts that at least `k` people share, and averages over as
many. A key all of whose rows belong to one person counts for this person; so do all further keys of the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.encoding.marginal import Marginal, fit_marginal
from tabsynth.schema.columns import Identifier
from tabsynth.schema.model import Schema
from tabsynth.schema.values import Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Group:
    """How the rows of a table share the keys of one column."""

    sizes: Marginal
    """Rows per key."""
    of_one_person: bool
    """Whether all rows of a key belong to one person."""

    @classmethod
    def fit(cls, values: Values, entities: Array | None, *, k: int) -> Group | None:
        """Learn how many rows share a key.

        Args:
            values: The column that holds the keys, shape (n_rows,).
            entities: Code of the person of each row, shape (n_rows,), or None.
            k: People that every kept count must rest on.

        Returns:
            The counts, or None where fewer than `k` people have a key.
        """
        present = ~values.missing
        keys = pd.factorize(values.array[present])[0].astype(np.int64)
        if not len(keys):
            return None
        sizes = np.bincount(keys).astype(np.float64)
        if entities is None:
            owners, of_one_person = None, False
        else:
            people = entities[present]
            first = np.zeros(len(sizes), np.int64)
            first[keys[::-1]] = people[::-1]
            alone = np.ones(len(sizes), bool)
            np.logical_and.at(alone, keys, people == first[keys])
            of_one_person = bool(alone.all())
            beyond = int(entities.max(initial=-1)) + 1
            owners = pd.factorize(np.where(alone, first, beyond + np.arange(len(sizes))))[0].astype(np.int64)
        marginal = fit_marginal(sizes, k=k, entities=owners, lower=1.0, upper=None)
        return None if marginal is None else cls(marginal, of_one_person)

    def deal(self, n_rows: int, people: Array | None, missing: Array | None, *, rng: np.random.Generator) -> Array:
        """Number of the key of each row, shape (n_rows,), from 0; every number up to the largest occurs.

        Args:
            n_rows: Rows to deal keys to.
            people: Code of the person of each row, ascending, or None.
            missing: Rows without a key, shape (n_rows,), which get any number; None where all have one.
            rng: Source of the draw.
        """
        missing = None if missing is None or not missing.any() else missing
        rows = np.arange(n_rows) if missing is None else np.flatnonzero(~missing)
        codes = repeated(self.sizes, len(rows), rng=rng)
        if self.of_one_person and people is not None:
            span = int(codes.max(initial=-1)) + 1
            codes = pd.factorize(people[rows].astype(np.int64) * span + codes)[0].astype(np.int64)
        else:
            codes = codes[rng.permutation(len(rows))]
        if missing is None:
            return codes
        dealt = rng.integers(max(1, int(codes.max(initial=0)) + 1), size=n_rows)
        dealt[rows] = codes
        return dealt

    def state(self) -> dict[str, Any]:
        """What a model file holds of this."""
        sizes = np.stack([self.sizes.lowers, self.sizes.uppers, self.sizes.masses])
        return {"sizes": sizes, "of_one_person": self.of_one_person}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Group:
        """The counts that `state` describes."""
        return cls(Marginal(*state["sizes"]), bool(state["of_one_person"]))


def repeated(sizes: Marginal, n_rows: int, *, rng: np.random.Generator) -> Array:
    """Codes 0, 0, 1, 2, 2, 2, ...: each as often as a size that is drawn, `n_rows` in all."""
    expected = max(1.0, float(np.sum((sizes.lowers + sizes.uppers) / 2 * sizes.masses)))
    counts = np.zeros(0, np.int64)
    while counts.sum() < n_rows:
        more = sizes.quantile(rng.random(int(n_rows / expected) + 16))
        counts = np.concatenate([counts, np.maximum(1, np.rint(more).astype(np.int64))])
    return np.repeat(np.arange(len(counts)), counts)[:n_rows]


def foreign_keys(schema: Schema, name: str) -> tuple[str, ...]:
    """Identifier columns of a table that point to another table by themselves, in the order of the relationships."""
    found = (r.child_key[0] for r in schema.relationships if r.child == name != r.parent and len(r.child_key) == 1)
    columns = schema.tables[name].columns
    return tuple(dict.fromkeys(column for column in found if isinstance(columns[column], Identifier)))
