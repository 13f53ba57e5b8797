"""Table files in and out: CSV and TSV (plain, gzip, Zstandard) and Parquet, by name or through standard streams.

Text tables come in as columns of text, verbatim; what a column means is for the schema to say (`schema/values.py`).
Everything goes out whole or not at all (`outputs.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from tabsynth.errors import UsageError
from tabsynth.tables.decoding import check_encoding, decode
from tabsynth.tables.delimited import check_delimiter, parse
from tabsynth.tables.formats import STANDARD_STREAM, FileFormat, detect_format
from tabsynth.tables.frames import to_arrow
from tabsynth.tables.parquet import parse_parquet, write_parquet
from tabsynth.tables.spelling import delimited_bytes
from tabsynth.tables.streams import read_bytes, require_file, writing

__all__ = ["STANDARD_STREAM", "FileFormat", "detect_format", "read_table", "write_table", "write_tables"]


def read_table(
    source: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    file_format: FileFormat | None = None,
    allow_empty: bool = False,
) -> pd.DataFrame:
    """Read a table.

    Args:
        source: Name of a file, or `-` for standard input.
        delimiter: What stands between two cells of a text table; None for a comma (TSV: tab), and an error that names
            the better one where it does not fit.
        encoding: Encoding of a text table.
        file_format: Format; None to tell it from the name (standard input: CSV).
        allow_empty: Whether a table may have a header and no row, as where it must not show whether it has any.

    Returns:
        CSV and TSV: columns of text, missing where the cell is empty, else exactly as in the file. Parquet: typed
        columns, see `arrow.py`. Shape (n_rows, n_columns), both above 0 (rows: see `allow_empty`).

    Raises:
        DataError: The file cannot be read or is no table; the message names file, line and remedy, and no cell.
        UsageError: An option is wrong.

    Privacy: Returns the real table, and keeps nothing of it.
    """
    require_file(source)
    chosen = file_format or detect_format(source)
    where = "standard input" if str(source) == STANDARD_STREAM else str(source)
    if chosen.kind == "parquet":
        if delimiter is not None:
            raise UsageError("delimiter: a Parquet file has none; leave it out")
        return parse_parquet(read_bytes(source, None), where, allow_empty=allow_empty)
    separator = chosen.delimiter if delimiter is None else check_delimiter(delimiter)
    text_encoding = check_encoding(encoding)
    text = decode(read_bytes(source, chosen.compression), text_encoding, where)
    return parse(text, where, delimiter=separator, guess=delimiter is None, allow_empty=allow_empty)


def source_name(source: str | Path) -> str:
    """Name of a file without its folder, which may say more than a report should."""
    return "table" if str(source) == STANDARD_STREAM else Path(source).name


def write_table(table: object, target: str | Path, *, file_format: FileFormat | None = None) -> None:
    """Write a table; the same table gives the same bytes.

    Args:
        table: A table of any library that `to_pandas` takes; the index of a pandas table is left out.
        target: Name of a file, or `-` for standard output.
        file_format: Format; None to tell it from the name (standard output: CSV).

    Raises:
        DataError: It is no table, has no usable names, or cells that the format cannot hold.
        OutputError: The file cannot be written in full; what was there is unchanged.
    """
    write_tables([table], target, file_format=file_format)


def write_tables(tables: Iterable[object], target: str | Path, *, file_format: FileFormat | None = None) -> None:
    """Write the rows of several tables of the same columns as one table, each when it comes.

    The bytes are those of `write_table` of all rows at once, as long as each column has one type in all tables, and no
    times of day, which a text file spells with as many decimals as its column needs.

    Args:
        tables: One table or more; they are taken one by one, and none is kept.
        target: As for `write_table`.
        file_format: As for `write_table`.

    Raises:
        See `write_table`.
    """
    chosen = file_format or detect_format(target)
    where = "standard output" if str(target) == STANDARD_STREAM else str(target)
    # The first table is made before anything is opened, so that what is wrong with it leaves no trace.
    rest = iter(tables)
    first = to_arrow(next(rest), where=where)
    arrow = itertools.chain([first], (to_arrow(table, where=where) for table in rest))
    with writing(target, chosen.compression) as stream:
        if chosen.kind == "parquet":
            write_parquet(arrow, stream)
        else:
            for number, table in enumerate(arrow):
                for part in delimited_bytes(table, chosen.delimiter, where, header=not number):
                    stream.write(part)
