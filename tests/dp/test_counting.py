"""Counts against the plain definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tabsynth.dp import counting
from tabsynth.dp.counting import all_pairs, composites, count, count_pairs
from tabsynth.errors import UsageError


def drawn(sizes, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, size, n_rows).astype(np.uint8 if size <= 256 else np.uint16) for size in sizes]


def by_hand(columns, sizes):
    table = np.zeros(sizes, np.int64)
    np.add.at(table, tuple(columns), 1)
    return table


@pytest.mark.parametrize("sizes", [(3,), (2, 5), (256, 256), (300, 400), (7, 2, 3, 11)])
def test_count_is_the_definition(sizes):
    columns = drawn(sizes, 5000)
    counts = count(columns, sizes)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, by_hand(columns, sizes))


def test_rows_beyond_one_block_are_counted(monkeypatch):
    monkeypatch.setattr(counting, "BLOCK_ROWS", 100)
    monkeypatch.setattr(counting, "CHUNK_ROWS", 300)
    sizes = (4, 6, 3)
    columns = drawn(sizes, 1001)
    np.testing.assert_array_equal(count(columns, sizes), by_hand(columns, sizes))
    for (a, b), table in zip(all_pairs(3), count_pairs(columns, sizes, all_pairs(3)), strict=True):
        np.testing.assert_array_equal(table, by_hand([columns[a], columns[b]], (sizes[a], sizes[b])))


@pytest.mark.parametrize("n_rows", [0, 1, 50, 20_000])
def test_all_pairs_are_the_definition(n_rows):
    sizes = (2, 2, 300, 5, 17, 2, 100, 3, 9)
    columns = drawn(sizes, n_rows)
    pairs = [*all_pairs(len(sizes)), (4, 1), (8, 2)]
    for (a, b), table in zip(pairs, count_pairs(columns, sizes, pairs), strict=True):
        np.testing.assert_array_equal(table, by_hand([columns[a], columns[b]], (sizes[a], sizes[b])))


def test_few_pairs_are_counted_without_composites():
    assert composites((2, 2, 2, 2, 2), [(0, 1), (3, 4)], n_rows=10**6) == [(0,), (1,), (3,), (4,)]


def test_composites_hold_every_column_once_and_are_small():
    sizes = [2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1000]
    groups = composites(sizes, list(combinations(range(len(sizes)), 2)), n_rows=10**6)
    assert sorted(column for group in groups for column in group) == list(range(len(sizes)))
    assert len(groups) < 7
    assert all(len(group) == 1 or np.prod([sizes[i] for i in group]) <= 256 for group in groups)


@pytest.mark.parametrize(
    ("columns", "sizes", "message"),
    [
        ([], [], "at least one column"),
        ([np.zeros(3, np.uint8)], [2, 2], "one size for each"),
        ([np.zeros(3, np.uint8), np.zeros(4, np.uint8)], [2, 2], "same number of rows"),
        ([np.zeros(3)], [2], "whole numbers"),
        ([np.array([0, 7], np.uint8)], [2], "outside its 2 codes"),
        ([np.array([0, -1], np.int8)], [2], "outside its 2 codes"),
        ([np.zeros(2, np.uint16)] * 4, [60_000] * 4, "too large"),
    ],
)
def test_what_cannot_be_counted_is_refused(columns, sizes, message):
    with pytest.raises(UsageError, match=message):
        count(columns, sizes)
