"""Attribute inference: does the synthetic table tell an attacker a secret of a person whose other columns she knows?

The attacker knows some columns of a person, looks up the synthetic row that is nearest in them, and takes its value of
the secret column for the person's. The same is done to people of holdout, about whom the synthetic rows can only tell
what they tell about anybody. What succeeds on train beyond that is memory; what succeeds beyond the best guess without
a record is inference, which is what a useful table is for, and is shown beside it.

Decisions
- Hits count by rarity: minus the log of the chance that a random guess is right, so that guessing "No" for everybody
  earns little (rarity-weighted advantage). The guess without a record is the most frequent value.
- One nearest row, not a model: a model smooths away what the generator repeats.
- Which columns are secret and which are known is the schema's word (roles); where it says nothing, each column is
  taken as the secret in turn, all others being known: the strongest assumption.

Source: correct attribution probability (CAP), Taub et al. 2018, doi:10.1007/978-3-319-99771-1_9; the opinion 05/2014 of
the Article 29 Working Party names inference as one of three risks.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.distances import Encoder, nearest_rows
from tabsynth.evaluation.targets import AttackBars, Success, bars, excess, one_row_each, too_few, worst_excess
from tabsynth.randomness import child
from tabsynth.schema.columns import Role

MAX_TARGETS = 2_000
MAX_SEARCHED = 20_000
MAX_SECRETS = 6
TOLERANCE = 0.025
"""How far a guessed number may be off, as a share of the people between it and the truth."""
_CANDIDATES = 100


class AttributeScores(Detail):
    """One attack per secret column."""

    known: tuple[str, ...]
    """Columns that the attacker knows; empty: all but the secret."""
    attacks: tuple[AttackBars, ...]


class AttributeInference:
    """Rarity-weighted share of secrets that the nearest synthetic row tells, on train beyond strangers.

    Formula:
        A(T) = sum_x w(x) [guess(x) hits] / sum_x w(x), w = -log P(a random guess hits); judged: max over secrets of
        A(train) - A(holdout).
    Units:
        A share of rarity, 0 to 1. A number is hit within 2.5 % of the people.
    Cost:
        n_secrets x 4,000 people x 20,000 rows x columns x 0.5 ns: 4 s at 15 columns and 6 secrets.
    Source:
        See the head of this module.
    """

    name = "attribute-inference"
    family = Family.ATTACKS
    question = "Does the synthetic table tell secrets of people of train better than those of strangers?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Guess every secret column of people of train and of holdout.

        Privacy:
            Leaves shares over all people and names of columns.
        """
        known, secrets = _roles(comparison)
        if not secrets or len(comparison.columns) < 2:
            return Findings([unmeasured(self, "Needs a secret column and at least one column to know it by.")])
        targets = one_row_each(comparison, MAX_TARGETS, self.name)
        if not targets.enough:
            return Findings([unmeasured(self, too_few(targets), undecided=True)])
        rng = child(comparison.seed, "evaluation", "attribute", "searched")
        searched = comparison.synthetic
        if searched.n_rows > MAX_SEARCHED:
            searched = searched.take(np.sort(rng.choice(searched.n_rows, MAX_SEARCHED, replace=False)))
        trials, naive = [], []
        for secret in secrets:
            columns = tuple(name for name in (known or comparison.columns) if name != secret)
            people = (targets.train, targets.holdout)
            encoder = Encoder((searched, *people), comparison.scales, columns, encodings=("quantile",))
            rows = encoder.points(searched)
            measure = _Truth(searched, people, secret, discrete=comparison.scales[secret].discrete)
            found = []
            for part in people:
                guess = searched.columns[secret][nearest_rows(encoder.points(part), rows, 1)[:, 0]]
                found.append(measure.success(guess, part.columns[secret]))
            trials.append((found[0], found[1]))
            prior = np.full(targets.train.n_rows, measure.prior())
            naive.append(measure.success(prior, targets.train.columns[secret]).value)
        worst, judged = worst_excess(trials, level)
        attacks = tuple(
            bars(secret, *trial, prior, level) for secret, trial, prior in zip(secrets, trials, naive, strict=True)
        )
        notes = [
            f"Most exposed of {len(secrets)} secret columns: {secrets[worst]}. Known: "
            f"{', '.join(known) if known else 'all other columns'}.",
            f"{targets.train.n_rows:,} people of train and {targets.holdout.n_rows:,} strangers; in place of real rows "
            "stand the strangers, in place of naive rows the best guess without a record.",
        ]
        if not _declared(comparison):
            notes.append("The schema names no sensitive column, so columns were taken in turn; give them roles.")
        train, control = trials[worst]
        whole = answer(
            self,
            value=train.value,
            interval=train.interval(level),
            n=min(train.n, control.n),
            reference=control.value,
            baseline=naive[worst],
            judged=judged,
            notes=tuple(notes),
        )
        single = [
            whole.model_copy(
                update={
                    "subject": (secret,),
                    "value": trial[0].value,
                    "interval": trial[0].interval(level),
                    "reference": trial[1].value,
                    "baseline": prior,
                    "judged": judged.model_copy(
                        update={"value": trial[0].value - trial[1].value, "interval": excess(*trial, level)}
                    ),
                    "notes": (),
                }
            )
            for secret, trial, prior in zip(secrets, trials, naive, strict=True)
        ]
        return Findings([whole, *single], AttributeScores(known=known, attacks=attacks))


