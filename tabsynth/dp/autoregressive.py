"""dp-autoregressive: column after column, each a softmax regression on those before it, trained on noisy gradients.

    1  every column alone; codes that noise would swamp are pooled
    2  numbers that stand for each coarse code, made of the noisy counts: indicators, and waves over their ranks
    3  DP-SGD over random batches of people, all regressions at once

Decisions
- No hidden layer: noise grows with the number of weights, and on Adult it always lost. At epsilon 1 a layer of 8 per
  column moved the mean error of pairs from .058 to .063, at epsilon 10 one of 16 from .038 to .054 (one run each, as
  all figures here; before shares were corrected).
- What stands for a code is not learned: an embedding would be noise for most of the training.
- Training begins at independent columns with the shares of step 1, and the weights that are kept are an average over
  steps. Both cost nothing.
- Clipping shortens the gradients of unusual rows most, which bends the shares of columns. So rows are drawn from the
  trained chain, and its biases moved until each column has the noisy shares of step 1 again, which costs nothing, too:
  .053 became .036 at epsilon 1, and .039 became .017 at epsilon 10.
- Plain steps with momentum, not Adam: dividing by the size of gradients that are mostly noise makes small ones large
  (.063 against .058 there).
- Steps, batches, noise and step sizes follow from the budget and the noisy number of rows alone. There is no held-out
  loss and no early stopping: both would be looks to pay for.

Where it stays weak: small budgets. At epsilon 0.1 on Adult pairs are .118 off, independent columns .110, dp-aim .103.

Source: Abadi et al. 2016, "Deep learning with differential privacy"; Uria, Murray, Larochelle 2014, "A Deep and
Tractable Density Estimator", for the chain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tabsynth.dp.mechanism import Schedule, Trace, TrainableTable
from tabsynth.dp.pooling import Pool, pools_of, single_parts
from tabsynth.dp.subsampled import noise_for
from tabsynth.dp.trained_model import BLOCK, TrainedModel, TrainedRecord, last_trained
from tabsynth.generators.networks.conditionals import draw_choices
from tabsynth.randomness import child

Array = np.ndarray[Any, Any]

COLUMNS_SHARE = 0.2
"""Of the budget: the columns; training gets the rest."""
STEPS = (20, 1.8, 400)
"""Steps: at least, for each square root of the rows that equal the noise, and at most."""
BATCH = 5000
"""Rows of a batch that are expected; all rows of smaller tables."""
RATE, MOMENTUM, KEPT = 2.5, 0.9, 0.98
"""Largest step size, and how much of the last steps and of the last weights stays."""
QUIET = 0.004
"""Noise on each weight's mean gradient up to which steps have their full size; they shrink as it grows."""
WAVES = 3
INDICATORS = 12
"""Codes of a column without order that have a number of their own; rarer ones share one."""
COMMON, LARGE = 2, 0.08
"""Codes of an ordered column that have a number of their own: so many at most, and only with so large a share."""
CORRECTIONS = 10
"""Times that the biases of a column are moved towards its shares."""
LEAST_SHARE = 1e-4


def measure(
    table: TrainableTable, *, rho: float, ordered: Collection[str] = (), nullable: Collection[str] = ()
) -> None:
    """Columns, then training.

    Args:
        table: The boundary.
        rho: Budget in all.
        ordered: Columns whose codes follow an order.
        nullable: Those of them whose last code stands for a missing cell.

    Privacy: Gaussian noise on counts and on sums of clipped gradients; `rho` in all.
    """
    columns = [(name,) for name in table.sizes]
    share = COLUMNS_SHARE if len(columns) > 1 else 1.0
    table.marginals(columns, rho_each=single_parts(share * rho, table.sizes), purpose="counts of each column")
    if len(columns) > 1:
        left = (1 - share) * rho * (1 - 1e-9)
        pools = pools_of(table.transcript.measurements)
        schedule = plan_training(left, n_rows=next(iter(pools.values())).total / table.whole, table=table)
        chain = Chain(pools, ordered=ordered, nullable=nullable, schedule=schedule)
        table.train(chain, schedule, rho=left, purpose="regressions of each column on those before it")


