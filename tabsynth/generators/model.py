"""A fitted model: draws rows that keep the schema, and saves itself.

Rows are drawn on encoded columns, decoded, completed (derived columns, surrogates, placeholder text) and checked
against every constraint that is not already true by construction. Rows that fail are drawn again, a bounded number of
times; there are exactly as many rows as asked for, or an error that says which rule stands in the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabsynth.encoding.derived import Derivation
from tabsynth.encoding.given import EncodedGiven, encode_given, read_conditions
from tabsynth.encoding.table import TableEncoder
from tabsynth.errors import ConstraintError, UsageError
from tabsynth.generators.entities import EntityInfo, surrogate_columns
from tabsynth.identifiers.placeholder import fill_template, fill_text
from tabsynth.identifiers.surrogate import make_surrogates
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.checks import matches, violating_rows
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Constraint, Regex, Unique
from tabsynth.schema.model import DateTime, Identifier, Integer, Number, Schema, Table, Text
from tabsynth.schema.values import TypedTable, Values, category_text, format_column, to_micros
from tabsynth.tables.frames import FrameKind, from_pandas

if TYPE_CHECKING:
    from tabsynth.generators.base import Fitted, Generator

Array = np.ndarray[Any, Any]

MAX_DRAWS_PER_ROW = 500
"""Rows drawn for one row that is kept, at most, on average."""


@dataclass(frozen=True, repr=False)
class Model:
    """What a generator has learned from one table. Made by `Generator.fit` or `load`."""

    generator: Generator
    fitted: Fitted
    schema: Schema
    table_name: str
    derivation: Derivation
    encoder: TableEncoder
    entity_info: EntityInfo
    storage: Mapping[str, str]
    frame_kind: FrameKind
    n_rows_fitted: int
    """Training rows; of a differentially private model the number that was released or declared public."""
    seed: int | None
    """Seed of the fit; None where it has none, as the noise of a differentially private one."""
    notes: tuple[str, ...] = field(default=())
    """What a user should know about the fit: fallbacks, pooled columns."""

    def __repr__(self) -> str:
        learned = f"table={self.table_name!r}, n_rows_fitted={self.n_rows_fitted}, seed={self.seed}"
        return f"Model({self.generator!r}, {learned})"

    @property
    def table(self) -> Table:
        """The declared table."""
        return self.schema.tables[self.table_name]

    def sample(
        self,
        n_rows: int,
        *,
        seed: int | None = None,
        given: Mapping[str, Any] | Iterable[str | Condition] | None = None,
        progress: Progress = SILENT,
    ) -> Any:
        """Draw synthetic rows.

        Args:
            n_rows: Rows to draw, exactly; 0 gives an empty table.
            seed: Any whole number from 0; the same seed gives the same rows. None draws one.
            given: What the rows must be: `{"sex": "F", "age": (65, None), "state": ["NY", "NJ"]}` or texts such as
                `"age>=65"`.
            progress: Told about stages of long work.

        Returns:
            A table of the kind that the model learned from (pandas, polars or pyarrow).

        Raises:
            UsageError: `n_rows` is negative, or `given` names no column, cannot be read, or has probability zero.
            ConstraintError: Too few rows satisfy the constraints and `given`; the message says which one stands in
                the way.
        """
        if isinstance(n_rows, bool) or not isinstance(n_rows, int | np.integer) or n_rows < 0:
            raise UsageError("n_rows: must be a whole number, 0 or more")
        seed = check_seed(seed)
        conditions = read_conditions(given, self.table.columns)
        encoded_given, _ = encode_given(conditions, self.encoder, direct=self.derivation.direct)
        progress.stage("Sampling", total=int(n_rows))
        with deterministic_threads():
            typed = self._draw(int(n_rows), seed, conditions, encoded_given, progress)
        typed = self._complete(typed, child(seed, "identifiers"))
        return from_pandas(self._frame(typed), self.frame_kind)

    def impute(
        self,
        table: object,
        *,
        seed: int | None = None,
        columns: Collection[str] | None = None,
        progress: Progress = SILENT,
    ) -> Any:
        """Fill empty cells with draws from the model, given the rest of their row.

        A cell gets one draw, not the likeliest value or the mean: filled columns keep their spread and their ties to
        the others. For the uncertainty that this leaves, fill the table several times and pool what you compute:

            tables = [model.impute(table, seed=seed) for seed in range(10)]

        Gaps that a rule of the schema demands stay (`fixed_nulls`, `conditional`, a formula without its inputs); every
        other empty cell counts as a value that is not known, so declare the gaps that mean something. Where no
        draw of a row keeps the rules, the cells that they speak of stay empty, and a warning says in how many rows.

        Args:
            table: pandas, polars or pyarrow table with the columns of the schema; identifiers and text may be left out.
            seed: Any whole number from 0; the same seed gives the same cells. None draws one.
            columns: Columns to fill in. None: all that are modelled, so never identifiers and text.
            progress: Told about stages of long work.

        Returns:
            A table of the same library with the same rows, order, index and dtypes; all other cells are as they were.

        Raises:
            UsageError: The generator cannot impute, or a column is unknown, invented or always missing.
            DataError: The table does not fit the schema.

        Privacy: The result holds the real rows that went in. Filled cells are drawn from what the model holds.
        """
        from tabsynth.generators.imputation import impute

        return impute(self, table, seed=seed, columns=columns, progress=progress)

    def log_likelihood(self, table: object) -> Array:
        """How probable the model holds each row: the natural logarithm of the probability of its cells.

        A cell is a category, a missing cell, or the stretch of a numeric column that the value falls in, out of a few
        hundred; values beyond the ends count in the outermost one. Columns that a rule determines add nothing, of
        identifiers and text only whether they are there. So figures compare rows under one model, and models of one
        generator fitted with the same parameters and on the same columns; they are no densities, and not comparable
        between generators.

        Args:
            table: pandas, polars or pyarrow table that fits the schema; identifiers and text may be left out.

        Returns:
            Nats, shape (n_rows,); -inf where a cell is impossible under the model, such as a category that it has not
            learned, or a missing cell where there never was one.

        Raises:
            UsageError: The generator has no likelihood.
            DataError: The table does not fit the schema.

        Privacy: Not for release. Rows that a model has learned from tend to be likelier under it than others of their
            kind, so these figures tell who was among them.
        """
        from tabsynth.generators.likelihood import log_likelihood

        return log_likelihood(self, table)

    def save(self, path: str | Path) -> None:
        """Write the model file: JSON and arrays with checksums, no code and no training row.

        Raises:
            UsageError: Models of this generator cannot be written; the message says why and what to do instead.
            OutputError: The file cannot be written; nothing is left half written.
        """
        from tabsynth.generators.storage import save_model

        save_model(self, path)

    def _draw(
        self, n_rows: int, seed: int, conditions: list[Condition], given: EncodedGiven, progress: Progress
    ) -> TypedTable:
        """Rows that satisfy everything, without identifiers and text."""
        rules = self._rules_left()
        pieces: list[TypedTable] = []
        kept = tried = draws = 0
        rejected: dict[str, int] = {}
        while kept < n_rows or not pieces:
            rate = max(kept / tried, 0.005) if tried else 1.0
            wanted = max(1, n_rows - kept)
            ask = wanted if not tried else int(np.ceil(wanted / rate * 1.1)) + 8
            ask = min(ask, max(1_000_000, wanted))
            arrays = self.fitted.sample_encoded(ask, rng=child(seed, "sample", str(draws)), given=given)
            typed = self.derivation.backward(self.encoder.decode(arrays, rng=child(seed, "decode", str(draws))))
            typed = self._at_asked_values(typed, conditions)
            good = self._acceptable(typed, rules, conditions, rejected)
            pieces.append(typed.take(np.flatnonzero(good)))
            tried, draws = tried + ask, draws + 1
            pieces = [self._without_repeats(_stack(pieces), rejected)]
            progress.advance(pieces[0].n_rows - kept)
            kept = pieces[0].n_rows
            if kept < n_rows and tried > MAX_DRAWS_PER_ROW * n_rows + 20_000:
                raise self._too_few(n_rows, kept, tried, rejected)
        return pieces[0].take(np.arange(n_rows))

    def _at_asked_values(self, typed: TypedTable, conditions: list[Condition]) -> TypedTable:
        """Put numbers without a step exactly where an equality asks; the draw is there but for its last digits."""
        columns = dict(typed.columns)
        for condition in conditions:
            column = self.table.columns[condition.column]
            if not (isinstance(column, Number) and column.decimals is None and condition.one_of):
                continue
            if condition.column not in self.derivation.direct:
                continue
            asked = np.sort(np.array(condition.one_of, np.float64))
            values = columns[condition.column]
            middles = (asked[:-1] + asked[1:]) / 2
            columns[condition.column] = Values(asked[np.searchsorted(middles, values.array)], values.missing)
        return TypedTable(columns, typed.n_rows)

    def _rules_left(self) -> list[Constraint]:
        """Constraints that are neither true by construction nor about repeats and invented values."""
        return [
            constraint
            for number, constraint in enumerate(self.derivation.constraints)
            if number not in self.derivation.satisfied
            and not isinstance(constraint, Unique)
            and not (
                isinstance(constraint, Regex) and isinstance(self.table.columns[constraint.column], Identifier | Text)
            )
        ]

    def _acceptable(
        self, typed: TypedTable, rules: list[Constraint], conditions: list[Condition], rejected: dict[str, int]
    ) -> Array:
        good = np.ones(typed.n_rows, bool)

        def strike(name: str, bad: Array) -> None:
            if bad.any():
                rejected[name] = rejected.get(name, 0) + int(bad.sum())
                good[bad] = False

        for constraint in rules:
            label = constraint.name or f"{constraint.type} of {', '.join(constraint.involved)}"
            strike(f"constraint {label}", violating_rows(constraint, typed, self.table))
        for condition in conditions:
            column, values = self.table.columns[condition.column], typed.columns[condition.column]
            if isinstance(column, Identifier | Text):
                strike(f"given {condition.column}", values.missing != bool(condition.missing))
            else:
                strike(f"given {condition.column}", ~matches(condition, values, column))
        for name, column in self.table.columns.items():
            if name not in self.derivation.direct and isinstance(column, Integer | Number | DateTime):
                strike(f"bounds of {name}", outside(typed.columns[name], column))
            if not column.nullable:
                strike(f"{name} (may not be empty)", typed.columns[name].missing)
        return good

    def _without_repeats(self, typed: TypedTable, rejected: dict[str, int]) -> TypedTable:
        """Drop rows that repeat a key or a combination that must be unique, first one kept."""
        keys = [c.columns for c in self.table.constraints if isinstance(c, Unique)]
        keys += [self.table.primary_key] if self.table.primary_key else []
        for columns in keys:
            if any(isinstance(self.table.columns[name], Identifier | Text) for name in columns):
                continue  # surrogates are made unique
            bad = violating_rows(Unique(columns=columns), typed, self.table)
            if bad.any():
                name = f"unique {', '.join(columns)}"
                rejected[name] = rejected.get(name, 0) + int(bad.sum())
                typed = typed.take(np.flatnonzero(~bad))
        return typed

    def _too_few(self, n_rows: int, kept: int, tried: int, rejected: dict[str, int]) -> ConstraintError:
        worst = max(rejected, key=lambda name: rejected[name])
        return ConstraintError(
            f"only {kept} of {n_rows} rows were found in {tried} draws; {worst} rejects "
            f"{rejected[worst] / tried:.1%} of them. Loosen it, ask for fewer rows, or "
            "condition on something that the model produces more often"
        )

    def _complete(self, typed: TypedTable, rng: np.random.Generator) -> TypedTable:
        """Invent identifiers and text, and put the rows of a person in order."""
        table = self.table
        people = self.entity_info.draw(typed.n_rows, rng=rng) if typed.n_rows else None
        if people is not None and table.order_by:
            keys = [typed.columns[name].array for name in reversed(table.order_by) if name in self.derivation.direct]
            if keys:
                typed = typed.take(np.lexsort((*keys, people)))
        columns = dict(typed.columns)
        identifiers = surrogate_columns(table)
        templated = [name for name, column in table.columns.items() if isinstance(column, Text) and column.template]
        for name in sorted(table.columns, key=templated.__contains__):  # sentences last: they quote other columns
            column = table.columns[name]
            present = ~columns[name].missing
            if isinstance(column, Text) and column.template is not None:
                quoted = {read: self._spelled(read, columns[read]) for read in column.template.reads()}
                texts = fill_template(column.template, quoted, typed.n_rows, rng=rng, max_length=column.max_length)
            elif isinstance(column, Text):
                texts = fill_text(typed.n_rows, rng=rng, max_length=column.max_length)
            elif name in identifiers:
                apart = self.entity_info.apart.get(name)
                if people is not None and name in self.entity_info.per_entity:
                    owners, unique = people, name == table.entity_key
                else:
                    owners, unique = np.arange(typed.n_rows), name in self.entity_info.unique
                n_values = int(owners.max(initial=-1)) + 1
                texts = make_surrogates(identifiers[name], n_values, rng=rng, unique=unique, apart=apart)[owners]
            else:
                continue
            columns[name] = Values(np.where(present, texts, "").astype(object), ~present)
        return TypedTable(columns, typed.n_rows)

    def _spelled(self, name: str, values: Values) -> Array:
        """A column as it is written, for the slot of a template."""
        texts = format_column(values, self.table.columns[name], name=name).astype(object)
        return np.where(values.missing, "unknown", texts.map(category_text).to_numpy(object))

    def _frame(self, typed: TypedTable) -> pd.DataFrame:
        series = {
            name: format_column(typed.columns[name], column, name=name, storage=self.storage.get(name))
            for name, column in self.table.columns.items()
            if not (isinstance(column, Text) and column.fill == "drop")
        }
        return pd.DataFrame(series)


def _stack(pieces: list[TypedTable]) -> TypedTable:
    if len(pieces) == 1:
        return pieces[0]
    columns = {
        name: Values(
            np.concatenate([piece.columns[name].array for piece in pieces]),
            np.concatenate([piece.columns[name].missing for piece in pieces]),
        )
        for name in pieces[0].columns
    }
    return TypedTable(columns, sum(piece.n_rows for piece in pieces))


def outside(values: Values, column: Integer | Number | DateTime) -> Array:
    """Rows whose value lies outside bounds that are rules, shape (n_rows,)."""
    bad = np.zeros(len(values), bool)
    for bound in ("lower", "upper"):
        if not column.is_rule(bound):
            continue
        limit = getattr(column, bound)
        limit = to_micros(limit, column.time_zone) if isinstance(column, DateTime) else limit
        bad |= values.array < limit if bound == "lower" else values.array > limit
    return bad & ~values.missing
