"""Everything that left the private boundary, in order: noisy counts, choices, discoveries, and what each of them cost.

The transcript is the model file. Rows, certificate and error intervals are functions of the schema, the public
parameters, the transcript and a seed; nobody needs the data again, and a reviewer can repeat all of it.

Decisions
- Events are frozen and only ever appended. Their costs are sums of what each event states, recomputed from its noise
  and sensitivity by `recomputed_rho`, so that a statement can be checked against what was drawn.
- Counts are whole numbers. Floating point never meets a count before its noise is on it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tabsynth.dp.budget import smallest_order
from tabsynth.dp.privtree import COST as TREE_COST
from tabsynth.dp.subsampled import subsampled_rho
from tabsynth.errors import ArtifactError

Array = np.ndarray[Any, Any]
Clique = tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    """Noisy counts of every combination of codes of some columns."""

    clique: Clique
    """Columns, in the order of the axes of `counts`; empty for the number of rows."""
    counts: Array
    """int64, shaped by the sizes of the columns; a number of rows has shape ()."""
    sigma: float
    """Standard deviation of the noise on each count, in rows."""
    rho: float
    """What it cost (zero-concentrated differential privacy)."""
    purpose: str
    sensitivity: float = 1.0
    """L2 distance by which one unit can move the exact counts."""
    coarse: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Of columns that were counted in fewer codes: which coarse code each code belongs to."""

    @property
    def delta(self) -> float:
        """What it cost beyond `rho`: nothing."""
        return 0.0

    def recomputed_rho(self) -> float:
        """The cost by the noise that was added: `sensitivity**2 / (2 sigma**2)`."""
        return self.sensitivity**2 / (2 * self.sigma**2)

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Shape of the counts, for columns of these sizes."""
        pooled = {name: max(codes) + 1 for name, codes in self.coarse}
        return tuple(pooled.get(name, sizes[name]) for name in self.clique)


@dataclass(frozen=True)
class Selection:
    """A choice among candidates by the exponential mechanism."""

    chosen: Clique
    index: int
    n_candidates: int
    epsilon: float
    """Parameter of the exponential mechanism; it costs `epsilon**2 / 8`."""
    sensitivity: float
    """Largest change of any score by one unit, in weighted rows."""
    rho: float
    purpose: str

    @property
    def delta(self) -> float:
        """What it cost beyond `rho`: nothing."""
        return 0.0

    def recomputed_rho(self) -> float:
        """The cost by the parameter that was used."""
        return self.epsilon**2 / 8


@dataclass(frozen=True)
class Distance:
    """How far the counts of some columns are from what was expected of them: sum of the absolute differences, noisy."""

    clique: Clique
    value: int
    """In parts of a row: over `steps` it is a number of rows."""
    steps: int
    sigma: float
    """Standard deviation of the noise, in the same parts."""
    rho: float
    purpose: str
    sensitivity: float
    """How far one unit can move the exact distance, in the same parts."""

    @property
    def delta(self) -> float:
        """What it cost beyond `rho`: nothing."""
        return 0.0

    def recomputed_rho(self) -> float:
        """The cost by the noise that was added."""
        return self.sensitivity**2 / (2 * self.sigma**2)


@dataclass(frozen=True)
class Discovery:
    """What was found out beside counts of columns: categories, bounds or bins of a column, or rows per unit."""

    column: str
    kind: str
    """`categories`, `bounds`, `cuts`, `tree` and the `total` before it, or `sizes`: units with 1, 2, ... rows."""
    categories: tuple[str, ...]
    """Categories whose noisy count is above the threshold, for `categories`."""
    numbers: tuple[float, ...]
    """Lower and upper bound, or inner edges of bins, on the scale of the encoder."""
    counts: Array
    """int64 noisy counts that the finding rests on, shape (n,); none of a tree, whose shape is all that is released."""
    sigma: float
    """Standard deviation of the noise on each count; for a `tree`, scale of the Laplace noise on each score."""
    sensitivity: float
    threshold: float
    """Noisy count below which a category stays unknown; 0 where there is none."""
    rho: float
    delta: float
    purpose: str

    def recomputed_rho(self) -> float:
        """The cost by the noise that was added."""
        if self.kind == "tree":
            return (TREE_COST * self.sensitivity / self.sigma) ** 2 / 2
        return self.sensitivity**2 / (2 * self.sigma**2)


@dataclass(frozen=True)
class Training:
    """What was made of noisy gradients of random batches."""

    weights: Mapping[str, Array]
    """float32 arrays, by name; a function of the noisy sums alone."""
    rate: float
    """Probability of each unit to be in a batch."""
    steps: int
    clip: float
    """Largest length of the gradient of one unit."""
    sensitivity: float
    """How far one unit can move a sum, in steps of the grid that sums are rounded to."""
    sigma: float
    """Standard deviation of the noise on each weight's sum, in the same steps."""
    order: int | None
    """Largest order that `rho` holds for; None for all."""
    rho: float
    purpose: str

    @property
    def delta(self) -> float:
        """What it cost beyond `rho`: nothing."""
        return 0.0

    @property
    def noise(self) -> float:
        """Noise multiplier: standard deviation over sensitivity."""
        return self.sigma / self.sensitivity

    @property
    def n_weights(self) -> int:
        """Numbers that are kept."""
        return sum(int(array.size) for array in self.weights.values())

    def recomputed_rho(self) -> float:
        """The cost by batches and noise."""
        return subsampled_rho(rate=self.rate, noise=self.noise, steps=self.steps, order=self.order)


