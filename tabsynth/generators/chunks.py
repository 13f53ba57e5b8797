"""Rows of a model part by part: the same rows as `Model.sample` gives at once, in a fraction of its memory.

Rows are drawn as codes and numbers for the whole table, which are small, since a draw may depend on all rows (counts
are rounded over the whole). What takes memory is what they become: texts, frames, files. That is made chunk by chunk.
Surrogates and placeholder texts are drawn for the whole table too, as many may not repeat, and are held in Arrow.

Decisions
- How many rows are in a chunk changes no row: nothing is drawn per chunk.
- Where the whole table is needed to decide about a row or the type of a column (`whole_because`), the table is made at
  once and cut; the rows are the same, the memory is not saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tabsynth.encoding.given import read_conditions
from tabsynth.errors import UsageError
from tabsynth.generators.acceptance import Acceptance, rows_to_ask
from tabsynth.generators.capabilities import PartDrawer
from tabsynth.generators.completion import invented
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Ordinal, Text
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Unique
from tabsynth.schema.values import TypedTable, Values
from tabsynth.tables.files import STANDARD_STREAM, FileFormat, detect_format, write_table, write_tables
from tabsynth.tables.frames import from_pandas
from tabsynth.tables.parquet import ROW_GROUP_ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from tabsynth.generators.model import Model

Array = np.ndarray[Any, Any]
Part = Callable[[int, int], dict[str, Array]]

PLAIN_STORAGE = {"int64", "float64", "bool", "Int64", "boolean", "datetime64[us]"}
"""dtypes that a column has without being brought back to one."""


def sample_chunks(
    model: Model,
    n_rows: int,
    *,
    seed: int | None = None,
    given: Mapping[str, Any] | Iterable[str | Condition] | None = None,
    parents: Mapping[str, object] | None = None,
    chunk_rows: int = ROW_GROUP_ROWS,
    progress: Progress = SILENT,
) -> Iterator[Any]:
    """Yield the rows of `Model.sample` in tables of `chunk_rows` rows; see `Model.sample_chunks`."""
    if isinstance(chunk_rows, bool) or not isinstance(chunk_rows, int) or chunk_rows < 1:
        raise UsageError("chunk_rows: must be a whole number of at least 1")
    model.check_rows(n_rows)
    seed = check_seed(seed)
    conditions = read_conditions(given, model.table.columns)
    if whole_because(model) or conditions or parents or n_rows <= chunk_rows:
        whole = model.sample(n_rows, seed=seed, given=conditions or None, parents=parents, progress=progress)
        return (_cut(whole, start, chunk_rows) for start in range(0, max(1, n_rows), chunk_rows))
    return _chunks(model, int(n_rows), seed, chunk_rows, progress)


def write_rows(
    model: Model,
    n_rows: int,
    target: str | Path,
    *,
    seed: int | None = None,
    given: Mapping[str, Any] | Iterable[str | Condition] | None = None,
    parents: Mapping[str, object] | None = None,
    file_format: FileFormat | None = None,
    progress: Progress = SILENT,
) -> None:
    """Draw rows and write them to a file, chunk by chunk where that gives the same bytes as at once.

    Args:
        model: The model.
        n_rows: Rows to draw, exactly.
        target: Name of a file, or `-` for standard output.
        seed: See `Model.sample`.
        given: See `Model.sample`.
        parents: See `Model.sample`.
        file_format: Format; None to tell it from the name.
        progress: Told about stages.

    Raises:
        See `Model.sample` and `write_table`.
    """
    chosen = file_format or detect_format(target)
    if (chosen.kind != "parquet" and spelled_together(model)) or str(target) == STANDARD_STREAM:
        rows = model.sample(n_rows, seed=seed, given=given, parents=parents, progress=progress)
        write_table(rows, target, file_format=chosen)
    else:
        chunks = sample_chunks(model, n_rows, seed=seed, given=given, parents=parents, progress=progress)
        write_tables(chunks, target, file_format=chosen)


def whole_because(model: Model) -> str | None:
    """What about a model's rows can only be told from all of them; None where nothing is."""
    table, columns = model.table, model.table.columns
    keys = [rule.columns for rule in table.constraints if isinstance(rule, Unique)]
    keys += [table.primary_key] if table.primary_key else []
    for key in keys:
        if not any(isinstance(columns[name], Identifier | Text) for name in key):
            return f"{', '.join(key)}: may not repeat over the whole table"
    if table.order_by and model.entity_info.sizes is not None:
        return f"{', '.join(table.order_by)}: orders the rows of each {table.entity_key}"
    for name in model.entity_info.groups:
        if columns[name].nullable:
            return f"{name}: rows share its keys, and some have none"
    for name, column in columns.items():
        if isinstance(column, Text) and column.template is not None:
            return f"{name}: its sentences quote other columns"
        labels = column.categories if isinstance(column, Categorical | Ordinal) else ()
        if labels and not isinstance(labels[0], str):
            return f"{name}: has numbers for categories, and is text where one row is pooled"
        if not (model.storage.get(name, "int64") in PLAIN_STORAGE or isinstance(column, Identifier | Text)):
            return f"{name}: comes back as {model.storage[name]} where all of its cells fit"
    return None


