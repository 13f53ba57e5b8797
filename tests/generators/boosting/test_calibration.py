"""Shares of drawn columns are those of the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from tabsynth.encoding.table import Discrete
from tabsynth.generators.boosting.calibration import calibrate, shift_towards
from tabsynth.generators.boosting.cells import ask, make_cells
from tabsynth.generators.boosting.drawing import draw_cells
from tabsynth.generators.boosting.training import ColumnModel


def _column(codes: np.ndarray) -> ColumnModel:
    domain = Discrete(np.bincount(codes) / len(codes), ordered=False)
    cells = make_cells(codes, domain, most=64)
    questions = ask(cells)
    n = len(questions.left)
    share = np.array([0.3])
    return ColumnModel(cells, questions, logit(share[:n]), np.full(n, -1), np.zeros(n, np.uint8), (), ())


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6])
def test_the_mean_probability_is_reached(share: float) -> None:
    """Adding one number to all log-odds brings their mean to the share asked for."""
    chance = expit(logit(share) + np.random.default_rng(0).normal(0.2, 0.7, 5000))
    moved = expit(logit(chance) + shift_towards(share, chance))
    assert moved.mean() == pytest.approx(share, rel=0.02)


def test_a_shift_is_bounded() -> None:
    """However far the drawn rows are, log-odds move by one at most."""
    assert shift_towards(0.999, np.full(1000, 0.01)) == 1.0


def test_a_column_that_is_right_stays() -> None:
    """Without classifiers drawn shares are exact, and nothing moves."""
    model = _column((np.arange(1000) % 10 < 3).astype(np.int32))
    (after,) = calibrate([model], 5000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(after.base, model.base, atol=0.01)
    drawn = draw_cells(after, np.zeros((1, 5000), np.uint8), 5000, rng=np.random.default_rng(1))
    assert (drawn == drawn[0]).mean() in (pytest.approx(0.3, abs=0.01), pytest.approx(0.7, abs=0.01))


def test_few_rows_move_nothing() -> None:
    """A question that few drawn rows reach keeps its log-odds."""
    model = replace(_column((np.arange(1000) % 10 < 3).astype(np.int32)), base=np.array([0.1]))
    (after,) = calibrate([model], 100, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(after.base, model.base)