def _declared(comparison: Comparison) -> tuple[str, ...]:
    roles = {name: comparison.table.columns[name].role for name in comparison.columns}
    return tuple(name for name, role in roles.items() if role in (Role.SENSITIVE, Role.TARGET))


def _roles(comparison: Comparison) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Known columns (empty: all others) and secret columns, at most MAX_SECRETS of them drawn by seed."""
    secrets = _declared(comparison) or comparison.columns
    if len(secrets) > MAX_SECRETS:
        rng = child(comparison.seed, "evaluation", "attribute", "secrets")
        secrets = tuple(secrets[place] for place in np.sort(rng.choice(len(secrets), MAX_SECRETS, replace=False)))
    known = tuple(name for name in comparison.columns if comparison.table.columns[name].role is Role.QUASI_IDENTIFIER)
    return (known if set(known) - set(secrets) else ()), secrets


class _Truth:
    """When a guess of one column hits, and what a hit is worth."""

    def __init__(self, searched: Rows, people: tuple[Rows, Rows], secret: str, *, discrete: bool) -> None:
        cells = np.concatenate([part.columns[secret] for part in people])
        self._discrete = discrete
        self._gaps = float(np.isnan(cells).mean())
        self._n = len(cells)
        self._sorted = np.sort(cells[~np.isnan(cells)])
        self._made = searched.columns[secret]

    def _rank(self, values: Array) -> Array:
        at = np.searchsorted(self._sorted, values, "left") + np.searchsorted(self._sorted, values, "right")
        return np.asarray(at / (2 * max(1, len(self._sorted))))

    def _hits(self, guess: Array, truth: Array) -> Array:
        gaps = np.isnan(guess) & np.isnan(truth)
        if self._discrete:
            return np.asarray((guess == truth) | gaps)
        near = np.abs(self._rank(guess) - self._rank(truth)) <= TOLERANCE
        return np.asarray((near & ~np.isnan(guess) & ~np.isnan(truth)) | gaps)

    def _worth(self, truth: Array) -> Array:
        """Minus the log of the chance that the value of a random person would be a hit, shape (n,)."""
        present = np.nan_to_num(truth)
        if self._discrete:
            low, high = (np.searchsorted(self._sorted, present, side) for side in ("left", "right"))
            share = (high - low) / self._n
        else:
            ranks = self._rank(self._sorted)  # ascending
            own = self._rank(present)
            low = np.searchsorted(ranks, own - TOLERANCE, "left")
            high = np.searchsorted(ranks, own + TOLERANCE, "right")
            share = (high - low) / self._n
        share = np.where(np.isnan(truth), self._gaps, share)
        return np.asarray(-np.log(np.clip(share, 0.5 / self._n, 1.0)))

    def success(self, guess: Array, truth: Array) -> Success:
        """Rarity-weighted share of hits."""
        return Success.of(self._hits(guess, truth).astype(float), self._worth(truth))

    def prior(self) -> float:
        """The one value that most synthetic rows hold, or come near."""
        made = np.sort(self._made)
        candidates = np.unique(made[np.linspace(0, len(made) - 1, min(_CANDIDATES, len(made))).astype(int)])
        some = made[np.linspace(0, len(made) - 1, min(2_000, len(made))).astype(int)]
        values = [int(self._hits(np.full(len(some), value), some).sum()) for value in candidates]
        return float(candidates[int(np.argmax(values))])
