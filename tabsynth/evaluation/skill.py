"""How well a model predicts, on one scale for all columns, with what each tested row adds to it.

    classification:  skill = 2 AUC - 1, the mean over classes against all others (Somers' D, Gini)
    regression:      skill = R² = 1 - sum (y - f)² / sum (y - mean y)²

0 is a model that knows nothing, 1 one that is always right, below 0 one that misleads. The influence of each row
(infinitesimal jackknife; for an AUC the terms of DeLong) gives the standard error of a skill and, since two models are
tested on the same rows, of the difference of two: paired, and by person where people have several rows.

Decisions
- Rank skill for classes, not accuracy: a rare class would be ignored at no cost. Log loss is shown beside it.
- R² is held at -1 from below: how wrong a useless model is says nothing more.

Source: DeLong, DeLong & Clarke-Pearson 1988; Hand & Till 2001, doi:10.1023/A:1010920819831, for several classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.intervals import Interval, around, standard_error_of_mean
from tabsynth.evaluation.tasks import Task

MIN_SIDE = 5
"""Rows in a class, and out of it, from which an area is measured."""
LOWEST = -1.0
_LEAST_PROBABILITY = 1e-3


@dataclass(frozen=True)
class Skill:
    """One model's skill on the tested rows."""

    value: float
    influence: Array  # (n_rows,) its mean is zero
    loss: float
    """Log loss in nats, or the root mean squared error in standard deviations of the tested labels."""

    def less(self, other: Skill) -> Skill:
        """The difference of two skills on the same rows."""
        return Skill(self.value - other.value, self.influence - other.influence, self.loss - other.loss)

    def interval(self, people: Array, level: float, *, lower: float = LOWEST, upper: float = 1.0) -> Interval:
        """Normal interval of the skill; people with several rows count once."""
        error = standard_error_of_mean(self.influence, people)
        return around(self.value, error, n=int(people.max()) + 1, level=level, lower=lower, upper=upper, scale=0.5)


def can_be_measured(task: Task, labels: Array) -> bool:
    """Whether labels, shape (n_rows,), tell a model that predicts them from one that does not.

    For classes, some class and its others must each have MIN_SIDE rows: else every model has the skill 0, and nothing
    would ever be lost.
    """
    if not task.n_classes:
        return bool(len(labels) and np.ptp(labels) > 0)
    counts = np.bincount(labels.astype(np.int64), minlength=task.n_classes)
    return bool((np.minimum(counts, len(labels) - counts) >= MIN_SIDE).any())


def measure_skill(task: Task, predicted: Array, labels: Array) -> Skill:
    """Skill of predictions.

    Args:
        task: What was predicted.
        predicted: Probabilities (n_rows, n_classes), or numbers (n_rows,).
        labels: The truth, shape (n_rows,).
    """
    if not task.n_classes:
        return _explained(predicted, labels)
    codes = labels.astype(np.int64)
    own = np.clip(predicted[np.arange(len(codes)), codes], _LEAST_PROBABILITY, 1.0)
    asked = range(1, 2) if task.n_classes == 2 else range(task.n_classes)
    areas = [_area(predicted[:, number], codes == number) for number in asked]
    found = [part for part in areas if part is not None]
    loss = float(-np.log(own).mean()) if len(own) else 0.0
    if not found:
        return Skill(0.0, np.zeros(len(labels)), loss)
    value = float(np.mean([part[0] for part in found]))
    influence = np.mean([part[1] for part in found], axis=0)
    return Skill(2 * value - 1, 2 * influence, loss)


def _area(scores: Array, positive: Array) -> tuple[float, Array] | None:
    """Area under the ROC curve and the influence of each row; None where a side has too few rows."""
    n, m = int(positive.sum()), int((~positive).sum())
    if min(n, m) < MIN_SIDE:
        return None
    together = stats.rankdata(scores)
    above = (together[positive] - stats.rankdata(scores[positive])) / m
    below = 1 - (together[~positive] - stats.rankdata(scores[~positive])) / n
    area = float(above.mean())
    influence = np.empty(len(scores))
    influence[positive] = (above - area) * (n + m) / n
    influence[~positive] = (below - area) * (n + m) / m
    return area, influence


def _explained(predicted: Array, labels: Array) -> Skill:
    squares = (labels - labels.mean()) ** 2
    spread = float(squares.mean()) if len(labels) else 0.0
    if spread <= 0:
        return Skill(0.0, np.zeros(len(labels)), 0.0)
    errors = (labels - predicted) ** 2
    share = float(errors.mean()) / spread
    influence = -(errors - errors.mean()) / spread + share * (squares - spread) / spread
    if 1 - share <= LOWEST:
        return Skill(LOWEST, np.zeros(len(labels)), float(np.sqrt(share)))
    return Skill(1 - share, influence, float(np.sqrt(share)))


def mean_skill(skills: Sequence[Skill]) -> Skill:
    """The mean of some skills on the same rows."""
    return Skill(
        float(np.mean([skill.value for skill in skills])),
        np.mean([skill.influence for skill in skills], axis=0),
        float(np.mean([skill.loss for skill in skills])),
    )


def resampled(influences: Array, people: Array, rng: np.random.Generator, n_times: int) -> Array:
    """What estimates would have been on resampled people, to first order.

    Args:
        influences: Influence of each tested row on each estimate, shape (n_rows, n_estimates).
        people: Person of each row, codes from 0.
        rng: Stream of the resampling.
        n_times: How often.

    Returns:
        Deviations from the estimates, shape (n_times, n_estimates).

    Source: the bootstrap of a linearised statistic, Efron & Tibshirani 1993, section 20.6.
    """
    n_people = int(people.max()) + 1
    by_person = np.zeros((n_people, influences.shape[1]))
    np.add.at(by_person, people, influences)
    times = rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=n_times)
    return np.asarray((times @ by_person) / len(people))
