"""Independent columns: every column from its own marginal, nothing of how they hang together.

The baseline of every report, and what small tables fall back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tabsynth.encoding.given import EncodedGiven, GivenColumn
from tabsynth.encoding.table import Continuous, Domain, EncodedTable
from tabsynth.errors import UsageError
from tabsynth.generators.base import Fitted, Generator
from tabsynth.progress import SILENT, Progress

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FittedIndependent(Fitted):
    """Marginals (in the domains) and the share of missing cells of each column."""

    domains: Mapping[str, Domain]
    missing: Mapping[str, float]

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw each column on its own. See `Fitted.sample_encoded`."""
        arrays = {}
        for name, domain in self.domains.items():
            asked = given.get(name)
            u = draw_uniform(n_rows, domain, asked, rng=rng)
            values = from_uniform(u, domain)
            gone = rng.random(n_rows) < self.missing[name] if asked is None else np.full(n_rows, asked.missing)
            if asked is not None:
                require_possible(name, asked, self.missing[name])
            arrays[name] = with_gaps(values, gone)
        return arrays

    def impute_encoded(
        self, columns: Mapping[str, Array], missing: Mapping[str, Array], *, rng: np.random.Generator
    ) -> dict[str, Array]:
        """Draw marked cells from their column's own distribution. See `Imputer`."""
        filled = dict(columns)
        for name, domain in self.domains.items():
            if name in missing and missing[name].any():
                filled[name] = columns[name].copy()
                filled[name][missing[name]] = from_uniform(rng.random(int(missing[name].sum())), domain)
        return filled

    def log_likelihood(self, columns: Mapping[str, Array]) -> Array:
        """Sum of the logarithms of each cell's share; numbers count by the segment of their marginal."""
        total = np.zeros(len(next(iter(columns.values()))))
        for name, domain in self.domains.items():
            gone = is_missing(columns[name])
            if isinstance(domain, Continuous):
                share = domain.marginal.masses[domain.marginal.segment(np.where(gone, 0.0, columns[name]))]
            else:
                share = domain.shares[np.maximum(columns[name], 0)]
            share = np.where(gone, self.missing[name], (1.0 - self.missing[name]) * share)
            total += np.log(share, out=np.full(len(share), -np.inf), where=share > 0)
        return total

    def state(self) -> dict[str, Any]:
        """Shares of missing cells; the marginals are the encoders'."""
        return {"missing": dict(self.missing)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Domain]) -> Self:
        """See `Fitted.from_state`."""
        return cls(dict(domains), dict(state["missing"]))


class Independent(Generator):
    """Draw every column from its own distribution, ignoring the others."""

    name: ClassVar[str] = "independent"
    fitted_type: ClassVar[type[Fitted]] = FittedIndependent

    def fit_encoded(
        self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT
    ) -> FittedIndependent:
        """Count missing cells; the rest is in the domains.

        Privacy: The share of missing cells of each column leaves.
        """
        missing = {name: float(is_missing(array).mean()) for name, array in data.columns.items()}
        return FittedIndependent(dict(data.domains), missing)


def is_missing(array: Array) -> Array:
    """Which cells of an encoded column are missing."""
    return np.isnan(array) if array.dtype.kind == "f" else array < 0


def with_gaps(values: Array, gone: Array) -> Array:
    """An encoded column with its cells missing where `gone`."""
    if values.dtype.kind == "f":
        return np.where(gone, np.nan, values)
    return np.where(gone, -1, values).astype(np.int32)


def from_uniform(u: Array, domain: Domain) -> Array:
    """Codes or numbers at probabilities `u` of a column's distribution."""
    if isinstance(domain, Continuous):
        return domain.marginal.quantile(u)
    cumulative = np.cumsum(domain.shares)
    last = int(np.flatnonzero(domain.shares)[-1])
    return np.minimum(np.searchsorted(cumulative, u, side="right"), last).astype(np.int32)


def allowed_stretches(domain: Domain, asked: GivenColumn) -> Array:
    """Parts of the quantile scale that a condition allows; shape (n_stretches, 2)."""
    if asked.stretches is not None:
        return asked.stretches
    if isinstance(domain, Continuous) or asked.codes is None:
        return np.array([[0.0, 1.0]])
    edges = np.concatenate([[0.0], np.cumsum(domain.shares)])
    edges[-1] = 1.0
    codes = np.flatnonzero(asked.codes & (domain.shares > 0))
    return np.stack([edges[codes], edges[codes + 1]], axis=1)


def draw_uniform(n_rows: int, domain: Domain, asked: GivenColumn | None, *, rng: np.random.Generator) -> Array:
    """Probabilities in [0, 1), or in the stretches that a condition allows; shape (n_rows,)."""
    u = rng.random(n_rows)
    if asked is None or asked.missing:
        return u
    stretches = allowed_stretches(domain, asked)
    width = stretches[:, 1] - stretches[:, 0]
    if width.sum() <= 0:
        return stretches[rng.integers(len(stretches), size=n_rows), 0]
    piece = rng.choice(len(stretches), size=n_rows, p=width / width.sum())
    return stretches[piece, 0] + u * width[piece] * (1 - 1e-12)


def require_possible(name: str, asked: GivenColumn, missing_share: float) -> None:
    """Refuse conditions of probability zero.

    Raises:
        UsageError: Missing cells are asked for where there were none, or the other way round.
    """
    if asked.missing and missing_share == 0.0:
        raise UsageError(f"given: {name}: is never missing in the training table")
    if not asked.missing and missing_share == 1.0:
        raise UsageError(f"given: {name}: is always missing in the training table")
