"""The file of a ledger: checked lines, a head file that shows when they were cut short, and one lock for both.

Decisions
- A charge waits for the disk once, for its line, and several together once for all. The head file is written over
  itself without waiting: after a power cut it may name an earlier line, and those after that count as spent all the
  same.
- The lock is the operating system's, on the ledger file itself (one byte far past its end on Windows): it vanishes with
  the process that holds it. On network disks it is as good as the disk's own locks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabsynth.dp.chain import FORMAT, NO_HASH, parse_lines, sealed
from tabsynth.dp.file_lock import lock_file
from tabsynth.errors import LedgerError, OutputError, TabsynthError
from tabsynth.outputs import atomic_file

HEAD_SUFFIX = ".head"
_RESTORE = "restore both files from one backup"


class LedgerFile:
    """Lines on a disk, the head file beside them, and the lock on both."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Bytes whose lines were checked before, and these lines: only what follows the very same bytes is checked anew.
        self._checked: tuple[bytes, list[dict[str, Any]]] = b"", []

    @property
    def head(self) -> Path:
        """Name of the head file."""
        return self.path.with_name(self.path.name + HEAD_SUFFIX)

    def exists(self) -> bool:
        """Whether either of the two files is there."""
        return self.path.exists() or self.head.exists()

    def is_empty(self, handle: int) -> bool:
        """Whether nothing was ever charged: no line is there, and the head counts none but the first."""
        return os.fstat(handle).st_size == 0 and (not self.head.exists() or self._read_head()[0] <= 1)

    def start(self, handle: int, first: dict[str, Any]) -> None:
        """Write the head and the first line; a crash in between leaves a ledger that is empty, and is started again."""
        entry = sealed({"line": 1, "format": FORMAT, **first}, previous=NO_HASH)
        with atomic_file(self.head) as partial:
            partial.write_bytes(_head_line(1, entry["hash"]))
        if sys.platform != "win32":
            folder = os.open(self.head.resolve().parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # or both files could be gone after a power cut, and the dataset look untouched
            finally:
                os.close(folder)
        self.append(handle, [entry])

    def append(self, handle: int, entries: list[dict[str, Any]]) -> None:
        """Write lines and wait for the disk. Called under the lock."""
        data = "".join(json.dumps(entry, ensure_ascii=True) + "\n" for entry in entries).encode()
        os.lseek(handle, 0, os.SEEK_END)
        if os.write(handle, data) != len(data):
            raise OutputError(f"{self.path}: the disk is full, and the last line is half written; see `ledger verify`")
        os.fsync(handle)

    def move_head(self, lines: int, last: str) -> None:
        """Write the head file over itself, in one piece of always the same length."""
        handle = os.open(self.head, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        try:
            os.write(handle, _head_line(lines, last))
        finally:
            os.close(handle)

    def read(self, handle: int) -> tuple[list[dict[str, Any]], int]:
        """Every line, each checked against the one before, and how many the head file counts. Called under the lock.

        Raises:
            LedgerError: Names the first line that is wrong.
        """
        os.lseek(handle, 0, os.SEEK_SET)
        chunks = []
        while chunk := os.read(handle, 1 << 20):
            chunks.append(chunk)
        data = b"".join(chunks)
        seen, checked = self._checked if data.startswith(self._checked[0]) else (b"", [])
        entries = [*checked, *parse_lines(self.path, data[len(seen) :], after=checked[-1] if checked else None)]
        self._checked = data, entries
        return entries, self._check_head(entries)

    def _read_head(self) -> tuple[int, str]:
        """Number of lines and last hash, as the head file has them."""
        try:
            head = json.loads(self.head.read_text(encoding="utf-8"))
            return int(head["lines"]), str(head["hash"])
        except FileNotFoundError:
            raise LedgerError(f"{self.head}: the head of the ledger is missing; {_RESTORE}") from None
        except OSError as error:
            raise LedgerError(f"{self.head}: cannot be read ({_reason(error)})") from error
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{self.head}: is not the head of a ledger; {_RESTORE}") from None

    def _check_head(self, entries: list[dict[str, Any]]) -> int:
        """Hold the lines against the head file, which may be behind after a crash, never ahead."""
        lines, last = self._read_head()
        if lines > len(entries):
            raise LedgerError(
                f"{self.path}: line {len(entries) + 1} is missing: the ledger was cut short, its head counts {lines} "
                f"lines; {_RESTORE}"
            )
        if lines < 1 or entries[lines - 1]["hash"] != last:
            raise LedgerError(
                f"{self.path}: line {max(1, lines)} is not the last one that its head file knows; {_RESTORE}"
            )
        return lines

    @contextmanager
    def locked(self, *, create: bool, write: bool = True) -> Iterator[int]:
        """Open the file and hold its lock."""
        if self.head.exists() and not self.path.exists():
            raise LedgerError(f"{self.path}: the ledger is gone, but its head file is there; {_RESTORE}")
        flags = (os.O_RDWR if write else os.O_RDONLY) | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            raise LedgerError(f"{self.path}: no such ledger") from None
        except OSError as error:
            kind: type[TabsynthError] = OutputError if write else LedgerError
            verb = "written" if write else "read"
            raise kind(f"{self.path}: cannot be {verb} ({_reason(error)}); nothing was charged") from error
        try:
            lock_file(handle, self.path, exclusive=write)
            yield handle
        except OSError as error:
            if isinstance(error, TabsynthError):
                raise
            raise OutputError(
                f"{self.path}: cannot be written ({_reason(error)}); what was charged before stays charged"
            ) from error
        finally:
            os.close(handle)  # which also gives the lock back


def _head_line(lines: int, last: str) -> bytes:
    """What the head file holds."""
    return f'{{"format": "{FORMAT}", "lines": {lines:12d}, "hash": "{last}"}}\n'.encode()


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
