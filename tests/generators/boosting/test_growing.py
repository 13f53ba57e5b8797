"""Trees that questions share: what they learn, and on how many rows their numbers rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tabsynth.encoding.marginal import fit_marginal
from tabsynth.encoding.table import Continuous
from tabsynth.generators.boosting.cells import Cells, Questions, ask, make_cells
from tabsynth.generators.boosting.growing import grow_shared
from tabsynth.generators.boosting.shared_trees import SharedTrees
from tabsynth.generators.boosting.training import route

N = 4000


def _grown(
    values: np.ndarray, codes: np.ndarray, nominal: list[int], min_leaf: int = 20
) -> tuple[SharedTrees, Cells, Questions, np.ndarray]:
    marginal = fit_marginal(values[~np.isnan(values)], k=10, entities=None, lower=None, upper=None)
    assert marginal is not None
    cells = make_cells(values, Continuous(marginal, None), most=64)
    questions, own = ask(cells), cells.of(values)
    reach = route(questions, own)
    yes = np.array([right.sum() for right in reach[1]])
    sizes = np.array([len(rows) for rows in reach[0]])
    base = np.log((yes + 0.5) / (sizes - yes + 0.5))
    shared = grow_shared(cells, questions, own, reach, base, codes, nominal, rounds=3, min_leaf=min_leaf, seed=0)
    return shared, cells, questions, base


def _chance(shared: SharedTrees, base: np.ndarray, codes: np.ndarray, question: int) -> np.ndarray:
    n = codes.shape[1]
    return expit(base[question] + shared.score(shared.leaves(codes), np.arange(n), np.full(n, question)))


def test_a_category_that_moves_the_number_is_used() -> None:
    """Categories without order are put in that of the means, whatever their codes."""
    rng = np.random.default_rng(0)
    category = rng.integers(0, 6, N).astype(np.uint8)
    values = np.array([3.0, 0.0, 5.0, 1.0, 4.0, 2.0])[category] + rng.uniform(0, 0.5, N)
    shared, _, questions, base = _grown(values, category[None], [0])
    upper = _chance(shared, base, category[None], 0)
    assert upper[values > 3].mean() > 0.95 and upper[values < 2].mean() < 0.05
    assert all(len(questions.left) + 1 == len(tree.starts) for tree in shared.trees)


def _above(shared: SharedTrees, tree: int) -> list[list[np.ndarray]]:
    """For each leaf, the leaves under it, under the split above it, and so on up to the root."""
    splits = shared.trees[tree].splits
    under: dict[int, np.ndarray] = {~leaf: np.array([leaf]) for leaf in range(splits.n_leaves)}
    parent: dict[int, int] = {}
    for split in range(len(splits.feature) - 1, -1, -1):
        sides = int(splits.left[split]), int(splits.right[split])
        under[split] = np.concatenate([under[side] for side in sides])
        parent |= dict.fromkeys(sides, split)
    paths = []
    for leaf in range(splits.n_leaves):
        node, path = ~leaf, [under[~leaf]]
        while node in parent:
            node = parent[node]
            path.append(under[node])
        paths.append(path)
    return paths


def test_every_number_rests_on_enough_rows() -> None:
    """Leaves have `min_leaf` rows; where fewer rows reach a question, the number is that of a split above."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 250, (3, N)).astype(np.uint8)
    values = codes[0] + 0.3 * codes[1] + rng.normal(0, 1.0, N)
    shared, cells, questions, _ = _grown(values, codes, [], min_leaf=50)
    rows_of, _ = route(questions, cells.of(values))
    assert len(shared.trees) == 4
    told_apart = 0
    for number, (tree, leaf) in enumerate(zip(shared.trees, shared.leaves(codes), strict=True)):
        assert np.bincount(leaf, minlength=tree.splits.n_leaves).min() >= 50
        paths = _above(shared, number)
        table = tree.table.reshape(len(rows_of), -1)
        for question, rows in enumerate(rows_of):
            counts = np.bincount(leaf[rows], minlength=tree.splits.n_leaves)
            rests_on: dict[bytes, set[float]] = {}
            for own, path in enumerate(paths):
                enough = next((leaves for leaves in path if counts[leaves].sum() >= 50), path[-1])
                rests_on.setdefault(enough.tobytes(), set()).add(float(table[question, own]))
            assert all(len(numbers) == 1 for numbers in rests_on.values())
            told_apart = max(told_apart, len(rests_on))
    assert told_apart > 5


def test_one_row_moves_no_leaf_to_itself() -> None:
    """A row unlike all others is not singled out: its own cell is hardly likelier for its features than for others'."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 100, (2, N)).astype(np.uint8)
    values = codes[0] + rng.normal(0, 1.0, N)
    codes[:, 0], values[0] = (255, 255), values.min()
    shared, _, _, base = _grown(values, codes, [])
    upper = _chance(shared, base, codes, 0)
    assert upper[0] > 0.8  # as for the other rows with large codes, although its own value is the smallest


def test_missing_cells_follow_the_columns_before() -> None:
    """Whether a cell is missing is a question like others."""
    rng = np.random.default_rng(2)
    feature = rng.integers(0, 2, N).astype(np.uint8)
    values = np.where((feature == 1) & (rng.random(N) < 0.4), np.nan, rng.normal(0, 1, N))
    shared, _, _, base = _grown(values, feature[None], [])
    gone = _chance(shared, base, feature[None], 0)
    assert gone[feature == 1].mean() == pytest.approx(0.4, abs=0.05) and gone[feature == 0].max() < 0.05


def test_nothing_to_split_by_adds_nothing() -> None:
    """Features that never differ leave the plain shares."""
    codes = np.zeros((2, N), np.uint8)
    shared, *_ = _grown(np.random.default_rng(4).normal(0, 1, N), codes, [])
    assert not shared.trees and not shared.used
