"""Membership by shadow models: can somebody who has the generator tell who was in train?

The trial of `shadow_models.py` is made once; three metrics read it as those of `membership.py` read theirs: people
recognised at few false alarms, the area, and people who stand alone.

Decisions
- The strongest signal counts, with an interval that pays for the search, and shuffled labels as the reference
  (`rates.py`).
- No recipe, no verdict: of a table from elsewhere nothing is said, and the report lists the attacker as not tested.

Source: see `shadow_models.py`; tail rates, Carlini et al. 2022, arXiv:2112.03570; vulnerable people apart, Meeus et al.
2023, "Achilles' heels", arXiv:2306.10308.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.attack_scores import (
    TAIL,
    TOO_FEW_LONELY,
    AttackScores,
    Group,
    lonely_tenth,
    measured_groups,
    most_exposed,
    spoken_p,
)
from tabsynth.evaluation.base import Family, Findings, Metric, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.rates import Strengths, largest_area, strengths
from tabsynth.evaluation.shadow_models import ShadowTrial, Untested, shadow_trial
from tabsynth.randomness import child


class ShadowScores(AttackScores):
    """Signals, the strongest first; curves of the strongest one and of naive rows."""

    n_made: int
    """Shadow models behind it."""


def _found(comparison: Comparison, trial: ShadowTrial) -> Strengths:
    rng = child(comparison.seed, "evaluation", "shadow", "shuffles")
    found: Strengths = comparison.once("shadow strengths", lambda: strengths(trial.members, trial.others, rng))
    return found


def _naive(comparison: Comparison, trial: ShadowTrial) -> Strengths:
    rng = child(comparison.seed, "evaluation", "shadow", "shuffles", "naive")
    found: Strengths = comparison.once(
        "shadow strengths of naive rows", lambda: strengths(trial.naive_members, trial.naive_others, rng)
    )
    return found


def _unanswered(metric: Metric, why: Untested) -> Findings:
    if why.error is not None:
        return Findings([unmeasured(metric, error=why.error)])
    return Findings([unmeasured(metric, why.note, undecided=why.undecided)])


def _effort(trial: ShadowTrial) -> tuple[str, ...]:
    """How much work is behind the result."""
    asked = f"{trial.members.shape[1]:,} people of train and {trial.others.shape[1]:,} of holdout were asked about"
    notes = [f"{trial.n_made} shadow models; {asked}; {trial.n_searched:,} rows of each were searched."]
    if trial.failures:
        notes.append(f"{len(trial.failures)} shadow models failed: {trial.failures[0].rstrip('.')}.")
    if trial.n_made + len(trial.failures) < trial.n_wanted:
        notes.append(f"The time limit left out {trial.n_wanted - trial.n_made - len(trial.failures)} of them.")
    return tuple(notes)


class ShadowMembership:
    """Share of training people whom shadow models recognise while they accuse at most 1 % of strangers.

    Formula:
        max over signals q of TPR_q(0.01) of the scores in `shadow_scores.py`, and of all signals together.
    Units:
        A share of people, 0 to 1; guessing gives 0.01.
    Cost:
        32 fits and draws of the generator (16 above 400,000 cells), and 0.1 to 1 s of search for each.
    Source:
        See the head of this module and of `shadow_models.py`.
    """

    name = "shadow-membership"
    family = Family.ATTACKS
    question = "Can somebody who has the generator tell who was in train, with few false alarms?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Make shadow models, score people, and take the strongest signal at 1 % false alarms.

        Privacy:
            Leaves rates and curves over all people, no score of anybody. Shadow models are forgotten at once.
        """
        trial = shadow_trial(comparison)
        if isinstance(trial, Untested):
            return _unanswered(self, trial)
        found, naive = _found(comparison, trial), _naive(comparison, trial)
        best = found.best(TAIL)
        whole = answer(
            self,
            value=float(found.rates[best, TAIL]),
            interval=found.rate_interval(TAIL, level),
            n=min(_people(trial)),
            reference=float(found.luck[TAIL]),
            baseline=float(naive.rates[:, TAIL].max()),
            notes=(
                f"Strongest of {len(trial.attacks)}: {trial.attacks[best]}. "
                f"Over all signals and rates, {spoken_p(found.p_value)} (labels shuffled, max-T).",
                *_effort(trial),
            ),
        )
        detail = ShadowScores.of(trial.attacks, found, naive, people=_people(trial), level=level, n_made=trial.n_made)
        return Findings([whole], detail)


class ShadowArea:
    """Area under the ROC curve of the strongest signal of shadow models.

    Formula:
        max over signals q of P(score_q(member) > score_q(other)) + P(equal) / 2.
    Units:
        An area, 0 to 1; guessing gives 0.5.
    Cost:
        None beyond `shadow-membership`, whose trial it reads.
    Source:
        See the head of this module; interval, DeLong et al. 1988.
    """

    name = "shadow-area"
    family = Family.ATTACKS
    question = "Do people of train look more familiar to somebody who has the generator than strangers do?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Take the largest area of all signals.

        Privacy:
            Leaves areas over all people.
        """
        trial = shadow_trial(comparison)
        if isinstance(trial, Untested):
            return _unanswered(self, trial)
        found, naive = _found(comparison, trial), _naive(comparison, trial)
        best = int(np.argmax(found.areas))
        whole = answer(
            self,
            value=float(found.areas[best]),
            interval=largest_area(trial.members, trial.others, level),
            n=min(_people(trial)),
            reference=found.lucky_area,
            baseline=float(naive.areas.max()),
            notes=(f"Strongest signal: {trial.attacks[best]}.", *_effort(trial)),
        )
        return Findings([whole])


class ShadowOutliers:
    """Share of training people recognised by shadow models at 10 % false alarms, among those who stand alone.

    Formula:
        max over groups g and signals q of TPR_q(0.1) within g. Groups: the tenth of people farthest from everybody
        else, and the tenth with the rarest cells in the tables of two columns.
    Units:
        A share of people, 0 to 1; guessing gives 0.1.
    Cost:
        Below a second beyond `shadow-membership`, whose trial it reads.
    Source:
        Meeus et al. 2023, arXiv:2306.10308; CNIL's letter on attack tests of 13 February 2023 asks for it.
    """

    name = "shadow-outliers"
    family = Family.ATTACKS
    question = "Can somebody who has the generator tell who was in train, among people who stand alone?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Score people within the groups that are easiest to recognise.

        Privacy:
            Leaves rates over groups of at least 20 people of train and of holdout each.
        """
        trial = shadow_trial(comparison)
        if isinstance(trial, Untested):
            return _unanswered(self, trial)
        everybody, naive = _found(comparison, trial), _naive(comparison, trial)
        inside = {name: lonely_tenth(*both) for name, both in trial.exposed.items()}

        def shuffles(name: str) -> np.random.Generator:
            return child(comparison.seed, "evaluation", "shadow", "shuffles", name)

        tried = measured_groups(inside, trial.members, trial.others, shuffles)
        if not tried:
            return Findings([unmeasured(self, TOO_FEW_LONELY, undecided=True)])
        worst, interval, detail = most_exposed(Group(everybody, *_people(trial)), tried, level)
        group = tried[worst]
        whole = answer(
            self,
            value=group.rate,
            interval=interval,
            n=min(_people(trial)),
            reference=float(group.found.luck[0]),
            baseline=float(naive.rates[:, 0].max()),
            notes=(
                group.spoken(worst, trial.attacks),
                *_effort(trial),
            ),
        )
        return Findings([whole], detail)


def _people(trial: ShadowTrial) -> tuple[int, int]:
    return trial.members.shape[1], trial.others.shape[1]
