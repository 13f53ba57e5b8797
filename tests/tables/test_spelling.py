"""How cells of every type are spelled in CSV."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.tables.frames import to_arrow
from tabsynth.tables.spelling import delimited_bytes


def written(table: object, delimiter: str = ",") -> str:
    """The text of a table."""
    return b"".join(delimited_bytes(to_arrow(table), delimiter, "file")).decode()


def spelled(cells: object) -> list[str]:
    """The cells of one column as they are written, with a second column that keeps gaps visible."""
    column = pd.Series(cells, name="x").reset_index(drop=True)
    return [row[0] for row in csv.reader(io.StringIO(written(pd.DataFrame({"x": column, "y": "."}))))][1:]


SPELLINGS: list[tuple[object, list[str]]] = [
    ([3.0, 2.5, np.nan, 1e20, 1e-7], ["3.0", "2.5", "", "1e+20", "1e-7"]),
    ([np.inf, -np.inf, -0.0, 0.1 + 0.2], ["inf", "-inf", "-0.0", "0.30000000000000004"]),
    (np.array([0.1, 3], np.float32), ["0.1", "3.0"]),
    (np.array([0.5, 3], np.float16), ["0.5", "3.0"]),
    ([1, -5, 2**63 - 1], ["1", "-5", "9223372036854775807"]),
    (np.array([2**64 - 1], np.uint64), ["18446744073709551615"]),
    (pd.array([1, None], dtype="Int64"), ["1", ""]),
    (pd.array([1, None], dtype="int64[pyarrow]"), ["1", ""]),
    (pd.array([1.0, None], dtype="Float64"), ["1.0", ""]),
    ([True, False], ["True", "False"]),
    (pd.array([True, None], dtype="boolean"), ["True", ""]),
    (pd.Series([True, None, False], dtype=object), ["True", "", "False"]),
    (["a", None, "", "b c", " d ", "=1+1"], ["a", "", "", "b c", " d ", "=1+1"]),
    (pd.Categorical(["b", None, "a", "b"]), ["b", "", "a", "b"]),
    (pd.Categorical([1.0, None, 2.5]), ["1.0", "", "2.5"]),
    (pd.Categorical(pd.to_datetime(["2024-01-02", "2023-01-02"])), ["2024-01-02", "2023-01-02"]),
    (pd.to_datetime(["2024-02-29", None]), ["2024-02-29", ""]),
    (pd.to_datetime(["2024-02-29 00:00", "2024-02-29 13:00"]), ["2024-02-29 00:00:00", "2024-02-29 13:00:00"]),
    (
        pd.to_datetime(["2024-02-29", "2024-02-29 13:00:00.25"], format="ISO8601"),
        ["2024-02-29 00:00:00.000", "2024-02-29 13:00:00.250"],
    ),
    (np.array(["0001-01-01", "9999-12-31"], "datetime64[us]"), ["0001-01-01", "9999-12-31"]),
    (
        pd.to_datetime(["2024-07-01 12:00", None, "2024-01-01 12:00"]).tz_localize("Europe/Paris"),
        ["2024-07-01 12:00:00+02:00", "", "2024-01-01 12:00:00+01:00"],
    ),
    (pd.to_datetime(["2024-07-01"]).tz_localize("UTC"), ["2024-07-01 00:00:00+00:00"]),
    (pd.to_timedelta([3661, None], unit="s"), ["0 days 01:01:01", ""]),
    (pd.period_range("2024-01", periods=2, freq="M"), ["2024-01", "2024-02"]),
    (pd.Series([0, 0, 1], dtype="Sparse[int64]"), ["0", "0", "1"]),
    ([dt.date(2024, 2, 29), None], ["2024-02-29", ""]),
    (
        pd.Series([dt.date(2024, 2, 29), pd.Timestamp("2024-02-29 13:00")], dtype=object),
        ["2024-02-29", "2024-02-29 13:00:00"],
    ),
    ([dt.time(3, 4), None], ["03:04:00", ""]),
    ([decimal.Decimal("1.50"), None], ["1.50", ""]),
    ([uuid.UUID(int=1), None], ["00000000-0000-0000-0000-000000000001", ""]),
    (pd.Series([1, "a", 2.0, None], dtype=object), ["1", "a", "2", ""]),
    (pd.Series([2**70, 1], dtype=object), [str(2**70), "1"]),
    (pd.Series([None, None], dtype=object), ["", ""]),
]


@pytest.mark.parametrize(("cells", "expected"), SPELLINGS, ids=lambda value: str(value)[:40].replace("\n", " "))
def test_each_type_has_its_spelling(cells: object, expected: list[str]) -> None:
    """Cells of one column are spelled alike, in full precision, and gaps are empty."""
    assert spelled(cells) == expected


def test_quotes_stand_only_where_needed() -> None:
    """A cell or name is quoted if it holds the delimiter, a quote or a line end, and not otherwise."""
    table = pd.DataFrame(
        {"a b": ["x,y", "it's", 'say "x"', "l\ne", "c\rr", "t\tb"], 'q"': ["", ";", "|", "'", "#", "\\"]}
    )
    assert written(table) == 'a b,"q"""\n"x,y",\nit\'s,;\n"say ""x""",|\n"l\ne",\'\n"c\rr",#\nt\tb,\\\n'
    assert written(table, "\t").splitlines()[-1] == '"t\tb"\t\\'


def test_lone_column_has_no_empty_line() -> None:
    """A missing cell of a one-column table is a pair of quotes, for readers skip empty lines."""
    assert written(pd.DataFrame({"a": ["x", None, ""]})) == 'a\nx\n""\n""\n'
    assert written(pd.DataFrame({"a;b": ["x"]})) == '"a;b"\nx\n'


def test_index_is_left_out() -> None:
    """Labels of rows are not written, named or not."""
    table = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["SECRET 1", "SECRET 2"], name="patient"))
    assert written(table) == "a\n1\n2\n"


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.text('a,"\n\r;')),
        min_size=1,
    )
)
def test_python_reads_what_is_written(rows: list[tuple[str, str]]) -> None:
    """Python's own csv module finds the same cells."""
    text = written(pd.DataFrame(rows, columns=["a", "b"], dtype=object))
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [list(row) for row in rows]


def test_long_tables_are_written_in_pieces_that_join() -> None:
    """Rows beyond the first piece follow without a seam, from a table of several chunks as well."""
    numbers = np.arange(150_000)
    table = pa.table({"a": pa.chunked_array([numbers[:70_001], numbers[70_001:]]), "b": numbers % 7})
    pieces = list(delimited_bytes(table, ",", "file"))
    assert len(pieces) > 3
    expected = "a,b\n" + "".join(f"{number},{number % 7}\n" for number in numbers)
    assert b"".join(pieces).decode() == expected
