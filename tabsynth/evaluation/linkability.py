"""Linkability: can two halves of a person's record be put together with the help of the synthetic table?

One data set holds some columns of a person, another the other columns, and no key is common. The attacker looks up the
synthetic rows nearest to the one half and those nearest to the other; where the same synthetic row is among both, the
halves are linked. People of holdout are linked in the same way as a control, and halves of two different people show
what links by accident.

Decisions
- Many random splits and the worst of them, with the search paid for: which half an attacker holds is not known.
- Which rows are nearest is decided in rank encoding, ties by row number, for train and control alike.

Source: the opinion 05/2014 of the Article 29 Working Party names linkability as one of three risks; nearest synthetic
rows as links follow the record-linkage literature (Domingo-Ferrer & Torra 2003, doi:10.1023/A:1025618520543).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.distances import Encoder, nearest_rows
from tabsynth.evaluation.targets import AttackBars, Success, bars, one_row_each, too_few, worst_excess
from tabsynth.randomness import child

MAX_TARGETS = 1_000
MAX_SEARCHED = 20_000
SPLITS = 6
NEIGHBOURS = 3


class LinkScores(Detail):
    """One attack per split of the columns."""

    attacks: tuple[AttackBars, ...]


class Linkability:
    """Share of people whose two half records meet in the synthetic table, on train beyond strangers.

    Formula:
        L(T) = mean over x of [N_3(x_A; S) and N_3(x_B; S) share a row]; judged: max over splits (A, B) of
        L(train) - L(holdout).
    Units:
        A share of people, 0 to 1.
    Cost:
        6 splits x 2,000 people x 20,000 rows x (columns x 0.5 + 8) ns: 4 s at 15 columns.
    Source:
        See the head of this module.
    """

    name = "linkability"
    family = Family.ATTACKS
    question = "Can two halves of a record be linked through the synthetic table?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Split the columns at random, several times, and link the halves.

        Privacy:
            Leaves shares over all people and names of columns.
        """
        names = comparison.columns
        if len(names) < 2:
            return Findings([unmeasured(self, "Needs at least two modelled columns to part.")])
        targets = one_row_each(comparison, MAX_TARGETS, self.name)
        if not targets.enough:
            return Findings([unmeasured(self, too_few(targets), undecided=True)])
        rng = child(comparison.seed, "evaluation", "linkability")
        searched = comparison.synthetic
        if searched.n_rows > MAX_SEARCHED:
            searched = searched.take(np.sort(rng.choice(searched.n_rows, MAX_SEARCHED, replace=False)))
        people = (targets.train, targets.holdout)
        halves = {tuple(sorted(rng.permutation(len(names))[: len(names) // 2])) for _ in range(SPLITS)}
        trials, naive = [], []
        for half in sorted(halves):
            one = tuple(names[place] for place in half)
            other = tuple(name for name in names if name not in one)
            near = [self._near(comparison, searched, people, columns) for columns in (one, other)]
            met = [_meet(near[0][side], near[1][side]) for side in (0, 1)]
            trials.append((Success.of(met[0]), Success.of(met[1])))
            naive.append(float(_meet(near[0][0], np.roll(near[1][0], 1, axis=0)).mean()))
        worst, judged = worst_excess(trials, level)
        train, control = trials[worst]
        whole = answer(
            self,
            value=train.value,
            interval=train.interval(level),
            n=min(train.n, control.n),
            reference=control.value,
            baseline=naive[worst],
            judged=judged,
            notes=(
                f"The worst of {len(trials)} random splits of the columns; {train.n:,} people of train, {control.n:,} "
                "strangers. In place of real rows stand the strangers, in place of naive rows halves of two people.",
            ),
        )
        attacks = tuple(
            bars(f"split {number + 1}", *trial, prior, level)
            for number, (trial, prior) in enumerate(zip(trials, naive, strict=True))
        )
        return Findings([whole], LinkScores(attacks=attacks))

    def _near(
        self, comparison: Comparison, searched: Rows, people: tuple[Rows, Rows], columns: tuple[str, ...]
    ) -> list[Array]:
        """Nearest synthetic rows of people of train and of holdout in some columns; (n_people, NEIGHBOURS) each."""
        encoder = Encoder((searched, *people), comparison.scales, columns, encodings=("quantile",))
        rows = encoder.points(searched)
        return [nearest_rows(encoder.points(part), rows, NEIGHBOURS) for part in people]


def _meet(one: Array, other: Array) -> Array:
    """Whether two lists of rows share one, for each person; (n_people,) of 0 and 1."""
    return np.asarray((one[:, :, None] == other[:, None, :]).any(axis=(1, 2)).astype(float))
