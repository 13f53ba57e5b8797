"""A fitted graphical model: expected counts of any set of columns, and rows.

Privacy: Holds what was computed from noisy counts; asking and sampling cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.dp.graphical.arrays import Array, Clique, in_order, reorder, shape_of, stretch, sum_to
from tabsynth.dp.graphical.beliefs import TINY, Beliefs
from tabsynth.dp.graphical.junction import JunctionTree
from tabsynth.dp.graphical.sampling import extend_rows


@dataclass(frozen=True)
class GraphicalModel:
    """Expected counts of each clique of a junction tree; neighbours agree on what they share."""

    sizes: Mapping[str, int]
    tree: JunctionTree
    tables: tuple[Array, ...]
    total: float

    @classmethod
    def of(cls, beliefs: Beliefs) -> GraphicalModel:
        """The model that calibrated beliefs describe."""
        return cls(dict(beliefs.sizes), beliefs.tree, tuple(beliefs.tables), beliefs.total)

    def marginal(self, columns: Sequence[str]) -> Array:
        """Expected counts of some columns, axes in the order asked for."""
        wanted = in_order(columns, self.sizes)
        position = self.tree.home(wanted)
        if position is not None:
            found = sum_to(self.tables[position], self.tree.cliques[position], wanted)
        else:
            found = self._across(wanted)
        return reorder(found, wanted, columns)

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Array]:
        """Expected counts of each set of columns; pairs are found together, one walk of the tree per column."""
        reach: dict[str, dict[str, Array]] = {}
        found = []
        for clique in cliques:
            if len(clique) == 2 and self.tree.home(clique) is None:
                if clique[0] not in reach:
                    reach[clique[0]] = self.beside(clique[0])
                found.append(reach[clique[0]][clique[1]])
            else:
                found.append(self.marginal(clique))
        return found

    def beside(self, source: str) -> dict[str, Array]:
        """Expected counts of one column with each other column, by one walk from the column's clique outwards."""
        start = self.tree.home((source,))
        assert start is not None
        pairs: dict[str, Array] = {}
        below = self.tree.children()
        todo: list[tuple[int, int, Array | None]] = [(start, -1, None)]
        while todo:
            position, came_from, known = todo.pop()
            axes = self.tree.cliques[position]
            edges = [(child, child) for child in below[position]]
            if position:
                edges.append((self.tree.parents[position], position))
            into = () if came_from < 0 else self._separator(position, came_from)
            for name in axes:
                if name != source and name not in pairs:
                    pairs[name] = self._carry(position, source, into, known, (name,))
            for neighbour, edge in edges:
                if neighbour != came_from:
                    onward = self.tree.separators[edge]
                    todo.append((neighbour, position, self._carry(position, source, into, known, onward)))
        return pairs

    def _separator(self, a: int, b: int) -> Clique:
        return self.tree.separators[a] if self.tree.parents[a] == b else self.tree.separators[b]

    def _carry(self, position: int, source: str, into: Clique, known: Array | None, wanted: Clique) -> Array:
        """Counts of (source, *wanted) in one clique, given those of (source, *into); `wanted` may hold the source."""
        axes = self.tree.cliques[position]
        table = self.tables[position]
        if source in axes:
            keep = in_order({source, *wanted}, self.sizes)
            values = sum_to(table, axes, keep)
            if source in wanted:  # a separator that holds the source: the walk meets it again in the next clique
                return values
            return reorder(values, keep, (source, *wanted))
        assert known is not None
        keep = in_order({*into, *wanted}, self.sizes)
        joint = sum_to(table, axes, keep)
        margin = np.maximum(sum_to(joint, keep, into), TINY)
        given = joint / stretch(margin, into, keep)
        letters = {name: chr(ord("b") + i) for i, name in enumerate(keep)}
        spell = "".join
        left = "a" + spell(letters[name] for name in into)
        right = spell(letters[name] for name in keep)
        out = "a" + spell(letters[name] for name in wanted)
        return np.einsum(f"{left},{right}->{out}", known, given, optimize=True)

    def _across(self, wanted: Clique) -> Array:
        """Counts of columns that no clique holds together: eliminate the rest of the subtree between them."""
        factors, inside = self._subtree(wanted)
        remaining = set(inside) - set(wanted)
        while remaining:
            name = min(sorted(remaining), key=lambda column: joined_cells(column, factors, self.sizes))
            remaining.discard(name)
            touching = [factor for factor in factors if name in factor[0]]
            factors = [factor for factor in factors if name not in factor[0]]
            factors.append(contract(touching, {n for axes, _ in touching for n in axes} - {name}, self.sizes))
        return contract(factors, wanted, self.sizes)[1]

    def _subtree(self, wanted: Clique) -> tuple[list[tuple[Clique, Array]], set[str]]:
        """Conditional tables of the smallest subtree that holds the columns: root first, then child given separator."""
        neighbours: list[set[int]] = [set() for _ in self.tree.cliques]
        for child, parent in enumerate(self.tree.parents):
            if parent >= 0:
                neighbours[child].add(parent)
                neighbours[parent].add(child)
        alive = set(range(len(self.tree.cliques)))
        leaves = [i for i in alive if len(neighbours[i]) <= 1]
        while leaves:
            leaf = leaves.pop()
            if leaf not in alive or len(alive) == 1:
                continue
            around = neighbours[leaf] & alive
            shared = set(self._separator(leaf, next(iter(around)))) if around else set()
            if set(self.tree.cliques[leaf]) & set(wanted) <= shared:
                alive.discard(leaf)
                leaves.extend(n for n in around if len(neighbours[n] & alive) <= 1)
        factors = []
        for position in sorted(alive):
            axes, table = self.tree.cliques[position], self.tables[position]
            if self.tree.parents[position] in alive:
                separator = self.tree.separators[position]
                margin = np.maximum(sum_to(table, axes, separator), TINY)
                table = table / stretch(margin, separator, axes)
            factors.append((axes, table))
        return factors, {name for i in alive for name in self.tree.cliques[i]}

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Draw rows, clique by clique from the root.

        Inside each combination of what a clique shares with its parent, the rows are spread over the clique's other
        columns by systematic sampling: every cell gets its expected number of rows, rounded up or down.

        Returns:
            For each column, codes of shape (n_rows,), in the smallest type that holds them.
        """
        rows: dict[str, Array] = {}
        for clique, separator, table in zip(self.tree.cliques, self.tree.separators, self.tables, strict=True):
            fresh = tuple(name for name in clique if name not in rows)
            given = [rows[name] for name in separator]
            drawn = extend_rows(n_rows, given, reorder(table, clique, (*separator, *fresh)), rng=rng)
            rows.update(zip(fresh, drawn, strict=True))
        return {name: rows[name] for name in self.sizes}


Factor = tuple[Clique, Array]


def joined_cells(name: str, factors: Sequence[Factor], sizes: Mapping[str, int]) -> int:
    """Cells of the table that joining all factors of a column makes."""
    together = {other for axes, _ in factors if name in axes for other in axes}
    return int(np.prod(shape_of(tuple(together), sizes), dtype=np.float64))


def contract(factors: Sequence[Factor], keep: Collection[str], sizes: Mapping[str, int]) -> Factor:
    """Multiply factors and sum out what is not kept."""
    wanted = in_order(keep, sizes)
    names = in_order({name for axes, _ in factors for name in axes}, sizes)
    number = {name: i for i, name in enumerate(names)}
    operands: list[Any] = []
    for axes, values in factors:
        operands += [values, [number[name] for name in axes]]
    return wanted, np.einsum(*operands, [number[name] for name in wanted], optimize="greedy")
