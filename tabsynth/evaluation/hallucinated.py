"""Hallucinated dependence: pairs of columns that depend on each other in the synthetic table only, or no longer.

Every pair is tested for independence in train, in holdout and in synthetic (Pearson's chi-squared on bins that hold at
least a twentieth of train, the rest pooled). Over all pairs, the false discovery rate of the synthetic (for lost
ones, of the train) tests is held at 5 % by Benjamini and Yekutieli's rule, which needs no independence of the tests.

    invented   rejected in synthetic; no sign of dependence in train, nor in holdout (p > 0.05 in both)
    lost       rejected in train and seen again in holdout; no sign of dependence in synthetic

Decisions
- Lists, not a limit. With many rows the smallest invention is found, and a smallest invention need not matter; how
  large a change may be is the matter of `association`, which has a limit.
- The three tests look at equally many rows, so that "no sign" means as much in one as in another; one row stands for
  each person, since rows of one person are alike.

Source: Benjamini & Yekutieli 2001, doi:10.1214/aos/1013699998.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.intervals import wilson
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child

FALSE_DISCOVERIES = 0.05
NO_SIGN = 0.05
MIN_SHARE = 0.05
MIN_ROWS = 200
MAX_TESTED = 20_000
N_LISTED = 20


class PairChange(Part):
    """One pair on the list."""

    first: str
    second: str
    kind: Literal["invented", "lost"]
    strength_train: float
    """Cramér's V on the pooled bins."""
    strength_synthetic: float


class PairChanges(Detail):
    """Invented pairs first, the strongest of each first."""

    listed: tuple[PairChange, ...]
    n_invented: int
    n_lost: int
    n_pairs: int


class HallucinatedDependence:
    """Share of pairs of columns whose dependence was invented or lost, at a false discovery rate of 5 %.

    Formula:
        (#invented + #lost) / #pairs, see the head of this module.
    Units:
        A share of pairs, 0 to 1.
    Cost:
        Three chi-squared tests per pair: 0.2 s at 20,000 rows x 15 columns.
    Source:
        See the head of this module.
    """

    name = "hallucinated-dependence"
    family = Family.FIDELITY
    question = "Is there dependence that the real table does not show, or none where it does?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Test every pair in three tables.

        Privacy:
            Leaves names of columns and two coefficients per listed pair.
        """
        if len(comparison.columns) < 2:
            return Findings([unmeasured(self, "The table has fewer than two modelled columns.")])
        rows = {which: _one_each(comparison, which) for which in ("train", "holdout", "synthetic")}
        n = min(part.n_rows for part in rows.values())
        if n < MIN_ROWS:
            return Findings([unmeasured(self, f"Needs {MIN_ROWS} people in each table; there are {n}.")])
        pooled = {name: _pooling(comparison, name) for name in comparison.columns}
        codes = {which: _codes(comparison, part.take(np.arange(n)), pooled) for which, part in rows.items()}
        naive = comparison.compared("independent")
        codes["independent"] = _codes(comparison, naive.take(np.arange(min(n, naive.n_rows))), pooled)
        found = {which: _tests(part, comparison.pairs, pooled) for which, part in codes.items()}
        invented, lost = _changed(found["train"], found["holdout"], found["synthetic"])
        n_pairs = len(comparison.pairs)
        count = int(invented.sum() + lost.sum())
        reference, baseline = (
            float(sum(part.sum() for part in _changed(found["train"], found["holdout"], found[which]))) / n_pairs
            for which in ("holdout", "independent")
        )
        listed = [
            PairChange(
                first=comparison.pairs[place][0],
                second=comparison.pairs[place][1],
                kind=kind,
                strength_train=round(float(found["train"][1][place]), 4),
                strength_synthetic=round(float(found["synthetic"][1][place]), 4),
            )
            for kind, chosen, by in (("invented", invented, "synthetic"), ("lost", lost, "train"))
            for place in sorted(np.flatnonzero(chosen), key=lambda place: -found[by][1][place])[:N_LISTED]
        ]
        whole = answer(
            self,
            value=count / n_pairs,
            interval=wilson(count, n_pairs, level=level),
            n=n,
            reference=reference,
            baseline=baseline,
            notes=(
                f"{int(invented.sum()):,} pairs invented and {int(lost.sum()):,} lost of {n_pairs:,}, tested on {n:,} "
                "rows of each table.",
            ),
        )
        detail = PairChanges(
            listed=tuple(listed), n_invented=int(invented.sum()), n_lost=int(lost.sum()), n_pairs=n_pairs
        )
        return Findings([whole], detail)


def rejected(p_values: Array, *, rate: float = FALSE_DISCOVERIES) -> Array:
    """Which hypotheses are rejected at a false discovery rate, whatever their dependence; bool, shape (n,).

    Source: Benjamini & Yekutieli 2001, theorem 1.3.
    """
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    limits = rate * np.arange(1, n + 1) / (n * np.sum(1.0 / np.arange(1, n + 1)))
    kept = np.flatnonzero(p_values[order] <= limits)
    chosen = np.zeros(n, dtype=bool)
    if len(kept):
        chosen[order[: kept[-1] + 1]] = True
    return chosen


def _changed(
    train: tuple[Array, Array], holdout: tuple[Array, Array], other: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Invented and lost pairs, bool arrays of shape (n_pairs,)."""
    invented = rejected(other[0]) & (train[0] > NO_SIGN) & (holdout[0] > NO_SIGN)
    lost = rejected(train[0]) & (holdout[0] <= NO_SIGN) & (other[0] > NO_SIGN)
    return invented, lost


