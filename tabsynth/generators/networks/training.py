"""The loop that trains a network: epochs, averaged weights, checks on held-out rows, and when to stop.

Decisions
- What is kept are the averaged weights of the best check, not the last ones: a network that rates rows against
  another one circles around a good state rather than resting there.
- Patience counts checks, and checks are at least `MIN_STEPS` steps apart: an epoch of a small table is one step.
- A check ends the waiting only where it is better by `LEAST_GAIN`; without that, a network that gains the fifth digit
  in every epoch trains for all of them.
- `time_limit` is the one thing that can make two fits with one seed differ; it is off unless asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tabsynth.encoding.table import EncodedTable
from tabsynth.progress import Progress

Array = np.ndarray[Any, Any]

HOLDOUT_SHARE = 0.1
MAX_HOLDOUT = 5000
MIN_STEPS = 50
LEAST_GAIN = 1e-3
"""Share of the best score."""
AVERAGING = 0.999
"""Decay of the moving average per step, lower in the first thousands of steps."""


@dataclass
class Average:
    """Exponential moving average of weights (tensors by name)."""

    weights: dict[str, Any]
    steps: int = 0

    def update(self, current: Mapping[str, Any]) -> None:
        """Take in the weights after a step."""
        self.steps += 1
        decay = min(AVERAGING, (1 + self.steps) / (10 + self.steps))
        for name, weight in current.items():
            self.weights[name].lerp_(weight.detach(), 1.0 - decay)

    @classmethod
    def of(cls, current: Mapping[str, Any]) -> Average:
        """Start from weights as they are."""
        return cls({name: weight.detach().clone() for name, weight in current.items()})

    def arrays(self) -> dict[str, Array]:
        """The average as numpy arrays, float32."""
        return {name: weight.cpu().numpy().copy() for name, weight in self.weights.items()}


@dataclass
class History:
    """Losses by epoch, as columns of equal length."""

    columns: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """One more row."""
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)

    def arrays(self) -> dict[str, Array]:
        """The columns as arrays."""
        return {name: np.array(values) for name, values in self.columns.items()}


@dataclass(frozen=True)
class Limits:
    """When training ends."""

    epochs: int
    patience: int
    """Checks without a clearly better one; 0 never stops early."""
    time_limit: float | None
    """Seconds."""


def train(
    *,
    limits: Limits,
    steps_per_epoch: int,
    epoch: Callable[[], Mapping[str, float]],
    check: Callable[[dict[str, Array]], float],
    average: Average,
    progress: Progress,
    label: str,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Run epochs until the limits end them.

    Args:
        limits: When to end.
        steps_per_epoch: Steps that `epoch` takes.
        epoch: Trains one epoch, updates the average and returns mean losses by name.
        check: Rates averaged weights on held-out rows; lower is better.
        average: The averaged weights.
        progress: Told about each epoch, with the losses and the time left.
        label: What is trained, for the progress.

    Returns:
        The averaged weights of the best check, and the history: a column per loss, and `holdout` (NaN where an epoch
        had no check).
    """
    history, best, best_score = History(), average.arrays(), np.inf
    to_beat, waited = np.inf, 0
    every = max(1, -(-MIN_STEPS // steps_per_epoch))
    progress.stage(f"Training {label}", total=limits.epochs)
    started = time.monotonic()
    for number in range(1, limits.epochs + 1):
        losses = epoch()
        spent = time.monotonic() - started
        late = limits.time_limit is not None and spent >= limits.time_limit
        score = np.nan
        if number % every == 0 or number == limits.epochs or late:
            weights = average.arrays()
            score = check(weights)
            if score < best_score:
                best, best_score = weights, score
            waited += 1
            if score < to_beat:
                to_beat, waited = score - LEAST_GAIN * abs(score), 0
        history.add(epoch=float(number), **losses, holdout=float(score))
        progress.advance(1, note=_note(losses, spent / number * (limits.epochs - number)))
        if late or (limits.patience and waited >= limits.patience):
            break
    return best, history.arrays()


def _note(losses: Mapping[str, float], seconds_left: float) -> str:
    shown = ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
    left = f"{seconds_left:.0f} s" if seconds_left < 120 else f"{seconds_left / 60:.0f} min"
    return f"{shown}; at most {left} left"


def split_rows(data: EncodedTable, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows to train on and rows to check with; all rows of a person are on one side.

    Returns:
        Row numbers of either, rising.
    """
    owners = np.arange(data.n_rows) if data.entities is None else data.entities
    people = rng.permutation(int(owners.max()) + 1)
    n_rows = min(MAX_HOLDOUT, max(1, int(HOLDOUT_SHARE * data.n_rows)))
    before = np.cumsum(np.bincount(owners, minlength=len(people))[people])
    held = np.zeros(len(people), bool)
    held[people[: int(np.searchsorted(before, n_rows)) + 1]] = True
    if held[owners].all():
        held[people[-1]] = False
    return np.flatnonzero(~held[owners]), np.flatnonzero(held[owners])


def take_rows(data: EncodedTable, rows: Array) -> EncodedTable:
    """Some rows of a table."""
    columns = {name: array[rows] for name, array in data.columns.items()}
    entities = None if data.entities is None else data.entities[rows]
    return EncodedTable(columns, data.domains, len(rows), entities)
