"""Tables from a schema alone: `ts.mock` and what `tabsynth mock` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.declared.tables import Tables
from tabsynth.errors import ConstraintError, UsageError
from tabsynth.outputs import atomic_folder
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, deterministic_threads
from tabsynth.schema.columns import Column, Provenance, Text
from tabsynth.schema.contradictions import find_contradictions
from tabsynth.schema.files import as_schema
from tabsynth.schema.fitting import owning
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.values import TypedTable, format_column
from tabsynth.tables.formats import FileFormat
from tabsynth.tables.parts import TableWriter, table_writer

Array = np.ndarray[Any, Any]
_LONGEST_NAME = 200
"""Bytes of a table's name that is to be that of a file, beside its ending."""
_DRAWN_FROM = ("lower", "upper", "categories", "pattern", "decimals")


@dataclass(frozen=True)
class Mocked:
    """What `write_mock` made."""

    files: Mapping[str, str]
    """File of each table."""
    n_rows: Mapping[str, int]
    seed: int
    provenance: str
    """Where everything in the rows came from: `declared`, or `data` where the schema holds values read from data."""


def mock(
    schema: Schema | str | Path,
    *,
    rows: int | Mapping[str, int],
    seed: int | None = None,
    table_name: str | None = None,
    progress: Progress = SILENT,
) -> Any:
    """Make rows from a schema alone; no data is read.

    Args:
        schema: The schema, or the path of a schema file. Columns may declare a `distribution` and `missing`, tables
            `scenarios`, relationships `children`; what is left open is drawn uniformly within bounds and categories.
        rows: Rows of each table that hangs on no other, exactly; or rows by table.
        seed: Any whole number from 0; the same seed gives the same rows. None draws one.
        table_name: The only table that is wanted, of a schema with several.
        progress: Told about stages of long work.

    Returns:
        A pandas table; of a schema with several tables a dict of them, unless `table_name` is given.

    Raises:
        SchemaError: The schema leaves open what a column may hold; the message names the line to add.
        ConstraintError: The rules cannot be kept.
        UsageError: `rows` does not fit the schema, or an identifier has too few possible values.

    Privacy: Reads no data. What the schema says shows in the rows; where the schema was inferred, that came from data.
    """
    schema = as_schema(schema)
    wanted = _wanted(schema, table_name)
    pieces: dict[str, list[pd.DataFrame]] = {name: [] for name in wanted}
    for name, part in mock_parts(schema, rows=rows, seed=seed, table_name=table_name, progress=progress):
        if name in pieces:
            pieces[name].append(part)
    made = {
        name: pd.concat(parts, ignore_index=True) if parts else _no_rows(schema.tables[name])
        for name, parts in pieces.items()
    }
    return made[wanted[0]] if table_name is not None or len(schema.tables) == 1 else made


