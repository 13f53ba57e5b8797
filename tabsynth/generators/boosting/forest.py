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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, Any]

N_CODES = 256
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

    @classmethod
    def read(cls, text: str, n_trees: int) -> Self:
        """Trees of a LightGBM model text, the first `n_trees` of them."""
        parts: dict[str, list[Array]] = {name: [] for name in ("tree", "feature", "threshold", "codes_left", "kept")}
        leaves: list[Array] = []
        sets: list[Array] = []
        sizes: list[int] = []
        for number, block in enumerate(text.split("\nTree=")[1 : n_trees + 1]):
            fields = dict(line.split("=", 1) for line in block.split("\n\n", 1)[0].split("\n")[1:] if "=" in line)
            value = np.array(fields["leaf_value"].split(), np.float64)
            if len(value) == 1:
                leaves.append(value)
                sizes.append(1)
                continue
            feature, children = (
                _numbers(fields, "split_feature"),
                (
                    _numbers(fields, "left_child"),
                    _numbers(fields, "right_child"),
                ),
            )
            threshold = np.array(fields["threshold"].split(), np.float64)
            by_set = (_numbers(fields, "decision_type") & 1).astype(bool)
            kept, order = _leaf_masks(*children)
            codes_left = np.full(len(feature), -1)
            if by_set.any():
                bounds = _numbers(fields, "cat_boundaries")
                words = np.array(fields["cat_threshold"].split(), np.uint32)
                for split in np.flatnonzero(by_set):
                    which = int(threshold[split])
                    row = np.zeros(_WORDS, np.uint32)
                    found = words[bounds[which] : bounds[which + 1]]
                    row[: len(found)] = found
                    codes_left[split] = len(sets)
                    sets.append(row)
            parts["tree"].append(np.full(len(feature), number))
            parts["feature"].append(feature)
            parts["threshold"].append(np.where(by_set, 0, np.clip(np.floor(threshold), 0, N_CODES - 1)))
            parts["codes_left"].append(codes_left)
            parts["kept"].append(kept)
            leaves.append(value[order])
            sizes.append(len(value))
        whole = {name: np.concatenate([np.zeros(0), *arrays]) for name, arrays in parts.items()}
        return cls(
            tree=whole["tree"].astype(np.int32),
            feature=whole["feature"].astype(np.int32),
            threshold=whole["threshold"].astype(np.uint8),
            codes_left=whole["codes_left"].astype(np.int32),
            kept=whole["kept"].astype(np.uint16),
            leaf_start=np.cumsum([0, *sizes])[:-1].astype(np.int64),
            leaf_value=np.concatenate([np.zeros(0), *leaves]).astype(np.float32),
            code_sets=np.array(sets, np.uint32).reshape(-1, _WORDS),
        )


def _numbers(fields: Mapping[str, str], name: str) -> Array:
    return np.array(fields[name].split(), np.int64)


def _leaf_masks(left_child: Array, right_child: Array) -> tuple[Array, Array]:
    """Leaves that each split keeps when a row goes right, and the leaves from left to right.

    Args:
        left_child: Child of each split, shape (n_splits,); `~leaf` for a leaf.
        right_child: As `left_child`.
    """
    order: list[int] = []
    spans: dict[int, tuple[int, int]] = {}
    # A post-order walk without recursion: (node, stage), where stage 1 means that the left subtree is done.
    stack: list[tuple[int, int, int]] = [(0, 0, 0)]
    while stack:
        node, stage, first = stack.pop()
        if node < 0:
            order.append(~node)
        elif stage == 0:
            stack.append((node, 1, len(order)))
            stack.append((int(left_child[node]), 0, 0))
        else:
            spans[node] = (first, len(order))
            stack.append((int(right_child[node]), 0, 0))
    kept = np.full(len(left_child), _ALL, np.int64)
    for node, (first, stop) in spans.items():
        kept[node] = _ALL & ~((1 << stop) - (1 << first))
    return kept.astype(np.uint16), np.array(order)


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


def stack(classifiers: Sequence[Trees]) -> Forest:
    """A forest of these classifiers."""
    return Forest(tuple(classifiers))
