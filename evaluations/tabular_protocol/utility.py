"""Train on synthetic rows, test on real ones, as the published protocol does: the best of 36 XGBoost settings.

A ninth of the synthetic rows chooses the setting, the rest trains; holdout rows only score the chosen one. Numbers go
in as they are (trees do not care about scale), categories one-hot. Beijing's target is clipped to 1..20,000 and
logged, so that its RMSE is on that scale.

Decisions
- 10, 50 and 100 rounds of one setting are prefixes of the same boosting run: 12 runs answer for 36 settings.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from evaluations.tabular_protocol.tables import Split

Array = np.ndarray[Any, Any]

_ROUNDS = (10, 50, 100)
_DEPTHS = (5, 10, 20)
_CHILD_WEIGHTS = (1, 10)
_GAMMAS = (0.0, 1.0)


def utility(split: Split, synthetic: pd.DataFrame, *, seed: int) -> float:
    """AUC on holdout rows of a model trained on synthetic ones; for a numeric target its RMSE."""
    import xgboost as xgb

    regression = split.target not in split.categorical
    order = np.random.default_rng(seed).permutation(len(synthetic))
    parts = [synthetic.iloc[order[len(order) // 9 :]], synthetic.iloc[order[: len(order) // 9]], split.holdout]
    cells = _one_hot([part.drop(columns=split.target) for part in parts], split)
    labels = [_label(part[split.target], split, regression) for part in parts]
    train, chooser, test = (xgb.DMatrix(x, y) for x, y in zip(cells, labels, strict=True))
    best, figure = -np.inf, np.nan
    for depth, weight, gamma in product(_DEPTHS, _CHILD_WEIGHTS, _GAMMAS):
        settings = {
            "objective": "reg:squarederror" if regression else "binary:logistic",
            "max_depth": depth,
            "min_child_weight": weight,
            "gamma": gamma,
            "tree_method": "hist",
            "nthread": 1,
            "seed": 0,
        }
        model = xgb.train(settings, train, num_boost_round=max(_ROUNDS))
        for rounds in _ROUNDS:
            score = _score(labels[1], model.predict(chooser, iteration_range=(0, rounds)), regression)
            if score > best:
                best = score
                figure = abs(_score(labels[2], model.predict(test, iteration_range=(0, rounds)), regression))
    return figure


def _one_hot(parts: list[pd.DataFrame], split: Split) -> list[Array]:
    """Cells of each part on the same columns: those of the training table, shape (n_rows, n_columns)."""
    features = [c for c in split.categorical if c != split.target]
    known = {name: np.sort(split.train[name].unique()) for name in features}
    return [
        np.hstack(
            [
                part.drop(columns=features).to_numpy(np.float32),
                *((part[name].to_numpy()[:, None] == known[name]).astype(np.float32) for name in features),
            ]
        )
        for part in parts
    ]


def _label(target: pd.Series, split: Split, regression: bool) -> Array:
    if regression:
        return np.log(np.clip(target.to_numpy(np.float64), 1, 20_000))
    positive = np.sort(split.train[split.target].unique())[-1]
    return (target.to_numpy() == positive).astype(np.float64)


def _score(label: Array, predicted: Array, regression: bool) -> float:
    """Higher is better: AUC, or the negative RMSE."""
    if regression:
        return -float(np.sqrt(np.mean((label - predicted) ** 2)))
    from sklearn.metrics import roc_auc_score

    if label.min() == label.max():
        return 0.5  # one class only: nothing can be ranked
    return float(roc_auc_score(label, predicted))
