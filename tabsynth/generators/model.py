"""A fitted model: draws rows that keep the schema, and saves itself.

Rows are drawn on encoded columns, decoded, completed (derived columns, surrogates, placeholder text) and checked
against every constraint that is not already true by construction. Rows that fail are drawn again, a bounded number of
times; there are exactly as many rows as asked for, or an error that says which rule stands in the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
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
from tabsynth.generators.parents import Linked, Parent, link, read_parents
from tabsynth.identifiers.key_formats import agreeing, in_format_of
from tabsynth.identifiers.placeholder import fill_template, fill_text
from tabsynth.identifiers.surrogate import make_surrogates, n_possible
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.checks import matches, violating_rows
from tabsynth.schema.columns import DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Constraint, Regex, Unique
from tabsynth.schema.model import Schema, Table
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
        parents: Mapping[str, object] | None = None,
        progress: Progress = SILENT,
    ) -> Any:
        """Draw synthetic rows.

        Args:
            n_rows: Rows to draw, exactly; 0 gives an empty table.
            seed: Any whole number from 0; the same seed gives the same rows. None draws one.
            given: What the rows must be: `{"sex": "F", "age": (65, None), "state": ["NY", "NJ"]}` or texts such as
                `"age>=65"`.
            parents: Synthetic tables that the schema's relationships point to, by name: keys are those of their rows,
                dealt out as in `generators/parents.py`. Keys of other tables are invented.
            progress: Told about stages of long work.

        Returns:
            A table of the kind that the model learned from (pandas, polars or pyarrow).

        Raises:
            UsageError: `n_rows` is negative, or `given` names no column, cannot be read, or has probability zero; or
                `parents` cannot be pointed to.
            ConstraintError: Too few rows satisfy the constraints and `given`; the message says which one stands in
                the way.
        """
        self._check_rows(n_rows)
        seed = check_seed(seed)
        conditions = read_conditions(given, self.table.columns)
        encoded_given, _ = encode_given(conditions, self.encoder, direct=self.derivation.direct)
        above = read_parents(self, parents or {})
        progress.stage("Sampling", total=int(n_rows))
        with deterministic_threads():
            typed = self._draw(int(n_rows), seed, conditions, encoded_given, progress)
        typed = self._complete(typed, child(seed, "identifiers"), above, child(seed, "parents"))
        return from_pandas(self.frame(typed), self.frame_kind)

    def sample_chunks(
        self,
        n_rows: int,
        *,
        seed: int | None = None,
        given: Mapping[str, Any] | Iterable[str | Condition] | None = None,
        parents: Mapping[str, object] | None = None,
        chunk_rows: int = 131_072,
        progress: Progress = SILENT,
    ) -> Iterator[Any]:
        """Draw synthetic rows part by part: the rows of `sample`, for tables that do not fit into memory as such.

            for part in model.sample_chunks(10_000_000, seed=1):
                ...

        Where all rows are needed to decide about one (conditions, combinations that may not repeat, an order within
        people, dtypes that depend on all cells), the table is made at once and cut.

        Args:
            n_rows: Rows to draw, exactly.
            seed: See `sample`. The same seed gives the same rows, whatever `chunk_rows` is.
            given: See `sample`.
            parents: See `sample`.
            chunk_rows: Rows of each table but the last.
            progress: Told about stages of long work.

        Yields:
            Tables as `sample` returns them; one without rows where `n_rows` is 0.

        Raises:
            See `sample`.
        """
        from tabsynth.generators.chunks import sample_chunks

        self._check_rows(n_rows)
        return sample_chunks(
            self, n_rows, seed=seed, given=given, parents=parents, chunk_rows=chunk_rows, progress=progress
        )

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

    @staticmethod
    def _check_rows(n_rows: int) -> None:
        if isinstance(n_rows, bool) or not isinstance(n_rows, int | np.integer) or n_rows < 0:
            raise UsageError("n_rows: must be a whole number, 0 or more")

    def _draw(
        self, n_rows: int, seed: int, conditions: list[Condition], given: EncodedGiven, progress: Progress
    ) -> TypedTable:
        """Rows that satisfy everything, without identifiers and text."""
        rules = self.rules_left()
        pieces: list[TypedTable] = []
        kept = tried = draws = 0
        rejected: dict[str, int] = {}
        while kept < n_rows or not pieces:
            ask = self.rows_to_ask(n_rows, kept, tried)
            arrays = self.fitted.sample_encoded(ask, rng=child(seed, "sample", str(draws)), given=given)
            typed = self.derivation.backward(self.encoder.decode(arrays, rng=child(seed, "decode", str(draws))))
            typed = self._at_asked_values(typed, conditions)
            good = self.acceptable(typed, rules, conditions, rejected)
            pieces.append(typed.take(np.flatnonzero(good)))
            tried, draws = tried + ask, draws + 1
            pieces = [self._without_repeats(TypedTable.stacked(pieces), rejected)]
            progress.advance(pieces[0].n_rows - kept)
            kept = pieces[0].n_rows
            self.require_hope(n_rows, kept, tried, rejected)
        return pieces[0].take(np.arange(n_rows))

    @staticmethod
    def rows_to_ask(n_rows: int, kept: int, tried: int) -> int:
        """Rows to draw next, after `kept` of `tried` were good."""
        rate = max(kept / tried, 0.005) if tried else 1.0
        wanted = max(1, n_rows - kept)
        ask = wanted if not tried else int(np.ceil(wanted / rate * 1.1)) + 8
        return min(ask, max(1_000_000, wanted))

    def require_hope(self, n_rows: int, kept: int, tried: int, rejected: Mapping[str, int]) -> None:
        """Give up where too few of the rows that were drawn are good.

        Raises:
            ConstraintError: It names what rejects most of them.
        """
        if kept < n_rows and tried > MAX_DRAWS_PER_ROW * n_rows + 20_000:
            worst = max(rejected, key=lambda name: rejected[name])
            raise ConstraintError(
                f"only {kept} of {n_rows} rows were found in {tried} draws; {worst} rejects "
                f"{rejected[worst] / tried:.1%} of them. Loosen it, ask for fewer rows, or "
                "condition on something that the model produces more often"
            )

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

    def rules_left(self) -> list[Constraint]:
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

    def acceptable(
        self, typed: TypedTable, rules: list[Constraint], conditions: list[Condition], rejected: dict[str, int]
    ) -> Array:
        """Rows that keep the rules, shape (n_rows,), bool; how many each rule rejects is added to `rejected`."""
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

    def _complete(
        self, typed: TypedTable, rng: np.random.Generator, above: list[Parent], dealing: np.random.Generator
    ) -> TypedTable:
        """Invent identifiers and text, deal rows to parents, and put the rows of a person in order."""
        table = self.table
        people = self.entity_info.draw(typed.n_rows, rng=rng) if typed.n_rows else None
        linked = link(self, typed, people, above, rng=dealing) if above else Linked({}, people)
        pointing, people = linked.columns, linked.people
        keys = [typed.columns[name].array for name in reversed(table.order_by) if name in self.derivation.direct]
        moved = people is not None and bool((np.diff(people) < 0).any())
        if people is not None and (keys or moved):
            order = np.lexsort((*keys, people))
            typed = typed.take(order)
            if moved:
                pointing, people = {name: texts[order] for name, texts in pointing.items()}, people[order]
        columns = dict(typed.columns)
        gaps = {name: columns[name].missing for name in self.entity_info.groups}
        for name, texts in self.invented(typed.n_rows, people, rng=rng, missing=gaps, pointing=pointing):
            columns[name] = _where_present(texts, columns[name])
        for name, column in table.columns.items():  # sentences last: they quote other columns
            if isinstance(column, Text) and column.template is not None:
                quoted = {read: self._spelled(read, columns[read]) for read in column.template.reads()}
                texts = fill_template(column.template, quoted, typed.n_rows, rng=rng, max_length=column.max_length)
                columns[name] = _where_present(texts, columns[name])
        return TypedTable(columns, typed.n_rows)

    def invented(
        self,
        n_rows: int,
        people: Array | None,
        *,
        rng: np.random.Generator,
        missing: Mapping[str, Array] | None = None,
        pointing: Mapping[str, Array] | None = None,
    ) -> Iterator[tuple[str, Array]]:
        """Surrogates and placeholder texts, column by column: name and texts of shape (n_rows,); no templates.

        Args:
            n_rows: Rows to invent for.
            people: Code of the person of each row, or None where every row is another one.
            rng: Source of the draws.
            missing: Empty cells of columns that point to other tables, (n_rows,) each; None where none is empty.
            pointing: Keys that other tables gave, by column, (n_rows,) each.
        """
        identifiers, made = surrogate_columns(self.table), dict[str, Array]()
        same = agreeing(self.table)
        info = self.entity_info
        for name, column in self.table.columns.items():
            if isinstance(column, Text) and column.template is None:
                yield name, fill_text(n_rows, rng=rng, max_length=column.max_length)
            elif name in identifiers and name not in same:
                if pointing is not None and name in pointing:
                    made[name] = pointing[name]
                    yield name, made[name]
                    continue
                if people is not None and name in info.per_entity:
                    owners, unique = people, name == self.table.entity_key
                elif name in info.groups:  # different keys, as long as there are that many
                    owners = info.groups[name].deal(n_rows, people, (missing or {}).get(name), rng=rng)
                    unique = int(owners.max(initial=-1)) < n_possible(identifiers[name], info.apart.get(name))
                else:
                    owners, unique = np.arange(n_rows), name in info.unique
                n_values = int(owners.max(initial=-1)) + 1
                texts = make_surrogates(identifiers[name], n_values, rng=rng, unique=unique, apart=info.apart.get(name))
                made[name] = texts[owners]
                yield name, made[name]
        for name, source in same.items():
            where = f"{name} (same_as {source})"
            yield name, in_format_of(made[source], identifiers[source], identifiers[name], where=where)

    def _spelled(self, name: str, values: Values) -> Array:
        """A column as it is written, for the slot of a template."""
        texts = format_column(values, self.table.columns[name], name=name).astype(object)
        return np.where(values.missing, "unknown", texts.map(category_text).to_numpy(object))

    def frame(self, typed: TypedTable) -> pd.DataFrame:
        """Typed rows as the columns of the table, in pandas."""
        series = {
            name: format_column(typed.columns[name], column, name=name, storage=self.storage.get(name))
            for name, column in self.table.columns.items()
            if not (isinstance(column, Text) and column.fill == "drop")
        }
        return pd.DataFrame(series)


def _where_present(texts: Array, values: Values) -> Values:
    """Texts in the cells of a column that are not empty."""
    return Values(np.where(values.missing, "", texts).astype(object), values.missing)


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
