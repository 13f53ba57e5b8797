"""Rows as tensors: one-hot blocks beside numbers, softmax over blocks, and first weights.

Decisions
- Rows are kept as slots, not one-hot: a batch is spread out on the device when it is needed.
- No operation adds in an order that a GPU is free to choose, so a GPU repeats itself, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tabsynth.generators.networks.representation import Representation

Array = np.ndarray[Any, Any]


class RowStore:
    """The training rows on a device."""

    def __init__(self, slots: Array, numbers: Array, representation: Representation, device: str) -> None:
        """Move rows to the device.

        Args:
            slots: Shape (n_rows, n_blocks).
            numbers: Shape (n_rows, n_numbers).
            representation: The layout.
            device: Where they go.
        """
        self.n_numbers = len(representation.numbers)
        self.width = self.n_numbers + int(representation.offsets[-1])
        self.places = torch.from_numpy(slots + representation.offsets[:-1] + self.n_numbers).to(device)
        self.numbers = torch.from_numpy(numbers).to(device)
        components = representation.component_slots
        self.components = torch.from_numpy(components).to(device)  # (n_slots, n_numbers)
        self.always = torch.from_numpy((components.sum(axis=0) == 0).astype(np.float32)).to(device)

    def take(self, rows: torch.Tensor) -> torch.Tensor:
        """Vectors of rows; shape (n, n_numbers + n_slots)."""
        spread = torch.zeros(len(rows), self.width, device=self.numbers.device)
        spread[:, : self.n_numbers] = self.numbers[rows]
        return spread.scatter_(1, self.places[rows], 1.0)

    def gate(self, choices: torch.Tensor) -> torch.Tensor:
        """How far each number means something, given (soft) choices of slots; shape (n, n_numbers), 0 to 1."""
        return choices @ self.components + self.always


class BlockSoftmax:
    """Softmax inside every block of logits (n, n_slots); blocks of one width in one operation."""

    def __init__(self, representation: Representation) -> None:
        """Take the layout."""
        self.groups = representation.groups

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities, shape (n, n_slots)."""
        return self._each(logits, torch.softmax)

    def log(self, logits: torch.Tensor) -> torch.Tensor:
        """Logarithms of the probabilities, shape (n, n_slots)."""
        return self._each(logits, torch.log_softmax)

    def _each(self, logits: torch.Tensor, function: Any) -> torch.Tensor:
        if not self.groups:
            return logits
        parts = [
            function(logits[:, start : start + count * width].reshape(len(logits), count, width), dim=2).flatten(1)
            for start, count, width in self.groups
        ]
        return torch.cat(parts, dim=1)


def dense(name: str, inputs: int, outputs: int, device: str) -> dict[str, torch.Tensor]:
    """First weights of a linear layer, uniform within 1 / sqrt(inputs)."""
    bound = max(inputs, 1) ** -0.5
    weight, bias = torch.empty(inputs, outputs), torch.empty(outputs)
    return {
        f"{name}.weight": weight.uniform_(-bound, bound).to(device),
        f"{name}.bias": bias.uniform_(-bound, bound).to(device),
    }
