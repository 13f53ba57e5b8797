"""Near copies, as a diagnostic: do synthetic rows lie closer to training rows than real strangers do?

Two numbers per row are shown: the distance to the closest training row (DCR), and that distance as a share of the
distance to the second closest (NNDR; 0 is a row that is near one person only, 1 one that is as near to a second).

Decisions
- Never judged. Distance to the closest record misses leakage that attacks find and alarms at none; the number helps to
  look, not to decide.
- The searched table is never thinned out below the limit: a copy whose original was dropped looks like a stranger.

Source for the limits of the method: Yao et al. 2025, "The DCR Delusion", arXiv:2505.01524.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.intervals import wilson
from tabsynth.randomness import child, deterministic_threads

MAX_ASKED = 3_000
MAX_SEARCHED = 50_000
CLOSE = 0.02  # the quantile of the holdout's distances that counts as "close"
_BLOCK_CELLS = 8_000_000  # distances held in memory at once
_POINT_CELLS = 40_000_000  # coordinates of the searched rows held in memory
_MAX_CATEGORIES = 20  # one-hot columns per category column; the others share one


class NearDistances(Detail):
    """Quantiles of the distance to the nearest training row, on a scale where 1 is one differing category."""

    quantiles: tuple[float, ...]
    synthetic: tuple[float, ...]
    holdout: tuple[float, ...]
    synthetic_ratio: tuple[float, ...]
    """Quantiles of the distance as a share of that to the second nearest training row."""
    holdout_ratio: tuple[float, ...]


class NearCopies:
    """Share of synthetic rows nearer to train than the nearest 2 % of holdout rows are; a diagnostic.

    Formula:
        P(d(s, T) <= q), q the 2 % quantile of d(h, T); d the distance to the closest training row.
    Units:
        A share of rows, 0 to 1; 0.02 is what strangers reach.
    Cost:
        At most 3 x 3,000 rows against 50,000: 2 s at 20,000 rows x 15 columns.
    Source:
        See the head of this module.
    """

    name = "near-copies"
    family = Family.COPIES
    question = "Do synthetic rows lie closer to real rows than real strangers do? (diagnostic, not judged)"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Measure distances to the nearest training row from synthetic and from holdout rows.

        Privacy:
            Leaves shares and quantiles of distances, no row.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        points = _Points(comparison)
        n_asked = min(comparison.n_compared, MAX_ASKED)
        searched = _draw(
            comparison.train, min(MAX_SEARCHED, _POINT_CELLS // points.n_dimensions), comparison.seed, "searched"
        )
        target = points.of(searched)
        two = {
            which: _nearest_two(points.of(_draw(comparison.compared(which), n_asked, comparison.seed, which)), target)
            for which in ("synthetic", "holdout", "independent")
        }
        distances = {which: found[0] for which, found in two.items()}
        limit = float(np.quantile(distances["holdout"], CLOSE))
        close = {which: found <= limit + 1e-9 for which, found in distances.items()}
        notes = [f"{n_asked:,} rows of each were compared with {searched.n_rows:,} training rows."]
        if searched.n_rows < comparison.train.n_rows:
            notes.append("The training rows were drawn at random; near copies of the others are not seen.")
        whole = answer(
            self,
            value=float(close["synthetic"].mean()),
            interval=wilson(int(close["synthetic"].sum()), n_asked, level=level),
            n=n_asked,
            reference=float(close["holdout"].mean()),
            baseline=float(close["independent"].mean()),
            notes=tuple(notes),
        )
        levels = (0.05, 0.25, 0.5, 0.75, 0.95)
        ratios = {which: first / np.maximum(second, 1e-9) for which, (first, second) in two.items()}
        for which, (_, second) in two.items():
            ratios[which][second <= 1e-9] = 1.0  # two training rows are equal to it
        detail = NearDistances(
            quantiles=levels,
            synthetic=_quantiles(distances["synthetic"], levels),
            holdout=_quantiles(distances["holdout"], levels),
            synthetic_ratio=_quantiles(ratios["synthetic"], levels),
            holdout_ratio=_quantiles(ratios["holdout"], levels),
        )
        return Findings([whole], detail)


def _quantiles(values: Array, levels: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in np.quantile(values, levels))


def _draw(rows: Rows, limit: int, seed: int, name: str) -> Rows:
    if rows.n_rows <= limit:
        return rows
    return rows.take(np.sort(child(seed, "evaluation", "nearest", name).choice(rows.n_rows, limit, replace=False)))


class _Points:
    """Rows as points: numbers as their rank in train, categories one-hot, missing cells as a category."""

    def __init__(self, comparison: Comparison) -> None:
        self._sorted = {
            name: np.sort(values[~np.isnan(values)])
            for name, values in comparison.train.columns.items()
            if not comparison.scales[name].discrete
        }
        self._names = comparison.columns
        self.n_dimensions = sum(2 if name in self._sorted else _MAX_CATEGORIES + 2 for name in self._names)

    def of(self, rows: Rows) -> Array:
        """Points of shape (n_rows, n_dimensions), float32; squared distance 1 is one differing category."""
        points = np.zeros((rows.n_rows, self.n_dimensions), dtype=np.float32)
        start = 0
        for name in self._names:
            values = rows.columns[name]
            gap = np.isnan(values)
            if name in self._sorted:
                known = self._sorted[name]
                rank = np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")
                points[:, start] = np.where(gap, 0.5, rank / max(1, 2 * len(known)))
                points[:, start + 1] = gap
                start += 2
            else:
                codes = np.where(gap, 0, np.minimum(values, _MAX_CATEGORIES) + 1).astype(np.int64)
                # Half on either side: two different categories are sqrt(1/2 + 1/2) apart.
                points[np.arange(rows.n_rows), start + codes] = np.sqrt(0.5)
                start += _MAX_CATEGORIES + 2
        return points


def _nearest_two(asked: Array, target: Array) -> tuple[Array, Array]:
    """Distances from each asked point to the nearest and to the second nearest target point, shape (n_asked,) each."""
    norms = (target * target).sum(axis=1)
    found = np.full((len(asked), 2), np.inf)
    step = max(1, _BLOCK_CELLS // len(target))
    n = min(2, len(target))
    with deterministic_threads():
        for start in range(0, len(asked), step):
            block = asked[start : start + step]
            apart = norms[None, :] - 2 * (block @ target.T)
            for place in range(n):
                closest = np.argmin(apart, axis=1)
                # The expanded square loses digits; the distance to the one that was found is taken afresh.
                found[start : start + step, place] = np.sqrt(((block - target[closest]) ** 2).sum(axis=1))
                apart[np.arange(len(block)), closest] = np.inf
    if n == 1:
        return found[:, 0], found[:, 0].copy()
    return found[:, 0], np.maximum(found[:, 0], found[:, 1])
