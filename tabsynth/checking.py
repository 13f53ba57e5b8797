"""Tables before anything is learned from them: a schema for them, tables against it, and the identifiers they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.errors import UsageError
from tabsynth.generators.base import choose_table
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import Validation, validate_table
from tabsynth.tables.files import read_table, source_name
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    from tabsynth.identifiers.findings import ScanReport
    from tabsynth.identifiers.proposals import Proposal


def read_tables(
    files: Sequence[str | Path], *, delimiter: str | None = None, encoding: str = "utf-8"
) -> dict[str, Any]:
    """Read files as tables named by their file names, without suffixes.

    Raises:
        UsageError: Two files would have the same table name.
        DataError: A file cannot be read.
    """
    tables: dict[str, Any] = {}
    for file in files:
        name = source_name(file).split(".")[0] or "table"
        if name in tables:
            raise UsageError(f"two files would both be table {name!r}; rename one")
        tables[name] = read_table(file, delimiter=delimiter, encoding=encoding)
    return tables


def infer(
    tables: object | Mapping[str, object],
    *,
    min_people: int = 10,
    name: str | None = None,
    safe_harbor: bool = False,
) -> Schema:
    """Propose a schema from one table, or from several by name.

    Args:
        tables: A table (pandas, polars, pyarrow), or a mapping of table names to tables.
        min_people: Categories and extremes that fewer people share are left out of the schema.
        name: Name of the schema, and of the table where there is one.
        safe_harbor: Whether the schema also treats dates, ages and places as Safe Harbor wants, and refuses to fit
            while an identifier is left (`privacy: {safe_harbor: true}`).

    Raises:
        DataError: A table has no columns or no rows, or its headers cannot be used.

    Privacy: The schema holds categories that at least `min_people` rows share, the `min_people`-th smallest and
    largest values, and shapes of keys, all marked `data`. Review it before it leaves your hands.
    """
    from tabsynth.identifiers.detect import detect_identifier
    from tabsynth.schema.infer import infer_schema

    frames = _frames(tables, name)
    drafted = infer_schema(frames, detect=detect_identifier, k=min_people, name=name)
    if not safe_harbor:
        return drafted
    from tabsynth.identifiers.proposals import treated

    return treated(frames, drafted, as_of=date.today())


def propose(tables: object | Mapping[str, object], schema: Schema) -> tuple[Proposal, ...]:
    """Say of each column in which a scan finds identifiers what the schema does about it; no cell is read out.

    Args:
        tables: As for `infer`.
        schema: The schema of these tables.
    """
    from tabsynth.identifiers.proposals import propose as find

    return find(_frames(tables, next(iter(schema.tables))), schema)


def _frames(tables: object | Mapping[str, object], name: str | None) -> dict[str, Any]:
    named = tables if isinstance(tables, Mapping) else {name or "table": tables}
    return {table_name: to_pandas(table)[0] for table_name, table in named.items()}


def validate(table: object, schema: Schema | str | Path, *, table_name: str | None = None) -> Validation:
    """Compare a table with its schema: all violations at once, with counts and row numbers, never values.

    Args:
        table: A table (pandas, polars, pyarrow), shape (n_rows, n_columns).
        schema: The schema, or its path.
        table_name: Which table of a schema with several.

    Returns:
        Typed values, and everything that is wrong; `ok` where nothing is.

    Raises:
        DataError: It is no table.
        SchemaError: The schema cannot be read, or a rule of it cannot be used on these columns.
        UsageError: The schema has no such table, or several and none was named.

    Privacy: Names of columns, counts and row numbers leave; values of cells do not.
    """
    schema = as_schema(schema)
    name = choose_table(schema, table_name)
    return validate_table(to_pandas(table)[0], schema.tables[name], name=name)


def scan(
    table: object,
    schema: Schema | str | Path | None = None,
    *,
    table_name: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    presidio: bool = False,
) -> ScanReport:
    """Find identifiers of the eighteen Safe Harbor classes in a table, and hold them against its schema.

    Args:
        table: A table (pandas, polars, pyarrow), or the path of a file; of a Parquet file the metadata is read, too.
        schema: The schema, or its path; None to find only.
        table_name: Which table of a schema with several.
        delimiter: Field separator of a text table, where it is not the usual one.
        encoding: Encoding of a text table.
        presidio: Whether Presidio's recognisers also search free text (extra `presidio`).

    Returns:
        The findings per column, and `checklist()` with the eighteen classes: handled, unresolved or absent.

    Raises:
        DataError: It is no table.
        MissingExtraError: Presidio is asked for and not installed.

    Privacy: Kinds, counts and names of columns leave; no cell does.
    """
    from tabsynth.identifiers.presidio import Presidio
    from tabsynth.identifiers.scan import scan_table
    from tabsynth.tables.parquet import read_metadata

    also = Presidio.load() if presidio else None
    metadata = {}
    if isinstance(table, str | Path):
        metadata = read_metadata(table)
        table = read_table(table, delimiter=delimiter, encoding=encoding)
    declared = None if schema is None else as_schema(schema)
    return scan_table(table, declared, table_name=table_name, metadata=metadata, presidio=also)
