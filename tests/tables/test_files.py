"""Table files: what is written reads back, in every format and through streams, and every real table reads."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabsynth.errors import DataError, OutputError, UsageError
from tabsynth.tables.files import FileFormat, read_table, write_table
from tests.shared_tables import shared_data, tables

TEXT_SUFFIXES = [".csv", ".tsv", ".csv.gz", ".tsv.zst"]
SUFFIXES = [*TEXT_SUFFIXES, ".parquet"]
SECRET = "S3CRET"


def rows(frame: pd.DataFrame) -> list[list[object]]:
    """The cells of a table, missing ones as None."""
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()  # type: ignore[no-any-return]


CELLS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
AWKWARD = st.sampled_from(
    ['"', '""', ",", "\t", "\n", "\r", "\r\n", " ", "NA", "nan", "#", "\ufeff", "'", "\\", "=1+1", "\x1a"]
)
NAMES = st.lists(
    (st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | AWKWARD).filter(
        lambda name: bool(name.strip())
    ),
    min_size=1,
    max_size=4,
    unique=True,
)


@st.composite
def text_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Tables of arbitrary Unicode text with gaps."""
    names = draw(NAMES)
    n_rows = draw(st.integers(1, 4))
    columns = {name: draw(st.lists(CELLS | AWKWARD, min_size=n_rows, max_size=n_rows)) for name in names}
    return pd.DataFrame(columns, dtype=object)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=text_tables())
def test_text_reads_back_as_it_was_written(tmp_path: Path, suffix: str, table: pd.DataFrame) -> None:
    """Any Unicode cells and names survive every format, and the same table gives the same bytes."""
    file = tmp_path / f"table{suffix}"
    write_table(table, file)
    first = file.read_bytes()
    back = read_table(file)
    assert list(back.columns) == list(table.columns)
    assert rows(back) == rows(table)
    write_table(back, file)
    assert file.read_bytes() == first


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(numbers=st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=20))
def test_numbers_read_back_to_the_last_bit(tmp_path: Path, numbers: list[float | None]) -> None:
    """Every float is spelled so that it reads back as the same float, infinities and -0.0 included."""
    written = np.array([np.nan if number is None else number for number in numbers])
    write_table(pd.DataFrame({"x": written, "y": "."}), tmp_path / "x.csv")
    back = np.array([np.nan if cell is None else float(str(cell)) for cell, _ in rows(read_table(tmp_path / "x.csv"))])
    assert back.tobytes() == written.tobytes()


@pytest.mark.parametrize("file", tables() or [Path()], ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_real_table_reads(file: Path) -> None:
    """Each shared table reads without a word, and text tables hold what pandas reads from them."""
    shared_data()
    frame = read_table(file)
    assert len(frame) > 0
    if file.suffix != ".parquet":
        expected = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
        assert frame.shape == expected.shape
        assert pd.util.hash_pandas_object(frame.set_axis(range(frame.shape[1]), axis=1), index=False).equals(
            pd.util.hash_pandas_object(expected.set_axis(range(frame.shape[1]), axis=1), index=False)
        )


def test_messy_table_keeps_its_columns() -> None:
    """Blanks, quotes, line ends, near-duplicates and non-ASCII signs in a header stay as they are."""
    frame = read_table(shared_data() / "messy_constructed" / "messy.csv")
    assert list(frame.columns) == [
        " Età (years) ",
        'name; "quoted", with\nnewline',
        "date",
        "timestamp_tz",
        "amount €",
        "flag",
        "constant",
        "all_null",
        "zip",
        "id",
        "id.1",
        "percent",
        "big_float",
        "mixed",
        "rare_cat",
        "Unnamed: 0",
        "SEX",
        "sex ",
        "json",
    ]
    assert frame["all_null"].isna().all()
    assert {"=SUM(A1)", "nan", "N/A", "  "} <= set(frame['name; "quoted", with\nnewline'].dropna())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "UTF8", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"]
)
def test_text_reads_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    """Stated encodings are honoured, and byte order marks are no part of the first name."""
    (tmp_path / "x.csv").write_bytes("naïve,größe\nÅ,ÿ\n".encode(encoding))
    frame = read_table(tmp_path / "x.csv", encoding=encoding)
    assert [list(frame.columns), *rows(frame)] == [["naïve", "größe"], ["Å", "ÿ"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "encoding: 'klingon' is unknown"),
        ({"encoding": "hex"}, "encoding: 'hex' is unknown"),
        ({"encoding": ""}, "encoding: '' is unknown"),
        ({"delimiter": "ab"}, "delimiter: must be one ASCII character"),
        ({"delimiter": ",", "file_format": FileFormat("parquet")}, "delimiter: a Parquet file has none"),
    ],
)
def test_wrong_options_are_usage_errors(tmp_path: Path, options: dict[str, str], message: str) -> None:
    """A wrong option is told apart from a wrong file."""
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(UsageError, match=message):
        read_table(tmp_path / "x.csv", **options)  # type: ignore[arg-type]


