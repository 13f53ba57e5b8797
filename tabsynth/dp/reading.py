"""From a table as it comes to rows behind the boundary: read, truncated to the privacy unit, rewritten, encoded.

Reading is total: a cell that cannot be read is a missing cell, and no cell changes how another one is read. Errors here
come from the header, the schema and the parameters, which are public; never from a cell.

Decisions
- Rows of one unit beyond `max_rows` are dropped at random, each unit on its own, by the same secure source as the
  noise: which rows of one person stay never depends on another person.
- A row whose unit is missing is dropped. It could be anybody's, so no bound on what one person contributes would hold.
- Constraints are rewritten by the schema alone (`derive(table, None)`).
- A table in memory is taken as it is: where pandas has made floats of whole numbers because one cell is missing, that
  was done before. Files are read cell by cell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tabsynth.dp.cells import Cells, distinct, series_of, text_columns
from tabsynth.dp.counting import smallest_type
from tabsynth.dp.domain import Codes, Domain
from tabsynth.dp.measure import PrivateTable, silence
from tabsynth.dp.spending import Noise, Spending
from tabsynth.dp.unit import PrivacyUnit, shared
from tabsynth.encoding.derived import Derivation
from tabsynth.errors import DataError
from tabsynth.schema.columns import Column, Identifier, Text
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values, parse_column
from tabsynth.tables.frames import to_arrow
from tabsynth.tables.names import check_names

Array = np.ndarray[Any, Any]

BATCH_ROWS = 1 << 18
"""Rows of a Parquet file that are in memory at a time."""


class PrivateRows:
    """Typed rows on the columns to model, at most `max_rows` per unit; seen through `encoded` and discoveries alone."""

    def __init__(
        self, source: object, table: Table, unit: PrivacyUnit, *, derivation: Derivation, noise: Noise
    ) -> None:
        """Read a table; of a Parquet file the rows are read in parts, each time they are needed.

        Args:
            source: pandas, polars or pyarrow table, which is not modified, or the path of a Parquet file.
            table: Its declaration.
            unit: Whose presence is hidden.
            derivation: How constraints are rewritten; made of the schema alone.
            noise: Source of the choice of rows that are dropped.

        Raises:
            DataError: It is no table, or lacks a column of the schema.
        """
        self.unit = unit
        self._table, self._derivation = table, derivation
        self._source = open_source(source, table, unit)
        self._kept: Array | None = None
        self._per_unit: Array | None = None
        self._unit_of: Array | None = None
        self._weights: Array | None = None
        if unit.key is not None:
            with silence():
                keys = self._keys(unit.key)
                kept = np.zeros(len(keys), bool)
                kept[truncated(keys, unit.max_rows, noise)] = True
                self._kept = kept
                self._unit_of = keys[kept]
                self._per_unit = _rows_per_unit(keys, unit.max_rows)
                if unit.weighed:
                    self._weights = shared(self._unit_of, unit.whole)

    def __repr__(self) -> str:
        return f"PrivateRows(unit={self.unit!r})"

    def encoded(self, domain: Domain, spending: Spending) -> PrivateTable:
        """The same rows as codes, to be seen through noise."""
        columns = self.codes(domain)
        return PrivateTable(
            columns,
            domain.sizes,
            max_rows=self.unit.max_rows,
            account=spending,
            unit_of=self._unit_of,
            weights=self._weights,
            whole=self.unit.whole,
        )

    def codes(self, domain: Domain) -> dict[str, Array]:
        """Codes by column, each of shape (n_rows,). Of rows that are private they are for `encoded` alone."""
        with silence():
            n_rows = self._source.n_rows if self._kept is None else int(self._kept.sum())
            columns = {name: np.empty(n_rows, smallest_type(size)) for name, size in domain.sizes.items()}
            start = 0
            for rows in self._coded(domain):
                for name, codes in rows.codes.items():
                    columns[name][start : start + rows.n_rows] = codes
                start += rows.n_rows
        return columns

    def column(self, name: str) -> Values:
        """One column to model, for `discovery.py`, which is a part of the boundary. Nothing else may call this."""
        if name in self._derivation.direct:
            parts = []
            for raw, stay in self._raw_parts([name]):
                values = _read(raw[name], self._table.columns[name])
                parts.append(values if stay is None else values.take(stay))
        else:
            parts = [self._forward(raw, stay).columns[name] for raw, stay in self._raw_parts(self._learned)]
        if len(parts) == 1:
            return parts[0]
        return Values(np.concatenate([part.array for part in parts]), np.concatenate([part.missing for part in parts]))

    @property
    def weights(self) -> Array | None:
        """What each row counts, where rows are weighed, for `discovery.py`. Nothing else may call this."""
        return self._weights

    @property
    def rows_per_unit(self) -> Array | None:
        """How many units have 1, 2, ... rows, for `discovery.py`. Nothing else may call this."""
        return self._per_unit

    def _keys(self, key: str) -> Array:
        """Code of the unit of each row, -1 where it is missing; shape (n_rows,)."""
        values = [_read(part[key], self._table.columns[key]) for part in self._source.parts([key])]
        keys = pd.factorize(np.concatenate([part.array for part in values]))[0].astype(np.int64)
        keys[np.concatenate([part.missing for part in values])] = -1
        return keys

    @property
    def _learned(self) -> list[str]:
        """Columns that are read, in order."""
        return [name for name, column in self._table.columns.items() if not isinstance(column, Identifier | Text)]

    def _raw_parts(self, names: list[str]) -> Iterator[tuple[dict[str, Cells], Array | None]]:
        """Cells of some columns part by part, and which of their rows stay; None for all of them."""
        start = 0
        for raw in self._source.parts(names):
            n_rows = len(next(iter(raw.values())))
            yield raw, None if self._kept is None else np.flatnonzero(self._kept[start : start + n_rows])
            start += n_rows

    def _forward(self, raw: Mapping[str, Cells], stay: Array | None) -> TypedTable:
        """One part on the columns to model."""
        typed = _typed(raw, self._table, len(next(iter(raw.values()))))
        return self._derivation.forward(typed if stay is None else typed.take(stay))

    def _coded(self, domain: Domain) -> Iterator[CodedRows]:
        """Rows that stay as codes, part by part. Columns that no rule rewrites are encoded without the others."""
        rewritten = domain.codes.keys() - self._derivation.direct
        for raw, stay in self._raw_parts(self._learned):
            typed = self._forward(raw, stay) if rewritten else None
            codes: dict[str, Array] = {}
            for name, column in domain.codes.items():
                if typed is not None and name in rewritten:
                    codes[name] = column.encode(typed.columns[name])
                else:
                    cells = _codes(raw[name], self._table.columns[name], column)
                    codes[name] = cells if stay is None else cells[stay]
            yield CodedRows(codes, len(next(iter(codes.values()))))


@dataclass(frozen=True)
class CodedRows:
    """Some rows as codes, by column."""

    codes: Mapping[str, Array]
    n_rows: int


class Source(Protocol):
    """Where rows come from."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    def parts(self, names: list[str]) -> Iterator[dict[str, Cells]]:
        """Cells of some columns as they came, part by part in one order; at least one part."""


