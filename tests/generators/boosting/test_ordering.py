"""The order of drawing follows what columns tell about each other."""

from __future__ import annotations

import numpy as np

from tabsynth.generators.boosting.ordering import chain, shared_information, together, turns


def test_columns_that_belong_together_follow_each_other() -> None:
    """Two groups of three columns each are not interleaved, wherever they stand in the table."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 8, (2, 3000))
    noise = rng.integers(0, 2, (4, 3000))
    own = [first, second, first + noise[0], second + noise[1], first + noise[2], second + noise[3]]
    order = chain(shared_information(own))
    assert {place % 2 for place in order[:3]} in ({0}, {1})
    assert sorted(order) == list(range(6))


def test_columns_that_tell_nothing_keep_their_order() -> None:
    """Without any information the table's own order stands."""
    assert chain(np.zeros((4, 4))) == [0, 1, 2, 3]
    assert chain(np.zeros((1, 1))) == [0]


def test_information_is_symmetric_and_none_on_the_diagonal() -> None:
    """Copies share all, independent columns nothing."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, (2, 5000))
    told = shared_information([a, b, a])
    np.testing.assert_array_equal(told, told.T)
    assert told[0, 2] > 1.3 and told[0, 1] < 0.01 and not np.diag(told).any()


def test_other_orders_begin_with_other_columns() -> None:
    """The rank to start from picks the first column; all columns are drawn whatever it is."""
    told = np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]], float)
    assert [chain(told, start=start)[0] for start in range(3)] == [1, 0, 2]
    assert all(sorted(chain(told, start=start)) == [0, 1, 2] for start in range(3))


def test_models_take_turns() -> None:
    """Each draws as many rows as the others, to within one, and a single row is anybody's."""
    rng = np.random.default_rng(2)
    whose = turns(11, 4, rng=rng)
    assert sorted(np.bincount(whose, minlength=4)) == [2, 3, 3, 3]
    assert {int(turns(1, 4, rng=rng)[0]) for _ in range(60)} == {0, 1, 2, 3}
    parts = [np.full(int((whose == number).sum()), float(number)) for number in range(4)]
    np.testing.assert_array_equal(together(parts, whose), whose)
