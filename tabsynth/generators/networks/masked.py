"""The any-order network in torch: what each column may be, given whichever other columns are shown.

Every column has a small network of its own over the embeddings of the columns shown to it: one hidden layer, one
residual layer, and a softmax over its groups of cells; a second softmax, given the group, over the places in it. Which
columns a column sees is an input, so one set of weights answers every question "this column given those", and one pass
answers it for all columns of a row at once.

Decisions
- A hidden layer per column, where a masked autoencoder has one trunk for all: in one pass every column can then have
  another set of columns shown, and a row gives as many losses as it has columns. Measured in `autoregressive.py`.
- No normalisation over a batch, and a loss per row and column: gradients of single rows are well defined, as
  differentially private training needs them.
- An unseen column adds nothing: its embedding is not summed. A seen one adds its embedding, which tells its value and
  that it is seen.
- Look-ups are embeddings and nothing is scattered, so a GPU has no order of addition to choose.

Source: Germain et al. 2015, "MADE: Masked Autoencoder for Distribution Estimation", section 4 (order-agnostic
training); Uria, Murray, Larochelle 2014, "A Deep and Tractable Density Estimator".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tabsynth.generators.boosting.cells import Cells
from tabsynth.generators.networks.digits import CellLayout

Array = np.ndarray[Any, Any]

ABSENT = -1e9
"""Added to the logit of a digit that a column does not have."""
LEAST_SHARE = 1e-6
WAVES = 6


class MaskedNetwork(nn.Module):
    """Conditional distributions of all columns. Shapes: B rows, D columns, E embedding size, H hidden size."""

    numbers: torch.Tensor
    """(D,), first cell of each column among the cells of all."""
    group: torch.Tensor
    """(all cells,), first digit."""
    place: torch.Tensor
    """(all cells,), second digit."""
    slot: torch.Tensor
    """(all cells,), row of `embedding`: of the cell, or of its group where the column is ordered."""
    scale_of: torch.Tensor
    """(all cells, 1 + 2 * WAVES), place on the quantile scale as waves; 0 for categories and missing cells."""
    column_of: torch.Tensor
    """(all cells,), column."""
    group_absent: torch.Tensor
    """(D, 1, groups), 0 or `ABSENT`."""
    place_absent: torch.Tensor
    """(columns with two digits, groups, places), 0 or `ABSENT`."""

    def __init__(self, layout: CellLayout, *, embedding: int, hidden: int, dropout: float) -> None:
        """Begin at independent columns: the output layers start at the shares of the cells.

        Args:
            layout: Cells and digits.
            embedding: Numbers that stand for a cell.
            hidden: Width of a column's layers.
            dropout: Share of hidden numbers left out in training.
        """
        super().__init__()
        self.layout, self.dropout = layout, dropout
        n, n_two = len(layout.cells), len(layout.two_digits)
        groups = max((digits.n_groups for digits in layout.digits), default=1)
        places = max((digits.n_places for digits in layout.digits), default=1)
        self._number_cells(layout)
        group_bias, place_bias = _log_shares(layout, groups, places)
        self.register_buffer("group_absent", torch.where(group_bias <= ABSENT, ABSENT, 0.0)[:, None], persistent=False)
        self.register_buffer("place_absent", torch.where(place_bias <= ABSENT, ABSENT, 0.0), persistent=False)
        self.embedding = nn.Parameter(0.5 * torch.randn(int(self.slot.max()) + 1, embedding))
        self.waves = nn.Parameter(0.3 * torch.randn(n, 1 + 2 * WAVES, embedding))
        self.first = nn.Parameter(torch.randn(n * embedding, n, hidden) * (2 / (n * embedding)) ** 0.5)
        self.first_bias = nn.Parameter(torch.zeros(n, 1, hidden))
        self.second = nn.Parameter(torch.randn(n, hidden, hidden) * hidden**-0.5)
        self.second_bias = nn.Parameter(torch.zeros(n, 1, hidden))
        self.group_weight = nn.Parameter(0.01 * torch.randn(n, hidden, groups))
        self.group_bias = nn.Parameter(group_bias.clamp(min=np.log(LEAST_SHARE))[:, None])
        self.third = nn.Parameter(torch.randn(n_two, hidden, hidden) * hidden**-0.5)
        self.third_scale = nn.Parameter(torch.ones(n_two, groups, hidden))
        self.third_bias = nn.Parameter(0.1 * torch.randn(n_two, groups, hidden))
        self.place_weight = nn.Parameter(0.01 * torch.randn(n_two, hidden, places))
        self.place_bias = nn.Parameter(place_bias.clamp(min=np.log(LEAST_SHARE)))

    def forward(self, cells: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Loss of each cell given the cells that its column is shown.

        Args:
            cells: Cells of rows, shape (B, D), int64.
            seen: 1 where column i is shown to column j, else 0; shape (D, D), zeros on the diagonal.

        Returns:
            Negative log-probabilities, shape (B, D).
        """
        numbered = cells + self.numbers
        hidden = self.hidden(functional.embedding(numbered, self.table()), seen)
        group = functional.embedding(numbered, self.group[:, None])[..., 0].T  # (D, B)
        logits = torch.baddbmm(self.group_bias, hidden, self.group_weight) + self.group_absent
        losses = list(_negative_log(logits, group))
        if self.layout.two_digits:
            place = functional.embedding(numbered, self.place[:, None])[..., 0].T
            for number, found in enumerate(self._place_losses(hidden, group, place)):
                position = self.layout.two_digits[number]
                losses[position] = losses[position] + found
        return torch.stack(losses, dim=1)

    def table(self) -> torch.Tensor:
        """Embedding of every cell of every column, shape (all cells, E)."""
        base = functional.embedding(self.slot, self.embedding)
        waves = [
            self.scale_of[start:stop] @ self.waves[column]
            for column, (start, stop) in enumerate(zip(self.layout.starts[:-1], self.layout.starts[1:], strict=True))
        ]
        return base + torch.cat(waves)

    def hidden(self, embedded: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """What each column makes of the columns it is shown; (B, D, E) and (D, D) -> (D, B, H)."""
        n, size = seen.shape[0], embedded.shape[-1]
        first = self.first.reshape(n, size, n, -1) * seen[:, None, :, None]
        start = (embedded.flatten(1) @ first.reshape(n * size, -1)).reshape(len(embedded), n, -1).transpose(0, 1)
        hidden = self._drop(functional.relu(start + self.first_bias))
        return hidden + self._drop(functional.relu(torch.baddbmm(self.second_bias, hidden, self.second)))

    def _place_losses(self, hidden: torch.Tensor, group: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Losses of the second digits given the first, shape (columns with two digits, B)."""
        chosen = torch.tensor(self.layout.two_digits, device=hidden.device)
        group, place = group[chosen], place[chosen]  # (n_two, B)
        n_two, groups = self.third_scale.shape[:2]
        at = group + groups * torch.arange(n_two, device=hidden.device)[:, None]
        scale, shift = (
            functional.embedding(at, table.flatten(0, 1)) for table in (self.third_scale, self.third_bias)
        )  # (n_two, B, H)
        inner = functional.relu(torch.bmm(hidden[chosen], self.third) * scale + shift)
        bias = functional.embedding(at, (self.place_bias + self.place_absent).flatten(0, 1))
        return _negative_log(torch.baddbmm(bias, inner, self.place_weight), place)

    def _drop(self, hidden: torch.Tensor) -> torch.Tensor:
        return functional.dropout(hidden, self.dropout, self.training) if self.dropout else hidden

    def _number_cells(self, layout: CellLayout) -> None:
        slots, first = [], 0
        for cells, digits in zip(layout.cells, layout.digits, strict=True):
            own = digits.group if cells.ordered else np.arange(cells.n_cells)
            slots.append(first + own)
            first += int(own.max()) + 1
        buffers = {
            "numbers": layout.starts[:-1],
            "group": np.concatenate([digits.group for digits in layout.digits]),
            "place": np.concatenate([digits.place for digits in layout.digits]),
            "slot": np.concatenate(slots),
            "scale_of": np.concatenate([_waves(cells) for cells in layout.cells]),
        }
        for name, array in buffers.items():
            self.register_buffer(name, torch.from_numpy(array), persistent=False)


def export(weights: Mapping[str, Array], layout: CellLayout) -> dict[str, Array]:
    """Weights as `Conditionals` takes them: the embedding of each cell worked out, absent digits closed.

    Args:
        weights: Parameters of a `MaskedNetwork`, by name.
        layout: Its layout.
    """
    shape = weights["embedding"].shape[1], weights["first"].shape[2]
    network = MaskedNetwork(layout, embedding=shape[0], hidden=shape[1], dropout=0.0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
        kept = {name: array for name, array in weights.items() if name not in ("embedding", "waves")}
        kept["table"] = network.table().numpy().copy()
        kept["group_bias"] = (network.group_bias + network.group_absent).numpy().copy()
        kept["place_bias"] = (network.place_bias + network.place_absent).numpy().copy()
    return kept


def _negative_log(logits: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in full precision; (n, B, choices) and (n, B) -> (n, B)."""
    flat = functional.cross_entropy(logits.float().flatten(0, 1), chosen.flatten(), reduction="none")
    return flat.reshape(chosen.shape)


def _log_shares(layout: CellLayout, groups: int, places: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-shares of first digits (D, groups), and of second ones given the first (n_two, groups, places)."""
    of_group = np.full((len(layout.cells), groups), 2 * ABSENT)
    of_place = np.full((len(layout.two_digits), groups, places), 2 * ABSENT)
    for position, (cells, digits) in enumerate(zip(layout.cells, layout.digits, strict=True)):
        shares = np.zeros((digits.n_groups, digits.n_places))
        shares[digits.group, digits.place] = np.maximum(cells.masses, LEAST_SHARE)
        totals = shares.sum(axis=1)
        of_group[position, : len(totals)] = np.log(totals / totals.sum())
        if position in layout.two_digits:
            there = shares > 0
            within = np.log(np.where(there, shares, 1.0) / totals[:, None])
            part = of_place[layout.two_digits.index(position)]
            part[: shares.shape[0], : shares.shape[1]] = np.where(there, within, 2 * ABSENT)
    return torch.from_numpy(of_group.astype(np.float32)), torch.from_numpy(of_place.astype(np.float32))


def _waves(cells: Cells) -> Array:
    """Middle of each cell on the quantile scale, and sines and cosines of it; (n_cells, 1 + 2 * WAVES), float32."""
    shown = np.zeros((cells.n_cells, 1 + 2 * WAVES), np.float32)
    if cells.ordered:
        masses = cells.masses[: cells.n_present]
        middle = (np.cumsum(masses) - masses / 2) / max(float(masses.sum()), LEAST_SHARE)
        angles = np.pi * middle[:, None] * 2.0 ** np.arange(WAVES)
        shown[: cells.n_present] = np.hstack([2 * middle[:, None] - 1, np.sin(angles), np.cos(angles)])
    return shown
