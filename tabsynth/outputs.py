"""Outputs appear whole or not at all.

A file is written beside its final place and moved there when it is complete; a folder likewise. A full disk, a crash or
Ctrl-C leaves what was there before.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tabsynth.errors import OutputError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to; move it to `path` when the block ends well, remove it otherwise.

    Raises:
        OutputError: The file cannot be created, written in full or moved; what was at `path` is unchanged.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; give the name of a file in it")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder; create it first")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, target)  # noqa: PTH105
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or type(error).__name__}); nothing was changed") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; move it to `path` when the block ends well, remove it otherwise.

    Args:
        path: Where the folder will be.
        overwrite: Whether a non-empty folder that is already there is replaced.

    Raises:
        OutputError: `path` is in use, or cannot be written; what was there is unchanged.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file; give the name of a folder")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise OutputError(f"{target}: is not empty; choose another folder, or replace it with --overwrite")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot be created ({error.strerror or type(error).__name__})") from error
    try:
        yield partial
        partial.chmod(0o755)
        replaced = None
        if target.exists():
            replaced = partial.with_name(f"{partial.name}.replaced")
            target.rename(replaced)
        partial.rename(target)
        if replaced is not None:
            shutil.rmtree(replaced, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{target}: cannot be written ({error.strerror or type(error).__name__}); nothing was changed") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
