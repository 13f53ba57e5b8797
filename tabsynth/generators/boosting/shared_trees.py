"""Trees that all questions of a numeric column share: what `fast` has instead of a classifier for each question.

A row ends in one leaf of each tree, and a leaf holds a number for every question of the column: what it adds to the
log-odds of "right". Where too few rows of a leaf reach a question the number is that of a split above, so neighbouring
leaves often hold the same one, and runs of these are what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, Any]

_ROWS = 4096  # rows that walk down a tree at once, so that their codes stay in the cache
_STEPS = 4  # splits that all rows pass before those in leaves are taken out


@dataclass(frozen=True)
class Splits:
    """The splits of one tree; its leaves are numbered from left to right."""

    feature: Array  # (n_splits,)
    threshold: Array  # (n_splits,), places up to it go left
    left: Array  # (n_splits,), split below, which comes later; ~leaf for a leaf
    right: Array  # (n_splits,)

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return len(self.feature) + 1

    def leaves(self, places: Array) -> Array:
        """Leaf of each row, shape (n_rows,), int64.

        Args:
            places: Place of each row in the order that the tree sees, shape (n_features, n_rows), uint8.
        """
        n_splits, n_rows = len(self.feature), places.shape[1]
        if not n_splits:
            return np.zeros(n_rows, np.int64)
        # Leaves stand behind the splits, and both ways from a leaf lead to it again.
        ends = np.arange(n_splits, n_splits + self.n_leaves)
        below = np.stack([np.where(c < 0, n_splits + ~c, c) for c in (self.right, self.left)], axis=1)
        below = np.concatenate([below, np.stack([ends, ends], axis=1)]).ravel()
        feature = np.concatenate([self.feature, np.zeros(self.n_leaves, np.int64)]).astype(np.int64)
        threshold = np.concatenate([self.threshold, np.zeros(self.n_leaves, np.uint8)])
        found = np.empty(n_rows, np.int64)
        for start in range(0, n_rows, _ROWS):
            part = np.ascontiguousarray(places[:, start : start + _ROWS])
            width = part.shape[1]
            flat, offset = part.ravel(), feature * width
            rows, node = np.arange(width), np.zeros(width, np.int64)
            while len(rows):
                for _ in range(_STEPS):
                    node = below[2 * node + (flat[offset[node] + rows] <= threshold[node])]
                ended = node >= n_splits
                found[start + rows[ended]] = node[ended] - n_splits
                rows, node = rows[~ended], node[~ended]
        return found


@dataclass(frozen=True)
class SharedTree:
    """One tree, and for every question a number for each run of neighbouring leaves."""

    splits: Splits
    first: Array  # (n_runs,), leaf at which each run begins
    added: Array  # (n_runs,), what the leaves of the run add to the log-odds
    starts: Array  # (n_questions + 1,), runs of each question

    @classmethod
    def of(cls, splits: Splits, added: Array) -> Self:
        """Keep a number for every leaf and question.

        Args:
            splits: The tree.
            added: What each leaf adds to the log-odds, shape (n_leaves, n_questions), float32.
        """
        by_question = np.ascontiguousarray(added.T)
        begins = np.ones(by_question.shape, bool)
        begins[:, 1:] = by_question[:, 1:] != by_question[:, :-1]
        starts = np.concatenate([[0], np.cumsum(begins.sum(axis=1))])
        return cls(splits, np.nonzero(begins)[1].astype(np.int32), by_question[begins], starts.astype(np.int64))

    @cached_property
    def table(self) -> Array:
        """What each leaf adds, by question and leaf, shape (n_questions * n_leaves,), float32."""
        ends = np.append(self.first[1:], 0).astype(np.int64)
        ends[self.starts[1:] - 1] = self.splits.n_leaves
        return np.repeat(self.added, ends - self.first)

    def forget(self) -> None:
        """Let go of `table`, which is made again when it is asked for."""
        self.__dict__.pop("table", None)


@dataclass(frozen=True)
class SharedTrees:
    """All trees of a column, which add up."""

    places: Array  # (n_features, 256), uint8: place of each code in the order that the trees see
    trees: tuple[SharedTree, ...]

    @property
    def used(self) -> frozenset[int]:
        """Features that any split asks about."""
        return frozenset(int(feature) for tree in self.trees for feature in np.unique(tree.splits.feature))

    def leaves(self, codes: Array) -> list[Array]:
        """Leaf of each row in each tree, shapes (n_rows,).

        Args:
            codes: Feature codes, shape (n_features or more, n_rows), uint8.
        """
        seen = np.take_along_axis(self.places, codes[: len(self.places)], axis=1)
        return [tree.splits.leaves(seen) for tree in self.trees]

    def score(self, leaves: Sequence[Array], rows: Array, questions: Array) -> Array:
        """What the trees add to the log-odds, shape (n,).

        Args:
            leaves: As `leaves` gave them.
            rows: Rows, shape (n,).
            questions: The question that each of them stands at, shape (n,).
        """
        total = np.zeros(len(rows))
        for tree, leaf in zip(self.trees, leaves, strict=True):
            total += tree.table[questions * tree.splits.n_leaves + leaf[rows]]
        return total

    def state(self) -> dict[str, Any]:
        """Numeric arrays, those of the trees one after the other."""
        parts = {
            "feature": [tree.splits.feature.astype(np.uint16) for tree in self.trees],
            "threshold": [tree.splits.threshold for tree in self.trees],
            "left": [tree.splits.left.astype(np.int32) for tree in self.trees],
            "right": [tree.splits.right.astype(np.int32) for tree in self.trees],
            "first": [tree.first for tree in self.trees],
            "added": [tree.added for tree in self.trees],
        }
        starts = [tree.starts for tree in self.trees]
        return {
            "places": self.places,
            "n_splits": np.array([len(tree.splits.feature) for tree in self.trees], np.int64),
            "starts": np.stack(starts) if starts else np.zeros((0, 1), np.int64),
            **{name: np.concatenate(part) if part else np.zeros(0) for name, part in parts.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The trees that `state` describes."""
        splits_upto = np.concatenate([[0], np.cumsum(state["n_splits"])]).astype(np.int64)
        starts = np.asarray(state["starts"], np.int64)
        runs_upto = np.concatenate([[0], np.cumsum(starts[:, -1])]).astype(np.int64)
        trees = []
        for number in range(len(starts)):
            own = slice(splits_upto[number], splits_upto[number + 1])
            runs = slice(runs_upto[number], runs_upto[number + 1])
            splits = Splits(
                np.asarray(state["feature"])[own].astype(np.int64),
                np.asarray(state["threshold"])[own].astype(np.uint8),
                np.asarray(state["left"])[own].astype(np.int64),
                np.asarray(state["right"])[own].astype(np.int64),
            )
            first, added = (np.asarray(state[name])[runs] for name in ("first", "added"))
            trees.append(SharedTree(splits, first.astype(np.int32), added.astype(np.float32), starts[number]))
        return cls(np.asarray(state["places"], np.uint8), tuple(trees))
