"""The models that the metrics of utility share: learned from real, synthetic and naive rows, tested on the holdout.

real        rows of train                         what an analyst with the real table would get
synthetic   as many synthetic rows                what she gets instead
naive       as many rows of independent columns   what a table without any dependence gives
again       rows of train drawn anew              how much chance alone changes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Findings, Metric, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows, independent_rows
from tabsynth.evaluation.learners import FAMILIES, SETTINGS, Predictor, learn
from tabsynth.evaluation.skill import Skill, can_be_measured, measure_skill
from tabsynth.evaluation.tasks import (
    Design,
    Designer,
    Task,
    choose_targets,
    drawn,
    labelled,
    make_task,
    row_limit,
    tested,
)

Source = Literal["real", "synthetic", "naive", "again"]
SOURCES: tuple[Source, ...] = ("real", "synthetic", "naive")
ALL_SOURCES: tuple[Source, ...] = (*SOURCES, "again")

MAX_LEARNED = 6_000
MAX_TESTED = 4_000
MIN_TESTED = 50
MIN_LEARNED_FROM = 50


@dataclass(frozen=True)
class Trial:
    """All models of one task, tested on the same holdout rows."""

    task: Task
    designer: Designer
    tested: Design
    labels: Array  # (n_used,)
    used: Array  # (n_used,) places of these rows among all tested rows
    people: Array  # (n_used,) codes from 0
    n_learned: dict[Source, int]
    """Rows that hold the target, of those drawn to learn from."""
    values_learned: dict[Source, int]
    """Different labels among them."""
    skills: dict[tuple[Source, str], Skill]
    boosted: dict[Source, Predictor]


@dataclass(frozen=True)
class Trials:
    """Every task of a table; the first one has all settings and sources."""

    chosen: str
    trials: tuple[Trial, ...]
    untold: tuple[str, ...]
    """Columns that should be predicted and hold one value, or hardly any."""
    untested: bool
    """Whether one of these could be learned, and the test rows are too few to say how well."""
    n_rows: int
    n_tested: int
    all_people: Array  # (n_tested,)


def trials(comparison: Comparison) -> Trials | str:
    """The models of a table, made once; or in words why there are none."""
    found: Trials | str = comparison.once("utility", lambda: _trials(comparison))
    return found


def _trials(comparison: Comparison) -> Trials | str:
    if len(comparison.columns) < 2:
        return "The table has fewer than two modelled columns."
    if comparison.test.n_rows < MIN_TESTED or comparison.train.n_rows < MIN_LEARNED_FROM:
        return (
            f"Needs at least {MIN_LEARNED_FROM} training and {MIN_TESTED} test rows; there are "
            f"{comparison.train.n_rows:,} and {comparison.test.n_rows:,}."
        )
    names, words = choose_targets(comparison)
    n_rows = min(row_limit(len(comparison.columns), MAX_LEARNED), comparison.train.n_rows, comparison.synthetic.n_rows)
    rows: dict[Source, Rows] = {
        "real": drawn(comparison, comparison.train, n_rows),
        "synthetic": drawn(comparison, comparison.synthetic, n_rows),
        "naive": independent_rows(comparison.train, n_rows, comparison.seed),
        "again": drawn(comparison, comparison.train, n_rows, again=True),
    }
    asked, people = tested(comparison, MAX_TESTED)
    made: list[Trial] = []
    untold: list[str] = []
    untested = False
    for name in names:
        task = make_task(comparison, name)
        trial = None if task is None else _trial(comparison, task, rows, asked, people, first=not made)
        if trial is None:
            untold.append(name)
            untested = untested or task is not None
        else:
            made.append(trial)
    return Trials(words, tuple(made), tuple(untold), untested, n_rows, asked.n_rows, people)


def _trial(
    comparison: Comparison, task: Task, rows: dict[Source, Rows], asked: Rows, people: Array, *, first: bool
) -> Trial | None:
    """All models of one task; None where the holdout has too few rows with the target."""
    designer = Designer(comparison.train, comparison.scales, task.features)
    labels = task.labels(asked)
    used = np.flatnonzero(~np.isnan(labels))
    if len(used) < MIN_TESTED or not can_be_measured(task, labels[used]):
        return None
    design, labels = designer.design(asked.take(used)), labels[used]
    skills: dict[tuple[Source, str], Skill] = {}
    boosted: dict[Source, Predictor] = {}
    n_learned: dict[Source, int] = {}
    values_learned: dict[Source, int] = {}
    for source, part in rows.items():
        if source == "again" and not first:
            continue
        inputs, own = labelled(task, designer, part)
        n_learned[source], values_learned[source] = len(own), len(np.unique(own))
        for setting in SETTINGS if first else FAMILIES:
            predictor = learn(setting, task, inputs, own, designer.discrete, seed=comparison.seed)
            skills[source, setting] = measure_skill(task, predictor(design), labels)
            if setting == "boosting":
                boosted[source] = predictor
    codes = np.unique(people[used], return_inverse=True)[1]
    return Trial(task, designer, design, labels, used, codes, n_learned, values_learned, skills, boosted)


def nothing_judged(metric: Metric, found: Trials | str) -> Findings:
    """The result of a metric where no model could be made, with the reason."""
    if isinstance(found, str):
        return Findings([unmeasured(metric, found, undecided="Needs" in found)])
    if found.untested:
        note = "The test rows hold too few cells, or too few of all classes but one, of the columns to predict."
        return Findings([unmeasured(metric, note, undecided=True)])
    note = "No column could be predicted from the others: the columns to predict hold one value, or hardly any."
    return Findings([unmeasured(metric, note)])
