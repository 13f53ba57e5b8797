"""One process at a time: the operating system's lock on an open file, which vanishes with the process that holds it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tabsynth.errors import LedgerError

LOCK_SECONDS = 30.0


def lock_file(handle: int, path: Path, *, exclusive: bool) -> None:
    """Wait for the lock of an open file; readers share it. It is given back when the file is closed.

    Args:
        handle: Descriptor of the open file.
        path: Its name, for the message.
        exclusive: Whether to keep readers out, too.

    Raises:
        LedgerError: Another process holds the lock for longer than `LOCK_SECONDS`.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while not _try_lock(handle, exclusive=exclusive):
        if time.monotonic() > deadline:
            raise LedgerError(
                f"{path}: another process has held the ledger for {LOCK_SECONDS:g} seconds; wait for it, or end it"
            )
        time.sleep(0.02)


if sys.platform == "win32":
    import msvcrt
    import os

    def _try_lock(handle: int, *, exclusive: bool) -> bool:
        os.lseek(handle, 2**30, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int, *, exclusive: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
