"""Wasserstein distance of numbers, as a diagnostic: how far would the synthetic values have to be moved?

    W_j = integral |F_S(x) - F_T(x)| dx / IQR_T

Similarity (`columns.py`) asks how many rows are wrong; this asks how far off they are, so it sees a tail that reaches
ten times too far and is held by one row in a hundred.

Decisions
- In interquartile ranges of train, so that columns can be compared; where half of the cells are equal, in standard
  deviations.
- Not judged: a single extreme value moves it as far as you like, and how far is too far depends on the use.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.intervals import around


class Wasserstein:
    """Wasserstein-1 distance of each column of numbers or times, in interquartile ranges of train; the largest leads.

    Formula:
        W_j, see the head of this module.
    Units:
        Interquartile ranges of the real column; 0 is "the same", without an upper end.
    Cost:
        A sort of every column: 0.1 s at 20,000 rows x 15 columns.
    Source:
        Vallender 1974, doi:10.1137/1118101, for the integral; use in this place as in SynMeter (Du & Li,
        arXiv:2402.06806).
    """

    name = "wasserstein"
    family = Family.FIDELITY
    question = "How far are the synthetic numbers from the real ones? (diagnostic, not judged)"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the present cells of every column of numbers or times.

        Privacy:
            Leaves one number per column; the range itself stays inside.
        """
        results = []
        for name, scale in comparison.scales.items():
            train = _present(comparison.train.columns[name])
            unit = _spread(train)
            others = {
                which: _present(comparison.compared(which).columns[name])
                for which in ("synthetic", "holdout", "uniform")
            }
            if scale.discrete or unit <= 0 or any(len(cells) < 2 for cells in others.values()):
                continue
            value, error = transport(train, others["synthetic"])
            results.append(
                answer(
                    self,
                    subject=(name,),
                    question=f"How far is {name} from the real column?",
                    value=value / unit,
                    interval=around(value / unit, error / unit, n=len(others["synthetic"]), level=level, upper=1e300),
                    n=len(others["synthetic"]),
                    reference=transport(train, others["holdout"])[0] / unit,
                    baseline=transport(train, others["uniform"])[0] / unit,
                )
            )
        if not results:
            return Findings([unmeasured(self, "The table has no columns of numbers or times that vary.")])
        worst = max(results, key=lambda result: (result.value or 0.0) - (result.reference or 0.0))
        note = f"The column that is farthest off: {worst.subject[0]}. In interquartile ranges of the real column."
        whole = worst.model_copy(update={"subject": (), "question": self.question, "notes": (note,)})
        return Findings([whole, *results])


def transport(train: Array, values: Array) -> tuple[float, float]:
    """Wasserstein-1 distance of two samples without missing cells, and its standard error over the second.

    Example:
        >>> transport(np.array([0.0, 1.0]), np.array([2.0, 3.0]))[0]
        2.0
    """
    points = np.unique(np.concatenate([train, values]))
    if len(points) < 2:
        return 0.0, 0.0
    widths = np.diff(points)
    own = np.searchsorted(np.sort(train), points[:-1], side="right") / len(train)
    other = np.searchsorted(np.sort(values), points[:-1], side="right") / len(values)
    # A row at x adds sign(G - F) from x on: what one more row there does to the distance.
    onwards = np.concatenate([np.cumsum((np.sign(other - own) * widths)[::-1])[::-1], [0.0]])
    influence = onwards[np.searchsorted(points, values)]
    return float((np.abs(other - own) * widths).sum()), float(influence.std() / np.sqrt(len(values)))


def _present(cells: Array) -> Array:
    return np.asarray(cells[~np.isnan(cells)])


def _spread(cells: Array) -> float:
    if len(cells) < 2:
        return 0.0
    low, high = np.quantile(cells, [0.25, 0.75])
    return float(high - low) if high > low else float(cells.std())
