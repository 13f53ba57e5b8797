"""Nightly: no generator remembers rows, and a generator that does is caught by the same attack."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.generators import GENERATORS
from tests.shared_tables import shared_data

N = 4000


def _advantage(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """AUC of guessing membership by the distance to the nearest synthetic row; 0.5 is no better than chance."""
    from scipy.spatial import cKDTree
    from sklearn.metrics import roc_auc_score

    both = pd.concat([train, holdout], ignore_index=True)
    parts = []
    for name in both:
        real, made = both[name], synthetic[name]
        if real.dtype.kind in "if":
            scale = max(float(real.std()), 1e-9)
            parts.append((real.to_numpy(float)[:, None] / scale, made.to_numpy(float)[:, None] / scale))
        else:
            names = real.value_counts().index[:20]
            parts.append(tuple(np.column_stack([(c == n).to_numpy(float) for n in names]) for c in (real, made)))
    real_points, made_points = (np.hstack([part[side] for part in parts]) for side in (0, 1))
    distance = cKDTree(made_points).query(real_points, p=1)[0]
    member = np.repeat([1, 0], [len(train), len(holdout)])
    return float(roc_auc_score(member, -distance))


@pytest.fixture(scope="module")
def adult() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Equally many rows of Adult to learn from and to keep apart."""
    table = pd.read_csv(shared_data() / "adult" / "adult_train.csv.gz").sample(2 * N, random_state=0)
    return table.head(N).reset_index(drop=True), table.tail(N).reset_index(drop=True)


CHANCE = 0.5 + 3 * np.sqrt(1 / (6 * N))
"""Three standard errors above what guessing gives."""


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in GENERATORS if not GENERATORS[name].private])
def test_generators_do_not_remember_rows(name: str, adult: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The nearest-neighbour attack is no better than chance."""
    if command := GENERATORS[name].install_command():
        pytest.skip(f"{name} needs: {command}")
    train, holdout = adult
    rows = GENERATORS[name]().fit(train, ts.infer(train), seed=0).sample(N, seed=0)
    assert _advantage(train, holdout, rows) < CHANCE


@pytest.mark.nightly
def test_a_copier_is_caught(adult: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The attack finds a generator that hands out half of its training rows."""
    train, holdout = adult
    assert _advantage(train, holdout, train.sample(N // 2, random_state=1)) > 0.6
