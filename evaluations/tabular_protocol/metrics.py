"""The figures of the protocol: similarity, detection, and closeness to training rows, from three plain tables.

Conventions follow the published re-runs: shapes and the first detector compare with the *training* table, the second
detector with holdout rows. A copy of the training table is perfect by the first and exposed by the rest.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

BINS = 10
FALSE_POSITIVES = 0.10


def shape_error(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str]) -> float:
    """Mean distance of the columns in percent: total variation (categorical), Kolmogorov-Smirnov (numeric)."""
    from scipy.stats import ks_2samp

    errors = []
    for name in real.columns:
        if name in categorical:
            a, b = (table[name].value_counts(normalize=True) for table in (real, synthetic))
            errors.append(float(a.subtract(b, fill_value=0.0).abs().sum()) / 2)
        else:
            errors.append(float(ks_2samp(real[name].dropna(), synthetic[name].dropna(), method="asymp").statistic))
    return 100 * float(np.mean(errors))


def trend_error(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str]) -> float:
    """Mean error of the pairs in percent, with numeric columns of mixed pairs cut at the real table's edges."""
    codes = {name: _codes(real[name], synthetic[name], name in categorical) for name in real.columns}
    errors = []
    for a, b in combinations(real.columns, 2):
        if a in categorical or b in categorical:
            joint = [
                np.bincount(
                    codes[a][side] * (codes[b][2] + 1) + codes[b][side], minlength=codes[a][2] * (codes[b][2] + 1)
                )
                for side in (0, 1)
            ]
            width = max(len(table) for table in joint)
            shares = [np.pad(table, (0, width - len(table))) / table.sum() for table in joint]
            errors.append(float(np.abs(shares[0] - shares[1]).sum()) / 2)
        else:
            rho = [table[[a, b]].corr().iloc[0, 1] for table in (real, synthetic)]
            errors.append(abs(rho[0] - rho[1]) / 2)
    return 100 * float(np.nanmean(errors))


def _codes(real: pd.Series, synthetic: pd.Series, categorical: bool) -> tuple[Array, Array, int]:
    if categorical:
        names = pd.Index(pd.unique(pd.concat([real, synthetic])))
        return names.get_indexer(real), names.get_indexer(synthetic), len(names)
    edges = np.histogram_bin_edges(real.dropna(), BINS)[1:-1]
    return np.searchsorted(edges, real, side="right"), np.searchsorted(edges, synthetic, side="right"), BINS


def detection_on_train(train: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str], *, seed: int) -> float:
    """C2ST-XGB: 1 is indistinguishable from the training table, 0 is told apart without error.

    `XGBClassifier(eval_metric="logloss", random_state=0)` on one-hot categories, 3 stratified folds, and
    `1 - (2 max(0.5, AUC) - 1)` averaged over them, as SDMetrics' detection metric does.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    both = pd.concat([train, synthetic], ignore_index=True)
    cells = pd.get_dummies(both, columns=categorical, dtype=np.float32).to_numpy(np.float32)
    label = np.repeat([1, 0], [len(train), len(synthetic)])
    scores = []
    for fit, test in StratifiedKFold(3, shuffle=True, random_state=seed).split(cells, label):
        detector = XGBClassifier(eval_metric="logloss", random_state=0, n_jobs=1).fit(cells[fit], label[fit])
        area = roc_auc_score(label[test], detector.predict_proba(cells[test])[:, 1])
        scores.append(2 * max(0.5, float(area)) - 1)
    return 1 - float(np.mean(scores))


def detection_on_holdout(holdout: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str], *, seed: int) -> float:
    """AUC of a detector between holdout rows and as many synthetic ones; 0.5 is the ideal.

    200 trees of depth 6, learning rate 0.1, native categorical splits, out-of-fold scores of 5 folds.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    drawn = synthetic.sample(min(len(holdout), len(synthetic)), random_state=seed)
    both = pd.concat([holdout, drawn], ignore_index=True)
    for name in categorical:
        both[name] = both[name].astype("category")
    label = np.repeat([1, 0], [len(holdout), len(drawn)])
    scores = np.zeros(len(both))
    for fit, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(both, label):
        detector = XGBClassifier(
            n_estimators=200, max_depth=6, learning_rate=0.1, tree_method="hist", enable_categorical=True, n_jobs=1
        )
        scores[test] = detector.fit(both.iloc[fit], label[fit]).predict_proba(both.iloc[test])[:, 1]
    return float(roc_auc_score(label, scores))


def closeness(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str], *, seed: int
) -> dict[str, float]:
    """How close rows lie to training rows, and what an attacker makes of it.

    Distances are L1 over standardised numbers plus 2 for every category that differs.

    Returns:
        `close`: percent of synthetic rows closer to a training row than the nearest 2 percent of holdout rows are.
        `attack`: true-positive rate, at 10 percent false positives, of guessing who was in the training table from the
        distance to the nearest synthetic row; the larger of the plain and the calibrated attack (which
        divides by the distance to the nearest of a reference half of the holdout).
    """
    numeric = [name for name in train.columns if name not in categorical]
    spread = train[numeric].std().replace(0.0, 1.0)
    places = {
        side: _place(table, numeric, categorical, spread, train)
        for side, table in (("train", train), ("holdout", holdout), ("synthetic", synthetic))
    }
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(synthetic))[:2000]
    real_rows = rng.permutation(len(holdout))[:2000]
    usual = nearest(places["holdout"][real_rows], places["train"])
    limit = np.quantile(usual, 0.02)
    close = 100 * float(np.mean(nearest(places["synthetic"][some], places["train"]) < limit))
    order = rng.permutation(len(holdout))
    half = min(len(holdout) // 2, 2000)
    outside, reference = places["holdout"][order[:half]], places["holdout"][order[half : 2 * half]]
    members = places["train"][rng.permutation(len(train))[: max(half, 2000)]]
    rates = []
    near = [nearest(rows, places["synthetic"]) for rows in (members, outside)]
    known = [nearest(rows, reference) for rows in (members, outside)]
    plain = [-distance for distance in near]
    calibrated = [np.log(k + 1e-6) - np.log(n + 1e-6) for n, k in zip(near, known, strict=True)]
    for inside, others in (plain, calibrated):
        rates.append(_true_positives(inside, others))
    return {"close": close, "attack": max(rates)}


def _true_positives(members: Array, others: Array) -> float:
    """Share of members above the threshold that 10 percent of the others exceed; ties count by their share."""
    threshold = np.quantile(others, 1 - FALSE_POSITIVES)
    above, tied = float((others > threshold).mean()), float((others == threshold).mean())
    part = (FALSE_POSITIVES - above) / tied if tied else 0.0
    return float((members > threshold).mean() + part * (members == threshold).mean())


def _place(
    table: pd.DataFrame, numeric: list[str], categorical: list[str], spread: pd.Series, train: pd.DataFrame
) -> Array:
    """Rows as points: standardised numbers, and two coordinates of a corner per category; (n_rows, n_coordinates)."""
    numbers = ((table[numeric] - train[numeric].mean()) / spread).fillna(0.0).to_numpy(np.float32)
    corners = [
        (table[name].to_numpy()[:, None] == np.sort(train[name].unique())[None, :]).astype(np.float32)
        for name in categorical
    ]
    return np.hstack([numbers, *corners])


def nearest(rows: Array, others: Array) -> Array:
    """L1 distance from each row to the nearest of the others; (n_rows,)."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1, algorithm="brute", metric="manhattan", n_jobs=1).fit(others)
    return search.kneighbors(rows)[0][:, 0]
