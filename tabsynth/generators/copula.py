"""Gaussian copula over empirical marginals, with missing cells as states of their own.

Every column is a cut of a latent standard normal: numbers through their marginal, categories through thresholds, and
so is the event that a cell is missing. The latent correlations are estimated pair by pair from cell scores and
corrected for what thresholds hide; sampling and conditioning are then one matrix product.

Decisions
- Empirical marginals, not fitted families: beta and gamma fits miss modes, zeros and spikes, and take a hundred times
  longer.
- Unordered categories get the order along which the other columns differ most: a Gaussian can only speak of order.
- A missing cell may hang on *one* other column's state directly (conditional thresholds), because structural gaps
  ("no discharge date while in hospital") are all-or-nothing, which no correlation can express. What is left of the
  dependence goes through the latent correlation.

Source: Nelsen, "An Introduction to Copulas" (2006), section 2; for discrete margins Olsson 1979, "Maximum likelihood
estimation of the polychoric correlation coefficient"; the series in the correlation is Mehler's (Kendall 1941).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import ndtr, ndtri

from tabsynth.encoding.given import EncodedGiven
from tabsynth.encoding.table import Continuous, Domain, EncodedTable
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.gaps import GapRule, column_states, learn_gaps, state_count
from tabsynth.generators.gaussian import draw_given, latent_correlation, nearest_correlation
from tabsynth.generators.independent import (
    allowed_stretches,
    from_uniform,
    is_missing,
    require_possible,
    with_gaps,
)
from tabsynth.progress import SILENT, Progress

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FittedCopula(Fitted):
    """Latent correlations, the order of unordered categories, and what missing cells hang on."""

    domains: Mapping[str, Domain]
    orders: Mapping[str, Array]
    """Codes of each discrete column from low to high latent value, shape (n_codes,)."""
    gaps: Mapping[str, GapRule]
    """For each column with missing cells, in the order in which they are drawn."""
    latents: tuple[str, ...]
    """Names of the latent variables: columns, then columns' gaps as in `gaps`; a column may be called like a gap."""
    correlation: Array  # (n_latents, n_latents)

    @cached_property
    def column_latents(self) -> dict[str, int]:
        """Position of each column among the latents; a column without a choice has none."""
        return {name: number for number, name in enumerate(self.latents[: len(self.latents) - len(self.gaps)])}

    @cached_property
    def gap_latents(self) -> dict[str, int]:
        """Position of each column's gap among the latents."""
        first = len(self.latents) - len(self.gaps)
        return {name: first + number for number, name in enumerate(self.gaps)}

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw latents (conditional normals where something is given) and cut them. See `Fitted.sample_encoded`."""
        for name, asked in given.items():
            rule = self.gaps.get(name)
            require_possible(name, asked, 0.0 if rule is None else rule.share)
        z = draw_given(self.correlation, self._regions(given), n_rows, rng=rng)  # (n_rows, n_latents)
        position = self.column_latents
        values: dict[str, Array] = {}
        for name, domain in self.domains.items():
            if name in position:
                u = ndtr(z[:, position[name]])
            else:
                u = rng.random(n_rows)
            values[name] = self.cut(name, u, domain)
        missing: dict[str, Array] = {}
        for name, rule in self.gaps.items():
            if name in given:
                missing[name] = np.full(n_rows, given[name].missing)
                continue
            u = ndtr(z[:, self.gap_latents[name]])
            if rule.parent is None:
                missing[name] = u < rule.share
            else:
                states = column_states(values[rule.parent], self.domains[rule.parent], missing.get(rule.parent))
                missing[name] = u < rule.rates[states]
        return {name: with_gaps(array, missing[name]) if name in missing else array for name, array in values.items()}

    def impute_encoded(
        self, columns: Mapping[str, Array], missing: Mapping[str, Array], *, rng: np.random.Generator
    ) -> dict[str, Array]:
        """Draw the latents of marked cells given all others. See `Imputer`."""
        from tabsynth.generators.copula_filling import fill_cells

        return fill_cells(self, columns, missing, rng=rng)

    def cut(self, name: str, u: Array, domain: Domain) -> Array:
        """Values of a column at probabilities `u` of its latent, shape (n_rows,)."""
        if isinstance(domain, Continuous):
            return domain.marginal.quantile(u)
        order = self.orders[name]
        rank = from_uniform(u, type(domain)(domain.shares[order], domain.ordered))
        return order[rank].astype(np.int32)

    def _regions(self, given: EncodedGiven) -> dict[int, Array]:
        """Stretches of the latent scale that are possible, and their weights, per latent: (n_stretches, 3)."""
        position = self.column_latents
        regions: dict[int, Array] = {}
        for name, asked in given.items():
            if not asked.missing and name in position:
                stretches = allowed_stretches(self._ordered_domain(name), self._ordered_asked(name, asked))
                regions[position[name]] = np.column_stack([ndtri(stretches), np.ones(len(stretches))])
        # A cell that must be missing (or there) makes some states of the column it hangs on likelier than others.
        wanted = {name: asked.missing for name, asked in given.items() if name in self.gaps}
        for name in reversed(list(self.gaps)):
            if name not in wanted:
                continue
            rule = self.gaps[name]
            latent = self.gap_latents[name]
            if rule.parent is None:
                low, high = (0.0, rule.share) if wanted[name] else (rule.share, 1.0)
                regions[latent] = np.array([[ndtri(low), ndtri(high), 1.0]])
                continue
            weights = rule.rates if wanted[name] else 1.0 - rule.rates
            self._weigh_parent(rule.parent, weights, regions, wanted, position)
        return regions

    def _weigh_parent(
        self,
        parent: str,
        weights: Array,
        regions: dict[int, Array],
        wanted: dict[str, bool],
        position: Mapping[str, int],
    ) -> None:
        """Multiply the region of `parent` by the weight of each of its states."""
        domain = self._ordered_domain(parent)
        n_states = state_count(domain)
        if parent in self.gaps and parent not in wanted:
            likelier_missing = weights[n_states] * self.gaps[parent].share
            likelier_there = float(np.mean(weights[:n_states])) * (1 - self.gaps[parent].share)
            if likelier_missing == 0.0 or likelier_there == 0.0:
                wanted[parent] = likelier_there == 0.0
            if wanted.get(parent):
                return
        if parent not in position:
            return
        if isinstance(domain, Continuous):
            edges = np.linspace(0.0, 1.0, n_states + 1)
            state_weights = weights[:n_states]
        else:
            edges = np.concatenate([[0.0], np.cumsum(domain.shares)])
            edges[-1] = 1.0
            state_weights = weights[self.orders[parent]]
        cuts = ndtri(edges)
        pieces = []
        for low, high, weight in regions.get(position[parent], np.array([[-np.inf, np.inf, 1.0]])):
            for state in range(n_states):
                start, end = max(low, cuts[state]), min(high, cuts[state + 1])
                if (start < end or (low == high == start)) and state_weights[state] > 0:
                    pieces.append((start, end, weight * state_weights[state]))
        if pieces:
            regions[position[parent]] = np.array(pieces)

    def _ordered_domain(self, name: str) -> Domain:
        domain = self.domains[name]
        return (
            domain if isinstance(domain, Continuous) else type(domain)(domain.shares[self.orders[name]], domain.ordered)
        )

    def _ordered_asked(self, name: str, asked: Any) -> Any:
        if asked.codes is None:
            return asked
        return type(asked)(missing=asked.missing, codes=asked.codes[self.orders[name]])

    def state(self) -> dict[str, Any]:
        """See `Fitted.state`: correlations, orders, and rates of missing cells."""
        return {
            "orders": dict(self.orders),
            "gaps": {name: rule.state() for name, rule in self.gaps.items()},
            "latents": list(self.latents),
            "correlation": self.correlation,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Domain]) -> Self:
        """See `Fitted.from_state`."""
        gaps = {name: GapRule.from_state(rule) for name, rule in state["gaps"].items()}
        return cls(dict(domains), dict(state["orders"]), gaps, tuple(state["latents"]), state["correlation"])


class Copula(Generator):
    """Gaussian copula: fast, small, conditions on anything; sees only dependence that rises or falls."""

    name: ClassVar[str] = "copula"
    fitted_type: ClassVar[type[Fitted]] = FittedCopula
    min_rows: ClassVar[int] = 100

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> FittedCopula:
        """Estimate the latent correlations.

        Privacy: One correlation per pair of columns (over all rows), the order of categories, and rates of missing
        cells by the state of one other column, where the state has at least `min_people` rows.
        """
        gaps = learn_gaps(data, k=self.min_people)
        scores = _Scores(data, gaps)
        orders = scores.order_categories()
        names, matrix = scores.matrix(orders)
        correlation = latent_correlation(*matrix)
        return FittedCopula(
            dict(data.domains), orders, gaps, tuple(names), nearest_correlation(correlation, data.n_rows)
        )


class _Scores:
    """Latent scores of the training rows: the mean of the latent normal given the cell."""

    def __init__(self, data: EncodedTable, gaps: Mapping[str, GapRule]) -> None:
        self.data, self.gaps = data, gaps

    def order_categories(self) -> dict[str, Array]:
        """Order of the codes of every discrete column along which the other columns differ most."""
        orders = {}
        for name, domain in self.data.domains.items():
            if not isinstance(domain, Continuous):
                by_share = np.argsort(-domain.shares, kind="stable")
                orders[name] = np.arange(domain.n_codes) if domain.ordered else by_share
        nominal = [
            name
            for name, order in orders.items()
            if len(order) > 2 and not getattr(self.data.domains[name], "ordered", True)
        ]
        for _ in range(2 if nominal else 0):
            names, (scores, present, _, _) = self.matrix(orders, gaps=False)
            for name in nominal:
                others = [number for number, other in enumerate(names) if other != name]
                if others:
                    orders[name] = self._order(name, scores[:, others], present[:, others], orders[name])
        return orders

    def _order(self, name: str, scores: Array, present: Array, before: Array) -> Array:
        """Order codes by the first principal axis of the other columns' mean scores."""
        from scipy.sparse import csr_array

        codes = self.data.columns[name]
        rows = np.flatnonzero(codes >= 0)
        n_codes = len(before)
        one_hot = csr_array((np.ones(len(rows)), (codes[rows], np.arange(len(rows)))), shape=(n_codes, len(rows)))
        counts = one_hot @ present[rows]
        means = (one_hot @ scores[rows]) / np.maximum(counts, 1.0)  # (n_codes, n_others)
        weights = np.asarray(one_hot.sum(axis=1)).ravel()
        centre = (weights @ means) / max(weights.sum(), 1.0)
        spread = (means - centre) * np.sqrt(weights)[:, None]
        axis = np.linalg.svd(spread, full_matrices=False)[2][0]
        axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
        along = (means - centre) @ axis
        along = np.where(weights > 0, along, 0.0)
        return np.lexsort((np.arange(n_codes), np.round(along, 9)))

    def matrix(
        self, orders: Mapping[str, Array], *, gaps: bool = True
    ) -> tuple[list[str], tuple[Array, Array, Array, Array]]:
        """Scores, presence, variances and Hermite coefficients of all latents.

        Returns:
            Names, and (scores (n_rows, n_latents), presence of the same shape, variance (n_latents,), coefficients
            (n_latents, n_terms)).
        """
        from tabsynth.generators.gaussian import cell_scores, hermite_coefficients

        names, columns, shown, variances, series = [], [], [], [], []
        for name, domain in self.data.domains.items():
            array = self.data.columns[name]
            there = ~is_missing(array)
            if isinstance(domain, Continuous):
                masses = domain.marginal.masses
                cells = domain.marginal.segment(np.where(there, array, 0.0))
            else:
                if domain.n_codes < 2:
                    continue
                rank = np.empty(domain.n_codes, np.int64)
                rank[orders[name]] = np.arange(domain.n_codes)
                masses, cells = domain.shares[orders[name]], rank[np.maximum(array, 0)]
            score, variance = cell_scores(masses)
            names.append(name)
            columns.append(np.where(there, score[cells], 0.0))
            shown.append(there)
            variances.append(variance)
            series.append(hermite_coefficients(masses, score))
        for name, rule in self.gaps.items() if gaps else ():
            gone = is_missing(self.data.columns[name])
            states = None if rule.parent is None else self._states(rule.parent)
            rates = np.full(len(gone), rule.share) if states is None else rule.rates[states]
            score, variance, coefficients = _binary_scores(gone, rates)
            names.append(f"{name} missing")
            columns.append(score)
            shown.append(np.ones(len(gone), bool))
            variances.append(variance)
            series.append(coefficients)
        if not names:
            empty = np.zeros((self.data.n_rows, 0))
            return [], (empty, empty.astype(bool), np.zeros(0), np.zeros((0, 1)))
        return names, (
            np.column_stack(columns),
            np.column_stack(shown).astype(np.float64),
            np.array(variances),
            np.stack(series),
        )

    def _states(self, name: str) -> Array:
        array = self.data.columns[name]
        return column_states(array, self.data.domains[name], is_missing(array))


def _binary_scores(gone: Array, rates: Array) -> tuple[Array, float, Array]:
    """Scores of a missing-cell event whose threshold differs from row to row."""
    from tabsynth.generators.gaussian import cell_scores, hermite_coefficients

    scores = np.zeros(len(gone))
    variance, coefficients = 0.0, np.zeros(0)
    for rate in np.unique(rates):
        rows = rates == rate
        masses = np.array([rate, 1.0 - rate])
        score, part = cell_scores(masses)
        scores[rows] = np.where(gone[rows], score[0], score[1])
        share = rows.mean()
        variance += share * part
        terms = share * hermite_coefficients(masses, score)
        coefficients = terms if not len(coefficients) else coefficients + terms
    return scores, variance, coefficients
