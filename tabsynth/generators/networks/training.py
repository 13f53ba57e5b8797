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
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.networks.checkpoint import Checkpoint
from tabsynth.progress import SILENT, Progress

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


class Trainer(ABC):
    """A network under training: what the loop asks of it, and what a checkpoint has to hold."""

    average: Average
    steps_per_epoch: int
    networks: Mapping[str, Mapping[str, Any]]
    """Weights (tensors by name) of each network."""
    optimisers: Mapping[str, Any]
    """torch optimisers by name."""

    @abstractmethod
    def epoch(self) -> Mapping[str, float]:
        """Train one epoch and update the average; mean losses by name."""

    @abstractmethod
    def check(self, weights: dict[str, Array]) -> float:
        """Rate averaged weights on held-out rows; lower is better."""


@dataclass
class _Course:
    """How far a training is."""

    best: dict[str, Array]
    history: History = field(default_factory=History)
    epoch: int = 0
    best_score: float = np.inf
    to_beat: float = np.inf
    waited: int = 0
    spent: float = 0.0
    """Seconds, those before an interruption included."""


@dataclass(frozen=True)
class Run:
    """Where and for how long a network is trained, and who is told."""

    label: str
    """What is trained."""
    limits: Limits
    device: str
    """`cpu` or `cuda`."""
    rng: np.random.Generator
    """Source of every random number that torch does not draw."""
    progress: Progress = SILENT
    checkpoint: Checkpoint | None = None
    notes: list[str] = field(default_factory=list)
    """What a user should know about the training, once it has ended."""

    def train(self, trainer: Trainer) -> tuple[dict[str, Array], dict[str, Array]]:
        """Run epochs until the limits end them; where there is a checkpoint, go on from it.

        Returns:
            The averaged weights of the best check, and the history: a column per loss, and `holdout` (NaN where an
            epoch had no check).

        Raises:
            ArtifactError: The checkpoint is damaged or belongs to another training.
            OutputError: The checkpoint cannot be written.
        """
        limits, checkpoint = self.limits, self.checkpoint
        course = _Course(trainer.average.arrays())
        self.progress.stage(f"Training {self.label}", total=limits.epochs)
        if checkpoint is not None and (found := checkpoint.read()) is not None:
            _restore(trainer, course, *found, device=self.device)
            self.progress.advance(course.epoch, note="taken up from the checkpoint")
        started = time.monotonic() - course.spent
        written = time.monotonic()
        while course.epoch < limits.epochs and not self._waited_enough(course):
            losses = trainer.epoch()
            course.epoch += 1
            course.spent = time.monotonic() - started
            late = limits.time_limit is not None and course.spent >= limits.time_limit
            score = _rate(trainer, course, last=late or course.epoch == limits.epochs)
            course.history.add(epoch=float(course.epoch), **losses, holdout=score)
            if checkpoint is not None and time.monotonic() - written >= checkpoint.every:
                checkpoint.write(*_snapshot(trainer, course, device=self.device))
                written = time.monotonic()
            left = course.spent / course.epoch * (limits.epochs - course.epoch)
            self.progress.advance(1, note=_note(losses, left))
            if late and course.epoch < limits.epochs:
                self.notes.append(f"time_limit: training stopped after {course.epoch} of {limits.epochs} epochs")
            if late:
                break
        return course.best, course.history.arrays()

    def _waited_enough(self, course: _Course) -> bool:
        return bool(self.limits.patience) and course.waited >= self.limits.patience


def _rate(trainer: Trainer, course: _Course, *, last: bool) -> float:
    """Check the averaged weights where it is time to, and keep the best; NaN where it is not."""
    every = max(1, -(-MIN_STEPS // trainer.steps_per_epoch))
    if course.epoch % every and not last:
        return float("nan")
    weights = trainer.average.arrays()
    score = float(trainer.check(weights))
    if score < course.best_score:
        course.best, course.best_score = weights, score
    course.waited += 1
    if score < course.to_beat:
        course.to_beat, course.waited = score - LEAST_GAIN * abs(score), 0
    return score


def _snapshot(trainer: Trainer, course: _Course, *, device: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that the next epoch depends on: tensors by name, and JSON values."""
    import torch

    tensors = {f"average/{name}": tensor for name, tensor in trainer.average.weights.items()}
    tensors |= {f"best/{name}": torch.from_numpy(array) for name, array in course.best.items()}
    tensors |= {f"history/{name}": torch.from_numpy(array) for name, array in course.history.arrays().items()}
    for label, network in trainer.networks.items():
        tensors |= {f"network/{label}/{name}": tensor for name, tensor in network.items()}
    for label, optimiser in trainer.optimisers.items():
        for number, kept in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{label}/{number}/{name}": tensor for name, tensor in kept.items()}
    tensors["random"] = torch.get_rng_state()
    if device == "cuda":
        tensors["random_cuda"] = torch.cuda.get_rng_state()
    numbers = {"best_score": course.best_score, "to_beat": course.to_beat, "spent": course.spent}
    state = {name: value if np.isfinite(value) else None for name, value in numbers.items()}
    return tensors, {
        **state,
        "epoch": course.epoch,
        "waited": course.waited,
        "averaged": trainer.average.steps,
        "columns": list(course.history.columns),
    }


def _restore(
    trainer: Trainer, course: _Course, tensors: Mapping[str, Any], state: Mapping[str, Any], *, device: str
) -> None:
    """Put a trainer and its course where they were when a snapshot was taken."""
    import torch

    with torch.no_grad():
        for name, tensor in trainer.average.weights.items():
            tensor.copy_(tensors[f"average/{name}"])
        for label, network in trainer.networks.items():
            for name, tensor in network.items():
                tensor.copy_(tensors[f"network/{label}/{name}"])
    trainer.average.steps = state["averaged"]
    for label, optimiser in trainer.optimisers.items():
        kept: dict[int, dict[str, Any]] = {}
        for name, tensor in _part(tensors, f"optimiser/{label}/").items():
            number, _, what = name.partition("/")
            kept.setdefault(int(number), {})[what] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": kept, "param_groups": groups})
    torch.set_rng_state(tensors["random"])
    if device == "cuda":
        torch.cuda.set_rng_state(tensors["random_cuda"])
    course.best = {name: tensors[f"best/{name}"].numpy().copy() for name in course.best}
    course.history = History({name: tensors[f"history/{name}"].tolist() for name in state["columns"]})
    course.epoch, course.waited, course.spent = state["epoch"], state["waited"], state["spent"]
    course.best_score, course.to_beat = (
        np.inf if state[name] is None else state[name] for name in ("best_score", "to_beat")
    )


def _part(tensors: Mapping[str, Any], start: str) -> dict[str, Any]:
    """Tensors whose name begins so, by the rest of their name."""
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}


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
