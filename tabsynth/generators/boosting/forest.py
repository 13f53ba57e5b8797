"""Boosted trees as numeric arrays, and their predictor.

Every feature is a code of 0 to 255, so a split is a set of codes and a tree is a handful of bit masks: a row starts
with all leaves possible, each split that sends it to the right strikes the leaves on the left, and the lowest bit left
is its leaf. Striking is one table look-up per feature for all trees of a classifier at once.

Decisions
- Own arrays instead of LightGBM's file: a model file is data, sampling needs no LightGBM, and the arrays are the whole
  of what could leak: features, code thresholds and leaf values.
- Leaf values are single precision, 1e-7 of their size from LightGBM's.

Source: Lucchese et al. 2015, "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of Regression
Trees" (the masks).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tabsynth.generators.boosting.cells import N_CODES

Array = np.ndarray[Any, Any]

MAX_LEAVES = 16
_ALL = 2**MAX_LEAVES - 1
_ROWS = 2048  # rows scored at once, so that their masks stay in the cache
_WORDS = N_CODES // 32


def _lowest_bits() -> Array:
    """Position of the lowest bit of every 16-bit number; shape (65536,)."""
    numbers = np.arange(_ALL + 1)
    lowest = numbers & -numbers
    return np.log2(np.maximum(lowest, 1)).astype(np.uint8)


_LOWEST = _lowest_bits()


@dataclass(frozen=True)
class Trees:
    """The trees of one classifier: splits and leaf values, concatenated over the trees."""

    tree: Array  # (n_splits,), which tree a split belongs to
    feature: Array  # (n_splits,)
    threshold: Array  # (n_splits,), codes up to it go left; ignored where `codes_left` >= 0
    codes_left: Array  # (n_splits,), row of `code_sets` with the codes that go left, or -1
    kept: Array  # (n_splits,), leaves left over when a row goes right, as a mask of 16 bits
    leaf_start: Array  # (n_trees,), where the leaves of each tree begin
    leaf_value: Array  # (n_leaves,)
    code_sets: Array  # (n_sets, 8), 256 bits each

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.leaf_start)

    @cached_property
    def _masks(self) -> tuple[Array, Array]:
        """Features in use (n_used,), and leaves left over by feature, code and tree: (n_used, 256, n_trees)."""
        used, place = np.unique(self.feature, return_inverse=True)
        codes = np.arange(N_CODES)
        left = codes <= self.threshold[:, None]  # (n_splits, 256)
        by_set = np.flatnonzero(self.codes_left >= 0)
        if len(by_set):
            words = self.code_sets[self.codes_left[by_set]]
            left[by_set] = (words[:, codes // 32] >> (codes % 32).astype(np.uint32)) & 1
        kept = np.where(left, np.uint16(_ALL), self.kept[:, None])
        group = place * self.n_trees + self.tree
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        masks = np.full((len(used) * self.n_trees, N_CODES), _ALL, np.uint16)
        if len(order):
            masks[group[order][starts]] = np.bitwise_and.reduceat(kept[order], starts, axis=0)
        shaped = masks.reshape(len(used), self.n_trees, N_CODES)
        return used, np.ascontiguousarray(shaped.transpose(0, 2, 1))

    def score(self, codes: Array, rows: Array | None = None) -> Array:
        """Sum of the trees' leaf values.

        Args:
            codes: Features as codes, shape (n_features, n), uint8.
            rows: Which of the n rows to score, or None for all.

        Returns:
            Log-odds that the trees add, shape (n_rows,), float64.
        """
        n_rows = codes.shape[1] if rows is None else len(rows)
        scores = np.zeros(n_rows)
        if not self.n_trees:
            return scores
        used, masks = self._masks
        for start in range(0, n_rows, _ROWS):
            part = slice(start, min(start + _ROWS, n_rows))
            left = np.full((part.stop - start, self.n_trees), _ALL, np.uint16)
            for number, feature in enumerate(used):
                cells = codes[feature, part] if rows is None else codes[feature, rows[part]]
                left &= masks[number][cells]
            leaves = _LOWEST[left] + self.leaf_start
            scores[part] = self.leaf_value[leaves].sum(axis=1, dtype=np.float64)
        return scores

    def forget(self) -> None:
        """Let go of the look-up tables, which are some forty times as large as the trees; `score` makes them again."""
        self.__dict__.pop("_masks", None)

    @classmethod
    def read(cls, text: str, n_trees: int) -> Self:
        """Trees of a LightGBM model text, the first `n_trees` of them."""
        fields: dict[str, list[str]] = defaultdict(list)
        first, last = text.find("\nTree=0\n"), text.find(f"\nTree={n_trees}\n")
        for line in text[first : last if last >= 0 else text.find("\nend of trees")].split("\n") if n_trees else ():
            name, _, numbers = line.partition("=")
            fields[name].append(numbers)
        n_leaves = _numbers(fields, "num_leaves")
        n_splits = n_leaves - 1
        tree = np.repeat(np.arange(len(n_leaves)), n_splits)
        leaf_start = np.cumsum([0, *n_leaves])[:-1].astype(np.int64)
        kept, place = _leaf_masks(_numbers(fields, "left_child"), _numbers(fields, "right_child"), n_leaves)
        found = _numbers(fields, "leaf_value", np.float64)
        leaf_value = np.zeros(len(found), np.float32)
        leaf_value[np.repeat(leaf_start, n_leaves) + place] = found
        threshold = _numbers(fields, "threshold", np.float64)
        by_set = (_numbers(fields, "decision_type") & 1).astype(bool)
        codes_left = np.full(len(tree), -1, np.int32)
        codes_left[by_set] = np.arange(by_set.sum())
        return cls(
            tree=tree.astype(np.int32),
            feature=_numbers(fields, "split_feature").astype(np.int32),
            threshold=np.where(by_set, 0, np.clip(np.floor(threshold), 0, N_CODES - 1)).astype(np.uint8),
            codes_left=codes_left,
            kept=kept,
            leaf_start=leaf_start,
            leaf_value=leaf_value,
            code_sets=_code_sets(fields, tree[by_set], threshold[by_set].astype(np.int64)),
        )


def _numbers(fields: Mapping[str, Sequence[str]], name: str, kind: type = np.int64) -> Array:
    """Numbers of all trees' lines of one name, one after the other."""
    return np.array(" ".join(fields.get(name, ())).split(), kind)


