"""How far generated rows are from rows held out of training: what a training that has no likelihood stops by.

The distance is the total variation between the joint tables of every pair of columns (and of each column alone), each
column cut into at most `MAX_STATES` states, averaged over pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tabsynth.encoding.table import Continuous, Domain
from tabsynth.generators.independent import is_missing

Array = np.ndarray[Any, Any]

MAX_STATES = 10


@dataclass(frozen=True)
class PairDistance:
    """Joint tables of pairs of columns in held-out rows."""

    domains: Mapping[str, Domain]
    table: Array  # (n_columns * MAX_STATES, n_columns * MAX_STATES), float32

    @classmethod
    def of(cls, columns: Mapping[str, Array], domains: Mapping[str, Domain]) -> Self:
        """Count the joint tables of encoded columns."""
        return cls(domains, _joint(columns, domains))

    def __call__(self, columns: Mapping[str, Array]) -> float:
        """Mean total variation distance of other rows, from 0 (equal) to 1."""
        return 0.5 * float(np.abs(_joint(columns, self.domains) - self.table).sum()) / max(len(self.domains), 1) ** 2


def _joint(columns: Mapping[str, Array], domains: Mapping[str, Domain]) -> Array:
    """Shares of rows in every pair of states, all pairs of columns in one matrix."""
    n_rows = len(next(iter(columns.values())))
    shown = np.zeros((n_rows, len(domains) * MAX_STATES), np.float32)
    rows = np.arange(n_rows)
    for number, (name, domain) in enumerate(domains.items()):
        shown[rows, number * MAX_STATES + _states(columns[name], domain)] = 1.0
    return shown.T @ shown / n_rows


def _states(array: Array, domain: Domain) -> Array:
    """State of each cell: 0 for missing, then parts of equal mass, or the commonest codes with the rest as one."""
    missing = is_missing(array)
    if isinstance(domain, Continuous):
        edges = np.unique(domain.marginal.quantile(np.arange(1, MAX_STATES - 1) / (MAX_STATES - 1)))
        state = np.searchsorted(edges, np.where(missing, 0.0, array), side="left")
    else:
        rank = np.empty(domain.n_codes, np.int64)
        rank[np.argsort(-domain.shares, kind="stable")] = np.arange(domain.n_codes)
        state = np.minimum(rank[np.maximum(array, 0)], MAX_STATES - 2)
    return np.where(missing, 0, 1 + state)
