"""dp-aim: measure, look where the model is most wrong, measure that, and so on until the budget is spent.

    1  every column alone; codes that noise would swamp are pooled
    2  each round: the exponential mechanism chooses the set of columns whose counts are furthest from what the model
       expects, beyond what the measurement's own noise would leave; it is measured and the model fitted again
    3  rounds that bring no more than noise are followed by rounds with four times the budget

Source: McKenna, Mullins, Sheldon and Miklau (2022), "AIM: an adaptive and iterative mechanism for differentially
private synthetic data", algorithms 1 to 3.

Decisions
- Fits start from the factors of the round before, and all pairs' expectations come from one walk of the junction tree
  per column, so that a round costs a fraction of a second.
- A candidate is open only where the junction tree stays within `max_cells`. This looks at public sizes alone.
- With a `target`, sets that hold it weigh more, and triples with it are candidates: what a classifier needs.
- Of wide tables a round looks at `MOST_TRIPLES` triples, drawn anew each time: scoring the 9,880 of 40 columns would
  take a minute a round. The draw is by a fixed seed, without the data, and so costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import pi, prod, sqrt

import numpy as np

from tabsynth.dp import independent
from tabsynth.dp.graphical.arrays import Array, in_order
from tabsynth.dp.graphical.estimate import Evidence, evidence, fit
from tabsynth.dp.graphical.junction import JunctionTree, junction_tree, n_cells
from tabsynth.dp.graphical.model import GraphicalModel
from tabsynth.dp.mechanism import Clique, MeasurableTable, Measured, Record, TableModel, noise_scale
from tabsynth.dp.mst import COLUMNS_SHARE, PAIR_SOFTNESS, SINGLE_SOFTNESS, measure_columns, reference_sigma
from tabsynth.dp.pooling import Pool, PooledModel, averaged, coarse_maps, coarse_sizes, pools_of, single_evidence
from tabsynth.errors import UsageError

SELECTION_SHARE = 0.1
"""Of the budget of a round: the choice; the rest measures."""
ROUNDS_PER_COLUMN = 4
"""Rounds the budget would last for if no round were given more."""
PENALTY = 0.75
ANNEAL = 4.0
TARGET_WEIGHT = 4.0
MAX_CELLS = 250_000
MOST_TRIPLES = 400
"""Triples that a round looks at, at most; 14 columns have 364."""
CLEAR = 0.25
"""Pairs whose bound leaves the model below this share of its cells need no trial triangulation."""
WARM_SWEEPS = 3
SWEEPS = 20


def measure(
    table: MeasurableTable,
    *,
    rho: float,
    degree: int = 2,
    target: str | None = None,
    max_cells: int = MAX_CELLS,
) -> None:
    """Columns, then rounds of choosing and measuring.

    Args:
        table: The boundary.
        rho: Budget in all.
        degree: Largest sets that are candidates: 2 for pairs, 3 for triples too.
        target: Column that later analyses predict; sets with it weigh more.
        max_cells: Cells of the model's tables together.

    Privacy: Gaussian noise on counts and the exponential mechanism on L1 distances; `rho` in all.
    """
    check_parameters(table.sizes, degree=degree, target=target)
    measure_columns(table, rho=rho)
    if len(table.sizes) > 1:
        measure_rounds(table, rho=(1 - COLUMNS_SHARE) * rho, degree=degree, target=target, max_cells=max_cells)


def measure_rounds(
    table: MeasurableTable,
    *,
    rho: float,
    degree: int = 2,
    target: str | None = None,
    max_cells: int = MAX_CELLS,
    per_column: float = ROUNDS_PER_COLUMN,
) -> None:
    """Steps 2 and 3, for `rho`, after the columns have been measured, and maybe some pairs. See `measure`.

    `per_column` is how many rounds for each column the budget would last for if no round were given more.
    """
    state = Fit(table.transcript.measurements, table.sizes)
    workload = candidates_of(table.sizes, degree=degree, target=target)
    draws = np.random.default_rng(0)
    left = rho * (1 - 1e-9)
    per_round = left / (per_column * len(table.sizes))
    while left > 0:
        if left < 2 * per_round:
            per_round = left
        sigma = noise_scale((1 - SELECTION_SHARE) * per_round, table.max_rows)
        model = state.refit(WARM_SWEEPS)
        open_sets = state.affordable(state.in_turn(workload, draws), max_cells)
        if not open_sets:  # columns of so many codes that the model holds no two of them
            independent.measure(table, rho=left, again=True)
            return
        left -= per_round
        expected = model.marginals(open_sets)
        chosen = table.select(
            open_sets,
            expected,
            weights=[workload[clique] for clique in open_sets],
            penalties=[PENALTY * sqrt(2 / pi) * sigma * counts.size for counts in expected],
            rho=SELECTION_SHARE * per_round,
            purpose="what to measure next",
            coarse=state.maps,
        )
        clique, before = open_sets[chosen], expected[chosen]
        measured = table.marginals(
            [clique],
            rho_each=[(1 - SELECTION_SHARE) * per_round],
            purpose="where the model was most wrong",
            coarse=state.maps,
        )
        state.add(measured[0])
        after = state.refit(WARM_SWEEPS).marginals([clique])[0]
        if abs(after - before).sum() <= sqrt(2 / pi) * sigma * before.size:
            per_round *= ANNEAL


class Fit:
    """The model as measurements come in: what was measured, pooled as the single columns say, with its factors."""

    def __init__(self, measured: Sequence[Measured], sizes: Mapping[str, int]) -> None:
        self.pools: dict[str, Pool] = pools_of(measured)
        self.sizes = coarse_sizes(self.pools, sizes)
        self.maps: dict[str, Array] = coarse_maps(self.pools)
        self.sigmas = {item.clique[0]: item.sigma for item in averaged(measured)}
        self.items: dict[Clique, Evidence] = {
            (name,): single_evidence(name, self.pools[name], softness=1.0) for name in self.sizes
        }
        self._tree: JunctionTree | None = None
        self._bounds: dict[Clique, int] | None = None
        self._open: set[Clique] = set()
        self._closed: set[Clique] = set()
        for item in measured:
            if len(item.clique) > 1:
                self.add(item)

    def add(self, item: Measured) -> None:
        """Take in noisy counts of several columns; a second look at the same columns is averaged with the first."""
        columns = in_order(item.clique, self.sizes)
        fresh = evidence(item.clique, item.counts, item.sigma, sizes=self.sizes, softness=1.0)
        if columns in self.items:
            known = self.items[columns]
            weight = float(known.sigma) ** -2 / (float(known.sigma) ** -2 + item.sigma**-2)
            known.counts = weight * known.counts + (1 - weight) * fresh.counts
            known.sigma = (float(known.sigma) ** -2 + item.sigma**-2) ** -0.5
        else:
            self.items[columns] = fresh
            self._tree = self._bounds = None
            self._open = set()

    @property
    def tree(self) -> JunctionTree:
        """The junction tree of what was measured."""
        if self._tree is None:
            self._tree = junction_tree(self.sizes, self.items)
        return self._tree

    def refit(self, sweeps: int) -> GraphicalModel:
        """Fit from where the factors stand."""
        joint = [item for columns, item in self.items.items() if len(columns) > 1]
        reference = reference_sigma([float(item.sigma) for item in joint] or list(self.sigmas.values()))
        for columns, item in self.items.items():
            strength = PAIR_SOFTNESS if len(columns) > 1 else SINGLE_SOFTNESS
            item.softness = strength * item.sigma**2 / reference
        return GraphicalModel.of(fit(list(self.items.values()), self.sizes, tree=self.tree, sweeps=sweeps))

    def in_turn(self, workload: Iterable[Clique], draws: np.random.Generator) -> list[Clique]:
        """The sets that one round looks at: all pairs and some of the triples, but for what is too large by now."""
        left = [clique for clique in workload if clique not in self._closed]
        triples = [place for place, clique in enumerate(left) if len(clique) > 2]
        if len(triples) <= MOST_TRIPLES:
            return left
        chosen = set(draws.choice(triples, MOST_TRIPLES, replace=False).tolist())
        return [clique for place, clique in enumerate(left) if len(clique) == 2 or place in chosen]

    def affordable(self, workload: Iterable[Clique], max_cells: int) -> list[Clique]:
        """The sets whose measurement keeps the junction tree within its cells; those it holds already always do.

        A set that was too large once stays out, since the model only grows. Most pairs need no trial triangulation:
        carrying one column along the tree to the other bounds what their edge can cost.
        """
        if self._bounds is None:
            self._bounds = path_costs(self.tree, self.sizes)
        now = sum(prod(self.sizes[name] for name in clique) for clique in self.tree.cliques)
        held = [set(clique) for clique in self.tree.cliques]
        found = []
        for clique in workload:
            if clique in self._closed:
                continue
            if (
                clique in self._open
                or any(other.issuperset(clique) for other in held)
                or (len(clique) == 2 and now + self._bounds[clique] <= CLEAR * max_cells)
                or (
                    prod(self.sizes[name] for name in clique) <= max_cells
                    and n_cells(self.sizes, [*self.items, clique]) <= max_cells
                )
            ):
                self._open.add(clique)
                found.append(clique)
            else:
                self._closed.add(clique)
        return found


def path_costs(tree: JunctionTree, sizes: Mapping[str, int]) -> dict[Clique, int]:
    """For every pair of columns, cells that suffice to bring them together in some junction tree.

    The first column joins every clique on the way to the second; where the way crosses an empty separator, a new clique
    of the two is enough.
    """
    cells = [prod(sizes[name] for name in clique) for clique in tree.cliques]
    around: list[list[int]] = [[] for _ in tree.cliques]
    for child, parent in enumerate(tree.parents):
        if tree.separators[child]:
            around[child].append(parent)
            around[parent].append(child)
    costs: dict[Clique, int] = {}
    names = list(sizes)
    for place, source in enumerate(names):
        spent = {i: 0 for i, clique in enumerate(tree.cliques) if source in clique}
        todo = list(spent)
        while todo:
            position = todo.pop()
            for other in around[position]:
                if other not in spent:
                    spent[other] = spent[position] + cells[other] * (sizes[source] - 1)
                    todo.append(other)
        for target in names[place + 1 :]:
            reached = [cost for i, cost in spent.items() if target in tree.cliques[i]]
            costs[source, target] = min(reached, default=sizes[source] * sizes[target])
    return costs


def candidates_of(sizes: Mapping[str, int], *, degree: int, target: str | None) -> dict[Clique, float]:
    """What can be measured, with its weight: all sets of 2 to `degree` columns, and triples with the target."""
    found: dict[Clique, float] = {}
    for length in range(2, (3 if target else degree) + 1):
        for clique in combinations(sizes, length):
            aimed = target in clique
            if length <= degree or aimed:
                found[clique] = TARGET_WEIGHT if aimed else 1.0
    return found


def check_parameters(sizes: Mapping[str, int], *, degree: int, target: str | None) -> None:
    """Refuse what cannot be done, before anything is spent.

    Raises:
        UsageError: A degree other than 2 or 3, or a target that is no measured column.
    """
    if degree not in (2, 3):
        raise UsageError("degree: must be 2 (pairs) or 3 (pairs and triples)")
    if target is not None and target not in sizes:
        raise UsageError(f"target: {target!r} is not one of the measured columns: {', '.join(sizes)}")


def model(transcript: Record) -> TableModel:
    """The model that fits all noisy counts."""
    state = Fit(transcript.measurements, transcript.sizes)
    return PooledModel(transcript.sizes, state.pools, state.refit(SWEEPS))
