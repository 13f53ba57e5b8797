"""CSV and TSV text into columns of text, with an error that names the line of whatever is wrong.

Cells are read verbatim: no trimming, no guessing of types, no comments, no words for "missing". Only an empty cell,
quoted or not, is missing. A cell in double quotes may hold delimiters, line ends and doubled quotes. Empty lines are
skipped, except in a table of one column, where they are missing cells.

Decisions
- pyarrow reads, many times faster than anything in Python; what it refuses is read again here, slowly, to name the
  line. Its own messages quote cells and are never shown.
- pyarrow takes an unclosed quote at the end of the file for a closed one. A last row of known content, added before
  reading, tells: it is swallowed by the open cell.
- One thread: pyarrow's parallel reader can wait for ever after a row that does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from tabsynth.errors import DataError, UsageError
from tabsynth.tables.decoding import text_line
from tabsynth.tables.names import check_names

_BLOCK_BYTES = 1 << 20
_CANDIDATES = (",", ";", "\t", "|")
_SNIFFED_ROWS = 50
_LISTED_LINES = 5
_END = "end"
_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


def check_delimiter(delimiter: str) -> str:
    """Return a usable delimiter; a backslash and a t stand for the tab.

    Raises:
        UsageError: It is not one ASCII character, or is a quote or a line end.
    """
    if delimiter == "\\t":
        return "\t"
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise UsageError("delimiter: must be one ASCII character other than a quote or a line end, such as ',' or ';'")
    return delimiter


def parse(text: str, where: str, *, delimiter: str, guess: bool, allow_empty: bool = False) -> pd.DataFrame:
    """Read the text of a CSV file.

    Args:
        text: Content of the file, without byte order mark.
        where: Name of the file for messages.
        delimiter: What stands between two cells.
        guess: Whether to say so where another delimiter fits the file better.
        allow_empty: Whether there may be a header and no row below it.

    Returns:
        Columns of text, `str` in pandas 3 and `object` before, missing where the cell is empty.

    Raises:
        DataError: There is no header, no row, or a row that does not fit; the message holds lines, never cells.
    """
    _, names, closed = next(records(text, delimiter), (1, [""], True))
    if not closed:
        raise DataError(_unclosed(where, 1))
    if guess and len(names) == 1 and (better := _better_delimiter(text, delimiter)):
        raise DataError(_separated(where, better))
    check_names(names, where)
    table = _read(text, len(names), delimiter)
    if table is None:
        raise DataError(_explain(text, where, delimiter, len(names), guess=guess))
    if not table.num_rows and not allow_empty:
        raise DataError(f"{where}: has a header but no row below it; give at least one")
    return _frame(table, names)


def records(text: str, delimiter: str) -> Iterator[tuple[int, list[str], bool]]:
    """Yield (line, cells, whether the last quote is closed) of each record, empty lines left out.

    Much slower than pyarrow, by the same rules.
    """
    sign = re.escape(delimiter)
    cell = re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)("?)([^{sign}\r\n]*+)|([^{sign}\r\n]*+))({sign}|\r\n|\r|\n|\Z)')
    line = start = 1
    cells: list[str] = []
    for match in cell.finditer(text):
        quoted, closing, tail, plain, end = match.groups()
        if match.start() == len(text) and not cells and quoted is None:
            return
        cells.append(plain if quoted is None else quoted.replace('""', '"') + tail)
        if quoted is not None:
            line += text_line(quoted, len(quoted)) - 1
        if end == delimiter:
            continue
        if cells != [""] or quoted is not None:
            yield start, cells, quoted is None or bool(closing)
        line += 1
        start, cells = line, []
        if not end:
            return


def _read(text: str, n_columns: int, delimiter: str) -> pa.Table | None:
    """The rows below the header as text columns, or None where some row does not fit."""
    last_row = delimiter.join([_END] * n_columns) + "\n"
    line_end = "" if text.endswith(("\n", "\r")) else "\n"
    raw = b"".join((text.lstrip("\r\n").encode(), line_end.encode(), last_row.encode()))
    names = [f"column {number}" for number in range(n_columns)]
    for block_bytes in dict.fromkeys((min(_BLOCK_BYTES, len(raw)), min(len(raw), 2**31 - 1))):
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(raw),
                read_options=pa.csv.ReadOptions(column_names=names, block_size=block_bytes, use_threads=False),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=n_columns > 1
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=True, null_values=[""]
                ),
            )
        except pa.ArrowInvalid:  # a row that does not fit, or a record longer than the block
            continue
        if all(column[-1].as_py() == _END for column in table.columns):
            return table.slice(1, table.num_rows - 2)
        return None
    return None


def _frame(table: pa.Table, names: list[str]) -> pd.DataFrame:
    """A text table in pandas; one chunk per column, which pandas' own functions are faster on."""
    text_type = {pa.large_string(): pd.StringDtype(na_value=np.nan)}.get if _PANDAS_3 else None
    frame = table.combine_chunks().to_pandas(types_mapper=text_type)
    frame.columns = pd.Index(names)
    return frame


def _better_delimiter(text: str, delimiter: str) -> str | None:
    """The delimiter by which the header and most of the first rows have equally many cells, more than one."""
    for candidate in _CANDIDATES:
        if candidate == delimiter:
            continue
        header, *rows = (len(cells) for _, cells, _ in islice(records(text, candidate), _SNIFFED_ROWS))
        if header > 1 and rows.count(header) * 2 >= len(rows):
            return candidate
    return None


def _explain(text: str, where: str, delimiter: str, n_columns: int, *, guess: bool) -> str:
    """What is wrong with rows that pyarrow could not read."""
    misfits: list[tuple[int, int]] = []
    n_rows = 0
    for line, cells, closed in records(text, delimiter):
        n_rows += 1
        if not closed and not misfits:
            return _unclosed(where, line)
        if len(cells) != n_columns:
            misfits.append((line, len(cells)))
    if not misfits:
        return f"{where}: cannot be read as a table with a delimiter of {delimiter!r}; save it as CSV again"
    if guess and (better := _better_delimiter(text, delimiter)):
        return _separated(where, better)
    lengths = {length for _, length in misfits}
    if len(misfits) == n_rows - 1 and len(lengths) == 1:
        return (
            f"{where}: every row has {lengths.pop()} cells and the header {n_columns}; give each column a name, and "
            "each row as many cells as there are names"
        )
    lines = ", ".join(f"line {line} ({length})" for line, length in misfits[:_LISTED_LINES])
    more = f" and {len(misfits) - _LISTED_LINES:,} more" if len(misfits) > _LISTED_LINES else ""
    return (
        f"{where}: the header has {n_columns} cells, and {len(misfits):,} of {n_rows - 1:,} rows have another number: "
        f"{lines}{more}; put cells that hold {delimiter!r} or a line end in double quotes"
    )


def _unclosed(where: str, line: int) -> str:
    return (
        f"{where}: line {line}: a double quote opens a cell and is never closed; close it, or double it inside a cell"
    )


def _separated(where: str, delimiter: str) -> str:
    return f"{where}: looks separated by {delimiter!r}; pass --delimiter {delimiter!r}"
