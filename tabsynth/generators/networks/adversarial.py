"""Training of CTGAN in torch: the two networks, training-by-sampling on the device, and the losses.

Networks are functions of named weights, so that the same names are the model file's, and numpy can run them.

Decisions
- The generator learns from the batch that the critic has just seen, where the paper draws another one: a pass through
  the larger network is saved in every step.

Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", section 4.3 and 4.4, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.networks.blocks import BlockSoftmax, RowStore, dense
from tabsynth.generators.networks.criterion import PairDistance
from tabsynth.generators.networks.representation import Representation
from tabsynth.generators.networks.training import Average, Run, Trainer, split_rows, take_rows

if TYPE_CHECKING:
    from tabsynth.generators.networks.ctgan import CTGAN

Array = np.ndarray[Any, Any]
Weights = dict[str, torch.Tensor]

TEMPERATURE = 0.2
PENALTY = 10.0
DROPOUT = 0.5
SLOPE = 0.2
BETAS = (0.5, 0.9)
MIN_CHECK_ROWS = 2000


class ConditionSampler:
    """Training-by-sampling: a column, one of its slots by log-frequency, and a training row that has it.

    All rows of the table are sorted once per column, so a batch is three look-ups and no loop.
    """

    def __init__(self, slots: Array, representation: Representation, device: str) -> None:
        """Count and sort.

        Args:
            slots: Slots of the training rows, (n_rows, n_blocks).
            representation: The layout.
            device: Where batches are drawn.
        """
        columns = [representation.blocks.index(name) for name in representation.choices]
        n_rows, first = len(slots), 0
        order, starts, counts, cumulative, places = [], [], [], [], []
        for number, column in enumerate(columns):
            width = int(representation.widths[column])
            count = np.bincount(slots[:, column], minlength=width)
            mass = np.log1p(count)
            order.append(np.argsort(slots[:, column], kind="stable").astype(np.int32))
            starts.append(number * n_rows + np.concatenate([[0], np.cumsum(count)[:-1]]))
            counts.append(count)
            cumulative.append(number + np.cumsum(mass) / mass.sum())
            places.append(representation.offsets[column] + np.arange(width))
            first += width
        self.n_columns, self.width, self.n_rows, self.device = len(columns), first, n_rows, device
        if columns:
            self.order = torch.from_numpy(np.concatenate(order)).to(device)
            self.starts = torch.from_numpy(np.concatenate(starts)).to(device)
            self.counts = torch.from_numpy(np.concatenate(counts)).to(device)
            self.cumulative = torch.from_numpy(np.concatenate(cumulative)).to(device)
            self.places = torch.from_numpy(np.concatenate(places)).to(device)

    def draw(self, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Conditions and rows.

        Returns:
            Conditional vectors (n, width), the slot asked for among all slots (n,), and row numbers (n,).
        """
        if not self.n_columns:
            nothing = torch.zeros(n, 0, device=self.device)
            rows = torch.randint(self.n_rows, (n,), device=self.device)
            return nothing, torch.zeros(0, dtype=torch.long, device=self.device), rows
        column = torch.randint(self.n_columns, (n,), device=self.device)
        u = torch.rand(2, n, dtype=torch.float64, device=self.device)
        slot = torch.searchsorted(self.cumulative, column + u[0] * (1 - 1e-9), right=True)  # (n,)
        rows = self.order[self.starts[slot] + (u[1] * self.counts[slot]).long()].long()
        condition = functional.one_hot(slot, self.width).float()
        return condition, self.places[slot], rows


