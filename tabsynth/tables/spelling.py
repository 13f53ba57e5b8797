"""A table as the bytes of a CSV or TSV file: the same bytes on every run, machine and platform.

numbers     shortest text that reads back as the same number; a column of real numbers keeps its point ("3.0")
booleans    True, False
datetimes   2024-02-29 where all of a column are midnight, else 2024-02-29 13:00:00 with as many decimals as the column
            needs; with an offset where the column has a time zone
missing     the empty cell, as an empty text is
quotes      only around cells that hold the delimiter, a quote or a line end
line end    LF

Decisions
- Cells are joined in Arrow, column by column: pyarrow's own CSV writer puts quotes around every text.
- Text that a spreadsheet would take for a formula is written as it is. A changed cell would no longer be the data, and
  an apostrophe in front breaks keys; who opens foreign tables in a spreadsheet should import them as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabsynth.errors import DataError
from tabsynth.tables.arrow import coarsest
from tabsynth.tables.names import shown

_ROWS_AT_ONCE = 1 << 16
_BOM = "\ufeff"


def delimited_bytes(table: pa.Table, delimiter: str, where: str, *, header: bool = True) -> Iterator[memoryview]:
    """Yield the header and then the rows of a table, some thousand at a time.

    Args:
        table: Any table of plain cells.
        delimiter: What stands between two cells.
        where: Name of the file for messages.
        header: Whether to begin with the names; without them for rows that follow others.

    Raises:
        DataError: A column or its name holds NUL characters, or bytes that are no text.
    """
    # Quotes keep the name of a lone column from being taken for two names with another delimiter.
    signs = delimiter if table.num_columns > 1 else f"{delimiter},;|\t"
    names = [_quoted_name(name, signs, where) for name in table.column_names]
    if header:
        yield memoryview((delimiter.join(names) + "\n").encode())
    cells = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            spelled = _spelled(column)
        except (ValueError, TypeError, NotImplementedError):  # what pyarrow raises, with cells in its message
            raise DataError(
                f"{where}: column {shown(name)}: cells of type {column.type} cannot be written as text; write Parquet"
            ) from None
        if pc.any(pc.match_substring(spelled, "\0")).as_py():
            raise DataError(
                f"{where}: column {shown(name)}: holds NUL characters, which no CSV file can; write Parquet"
            )
        cells.append(_quoted(spelled, delimiter))
    if len(cells) == 1:  # an empty line would be skipped by most readers
        cells = [pc.if_else(pc.equal(cells[0].fill_null(_text("")), _text("")), _text('""'), cells[0])]
    for batch in pa.table(cells, names=[str(number) for number in range(len(cells))]).to_batches(_ROWS_AT_ONCE):
        yield _lines(batch, delimiter)


def spelled(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Cells as the text that a file would hold; shape (n_cells,)."""
    texts = _spelled(pa.chunked_array([pa.array(cells, from_pandas=True)])).to_pylist()
    return pd.Series(texts, index=cells.index, name=cells.name, dtype=object)


def _spelled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as text."""
    arrow_type = column.type
    if pa.types.is_dictionary(arrow_type):
        column = column.unify_dictionaries()
        return pa.chunked_array(
            [
                _spelled(pa.chunked_array([chunk.dictionary])).combine_chunks().take(chunk.indices)
                for chunk in column.chunks
            ],
            pa.large_string(),
        )
    if pa.types.is_boolean(arrow_type):
        return pc.if_else(column, _text("True"), _text("False"))
    if pa.types.is_floating(arrow_type):
        return _spelled_floats(column)
    if pa.types.is_timestamp(arrow_type):
        return _spelled_datetimes(column)
    if pa.types.is_time(arrow_type):
        return coarsest(column).cast(pa.large_string())
    if pa.types.is_duration(arrow_type):
        return pa.chunked_array(
            [[None if cell is None else str(pd.Timedelta(cell)) for cell in column.to_pylist()]], pa.large_string()
        )
    return column.cast(pa.large_string())


def _spelled_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = column.cast(pa.float32()) if pa.types.is_float16(column.type) else column
    texts = column.cast(pa.large_string())
    whole = pc.match_substring_regex(texts, r"^-?[0-9]+$")
    return pc.if_else(whole, pc.binary_join_element_wise(texts, _text(".0"), _text("")), texts)


def _spelled_datetimes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type.tz is not None:
        distinct = column.combine_chunks().dictionary_encode()
        unit = {"s": "seconds", "ms": "milliseconds"}.get(coarsest(column).type.unit, "microseconds")
        moments = [
            None if moment is None else moment.isoformat(" ", unit) for moment in distinct.dictionary.to_pandas()
        ]
        return pa.chunked_array([pa.array(moments, pa.large_string()).take(distinct.indices)])
    days = column.cast(pa.date32(), safe=False)
    if pc.all(pc.equal(days.cast(column.type, safe=False), column)).as_py() is not False:
        return days.cast(pa.large_string())
    return coarsest(column).cast(pa.large_string())


def _quoted(texts: pa.ChunkedArray, delimiter: str) -> pa.ChunkedArray:
    unsafe = pc.match_substring_regex(texts, f'["\\r\\n{_in_brackets(delimiter)}]')
    if not pc.any(unsafe).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(unsafe, pc.binary_join_element_wise(_text('"'), doubled, _text('"'), _text("")), texts)


def _quoted_name(name: str, signs: str, where: str) -> str:
    if "\0" in name:
        raise DataError(f"{where}: column {shown(name)}: its name holds a NUL character; rename it")
    # A name that begins with a byte order mark would lose it at the beginning of the file.
    if any(sign in name for sign in f'"\r\n{signs}') or name.startswith(_BOM):
        return '"' + name.replace('"', '""') + '"'
    return name


def _in_brackets(delimiter: str) -> str:
    """A delimiter as part of a character class."""
    return f"\\x{ord(delimiter):02x}"


def _lines(batch: pa.RecordBatch, delimiter: str) -> memoryview:
    rows = pc.binary_join_element_wise(*batch.columns, _text(delimiter), null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(rows, _text(""), _text("\n"))
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int64)
    return memoryview(data)[int(ends[0]) : int(ends[len(lines)])]


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
