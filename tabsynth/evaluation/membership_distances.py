"""Membership scores by distance: who is nearer to synthetic rows than to other real rows, on all columns or on some.

Decisions
- Some columns alone, too: a generator may remember how a person's categories go together and blur her numbers, or the
  reverse, and on all columns the blurred ones hide what is remembered. Numbers, categories, the quasi-identifiers of
  the schema, and halves of the columns drawn by seed; in one encoding, since each more makes the search cost more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tabsynth.evaluation.comparison import Array, Rows, Scale
from tabsynth.evaluation.distances import Closeness, Encoder, Points, closeness
from tabsynth.randomness import child
from tabsynth.schema.columns import Role
from tabsynth.schema.model import Table

N_DRAWN = 3
MAX_DRAWN_COLUMNS = 12
_PILOT = 400
_FLOOR = 0.003  # of the bandwidth: what a distance of zero counts as
_MASS_FLOOR = 0.01  # rows: what an empty neighbourhood counts as
Folds = tuple[Array, Array, int]
"""Fold of each asked row, (n_asked,); fold of each reference row, (n_reference,); number of folds."""


def column_subsets(table: Table, scales: Mapping[str, Scale], *, seed: int) -> dict[str, tuple[str, ...]]:
    """Columns to attack alone, by name: at least two and not all of them, none twice.

    Example:
        >>> from tabsynth.schema.model import Integer
        >>> table = Table(columns={name: Integer() for name in "abcd"})
        >>> list(column_subsets(table, {name: Scale(False) for name in "abcd"}, seed=0))
        ['columns drawn 1', 'columns drawn 2', 'columns drawn 3']
    """
    names = tuple(scales)
    wanted = {
        "numbers alone": tuple(name for name in names if not scales[name].discrete),
        "categories alone": tuple(name for name in names if scales[name].discrete),
        "quasi-identifiers": tuple(name for name in names if table.columns[name].role is Role.QUASI_IDENTIFIER),
    }
    rng = child(seed, "evaluation", "membership", "columns")
    size = min(MAX_DRAWN_COLUMNS, (len(names) + 1) // 2)
    for number in range(N_DRAWN):
        drawn = np.sort(rng.choice(len(names), size, replace=False))
        wanted[f"columns drawn {number + 1}"] = tuple(names[place] for place in drawn)
    found: dict[str, tuple[str, ...]] = {}
    for name, columns in wanted.items():
        if 1 < len(columns) < len(names) and columns not in found.values():
            found[name] = columns
    return found


def subset_scores(
    asked: Rows,
    synthetic: Rows,
    reference: Rows,
    folds: Folds,
    scales: Mapping[str, Scale],
    columns: Sequence[str],
    *,
    name: str,
    seed: int,
) -> dict[str, Array]:
    """Nearest and density ratio on some columns, in quantile encoding; (n_asked,) each.

    Args:
        asked: People who are asked about.
        synthetic: The table to be attacked.
        reference: Real rows of other people.
        folds: As in `near_scores`.
        scales: Which columns are discrete.
        columns: Columns that take part.
        name: What the columns are called.
        seed: Seed of the pilot.
    """
    encoder = Encoder((synthetic, reference, asked), scales, columns, encodings=("quantile",))
    asked_points, made, known = (encoder.points(rows) for rows in (asked, synthetic, reference))
    scores, _ = near_scores(asked_points, made, known, folds, seed=seed)
    return {f"{kind} ratio, {name}": scores[f"{kind} ratio, quantile"] for kind in ("nearest", "density")}


def near_scores(
    asked: Points, synthetic: Points, reference: Points, folds: Folds, *, seed: int
) -> tuple[dict[str, Array], Array]:
    """Scores of the attacks that measure distances.

    Args:
        asked: People who are asked about, in every encoding that is to be tried.
        synthetic: The table to be attacked.
        reference: Real rows of other people.
        folds: The fold of each asked row, which its reference leaves out; that of each reference row; how many.
        seed: Seed of the pilot that sets the bandwidths.

    Returns:
        Scores (n_asked,) by attack, and the distance of each row to its reference in the first encoding.
    """
    fold, reference_fold, n_folds = folds
    pilot = np.sort(
        child(seed, "evaluation", "membership", "pilot").choice(asked.n_rows, min(_PILOT, asked.n_rows), replace=False)
    )
    first = closeness(asked.take(pilot), reference, groups=reference_fold, n_groups=n_folds)
    widths = {name: _width(_without(found.nearest, fold[pilot])) for name, found in first.items()}
    near = closeness(asked, synthetic, bandwidths=widths)
    known = closeness(asked, reference, groups=reference_fold, n_groups=n_folds, bandwidths=widths)
    n_known = len(reference_fold) - np.bincount(reference_fold, minlength=n_folds)[fold]  # (n_asked,)
    scores: dict[str, Array] = {}
    for name in asked.numbers:
        s, r, h = near[name], known[name], widths[name]
        scores[f"nearest ratio, {name}"] = _ratio(_without(r.nearest, fold), s.nearest[:, 0], h)
        if asked.states.shape[1] and asked.numbers[name].shape[1]:
            light = _without(r.light, fold)
            scores[f"nearest ratio, {name}, light categories"] = _ratio(light, s.light[:, 0], h)
        scores[f"nearest difference, {name}"] = _without(r.nearest, fold) - s.nearest[:, 0]
        scores[f"density ratio, {name}"] = _density_ratio(s, r, fold, synthetic.n_rows, n_known)
    return scores, _without(known[next(iter(known))].nearest, fold)


def _without(by_fold: Array, fold: Array) -> Array:
    """Distance to the nearest reference row outside of each row's own fold, shape (n_rows,)."""
    left = by_fold.astype(np.float64)
    left[np.arange(len(left)), fold] = np.inf
    return np.asarray(left.min(axis=1))


def _width(nearest: Array) -> float:
    """Bandwidth of the kernel: the median distance to the nearest row; where most are 0, their mean."""
    width = float(np.median(nearest))
    if width <= 0:
        width = float(nearest.mean())
    return width if width > 0 else 0.5


def _ratio(known: Array, near: Array, width: float) -> Array:
    return np.asarray(np.log(known + _FLOOR * width) - np.log(near + _FLOOR * width))


def _density_ratio(near: Closeness, known: Closeness, fold: Array, n_near: int, n_known: Array) -> Array:
    inside = known.mass.sum(axis=1) - known.mass[np.arange(len(fold)), fold]
    inside = np.maximum(inside, 0.0)
    return np.asarray(np.log((near.mass[:, 0] + _MASS_FLOOR) / n_near) - np.log((inside + _MASS_FLOOR) / n_known))
