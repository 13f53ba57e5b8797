"""Training all columns of a table in one order, side by side, and within a time limit."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.generators.boosting.budget import price, rounds_within, shrink
from tabsynth.generators.boosting.cells import Cells
from tabsynth.generators.boosting.selection import telling_features
from tabsynth.generators.boosting.training import ColumnModel, Settings, train_column
from tabsynth.progress import Progress

Array = np.ndarray[Any, Any]

_THREADS = 4


@dataclass(frozen=True)
class TrainingRows:
    """What every order of the columns is trained on."""

    cells: Mapping[str, Cells]
    own: Mapping[str, Array]  # cell of each row, by column, shapes (n_rows,)
    held_out: Array  # (n_rows,), bool: rows that only decide when to stop
    max_features: int
    """Earlier columns that one column looks at, at most."""


@dataclass(frozen=True)
class OrderedRows:
    """The same with the columns in an order, and a seed for each of them."""

    rows: TrainingRows
    names: Sequence[str]
    codes: Array  # (n_columns, n_rows), uint8
    seeds: Array  # (n_columns,)

    @classmethod
    def of(cls, rows: TrainingRows, names: Sequence[str], *, rng: np.random.Generator) -> OrderedRows:
        """Put the columns in an order."""
        codes = np.stack([rows.cells[name].feature_codes[rows.own[name]] for name in names])
        return cls(rows, names, codes, rng.integers(0, 2**31 - 1, len(names)))

    def train(self, number: int, settings: Settings) -> ColumnModel:
        """Train one column on those before it."""
        rows, name = self.rows, self.names[number]
        looked_at = telling_features(rows.own[name], self.codes[:number], most=rows.max_features)
        return train_column(
            rows.cells[name],
            rows.own[name],
            self.codes[looked_at],
            tuple(looked_at.tolist()),
            [place for place, feature in enumerate(looked_at) if not rows.cells[self.names[feature]].ordered],
            settings=settings,
            seed=int(self.seeds[number]),
            held_out=rows.held_out,
        )

    def train_all(self, settings: Settings, *, progress: Progress) -> list[ColumnModel]:
        """Train every column, several at once; the models do not depend on how many."""

        def train(number: int) -> ColumnModel:
            model = self.train(number, settings)
            progress.advance(note=self.names[number])
            return model

        # The last column has the most features: the longest work first keeps all threads busy to the end.
        with ThreadPoolExecutor(_n_threads()) as pool:
            return list(pool.map(train, reversed(range(len(self.names)))))[::-1]

    def within(self, seconds: float, settings: Settings) -> Settings:
        """Settings with as many rounds as fit into so many seconds, those given where all do.

        Raises:
            UsageError: Not even one round does.
        """
        cells = [self.rows.cells[name] for name in self.names]
        begun = time.monotonic()
        cost = price(lambda trial: self.train(len(cells) - 1, trial), settings, cells, threads=_n_threads())
        left = seconds - (time.monotonic() - begun)
        rounds = rounds_within(left, fixed=cost["fixed"], each=cost["each"], wanted=settings.rounds)
        return settings if rounds == settings.rounds else shrink(settings, rounds)


def _n_threads() -> int:
    return min(os.cpu_count() or 1, _THREADS)
