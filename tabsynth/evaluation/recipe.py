"""What a deep evaluation may do beside measuring rows: make more rows by the same recipe, or audit a claim of privacy.

The evaluation does not know generators. Whoever calls it hands over functions: `refit` learns from some real rows
anew and draws from that, `audit` runs a private generator on rows that it invented.

Decisions
- A private generator has an audit and no refit: to learn from real rows once more is a look at them, and a look that no
  ledger knows breaks the promise that is to be tested. The promise is about every pair of tables that differ in one
  unit, so a pair that was invented serves as well, and nobody is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabsynth.progress import SILENT, Progress
from tabsynth.schema.values import TypedTable

Array = np.ndarray[Any, Any]

Refit = Callable[[Array, int, int], TypedTable]
"""Rows to learn from (numbers of train's rows, then holdout's), rows to draw, seed -> synthetic rows."""


@dataclass(frozen=True)
class Audit:
    """A claim of differential privacy, and how to put it to the test on invented rows."""

    evidence: Callable[[bool, int], float]
    """Whether one more unit is in the table, and the number of the run -> how much the release speaks for it."""
    epsilon: float
    """What is claimed, at `delta`."""
    delta: float
    rho: float
    """The claim in zero-concentrated terms: the Rényi divergence of order a is at most a * rho."""
    delta_apart: float
    """Part of delta that does not come from rho."""
    order: int | None
    """Largest order that rho holds for; None: all."""
    unit: str
    """Whose presence is hidden, in words."""
    to_epsilon: Callable[[float], float]
    """Epsilon of a rho at the same delta and order, by the rule that the claim was made with."""
    n_runs: int = 2_000
    """Runs with the unit, and as many without, where nobody asks for another number."""


@dataclass(frozen=True)
class Recipe:
    """How the synthetic table was made, as far as it can be made again."""

    generator: str
    refit: Refit | None = None
    audit: Audit | None = None
    no_audit: str = ""
    """Why a claim of privacy cannot be audited; empty where it can, or where there is none."""
    n_shadows: int | None = None
    """How many times to learn anew; None: as the size of the table allows."""
    n_runs: int | None = None
    """Runs of an audit with the unit, and as many without; None: as the audit says."""
    time_limit: float | None = None
    """Seconds after which nothing further is begun; results then hang on the speed of the machine. None: no limit."""
    progress: Progress = SILENT

    def on_holdout(self, rows: Array, *, n_train: int) -> Recipe:
        """The same recipe where only some rows of the holdout are left: numbers of rows name the same rows as before.

        Args:
            rows: Numbers of the rows of the holdout that stayed, in their order now, (n_left,).
            n_train: Rows of train.
        """
        refit = self.refit
        if refit is None:
            return self
        numbers = np.concatenate([np.arange(n_train), n_train + rows])

        def on_what_is_left(chosen: Array, n_rows: int, seed: int) -> TypedTable:
            return refit(numbers[chosen], n_rows, seed)

        return replace(self, refit=on_what_is_left)
