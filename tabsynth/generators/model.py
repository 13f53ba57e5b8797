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
from tabsynth.errors import UsageError
from tabsynth.generators.acceptance import Acceptance, rows_to_ask
from tabsynth.generators.completion import complete
from tabsynth.generators.entities import EntityInfo
from tabsynth.generators.parents import read_parents
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.columns import Number, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.values import TypedTable, Values, format_column
from tabsynth.tables.frames import FrameKind, from_pandas

if TYPE_CHECKING:
    from tabsynth.generators.base import Fitted, Generator

Array = np.ndarray[Any, Any]

MOST_ROWS = 10_000_000_000
"""Rows that are drawn at once: codes of all of them are held in memory."""


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
        self.check_rows(n_rows)
        seed = check_seed(seed)
        conditions = read_conditions(given, self.table.columns)
        encoded_given, _ = encode_given(conditions, self.encoder, direct=self.derivation.direct)
        above = read_parents(self, parents or {})
        progress.stage("Sampling", total=int(n_rows))
        with deterministic_threads():
            typed = self._draw(int(n_rows), seed, conditions, encoded_given, progress)
        typed = complete(self, typed, child(seed, "identifiers"), above, child(seed, "parents"))
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
    def check_rows(n_rows: int) -> None:
        """Refuse what is no number of rows.

        Raises:
            UsageError: `n_rows` is negative, no whole number, or more than any memory holds.
        """
        if isinstance(n_rows, bool) or not isinstance(n_rows, int | np.integer) or n_rows < 0:
            raise UsageError("n_rows: must be a whole number, 0 or more")
        if n_rows > MOST_ROWS:
            raise UsageError(f"n_rows: at most {MOST_ROWS:,} rows at once; draw further ones with another seed")

    def _draw(
        self, n_rows: int, seed: int, conditions: list[Condition], given: EncodedGiven, progress: Progress
    ) -> TypedTable:
        """Rows that satisfy everything, without identifiers and text."""
        acceptance = Acceptance(self.table, self.derivation, conditions)
        pieces: list[TypedTable] = []
        kept = tried = draws = 0
        while kept < n_rows or not pieces:
            ask = rows_to_ask(n_rows, kept, tried)
            arrays = self.fitted.sample_encoded(ask, rng=child(seed, "sample", str(draws)), given=given)
            typed = self.derivation.backward(self.encoder.decode(arrays, rng=child(seed, "decode", str(draws))))
            typed = self._at_asked_values(typed, conditions)
            pieces.append(typed.take(np.flatnonzero(acceptance.good(typed))))
            tried, draws = tried + ask, draws + 1
            pieces = [acceptance.without_repeats(TypedTable.stacked(pieces))]
            progress.advance(pieces[0].n_rows - kept)
            kept = pieces[0].n_rows
            acceptance.require_hope(n_rows, kept, tried)
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

    def frame(self, typed: TypedTable) -> pd.DataFrame:
        """Typed rows as the columns of the table, in pandas."""
        series = {
            name: format_column(typed.columns[name], column, name=name, storage=self.storage.get(name))
            for name, column in self.table.columns.items()
            if not (isinstance(column, Text) and column.fill == "drop")
        }
        return pd.DataFrame(series)
