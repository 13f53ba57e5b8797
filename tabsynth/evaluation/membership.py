"""Membership: can an attacker tell who was in train?

All attacks of `membership_attacks.py` are run once, on people of train and on as many people of holdout as there are.
Three metrics read the answer: how many members are recognised at few false alarms, how well members are ranked on the
whole, and how many are recognised among those who stand alone.

Decisions
- The strongest attack counts, not the mean, with an interval that pays for the search (`rates.py`). Its p-value pays
  for everything that was tried: attacks, encodings, subsets of columns, rates, and groups of people.
- The reference is what the same search reaches when the labels are shuffled: a table that holds no memory scores that.
- Too few people is no pass: below MIN_PEOPLE nothing is measured, and wide intervals decide nothing above.

Source: tail rates instead of accuracy, Carlini et al. 2022, "Membership inference attacks from first principles",
arXiv:2112.03570; why distances alone must not be a verdict, Yao et al. 2025, arXiv:2505.01524; people who stand alone,
Meeus et al. 2023, "Achilles' heels", arXiv:2306.10308.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.attack_scores import (
    TAIL,
    TOO_FEW_LONELY,
    AttackScores,
    Group,
    measured_groups,
    most_exposed,
    spoken_p,
)
from tabsynth.evaluation.base import Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.membership_attacks import MIN_PEOPLE, Suspicion
from tabsynth.evaluation.membership_trial import lonely, loners, membership_trial
from tabsynth.evaluation.rates import largest_area
from tabsynth.randomness import child

_NO_COLUMNS = "The table has no modelled columns, only identifiers or text."


def _too_few(comparison: Comparison) -> str:
    people = [int(comparison.people(which).max()) + 1 for which in ("train", "holdout")]
    return f"Needs at least {MIN_PEOPLE} people in train and in holdout; there are {people[0]:,} and {people[1]:,}."


class Membership:
    """Share of training people whom the strongest attack recognises while it accuses at most 1 % of strangers.

    Formula:
        max over attacks a of TPR_a(0.01), TPR_a(f) = P(score_a(member) > t_f), where t_f is the score that a share f
        of holdout people exceed.
    Units:
        A share of people, 0 to 1; guessing gives 0.01.
    Cost:
        28 s at 20,000 rows of train and synthetic, 6,000 of holdout x 15 columns; fewer people are asked about where
        tables are larger or wider, so that it hardly grows.
    Source:
        See the head of this module and of `membership_attacks.py`.
    """

    name = "membership"
    family = Family.ATTACKS
    question = "Can an attacker tell who was in train, with few false alarms?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Run all attacks and take the strongest at 1 % false alarms.

        Privacy:
            Leaves rates and curves over all people, no score of anybody.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, _NO_COLUMNS)])
        trial = membership_trial(comparison)
        if trial is None:
            return Findings([unmeasured(self, _too_few(comparison), undecided=True)])
        found, suspicion = trial.found, trial.suspicion
        best = found.best(TAIL)
        n_members, n_others = suspicion.members.shape[1], suspicion.others.shape[1]
        notes = [
            f"Strongest of {len(suspicion.attacks)} attacks: {suspicion.attacks[best]}. "
            f"Over all attacks, rates and groups, {spoken_p(found.p_value)} (labels shuffled, max-T)"
            + (f"; least like chance among: {found.strongest}." if found.strongest else "."),
            f"{n_members:,} people of train and {n_others:,} of holdout were asked about; "
            f"{suspicion.n_searched:,} synthetic and {suspicion.n_reference:,} real reference rows were searched.",
        ]
        if trial.n_models > 1:
            notes.append(
                f"Pooled over {trial.n_models} models, each learned without another part of the people, so that "
                "everybody is a stranger once; the released rows are those of the first."
            )
        if suspicion.n_searched < comparison.synthetic.n_rows:
            notes.append("The synthetic rows were drawn at random; a leak in the others is not seen.")
        whole = answer(
            self,
            value=float(found.rates[best, TAIL]),
            interval=found.rate_interval(TAIL, level),
            n=min(n_members, n_others),
            reference=float(found.luck[TAIL]),
            baseline=float(trial.naive.rates[:, TAIL].max()),
            notes=tuple(notes),
        )
        people = (n_members, n_others)
        return Findings([whole], AttackScores.of(suspicion.attacks, found, trial.naive, people=people, level=level))


class MembershipArea:
    """Area under the ROC curve of the strongest membership attack.

    Formula:
        max over attacks a of P(score_a(member) > score_a(other)) + P(equal) / 2.
    Units:
        An area, 0 to 1; guessing gives 0.5.
    Cost:
        None beyond `membership`, whose search it reads.
    Source:
        See the head of this module; interval, DeLong et al. 1988.
    """

    name = "membership-area"
    family = Family.ATTACKS
    question = "Do people of train look more familiar to an attacker than strangers do?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Take the largest area of all attacks.

        Privacy:
            Leaves areas over all people.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, _NO_COLUMNS)])
        trial = membership_trial(comparison)
        if trial is None:
            return Findings([unmeasured(self, _too_few(comparison), undecided=True)])
        suspicion = trial.suspicion
        best = int(np.argmax(trial.found.areas))
        whole = answer(
            self,
            value=float(trial.found.areas[best]),
            interval=largest_area(suspicion.members, suspicion.others, level),
            n=min(suspicion.members.shape[1], suspicion.others.shape[1]),
            reference=trial.found.lucky_area,
            baseline=float(trial.naive.areas.max()),
            notes=(f"Strongest attack: {suspicion.attacks[best]}.",),
        )
        return Findings([whole])


class MembershipOutliers:
    """Share of training people recognised at 10 % false alarms, among those who stand alone.

    Formula:
        max over groups g and attacks a of TPR_a(0.1) within g. Groups: the tenth of people farthest from their
        reference neighbours, and the tenth with the rarest categories, of train and holdout together.
    Units:
        A share of people, 0 to 1; guessing gives 0.1.
    Cost:
        Below a second beyond `membership`, whose search it reads.
    Source:
        Meeus et al. 2023, arXiv:2306.10308; asked for by CNIL's letter on attack tests of 13 February 2023.
    """

    name = "membership-outliers"
    family = Family.ATTACKS
    question = "Can an attacker tell who was in train, among people who stand alone?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Run all attacks within the groups that are easiest to recognise.

        Privacy:
            Leaves rates over groups of at least 20 people.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, _NO_COLUMNS)])
        trial = membership_trial(comparison)
        if trial is None:
            return Findings([unmeasured(self, _too_few(comparison), undecided=True)])
        suspicion = trial.suspicion
        inside = {name: lonely(*both, suspicion) for name, both in loners(suspicion).items()}

        def shuffles(name: str) -> np.random.Generator:
            return child(comparison.seed, "evaluation", "membership", "shuffles", name)

        tried = measured_groups(inside, suspicion.members, suspicion.others, shuffles)
        if not tried:
            return Findings([unmeasured(self, TOO_FEW_LONELY, undecided=True)])
        worst, interval, detail = most_exposed(Group(trial.found, *_sizes(suspicion)), tried, level)
        group = tried[worst]
        whole = answer(
            self,
            value=group.rate,
            interval=interval,
            n=min(_sizes(suspicion)),
            reference=float(group.found.luck[0]),
            baseline=float(trial.naive.rates[:, 0].max()),
            notes=(group.spoken(worst, suspicion.attacks),),
        )
        return Findings([whole], detail)


def _sizes(suspicion: Suspicion) -> tuple[int, int]:
    return suspicion.members.shape[1], suspicion.others.shape[1]
