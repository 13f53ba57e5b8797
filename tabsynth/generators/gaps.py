"""What missing cells hang on: for each column with gaps, the one other column whose state tells most about them.

A state is a category, an eighth of a numeric column, or "missing". Gaps are drawn in an order in which the column
they hang
on is already complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.table import Continuous, Domain, EncodedTable

Array = np.ndarray[Any, Any]

N_BINS = 8
MAX_STATES = 512
MIN_EXPLAINED = 0.02
"""Share of the gap's entropy that a column must explain to be hung on."""
_SAMPLE = 20_000


@dataclass(frozen=True)
class GapRule:
    """How often a cell is missing, by the state of another column."""

    share: float
    parent: str | None
    rates: Array  # (n_states + 1,), the last one for a parent that is itself missing; (0,) without a parent

    def state(self) -> dict[str, Any]:
        """What a model file holds of this."""
        return {"share": self.share, "parent": self.parent, "rates": self.rates}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> GapRule:
        """The rule that `state` describes."""
        return cls(state["share"], state["parent"], state["rates"])


def state_count(domain: Domain) -> int:
    """Number of states of a column, without the missing one."""
    return N_BINS if isinstance(domain, Continuous) else domain.n_codes


def column_states(array: Array, domain: Domain, missing: Array | None) -> Array:
    """State of each cell, 0 .. n_states, the last one for a missing cell; shape (n_rows,).

    Args:
        array: Encoded cells; where `missing` is given, cells that are not there may hold anything.
        domain: The column's domain.
        missing: Which cells are missing, shape (n_rows,), or None where none is.
    """
    n_states = state_count(domain)
    if isinstance(domain, Continuous):
        filled = np.where(np.isnan(array), domain.marginal.lowers[0], array)
        below = domain.marginal.probability_below(filled, inclusive=False)
        upto = domain.marginal.probability_below(filled, inclusive=True)
        states = np.minimum(((below + upto) / 2 * n_states).astype(np.int64), n_states - 1)
    else:
        states = np.maximum(array, 0).astype(np.int64)
    return states if missing is None else np.where(missing, n_states, states)


def learn_gaps(data: EncodedTable, *, k: int) -> dict[str, GapRule]:
    """Choose for each column with gaps what they hang on.

    Args:
        data: The training rows.
        k: Rows that a rate of its own must rest on, and that a cell of the table (state, missing or not) needs to be
            kept apart.

    Returns:
        Rules in the order in which gaps are to be drawn.

    Privacy: Leaves a rate of missing cells per state, with counts under `k` replaced by what the overall rate gives.
    """
    gone = {name: np.isnan(array) if array.dtype.kind == "f" else array < 0 for name, array in data.columns.items()}
    open_ = {name: mask for name, mask in gone.items() if mask.any()}
    if not open_:
        return {}
    states = {
        name: column_states(data.columns[name], domain, gone[name])
        for name, domain in data.domains.items()
        if state_count(domain) <= MAX_STATES and (name in open_ or state_count(domain) > 1)
    }
    rows = np.unique(np.linspace(0, data.n_rows - 1, min(data.n_rows, _SAMPLE)).astype(np.int64))
    sampled = {name: state[rows] for name, state in states.items()}
    explained = {
        child: {
            name: _explained(mask[rows], sampled[name], state_count(data.domains[name]) + 1)
            for name in states
            if name != child
        }
        for child, mask in open_.items()
    }
    ready = [name for name in data.columns if name not in open_]
    rules: dict[str, GapRule] = {}
    left = dict(open_)
    while left:
        # Prim's step: the gap that some complete column explains best comes next.
        best = {
            child: max(
                ((explained[child].get(name, -1.0), -n, name) for n, name in enumerate(ready)), default=(-1.0, 0, "")
            )
            for child in left
        }
        child = max(left, key=lambda name: best[name][0])
        value, _, parent = best[child]
        mask = left.pop(child)
        share = float(mask.mean())
        if value < MIN_EXPLAINED or share == 1.0:
            rules[child] = GapRule(share, None, np.zeros(0))
        else:
            n_states = state_count(data.domains[parent]) + 1
            rules[child] = GapRule(share, parent, _rates(mask, states[parent], n_states, share, k=k))
        ready.append(child)
    return rules


def _explained(gone: Array, states: Array, n_states: int) -> float:
    """Share of the entropy of a gap that a state explains, less what chance would explain."""
    n = len(gone)
    share = gone.mean()
    if share in (0.0, 1.0):
        return 0.0
    total = np.bincount(states, minlength=n_states)
    missing = np.bincount(states, weights=gone, minlength=n_states)
    used = total > 0
    rate = missing[used] / total[used]
    within = float(np.sum(total[used] * _entropy(rate))) / n
    by_chance = (used.sum() - 1) / (2 * n)
    return float(1 - (within + by_chance) / _entropy(np.array([share]))[0])


def _entropy(p: Array) -> Array:
    q = np.clip(p, 1e-12, 1 - 1e-12)
    return np.where((p <= 0) | (p >= 1), 0.0, -(q * np.log(q) + (1 - q) * np.log(1 - q)))


def _rates(gone: Array, states: Array, n_states: int, share: float, *, k: int) -> Array:
    """Rate of missing cells in each state, from counts of at least `k`; shape (n_states,)."""
    total = np.bincount(states, minlength=n_states).astype(np.float64)
    missing = np.bincount(states, weights=gone, minlength=n_states)
    there = total - missing
    half = np.divide(k / 2, total, out=np.zeros(n_states), where=total > 0)
    # One to k - 1 exceptions in a state would point at people: all such counts give the same rate.
    rates = np.divide(missing, total, out=np.zeros(n_states), where=total > 0)
    rates = np.where((missing > 0) & (missing < k), np.minimum(half, share), rates)
    rates = np.where((there > 0) & (there < k), 1 - np.minimum(half, 1 - share), rates)
    return np.where(total < k, share, rates)
