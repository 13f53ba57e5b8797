"""Real and synthetic tables on one scale: train, holdout and synthetic, and two naive inventions beside them.

Two more real tables may take roles off the holdout (`roles.py`): the attack reference and the test rows.

Every modelled column becomes an array of numbers with NaN at missing cells: codes for categorical, ordinal and boolean
columns (one code list for all tables), the value itself for integers and numbers, microseconds for datetimes.

Decisions
- Numbers are rounded to the decimals of the schema, or of the training table where the schema names none, before
  anything is compared: a sixth decimal would give a generator away, or hide a copied row, without any meaning. How
  many values that changed is kept in `finer`.
- Holdout and synthetic are compared in equally many rows. Distances between samples shrink with their size, so a larger
  synthetic table would look better than the holdout for its size alone.
- Identifiers and text are no part of the scale: they are invented, never learned, and are only searched for copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabsynth.errors import DataError
from tabsynth.evaluation.binning import Bins, fit_bins
from tabsynth.evaluation.recipe import Recipe
from tabsynth.randomness import child
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Number, Ordinal, Text
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values, category_text, parse_column

Array = np.ndarray[Any, Any]
Which = Literal["train", "holdout", "synthetic", "independent", "uniform"]

MAX_COMPARED = 20_000
MAX_PAIRS = 1_000
_NUMPY_UNITS = {"year": "Y", "month": "M", "day": "D", "hour": "h", "minute": "m", "second": "s", "millisecond": "ms"}


@dataclass(frozen=True)
class Scale:
    """What the numbers of one column mean."""

    discrete: bool
    labels: tuple[str, ...] = ()
    """Text of each code, for discrete columns."""
    decimals: int | None = None
    """Digits that numbers were rounded to; None: not rounded."""


@dataclass(frozen=True)
class Rows:
    """Columns of equal length as numbers, NaN where missing."""

    columns: Mapping[str, Array]  # name -> (n_rows,) float64
    n_rows: int

    def take(self, rows: Array) -> Rows:
        """The rows that an index array selects."""
        return Rows({name: values[rows] for name, values in self.columns.items()}, len(rows))

    def matrix(self, names: tuple[str, ...]) -> Array:
        """Some columns side by side, shape (n_rows, len(names))."""
        if not names:
            return np.empty((self.n_rows, 0))
        return np.column_stack([self.columns[name] for name in names])


@dataclass(frozen=True)
class Comparison:
    """Train, holdout and synthetic rows on one scale.

    Privacy:
        Holds the training table in memory while metrics run; nothing of it is written. Metrics answer for what they
        return.
    """

    table: Table
    seed: int
    scales: Mapping[str, Scale]
    train: Rows
    holdout: Rows
    synthetic: Rows
    typed: Mapping[str, TypedTable]
    """The tables as they came, for identifiers and text."""
    finer: Mapping[str, float]
    """Share of synthetic values that rounding to the training table's precision changed, where there are any."""
    violations: Mapping[str, int] | None = None
    """Rows that break a rule of the schema, by rule; None: not checked."""
    apart: Mapping[str, Rows] = field(default_factory=dict)
    """Rows by role, `reference` and `test`, where a role is not played by the holdout."""
    swaps: tuple[Comparison, ...] = ()
    """The same for more models of the same generator, each learned without another part of the people."""
    as_many: bool = False
    """Whether no more people of train than of holdout are asked about, as other models are asked about the others."""
    recipe: Recipe | None = None
    """How the synthetic rows can be made anew; None: not known."""
    _codes: dict[str, dict[str, Array]] = field(default_factory=dict, repr=False)
    _train_joints: dict[tuple[str, str], Array] = field(default_factory=dict, repr=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are compared as distributions."""
        return tuple(self.scales)

    def named(self, *kinds: type) -> tuple[str, ...]:
        """Columns of the given kinds, in order of the schema."""
        return tuple(name for name, column in self.table.columns.items() if isinstance(column, kinds))

    @property
    def reference(self) -> Rows:
        """Real rows that an attacker is given to know what strangers are like."""
        return self.apart.get("reference", self.holdout)

    @property
    def test(self) -> Rows:
        """Real rows that models of utility are tested on."""
        return self.apart.get("test", self.holdout)

    @cached_property
    def n_compared(self) -> int:
        """Rows of holdout and of synthetic that are compared."""
        return min(self.holdout.n_rows, self.synthetic.n_rows, MAX_COMPARED)

    @cached_property
    def chosen(self) -> Mapping[str, Array]:
        """Which rows of holdout and synthetic are compared: sorted indices, (n_compared,) each."""
        return {
            which: _choose(rows.n_rows, self.n_compared, self.seed, which)
            for which, rows in (("holdout", self.holdout), ("synthetic", self.synthetic))
        }

    def compared(self, which: Which) -> Rows:
        """`n_compared` rows of holdout, synthetic or a baseline; all rows of train."""
        return self._compared[which]

    @cached_property
    def _compared(self) -> dict[str, Rows]:
        chosen = self.chosen
        return {
            "train": self.train,
            "holdout": self.holdout.take(chosen["holdout"]),
            "synthetic": self.synthetic.take(chosen["synthetic"]),
            "independent": independent_rows(self.train, self.n_compared, self.seed),
            "uniform": uniform_rows(self.train, self.scales, self.n_compared, self.seed),
        }

    def clusters(self, which: Which) -> Array | None:
        """Person that each compared row belongs to, as codes; None where the schema names no `entity_key`."""
        return self._clusters.get(which)

    @cached_property
    def _clusters(self) -> dict[str, Array]:
        key = self.table.entity_key
        if key is None:
            return {}
        return {which: _person_codes(self.typed[which].columns[key].take(rows)) for which, rows in self.chosen.items()}

    @cached_property
    def train_people(self) -> Array | None:
        """Person that each training row belongs to, as codes; None where the schema names no `entity_key`."""
        return self.people("train") if self.table.entity_key is not None else None

    def people(self, which: Literal["train", "holdout", "reference", "test", "synthetic"]) -> Array:
        """Person that each row of a table belongs to, as codes; without an `entity_key`, every row is a person."""
        part = self.typed.get(which, self.typed["holdout"])
        if self.table.entity_key is None:
            return np.arange(part.n_rows)
        return _person_codes(part.columns[self.table.entity_key])

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns, made once per comparison: several metrics read one search."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @cached_property
    def bins(self) -> Mapping[str, Bins]:
        """Bins of every column, fitted once, on train."""
        return {
            name: fit_bins(self.train.columns[name], discrete=scale.discrete) for name, scale in self.scales.items()
        }

    def codes(self, which: Which) -> Mapping[str, Array]:
        """Bin of every cell of the compared rows, by column; int arrays of shape (n_rows,)."""
        if which not in self._codes:
            rows = self.compared(which)
            self._codes[which] = {name: bins.code(rows.columns[name]) for name, bins in self.bins.items()}
        return self._codes[which]

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs of columns that are compared: all, or MAX_PAIRS of them drawn by seed."""
        every = list(combinations(self.columns, 2))
        if len(every) <= MAX_PAIRS:
            return tuple(every)
        drawn = child(self.seed, "evaluation", "pairs").choice(len(every), MAX_PAIRS, replace=False)
        return tuple(every[index] for index in np.sort(drawn))

    def joint_codes(self, which: Which, pair: tuple[str, str]) -> Array:
        """Cell of the contingency table of a pair that each compared row falls in, shape (n_rows,)."""
        codes = self.codes(which)
        return codes[pair[0]] * self.bins[pair[1]].n_bins + codes[pair[1]]

    def train_joint(self, pair: tuple[str, str]) -> Array:
        """Training rows in each cell of the contingency table of a pair, shape (n_cells,)."""
        if pair not in self._train_joints:
            n_cells = self.bins[pair[0]].n_bins * self.bins[pair[1]].n_bins
            self._train_joints[pair] = np.bincount(self.joint_codes("train", pair), minlength=n_cells)
        return self._train_joints[pair]


def compare(
    train: TypedTable,
    holdout: TypedTable,
    synthetic: TypedTable,
    table: Table,
    *,
    seed: int = 0,
    violations: Mapping[str, int] | None = None,
    apart: Mapping[str, TypedTable] | None = None,
) -> Comparison:
    """Bring typed tables to one scale.

    Args:
        train: Rows that the generator learned from.
        holdout: Real rows that it never saw.
        synthetic: Rows that it made.
        table: Their schema.
        seed: Seed of every choice of rows and of the naive baselines.
        violations: Rows that break a rule of the schema, by rule, where that was checked.
        apart: More real rows by role, `reference` and `test`; a role that is not named is played by the holdout.

    Raises:
        DataError: A table has no rows, or lacks columns of the schema.
    """
    typed = {"train": train, "holdout": holdout, "synthetic": synthetic, **(apart or {})}
    for which, part in typed.items():
        _check(which, part, table)
    scales: dict[str, Scale] = {}
    numbers: dict[str, dict[str, Array]] = {which: {} for which in typed}
    finer: dict[str, float] = {}
    for name, column in table.columns.items():
        if isinstance(column, Identifier | Text):
            continue
        parts = {which: part.columns[name] for which, part in typed.items()}
        scale, arrays, changed = _align(column, parts)
        scales[name] = scale
        if changed > 0:
            finer[name] = changed
        for which, array in arrays.items():
            numbers[which][name] = array
    rows = {which: Rows(numbers[which], typed[which].n_rows) for which in typed}
    own = {which: rows[which] for which in apart or {}}
    three = rows["train"], rows["holdout"], rows["synthetic"]
    return Comparison(table, seed, scales, *three, typed, finer, violations, own)


def read_frame(frame: pd.DataFrame, table: Table, *, name: str) -> TypedTable:
    """Read a pandas frame as typed columns of `table`; cells that cannot be read count as missing.

    Raises:
        DataError: Columns of the schema are absent (text columns may be).
    """
    present = {column: spec for column, spec in table.columns.items() if column in frame.columns}
    typed = TypedTable(
        {column: parse_column(frame[column], spec).values for column, spec in present.items()}, len(frame)
    )
    _check(name, typed, table)
    return typed


def independent_rows(train: Rows, n_rows: int, seed: int) -> Rows:
    """Rows whose columns are drawn from train one by one: every distribution right, every dependence gone."""
    columns = {
        name: values[child(seed, "evaluation", "independent", name).integers(0, train.n_rows, n_rows)]
        for name, values in train.columns.items()
    }
    return Rows(columns, n_rows)


def uniform_rows(train: Rows, scales: Mapping[str, Scale], n_rows: int, seed: int) -> Rows:
    """Rows drawn evenly over the categories or the range of train, with "missing" as one more category."""
    columns: dict[str, Array] = {}
    for name, values in train.columns.items():
        rng = child(seed, "evaluation", "uniform", name)
        present = values[~np.isnan(values)]
        if not len(present):
            columns[name] = np.full(n_rows, np.nan)
            continue
        options = np.unique(present)
        if scales[name].discrete:
            drawn = rng.choice(options, n_rows)
        else:
            drawn = rng.uniform(options[0], options[-1], n_rows)
        if len(present) < len(values):
            drawn[rng.random(n_rows) < 1 / (min(len(options), 20) + 1)] = np.nan
        columns[name] = drawn
    return Rows(columns, n_rows)


def _check(which: str, part: TypedTable, table: Table) -> None:
    needed = [name for name, column in table.columns.items() if not isinstance(column, Text)]
    if absent := [name for name in needed if name not in part.columns]:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        raise DataError(f"{which}: lacks columns of the schema ({shown}); give a table with the same columns as train")
    if part.n_rows == 0:
        raise DataError(f"{which}: has no rows; there is nothing to compare")


def _align(column: Column, parts: Mapping[str, Values]) -> tuple[Scale, dict[str, Array], float]:
    """One column of all tables as numbers: its scale, the arrays, and the share of synthetic values rounded."""
    if isinstance(column, Boolean):
        labels = column.labels or ("false", "true")
        return Scale(True, labels), {which: _with_gaps(part.array, part) for which, part in parts.items()}, 0.0
    if isinstance(column, Categorical | Ordinal):
        texts = _label_order(column, parts)
        index = pd.Index(texts, dtype=object)
        coded = {which: _with_gaps(index.get_indexer(pd.Index(part.array)), part) for which, part in parts.items()}
        return Scale(True, texts), coded, 0.0
    if isinstance(column, DateTime):
        unit = _NUMPY_UNITS.get(column.resolution)
        arrays = {which: _with_gaps(_floor(part.array, unit), part) for which, part in parts.items()}
        return Scale(False), arrays, 0.0
    arrays = {which: _with_gaps(part.array, part) for which, part in parts.items()}
    if not isinstance(column, Number):
        return Scale(False, decimals=0), arrays, 0.0
    decimals = column.decimals if column.decimals is not None else _decimals(arrays["train"])
    if decimals is None:
        return Scale(False), arrays, 0.0
    rounded = {which: np.round(array, decimals) + 0.0 for which, array in arrays.items()}
    present = ~np.isnan(arrays["synthetic"])
    moved = np.abs(rounded["synthetic"] - arrays["synthetic"])[present] > 10.0 ** -(decimals + 3)
    return Scale(False, decimals=decimals), rounded, float(moved.mean()) if len(moved) else 0.0


def _with_gaps(array: Array, part: Values) -> Array:
    return np.where(part.missing, np.nan, array.astype(np.float64))


def _label_order(column: Categorical | Ordinal, parts: Mapping[str, Values]) -> tuple[str, ...]:
    """Declared order for ordinal columns, else by how common a category is in train; then what only others hold."""
    train = parts["train"]
    common = pd.Series(train.array[~train.missing], dtype=object).value_counts(sort=True)
    seen = sorted(common.index, key=lambda label: (-int(common[label]), label))
    if isinstance(column, Ordinal):
        seen = [category_text(item) for item in column.categories] + seen
    others = [part.array[~part.missing] for which, part in parts.items() if which != "train"]
    rest = sorted({str(label) for label in pd.unique(np.concatenate(others))})
    return tuple(dict.fromkeys([*seen, *rest]))


def _floor(micros: Array, unit: str | None) -> Array:
    if unit is None:
        return micros
    return micros.astype("datetime64[us]").astype(f"datetime64[{unit}]").astype("datetime64[us]").astype(np.int64)


def _decimals(values: Array) -> int | None:
    """Fewest digits after the point that write all values, up to 6; None where they need more."""
    present = values[~np.isnan(values)]
    for digits in range(7):
        if np.all(np.abs(np.round(present, digits) - present) <= 1e-9 * np.maximum(1.0, np.abs(present))):
            return digits
    return None


def _choose(n_rows: int, n_chosen: int, seed: int, which: str) -> Array:
    if n_chosen == n_rows:
        return np.arange(n_rows)
    return np.sort(child(seed, "evaluation", "chosen", which).choice(n_rows, n_chosen, replace=False))


def _person_codes(entities: Values) -> Array:
    """Codes of the persons; rows without one count as a person each."""
    codes, uniques = pd.factorize(pd.Series(entities.array))
    nobody = np.flatnonzero(entities.missing)
    codes[nobody] = len(uniques) + np.arange(len(nobody))
    return pd.factorize(codes)[0]
