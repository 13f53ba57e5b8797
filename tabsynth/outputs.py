"""Outputs appear whole or not at all.

A file is written beside its final place and moved there when it is complete; a folder likewise. A full disk, an error
or Ctrl-C leaves what was there before. Only a process that is killed outright can leave a hidden `.partial` behind,
which nothing reads and which may be deleted.

Decisions
- The file is flushed to disk before the move: after a power cut a renamed but unflushed file can be empty.
- A link is followed, so that the file it points to is replaced, not the link. A pipe or device (`/dev/null`) is
  written to directly, because moving a file over it would destroy it.
- A folder that cannot be swapped in one step (a mounted volume, or a parent that is read-only) is filled entry by
  entry, and put back as it was if that fails.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tabsynth.errors import OutputError, TabsynthError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to; move it to `path` when the block ends well, remove it otherwise.

    Args:
        path: Where the file will be. A file that is there is replaced, and the new one keeps its permissions.

    Yields:
        The path of the partial file, which the block must create. Its name ends in `.partial`, whatever that of `path`.

    Raises:
        OutputError: The file cannot be created, written in full or moved; what was at `path` is unchanged.
    """
    with _named_errors(path):
        target = _checked_file(path)
        if target.exists() and not target.is_file():
            yield target
            return
        partial = target.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            yield partial
            _flush(partial)
            if target.exists():
                shutil.copymode(target, partial)
            os.replace(partial, target)  # noqa: PTH105
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; move it to `path` when the block ends well, remove it otherwise.

    Args:
        path: Where the folder will be; parents that are missing are created.
        overwrite: Whether a non-empty folder that is already there is replaced, with all that is in it.

    Yields:
        The path of the partial folder.

    Raises:
        OutputError: `path` is in use, or cannot be written; what was there is unchanged.
    """
    undo: list[Callable[[], object]] = []
    created: list[Path] = []
    with _named_errors(path):
        target = _checked_folder(path, overwrite=overwrite)
        swap = not target.exists() or (os.access(target.parent, os.W_OK) and not target.is_mount())
        partial = (target.parent if swap else target) / f".{secrets.token_hex(8)}.partial"
        old = partial.with_name(f"{partial.name}.old")
        try:
            for parent in [folder for folder in reversed(target.parents) if not folder.exists()]:
                parent.mkdir(exist_ok=True)
                created.append(parent)
            partial.mkdir()
            yield partial
            for file in partial.rglob("*"):
                if file.is_file():
                    _flush(file)
            if not overwrite and target.exists() and set(target.iterdir()) - {partial}:
                raise OutputError(f"{path}: was filled by something else meanwhile; choose another folder")
            if swap:
                _swap_folder(partial, target, old, undo)
            else:
                _swap_entries(partial, target, old, undo)
            undo.clear()
            created.clear()
            shutil.rmtree(old, ignore_errors=True)
        finally:
            for step in reversed(undo):
                with contextlib.suppress(OSError):
                    step()
            shutil.rmtree(partial, ignore_errors=True)
            for parent in reversed(created):
                with contextlib.suppress(OSError):
                    parent.rmdir()


def require_apart(folder: str | Path, inputs: Iterable[object]) -> None:
    """Check that no input lies in a folder that is made: replacing the folder would delete it.

    Args:
        folder: The folder.
        inputs: Names of files that are read; what is no name of a file is passed over.

    Raises:
        OutputError: One lies in it.
    """
    target = _resolved(folder)
    for source in inputs:
        if isinstance(source, str | Path) and str(source) != "-" and "\0" not in str(source):
            place = Path(source).resolve()
            if place.exists() and place.is_relative_to(target):
                if place == target:
                    raise OutputError(f"{folder}: is read, and would be replaced; choose another name for the result")
                raise OutputError(f"{folder}: holds {source}, which is read; choose another folder for the results")


def require_writable(path: str | Path, *, folder: bool = False, overwrite: bool = False) -> None:
    """Check that an output can be written, before long work is done or a budget is spent for it.

    Args:
        path: Where the file or folder will be; `-` is standard output.
        folder: Whether it is a folder.
        overwrite: Whether a folder that is not empty is replaced.

    Raises:
        OutputError: It cannot.
    """
    if str(path) == "-" and not folder:
        return
    with _named_errors(path):
        target = _checked_folder(path, overwrite=overwrite) if folder else _checked_file(path)
        if target.exists() and not target.is_file() and not folder:
            return  # a device or pipe
        place = next(one for one in (target, *target.parents) if one.is_dir())
        if not os.access(place, os.W_OK | os.X_OK):
            raise OutputError(f"{place}: is a folder that may not be written to; choose another, or allow writing")


def _swap_folder(partial: Path, target: Path, old: Path, undo: list[Callable[[], object]]) -> None:
    """Move `target` to `old`, and `partial` to `target`; the reverse is noted first, as Ctrl-C may fall between."""
    if target.exists():
        shutil.copymode(target, partial)
        undo.append(lambda: old.rename(target))
        target.rename(old)
    partial.rename(target)


def _swap_entries(partial: Path, target: Path, old: Path, undo: list[Callable[[], object]]) -> None:
    """Move the entries of `target` to `old`, and those of `partial` to `target`; both folders lie in `target`."""
    undo.append(old.rmdir)
    old.mkdir()
    for source, goal in ((target, old), (partial, target)):
        for entry in set(source.iterdir()) - {partial, old}:
            undo.append(functools.partial((goal / entry.name).rename, entry))
            entry.rename(goal / entry.name)


def _checked_file(path: str | Path) -> Path:
    target = _resolved(path)
    if target.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of a file in it")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder; create it first")
    if target.exists() and not os.access(target, os.W_OK):
        raise OutputError(f"{path}: is write-protected; choose another name, or allow writing")
    return target


def _checked_folder(path: str | Path, *, overwrite: bool) -> Path:
    target = _resolved(path)
    if target.exists() and not target.is_dir():
        raise OutputError(f"{path}: is a file; give the name of a folder")
    if not target.is_dir() or not any(target.iterdir()):
        return target
    if not overwrite:
        raise OutputError(f"{path}: is not empty; choose another folder, or replace it with --overwrite")
    if any(place.is_relative_to(target) for place in (Path.cwd(), Path.home())) or (target / ".git").exists():
        raise OutputError(
            f"{path}: holds more than results, and --overwrite would delete all of it; choose another folder"
        )
    return target


def _resolved(path: str | Path) -> Path:
    if "\0" in str(path):
        raise OutputError("a file name cannot hold a NUL character; choose another name")
    target: Path | None
    try:
        target = Path(path).resolve()
    except RuntimeError:  # Python up to 3.12; later ones leave the link as it is
        target = None
    if target is None or target.is_symlink():
        raise OutputError(f"{path}: is a link that leads to itself; choose another name")
    return target


@contextmanager
def _named_errors(path: str | Path) -> Iterator[None]:
    """Turn an error of the operating system into one that says what could not be written."""
    try:
        yield
    except TabsynthError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise OutputError(f"{path}: cannot be written ({reason}); what was there is unchanged") from error


def _flush(file: Path) -> None:
    """Wait until the content of a file is on the disk; some network disks cannot say so, and are believed."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