def _one_each(comparison: Comparison, which: Literal["train", "holdout", "synthetic"]) -> Rows:
    """One row per person in an order drawn by seed."""
    people = comparison.people(which)
    order = child(comparison.seed, "evaluation", "hallucinated", which).permutation(len(people))
    _, first = np.unique(people[order], return_index=True)
    table = {"train": comparison.train, "holdout": comparison.holdout, "synthetic": comparison.synthetic}[which]
    return table.take(order[np.sort(first)][:MAX_TESTED])


def _pooling(comparison: Comparison, name: str) -> Array:
    """New code of every bin of a column: common bins keep one of their own, the others share the last."""
    bins = comparison.bins[name]
    share = np.bincount(comparison.codes("train")[name], minlength=bins.n_bins) / comparison.train.n_rows
    common = np.flatnonzero(share >= MIN_SHARE)
    new = np.full(bins.n_bins, len(common), dtype=np.int64)
    new[common] = np.arange(len(common))
    rest = share[share < MIN_SHARE].sum()
    if rest < MIN_SHARE and len(common):
        new[new == len(common)] = int(np.argmin(share[common]))  # too few to stand alone: joined to the smallest
    return new


def _codes(comparison: Comparison, rows: Rows, pooled: dict[str, Array]) -> dict[str, Array]:
    return {name: pooled[name][comparison.bins[name].code(rows.columns[name])] for name in comparison.columns}


def _tests(
    codes: dict[str, Array], pairs: tuple[tuple[str, str], ...], pooled: dict[str, Array]
) -> tuple[Array, Array]:
    """p-values of independence and Cramér's V of every pair, shape (n_pairs,) each."""
    p_values, strengths = np.ones(len(pairs)), np.zeros(len(pairs))
    for place, (first, second) in enumerate(pairs):
        size = int(pooled[first].max()) + 1, int(pooled[second].max()) + 1
        counts = np.bincount(codes[first] * size[1] + codes[second], minlength=size[0] * size[1]).reshape(size)
        counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
        smaller = min(counts.shape) - 1
        if smaller < 1:
            continue
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
        squared = float(((counts - expected) ** 2 / expected).sum())
        p_values[place] = stats.chi2.sf(squared, (counts.shape[0] - 1) * (counts.shape[1] - 1))
        strengths[place] = np.sqrt(squared / (counts.sum() * smaller))
    return p_values, strengths