def mock_parts(
    schema: Schema,
    *,
    rows: int | Mapping[str, int],
    seed: int | None = None,
    table_name: str | None = None,
    progress: Progress = SILENT,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of `mock` in pieces, with the name of their table, for tables larger than memory.

    Raises:
        TabsynthError: As `mock`.
    """
    seed = check_seed(seed)
    wanted = _wanted(schema, table_name)
    for name, table in schema.tables.items():
        if contradictions := find_contradictions(table):
            raise ConstraintError(f"{name}: the constraints cannot all hold:\n- " + "\n- ".join(contradictions))
    counts = _row_counts(schema, rows)
    tables = Tables(schema, counts, seed, only=table_name)
    total = sum(counts[name] for name in counts if tables.expects(name))
    progress.stage("Making rows", total=total)
    with deterministic_threads():
        for name, typed in tables.parts():
            if name in counts:
                progress.advance(typed.n_rows)
            if name in wanted:
                yield name, frame_of(typed, schema.tables[name])


def write_mock(
    schema: Schema,
    target: str | Path,
    *,
    rows: int | Mapping[str, int],
    seed: int | None = None,
    table_name: str | None = None,
    folder_format: str = "csv",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Mocked:
    """Write the rows of `mock` to a file (one table) or a folder (several), piece by piece.

    Args:
        schema: The schema.
        target: A file, whose name says its format, where one table is written; else a folder.
        rows: As in `mock`.
        seed: As in `mock`.
        table_name: As in `mock`.
        folder_format: Format of the files in a folder: csv, tsv, parquet, also csv.gz and so on.
        overwrite: Whether a folder that is not empty is replaced.
        progress: Told about stages of long work.

    Raises:
        TabsynthError: As `mock`; `OutputError` where the files cannot be written. Nothing is left half written.
    """
    seed = check_seed(seed)
    wanted = _wanted(schema, table_name)
    parts = mock_parts(schema, rows=rows, seed=seed, table_name=table_name, progress=progress)
    n_rows = dict.fromkeys(wanted, 0)
    if len(wanted) == 1:
        with table_writer(target, written_columns(schema.tables[wanted[0]])) as writer:
            for name, part in parts:
                writer.write(part)
                n_rows[name] += len(part)
        return Mocked({wanted[0]: str(target)}, n_rows, seed, provenance(schema, wanted))
    chosen = FileFormat.named(folder_format)
    files = {name: f"{name}{chosen.suffix}" for name in wanted}
    if str(target) == "-" or any(str(target).lower().endswith(suffix) for suffix in (".csv", ".tsv", ".parquet")):
        raise UsageError(
            f"the schema has {len(wanted)} tables; name a folder to write to, or one table with --table: "
            f"{', '.join(wanted)}"
        )
    _require_file_names(wanted)
    with atomic_folder(target, overwrite=overwrite) as folder:
        _write_folder(schema, parts, {name: folder / file for name, file in files.items()}, chosen, n_rows)
    return Mocked(
        {name: str(Path(target) / file) for name, file in files.items()}, n_rows, seed, provenance(schema, wanted)
    )


def _require_file_names(tables: tuple[str, ...]) -> None:
    """Check that each table gets a file of its own in the folder, on every system.

    Raises:
        UsageError: A name leads elsewhere, cannot be that of a file, or differs from another in its case alone.
    """
    seen: dict[str, str] = {}
    for name in tables:
        spoilt = any(sign in '/\\:*?"<>|' or not sign.isprintable() for sign in name)
        if spoilt or not name.strip(" .") or len(name.encode()) > _LONGEST_NAME:
            raise UsageError(f"table {name!r}: its name cannot be that of a file; rename it in the schema")
        if other := seen.get(name.casefold()):
            raise UsageError(
                f"tables {other!r} and {name!r}: would be one file where case does not count; rename one in the schema"
            )
        seen[name.casefold()] = name


def _write_folder(
    schema: Schema,
    parts: Iterator[tuple[str, pd.DataFrame]],
    files: Mapping[str, Path],
    chosen: FileFormat,
    n_rows: dict[str, int],
) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        writers: dict[str, TableWriter] = {
            name: stack.enter_context(table_writer(file, written_columns(schema.tables[name]), file_format=chosen))
            for name, file in files.items()
        }
        for name, part in parts:
            writers[name].write(part)
            n_rows[name] += len(part)


def written_columns(table: Table) -> dict[str, Column]:
    """The columns that rows of a table have; dropped text is left out."""
    return {
        name: column
        for name, column in table.columns.items()
        if not (isinstance(column, Text) and column.fill == "drop")
    }


def frame_of(typed: TypedTable, table: Table) -> pd.DataFrame:
    """Typed rows as a pandas table, spelled as the schema says."""
    columns = written_columns(table).items()
    return pd.DataFrame({name: format_column(typed.columns[name], column, name=name) for name, column in columns})


def provenance(schema: Schema, tables: tuple[str, ...]) -> str:
    """`declared`, or `data` (`dp`) where bounds, categories or patterns of these tables were read from data."""
    found = {
        column.source(field)
        for name in tables
        for column in schema.tables[name].columns.values()
        for field in _DRAWN_FROM
        if getattr(column, field, None) is not None
    }
    for worst in (Provenance.DATA, Provenance.DP):
        if worst in found:
            return worst.value
    return Provenance.DECLARED.value


def _wanted(schema: Schema, table_name: str | None) -> tuple[str, ...]:
    if table_name is None:
        return tuple(schema.tables)
    if table_name not in schema.tables:
        raise UsageError(f"the schema has no table {table_name!r}; it has {', '.join(schema.tables)}")
    return (table_name,)


def _row_counts(schema: Schema, rows: int | Mapping[str, int]) -> dict[str, int]:
    """Rows of every table that hangs on no other."""
    owners = owning(schema)
    roots = [name for name in schema.tables if name not in owners]
    stated = {} if isinstance(rows, int | np.integer) else dict(rows)
    for name in stated:
        if name not in schema.tables:
            raise UsageError(f"rows: the schema has no table {name!r}; it has {', '.join(schema.tables)}")
        if name in owners:
            raise UsageError(
                f"rows: {name} has as many rows as the rows of {owners[name].parent} give it; set children: in their "
                f"relationship, and rows of {', '.join(roots)}"
            )
    counts = {name: int(rows) for name in roots} if isinstance(rows, int | np.integer) else stated
    if missing := [name for name in roots if name not in counts]:
        raise UsageError(f"rows: none are stated for {', '.join(missing)}; add {missing[0]}=1000, or give one number")
    if any(isinstance(count, bool) or count < 0 for count in counts.values()):
        raise UsageError("rows: must be whole numbers, 0 or more")
    return counts


def _no_rows(table: Table) -> pd.DataFrame:
    from tabsynth.schema.literals import to_values

    columns = {name: to_values([], column) for name, column in table.columns.items()}
    return frame_of(TypedTable(columns, 0), table)
