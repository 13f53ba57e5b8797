"""Fit a graphical model to noisy counts.

Among all models with a factor per measured clique, take the one that minimises

    sum over cliques c of [ |M_c mu - y_c|^2 / 2 + k_c * (relative entropy that the factor of c adds) ]

with a softness k_c: noisy cells whose difference from what the rest of the model expects is within the
noise stay with the model, cells that stand out follow the measurement. The dual is maximised one clique at a time. With
m the present marginal and theta the log factor of a clique, the best new marginal mu and factor satisfy

    mu = m * exp(theta' - theta)   and   theta' = (y + s - mu) / k,

so mu / k is Wright's omega function of log(m / k) + (y + s) / k - theta, with s such that mu sums to the total.

Source: block ascent on the dual of entropic least squares, in the spirit of iterative proportional fitting (Deming and
Stephan 1940) and of McKenna, Sheldon and Miklau (2019), "Graphical-model based estimation and inference for
differential privacy", whose problem it is without the entropy.

Decisions
- No step size, and each clique is solved exactly: a few sweeps do what takes mirror descent hundreds of steps.
- Soft, so measurements that contradict each other (they are noisy) do no harm, and no cell is ever exactly zero.

Privacy: Works on noisy counts only; costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import wrightomega

from tabsynth.dp.graphical.arrays import Array, Clique, in_order, reorder
from tabsynth.dp.graphical.beliefs import TINY, Beliefs
from tabsynth.dp.graphical.junction import JunctionTree, junction_tree

SWEEPS = 8
OFFSET_STEPS = 3


@dataclass
class Evidence:
    """What was measured of one set of columns, in the order of the domain, and the factor fitted to it so far."""

    columns: Clique
    counts: Array
    """Noisy, as floats."""
    sigma: float | Array
    """Standard deviation of the noise, of all cells or of each."""
    softness: float | Array
    """k: how far a cell may stay from its measurement; see the module."""
    factor: Array = field(init=False)
    """Logarithm; zero before the first fit."""
    offset: float = 0.0

    def __post_init__(self) -> None:
        self.factor = np.zeros(self.counts.shape)

    def update(self, marginal: Array, total: float) -> Array:
        """Solve for this clique alone; returns what to multiply the beliefs by."""
        softness = self.softness
        known = np.maximum(marginal, TINY)
        base = np.log(known / softness) + self.counts / softness - self.factor
        for _ in range(OFFSET_STEPS):
            scaled = wrightomega(base + self.offset / softness)
            slope = float((scaled / (1.0 + scaled)).sum())
            self.offset += (total - float((softness * scaled).sum())) / max(slope, 1e-9)
        fitted = np.maximum(softness * wrightomega(base + self.offset / softness), TINY)
        self.factor = (self.counts + self.offset - fitted) / softness
        return fitted / known * (total / float(fitted.sum()))


def evidence(
    columns: Sequence[str], counts: Array, sigma: float | Array, *, sizes: Mapping[str, int], softness: float | Array
) -> Evidence:
    """Noisy counts of some columns, brought to the order of the domain."""
    ordered = in_order(columns, sizes)
    values = reorder(np.asarray(counts, float), columns, ordered)
    if isinstance(sigma, np.ndarray):
        sigma = reorder(sigma, columns, ordered)
    if isinstance(softness, np.ndarray):
        softness = reorder(softness, columns, ordered)
    return Evidence(ordered, values, sigma, softness)


def total_of(measured: Sequence[Evidence]) -> float:
    """Number of rows: the sums of the tables, weighted by the inverse of their noise; at least one."""
    variances = np.array([float(np.sum(np.broadcast_to(item.sigma, item.counts.shape) ** 2)) for item in measured])
    weights = 1.0 / np.maximum(variances, 1e-12)
    sums = np.array([float(item.counts.sum()) for item in measured])
    return max(1.0, float((weights * sums).sum() / weights.sum()))


def fit(
    measured: Sequence[Evidence],
    sizes: Mapping[str, int],
    *,
    total: float | None = None,
    tree: JunctionTree | None = None,
    sweeps: int = SWEEPS,
) -> Beliefs:
    """Fit the factors of the evidence (in place, from where they stand) and return the calibrated beliefs.

    Args:
        measured: Noisy counts; their factors are the start and hold the result.
        sizes: Number of codes of each column.
        total: Number of rows; by default from the counts.
        tree: Junction tree that holds every measured clique; by default the one of the measured cliques.
        sweeps: Times that every factor is solved for.
    """
    tree = tree or junction_tree(sizes, [item.columns for item in measured])
    beliefs = Beliefs(tree, sizes, total_of(measured) if total is None else total)
    if any(item.factor.any() for item in measured):
        beliefs.start_from((item.columns, item.factor) for item in measured)
    homes: dict[int, list[Evidence]] = {}
    for item in measured:
        position = tree.home(item.columns)
        if position is None:
            raise ValueError("a measured clique lies in no clique of the junction tree")
        homes.setdefault(position, []).append(item)
    for _ in range(sweeps):
        sweep(beliefs, homes)
    beliefs.calibrate()
    return beliefs


def sweep(beliefs: Beliefs, homes: Mapping[int, Sequence[Evidence]]) -> None:
    """Solve for every factor once, walking the tree depth first so that each clique knows the latest of the others."""
    stack: list[tuple[int, bool]] = [(0, True)]
    while stack:
        position, entering = stack.pop()
        if not entering:
            beliefs.pass_up(position)
            continue
        if position:
            beliefs.pass_down(position)
            stack.append((position, False))
        for item in homes.get(position, ()):
            beliefs.multiply(
                position, item.update(beliefs.marginal_of(position, item.columns), beliefs.total), item.columns
            )
        stack.extend((child, True) for child in reversed(beliefs.below[position]))
