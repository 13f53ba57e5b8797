"""File formats, from the names of files and of formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabsynth.errors import DataError, UsageError
from tabsynth.tables.formats import FileFormat, detect_format

SUFFIXES = [".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst", ".parquet"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_suffix_and_format_belong_together(suffix: str) -> None:
    """A name tells the format, whatever its case, and the format tells the suffix of another such file."""
    for name in (f"a{suffix}", f"A.B{suffix.upper()}", Path("folder.zip") / f"x{suffix}"):
        assert detect_format(name).suffix == suffix
    assert FileFormat.named(suffix[1:]) == detect_format(f"a{suffix}")


def test_standard_stream_counts_as_csv() -> None:
    """`-` has no suffix and is taken for CSV."""
    assert detect_format("-").suffix == ".csv"


def test_delimiters_follow_the_format() -> None:
    """A comma in CSV, a tab in TSV."""
    assert (FileFormat("csv").delimiter, FileFormat("tsv", "gz").delimiter) == (",", "\t")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.xlsx", "save the sheet as CSV"),
        ("a.zip", "unpack the archive"),
        ("a.parquet.gz", "compressed inside"),
        ("a.txt", r"; give it one that ends in \.csv, "),
        ("csv", "give it one"),
        ("a.gz", "give it one"),
    ],
)
def test_other_suffixes_are_refused_with_a_remedy(name: str, hint: str) -> None:
    """A name that does not tell the format gives an error that says what would be right."""
    with pytest.raises(DataError, match=f"the name does not say what the file .*{hint}"):
        detect_format(name)


def test_unknown_format_names_are_refused() -> None:
    """The error lists the formats there are."""
    with pytest.raises(UsageError, match=r"unknown file format 'xls'; choose from: csv, csv\.gz"):
        FileFormat.named("xls")
