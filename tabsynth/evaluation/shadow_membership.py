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

from tabsynth.evaluation.base import Detail, Family, Findings, Metric, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.intervals import Interval, each_of
from tabsynth.evaluation.membership import (
    MIN_LONELY,
    TAIL,
    AttackCurve,
    AttackScore,
    LonelyScores,
    attack_curve,
    spoken_p,
)
from tabsynth.evaluation.membership_trial import LONELY
from tabsynth.evaluation.rates import RATES, Strengths, largest_area, strengths
from tabsynth.evaluation.shadow_models import ShadowTrial, Untested, shadow_trial
from tabsynth.randomness import child


class ShadowScores(Detail):
    """Signals, the strongest first; curves of the strongest one and of naive rows."""

    rates: tuple[float, ...]
    attacks: tuple[AttackScore, ...]
    curves: tuple[AttackCurve, ...]
    luck: tuple[float, ...]
    """Rates that the search reaches when labels are shuffled."""
    n_members: int
    n_others: int
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
            n=_size(trial),
            reference=float(found.luck[TAIL]),
            baseline=float(naive.rates[:, TAIL].max()),
            notes=(
                f"Strongest of {len(trial.attacks)}: {trial.attacks[best]}. "
                f"Over all signals and rates, {spoken_p(found.p_value)} (labels shuffled, max-T).",
                *_effort(trial),
            ),
        )
        return Findings([whole], _scores(trial, found, naive, level))


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
            n=_size(trial),
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
            Leaves rates over groups of at least MIN_LONELY people of train and of holdout each.
        """
        trial = shadow_trial(comparison)
        if isinstance(trial, Untested):
            return _unanswered(self, trial)
        everybody, naive = _found(comparison, trial), _naive(comparison, trial)
        tried: dict[str, tuple[Strengths, int, int]] = {}
        for name, (members, others) in trial.exposed.items():
            chosen, apart = _most(members, others)
            if min(len(chosen), len(apart)) < MIN_LONELY or np.ptp(np.concatenate([members, others])) == 0:
                continue
            rng = child(comparison.seed, "evaluation", "shadow", "shuffles", name)
            measured = strengths(trial.members[:, chosen], trial.others[:, apart], rng)
            tried[name] = (measured, len(chosen), len(apart))
        if not tried:
            note = f"Needs groups of at least {MIN_LONELY} people of train and of holdout; there are too few rows."
            return Findings([unmeasured(self, note, undecided=True)])
        sure = each_of(level, len(tried))
        ends = {name: part[0].rate_interval(0, level) for name, part in tried.items()}
        worst = max(tried, key=lambda name: float(tried[name][0].rates[:, 0].max()))
        measured, n_members, n_others = tried[worst]
        low = max(part[0].rate_interval(0, sure).low for part in tried.values())
        whole = answer(
            self,
            value=float(measured.rates[:, 0].max()),
            interval=Interval(low=low, high=max(end.high for end in ends.values()), level=level),
            n=_size(trial),
            reference=float(measured.luck[0]),
            baseline=float(naive.rates[:, 0].max()),
            notes=(
                f"Most exposed: {worst}, by {trial.attacks[measured.best(0)]}. The group is a tenth of those asked "
                f"about: {n_members:,} of train and {n_others:,} of holdout. Naive rows were held against everybody.",
                *_effort(trial),
            ),
        )
        shown = {"everybody": (everybody, trial.members.shape[1], trial.others.shape[1]), **tried}
        ends["everybody"] = everybody.rate_interval(0, level)
        detail = LonelyScores(
            groups=tuple(shown),
            n_members=tuple(part[1] for part in shown.values()),
            n_others=tuple(part[2] for part in shown.values()),
            rates=tuple(round(float(part[0].rates[:, 0].max()), 4) for part in shown.values()),
            low=tuple(round(ends[name].low, 4) for name in shown),
            high=tuple(round(ends[name].high, 4) for name in shown),
        )
        return Findings([whole], detail)


def _size(trial: ShadowTrial) -> int:
    return min(trial.members.shape[1], trial.others.shape[1])


def _most(members: Array, others: Array) -> tuple[Array, Array]:
    """Places, sorted, of the members and of the others who are in the most exposed tenth of all."""
    both = np.concatenate([members, others])
    first = np.argsort(-both, kind="stable")[: max(1, round(LONELY * len(both)))]
    return np.sort(first[first < len(members)]), np.sort(first[first >= len(members)]) - len(members)


def _scores(trial: ShadowTrial, found: Strengths, naive: Strengths, level: float) -> ShadowScores:
    order = np.lexsort((-found.areas, -found.rates[:, TAIL]))
    n_others = trial.others.shape[1]
    return ShadowScores(
        rates=RATES,
        attacks=tuple(
            AttackScore(
                name=trial.attacks[number],
                area=round(float(found.areas[number]), 4),
                rates=tuple(round(float(rate), 4) for rate in found.rates[number]),
                p_value=round(float(found.p_values[number]), 4),
            )
            for number in order
        ),
        curves=(
            attack_curve("synthetic rows", found, found.best(TAIL), n_others, level),
            attack_curve("independent columns", naive, naive.best(TAIL), n_others, level),
        ),
        luck=tuple(round(float(rate), 4) for rate in found.luck),
        n_members=trial.members.shape[1],
        n_others=n_others,
        n_made=trial.n_made,
    )
