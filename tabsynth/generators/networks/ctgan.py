"""CTGAN: a generator network that is told one category of the row it makes, trained against a critic.

Decisions
- Layer normalisation in the generator where the paper has batch normalisation: what a row becomes then depends on
  that row alone, in training and in sampling alike. With batch normalisation the rows of one draw mix, a condition on
  all of them shifts the statistics, and averaged weights do not fit the averaged statistics.
- The last layer starts at the shares of the slots, so that training begins at the right marginals.
- Mode and category are drawn from the softmax, as the paper's network does, not the likeliest one.

Source: Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, "Modeling Tabular Data using Conditional GAN", section
4; Gulrajani et al. 2017, "Improved Training of Wasserstein GANs"; Lin et al. 2018, "PacGAN"; Jang, Gu, Poole 2017,
"Categorical Reparameterization with Gumbel-Softmax"; Ba, Kiros, Hinton 2016, "Layer Normalization".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from tabsynth.encoding.given import EncodedGiven
from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.base import Fitted
from tabsynth.generators.networks.fitted import FittedNetwork, choose_slots
from tabsynth.generators.networks.network import PATIENCE, NetworkGenerator
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.networks.training import Run

Array = np.ndarray[Any, Any]

NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class FittedCTGAN(FittedNetwork):
    """The generator network; the critic is not kept."""

    def propose(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> tuple[Array, Array]:
        """See `FittedNetwork.propose`; a condition on a category goes into the conditional vector."""
        n_conditions = sum(self.representation.columns[name].width for name in self.representation.choices)
        first = self.weights["hidden.0.weight"] if "hidden.0.weight" in self.weights else self.weights["out.weight"]
        noise = rng.standard_normal((n_rows, len(first) - n_conditions), dtype=np.float32)
        condition = self._conditions(n_rows, n_conditions, rng, given)
        out = generator_output(self.weights, np.concatenate([noise, condition], axis=1))
        n_numbers = len(self.representation.numbers)
        return choose_slots(out[:, n_numbers:], self.representation, rng=rng), np.tanh(out[:, :n_numbers])

    def _conditions(self, n_rows: int, width: int, rng: np.random.Generator, given: EncodedGiven) -> Array:
        """A slot of one column per row, by its share: any column, or the rarest thing that is given; one-hot."""
        condition = np.zeros((n_rows, width), np.float32)
        shares = [self._allowed_shares(name, given) for name in self.representation.choices]
        if not shares:
            return condition
        totals = np.array([part.sum() for part in shares])
        asked = [name in given for name in self.representation.choices]
        if any(asked) and totals[asked].min() > 0:
            column = np.full(n_rows, int(np.argmin(np.where(asked, totals, np.inf))))
        else:
            column = rng.integers(len(shares), size=n_rows)
            shares = [self.representation.columns[name].shares for name in self.representation.choices]
        cumulative = np.concatenate(
            [number + np.cumsum(part) / part.sum() for number, part in enumerate(shares) if part.sum() > 0]
        )
        slot = np.searchsorted(cumulative, column + rng.random(n_rows) * (1 - 1e-9), side="right")
        condition[np.arange(n_rows), slot] = 1.0
        return condition

    def _allowed_shares(self, name: str, given: EncodedGiven) -> Array:
        """Shares of the slots of a column, 0 where a condition forbids the slot."""
        column, asked = self.representation.columns[name], given.get(name)
        if asked is None or (asked.codes is None and not asked.missing):
            return column.shares
        allowed = np.zeros(column.width, bool)
        if asked.missing:
            allowed[: column.gap] = True
        elif asked.codes is not None:
            allowed[column.gap :] = asked.codes[column.codes]
        return np.where(allowed, column.shares, 0.0)


def generator_output(weights: Any, inputs: Array) -> Array:
    """Numbers before tanh, then logits of slots; shape (n_rows, n_numbers + n_slots)."""
    hidden, layer = inputs, 0
    while f"hidden.{layer}.weight" in weights:
        name = f"hidden.{layer}"
        linear = hidden @ weights[f"{name}.weight"] + weights[f"{name}.bias"]
        centred = linear - linear.mean(axis=1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + np.float32(NORM_EPSILON))
        rated = np.maximum(normal * weights[f"{name}.scale"] + weights[f"{name}.shift"], np.float32(0.0))
        hidden, layer = np.concatenate([hidden, rated], axis=1), layer + 1
    return hidden @ weights["out.weight"] + weights["out.bias"]


class CTGAN(NetworkGenerator):
    """Conditional GAN of Xu et al. 2019: sees any dependence, marginals only roughly; slow; needs torch."""

    name: ClassVar[str] = "ctgan"
    fitted_type: ClassVar[type[Fitted]] = FittedCTGAN

    batch_size: int = Field(default=500, ge=2, description="Rows per step; a multiple of pac.")
    pac: int = Field(default=10, ge=1, description="Rows that the critic judges together, against mode collapse.")
    embedding_size: int = Field(default=128, ge=1, description="Random numbers that a row is made from.")
    generator_layers: tuple[int, ...] = Field(default=(256, 256), description="Widths of the generator's layers.")
    critic_layers: tuple[int, ...] = Field(default=(256, 256), description="Widths of the critic's layers.")
    learning_rate: float = Field(default=2e-4, gt=0, description="Step size of Adam, for both networks.")
    critic_steps: int = Field(default=1, ge=1, description="Steps of the critic for one of the generator.")
    max_modes: int = Field(default=10, ge=1, description="Modes of a numeric column, point masses apart, at most.")
    patience: int = Field(default=40, ge=0, description=PATIENCE)

    @model_validator(mode="after")
    def _packs_fill_the_batch(self) -> Self:
        if self.batch_size % self.pac:
            raise ValueError("batch_size must be a multiple of pac")
        if min((*self.generator_layers, *self.critic_layers), default=1) < 1:
            raise ValueError("generator_layers and critic_layers must be widths of 1 or more")
        return self

    def train_network(self, data: EncodedTable, run: Run) -> FittedCTGAN:
        """Train both networks and keep the generator."""
        from tabsynth.generators.networks.adversarial import train_ctgan

        representation = Representation.fit(data, max_modes=self.max_modes)
        weights, losses = train_ctgan(self, data, representation, run)
        return FittedCTGAN(dict(data.domains), representation, weights, losses, tuple(run.notes))
