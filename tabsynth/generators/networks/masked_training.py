"""Training of the any-order network: which columns are shown in a step, and the loss.

A step shows half of its rows the columns before each column in the order of drawing, and half those before it in a few
orders drawn for the step. So the order that most rows are drawn in is learned best, and any other is learned as well.

Decisions
- Loss per row, optimiser and batches come from outside: a private training replaces them and keeps the rest.
- Training stops by held-out rows under the same two kinds of order, a few random ones that stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.func import functional_call

from tabsynth.generators.networks.masked import MaskedNetwork
from tabsynth.generators.networks.training import Average, Trainer

Array = np.ndarray[Any, Any]
Batches = Callable[[], Iterator[torch.Tensor]]

WARM_UP = 100
"""Steps in which the rate rises."""
DECAY = 0.01
"""Weight decay."""
BETAS = (0.9, 0.99)
LARGEST_GRADIENT = 5.0
OTHER_ORDERS = 4
CHECK_ORDERS = 3
CHECK_ROWS = 2000


def seen_before(order: Sequence[int]) -> torch.Tensor:
    """What each column is shown when columns are drawn in an order: 1 where i comes before j; (D, D)."""
    place = np.empty(len(order), np.int64)
    place[np.asarray(order)] = np.arange(len(order))
    return torch.from_numpy((place[:, None] < place[None, :]).astype(np.float32))


def shuffled(n_rows: int, size: int, device: str) -> Batches:
    """Batches that go through all rows once, in another order every time."""

    def batches() -> Iterator[torch.Tensor]:
        yield from torch.split(torch.randperm(n_rows, device=device), size)

    return batches


def make_optimiser(network: MaskedNetwork, rate: float) -> torch.optim.Optimizer:
    """AdamW, which pulls weights towards 0 but not the shares of cells that biases hold."""
    named = list(network.named_parameters())
    groups = [
        {"params": [weight for name, weight in named if name.endswith("bias") == is_bias], "weight_decay": decay}
        for is_bias, decay in ((False, DECAY), (True, 0.0))
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=BETAS)


class MaskedTrainer(Trainer):
    """The network, its optimiser, and one epoch."""

    def __init__(
        self,
        network: MaskedNetwork,
        cells: Array,
        held: Array,
        *,
        order: Sequence[int],
        batches: Batches,
        optimiser: torch.optim.Optimizer,
        steps_per_epoch: int,
        epochs: int,
        device: str,
        rng: np.random.Generator,
    ) -> None:
        """Move rows to the device.

        Args:
            network: The network, on the device.
            cells: Cells of training rows, shape (n_rows, n_columns).
            held: Cells of held-out rows, shape (n_held, n_columns).
            order: The order of drawing, as positions of columns.
            batches: Rows of each step of an epoch.
            optimiser: Of the network's parameters.
            steps_per_epoch: Steps that `batches` gives, about.
            epochs: Epochs over which the rate falls to nothing.
            device: `cpu` or `cuda`.
            rng: Source of the orders that held-out rows are rated in.
        """
        self.network, self.batches, self.optimiser, self.device = network, batches, optimiser, device
        self.cells = torch.from_numpy(cells).to(device)
        self.held = torch.from_numpy(held[:CHECK_ROWS]).to(device)
        self.usual = seen_before(order).to(device)
        self.check_orders = [seen_before(rng.permutation(len(order)).tolist()).to(device) for _ in range(CHECK_ORDERS)]
        self.steps_per_epoch, self.last_step = steps_per_epoch, epochs * steps_per_epoch
        self.rates = [group["lr"] for group in optimiser.param_groups]
        weights = dict(network.named_parameters())
        self.average = Average.of(weights)
        self.networks, self.optimisers = {"network": weights}, {"network": optimiser}

    def epoch(self) -> dict[str, float]:
        """Train on every batch; the mean loss of a row."""
        total, n_rows = torch.zeros((), device=self.device), 0
        self.network.train()
        for rows in self.batches():
            losses = self.row_losses(self.cells[rows])
            self._set_rate()
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.mean())
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
            self.optimiser.step()
            self.average.update(self.networks["network"])
            total += losses.detach().sum()
            n_rows += len(rows)
        return {"loss": float(total) / max(n_rows, 1)}

    def row_losses(self, cells: torch.Tensor) -> torch.Tensor:
        """Loss of each row of a batch, its columns summed: half in the order of drawing, half in others; (B,)."""
        half = len(cells) // 2
        parts = [(cells[:half], self.usual)]
        for part in torch.chunk(cells[half:], OTHER_ORDERS):
            parts.append((part, seen_before(torch.randperm(cells.shape[1]).tolist()).to(self.device)))
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.device == "cuda"):
            return torch.cat([self.network(part, seen).sum(dim=1) for part, seen in parts if len(part)])

    def check(self, weights: dict[str, Array]) -> float:
        """Mean loss of held-out rows: half of it in the order of drawing, half in other orders."""
        tensors = {name: torch.from_numpy(array).to(self.device) for name, array in weights.items()}
        self.network.eval()
        with torch.no_grad():
            usual, *others = (
                float(functional_call(self.network, tensors, (self.held, seen)).sum(dim=1).mean())
                for seen in (self.usual, *self.check_orders)
            )
        return (usual + sum(others) / len(others)) / 2

    def _set_rate(self) -> None:
        """Rise to the rate, then fall along a cosine; steps are counted by the average."""
        step = self.average.steps
        share = min(1.0, (1 + step) / WARM_UP) * 0.5 * (1 + np.cos(np.pi * min(1.0, step / self.last_step)))
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
