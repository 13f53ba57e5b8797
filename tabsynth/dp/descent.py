"""Training behind the boundary: sums of clipped gradients of random batches, with exact noise on them.

    units of a random batch -> Learner.traces (row by row) -> gradient of each unit, clipped -> sum -> whole numbers
    -> discrete Gaussian noise -> Learner.step

A learner is a stack of affine layers whose gradients are outer products of what goes in and the slopes of the loss by
what comes out. So the length of a unit's gradient follows from inner products, and no gradient of a single row is ever
formed ("ghost clipping").

Decisions
- The unit is sampled, and its gradient is the sum over its rows (where these are weighed, their mean), clipped as a
  whole: one person moves a sum by no more than one clipping length, however many rows it has. Nothing is divided by
  `max_rows`, and no group bound is used.
- Batches are Poisson samples: a coin of each unit, from the operating system. Their size is not looked at: sums are
  divided by the number of rows that is expected, which is public or was released.
- Sums are rounded to whole steps of a grid and get whole noise, so nothing about the noise rests on floating point.
  Rounding can move each of n weights by one step, so a unit moves the rounded sum by clip / grid + sqrt(n) steps at
  most; the noise is scaled to that.
- What rests on floating point is the clipped gradient. Products are summed in double precision and lengths are
  overestimated by `SLACK`, far more than rounding can add. That a row's own gradient can round otherwise in a batch of
  another size is not accounted for; the certificate says so.
- The whole cost is charged before the first batch, and there is no rule that stops earlier: a training that is killed
  has spent all of it.

Source: Abadi et al. 2016, "Deep learning with differential privacy"; Goodfellow 2015 (arXiv 1510.01799) and Li et al.
2022 (arXiv 2110.05679) for lengths without gradients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.dp.mechanism import Learner, Schedule, Trace
from tabsynth.errors import UsageError

if TYPE_CHECKING:
    from tabsynth.dp.spending import Noise

Array = np.ndarray[Any, Any]

CHUNK = 2048
"""Rows whose gradients are worked out at a time."""
SLACK = 1e-6
"""Relative room for rounding in lengths and sums."""
FINEST = 2.0**20
"""Grid steps to a clipping length, at most."""
LARGEST_SIGMA = 2.0**25
"""Standard deviation of the noise in grid steps, at most."""


@dataclass(frozen=True)
class Grid:
    """The whole numbers that sums are rounded to, and the noise on them."""

    step: float
    """Length of one step."""
    sensitivity: float
    """How far one unit can move a rounded sum, in steps."""
    sigma: float
    """Standard deviation of the noise, in steps."""

    @classmethod
    def of(cls, schedule: Schedule, n_weights: int) -> Grid:
        """The finest grid whose noise can be drawn."""
        fineness = min(FINEST, LARGEST_SIGMA / schedule.noise)
        sensitivity = (fineness + math.sqrt(n_weights)) * (1 + SLACK)
        return cls(schedule.clip / fineness, sensitivity, schedule.noise * sensitivity)


class Units:
    """Rows of each unit, as an array of row numbers; -1 where a unit has fewer rows than another."""

    def __init__(self, codes: Array, unit_of: Array | None, max_rows: int, *, averaged: bool = False) -> None:
        """Group rows.

        Args:
            codes: Shape (n_rows, n_columns).
            unit_of: Number of the unit of each row, (n_rows,), None where every row is one of its own.
            max_rows: Rows that a unit has at most.
            averaged: Whether the gradient of a unit is the mean of its rows', in place of their sum.

        Raises:
            ValueError: A unit has more rows.
        """
        self.codes, self.averaged = codes, averaged
        if unit_of is None:
            self.rows = np.arange(len(codes))[:, None]
            return
        order = np.argsort(unit_of, kind="stable")
        _, starts, counts = np.unique(unit_of[order], return_index=True, return_counts=True)
        if len(counts) and counts.max() > max_rows:
            raise ValueError("a unit has more rows than it may have")
        places = starts[:, None] + np.arange(max_rows)
        there = np.arange(max_rows) < counts[:, None]
        self.rows = np.where(there, order[np.minimum(places, max(len(order) - 1, 0))] if len(order) else 0, -1)

    @property
    def n_units(self) -> int:
        """Number of units; private."""
        return len(self.rows)

    def parts(self, chosen: Array) -> Iterator[tuple[Array, Array]]:
        """Rows of chosen units, some units at a time: codes (n_units * k, n_columns), and which of them exist."""
        size = max(1, CHUNK // self.rows.shape[1])
        for start in range(0, len(chosen), size):
            rows = self.rows[chosen[start : start + size]]
            yield self.codes[np.maximum(rows, 0).ravel()], (rows >= 0)


def clipped_sums(units: Units, chosen: Array, learner: Learner, clip: float) -> list[Array]:
    """Sum of the clipped gradients of some units, for each layer of shape (n_inputs + 1, n_outputs), float64.

    Args:
        units: All units.
        chosen: Numbers of those that are summed.
        learner: Its weights stay as they are.
        clip: Largest length of one unit's gradient over all layers.

    Privacy: Exact; may not leave without noise. One unit moves the sums by a vector of length `clip` at most.
    """
    sums = [np.zeros((n_inputs + 1, n_outputs)) for n_inputs, n_outputs in learner.shapes]
    for codes, there in units.parts(chosen):
        add_clipped(sums, learner.traces(codes), there, clip, averaged=units.averaged)
    return sums


def add_clipped(
    sums: Sequence[Array], traces: Sequence[Trace], there: Array, clip: float, *, averaged: bool = False
) -> None:
    """Add the clipped gradients of some units to `sums`, in place.

    Args:
        sums: For each layer, (n_inputs + 1, n_outputs).
        traces: How the rows of the units went through each layer.
        there: Which rows exist, (n_units, rows of a unit).
        clip: Largest length of one unit's gradient over all layers.
        averaged: Whether that is the mean over its rows, in place of their sum.
    """
    weights = _shrinking(traces, there, clip, averaged)  # (rows,)
    kept = np.flatnonzero(weights)
    for total, trace in zip(sums, traces, strict=True):
        slopes = trace.slopes[kept] * weights[kept, None]  # float64
        total[:-1] += trace.inputs[kept].astype(np.float64).T @ slopes
        total[-1] += slopes.sum(axis=0)


def _shrinking(traces: Sequence[Trace], there: Array, clip: float, averaged: bool = False) -> Array:
    """Factor of each row: that of its unit, and 0 for rows that do not exist or whose gradient is no number.

    The mean over k rows is the sum shrunk by k, so it is the sum clipped at k times the length, and then shrunk.
    """
    n_units, k = there.shape
    squares = np.zeros(n_units)
    for trace in traces:
        inputs, slopes = (np.where(there.reshape(-1, 1), part, 0) for part in (trace.inputs, trace.slopes))
        if k == 1:
            lengths = 1.0 + np.einsum("ij,ij->i", inputs, inputs, dtype=np.float64)
            squares += lengths * np.einsum("ij,ij->i", slopes, slopes, dtype=np.float64)
            continue
        inputs, slopes = (part.reshape(n_units, k, -1).astype(np.float64) for part in (inputs, slopes))
        products = 1.0 + inputs @ inputs.transpose(0, 2, 1)
        squares += (products * (slopes @ slopes.transpose(0, 2, 1))).sum(axis=(1, 2))
    shares = 1.0 / np.maximum(there.sum(axis=1), 1) if averaged else np.ones(n_units)
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.maximum(squares, 0.0)) * shares * (1 + SLACK)
        factor = shares * clip / np.maximum(lengths, clip)
    factor = np.where(np.isfinite(squares), factor, 0.0)
    return np.where(there, factor[:, None], 0.0).ravel()


def noisy_steps(units: Units, learner: Learner, schedule: Schedule, noise: Noise) -> Grid:
    """Train: all steps of a schedule, each with a batch and noise of its own.

    Args:
        units: The private rows.
        learner: Is moved by noisy sums alone.
        schedule: Batches and noise.
        noise: Source of batches and noise.

    Raises:
        UsageError: The learner has no layer.

    Privacy: `subsampled_rho` of the schedule, for one unit added or removed.
    """
    n_weights = sum((n_inputs + 1) * n_outputs for n_inputs, n_outputs in learner.shapes)
    if not n_weights:
        raise UsageError("training: there is nothing to learn")
    grid = Grid.of(schedule, n_weights)
    for _ in range(schedule.steps):
        chosen = np.flatnonzero(noise.coins(schedule.rate, units.n_units))
        moves = []
        for exact in clipped_sums(units, chosen, learner, schedule.clip):
            whole = np.rint(exact / grid.step).astype(np.int64)
            drawn = noise.discrete_gaussian(Fraction(grid.sigma) ** 2, whole.size).reshape(whole.shape)
            moves.append((whole + drawn) * (grid.step / schedule.batch))
        learner.step(moves)
    return grid
