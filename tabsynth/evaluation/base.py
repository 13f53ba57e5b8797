"""What a metric is, what it returns, and how a set of them is run.

A metric compares synthetic rows with the rows they were learned from, and always does the same with real holdout rows
(reference) and with a naive invention (baseline), so that no number stands alone.

Decisions
- Every metric runs by itself: one that fails leaves a result that names the error, and the others still run.
- The number that a limit applies to may differ from the value shown (a share of the ceiling, an excess over the
  holdout); it then has its own name and interval, in `judged`.
- Results and details hold no cell of the training table: whatever is in them may be printed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import Field

from tabsynth.errors import TabsynthError
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.part import Part
from tabsynth.registry import Registry


class Family(StrEnum):
    """Groups of metrics; each has a card and a section in the report."""

    VALIDITY = "validity"
    FIDELITY = "fidelity"
    DETECTION = "detection"
    UTILITY = "utility"
    FAIRNESS = "fairness"
    COPIES = "copies"
    ATTACKS = "attacks"


class Verdict(StrEnum):
    """What a limit says about a result; `info` where no limit applies."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient evidence"
    INFO = "info"


Unit = Literal["share", "count", "area", "score"]
"""What numbers are: shares of 1, whole counts, an area under a curve, or a score whose ends its metric names."""


class Judged(Part):
    """The number that a limit applies to, where it is not the value itself."""

    what: str
    """Name of the number, such as "share of the ceiling"."""
    value: float = Field(allow_inf_nan=False)
    interval: Interval | None = None


class Result(Part):
    """One answered question."""

    metric: str
    family: Family
    subject: tuple[str, ...] = ()
    """Columns it is about; empty: the whole table."""
    question: str
    """What is asked, in one plain sentence."""
    better: Literal["higher", "lower"]
    unit: Unit = "share"
    value: float | None = Field(default=None, allow_inf_nan=False)
    """None: not measured; `notes` or `error` say why."""
    interval: Interval | None = None
    n: int = 0
    """Rows behind the value, in the smaller of the compared tables."""
    reference: float | None = Field(default=None, allow_inf_nan=False)
    """The same with real holdout rows in place of the synthetic ones; for attacks, the same on people never seen."""
    baseline: float | None = Field(default=None, allow_inf_nan=False)
    """The same with naively invented rows in place of the synthetic ones."""
    judged: Judged | None = None
    clause: str | None = None
    """Clause of the policy that set the limit."""
    limit: float | None = None
    verdict: Verdict = Verdict.INFO
    decides_at: int | None = None
    """Rows per table at which the evidence would decide, where it does not."""
    seed: int = 0
    seconds: float = 0.0
    """Time of the whole metric; 0 on all but its first result."""
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def about(self) -> str:
        """The subject in words."""
        return " × ".join(self.subject) if self.subject else "table"


class Detail(Part):
    """Base of the tables and curves that a metric leaves for its section of the report."""


@dataclass(frozen=True)
class Findings:
    """What one metric returns: results, the one about the whole table first, and material for its section."""

    results: Sequence[Result]
    detail: Detail | None = None


