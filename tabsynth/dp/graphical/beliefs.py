"""Calibrated beliefs of a junction tree, kept in linear space and updated by ratios.

Each clique holds a table of expected counts; neighbours agree on their separators once messages have passed. A message
sums the sender to the separator and multiplies the receiver by what changed since the last one, so that an update of
one clique costs nothing elsewhere until its news are wanted there.

Source: Jensen, Lauritzen and Olesen (1990), the HUGIN scheme; Koller and Friedman (2009), section 10.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tabsynth.dp.graphical.arrays import Array, Clique, in_order, shape_of, stretch, sum_to
from tabsynth.dp.graphical.junction import JunctionTree

TINY = 1e-250


class Beliefs:
    """Expected counts of every clique and separator of a junction tree."""

    def __init__(self, tree: JunctionTree, sizes: Mapping[str, int], total: float) -> None:
        self.tree = tree
        self.sizes = dict(sizes)
        self.total = total
        self.tables: list[Array] = []
        self.shared: list[Array] = []
        self.below = tree.children()
        for clique, separator in zip(tree.cliques, tree.separators, strict=True):
            self.tables.append(even(shape_of(clique, sizes), total))
            self.shared.append(even(shape_of(separator, sizes), total))

    def multiply(self, position: int, factor: Array, axes: Clique) -> None:
        """Multiply one clique by a table over some of its columns."""
        self.tables[position] *= stretch(factor, axes, self.tree.cliques[position])

    def marginal_of(self, position: int, columns: Clique) -> Array:
        """Expected counts of some of the columns of one clique."""
        return sum_to(self.tables[position], self.tree.cliques[position], columns)

    def pass_down(self, child: int) -> None:
        """Tell a child what its parent knows of their separator."""
        self._send(self.tree.parents[child], child, child)

    def pass_up(self, child: int) -> None:
        """Tell the parent what its child knows of their separator."""
        self._send(child, self.tree.parents[child], child)

    def _send(self, sender: int, receiver: int, edge: int) -> None:
        separator = self.tree.separators[edge]
        news = np.maximum(self.marginal_of(sender, separator), TINY)
        self.multiply(receiver, news / self.shared[edge], separator)
        self.shared[edge] = news

    def calibrate(self) -> None:
        """Make all cliques agree: messages to the root, the total, messages from the root."""
        n_cliques = len(self.tables)
        for child in range(n_cliques - 1, 0, -1):
            self.pass_up(child)
        self.tables[0] *= self.total / max(float(self.tables[0].sum()), TINY)
        for child in range(1, n_cliques):
            self.pass_down(child)

    def start_from(self, potentials: Iterable[tuple[Sequence[str], Array]]) -> None:
        """Set the beliefs to the model whose log density is the sum of these potentials."""
        logs = [np.zeros(shape_of(clique, self.sizes)) for clique in self.tree.cliques]
        for columns, potential in potentials:
            axes = in_order(columns, self.sizes)
            position = self.tree.home(axes)
            if position is None:
                raise ValueError("a potential lies in no clique of the junction tree")
            logs[position] += stretch(potential, axes, self.tree.cliques[position])
        for position, values in enumerate(logs):
            self.tables[position] = np.maximum(np.exp(values - values.max()), TINY)
            self.shared[position] = np.ones(shape_of(self.tree.separators[position], self.sizes))
        self.calibrate()


def even(shape: tuple[int, ...], total: float) -> Array:
    """The same count in each cell."""
    return np.full(shape, total / max(1, int(np.prod(shape, dtype=np.int64))))
