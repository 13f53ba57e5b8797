"""dp-mst: a tree of pairs, chosen and measured under the budget.

    1  every column alone; codes that noise would swamp are pooled
    2  a spanning tree of the strongest dependences, one edge at a time, each by the exponential mechanism
    3  the counts of the pairs on the tree

Source: McKenna, Miklau and Sheldon (2021), "Winning the NIST contest: a scalable and general approach to differentially
private synthetic data", algorithms 1 and 2.

Decisions
- A pair's gap must beat the error that its own measurement would leave in it (as in AIM): two columns of a hundred
  codes each look dependent in any finite table, and measuring them brings more noise than knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import log, pi, sqrt

import numpy as np

from tabsynth.dp import independent
from tabsynth.dp.budget import selection_epsilon
from tabsynth.dp.graphical.estimate import evidence, fit
from tabsynth.dp.graphical.model import GraphicalModel
from tabsynth.dp.mechanism import Clique, MeasurableTable, Record, TableModel, even_parts, noise_scale
from tabsynth.dp.pooling import (
    PooledModel,
    coarse_maps,
    coarse_sizes,
    pools_of,
    single_evidence,
)

COLUMNS_SHARE = 0.4
TREE_SHARE = 0.2
"""Of the budget: the columns, and the choice of the tree; the pairs get the rest."""
SINGLE_SOFTNESS = 0.03
PAIR_SOFTNESS = 1.0
"""How far counts may stay from their measurements, in standard deviations of the noise on a pair."""
PENALTY = 0.5
SWEEPS = 12


def measure(table: MeasurableTable, *, rho: float) -> None:
    """Columns, a tree, and the pairs on it.

    Privacy: Gaussian noise on counts and the exponential mechanism on L1 distances; `rho` in all.
    """
    measure_columns(table, rho=rho)
    if len(table.sizes) > 1:
        measure_pairs(table, rho=rho)


def measure_columns(table: MeasurableTable, *, rho: float) -> None:
    """Step 1: every column alone, for its share of `rho`, or all of it where there is only one."""
    independent.measure(table, rho=(COLUMNS_SHARE if len(table.sizes) > 1 else 1.0) * rho)


def measure_pairs(table: MeasurableTable, *, rho: float) -> None:
    """Steps 2 and 3, for what the columns have left of `rho`."""
    n_edges = len(table.sizes) - 1
    for_pairs = (1 - COLUMNS_SHARE - TREE_SHARE) * rho
    edges = choose_tree(table, rho=TREE_SHARE * rho, sigma=noise_scale(for_pairs / n_edges, table.max_rows))
    maps = coarse_maps(pools_of(table.transcript.measurements))
    table.marginals(edges, rho_each=even_parts(for_pairs, n_edges), purpose="pairs on the tree", coarse=maps)


def choose_tree(table: MeasurableTable, *, rho: float, sigma: float, may_stop: bool = False) -> list[Clique]:
    """Pairs of a spanning tree, strongest first: each choice is made among the pairs that join two parts.

    Args:
        table: Its single columns are measured already.
        rho: Budget of all choices together, a part for each pair that a whole tree has.
        sigma: Noise that the pairs will be measured with; what a gap has to beat.
        may_stop: Whether none is a choice, too: with e times the chance that pairs without any gap have together.
            Chosen, it ends the tree, and what further choices would have cost is not spent.
    """
    pools = pools_of(table.transcript.measurements)
    total = next(iter(pools.values())).total
    shares = {name: pool.coarse_shares for name, pool in pools.items()}
    part = {name: name for name in table.sizes}
    edges: list[Clique] = []
    for budget in even_parts(rho, len(part) - 1):
        open_pairs = [(a, b) for a, b in combinations(table.sizes, 2) if part[a] != part[b]]
        estimates = [total * np.outer(shares[a], shares[b]) for a, b in open_pairs]
        penalties = [PENALTY * sqrt(2 / pi) * sigma * estimate.size for estimate in estimates]
        candidates: list[Clique] = list(open_pairs)
        if may_stop:
            candidates.append(())
            estimates.append(np.array(total))
            penalties.append(-(log(len(open_pairs)) + 1) * 2 * table.max_rows / selection_epsilon(budget))
        index = table.select(
            candidates,
            estimates,
            weights=[1.0] * len(candidates),
            penalties=penalties,
            rho=budget,
            purpose="an edge of the tree, or none" if may_stop else "an edge of the tree",
            coarse=coarse_maps(pools),
        )
        if index == len(open_pairs):
            break
        a, b = open_pairs[index]
        edges.append((a, b))
        joined, gone = part[a], part[b]
        part = {name: joined if home == gone else home for name, home in part.items()}
    return edges


def model(transcript: Record) -> TableModel:
    """The tree model that fits the noisy counts of columns and pairs."""
    pools = pools_of(transcript.measurements)
    sizes = coarse_sizes(pools, transcript.sizes)
    pairs = [item for item in transcript.measurements if len(item.clique) > 1]
    reference = reference_sigma([item.sigma for item in pairs or transcript.measurements])
    measured = [
        single_evidence(name, pools[name], softness=SINGLE_SOFTNESS * item.sigma**2 / reference)
        for item in transcript.measurements
        if len(item.clique) == 1
        for name in item.clique
    ]
    measured += [
        evidence(item.clique, item.counts, item.sigma, sizes=sizes, softness=PAIR_SOFTNESS * item.sigma**2 / reference)
        for item in pairs
    ]
    return PooledModel(transcript.sizes, pools, GraphicalModel.of(fit(measured, sizes, sweeps=SWEEPS)))


def reference_sigma(sigmas: Sequence[float]) -> float:
    """The noise against which softness is stated: the median of the measurements'."""
    return float(np.median(sigmas))
