"""Tables of several libraries in, pandas inside, the same library out."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tabsynth.errors import DataError, MissingExtraError
from tabsynth.tables.frames import FrameKind, from_pandas, to_arrow, to_pandas

SECRET = "S3CRET"
PARIS = pl.Datetime("us", "Europe/Paris")
POLARS = pl.DataFrame(
    {
        "i": pl.Series([2**53 + 1, None, 3], dtype=pl.Int64),
        "u": pl.Series([255, None, 3], dtype=pl.UInt8),
        "x": [1.5, None, 3.0],
        "b": [True, None, False],
        "s": ["é", None, ""],
        "c": pl.Series(["v", None, "u"], dtype=pl.Categorical),
        "d": [dt.date(1850, 1, 1), None, dt.date(2024, 2, 29)],
        "t": pl.Series([dt.datetime(2024, 1, 1, 3), None, dt.datetime(1, 1, 1)], dtype=pl.Datetime("us")),
        "ms": pl.Series([dt.datetime(2024, 1, 1, 3), None, None], dtype=pl.Datetime("ms")),
        "z": pl.Series([dt.datetime(2024, 7, 1), None, None], dtype=PARIS),
        "e": pl.Series([dt.timedelta(hours=1), None, None], dtype=pl.Duration("us")),
    }
)


def there_and_back(table: object) -> Any:
    """A table through pandas and a saved kind."""
    frame, kind = to_pandas(table)
    kind = FrameKind.from_state(json.loads(json.dumps(kind.state())))
    return from_pandas(frame, kind)


def test_polars_types_survive_pandas() -> None:
    """Whole numbers, dates, datetimes, categories, booleans and text with gaps come back as they were."""
    back = there_and_back(POLARS)
    assert isinstance(back, pl.DataFrame)
    assert back.schema == POLARS.schema
    assert back.equals(POLARS)


def test_pyarrow_types_survive_pandas() -> None:
    """The same holds for an Arrow table, in several chunks."""
    table = pa.concat_tables([POLARS.to_arrow(), POLARS.to_arrow()])
    back = there_and_back(table)
    assert isinstance(back, pa.Table)
    assert back.num_rows == 6
    types = {field.name: field.type for field in back.schema}
    assert types.pop("c") == pa.dictionary(pa.int32(), pa.large_string()) or pa.types.is_dictionary(back["c"].type)
    assert types == {field.name: field.type for field in table.schema if field.name != "c"}
    assert back.to_pylist() == table.to_pylist()


def test_inside_types_are_those_of_pandas() -> None:
    """Gaps make whole numbers and booleans nullable, never floats or objects."""
    frame, kind = to_pandas(POLARS)
    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    text = "str" if int(pd.__version__[0]) >= 3 else "object"
    assert dtypes == {
        "i": "Int64",
        "u": "UInt8",
        "x": "float64",
        "b": "boolean",
        "s": text,
        "c": "category",
        "d": "datetime64[us]",
        "t": "datetime64[us]",
        "ms": "datetime64[ms]",
        "z": "datetime64[us, Europe/Paris]",
        "e": "timedelta64[us]",
    }
    assert kind == FrameKind("polars", ("d",))
    assert {str(dtype) for dtype in to_pandas(POLARS[["i", "b"]].drop_nulls())[0].dtypes} == {"int64", "bool"}


def test_lazy_polars_table_is_collected() -> None:
    """A LazyFrame is computed, and a DataFrame comes back."""
    assert there_and_back(POLARS.lazy().select("i", "s")).equals(POLARS.select("i", "s"))


def test_other_libraries_come_back_as_pyarrow() -> None:
    """A table of another library is taken through the Arrow interface."""
    duckdb = pytest.importorskip("duckdb")
    frame, kind = to_pandas(duckdb.sql("select 1 as a, 'x' as b union all select null, 'y' order by b"))
    assert frame["b"].tolist() == ["x", "y"]
    assert (frame["a"].iloc[0], frame["a"].isna().tolist(), str(frame.dtypes["a"])) == (1, [False, True], "Int32")
    assert isinstance(from_pandas(frame, kind), pa.Table)


def test_dates_with_a_time_of_day_stay_datetimes() -> None:
    """A column that was dates and now holds hours is not cut down to days."""
    frame = pd.DataFrame({"d": pd.to_datetime(["2024-01-01 13:00", None])})
    for library in ("polars", "pyarrow", "pandas"):
        back = to_arrow(from_pandas(frame, FrameKind(library, ("d", "absent"))))
        assert back["d"].to_pylist()[0].hour == 13
    midnight = from_pandas(pd.DataFrame({"d": ["no date"]}), FrameKind("pyarrow", ("d",)))
    assert to_arrow(midnight)["d"].to_pylist() == ["no date"]


PANDAS = {
    "numpy": pd.DataFrame({"i": [1, 2], "x": [1.5, np.nan], "s": ["a", "b"], "b": [True, False]}),
    "nullable": pd.DataFrame({"i": [1, None], "x": [1.5, None], "s": ["a", None], "b": [True, None]}).convert_dtypes(),
    "pyarrow": pd.DataFrame({"i": [1, None], "x": [1.5, None], "s": ["a", None], "b": [True, None]}).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "objects": pd.DataFrame({"m": [1, "a"], "d": [dt.date(2024, 1, 1), None], "n": [None, None]}, dtype=object),
    "times": pd.DataFrame(
        {"z": pd.to_datetime(["2024-01-01", None], utc=True), "e": pd.to_timedelta([1, None], unit="s")}
    ),
}


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_tables_stay_as_they_are(name: str) -> None:
    """A pandas table of any backend comes back with its own dtypes, and is not modified."""
    table = PANDAS[name].set_axis(["p", "q"]).rename_axis(index="patient")
    before = table.copy()
    back = there_and_back(table)
    pd.testing.assert_frame_equal(back, PANDAS[name])
    pd.testing.assert_frame_equal(table, before)
    assert back.index.equals(pd.RangeIndex(2))


def test_pyarrow_backed_types_that_pandas_half_knows_become_its_own() -> None:
    """Dates, zoned datetimes, decimals and times of day turn into dtypes that every function reads; dates come back."""

    def column(cells: list[Any], arrow_type: pa.DataType) -> pd.Series[Any]:
        return pd.Series(pd.array(cells, dtype=pd.ArrowDtype(arrow_type)))

    table = pd.DataFrame(
        {
            "d": column([dt.date(2024, 1, 1), None], pa.date32()),
            "z": column([dt.datetime(2024, 1, 1), None], pa.timestamp("us", "Europe/Paris")),
            "m": column([decimal.Decimal("1.5"), None], pa.decimal128(5, 2)),
            "h": column([dt.time(3, 4), None], pa.time64("us")),
            "e": column([dt.timedelta(hours=1), None], pa.duration("us")),
            "k": column(["a", None], pa.dictionary(pa.int32(), pa.string())),
        }
    )
    frame, kind = to_pandas(table)
    assert [str(dtype) for dtype in frame.dtypes.drop("h")] == [
        "datetime64[us]",
        "datetime64[us, Europe/Paris]",
        "float64",
        "timedelta64[us]",
        "category",
    ]
    assert frame["h"].tolist()[0] == "03:04:00"
    assert str(from_pandas(frame, kind).dtypes["d"]) == "date32[day][pyarrow]"  # type: ignore[attr-defined]


def test_pandas_attributes_and_unused_categories_stay_behind() -> None:
    """What is no cell of the table, notes and names of absent categories, does not travel with it."""
    table = pd.DataFrame({"c": pd.Categorical(["b", "a"], categories=["b", SECRET, "a"], ordered=True)})
    table.attrs["note"] = SECRET
    frame, _ = to_pandas(table)
    assert frame.attrs == {}
    assert frame["c"].cat.categories.tolist() == ["b", "a"]
    assert frame["c"].cat.ordered
    assert table["c"].cat.categories.tolist() == ["b", SECRET, "a"]
    arrow = to_arrow(table)
    assert SECRET not in str(arrow["c"].chunk(0).dictionary.to_pylist())
    sliced = pl.DataFrame({"c": pl.Series([SECRET, "a"], dtype=pl.Categorical)})[1:]
    assert to_pandas(sliced)[0]["c"].cat.categories.tolist() == ["a"]


def test_arrow_types_without_a_dtype_become_the_nearest() -> None:
    """Decimals become floats, times and UTF-8 bytes text, and a column of the null type gaps."""
    table = pa.table(
        {
            "m": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(6, 2)),
            "h": pa.array([dt.time(3, 4, 5, 500_000), None], pa.time64("ns")),
            "y": pa.array(["é".encode(), None]),
            "n": pa.nulls(2),
            "f": pa.array([np.float16(0.5), None], pa.float16()),
            "t": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("ns")),
            "k": pa.array([1, None]).dictionary_encode(),
        }
    )
    frame, _ = to_pandas(table)
    first = {name: frame[name].iloc[0] for name in "mhyfk"}
    assert first == {"m": 1.25, "h": "03:04:05.500", "y": "é", "f": 0.5, "k": 1}
    assert frame.iloc[1].isna().all()
    assert frame["n"].isna().all()
    assert str(frame.dtypes["t"]) == "datetime64[ns]"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1]}, "a dict is no table that can be read; give a pandas or polars DataFrame"),
        ([[1]], "a list is no table"),
        (None, "a NoneType is no table"),
        ("patients.csv", "a str is no table"),
        (np.zeros((2, 2)), "a ndarray is no table"),
        (pd.Series([1], name="a"), "a Series is no table"),
        (pl.Series("a", [1]), "a Series is no table"),
        (pd.DataFrame(), "has no columns"),
        (pl.DataFrame(), "has no columns"),
        (pd.DataFrame({"a": []}), "has no rows; give at least one"),
        (pl.DataFrame({"a": []}), "has no rows"),
        (pa.table({"a": pa.array([], pa.int8())}), "has no rows"),
        (pd.DataFrame([[1, 2]]), "column names must be text"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), "must be text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "share a name: 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "share a name: 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", ""]), "column 2 has no name"),
        (pd.DataFrame({"ok": [1], "a": [[SECRET]]}), "column 'a': its cells are lists or records"),
        (pd.DataFrame({"a": [None, {"x": SECRET}]}), "column 'a': its cells are lists or records"),
        (pd.DataFrame({"a": pd.Series([1, (SECRET,)], dtype=object)}), "column 'a': its cells are lists or records"),
        (pd.DataFrame({"a": pd.Categorical([(SECRET, 1)])}), "column 'a': its cells are lists or records"),
        (
            pd.DataFrame({"a": pd.array([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int8())))}),
            "column 'a': its cells are lists",
        ),
        (pd.DataFrame({"a": [SECRET.encode()]}), "column 'a': its cells are bytes"),
        (pd.DataFrame({"a": [1j]}), "column 'a': its cells are complex numbers"),
        (pl.DataFrame({"a": [[SECRET]]}), "column 'a': its cells are lists or records"),
        (pl.DataFrame({"a": [{"x": SECRET}]}), "column 'a': its cells are lists or records"),
        (pl.DataFrame({"a": [b"\xff" + SECRET.encode()]}), "column 'a': its cells are of type large_binary"),
        (
            pa.table({"a": pa.array([[("x", SECRET)]], pa.map_(pa.string(), pa.string()))}),
            "column 'a': its cells are lists",
        ),
        (
            pa.table({"a": pa.array([2**31 - 1], pa.int32()).cast(pa.date32())}),
            "column 'a': its cells are of type date32",
        ),
        (
            pa.table({"a": pa.array([0], pa.timestamp("us", "Nowhere/Atall"))}),
            "column 'a': its cells are of type timestamp",
        ),
    ],
    ids=lambda value: f"{type(value).__name__} {str(value)[:30]}".replace("\n", " "),
)
def test_what_is_no_table_is_refused_by_name(table: object, message: str) -> None:
    """Each defect has its own message, with the column where there is one and without a cell."""
    with pytest.raises(DataError, match=f"^table: .*{message}") as caught:
        to_pandas(table)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_absent_polars_is_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of a polars table used where polars is absent says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        from_pandas(pd.DataFrame({"a": [1]}), FrameKind("polars"))
