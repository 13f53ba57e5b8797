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
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.networks.device import Device, choose_device, require_torch, torch_session
from tabsynth.generators.networks.fitted import FittedNetwork, choose_slots
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.networks.training import Limits
from tabsynth.progress import SILENT, Progress

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


class TVAE(Generator):
    """Variational autoencoder of Xu et al. 2019: sees any dependence, blurs it; needs torch."""

    name: ClassVar[str] = "tvae"
    fitted_type: ClassVar[type[Fitted]] = FittedTVAE
    min_rows: ClassVar[int] = 200

    epochs: int = Field(default=300, ge=1, description="Passes over the training rows, at most.")
    batch_size: int = Field(default=500, ge=1, description="Rows per step.")
    embedding_size: int = Field(default=128, ge=1, description="Numbers that a row is compressed to.")
    encoder_layers: tuple[int, ...] = Field(default=(128, 128), description="Widths of the encoder's layers.")
    decoder_layers: tuple[int, ...] = Field(default=(128, 128), description="Widths of the decoder's layers.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Step size of Adam.")
    loss_factor: float = Field(
        default=1.0, gt=0, description="Weight of the reconstruction against the distance of the code from its prior."
    )
    max_modes: int = Field(default=10, ge=1, description="Modes of a numeric column, point masses apart, at most.")
    patience: int = Field(
        default=20,
        ge=0,
        description="Checks on held-out rows (one per epoch, at least 50 steps apart) without a clearly better one "
        "before training stops; 0 trains all epochs.",
    )
    time_limit: float | None = Field(
        default=None, gt=0, description="Seconds after which training stops; two fits may then differ. Default: none."
    )
    device: Device = Field(default="auto", description="Where to train: cpu, cuda, or auto (a GPU where there is one).")

    @model_validator(mode="after")
    def _layers_have_a_width(self) -> Self:
        if min((*self.encoder_layers, *self.decoder_layers), default=1) < 1:
            raise ValueError("encoder_layers and decoder_layers must be widths of 1 or more")
        return self

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> FittedTVAE:
        """Train the autoencoder and keep the decoder.

        Raises:
            MissingExtraError: torch is not installed.
            UsageError: A GPU is asked for and there is none.

        Privacy: Weights of the decoder, which were moved by every training row, leave, and with them the share of
        missing cells of each column and the losses by epoch. No row leaves; that no row can be guessed from the
        weights is not promised.
        """
        require_torch(self.name)
        from tabsynth.generators.networks.variational import train_tvae

        representation = Representation.fit(data, max_modes=self.max_modes)
        device = choose_device(self.device)
        limits = Limits(self.epochs, self.patience, self.time_limit)
        with torch_session(int(rng.integers(2**63)), device):
            weights, losses = train_tvae(
                self, data, representation, limits=limits, device=device, rng=rng, progress=progress
            )
        return FittedTVAE(dict(data.domains), representation, weights, losses)
