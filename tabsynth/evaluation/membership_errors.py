"""Error prediction: does a model of the synthetic rows err less on a person than a model of other real rows does?

For some columns j, boosted trees learn j from the other columns, once from synthetic rows and once from reference rows
of the other half of the folds than the person's. The suspicion of a person is

    sum_j loss_j(x; model of reference) - loss_j(x; model of synthetic)

with loss_j the negative log probability of the true class, or the absolute error in standard deviations, each held at
its 99th percentile. A generator that has memorised a person makes her cells easy to predict.

Decisions
- On four of the MIDST models it is the weakest attack (area 0.53, 0.14 of the members at 10 % false alarms, with 20,000
  rows to learn from; the density ratio 0.59 and 0.23): distances see memory of whole rows, this one of single cells.

Source: Yeom et al. 2018, arXiv:1709.01604, for errors as a sign of membership; the entry MIA-EPT to the MIDST challenge
(2025, github.com/eyalgerman/MIA-EPT) for errors of predictors that learned from the synthetic table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tabsynth.evaluation.comparison import Array, Rows, Scale
from tabsynth.evaluation.learners import Predictor, boosting
from tabsynth.evaluation.tasks import Designer, Task, labelled, task_of
from tabsynth.randomness import child

MAX_COLUMNS = 8
MAX_LEARNED = 10_000
_HELD = 0.99
# Large leaves predict what is common; memory shows in small ones: 32 leaves of 5 rows see nothing on the MIDST models.
_SETTINGS: dict[str, Any] = {"n_estimators": 25, "num_leaves": 128, "learning_rate": 0.15, "min_child_samples": 3}


def error_scores(
    asked: Rows,
    fold: Array,
    reference: Rows,
    reference_fold: Array,
    synthetic: Rows,
    scales: Mapping[str, Scale],
    *,
    seed: int,
) -> Array:
    """Suspicion of each asked row, shape (n_asked,).

    Args:
        asked: Rows of people who are asked about.
        fold: The fold of each that its reference leaves out, shape (n_asked,).
        reference: Real rows of other people.
        reference_fold: Their folds, shape (n_reference,).
        synthetic: The table to be attacked.
        scales: Columns that take part.
        seed: Decides the columns and the rows to learn from.

    Cost: 3 models per column, at most 8 columns and 10,000 rows: about 4 s.

    Privacy:
        Scores are of single people and stay in memory.
    """
    rng = child(seed, "evaluation", "membership", "errors")
    names = [name for name in scales if len(scales) > 1]
    if len(names) > MAX_COLUMNS:
        names = [names[place] for place in np.sort(rng.choice(len(names), MAX_COLUMNS, replace=False))]
    total = np.zeros(asked.n_rows)
    halves = [np.flatnonzero(reference_fold % 2 != half) for half in (0, 1)]
    n_rows = min(MAX_LEARNED, synthetic.n_rows, *(len(half) for half in halves if len(half)))
    made = _some(synthetic, np.arange(synthetic.n_rows), n_rows, rng)
    known = {
        half: _some(reference, places, n_rows, rng) for half, places in enumerate(halves) if (fold % 2 == half).any()
    }
    for name in names:
        task = task_of(reference, scales, name)
        if task is None:
            continue
        designer = Designer(reference, scales, task.features)
        design, labels = labelled(task, designer, asked)
        used = np.flatnonzero(~np.isnan(task.labels(asked)))
        spread = float(np.nanstd(task.labels(reference))) or 1.0

        def learned(rows: Rows, task: Task = task, designer: Designer = designer) -> Predictor:
            inputs, own = labelled(task, designer, rows)
            return boosting(task, inputs, own, designer.discrete, seed=seed, **_SETTINGS)

        familiar = _losses(task, learned(made)(design), labels, spread)
        strange = np.zeros(len(used))
        for half, rows in known.items():
            own = fold[used] % 2 == half
            if own.any():
                strange[own] = _losses(task, learned(rows)(design.take(own)), labels[own], spread)
        total[used] += _held(strange) - _held(familiar)
    return total


def _some(rows: Rows, places: Array, n_rows: int, rng: np.random.Generator) -> Rows:
    if len(places) > n_rows:
        places = np.sort(rng.choice(places, n_rows, replace=False))
    return rows.take(places)


def _losses(task: Task, predicted: Array, labels: Array, spread: float) -> Array:
    if task.n_classes:
        return np.asarray(-np.log(np.clip(predicted[np.arange(len(labels)), labels.astype(np.int64)], 1e-3, 1.0)))
    return np.asarray(np.abs(predicted - labels) / spread)


def _held(losses: Array) -> Array:
    return np.minimum(losses, np.quantile(losses, _HELD)) if len(losses) else losses
