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

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.membership_attacks import MIN_PEOPLE, Suspicion
from tabsynth.evaluation.membership_trial import MembershipTrial, lonely, loners, membership_trial
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.rates import RATES, Strengths, largest_area, strengths
from tabsynth.randomness import child

TAIL = RATES.index(0.01)
MIN_LONELY = 20
_CURVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_NO_COLUMNS = "The table has no modelled columns, only identifiers or text."


class AttackScore(Part):
    """What one attack reached."""

    name: str
    area: float
    rates: tuple[float, ...]
    """True positive rates at RATES."""
    p_value: float
    """Chance that shuffled labels let any attack look as strong as this one."""


class AttackCurve(Part):
    """Share of members recognised at given shares of others who are wrongly accused."""

    name: str
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class MembershipScores(Detail):
    """Attacks, the strongest first; curves of the strongest one and of naive rows."""

    rates: tuple[float, ...]
    attacks: tuple[AttackScore, ...]
    curves: tuple[AttackCurve, ...]
    luck: tuple[float, ...]
    """Rates that the search reaches when labels are shuffled."""
    n_members: int
    n_others: int


class LonelyScores(Detail):
    """Rates among people who stand alone and among all."""

    groups: tuple[str, ...]
    n_members: tuple[int, ...]
    n_others: tuple[int, ...]
    rates: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def _too_few(comparison: Comparison) -> str:
    people = [int(comparison.people(which).max()) + 1 for which in ("train", "holdout")]
    return f"Needs at least {MIN_PEOPLE} people in train and in holdout; there are {people[0]:,} and {people[1]:,}."


def spoken_p(value: float) -> str:
    """A p value in words."""
    return "p < 0.01" if value < 0.01 else f"p = {value:.2f}"


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
        return Findings([whole], _scores(trial, best, level))


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
            Leaves rates over groups of at least MIN_LONELY people.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, _NO_COLUMNS)])
        trial = membership_trial(comparison)
        if trial is None:
            return Findings([unmeasured(self, _too_few(comparison), undecided=True)])
        suspicion = trial.suspicion
        found: dict[str, tuple[Strengths, int, int]] = {"everybody": (trial.found, *_sizes(suspicion))}
        for name, (members, others) in loners(suspicion).items():
            inside = lonely(members, others, suspicion)
            chosen, apart = np.flatnonzero(inside[: len(members)]), np.flatnonzero(inside[len(members) :])
            if min(len(chosen), len(apart)) < MIN_LONELY:
                continue
            rng = child(comparison.seed, "evaluation", "membership", "shuffles", name)
            measured = strengths(suspicion.members[:, chosen], suspicion.others[:, apart], rng)
            found[name] = (measured, len(chosen), len(apart))
        tried = {name: part for name, part in found.items() if name != "everybody"}
        if not tried:
            note = f"Needs groups of at least {MIN_LONELY} people of train and of holdout; there are too few rows."
            return Findings([unmeasured(self, note, undecided=True)])
        ends = {name: part[0].rate_interval(0, level) for name, part in found.items()}
        worst = max(tried, key=lambda name: float(tried[name][0].rates[:, 0].max()))
        measured, n_members, n_others = tried[worst]
        whole = answer(
            self,
            value=float(measured.rates[:, 0].max()),
            interval=ends[worst].model_copy(update={"high": max(ends[name].high for name in tried)}),
            n=min(_sizes(suspicion)),
            reference=float(measured.luck[0]),
            baseline=float(trial.naive.rates[:, 0].max()),
            notes=(
                f"Most exposed: {worst}, by {suspicion.attacks[measured.best(0)]}. The group is a tenth of all "
                f"people: {n_members:,} of train and {n_others:,} of holdout. Naive rows were held against everybody.",
            ),
        )
        detail = LonelyScores(
            groups=tuple(found),
            n_members=tuple(part[1] for part in found.values()),
            n_others=tuple(part[2] for part in found.values()),
            rates=tuple(round(float(part[0].rates[:, 0].max()), 4) for part in found.values()),
            low=tuple(round(ends[name].low, 4) for name in found),
            high=tuple(round(ends[name].high, 4) for name in found),
        )
        return Findings([whole], detail)


def _sizes(suspicion: Suspicion) -> tuple[int, int]:
    return suspicion.members.shape[1], suspicion.others.shape[1]


def _scores(trial: MembershipTrial, best: int, level: float) -> MembershipScores:
    found = trial.found
    order = np.lexsort((-found.areas, -found.rates[:, TAIL]))
    attacks = tuple(
        AttackScore(
            name=trial.suspicion.attacks[number],
            area=round(float(found.areas[number]), 4),
            rates=tuple(round(float(rate), 4) for rate in found.rates[number]),
            p_value=round(float(found.p_values[number]), 4),
        )
        for number in order
    )
    n_members, n_others = _sizes(trial.suspicion)
    return MembershipScores(
        rates=RATES,
        attacks=attacks,
        curves=(
            attack_curve("synthetic rows", found, best, n_others, level),
            attack_curve("independent columns", trial.naive, trial.naive.best(TAIL), n_others, level),
        ),
        luck=tuple(round(float(rate), 4) for rate in found.luck),
        n_members=n_members,
        n_others=n_others,
    )


def attack_curve(name: str, found: Strengths, attack: int, n_others: int, level: float) -> AttackCurve:
    """The curve of one attack at rates that this many others can resolve."""
    points = [rate for rate in _CURVE if rate * n_others >= 1]
    ranking = found.rankings[attack]
    values = [ranking.at(rate) for rate in points[:-1]] + [1.0]
    ends = [ranking.interval(rate, level) for rate in points[:-1]]
    return AttackCurve(
        name=name,
        false_positive=tuple(points),
        true_positive=_rounded(values),
        low=_rounded([*(end.low for end in ends), 1.0]),
        high=_rounded([*(end.high for end in ends), 1.0]),
    )


def _rounded(values: list[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 5) for value in values)
