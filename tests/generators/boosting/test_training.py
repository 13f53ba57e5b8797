"""Classifiers of a column learn what its questions need, and no more than its rows say."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.encoding.table import Discrete
from tabsynth.generators.boosting.cells import make_cells
from tabsynth.generators.boosting.drawing import draw_cells
from tabsynth.generators.boosting.likelihood import log_probability
from tabsynth.generators.boosting.training import ColumnModel, Settings, train_column

RNG = np.random.default_rng(3)
N = 3000


def _trained(own: np.ndarray, codes: np.ndarray, settings: Settings) -> ColumnModel:
    n_codes = int(own.max()) + 1
    cells = make_cells(own, Discrete(np.full(n_codes, 1 / n_codes), ordered=True), most=64)
    held_out = RNG.random(len(own)) < settings.held_out
    features = tuple(range(len(codes)))
    return train_column(cells, own, codes, features, [], settings=settings, seed=0, held_out=held_out)


def test_large_tables_are_smoothed_less() -> None:
    """The more rows, the more a leaf counts and the sooner trees have many; small tables keep the full smoothing."""
    usual = Settings()
    assert usual.for_rows(500) == usual.for_rows(10_000) == usual
    large = usual.for_rows(40_000)
    assert large.smoothing == pytest.approx(usual.smoothing / 16)
    assert large.many_rows == usual.many_rows // 4


def test_questions_that_share_a_classifier_are_told_apart() -> None:
    """A relation that turns round from one stretch of the column to the next is learned with the place as a feature."""
    feature = RNG.integers(0, 2, N).astype(np.uint8)
    stretch = RNG.integers(0, 2, N)
    own = (4 * stretch + 2 * RNG.integers(0, 2, N) + (feature ^ stretch)).astype(np.int32)
    # All questions are too small for one of their own.
    model = _trained(own, feature[None], Settings(own_share=2.0, smoothing=0.0))
    codes = np.stack([feature, np.zeros(N, np.uint8)])
    assert log_probability(model, own, codes).mean() > -np.log(4) - 0.05  # stretch and half are chance, the rest is not


def test_noise_gets_no_trees() -> None:
    """Where no round helps on rows kept apart, a question keeps its plain share; a round that helps by luck is rare.

    Of 300 such tables half got no tree, one in five more than three, and the worst 35 of the 800 that it may have.
    """
    n_trees = []
    for _ in range(12):
        own = RNG.integers(0, 2, N).astype(np.int32)
        model = _trained(own, RNG.integers(0, 200, (3, N)).astype(np.uint8), Settings())
        n_trees.append(sum(trees.n_trees for trees in model.trees))
    assert np.median(n_trees) <= 3 and np.mean(n_trees) < 0.05 * Settings().rounds


def test_few_missing_cells_stay_few() -> None:
    """Whether a cell is missing shares no classifier with where it lies: those rows would drown it."""
    feature = RNG.integers(0, 8, N).astype(np.uint8)
    own = (feature.astype(np.int32) * 4 + RNG.integers(0, 4, N)).astype(np.int32)
    own[:5] = -1
    cells = make_cells(own, Discrete(np.full(32, 1 / 32), ordered=True), most=64)
    codes = np.stack([feature, np.zeros(N, np.uint8)])
    # All questions are too small for one of their own.
    settings = Settings(own_share=2.0, smoothing=0.0)
    held_out = RNG.random(N) < settings.held_out
    model = train_column(cells, cells.of(own), codes[:1], (0,), [], settings=settings, seed=0, held_out=held_out)
    assert model.classifier[0] == -1 and (model.classifier[1:] >= 0).any()
    drawn = draw_cells(model, codes, N, rng=np.random.default_rng(0))
    assert (drawn == cells.n_cells - 1).sum() <= 10
