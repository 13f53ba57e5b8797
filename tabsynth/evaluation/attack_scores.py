"""What attacks that guess who was in train reached, as a result shows it: tables, curves, and people who stand alone.

Search (`membership.py`) and shadow models (`shadow_membership.py`) score people in ways of their own; from there on
they are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tabsynth.evaluation.base import Detail
from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.intervals import Interval, each_of
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.rates import RATES, Strengths, strengths

TAIL = RATES.index(0.01)
LONELY = 0.1
"""Share of people, of train and of holdout together, who count as standing alone."""
MIN_LONELY = 20
"""Members, and others, below which a group of them is not asked about."""
TOO_FEW_LONELY = f"Needs groups of at least {MIN_LONELY} people of train and of holdout; there are too few rows."
_CURVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


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


class AttackScores(Detail):
    """Attacks, the strongest first; curves of the strongest one and of naive rows."""

    rates: tuple[float, ...]
    attacks: tuple[AttackScore, ...]
    curves: tuple[AttackCurve, ...]
    luck: tuple[float, ...]
    """Rates that the search reaches when labels are shuffled."""
    n_members: int
    n_others: int

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        found: Strengths,
        naive: Strengths,
        *,
        people: tuple[int, int],
        level: float,
        **more: Any,
    ) -> Self:
        """The table and curves of a search.

        Args:
            names: Of the attacks.
            found: What they reached.
            naive: What they reach on naive rows.
            people: Members and others.
            level: Confidence level of the intervals.
            more: Fields of a class below this one.
        """
        order = np.lexsort((-found.areas, -found.rates[:, TAIL]))
        return cls(
            rates=RATES,
            attacks=tuple(
                AttackScore(
                    name=names[number],
                    area=round(float(found.areas[number]), 4),
                    rates=_rounded(found.rates[number], 4),
                    p_value=round(float(found.p_values[number]), 4),
                )
                for number in order
            ),
            curves=(
                _curve("synthetic rows", found, people[1], level),
                _curve("independent columns", naive, people[1], level),
            ),
            luck=_rounded(found.luck, 4),
            n_members=people[0],
            n_others=people[1],
            **more,
        )


class LonelyScores(Detail):
    """Rates among people who stand alone and among all."""

    groups: tuple[str, ...]
    n_members: tuple[int, ...]
    n_others: tuple[int, ...]
    rates: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Group:
    """Some people, and what attacks reach on them."""

    found: Strengths
    n_members: int
    n_others: int

    @property
    def rate(self) -> float:
        """Largest true positive rate at RATES[0]."""
        return float(self.found.rates[:, 0].max())

    def spoken(self, name: str, attacks: Sequence[str]) -> str:
        """Who is most exposed, to what, in a sentence; `attacks` are the names of all."""
        return (
            f"Most exposed: {name}, by {attacks[self.found.best(0)]}. The group is a tenth of those asked about: "
            f"{self.n_members:,} of train and {self.n_others:,} of holdout. Naive rows were held against everybody."
        )


def measured_groups(
    inside: Mapping[str, Array], members: Array, others: Array, stream: Callable[[str], np.random.Generator]
) -> dict[str, Group]:
    """What attacks reach within groups; those of fewer than MIN_LONELY members or others are left out.

    Args:
        inside: By name, who belongs to a group: members first, then others, bool of shape (n_members + n_others,).
        members: Scores of members, (n_attacks, n_members).
        others: Scores of others, (n_attacks, n_others).
        stream: Random stream of a group's shuffles, by name.
    """
    found = {}
    n_members = members.shape[1]
    for name, whom in inside.items():
        chosen, apart = np.flatnonzero(whom[:n_members]), np.flatnonzero(whom[n_members:])
        if min(len(chosen), len(apart)) >= MIN_LONELY:
            measured = strengths(members[:, chosen], others[:, apart], stream(name))
            found[name] = Group(measured, len(chosen), len(apart))
    return found


def most_exposed(everybody: Group, tried: Mapping[str, Group], level: float) -> tuple[str, Interval, LonelyScores]:
    """The group that is recognised most, an interval that pays for having tried several, and the table of all.

    Args:
        everybody: All people, for the table.
        tried: Groups of people who stand alone, at least one.
        level: Confidence level.
    """
    worst = max(tried, key=lambda name: tried[name].rate)
    ends = {name: group.found.rate_interval(0, level) for name, group in tried.items()}
    low = max(group.found.rate_interval(0, each_of(level, len(tried))).low for group in tried.values())
    interval = Interval(low=low, high=max(end.high for end in ends.values()), level=level)
    shown = {"everybody": everybody, **tried}
    ends["everybody"] = everybody.found.rate_interval(0, level)
    return (
        worst,
        interval,
        LonelyScores(
            groups=tuple(shown),
            n_members=tuple(group.n_members for group in shown.values()),
            n_others=tuple(group.n_others for group in shown.values()),
            rates=_rounded([group.rate for group in shown.values()], 4),
            low=_rounded([ends[name].low for name in shown], 4),
            high=_rounded([ends[name].high for name in shown], 4),
        ),
    )


def lonely_tenth(members: Array, others: Array, alone: Array | None = None) -> Array:
    """The tenth of people, members first, with the largest of some values; nobody where all values are equal.

    Args:
        members: How much each member stands alone, (n_members,).
        others: The same of others, (n_others,).
        alone: What decides among equals, (n_members + n_others,); None: the order they are in.

    Returns:
        Whether each is in it, bool of shape (n_members + n_others,).
    """
    both = np.concatenate([members, others])
    inside = np.zeros(len(both), dtype=bool)
    if np.ptp(both) > 0:
        ties = np.zeros(len(both)) if alone is None else alone
        inside[np.lexsort((-ties, -both))[: max(1, round(LONELY * len(both)))]] = True
    return inside


def spoken_p(value: float) -> str:
    """A p value in words."""
    return "p < 0.01" if value < 0.01 else f"p = {value:.2f}"


def _curve(name: str, found: Strengths, n_others: int, level: float) -> AttackCurve:
    """The curve of the strongest attack at rates that this many others can resolve."""
    points = [rate for rate in _CURVE if rate * n_others >= 1]
    ranking = found.rankings[found.best(TAIL)]
    ends = [ranking.interval(rate, level) for rate in points[:-1]]
    return AttackCurve(
        name=name,
        false_positive=tuple(points),
        true_positive=_rounded([*(ranking.at(rate) for rate in points[:-1]), 1.0], 5),
        low=_rounded([*(end.low for end in ends), 1.0], 5),
        high=_rounded([*(end.high for end in ends), 1.0], 5),
    )


def _rounded(values: Sequence[float] | Array, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)
