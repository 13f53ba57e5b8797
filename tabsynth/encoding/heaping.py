"""How coarsely numbers are rounded: volumes that end in 0 or 5, prices in whole tens.

People round, and each as coarsely as they like, so that a column is a mixture: some values are rounded to the step of
the column, some to 5, 10, 50, 100 steps. The weights of that mixture are what a model keeps; a drawn number is rounded
as one of them asks. Without it, numbers between the common values end in every digit alike, which tells synthetic rows
from real ones at a glance.

Decisions
- Grains divide each other (1, 5, 10, 50, ...), so that the weights follow from the shares of multiples of each grain.
- Which grain a number gets is read off its digits below the step, which are uniform and thrown away otherwise. So
  nothing is drawn here, and a row is the same whatever rows are decoded beside it.
- Common values (atoms of the marginal) are left alone, and so is a number that is smaller than its grain: rounding
  it would invent zeros.
- The finest grain keeps a weight of at least 2 %, so that every number stays possible where one is asked for.

Source: Heitjan and Rubin 1990, "Inference from coarse data via multiple imputation with application to age heaping".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.encoding.marginal import n_people

Array = np.ndarray[Any, Any]

GRAINS = np.array([1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0])
"""In steps of the column; each divides the next."""
LEAST_FINEST = 0.02
_WORTH_IT = 0.05
"""Share of numbers that must be rounded more coarsely than the step for the mixture to be kept."""


def fit_heaping(numbers: Array, *, step: float, k: int, entities: Array | None) -> Array | None:
    """Weights of the grains that numbers are rounded to.

    Args:
        numbers: Numbers that are no common values, shape (n,), multiples of `step`.
        step: Distance between neighbouring values of the column.
        k: People (or rows, without `entities`) that every kept share must rest on.
        entities: Code of the person each number belongs to, shape (n,), or None where every row is another person.

    Returns:
        Weights that sum to 1, shape (n_grains,); None where there are few numbers, or hardly any are rounded.

    Privacy:
        Leaves one weight per grain, from multiples that at least k people have.
    """
    if n_people(entities, len(numbers)) < 10 * k:
        return None
    from scipy.optimize import nnls

    steps = np.rint(numbers / step)
    owners = None if entities is None else entities[steps != 0]
    steps = steps[steps != 0]
    shares = np.zeros(len(GRAINS))
    for place, grain in enumerate(GRAINS):
        multiples = steps % grain == 0
        if n_people(None if owners is None else owners[multiples], int(multiples.sum())) >= k:
            shares[place] = multiples.mean()
    # A number rounded to grain g is a multiple of a coarser grain h by chance, once in h / g.
    expected = np.minimum(1.0, GRAINS[None, :] / GRAINS[:, None])  # (of_grain, rounded_to)
    expected[shares == 0] = 0.0
    expected[:, shares == 0] = 0.0
    weights, _ = nnls(expected, shares)
    total = weights.sum()
    if total <= 0 or weights[1:].sum() < _WORTH_IT * total:
        return None
    weights[0] = max(weights[0], LEAST_FINEST / (1 - LEAST_FINEST) * weights[1:].sum())
    return np.asarray(weights / weights.sum())


def rounded(numbers: Array, weights: Array, *, step: float, atoms: Array) -> Array:
    """Numbers as coarse as the mixture asks; common values and numbers below their grain stay.

    Args:
        numbers: Shape (n,), with digits below the step; NaN stays.
        weights: See `fit_heaping`.
        step: Distance between neighbouring values of the column.
        atoms: Common values, shape (n_atoms,), rising.
    """
    steps = numbers / step
    share = np.nan_to_num(np.mod(steps + 0.5, 1.0))  # where in its step the number lies: uniform
    grain = GRAINS[np.minimum(np.searchsorted(np.cumsum(weights), share, side="right"), len(GRAINS) - 1)]
    size = np.abs(np.rint(np.nan_to_num(steps)))
    while (too_coarse := grain > np.maximum(size, 1.0)).any():
        grain = np.where(too_coarse, GRAINS[np.searchsorted(GRAINS, grain) - 1], grain)
    heaped = np.rint(np.rint(steps) / grain) * grain * step
    keep = np.isnan(numbers) | (grain == 1.0)
    if len(atoms):
        keep |= atoms[np.clip(np.searchsorted(atoms, numbers), 0, len(atoms) - 1)] == numbers
    return np.where(keep, numbers, heaped)
