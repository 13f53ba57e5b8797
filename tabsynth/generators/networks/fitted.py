"""Fitted networks: weights as arrays, rows by a few matrix products in numpy, and conditions by bounded redrawing.

Decisions
- No torch to sample: a model trained on a GPU draws the same rows on a laptop that has none, and numpy on one thread
  gives the same bytes on every run.
- A network has no exact conditional distribution. Rows are proposed (with a conditional vector where the network
  knows one) and kept where the condition holds; see `generators/redrawing.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tabsynth.encoding.given import EncodedGiven
from tabsynth.encoding.table import Domain
from tabsynth.generators.base import Fitted
from tabsynth.generators.independent import require_possible
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.redrawing import redraw

Array = np.ndarray[Any, Any]

CHUNK = 10_000
"""Rows that go through the network at once."""


@dataclass(frozen=True)
class FittedNetwork(Fitted):
    """What a network learned: its weights, the layout of its vector and how the training went."""

    domains: Mapping[str, Domain]
    representation: Representation
    weights: Mapping[str, Array]
    """float32 arrays."""
    losses: Mapping[str, Array]
    """Columns of the history of the training, each of shape (n_epochs,)."""
    notes: tuple[str, ...] = ()

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

        def propose(ask: int) -> dict[str, Array]:
            slots, numbers = self.propose(ask, rng=rng, given=given)
            return self.representation.decode(slots, numbers, self.domains)

        return redraw(propose, n_rows, self.domains, given=given, chunk=CHUNK, rng=rng)

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
