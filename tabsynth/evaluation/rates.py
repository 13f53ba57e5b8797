"""What an attacker gets right at few false alarms: rates, their intervals, and what luck would reach.

The true positive rate at a false positive rate f is the share of members that score above all but a part f of the
others: max(tpr[fpr < f]), the convention of the MIDST challenge. Ties are broken at random, by seed.

Decisions
- Rates at few false alarms, beside the area: an attack that recognises a few people for certain does not move the area.
- The largest of many attacks is judged by max-T: labels are shuffled over people, all attacks are scored anew, and the
  largest standardised score counts. So the maximum alone never looks like a leak (Westfall & Young 1993).
- The labels as they are count as one of the shuffles, also where scores are standardised: only then is every order of
  the labels as likely as any other, and the p-value exact. Standardised by the others alone, what was found would be
  the one score outside of its own scale, and would look large too often (measured: `evaluations/null_alarms.py`).
- Groups are asked at the threshold of everybody that RATES[0] gives, as an attacker sets it: their score is the share
  of members above less the share of strangers above. At lower rates, the strangers of a group are too few.
- The upper end of a maximum is the largest of the single upper ends; the lower end needs Bonferroni's correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import stats

from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.intervals import Interval, auc_interval, each_of, wilson

RATES = (0.1, 0.01, 0.001)
"""False positive rates that are asked about."""
SHUFFLES = 400


@dataclass(frozen=True)
class Ranking:
    """Members and others in the order of one attack's scores, the most suspicious first."""

    others: Array  # (n_others,) sorted places of the others, from 0
    n_members: int

    @classmethod
    def of(cls, members: Array, others: Array, noise: Array) -> Ranking:
        """Rank scores; `noise`, shape (n_members + n_others,), breaks ties."""
        places = order_of(np.concatenate([members, others]), noise)
        return cls(np.sort(places[len(members) :]), len(members))

    def rate(self, n_alarms: int) -> float:
        """Share of members that score above the (n_alarms + 1)-th of the others."""
        if n_alarms >= len(self.others):
            return 1.0
        return float(self.others[n_alarms] - n_alarms) / self.n_members

    def at(self, false_positives: float) -> float:
        """True positive rate at a false positive rate."""
        return self.rate(alarms(false_positives, len(self.others)))

    def interval(self, false_positives: float, level: float) -> Interval:
        """Interval of `at`.

        The members above the threshold are a binomial share (Wilson). The threshold is an order statistic of the
        others; its rank is binomial, and what it lets through in truth has a Beta distribution. The two errors are
        added in squares, end by end, as in Newcombe's method. Where the threshold may let through f' > f, an attacker
        who accuses only a part f / f' of those above it keeps to f: that bounds the rate from below even where the
        others are too few to see f.
        """
        n = len(self.others)
        value = self.at(false_positives)
        share = wilson(round(value * self.n_members), self.n_members, level=level)
        tail = (1 - level) / 2
        fewest, most = (int(stats.binom.ppf(p, n, false_positives)) for p in (tail, 1 - tail))
        above = alarms(false_positives, n)
        let_through = float(stats.beta.ppf(1 - tail, above + 1, max(1, n - above)))
        low = max(self.rate(fewest - 1) if fewest else 0.0, value * min(1.0, false_positives / let_through))
        high = self.rate(most)
        return Interval(
            low=max(0.0, value - float(np.hypot(value - share.low, max(0.0, value - low)))),
            high=min(1.0, value + float(np.hypot(share.high - value, max(0.0, high - value)))),
            level=level,
        )


def alarms(false_positives: float, n_others: int) -> int:
    """Others that may score above the threshold so that their share stays below a rate.

    Example:
        >>> alarms(0.01, 1000), alarms(0.01, 50)
        (9, 0)
    """
    return max(0, ceil(round(false_positives * n_others, 9)) - 1)


def order_of(scores: Array, noise: Array) -> Array:
    """Place of each score in descending order, shape (n,), ties by noise."""
    places = np.empty(len(scores), dtype=np.int64)
    places[np.lexsort((noise, -scores))] = np.arange(len(scores))
    return places


@dataclass(frozen=True)
class Strengths:
    """Several attacks on the same people: rates, areas and their intervals, and what luck reaches."""

    rankings: tuple[Ranking, ...]
    areas: Array  # (n_attacks,)
    rates: Array  # (n_attacks, len(RATES))
    p_values: Array  # (n_attacks,) corrected for the search over all attacks, rates, the area and groups
    p_value: float
    """Chance that shuffled labels look as bad as the strongest attack."""
    strongest: str | None
    """Group in which the most improbable score was found; None: among everybody."""
    luck: Array  # (len(RATES),) mean over shuffles of the largest rate of any attack
    lucky_area: float
    """The same for the area."""

    def best(self, rate: int) -> int:
        """Attack with the largest true positive rate at RATES[rate]; the larger area decides among equals."""
        return int(np.lexsort((self.areas, self.rates[:, rate]))[-1])

    def rate_interval(self, rate: int, level: float) -> Interval:
        """Interval of the largest true positive rate of all attacks."""
        n = len(self.rankings)
        ends = [ranking.interval(RATES[rate], level) for ranking in self.rankings]
        sure = [ranking.interval(RATES[rate], each_of(level, n)) for ranking in self.rankings]
        return Interval(low=max(end.low for end in sure), high=max(end.high for end in ends), level=level)


