"""Relative membership disclosure, the measure that reviewers of health data know.

Half of an attack set are people of train, half are strangers. A person counts as a member when some synthetic row
differs from her in at most h cells, on bins; F is the F1 score of that guess. Calling everybody a member reaches
F = 2/3, so only what exceeds it counts:

    F_rel = (F - F_naive) / (1 - F_naive),   F_naive = 2 t / (1 + t),   t = 1/2 members in the attack set

Decisions
- h is the one of 0 to 5 that serves the attacker best; zero would miss near copies, one fixed h hangs on the columns.
- Quasi-identifiers of the schema are compared, or all columns where it names none.

Source: El Emam, Mosquera & Fang 2022, "Validating a membership disclosure metric for synthetic health data", JAMIA
Open, doi:10.1093/jamiaopen/ooac083.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.distances import differing_states
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.targets import one_row_each, too_few
from tabsynth.randomness import child
from tabsynth.schema.columns import Role

MAX_TARGETS = 2_000
MAX_SEARCHED = 20_000
MAX_DIFFERING = 5
_RESAMPLES = 400
_NAIVE = 2 / 3


class MembershipDisclosure:
    """Relative F1 of guessing membership by a synthetic row that differs in few cells.

    Formula:
        (F - 2/3) / (1/3), F = 2 P R / (P + R) of "some synthetic row differs in at most h binned cells", the best h
        of 0 to 5.
    Units:
        A share: 0 or less is no better than calling everybody a member, 1 is no error.
    Cost:
        4,000 people x 20,000 rows x columns x 0.5 ns, twice: 2 s at 15 columns.
    Source:
        See the head of this module.
    """

    name = "membership-disclosure"
    family = Family.ATTACKS
    question = "Does a synthetic row that resembles a person say that she was in train?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Compare people of train and strangers with synthetic rows, cell by cell.

        Privacy:
            Leaves shares over all people.
        """
        roles = {name: comparison.table.columns[name].role for name in comparison.columns}
        names = tuple(name for name, role in roles.items() if role is Role.QUASI_IDENTIFIER) or comparison.columns
        if not names:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        targets = one_row_each(comparison, MAX_TARGETS, self.name)
        if not targets.enough:
            return Findings([unmeasured(self, too_few(targets), undecided=True)])
        n = min(targets.train.n_rows, targets.holdout.n_rows)
        rng = child(comparison.seed, "evaluation", "membership-disclosure")
        members, strangers = (
            _fewest_differing(comparison, part.take(np.sort(rng.permutation(part.n_rows)[:n])), made, names, rng)
            for part, made in ((targets.train, comparison.synthetic), (targets.holdout, comparison.synthetic))
        )
        limits = range(min(MAX_DIFFERING, len(names) - 1) + 1)
        scores = [relative_f1(members <= h, strangers <= h) for h in limits]
        best = int(np.argmax(scores))
        drawn = rng.integers(0, n, (_RESAMPLES, 2, n))
        again = [relative_f1(members[a] <= best, strangers[b] <= best) for a, b in drawn]
        low, high = np.quantile(again, ((1 - level) / 2, (1 + level) / 2))
        # The same guess when strangers play both parts, and with naive rows.
        halves = rng.permutation(n)
        one, other = strangers[halves[: n // 2]], strangers[halves[n // 2 : 2 * (n // 2)]]
        naive = comparison.compared("independent")
        invented = [
            _fewest_differing(comparison, part.take(np.arange(n)), naive, names, rng)
            for part in (targets.train, targets.holdout)
        ]
        whole = answer(
            self,
            value=scores[best],
            interval=Interval(low=min(float(low), scores[best]), high=max(float(high), scores[best]), level=level),
            n=n,
            reference=max(relative_f1(one <= h, other <= h) for h in limits),
            baseline=max(relative_f1(invented[0] <= h, invented[1] <= h) for h in limits),
            notes=(
                f"{n:,} people of train and as many strangers; best at up to {best} differing cells of {len(names)}. "
                "Zero is what calling everybody a member reaches.",
            ),
        )
        return Findings([whole])


def relative_f1(members: Array, strangers: Array) -> float:
    """Relative F1 of equally many members and strangers, given who is taken for a member."""
    right, wrong = int(members.sum()), int(strangers.sum())
    f1 = 2 * right / (len(members) + right + wrong)
    return (f1 - _NAIVE) / (1 - _NAIVE)


def _fewest_differing(
    comparison: Comparison, people: Rows, made: Rows, names: tuple[str, ...], rng: np.random.Generator
) -> Array:
    """Cells in which the most similar made row differs from each person, on bins; (n_people,)."""
    if made.n_rows > MAX_SEARCHED:
        made = made.take(np.sort(rng.choice(made.n_rows, MAX_SEARCHED, replace=False)))
    asked, searched = (
        np.stack([comparison.bins[name].code(rows.columns[name]) for name in names]).astype(np.float32)
        for rows in (people, made)
    )
    return differing_states(np.ascontiguousarray(asked.T), searched)
