"""A table that is written piece by piece, without ever being held whole.

Decisions
- The pieces that a caller writes do not show in the file: a Parquet file is cut into row groups of a fixed size.
- The types of the columns are stated, not guessed from the first piece, which may hold no value of a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa

from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.tables.formats import STANDARD_STREAM, FileFormat, detect_format
from tabsynth.tables.frames import to_arrow
from tabsynth.tables.parquet import ParquetWriter
from tabsynth.tables.spelling import delimited_bytes
from tabsynth.tables.streams import writing


def arrow_schema(columns: dict[str, Column]) -> pa.Schema:
    """The Arrow types of canonical columns as `format_column` writes them."""
    return pa.schema([(name, _arrow_type(column)) for name, column in columns.items()])


def _arrow_type(column: Column) -> pa.DataType:
    if isinstance(column, Integer):
        return pa.int64()
    if isinstance(column, Number):
        return pa.float64() if column.decimal_mark == "." else pa.large_string()
    if isinstance(column, Boolean):
        return pa.bool_() if column.labels is None else pa.large_string()
    if isinstance(column, DateTime) and column.format is None:
        return pa.timestamp("us", column.time_zone)
    if isinstance(column, Categorical | Ordinal) and column.categories and not isinstance(column.categories[0], str):
        return pa.int64() if all(isinstance(item, int) for item in column.categories) else pa.float64()
    return pa.large_string()


class TableWriter:
    """Writes pieces of a table to a file; made by `table_writer`."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema, file_format: FileFormat, where: str) -> None:
        """Begin the file.

        Args:
            stream: Where the bytes go.
            schema: Types of the columns.
            file_format: How they are written.
            where: Name of the file for messages.
        """
        self._stream, self._schema, self._format, self._where = stream, schema, file_format, where
        self._parquet = ParquetWriter(stream, schema) if file_format.kind == "parquet" else None
        self._begun = False

    def write(self, table: object) -> None:
        """Add rows: a table with the columns of the schema."""
        arrow = to_arrow(table, where=self._where).cast(self._schema)
        if self._parquet is not None:
            self._parquet.write(arrow)
            return
        for part in delimited_bytes(arrow, self._format.delimiter, self._where, header=not self._begun):
            self._stream.write(part)
        self._begun = True

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._parquet is not None:
            self._parquet.close()
        elif not self._begun:
            self.write(self._schema.empty_table())


@contextmanager
def table_writer(
    target: str | Path, columns: dict[str, Column], *, file_format: FileFormat | None = None
) -> Iterator[TableWriter]:
    """Open a table file to write pieces to; it appears when the block ends well.

    Args:
        target: Name of a file, or `-` for standard output.
        columns: Declared columns, in order.
        file_format: Format; None to tell it from the name (standard output: CSV).

    Raises:
        DataError: The name does not say the format, or cells cannot be held by it.
        OutputError: The file cannot be written in full; what was there is unchanged.
    """
    chosen = file_format or detect_format(target)
    where = "standard output" if str(target) == STANDARD_STREAM else str(target)
    with writing(target, chosen.compression) as stream:
        writer = TableWriter(stream, arrow_schema(columns), chosen, where)
        yield writer
        writer.close()