def _code_sets(fields: Mapping[str, Sequence[str]], tree: Array, which: Array) -> Array:
    """Codes that go left at splits by set, shape (n_sets, 8), 256 bits each.

    Args:
        fields: Lines of the model text, by name.
        tree: Tree of each such split, shape (n_sets,).
        which: Number of the split's set within its tree, shape (n_sets,).
    """
    if not len(tree):
        return np.zeros((0, _WORDS), np.uint32)
    # Each tree with sets has one more boundary than sets; they count words from the tree's first.
    n_bounds = _numbers(fields, "num_cat")
    n_bounds[n_bounds > 0] += 1
    first_bound = np.cumsum(n_bounds) - n_bounds
    bounds, words = _numbers(fields, "cat_boundaries"), _numbers(fields, "cat_threshold", np.uint32)
    n_words = np.where(n_bounds > 0, bounds[np.maximum(first_bound + n_bounds - 1, 0)], 0)
    first_word = np.cumsum(n_words) - n_words
    bound = first_bound[tree] + which
    start, length = first_word[tree] + bounds[bound], bounds[bound + 1] - bounds[bound]
    column = np.arange(_WORDS)
    taken = words[np.minimum(start[:, None] + column, len(words) - 1)]
    return np.where(column < length[:, None], taken, np.uint32(0))


def _leaf_masks(left_child: Array, right_child: Array, n_leaves: Array) -> tuple[Array, Array]:
    """Leaves that each split keeps when a row goes right, and the place of each leaf from left to right.

    Args:
        left_child: Child of each split, shape (n_splits,); `~leaf` for a leaf, and splits come after their parents.
        right_child: As `left_child`.
        n_leaves: Leaves of each tree, shape (n_trees,).
    """
    most = MAX_LEAVES - 1
    there = np.arange(most) < (n_leaves - 1)[:, None]  # (n_trees, most)
    sides = []
    for child in (left_child, right_child):
        node = np.zeros(there.shape, np.int64)
        node[there] = np.where(child >= 0, child, most + ~child)
        sides.append(node)  # leaves stand behind the splits
    left, right = sides
    size = np.ones((len(n_leaves), most + MAX_LEAVES), np.int64)  # leaves under each node
    for split in range(most - 1, -1, -1):
        trees = np.flatnonzero(there[:, split])
        size[trees, split] = size[trees, left[trees, split]] + size[trees, right[trees, split]]
    first = np.zeros_like(size)  # place of the first of them
    for split in range(most):
        trees = np.flatnonzero(there[:, split])
        first[trees, left[trees, split]] = first[trees, split]
        first[trees, right[trees, split]] = first[trees, split] + size[trees, left[trees, split]]
    struck = ((1 << np.take_along_axis(size, left, axis=1)) - 1) << first[:, :most]
    is_leaf = np.arange(MAX_LEAVES) < n_leaves[:, None]
    return (_ALL & ~struck[there]).astype(np.uint16), first[:, most:][is_leaf]


@dataclass(frozen=True)
class Forest:
    """Many classifiers in one set of arrays, as a model file holds them."""

    classifiers: tuple[Trees, ...]

    def state(self) -> dict[str, Any]:
        """Numeric arrays."""
        names = ("tree", "feature", "threshold", "codes_left", "kept", "leaf_start", "leaf_value", "code_sets")
        arrays = {
            name: np.concatenate([getattr(trees, name) for trees in self.classifiers])
            if self.classifiers
            else np.zeros(0)
            for name in names
        }
        small = {"tree": np.uint16, "feature": np.uint16, "codes_left": np.int32, "leaf_start": np.uint32}
        arrays = {name: array.astype(small.get(name, array.dtype)) for name, array in arrays.items()}
        sizes = [
            [len(trees.feature), trees.n_trees, len(trees.leaf_value), len(trees.code_sets)]
            for trees in self.classifiers
        ]
        return {**arrays, "sizes": np.array(sizes, np.int64).reshape(-1, 4)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The classifiers that `state` describes."""
        sizes = np.asarray(state["sizes"])
        ends = np.cumsum(np.vstack([np.zeros((1, 4), np.int64), sizes]), axis=0)
        kinds = (
            ("tree", 0, np.int32),
            ("feature", 0, np.int32),
            ("threshold", 0, np.uint8),
            ("codes_left", 0, np.int32),
            ("kept", 0, np.uint16),
            ("leaf_start", 1, np.int64),
            ("leaf_value", 2, np.float32),
            ("code_sets", 3, np.uint32),
        )
        classifiers = []
        for number in range(len(sizes)):
            own = {
                name: np.asarray(state[name])[ends[number, part] : ends[number + 1, part]].astype(kind)
                for name, part, kind in kinds
            }
            classifiers.append(Trees(**own))
        return cls(tuple(classifiers))


def no_trees() -> Trees:
    """A classifier that adds nothing."""
    return Trees.read("", 0)