def strengths(
    members: Array, others: Array, rng: np.random.Generator, *, groups: Mapping[str, Array] | None = None
) -> Strengths:
    """Measure attacks.

    Args:
        members: Scores of people of train, shape (n_attacks, n_members); higher is more suspicious.
        others: Scores of people of holdout by the same attacks, shape (n_attacks, n_others).
        rng: Stream of shuffles and ties.
        groups: By name, who belongs to a group: members first, then others, shape (n_members + n_others,) bool.

    Cost: SHUFFLES x n_attacks partitions of n people; 0.3 s for 15 attacks on 10,000 people, and a third more for
    each ten groups.

    Source: max-T, Westfall & Young 1993, "Resampling-based multiple testing", section 2.5; p-values that count the
    data as one of the shuffles, Phipson & Smyth 2010, doi:10.2202/1544-6115.1585.
    """
    n_members = members.shape[1]
    n_others = others.shape[1]
    n = n_members + n_others
    noise = rng.random(n)
    both = np.hstack([members, others])
    places = np.stack([order_of(row, noise) for row in both])  # (n_attacks, n)
    midranks = np.stack([stats.rankdata(row) for row in both])  # (n_attacks, n), ascending
    allowed = np.array([min(alarms(rate, n_others), n_others - 1) for rate in RATES])
    names = list(groups or {})
    inside = np.stack([groups[name] for name in names]).astype(np.float32) if groups else np.zeros((0, n), np.float32)

    def measured(chosen: Array) -> tuple[Array, Array, Array]:
        """Rates (n_attacks, len(RATES)), areas (n_attacks,), groups (n_attacks, n_groups): `chosen` are others."""
        thresholds = np.partition(places[:, chosen], allowed, axis=1)[:, allowed]
        above = midranks[:, chosen].sum(axis=1)
        below = n_others * n_members + n_others * (n_others + 1) / 2 - above
        found = (thresholds - allowed) / n_members, below / (n_others * n_members)
        return *found, _grouped(places, thresholds[:, 0], inside, chosen)

    orders = [np.arange(n_members, n), *(rng.permutation(n)[:n_others] for _ in range(SHUFFLES))]
    parts = [measured(chosen) for chosen in orders]  # the labels as they are, and SHUFFLES others
    all_rates, all_areas, all_groups = (np.stack(part) for part in zip(*parts, strict=True))
    scores = np.concatenate([_steady(all_rates), all_areas[:, :, None], all_groups], axis=2)
    spread = scores.std(axis=0)
    scores = (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    largest = scores.max(axis=(1, 2))  # (1 + SHUFFLES,)
    own = scores[0].max(axis=1)
    # Equal scores differ in their last bits where they were added up in another order.
    p_values = (largest[:, None] >= own[None, :] - 1e-9).mean(axis=0)
    kind = int(scores[0].max(axis=0).argmax()) - len(RATES) - 1
    return Strengths(
        rankings=tuple(Ranking(np.sort(row[n_members:]), n_members) for row in places),
        areas=all_areas[0],
        rates=all_rates[0],
        p_values=p_values,
        p_value=float(p_values.min()),
        strongest=names[kind] if kind >= 0 else None,
        luck=all_rates[1:].max(axis=1).mean(axis=0),
        lucky_area=float(all_areas[1:].max(axis=1).mean()),
    )


def _grouped(places: Array, thresholds: Array, inside: Array, chosen: Array) -> Array:
    """Share of members of each group above the thresholds, less that of its others; (n_attacks, n_groups)."""
    if not len(inside):
        return np.empty((len(places), 0))
    is_member = np.ones(places.shape[1], dtype=bool)
    is_member[chosen] = False
    above = (places < thresholds[:, None]).astype(np.float32)
    own, control = (
        above[:, side] @ inside[:, side].T / np.maximum(inside[:, side].sum(axis=1), 1)
        for side in (is_member, ~is_member)
    )
    return np.asarray(own - control)


def _steady(rates: Array) -> Array:
    """Shares on a scale where their variance does not hang on their size."""
    return np.arcsin(np.sqrt(rates))


def largest_area(members: Array, others: Array, level: float) -> Interval:
    """Interval of the largest area of several attacks, shapes (n_attacks, n_members) and (n_attacks, n_others)."""
    pairs = list(zip(members, others, strict=True))
    ends = [auc_interval(a, b, level=level)[1] for a, b in pairs]
    sure = [auc_interval(a, b, level=each_of(level, len(pairs)))[1] for a, b in pairs]
    return Interval(low=max(end.low for end in sure), high=max(end.high for end in ends), level=level)
