"""Growing the trees that all questions of a numeric column share: see `shared_trees.py`.

The first tree is a regression tree on the place of a row's cell; its leaves answer each question by the share of their
rows, drawn towards that of the split above. Every further tree is grown on what the questions still get wrong, summed
over the questions that a row passes, and each leaf takes one Newton step for each question. So a tree is grown once for
all questions of a column, where classifiers would be trained for each.

Decisions
- Least squares, with one weight for all rows: LightGBM estimates the rows of a leaf from the second derivatives, and
  only where these are all alike is the count, and with it the floor on rows, exact.
- The sum over questions alternates between plain and weighted by the distance between the two sides of each question.
  One fit, C2ST on Default and Magic, 4 further trees of 255 leaves: in turn 0.65 and 0.84, plain alone 0.65 and 0.87.
- Three further trees of 511 leaves: two of 800 leaves 0.67 and 0.89, three 0.71 and 0.92, six (steps of 0.4) 0.71 and
  0.96 for half as much time again.
- Without the first tree and its shares: 0.41 and 0.64 (3 trees of 800 leaves); the first one alone: 0.40 and 0.69.
- All of this with shares drawn by 5 rows; what 15 do is in `trees.py`.

Privacy: Leaves hold at least `min_leaf` rows, and every number in them rests on at least so many rows that reach its
question. Categories with fewer rows stand in the middle of the order that the trees see.

Source: one tree for many outputs with a reduced gradient: Iosipoi and Vakhrushev 2022, "SketchBoost"; sequential
regression trees: Reiter 2005, "Using CART to generate partially synthetic, public use microdata".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from tabsynth.generators.boosting.cells import N_CODES, Cells, Questions
from tabsynth.generators.boosting.shared_trees import SharedTree, SharedTrees, Splits

Array = np.ndarray[Any, Any]

_FIRST_LEAVES = 0.03
"""Leaves of the first tree for each row."""
_LEAVES = 511
"""Leaves of each further tree, at most."""
_STEP = 0.6
_L2 = 2.0
_TOWARDS_ABOVE = 15.0
"""Rows that the share of the split above counts for."""
_FURTHEST = 4.0
"""Most that a tree after the first moves log-odds, before its step."""
_LEAST = 1e-4
"""Smallest share that the first tree believes in."""
_BIN_ROWS = 3000
"""Rows that the bins of a feature are chosen from."""


@dataclass(frozen=True)
class _Passed:
    """Every question that every row passes, one after the other."""

    row: Array  # (n,)
    question: Array  # (n,)
    right: Array  # (n,), 1 where the answer is "right"


def grow_shared(
    cells: Cells,
    questions: Questions,
    own: Array,
    reach: tuple[Sequence[Array], Sequence[Array]],
    base: Array,
    codes: Array,
    nominal: Sequence[int],
    *,
    rounds: int,
    min_leaf: int,
    seed: int,
) -> SharedTrees:
    """Grow the trees of a column.

    Args:
        cells: Cells of the column, in order.
        questions: Its questions.
        own: Cell of each row, shape (n_rows,).
        reach: Rows that reach each question, and whether their answer is "right".
        base: Log-odds of each question, shape (n_questions,).
        codes: Feature codes, shape (n_features, n_rows), uint8.
        nominal: Which of `codes` have no order: the trees see their categories in the order of the column's means.
        rounds: Trees after the first.
        min_leaf: Fewest rows that a number may rest on.
        seed: Of LightGBM.
    """
    middle = np.cumsum(cells.masses) - cells.masses / 2
    places = _places(codes, nominal, middle[own], min_leaf)
    seen = np.take_along_axis(places, codes, axis=1)
    sizes = [len(rows) for rows in reach[0]]
    passed = _Passed(
        np.concatenate(reach[0]), np.repeat(np.arange(len(sizes)), sizes), np.concatenate(reach[1]).astype(np.float64)
    )
    gap = _distances(questions, cells.masses, middle)
    grower = _Grower(seen, min_leaf, seed)
    score = np.zeros(len(passed.row))
    trees: list[SharedTree] = []
    for number in range(rounds + 1):
        chance = expit(base[passed.question] + score)
        wrong = passed.right - chance
        weighted = wrong * gap[passed.question] if number % 2 == 0 else wrong
        target = np.bincount(passed.row, weights=weighted, minlength=len(own))
        most = int(_FIRST_LEAVES * len(own)) if number == 0 else _LEAVES
        splits = grower.grow(target, most)
        if splits.n_leaves < 2:
            continue
        # A leaf and a question as one number.
        at = splits.leaves(seen)[passed.row] * len(base) + passed.question
        shape = (splits.n_leaves, len(base))
        if number == 0:
            added = _shares(splits, at, passed.right, base, shape, min_leaf)
        else:
            added = _STEP * _newton(splits, at, wrong, chance * (1 - chance), shape, min_leaf)
        added = added.astype(np.float32)
        trees.append(SharedTree.of(splits, added))
        score += added.ravel()[at]
    return SharedTrees(places, tuple(trees))


def _places(codes: Array, nominal: Sequence[int], target: Array, min_leaf: int) -> Array:
    """Place of each code of each feature in the order that trees see, shape (n_features, 256), uint8."""
    places = np.tile(np.arange(N_CODES, dtype=np.uint8), (len(codes), 1))
    for feature in nominal:
        counts = np.bincount(codes[feature], minlength=N_CODES)
        means = np.bincount(codes[feature], weights=target, minlength=N_CODES) / np.maximum(counts, 1)
        means[counts < min_leaf] = target.mean()
        there = np.flatnonzero(counts)
        places[feature] = 0
        places[feature, there[np.argsort(means[there], kind="stable")]] = np.arange(len(there))
    return places


def _distances(questions: Questions, masses: Array, middle: Array) -> Array:
    """How far the mean places of the two sides of each question lie apart, shape (n_questions,)."""
    n = len(questions.left)
    mass, moment, gap = np.zeros(n), np.zeros(n), np.zeros(n)
    for question in range(n - 1, -1, -1):
        sides = [
            (masses[~child], masses[~child] * middle[~child]) if child < 0 else (mass[child], moment[child])
            for child in (int(questions.left[question]), int(questions.right[question]))
        ]
        (left, left_moment), (right, right_moment) = sides
        gap[question] = right_moment / max(right, 1e-12) - left_moment / max(left, 1e-12)
        mass[question], moment[question] = left + right, left_moment + right_moment
    return gap


class _Grower:
    """Regression trees on the same features."""

    def __init__(self, seen: Array, min_leaf: int, seed: int) -> None:
        import lightgbm

        self.n_rows, self.min_leaf = seen.shape[1], min_leaf
        self.parameters = {
            "objective": "regression",
            "boost_from_average": False,
            "learning_rate": 1.0,
            "min_data_in_leaf": min_leaf,
            "min_sum_hessian_in_leaf": 0.0,
            "lambda_l2": 1.0,
            "max_bin": 255,
            "min_data_in_bin": 1,
            "bin_construct_sample_cnt": _BIN_ROWS,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "enable_bundle": False,
            "use_missing": False,
            "verbosity": -1,
            "seed": seed,
        }
        self.data = lightgbm.Dataset(
            seen.T.astype(np.float32), label=np.zeros(self.n_rows, np.float32), params=self.parameters
        ).construct()

    def grow(self, target: Array, most: int) -> Splits:
        """A tree of at most `most` leaves on a number of each row, shape (n_rows,)."""
        import lightgbm

        leaves = min(most, self.n_rows // self.min_leaf)
        spread = float(target.std())
        if leaves < 2 or spread <= 0:
            return _read({})
        self.data.set_label((target / spread).astype(np.float32))
        booster = lightgbm.Booster({**self.parameters, "num_leaves": leaves}, self.data)
        booster.update()
        lines = (line.partition("=") for line in booster.model_to_string(num_iteration=1).split("\n"))
        return _read({name: numbers for name, _, numbers in lines})


def _read(fields: Mapping[str, str]) -> Splits:
    """The tree of a LightGBM model text, by the names of its lines; a single leaf where it has no splits."""
    feature = np.array(fields.get("split_feature", "").split(), np.int64)
    threshold = np.array(fields.get("threshold", "").split(), np.float64)
    left, right = (np.array(fields.get(f"{side}_child", "").split(), np.int64) for side in ("left", "right"))
    size = np.ones(len(feature), np.int64)  # leaves under each split
    for split in range(len(feature) - 1, -1, -1):
        size[split] = sum(int(size[child]) if child >= 0 else 1 for child in (left[split], right[split]))
    low = np.zeros(len(feature), np.int64)  # first of them, from left to right
    for split in range(len(feature)):
        begin = int(low[split])
        for children in (left, right):
            child = int(children[split])
            if child >= 0:
                low[child] = begin
                begin += int(size[child])
            else:
                children[split] = ~begin
                begin += 1
    return Splits(feature, np.clip(np.floor(threshold), 0, N_CODES - 1).astype(np.uint8), left, right)


@dataclass(frozen=True)
class _Nodes:
    """Splits, then leaves, of one tree."""

    low: Array  # (n_nodes,), first leaf under each
    high: Array  # (n_nodes,), one past the last
    above: Array  # (n_nodes,), -1 for the root
    levels: list[Array]  # nodes by depth, without the root

    def sums(self, at: Array, weights: Array | None, shape: tuple[int, int]) -> Array:
        """Sums of `weights` over the rows of each node, by question; shape (n_nodes, n_questions).

        Args:
            at: Leaf and question as one number, shape (n,).
            weights: Shape (n,), or None to count.
            shape: Leaves and questions.
        """
        by_leaf = np.bincount(at, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        upto = np.vstack([np.zeros((1, shape[1])), np.cumsum(by_leaf, axis=0)])
        return upto[self.high] - upto[self.low]


def _nodes(splits: Splits) -> _Nodes:
    n_splits = len(splits.feature)
    low = np.concatenate([np.zeros(n_splits, np.int64), np.arange(splits.n_leaves)])
    high = low + 1
    above, depth = np.full(len(low), -1), np.zeros(len(low), np.int64)
    below = [np.where(child < 0, n_splits + ~child, child) for child in (splits.left, splits.right)]
    for split in range(n_splits):
        for child in below:
            above[child[split]], depth[child[split]] = split, depth[split] + 1
    for split in range(n_splits - 1, -1, -1):
        low[split], high[split] = low[below[0][split]], high[below[1][split]]
    return _Nodes(low, high, above, [np.flatnonzero(depth == level) for level in range(1, int(depth.max()) + 1)])


def _shares(splits: Splits, at: Array, right: Array, base: Array, shape: tuple[int, int], min_leaf: int) -> Array:
    """Log-odds beyond `base` by the shares of rows, shape (n_leaves, n_questions).

    Args:
        splits: The tree.
        at: Leaf and question as one number, shape (n,).
        right: 1 where the answer is "right", shape (n,).
        base: Log-odds of each question, shape (n_questions,).
        shape: Leaves and questions.
        min_leaf: Fewest rows that a number may rest on.
    """
    nodes = _nodes(splits)
    n, yes = nodes.sums(at, None, shape), nodes.sums(at, right, shape)
    share = np.tile(expit(base), (len(n), 1))
    for level in nodes.levels:
        up = share[nodes.above[level]]
        told = (yes[level] + _TOWARDS_ABOVE * up) / (n[level] + _TOWARDS_ABOVE)
        share[level] = np.where(n[level] >= min_leaf, told, up)
    return logit(np.clip(share[len(splits.feature) :], _LEAST, 1 - _LEAST)) - base


def _newton(splits: Splits, at: Array, slope: Array, bend: Array, shape: tuple[int, int], min_leaf: int) -> Array:
    """One Newton step of each leaf for each question, shape (n_leaves, n_questions).

    Args:
        splits: The tree.
        at: Leaf and question as one number, shape (n,).
        slope: Of the log-likelihood of each answer, shape (n,).
        bend: Its curvature, shape (n,).
        shape: Leaves and questions.
        min_leaf: Fewest rows that a number may rest on.
    """
    nodes = _nodes(splits)
    n, first, second = (nodes.sums(at, weights, shape) for weights in (None, slope, bend))
    step = np.zeros_like(first)
    for level in nodes.levels:
        up = step[nodes.above[level]]
        told = up + (first[level] - second[level] * up) / (second[level] + _L2)
        step[level] = np.where(n[level] >= min_leaf, told, up)
    return np.clip(step[len(splits.feature) :], -_FURTHEST, _FURTHEST)
