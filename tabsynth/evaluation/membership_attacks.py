"""Attacks that guess who was in train, from the synthetic rows and from real rows of other people.

The attacker holds the synthetic table S, a reference table R of people of the same kind, and the record x of a person.
In brackets the name in the report:

    log d(x, R) - log d(x, S)                                  (nearest ratio)
    d(x, R) - d(x, S)                                          (nearest difference)
    log sum_S exp(-d(x, s) / h) - log sum_R exp(-d(x, r) / h)  (density ratio; DOMIAS with a kernel)
    log P(S | x) - log P(R | x) by boosted trees               (classifier)
    errors of models of R less those of models of S, on x      (error prediction; `membership_errors.py`)

Each of the first three runs under every encoding; `combined` is the mean rank of the density ratios. The nearest and
the density ratio also run on some columns alone (`column_subsets`). No shadow model is trained, and the generator is
not asked.

Decisions
- Calibrated, always: a distance to S alone says how ordinary a person is, not whether the generator has seen her.
- Where real rows are kept apart for it, the reference is a part of its own. Else it is all real rows, of train and of
  holdout, without the asked person's fold: then nothing but the label tells members from others, and shuffling labels
  is exact. A reference of the holdout alone knows others and not members: their scores hang together, and 8 % of
  innocent releases raised an alarm at 5 % (`evaluations/null_alarms.py`). One search in groups gives all folds.
- A person is asked about once: with several rows, the most suspicious one counts.
- Synthetic rows are never thinned out below the limit, asked people are: a share of people can be estimated from some
  of them, but a copy whose twin was dropped is lost.
- h is the median distance to the nearest reference row: neither S nor a label decides it.

Source: calibrated distances, Chen et al. 2020, "GAN-Leaks", doi:10.1145/3372297.3417238; the density ratio, van Breugel
et al. 2023 (DOMIAS), arXiv:2302.12580; the classifier, Hayes et al. 2019 (LOGAN), doi:10.2478/popets-2019-0008;
isolated people, Meeus et al. 2023, arXiv:2306.10308.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tabsynth.evaluation.comparison import Array, Comparison, Rows, Scale
from tabsynth.evaluation.distances import ENCODINGS, Encoder
from tabsynth.evaluation.membership_distances import column_subsets, near_scores, subset_scores
from tabsynth.evaluation.membership_errors import error_scores
from tabsynth.randomness import child, deterministic_threads

FOLDS = 4
MIN_PEOPLE = 40
MAX_ASKED = 10_000
MAX_SEARCHED = 50_000
MAX_REFERENCE = 20_000
STEP_BUDGET = 2.5e10
"""Elementary steps of one search; about 12 s."""
_TREE_ROWS = 10_000
_MAX_CATEGORIES = 250  # the trees' limit for native categories is 255
COMBINED = "combined"


@dataclass(frozen=True)
class Cast:
    """Who plays what: rows that are asked about, with fold and person, and the reference rows of each fold."""

    asked: Rows
    member: Array  # (n_asked,) whether the row is of train
    person: Array  # (n_asked,) codes, from 0
    fold: Array  # (n_asked,) the fold that is left out of the reference
    reference: Rows
    reference_fold: Array  # (n_reference,)


@dataclass(frozen=True)
class Suspicion:
    """How suspicious each person is to each attack; people of train and of holdout apart."""

    attacks: tuple[str, ...]
    members: Array  # (n_attacks, n_members)
    others: Array  # (n_attacks, n_others)
    lonely_members: Array  # (n_members,) distance to the nearest reference row, in quantile encoding
    lonely_others: Array
    rare_members: Array  # (n_members,) how rare the person's categories are among reference rows
    rare_others: Array
    n_searched: int
    n_reference: int


def cast(comparison: Comparison) -> Cast | None:
    """Part the real rows by person into asked and reference; None where there are fewer than MIN_PEOPLE on a side."""
    train_people, holdout_people = comparison.people("train"), comparison.people("holdout")
    n_people = min(int(train_people.max()), int(holdout_people.max())) + 1
    if n_people < MIN_PEOPLE:
        return None
    apart = "reference" in comparison.apart
    known = comparison.reference if apart else _joined(comparison.train, comparison.holdout)
    searched = min(comparison.synthetic.n_rows, MAX_SEARCHED) + min(known.n_rows, MAX_REFERENCE)
    steps = _steps(comparison.scales, column_subsets(comparison.table, comparison.scales, seed=comparison.seed))
    limit = int(min(MAX_ASKED, max(1_000, STEP_BUDGET / (2 * searched * steps))))
    folds = child(comparison.seed, "evaluation", "membership", "folds")
    others = _some_people(holdout_people, limit, comparison.seed, "others")
    members = _some_people(train_people, len(others) if comparison.as_many else limit, comparison.seed, "members")
    n_members = int(train_people.max()) + 1
    fold_of = folds.permutation(n_members + int(holdout_people.max()) + 1) % FOLDS  # members first
    if apart:  # nobody who is asked about is in it: the fold left out is empty
        fold_of = np.zeros_like(fold_of)
        reference_people = comparison.people("reference")
        reference_fold = 1 + folds.permutation(int(reference_people.max()) + 1) % (FOLDS - 1)
    else:
        reference_people = np.concatenate([train_people, n_members + holdout_people])
        reference_fold = fold_of
    rows = np.arange(known.n_rows)
    if len(rows) > MAX_REFERENCE:
        drawn = child(comparison.seed, "evaluation", "membership", "reference")
        rows = np.sort(drawn.choice(len(rows), MAX_REFERENCE, replace=False))
    return Cast(
        asked=_joined(comparison.train.take(members), comparison.holdout.take(others)),
        member=np.repeat([True, False], [len(members), len(others)]),
        person=np.unique(
            np.concatenate([train_people[members], n_members + holdout_people[others]]),
            return_inverse=True,
        )[1],
        fold=np.concatenate([fold_of[train_people[members]], fold_of[n_members + holdout_people[others]]]),
        reference=known.take(rows),
        reference_fold=reference_fold[reference_people[rows]],
    )


def suspect(comparison: Comparison, synthetic: Rows, *, trees: bool = True) -> Suspicion | None:
    """Run all attacks on one synthetic table.

    Args:
        comparison: Train, holdout, schema and seed.
        synthetic: The table to be attacked.
        trees: Whether the classifier, error prediction and the attacks on some columns take part; they cost most.

    Returns:
        Scores by person, or None where there are too few people.

    Privacy:
        Scores are of single people and stay in memory.
    """
    parts = cast(comparison)
    if parts is None:
        return None
    if synthetic.n_rows > MAX_SEARCHED:
        drawn = child(comparison.seed, "evaluation", "membership", "searched")
        synthetic = synthetic.take(np.sort(drawn.choice(synthetic.n_rows, MAX_SEARCHED, replace=False)))
    subsets = column_subsets(comparison.table, comparison.scales, seed=comparison.seed) if trees else {}
    return attack(parts, synthetic, comparison.scales, seed=comparison.seed, trees=trees, subsets=subsets)


def attack(
    parts: Cast,
    synthetic: Rows,
    scales: Mapping[str, Scale],
    *,
    seed: int,
    trees: bool = True,
    subsets: Mapping[str, Sequence[str]] | None = None,
) -> Suspicion:
    """Run all attacks on people whose roles are given.

    Args:
        parts: Asked rows and reference rows; an asked row's fold is left out of its reference.
        synthetic: The table to be attacked, searched in full.
        scales: Columns that take part.
        seed: Seed of the pilot and of the classifier.
        trees: Whether the classifier and error prediction take part.
        subsets: Columns that are attacked alone, by name.
    """
    encoder = Encoder((synthetic, parts.reference, parts.asked), scales, tuple(scales))
    asked, reference = encoder.points(parts.asked), encoder.points(parts.reference)
    folds = (parts.fold, parts.reference_fold, FOLDS)
    scores, lonely = near_scores(asked, encoder.points(synthetic), reference, folds, seed=seed)
    whole = [name for name in scores if name.startswith("density ratio")]
    for name, columns in (subsets or {}).items():
        scores |= subset_scores(parts.asked, synthetic, parts.reference, folds, scales, columns, name=name, seed=seed)
    if trees:
        scores["classifier"] = _classify(parts, synthetic, scales, seed)
        scores["error prediction"] = error_scores(
            parts.asked, parts.fold, parts.reference, parts.reference_fold, synthetic, scales, seed=seed
        )
    by_person = {name: _most_suspicious(score, parts.person) for name, score in scores.items()}
    ratios = [stats.rankdata(by_person[name]) for name in whole]
    by_person[COMBINED] = np.mean(ratios, axis=0)
    is_member = _most_suspicious(parts.member.astype(float), parts.person) > 0
    alone = _most_suspicious(lonely, parts.person)
    rare = _most_suspicious(_rarity(parts, scales), parts.person)
    table = np.stack(list(by_person.values()))
    return Suspicion(
        attacks=tuple(by_person),
        members=table[:, is_member],
        others=table[:, ~is_member],
        lonely_members=alone[is_member],
        lonely_others=alone[~is_member],
        rare_members=rare[is_member],
        rare_others=rare[~is_member],
        n_searched=synthetic.n_rows,
        n_reference=parts.reference.n_rows,
    )


def _steps(scales: Mapping[str, Scale], subsets: Mapping[str, Sequence[str]]) -> int:
    """Elementary steps of one distance in all encodings, and on some columns alone."""
    whole = len(ENCODINGS) * (sum(not scale.discrete for scale in scales.values()) + 6) + len(scales)
    return whole + sum(len(columns) + 6 for columns in subsets.values())


def _some_people(people: Array, limit: int, seed: int, who: str) -> Array:
    """Rows, sorted, of as many whole people as fit into `limit` rows."""
    if len(people) <= limit:
        return np.arange(len(people))
    sizes = np.bincount(people)
    order = child(seed, "evaluation", "membership", who).permutation(len(sizes))
    chosen = order[: max(1, int(np.searchsorted(np.cumsum(sizes[order]), limit, "right")))]
    return np.flatnonzero(np.isin(people, chosen))


def _joined(first: Rows, second: Rows) -> Rows:
    columns = {name: np.concatenate([cells, second.columns[name]]) for name, cells in first.columns.items()}
    return Rows(columns, first.n_rows + second.n_rows)


def _most_suspicious(scores: Array, person: Array) -> Array:
    """Largest score of each person's rows, shape (n_people,)."""
    best = np.full(int(person.max()) + 1, -np.inf)
    np.maximum.at(best, person, scores)
    return best


