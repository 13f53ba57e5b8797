"""Detection: can a classifier tell synthetic rows from real ones?

Gradient-boosted trees learn to tell synthetic from holdout rows and are asked about rows they did not learn from. An
area under the ROC curve of 0.5 means that they guess, 1 that they always know. The same test of train against holdout
shows what real rows score, and rows with independent columns show what a careless invention scores.

Decisions
- Trees, not a linear model: a linear one calls a table with all dependence destroyed undetectable.
- All rows of a person are in one fold where the schema names the person: else the trees would know people, not rows.
- Precision is levelled before the test (`comparison.py`), or the sixth decimal would decide it.
- Never a verdict on privacy: a perfect copy of train is undetectable.

Source: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests", arXiv:1610.06545.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows, Which
from tabsynth.evaluation.intervals import Interval, auc_interval
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child, deterministic_threads

MAX_ROWS = 10_000
MIN_ROWS = 50
CELL_BUDGET = 250_000  # rows x columns of each side, so that 300 columns take no longer than 25
FOLDS = 5
_TOLD_APART: tuple[tuple[Which, str], ...] = (("synthetic", "synthetic rows"), ("holdout", "holdout"))
# The five models share most of their training rows, so their answers are not independent: the variance of a
# cross-validated mean is 1/k + n_test/n_train times that of one fold, not 1/k (Nadeau & Bengio 2003,
# doi:10.1023/A:1024068626366).
_WIDENED = ((1 / FOLDS + 1 / (FOLDS - 1)) * FOLDS) ** 0.5
_MAX_CATEGORIES = 250  # the trees' limit for native categories is 255
_IMPORTANCE_ROWS = 2_000  # of each side, for the columns that give it away
_SHUFFLED_CELLS = 2_000_000  # cells of shuffled copies held in memory at once
_CURVE_POINTS = 41


class Curve(Part):
    """ROC curve at fixed false positive rates."""

    name: str
    area: float
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]


class Telltale(Part):
    """A column that gives synthetic rows away."""

    column: str
    loss: float
    """How much area is lost when this column is shuffled between rows."""


class DetectionCurves(Detail):
    """ROC curves of synthetic, reference and baseline, and the columns that give synthetic rows away."""

    curves: tuple[Curve, ...]
    telltale: tuple[Telltale, ...]


@dataclass(frozen=True)
class _Answer:
    """Out-of-fold scores for "is synthetic"."""

    synthetic: Array  # (n_rows,)
    real: Array  # (n_rows,)
    losses: Array | None  # (n_columns,)


class Detection:
    """Area under the ROC curve of boosted trees that tell synthetic from holdout rows; five folds, out of fold.

    Formula:
        P(score(synthetic) > score(holdout)) + P(equal) / 2, scores of models that have not seen the row.
    Units:
        An area, 0 to 1; 0.5 is guessing.
    Cost:
        Fifteen fits of boosted trees on at most 10,000 rows of each side: 5 s at 20,000 rows x 15 columns.
    Source:
        Lopez-Paz & Oquab 2017, arXiv:1610.06545; interval, DeLong et al. 1988.
    """

    name = "detection"
    family = Family.DETECTION
    question = "Can a trained classifier tell synthetic rows from real ones?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "area"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Train three classifiers: on synthetic, on train and on independent columns, each against the holdout.

        Privacy:
            Leaves areas, curves over fixed rates, and names of columns.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        n_rows = min(comparison.n_compared, comparison.train.n_rows, _row_limit(len(comparison.columns)))
        if n_rows < MIN_ROWS:
            note = f"Needs at least {MIN_ROWS} rows of holdout, train and synthetic; there are {n_rows}."
            return Findings([unmeasured(self, note, undecided=True)])
        sides: dict[str, tuple[Rows, Array | None]] = {
            "synthetic rows": (comparison.compared("synthetic"), comparison.clusters("synthetic")),
            "training rows": (comparison.train, comparison.train_people),
            "independent columns": (comparison.compared("independent"), None),
        }
        holdout = _Side.draw(
            comparison.compared("holdout"), comparison.clusters("holdout"), n_rows, comparison.seed, "holdout"
        )
        answers = {
            name: _tell_apart(
                _Side.draw(rows, people, n_rows, comparison.seed, name),
                holdout,
                comparison,
                explain=name == "synthetic rows",
            )
            for name, (rows, people) in sides.items()
        }
        areas = {
            name: auc_interval(answer.synthetic, answer.real, level=level, widened=_WIDENED)
            for name, answer in answers.items()
        }
        curves = tuple(_curve(name, areas[name][0], answer) for name, answer in answers.items())
        telltale = _telltale(comparison.columns, answers["synthetic rows"].losses)
        area, interval = areas["synthetic rows"]
        notes = [f"{n_rows:,} rows of each side, {FOLDS} folds."]
        if comparison.swaps:
            others = [_area_of(swap, level) for swap in comparison.swaps]
            area, interval = mean_area([areas["synthetic rows"], *others], level=level)
            notes.append(
                f"Mean of {1 + len(others)} models, each learned without another part of the people and told from it; "
                "the curve is that of the first."
            )
        if telltale and telltale[0].loss > 0.01:
            notes.append(f"The column that gives most away: {telltale[0].column}.")
        whole = answer(
            self,
            value=area,
            interval=interval,
            n=n_rows,
            reference=areas["training rows"][0],
            baseline=areas["independent columns"][0],
            notes=tuple(notes),
        )
        return Findings([whole], DetectionCurves(curves=curves, telltale=telltale))


def _area_of(comparison: Comparison, level: float) -> tuple[float, Interval]:
    """Area for the synthetic rows of another model against the people that it has not seen."""
    n_rows = min(comparison.n_compared, _row_limit(len(comparison.columns)))
    made, real = (
        _Side.draw(comparison.compared(which), comparison.clusters(which), n_rows, comparison.seed, name)
        for which, name in _TOLD_APART
    )
    answer = _tell_apart(made, real, comparison, explain=False)
    return auc_interval(answer.synthetic, answer.real, level=level, widened=_WIDENED)


def mean_area(areas: Sequence[tuple[float, Interval]], *, level: float) -> tuple[float, Interval]:
    """Mean of areas whose holdouts are of different people, so that their errors add in squares."""
    value = float(np.mean([area for area, _ in areas]))
    low = float(np.sqrt(np.sum([(area - interval.low) ** 2 for area, interval in areas]))) / len(areas)
    high = float(np.sqrt(np.sum([(interval.high - area) ** 2 for area, interval in areas]))) / len(areas)
    return value, Interval(low=max(0.0, value - low), high=min(1.0, value + high), level=level)


def _row_limit(n_columns: int) -> int:
    return max(1_000, min(MAX_ROWS, CELL_BUDGET // n_columns))


@dataclass(frozen=True)
class _Side:
    """Rows of one table, and the person each belongs to."""

    rows: Rows
    people: Array  # (n_rows,) codes

    @classmethod
    def draw(cls, rows: Rows, people: Array | None, n_rows: int, seed: int, name: str) -> _Side:
        """`n_rows` rows, drawn by seed where there are more."""
        codes = np.arange(rows.n_rows) if people is None else people
        if rows.n_rows == n_rows:
            return cls(rows, codes)
        chosen = np.sort(child(seed, "evaluation", "detection", name).choice(rows.n_rows, n_rows, replace=False))
        return cls(rows.take(chosen), codes[chosen])


def _tell_apart(side: _Side, holdout: _Side, comparison: Comparison, *, explain: bool) -> _Answer:
    """Score equally many rows of two tables by trees that did not learn from them."""
    names = comparison.columns
    together = np.vstack([side.rows.matrix(names), holdout.rows.matrix(names)])  # (2 n, n_columns)
    labels = np.repeat([1, 0], [side.rows.n_rows, holdout.rows.n_rows])
    categorical = np.array([comparison.scales[name].discrete for name in names])
    for position in np.flatnonzero(categorical):
        together[:, position] = _common_codes(together[:, position])
    rng = child(comparison.seed, "evaluation", "folds")
    fold = np.concatenate([_folds(side.people, rng), _folds(holdout.people, rng)])
    scores = np.zeros(len(labels))
    losses = np.zeros(len(names))
    rng = child(comparison.seed, "evaluation", "importance")
    trees = _trees(categorical, comparison.seed)  # made before threads are held: only libraries that are loaded can be
    with deterministic_threads():
        for number in range(FOLDS):
            held = np.flatnonzero(fold == number)
            if not 0 < labels[fold != number].sum() < np.sum(fold != number):
                scores[held] = 0.5  # a single person holds all rows of one side
                continue
            trees.fit(together[fold != number], labels[fold != number])
            if len(held):
                scores[held] = trees.predict_proba(together[held])[:, 1]
                losses += _losses(trees, together[held], labels[held], rng) / FOLDS if explain else 0.0
    return _Answer(scores[labels == 1], scores[labels == 0], losses if explain else None)


def _trees(categorical: Array, seed: int) -> Any:
    """Untrained trees; importing them here keeps scikit-learn out of `import tabsynth`."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.15,
        max_leaf_nodes=24,
        min_samples_leaf=20,
        early_stopping=False,
        categorical_features=categorical if categorical.any() else None,
        random_state=seed % 2**32,
    )


