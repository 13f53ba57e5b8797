"""Cells of a column, and the binary tree of questions that leads to one.

A cell is a missing cell's state, a category, or a run of neighbouring segments of a numeric column's marginal: a value
that many share has a cell of its own, smooth stretches are cut into cells of about equal mass. The tree asks "missing
or not" first; then it halves the mass, in order where there is an order, commonest first where there is none. A column
is drawn by answering the questions from the root down.

Decisions
- Categories go through questions, too: one boosted classifier per question costs as much as the entropy of the
  column, a multiclass one as much as its number of categories.
- Categories that are all numbers (days, hours, months behind with a payment) may stand in the order of these: splits
  and questions then follow an order that usually means something.
- Cells are runs of whole segments, so nothing finer than what `Marginal` may keep is ever stored.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tabsynth.encoding.table import Continuous, Discrete, Domain

Array = np.ndarray[Any, Any]

N_CODES = 256


@dataclass(frozen=True)
class Cells:
    """States of one column. The last cell is the missing one where `has_missing`."""

    domain: Domain
    has_missing: bool
    edges: Array  # numeric: (n_cells + 1,), probabilities at which cells begin; discrete: (0,)
    segment_cell: Array  # cell of each segment or code, shape (n_segments,) or (n_codes,)
    masses: Array  # (n_cells,), share of each among training rows, the missing one included
    by_number: bool = False
    """Whether the cells are categories that are numbers, in the order of these."""

    @property
    def n_cells(self) -> int:
        """Number of cells, the missing one included."""
        return len(self.masses)

    @property
    def n_present(self) -> int:
        """Number of cells that are not missing."""
        return self.n_cells - self.has_missing

    @property
    def commonest(self) -> int:
        """The cell with the largest share."""
        return int(np.argmax(self.masses))

    @property
    def ordered(self) -> bool:
        """Whether neighbouring cells are alike."""
        return isinstance(self.domain, Continuous) or self.domain.ordered or self.by_number or self.n_present <= 2

    def of(self, array: Array) -> Array:
        """Cell of each encoded value, shape (n_rows,)."""
        if isinstance(self.domain, Continuous):
            gone = np.isnan(array)
            known = self.segment_cell[self.domain.marginal.segment(np.where(gone, 0.0, array))]
        else:
            gone = array < 0
            known = self.segment_cell[np.maximum(array, 0)]
        return np.where(gone, self.n_cells - 1, known).astype(np.int32)

    def values(self, cells: Array, u: Array, *, inside: Array | None = None) -> Array:
        """Encoded values in given cells.

        Args:
            cells: Cell of each row, shape (n_rows,).
            u: Where in the cell, in [0, 1), shape (n_rows,).
            inside: Parts of the quantile scale to stay in, shape (n_stretches, 2), or None.
        """
        gone = cells >= self.n_present
        if not isinstance(self.domain, Continuous):
            first = np.zeros(max(self.n_present, 1), np.int32)
            codes = np.flatnonzero(self.segment_cell >= 0)
            first[self.segment_cell[codes]] = codes
            return np.where(gone, -1, first[np.minimum(cells, len(first) - 1)]).astype(np.int32)
        place = np.minimum(cells, max(self.n_present - 1, 0))
        start, stop = self.edges[place], self.edges[place + 1]
        at = start + u * (stop - start) * (1 - 1e-9)
        if inside is not None:
            for cell in np.unique(place[~gone]):
                rows = place == cell
                at[rows] = _within(self.edges[cell], self.edges[cell + 1], u[rows], inside)
        return np.where(gone, np.nan, self.domain.marginal.quantile(at))

    def overlap(self, stretches: Array) -> Array:
        """Share of each present cell that lies in parts of the quantile scale, shape (n_present,).

        Args:
            stretches: From and to, shape (n_stretches, 2). A point counts as the least share that is not nothing.
        """
        starts, stops = self.edges[:-1, None], self.edges[1:, None]
        shared = np.clip(np.minimum(stops, stretches[:, 1]) - np.maximum(starts, stretches[:, 0]), 0.0, None)
        share = shared.sum(axis=1) / (self.edges[1:] - self.edges[:-1])
        if not share.any():
            places = np.searchsorted(self.edges, stretches[:, 0], side="right") - 1
            share[np.clip(places, 0, self.n_present - 1)] = 1.0
        return np.minimum(share, 1.0)

    @cached_property
    def feature_codes(self) -> Array:
        """Code of each cell as a feature of other columns, shape (n_cells,), uint8; a missing cell is 0."""
        n = self.n_present
        room = N_CODES - 2
        if n <= room:
            codes = np.arange(n)
        elif self.ordered:
            upto = np.cumsum(self.masses[:n]) - self.masses[:n] / 2
            codes = np.minimum((upto / max(self.masses[:n].sum(), 1e-12) * room).astype(np.int64), room - 1)
            codes = np.unique(codes, return_inverse=True)[1]
        else:
            rank = np.empty(n, np.int64)
            rank[np.argsort(-self.masses[:n], kind="stable")] = np.arange(n)
            codes = np.minimum(rank, room - 1)
        if self.has_missing:
            codes = np.concatenate([codes + 1, [0]])
        return codes.astype(np.uint8)


def make_cells(array: Array, domain: Domain, *, most: int, numbers_in_order: bool = False) -> Cells:
    """Choose the cells of a column.

    Args:
        array: Encoded training cells, shape (n_rows,).
        domain: The column's domain.
        most: About how many cells a numeric column gets at most.
        numbers_in_order: Whether categories that are all numbers are put in the order of these.
    """
    numeric = isinstance(domain, Continuous)
    gone = np.isnan(array) if numeric else array < 0
    missing = float(gone.mean())
    edges = np.zeros(0)
    numbers = domain.numbers if numbers_in_order and isinstance(domain, Discrete) else None
    if isinstance(domain, Continuous):
        of_segment = _group(domain.marginal.masses, domain.marginal.lowers == domain.marginal.uppers, most=most)
        starts = np.flatnonzero(np.diff(of_segment, prepend=-1))
        edges = np.append(domain.marginal.cumulative[starts], 1.0)
        hit = domain.marginal.segment(array[~gone])
        counts = np.bincount(of_segment[hit], minlength=len(starts)).astype(np.float64)
    else:
        counts = np.bincount(array[~gone], minlength=domain.n_codes).astype(np.float64)
        seen = counts > 0
        if not seen.any():
            seen[:1] = True
        along = np.arange(domain.n_codes) if numbers is None else np.argsort(numbers, kind="stable")
        along = along[seen[along]]
        of_segment = np.full(domain.n_codes, -1)
        of_segment[along] = np.arange(len(along))
        counts = counts[along]
    masses = counts / max(len(array), 1)
    if missing > 0.0 or not len(masses):
        masses = np.append(masses, missing)
    return Cells(domain, missing > 0.0, edges, of_segment.astype(np.int32), masses, numbers is not None)


def _group(masses: Array, is_atom: Array, *, most: int) -> Array:
    """Group of each segment: neighbours together up to a mass of `1 / most`, big atoms alone; shape (n_segments,)."""
    groups = np.zeros(len(masses), np.int64)
    number, held = 0, 0.0
    goal = 1.0 / most
    for position, (mass, atom) in enumerate(zip(masses.tolist(), is_atom.tolist(), strict=True)):
        alone = atom and mass >= 0.5 * goal
        if position and (alone or held + 0.5 * mass >= goal):
            number, held = number + 1, 0.0
        groups[position] = number
        held = np.inf if alone else held + mass
    return groups


@dataclass(frozen=True)
class Questions:
    """The binary tree over the cells; question 0 is the root, and children come after their parents."""

    left: Array  # (n_questions,), child where the answer is no; ~cell for a cell
    right: Array  # (n_questions,)

    @property
    def parent(self) -> Array:
        """Question above each, -1 for the root; shape (n_questions,)."""
        parent = np.full(len(self.left), -1)
        for children in (self.left, self.right):
            asked = np.flatnonzero(children >= 0)
            parent[children[asked]] = asked
        return parent


def ask(cells: Cells) -> Questions:
    """Build the questions of a column."""
    left: list[int] = []
    right: list[int] = []
    shape = _halves(cells.masses, 0, cells.n_present) if cells.ordered else _by_share(cells.masses[: cells.n_present])
    if cells.has_missing:
        all_missing = cells.masses[: cells.n_present].sum() == 0.0
        shape = cells.n_cells - 1 if all_missing else (shape, cells.n_cells - 1)
    stack: list[tuple[Any, list[int], int]] = [(shape, [], -1)]
    while stack:
        node, side, above = stack.pop()
        is_cell = not isinstance(node, tuple)
        if above >= 0:
            side[above] = ~int(node) if is_cell else len(left)
        if not is_cell:
            above = len(left)
            left.append(0)
            right.append(0)
            stack += [(node[1], right, above), (node[0], left, above)]
    return Questions(np.array(left, np.int64), np.array(right, np.int64))


def _halves(masses: Array, start: int, stop: int) -> Any:
    """Nested pairs over neighbouring cells, each cut where its mass halves; a single cell is its number."""
    if stop - start <= 1:
        return start
    total = np.cumsum(masses[start:stop])
    cut = int(np.argmin(np.abs(total[:-1] - total[-1] / 2))) + start + 1
    return (_halves(masses, start, cut), _halves(masses, cut, stop))


def _by_share(masses: Array) -> Any:
    """Nested pairs by joining the two rarest again and again (Huffman's tree)."""
    heap: list[tuple[float, int, Any]] = [(float(mass), code, code) for code, mass in enumerate(masses)]
    heapq.heapify(heap)
    count = len(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (a[0] + b[0], count, (b[2], a[2])))
        count += 1
    return heap[0][2]


def _within(start: float, stop: float, u: Array, inside: Array) -> Array:
    """Places between `start` and `stop` that lie in the allowed stretches, at shares `u` of what is allowed."""
    lows, highs = np.maximum(inside[:, 0], start), np.minimum(inside[:, 1], stop)
    kept = highs > lows
    if not kept.any():  # a point
        points = inside[(inside[:, 0] >= start) & (inside[:, 0] <= stop), 0]
        return np.full(len(u), points[0] if len(points) else start)
    lows, highs = lows[kept], highs[kept]
    ends = np.cumsum(highs - lows)
    at = u * ends[-1] * (1 - 1e-9)
    piece = np.searchsorted(ends, at, side="right")
    return lows[piece] + at - np.where(piece > 0, ends[piece - 1], 0.0)
