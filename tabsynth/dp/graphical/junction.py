"""Junction trees: sets of columns arranged so that a joint distribution is known from the tables of the sets alone.

Source: Koller and Friedman, Probabilistic Graphical Models (2009), chapters 9 (min-fill elimination) and 10 (clique
trees by maximum spanning tree over separator sizes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from tabsynth.dp.graphical.arrays import Clique, in_order, shape_of


@dataclass(frozen=True)
class JunctionTree:
    """Maximal cliques in an order where each comes after its parent."""

    cliques: tuple[Clique, ...]
    parents: tuple[int, ...]
    """Position of each clique's parent; -1 for the root. Unconnected parts hang on an empty separator."""
    separators: tuple[Clique, ...]
    """Columns that each clique shares with its parent."""

    def home(self, columns: Iterable[str]) -> int | None:
        """Position of the smallest-numbered clique that holds all the columns, if any."""
        wanted = set(columns)
        return next((i for i, clique in enumerate(self.cliques) if wanted.issubset(clique)), None)

    def children(self) -> list[list[int]]:
        """Positions of the children of each clique."""
        below: list[list[int]] = [[] for _ in self.cliques]
        for child, parent in enumerate(self.parents):
            if parent >= 0:
                below[parent].append(child)
        return below


def junction_tree(sizes: Mapping[str, int], cliques: Iterable[Sequence[str]]) -> JunctionTree:
    """A junction tree over all columns in which each of the cliques lies inside one of the tree's cliques.

    Args:
        sizes: Number of codes of each column.
        cliques: Sets of columns that must be together.
    """
    maximal = eliminate(sizes, cliques)
    return span(maximal, sizes)


def n_cells(sizes: Mapping[str, int], cliques: Iterable[Sequence[str]]) -> int:
    """Cells of the junction tree's tables together: what a model costs in memory and, per pass, in time."""
    return sum(prod(shape_of(clique, sizes)) for clique in eliminate(sizes, cliques))


def eliminate(sizes: Mapping[str, int], cliques: Iterable[Sequence[str]]) -> list[Clique]:
    """Maximal cliques of a triangulation: eliminate the column whose neighbours need the fewest new edges.

    Ties go to the smaller table, then to the order of the domain.
    """
    neighbours: dict[str, set[str]] = {name: set() for name in sizes}
    for clique in cliques:
        for a, b in combinations(clique, 2):
            neighbours[a].add(b)
            neighbours[b].add(a)
    place = {name: i for i, name in enumerate(sizes)}
    cost = {name: elimination_cost(name, neighbours, sizes) for name in sizes}
    found: list[set[str]] = []
    while neighbours:
        name = min(neighbours, key=lambda column: (*cost[column], place[column]))
        around = neighbours.pop(name)
        found.append({name, *around})
        for a in around:
            neighbours[a] |= around
            neighbours[a] -= {a, name}
        for other in around.union(*(neighbours[a] for a in around)):
            cost[other] = elimination_cost(other, neighbours, sizes)
    kept: list[set[str]] = []
    for clique_set in sorted(found, key=len, reverse=True):
        if not any(clique_set <= other for other in kept):
            kept.append(clique_set)
    return sorted((in_order(clique_set, sizes) for clique_set in kept), key=lambda c: tuple(place[name] for name in c))


def elimination_cost(name: str, neighbours: Mapping[str, set[str]], sizes: Mapping[str, int]) -> tuple[int, int]:
    """Edges that eliminating the column adds, and cells of the table that it makes."""
    around = neighbours[name]
    fill = sum(b not in neighbours[a] for a, b in combinations(around, 2))
    return fill, sizes[name] * prod(sizes[other] for other in around)


def span(cliques: Sequence[Clique], sizes: Mapping[str, int]) -> JunctionTree:
    """Join the cliques to a tree by the widest separators (Prim's algorithm from the first clique)."""
    sets = [set(clique) for clique in cliques]
    order, above = [0], {0: -1}
    best = {i: (len(sets[i] & sets[0]), 0) for i in range(1, len(cliques))}
    while best:
        chosen = max(best, key=lambda i: (best[i][0], -i))
        above[chosen] = best.pop(chosen)[1]
        order.append(chosen)
        for i, (width, _) in best.items():
            shared = len(sets[i] & sets[chosen])
            if shared > width:
                best[i] = (shared, chosen)
    position = {clique: i for i, clique in enumerate(order)}
    parents = tuple(position.get(above[clique], -1) for clique in order)
    arranged = tuple(cliques[clique] for clique in order)
    separators = tuple(
        in_order(set(clique) & set(arranged[parent]), sizes) if parent >= 0 else ()
        for clique, parent in zip(arranged, parents, strict=True)
    )
    return JunctionTree(arranged, parents, separators)
