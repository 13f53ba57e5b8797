"""The external edition: what may be published of a report, made of the internal one.

What it leaves out or coarsens
- Small cells. A count of 1 to 10, or a share of so few rows, is raised to what 11 rows would be, and said to be a
  bound.
- Values of the data. Categories, bounds and edges of bins are shown where the schema declares them, or calls them
  public; otherwise they are numbered.
- Scores are rounded to whole percents, intervals outwards, but never across the limit they were held against.
- Curves, lists and tables of the sections, but for those in `_KEPT`. What a metric adds in future is left out until
  somebody has looked at it. So are notes, questions and warnings that hold a figure.

Decisions
- Made of the report alone: what the internal edition does not know cannot be in the external one.
- The verdicts are those of the internal edition. They were found on exact numbers, and rounding must not turn one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from tabsynth.evaluation import Evaluation
from tabsynth.evaluation.base import Detail, Family, Judged, Result, Verdict
from tabsynth.evaluation.columns import ColumnProfiles
from tabsynth.evaluation.detection import Curve, DetectionCurves
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.missingness import MissingRate, MissingRates
from tabsynth.evaluation.pairs import PairScores
from tabsynth.evaluation.policy import Clause
from tabsynth.evaluation.profiles import Cell, Profile
from tabsynth.evaluation.single_copies import KEPT_APART
from tabsynth.evaluation.split import Overlap
from tabsynth.report.build import Card, Concern, Limit, Report
from tabsynth.report.dictionary import ColumnEntry
from tabsynth.report.wording import sentence

SMALLEST = 11
"""No smaller count of rows or people is published."""
_STEP = 0.01
_BOUND = "Fewer than 11 rows are behind this; shown is what 11 would be."
_OF_PEOPLE = (Family.VALIDITY, Family.COPIES, Family.ATTACKS)
_POOLED = re.compile(r"(rare|other|not in train) \(\d+ pooled\)")


def external_edition(report: Report) -> Report:
    """The edition of a report that may be published.

    Args:
        report: The internal edition; an external one is returned as it is.

    Privacy:
        What is left holds no cell under 11 rows, no extreme, and no value that the schema does not declare. It was
        measured on real rows and is not differentially private.
    """
    if report.edition == "external":
        return report
    evaluation = report.evaluation
    clauses = {clause.name: clause for clause in evaluation.policy.clauses}
    few = _few_gaps(evaluation)
    results = tuple(
        _coarse(result, clauses.get(result.clause or ""), most=few.get((result.metric, result.subject)))
        for result in evaluation.results
    )
    by_clause = {result.clause: result for result in results if result.clause}
    limits = tuple(
        Limit(clause=clause, result=by_clause[clause.name], sentence=_said(by_clause[clause.name], clause))
        for clause in evaluation.policy.clauses
    )
    said = {limit.clause.name: limit for limit in limits}
    columns = {column.name: column for column in report.columns}
    by_key = {(result.metric, result.subject): result for result in results}
    return report.model_copy(
        update={
            "edition": "external",
            "cards": tuple(_card(card, said) for card in report.cards),
            "limits": limits,
            "concerns": tuple(_concern(concern, said) for concern in report.concerns),
            "warnings": _warnings(report),
            "context": report.context.model_copy(
                update={
                    "watermark": None,
                    "warnings": (),
                    "questions": (),
                    "files": {key: name for key, name in report.context.files.items() if key == "synthetic"},
                }
            ),
            "sections": tuple(
                section.model_copy(
                    update={"results": tuple(by_key[result.metric, result.subject] for result in section.results)}
                )
                for section in report.sections
            ),
            "safe_harbor": report.safe_harbor.model_copy(
                update={
                    "rows": tuple(
                        row.model_copy(update={"evidence": _EVIDENCE[row.status]}) for row in report.safe_harbor.rows
                    )
                }
            ),
            "evaluation": _evaluation(evaluation, results, columns),
        }
    )


_EVIDENCE = {
    "handled": "Found in the real table, and dealt with as stated; the finding is in the internal edition.",
    "unresolved": "Found in the real table, and not dealt with by the schema.",
    "absent": "Looked for in every column of the real table, and not found.",
    "not looked for": "The table was not searched for this class.",
}


def _warnings(report: Report) -> tuple[str, ...]:
    kept = tuple(warning for warning in report.evaluation.warnings if not re.search(r"\d", warning))
    left_out = len(report.warnings) - len(kept)
    if not left_out:
        return kept
    return (*kept, "Warnings that hold figures or names of the data are in the internal edition.")


def _said(result: Result, clause: Clause) -> str:
    text = sentence(result, clause)
    return (
        f"At most, as fewer than 11 rows are behind it: {text[0].lower()}{text[1:]}" if _BOUND in result.notes else text
    )


def _card(card: Card, said: dict[str, Limit]) -> Card:
    limit = said.get(card.lead.clause or "") if card.lead else None
    return card if limit is None else card.model_copy(update={"lead": limit.result, "sentence": limit.sentence})


def _concern(concern: Concern, said: dict[str, Limit]) -> Concern:
    return concern.model_copy(update={"sentence": said[concern.limit].sentence})


def _few_gaps(evaluation: Evaluation) -> dict[tuple[str, tuple[str, ...]], float]:
    """Results on missing cells from which, with the synthetic rows, a count of 1 to 10 real ones could be told.

    Returns:
        What is shown instead: how far the synthetic share is from none and from 11 of the real ones, at most.
    """
    detail = evaluation.details.get("missingness")
    if not isinstance(detail, MissingRates):
        return {}
    n = evaluation.n_rows["train"]
    few: dict[tuple[str, tuple[str, ...]], float] = {
        ("missingness", (rate.column,)): min(1.0, _up(max(rate.synthetic, SMALLEST / n)))
        for rate in detail.columns
        if _is_few(rate.train, n) or _is_few(rate.holdout, evaluation.n_rows["holdout"])
    }
    worst = max(detail.columns, key=lambda rate: abs(rate.synthetic - rate.train))
    if (most := few.get(("missingness", (worst.column,)))) is not None:
        few["missingness", ()] = most
    return few


def _is_few(share: float, n: int) -> bool:
    """Whether a share of n rows is of 1 to 10 of them."""
    return 0.5 < share * n < SMALLEST - 0.5


def _coarse(result: Result, clause: Clause | None, *, most: float | None = None) -> Result:
    """A result without small cells, rounded; with `most`, that stands in place of its numbers."""
    if most is not None:
        bound = {"value": most, "reference": None, "baseline": None, "interval": None, "judged": None}
        return result.model_copy(update={**bound, "notes": (_BOUND,)})
    apart = result.judged if result.judged is not None and result.judged.what == KEPT_APART else None
    small = apart is not None and 0 < apart.value * result.n < SMALLEST

    def share(value: float | None) -> float | None:
        nonlocal small
        if value is None:
            return None
        if result.unit == "count":
            small = small or 0 < value < SMALLEST
            return float(SMALLEST) if 0 < value < SMALLEST else value
        if result.family in _OF_PEOPLE and result.unit == "share" and result.n and 0 < value * result.n < SMALLEST:
            small = True
            return _up(SMALLEST / result.n)
        return round(value, 2)

    value, reference, baseline = share(result.value), share(result.reference), share(result.baseline)
    judged, interval = result.judged, _wide(result.interval, result.unit)
    if small:
        interval = None
    elif judged is None and clause is not None:
        interval = _held(interval, result.verdict, clause)
    if judged is not None:
        wide = _held(_wide(judged.interval, result.unit), result.verdict, clause)
        middle = _between(round(judged.value, 2), wide)
        if small:
            middle, wide = _hidden(middle, wide, result, clause), None
        judged = Judged(what=judged.what, value=middle, interval=wide)
    told = tuple(note for note in result.notes if result.value is None and not re.search(r"\d", note))
    return result.model_copy(
        update={
            "value": value if value is None or result.unit == "count" else _between(value, interval),
            "interval": interval,
            "reference": reference,
            "baseline": baseline,
            "judged": judged,
            "notes": (*told, _BOUND) if small else told,
            "n": 0 if 0 < result.n < SMALLEST else result.n,
            "error": "see the internal edition" if result.error else None,
        }
    )


def _hidden(middle: float, wide: Interval | None, result: Result, clause: Clause | None) -> float:
    """What stands for a judged number from which a count of fewer than 11 could be told: a bound, as for the value."""
    if clause is not None and result.verdict is Verdict.PASS:
        return clause.limit  # as much as the verdict says
    high = middle if wide is None else wide.high
    return max(high, _up(SMALLEST / result.n)) if result.n else high


def _up(value: float) -> float:
    return round(math.ceil(value / _STEP - 1e-9) * _STEP, 2)


def _down(value: float) -> float:
    return round(math.floor(value / _STEP + 1e-9) * _STEP, 2)


def _wide(interval: Interval | None, unit: str) -> Interval | None:
    """An interval rounded outwards; none for counts, whose ends are counts."""
    if interval is None or unit == "count":
        return None
    return interval.model_copy(update={"low": _down(interval.low), "high": _up(interval.high)})


def _held(interval: Interval | None, verdict: Verdict, clause: Clause | None) -> Interval | None:
    """An interval that rounding has not moved across the limit."""
    if interval is None or clause is None:
        return interval
    below = (verdict is Verdict.PASS) == (clause.direction == "at most")
    if verdict not in (Verdict.PASS, Verdict.FAIL):
        return interval
    low, high = interval.low, interval.high
    if below:
        high = min(high, clause.limit)
        low = min(low, high)
    else:
        low = max(low, clause.limit)
        high = max(low, high)
    return interval.model_copy(update={"low": low, "high": high})


def _between(value: float, interval: Interval | None) -> float:
    return value if interval is None else min(max(value, interval.low), interval.high)


def _evaluation(evaluation: Evaluation, results: tuple[Result, ...], columns: dict[str, ColumnEntry]) -> Evaluation:
    rows = evaluation.n_rows
    details = {name: _KEPT[name](detail, columns, rows) for name, detail in evaluation.details.items() if name in _KEPT}
    return evaluation.model_copy(
        update={
            "results": results,
            "details": {name: detail for name, detail in details.items() if detail is not None},
            "overlap": _overlap(evaluation.overlap, rows),
            "overlaps": tuple(_overlap(overlap, rows) for overlap in evaluation.overlaps),
            "roles": evaluation.roles
            if evaluation.roles and min(evaluation.roles.n_people.values()) >= SMALLEST
            else None,
            "warnings": tuple(text for text in evaluation.warnings if not re.search(r"\d", text)),
        }
    )


def _overlap(overlap: Overlap, rows: dict[str, int]) -> Overlap:
    """Shares of what two real parts have in common, rounded; whether it is alarming, without how much it is."""
    warning = f"Rows or people of the {overlap.part} are in {overlap.other}, too; see the internal edition."
    return overlap.model_copy(
        update={
            "share": _rate(overlap.share, overlap.n_rows),
            "expected": _rate(overlap.expected, rows[overlap.other]),
            "shared_entities": 0 if overlap.shared_entities == 0 else None,
            "warning": warning if overlap.warning else None,
        }
    )


def _rate(share: float, n: int) -> float:
    """A share of n rows, rounded; raised where fewer than 11 are behind it."""
    return min(1.0, _up(SMALLEST / n)) if 0 < share * n < SMALLEST else round(share, 2)


def _profiles(detail: Detail, columns: dict[str, ColumnEntry], rows: dict[str, int]) -> Detail | None:
    if not isinstance(detail, ColumnProfiles):
        return None
    shown = tuple(_profile(profile, columns.get(profile.column), rows["train"]) for profile in detail.profiles)
    return detail.model_copy(update={"profiles": shown})


def _profile(profile: Profile, column: ColumnEntry | None, n: int) -> Profile:
    cells = []
    for number, cell in enumerate(profile.cells, 1):
        update: dict[str, object] = {"train": round(cell.train, 2), "synthetic": round(cell.synthetic, 2)}
        if profile.kind == "categories":
            if pooled := _POOLED.fullmatch(cell.label):
                update["label"] = f"{pooled[1]} (pooled)"
            elif column is None or cell.label not in column.categories:
                update["label"] = f"category {number}"
        elif column is None or not column.bounded:
            update |= {"label": f"range {number}", "edge": None}
        cells.append(cell.model_copy(update=update))
    if any(0 < cell.train * n * (1 - profile.missing_train) < SMALLEST - 0.5 for cell in profile.cells):
        cells = [Cell(label="all values", train=1.0, synthetic=1.0)]
    return profile.model_copy(
        update={
            "cells": tuple(cells),
            "missing_train": _rate(profile.missing_train, n),
            "missing_synthetic": round(profile.missing_synthetic, 2),
        }
    )


def _pairs(detail: Detail, columns: dict[str, ColumnEntry], rows: dict[str, int]) -> Detail | None:
    if not isinstance(detail, PairScores):
        return None
    scores = tuple(
        score.model_copy(update={name: round(getattr(score, name), 2) for name in ("value", "reference", "baseline")})
        for score in detail.scores
    )
    return detail.model_copy(update={"scores": scores})


def _curves(detail: Detail, columns: dict[str, ColumnEntry], rows: dict[str, int]) -> Detail | None:
    if not isinstance(detail, DetectionCurves):
        return None

    def curve(one: Curve) -> Curve:
        heights = tuple(round(rate, 2) for rate in one.true_positive)
        return one.model_copy(update={"area": round(one.area, 2), "true_positive": heights})

    return detail.model_copy(
        update={
            "curves": tuple(curve(one) for one in detail.curves),
            "telltale": tuple(one.model_copy(update={"loss": round(one.loss, 2)}) for one in detail.telltale),
        }
    )


def _gaps(detail: Detail, columns: dict[str, ColumnEntry], rows: dict[str, int]) -> Detail | None:
    if not isinstance(detail, MissingRates):
        return None

    def rate(one: MissingRate) -> MissingRate:
        wide = one.interval.model_copy(update={"low": _down(one.interval.low), "high": _up(one.interval.high)})
        if _is_few(one.train, rows["train"]) or _is_few(one.holdout, rows["holdout"]):  # its ends would tell how many
            fewest = one.synthetic - min(1.0, SMALLEST / rows["train"])
            wide = wide.model_copy(update={"low": _down(fewest), "high": _up(one.synthetic)})
        return one.model_copy(
            update={
                "train": _rate(one.train, rows["train"]),
                "synthetic": round(one.synthetic, 2),
                "holdout": _rate(one.holdout, rows["holdout"]),
                "interval": wide,
            }
        )

    return detail.model_copy(update={"columns": tuple(rate(one) for one in detail.columns)})


_KEPT: dict[str, Callable[[Detail, dict[str, ColumnEntry], dict[str, int]], Detail | None]] = {
    "column-similarity": _profiles,
    "pair-similarity": _pairs,
    "detection": _curves,
    "missingness": _gaps,
}
"""Material of sections that may be published, and how; that of other metrics is left out."""
