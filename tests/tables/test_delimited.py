"""CSV text into columns: verbatim cells, the rules of the csv module, and errors that name lines and never cells."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import DataError, UsageError
from tabsynth.tables import delimited
from tabsynth.tables.delimited import check_delimiter, parse, records

SECRET = "S3CRET"


def cells(text: str, *, delimiter: str = ",", guess: bool = True) -> list[list[str | None]]:
    """Header and rows of a text, missing cells as None."""
    frame = parse(text, "file", delimiter=delimiter, guess=guess)
    rows = frame.astype(object).where(frame.notna(), None)
    return [list(frame.columns), *rows.to_numpy().tolist()]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [["1", "2"]]),
        ("a,b\n1,2", [["1", "2"]]),
        ("a,b\r\n1,2\r\n\r\n", [["1", "2"]]),
        ("a,b\r1,2\r", [["1", "2"]]),
        ("\n\na,b\n\n1,2\n\n\n3,4", [["1", "2"], ["3", "4"]]),
        ("a,b\n,\n", [[None, None]]),
        ('a,b\n"",x\n', [[None, "x"]]),
        ('a,b\n"x, ""y""\nz\r\n\r",2\n', [['x, "y"\nz\r\n\r', "2"]]),
        ('a,b\n5\' 7",x"y"z\n', [["5' 7\"", 'x"y"z']]),
        ('a,b\n"x"y, "z"\n', [["xy", ' "z"']]),
        ("a,b\n  x  ,\t\n", [["  x  ", "\t"]]),
        ("a,b\nNA,null\nnan,None\n#1,-\n", [["NA", "null"], ["nan", "None"], ["#1", "-"]]),
        ("a,b\n007,1e5\n1.0,=SUM(A1)\n", [["007", "1e5"], ["1.0", "=SUM(A1)"]]),
        ("a,b\n\u2028,\x1c\x0b\x85\n", [["\u2028", "\x1c\x0b\x85"]]),
        (f'a,b\n{"x" * 10_000},"{"y," * 2_000_000}"\n', [["x" * 10_000, "y," * 2_000_000]]),
    ],
)
def test_cells_come_verbatim(text: str, rows: list[list[str | None]]) -> None:
    """Only quoting is undone; only empty cells are missing."""
    assert cells(text)[1:] == rows


def test_columns_are_text_and_chunked_once() -> None:
    """Every column is text, also one of digits or of gaps alone, and the index plain."""
    frame = parse("a,b\n1,\n2,\n", "file", delimiter=",", guess=True)
    assert [str(dtype) for dtype in frame.dtypes] == ["str" if int(pd.__version__[0]) >= 3 else "object"] * 2
    assert frame.index.equals(pd.RangeIndex(2))


def test_one_column_keeps_empty_lines_as_gaps() -> None:
    """Where a row is one cell, an empty line is a missing one."""
    assert cells('a\n1\n\n""\n2\n') == [["a"], ["1"], [None], [None], ["2"]]


def test_header_names_come_verbatim() -> None:
    """Quoted, long, marked-up and near-duplicate names stay as they are."""
    header = [" Età ", 'x; "y"\nz', "id", "id.1", "<script>alert(1)</script>", "Unnamed: 3", "k" * 5000]
    text = io.StringIO()
    csv.writer(text).writerows([header, ["1"] * 7])
    assert cells(text.getvalue())[0] == header


SIGNS = st.text(st.sampled_from('ab,"\n\r;é '), max_size=30)


@given(SIGNS)
def test_records_follow_the_csv_module(text: str) -> None:
    """The slow reader that explains errors splits any text as Python's csv module does."""
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert [row for _, row, _ in records(text, ",")] == expected


