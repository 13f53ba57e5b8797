"""Training of TVAE in torch: encoder, decoder and the bound on the likelihood.

Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", section 4.5; Kingma, Welling 2014,
"Auto-Encoding Variational Bayes", equation 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.networks.blocks import BlockSoftmax, RowStore, dense
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.networks.training import Average, Run, Trainer, split_rows, take_rows

if TYPE_CHECKING:
    from tabsynth.generators.networks.tvae import TVAE

Array = np.ndarray[Any, Any]
Weights = dict[str, torch.Tensor]

FIRST_SPREAD = 0.1
LEAST_SPREAD = 0.01


def run_layers(weights: Mapping[str, torch.Tensor], inputs: torch.Tensor, part: str) -> torch.Tensor:
    """Output of the encoder (`part` "encoder.") or the decoder ("decoder.")."""
    hidden, layer = inputs, 0
    while f"{part}hidden.{layer}.weight" in weights:
        name = f"{part}hidden.{layer}"
        hidden = functional.relu(torch.addmm(weights[f"{name}.bias"], hidden, weights[f"{name}.weight"]))
        layer += 1
    return torch.addmm(weights[f"{part}out.bias"], hidden, weights[f"{part}out.weight"])


def _first_weights(tvae: TVAE, representation: Representation, width: int, device: str) -> Weights:
    weights: Weights = {}
    size = tvae.embedding_size
    for part, sizes, outputs in (
        ("encoder.", (width, *tvae.encoder_layers), 2 * size),
        ("decoder.", (size, *tvae.decoder_layers), width),
    ):
        for number in range(len(sizes) - 1):
            weights |= dense(f"{part}hidden.{number}", sizes[number], sizes[number + 1], device)
        weights |= dense(f"{part}out", sizes[-1], outputs, device)
    n_numbers = len(representation.numbers)
    shares = torch.from_numpy(np.log(np.maximum(representation.slot_shares, 1e-4)).astype(np.float32))
    weights["decoder.out.bias"] = torch.cat([torch.zeros(n_numbers), shares]).to(device)
    weights["decoder.log_spread"] = torch.full((n_numbers,), float(np.log(FIRST_SPREAD)), device=device)
    return {name: weight.requires_grad_() for name, weight in weights.items()}


class _Trainer(Trainer):
    """The autoencoder, its optimiser, and one epoch."""

    def __init__(self, tvae: TVAE, rows: RowStore, held: RowStore, representation: Representation, device: str) -> None:
        self.tvae, self.rows, self.n_rows, self.device = tvae, rows, len(rows.places), device
        self.softmax = BlockSoftmax(representation)
        self.weights = _first_weights(tvae, representation, rows.width, device)
        self.adam = torch.optim.Adam(list(self.weights.values()), lr=tvae.learning_rate, fused=True)
        self.average = Average.of(self.weights)
        self.steps_per_epoch = -(-self.n_rows // tvae.batch_size)
        self.networks, self.optimisers = {"autoencoder": self.weights}, {"autoencoder": self.adam}
        self.held = held.take(torch.arange(len(held.places), device=device))
        self.held_noise = torch.randn(len(self.held), tvae.embedding_size, device=device)

    def epoch(self) -> dict[str, float]:
        """Train on every row once; the mean loss."""
        total = torch.zeros((), device=self.device)
        for batch in torch.split(torch.randperm(self.n_rows, device=self.device), self.tvae.batch_size):
            real = self.rows.take(batch)
            noise = torch.randn(len(real), self.tvae.embedding_size, device=self.device)
            loss = self.loss(self.weights, real, noise)
            self.adam.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            self.adam.step()
            with torch.no_grad():
                self.weights["decoder.log_spread"].clamp_(float(np.log(LEAST_SPREAD)), 0.0)
            self.average.update(self.weights)
            total += loss.detach() * len(real)
        return {"loss": float(total) / self.n_rows}

    def check(self, weights: dict[str, Array]) -> float:
        """The loss of held-out rows, always with the same noise."""
        with torch.no_grad():
            tensors = {name: torch.from_numpy(array).to(self.device) for name, array in weights.items()}
            return float(self.loss(tensors, self.held, self.held_noise))

    def loss(self, weights: Mapping[str, torch.Tensor], real: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Mean over rows (n, width) of the weighted reconstruction loss plus the divergence from the prior."""
        mean, log_variance = run_layers(weights, real, "encoder.").chunk(2, dim=1)
        latent = mean + noise * torch.exp(0.5 * log_variance)
        out = run_layers(weights, latent, "decoder.")
        n_numbers = self.rows.n_numbers
        choices = real[:, n_numbers:]
        log_spread = weights["decoder.log_spread"]
        off = (real[:, :n_numbers] - torch.tanh(out[:, :n_numbers])) / torch.exp(log_spread)
        # A number says something only where its slot is a component.
        numbers = ((0.5 * off**2 + log_spread) * self.rows.gate(choices)).sum(dim=1)
        slots = -(self.softmax.log(out[:, n_numbers:]) * choices).sum(dim=1)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance).sum(dim=1)
        return (self.tvae.loss_factor * (numbers + slots) + divergence).mean()


def train_tvae(
    tvae: TVAE, data: EncodedTable, representation: Representation, run: Run
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Train TVAE.

    Args:
        tvae: The parameters.
        data: The training rows; a tenth is held out to choose the best weights.
        representation: The layout of the network's vector.
        run: Where and how long; its random numbers choose the split and the modes.

    Returns:
        Weights of the decoder, and the history of the losses.
    """
    parts = (take_rows(data, rows) for rows in split_rows(data, rng=run.rng))
    rows, held = (RowStore(*representation.encode(part, rng=run.rng), representation, run.device) for part in parts)
    best, losses = run.train(_Trainer(tvae, rows, held, representation, run.device))
    part = "decoder."
    return {name[len(part) :]: array for name, array in best.items() if name.startswith(part)}, losses