class _Ordered(Protocol):
    @property
    def order(self) -> int | None: ...

    @property
    def max_rows(self) -> int: ...

    @property
    def whole(self) -> int: ...


def plan_training(rho: float, *, n_rows: float, table: _Ordered) -> Schedule:
    """Batches and noise for a budget and a (noisy or public) number of rows."""
    least, slope, most = STEPS
    clear = (
        (2 * rho) ** 0.5 * n_rows * table.whole / table.max_rows
    )  # in standard deviations of the noise on their number
    steps = int(min(max(least, slope * clear**0.5), most))
    return schedule_of(rho, steps=steps, batch=BATCH, n_rows=n_rows, order=table.order)


def schedule_of(rho: float, *, steps: int, batch: float, n_rows: float, order: int | None) -> Schedule:
    """So many batches of so many rows, or of all, with the noise that the budget leaves them."""
    rate = min(1.0, batch / n_rows)
    noise = noise_for(rho, rate=rate, steps=steps, order=order)
    return Schedule(steps=steps, rate=rate, noise=noise, batch=rate * n_rows)


class Chain:
    """The regressions while they are trained; the layer of a column takes the numbers of all columns before it."""

    def __init__(
        self, pools: Mapping[str, Pool], *, ordered: Collection[str], nullable: Collection[str], schedule: Schedule
    ) -> None:
        """Begin at independent columns, small ones first.

        Args:
            pools: Coarse codes of each column, with their noisy counts, in the table's order.
            ordered: Columns whose codes follow an order.
            nullable: Those of them whose last code stands for a missing cell.
            schedule: Batches and noise of the training.
        """
        names = list(pools)
        order = sorted(range(len(names)), key=lambda place: pools[names[place]].n_coarse)
        self.order = np.array(order, np.int64)
        chosen = [(name, pools[name]) for name in (names[place] for place in order)]
        self.coarse = [pool.coarse for _, pool in chosen]
        self._shares: list[Array] = []
        counts = [pool.coarse_counts for _, pool in chosen]
        self.features = [
            features(each, ordered=name in ordered, gap=name in nullable and pool.coarse[-1] == len(each) - 1)
            for each, (name, pool) in zip(counts, chosen, strict=True)
        ]
        self.starts = np.cumsum([0, *(table.shape[1] for table in self.features)])
        self.layers = [np.zeros((self.starts[j] + 1, len(each)), np.float64) for j, each in enumerate(counts)]
        for layer, each in zip(self.layers, counts, strict=True):
            shares = np.maximum(each / each.sum(), LEAST_SHARE / len(each))
            self._shares.append(shares / shares.sum())
            layer[-1] = np.log(self._shares[-1])
        self._speed = [np.zeros_like(layer) for layer in self.layers]
        self._mean = [layer.copy() for layer in self.layers]
        self._rate = RATE * min(1.0, QUIET * schedule.batch / (schedule.noise * schedule.clip))
        self._steps, self._done = schedule.steps, 0

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """See `Learner`."""
        return [(layer.shape[0] - 1, layer.shape[1]) for layer in self.layers]

    def traces(self, codes: Array) -> list[Trace]:
        """Slopes of the negative log-likelihood of each row. See `Learner`."""
        cells = [coarse[codes[:, place]] for coarse, place in zip(self.coarse, self.order, strict=True)]
        shown = np.concatenate([table[own] for table, own in zip(self.features, cells, strict=True)], axis=1)
        rows = np.arange(len(codes))
        traces = []
        for start, layer, own in zip(self.starts, self.layers, cells, strict=False):
            inputs = shown[:, :start]
            slopes = softmax(inputs @ layer[:-1].astype(np.float32) + layer[-1].astype(np.float32))
            slopes[rows, own] -= 1
            traces.append(Trace(inputs, slopes))
        return traces

    def step(self, gradients: Sequence[Array]) -> None:
        """A step with momentum, along a rate that falls to nothing. See `Learner`."""
        rate = self._rate * 0.5 * (1 + np.cos(np.pi * self._done / self._steps))
        self._done += 1
        for speed, layer, mean, gradient in zip(self._speed, self.layers, self._mean, gradients, strict=True):
            speed *= MOMENTUM
            speed += gradient
            layer -= rate * speed
            mean += (1 - KEPT) * (layer - mean)

    def weights(self) -> dict[str, Array]:
        """Order of the columns, and for each what stands for its codes and its averaged layer. See `Learner`."""
        kept: dict[str, Array] = {"order": self.order}
        rng = child(0, "dp-autoregressive", "shares")
        shown = np.zeros((BLOCK, 0), np.float32)
        for j, (table, layer, shares) in enumerate(zip(self.features, self._mean, self._shares, strict=True)):
            moved = layer.astype(np.float32)
            logits = shown @ moved[:-1]
            for _ in range(CORRECTIONS):
                mean = softmax(logits + moved[-1]).mean(axis=0)
                moved[-1] += np.log(shares / np.maximum(mean, 1e-9)).astype(np.float32)
            kept |= {f"features.{j}": table, f"layer.{j}": moved}
            drawn = draw_choices(softmax(logits + moved[-1]), rng=rng)
            shown = np.hstack([shown, table[drawn]])
        return kept


