"""Training one column: a boosted classifier for every question that has rows enough.

Decisions
- Questions of a column's own are trained on the rows that reach them. Deeper, where few rows are left, one classifier
  serves all questions of a level, with the place of the question as a further feature: detail inside a small cell
  follows the columns before it in much the same way from cell to cell.
- Each question starts from its own smoothed log-odds; trees add to them. A quarter of the rows, kept apart, say how
  many rounds help, and all rows are then boosted that often. A relation without exceptions gets its hundreds of
  rounds, noise gets none.
- With many rows leaves are smoothed less (`Settings.for_rows`), trees have more leaves, and rows kept apart, not a low
  limit, end the rounds. The pollution column of Beijing (37,581 rows) given all others, nats about it in a holdout row:
  -4.71 with 100 rounds and a smoothing of 200; -4.67 with 20; -4.47 with 20 and 400 rounds; -4.39 with 5, 600 rounds,
  steps of 0.2 and 15 leaves throughout. A model that learns from rows so drawn has an RMSE of 0.64, 0.64, 0.57, 0.54.
- Features have 63 bins instead of 255 where a classifier has fewer than 1,000 rows, where most of a round goes into
  trying splits: on 3,000 rows and 14 features it takes 0.6 to 0.9 ms instead of 1.5. From 5,000 rows down it was no
  faster on Default (65 CPU seconds against 64) and blurred its amounts (one fit): C2ST 0.845 against 0.897, holdout
  AUC 0.542 against 0.526.
- Smaller steps for columns of few questions, tried for the sake of models that learn from rows: loss and AUC on holdout
  rows of Default's class with steps of 0.2, 0.05 and 0.03: 0.440, 0.439, 0.438; 0.771, 0.771, 0.771; Magic's 0.258,
  0.258, 0.260; 0.953, 0.953, 0.952, at four to six times the work. A quarter of the smoothing, 4 folds: 0.297 and 0.296
  on Magic, 0.426 and 0.426 on Default. Log-odds are neither too bold nor too timid: slopes of 1.02 and 1.03.
- What all this did to whole tables (one fit, seed 0, with the metrics of the protocol, before and after): Beijing
  C2ST 0.902 to 1.000, RMSE 0.618 to 0.554, holdout AUC 0.524 to 0.513, attack 0.124 to 0.113, 31 to 66 CPU seconds;
  Magic C2ST 0.964 to 0.967, TSTR 0.933 to 0.938, holdout AUC 0.524 to 0.508, attack 0.119 to 0.114, 30 to 22 CPU
  seconds; Default C2ST 0.890 to 0.897, holdout AUC 0.534 to 0.526, 87 to 64 CPU seconds. Beijing and Magic were
  measured with 63 bins from 5,000 rows down.
- Whether a cell is missing is never asked together with where it lies. Telco (4,500 rows, 7 of them without total
  charges) when it was: about a quarter of the drawn rows lacked them; C2ST 0.70 (now 1.00), holdout AUC 0.708 (0.535),
  attack 0.122 (0.111), log-probability of holdout rows -19.13 (-19.05).
- A leaf's value is drawn towards that of the split above it, more the fewer rows it has, and trees on few rows have
  few leaves: this is a leaf floor that grows as tables shrink. Information about holdout rows in nats a row, and in
  brackets how much more there is about training rows, with 40 rounds and no smoothing; smoothing 100; both; and both
  with small trees: Pima (384 rows) -0.72 (7.20), 0.51 (3.44), 0.92 (1.40), 0.93 (1.34); German credit (500) 0.77
  (6.45), 1.53 (3.46), 1.53 (1.91), 1.55 (1.67); insurance (669) 1.29 (2.29), 1.47 (1.19), 1.68 (0.63), 1.67 (0.54);
  Telco (3,521) 9.88 (2.98), 9.89 (1.69), 10.17 (1.23), 10.10 (0.89); Adult (4,000) 4.16 (3.13), 4.37 (1.95), 4.51
  (0.85), 4.55 (0.66). A higher floor (40 rows), a stronger `lambda_l2` (10), random thresholds, half the features or
  half the rows for each tree, and half the rounds all did less than smoothing, and lost what relations without
  exceptions say. The default is 200: the same within chance (Adult 4.52, Telco 10.11, Pima 0.97;
  large trees), with a little less about training rows.
- LightGBM, although a histogram tree written for the purpose in numba was faster at the same loss on rows kept apart:
  1.4 to 2.1 times for one question (60 rounds, 3,000 and 14,000 to 26,000 rows), 2.1 to 4.5 times for a whole fit
  (Adult 15.9 to 6.3 CPU seconds, Magic 24.5 to 11.7), where half of LightGBM's time on small tables goes into
  subsets, evaluation and reading the model back. It costs 12 to 16 seconds of compiling wherever no cache can be
  written, 208 MB of packages, and bytes that may differ between processors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabsynth.encoding.table import Continuous
from tabsynth.generators.boosting.cells import Cells, Questions, ask
from tabsynth.generators.boosting.forest import Trees, no_trees
from tabsynth.generators.boosting.growing import grow_shared
from tabsynth.generators.boosting.shared_trees import SharedTrees

Array = np.ndarray[Any, Any]

_SMOOTHING = 0.5
_PLACES = 255
"""Codes for the place of a question: as many as a feature has bins."""
USUAL_ROWS = 10_000
"""Rows up to which tables get the full smoothing."""
_FEWEST_HELD_OUT = 15
"""Rows that it takes to say how many rounds help; with fewer, a question keeps its plain log-odds."""


@dataclass(frozen=True)
class Settings:
    """How hard to try."""

    rounds: int = 800
    """Most rounds of a question's own classifier; rows kept apart say how many help."""
    leaves: int = 15
    few_leaves: int = 7
    """Leaves of a tree on fewer than `many_rows` rows."""
    many_rows: int = 5000
    bins: int = 255
    """Values that a feature is told apart by."""
    few_bins: int = 63
    """The same on fewer than `fine_rows` rows, where trying all splits costs more than adding up the rows."""
    fine_rows: int = 1000
    learning_rate: float = 0.2
    min_leaf: int = 20
    smoothing: float = 200.0
    """Rows at which a leaf's value lies halfway between its own and that of the split above it."""
    l2: float = 1.0
    own_rows: int = 80
    """Rows from which a question has a classifier of its own."""
    rows_per_feature: int = 4
    """Rows per feature that such a question needs: wide, short tables take minutes without it, and gain nothing."""
    own_share: float = 1 / 64
    """Share of all rows from which a question of an ordered column has one."""
    pooled_rounds: int = 300
    most_features: int = 1000
    """Earlier columns that a column looks at, at most: those that tell most about it."""
    held_out: float = 0.25
    """Share of the rows that say how many rounds help; all rows are then boosted that often."""
    patience: int = 12
    shared_rounds: int = 0
    """Trees after the first that all questions of a numeric column share; 0 for classifiers of its questions."""

    def for_rows(self, n_rows: int) -> Settings:
        """What suits a table of this many rows: with many, leaves are trusted more and trees have more of them."""
        share = min(1.0, USUAL_ROWS / max(n_rows, 1))
        return replace(self, smoothing=self.smoothing * share**2, many_rows=int(self.many_rows * share))


