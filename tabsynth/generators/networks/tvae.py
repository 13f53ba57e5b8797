"""TVAE: a variational autoencoder over the same vector as CTGAN's; trains in a fraction of the time, and steadily.

Decisions
- Slots and numbers are drawn from the decoder's distribution, not its likeliest point: the likeliest point of every
  row loses rare categories and most of the spread.
- The reconstruction weighs 1, as in the bound. Other implementations give it 2: codes of rows then leave the prior
  that sampling draws from, and marginals drift the longer the training.
- Training stops by the loss of held-out rows, the same bound on their likelihood that is trained.

Source: Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, "Modeling Tabular Data using Conditional GAN", section
4.5; Kingma, Welling 2014, "Auto-Encoding Variational Bayes".
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
from tabsynth.generators.networks.network import NetworkGenerator
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.networks.training import Run

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FittedTVAE(FittedNetwork):
    """The decoder network; the encoder is not kept."""

    def propose(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> tuple[Array, Array]:
        """See `FittedNetwork.propose`; conditions are met by redrawing alone."""
        first = self.weights["hidden.0.weight"] if "hidden.0.weight" in self.weights else self.weights["out.weight"]
        out = decoder_output(self.weights, rng.standard_normal((n_rows, len(first)), dtype=np.float32))
        n_numbers = len(self.representation.numbers)
        noise = rng.standard_normal((n_rows, n_numbers), dtype=np.float32)
        numbers = np.tanh(out[:, :n_numbers]) + noise * np.exp(self.weights["log_spread"])
        return choose_slots(out[:, n_numbers:], self.representation, rng=rng), numbers


def decoder_output(weights: Any, latent: Array) -> Array:
    """Numbers before tanh, then logits of slots; shape (n_rows, n_numbers + n_slots)."""
    hidden, layer = latent, 0
    while f"hidden.{layer}.weight" in weights:
        linear = hidden @ weights[f"hidden.{layer}.weight"] + weights[f"hidden.{layer}.bias"]
        hidden, layer = np.maximum(linear, np.float32(0.0)), layer + 1
    return hidden @ weights["out.weight"] + weights["out.bias"]


class TVAE(NetworkGenerator):
    """Variational autoencoder of Xu et al. 2019: sees any dependence, blurs it; needs torch."""

    name: ClassVar[str] = "tvae"
    fitted_type: ClassVar[type[Fitted]] = FittedTVAE

    batch_size: int = Field(default=500, ge=1, description="Rows per step.")
    embedding_size: int = Field(default=128, ge=1, description="Numbers that a row is compressed to.")
    encoder_layers: tuple[int, ...] = Field(default=(128, 128), description="Widths of the encoder's layers.")
    decoder_layers: tuple[int, ...] = Field(default=(128, 128), description="Widths of the decoder's layers.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Step size of Adam.")
    loss_factor: float = Field(
        default=1.0, gt=0, description="Weight of the reconstruction against the distance of the code from its prior."
    )
    max_modes: int = Field(default=10, ge=1, description="Modes of a numeric column, point masses apart, at most.")

    @model_validator(mode="after")
    def _layers_have_a_width(self) -> Self:
        if min((*self.encoder_layers, *self.decoder_layers), default=1) < 1:
            raise ValueError("encoder_layers and decoder_layers must be widths of 1 or more")
        return self

    def train_network(self, data: EncodedTable, run: Run) -> FittedTVAE:
        """Train the autoencoder and keep the decoder."""
        from tabsynth.generators.networks.variational import train_tvae

        representation = Representation.fit(data, max_modes=self.max_modes)
        weights, losses = train_tvae(self, data, representation, run)
        return FittedTVAE(dict(data.domains), representation, weights, losses, tuple(run.notes))
