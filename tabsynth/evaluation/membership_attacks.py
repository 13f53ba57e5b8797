"""Attacks that guess who was in train, from the synthetic rows and from real rows of other people.

The attacker holds the synthetic table S, a reference table R of people of the same kind, and the record x of a person.
In brackets the name in the report:

    log d(x, R) - log d(x, S)                                  (nearest ratio)
    d(x, R) - d(x, S)                                          (nearest difference)
    log sum_S exp(-d(x, s) / h) - log sum_R exp(-d(x, r) / h)  (density ratio; DOMIAS with a kernel)
    log P(S | x) - log P(R | x) by boosted trees               (classifier)
    errors of models of R less those of models of S, on x      (error prediction; `membership_errors.py`)

Each of the first three runs under every encoding; `combined` is the mean rank of the density ratios. No shadow model is
trained, and the generator is not asked.

Decisions
- Calibrated, always: a distance to S alone says how ordinary a person is, not whether the generator has seen her.
- The reference is the holdout without the asked person's fold, for members too, so that members and others meet
  references of one size, drawn alike. One search in groups gives all folds.
- A person is asked about once: with several rows, the most suspicious one counts.
- Synthetic rows are never thinned out below the limit, asked people are: a share of people can be estimated from some
  of them, but a copy whose twin was dropped is lost.
- h is the median distance to the nearest reference row: neither S nor a label decides it.

Source: calibrated distances, Chen et al. 2020, "GAN-Leaks", doi:10.1145/3372297.3417238; the density ratio, van Breugel
et al. 2023 (DOMIAS), arXiv:2302.12580; the classifier, Hayes et al. 2019 (LOGAN), doi:10.2478/popets-2019-0008;
isolated people, Meeus et al. 2023, arXiv:2306.10308.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tabsynth.evaluation.comparison import Array, Comparison, Rows, Scale
from tabsynth.evaluation.distances import ENCODINGS, Closeness, Encoder, Points, closeness
from tabsynth.evaluation.membership_errors import error_scores
from tabsynth.randomness import child, deterministic_threads

FOLDS = 4
MIN_PEOPLE = 40
MAX_ASKED = 10_000
MAX_SEARCHED = 50_000
MAX_REFERENCE = 20_000
STEP_BUDGET = 2.5e10
"""Elementary steps of one search; about 12 s."""
_PILOT = 400
_FLOOR = 0.003  # of the bandwidth: what a distance of zero counts as
_MASS_FLOOR = 0.01  # rows: what an empty neighbourhood counts as
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
    searched = min(comparison.synthetic.n_rows, MAX_SEARCHED) + min(comparison.holdout.n_rows, MAX_REFERENCE)
    steps = _steps(comparison.scales)
    limit = int(min(MAX_ASKED, max(1_000, STEP_BUDGET / (2 * searched * steps))))
    folds = child(comparison.seed, "evaluation", "membership", "folds")
    others = _some_people(holdout_people, limit, comparison.seed, "others")
    members = _some_people(train_people, limit, comparison.seed, "members")
    fold_of = folds.permutation(int(holdout_people.max()) + 1) % FOLDS  # (n_holdout_people,)
    member_fold = folds.permutation(int(train_people.max()) + 1) % FOLDS
    reference = np.arange(comparison.holdout.n_rows)
    if len(reference) > MAX_REFERENCE:
        drawn = child(comparison.seed, "evaluation", "membership", "reference")
        reference = np.sort(drawn.choice(len(reference), MAX_REFERENCE, replace=False))
    return Cast(
        asked=_joined(comparison.train.take(members), comparison.holdout.take(others)),
        member=np.repeat([True, False], [len(members), len(others)]),
        person=np.unique(
            np.concatenate([train_people[members], int(train_people.max()) + 1 + holdout_people[others]]),
            return_inverse=True,
        )[1],
        fold=np.concatenate([member_fold[train_people[members]], fold_of[holdout_people[others]]]),
        reference=comparison.holdout.take(reference),
        reference_fold=fold_of[holdout_people[reference]],
    )


def suspect(comparison: Comparison, synthetic: Rows, *, trees: bool = True) -> Suspicion | None:
    """Run all attacks on one synthetic table.

    Args:
        comparison: Train, holdout, schema and seed.
        synthetic: The table to be attacked.
        trees: Whether the classifier and error prediction take part; they cost most.

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
    return attack(parts, synthetic, comparison.scales, seed=comparison.seed, trees=trees)