class Metric(Protocol):
    """A comparison of three tables."""

    name: str
    family: Family
    question: str
    better: Literal["higher", "lower"]
    unit: Unit

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare.

        Args:
            comparison: The three tables on one scale, with seed and shared intermediate results.
            level: Confidence level of the intervals.
        """


METRICS = Registry(
    "metric",
    {
        "schema-violations": "tabsynth.evaluation.validity:SchemaViolations",
        "digits": "tabsynth.evaluation.digits:Digits",
        "column-similarity": "tabsynth.evaluation.columns:ColumnSimilarity",
        "worst-column": "tabsynth.evaluation.columns:WorstColumn",
        "lost-values": "tabsynth.evaluation.presence:LostValues",
        "invented-categories": "tabsynth.evaluation.presence:InventedCategories",
        "missingness": "tabsynth.evaluation.missingness:Missingness",
        "missingness-by-group": "tabsynth.evaluation.missing_groups:MissingnessByGroup",
        "tails": "tabsynth.evaluation.columns:Tails",
        "pair-similarity": "tabsynth.evaluation.pairs:PairSimilarity",
        "k-marginal": "tabsynth.evaluation.marginals:KMarginal",
        "hallucinated-dependence": "tabsynth.evaluation.hallucinated:HallucinatedDependence",
        "correlation-difference": "tabsynth.evaluation.dependence_differences:CorrelationDifference",
        "mutual-information-difference": "tabsynth.evaluation.dependence_differences:MutualInformationDifference",
        "wasserstein": "tabsynth.evaluation.transport:Wasserstein",
        "alpha-precision": "tabsynth.evaluation.support:AlphaPrecision",
        "beta-recall": "tabsynth.evaluation.support:BetaRecall",
        "neighbour-coverage": "tabsynth.evaluation.support:NeighbourCoverage",
        "association": "tabsynth.evaluation.association:Association",
        "detection": "tabsynth.evaluation.detection:Detection",
        "train-on-synthetic": "tabsynth.evaluation.utility:TrainOnSynthetic",
        "model-ranking": "tabsynth.evaluation.utility_agreement:ModelRanking",
        "feature-importance": "tabsynth.evaluation.utility_agreement:FeatureImportance",
        "global-utility": "tabsynth.evaluation.utility_global:GlobalUtility",
        "query-error": "tabsynth.evaluation.utility_queries:QueryError",
        "regression-estimates": "tabsynth.evaluation.inference:RegressionEstimates",
        "representation": "tabsynth.evaluation.fairness:Representation",
        "group-fidelity": "tabsynth.evaluation.fairness:GroupFidelity",
        "group-utility": "tabsynth.evaluation.fairness_models:GroupUtility",
        "group-leakage": "tabsynth.evaluation.fairness_models:GroupLeakage",
        "exact-copies": "tabsynth.evaluation.copies:ExactCopies",
        "single-copies": "tabsynth.evaluation.single_copies:SingleCopies",
        "row-order": "tabsynth.evaluation.row_order:RowOrder",
        "identifier-reuse": "tabsynth.evaluation.copies:IdentifierReuse",
        "text-reuse": "tabsynth.evaluation.copies:TextReuse",
        "near-copies": "tabsynth.evaluation.nearest:NearCopies",
        "membership": "tabsynth.evaluation.membership:Membership",
        "membership-area": "tabsynth.evaluation.membership:MembershipArea",
        "membership-outliers": "tabsynth.evaluation.membership:MembershipOutliers",
        "membership-disclosure": "tabsynth.evaluation.membership_disclosure:MembershipDisclosure",
        "replicated-uniques": "tabsynth.evaluation.uniques:ReplicatedUniques",
        "disclosive-correct": "tabsynth.evaluation.uniques:DisclosiveCorrect",
        "attribute-inference": "tabsynth.evaluation.attribute:AttributeInference",
        "linkability": "tabsynth.evaluation.linkability:Linkability",
        "singling-out": "tabsynth.evaluation.singling_out:SinglingOut",
        "shadow-membership": "tabsynth.evaluation.shadow_membership:ShadowMembership",
        "shadow-area": "tabsynth.evaluation.shadow_membership:ShadowArea",
        "shadow-outliers": "tabsynth.evaluation.shadow_membership:ShadowOutliers",
        "epsilon-audit": "tabsynth.evaluation.epsilon_audit:EpsilonAudit",
    },
    group="tabsynth.metrics",
)


Level = Literal["quick", "standard", "deep"]
LEVELS: tuple[Level, ...] = ("quick", "standard", "deep")
SLOW = (
    "alpha-precision",
    "beta-recall",
    "neighbour-coverage",
    "detection",
    "train-on-synthetic",
    "model-ranking",
    "feature-importance",
    "global-utility",
    "group-utility",
    "group-leakage",
    "near-copies",
    "membership",
    "membership-area",
    "membership-outliers",
    "membership-disclosure",
    "attribute-inference",
    "linkability",
    "singling-out",
)
"""Metrics that train models or search rows for rows; `quick` leaves them out."""
DEEP = ("shadow-membership", "shadow-area", "shadow-outliers", "epsilon-audit")
"""Metrics that run the generator anew, many times; only `deep` asks for them."""


def metrics_of(level: Level) -> tuple[str, ...]:
    """Names of the metrics of a level; a limit on one that was not run is answered by `insufficient evidence`."""
    left_out = {"quick": {*SLOW, *DEEP}, "standard": {*DEEP}, "deep": set()}[level]
    return tuple(name for name in METRICS if name not in left_out)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of some verdicts."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INSUFFICIENT, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.INFO


def run_metric(metric: Metric, comparison: Comparison, *, level: float) -> Findings:
    """Run one metric by itself; an error becomes a result that names it.

    The message of an error that is not our own may hold a cell of the table, so only its type and place are kept.
    """
    start = time.perf_counter()
    try:
        found = metric.measure(comparison, level=level)
    except Exception as error:
        found = Findings([unmeasured(metric, error=describe_error(error))])
    seconds = round(time.perf_counter() - start, 3)
    results = [result.model_copy(update={"seed": comparison.seed}) for result in found.results]
    results[0] = results[0].model_copy(update={"seconds": seconds})
    return Findings(results, found.detail)


def answer(
    metric: Metric,
    *,
    value: float | None,
    interval: Interval | None = None,
    n: int = 0,
    reference: float | None = None,
    baseline: float | None = None,
    judged: Judged | None = None,
    subject: tuple[str, ...] = (),
    question: str | None = None,
    notes: tuple[str, ...] = (),
    error: str | None = None,
    verdict: Verdict = Verdict.INFO,
) -> Result:
    """The answer to a metric's question, or to one about a `subject` of its own; see `Result` for the fields."""
    return Result(
        metric=metric.name,
        family=metric.family,
        subject=subject,
        question=metric.question if question is None else question,
        better=metric.better,
        unit=metric.unit,
        value=value,
        interval=interval,
        n=n,
        reference=reference,
        baseline=baseline,
        judged=judged,
        verdict=verdict,
        notes=notes,
        error=error,
    )


def unmeasured(metric: Metric, *notes: str, error: str | None = None, undecided: bool = False) -> Result:
    """The result of a metric that was not measured, with the reason.

    Args:
        metric: The metric.
        notes: Why it does not apply to this table, in plain sentences.
        error: Why it failed.
        undecided: Whether it applies, but could not be measured (too few rows, not asked for).
    """
    verdict = Verdict.INSUFFICIENT if error or undecided else Verdict.INFO
    return answer(metric, value=None, notes=notes, error=error, verdict=verdict)


def describe_error(error: Exception) -> str:
    """An error in words that hold no cell: the message of one of our own, else its type and place."""
    if isinstance(error, TabsynthError):
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None and "tabsynth" in frame.tb_next.tb_frame.f_code.co_filename:
        frame = frame.tb_next
    place = f" in {frame.tb_frame.f_code.co_name}" if frame is not None else ""
    return f"{type(error).__name__}{place}"
