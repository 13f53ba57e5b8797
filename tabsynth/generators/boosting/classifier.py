"""Training one boosted classifier on some of a table's rows, stopped by rows kept apart.

Decisions
- Features have 63 bins instead of 255 where a classifier has fewer than 1,000 rows, where most of a round goes into
  trying splits: on 3,000 rows and 14 features it takes 0.6 to 0.9 ms instead of 1.5. From 5,000 rows down it was no
  faster on Default (65 CPU seconds against 64) and blurred its amounts (one fit): C2ST 0.845 against 0.897, holdout
  AUC 0.542 against 0.526.
- Smaller steps for columns of few questions, tried for the sake of models that learn from rows: loss and AUC on holdout
  rows of Default's class with steps of 0.2, 0.05 and 0.03: 0.440, 0.439, 0.438; 0.771, 0.771, 0.771; Magic's 0.258,
  0.258, 0.260; 0.953, 0.953, 0.952, at four to six times the work. A quarter of the smoothing, 4 folds: 0.297 and 0.296
  on Magic, 0.426 and 0.426 on Default. Log-odds are neither too bold nor too timid: slopes of 1.02 and 1.03.
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
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.generators.boosting.forest import Trees, no_trees

if TYPE_CHECKING:
    from tabsynth.generators.boosting.training import Settings

Array = np.ndarray[Any, Any]

PLACES = 255
"""Codes for the place of a question: as many as a feature has bins."""
_FEWEST_HELD_OUT = 15
"""Rows that it takes to say how many rounds help; with fewer, a question keeps its plain log-odds."""


class ClassifierTrainer:
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
            self.matrix[:, -1] = np.arange(len(self.matrix)) % PLACES
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
