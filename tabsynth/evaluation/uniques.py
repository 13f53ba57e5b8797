"""Uniques and disclosure by keys: what reviewers of health and census data count.

An attacker knows the keys of a person, here the quasi-identifiers of the schema on the bins of the comparison.

    repU    rows of train whose keys occur once in train and once in the synthetic table, as a share of train
    DiSCO   rows of train whose keys occur in the synthetic table with one value of the target only, and that value is
            theirs: disclosive in synthetic, correct in the original

The same is counted with equally many real holdout rows in place of the synthetic ones: they too repeat keys, and what
everybody with the same keys shares is no secret of anybody.

Decisions
- Without quasi-identifiers all other columns are keys: the strongest assumption.
- As many synthetic rows as there are strangers: a larger table repeats more keys for its size alone. Where rows are
  left out for that, the note says so, as the share of the whole release lies above what is shown.
- The target that is most exposed beyond the holdout counts; the interval holds for all of them together.

Source: Raab, Nowok & Dibben 2024, "Practical privacy metrics for synthetic data", arXiv:2406.16826.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Family, Findings, Judged, Result, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Which
from tabsynth.evaluation.intervals import Interval, around, each_of, standard_error_of_mean
from tabsynth.randomness import child
from tabsynth.schema.columns import Role

MAX_TARGETS = 6
_OTHERS: tuple[Which, ...] = ("synthetic", "holdout", "independent")


class ReplicatedUniques:
    """Share of training rows that are unique by their keys, and unique again among the synthetic rows (repU).

    Formula:
        sum over keys q of [n_q(train) = 1 and n_q(synthetic) = 1] / n(train); judged: minus the same for holdout rows.
    Units:
        A share of the training rows.
    Cost:
        A sort of all rows: below a second at 20,000.
    Source:
        See the head of this module.
    """

    name = "replicated-uniques"
    family = Family.ATTACKS
    question = "Do combinations of keys that one person of train holds occur once among the synthetic rows?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count keys that are unique on both sides.

        Privacy:
            Leaves shares of all training rows.
        """
        keys, words = _keys(comparison)
        if not keys:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        train, others = _combined(comparison, keys)
        once = np.bincount(train)[train] == 1
        hits = {which: once & (_times(codes, train) == 1) for which, codes in others.items()}
        result = _result(self, comparison, hits, level, 1)
        note = f"Keys: {words}. {int(once.sum()):,} of {len(train):,} training rows are unique by them."
        return Findings([result.model_copy(update={"notes": (note, *_looked_at(comparison))})])


