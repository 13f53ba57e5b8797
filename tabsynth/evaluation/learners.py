"""Models that learn one column from the others: eight settings of four families, small, seeded and on one thread.

They are no attempt to predict well. They are what an analyst tries first, and the question is whether the same attempt
made on synthetic rows leads to the same model.

Decisions
- Boosting by LightGBM, which the package needs anyway; linear models, forests and neighbours by scikit-learn.
- Same settings and seed for real and synthetic rows: only the rows differ.
- A class that the rows to learn from lack gets probability zero, not an error: that is what such rows teach.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.tasks import Design, Task
from tabsynth.randomness import deterministic_threads

Predictor = Callable[[Design], Array]
"""Inputs to probabilities (n_rows, n_classes), or to numbers (n_rows,)."""

FAMILIES = ("boosting", "linear", "forest")
SETTINGS = (*FAMILIES, "boosting, shallow", "linear, held back", "forest, shallow", "5 neighbours", "20 neighbours")
MIN_LEARNED = 20
"""Rows below which a model only knows the shares or the mean."""
_MAX_NEIGHBOURS_LEARNED = 4_000


def learn(name: str, task: Task, design: Design, labels: Array, discrete: Array, *, seed: int) -> Predictor:
    """Fit one model.

    Args:
        name: One of SETTINGS.
        task: What is predicted.
        design: Inputs of the rows to learn from.
        labels: Their labels, shape (n_rows,).
        discrete: Which columns of `design.trees` hold codes.
        seed: Seed of the model.

    Returns:
        A predictor; of fewer than MIN_LEARNED rows, or of a single class, a constant one.

    Privacy:
        The predictor is made of the rows and stays in memory.
    """
    if len(labels) < MIN_LEARNED or np.ptp(labels) == 0:
        return _constant(task, labels)
    family, _, setting = name.partition(", ")
    if family == "boosting":
        shape: dict[str, int] = (
            {"n_estimators": 40, "num_leaves": 4} if setting else {"n_estimators": 60, "num_leaves": 16}
        )
        return boosting(task, design, labels, discrete, seed=seed, **shape)
    present = np.unique(labels).astype(np.int64)
    if family == "linear":
        model, inputs = _linear(task, held_back=bool(setting)), "numbers"
    elif family == "forest":
        model, inputs = _forest(task, shallow=bool(setting), seed=seed), "trees"
    else:
        model, inputs = _neighbours(task, int(family.split()[0])), "numbers"
        if len(labels) > _MAX_NEIGHBOURS_LEARNED:
            rows = np.linspace(0, len(labels) - 1, _MAX_NEIGHBOURS_LEARNED).astype(np.int64)
            design, labels = design.take(rows), labels[rows]
            present = np.unique(labels).astype(np.int64)
    with deterministic_threads(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged is what an analyst would get, too
        model.fit(_cells(design, inputs), labels.astype(np.int64) if task.n_classes else labels)

    def predict(asked: Design) -> Array:
        with deterministic_threads():
            if not task.n_classes:
                return np.asarray(model.predict(_cells(asked, inputs)), dtype=np.float64)
            return _spread(np.asarray(model.predict_proba(_cells(asked, inputs))), present, task.n_classes)

    return predict


def boosting(
    task: Task,
    design: Design,
    labels: Array,
    discrete: Array,
    *,
    seed: int,
    n_estimators: int = 60,
    num_leaves: int = 16,
    learning_rate: float = 0.1,
    min_child_samples: int = 20,
) -> Predictor:
    """Gradient-boosted trees; see `learn`."""
    import lightgbm

    if len(labels) < MIN_LEARNED or np.ptp(labels) == 0:
        return _constant(task, labels)
    settings: dict[str, Any] = {
        "objective": "regression" if not task.n_classes else "binary" if task.n_classes == 2 else "multiclass",
        "num_leaves": num_leaves,
        "learning_rate": learning_rate,
        "min_data_in_leaf": min(min_child_samples, max(1, len(labels) // 10)),
        "max_bin": 63,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed % 2**31,
        "verbosity": -1,
    }
    if task.n_classes > 2:
        settings["num_class"] = task.n_classes
    data = lightgbm.Dataset(
        design.trees,
        labels,
        categorical_feature=np.flatnonzero(discrete).tolist(),
        params={"verbosity": -1, "max_bin": 63, "num_threads": 1},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lightgbm.train(settings, data, num_boost_round=n_estimators)

    def predict(asked: Design) -> Array:
        found = np.asarray(model.predict(asked.trees, num_threads=1))
        return np.column_stack([1 - found, found]) if task.n_classes == 2 else found

    return predict


def _constant(task: Task, labels: Array) -> Predictor:
    """What is known without inputs: the shares of the classes, or the mean."""
    if task.n_classes:
        counts = np.bincount(labels.astype(np.int64), minlength=task.n_classes).astype(np.float64)
        shares = counts / counts.sum() if counts.sum() else np.full(task.n_classes, 1 / task.n_classes)
        return lambda asked: np.tile(shares, (len(asked.trees), 1))
    mean = float(labels.mean()) if len(labels) else (task.lower + task.upper) / 2
    return lambda asked: np.full(len(asked.trees), mean)


def _linear(task: Task, *, held_back: bool) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if task.n_classes:
        return LogisticRegression(C=0.003 if held_back else 1.0, max_iter=60, tol=1e-3)
    return Ridge(alpha=3_000.0 if held_back else 1.0)


def _forest(task: Task, *, shallow: bool, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if task.n_classes else RandomForestRegressor
    return kind(
        n_estimators=30,
        min_samples_leaf=5,
        max_depth=3 if shallow else None,
        max_features="sqrt" if task.n_classes else 0.4,
        n_jobs=1,
        random_state=seed % 2**32,
    )


def _neighbours(task: Task, n_neighbours: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsClassifier if task.n_classes else KNeighborsRegressor
    return kind(n_neighbors=n_neighbours, algorithm="brute", n_jobs=1)


def _cells(design: Design, inputs: str) -> Array:
    return design.numbers if inputs == "numbers" else np.nan_to_num(design.trees, nan=-1.0)


def _spread(found: Array, present: Array, n_classes: int) -> Array:
    """Probabilities of the classes that were learned, in their places among all classes."""
    spread = np.zeros((len(found), n_classes))
    spread[:, present] = found
    return spread
