"""Try the canaries on a real table: would this policy have caught them?

Every canary is evaluated like a release, under the policy, and each expectation is held against the verdict that was
found. A release that cannot be made from a table (no gaps, no text, nothing depends on anything) is named, not skipped.
"""

from __future__ import annotations

from collections.abc import Iterable

from tabsynth.errors import UsageError
from tabsynth.evaluation.base import DEEP, METRICS, Result, Verdict, worst
from tabsynth.evaluation.canaries.catalogue import CANARIES, Canary, Expected
from tabsynth.evaluation.canaries.parts import Parts
from tabsynth.evaluation.evaluate import Evaluation, evaluate_typed
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.policy import Policy, load_policy
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import child
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable

MAX_ROWS = 4_000
NOT_TRIED = ("schema-violations", *DEEP)
"""Limits that are not tried: canaries are made from typed cells, and whether they keep the schema is not checked. Nor
can a canary be made again from other people, as shadow models would need."""


class Finding(Part):
    """One expectation beside what was found."""

    metric: str
    clause: str | None
    """Clause of the policy that limits the metric; None: the policy has none, so nothing was judged."""
    expected: Expected
    found: Verdict
    score: float | None = None
    """What the limit was held against, turned so that 1 is perfect; None for counts and what was not measured."""

    @property
    def met(self) -> bool:
        """Whether the verdict is as expected."""
        if self.expected == "fail":
            return self.found is Verdict.FAIL
        if self.expected == "no pass":
            return self.found in (Verdict.FAIL, Verdict.INSUFFICIENT)
        return self.found is not Verdict.FAIL


class Trial(Part):
    """One canary."""

    name: str
    about: str
    good: bool
    made: bool = True
    """False: this table does not allow it."""
    verdict: Verdict = Verdict.INFO
    """Of the whole release."""
    failed: tuple[str, ...] = ()
    """Metrics whose limit it broke."""
    findings: tuple[Finding, ...] = ()

    @property
    def caught(self) -> bool:
        """Whether the policy as a whole is right about it: a good release does not fail, a bad one does not pass."""
        return self.verdict is not (Verdict.FAIL if self.good else Verdict.PASS)


class Trials(Part):
    """All canaries on one table; holds no cell of it."""

    policy: str
    n_rows: int
    """Rows of train, of holdout and of each release."""
    seed: int
    trials: tuple[Trial, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All expectations that were tried."""
        return tuple(finding for trial in self.trials for finding in trial.findings)

    @property
    def met(self) -> float:
        """Share of expectations that were met."""
        found = self.findings
        return sum(finding.met for finding in found) / len(found) if found else 0.0

    @property
    def met_alarms(self) -> float:
        """The same among expectations of an alarm alone: `fail` and `no pass`."""
        found = [finding for finding in self.findings if finding.expected != "no fail"]
        return sum(finding.met for finding in found) / len(found) if found else 0.0

    @property
    def wrong(self) -> tuple[str, ...]:
        """Releases about which the policy as a whole is wrong: good ones that fail, bad ones that pass."""
        return tuple(trial.name for trial in self.trials if trial.made and not trial.caught)


def try_canaries(
    whole: TypedTable,
    table: Table,
    *,
    policy: Policy | None = None,
    names: Iterable[str] | None = None,
    metrics: Iterable[str] | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Trials:
    """Make every canary from a real table and judge it.

    Args:
        whole: The real table.
        table: Its schema.
        policy: Limits to judge by; None: the default policy of the package.
        names: Canaries to try; None: all.
        metrics: Metrics to run, and to ask about; None: all that the policy limits.
        max_rows: Rows of train, of holdout and of each release, at most.
        seed: Seed of the split, of the canaries and of the evaluations.
        progress: Told when each canary begins.

    Raises:
        UsageError: There is no canary of a name.
        InsufficientDataError: The table has too few rows for three parts.

    Privacy:
        Leaves verdicts and names of metrics.
    """
    known = {canary.name: canary for canary in CANARIES}
    chosen = list(known) if names is None else list(names)
    if unknown := [name for name in chosen if name not in known]:
        raise UsageError(f"no canary is called {unknown[0]!r}; choose from: {', '.join(known)}")
    limits = policy or load_policy()
    parts = Parts.of(whole, table, max_rows=max_rows, seed=seed)
    only = None if metrics is None else set(metrics)
    progress.stage("Canaries", len(chosen))
    trials = []
    for name in chosen:
        trials.append(_try(known[name], parts, limits, only))
        progress.advance(note=name)
    return Trials(policy=limits.name, n_rows=parts.n_rows, seed=seed, trials=tuple(trials))


def _try(canary: Canary, parts: Parts, policy: Policy, only: set[str] | None) -> Trial:
    made = canary.make(parts, child(parts.seed, "canary", canary.name))
    if made is None:
        return Trial(name=canary.name, about=canary.about, good=canary.good, made=False)
    wanted = {clause.metric for clause in policy.clauses if not clause.subject} - set(NOT_TRIED)
    metrics = [name for name in METRICS if name in wanted and (only is None or name in only)]
    found = evaluate_typed(
        parts.train, parts.holdout, made, parts.table, seed=parts.seed, policy=policy, metrics=metrics
    )
    verdicts = {result.metric: result.verdict for result in _judged(found, metrics)}
    scores = {result.metric: _score(result, policy) for result in _judged(found, metrics)}
    findings = tuple(
        Finding(
            metric=metric,
            clause=next((c.name for c in policy.clauses if c.metric == metric and not c.subject), None),
            expected=expected,
            found=verdicts.get(metric, Verdict.INFO),
            score=scores.get(metric),
        )
        for metric, expected in canary.expected.items()
        if only is None or metric in only
    )
    return Trial(
        name=canary.name,
        about=canary.about,
        good=canary.good,
        verdict=worst(verdicts.values()),
        failed=tuple(metric for metric, verdict in verdicts.items() if verdict is Verdict.FAIL),
        findings=findings,
    )


def _judged(found: Evaluation, metrics: list[str]) -> list[Result]:
    """Results on the whole table that a limit was held against."""
    return [result for result in found.results if not result.subject and result.clause and result.metric in metrics]


def _score(result: Result, policy: Policy) -> float | None:
    """The judged number, turned so that 1 is perfect."""
    value = result.judged.value if result.judged else result.value
    if value is None or result.unit == "count":
        return None
    [clause] = [clause for clause in policy.clauses if clause.name == result.clause]
    return value if clause.direction == "at least" else 1 - max(0.0, value)
