"""Trees that questions share: where rows end up, and what is kept of them."""

from __future__ import annotations

import numpy as np

from tabsynth.generators.boosting.shared_trees import SharedTree, SharedTrees, Splits

# Splits on feature 0 at 3, then on its left on feature 1 at 9.
SPLITS = Splits(np.array([0, 1]), np.array([3, 9], np.uint8), np.array([1, ~0]), np.array([~2, ~1]))
RNG = np.random.default_rng(0)


def test_rows_walk_to_their_leaf() -> None:
    """Up to the threshold goes left; leaves are numbered from left to right; long tables come in parts."""
    places = RNG.integers(0, 20, (2, 9001)).astype(np.uint8)
    expected = np.where(places[0] > 3, 2, np.where(places[1] > 9, 1, 0))
    np.testing.assert_array_equal(SPLITS.leaves(places), expected)
    alone = Splits(*(np.zeros(0, np.int64) for _ in range(4)))
    np.testing.assert_array_equal(alone.leaves(places), np.zeros(9001))


def test_equal_neighbours_are_kept_once() -> None:
    """Runs give back the number of every leaf and question."""
    added = np.array([[1, 2], [1, 3], [4, 3]], np.float32)  # (leaves, questions)
    tree = SharedTree.of(SPLITS, added)
    assert len(tree.added) == 4
    np.testing.assert_array_equal(tree.table.reshape(2, 3), added.T)


def test_saved_trees_answer_alike() -> None:
    """from_state undoes state, without trees, too."""
    places = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    trees = [SharedTree.of(SPLITS, RNG.normal(size=(3, 5)).astype(np.float32)) for _ in range(3)]
    codes = RNG.integers(0, 20, (3, 500)).astype(np.uint8)
    rows, questions = np.arange(500), RNG.integers(0, 5, 500)
    for shared in (SharedTrees(places, tuple(trees)), SharedTrees(places, ())):
        again = SharedTrees.from_state(shared.state())
        leaves = shared.leaves(codes)
        for one, other in zip(leaves, again.leaves(codes), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(
            shared.score(leaves, rows, questions), again.score(again.leaves(codes), rows, questions)
        )
    assert SharedTrees(places, tuple(trees)).used == {0, 1}
