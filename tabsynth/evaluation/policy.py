"""Policies: named limits, each with its source and its reason, and the three verdicts that follow from them.

A clause passes when even the worse end of the interval keeps the limit, fails when even the better end breaks it, and
is `insufficient evidence` in between, with the number of rows that would decide.

Decisions
- One limit per clause, no blended score: a table with perfect fidelity and copied rows is not "85 % good".
- A limit that no table can miss, or that a bad one keeps and a good one breaks, is a slip of the pen and is refused.
- Limits are data, not code. No authority has set limits for most of them; each clause says whose it is.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from tabsynth.errors import UsageError
from tabsynth.evaluation.base import METRICS, Judged, Result, Verdict, unmeasured
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.part import Part

DEFAULT = "default"
_JUDGED_BY_LOSS = ("worst-column", "train-on-synthetic")
"""Metrics whose value should be high, and whose judged number, what is lost, should be low."""
_BEYOND_ONE = ("representation", "query-error", "wasserstein", "mutual-information-difference")
"""Metrics of shares and areas that may exceed 1."""


class Clause(Part):
    """One limit."""

    name: str
    metric: str
    subject: tuple[str, ...] = ()
    """Columns it is about; empty: the whole table."""
    direction: Literal["at most", "at least"]
    limit: float = Field(allow_inf_nan=False)
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Confidence level of the interval that the limit is held against."""
    level: Literal["standard", "deep"] = "standard"
    """A limit of level "deep" is held against evaluations of that level alone; others leave it unjudged."""
    source: str
    """Whose limit it is."""
    rationale: str
    """Why this limit, in a sentence or two."""

    @field_validator("metric")
    @classmethod
    def _metric_exists(cls, value: str) -> str:
        if value not in METRICS:
            raise ValueError(f"is no metric; choose from: {', '.join(METRICS)}")
        return value

    @model_validator(mode="after")
    def _can_be_missed(self) -> Clause:
        metric = METRICS[self.metric]
        side = "at least" if metric.better == "higher" and self.metric not in _JUDGED_BY_LOSS else "at most"
        if self.direction != side:
            raise ValueError(f"direction: {self.metric} is good on the other side; write {side!r}")
        if metric.unit in ("share", "area") and self.metric not in _BEYOND_ONE and abs(self.limit) > 1:
            raise ValueError(f"limit: {self.metric} lies between 0 and 1; write 0.05 for 5 %")
        return self


class Policy(Part):
    """A named set of limits."""

    format: Literal[1] = 1
    name: str
    description: str
    clauses: tuple[Clause, ...]

    @field_validator("clauses")
    @classmethod
    def _clear(cls, value: tuple[Clause, ...]) -> tuple[Clause, ...]:
        if not value:
            raise ValueError("name a limit at least, or nothing would be judged")
        if twice := [name for name, count in Counter(clause.name for clause in value).items() if count > 1]:
            raise ValueError(f"two clauses have the same name: {', '.join(twice)}")
        if twice := [str(key) for key, count in Counter((c.metric, c.subject) for c in value).items() if count > 1]:
            raise ValueError(f"two clauses limit the same metric and subject: {', '.join(twice)}")
        levels: dict[str, float] = {}
        for clause in value:
            if levels.setdefault(clause.metric, clause.confidence) != clause.confidence:
                raise ValueError(f"clauses about {clause.metric} state different confidence; a metric has one interval")
        return value

    def level(self, metric: str) -> float:
        """Confidence level at which a metric is measured; 0.95 where no clause names it."""
        return next((clause.confidence for clause in self.clauses if clause.metric == metric), 0.95)

    def judge(self, results: Iterable[Result]) -> tuple[Result, ...]:
        """Results with limit and verdict where a clause applies to them.

        A clause that finds no result (its metric was not run, its column is not in the table) adds one that says so.
        """
        clauses = {(clause.metric, clause.subject): clause for clause in self.clauses}
        judged = []
        for result in results:
            clause = clauses.pop((result.metric, result.subject), None)
            judged.append(judge(result, clause) if clause else result)
        return (*judged, *(_unanswered(clause) for clause in clauses.values()))


def _unanswered(clause: Clause) -> Result:
    metric = METRICS[clause.metric]()
    if clause.level == "deep":
        result = unmeasured(metric, "Not tested: only the level deep does.")
    else:
        result = unmeasured(metric, "There is no result for this limit: not run, or no such column.", undecided=True)
    return result.model_copy(update={"subject": clause.subject, "clause": clause.name, "limit": clause.limit})


def judge(result: Result, clause: Clause) -> Result:
    """Hold one result against one clause.

    Returns:
        The result with clause, limit and verdict; a metric that could not be measured for lack of rows, or failed, is
        `insufficient evidence`; one that does not apply to the table stays `info`.
    """
    if result.value is None:
        return result.model_copy(update={"clause": clause.name, "limit": clause.limit})
    judged = result.judged or Judged(what="value", value=result.value, interval=result.interval)
    interval = judged.interval or Interval(low=judged.value, high=judged.value)
    low, high = interval.low, interval.high
    if clause.direction == "at most":
        passes, fails = high <= clause.limit, low > clause.limit
    else:
        passes, fails = low >= clause.limit, high < clause.limit
    verdict = Verdict.PASS if passes else Verdict.FAIL if fails else Verdict.INSUFFICIENT
    decides_at = None
    if verdict is Verdict.INSUFFICIENT:
        decides_at = _rows_needed(judged.value, interval, clause.limit, result.n)
    return result.model_copy(
        update={"clause": clause.name, "limit": clause.limit, "verdict": verdict, "decides_at": decides_at}
    )


def _rows_needed(value: float, interval: Interval, limit: float, n: int) -> int | None:
    """Rows at which an interval around the same value would leave the limit out; its width shrinks as 1 / sqrt(n)."""
    half = interval.high - value if limit >= value else value - interval.low
    distance = abs(limit - value)
    if distance < 1e-9 or half <= 0 or n <= 0:
        return None
    needed = n * (half / distance) ** 2
    if needed > 1e7:
        return None
    digits = max(0, int(math.log10(max(needed, 1))) - 1)
    return int(math.ceil(needed / 10**digits) * 10**digits)


def load_policy(source: str | Path = DEFAULT) -> Policy:
    """Read a policy: the name of one that comes with the package, or a YAML file.

    Raises:
        UsageError: There is no such policy, or the file is no policy; the message names the key.
    """
    name = str(source)
    if name.endswith((".yaml", ".yml")):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{name}: cannot be read as a policy ({type(error).__name__}); give a YAML file"
            ) from error
    else:
        known = files("tabsynth.evaluation").joinpath("policies")
        names = sorted(entry.name.removesuffix(".yaml") for entry in known.iterdir() if entry.name.endswith(".yaml"))
        if name not in names:
            raise UsageError(f"unknown policy {name!r}; choose from: {', '.join(names)}, or give a .yaml file")
        text = known.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return parse_policy(text, name=name)


def parse_policy(text: str, *, name: str) -> Policy:
    """Read the YAML text of a policy; `name` is used in messages.

    Raises:
        UsageError: The text is no policy; the message names the key.
    """
    try:
        # Through JSON, so that a list is taken for a tuple and a date for nothing.
        return Policy.model_validate_json(json.dumps(yaml.safe_load(text)))
    except (yaml.YAMLError, TypeError) as error:
        raise UsageError(
            f"{name}: is no YAML that a policy can be read from; see schemas/policies/default.yaml"
        ) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise UsageError(f"{name}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
