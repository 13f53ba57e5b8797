"""Hostile files: whatever a file holds, reading it ends in a named error that shows no cell."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tabsynth.errors import DataError
from tabsynth.tables.files import read_table, write_table

SECRET = "S3CRET"


def packed(data: bytes, suffix: str) -> bytes:
    """Bytes compressed as the suffix says."""
    if suffix == "gz":
        return gzip.compress(data, mtime=0)
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as target:
        target.write(data)
    return bytes(stream.getvalue().to_pybytes())


def workbook() -> bytes:
    """A zip archive as .xlsx files are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", SECRET)
    return stream.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    """A Parquet file with pandas' own metadata."""
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


CSV = f"a,b\n1,{SECRET}\n".encode()
PARQUET = parquet(pd.DataFrame({"a": [SECRET] * 100}))
HOSTILE: list[tuple[str, bytes, str]] = [
    ("x.csv", b"", "is empty"),
    ("x.csv", b"\n \r\n", "is empty"),
    ("x.csv", b"\xef\xbb\xbf", "is empty"),
    ("x.csv.gz", b"", "is empty"),
    ("x.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
    ("x.parquet", b"", "is empty"),
    ("x.csv", b"a,b\n1,2\n3,S3CRET\xff\n", r"line 3, byte 16 of the file: is no UTF-8 text; pass --encoding latin-1"),
    ("x.csv", CSV.decode().encode("utf-16"), "is text in UTF-16; pass --encoding utf-16"),
    ("x.csv", b"\x00\x00\xfe\xff" + CSV.decode().encode("utf-32-be"), "is text in UTF-32"),
    ("x.csv", CSV.decode().encode("utf-16-le"), "line 1: holds a NUL character"),
    ("x.csv", CSV + b"3,\x00\n", "line 3: holds a NUL character"),
    ("x.csv", CSV + b"\x00" * 4096, "line 3: holds a NUL character"),
    ("x.csv", workbook(), "zip archive or an Excel workbook"),
    ("x.csv", b"\xd0\xcf\x11\xe0" + b"x" * 100, "old Excel workbook"),
    ("x.csv", PARQUET, "a Parquet file; give it a name"),
    ("x.csv", gzip.compress(CSV, mtime=0), "compressed with gzip"),
    ("x.tsv", packed(CSV, "zst"), "compressed with Zstandard"),
    ("x.csv", b"SQLite format 3\x00", "SQLite database"),
    ("x.csv", b"%PDF-1.7\n", "PDF document"),
    ("x.csv", b"\n<!DOCTYPE html>\n<html>S3CRET", "is no CSV file but a web page"),
    ("x.csv.gz", gzip.compress(CSV, mtime=0)[:-6], "is not a gzip file, or is damaged or cut short"),
    ("x.csv.gz", gzip.compress(CSV, mtime=0)[:12], "is not a gzip file, or is damaged or cut short"),
    ("x.csv.gz", gzip.compress(CSV, mtime=0)[:-8] + b"\0" * 8, "is not a gzip file, or is damaged"),
    ("x.csv.gz", CSV, "is not a gzip file"),
    ("x.csv.gz", gzip.compress(CSV, mtime=0) + b"S3CRET", "is not a gzip file, or is damaged"),
    ("x.csv.zst", packed(CSV, "zst")[:-3], "is not a Zstandard file, or is damaged or cut short"),
    ("x.csv.zst", CSV, "is not a Zstandard file"),
    ("x.parquet", CSV, "is no Parquet file"),
    ("x.parquet", workbook(), "is no Parquet file"),
    ("x.parquet", PARQUET[:-9], "the Parquet file is cut short"),
    ("x.parquet", b"PAR1", "the Parquet file is damaged"),
    ("x.parquet", PARQUET[:20] + PARQUET[-20:], "the Parquet file is damaged"),
    ("x.parquet", PARQUET[:8] + b"\xff" * 60 + PARQUET[68:], "the Parquet file is damaged"),
    ("x.parquet", parquet(pd.DataFrame({"a": [[SECRET]]})), "column 'a': its cells are lists or records"),
    ("x.parquet", parquet(pd.DataFrame({"a": [{"b": SECRET}]})), "column 'a': its cells are lists or records"),
    ("x.parquet", parquet(pd.DataFrame({"a": [b"\xff\xfe"]})), "column 'a': its cells are of type binary"),
    ("x.parquet", parquet(pd.DataFrame({"a": [""]})[:0]), "has columns but no rows"),
    ("x.parquet", parquet(pd.DataFrame(index=[1, 2])), "has no columns"),
    ("x.txt", CSV, "the name does not say what the file is"),
    ("x.xlsx", workbook(), "save the sheet as CSV"),
]


@pytest.mark.parametrize(
    ("name", "content", "message"), HOSTILE, ids=[f"{number}-{case[0]}" for number, case in enumerate(HOSTILE)]
)
def test_hostile_files_give_named_errors(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Whatever a file holds, the error names the file, the defect and the remedy, and shows no cell."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst", "parquet"])
def test_no_cut_of_a_file_passes_for_the_whole(tmp_path: Path, suffix: str) -> None:
    """A packed file that ends early anywhere is refused: no table with fewer rows comes out of it."""
    file = tmp_path / f"x.{suffix}"
    write_table(pd.DataFrame({"a": range(500), "b": "text"}), file)
    whole = file.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        file.write_bytes(whole[:length])
        with pytest.raises(DataError):
            read_table(file)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.csv", "no such file; check the name"),
        ("folder", "is a folder; give the name of a file in it"),
        ("folder/absent.txt", "no such file"),
        ("x" * 300 + ".csv", "cannot be read|no such file"),
        ("a\0b.csv", "cannot be empty or hold a NUL character"),
    ],
)
def test_unusable_names_are_named_errors(tmp_path: Path, source: str, message: str) -> None:
    """What cannot be opened is told apart: absent, a folder, no usable name."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=message):
        read_table(f"{tmp_path}/{source}")
    with pytest.raises(DataError, match="cannot be empty"):
        read_table("")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_protected_file_is_a_named_error(tmp_path: Path) -> None:
    """A file that may not be read is not said to be absent."""
    (tmp_path / "x.csv").write_bytes(CSV)
    (tmp_path / "x.csv").chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "x.csv")
