"""dp-ctgan: a critic that meets real rows behind noise, and a generator that meets the critic alone. For comparison.

    1  every column alone; codes that noise would swamp are pooled
    2  step after step: the noisy mean gradient that a batch of people gives the critic (DP-SGD), and the plain one that
       drawn rows give it; the critic moves along the difference, to where the two tables differ most
    3  the generator moves until its rows give all critics so far the gradients that real rows gave them

Decisions
- The generator follows gradients, not marks. What a critic says of rows is one number a step; the noisy gradient that
  it was moved by is thousands of statistics of the real rows, paid for already, and stays true of that critic for ever.
  So every step's critic and gradient are kept, and the generator goes on learning from all of them when the budget is
  spent. That the generator never waits for a critic to catch up is what others get by many steps of the critic for one
  of the generator (Bie et al. 2023).
- The critic is one layer of units log cosh(w x + b), each with a fixed mark of +1 or -1: what a unit is pushed by is
  the mean of tanh(w x + b) x, which is how columns hang together along w. Its weights have a fixed length, in place of
  a gradient penalty, which mixes real rows with drawn ones.
- It sees codes as the numbers that `autoregressive.features` makes of noisy counts, one row at a time: no packs of rows
  (`pac`), no normalisation over a batch, no dropout.
- The gradient of a row is at most 1 / `max_rows` long (1, where the rows of a person are averaged), for drawn rows,
  too. So people are never clipped as a whole, and what is cut off is cut off on both sides.
- No training by sampling: which condition a batch is drawn for would tell how frequent it is. The shares of columns
  come from step 1: the generator is held to them, and at the end its biases are moved to them, as in
  `autoregressive.py`.
- The generator never meets a real row, so its size costs no noise.

It is weaker than the others. On Adult pairs are .052 off at epsilon 1 (dp-aim .035, dp-autoregressive .036, independent
columns .079) and .043 at epsilon 10 (.021, .018, .076); one run each. What holds it back is the generator, not noise:
at epsilon 10 an earlier version came as close with all of the noise as with a hundredth of it.

Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", and Xie et al. 2018 (arXiv 1802.06739),
"Differentially private generative adversarial network", for who sees what; Yang et al. 2023 (arXiv 2303.01687),
"Differentially private neural tangent kernels", for gradients of a network as statistics to be met, there of one
network that does not move; Bie, Kamath and Zhang 2023 (arXiv 2302.02936), "Private GANs, revisited".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import block_diag

from tabsynth.dp.autoregressive import (
    COLUMNS_SHARE,
    CORRECTIONS,
    LEAST_SHARE,
    features,
    schedule_of,
    softmax,
)
from tabsynth.dp.mechanism import Schedule, Trace, TrainableTable
from tabsynth.dp.pooling import Pool, pools_of, single_parts
from tabsynth.dp.trained_model import BLOCK, TrainedModel, TrainedRecord, last_trained
from tabsynth.generators.networks.conditionals import draw_choices
from tabsynth.generators.networks.device import torch_session
from tabsynth.randomness import child

if TYPE_CHECKING:
    from tabsynth.dp.adversarial import FreeSide

Array = np.ndarray[Any, Any]

STEPS, BATCH = 100, 5000
"""Steps of the critic, and rows of a batch that are expected; all rows of smaller tables."""
UNITS, HIDDEN, LATENT = 32, 128, 32
"""Units of the critic, width of the generator's layers, and numbers that a row is drawn from."""
PACE = 0.3
"""How far a unit of the critic moves in a step, in its own length."""
TURNS, LAST_TURNS, DRAWN, CRITICS = 20, 400, 300, 4
"""Steps of the generator for one of the critic, and at the end; rows and critics of each."""
RATE, LEAST_RATE = 5e-3, 0.02
"""Step size of the generator, and what is left of it at the end."""


