"""Error prediction: a table that repeats train makes its people predictable, another sample does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tabsynth.evaluation.membership_attacks import cast, suspect
from tabsynth.evaluation.membership_distances import column_subsets
from tabsynth.evaluation.membership_errors import error_scores
from tabsynth.schema.columns import Categorical, Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

TABLE = Table(columns={"x": Number(), "y": Number(), "z": Number(), "kind": Categorical()})


def rows(n_rows: int, seed: int) -> pd.DataFrame:
    """Numbers that hang together loosely, and a category that hangs on nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 1)) + rng.normal(size=(n_rows, 3))
    return pd.DataFrame(x, columns=["x", "y", "z"]).assign(kind=rng.choice(list("abc"), n_rows))


def area(synthetic: pd.DataFrame, n_rows: int = 800) -> float:
    """How well error prediction ranks people of train above strangers."""
    comparison = compare_frames(rows(n_rows, 0), rows(n_rows, 1), synthetic, TABLE)
    parts = cast(comparison)
    assert parts is not None
    scores = error_scores(
        parts.asked, parts.fold, parts.reference, parts.reference_fold, comparison.synthetic, comparison.scales, seed=0
    )
    return float(roc_auc_score(parts.member, scores))


def test_copies_are_found_and_another_sample_is_not() -> None:
    """Rows copied verbatim or nearly lift the area above a guess; fresh rows stay at one."""
    train = rows(800, 0)
    noise = np.random.default_rng(2).normal(0, 0.02, (800, 3))
    near = train.assign(**{name: train[name] + noise[:, place] for place, name in enumerate("xyz")})
    assert area(train.sample(frac=1, random_state=0)) > 0.62
    assert area(near) > 0.6
    assert area(rows(800, 2)) == pytest.approx(0.5, abs=0.05)


def test_it_is_one_of_the_attacks_and_left_out_with_the_trees() -> None:
    """The search over attacks holds it, with the correction for one more."""
    comparison = compare_frames(rows(200, 0), rows(200, 1), rows(200, 2), TABLE)
    found, quick = suspect(comparison, comparison.synthetic), suspect(comparison, comparison.synthetic, trees=False)
    assert found is not None
    assert quick is not None
    assert "error prediction" in found.attacks
    assert "error prediction" not in quick.attacks
    subsets = column_subsets(TABLE, comparison.scales, seed=0)
    assert len(found.attacks) == len(quick.attacks) + 2 + 2 * len(subsets)


def test_odd_columns_are_left_out() -> None:
    """A single column, constants and empty columns give no suspicion and no error."""
    frame = pd.DataFrame({"a": [1.0] * 100, "b": [None] * 100, "c": ["u"] * 100})
    table = Table(columns={"a": Number(), "b": Number(), "c": Categorical()})
    comparison = compare_frames(frame, frame, frame, table)
    parts = cast(comparison)
    assert parts is not None
    scores = error_scores(
        parts.asked, parts.fold, parts.reference, parts.reference_fold, comparison.synthetic, comparison.scales, seed=0
    )
    assert not scores.any()
