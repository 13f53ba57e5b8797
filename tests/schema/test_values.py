"""Cells to typed values and back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.values import (
    Parsed,
    TypedTable,
    Values,
    category_text,
    format_column,
    parse_column,
    to_micros,
)

DAY = 86_400_000_000
ALL_KINDS: tuple[Column, ...] = (
    Identifier(),
    Categorical(),
    Ordinal(categories=("a", "b")),
    Boolean(),
    Integer(),
    Number(),
    DateTime(),
    Text(),
)


def read(cells: list[Any], column: Column, dtype: Any = object) -> Parsed:
    return parse_column(pd.Series(cells, dtype=dtype), column)


def values_of(parsed: Parsed) -> list[Any]:
    """The values, None where missing."""
    pairs = zip(parsed.values.array.tolist(), parsed.values.missing.tolist(), strict=True)
    return [None if gone else value for value, gone in pairs]


def written(values: Values, column: Column, storage: str | None = None) -> pd.Series:
    return format_column(values, column, name="a", storage=storage)


# --- missing cells ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ALL_KINDS, ids=lambda column: column.type)
@pytest.mark.parametrize("cells", [[], [None, None], [np.nan, pd.NA], ["", ""], [pd.NaT, None]])
def test_a_column_without_values_is_missing_throughout(column: Column, cells: list[Any]) -> None:
    """Empty cells of every spelling are missing, not invalid, in every kind."""
    parsed = read(cells, column)
    assert parsed.values.missing.tolist() == [True] * len(cells)
    assert not parsed.invalid.any()


@pytest.mark.parametrize("column", ALL_KINDS, ids=lambda column: column.type)
@pytest.mark.parametrize("dtype", ["float64", "object", "string", "boolean", "Int64", "datetime64[ns]"])
def test_every_kind_reads_an_all_missing_column_of_any_dtype(column: Column, dtype: str) -> None:
    """A column that happens to be empty may have any dtype."""
    parsed = parse_column(pd.Series([None, None], dtype=dtype), column)
    assert parsed.values.missing.all() and not parsed.invalid.any()


@pytest.mark.parametrize("cells", [["-8", "1"], ["-8.0", "1"], [" -8 ", "1"], [-8, 1], [-8.0, 1.0]])
@pytest.mark.parametrize("column", [Integer(missing_values=("-8",)), Number(missing_values=("-8",))])
def test_a_numeric_code_for_missing_is_found_in_text_and_in_numbers(column: Column, cells: list[Any]) -> None:
    """-8 declared as missing is missing whether the table holds text or numbers."""
    assert values_of(parse_column(pd.Series(cells), column)) == [None, 1]


def test_a_date_that_stands_for_missing_is_found_in_native_datetimes() -> None:
    """1900-01-01 declared as missing is missing in a native column too."""
    column = DateTime(missing_values=("1900-01-01",))
    cells = ["1900-01-01", "1970-01-02"]
    for raw in (pd.Series(cells), pd.Series(pd.to_datetime(cells))):
        assert values_of(parse_column(raw, column)) == [None, DAY]


def test_missing_spellings_of_text_kinds_are_exact() -> None:
    """A category that contains a missing spelling is not missing."""
    assert values_of(read(["?", "??", " ?", "N/A"], Categorical(missing_values=("?", "N/A")))) == [
        None,
        "??",
        " ?",
        None,
    ]


# --- text kinds ------------------------------------------------------------------------------------------------------


def test_whole_floats_and_numbers_name_the_same_category() -> None:
    """A code column that a gap turned into floats keeps its categories."""
    for cells, dtype in (([1, 2], "int64"), ([1.0, 2.0], "float64"), (["1", "2"], object), ([1, 2], "Int64")):
        assert values_of(read(cells, Categorical(), dtype)) == ["1", "2"]


def test_numeric_categories_are_recognised_in_any_spelling() -> None:
    """With numbers as categories, 1.0, 01 and 1 are one category; other text stays."""
    assert values_of(read(["1.0", "01", "1", "x", ""], Categorical(categories=(1, 2)))) == ["1", "1", "1", "x", None]


def test_text_categories_keep_leading_zeros() -> None:
    """Codes such as 007 are text where the schema says text."""
    assert values_of(read(["007", "7"], Categorical(categories=("007", "7")))) == ["007", "7"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1.5, "1.5"), (-0.0, "0"), (1e300, "1e+300"), (True, "True"), (np.float64(3), "3"), ("1.0", "1.0")],
)
def test_category_text(value: object, text: str) -> None:
    """Whole floats lose their point; everything else is what `str` says."""
    assert category_text(value) == text


@pytest.mark.parametrize("column", ALL_KINDS, ids=lambda column: column.type)
def test_cells_that_hold_lists_or_bytes_are_unreadable(column: Column) -> None:
    """Nested cells are marked invalid instead of stopping the run."""
    parsed = read([[1], {"a": 1}, b"x", None], column)
    assert parsed.invalid.tolist() == [True, True, True, False]
    assert parsed.values.missing.all()


def test_a_pandas_categorical_reads_like_its_values() -> None:
    """Codes and categories change nothing, with and without gaps."""
    cells = ["b", None, "a", "b"]
    assert values_of(read(cells, Categorical(), "category")) == cells
    assert values_of(parse_column(pd.Series(pd.Categorical([3, None, 1])), Integer())) == [3, None, 1]
    dates = pd.Series(pd.Categorical(pd.to_datetime(["1970-01-02", None])))
    assert values_of(parse_column(dates, DateTime(format="%d.%m.%Y"))) == [DAY, None]


# --- booleans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ([True, False, None], object),
        ([True, False, None], "boolean"),
        ([True, False, None], "bool[pyarrow]"),
        ([1, 0, None], "float64"),
        (["Yes", "no", ""], object),
        (["T", " f ", None], object),
    ],
)
def test_booleans_in_every_usual_form(cells: list[Any], dtype: Any) -> None:
    """Native, numeric and written booleans are the same."""
    assert values_of(read(cells, Boolean(), dtype)) == [True, False, None]


def test_boolean_labels_close_the_set() -> None:
    """With labels, other spellings are invalid; labels that differ by case alone are told apart."""
    assert values_of(read(["Nein", "ja", "yes"], Boolean(labels=("Nein", "Ja")))) == [False, True, None]
    parsed = read(["y", "Y", "n"], Boolean(labels=("y", "Y")))
    assert values_of(parsed) == [False, True, None]
    assert parsed.invalid.tolist() == [False, False, True]


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_text_that_is_no_number_is_invalid_and_nothing_else() -> None:
    """Only the odd cells are lost; hexadecimal, underscores, thousands marks and infinity are no numbers."""
    cells = [" 5 ", "+5", "5e0", "0x5", "5_0", "1,5", "inf", "nan", "five", ""]
    parsed = read(cells, Integer())
    assert values_of(parsed) == [5, 5, 5, None, None, None, None, None, None, None]
    assert parsed.invalid.tolist() == [False] * 3 + [True] * 6 + [False]


def test_a_fraction_is_no_whole_number() -> None:
    """1.0 is an integer, 1.5 is not, in text and in floats."""
    for raw in (pd.Series(["1.0", "1.5"]), pd.Series([1.0, 1.5])):
        assert parse_column(raw, Integer()).invalid.tolist() == [False, True]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1))
def test_whole_numbers_are_exact_beyond_what_floats_hold(numbers: list[int]) -> None:
    """An unreadable neighbour does not push large numbers through floats."""
    cells = [str(number) for number in numbers] + ["x"]
    assert values_of(read(cells, Integer())) == [*numbers, None]


def test_unsigned_numbers_beyond_int64_are_invalid() -> None:
    """2**63 does not fit and does not wrap round."""
    parsed = parse_column(pd.Series([2**63, 5], dtype="uint64"), Integer())
    assert values_of(parsed) == [None, 5] and parsed.invalid.tolist() == [True, False]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_in_text_are_rounded_as_python_rounds_them(numbers: list[float]) -> None:
    """The same text gives the same bits on every pandas version."""
    assert values_of(read([repr(number) for number in numbers], Number())) == numbers


def test_decimal_commas() -> None:
    """A comma is the point; a point in such text is unreadable; numbers that are no text stay."""
    column = Number(decimal_mark=",")
    assert values_of(read(["1,5", "-2", "1.234", "1.234,5", 2.5], column)) == [1.5, -2.0, None, None, 2.5]
    series = written(Values(np.array([1.5, -2.25, 0.0]), np.array([False, False, True])), column)
    assert series.isna().tolist() == [False, False, True]
    assert series.tolist()[:2] == ["1,5", "-2,25"]


@pytest.mark.parametrize("dtype", ["timedelta64[ns]", "duration[us][pyarrow]"])
def test_durations_are_seconds(dtype: str) -> None:
    """A duration column declared as a number counts seconds, and is written back as durations."""
    raw = pd.Series([dt.timedelta(seconds=90), None], dtype="timedelta64[ns]").astype(dtype)
    parsed = parse_column(raw, Number())
    assert values_of(parsed) == [90.0, None]
    back = written(parsed.values, Number(), "timedelta64[ns]")
    assert back.tolist()[0] == pd.Timedelta(seconds=90) and back.isna().tolist() == [False, True]


@pytest.mark.parametrize("kind", [Integer(), Number()])
def test_datetimes_are_no_numbers(kind: Column) -> None:
    """A native datetime column declared numeric is unreadable, not nanoseconds."""
    assert parse_column(pd.Series(pd.to_datetime(["2020-01-01", None])), kind).invalid.tolist() == [True, False]


def test_decimals_and_negative_zero_when_writing() -> None:
    """Numbers are rounded to `decimals`, and -0.0 is written 0."""
    series = written(Values(np.array([1.005, -0.001]), np.zeros(2, bool)), Number(decimals=1))
    assert series.tolist() == [1.0, 0.0] and not np.signbit(series.to_numpy()).any()


# --- datetimes -------------------------------------------------------------------------------------------------------


def test_iso_texts() -> None:
    """Dates, datetimes, months and years are read; the words now and today, and stray numbers, are not."""
    cells = ["1970-01-02", "1970-01-02T01:00:00", "1970-01-01 00:00:00.000001", "1970-02", "1971", "now", "today", "5"]
    expected = [DAY, DAY + 3_600_000_000, 1, 31 * DAY, 365 * DAY, None, None, None]
    assert values_of(read(cells, DateTime())) == expected


def test_words_for_the_present_are_no_dates_in_a_format_either() -> None:
    """A cell "now" must not become the time of the run."""
    assert values_of(read(["now", "Today", "02.01.1970"], DateTime(format="%d.%m.%Y"))) == [None, None, DAY]


def test_several_formats_the_first_that_reads_a_cell_wins() -> None:
    """Mixed columns list their formats; the first is written."""
    column = DateTime(format=("%d/%m/%Y", "%Y-%m-%d"))
    parsed = read(["02/01/1970", "1970-01-02", "1970/01/02"], column)
    assert values_of(parsed) == [DAY, DAY, None]
    assert written(parsed.values, column).tolist()[:2] == ["02/01/1970", "02/01/1970"]


@pytest.mark.parametrize("cell", [dt.date(1970, 1, 2), dt.datetime(1970, 1, 2), pd.Timestamp("1970-01-02")])
def test_date_objects_need_no_format(cell: object) -> None:
    """Python dates among the cells are read whatever format text would have."""
    assert values_of(read([cell, "02.01.1970"], DateTime(format="%d.%m.%Y"))) == [DAY, DAY]


@pytest.mark.parametrize("cells", [[1970, 1971], [1970.0, 1971.0], ["1970", "1971"]])
def test_years_as_numbers(cells: list[Any]) -> None:
    """A year column is a datetime with format %Y, whatever it is stored as."""
    assert values_of(parse_column(pd.Series(cells), DateTime(format="%Y", resolution="year"))) == [0, 365 * DAY]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_native_datetimes_of_every_unit(unit: str) -> None:
    """The unit of the column does not matter."""
    raw = pd.Series(np.array(["1970-01-02", "NaT"], dtype=f"datetime64[{unit}]"))
    assert values_of(parse_column(raw, DateTime())) == [DAY, None]


ARROW_DATES = [(pa.timestamp("us"), dt.datetime), (pa.timestamp("ns"), dt.datetime), (pa.date32(), dt.date)]


@pytest.mark.parametrize(("arrow", "kind"), ARROW_DATES, ids=str)
def test_arrow_datetimes(arrow: pa.DataType, kind: Any) -> None:
    """Arrow timestamps and dates are native datetimes."""
    raw = pd.Series([kind(1970, 1, 2), None], dtype=pd.ArrowDtype(arrow))
    assert values_of(parse_column(raw, DateTime(format="%d.%m.%Y"))) == [DAY, None]


@pytest.mark.parametrize(
    ("arrow", "cells", "column", "expected"),
    [
        (pa.string(), ["a", None], Categorical(), ["a", None]),
        (pa.dictionary(pa.int8(), pa.string()), ["a", None], Categorical(), ["a", None]),
        (pa.dictionary(pa.int8(), pa.string()), ["7", None], Integer(), [7, None]),
        (pa.int8(), [1, None], Integer(), [1, None]),
        (pa.uint64(), [2**63 + 1, None], Integer(), [None, None]),
        (pa.float32(), [1.5, None], Number(), [1.5, None]),
        (pa.decimal128(9, 2), [Decimal("1.50"), None], Number(), [1.5, None]),
        (pa.bool_(), [True, None], Boolean(), [True, None]),
        (pa.list_(pa.int64()), [[1], None], Categorical(), [None, None]),
        (pa.timestamp("us", "UTC"), [dt.datetime(1970, 1, 2, tzinfo=dt.UTC), None], DateTime(), [DAY, None]),
    ],
    ids=lambda value: str(value)[:24],
)
def test_arrow_columns(arrow: pa.DataType, cells: list[Any], column: Column, expected: list[Any]) -> None:
    """Arrow-backed columns read like any other."""
    assert values_of(parse_column(pd.Series(cells, dtype=pd.ArrowDtype(arrow)), column)) == expected


def test_local_times_become_utc_and_offsets_win() -> None:
    """A zone shifts texts without offset, in summer and winter, and leaves texts with one."""
    cells = ["2020-06-01T12:00:00", "2020-01-01T12:00:00", "2020-06-01T12:00:00+00:00", "2020-06-01T12:00:00Z"]
    utc = ["2020-06-01T10:00:00", "2020-01-01T11:00:00", "2020-06-01T12:00:00", "2020-06-01T12:00:00"]
    expected = [to_micros(text, None) for text in utc]
    assert values_of(read(cells, DateTime(time_zone="Europe/Paris"))) == expected
    assert [to_micros(text, "Europe/Paris") for text in cells] == expected


def test_native_times_are_put_in_the_zone_of_the_column() -> None:
    """Cells without a zone are local; cells with another zone are converted."""
    column = DateTime(time_zone="Europe/Paris")
    expected = [to_micros("2020-06-01T10:00:00", None)]
    assert values_of(parse_column(pd.Series(pd.to_datetime(["2020-06-01T12:00"])), column)) == expected
    tokyo = pd.Series(pd.to_datetime(["2020-06-01T19:00"])).dt.tz_localize("Asia/Tokyo")
    assert values_of(parse_column(tokyo, column)) == expected


def test_skipped_and_repeated_hours_are_read() -> None:
    """The hours around a clock change give a value, never an error."""
    column = DateTime(time_zone="Europe/Paris")
    cells = ["2020-03-29T02:30:00", "2020-10-25T02:30:00"]
    expected = [to_micros("2020-03-29T01:00:00", None), to_micros("2020-10-25T01:30:00", None)]
    assert values_of(read(cells, column)) == expected
    assert values_of(parse_column(pd.Series(pd.to_datetime(cells)), column)) == expected


def test_offsets_are_written_where_the_format_has_them() -> None:
    """Both passes of a repeated hour keep their own offset."""
    column = DateTime(format="%Y-%m-%d %H:%M%z", time_zone="Europe/Paris")
    cells = ["2020-10-25 02:30+0200", "2020-10-25 02:30+0100", "2020-06-01 12:00+0200"]
    parsed = read(cells, column)
    assert len(set(values_of(parsed))) == 3
    assert written(parsed.values, column).tolist() == cells


def test_times_with_a_zone_are_native_in_that_zone() -> None:
    """Without a format the result is a zoned datetime column."""
    column = DateTime(time_zone="Europe/Paris")
    series = written(read(["2020-06-01T12:00:00", None], column).values, column)
    assert str(series.dtype) == "datetime64[us, Europe/Paris]"
    assert series.dt.hour.tolist()[0] == 12 and series.isna().tolist() == [False, True]


MOMENTS = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29))
ZONES = st.sampled_from([None, "UTC", "Europe/Paris", "America/St_Johns", "Asia/Kolkata", "Pacific/Apia"])


@given(MOMENTS, st.sampled_from([None, "%d/%m/%Y %H:%M:%S.%f", "%Y%m%dT%H%M%S%f"]))
def test_every_year_survives_reading_and_writing(moment: dt.datetime, spelling: str | None) -> None:
    """Years 1 to 9999 come back to the microsecond, with a format and without."""
    column = DateTime(format=spelling, resolution="microsecond")
    text = moment.isoformat() if spelling is None else moment.strftime(spelling.replace("%Y", f"{moment.year:04d}"))
    parsed = read([text], column)
    assert values_of(parsed) == [to_micros(moment.isoformat(), None)]
    assert values_of(parse_column(written(parsed.values, column), column)) == values_of(parsed)


@given(st.datetimes(dt.datetime(1973, 1, 1), dt.datetime(9999, 12, 29)), ZONES)
def test_local_times_survive_reading_and_writing(moment: dt.datetime, zone: str | None) -> None:
    """What a zone does to a local time on the way in is undone on the way out."""
    column = DateTime(format="%Y-%m-%dT%H:%M:%S.%f%z" if zone else "%Y-%m-%dT%H:%M:%S.%f", time_zone=zone)
    first = read([moment.isoformat()], DateTime(time_zone=zone)).values
    again = parse_column(written(first, column), column)
    assert again.values.array.tolist() == first.array.tolist()


# --- storage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "column"),
    [
        (pd.Series([1, 2], dtype="int64"), Integer()),
        (pd.Series([1, 200], dtype="uint8"), Integer()),
        (pd.Series([1, None], dtype="Int64"), Integer()),
        (pd.Series([1.0, None], dtype="float64"), Integer()),
        (pd.Series([1, None], dtype="int64[pyarrow]"), Integer()),
        (pd.Series([1.5, None], dtype="float32"), Number()),
        (pd.Series([1.5, None], dtype="Float64"), Number()),
        (pd.Series([1.5, None], dtype="double[pyarrow]"), Number()),
        (pd.Series([True, False], dtype="bool"), Boolean()),
        (pd.Series([True, None], dtype="boolean"), Boolean()),
        (pd.Series([True, None], dtype="bool[pyarrow]"), Boolean()),
        (pd.Series([0, 1], dtype="int64"), Boolean(labels=("0", "1"))),
        (pd.Series(["a", None], dtype="category"), Categorical()),
        (pd.Series(["a", None], dtype="string"), Categorical()),
        (pd.Series([3, 4], dtype="int8"), Categorical(categories=(3, 4))),
        (pd.Series([3.5, None], dtype="float64"), Ordinal(categories=(3.5, 4.5))),
        (pd.Series([11, 12], dtype="int32"), Identifier()),
        (pd.Series(np.array(["2020-01-02", "NaT"], "datetime64[ns]")), DateTime()),
        (pd.Series(np.array(["2020-01-02", "NaT"], "datetime64[s]")), DateTime()),
        (
            pd.Series(pd.to_datetime(["2020-01-02", None])).dt.tz_localize("Asia/Tokyo"),
            DateTime(time_zone="Asia/Tokyo"),
        ),
        (pd.Series(pd.to_datetime(["2020-01-02", None])).dt.tz_localize("Asia/Tokyo"), DateTime()),
        (pd.Series([dt.datetime(2020, 1, 2), None], dtype="timestamp[ms][pyarrow]"), DateTime()),
    ],
    ids=lambda value: f"{value.dtype}" if isinstance(value, pd.Series) else value.type,
)
def test_a_column_comes_back_in_the_dtype_it_had(raw: pd.Series, column: Column) -> None:
    """Reading and writing gives back the cells and the dtype of the learned table."""
    parsed = parse_column(raw.rename("a"), column)
    assert not parsed.invalid.any()
    pd.testing.assert_series_equal(written(parsed.values, column, str(raw.dtype)), raw.rename("a"))


@pytest.mark.parametrize(
    ("values", "column", "storage"),
    [
        (np.array([1, 300]), Integer(), "int8"),
        (np.array([-1, 3]), Integer(), "uint8"),
        (np.array([1, 3]), Integer(), "bool"),
        (np.array([1.5, 3.0]), Number(), "int64"),
        (np.array([False, True]), Boolean(labels=("No", "Yes")), "bool"),
        (np.array([-62_135_596_800_000_000, 0]), DateTime(), "datetime64[ns]"),
    ],
)
def test_values_that_do_not_fit_the_old_dtype_are_not_bent(values: Any, column: Column, storage: str) -> None:
    """Nothing wraps, is cut or turns true: the natural dtype is kept instead."""
    series = written(Values(values, np.zeros(2, bool)), column, storage)
    assert str(series.dtype) != storage
    assert values_of(parse_column(series, column)) == values.tolist()


def test_a_pooled_label_among_numeric_categories_is_kept() -> None:
    """The label for rare categories makes the column text; it does not become a gap."""
    column = Categorical(categories=(1, 2), rare_label="other")
    series = written(Values(np.array(["1", "other", ""], dtype=object), np.array([False, False, True])), column)
    assert values_of(parse_column(series, column)) == ["1", "other", None]


COLUMNS_AND_VALUES: dict[str, tuple[Column, st.SearchStrategy[Any]]] = {
    "identifier": (Identifier(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
    "categorical": (Categorical(categories=("a", "b")), st.sampled_from(["a", "b"])),
    "categorical-int": (Categorical(categories=(1, 22)), st.sampled_from(["1", "22"])),
    "ordinal-float": (Ordinal(categories=(0.5, 1.5)), st.sampled_from(["0.5", "1.5"])),
    "boolean": (Boolean(), st.booleans()),
    "boolean-labels": (Boolean(labels=("N", "J")), st.booleans()),
    "integer": (Integer(), st.integers(-(2**53), 2**53)),
    "number": (Number(), st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)),
    "number-comma": (Number(decimal_mark=","), st.floats(-1e12, 1e12).map(lambda value: value + 0.0)),
    "datetime": (DateTime(resolution="microsecond"), st.integers(-(10**16), 10**16)),
    "datetime-zone": (DateTime(time_zone="Europe/Paris"), st.integers(0, 2 * 10**15)),
    "datetime-format": (
        DateTime(format="%d %b %Y %H:%M:%S"),
        st.integers(-(10**10), 10**10).map(lambda value: value * 1_000_000),
    ),
}


@pytest.mark.parametrize("kind", COLUMNS_AND_VALUES)
@given(data=st.data())
def test_writing_then_reading_gives_the_same_values(kind: str, data: st.DataObject) -> None:
    """What a model writes is what it meant, for every kind and with gaps."""
    column, one = COLUMNS_AND_VALUES[kind]
    cells = data.draw(st.lists(st.one_of(st.none(), one), max_size=8))
    missing = np.array([cell is None for cell in cells], dtype=bool)
    parsed = parse_column(pd.Series([], dtype=object), column)
    array = np.array([parsed.values.array.dtype.type() if cell is None else cell for cell in cells], dtype=object)
    values = Values(array.astype(parsed.values.array.dtype), missing)
    again = parse_column(written(values, column), column)
    assert not again.invalid.any()
    assert values_of(again) == cells


def test_take_by_mask_and_by_index() -> None:
    """A typed table is cut by either, and knows its new length."""
    table = TypedTable({"a": Values(np.arange(4), np.zeros(4, bool))}, 4)
    assert table.take(np.array([True, False, True, False])).n_rows == 2
    assert table.take(np.array([3, 3, 0])).columns["a"].array.tolist() == [3, 3, 0]
    assert len(table.columns["a"]) == 4


ZOO: tuple[Any, ...] = (
    True, False, 1, 0, 1.0, 2.5, "1", "True", "2.5", "x", None, Decimal("1.0"), 10**15, 1e15, ([1],), b"1", [1],
    "-9223372036854775808", "9223372036854775807", "00000000000000009007199254740993", "18446744073709551615", "1e3",
    dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), pd.Timestamp("2020-01-01"), "2020-01-01", "2020", 2020, "1,5",
)  # fmt: skip


@pytest.mark.parametrize("column", [*ALL_KINDS, Integer(missing_values=("1",)), Number(decimal_mark=",")])
def test_no_cell_changes_how_another_one_is_read(column: Column) -> None:
    """Promised of private rows, and owed to all: True and 1 are the same to Python, "x" makes floats of numbers."""
    alone = [read([cell], column) for cell in ZOO]
    for order in (slice(None), slice(None, None, -1)):
        together = read(list(ZOO[order]), column)
        assert values_of(together) == [values_of(one)[0] for one in alone[order]]
        assert together.invalid.tolist() == [bool(one.invalid[0]) for one in alone[order]]
