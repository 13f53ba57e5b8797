"""The search that all metrics of membership share: whom it asks about, over which models, in which groups.

Decisions
- Where tables are small, `run --swap` gives more models, each learned without another part of the people. Their people
  are pooled, so that few strangers of one holdout become all people of the table. Of every model as many members as
  strangers are asked about, so that a person counts about once on each side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tabsynth.evaluation.attack_scores import lonely_tenth
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.groups import groups
from tabsynth.evaluation.membership_attacks import Suspicion, cast, suspect
from tabsynth.evaluation.rates import Strengths, strengths
from tabsynth.randomness import child

MIN_GROUP = 50
"""Members, and others, below which a group is not asked about."""
MAX_GROUPS = 10
MAX_NAIVE = 5_000


@dataclass(frozen=True)
class MembershipTrial:
    """One search: the scores of people and the strengths of the attacks; for naive rows, the strengths alone."""

    suspicion: Suspicion
    """Of everybody who was asked about, over all models."""
    released: Suspicion
    """Of the release alone."""
    found: Strengths
    naive: Strengths
    n_models: int


def membership_trial(comparison: Comparison) -> MembershipTrial | None:
    """The search that the metrics of this module share; None where there are too few people."""

    def search() -> MembershipTrial | None:
        released = suspect(comparison, comparison.synthetic)
        if released is None:
            return None
        others = [suspect(swap, swap.synthetic) for swap in comparison.swaps]
        same = [one for one in others if one is not None and one.attacks == released.attacks]
        suspicion = pooled([released, *same]) if same else released
        invented = comparison.compared("independent")
        invented = invented.take(np.arange(min(invented.n_rows, MAX_NAIVE)))
        naive = suspect(comparison, invented, trees=False)
        assert naive is not None
        asked = asked_groups(comparison, suspicion) if not same else _loner_groups(suspicion)
        found = _strengths(suspicion, comparison, "all", groups=asked)
        return MembershipTrial(suspicion, released, found, _strengths(naive, comparison, "naive"), 1 + len(same))

    found: MembershipTrial | None = comparison.once("membership", search)
    return found


def asked_groups(comparison: Comparison, suspicion: Suspicion) -> dict[str, Array]:
    """Who belongs to which group, by name: people who stand alone, and the largest groups of `groups.py`.

    Returns:
        For each group of at least MIN_GROUP members and as many others, shape (n_members + n_others,) bool.
    """
    found = {}
    parts = cast(comparison)
    if parts is not None:
        first = np.unique(parts.person, return_index=True)[1]  # one row stands for each person
        asked, is_member = parts.asked.take(first), parts.member[first]
        order = np.concatenate([np.flatnonzero(is_member), np.flatnonzero(~is_member)])
        grouping = groups(comparison)
        for group in grouping.groups[:MAX_GROUPS]:
            found[group.name] = grouping.members(asked, group)[order]
    return _loner_groups(suspicion) | _large_enough(found, suspicion)


def _loner_groups(suspicion: Suspicion) -> dict[str, Array]:
    found = {name: lonely(*both, suspicion) for name, both in loners(suspicion).items()}
    return _large_enough(found, suspicion)


def _large_enough(found: Mapping[str, Array], suspicion: Suspicion) -> dict[str, Array]:
    n_members = suspicion.members.shape[1]
    return {
        name: inside
        for name, inside in found.items()
        if min(inside[:n_members].sum(), inside[n_members:].sum()) >= MIN_GROUP and not inside.all()
    }


def pooled(parts: Sequence[Suspicion]) -> Suspicion:
    """People of several models as one: their ranks within each, since scores of models are on scales of their own."""

    def ranks(members: str, others: str) -> tuple[Array, Array]:
        first, second = [], []
        for part in parts:
            one, two = (np.atleast_2d(getattr(part, name)) for name in (members, others))
            both = np.apply_along_axis(stats.rankdata, 1, np.hstack([one, two])) / (one.shape[1] + two.shape[1])
            first.append(both[:, : one.shape[1]])
            second.append(both[:, one.shape[1] :])
        return np.hstack(first), np.hstack(second)

    scores = ranks("members", "others")
    alone, rare = ranks("lonely_members", "lonely_others"), ranks("rare_members", "rare_others")
    return Suspicion(
        attacks=parts[0].attacks,
        members=scores[0],
        others=scores[1],
        lonely_members=alone[0][0],
        lonely_others=alone[1][0],
        rare_members=rare[0][0],
        rare_others=rare[1][0],
        n_searched=sum(part.n_searched for part in parts),
        n_reference=sum(part.n_reference for part in parts),
    )


def loners(suspicion: Suspicion) -> dict[str, tuple[Array, Array]]:
    """How much members and others stand alone, in the two ways that are asked about."""
    return {
        "far from everybody": (suspicion.lonely_members, suspicion.lonely_others),
        "rare categories": (suspicion.rare_members, suspicion.rare_others),
    }


def lonely(members: Array, others: Array, suspicion: Suspicion) -> Array:
    """The tenth of people, members first, with the largest of some values; the lonelier ones among equals."""
    return lonely_tenth(members, others, np.concatenate([suspicion.lonely_members, suspicion.lonely_others]))


def _strengths(
    suspicion: Suspicion, comparison: Comparison, name: str, *, groups: Mapping[str, Array] | None = None
) -> Strengths:
    rng = child(comparison.seed, "evaluation", "membership", "shuffles", name)
    return strengths(suspicion.members, suspicion.others, rng, groups=groups)