def attack(parts: Cast, synthetic: Rows, scales: Mapping[str, Scale], *, seed: int, trees: bool = True) -> Suspicion:
    """Run all attacks on people whose roles are given.

    Args:
        parts: Asked rows and reference rows; an asked row's fold is left out of its reference.
        synthetic: The table to be attacked, searched in full.
        scales: Columns that take part.
        seed: Seed of the pilot and of the classifier.
        trees: Whether the classifier and error prediction take part.
    """
    encoder = Encoder((synthetic, parts.reference, parts.asked), scales, tuple(scales))
    asked, reference = encoder.points(parts.asked), encoder.points(parts.reference)
    scores, lonely = _near_attacks(asked, encoder.points(synthetic), reference, parts, seed)
    if trees:
        scores["classifier"] = _classify(parts, synthetic, scales, seed)
        scores["error prediction"] = error_scores(
            parts.asked, parts.fold, parts.reference, parts.reference_fold, synthetic, scales, seed=seed
        )
    by_person = {name: _most_suspicious(score, parts.person) for name, score in scores.items()}
    ratios = [stats.rankdata(score) for name, score in by_person.items() if name.startswith("density ratio")]
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


def _steps(scales: Mapping[str, Scale]) -> int:
    """Elementary steps of one distance in all encodings."""
    return len(ENCODINGS) * (sum(not scale.discrete for scale in scales.values()) + 6) + len(scales)


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


def _near_attacks(
    asked: Points, synthetic: Points, reference: Points, parts: Cast, seed: int
) -> tuple[dict[str, Array], Array]:
    """Scores of the attacks that measure distances, and the distance of each row to the reference; (n_asked,) each."""
    folds = parts.reference_fold
    pilot = np.sort(
        child(seed, "evaluation", "membership", "pilot").choice(asked.n_rows, min(_PILOT, asked.n_rows), replace=False)
    )
    first = closeness(asked.take(pilot), reference, groups=folds, n_groups=FOLDS)
    widths = {name: _width(_without(found.nearest, parts.fold[pilot])) for name, found in first.items()}
    near = closeness(asked, synthetic, bandwidths=widths)
    known = closeness(asked, reference, groups=folds, n_groups=FOLDS, bandwidths=widths)
    n_known = len(folds) - np.bincount(folds, minlength=FOLDS)[parts.fold]  # (n_asked,)
    scores: dict[str, Array] = {}
    for name in asked.numbers:
        s, r, h = near[name], known[name], widths[name]
        scores[f"nearest ratio, {name}"] = _ratio(_without(r.nearest, parts.fold), s.nearest[:, 0], h)
        if asked.states.shape[1] and asked.numbers[name].shape[1]:
            light = _without(r.light, parts.fold)
            scores[f"nearest ratio, {name}, light categories"] = _ratio(light, s.light[:, 0], h)
        scores[f"nearest difference, {name}"] = _without(r.nearest, parts.fold) - s.nearest[:, 0]
        scores[f"density ratio, {name}"] = _density_ratio(s, r, parts.fold, synthetic.n_rows, n_known)
    return scores, _without(known["quantile"].nearest, parts.fold)


def _without(by_fold: Array, fold: Array) -> Array:
    """Distance to the nearest reference row outside of each row's own fold, shape (n_rows,)."""
    left = by_fold.astype(np.float64)
    left[np.arange(len(left)), fold] = np.inf
    return np.asarray(left.min(axis=1))


def _width(nearest: Array) -> float:
    """Bandwidth of the kernel: the median distance to the nearest row; where most are 0, their mean."""
    width = float(np.median(nearest))
    if width <= 0:
        width = float(nearest.mean())
    return width if width > 0 else 0.5


def _ratio(known: Array, near: Array, width: float) -> Array:
    return np.asarray(np.log(known + _FLOOR * width) - np.log(near + _FLOOR * width))


def _density_ratio(near: Closeness, known: Closeness, fold: Array, n_near: int, n_known: Array) -> Array:
    inside = known.mass.sum(axis=1) - known.mass[np.arange(len(fold)), fold]
    inside = np.maximum(inside, 0.0)
    return np.asarray(np.log((near.mass[:, 0] + _MASS_FLOOR) / n_near) - np.log((inside + _MASS_FLOOR) / n_known))


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
