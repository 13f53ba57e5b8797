"""The real rows that canaries are made of: one table in three equal parts, and facts about its columns.

Train and holdout play their parts; `fresh` are real rows that neither holds, an ideal release. A canary is `fresh` with
one thing wrong, so that whatever a limit says against it, it says against that one thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tabsynth.errors import InsufficientDataError
from tabsynth.evaluation.association import dependence
from tabsynth.evaluation.comparison import Array, Comparison, compare
from tabsynth.evaluation.digits import last_places
from tabsynth.evaluation.split import split_rows
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

MIN_ROWS = 300
"""Rows of each part below which no canary says anything."""


@dataclass(frozen=True)
class Parts:
    """A real table in three parts of equal size.

    Privacy:
        Holds real rows in memory.
    """

    table: Table
    train: TypedTable
    holdout: TypedTable
    fresh: TypedTable
    seed: int

    @classmethod
    def of(cls, whole: TypedTable, table: Table, *, max_rows: int, seed: int) -> Parts:
        """Part a table by person.

        Raises:
            InsufficientDataError: A part would have fewer than MIN_ROWS rows.
        """
        people = None
        if table.entity_key is not None:
            key = whole.columns[table.entity_key]
            people = pd.factorize(np.where(key.missing, np.arange(len(key)), key.array))[0]
        if whole.n_rows // 3 < MIN_ROWS:
            raise InsufficientDataError(
                f"the table has {whole.n_rows:,} rows; canaries need three parts of {MIN_ROWS} rows, so at least "
                f"{3 * MIN_ROWS}"
            )
        rest, fresh = split_rows(whole.n_rows, holdout=1 / 3, groups=people, seed=seed)
        inner = None if people is None else people[rest]
        train, holdout = (rest[part] for part in split_rows(len(rest), holdout=0.5, groups=inner, seed=seed + 1))
        n = min(len(train), len(holdout), len(fresh), max_rows)
        own, kept_apart, strangers = (whole.take(rows[:n]) for rows in (train, holdout, fresh))
        return cls(table, own, kept_apart, _renamed(strangers, table), seed)

    @cached_property
    def comparison(self) -> Comparison:
        """The three parts on one scale, `fresh` in the place of synthetic rows."""
        return compare(self.train, self.holdout, self.fresh, self.table, seed=self.seed)

    @property
    def n_rows(self) -> int:
        """Rows of each part."""
        return self.fresh.n_rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are learned: no identifiers, no text."""
        return self.comparison.columns

    def of_kind(self, *kinds: type) -> tuple[str, ...]:
        """Learned columns of some kinds that vary in train."""
        return tuple(
            name
            for name in self.columns
            if isinstance(self.table.columns[name], kinds) and len(np.unique(self.present(self.train, name))) > 1
        )

    def present(self, part: TypedTable, name: str) -> Array:
        """Cells of a column that are there."""
        values = part.columns[name]
        return values.array[~values.missing]

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Columns of numbers, those with most different values first."""
        found = self.of_kind(Integer, Number)
        return tuple(sorted(found, key=lambda name: -len(np.unique(self.present(self.train, name)))))

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Columns of categories, those with the most evenly spread first."""

        def largest(name: str) -> float:
            return float(pd.Series(self.train.columns[name].array).value_counts(normalize=True).iloc[0])

        return tuple(sorted(self.of_kind(Categorical), key=largest))

    @cached_property
    def strengths(self) -> dict[tuple[str, str], float]:
        """Dependence of every pair in train, as a share of rows (`association.py`)."""
        own = self.comparison
        shapes = {pair: (own.bins[pair[0]].n_bins, own.bins[pair[1]].n_bins) for pair in own.pairs}
        return {
            pair: 0.5 * float(np.abs(dependence(own.train_joint(pair).reshape(shape))).sum())
            for pair, shape in shapes.items()
        }

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """Identifier columns that have values."""
        return tuple(
            name
            for name, column in self.table.columns.items()
            if isinstance(column, Identifier) and (~self.train.columns[name].missing).any()
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Text columns that have values."""
        return tuple(
            name
            for name, column in self.table.columns.items()
            if isinstance(column, Text) and name in self.train.columns and (~self.train.columns[name].missing).any()
        )

    @property
    def dates(self) -> tuple[str, ...]:
        """Columns of dates and times."""
        return self.of_kind(DateTime)


def _renamed(part: TypedTable, table: Table) -> TypedTable:
    """Strangers under invented identifiers and texts: two real people may bear one name, which is no leak here."""
    columns = dict(part.columns)
    for name, column in table.columns.items():
        if isinstance(column, Identifier | Text) and name in columns:
            codes = pd.factorize(columns[name].array)[0]
            words = np.array([f"invented for a canary {code}" for code in codes], dtype=object)
            columns[name] = Values(np.where(columns[name].missing, "", words), columns[name].missing)
    return TypedTable(columns, part.n_rows)


def graft(base: TypedTable, places: Array, source: TypedTable, rows: Array, names: Sequence[str]) -> TypedTable:
    """`base` with some columns of the rows at `places` taken from `rows` of another table; the others stay."""
    columns = dict(base.columns)
    for name in names:
        own, other = base.columns[name], source.columns[name]
        array, missing = own.array.copy(), own.missing.copy()
        array[places], missing[places] = other.array[rows], other.missing[rows]
        columns[name] = Values(array, missing)
    return TypedTable(columns, base.n_rows)


def with_column(base: TypedTable, name: str, array: Array, missing: Array) -> TypedTable:
    """`base` with one column replaced; numbers are cast to the kind that the column had."""
    kind = base.columns[name].array.dtype
    cells = np.round(array) if kind.kind == "i" and array.dtype.kind == "f" else array
    return TypedTable({**base.columns, name: Values(cells.astype(kind), missing)}, base.n_rows)


def heaped(numbers: Array) -> float:
    """Share of numbers that end in a zero, or are zero."""
    return float((last_places(numbers) >= 8).mean()) if len(numbers) else 0.0
