"""Bytes of a table from and to files, standard streams and compressed files.

Decisions
- A file is read whole: the parser, the check of the encoding and the search for the line of an error all need it.
- gzip output carries no time and no file name, so that the same table gives the same bytes.
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow as pa

from tabsynth.errors import DataError, OutputError
from tabsynth.outputs import atomic_file
from tabsynth.tables.formats import STANDARD_STREAM

_Compression = Literal["gz", "zst"] | None
_NAMES = {"gz": "gzip", "zst": "Zstandard"}


def require_file(source: str | Path) -> None:
    """Check that there is something to read.

    Raises:
        DataError: The file is absent or a folder, or its name is unusable.
    """
    if str(source) == STANDARD_STREAM:
        return
    try:
        path = Path(source)
        if not str(source) or "\0" in str(source):
            raise DataError("a file name cannot be empty or hold a NUL character; give another")
        if path.is_dir():
            raise DataError(f"{source}: is a folder; give the name of a file in it")
        if not path.exists():
            raise DataError(f"{source}: no such file; check the name and the folder")
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from None


def read_bytes(source: str | Path, compression: _Compression) -> bytes:
    """Read a file, or standard input for `-`, and unpack it.

    Raises:
        DataError: The file is not allowed to be read, or damaged.
    """
    if str(source) == STANDARD_STREAM:
        packed = sys.stdin.buffer.read()
    else:
        try:
            packed = Path(source).read_bytes()
        except OSError as error:
            raise DataError(f"{source}: cannot be read ({error.strerror})") from None
    if compression is None or not packed:
        return packed
    try:
        if compression == "gz":
            return gzip.decompress(packed)
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            return bytes(stream.read())
    except (OSError, EOFError, zlib.error):
        raise DataError(
            f"{source}: is not a {_NAMES[compression]} file, or is damaged or cut short; make or fetch it again"
        ) from None


@contextmanager
def writing(target: str | Path, compression: _Compression) -> Iterator[IO[bytes]]:
    """Open a file, or standard output for `-`, to write (packed) bytes to. A file appears when the block ends well.

    Raises:
        OutputError: It cannot be written in full; what was there is unchanged.
    """
    if str(target) == STANDARD_STREAM:
        with _standard_output() as stream, _packed(stream, compression) as packed:
            yield packed
    else:
        with atomic_file(target) as partial, partial.open("wb") as stream, _packed(stream, compression) as packed:
            yield packed


@contextmanager
def _packed(stream: IO[bytes], compression: _Compression) -> Iterator[IO[bytes]]:
    if compression == "gz":
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, compresslevel=4, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif compression == "zst":
        memory = (
            pa.BufferOutputStream()
        )  # closing the packed stream closes what is below it, which may be standard output
        with pa.CompressedOutputStream(memory, "zstd") as packed:
            yield packed
        stream.write(memory.getvalue())
    else:
        yield stream


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    stream = sys.stdout.buffer
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python flushes once more on exit, and must not complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"standard output: cannot be written ({error.strerror or type(error).__name__})") from error
