"""What cells of a row say about its latents, for filling in the others under a Gaussian copula.

A number says where its latent is, a category and a gap in which stretch. A gap that hangs on the state of an unknown
cell makes some of its states likelier than others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from tabsynth.encoding.table import Continuous
from tabsynth.generators.gaps import GapRule, column_states, state_count
from tabsynth.generators.gaussian_filling import States, fill_latents
from tabsynth.generators.independent import is_missing

if TYPE_CHECKING:
    from tabsynth.generators.copula import FittedCopula

Array = np.ndarray[Any, Any]

_END = 1e-4
"""Probability beyond which a number counts as lying at the end of its column."""
_AT_ONCE = 20_000


def fill_cells(
    copula: FittedCopula, columns: Mapping[str, Array], missing: Mapping[str, Array], *, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw marked cells given the rest of their row. See `Imputer.impute_encoded`."""
    filled = {name: array.copy() if name in missing else array for name, array in columns.items()}
    marked = np.zeros(len(next(iter(columns.values()))), bool)
    for mask in missing.values():
        marked |= mask
    open_rows = np.flatnonzero(marked)
    for start in range(0, len(open_rows), _AT_ONCE):
        rows = open_rows[start : start + _AT_ONCE]
        evidence = _Evidence(
            copula,
            {name: array[rows] for name, array in columns.items()},
            {name: missing[name][rows] if name in missing else np.zeros(len(rows), bool) for name in columns},
        )
        for name, (part, values) in evidence.draw(rng=rng).items():
            filled[name][rows[part]] = values
    return filled


class _Evidence:
    """Rows, and what is known of their latents."""

    def __init__(self, copula: FittedCopula, columns: Mapping[str, Array], marked: Mapping[str, Array]) -> None:
        self.copula, self.columns, self.marked = copula, columns, marked
        self.gone = {name: is_missing(array) for name, array in columns.items()}
        self.position = copula.column_latents
        shape = (len(next(iter(columns.values()))), len(copula.latents))
        self.low, self.high = np.full(shape, -np.inf), np.full(shape, np.inf)
        self.states: dict[int, States] = {}
        for name in copula.domains:
            if name in self.position:
                known = np.flatnonzero(~self.gone[name] & ~marked[name])
                latent = self.position[name]
                self.low[known, latent], self.high[known, latent] = self._stretch(name, columns[name][known])
        for name, rule in copula.gaps.items():
            self._add_gap(name, rule)

    def draw(self, *, rng: np.random.Generator) -> dict[str, tuple[Array, Array]]:
        """Positions of marked cells and values for them, by column."""
        z = fill_latents(self.copula.correlation, self.low, self.high, self.states, rng=rng)
        found = {}
        for name, domain in self.copula.domains.items():
            rows = np.flatnonzero(self.marked[name])
            if len(rows):
                u = ndtr(z[rows, self.position[name]]) if name in self.position else rng.random(len(rows))
                found[name] = (rows, self.copula.cut(name, u, domain))
        return found

    def _stretch(self, name: str, values: Array) -> tuple[Array, Array]:
        """Where on the latent scale values lie: from and to, both of shape (n_values,)."""
        domain = self.copula.domains[name]
        if isinstance(domain, Continuous):
            below = domain.marginal.probability_below(values, inclusive=False)
            upto = domain.marginal.probability_below(values, inclusive=True)
        else:
            order = self.copula.orders[name]
            rank = np.empty(len(order), np.int64)
            rank[order] = np.arange(len(order))
            edges = _edges(domain.shares[order])
            below, upto = edges[rank[values]], edges[rank[values] + 1]
        # A point may lie at the very end of the scale, which is no place.
        point = below == upto
        below, upto = (np.where(point, np.clip(end, _END, 1 - _END), end) for end in (below, upto))
        return ndtri(below), ndtri(upto)

    def _add_gap(self, name: str, rule: GapRule) -> None:
        """What a cell's being there or not says of the latent of the gap, or of the column that the gap hangs on."""
        latent, clear = self.copula.gap_latents[name], ~self.marked[name]
        rates = np.full(len(clear), rule.share)
        if rule.parent is not None:
            parent, gone = rule.parent, self.gone[rule.parent]
            # A marked cell counts as there; of one that was never missing in training, nothing is known.
            unknown = self.marked[parent] | (gone & (parent not in self.copula.gaps))
            shown = column_states(self.columns[parent], self.copula.domains[parent], gone)
            rates = rule.rates[np.where(unknown, 0, shown)]
            self._weigh(parent, rule, np.flatnonzero(clear & unknown), self.gone[name])
            clear = clear & ~unknown
        cut = ndtri(rates)
        clear = clear & np.isfinite(cut)
        self.low[:, latent] = np.where(clear & ~self.gone[name], cut, -np.inf)
        self.high[:, latent] = np.where(clear & self.gone[name], cut, np.inf)

    def _weigh(self, parent: str, rule: GapRule, rows: Array, gone: Array) -> None:
        """Weigh the states of an unknown cell by a gap that hangs on it."""
        if parent not in self.position or not len(rows):
            return
        domain = self.copula.domains[parent]
        n_states = state_count(domain)
        rates, edges = rule.rates[:n_states], np.linspace(0.0, 1.0, n_states + 1)
        if not isinstance(domain, Continuous):
            order = self.copula.orders[parent]
            rates, edges = rates[order], _edges(domain.shares[order])
        latent = self.position[parent]
        before = self.states.get(latent, States(ndtri(edges), rows[:0], np.ones((0, n_states))))
        every = np.union1d(before.rows, rows)
        weights = np.ones((len(every), n_states))
        weights[np.searchsorted(every, before.rows)] = before.weights
        weights[np.searchsorted(every, rows)] *= np.where(gone[rows, None], rates, 1.0 - rates)
        self.states[latent] = States(before.cuts, every, weights)


def _edges(shares: Array) -> Array:
    """Probabilities at which each code begins, and 1; shape (n_codes + 1,)."""
    edges = np.concatenate([[0.0], np.cumsum(shares)])
    edges[-1] = 1.0
    return edges
