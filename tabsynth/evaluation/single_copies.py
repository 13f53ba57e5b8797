"""Copies of rows that one person alone has: does this release hold more of them than chance explains?

`copies.py` asks how often a generator copies, and a few hundred rows leave one in a hundred open. This metric asks
about the release at hand: all of its rows were compared, so the number of copies in it is known, and only how many of
them chance explains is estimated.

Decisions
- Only rows that one person of train alone has. What several people share is common, and an honest generator may draw it
  more often than a holdout does.
- What strangers share by chance is counted among all pairs of real people, those within train and within holdout as
  well, where these agree with the pairs between the two: a holdout of a thousand rows alone could not tell five copies
  in a thousand from none.
- No model of how improbable a row is: in many tables people stand twice by mistake, and a model that finds a row
  improbable would take the fresh second record of such a person for a copy. Real pairs count those, too.
- Where the release has more rows than train has people, copies are held against the people: else copies of everybody
  would pass among rows enough that are none.
- A release without a copy passes, however small it is: it holds none. What its generator might do next is asked by
  `exact-copies` and by the attacks.
- Rows of people who were kept apart are real, too. A release that repeats them (of a model that learned from the whole
  table, or a mistaken file) is taken for one that holds strangers by every number that compares it with strangers, so
  it is asked here. They are judged only where they are more than chance explains, and worse than copies of train.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.copies import row_codes
from tabsynth.evaluation.intervals import Interval, newcombe, wilson
from tabsynth.evaluation.profiles import people_per_code

RealPart = Literal["holdout", "reference", "test"]

KEPT_APART = "excess of people kept apart"
"""Name of the judged number where rows of real people besides train are in the release."""


class SingleCopies:
    """Share of synthetic rows that equal a row which one person of train alone has.

    Formula:
        c = P(s in T1), T1 the rows of train that one person has; judged: (c - r) max(1, n_S / N_T), r the same of
        strangers: of holdout rows, and of training rows with the other people of train; n_S rows of the release, N_T
        people of train. The same of real rows besides train, where that is above chance and above the former.
    Units:
        A share of rows, 0 to 1; judged, of people where these are fewer than the rows.
    Cost:
        A sort of every column: 0.1 s at 20,000 rows x 15 columns.
    Source:
        The "unique exact matches" of NIST's SDNist report; replicated rows against a holdout, Platzer & Reutterer 2021,
        doi:10.3389/fdata.2021.679939.
    """

    name = "single-copies"
    family = Family.COPIES
    question = "Does this release repeat rows that only one person has?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count rows of synthetic and of strangers that equal a row of one person of train.

        Privacy:
            Leaves counts.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        train, synthetic, holdout, independent, *apart = row_codes(
            comparison.train,
            comparison.synthetic,
            comparison.holdout,
            comparison.compared("independent"),
            *comparison.apart.values(),
        )
        n_codes = int(max(part.max() for part in (train, synthetic, holdout, independent, *apart))) + 1
        owners = people_per_code(train, comparison.train_people, n_codes)
        n, m = len(synthetic), len(holdout)
        copies, coincidences = (int((owners[rows] == 1).sum()) for rows in (synthetic, holdout))
        # Two people of train who share a row are one event seen from both sides: half the events among half the rows.
        # Within holdout there are m²/2 pairs, as many as m²/2n rows have with the n rows of train.
        chance, n_chance = _together(
            (coincidences, m),
            (_shared_by_two(train, owners), len(train) // 2),
            (_shared_by_two(holdout, _owners(comparison, "holdout", holdout, n_codes)), m * m // (2 * len(train))),
            level=level,
        )
        excess = unexplained(copies, n, chance, n_chance, level=level)
        n_people = int(comparison.people("train").max()) + 1
        times = max(1.0, n / n_people)
        others: dict[RealPart, Array] = {"holdout": holdout}
        others |= {cast(RealPart, which): rows for which, rows in zip(comparison.apart, apart, strict=True)}
        owners_apart = sum(_owners(comparison, which, rows, n_codes) for which, rows in others.items())
        copies_apart = int(((owners_apart == 1) & (owners == 0))[synthetic].sum())
        n_apart = sum(map(len, others.values()))
        # A row meets one of so many by chance as often as there are more or fewer of them than rows of train.
        asked = max(1, round(n_chance * len(train) / n_apart))
        excess_apart = unexplained(copies_apart, n, min(chance, asked), asked, level=level)
        times_apart = max(1.0, n / sum(len(np.unique(comparison.people(which))) for which in others))
        notes = [
            f"{copies:,} of {n:,} rows. Among strangers {chance:,} of {n_chance:,} coincide by chance with a row that "
            "one person has."
        ]
        if times > 1:
            notes.append("The release has more rows than train has people: the excess is a share of the people.")
        what, extra = "excess over strangers", copies / n - chance / n_chance
        if times_apart * excess_apart.low > max(0.0, times * excess.low):
            what, extra = KEPT_APART, copies_apart / n - min(chance, asked) / asked
            times, excess = times_apart, excess_apart
            notes.insert(
                0,
                f"{copies_apart:,} of {n:,} rows equal a row of one person who was kept apart from the generator: it "
                "has learned from them, or the release is made of real rows.",
            )
        whole = answer(
            self,
            value=copies / n,
            interval=Interval(low=copies / n, high=copies / n, level=level),
            n=min(n, m, n_people),
            reference=coincidences / m,
            baseline=float((owners[independent] == 1).mean()),
            judged=Judged(
                what=what,
                value=max(-1.0, min(1.0, times * extra)),
                interval=Interval(
                    low=max(-1.0, min(1.0, times * excess.low)), high=min(1.0, times * excess.high), level=level
                ),
            ),
            notes=tuple(notes),
        )
        return Findings([whole])


def unexplained(copies: int, n: int, chance: int, n_chance: int, *, level: float) -> Interval:
    """Interval of the share of copies in a release that chance does not explain.

    Args:
        copies: Copies in the release.
        n: Its rows.
        chance: Coincidences among strangers.
        n_chance: Strangers that were asked.
        level: Confidence level.

    Returns:
        Below, Newcombe's end: so many copies could be a lucky draw. Above, the copies less the fewest that chance
        brings about in n rows: all rows were compared, so that no more are there.

    Example:
        >>> round(unexplained(5, 1_000, 0, 2_000, level=0.95).low, 4), unexplained(0, 50, 0, 50, level=0.95).high
        (0.0016, 0.0)
    """
    low = newcombe(copies, n, chance, n_chance, level=level).low
    rate = wilson(chance, n_chance, level=level).low
    fewest = float(stats.binom.ppf((1 - level) / 2, n, rate))
    return Interval(low=low, high=(copies - fewest) / n, level=level)


def _shared_by_two(train: Array, owners: Array) -> int:
    """Rows that two people of train have."""
    return int((owners[np.unique(train)] == 2).sum())


def _owners(comparison: Comparison, which: RealPart, rows: Array, n_codes: int) -> Array:
    """Number of people of a real part besides train behind each code, shape (n_codes,)."""
    people = comparison.people(which) if comparison.table.entity_key is not None else None
    return people_per_code(rows, people, n_codes)


def _together(first: tuple[int, int], *others: tuple[int, int], level: float) -> tuple[int, int]:
    """Coincidences among strangers, and how many were asked: the first count, and each other that agrees with it."""
    events, n = first
    for more, asked in others:
        apart = newcombe(events, n, more, asked, level=level)
        if apart.low <= 0 <= apart.high:
            events, n = events + more, n + asked
    return events, n
