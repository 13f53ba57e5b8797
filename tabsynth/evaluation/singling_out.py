"""Singling out: do conditions read off the synthetic table isolate one person of train more often than they should?

A condition on a few columns ("ward is D, age at least 91") that fits exactly one synthetic row is tried on train. Any
condition of weight w isolates somebody in n people with probability n w (1 - w)^(n - 1), at most 0.37, without knowing
anything about them; so the control is what conditions of equal weight would reach. Only what goes beyond it singles
people out.

Decisions
- The weight of each condition is estimated on the holdout: the posterior of w given its matches there, under a Beta
  prior fitted to all conditions. The control is the expectation of n w (1 - w)^(n - 1) under it.
- A condition grows by one random column at a time and stops as soon as it fits one synthetic row, so it is no narrower
  than it has to be: the more columns, the more isolates by itself.
- Equal synthetic rows count as one: a release with every row twice would else hold no condition that fits one row.
- Numbers are bounded on the side of their tail, as a person stands out by an extreme, not by a middling value.

Source: predicate singling out and its baseline, Cohen & Nissim 2020, "Towards formalizing the GDPR's notion of singling
out", doi:10.1073/pnas.1914598117; the risk is named by the opinion 05/2014 of the Article 29 Working Party.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import betaln

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.copies import row_codes
from tabsynth.evaluation.intervals import newcombe, wilson
from tabsynth.evaluation.targets import MIN_TARGETS, AttackBars, one_row_each, too_few
from tabsynth.randomness import child

MAX_TARGETS = 20_000
MAX_SEARCHED = 20_000
CONDITIONS = 1_000
MIN_CONDITIONS = 50
_TRIES = 3_000
_MAX_COLUMNS = 8

Condition = tuple[tuple[str, str, float], ...]
"""Column, test and value, all of which must hold."""


class SinglingScores(Detail):
    """The attack on train beside conditions of equal weight."""

    attacks: tuple[AttackBars, ...]
    n_conditions: int


class SinglingOut:
    """Share of conditions true of one synthetic row that isolate one person of train, beyond equal weight.

    Formula:
        P(c(train) = 1) - E[n w (1 - w)^(n - 1)], over conditions with c(synthetic) = 1.
    Units:
        A share of conditions, 0 to 1.
    Cost:
        1,000 conditions x 8 columns x 20,000 rows x 2 ns, four times: 3 s.
    Source:
        See the head of this module.
    """

    name = "singling-out"
    family = Family.ATTACKS
    question = "Do conditions read off the synthetic table isolate single people of train?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Draw conditions from synthetic rows and try them on train and on holdout.

        Privacy:
            Leaves shares; no condition, as some of them hold a person's values.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        targets = one_row_each(comparison, MAX_TARGETS, self.name)
        if not targets.enough:
            return Findings([unmeasured(self, too_few(targets), undecided=True)])
        made = _isolating(comparison, comparison.synthetic, "synthetic")
        if len(made) < MIN_CONDITIONS:
            note = f"Fewer than {MIN_CONDITIONS} conditions fit a single synthetic row; the columns allow few rows."
            return Findings([unmeasured(self, note)])
        n_train, n_holdout = targets.train.n_rows, targets.holdout.n_rows
        isolated = int((_counts(made, targets.train) == 1).sum())
        expected = equal_weight(_counts(made, targets.holdout), n_holdout, n_train)
        naive = _isolating(comparison, comparison.compared("independent"), "independent")
        by_naive = float((_counts(naive, targets.train) == 1).mean()) if naive else 0.0
        n, value = len(made), isolated / len(made)
        difference = newcombe(isolated, n, round(expected * n), n, level=level)
        whole = answer(
            self,
            value=value,
            interval=wilson(isolated, n, level=level),
            n=n,
            reference=expected,
            baseline=by_naive,
            judged=Judged(what="excess over equal weight", value=value - expected, interval=difference),
            notes=(
                f"{n:,} conditions of up to {_MAX_COLUMNS} columns, tried on {n_train:,} people of train; what is "
                "counted as rows is conditions. In place of real rows stand conditions of equal weight, by their "
                f"matches among {n_holdout:,} strangers.",
            ),
        )
        attack = AttackBars(
            name="conditions",
            n_train=n,
            n_holdout=n,
            train=round(value, 5),
            train_interval=wilson(isolated, n, level=level),
            control=round(expected, 5),
            control_interval=wilson(round(expected * n), n, level=level),
            naive=round(by_naive, 5),
            excess=round(value - expected, 5),
            excess_interval=difference,
        )
        return Findings([whole], SinglingScores(attacks=(attack,), n_conditions=n))


def equal_weight(matches: Array, n_holdout: int, n_train: int) -> float:
    """Expected share of isolations among `n_train` people by conditions that know nothing of them.

    Args:
        matches: Strangers that each condition fits, shape (n_conditions,).
        n_holdout: Strangers.
        n_train: People that are to be isolated.

    Example:
        >>> round(equal_weight(np.ones(500), 1000, 1000), 2)  # weight 1 / n isolates in 37 % of tries
        0.37
    """
    mean = max(float(matches.mean()), 1e-3) / n_holdout
    spread = max(0.0, float(matches.var()) - float(matches.mean())) / n_holdout**2  # beyond binomial
    strength = mean * (1 - mean) / spread - 1 if spread > 0 else 1e6
    strength = float(np.clip(strength, 0.1 / mean, 1e6 / mean))
    a, b = mean * strength + matches, (1 - mean) * strength + n_holdout - matches
    return float(np.mean(n_train * np.exp(betaln(a + 1, b + n_train - 1) - betaln(a, b))))


def _isolating(comparison: Comparison, rows: Rows, name: str) -> list[Condition]:
    """Different conditions that fit exactly one of the rows; rows that are equal count as one."""
    rng = child(comparison.seed, "evaluation", "singling-out", name)
    rows = rows.take(np.sort(np.unique(row_codes(rows)[0], return_index=True)[1]))
    if rows.n_rows > MAX_SEARCHED:
        rows = rows.take(np.sort(rng.choice(rows.n_rows, MAX_SEARCHED, replace=False)))
    if rows.n_rows < MIN_TARGETS:
        return []
    names = comparison.columns
    middle = {n: float(np.nanmedian(v)) if not np.isnan(v).all() else 0.0 for n, v in rows.columns.items()}
    kept: dict[Condition, None] = {}
    for _ in range(_TRIES):
        row = int(rng.integers(rows.n_rows))
        parts: list[tuple[str, str, float]] = []
        fits = np.ones(rows.n_rows, dtype=bool)
        for column in (names[place] for place in rng.permutation(len(names))[:_MAX_COLUMNS]):
            value = float(rows.columns[column][row])
            if np.isnan(value):
                test = "missing"
            elif comparison.scales[column].discrete:
                test = "is"
            else:
                test = "at least" if value >= middle[column] else "at most"
            parts.append((column, test, value))
            fits &= _fits(test, value, rows.columns[column])
            if fits.sum() == 1:
                kept[tuple(sorted(parts))] = None
                break
        if len(kept) == CONDITIONS:
            break
    return list(kept)


def _fits(test: str, value: float, cells: Array) -> Array:
    if test == "missing":
        return np.isnan(cells)
    if test == "is":
        return np.asarray(cells == value)
    return np.asarray(cells >= value if test == "at least" else cells <= value)


def _counts(conditions: list[Condition], rows: Rows) -> Array:
    """Rows that each condition fits, shape (n_conditions,)."""
    counts = np.zeros(len(conditions), dtype=np.int64)
    for number, condition in enumerate(conditions):
        fits = np.ones(rows.n_rows, dtype=bool)
        for column, test, value in condition:
            fits &= _fits(test, value, rows.columns[column])
        counts[number] = fits.sum()
    return counts
