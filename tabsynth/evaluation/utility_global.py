"""Utility for whatever comes: how well can every column be predicted from the rest by a model of synthetic rows?

One small boosted model per column and source. What depends on what is learned column by column, so a table that keeps
the skill for all columns serves questions that nobody has asked yet.

Decisions
- The mean over all columns, noise columns too; a model that is worse than a guess counts as a guess, since nobody would
  use it.
- Judged as a share of what real rows reach; where real rows reach next to nothing, no share is formed.

Source: Jiang et al. 2025, "TabStruct", arXiv:2509.11950 (global utility), here with one small model per column.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison, Rows, independent_rows
from tabsynth.evaluation.intervals import around, standard_error_of_mean
from tabsynth.evaluation.learners import boosting
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.skill import Skill, can_be_measured, mean_skill, measure_skill
from tabsynth.evaluation.tasks import ONE_FIT, Designer, drawn, labelled, make_task, row_limit, tested
from tabsynth.evaluation.utility_trial import MIN_LEARNED_FROM, MIN_TESTED
from tabsynth.randomness import child

MAX_COLUMNS = 30
MAX_LEARNED = 4_000
MAX_TESTED = 2_500
LEAST_SKILL = 0.05
"""Mean skill of real rows below which there is nothing to keep."""


class ColumnSkill(Part):
    """How well one column is predicted from the others."""

    column: str
    real: float
    synthetic: float
    naive: float


class ColumnSkills(Detail):
    """Every column, the one that lost most first."""

    columns: tuple[ColumnSkill, ...]


class GlobalUtility:
    """Mean skill of predicting each column from the rest, learned from synthetic rows and tested on the holdout.

    Formula:
        U(T) = mean over columns j of skill(model of j learned from T); judged: U(synthetic) / U(train).
    Units:
        A score; 0 knows nothing, 1 is always right. The judged number is a share.
    Cost:
        3 boosted models per column at 4,000 rows, at most 30 columns: 7 s at 15 columns.
    Source:
        See the head of this module.
    """

    name = "global-utility"
    family = Family.UTILITY
    question = "Can each column be predicted from the others as well as with real rows?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Learn every column from the rest, from real, synthetic and naive rows.

        Privacy:
            Leaves three skills per column, over at least 50 holdout rows.
        """
        if len(comparison.columns) < 2:
            return Findings([unmeasured(self, "The table has fewer than two modelled columns.")])
        if comparison.test.n_rows < MIN_TESTED or comparison.train.n_rows < MIN_LEARNED_FROM:
            note = f"Needs at least {MIN_LEARNED_FROM} training and {MIN_TESTED} test rows."
            return Findings([unmeasured(self, note, undecided=True)])
        names = _some_columns(comparison)
        n_rows = min(
            row_limit(len(comparison.columns), MAX_LEARNED), comparison.train.n_rows, comparison.synthetic.n_rows
        )
        sources = {
            "real": drawn(comparison, comparison.train, n_rows),
            "synthetic": drawn(comparison, comparison.synthetic, n_rows),
            "naive": independent_rows(comparison.train, n_rows, comparison.seed),
        }
        asked, people = tested(comparison, MAX_TESTED)
        found = {name: _skills(comparison, name, sources, asked) for name in names}
        measured = {name: skills for name, skills in found.items() if skills is not None}
        if not measured:
            open_ = any(make_task(comparison, name) is not None for name in names)
            note = "No column holds two values often enough to be predicted and tested."
            return Findings([unmeasured(self, note, undecided=open_)])
        whole = {source: mean_skill([skills[source] for skills in measured.values()]) for source in sources}
        real, synthetic = whole["real"], whole["synthetic"]
        notes = [f"{len(measured)} columns; {n_rows:,} rows to learn from, {asked.n_rows:,} to test on."]
        if len(names) < len(comparison.columns):
            notes.append(f"{len(names)} of {len(comparison.columns)} columns were predicted, drawn by seed.")
        notes.append(ONE_FIT)
        columns = [
            ColumnSkill(column=name, **{source: round(skill.value, 4) for source, skill in skills.items()})
            for name, skills in measured.items()
        ]
        columns.sort(key=lambda item: item.synthetic - item.real)
        detail = ColumnSkills(columns=tuple(columns))
        if real.value < LEAST_SKILL:  # no value, or the limit on the share would be held against the skill itself
            note = "Hardly any column can be predicted from real rows, so nothing can be lost; not judged."
            open_ = real.interval(people, level).high >= LEAST_SKILL
            return Findings([unmeasured(self, note, *notes, undecided=open_)], detail)
        share = synthetic.value / real.value
        influence = (synthetic.influence - share * real.influence) / real.value
        error = standard_error_of_mean(influence, people)
        interval = around(share, error, n=int(people.max()) + 1, level=level, lower=-20.0, upper=20.0)
        result = answer(
            self,
            value=synthetic.value,
            interval=synthetic.interval(people, level),
            n=int(people.max()) + 1,
            reference=real.value,
            baseline=whole["naive"].value,
            judged=Judged(what="share of the ceiling", value=share, interval=interval),
            notes=tuple(notes),
        )
        return Findings([result], detail)


def _some_columns(comparison: Comparison) -> tuple[str, ...]:
    names = comparison.columns
    if len(names) <= MAX_COLUMNS:
        return names
    rng = child(comparison.seed, "evaluation", "utility", "global")
    return tuple(names[place] for place in np.sort(rng.choice(len(names), MAX_COLUMNS, replace=False)))


def _skills(comparison: Comparison, name: str, sources: dict[str, Rows], asked: Rows) -> dict[str, Skill] | None:
    """Skill of each source's model of one column, with an influence for every tested row."""
    task = make_task(comparison, name)
    if task is None:
        return None
    labels = task.labels(asked)
    used = np.flatnonzero(~np.isnan(labels))
    if len(used) < MIN_TESTED or not can_be_measured(task, labels[used]):
        return None
    designer = Designer(comparison.train, comparison.scales, task.features)
    design = designer.design(asked.take(used))
    found = {}
    for source, rows in sources.items():
        inputs, own = labelled(task, designer, rows)
        predictor = boosting(
            task, inputs, own, designer.discrete, seed=comparison.seed, n_estimators=25, num_leaves=8, learning_rate=0.2
        )
        skill = measure_skill(task, predictor(design), labels[used])
        influence = np.zeros(asked.n_rows)
        if skill.value > 0:
            influence[used] = skill.influence * (asked.n_rows / len(used))
        found[source] = Skill(max(0.0, skill.value), influence, skill.loss)
    return found
