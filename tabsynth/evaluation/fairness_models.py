"""Fairness of what is done with the rows: do models serve all groups, and are all groups equally well hidden?

Decisions
- Utility by group is judged by what synthesis adds: how much more a group loses than everybody does, when a model
  learns from synthetic rows in place of real ones. That real rows may serve it badly is another matter, shown beside.
- The score of a row is the probability that the model gives to the truth, or one minus its squared error over the
  spread of all: defined for groups of any size, where an area needs both classes.
- Leakage is measured at one threshold for all, as an attacker would use it. Strangers of the same group are the
  control: some groups look suspicious to any attack.

Source: gaps between groups that synthesis adds, Ganev, Oprisanu & De Cristofaro 2022, arXiv:2109.11429; membership
disparity, Kulynych et al. 2022, doi:10.2478/popets-2022-0023.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.attack_scores import TAIL
from tabsynth.evaluation.base import Family, Findings, Result, Unit, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.fairness import MIN_ROWS, GroupScore, group_findings, no_groups
from tabsynth.evaluation.groups import groups
from tabsynth.evaluation.intervals import around, each_of, newcombe, standard_error_of_mean
from tabsynth.evaluation.membership_attacks import cast
from tabsynth.evaluation.membership_trial import membership_trial
from tabsynth.evaluation.tasks import tested
from tabsynth.evaluation.utility_trial import MAX_TESTED, Source, Trial, trials

ACCUSED = 0.1
"""Share of strangers above the threshold of the leakage by group."""


class GroupUtility:
    """Largest extra loss of a group when models learn from synthetic in place of real rows.

    Formula:
        s(x) = P(truth) or 1 - (y - f(x))² / var y; loss_g = mean over holdout rows of g of s_real - s_synthetic, by
        boosted trees; judged: max over groups with at least 100 people of loss_g - loss of everybody.
    Units:
        A score; 0.1 is a tenth of probability, or of the variance.
    Cost:
        None beyond `train-on-synthetic`, whose models it asks.
    Source:
        See the head of this module.
    """

    name = "group-utility"
    family = Family.FAIRNESS
    question = "Do models that learn from synthetic rows serve all groups as models of real rows do?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Ask the models of utility about the holdout, group by group.

        Privacy:
            Leaves means over groups of at least 30 people of train and 30 holdout rows.
        """
        found = groups(comparison)
        if not found.groups:
            return no_groups(self)
        made = trials(comparison)
        if isinstance(made, str):
            return Findings([unmeasured(self, made, undecided="Needs" in made)])
        if not made.trials:
            note = "No column could be predicted from the others, or tested."
            return Findings([unmeasured(self, note, undecided=made.untested)])
        trial = made.trials[0]
        rows = tested(comparison, MAX_TESTED)[0].take(trial.used)
        sources: tuple[Source, ...] = ("real", "synthetic", "naive")
        scores = {source: _scores(trial, source) for source in sources}
        loss, naive = scores["real"] - scores["synthetic"], scores["real"] - scores["naive"]
        inside = {group: found.members(rows, group) for group in found.groups}
        asked = [group for group in found.groups if inside[group].sum() >= MIN_ROWS and not inside[group].all()]
        if not asked:
            note = f"No group has {MIN_ROWS} holdout rows that hold {trial.task.target}."
            return Findings([unmeasured(self, note, undecided=True)])
        each = each_of(level, max(1, sum(group.judged for group in asked)))
        table, baseline = [], 0.0
        for group in asked:
            own = inside[group]
            extra = float(loss[own].mean() - loss.mean())
            influence = (loss - loss[own].mean()) * own / own.mean() - (loss - loss.mean())
            error = standard_error_of_mean(influence, trial.people)
            if group.judged:
                baseline = max(baseline, float(naive[own].mean() - naive.mean()))
            table.append(
                GroupScore(
                    group=group.name,
                    n_people=group.n_people,
                    synthetic=round(float(scores["synthetic"][own].mean()), 4),
                    real=round(float(scores["real"][own].mean()), 4),
                    difference=round(extra, 4),
                    interval=around(extra, error, n=int(own.sum()), level=each, lower=-2.0, upper=2.0),
                    judged=group.judged,
                )
            )
        part = group_findings(
            self, comparison, found, table, level=level, what="extra loss of the worst group", reference=0.0,
            baseline=baseline, n=len(trial.labels), notes=(f"Predicted: {trial.task.target}, by boosted trees.",),
        )  # fmt: skip
        return Findings([_by_loss(part.results[0])], part.detail)


