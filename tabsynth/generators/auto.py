"""`auto`: looks at the size of the table and the time allowed, chooses a generator, and says why in one line.

The model that comes out is the chosen generator's own: its file names that generator, not this one.

Decisions
- The limits are sizes, not measurements of this machine: the same table and parameters choose the same generator
  everywhere.
- Networks are never chosen: on a processor they take a hundred times as long as trees and draw worse rows.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.copula import Copula
from tabsynth.generators.independent import Independent
from tabsynth.generators.trees import FittedTrees, Trees
from tabsynth.progress import SILENT, Progress

MOST_COLUMNS = 80
"""Columns up to which trees take minutes at most; their work grows with the square of the columns."""
SHORTEST = 5.0
"""Seconds under which there is no point in starting to boost."""


class Auto(Generator):
    """Chooses: trees for most tables, the copula for wide ones or little time, independent columns for tiny ones."""

    name: ClassVar[str] = "auto"
    fitted_type: ClassVar[type[Fitted]] = FittedTrees

    time_limit: float | None = Field(
        default=None, gt=0, description="Seconds that fitting may take, about; handed to the generator that is chosen."
    )

    def choose(self, n_rows: int, n_columns: int) -> tuple[Generator, str]:
        """The generator for a table of this size, and why."""
        size = f"{n_rows:,} rows and {n_columns:,} columns"
        if n_rows < Copula.min_rows:
            return Independent(min_people=self.min_people), f"{size} are too few to learn dependence from"
        if n_columns > MOST_COLUMNS:
            return Copula(min_people=self.min_people), f"{size} are too wide for trees"
        if self.time_limit is not None and self.time_limit < SHORTEST:
            return Copula(min_people=self.min_people), f"{self.time_limit:g} seconds are too short for trees"
        return Trees(min_people=self.min_people, time_limit=self.time_limit), f"{size} are what trees do best"

    def _or_fallback(self, n_rows: int, n_columns: int) -> tuple[Generator, list[str]]:
        chosen, reason = self.choose(n_rows, n_columns)
        return chosen, [f"auto chose {chosen.name}: {reason}"]

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> Fitted:
        """Fit the generator that is chosen for a table of this size. See `Generator.fit_encoded`.

        Privacy: As for the generator that is chosen.
        """
        chosen, _ = self.choose(data.n_rows, len(data.columns))
        return chosen.fit_encoded(data, rng=rng, progress=progress)
