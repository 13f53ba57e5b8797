"""Sequential boosted trees: each column is drawn given the ones before it. The generator to start with.

A column is a tree of yes-or-no questions over its cells (missing or not, then halves of its mass, down to about 500
cells), and each question with rows enough is a boosted classifier on the columns before it. Deep questions of a level
share one classifier. A drawn cell becomes a value through the column's marginal, so that no training value is kept.

Decisions
- Columns are drawn in a chain: each after the one that tells most about it. Information about holdout rows, in nats a
  row beyond independent columns (chain; as in the table; categories first): 4,000 rows of Adult 4.63, 4.59, 4.51;
  California 8.22, 8.15, 8.18; 3,000 rows of Default 20.92, 20.89, 20.91. The price: a condition on a category that is
  drawn late weighs what was drawn before it, where with `order="kind"` it would be exact or nearly so.
- What is chosen here was compared by the information about holdout rows first, on small tables outside the protocol
  of `evaluations/tabular_protocol` (see `boosting/training.py`): a copier gains nothing by it, and it hardly scatters.
  Smoothing and rounds for tables beyond 10,000 rows, bins, and the preset `fast` were chosen on tables of the protocol.
- Preset `best` averages four orders, each begun with another column, and spends nothing on smaller steps. California
  (5,000 rows), log-probability of holdout rows: -40.79 in the first order, -40.81 as the mean of four alone, -40.70 for
  two together, -40.63 for four; -40.80 with steps a third as large, which took 2.1 times as long as one order. Census
  rows of Massachusetts (4,500; a row without any probability counts as -500): -29.47 alone, -29.41 for two. Rows show
  less of it: on California the detector AUC was 0.617 alone, 0.611 for two and four, 0.609 with small steps; the error
  of a model that learns from them 0.496 spreads alone, 0.496, 0.495, 0.495; the attack 0.122, 0.131, 0.119, 0.126: all
  the same within chance. On Telco (4,500 rows) four orders did no better than the first: -19.07 against -19.05.
- What a model that learns from rows misses is what any label drawn from an estimate costs. Magic in halves (3 splits;
  AUC on holdout rows, mean of six settings of XGBoost): learned from the real other half 0.936; from its columns with
  the class drawn by a classifier of the first half 0.922; from rows drawn whole 0.921. Default's and Magic's classes
  are drawn late already. Four orders (Magic, one fit): 0.936, one order 0.934; C2ST 0.993 and 0.979; 93 and 25 CPU s.
- Preset `fast`: questions of a numeric column share four regression trees (`boosting/growing.py`), those of categories
  have boosted classifiers of 12 rounds. One fit, C2ST, holdout AUC, CPU seconds: Default 0.707, 0.560 in 9.4; Magic
  0.917, 0.499 in 4.1; Beijing 0.815, 0.527 in 4.3. Classifiers for all columns, on the 10 most telling ones: Default
  0.516, 0.597 in 11.1; Magic 0.856 in 6.2; Beijing 0.773 in 6.7; there less than a third of the time was rounds, the
  rest copies of the data, drawing, sorting, and reading trees back. How much a share is drawn towards that above it is
  what copying rests on: 15 rows, and 2.3 % of Adult's rows lie below the 2 % distance (`balanced`: 2.27 +- 0.79); 10
  rows, and 3.15 % do (C2ST on Default 0.731; attack on Magic 0.139 against 0.126).
- One regression tree a column alone, leaves of 20 rows, tried for `fast` (C2ST, holdout AUC, attack, CPU time). With
  a row of the leaf as donor of its cell: Magic 0.895, 0.534, 0.129 in 1.1; Default 0.666, 0.576, 0.108 in 5.5; Adult
  1.000, 0.545, 0.145 in 1.3. Not what it is here because it copies: 4.75 % of Adult's rows lie below the 2 % distance,
  and the model would hold the cells of every leaf's rows one by one. With shares that rest on 20 rows at every
  question instead: Magic 0.771, 0.548, 0.121 in 4.1; Default 0.508, 0.593, 0.118 in 7.6; Adult 0.921, 0.559 in 3.2.
- Conditions by weighing, not by drawing until they hold. For three conditions that 0.4 % of Adult's rows meet (preset
  `fast`, categories first), 6,000 rows of 6 draws differ from those found among a million by 0.016 in total variation
  of the other columns, on average; of that about 0.012 is chance.

Source: the idea of ordered bins under a tree of boosted classifiers is in McCarter 2024, "Unmasking Trees for Tabular
Data"; sequential synthesis by trees in Reiter 2005, "Using CART to generate partially synthetic, public use microdata".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from tabsynth.encoding.given import EncodedGiven
from tabsynth.encoding.table import Continuous, Domain, EncodedTable
from tabsynth.errors import UsageError
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.boosting.calibration import calibrate
from tabsynth.generators.boosting.cells import make_cells
from tabsynth.generators.boosting.drawing import draw_cells, pick, tilt
from tabsynth.generators.boosting.fitting import OrderedRows, TrainingRows
from tabsynth.generators.boosting.imputing import fill
from tabsynth.generators.boosting.likelihood import log_probability
from tabsynth.generators.boosting.ordering import chain, shared_information, together, turns
from tabsynth.generators.boosting.placing import allowed_cells, place_values
from tabsynth.generators.boosting.state import column_from, column_state
from tabsynth.generators.boosting.training import ColumnModel, Settings
from tabsynth.generators.independent import is_missing, require_possible
from tabsynth.progress import SILENT, Progress

Array = np.ndarray[Any, Any]

_TRIALS = 10
"""Rows tried for each row asked for, while a condition on a later column weighs what was drawn before it."""
_MOST_TRIALS = 400_000
_SPARE = 2.0
"""Effective rows for each row asked for, where more are begun."""
_CALIBRATION = 20_000
"""Rows drawn, at most, to bring the shares of the columns to those of the training rows."""
_FAST_CALIBRATION = 8_000
"""The same for the preset `fast`."""


@dataclass(frozen=True)
class FittedTrees(Fitted):
    """Questions and classifiers of every column, in the order of drawing."""

    names: tuple[str, ...]
    """All columns, in the table's order."""
    columns: Mapping[str, ColumnModel]
    """In the order of drawing."""
    notes: tuple[str, ...] = ()
    others: tuple[FittedTrees, ...] = ()
    """Models of the same table with other orders, each of which draws as many rows as this one."""

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw column after column. See `Fitted.sample_encoded`.

        A condition on the first column drawn is exact. For one further on, several times the rows are begun, weighted
        by the probability that they meet it, and chosen by weight; the column itself is drawn inside the condition.
        Where the weights leave fewer effective rows than are asked for, more are begun, up to a limit. Of several
        orders the one draws that comes to the conditions first.
        """
        if self.others and given:
            earliest = min((self, *self.others), key=lambda model: model._last(given))
            return replace(earliest, others=()).sample_encoded(n_rows, rng=rng, given=given)
        if self.others:
            models = [replace(model, others=()) for model in (self, *self.others)]
            whose = turns(n_rows, len(models), rng=rng)
            sizes = np.bincount(whose, minlength=len(models)).tolist()
            parts = [model.sample_encoded(n, rng=rng, given={}) for model, n in zip(models, sizes, strict=True)]
            return {name: together([part[name] for part in parts], whose) for name in self.names}
        for name, asked in given.items():
            cells = self.columns[name].cells
            require_possible(name, asked, float(cells.masses[-1]) if cells.has_missing else 0.0)
        last = self._last(given)
        n_begun = n_rows if last < 0 else max(n_rows, min(max(_TRIALS * n_rows, 2000), _MOST_TRIALS))
        drawn, effective = self._drawn(n_rows, n_begun, last, given, rng=rng)
        wanted = int(min(_MOST_TRIALS, _SPARE * n_rows / max(effective, 1e-9)))
        if effective * n_begun < n_rows and wanted > n_begun:
            drawn, _ = self._drawn(n_rows, wanted, last, given, rng=rng)
        values = {
            name: place_values(model.cells, own, given.get(name), rng=rng)
            for (name, model), own in zip(self.columns.items(), drawn, strict=True)
        }
        return {name: values[name] for name in self.names}

    def _last(self, given: EncodedGiven) -> int:
        """Place of the last column with a condition, -1 for none."""
        return max((number for number, name in enumerate(self.columns) if name in given), default=-1)

    def _drawn(
        self, n_rows: int, n_begun: int, last: int, given: EncodedGiven, *, rng: np.random.Generator
    ) -> tuple[list[Array], float]:
        """Cells of `n_rows` rows out of `n_begun`, by column, and the share of effective rows among those begun.

        Args:
            n_rows: Rows to end with.
            n_begun: Rows to begin with.
            last: Place of the last column with a condition, after which only `n_rows` are drawn on; -1 for none.
            given: The conditions.
            rng: Source of every random number.
        """
        effective = 1.0
        codes = np.zeros((len(self.columns) + 1, n_begun), np.uint8)
        drawn: list[Array] = []
        for number, (name, model) in enumerate(self.columns.items()):
            seen = codes[[*model.features, -1]]
            tilted: dict[int, Array] = {}
            if name in given:
                weights, tilted = tilt(model, seen, codes.shape[1], allowed_cells(model.cells, given[name]))
                if weights.sum() <= 0:
                    raise UsageError(f"given: {name}: has probability zero together with the other conditions")
                effective *= float(weights.sum() ** 2 / (weights**2).sum()) / len(weights)
                kept = pick(weights, n_rows if number == last else codes.shape[1], rng=rng)
                codes, seen = codes[:, kept], seen[:, kept]
                drawn = [before[kept] for before in drawn]
                tilted = {question: chance[kept] for question, chance in tilted.items()}
            drawn.append(draw_cells(model, seen, codes.shape[1], rng=rng, tilted=tilted))
            codes[number] = model.cells.feature_codes[drawn[-1]]
            model.forget()
        return drawn, effective

    def log_likelihood(self, columns: Mapping[str, Array]) -> Array:
        """Log-probability of the cells that rows fall in, summed over the columns; shape (n_rows,).

        With several orders, the logarithm of their mean probability.

        Args:
            columns: Encoded rows, as `EncodedTable.columns`.
        """
        if self.others:
            found = [replace(model, others=()).log_likelihood(columns) for model in (self, *self.others)]
            return np.logaddexp.reduce(np.stack(found), axis=0) - np.log(len(found))
        own, known = self._cells(columns)
        codes = np.zeros((len(own) + 1, own.shape[1]), np.uint8)  # the last one is free for a question's place
        total = np.zeros(own.shape[1])
        for number, model in enumerate(self.columns.values()):
            total += log_probability(model, own[number], codes[[*model.features, -1]])
            codes[number] = model.cells.feature_codes[own[number]]
            model.forget()
        return np.where(known.all(axis=0), total, -np.inf)

    def impute_encoded(
        self, columns: Mapping[str, Array], missing: Mapping[str, Array], *, rng: np.random.Generator
    ) -> dict[str, Array]:
        """Weighted draws, then sweeps: see `boosting/imputing.py`, and `Imputer` for the contract.

        Of several orders the first one fills in.
        """
        own, known = self._cells(columns)
        hidden = ~known
        for number, name in enumerate(self.columns):
            if name in missing:
                hidden[number] |= missing[name]
        own[hidden] = 0
        filled = dict(columns)
        cells = fill(list(self.columns.values()), own, hidden, rng=rng)
        for number, (name, model) in enumerate(self.columns.items()):
            model.forget()
            if name in missing and missing[name].any():
                rows = np.flatnonzero(missing[name])
                filled[name] = columns[name].copy()
                filled[name][rows] = place_values(model.cells, cells[number, rows], None, rng=rng)
        return filled

    def _cells(self, columns: Mapping[str, Array]) -> tuple[Array, Array]:
        """Cells of encoded rows in the order of drawing, and which of them the model knows; (n_columns, n_rows)."""
        own, known = [], []
        for name, model in self.columns.items():
            cells = model.cells.of(columns[name])
            possible = (cells >= 0) & (model.cells.has_missing | ~is_missing(columns[name]))
            own.append(np.where(possible, cells, 0))
            known.append(possible)
        return np.stack(own).astype(np.int32), np.stack(known)

    def state(self) -> dict[str, Any]:
        """Cells, questions, log-odds, and trees as arrays of codes and leaf values; no value of any row."""
        return {
            "names": list(self.names),
            "order": list(self.columns),
            "notes": list(self.notes),
            "columns": {name: column_state(model) for name, model in self.columns.items()},
            "others": [other.state() for other in self.others],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Domain]) -> Self:
        """See `Fitted.from_state`."""
        columns = {name: column_from(state["columns"][name], domains[name]) for name in state["order"]}
        others = tuple(cls.from_state(other, domains) for other in state.get("others", ()))
        return cls(tuple(state["names"]), columns, tuple(state["notes"]), others)


_PRESETS = {
    "fast": (
        Settings(
            rounds=12,
            learning_rate=0.4,
            own_rows=1000,
            own_share=1 / 12,
            pooled_rounds=12,
            held_out=0.0,
            few_leaves=15,
            bins=63,
            shared_rounds=3,
        ),
        256,
    ),
    "balanced": (Settings(), 512),
    "best": (Settings(), 512),
}
_ORDERS = {"best": 4}
"""Orders of the columns that rows are drawn in, where it is more than one."""


class Trees(Generator):
    """Sequential boosted trees: the most faithful rows in seconds to a minute; the generator to start with."""

    name: ClassVar[str] = "trees"
    fitted_type: ClassVar[type[Fitted]] = FittedTrees
    min_rows: ClassVar[int] = 100

    preset: Literal["fast", "balanced", "best"] = Field(
        default="balanced",
        description="How much work to put in: fast (a preview), balanced, best (four orders of the columns, each of "
        "which draws a quarter of the rows; as many as fit into a time limit, and one where `order` names it).",
    )
    time_limit: float | None = Field(
        default=None,
        gt=0,
        description="Seconds that fitting may take, about; fewer rounds are boosted where it would take longer. Rows "
        "then depend on the speed of the machine, not on the seed alone.",
    )
    min_leaf: int = Field(
        default=20, ge=5, description="Fewest rows in a leaf; with an entity key, times the mean rows of a person."
    )
    order: Literal["information", "kind", "file"] = Field(
        default="information",
        description="Order in which columns are drawn: each after the column that tells most about it, categories "
        "before numbers, or as in the table.",
    )
    max_features: int = Field(
        default=40,
        ge=1,
        description="Earlier columns that one column looks at, at most: those that tell most about it.",
    )
    max_rows: int = Field(default=100_000, ge=1000, description="Training rows that classifiers see, at most.")

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> FittedTrees:
        """Train the classifiers.

        Raises:
            UsageError: `time_limit` is too short for this table.

        Privacy: Split thresholds are numbers of cells (each of at least `min_people` people by `Marginal`), leaf values
        rest on at least `min_leaf` rows; the log-odds of questions are shares of cells.
        """
        started = time.monotonic()
        settings = _PRESETS[self.preset][0].for_rows(min(data.n_rows, self.max_rows))
        settings = replace(settings, min_leaf=self._leaf(data))
        notes: list[str] = []
        if data.n_rows > self.max_rows:
            notes.append(f"classifiers were trained on {self.max_rows} of {data.n_rows} rows, drawn at random")
        rows = self._training_rows(data, settings, rng=rng)
        orders = self._orders(data, rows.own)
        most_drawn = _FAST_CALIBRATION if self.preset == "fast" else _CALIBRATION
        fitted: list[FittedTrees] = []
        for order in orders:
            begun = time.monotonic()
            ordered = OrderedRows.of(rows, order, rng=rng)
            progress.stage("Training columns", total=len(order))
            if self.time_limit is not None and not fitted:
                full = settings.rounds
                settings = ordered.within(self.time_limit - (time.monotonic() - started), settings)
                if settings.rounds < full:
                    notes.append(f"time_limit: {settings.rounds} of {full} rounds of boosting per question")
            models = ordered.train_all(settings, progress=progress)
            models = calibrate(models, min(max(data.n_rows, 2000), most_drawn), rng=rng)
            fitted.append(FittedTrees(tuple(data.columns), dict(zip(order, models, strict=True))))
            now = time.monotonic()
            if self.time_limit is not None and now - started + (now - begun) > self.time_limit:
                break
        if len(fitted) < len(orders):
            notes.append(f"time_limit: {len(fitted)} of {len(orders)} orders of the columns")
        return replace(fitted[0], notes=tuple(notes), others=tuple(fitted[1:]))

    def _training_rows(self, data: EncodedTable, settings: Settings, *, rng: np.random.Generator) -> TrainingRows:
        """The rows that classifiers see, as cells; those of a person are all kept apart, or none."""
        columns = data.columns
        people = np.arange(data.n_rows) if data.entities is None else data.entities
        if data.n_rows > self.max_rows:
            chosen = np.sort(rng.choice(data.n_rows, self.max_rows, replace=False))
            columns = {name: array[chosen] for name, array in columns.items()}
            people = people[chosen]
        most = max(8, min(_PRESETS[self.preset][1], len(people) // settings.min_leaf))
        cells = {
            name: make_cells(columns[name], domain, most=most, numbers_in_order=True)
            for name, domain in data.domains.items()
        }
        held_out: Array = np.less(rng.random(int(people.max(initial=0)) + 1), settings.held_out)[people]
        return TrainingRows(
            cells, {name: cells[name].of(array) for name, array in columns.items()}, held_out, self.max_features
        )

    def _orders(self, data: EncodedTable, own: Mapping[str, Array]) -> list[list[str]]:
        """Orders in which columns are drawn, the first one as `order` says."""
        names = list(data.columns)
        if self.order == "file":
            return [names]
        if self.order == "kind":
            return [sorted(names, key=lambda name: isinstance(data.domains[name], Continuous))]
        told = shared_information([own[name] for name in names])
        found = [chain(told, start=start) for start in range(min(_ORDERS.get(self.preset, 1), len(names)))]
        return [[names[place] for place in order] for order in found]

    def _leaf(self, data: EncodedTable) -> int:
        """Rows that a leaf needs: `min_leaf` times the mean rows of a person."""
        n_people = data.n_rows if data.entities is None else len(np.unique(data.entities))
        return self.min_leaf * max(1, -(-data.n_rows // max(n_people, 1)))
