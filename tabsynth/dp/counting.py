"""Counting rows: the table of one set of columns, and the tables of many pairs in one pass.

Decisions
- `numpy.bincount` over mixed-radix codes in blocks of rows that stay in the cache: the sum of two columns of uint16
  costs almost nothing, and a table of 65,536 cells or fewer is hit without leaving the cache.
- For (nearly) all pairs, small columns are first fused to composite columns of at most 256 codes. Every pair of
  composites is counted once, and its table is summed to the tables of all pairs of columns across it: 80 columns of a
  census have 3,160 pairs, but only about a fifth as many pairs of composites.
- Exact integers, whatever the order: the counts do not depend on threads or blocks.

Privacy: These are true counts. Nothing outside the measurement boundary may call this on private data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import isqrt, prod
from typing import Any

import numpy as np

from tabsynth.errors import UsageError

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]

BLOCK_ROWS = 1 << 17
CHUNK_ROWS = 1 << 20
COMPOSITE_CODES = 256
SMALL_TABLE = 1 << 16
LARGEST_TABLE = 1 << 31


def count(codes: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Count the rows of every combination of codes.

    Args:
        codes: Columns of one length, unsigned integers below their size.
        sizes: Number of codes of each column.

    Returns:
        int64 counts of shape `sizes`. Of no columns at all, no rows can be counted: an error.

    Raises:
        UsageError: Columns of different lengths, codes outside the sizes, or a table of more than 2**31 cells.

    Example:
        >>> count([np.array([0, 1, 1], np.uint8), np.array([2, 0, 0], np.uint8)], [2, 3]).tolist()
        [[0, 0, 1], [2, 0, 0]]
    """
    check_columns(codes, sizes)
    n_cells = prod(sizes)
    if n_cells > LARGEST_TABLE:
        raise UsageError(f"a table of {n_cells:,} cells is too large to count; take fewer or coarser columns")
    kind = np.uint16 if n_cells <= SMALL_TABLE else np.int64
    total = np.zeros(n_cells, np.int64)
    for rows in blocks(len(codes[0])):
        index = codes[0][rows].astype(kind)
        for column, size in zip(codes[1:], sizes[1:], strict=True):
            np.multiply(index, kind(size), out=index)
            np.add(index, column[rows].astype(kind, copy=False), out=index)
        total += np.bincount(index, minlength=n_cells)
    return total.reshape(tuple(sizes))


def count_pairs(columns: Sequence[Array], sizes: Sequence[int], pairs: Sequence[Pair]) -> list[Array]:
    """Count the table of every pair, in few passes over the columns.

    Args:
        columns: Columns of one length, unsigned integers below their size.
        sizes: Number of codes of each column.
        pairs: Positions of two different columns each.

    Returns:
        For each pair, int64 counts of shape (size of the first, size of the second).

    Raises:
        UsageError: As `count`.
    """
    check_columns(columns, sizes)
    tables = {pair: np.zeros((sizes[pair[0]], sizes[pair[1]]), np.int64) for pair in pairs}
    groups = composites(sizes, pairs, n_rows=len(columns[0]))
    for start in range(0, len(columns[0]), CHUNK_ROWS):
        chunk = [column[start : start + CHUNK_ROWS] for column in columns]
        add_pairs(tables, chunk, sizes, groups)
    return [tables[pair] for pair in pairs]


def add_pairs(
    tables: dict[Pair, Array], columns: Sequence[Array], sizes: Sequence[int], groups: Sequence[tuple[int, ...]]
) -> None:
    """Add the counts of some rows to the tables of pairs, one count per pair of groups that holds a wanted pair."""
    fused = [fuse([columns[i] for i in group], [sizes[i] for i in group]) for group in groups]
    fused_sizes = [prod(sizes[i] for i in group) for group in groups]
    home = {column: position for position, group in enumerate(groups) for column in group}
    wanted: dict[tuple[int, ...], list[Pair]] = {}
    for a, b in tables:
        wanted.setdefault(tuple(sorted({home[a], home[b]})), []).append((a, b))
    for places, inside in wanted.items():
        together = count([fused[place] for place in places], [fused_sizes[place] for place in places])
        axes = [column for place in places for column in groups[place]]
        together = together.reshape([sizes[column] for column in axes])
        for a, b in inside:
            tables[a, b] += table_of(together, axes, (a, b))


def table_of(counts: Array, axes: Sequence[int], pair: Pair) -> Array:
    """The table of two of the axes, in the order of the pair."""
    summed = counts.sum(axis=tuple(i for i, axis in enumerate(axes) if axis not in pair))
    return summed if axes.index(pair[0]) < axes.index(pair[1]) else summed.T


def fuse(columns: Sequence[Array], sizes: Sequence[int]) -> Array:
    """One column that holds the combination of several, as mixed-radix codes."""
    if len(columns) == 1:
        return columns[0]
    index = columns[0].astype(np.uint16)
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        np.multiply(index, np.uint16(size), out=index)
        np.add(index, column.astype(np.uint16, copy=False), out=index)
    return index


def composites(sizes: Sequence[int], pairs: Sequence[Pair], *, n_rows: int) -> list[tuple[int, ...]]:
    """Which columns to fuse: groups of few codes together, largest column first into the first group with room.

    Columns stay alone where less than half of all pairs is wanted, and where rows are so few that summing the large
    tables would cost more than counting the small ones.
    """
    used = sorted({column for pair in pairs for column in pair})
    if 4 * len(set(pairs)) < len(used) * (len(used) - 1):
        return [(column,) for column in used]
    room = min(COMPOSITE_CODES, isqrt(n_rows // 4))
    groups: list[list[int]] = []
    for column in sorted(used, key=lambda i: (-sizes[i], i)):
        for group in groups:
            if prod(sizes[i] for i in group) * sizes[column] <= room:
                group.append(column)
                break
        else:
            groups.append([column])
    return [tuple(sorted(group)) for group in groups]


def all_pairs(n_columns: int) -> list[Pair]:
    """Every pair of positions, in order."""
    return list(combinations(range(n_columns), 2))


def blocks(n_rows: int) -> Iterator[slice]:
    """Slices of rows that stay in the cache."""
    for start in range(0, n_rows, BLOCK_ROWS):
        yield slice(start, start + BLOCK_ROWS)


def check_columns(columns: Sequence[Array], sizes: Sequence[int]) -> None:
    """Refuse columns that cannot be counted. No message holds a value."""
    if not columns or len(columns) != len(sizes):
        raise UsageError("counting needs at least one column, and one size for each column")
    if len({len(column) for column in columns}) != 1:
        raise UsageError("columns that are counted together must have the same number of rows")
    for position, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        if column.dtype.kind not in "ui":
            raise UsageError(f"column {position} must hold whole numbers from 0 to its size")
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) < size:
            raise UsageError(f"column {position} holds a code outside its {size} codes")


def smallest_type(size: int) -> np.dtype[Any]:
    """The smallest type that holds `size` codes."""
    return np.dtype(np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.uint32)
