"""Which real rows play which role: train, holdout, attack reference and test, each of other people.

    train      the generator learned from them
    holdout    strangers: what is asked about people of train is asked about them; what fidelity is held against
    reference  what an attacker is given to know what strangers are like
    test       what models that learned from synthetic rows are tested on

Decisions
- One part for each role where people are enough: nobody who is asked about helps the attacker, and no row both marks a
  model and a distribution. Where there are fewer than MIN_APART people besides train, a part of its own for each role
  would cost more certainty than it brings: the holdout plays all three, and the reference is it and train without the
  fold of whoever is asked about (`membership_attacks.py`). The report says which.
- Two fifths each for holdout and reference, since an attack is as strong as the smaller of the two; a fifth for test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.split import split_people
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable

MIN_APART = 5_000
"""People besides train from whom on each role has a part of its own."""
SHARES = {"holdout": 0.4, "reference": 0.4, "test": 0.2}


class Roles(Part):
    """How real rows besides train were used."""

    apart: bool
    """Whether holdout, attack reference and test are rows of different people."""
    given: bool
    """Whether any of them came as a part of its own."""
    shared: tuple[str, ...] = ()
    """Roles that the holdout plays besides its own."""
    n_people: dict[str, int]
    """People of train, holdout, reference and test; the same people count in each role that they play."""

    @property
    def words(self) -> str:
        """The same in a sentence."""
        n = self.n_people
        if self.apart:
            how = "as given" if self.given else "parted by seed"
            return (
                f"Besides train, real rows are of {n['holdout']:,} people in the holdout, {n['reference']:,} in the "
                f"attack reference and {n['test']:,} in the test rows, nobody in two of them ({how})."
            )
        if self.given:
            return (
                f"The {n['holdout']:,} people of the holdout also play the "
                f"{' and the '.join(_NAMES[role] for role in self.shared)}, for which no rows were given."
            )
        return (
            f"The {n['holdout']:,} people of the holdout also play the attack reference and the test rows, as fewer "
            f"than {MIN_APART:,} people besides train are too few for a part each."
        )


_NAMES = {"reference": "attack reference", "test": "test rows"}


def part_roles(
    holdout: TypedTable, table: Table, apart: Mapping[str, TypedTable], *, seed: int
) -> tuple[TypedTable, dict[str, TypedTable], Array | None]:
    """Give each role its rows.

    Args:
        holdout: Real rows besides train.
        table: Their schema.
        apart: Rows that were given for `reference` and `test`; where any are, nothing is parted.
        seed: Seed of the parting.

    Returns:
        The holdout, `reference` and `test` where these are rows of their own, and the numbers of the rows that the
        holdout has kept, (n_kept,); None where it was not parted.
    """
    people = person_codes(holdout, table)
    n_people = int(people.max()) + 1 if len(people) else 0
    if apart or n_people < MIN_APART:
        return holdout, dict(apart), None
    rows = split_people(people, SHARES, seed=seed)
    others = {role: holdout.take(rows[role]) for role in ("reference", "test")}
    return holdout.take(rows["holdout"]), others, rows["holdout"]


def roles_of(comparison: Comparison, *, given: bool) -> Roles:
    """Which roles the rows of a comparison play."""
    parts: tuple[Literal["train", "holdout", "reference", "test"], ...] = ("train", "holdout", "reference", "test")
    return Roles(
        apart=set(comparison.apart) == {"reference", "test"},
        given=given,
        shared=tuple(role for role in ("reference", "test") if role not in comparison.apart),
        n_people={which: int(comparison.people(which).max()) + 1 for which in parts},
    )


def person_codes(part: TypedTable, table: Table) -> Array:
    """Person of each row, shape (n_rows,), from 0; without an `entity_key`, every row is a person."""
    if table.entity_key is None:
        return np.arange(part.n_rows)
    key = part.columns[table.entity_key]
    codes = pd.factorize(pd.Series(key.array))[0]
    codes[key.missing] = codes.max(initial=-1) + 1 + np.arange(int(key.missing.sum()))
    return np.unique(codes, return_inverse=True)[1]