def spelled_together(model: Model) -> bool:
    """Whether a text file spells some cells as the whole column needs it: times of day, with as many decimals."""
    return any(
        isinstance(column, DateTime) and column.format is None and column.resolution != "day"
        for column in model.table.columns.values()
    )


def _cut(table: Any, start: int, n_rows: int) -> Any:
    """Some rows of a table of whatever library."""
    if hasattr(table, "iloc"):
        return table.iloc[start : start + n_rows].reset_index(drop=True)
    return table.slice(start, n_rows)


def _chunks(model: Model, n_rows: int, seed: int, chunk_rows: int, progress: Progress) -> Iterator[Any]:
    progress.stage("Sampling", total=n_rows)
    with deterministic_threads():
        made = _invented(model, n_rows, seed)
    done = 0
    for typed in _regrouped(_accepted(model, n_rows, seed, chunk_rows), chunk_rows):
        texts = {name: column.slice(done, typed.n_rows) for name, column in made.items()}
        done += typed.n_rows
        progress.advance(typed.n_rows)
        yield from_pandas(model.frame(_with_texts(typed, texts)), model.frame_kind)


def _accepted(model: Model, n_rows: int, seed: int, chunk_rows: int) -> Iterator[TypedTable]:
    """Rows that keep the schema, in the order of `Model.sample`, `n_rows` in all."""
    acceptance = Acceptance(model.table, model.derivation)
    kept = tried = draws = 0
    while kept < n_rows:
        ask = rows_to_ask(n_rows, kept, tried)
        with deterministic_threads():
            part = _drawn(model, ask, seed, draws)
        for start in range(0, ask, chunk_rows):
            with deterministic_threads():
                arrays = part(start, min(start + chunk_rows, ask))
                stream = child(seed, "decode", str(draws))  # nothing is left to draw from it
                typed = model.derivation.backward(model.encoder.decode(arrays, rng=stream))
                good = np.flatnonzero(acceptance.good(typed))
                if len(good) < typed.n_rows or kept + len(good) > n_rows:
                    typed = typed.take(good[: n_rows - kept])
            kept += typed.n_rows
            if typed.n_rows:
                yield typed
            if kept == n_rows:
                return
        tried, draws = tried + ask, draws + 1
        acceptance.require_hope(n_rows, kept, tried)


def _drawn(model: Model, n_rows: int, seed: int, draw: int) -> Part:
    """Encoded rows of one draw, from one row to another, without pooled codes."""
    rng = child(seed, "sample", str(draw))
    if isinstance(model.fitted, PartDrawer):
        return model.fitted.draw_parts(n_rows, rng=rng)
    arrays = model.fitted.sample_encoded(n_rows, rng=rng, given={})
    settled = model.encoder.settled(arrays, rng=child(seed, "decode", str(draw)))
    return lambda start, stop: {name: array[start:stop] for name, array in settled.items()}


def _invented(model: Model, n_rows: int, seed: int) -> dict[str, pa.Array]:
    """Surrogates and texts of all rows, by column, in the order of `Model.sample`."""
    rng = child(seed, "identifiers")
    people = model.entity_info.draw(n_rows, rng=rng)
    return {name: pa.array(texts, pa.large_string()) for name, texts in invented(model, n_rows, people, rng=rng)}


def _with_texts(typed: TypedTable, texts: Mapping[str, pa.Array]) -> TypedTable:
    columns = dict(typed.columns)
    for name, cells in texts.items():
        missing = columns[name].missing
        columns[name] = Values(np.where(missing, "", cells.to_numpy(zero_copy_only=False)).astype(object), missing)
    return TypedTable(columns, typed.n_rows)


def _regrouped(tables: Iterable[TypedTable], n_rows: int) -> Iterator[TypedTable]:
    """The same rows in tables of `n_rows`, but for the last."""
    waiting: list[TypedTable] = []
    height = 0
    for table in tables:
        waiting.append(table)
        height += table.n_rows
        while height >= n_rows:
            stacked = TypedTable.stacked(waiting)
            yield stacked.take(np.arange(n_rows)) if height > n_rows else stacked
            waiting = [stacked.take(np.arange(n_rows, height))] if height > n_rows else []
            height -= n_rows
    if height:
        yield TypedTable.stacked(waiting)