def generate(weights: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """Numbers before tanh, then logits; the same as `ctgan.generator_output`."""
    from tabsynth.generators.networks.ctgan import NORM_EPSILON

    hidden, layer = inputs, 0
    while f"hidden.{layer}.weight" in weights:
        name = f"hidden.{layer}"
        linear = torch.addmm(weights[f"{name}.bias"], hidden, weights[f"{name}.weight"])
        scale, shift = weights[f"{name}.scale"], weights[f"{name}.shift"]
        normal = functional.layer_norm(linear, (linear.shape[1],), scale, shift, NORM_EPSILON)
        hidden, layer = torch.cat([hidden, functional.relu(normal)], dim=1), layer + 1
    return torch.addmm(weights["out.bias"], hidden, weights["out.weight"])


def criticise(weights: Mapping[str, torch.Tensor], packs: torch.Tensor) -> torch.Tensor:
    """How real packs of rows look; (n_packs, pac * row) -> (n_packs,)."""
    hidden, layer = packs, 0
    while f"hidden.{layer}.weight" in weights:
        linear = torch.addmm(weights[f"hidden.{layer}.bias"], hidden, weights[f"hidden.{layer}.weight"])
        hidden, layer = functional.dropout(functional.leaky_relu(linear, SLOPE), DROPOUT), layer + 1
    return torch.addmm(weights["out.bias"], hidden, weights["out.weight"]).squeeze(1)


def _generator_weights(inputs: int, layers: tuple[int, ...], representation: Representation, device: str) -> Weights:
    weights: Weights = {}
    width = inputs
    for number, size in enumerate(layers):
        weights |= dense(f"hidden.{number}", width, size, device)
        weights[f"hidden.{number}.scale"] = torch.ones(size, device=device)
        weights[f"hidden.{number}.shift"] = torch.zeros(size, device=device)
        width += size
    n_numbers = len(representation.numbers)
    shares = torch.from_numpy(np.log(np.maximum(representation.slot_shares, 1e-4)).astype(np.float32))
    weights |= dense("out", width, n_numbers + len(shares), device)
    weights["out.bias"] = torch.cat([torch.zeros(n_numbers), shares]).to(device)
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def _critic_weights(inputs: int, layers: tuple[int, ...], device: str) -> Weights:
    weights: Weights = {}
    sizes = [inputs, *layers]
    for number, size in enumerate(layers):
        weights |= dense(f"hidden.{number}", sizes[number], size, device)
    weights |= dense("out", sizes[-1], 1, device)
    return {name: weight.requires_grad_() for name, weight in weights.items()}


class _Trainer(Trainer):
    """Both networks, their optimisers, and one epoch."""

    def __init__(
        self,
        ctgan: CTGAN,
        slots: Array,
        numbers: Array,
        representation: Representation,
        device: str,
        distance: Callable[[dict[str, Array]], float],
    ) -> None:
        self.ctgan, self.device = ctgan, device
        self.rows = RowStore(slots, numbers, representation, device)
        self.softmax = BlockSoftmax(representation)
        self.conditions = ConditionSampler(slots, representation, device)
        condition = self.conditions.width
        self.generator = _generator_weights(
            ctgan.embedding_size + condition, ctgan.generator_layers, representation, device
        )
        self.critic = _critic_weights(ctgan.pac * (self.rows.width + condition), ctgan.critic_layers, device)
        rate = ctgan.learning_rate
        self.generator_adam = torch.optim.Adam(list(self.generator.values()), lr=rate, betas=BETAS, fused=True)
        self.critic_adam = torch.optim.Adam(list(self.critic.values()), lr=rate, betas=BETAS, fused=True)
        self.average = Average.of(self.generator)
        self.steps_per_epoch = max(1, len(slots) // ctgan.batch_size)
        self.networks = {"generator": self.generator, "critic": self.critic}
        self.optimisers = {"generator": self.generator_adam, "critic": self.critic_adam}
        self.distance = distance

    def epoch(self) -> dict[str, float]:
        """Train on as many rows as there are; mean losses."""
        totals = torch.zeros(2, device=self.device)
        for _ in range(self.steps_per_epoch):
            for _ in range(self.ctgan.critic_steps):
                condition, asked, rows = self.conditions.draw(self.ctgan.batch_size)
                fake, logits = self._fake(condition)
                critic_loss = self._critic_step(condition, fake.detach(), rows)
            generator_loss = self._generator_step(condition, asked, fake, logits)
            self.average.update(self.generator)
            totals += torch.stack([generator_loss, critic_loss])
        generator, critic = (totals / self.steps_per_epoch).tolist()
        return {"generator": generator, "critic": critic}

    def check(self, weights: dict[str, Array]) -> float:
        """Distance of drawn rows to held-out ones."""
        return self.distance(weights)

    def _critic_step(self, condition: torch.Tensor, fake: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        fake, real = self._packs(fake, condition), self._packs(self.rows.take(rows), condition)
        of_fake, of_real = criticise(self.critic, torch.cat([fake, real])).chunk(2)
        gap = of_fake.mean() - of_real.mean()
        loss = gap + PENALTY * self._penalty(real, fake)
        self.critic_adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.critic_adam.step()
        return gap.detach()

    def _penalty(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """How far the critic's slope is from 1 between real and fake packs (Gulrajani et al. 2017, equation 3)."""
        share = torch.rand(len(real), 1, device=self.device)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(criticise(self.critic, between).sum(), between, create_graph=True)
        return ((slope.norm(dim=1) - 1) ** 2).mean()

    def _generator_step(
        self, condition: torch.Tensor, asked: torch.Tensor, fake: torch.Tensor, logits: torch.Tensor
    ) -> torch.Tensor:
        loss = -criticise(self.critic, self._packs(fake, condition)).mean()
        if len(asked):
            chosen = functional.one_hot(asked, logits.shape[1])
            loss = loss - (self.softmax.log(logits) * chosen).sum() / len(logits)
        self.generator_adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss, inputs=list(self.generator.values()))
        self.generator_adam.step()
        return loss.detach()

    def _fake(self, condition: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows (n, numbers + slots) with soft choices, and the logits of the slots."""
        noise = torch.randn(len(condition), self.ctgan.embedding_size, device=self.device)
        out = generate(self.generator, torch.cat([noise, condition], dim=1))
        numbers, logits = out[:, : self.rows.n_numbers], out[:, self.rows.n_numbers :]
        gumbel = -torch.rand_like(logits).clamp_(1e-20, 1 - 1e-7).log_().neg_().log_()
        choices = self.softmax((logits + gumbel) / TEMPERATURE)
        # A real row has the number 0 where its slot is no component, so a fake one must have it, too.
        return torch.cat([torch.tanh(numbers) * self.rows.gate(choices), choices], dim=1), logits

    def _packs(self, rows: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return torch.cat([rows, condition], dim=1).reshape(len(rows) // self.ctgan.pac, -1)


def train_ctgan(
    ctgan: CTGAN, data: EncodedTable, representation: Representation, run: Run
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Train CTGAN.

    Args:
        ctgan: The parameters.
        data: The training rows; a tenth is held out to choose the best weights.
        representation: The layout of the network's vector.
        run: Where and how long; its random numbers choose the split, the modes and the check rows.

    Returns:
        Weights of the generator, and the history of the losses.
    """
    from tabsynth.generators.networks.ctgan import FittedCTGAN

    train_rows, holdout_rows = split_rows(data, rng=run.rng)
    slots, numbers = representation.encode(take_rows(data, train_rows), rng=run.rng)
    to_held = PairDistance.of(take_rows(data, holdout_rows).columns, data.domains)
    n_check, check_seed = max(MIN_CHECK_ROWS, len(holdout_rows)), int(run.rng.integers(2**63))

    def distance(weights: dict[str, Array]) -> float:
        fitted = FittedCTGAN(data.domains, representation, weights, {})
        return to_held(fitted.sample_encoded(n_check, rng=np.random.default_rng(check_seed), given={}))

    return run.train(_Trainer(ctgan, slots, numbers, representation, run.device, distance))
