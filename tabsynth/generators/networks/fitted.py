"""Fitted networks: weights as arrays, rows by a few matrix products in numpy, and conditions by bounded redrawing.

Decisions
- No torch to sample: a model trained on a GPU draws the same rows on a laptop that has none, and numpy on one thread
  gives the same bytes on every run.
- A network has no exact conditional distribution. Rows are proposed (with a conditional vector where the network
  knows one) and kept where the condition holds. A condition that asks for less than `NARROW` of a numeric column
  keeps rows near it, and moves their value into it: with an equality on a number no draw would ever hold.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tabsynth.encoding.given import EncodedGiven, GivenColumn
from tabsynth.encoding.marginal import Marginal
from tabsynth.encoding.table import Continuous, Domain
from tabsynth.errors import ConstraintError
from tabsynth.generators.base import Fitted
from tabsynth.generators.independent import is_missing, require_possible
from tabsynth.generators.networks.representation import Representation

Array = np.ndarray[Any, Any]

CHUNK = 10_000
"""Rows that go through the network at once."""
MAX_DRAWS_PER_ROW = 500
"""Rows drawn for one row that satisfies the conditions, at most, on average."""
SPARE_DRAWS = 50_000
NARROW = 0.02
"""Least share of a numeric column that rows are kept from."""


@dataclass(frozen=True)
class FittedNetwork(Fitted):
    """What a network learned: its weights, the layout of its vector and how the training went."""

    domains: Mapping[str, Domain]
    representation: Representation
    weights: Mapping[str, Array]
    """float32 arrays."""
    losses: Mapping[str, Array]
    """Columns of the history of the training, each of shape (n_epochs,)."""

    @abstractmethod
    def propose(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> tuple[Array, Array]:
        """Slots (n_rows, n_blocks) and numbers (n_rows, n_numbers) of rows that may or may not satisfy `given`."""

    @property
    def history(self) -> pd.DataFrame:
        """Losses by epoch, with the distance to the held-out rows where it was measured."""
        return pd.DataFrame(dict(self.losses))

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw rows; all satisfy `given`. See `Fitted.sample_encoded`.

        Raises:
            UsageError: A condition has probability zero.
            ConstraintError: The network draws too few rows that satisfy the conditions.
        """
        for name, asked in given.items():
            require_possible(name, asked, self.representation.columns[name].missing)
        pieces: list[dict[str, Array]] = []
        rejected = dict.fromkeys(given, 0)
        kept = tried = 0
        while kept < n_rows:
            rate = max(kept / tried, 0.002) if tried else 1.0
            ask = min(CHUNK, int(np.ceil((n_rows - kept) / rate)) + (64 if given else 0))
            slots, numbers = self.propose(ask, rng=rng, given=given)
            arrays = self.representation.decode(slots, numbers, self.domains)
            good = np.ones(ask, bool)
            for name, asked in given.items():
                arrays[name], inside = restrict(arrays[name], asked, self.domains[name], rng=rng)
                rejected[name] += int((~inside).sum())
                good &= inside
            pieces.append({name: array[good] for name, array in arrays.items()} if given else arrays)
            kept, tried = kept + int(good.sum()), tried + ask
            if kept < n_rows and tried >= MAX_DRAWS_PER_ROW * n_rows + SPARE_DRAWS:
                worst = max(rejected, key=lambda name: rejected[name])
                raise ConstraintError(
                    f"given: only {kept} of {n_rows} rows were found in {tried} draws of the network "
                    f"({kept / tried:.3%} accepted); {worst} rejects {rejected[worst] / tried:.1%} of them. Ask for "
                    "fewer rows, loosen the condition, or use the generator copula, which draws inside conditions"
                )
        return {name: np.concatenate([piece[name] for piece in pieces])[:n_rows] for name in self.domains}

    def state(self) -> dict[str, Any]:
        """Weights, layout and losses. See `Fitted.state`."""
        return {
            "representation": self.representation.state(),
            "weights": dict(self.weights),
            "losses": dict(self.losses),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Domain]) -> Self:
        """See `Fitted.from_state`."""
        representation = Representation.from_state(state["representation"])
        return cls(dict(domains), representation, dict(state["weights"]), dict(state["losses"]))


def choose_slots(logits: Array, representation: Representation, *, rng: np.random.Generator) -> Array:
    """Draw a slot of every block by its probability; shape (n_rows, n_blocks), int64.

    Args:
        logits: Shape (n_rows, n_slots).
        representation: Where the blocks are.
        rng: Source of the draws; the largest of logit plus Gumbel noise is a draw from the softmax.
    """
    noisy = logits - np.log(rng.standard_exponential(logits.shape, dtype=np.float32) + np.float32(1e-30))
    chosen = [
        noisy[:, start : start + count * width].reshape(len(logits), count, width).argmax(axis=2)
        for start, count, width in representation.groups
    ]
    return np.concatenate(chosen, axis=1) if chosen else np.zeros((len(logits), 0), np.int64)


def restrict(array: Array, asked: GivenColumn, domain: Domain, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """An encoded column with near values moved into a narrow condition, and which rows then satisfy it."""
    missing = is_missing(array)
    if asked.missing:
        return array, missing
    if asked.codes is not None:
        return array, ~missing & asked.codes[np.maximum(array, 0)]
    assert asked.stretches is not None and isinstance(domain, Continuous)
    return _inside_stretches(array, missing, asked.stretches, domain.marginal, rng)


def _inside_stretches(
    array: Array, missing: Array, stretches: Array, marginal: Marginal, rng: np.random.Generator
) -> tuple[Array, Array]:
    values = np.where(missing, 0.0, array)
    pad = max(0.0, NARROW - float((stretches[:, 1] - stretches[:, 0]).sum())) / (2 * len(stretches))
    inside, near = np.zeros(len(array), bool), np.full(len(array), -1)
    for number, (start, end) in enumerate(stretches):
        inside |= _between(values, start, end, marginal)
        if pad:
            close = _between(values, max(0.0, start - pad), min(1.0, end + pad), marginal)
            near[close & (near < 0)] = number
    inside &= ~missing
    moved = ~inside & ~missing & (near >= 0)
    if moved.any():
        start, end = stretches[near[moved]].T
        u = start + rng.random(int(moved.sum())) * (end - start) * (1 - 1e-12)
        array = array.copy()
        array[moved] = marginal.quantile(u)
    return array, inside | moved


def _between(values: Array, start: float, end: float, marginal: Marginal) -> Array:
    low, high = marginal.quantile(np.array([start, start + (end - start) * (1 - 1e-12)]))
    return (values >= low) & (values <= high)
