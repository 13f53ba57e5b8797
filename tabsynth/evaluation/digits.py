"""Digits: are numbers and times written as finely as the real ones?

Every other metric rounds to the precision of train first, or a sixth decimal would decide it. This one looks at what
was rounded away: the place of the last digit that is not zero (of times, the largest unit that divides them). Ages
that end in 0 or 5 too rarely, prices with nine decimals and dates at 13:07:44 where all real ones are at midnight are
formatting defects that tell synthetic rows from real ones at a glance, and break what reads them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.intervals import Interval, around, each_of, largest_of
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.similarity import discrete_similarity
from tabsynth.schema.columns import DateTime, Integer, Number
from tabsynth.schema.values import TypedTable

MAX_DECIMALS = 6
MAX_ZEROS = 6
_UNITS = (1_000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000)  # microseconds; each divides the next


class DigitShare(Part):
    """Difference of one column in the place of the last digit."""

    column: str
    value: float
    reference: float


class DigitShares(Detail):
    """By column, the largest first."""

    columns: tuple[DigitShare, ...]


class Digits:
    """Largest difference in how finely numbers and times are written, beyond what holdout rows show, over columns.

    Formula:
        max_j TV(place of the last digit in column j of S, in column j of T); judged: beyond the same of H.
    Units:
        A share of cells, 0 to 1.
    Cost:
        14 roundings of every number: 0.2 s at 20,000 rows x 15 columns.
    Source:
        This project; heaping of last digits is an old check of survey data (Myers 1940).
    """

    name = "digits"
    family = Family.VALIDITY
    question = "Are numbers and times written as finely as the real ones?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare the place of the last digit in every column of numbers or times.

        Privacy:
            Leaves one share per column.
        """
        names = [name for name in comparison.columns if _measurable(comparison, name)]
        if not names:
            return Findings([unmeasured(self, "The table has no columns of numbers or times with values.")])
        each = each_of(level, len(names))
        shares, intervals = [], []
        singles: dict[str, tuple[Interval, float]] = {}
        for name in names:
            train, synthetic, holdout = (
                _places(comparison.typed[which], name, comparison) for which in ("train", "synthetic", "holdout")
            )
            n_codes = MAX_DECIMALS + MAX_ZEROS + 4
            own, real = (discrete_similarity(train, part, n_codes) for part in (synthetic, holdout))
            error = float(np.hypot(own.standard_error(), real.standard_error()))
            n = min(len(synthetic), len(holdout))
            excess = real.value - own.value
            intervals.append(around(excess, error, n=n, level=each, lower=-1.0))
            shares.append(DigitShare(column=name, value=1 - own.value, reference=1 - real.value))
            uniform = _codes(comparison.compared("uniform").columns[name], name, comparison)
            naive = 1 - discrete_similarity(train, uniform, n_codes).value if len(uniform) else 0.0
            mine = own.interval(level=level)
            singles[name] = (Interval(low=1 - mine.high, high=1 - mine.low, level=level), naive)
        order = sorted(shares, key=lambda share: share.reference - share.value)
        worst = order[0]
        whole = answer(
            self,
            value=worst.value,
            interval=singles[worst.column][0],
            n=comparison.n_compared,
            reference=worst.reference,
            baseline=singles[worst.column][1],
            judged=Judged(
                what="excess over the holdout",
                value=worst.value - worst.reference,
                interval=largest_of(intervals, level=level),
            ),
            notes=(f"The column that differs most: {worst.column}. The interval holds for all columns together.",),
        )
        return Findings([whole], DigitShares(columns=tuple(order)))


def _measurable(comparison: Comparison, name: str) -> bool:
    if not isinstance(comparison.table.columns[name], Integer | Number | DateTime):
        return False
    return all((~comparison.typed[which].columns[name].missing).any() for which in ("train", "synthetic", "holdout"))


def _places(table: TypedTable, name: str, comparison: Comparison) -> Array:
    """Code of the last digit's place of every present cell, shape (n_present,), from 0."""
    values = table.columns[name]
    return _codes(np.where(values.missing, np.nan, values.array.astype(np.float64)), name, comparison)


def _codes(cells: Array, name: str, comparison: Comparison) -> Array:
    present = cells[~np.isnan(cells)]
    if isinstance(comparison.table.columns[name], DateTime):
        return np.asarray(sum((present % unit == 0).astype(np.int64) for unit in _UNITS))
    return last_places(present)


def last_places(numbers: Array) -> Array:
    """Place of the last digit that is not zero.

    Args:
        numbers: Numbers, shape (n,), none missing.

    Returns:
        0 where more than MAX_DECIMALS decimals are needed, MAX_DECIMALS + 1 - d for d decimals, MAX_DECIMALS + 1 + z
        for whole numbers that end in z zeros (at most MAX_ZEROS), one more for zero itself; shape (n,).

    Example:
        >>> last_places(np.array([0.25, 7.0, 120.0, 0.0])).tolist()
        [5, 7, 8, 14]
    """
    values = np.asarray(numbers, dtype=np.float64)
    slack = 1e-9 * np.maximum(1.0, np.abs(values))
    codes = np.zeros(len(values), dtype=np.int64)
    for step in range(MAX_DECIMALS + MAX_ZEROS + 1):  # from the finest to the coarsest; the coarsest that fits stays
        decimals = MAX_DECIMALS - step
        codes[np.abs(np.round(values, decimals) - values) <= slack] = step + 1
    codes[np.abs(values) <= 1e-12] = MAX_DECIMALS + MAX_ZEROS + 2
    return codes