class GroupLeakage:
    """Largest share of a group's members whom the strongest attack recognises, beyond strangers of the same group.

    Formula:
        t: the score that a tenth of all strangers exceed; judged: max over groups g with at least 100 people of
        P(score > t | member of g) - P(score > t | stranger of g).
    Units:
        A share of people.
    Cost:
        Below a second beyond `membership`, whose search it reads.
    Source:
        See the head of this module.
    """

    name = "group-leakage"
    family = Family.FAIRNESS
    question = "Is any group of people easier to recognise as members than its strangers?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Hold the scores of the strongest attack against one threshold, group by group.

        Privacy:
            Leaves rates over groups of at least 30 people.
        """
        found = groups(comparison)
        if not found.groups:
            return no_groups(self)
        trial, parts = membership_trial(comparison), cast(comparison)
        if trial is None or parts is None:
            return Findings([unmeasured(self, "There are too few people for membership attacks.", undecided=True)])
        best = trial.found.best(TAIL)
        members, others = trial.released.members[best], trial.released.others[best]
        threshold = float(np.quantile(others, 1 - ACCUSED))
        first = np.unique(parts.person, return_index=True)[1]  # one row stands for each person
        asked, is_member = parts.asked.take(first), parts.member[first]
        table = []
        counts = []
        for group in found.groups:
            inside = found.members(asked, group)
            own, control = members[inside[is_member]] > threshold, others[inside[~is_member]] > threshold
            if min(len(own), len(control)) >= MIN_ROWS:
                counts.append((group, own, control))
        if not counts:
            note = f"No group has {MIN_ROWS} people among those who were asked about."
            return Findings([unmeasured(self, note, undecided=True)])
        each = each_of(level, max(1, sum(group.judged for group, _, _ in counts)))
        for group, own, control in counts:
            difference = float(own.mean() - control.mean())
            table.append(
                GroupScore(
                    group=group.name,
                    n_people=group.n_people,
                    synthetic=round(float(own.mean()), 4),
                    real=round(float(control.mean()), 4),
                    difference=round(difference, 4),
                    interval=newcombe(int(own.sum()), len(own), int(control.sum()), len(control), level=each),
                    judged=group.judged,
                )
            )
        return group_findings(
            self, comparison, found, table, level=level, what="excess over strangers of the group", reference=None,
            baseline=ACCUSED, n=min(len(members), len(others)),
            notes=(
                f"By {trial.suspicion.attacks[best]}, at the threshold that {ACCUSED:.0%} of all strangers exceed; in "
                "place of real rows stand strangers of the group, in place of naive rows accusing by lot.",
            ),
        )  # fmt: skip


def _scores(trial: Trial, source: Source) -> Array:
    """How well one model serves each tested row, shape (n_rows,)."""
    predicted = trial.boosted[source](trial.tested)
    if trial.task.n_classes:
        return np.asarray(predicted[np.arange(len(trial.labels)), trial.labels.astype(np.int64)])
    spread = float(trial.labels.var())
    return np.maximum(-1.0, 1 - (trial.labels - predicted) ** 2 / spread)


def _by_loss(result: Result) -> Result:
    """The value is the extra loss itself; the scores of the worst group are in the detail."""
    if result.judged is None:
        return result
    return result.model_copy(update={"value": result.judged.value, "interval": result.judged.interval, "judged": None})
