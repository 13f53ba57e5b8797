"""Parquet files. Types of columns: see `arrow.py`; decimals come in as floats.

Decisions
- A file is written without pandas' metadata: it names the machine's versions and the index, and carries `attrs` along,
  which may hold anything.
- Columns that pandas wrote for its index (`__index_level_0__`) are left out on reading.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tabsynth.errors import DataError
from tabsynth.tables.arrow import frame_from_arrow

_INDEX_COLUMN = re.compile(r"__index_level_\d+__")
_MAGIC = b"PAR1"
ROW_GROUP_ROWS = 1 << 17
"""Rows that are written, and later read, together."""


def parse_parquet(raw: bytes, where: str, *, allow_empty: bool = False) -> pd.DataFrame:
    """Read the content of a Parquet file.

    Args:
        raw: Content of the file.
        where: Name of the file for messages.
        allow_empty: Whether it may have no rows.

    Raises:
        DataError: It is no Parquet file, is damaged, has no rows, or a column whose cells are no single values.
    """
    if not raw:
        raise DataError(f"{where}: is empty; give a file with at least one row")
    if not raw.startswith(_MAGIC):
        raise DataError(f"{where}: is no Parquet file; give it the name of what it is, or save it as Parquet")
    if not raw.endswith(_MAGIC):
        raise DataError(f"{where}: the Parquet file is cut short; make or fetch it again")
    try:
        table = pa.parquet.ParquetFile(pa.BufferReader(raw), page_checksum_verification=True).read()
    except (pa.ArrowException, OSError, ValueError):
        raise DataError(f"{where}: the Parquet file is damaged or encrypted; make or fetch it again") from None
    kept = [number for number, name in enumerate(table.column_names) if not _INDEX_COLUMN.fullmatch(name)]
    frame, _ = frame_from_arrow(table.select(kept), where)
    if not len(frame) and not allow_empty:
        raise DataError(f"{where}: has columns but no rows; give at least one")
    return frame


def read_metadata(source: str | Path) -> dict[str, str]:
    """Texts that a Parquet file carries beside its cells: of the file, of its columns, and pandas' `attrs`.

    Args:
        source: Name of a file; anything but a readable Parquet file has none.

    Privacy: Returns them as they are; they may hold anything.
    """
    try:
        schema = pa.parquet.read_schema(source)
    except (pa.ArrowException, OSError, ValueError):
        return {}
    found = {str(name): text for name, text in _decoded(schema.metadata).items() if name != "ARROW:schema"}
    pandas = found.pop("pandas", None)
    if pandas is not None and (attributes := _pandas_attributes(pandas)):
        found["pandas attributes"] = attributes
    for number, field in enumerate(schema, start=1):
        found |= {f"column {number}: {name}": text for name, text in _decoded(field.metadata).items()}
    return {name: text for name, text in found.items() if not name.endswith("PARQUET:field_id")}


def _decoded(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): text.decode("utf-8", "replace") for name, text in (metadata or {}).items()}


def _pandas_attributes(text: str) -> str:
    try:
        attributes = json.loads(text).get("attributes")
    except (ValueError, AttributeError):
        return text
    return json.dumps(attributes, ensure_ascii=False) if attributes else ""


def write_parquet(tables: Iterable[pa.Table], stream: IO[bytes]) -> None:
    """Write tables of the same columns as one Parquet file; see `ParquetWriter`.

    One table or more; a later one is brought to the types of the first.
    """
    rest = iter(tables)
    first = next(rest)
    writer = ParquetWriter(stream, first.schema)
    for table in itertools.chain([first], rest):
        writer.write(table)
    writer.close()


class ParquetWriter:
    """One Parquet file, in groups of `ROW_GROUP_ROWS` rows whatever the sizes of the tables that are written.

    The same rows give the same bytes under one version of pyarrow.
    """

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        """Begin the file.

        Args:
            stream: Where the bytes go; it stays open.
            schema: Types of the columns; metadata in it is left out.
        """
        self._schema = schema.remove_metadata()
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._writer = pa.parquet.ParquetWriter(
            pa.PythonFile(_Open(stream), mode="w"), self._schema, compression="zstd", write_page_checksum=True
        )

    def write(self, table: pa.Table) -> None:
        """Add rows, brought to the types of the file."""
        self._waiting.append(table.replace_schema_metadata(None).cast(self._schema))
        self._n_waiting += table.num_rows
        if self._n_waiting >= ROW_GROUP_ROWS:
            self._flush(self._n_waiting - self._n_waiting % ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._n_waiting:
            self._flush(self._n_waiting)
        self._writer.close()

    def _flush(self, n_rows: int) -> None:
        together = pa.concat_tables(self._waiting)
        self._writer.write_table(together.slice(0, n_rows).combine_chunks(), row_group_size=ROW_GROUP_ROWS)
        rest = together.slice(n_rows).combine_chunks()
        self._waiting, self._n_waiting = ([rest] if rest.num_rows else []), rest.num_rows


class _Open:
    """A stream that stays open: the writer closes what it writes to, which may be standard output."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._written = 0

    def write(self, data: Any) -> int:
        """Pass bytes on."""
        self._stream.write(data)
        self._written += len(memoryview(data).cast("B"))
        return len(memoryview(data).cast("B"))

    def tell(self) -> int:
        """Bytes written so far: standard output cannot say where it is."""
        return self._written

    def flush(self) -> None:
        """Pass on what is held back."""
        self._stream.flush()

    def close(self) -> None:
        """Do nothing."""