@given(text=SIGNS, block=st.integers(2, 40))
def test_fast_and_slow_reader_agree(text: str, block: int) -> None:
    """pyarrow accepts what the slow reader finds regular, and gives the same cells, wherever its blocks end."""
    found = list(records(text, ","))
    width = len(found[0][1]) if found else 0
    if width < 2:
        return
    regular = all(len(row) == width and closed for _, row, closed in found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK_BYTES", block)
        table = delimited._read(text, width, ",")
    assert (table is not None) == regular
    if table is not None:
        rows = [[cell or None for cell in row] for _, row, _ in found[1:]]
        assert [list(row) for row in zip(*table.to_pydict().values(), strict=True)] == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "has a header but no row below it"),
        ("a,b", "has a header but no row below it"),
        ("a,a\n1,2\n", "share a name: 'a'"),
        (",b\n1,2\n", "column 1 has no name"),
        (
            f'a,b\n1,"x\ny"\n{SECRET}\n\n1,2\n{SECRET},2,3\n',
            r"the header has 2 cells, and 2 of 4 rows have another number: line 4 \(1\), line 7 \(3\); put cells",
        ),
        ("a,b\n1,2\n" + "1\n" * 7, r"7 of 8 rows .* line 7 \(1\) and 2 more;"),
        (f"a,b\n1,2,{SECRET}\n4,5,6\n", "every row has 3 cells and the header 2"),
        (f'a,b\n1,2\n3,"{SECRET}\n5,6\n', "line 3: a double quote opens a cell and is never closed"),
        (f'"a,b\n{SECRET},2\n', "line 1: a double quote opens"),
        ('a,b\n1,2\n3,4\n"', "line 4: a double quote opens"),
        ('a,b\r\n"x\r\ny",2\r\n3,"z\r\n', "line 4: a double quote opens"),
        (f"a;b\n1,5;{SECRET}\n", r"looks separated by ';'; pass --delimiter ';'"),
        (f"a;b;c\n1;2,5;3\n4;{SECRET},6\n", r"looks separated by ';'"),
        ("a\tb\n1\t2\n", r"looks separated by '\\t'; pass --delimiter '\\t'"),
        ("a|b\n1|2\n1|2\n", r"looks separated by '\|'"),
        ("x, unit;y\n1;2\n3;4\n", "looks separated by ';'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    """Every defect has its own message with line numbers, and no message holds a cell."""
    with pytest.raises(DataError, match=message) as caught:
        parse(text, "file", delimiter=",", guess=True)
    assert str(caught.value).startswith("file: ")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_given_delimiter_is_believed() -> None:
    """Who states the delimiter gets what was asked for, and a message about rows where it does not fit."""
    assert cells("a;b\n1;2\n", guess=False) == [["a;b"], ["1;2"]]
    assert cells("a;b,c\n1;2,5\n", delimiter=";") == [["a", "b,c"], ["1", "2,5"]]
    with pytest.raises(DataError, match="every row has 2 cells and the header 1"):
        parse("a;b\n1,2\n", "file", delimiter=",", guess=False)


def test_free_text_is_not_taken_for_another_delimiter() -> None:
    """A single column whose cells hold some semicolons stays a single column."""
    assert cells("note; remark\na\nb;c\nd\n")[0] == ["note; remark"]


@pytest.mark.parametrize(
    ("delimiter", "usable"), [(";", ";"), ("|", "|"), ("\t", "\t"), ("\\t", "\t"), (" ", " "), ("^", "^")]
)
def test_usable_delimiters(delimiter: str, usable: str) -> None:
    """Any ASCII sign will do, those of regular expressions included; a tab may be spelled."""
    assert check_delimiter(delimiter) == usable
    assert cells(f'a{usable}b\n1{usable}"2{usable}"\n', delimiter=usable) == [["a", "b"], ["1", f"2{usable}"]]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0", "é", "tab"])
def test_unusable_delimiters_are_refused(delimiter: str) -> None:
    """Quotes, line ends, and more or less than one sign cannot stand between cells."""
    with pytest.raises(UsageError, match="delimiter: must be one ASCII character"):
        check_delimiter(delimiter)