def _folds(people: Array, rng: np.random.Generator) -> Array:
    """Fold of each row, shape (n_rows,): people are dealt out in turn, and their rows go with them."""
    _, codes = np.unique(people, return_inverse=True)
    order = rng.permutation(int(codes.max()) + 1)
    return np.argsort(order)[codes] % FOLDS


def _common_codes(codes: Array) -> Array:
    """Codes ranked by how common they are, those past the trees' limit pooled; NaN stays."""
    present = ~np.isnan(codes)
    values, inverse, counts = np.unique(codes[present], return_inverse=True, return_counts=True)
    rank = np.empty(len(values))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    ranked = np.full(len(codes), np.nan)
    ranked[present] = np.minimum(rank[inverse], _MAX_CATEGORIES)
    return ranked


def _losses(trees: Any, held: Array, labels: Array, rng: np.random.Generator) -> Array:
    """Area lost on held rows when one column is shuffled, for every column; shape (n_columns,)."""
    if len(held) > 2 * _IMPORTANCE_ROWS // FOLDS:
        some = np.sort(rng.choice(len(held), 2 * _IMPORTANCE_ROWS // FOLDS, replace=False))
        held, labels = held[some], labels[some]
    n_rows, n_columns = held.shape
    whole = _area(trees.predict_proba(held)[:, 1], labels)
    losses = np.zeros(n_columns)
    at_once = max(1, _SHUFFLED_CELLS // held.size)  # one call for many columns: a call costs more than its rows
    for start in range(0, n_columns, at_once):
        positions = range(start, min(start + at_once, n_columns))
        shuffled = np.tile(held, (len(positions), 1))
        for number, position in enumerate(positions):
            shuffled[number * n_rows : (number + 1) * n_rows, position] = rng.permutation(held[:, position])
        scores = trees.predict_proba(shuffled)[:, 1].reshape(len(positions), n_rows)
        losses[list(positions)] = [whole - _area(own, labels) for own in scores]
    return losses


def _area(scores: Array, labels: Array) -> float:
    return auc_interval(scores[labels == 1], scores[labels == 0])[0] if 0 < labels.sum() < len(labels) else 0.5


def _telltale(names: tuple[str, ...], losses: Array | None) -> tuple[Telltale, ...]:
    if losses is None:
        return ()
    order = np.argsort(-losses, kind="stable")[:10]
    return tuple(Telltale(column=names[position], loss=round(float(losses[position]), 4)) for position in order)


def _curve(name: str, area: float, answer: _Answer) -> Curve:
    rates = np.linspace(0, 1, _CURVE_POINTS)
    descending = np.sort(answer.real)[::-1]
    thresholds = np.concatenate([descending, [-np.inf]])[np.floor(rates * len(descending)).astype(int)]
    reached = np.array([float((answer.synthetic > threshold).mean()) for threshold in thresholds])
    reached[-1] = 1.0
    return Curve(
        name=name,
        area=round(area, 4),
        false_positive=tuple(round(float(rate), 4) for rate in rates),
        true_positive=tuple(round(float(rate), 4) for rate in reached),
    )