@dataclass(frozen=True)
class ColumnModel:
    """Questions of one column and the classifiers that answer them."""

    cells: Cells
    questions: Questions
    base: Array  # (n_questions,), log-odds of "right"
    classifier: Array  # (n_questions,), which of `trees`, or -1
    place: Array  # (n_questions,), code of the question among those that share a classifier
    trees: tuple[Trees, ...]
    features: tuple[int, ...]
    """Positions, in the order of drawing, of the columns that are looked at; the place of the question comes last."""
    shared: SharedTrees | None = None
    """What answers all questions in place of `trees`."""


def train_column(
    cells: Cells,
    own: Array,
    codes: Array,
    features: tuple[int, ...],
    nominal: list[int],
    *,
    settings: Settings,
    seed: int,
    held_out: Array,
) -> ColumnModel:
    """Train the classifiers of a column.

    Args:
        cells: Cells of the column.
        own: Cell of each row, shape (n_rows,).
        codes: Feature codes of the columns before it, shape (n_features, n_rows), uint8.
        features: What `codes` are, as positions in the order of drawing.
        nominal: Which of `codes` have no order.
        settings: How hard to try.
        seed: Of the classifiers.
        held_out: Rows that only decide when to stop, shape (n_rows,), bool.
    """
    questions = ask(cells)
    n_questions = len(questions.left)
    rows_of, right_of = route(questions, own)
    base = np.zeros(n_questions)
    for number in range(n_questions):
        yes, n = float(right_of[number].sum()), len(right_of[number])
        base[number] = np.log((yes + _SMOOTHING) / (n - yes + _SMOOTHING))
    classifier = np.full(n_questions, -1)
    place = np.zeros(n_questions, np.uint8)
    trees: list[Trees] = []
    if len(codes) and n_questions and settings.shared_rounds and isinstance(cells.domain, Continuous):
        shared = grow_shared(
            cells,
            questions,
            own,
            (rows_of, right_of),
            base,
            codes,
            nominal,
            rounds=settings.shared_rounds,
            min_leaf=settings.min_leaf,
            seed=seed,
        )
        return ColumnModel(cells, questions, base, classifier, place, (), features, shared)
    if len(codes) and n_questions:
        trainer = _Trainer(codes, nominal, settings, seed, held_out)
        sizes = np.array([len(rows) for rows in rows_of])
        minority = np.array([min(right.sum(), len(right) - right.sum()) for right in right_of])
        able = minority >= settings.min_leaf
        floor = float(max(settings.own_rows, settings.rows_per_feature * len(codes)))
        if cells.ordered:
            floor = max(floor, settings.own_share * len(own))
        mine = able & (sizes >= floor)
        for number in np.flatnonzero(mine).tolist():
            found = trainer.own(rows_of[number], right_of[number], base[number])
            if found.n_trees:
                classifier[number] = len(trees)
                trees.append(found)
        if cells.ordered and settings.pooled_rounds:
            upto = np.concatenate([[0.0], np.cumsum(cells.masses)])
            low = _lowest_cell(questions)
            level = _level_below(questions, mine)
            if cells.has_missing:
                # Whether a cell is missing follows other rules than where it lies, and has no place of its own.
                level[0] = -1
            for depth in np.unique(level[level >= 0]):
                numbers = np.flatnonzero((level == depth) & (sizes > 0))
                if sizes[numbers].sum() < settings.own_rows:
                    continue
                place[numbers] = np.minimum(_PLACES - 1, (upto[low[numbers]] * _PLACES).astype(np.int64))
                found = trainer.shared(
                    [rows_of[n] for n in numbers], [right_of[n] for n in numbers], base[numbers], place[numbers]
                )
                if found.n_trees:
                    classifier[numbers] = len(trees)
                    trees.append(found)
    return ColumnModel(cells, questions, base, classifier, place, tuple(trees), features)