Event = Measurement | Selection | Discovery | Training | Distance
_KINDS: dict[str, type[Measurement] | type[Selection] | type[Discovery] | type[Training] | type[Distance]] = {
    "measurement": Measurement,
    "selection": Selection,
    "discovery": Discovery,
    "training": Training,
    "distance": Distance,
}


@dataclass
class Transcript:
    """What has left the boundary so far. Mechanisms read it; only the boundary appends to it."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    """Public: number of codes of each column, in order."""
    public: Mapping[str, Any] = field(default_factory=dict)
    """Public facts that the release rests on: unit, budget, mechanism; JSON values."""
    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        """Add what has just been released."""
        self.events.append(event)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @property
    def measurements(self) -> list[Measurement]:
        """The noisy counts of columns, in order; numbers of rows are not among them."""
        return [event for event in self.events if isinstance(event, Measurement) and event.clique]

    @property
    def selections(self) -> list[Selection]:
        """The choices, in order."""
        return [event for event in self.events if isinstance(event, Selection)]

    @property
    def discoveries(self) -> list[Discovery]:
        """What was found out about single columns, in order."""
        return [event for event in self.events if isinstance(event, Discovery)]

    @property
    def distances(self) -> list[Distance]:
        """Noisy distances from what was expected, in order."""
        return [event for event in self.events if isinstance(event, Distance)]

    @property
    def row_counts(self) -> list[Measurement]:
        """Noisy numbers of rows, in order."""
        return [event for event in self.events if isinstance(event, Measurement) and not event.clique]

    @property
    def trainings(self) -> list[Training]:
        """What was trained, in order."""
        return [event for event in self.events if isinstance(event, Training)]

    @property
    def order(self) -> int | None:
        """Largest order that `rho` holds for; None for all. See `budget.py`."""
        return smallest_order(event.order for event in self.trainings)

    @property
    def whole(self) -> int:
        """What one unit counts where its rows were weighed, else 1; noisy counts over this are people, or rows."""
        return int(self.public.get("whole", 1))

    @property
    def weighed(self) -> bool:
        """Whether counts are of people, not of rows."""
        return "whole" in self.public

    @property
    def rho(self) -> float:
        """Cost of all events together."""
        return math.fsum(event.rho for event in self.events)

    @property
    def delta(self) -> float:
        """Failure probability of all events together, beyond what `rho` is converted with."""
        return math.fsum(event.delta for event in self.events)

    def state(self) -> dict[str, Any]:
        """All of it as JSON values and int64 arrays, for a model file."""
        return {
            "sizes": dict(self.sizes),
            "public": dict(self.public),
            "events": [{"event": _kind(event), **_fields(event)} for event in self.events],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Transcript:
        """The transcript that `state` describes.

        Raises:
            ArtifactError: The state is damaged.
        """
        try:
            transcript = cls({str(name): int(size) for name, size in state["sizes"].items()}, dict(state["public"]))
            for saved in state["events"]:
                transcript.append(_event(saved, transcript.sizes))
            _check(transcript)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError("transcript: the saved state is damaged; fetch the model file again") from error
        return transcript

    def digest(self) -> str:
        """SHA-256 over all of it; it changes with every digit."""
        text = json.dumps(_plain(self.state()), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _kind(event: Event) -> str:
    return next(name for name, kind in _KINDS.items() if isinstance(event, kind))


def _fields(event: Event) -> dict[str, Any]:
    saved = dict(vars(event))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in saved.items()}


def _event(saved: Mapping[str, Any], sizes: Mapping[str, int]) -> Event:
    kind = _KINDS[saved["event"]]
    values: dict[str, Any] = {key: _tuples(value) for key, value in saved.items() if key != "event"}
    event = kind(**values)
    if isinstance(event, Measurement):  # files hold no array without axes
        event = replace(event, counts=event.counts.reshape(event.shape(sizes)))
    return event


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _check(transcript: Transcript) -> None:
    """Refuse events that do not fit the columns.

    Raises:
        ValueError: Counts have another shape than the columns, or a cost is no number.
    """
    for event in transcript.events:
        if not (math.isfinite(event.rho) and event.rho >= 0):
            raise ValueError("a cost is no number")
        if isinstance(event, Measurement) and (event.counts.dtype != np.int64 or not event.sigma > 0):
            raise ValueError("counts do not fit their columns")
        if isinstance(event, Training) and not (event.sensitivity > 0 and event.sigma > 0 and 0 < event.rate <= 1):
            raise ValueError("a training has no noise")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "values": value.ravel().tolist()}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
