"""File formats of tables: CSV and TSV, plain or compressed, and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tabsynth.errors import DataError, UsageError

STANDARD_STREAM = "-"
"""In the place of a file name: standard input or standard output."""


@dataclass(frozen=True)
class FileFormat:
    """How a table is written in a file."""

    kind: Literal["csv", "tsv", "parquet"]
    compression: Literal["gz", "zst"] | None = None

    @property
    def suffix(self) -> str:
        """What the name of such a file ends in, such as ".csv.gz"."""
        return f".{self.kind}" if self.compression is None else f".{self.kind}.{self.compression}"

    @property
    def delimiter(self) -> str:
        """What stands between two cells, unless something else is asked for."""
        return "\t" if self.kind == "tsv" else ","

    @classmethod
    def named(cls, name: str) -> FileFormat:
        """The format of that name, such as "csv" or "csv.gz".

        Raises:
            UsageError: There is no such format.
        """
        if name.lower() not in _FORMATS:
            raise UsageError(f"unknown file format {name!r}; choose from: {', '.join(_FORMATS)}")
        return _FORMATS[name.lower()]


_FORMATS = {
    "csv": FileFormat("csv"),
    "csv.gz": FileFormat("csv", "gz"),
    "csv.zst": FileFormat("csv", "zst"),
    "tsv": FileFormat("tsv"),
    "tsv.gz": FileFormat("tsv", "gz"),
    "tsv.zst": FileFormat("tsv", "zst"),
    "parquet": FileFormat("parquet"),
}
_HINTS = {
    ".xlsx": "save the sheet as CSV",
    ".xls": "save the sheet as CSV",
    ".zip": "unpack the archive",
    ".parquet.gz": "unpack it, for Parquet is compressed inside",
}


def detect_format(path: str | Path) -> FileFormat:
    """Tell the format of a file from its name; a standard stream counts as CSV.

    Raises:
        DataError: The name does not say it.
    """
    name = Path(path).name.lower()
    if name == STANDARD_STREAM:
        return _FORMATS["csv"]
    for suffix, file_format in _FORMATS.items():
        if name.endswith(f".{suffix}"):
            return file_format
    hint = next((f"{hint}, or " for suffix, hint in _HINTS.items() if name.endswith(suffix)), "")
    endings = ", ".join(f".{suffix}" for suffix in _FORMATS)
    raise DataError(
        f"{path}: the name does not say what the file is; {hint}give it one that ends in {endings}, "
        "or state file_format"
    )