def route(questions: Questions, own: Array) -> tuple[list[Array], list[Array]]:
    """Rows that reach each question, and whether their answer is "right".

    Args:
        questions: The questions of the column.
        own: Cell of each row, shape (n_rows,).
    """
    n_questions = len(questions.left)
    if not n_questions:
        return [], []
    path = _paths(questions)
    reach: list[Array] = [np.zeros(0, np.int64)] * n_questions
    right: list[Array] = [np.zeros(0, bool)] * n_questions
    reach[0] = np.arange(len(own))
    rank = path[own]
    last = _last_rank(questions, path)
    for question in range(n_questions):
        rows = reach[question]
        right[question] = rank[rows] > last[question]
        for child, mask in ((questions.left[question], ~right[question]), (questions.right[question], right[question])):
            if child >= 0:
                reach[child] = rows[mask]
    return reach, right


def _paths(questions: Questions) -> Array:
    """Rank of each cell from left to right under the questions, shape (n_cells,)."""
    order: list[int] = []
    stack = [0]
    while stack:
        node = stack.pop()
        if node < 0:
            order.append(~node)
        else:
            stack += [int(questions.right[node]), int(questions.left[node])]
    rank = np.zeros(max(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _last_rank(questions: Questions, rank: Array) -> Array:
    """Highest rank of a cell on the left of each question, shape (n_questions,)."""
    highest = np.zeros(len(questions.left), np.int64)  # under each question
    last = np.zeros(len(questions.left), np.int64)
    for question in range(len(last) - 1, -1, -1):
        left, right = int(questions.left[question]), int(questions.right[question])
        last[question] = rank[~left] if left < 0 else highest[left]
        highest[question] = rank[~right] if right < 0 else highest[right]
    return last


def _lowest_cell(questions: Questions) -> Array:
    """First cell under each question (in-order trees), shape (n_questions,)."""
    low = np.zeros(len(questions.left), np.int64)
    for number in range(len(low) - 1, -1, -1):
        child = questions.left[number]
        low[number] = ~child if child < 0 else low[child]
    return low


def _level_below(questions: Questions, mine: Array) -> Array:
    """How many levels a question lies below the last one with a classifier of its own; -1 for those that have one."""
    level = np.full(len(mine), -1)
    for number in range(len(mine)):
        if mine[number]:
            continue
        above = questions.parent[number]
        level[number] = 0 if above < 0 else level[above] + 1
    return level


class _Trainer:
    """Trains classifiers on subsets of the same coded rows."""

    def __init__(self, codes: Array, nominal: list[int], settings: Settings, seed: int, held_out: Array) -> None:
        self.settings, self.held_out, self.nominal = settings, held_out, nominal
        self.n_features = len(codes)
        self.matrix = np.zeros((codes.shape[1], self.n_features + 1), np.float32)  # the last one is a question's place
        self.matrix[:, :-1] = codes.T
        self.parameters = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": settings.learning_rate,
            "min_data_in_leaf": settings.min_leaf,
            "min_sum_hessian_in_leaf": 1e-3,
            "lambda_l2": settings.l2,
            "path_smooth": settings.smoothing,
            "min_data_in_bin": 1,
            "min_data_per_group": max(settings.min_leaf, 50),
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "enable_bundle": False,
            "boost_from_average": False,
            "use_missing": False,
            "verbosity": -1,
            "seed": seed,
        }
        self.data: dict[int, Any] = {}  # all rows, by number of bins
        self.placed: dict[int, Any] = {}  # the same with a column for the place, from which bins are taken over

    def own(self, rows: Array, right: Array, base: float) -> Trees:
        """Classifier of one question."""
        bins = self._bins(len(rows))
        if bins not in self.data:
            self.data[bins] = self._dataset(self.matrix[:, : self.n_features], bins)
        return self._train(self.data[bins], rows, right, np.full(len(rows), base), self.settings.rounds, bins)

    def shared(self, rows: list[Array], right: list[Array], base: Array, place: Array) -> Trees:
        """Classifier of all questions of a level; their place is the last feature."""
        all_rows = np.concatenate(rows)
        order = np.argsort(all_rows, kind="stable")
        sizes = [len(part) for part in rows]
        bins = self._bins(len(all_rows))
        if bins not in self.placed:
            self.matrix[:, -1] = np.arange(len(self.matrix)) % _PLACES
            self.placed[bins] = self._dataset(self.matrix, bins)
        self.matrix[:, -1] = 0.0
        self.matrix[all_rows, -1] = np.repeat(place, sizes)
        data = self._dataset(self.matrix, bins, reference=self.placed[bins])
        return self._train(
            data,
            all_rows[order],
            np.concatenate(right)[order],
            np.repeat(base, sizes)[order],
            self.settings.pooled_rounds,
            bins,
        )

    def _bins(self, n_rows: int) -> int:
        """Bins of a feature for a classifier on so many rows."""
        few = n_rows < self.settings.fine_rows
        return min(self.settings.bins, self.settings.few_bins) if few else self.settings.bins

    def _dataset(self, matrix: Array, bins: int, *, reference: Any = None) -> Any:
        import lightgbm

        return lightgbm.Dataset(
            matrix,
            label=np.zeros(len(matrix), np.float32),
            reference=reference,
            params={**self.parameters, "max_bin": bins},
            categorical_feature=self.nominal,
            free_raw_data=True,
        ).construct()

    def _train(self, data: Any, rows: Array, right: Array, base: Array, rounds: int, bins: int) -> Trees:
        import lightgbm

        many = len(rows) >= self.settings.many_rows
        leaves = self.settings.leaves if many else self.settings.few_leaves
        parameters = {**self.parameters, "max_bin": bins, "num_leaves": leaves}
        rounds = self._rounds(data, rows, right, base, rounds, parameters)
        if not rounds:
            return no_trees()
        booster = lightgbm.Booster(parameters, self._subset(data, rows, right, base))
        done = 0
        while done < rounds and not booster.update():
            done += 1
        return Trees.read(booster.model_to_string(num_iteration=max(done, 1)), done)

    def _rounds(
        self, data: Any, rows: Array, right: Array, base: Array, most: int, parameters: Mapping[str, Any]
    ) -> int:
        """How many rounds help on rows kept apart: as many as all rows get."""
        import lightgbm

        if not self.settings.held_out:
            return most
        held = self.held_out[rows]
        if held.sum() < _FEWEST_HELD_OUT or held.all():
            return 0
        label, score = right[held], base[held]
        parts = [self._subset(data, rows[keep], right[keep], base[keep]) for keep in (~held, held)]
        booster = lightgbm.Booster(dict(parameters), parts[0])
        booster.add_valid(parts[1], "held out")
        best, best_loss = 0, float(np.mean(np.logaddexp(0.0, np.where(label, -score, score))))
        for number in range(most):
            if booster.update():
                break
            loss = booster.eval_valid()[0][2]
            if loss < best_loss - 1e-7:
                best, best_loss = number + 1, loss
            elif number + 1 - best >= self.settings.patience:
                break
        return best

    def _subset(self, data: Any, rows: Array, right: Array, base: Array) -> Any:
        part = data.subset(rows.astype(np.int32)).construct()
        part.set_label(right.astype(np.float32))
        part.set_init_score(base)
        return part