def test_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    """Bytes that a stated encoding does not have are named by line, too."""
    (tmp_path / "x.csv").write_bytes("a,b\n1,é\n".encode())
    with pytest.raises(DataError, match=r"line 2, byte 6 of the file: is no ASCII text; pass another --encoding"):
        read_table(tmp_path / "x.csv", encoding="ascii")


def test_text_that_begins_like_something_else_is_text(tmp_path: Path) -> None:
    """Only files that cannot be text are refused by their first bytes."""
    for header in ("PAR1,PAR2", "BZh,x", "PK,x"):
        (tmp_path / "x.csv").write_text(f"{header}\n1,2\n")
        assert ",".join(read_table(tmp_path / "x.csv").columns) == header


def test_stated_format_beats_the_name(tmp_path: Path) -> None:
    """A file of any name reads and writes in the format that is stated."""
    file = tmp_path / "data.txt"
    write_table(pd.DataFrame({"a": ["1"], "b": ["x"]}), file, file_format=FileFormat.named("tsv.gz"))
    assert gzip.decompress(file.read_bytes()) == b"a\tb\n1\tx\n"
    assert rows(read_table(file, file_format=FileFormat.named("tsv.gz"))) == [["1", "x"]]


TABLE = pd.DataFrame(
    {
        "i": pd.array([1, None, 2**60 + 1], dtype="Int64"),
        "x": [1.0, 2.5, np.nan],
        "s": ["a", 'b,"c"\nd', None],
        "c": pd.Categorical(["u", None, "v"]),
        "d": pd.to_datetime(["2024-02-29", None, "1850-01-01"]).astype("datetime64[us]"),
        "b": pd.array([True, None, False], dtype="boolean"),
    }
)


@pytest.mark.parametrize(
    ("suffix", "digest"),
    [(".csv", "193cf7088f1109ba"), (".tsv", "0d5d487c9406891a"), (".csv.gz", None), (".parquet", None)],
)
def test_bytes_are_the_same_in_every_process(tmp_path: Path, suffix: str, digest: str | None) -> None:
    """The bytes of a file depend on the table alone: not on time, name, process or (text formats) platform."""
    write_table(TABLE, tmp_path / f"one{suffix}")
    os.utime(tmp_path / f"one{suffix}", (0, 0))
    write_table(TABLE.copy(), tmp_path / f"another name{suffix}")
    first = (tmp_path / f"one{suffix}").read_bytes()
    assert first == (tmp_path / f"another name{suffix}").read_bytes()
    if digest is not None:
        assert hashlib.sha256(first).hexdigest()[:16] == digest
    if suffix == ".csv.gz":
        assert first[4:8] == b"\0" * 4  # no time
        assert first[3] == 0  # no file name


