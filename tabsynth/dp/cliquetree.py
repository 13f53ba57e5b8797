"""dp-cliquetree: a tree of pairs, then once more the pairs that the tree gets most wrong; for wide tables.

    1  every column alone, and a spanning tree of pairs, as dp-mst, but that the tree ends where no pair stands out of
       the noise of choosing; what it then leaves of the budget pays for a second look at the columns
    2  the tree is fitted once; further pairs are chosen, one at a time, where it is furthest from the data, as long as
       the junction tree stays within its cells
    3  the further pairs are measured together, and all is fitted again

Between the tree of dp-mst and the rounds of dp-aim: two fits whatever the number of columns.

Source: McKenna, Miklau and Sheldon (2021) for the tree, McKenna et al. (2022) for choosing against a fitted model; the
batch between them is ours.

Decisions
- Whether pairs are worth their noise depends on how strongly columns hang together, which no public fact tells. The
  choice of the first pair does, for a hundredth of the budget.
- Whether a pair is affordable is bounded by what carrying one column along the tree costs (`aim.path_costs`): a trial
  triangulation per pair is too slow for thousands of pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import pi, prod, sqrt

from tabsynth.dp import aim, independent
from tabsynth.dp.graphical.junction import junction_tree
from tabsynth.dp.mechanism import Clique, MeasurableTable, Record, TableModel, even_parts, noise_scale
from tabsynth.dp.mst import PENALTY, choose_tree, measure_columns
from tabsynth.dp.pooling import coarse_maps, pools_of

TREE_CHOICE_SHARE, TREE_SHARE, FURTHER_CHOICE_SHARE, FURTHER_SHARE = 0.1, 0.25, 0.05, 0.2
"""Of the budget; the columns have the rest."""
FURTHER_PER_COLUMN = 0.5
MAX_CELLS = 1_000_000


def measure(table: MeasurableTable, *, rho: float, max_cells: int = MAX_CELLS) -> None:
    """Columns, a tree of pairs, and further pairs.

    Args:
        table: The boundary.
        rho: Budget in all.
        max_cells: Cells of the model's tables together.

    Privacy: Gaussian noise on counts and the exponential mechanism on L1 distances; `rho` in all.
    """
    measure_columns(table, rho=rho)
    if len(table.sizes) > 1:
        measure_batches(table, rho=rho, max_cells=max_cells)


def measure_batches(table: MeasurableTable, *, rho: float, max_cells: int = MAX_CELLS) -> None:
    """The tree and the further pairs, for what the columns have left of `rho`."""
    edges, spent = measure_tree(table, for_choice=TREE_CHOICE_SHARE * rho, for_pairs=tree_share(len(table.sizes)) * rho)
    measure_rest(table, edges, spent, rho=rho, max_cells=max_cells)


def further_pairs(n_columns: int) -> int:
    """Number of pairs that follow a whole tree."""
    n_edges = n_columns - 1
    return min(round(FURTHER_PER_COLUMN * n_columns), n_edges * (n_edges - 1) // 2)


def tree_share(n_columns: int) -> float:
    """Share of the budget for the pairs of a whole tree; all that is left, where none can follow."""
    return TREE_SHARE if further_pairs(n_columns) else TREE_SHARE + FURTHER_CHOICE_SHARE + FURTHER_SHARE


def measure_rest(
    table: MeasurableTable, edges: list[Clique], spent: float, *, rho: float, max_cells: int = MAX_CELLS
) -> None:
    """What follows a tree that has cost `spent`: columns, as far as it has ended early, and the further pairs."""
    for_tree = tree_share(len(table.sizes)) * rho
    grown = len(edges) / (len(table.sizes) - 1)  # the share of a whole tree
    n_further = round(further_pairs(len(table.sizes)) * grown)
    if grown < 1:
        kept = TREE_CHOICE_SHARE * rho + for_tree - spent
        if further_pairs(len(table.sizes)):
            kept += (FURTHER_CHOICE_SHARE + FURTHER_SHARE) * rho * (1 - (grown if n_further else 0.0))
        independent.measure(table, rho=kept, again=True)
    if n_further:
        further = choose_further(table, edges, n_further, rho=grown * rho, max_cells=max_cells)
        parts = even_parts(grown * FURTHER_SHARE * rho, len(further))
        maps = coarse_maps(pools_of(table.transcript.measurements))
        table.marginals(further, rho_each=parts, purpose="pairs that the tree gets wrong", coarse=maps)


def measure_tree(table: MeasurableTable, *, for_choice: float, for_pairs: float) -> tuple[list[Clique], float]:
    """The tree, as far as pairs stand out of the noise of choosing, measured in one batch.

    Args:
        table: Its single columns are measured already.
        for_choice: Budget of the choices of a whole tree.
        for_pairs: Budget of the pairs of a whole tree.

    Returns:
        The pairs, and what they and their choices have cost: parts of the two budgets.
    """
    n_edges = len(table.sizes) - 1
    sigma = noise_scale(for_pairs / n_edges, table.max_rows)
    edges = choose_tree(table, rho=for_choice, sigma=sigma, may_stop=True)
    parts = even_parts(for_pairs * len(edges) / n_edges, len(edges)) if edges else []
    maps = coarse_maps(pools_of(table.transcript.measurements))
    table.marginals(edges, rho_each=parts, purpose="pairs on the tree", coarse=maps)
    return edges, for_choice * min(1.0, (len(edges) + 1) / n_edges) + sum(parts)


def choose_further(
    table: MeasurableTable, edges: list[Clique], n_further: int, *, rho: float, max_cells: int
) -> list[Clique]:
    """Pairs beside the tree; pairs on it are looked at again where no other is affordable."""
    state = aim.Fit(table.transcript.measurements, table.sizes)
    sigma = noise_scale(FURTHER_SHARE * rho / n_further, table.max_rows)
    pairs: list[Clique] = list(combinations(table.sizes, 2))
    expected = dict(zip(pairs, state.refit(aim.SWEEPS).marginals(pairs), strict=True))
    chosen: list[Clique] = []
    for budget in even_parts(FURTHER_CHOICE_SHARE * rho, n_further):
        taken = [*edges, *chosen]
        open_pairs = affordable(state.sizes, taken, max_cells) or [pair for pair in edges if pair not in chosen]
        index = table.select(
            open_pairs,
            [expected[pair] for pair in open_pairs],
            weights=[1.0] * len(open_pairs),
            penalties=[PENALTY * sqrt(2 / pi) * sigma * expected[pair].size for pair in open_pairs],
            rho=budget,
            purpose="a pair beside the tree",
            coarse=state.maps,
        )
        chosen.append(open_pairs[index])
    return chosen


def affordable(sizes: Mapping[str, int], taken: list[Clique], max_cells: int) -> list[Clique]:
    """The pairs not yet taken that keep the junction tree within its cells."""
    tree = junction_tree(sizes, taken)
    now = sum(prod(sizes[name] for name in clique) for clique in tree.cliques)
    held = {frozenset(pair) for pair in taken}
    costs = aim.path_costs(tree, sizes)
    return [pair for pair, cost in costs.items() if frozenset(pair) not in held and now + cost <= max_cells]


def model(transcript: Record) -> TableModel:
    """The model that fits all noisy counts."""
    return aim.model(transcript)
