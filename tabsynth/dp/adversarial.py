"""The side of dp-ctgan that never meets a real row: the generator, and what it is trained towards, in torch.

Decisions
- Choices are made as they are at sampling: each code of a row is one that was drawn, and gradients go through the soft
  choice beside it (straight-through Gumbel softmax). In an early version, at epsilon 10, soft choices
  in place of drawn ones took pairs of Adult from .053 to .105.
- The squared distance from the noisy gradients is a product of two halves of a batch: the square of one mean would add
  the variance of the batch, and reward a generator for rows that are all alike.
- All random numbers come from a fixed seed: nothing here is private, and nothing here protects anybody.

Source: Jang, Gu and Poole 2017 and Maddison, Mnih and Teh 2017 for choices with gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from tabsynth.randomness import child

Array = np.ndarray[Any, Any]

BETAS = (0.9, 0.99)
KEPT = 0.99
"""How much of the last weights stays in their average."""
LEAST_RATE = 0.02
"""Of the step size, at the end."""
SHARES_WEIGHT, SHARES_FLOOR = 1.0, 0.01
GRADIENTS_WEIGHT = 100.0


class FreeSide:
    """A generator, and the noisy gradients of all critics so far, which it is moved to have, too."""

    def __init__(self, weights: Mapping[str, Array], table: Array, shares: Sequence[Array], *, marks: Array) -> None:
        """Take the first weights.

        Args:
            weights: Arrays of `ctgan.logits_of`, by name.
            table: Numbers that stand for each code, below each other column by column, (all codes, inputs).
            shares: Noisy shares of the codes of each column.
            marks: What each unit of a critic counts, (units,), times the scale of its slopes.
        """
        self._weights = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
        self._average = {name: tensor.detach().clone() for name, tensor in self._weights.items()}
        self._table = torch.tensor(table)
        self._widths = [len(each) for each in shares]
        self._shares = torch.tensor(np.concatenate(shares), dtype=torch.float32)
        self._marks = torch.tensor(marks, dtype=torch.float32)
        self._latent = weights["first"].shape[0]
        self._optimiser = torch.optim.Adam(list(self._weights.values()), betas=BETAS)
        self._random = torch.Generator().manual_seed(0)
        self._picks = child(0, "dp-ctgan", "critics")
        self._critics: list[torch.Tensor] = []
        self._seen: list[torch.Tensor] = []

    def remember(self, critic: Array, gradient: Array) -> None:
        """Keep a critic, and the noisy mean gradient that real rows gave it; both (inputs + 1, units)."""
        self._critics.append(torch.tensor(critic, dtype=torch.float32))
        self._seen.append(torch.tensor(gradient, dtype=torch.float32))

    def gradient(self, n_rows: int, *, longest: float) -> Array:
        """Mean gradient that drawn rows give the last critic, each no longer than `longest`; (inputs + 1, units)."""
        with torch.no_grad():
            rows, _ = self._draw(n_rows)
            return self._gradient(rows, self._critics[-1], longest).numpy()

    def learn(self, n_rows: int, *, critics: int, rate: float, longest: float) -> None:
        """One step of Adam towards rows that give the last critic, and some earlier ones, the gradients they had.

        Args:
            n_rows: Rows that are drawn for it.
            critics: How many critics.
            rate: Step size.
            longest: Largest length of the gradient of one row, as for real rows.
        """
        picked = [len(self._critics) - 1, *self._picks.integers(0, len(self._critics), critics - 1).tolist()]
        critic = torch.cat([self._critics[place] for place in picked], dim=1)
        seen = torch.cat([self._seen[place] for place in picked], dim=1)
        rows, chances = self._draw(n_rows)
        ours = [self._gradient(half, critic, longest) - seen for half in rows.chunk(2)]
        loss = GRADIENTS_WEIGHT / critics * (ours[0] * ours[-1]).sum() / longest**2
        away = chances.mean(dim=0) - self._shares
        loss = loss + SHARES_WEIGHT * (away**2 / (self._shares + SHARES_FLOOR)).sum()
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        with torch.no_grad():
            for name, tensor in self._average.items():
                tensor.lerp_(self._weights[name], 1 - KEPT)

    def weights(self) -> dict[str, Array]:
        """The averaged arrays of the generator, by name."""
        return {name: tensor.numpy().copy() for name, tensor in self._average.items()}

    def _draw(self, n_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows as critics see them, (n_rows, inputs), and the chances of their codes, (n_rows, all codes)."""
        own = self._weights
        latent = torch.randn(n_rows, self._latent, generator=self._random)
        first = functional.relu(latent @ own["first"] + own["first_bias"])
        second = first + functional.relu(first @ own["second"] + own["second_bias"])
        logits = second @ own["out"] + own["out_bias"]
        uniform = torch.rand(logits.shape, generator=self._random).clamp(1e-9, 1 - 1e-7)
        noisy = logits - torch.log(-torch.log(uniform))
        chances, choices = [], []
        parts = (torch.split(each, self._widths, dim=1) for each in (noisy, logits))
        for part, plain in zip(*parts, strict=True):
            soft = functional.softmax(part, dim=1)
            hard = torch.zeros_like(soft).scatter_(1, soft.argmax(dim=1, keepdim=True), 1.0)
            choices.append(hard + soft - soft.detach())
            chances.append(functional.softmax(plain, dim=1))
        return torch.cat(choices, dim=1) @ self._table, torch.cat(chances, dim=1)

    def _gradient(self, rows: torch.Tensor, critics: torch.Tensor, longest: float) -> torch.Tensor:
        """Mean gradient that rows give critics side by side, (inputs + 1, units of all); see `ctgan.Adversaries`."""
        units = len(self._marks)
        slopes = torch.tanh(rows @ critics[:-1] + critics[-1]).view(len(rows), -1, units) * self._marks
        with torch.no_grad():
            lengths = torch.sqrt((1 + (rows**2).sum(dim=1, keepdim=True)) * (slopes**2).sum(dim=2))
            factors = longest / lengths.clamp(min=longest)
        slopes = (slopes * factors[:, :, None]).flatten(1)
        return torch.cat([rows.T @ slopes, slopes.sum(dim=0, keepdim=True)]) / len(rows)