def measure(
    table: TrainableTable, *, rho: float, ordered: Collection[str] = (), nullable: Collection[str] = ()
) -> None:
    """Columns, then training. See `autoregressive.measure`.

    Privacy: Gaussian noise on counts and on sums of clipped gradients of the critic; `rho` in all.
    """
    columns = [(name,) for name in table.sizes]
    share = COLUMNS_SHARE if len(columns) > 1 else 1.0
    table.marginals(columns, rho_each=single_parts(share * rho, table.sizes), purpose="counts of each column")
    if len(columns) > 1:
        left = (1 - share) * rho * (1 - 1e-9)
        pools = pools_of(table.transcript.measurements)
        n_rows = next(iter(pools.values())).total / table.whole
        schedule = schedule_of(left, steps=STEPS, batch=BATCH, n_rows=n_rows, order=table.order)
        both = Adversaries(
            pools, ordered=ordered, nullable=nullable, schedule=schedule, max_rows=table.max_rows // table.whole
        )
        table.train(both, schedule, rho=left, purpose="critic of a generator")


class Adversaries:
    """Critic and generator while they are trained."""

    def __init__(
        self,
        pools: Mapping[str, Pool],
        *,
        ordered: Collection[str],
        nullable: Collection[str],
        schedule: Schedule,
        max_rows: int,
    ) -> None:
        """Begin with a generator of independent columns, and a critic that looks anywhere.

        Args:
            pools: Coarse codes of each column, with their noisy counts, in the table's order.
            ordered: Columns whose codes follow an order.
            nullable: Those of them whose last code stands for a missing cell.
            schedule: Batches and noise of the training.
            max_rows: Rows that count in full that a unit of privacy has at most; 1 where its rows are weighed.
        """
        rng = child(0, "dp-ctgan", "first weights")
        counts = [pool.coarse_counts for pool in pools.values()]
        self.coarse = [pool.coarse for pool in pools.values()]
        self.shares = [_floored(each) for each in counts]
        tables = [
            features(each, ordered=name in ordered, gap=name in nullable and pool.coarse[-1] == len(each) - 1)
            for each, (name, pool) in zip(counts, pools.items(), strict=True)
        ]
        spread = sum(float(shares @ (table**2).sum(axis=1)) for shares, table in zip(self.shares, tables, strict=True))
        self.tables = [(table / np.float32(max(spread, 1e-6) ** 0.5)).astype(np.float32) for table in tables]
        n_inputs = sum(table.shape[1] for table in tables)  # of rows of mean square length 1
        self._length = n_inputs**0.5
        self.critic = np.vstack([rng.normal(size=(n_inputs, UNITS)), np.zeros((1, UNITS))])
        self.generator = first_weights(self.shares, rng=rng)
        self.longest = schedule.clip / max_rows
        self._marks = np.where(np.arange(UNITS) % 2, 1.0, -1.0).astype(np.float32)
        self._schedule, self._done = schedule, 0
        self._free: FreeSide | None = None
        self._lengthen()
        drawn = np.stack([rng.choice(len(each), 1000, p=each) for each in self.shares], axis=1)
        slopes = self._slopes(self._seen(list(drawn.T)))
        usual = float(np.median(np.sqrt(np.einsum("ij,ij->i", slopes, slopes) * 2)))
        self._marks *= np.float32(self.longest / max(usual, 1e-3))

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """See `Learner`."""
        return [(self.critic.shape[0] - 1, UNITS)]

    def traces(self, codes: Array) -> list[Trace]:
        """Slopes of the critic's mark of each row, cut to their largest length. See `Learner`."""
        cells = [coarse[codes[:, place]] for place, coarse in enumerate(self.coarse)]
        rows = self._seen(cells)
        slopes = self._slopes(rows)
        squares = (1 + np.einsum("ij,ij->i", rows, rows)) * np.einsum("ij,ij->i", slopes, slopes)
        slopes *= (self.longest / np.maximum(np.sqrt(squares), self.longest))[:, None]
        return [Trace(rows, slopes)]

    def _seen(self, cells: Sequence[Array]) -> Array:
        """Rows of coarse codes as the critic sees them, (n_rows, inputs)."""
        return np.concatenate([table[own] for table, own in zip(self.tables, cells, strict=True)], axis=1)

    def _slopes(self, rows: Array) -> Array:
        """Slope of what the critic says of each row by each unit, (n_rows, units)."""
        critic = self.critic.astype(np.float32)
        slopes: Array = np.tanh(rows @ critic[:-1] + critic[-1]) * self._marks
        return slopes

    def step(self, gradients: Sequence[Array]) -> None:
        """Keep what real rows said, move the critic to where drawn ones differ, and the generator after. See `Learner`.

        Privacy: The gradients that come in are noisy; nothing else here has to do with real rows.
        """
        from tabsynth.dp.adversarial import FreeSide

        (seen,) = gradients
        with torch_session(0, "cpu"):
            if self._free is None:
                self._free = FreeSide(self.generator, block_diag(*self.tables), self.shares, marks=self._marks)
            self._free.remember(self.critic, seen)
            away = seen - self._free.gradient(4 * DRAWN, longest=self.longest)
            self._turn(TURNS)
        length = np.linalg.norm(away, axis=0)
        self.critic += PACE * self._length * away / np.maximum(length, 1e-12)
        self._lengthen()
        self._done += TURNS

    def _turn(self, turns: int) -> None:
        """Steps of the generator, along a rate that falls to nearly nothing."""
        assert self._free is not None
        in_all = TURNS * self._schedule.steps + LAST_TURNS
        for turn in range(self._done, self._done + turns):
            rate = RATE * max(LEAST_RATE, 0.5 * (1 + float(np.cos(np.pi * turn / in_all))))
            self._free.learn(DRAWN, critics=CRITICS, rate=rate, longest=self.longest)

    def weights(self) -> dict[str, Array]:
        """The averaged generator, after its last steps, with biases that give each column its shares. See `Learner`."""
        kept = {name: array.copy() for name, array in self.generator.items()}
        if self._free is not None:
            with torch_session(0, "cpu"):
                self._turn(LAST_TURNS)
                kept = self._free.weights()
        logits = logits_of(kept, child(0, "dp-ctgan", "shares").standard_normal((BLOCK, LATENT), np.float32))
        start = 0
        for shares in self.shares:
            moved = kept["out_bias"][start : start + len(shares)]
            given, before = logits[:, start : start + len(shares)], moved.copy()
            for _ in range(CORRECTIONS):
                mean = softmax(given + (moved - before)).mean(axis=0)
                moved += np.log(shares / np.maximum(mean, 1e-9)).astype(np.float32)
            start += len(shares)
        return kept

    def _lengthen(self) -> None:
        """Give each unit of the critic its length again."""
        self.critic *= self._length / np.maximum(np.linalg.norm(self.critic, axis=0), 1e-12)


