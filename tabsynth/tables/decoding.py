"""From the bytes of a text file to clean UTF-8, or to an error that says what the file is instead."""

from __future__ import annotations

import codecs
import io

from tabsynth.errors import DataError, UsageError

_BOM = codecs.BOM_UTF8
_WIDE_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"\x1f\x8b", "compressed with gzip; give it a name that ends in .csv.gz or .tsv.gz"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; give it a name that ends in .csv.zst or .tsv.zst"),
    (b"\xfd7zXZ\x00", "compressed with xz; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"%PDF-", "a PDF document; fetch the table as CSV"),
    (b"SQLite format 3\x00", "an SQLite database; export the table as CSV"),
)


def check_encoding(encoding: str) -> str:
    """Return the name of a text encoding as Python spells it.

    Raises:
        UsageError: Python knows no such text encoding.
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses codecs that are no text encodings, such as hex
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise UsageError(f"encoding: {encoding!r} is unknown; use one such as utf-8, latin-1 or utf-16") from None


def decode(raw: bytes, encoding: str, where: str) -> str:
    """Return the text of a file, without byte order mark.

    Args:
        raw: Content of the file.
        encoding: A name from `check_encoding`.
        where: Name of the file for messages.

    Raises:
        DataError: The file is empty, not text, or text in another encoding.
    """
    if not raw.strip(_BOM + b" \t\r\n"):
        raise DataError(f"{where}: is empty; give a file with a header and at least one row")
    if what := _what_else(raw):
        raise DataError(f"{where}: is no CSV file but {what}")
    if encoding.startswith("utf-8"):
        for mark, wide in _WIDE_BOMS:
            if raw.startswith(mark):
                raise DataError(f"{where}: is text in {wide.upper()}; pass --encoding {wide}, or save it as UTF-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = _line(raw, error.start)
        remedy = "pass --encoding latin-1 or another" if encoding.startswith("utf-8") else "pass another --encoding"
        raise DataError(
            f"{where}: line {line}, byte {error.start:,} of the file: is no {encoding.upper()} text; {remedy}, "
            "or save the file as UTF-8"
        ) from None
    except UnicodeError:
        raise DataError(f"{where}: is no {encoding.upper()} text; pass another --encoding") from None
    text = text.removeprefix("\ufeff")
    if (at := text.find("\0")) >= 0:
        raise DataError(
            f"{where}: line {text_line(text, at)}: holds a NUL character, so that it is no plain text; "
            "save it as CSV in UTF-8 again, or pass the --encoding it has"
        )
    return text


def _what_else(raw: bytes) -> str | None:
    """What a file is that is certainly no text table, and what to do with it."""
    if raw.startswith(b"PAR1") and raw.endswith(b"PAR1"):
        return "a Parquet file; give it a name that ends in .parquet"
    if raw[:15].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps of a login or an error; fetch the table itself"
    return next((what for beginning, what in _BEGINNINGS if raw.startswith(beginning)), None)


def text_line(text: str, position: int) -> int:
    """Number of the line on which a character stands; a line ends in LF, CR LF or CR."""
    before = text[:position]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def _line(raw: bytes, position: int) -> int:
    before = raw[:position]
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
