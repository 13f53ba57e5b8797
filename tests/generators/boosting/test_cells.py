"""Cells cover a column, and questions lead to every one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.encoding.marginal import fit_marginal
from tabsynth.encoding.table import Continuous, Discrete
from tabsynth.generators.boosting.cells import Cells, ask, make_cells
from tabsynth.generators.boosting.training import route

RNG = np.random.default_rng(2)


def _numeric(values: np.ndarray, *, most: int = 64) -> Cells:
    marginal = fit_marginal(values[~np.isnan(values)], k=10, entities=None, lower=None, upper=None)
    assert marginal is not None
    return make_cells(values, Continuous(marginal, None), most=most)


def _leaves(cells: Cells) -> list[int]:
    questions = ask(cells)
    children = np.concatenate([questions.left, questions.right])
    return sorted((~children[children < 0]).tolist())


def test_a_common_value_has_a_cell_of_its_own() -> None:
    """An atom inside a smooth column is one cell, and comes back exactly."""
    values = np.where(RNG.random(4000) < 0.3, 5.0, RNG.normal(5, 2, 4000))
    cells = _numeric(values)
    at_five = cells.of(np.array([5.0]))
    rows = np.full(50, at_five[0])
    assert (cells.values(rows, RNG.random(50)) == 5.0).all()
    assert cells.masses[at_five[0]] == pytest.approx(0.3, abs=0.03)


def test_neighbouring_whole_numbers_are_told_apart() -> None:
    """The value at which a stretch ends belongs to the atom there."""
    values = np.concatenate([np.repeat(np.arange(20.0), 100), RNG.uniform(0, 19, 60)])
    cells = _numeric(values, most=200)
    assert len(set(cells.of(np.arange(20.0)))) == 20


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=30, max_size=300), st.booleans(), st.booleans())
def test_questions_reach_every_cell_once(codes: list[int], ordered: bool, gaps: bool) -> None:
    """Whatever the column, each cell hangs under exactly one answer, and rows are routed to their own."""
    array = np.array(codes, np.int32)
    if gaps:
        array[::3] = -1
    present = array[array >= 0]
    domain = Discrete(np.bincount(present, minlength=31) / len(present), ordered)
    cells = make_cells(array, domain, most=64)
    assert _leaves(cells) == (list(range(cells.n_cells)) if cells.n_cells > 1 else [])
    own = cells.of(array)
    np.testing.assert_array_equal(cells.values(own, np.zeros(len(own))), array)
    questions = ask(cells)
    rows_of, right_of = route(questions, own)
    reached = np.full(len(own), -1)
    for question in range(len(questions.left)):
        for child, rows in (
            (questions.left[question], rows_of[question][~right_of[question]]),
            (questions.right[question], rows_of[question][right_of[question]]),
        ):
            if child < 0:
                reached[rows] = ~child
    if len(questions.left):
        np.testing.assert_array_equal(reached, own)


@pytest.mark.parametrize("n_codes", [3, 254, 255, 900])
def test_features_fit_in_a_byte(n_codes: int) -> None:
    """Any number of categories becomes codes of 0 to 255, the missing cell apart."""
    array = np.concatenate([np.repeat(np.arange(n_codes, dtype=np.int32), 2), np.array([-1], np.int32)])
    cells = make_cells(array, Discrete(np.full(n_codes, 1 / n_codes), ordered=False), most=64)
    codes = cells.feature_codes
    assert codes.dtype == np.uint8 and len(codes) == n_codes + 1
    assert (codes[:-1] != codes[-1]).all()


def test_categories_that_are_numbers_stand_in_order() -> None:
    """Asked for it, cells and features follow the numbers, and every code still comes back."""
    domain = Discrete(np.array([0.4, 0.3, 0.2, 0.1]), ordered=False, numbers=np.array([10.0, 2.0, np.inf, -1.5]))
    array = np.repeat(np.arange(4, dtype=np.int32), [40, 30, 20, 10])
    cells = make_cells(array, domain, most=64, numbers_in_order=True)
    assert cells.ordered and not make_cells(array, domain, most=64).ordered
    assert cells.of(np.array([3, 1, 0, 2])).tolist() == [0, 1, 2, 3]
    assert cells.masses.tolist() == [0.1, 0.3, 0.4, 0.2]
    np.testing.assert_array_equal(cells.values(cells.of(array), np.zeros(100)), array)


def test_conditions_cut_cells() -> None:
    """Values drawn inside stretches of the quantile scale stay inside them."""
    cells = _numeric(RNG.normal(0, 1, 2000))
    stretches = np.array([[0.1, 0.2], [0.55, 0.5501]])
    share = cells.overlap(stretches)
    rows = np.repeat(np.flatnonzero(share > 0), 20)
    values = cells.values(rows, np.tile(np.linspace(0, 0.999, 20), len(rows) // 20), inside=stretches)
    assert isinstance(cells.domain, Continuous)
    at = cells.domain.marginal.probability_below(values, inclusive=True)
    assert ((at >= 0.1 - 1e-9) & (at <= 0.2 + 1e-9) | (at >= 0.55 - 1e-9) & (at <= 0.5501 + 1e-9)).all()
    assert share @ np.diff(cells.edges) == pytest.approx(0.1001)