def first_weights(shares: Sequence[Array], *, rng: np.random.Generator) -> dict[str, Array]:
    """A generator whose columns have nearly these shares, whatever it is drawn from."""
    width = sum(map(len, shares))
    drawn = {
        "first": rng.normal(0, LATENT**-0.5, (LATENT, HIDDEN)),
        "first_bias": np.zeros(HIDDEN),
        "second": rng.normal(0, HIDDEN**-0.5, (HIDDEN, HIDDEN)),
        "second_bias": np.zeros(HIDDEN),
        "out": rng.normal(0, 0.3 * HIDDEN**-0.5, (HIDDEN, width)),
        "out_bias": np.log(np.concatenate(shares)),
    }
    return {name: array.astype(np.float32) for name, array in drawn.items()}


def logits_of(weights: Mapping[str, Array], latent: Array) -> Array:
    """Logits of all codes, column by column, (n_rows, all codes); `latent` has shape (n_rows, LATENT)."""
    first = np.maximum(latent @ weights["first"] + weights["first_bias"], 0)
    second = first + np.maximum(first @ weights["second"] + weights["second_bias"], 0)
    return second @ weights["out"] + weights["out_bias"]


def _floored(counts: Array) -> Array:
    """Shares of codes, none of them nothing."""
    shares = np.maximum(counts / counts.sum(), LEAST_SHARE / len(counts))
    return shares / shares.sum()


class GeneratedModel(TrainedModel):
    """The trained generator: draws all coarse codes of a row at once, in numpy."""

    def draw(self, n_rows: int, *, rng: np.random.Generator) -> Array:
        """See `TrainedModel`."""
        drawn = np.zeros((n_rows, len(self.pools)), np.int64)
        latent = rng.standard_normal((n_rows, self.weights["first"].shape[0]), np.float32)
        logits, start = logits_of(self.weights, latent), 0
        for place, pool in enumerate(self.pools.values()):
            drawn[:, place] = draw_choices(softmax(logits[:, start : start + pool.n_coarse]), rng=rng)
            start += pool.n_coarse
        return drawn


def model(transcript: TrainedRecord) -> Any:
    """The generator that was trained; a single column comes from its counts."""
    return last_trained(transcript, GeneratedModel)
