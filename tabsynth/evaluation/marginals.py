"""Fidelity of triples of columns: the k-marginal score of NIST, three columns at a time.

    score = 1 - mean over triples of TV(joint counts of train, of synthetic)        (NIST prints 1000 x this)

Decisions
- Bins fitted once on train, with bins for missing cells and for what lies outside, as for pairs.
- Held against an equally large holdout: thousands of cells are never all alike, and 0.8 may be all that real rows
  reach.
- MAX_TRIPLES are drawn by seed where there are more; all have the same weight.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.similarity import Mean, counted_similarity, share_of_ceiling
from tabsynth.randomness import child

MAX_TRIPLES = 200
N_WORST = 10


class TripleScore(Part):
    """Similarity of one triple."""

    columns: tuple[str, str, str]
    value: float
    reference: float


class TripleScores(Detail):
    """The triples furthest below what real rows reach."""

    worst: tuple[TripleScore, ...]
    n_compared: int
    n_triples: int


class KMarginal:
    """Mean similarity of the contingency tables of three columns, the k-marginal score.

    Formula:
        1 - mean over triples of half the sum over cells of |p_T - p_S|; judged as a share of what the holdout reaches.
    Units:
        A share; 1 is "the same". NIST's score is 1000 times the value.
    Cost:
        Three counts per triple: 0.4 s at 20,000 rows and 200 triples.
    Source:
        NIST 2018 Differential Privacy Synthetic Data Challenge, scoring by 3-way marginals; SDNist 2 (NIST),
        k-marginal.
    """

    name = "k-marginal"
    family = Family.FIDELITY
    question = "Do columns go together in threes as they do in the real table?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare all triples of modelled columns, or MAX_TRIPLES drawn by seed where there are more.

        Privacy:
            Leaves one similarity per listed triple.
        """
        every = list(combinations(comparison.columns, 3))
        if not every:
            return Findings([unmeasured(self, "The table has fewer than three modelled columns.")])
        chosen = every
        if len(every) > MAX_TRIPLES:
            drawn = child(comparison.seed, "evaluation", "triples").choice(len(every), MAX_TRIPLES, replace=False)
            chosen = [every[place] for place in np.sort(drawn)]
        kinds: tuple[Which, ...] = ("synthetic", "holdout", "independent")
        means = {which: Mean() for which in kinds}
        scores = []
        for triple in chosen:
            size = int(np.prod([comparison.bins[name].n_bins for name in triple]))
            counts = np.bincount(_cells(comparison, "train", triple), minlength=size)
            own = {which: counted_similarity(counts, _cells(comparison, which, triple)) for which in kinds}
            for which in kinds:
                means[which].add(own[which])
            scores.append(
                TripleScore(
                    columns=triple, value=round(own["synthetic"].value, 5), reference=round(own["holdout"].value, 5)
                )
            )
        mean, ceiling = means["synthetic"].result(), means["holdout"].result()
        clusters = comparison.clusters("synthetic")
        ratio, interval = share_of_ceiling(
            mean, ceiling, level=level, clusters=clusters, holdout_clusters=comparison.clusters("holdout")
        )
        whole = answer(
            self,
            value=mean.value,
            interval=mean.interval(level=level, clusters=clusters),
            n=comparison.n_compared,
            reference=ceiling.value,
            baseline=means["independent"].result().value,
            judged=Judged(what="share of the ceiling", value=ratio, interval=interval),
            notes=(f"{len(chosen):,} of {len(every):,} triples; NIST's score is {1000 * mean.value:.0f} of 1,000.",),
        )
        worst = sorted(scores, key=lambda score: score.value - score.reference)[:N_WORST]
        return Findings([whole], TripleScores(worst=tuple(worst), n_compared=len(chosen), n_triples=len(every)))


def _cells(comparison: Comparison, which: Which, triple: tuple[str, str, str]) -> Array:
    """Cell of the contingency table of three columns that each row falls in, shape (n_rows,)."""
    codes = comparison.codes(which)
    cells = codes[triple[0]]
    for name in triple[1:]:
        cells = cells * comparison.bins[name].n_bins + codes[name]
    return cells
