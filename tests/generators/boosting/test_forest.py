"""Our predictor gives what LightGBM gives."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from tabsynth.generators.boosting.forest import Forest, Trees

N = 3000
PARAMETERS = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbosity": -1, "min_data_in_bin": 1}


def _boosted(n_codes: int, nominal: list[int], bins: int = 255) -> tuple[lightgbm.Booster, np.ndarray]:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, n_codes, (4, N)).astype(np.uint8)
    score = codes[0] / n_codes + np.isin(codes[1], [1, 3, 39, 200]) - codes[2] * (codes[3] > n_codes // 2) / n_codes
    label = (score + rng.normal(0, 0.3, N) > 0.4).astype(np.float32)
    parameters = {**PARAMETERS, "use_missing": False, "max_bin": bins}
    data = lightgbm.Dataset(codes.T.astype(np.float32), label=label, params=parameters, categorical_feature=nominal)
    return lightgbm.train(parameters, data, num_boost_round=25), codes


@pytest.mark.parametrize(
    ("n_codes", "nominal", "bins"),
    [(255, [], 255), (255, [1], 255), (255, [1], 63), (40, [0, 1], 255), (2, [], 255), (1, [], 255)],
)
def test_scores_are_lightgbms(n_codes: int, nominal: list[int], bins: int) -> None:
    """Sums of leaf values agree to single precision: splits with order and without, bins of several codes, none."""
    booster, codes = _boosted(n_codes, nominal, bins)
    trees = Trees.read(booster.model_to_string(), 25)
    expected = booster.predict(codes.T.astype(np.float32), raw_score=True)
    np.testing.assert_allclose(trees.score(codes), expected, atol=1e-5)
    some = np.arange(0, N, 7)
    np.testing.assert_array_equal(trees.score(codes, some), trees.score(codes)[some])


def test_a_forest_comes_back_from_its_arrays() -> None:
    """Classifiers survive state and from_state to the last bit, empty ones too."""
    booster, codes = _boosted(60, [1])
    text = booster.model_to_string()
    forest = Forest((Trees.read(text, 25), Trees.read(text, 0), Trees.read(text, 3)))
    again = Forest.from_state(forest.state())
    for one, other in zip(forest.classifiers, again.classifiers, strict=True):
        np.testing.assert_array_equal(one.score(codes), other.score(codes))
