"""What changed between two releases of the same table: verdicts, scores, limits, and privacy spent in total.

Decisions
- Verdicts lead. A score counts as changed when the two intervals do not meet; where there are none, when it differs.
- Budgets of two private releases are added in zCDP and then read as epsilon, which is less than the sum of epsilons.
  Two releases of one transcript cost as much as one: rows are a function of it.
- Figures of an appraisal cost what they say beside the certificate's rho. The rho of a training holds up to the order
  that its certificate states; sums are turned into epsilon at orders that are good for both.
- Without a certificate there is no bound, and zero is not put in its place. Releases without a guarantee add up, too,
  but nobody can say to how much.
- Read as plain JSON, so that a report of another version can still be compared as far as both have the same keys.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tabsynth.dp.budget import epsilon_from, smallest_order
from tabsynth.dp.limits import rounded_up
from tabsynth.errors import UsageError

_GRAVITY = {"info": 0, "pass": 0, "insufficient evidence": 1, "fail": 2}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class VerdictChange(_Part):
    """A limit whose verdict is another one now, or is new, or is gone."""

    limit: str
    old: str | None
    new: str | None

    @property
    def worse(self) -> bool:
        """Whether it is graver than before."""
        return _GRAVITY.get(self.new or "info", 0) > _GRAVITY.get(self.old or "info", 0)


class ScoreChange(_Part):
    """A score that moved by more than its intervals explain."""

    metric: str
    about: str
    old: float | None
    new: float | None
    better: bool | None
    """Whether it moved to the better; None where one of them was not measured."""


class Spending(_Part):
    """What both releases cost together, where both carry a certificate."""

    old_epsilon: float | None
    new_epsilon: float | None
    epsilon: float | None
    """Of both together; None where there is no bound."""
    delta: float | None
    sentence: str


class Difference(_Part):
    """All that changed."""

    old: str
    new: str
    verdict_old: str
    verdict_new: str
    facts: tuple[str, ...]
    """What else is another: generator, parameters, rows, schema, policy."""
    verdicts: tuple[VerdictChange, ...]
    scores: tuple[ScoreChange, ...]
    spending: Spending

    def lines(self) -> tuple[str, ...]:
        """The difference as text, gravest first."""
        lines = [f"verdict  {self.verdict_old} -> {self.verdict_new}"]
        for change in self.verdicts:
            mark = "worse" if change.worse else "changed"
            lines.append(f"{mark:<8} {change.limit}: {change.old or 'no limit'} -> {change.new or 'no limit'}")
        for score in self.scores:
            mark = {True: "better", False: "worse", None: "score"}[score.better]
            old, new = ("not measured" if value is None else f"{value:.4g}" for value in (score.old, score.new))
            lines.append(f"{mark:<8} {score.metric} ({score.about}): {old} -> {new}")
        lines += [f"fact     {fact}" for fact in self.facts]
        lines.append(f"privacy  {self.spending.sentence}")
        if not self.verdicts and not self.scores:
            lines.insert(1, "no verdict changed, and no score moved by more than its interval explains")
        return tuple(lines)


def compare(old: str | Path, new: str | Path) -> Difference:
    """Compare two releases.

    Args:
        old: Folder of a release, or its report.json. The internal report is used where it is there.
        new: The same of the later one.

    Raises:
        UsageError: One of them has no report and no certificate.
    """
    (first, first_certificate), (second, second_certificate) = _papers(Path(old)), _papers(Path(new))
    return Difference(
        old=Path(old).name,
        new=Path(new).name,
        verdict_old=str(first.get("verdict", "not evaluated")),
        verdict_new=str(second.get("verdict", "not evaluated")),
        facts=_facts(first, second),
        verdicts=_verdicts(first, second),
        scores=_scores(first, second),
        spending=_spending(first_certificate, second_certificate),
    )


@dataclass(frozen=True)
class _Private:
    """What a private release says it cost."""

    claim: dict[str, Any]
    transcript: str
    trained: bool
    figures: dict[str, float]
    """Cost in rho of the figures beside it, by the release that the ledger knows them by."""


def _papers(place: Path) -> tuple[dict[str, Any], _Private | None]:
    """Report of a release, and what its certificate and appraisal say."""
    if place.is_file():
        report = _json(place)
        if report is None or "evaluation" not in report:
            raise UsageError(f"{place}: is no report; give a release's folder or its report.json")
        return report, None
    report = _json(place / "internal" / "report.json") or _json(place / "report.json")
    certificate = _json(place / "certificate.json")
    if report is None and certificate is None:
        raise UsageError(f"{place}: holds neither report.json nor certificate.json; give a folder of 'tabsynth run'")
    return report or {}, None if certificate is None else _private(place, certificate, _json(place / "appraisal.json"))


def _private(place: Path, certificate: dict[str, Any], appraisal: dict[str, Any] | None) -> _Private:
    try:
        figures = {} if appraisal is None else {str(appraisal["ledger"]["release"]): float(appraisal["rho"])}
        claim = certificate["claim"]
        _ = claim["unit"], claim["max_rows"]
        numbers = [float(claim[name]) for name in ("epsilon", "delta", "rho", "delta_discovery")] + [*figures.values()]
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ValueError
        trained = any(cost["kind"] == "training" for cost in certificate.get("costs", ()))
        return _Private(claim, str(certificate["replay"]["transcript_sha256"]), trained, figures)
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{place}: certificate.json or appraisal.json is not one of 'tabsynth run'") from None


def _json(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{file}: cannot be read as JSON; run 'tabsynth run' again") from None
    return found if isinstance(found, dict) else None


def _facts(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    def pick(report: dict[str, Any]) -> dict[str, Any]:
        context, evaluation = report.get("context") or {}, report.get("evaluation") or {}
        rows = evaluation.get("n_rows") or {}
        return {
            "edition": report.get("edition"),
            "generator": context.get("generator"),
            "guarantee": context.get("guarantee"),
            **{f"parameter {name}": value for name, value in (context.get("parameters") or {}).items()},
            **{f"version of {name}": value for name, value in (context.get("versions") or {}).items()},
            **{f"{name} rows": value for name, value in rows.items()},
            **{f"type of {name}": value for name, value in (evaluation.get("columns") or {}).items()},
            "policy": (evaluation.get("policy") or {}).get("name"),
            **{
                f"limit {clause['name']}": f"{clause['direction']} {clause['limit']:g}"
                for clause in (evaluation.get("policy") or {}).get("clauses") or []
            },
        }

    first, second = pick(old), pick(new)
    return tuple(
        f"{name}: {_said(first.get(name))} -> {_said(second.get(name))}"
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    )


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


def _verdicts(old: dict[str, Any], new: dict[str, Any]) -> tuple[VerdictChange, ...]:
    first, second = (
        {limit["clause"]["name"]: limit["result"]["verdict"] for limit in report.get("limits") or []}
        for report in (old, new)
    )
    changes = [
        VerdictChange(limit=name, old=first.get(name), new=second.get(name))
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    ]
    return tuple(sorted(changes, key=lambda change: (not change.worse, change.limit)))


def _scores(old: dict[str, Any], new: dict[str, Any]) -> tuple[ScoreChange, ...]:
    def results(report: dict[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
        found = (report.get("evaluation") or {}).get("results") or []
        return {(result["metric"], *result["subject"]): result for result in found}

    first, second = results(old), results(new)
    changes = []
    for key in {**first, **second}:
        before, after = first.get(key, {}), second.get(key, {})
        if not _moved(before, after):
            continue
        values, better = (before.get("value"), after.get("value")), None
        if values[0] is not None and values[1] is not None:
            better = (values[1] > values[0]) == (after.get("better") == "higher")
        about = " × ".join(key[1:]) or "table"
        changes.append(ScoreChange(metric=key[0], about=about, old=values[0], new=values[1], better=better))
    return tuple(sorted(changes, key=lambda change: (change.better is not False, change.about != "table")))


def _moved(before: dict[str, Any], after: dict[str, Any]) -> bool:
    old, new = before.get("value"), after.get("value")
    if old is None or new is None:
        return old != new
    ends = []
    for result in (before, after):
        interval = result.get("interval")
        ends.append((interval["low"], interval["high"]) if interval else (result["value"], result["value"]))
    (low, high), (other_low, other_high) = ends
    return bool(high < other_low or other_high < low)


def _spending(old: _Private | None, new: _Private | None) -> Spending:
    first, second = (None if each is None else float(each.claim["epsilon"]) for each in (old, new))

    def unbounded(sentence: str) -> Spending:
        return Spending(old_epsilon=first, new_epsilon=second, epsilon=None, delta=None, sentence=sentence)

    if old is None or new is None:
        neither = old is None and new is None
        who = "Neither release carries a" if neither else "One release carries no"
        return unbounded(f"{who} guarantee: what both tell together has no bound.")
    if not (old.claim.get("secure", True) and new.claim.get("secure", True)):
        return unbounded("The noise of one came from a test source: what both tell together has no bound.")
    claims = {each.transcript: each.claim for each in (old, new)}
    figures = {key: rho for each in (old, new) for key, rho in each.figures.items()}
    delta = sum(float(claim["delta"]) for claim in claims.values())
    rho = sum(float(claim["rho"]) for claim in claims.values()) + sum(figures.values())
    spare = delta - sum(float(claim["delta_discovery"]) for claim in claims.values())
    # Claims are of budgets, which need not hold what figures cost; a training without an order adds up as epsilon only.
    bounds = [] if figures else [sum(float(claim["epsilon"]) for claim in claims.values())]
    if spare > 0 and all("order" in each.claim or not each.trained for each in (old, new)):
        order = smallest_order(claim.get("order") for claim in claims.values())
        bounds.append(epsilon_from(rho, spare, order=order))
    if not bounds:
        return unbounded(
            "What the figures of appraisal.json add to the releases has no bound: certify the models anew."
        )
    epsilon = bounds[0] if len(claims) == 1 and not figures else min(bounds)
    paid = ", the figures of appraisal.json included" if figures else ""
    cost = f"together epsilon {rounded_up(epsilon, 4)} at delta {rounded_up(delta, 3)}"
    sentence = (
        f"Both are of one transcript: {cost}{paid or ', as each alone'}."
        if len(claims) == 1
        else f"If they are about the same people, {cost}{paid}."
    )
    if len({(each.claim["unit"], each.claim["max_rows"]) for each in (old, new)}) > 1:
        sentence += " The two hide different units; the sum holds for the smaller one."
    epsilon_or_none = epsilon if math.isfinite(epsilon) else None
    return Spending(old_epsilon=first, new_epsilon=second, epsilon=epsilon_or_none, delta=delta, sentence=sentence)
