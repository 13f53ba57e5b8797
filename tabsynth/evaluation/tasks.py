"""What models are asked to predict: one column from the others, on cells that mean the same in every table.

A column of categories is a task of classification over the classes that train holds often enough; a column of numbers
or dates is a task of regression. How cells become the inputs of a model is fixed on train, so that a model learned from
synthetic rows and one learned from real rows read a holdout row alike.

Decisions
- Which columns: those with the role `target`, then `sensitive`; where the schema names none, the columns that depend
  most on others in train, by a rule that never looks at the holdout or at the synthetic rows.
- Classes of fewer than MIN_CLASS training rows are pooled: nothing can be learned or measured about a few rows.
- Numbers are held to the 0.5 % and 99.5 % quantile of train: one extreme would decide R² alone.
- Rows without the target are left out; whether the right cells are missing is measured elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tabsynth.evaluation.association import dependence
from tabsynth.evaluation.comparison import Array, Comparison, Rows, Scale
from tabsynth.randomness import child
from tabsynth.schema.columns import Role

MAX_CLASSES = 12
MIN_CLASS = 10
MAX_TARGETS = 3
MAX_CATEGORIES = 20
ONE_FIT = (
    "The interval counts which rows were tested, not refit variance: another fit of the generator, or of the models, "
    "would move the value as well."
)
"""What the intervals of utility leave out."""
"""Categories of one column that have a number of their own in a design; the others share one."""
_TREE_CATEGORIES = 250
_CLIP = 4.0  # standard deviations: an extreme is a large number, not a lever


@dataclass(frozen=True)
class Task:
    """One column to be predicted from others."""

    target: str
    features: tuple[str, ...]
    classes: Array  # (n_classes,) codes of the classes; empty for regression
    pooled: bool
    """Whether the last class stands for all other codes."""
    lower: float = -np.inf
    upper: float = np.inf

    @property
    def n_classes(self) -> int:
        """Classes to tell apart; 0 for regression."""
        return len(self.classes) + int(self.pooled)

    def labels(self, rows: Rows) -> Array:
        """What is to be predicted, NaN where a row cannot be used; shape (n_rows,)."""
        cells = rows.columns[self.target]
        if not self.n_classes:
            return np.clip(cells, self.lower, self.upper)
        place = np.full(len(cells), float(len(self.classes)) if self.pooled else np.nan)
        for number, code in enumerate(self.classes):
            place[cells == code] = number
        place[np.isnan(cells)] = np.nan
        return place


def make_task(comparison: Comparison, target: str) -> Task | None:
    """The task of predicting one column; None where train holds one class, one number, or hardly a cell."""
    return task_of(comparison.train, comparison.scales, target)


def task_of(rows: Rows, scales: Mapping[str, Scale], target: str) -> Task | None:
    """The task of predicting one column, with classes and range as some rows hold them."""
    features = tuple(name for name in scales if name != target)
    cells = rows.columns[target]
    present = cells[~np.isnan(cells)]
    if not features or len(present) < 2 * MIN_CLASS:
        return None
    values, counts = np.unique(present, return_counts=True)
    if scales[target].discrete or len(values) == 2:
        order = np.argsort(-counts, kind="stable")
        enough = [int(place) for place in order if counts[place] >= MIN_CLASS]
        kept = enough if len(enough) <= MAX_CLASSES else enough[: MAX_CLASSES - 1]
        left = len(present) - int(counts[kept].sum())
        task = Task(target, features, np.sort(values[kept]), left >= MIN_CLASS)
        return task if task.n_classes >= 2 else None
    lower, upper = np.quantile(present, [0.005, 0.995])
    if not upper > lower:
        return None
    return Task(target, features, np.empty(0), False, float(lower), float(upper))


def choose_targets(comparison: Comparison) -> tuple[tuple[str, ...], str]:
    """Columns to predict, at most MAX_TARGETS, and in words how they were chosen."""
    for role in (Role.TARGET, Role.SENSITIVE):
        named = [name for name in comparison.columns if comparison.table.columns[name].role is role]
        if named:
            more = f" (the first {MAX_TARGETS} of {len(named)})" if len(named) > MAX_TARGETS else ""
            return tuple(named[:MAX_TARGETS]), f"columns with the role {role.value}{more}"
    strength = _dependence_of(comparison)
    ranked = sorted(strength, key=lambda name: (-round(strength[name], 9), comparison.columns.index(name)))
    possible = [name for name in ranked if make_task(comparison, name) is not None]
    discrete = [name for name in possible if comparison.scales[name].discrete]
    numbers = [name for name in possible if not comparison.scales[name].discrete]
    chosen = list(dict.fromkeys([*discrete[:1], *numbers[:1], *possible]))[:MAX_TARGETS]
    words = "columns that depend most on others in train, as the schema names no target and no sensitive column"
    return tuple(chosen), words


def _dependence_of(comparison: Comparison) -> dict[str, float]:
    """Strongest dependence of each column on another one in train, on bins; shares of rows."""
    found = dict.fromkeys(comparison.columns, 0.0)
    for first, second in comparison.pairs:
        counts = comparison.train_joint((first, second)).reshape(-1, comparison.bins[second].n_bins)
        strength = float(np.abs(dependence(counts)).sum()) / 2
        for name in (first, second):
            found[name] = max(found[name], strength)
    return found


@dataclass(frozen=True)
class Design:
    """Rows as inputs of models."""

    trees: Array  # (n_rows, n_features) codes and numbers, NaN where missing
    numbers: Array  # (n_rows, n_inputs) standard scores, indicators of categories and of missing cells

    def take(self, rows: Array) -> Design:
        """The rows that an index array or a mask selects."""
        return Design(self.trees[rows], self.numbers[rows])


class Designer:
    """How rows become inputs; learned from some real rows.

    Privacy:
        Holds means, deviations and counts of training columns in memory while metrics run.
    """

    def __init__(self, rows: Rows, scales: Mapping[str, Scale], features: tuple[str, ...]) -> None:
        """Learn the inputs of some columns from real rows."""
        self._features = features
        self.discrete = np.array([scales[name].discrete for name in features])
        self._centres: dict[str, tuple[float, float]] = {}
        self._codes: dict[str, Array] = {}
        self._gapped: set[str] = set()
        for name in features:
            cells = rows.columns[name]
            present = cells[~np.isnan(cells)]
            if len(present) < len(cells):
                self._gapped.add(name)
            if scales[name].discrete:
                codes, counts = np.unique(present, return_counts=True)
                self._codes[name] = np.sort(codes[np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]])
            else:
                spread = float(present.std()) if len(present) else 0.0
                self._centres[name] = (float(present.mean()) if len(present) else 0.0, spread or 1.0)

    def design(self, rows: Rows) -> Design:
        """Inputs of some rows."""
        trees = rows.matrix(self._features)
        trees[:, self.discrete] = np.minimum(trees[:, self.discrete], _TREE_CATEGORIES)
        return Design(trees, np.column_stack([part for name in self._features for part in self._inputs(name, rows)]))

    def _inputs(self, name: str, rows: Rows) -> list[Array]:
        cells = rows.columns[name]
        gap = np.isnan(cells)
        if name in self._codes:
            codes = self._codes[name]
            parts = [(cells == code).astype(np.float64) for code in codes]
            return [*parts, gap.astype(np.float64)] if name in self._gapped or not parts else parts
        centre, spread = self._centres[name]
        scores = np.clip((np.where(gap, centre, cells) - centre) / spread, -_CLIP, _CLIP)
        return [scores, gap.astype(np.float64)] if name in self._gapped else [scores]


def drawn(comparison: Comparison, rows: Rows, n_rows: int, *, again: bool = False) -> Rows:
    """`n_rows` rows to learn from; equally large tables are drawn from alike, so that a copy gives the same model.

    Args:
        comparison: Whose seed decides.
        rows: Where to draw from.
        n_rows: How many.
        again: Draw with replacement, by another stream: what another sample of the same people would have been.
    """
    if again:
        picked = child(comparison.seed, "evaluation", "utility", "again").integers(0, rows.n_rows, n_rows)
        return rows.take(np.sort(picked))
    if rows.n_rows <= n_rows:
        return rows
    rng = child(comparison.seed, "evaluation", "utility", "drawn")
    return rows.take(np.sort(rng.choice(rows.n_rows, n_rows, replace=False)))


def row_limit(n_columns: int, most: int, *, budget: int = 150_000) -> int:
    """Rows that a model learns from: fewer where columns are many, never below 500."""
    return max(500, min(most, budget // max(1, n_columns)))


def tested(comparison: Comparison, most: int) -> tuple[Rows, Array]:
    """At most `most` test rows, and the person of each."""
    rows, people = comparison.test, comparison.people("test")
    if rows.n_rows > most:
        rng = child(comparison.seed, "evaluation", "utility", "tested")
        picked = np.sort(rng.choice(rows.n_rows, most, replace=False))
        rows, people = rows.take(picked), people[picked]
    return rows, np.unique(people, return_inverse=True)[1]


def labelled(task: Task, designer: Designer, rows: Rows) -> tuple[Design, Array]:
    """Inputs and labels of the rows that hold the target."""
    labels = task.labels(rows)
    usable = np.flatnonzero(~np.isnan(labels))
    return designer.design(rows.take(usable)), labels[usable]