@dataclass(frozen=True)
class TableSource:
    """Columns of a table in memory."""

    columns: Mapping[str, pd.Series[Any]]
    n_rows: int

    def parts(self, names: list[str]) -> Iterator[dict[str, Cells]]:
        """All rows at once. See `Source`."""
        yield {name: self.columns[name] for name in names}


@dataclass(frozen=True)
class ParquetSource:
    """A Parquet file, read in parts of `BATCH_ROWS` rows."""

    path: Path
    n_rows: int

    def parts(self, names: list[str]) -> Iterator[dict[str, Cells]]:
        """Rows in the order of the file. See `Source`."""
        words = [name for name in text_columns(pyarrow.parquet.read_schema(self.path)) if name in names]
        with pyarrow.parquet.ParquetFile(self.path, read_dictionary=words) as file:
            some = False
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names):
                some = True
                table = pa.Table.from_batches([batch])
                yield {name: table.column(name) for name in names}
            if not some:
                empty = file.schema_arrow.empty_table()
                yield {name: empty.column(name) for name in names}


def open_source(source: object, table: Table, unit: PrivacyUnit) -> Source:
    """The columns that are read.

    Raises:
        DataError: It is no table, or lacks a column of the schema.
    """
    needed = [name for name, column in table.columns.items() if not isinstance(column, Identifier | Text)]
    if unit.key is not None and unit.key not in needed:
        needed.append(unit.key)
    if isinstance(source, str | Path):
        try:
            with pyarrow.parquet.ParquetFile(source) as file:
                names: list[Any] = list(file.schema_arrow.names)
                n_rows = file.metadata.num_rows
        except (pa.ArrowException, OSError, ValueError):
            raise DataError(f"{Path(source).name}: is no Parquet file that can be read; give a table instead") from None
        check_names(names, "table")
        _require_columns(needed, names)
        return ParquetSource(Path(source), n_rows)
    if isinstance(source, pd.DataFrame):
        names = list(source.columns)
        check_names(names, "table")
        _require_columns(needed, names)
        return TableSource({name: source[name].reset_index(drop=True) for name in needed}, len(source))
    arrow = to_arrow(source)
    _require_columns(needed, arrow.column_names)
    return TableSource({name: series_of(arrow.column(name)) for name in needed}, arrow.num_rows)