def _rarity(parts: Cast, scales: Mapping[str, Scale]) -> Array:
    """Minus the log share of each category among reference rows, added up; (n_asked,)."""
    total = np.zeros(parts.asked.n_rows)
    for name, cells in parts.asked.columns.items():
        if not scales[name].discrete:
            continue
        known = np.nan_to_num(parts.reference.columns[name], nan=-1.0) + 1
        counts = np.bincount(known.astype(np.int64), minlength=len(scales[name].labels) + 1)
        own = (np.nan_to_num(cells, nan=-1.0) + 1).astype(np.int64)
        total -= np.log((counts[own] + 0.5) / (len(known) + 1))
    return total


def _classify(parts: Cast, synthetic: Rows, scales: Mapping[str, Scale], seed: int) -> Array:
    """Log odds of "synthetic" against "reference" by trees that have not seen the asked row's fold; (n_asked,)."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    names = tuple(scales)
    discrete = np.array([scale.discrete for scale in scales.values()])
    made, known, asked = (rows.matrix(names) for rows in (synthetic, parts.reference, parts.asked))
    for place in np.flatnonzero(discrete):
        for table in (made, known, asked):
            np.minimum(table[:, place], _MAX_CATEGORIES, out=table[:, place])
    rng = child(seed, "evaluation", "membership", "classifier")
    scores = np.zeros(len(asked))
    learners = [
        HistGradientBoostingClassifier(
            max_iter=50,
            learning_rate=0.15,
            max_leaf_nodes=16,
            early_stopping=False,
            categorical_features=discrete if discrete.any() else None,
            random_state=seed % 2**32,
        )
        for _ in range(FOLDS)
    ]
    with deterministic_threads():
        for fold, learner in enumerate(learners):
            own = parts.fold == fold
            rows = np.flatnonzero(parts.reference_fold != fold)
            n = min(len(rows), len(made), _TREE_ROWS)
            if not own.any() or n == 0:
                continue
            real = known[np.sort(rng.choice(rows, n, replace=False))]
            invented = made[np.sort(rng.choice(len(made), n, replace=False))]
            learner.fit(np.vstack([invented, real]), np.repeat([1, 0], n))
            scores[own] = learner.decision_function(asked[own])
    return scores
