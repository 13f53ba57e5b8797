"""Fidelity of pairs of columns: does what goes together in train go together in the synthetic table?

Decisions
- All pairs, numbers with categories included, whatever their association in train: a dependence that the generator
  invented sits in a pair that train has none in.
- One set of bins for all tables, fitted on train, with bins for missing cells and for what lies outside of train.
"""

from __future__ import annotations

from typing import Literal

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import MAX_PAIRS, Comparison, Which
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.similarity import Mean, Similarity, counted_similarity, share_of_ceiling

N_WORST = 10


class PairScore(Part):
    """Similarity of one pair."""

    first: str
    second: str
    value: float
    reference: float
    baseline: float


class PairScores(Detail):
    """Similarity of every compared pair."""

    columns: tuple[str, ...]
    scores: tuple[PairScore, ...]
    n_pairs: int
    """Pairs that the table has, compared or not."""

    @property
    def worst(self) -> tuple[PairScore, ...]:
        """The pairs furthest below what real holdout rows reach."""
        return tuple(sorted(self.scores, key=lambda score: score.value - score.reference)[:N_WORST])


class PairSimilarity:
    """1 - total variation distance of the contingency tables of all pairs, and their mean.

    Formula:
        1 - sum_ij |p_ij - q_ij| / 2 on bins of train; judged: the mean over pairs as a share of the holdout's.
    Units:
        A share, 0 to 1 (the same joint distribution).
    Cost:
        One contingency table per pair, 1,000 pairs at most: 0.1 s at 20,000 rows x 15 columns.
    Source:
        Total variation distance of contingency tables, as in many tools; bins shared by all tables, as bins of each
        table's own make a column that was scaled look perfect.
    """

    name = "pair-similarity"
    family = Family.FIDELITY
    question = "Do columns go together in pairs as they do in the real table?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare every pair of modelled columns, or 1,000 pairs drawn by seed where there are more.

        Privacy:
            Leaves one similarity per pair.
        """
        if len(comparison.columns) < 2:
            return Findings([unmeasured(self, "The table has fewer than two modelled columns.")])
        kinds: tuple[Which, ...] = ("synthetic", "holdout", "independent")
        means = {which: Mean() for which in kinds}
        scores: list[PairScore] = []
        singles: dict[tuple[str, str], Similarity] = {}
        for pair in comparison.pairs:
            own = {
                which: counted_similarity(comparison.train_joint(pair), comparison.joint_codes(which, pair))
                for which in kinds
            }
            for which in kinds:
                means[which].add(own[which])
            value, reference, baseline = (round(own[which].value, 6) for which in kinds)
            scores.append(PairScore(first=pair[0], second=pair[1], value=value, reference=reference, baseline=baseline))
            singles[pair] = own["synthetic"]
            singles = _furthest_below(singles, scores)
        clusters, holdout_clusters = comparison.clusters("synthetic"), comparison.clusters("holdout")
        mean, ceiling = means["synthetic"].result(), means["holdout"].result()
        ratio, ratio_interval = share_of_ceiling(
            mean, ceiling, level=level, clusters=clusters, holdout_clusters=holdout_clusters
        )
        n_pairs = len(comparison.columns) * (len(comparison.columns) - 1) // 2
        detail = PairScores(columns=comparison.columns, scores=tuple(scores), n_pairs=n_pairs)
        whole = answer(
            self,
            value=mean.value,
            interval=mean.interval(level=level, clusters=clusters),
            n=comparison.n_compared,
            reference=ceiling.value,
            baseline=means["independent"].result().value,
            judged=Judged(what="share of the ceiling", value=ratio, interval=ratio_interval),
            notes=(_scope(n_pairs),),
        )
        worst = [
            answer(
                self,
                subject=(score.first, score.second),
                question=f"Do {score.first} and {score.second} go together as in the real table?",
                value=score.value,
                interval=singles[score.first, score.second].interval(level=level, clusters=clusters),
                n=comparison.n_compared,
                reference=score.reference,
                baseline=score.baseline,
            )
            for score in detail.worst
        ]
        return Findings([whole, *worst], detail)


def _furthest_below(
    singles: dict[tuple[str, str], Similarity], scores: list[PairScore]
) -> dict[tuple[str, str], Similarity]:
    """Keep the contributions of the worst pairs only; those of a thousand pairs would fill the memory."""
    if len(singles) <= 2 * N_WORST:
        return singles
    keep = sorted(scores, key=lambda score: score.value - score.reference)[:N_WORST]
    return {pair: singles[pair] for pair in ((score.first, score.second) for score in keep) if pair in singles}


def _scope(n_pairs: int) -> str:
    if n_pairs <= MAX_PAIRS:
        return f"All {n_pairs:,} pairs of columns are compared."
    return f"{MAX_PAIRS:,} of {n_pairs:,} pairs are compared, drawn by seed."