def _require_columns(needed: list[str], names: list[str]) -> None:
    if absent := [name for name in needed if name not in names]:
        raise DataError(f"the table lacks columns of the schema: {', '.join(absent)}; add them, or take them out")


def secure_split(frame: pd.DataFrame, table: Table, unit: PrivacyUnit, *, holdout: float) -> tuple[Array, Array]:
    """Rows for training and rows kept apart, by a coin of each unit from the operating system.

    Args:
        frame: The table.
        table: Its declaration.
        unit: What has a coin of its own.
        holdout: Probability of being kept apart.

    Returns:
        Row numbers of both parts, each rising.
    """
    with silence():
        if unit.key is not None and unit.key in frame.columns:
            values = _read(frame[unit.key], table.columns[unit.key])
            codes = pd.factorize(values.array)[0]
        else:
            codes = np.arange(len(frame))
        words = np.frombuffer(os.urandom(8 * (int(codes.max(initial=-1)) + 1)), np.uint64)
        apart = (words < np.uint64(min(int(holdout * 2.0**64), 2**64 - 1)))[codes] if len(codes) else np.zeros(0, bool)
    return np.flatnonzero(~apart), np.flatnonzero(apart)


def truncated(keys: Array, max_rows: int, noise: Noise) -> Array:
    """Rows that stay, in their order: at most `max_rows` of each unit, chosen at random; -1 stands for no unit.

    Args:
        keys: Code of the unit of each row, -1 where it is missing. Shape (n_rows,).
        max_rows: Rows that one unit may keep.
        noise: Source of the choice.
    """
    lots = noise.permutation(len(keys))
    order = np.lexsort((lots, keys))
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=np.int64(-2)) != 0)
    rank = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return np.sort(order[(rank < max_rows) & (ordered >= 0)])


def _rows_per_unit(keys: Array, max_rows: int) -> Array:
    """How many units have 1, 2, ... `max_rows` rows after truncation; shape (max_rows,)."""
    counts = np.bincount(keys[keys >= 0])
    counts = np.minimum(counts[counts > 0], max_rows)
    return np.bincount(counts, minlength=max_rows + 1)[1:].astype(np.int64)


def _typed(raw: Mapping[str, Cells], table: Table, n_rows: int) -> TypedTable:
    """Typed columns; identifiers and text, which are never read, as if they were there."""
    columns: dict[str, Values] = {}
    for name, column in table.columns.items():
        if name in raw:
            columns[name] = _read(raw[name], column)
        else:
            columns[name] = Values(np.full(n_rows, "", dtype=object), np.zeros(n_rows, bool))
    return TypedTable(columns, n_rows)


def _codes(raw: Cells, declared: Column, column: Codes) -> Array:
    """Codes of the cells of one column that is modelled as it is, (n_rows,)."""
    listed = distinct(raw) if isinstance(raw, pa.ChunkedArray) else None
    if listed is None:
        return column.encode(_read(raw, declared))
    places, kinds = listed
    return column.encode(_read(kinds, declared)).astype(smallest_type(column.size))[places]


def _read(raw: Cells, column: Column) -> Values:
    """Cells of one column; those that cannot be read are missing."""
    if isinstance(raw, pa.ChunkedArray):
        raw = series_of(raw)
    try:
        return parse_column(raw, column).values
    except Exception:  # cells of kinds that the parser does not know: one by one, so that they spoil no other
        cells = [_read_cell(cell, column) for cell in raw]
        if not cells:
            return parse_column(pd.Series([], dtype=object), column).values
        return Values(np.concatenate([cell.array for cell in cells]), np.concatenate([cell.missing for cell in cells]))


def _read_cell(cell: Any, column: Column) -> Values:
    try:
        holder = pd.Series([None], dtype=object)
        holder.iat[0] = cell
        return parse_column(holder, column).values
    except Exception:  # whatever it is, it is no value of this column
        return parse_column(pd.Series([None], dtype=object), column).values