@pytest.mark.parametrize(
    "convert", [lambda f: f, polars.from_pandas, pa.Table.from_pandas], ids=["pandas", "polars", "pyarrow"]
)
def test_tables_of_every_library_are_written(tmp_path: Path, convert: Callable[[pd.DataFrame], object]) -> None:
    """What a model gives back can be written, whichever library it belongs to."""
    write_table(convert(TABLE), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == (
        'i,x,s,c,d,b\n1,1.0,a,u,2024-02-29,True\n,2.5,"b,""c""\nd",,,\n1152921504606846977,,,v,1850-01-01,False\n'
    )


def test_empty_result_is_a_header(tmp_path: Path) -> None:
    """A table without rows can be written, if not read: its columns are there."""
    for suffix in (".csv", ".parquet"):
        write_table(TABLE[:0], tmp_path / f"x{suffix}")
        with pytest.raises(DataError, match="no row"):
            read_table(tmp_path / f"x{suffix}")
    assert (tmp_path / "x.csv").read_text() == "i,x,s,c,d,b\n"


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        ({"a": [1]}, "x.csv", "a dict is no table"),
        (pd.DataFrame({"a": [[1]]}), "x.csv", "column 'a': its cells are lists"),
        (pd.DataFrame({"a": [f"{SECRET}\0"]}), "x.csv", "column 'a': holds NUL characters"),
        (pd.DataFrame({"a\0": [1]}), "x.csv", "its name holds a NUL character"),
        (pd.DataFrame({"a": pd.Series([f"{SECRET}\udc80"], dtype=object)}), "x.parquet", "halves of surrogate pairs"),
        (pa.table({"a": [b"\xff"]}), "x.csv", "cells of type binary cannot be written as text"),
        (pd.DataFrame({"a": [1]}), "x.txt", "the name does not say"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, table: object, name: str, message: str) -> None:
    """A table that the format cannot hold is refused by name, and no file appears."""
    with pytest.raises(DataError, match=message) as caught:
        write_table(table, tmp_path / name)
    assert SECRET not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    """Where the folder is absent nothing is written, and the error says so."""
    with pytest.raises(OutputError, match="no such folder"):
        write_table(TABLE, tmp_path / "absent" / "x.csv")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.csv.zst", "x.parquet"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_disk_is_an_output_error(tmp_path: Path, name: str) -> None:
    """A disk without room gives a named error in every format."""
    (tmp_path / name).symlink_to("/dev/full")
    table = pd.DataFrame({"a": np.random.default_rng(0).random(50_000)})
    with pytest.raises(OutputError, match="cannot be written"):
        write_table(table, tmp_path / name)


COPY = """
import sys
from tabsynth.tables.files import FileFormat, read_table, write_table
source, target = (FileFormat.named(name) for name in sys.argv[1:])
write_table(read_table("-", file_format=source), "-", file_format=target)
"""


@pytest.mark.parametrize("target", ["csv", "tsv", "csv.gz", "csv.zst", "parquet"])
def test_standard_streams_carry_tables(tmp_path: Path, target: str) -> None:
    """A table goes in through standard input and out through standard output, in any format, and nothing else does."""
    done = subprocess.run(
        [sys.executable, "-c", COPY, "csv", target], input=b"\xef\xbb\xbfa,b\r\n1,\r\n", capture_output=True, check=True
    )
    (tmp_path / f"x.{target}").write_bytes(done.stdout)
    assert rows(read_table(tmp_path / f"x.{target}")) == [["1", None]]
    assert done.stderr == b""


def test_reader_that_stops_early_is_no_error() -> None:
    """`| head -1` ends the writing without a word."""
    program = (
        "import pandas as pd, sys; from tabsynth.tables.files import write_table\n"
        "write_table(pd.DataFrame({'a': range(300_000)}), '-')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"a\n"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_errors_of_standard_input_name_it() -> None:
    """Where there is no file name, the message says standard input."""
    done = subprocess.run(
        [sys.executable, "-c", COPY, "csv", "csv"], input=b"a,b\n1\n", capture_output=True, check=False
    )
    assert b"DataError: standard input: every row has 1 cells and the header 2" in done.stderr