def features(counts: Array, *, ordered: bool, gap: bool) -> Array:
    """Numbers that stand for each code, centred by the shares of the codes; float32, shape (n_codes, n_numbers).

    Args:
        counts: Estimated rows of each code, none negative.
        ordered: Whether neighbours are alike; then waves over the ranks, and indicators of common codes alone.
        gap: Whether the last code stands for a missing cell, which has no rank.
    """
    shares = counts / counts.sum()
    n = len(counts)
    n_ranked = n - gap
    if not ordered or n_ranked <= 4:
        place = np.empty(n, np.int64)
        place[np.argsort(-shares, kind="stable")] = np.arange(n)
        table = np.eye(min(n, INDICATORS))[np.minimum(place, INDICATORS - 1)]
    else:
        ranked = shares[:n_ranked] / max(float(shares[:n_ranked].sum()), 1e-12)
        middle = np.cumsum(ranked) - ranked / 2
        angles = np.pi * middle[:, None] * 2.0 ** np.arange(WAVES)
        waves = np.hstack([2 * middle[:, None] - 1, np.sin(angles), np.cos(angles)])
        table = np.zeros((n, waves.shape[1] + COMMON + 1))
        table[:n_ranked, : waves.shape[1]] = waves * (1.5 / waves.shape[1] ** 0.5)
        common = np.argsort(-ranked, kind="stable")[:COMMON]
        for number, code in enumerate(common[ranked[common] > LARGE]):
            table[code, waves.shape[1] + number] = 1.0
        table[n_ranked:, -1] = 1.0
    return (table - shares @ table).astype(np.float32)


class ChainModel(TrainedModel):
    """The trained chain: draws coarse codes column after column."""

    def draw(self, n_rows: int, *, rng: np.random.Generator) -> Array:
        """See `TrainedModel`."""
        order = self.weights["order"].tolist()
        drawn = np.zeros((n_rows, len(order)), np.int64)
        shown = np.zeros((n_rows, 0), np.float32)
        for j, place in enumerate(order):
            layer = self.weights[f"layer.{j}"]
            drawn[:, place] = draw_choices(softmax(shown @ layer[:-1] + layer[-1]), rng=rng)
            shown = np.hstack([shown, self.weights[f"features.{j}"][drawn[:, place]]])
        return drawn


def softmax(logits: Array) -> Array:
    """Shares of each row, of the shape of `logits`."""
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def model(transcript: TrainedRecord) -> Any:
    """The chain that was trained; a single column comes from its counts."""
    return last_trained(transcript, ChainModel)
