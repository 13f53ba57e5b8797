"""Data frames of several libraries in, pandas inside, the same library out.

Decisions
- The index of a pandas table is left out: rows of a synthetic table stand for nobody, so labels of rows mean nothing
  there. A key that lives in the index has to be made a column first.
- Types come through as `arrow.py` lists them. What pandas has no dtype for is remembered (dates) or becomes the nearest
  thing that has one (decimals, times of day).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa

from tabsynth.errors import DataError, MissingExtraError
from tabsynth.tables.arrow import (
    frame_from_arrow,
    refuse_cells,
    refuse_type,
    series_from_arrow,
    table_from_frame,
    without_unused_categories,
)
from tabsynth.tables.names import check_names

_WHERE = "table"
_MIDNIGHT_DATES = "date32[day][pyarrow]"


@dataclass(frozen=True)
class FrameKind:
    """What a table was: enough to give back another of its kind."""

    library: str
    """`pandas`, `polars` or `pyarrow`; tables of other libraries come back as pyarrow tables."""
    dates: tuple[str, ...] = ()
    """Columns of dates without a time of day, which pandas itself holds as datetimes."""

    def state(self) -> dict[str, Any]:
        """The kind as JSON values, for a model file."""
        return {"library": self.library, "dates": list(self.dates)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> FrameKind:
        """The kind that `state` describes."""
        return cls(str(state["library"]), tuple(state.get("dates", ())))


def to_pandas(table: object) -> tuple[pd.DataFrame, FrameKind]:
    """Take a table of any library; it is not modified.

    Args:
        table: A pandas or polars DataFrame, a polars LazyFrame (collected), a pyarrow Table, or any other table that
            narwhals or the Arrow interface understands, such as a DuckDB relation. Shape (n_rows, n_columns), both
            above 0.

    Returns:
        The table in pandas with a plain index, and its kind for `from_pandas`.

    Raises:
        DataError: It is no table, has no rows, names that are not text, empty or used twice, or cells that are lists,
            records or bytes.
    """
    if isinstance(table, pd.DataFrame):
        frame, dates = _plain_pandas(table)
        kind = FrameKind("pandas", dates)
    else:
        arrow, library = as_arrow(table)
        frame, dates = frame_from_arrow(arrow, _WHERE)
        kind = FrameKind(library, dates)
    if not len(frame):
        raise DataError(f"{_WHERE}: has no rows; give at least one")
    return frame, kind


def from_pandas(frame: pd.DataFrame, kind: FrameKind) -> object:
    """Give a table back as the kind that another one was.

    Args:
        frame: The table to give.
        kind: What `to_pandas` returned for the table it resembles.

    Raises:
        MissingExtraError: The kind is polars, which is not installed here.
    """
    if kind.library == "pandas":
        dates = [name for name in kind.dates if name in frame.columns and _all_midnight(frame[name])]
        return frame.astype(dict.fromkeys(dates, _MIDNIGHT_DATES)) if dates else frame
    arrow = table_from_frame(frame, _WHERE)
    for number, name in enumerate(arrow.column_names):
        if name in kind.dates and _all_midnight(frame[name]):
            arrow = arrow.set_column(number, name, arrow.column(number).cast(pa.date32()))
    if kind.library != "polars":
        return arrow
    try:
        return import_module("polars").from_arrow(arrow)
    except ModuleNotFoundError:
        raise MissingExtraError(
            "the model learned from a polars table, and polars is not installed; pip install polars"
        ) from None


def to_arrow(table: object, *, where: str = _WHERE) -> pa.Table:
    """Take a table of any library as Arrow, for writing; other than for `to_pandas`, it may have no rows.

    Raises:
        DataError: It is no table, or has unusable names or cells.
    """
    if isinstance(table, pd.DataFrame):
        return table_from_frame(table, where)
    arrow, _ = as_arrow(table)
    check_names(arrow.column_names, where)
    for field in arrow.schema:
        refuse_type(field.type, field.name, where)
    return arrow


def as_arrow(table: object) -> tuple[pa.Table, str]:
    """A table as Arrow, and the library that its likes are given back in."""
    library = type(table).__module__.partition(".")[0]
    library = library if library in ("polars", "pyarrow") else "pyarrow"
    try:
        if library == "pyarrow" and hasattr(table, "__arrow_c_stream__"):
            return pa.table(table), library
        native = nw.from_native(table)  # type: ignore[call-overload]
        native = native.collect() if isinstance(native, nw.LazyFrame) else native
        return native.to_arrow(), library
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        raise DataError(
            f"{_WHERE}: a {type(table).__name__} is no table that can be read; give a pandas or polars DataFrame or a "
            "pyarrow Table"
        ) from None


def _plain_pandas(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A pandas table without index, in dtypes that the rest of the package reads, and the names of its date columns."""
    names = list(table.columns)
    check_names(names, _WHERE)
    columns: dict[str, pd.Series[Any]] = {}
    dates = []
    for name in names:
        series = table[name]
        refuse_cells(series, name, _WHERE)
        if isinstance(series.dtype, pd.ArrowDtype) and not _is_read_everywhere(series.dtype.pyarrow_dtype):
            if pa.types.is_date(series.dtype.pyarrow_dtype):
                dates.append(name)
            arrow = pa.chunked_array(pa.array(series, from_pandas=True))
            series = series_from_arrow(arrow, name, _WHERE)
        columns[name] = without_unused_categories(series).reset_index(drop=True)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), copy=False), tuple(dates)


def _is_read_everywhere(arrow_type: pa.DataType) -> bool:
    """Whether pandas' own functions treat a pyarrow-backed column of this type like one of numpy."""
    return bool(
        pa.types.is_boolean(arrow_type)
        or pa.types.is_integer(arrow_type)
        or pa.types.is_floating(arrow_type)
        or pa.types.is_string(arrow_type)
        or pa.types.is_large_string(arrow_type)
        or (pa.types.is_timestamp(arrow_type) and arrow_type.tz is None)
    )


def _all_midnight(series: pd.Series[Any]) -> bool:
    """Whether a column is of datetimes without a time of day."""
    if series.dtype.kind != "M" or isinstance(series.dtype, pd.ArrowDtype | pd.DatetimeTZDtype):
        return False
    return bool((series.dt.normalize() == series)[series.notna()].all())
