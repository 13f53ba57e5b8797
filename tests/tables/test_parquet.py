"""Parquet files: types in, types out, and nothing but the table in the file."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tabsynth.errors import DataError
from tabsynth.tables.files import read_table, write_table
from tabsynth.tables.parquet import parse_parquet

SECRET = "S3CRET"


def stored(table: pa.Table, **options: object) -> bytes:
    """A table as the bytes of a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def test_types_survive_the_file(tmp_path: Path) -> None:
    """Numbers with gaps, booleans, categories, zoned datetimes and durations read back with the dtypes they had."""
    table = pd.DataFrame(
        {
            "i": pd.array([2**53 + 1, None], dtype="Int64"),
            "n": [1, 2],
            "u": pd.array([255, None], dtype="UInt8"),
            "x": [0.1, np.nan],
            "b": pd.array([True, None], dtype="boolean"),
            "c": pd.Categorical(["v", "u"], categories=["v", "u"], ordered=True),
            "s": pd.Series(["é", None], dtype="str" if int(pd.__version__[0]) >= 3 else object),
            "t": np.array(["0001-01-01", "NaT"], "datetime64[us]"),
            "z": pd.to_datetime(["2024-07-01", None]).astype("datetime64[us]").tz_localize("Europe/Paris"),
            "e": pd.to_timedelta([1, None], unit="s").astype("timedelta64[us]"),
        }
    )
    write_table(table, tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "x.parquet"), table)


def test_file_holds_the_table_and_nothing_else(tmp_path: Path) -> None:
    """Index, attributes and unused categories of a pandas table do not end up in the file."""
    table = pd.DataFrame(
        {"c": pd.Categorical(["a", "a"], categories=["a", f"{SECRET} 1"])}, index=[f"{SECRET} 2", f"{SECRET} 3"]
    )
    table.attrs["note"] = f"{SECRET} 4"
    table.index.name = f"{SECRET} 5"
    write_table(table, tmp_path / "x.parquet")
    content = pq.ParquetFile(tmp_path / "x.parquet")
    assert content.schema_arrow.metadata is None
    assert content.schema_arrow.names == ["c"]
    assert content.read()["c"].chunk(0).dictionary.to_pylist() == ["a"]
    pq.write_table(content.read(), tmp_path / "plain.parquet", compression="none")
    assert SECRET.encode() not in (tmp_path / "plain.parquet").read_bytes()
    assert SECRET.encode() not in (tmp_path / "x.parquet").read_bytes()


def test_folder_names_add_no_columns(tmp_path: Path) -> None:
    """A file in a folder named like a partition has the columns of the file alone."""
    folder = tmp_path / "year=2024"
    folder.mkdir()
    write_table(pd.DataFrame({"a": [1]}), folder / "x.parquet")
    assert list(read_table(folder / "x.parquet").columns) == ["a"]


def test_index_columns_of_pandas_are_left_out() -> None:
    """Columns that pandas writes for an unnamed index are no columns of the table."""
    stream = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}, index=[7, 9]).to_parquet(stream)
    frame = parse_parquet(stream.getvalue(), "file")
    assert frame.to_dict("list") == {"a": [1, 2]}
    assert frame.index.equals(pd.RangeIndex(2))


def test_dates_decimals_and_dictionaries_read() -> None:
    """Dates become datetimes, decimals floats, dictionaries categories; small and large text are one."""
    raw = stored(
        pa.table(
            {
                "d": pa.array([dt.date(1850, 1, 1), None], pa.date32()),
                "m": pa.array([decimal.Decimal("12345678901.25"), None], pa.decimal128(20, 2)),
                "k": pa.array(["u", None]).dictionary_encode(),
                "s": pa.array(["x", None], pa.string()),
                "l": pa.array(["x", None], pa.large_string()),
            }
        )
    )
    frame = parse_parquet(raw, "file")
    assert frame["d"].tolist()[0] == pd.Timestamp("1850-01-01")
    assert frame["m"].tolist()[0] == 12345678901.25
    assert str(frame.dtypes["k"]) == "category"
    assert frame.dtypes["s"] == frame.dtypes["l"]
    assert frame.iloc[1].isna().all()


def test_pages_and_row_groups_join() -> None:
    """A file of many row groups, each with a dictionary of its own, reads as one table."""
    words = [f"word {number % 97}" for number in range(1000)]
    raw = stored(pa.table({"k": pa.array(words).dictionary_encode(), "n": range(1000)}), row_group_size=37)
    frame = parse_parquet(raw, "file")
    assert frame["k"].astype(object).tolist() == words
    assert len(frame["k"].cat.categories) == 97


@pytest.mark.parametrize("column", [[[SECRET]], [{"b": SECRET}], [{"b": {"c": [SECRET]}}]])
def test_nested_columns_are_refused_by_name(column: list[object]) -> None:
    """A list or record in a file is refused with the name of its column; a value does not show."""
    raw = stored(pa.table({"ok": [1], "nested": column}))
    with pytest.raises(DataError, match="file: column 'nested': its cells are lists or records") as caught:
        parse_parquet(raw, "file")
    assert SECRET not in str(caught.value)


def test_damage_anywhere_is_a_named_error(tmp_path: Path) -> None:
    """A changed byte of the cells gives a named error or the same cells; one of the rest, no error of another kind."""
    table = pd.DataFrame({"a": [f"row {number}" for number in range(200)], "n": range(200)})
    write_table(table, tmp_path / "x.parquet")
    raw = (tmp_path / "x.parquet").read_bytes()
    footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    refused = 0
    for position in range(0, len(raw), 7):
        damaged = bytearray(raw)
        damaged[position] ^= 0x55
        try:
            frame = parse_parquet(bytes(damaged), "file")
        except DataError as error:
            assert str(error).startswith("file: ")
            refused += position < footer
        else:
            assert position >= footer or frame.to_dict("list") == table.to_dict("list")
    assert refused > footer / 7 / 2
