"""People whom attacks are tried on: of train, whom the generator saw, and of holdout, whom it did not.

An attacker knows one record of a person, so one row stands for each; where people have several, it is drawn by seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Judged
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.intervals import Interval, around, each_of, standard_error_of_mean
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child

MIN_TARGETS = 40


@dataclass(frozen=True)
class Targets:
    """One row per person, of train and of holdout."""

    train: Rows
    holdout: Rows

    @property
    def enough(self) -> bool:
        """Whether there are people enough to say anything."""
        return min(self.train.n_rows, self.holdout.n_rows) >= MIN_TARGETS


class AttackBars(Part):
    """One attack: success on people of train, on strangers, and of a guess that uses no record."""

    name: str
    n_train: int
    n_holdout: int
    train: float
    train_interval: Interval
    control: float
    control_interval: Interval
    naive: float
    excess: float
    excess_interval: Interval


def one_row_each(comparison: Comparison, limit: int, name: str) -> Targets:
    """At most `limit` people of train and of holdout, drawn by seed.

    Args:
        comparison: The tables.
        limit: Most people of each.
        name: Name of the attack; every attack draws its own.
    """

    def drawn(which: Literal["train", "holdout"]) -> Rows:
        rng = child(comparison.seed, "evaluation", "targets", name, which)
        order = rng.permutation(len(people := comparison.people(which)))
        _, first = np.unique(people[order], return_index=True)
        rows = order[np.sort(first)][:limit]
        table = comparison.train if which == "train" else comparison.holdout
        return table.take(np.sort(rows))

    return Targets(drawn("train"), drawn("holdout"))


def too_few(targets: Targets) -> str:
    """What to say where there are too few people."""
    return (
        f"Needs at least {MIN_TARGETS} people in train and in holdout; there are {targets.train.n_rows:,} and "
        f"{targets.holdout.n_rows:,}."
    )


@dataclass(frozen=True)
class Success:
    """Weighted share of people on whom an attack succeeds."""

    value: float
    error: float
    n: int

    @classmethod
    def of(cls, hits: Array, weights: Array | None = None) -> Success:
        """Share of hits, shape (n,), each counted by its weight; standard error by linearisation of the ratio."""
        own = np.ones(len(hits)) if weights is None else weights
        total = float(own.sum())
        if total <= 0:
            return cls(0.0, 0.0, len(hits))
        value = float((own * hits).sum()) / total
        return cls(value, standard_error_of_mean(own * (hits - value) * len(hits) / total), len(hits))

    def interval(self, level: float) -> Interval:
        """Interval of the share."""
        return around(self.value, self.error, n=self.n, level=level)


def excess(train: Success, control: Success, level: float) -> Interval:
    """Interval of success on train beyond success on strangers."""
    error = float(np.hypot(train.error, control.error))
    return around(train.value - control.value, error, n=min(train.n, control.n), level=level, lower=-1.0)


def bars(name: str, train: Success, control: Success, naive: float, level: float) -> AttackBars:
    """One attack as plain data."""
    return AttackBars(
        name=name,
        n_train=train.n,
        n_holdout=control.n,
        train=round(train.value, 5),
        train_interval=train.interval(level),
        control=round(control.value, 5),
        control_interval=control.interval(level),
        naive=round(naive, 5),
        excess=round(train.value - control.value, 5),
        excess_interval=excess(train, control, level),
    )


def worst_excess(trials: Sequence[tuple[Success, Success]], level: float) -> tuple[int, Judged]:
    """The attack with the largest excess over strangers, and its judged number.

    The upper end is the largest of all attacks; the lower end pays for the search (Bonferroni).
    """
    found = [train.value - control.value for train, control in trials]
    worst = int(np.argmax(found))
    sure = [excess(train, control, each_of(level, len(trials))).low for train, control in trials]
    high = max(excess(train, control, level).high for train, control in trials)
    interval = Interval(low=min(max(sure), found[worst]), high=max(high, found[worst]), level=level)
    return worst, Judged(what="excess over strangers", value=found[worst], interval=interval)