class DisclosiveCorrect:
    """Share of training rows whose secret the synthetic rows with the same keys tell, unanimously and rightly (DiSCO).

    Formula:
        sum over keys q and values t of n_qt(train) [the synthetic rows with keys q exist and all hold t] / n(train);
        judged: the largest over targets, minus the same for holdout rows.
    Units:
        A share of the training rows.
    Cost:
        A sort of all rows per target, at most 6: below 2 s at 20,000.
    Source:
        See the head of this module.
    """

    name = "disclosive-correct"
    family = Family.ATTACKS
    question = "Do synthetic rows with a person's keys agree on a secret, and is it hers?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Look up the keys of every training row, for one target after another.

        Privacy:
            Leaves shares of all training rows.
        """
        targets = _targets(comparison)
        trials = []
        for target in targets:
            keys, words = _keys(comparison, target)
            if not keys:
                continue
            train, others = _combined(comparison, keys)
            own = comparison.codes("train")[target]
            hits = {
                which: _unanimous(codes, comparison.codes(which)[target], train, own) for which, codes in others.items()
            }
            trials.append((target, words, hits))
        if not trials:
            return Findings([unmeasured(self, "Needs a secret column and at least one column to know it by.")])
        results = [_result(self, comparison, hits, level, len(trials)) for _, _, hits in trials]
        excess = [result.judged.value if result.judged else 0.0 for result in results]
        worst = int(np.argmax(excess))
        ends = [result.judged.interval for result in results if result.judged and result.judged.interval]
        judged = Judged(
            what="excess over the holdout",
            value=excess[worst],
            interval=Interval(low=max(end.low for end in ends), high=max(end.high for end in ends), level=level),
        )
        note = f"Most exposed of {len(trials)} targets: {trials[worst][0]}. Keys: {trials[worst][1]}."
        whole = results[worst].model_copy(update={"judged": judged, "notes": (note, *_looked_at(comparison))})
        single = [
            result.model_copy(update={"subject": (target,)})
            for result, (target, _, _) in zip(results, trials, strict=True)
        ]
        return Findings([whole, *single])


def _looked_at(comparison: Comparison) -> tuple[str, ...]:
    """What to say where synthetic rows were left out."""
    n, every = comparison.n_compared, comparison.synthetic.n_rows
    if n >= every:
        return ()
    return (
        f"{n:,} of {every:,} synthetic rows were looked at, as many as there are strangers; those that were left out "
        "tell of people as well.",
    )


def _keys(comparison: Comparison, target: str | None = None) -> tuple[tuple[str, ...], str]:
    """Columns that the attacker knows, and in words which they are."""
    roles = {name: comparison.table.columns[name].role for name in comparison.columns}
    named = tuple(name for name, role in roles.items() if role is Role.QUASI_IDENTIFIER and name != target)
    if named:
        return named, ", ".join(named)
    rest = tuple(name for name in comparison.columns if name != target)
    return rest, "all other columns, as the schema names no quasi-identifier" if target else "all columns"


def _targets(comparison: Comparison) -> tuple[str, ...]:
    roles = {name: comparison.table.columns[name].role for name in comparison.columns}
    named = tuple(name for name, role in roles.items() if role in (Role.SENSITIVE, Role.TARGET))
    found = named or tuple(name for name, role in roles.items() if role is not Role.QUASI_IDENTIFIER)
    if len(found) > MAX_TARGETS:
        rng = child(comparison.seed, "evaluation", "uniques", "targets")
        found = tuple(found[place] for place in np.sort(rng.choice(len(found), MAX_TARGETS, replace=False)))
    return found


def _combined(comparison: Comparison, keys: tuple[str, ...]) -> tuple[Array, dict[Which, Array]]:
    """One code per combination of keys, shared by all tables: of train, and of each other table.

    Combinations are told apart by random multipliers modulo 2^64, one sort for any number of keys; two of 100,000 rows
    fall together with a chance of 1 in a billion.
    """
    tables: tuple[Which, ...] = ("train", *_OTHERS)
    rng = child(comparison.seed, "evaluation", "uniques", "multipliers")
    factors = dict(
        zip(comparison.columns, rng.integers(0, 2**63, len(comparison.columns)).astype(np.uint64), strict=True)
    )
    mixed = [
        np.asarray(
            sum((comparison.codes(which)[name].astype(np.uint64) * factors[name] for name in keys), np.uint64(0))
        )
        for which in tables
    ]
    joined = np.unique(np.concatenate(mixed), return_inverse=True)[1]
    parts = np.split(joined, np.cumsum([len(part) for part in mixed])[:-1])
    return parts[0], dict(zip(_OTHERS, parts[1:], strict=True))


def _times(codes: Array, asked: Array) -> Array:
    """How often each asked combination occurs in a table, shape (n_asked,)."""
    return np.bincount(codes, minlength=int(max(codes.max(), asked.max())) + 1)[asked]


def _unanimous(codes: Array, values: Array, asked: Array, own: Array) -> Array:
    """Whether all rows with the asked combination hold one value, and the asked one's; shape (n_asked,) bool."""
    n = int(max(codes.max(), asked.max())) + 1
    lowest, highest = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(lowest, codes, values)
    np.maximum.at(highest, codes, values)
    return np.asarray((lowest[asked] == highest[asked]) & (highest[asked] == own))


def _result(
    metric: ReplicatedUniques | DisclosiveCorrect,
    comparison: Comparison,
    hits: dict[Which, Array],
    level: float,
    n_trials: int,
) -> Result:
    """Share of training rows that are hit by synthetic rows, beside the same for holdout and naive rows."""
    people, n = comparison.train_people, len(hits["synthetic"])
    share, real, naive = (float(hits[which].mean()) for which in _OTHERS)
    own = standard_error_of_mean(hits["synthetic"].astype(np.float64), people)
    both = standard_error_of_mean(hits["synthetic"].astype(np.float64) - hits["holdout"], people)
    # Which holdout rows were drawn moves the reference as well, as much as it moves its own share.
    both = float(np.hypot(both, np.sqrt(real * (1 - real) / comparison.n_compared)))
    return answer(
        metric,
        value=share,
        interval=around(share, own, n=n, level=level),
        n=comparison.n_compared,
        reference=real,
        baseline=naive,
        judged=Judged(
            what="excess over the holdout",
            value=share - real,
            interval=around(share - real, both, n=comparison.n_compared, level=each_of(level, n_trials), lower=-1.0),
        ),
    )
