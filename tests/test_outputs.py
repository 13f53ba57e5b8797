"""Outputs appear whole or not at all: full disks, crashes, interrupts, links, devices and rivals."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tabsynth as ts
from tabsynth.errors import DataError, OutputError
from tabsynth.outputs import atomic_file, atomic_folder, require_apart
from tabsynth.split_run import split

FULL = Path("/dev/full")


@contextmanager
def disk_full_after(n_bytes: int) -> Iterator[None]:
    """Let this process write at most `n_bytes` into any file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def content(folder: Path) -> dict[str, str]:
    """Everything below a folder, hidden files included: relative name to text."""
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


def write_old_and_fail(folder: Path, error: BaseException) -> None:
    """Replace a file in `folder` and raise half-way."""
    with atomic_file(folder / "rows.csv") as partial:
        partial.write_text("half")
        raise error


def test_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    """Until the block ends there is no file of that name; afterwards there is, and nothing else."""
    target = tmp_path / "rows.csv"
    with atomic_file(target) as partial:
        partial.write_text("new")
        assert not target.exists()
    assert content(tmp_path) == {"rows.csv": "new"}


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(2), GeneratorExit()])
def test_file_stays_as_it_was_after_a_crash(tmp_path: Path, error: BaseException) -> None:
    """Any exception, Ctrl-C included, leaves the old file and no other."""
    (tmp_path / "rows.csv").write_text("old")
    with pytest.raises(type(error)):
        write_old_and_fail(tmp_path, error)
    assert content(tmp_path) == {"rows.csv": "old"}


def test_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A disk that fills up half-way gives an OutputError, and the old file is untouched."""
    (tmp_path / "rows.csv").write_text("old")
    with (
        disk_full_after(1000),
        pytest.raises(OutputError, match=r"rows\.csv: cannot be written .*unchanged"),
        atomic_file(tmp_path / "rows.csv") as partial,
    ):
        partial.write_bytes(b"x" * 100_000)
    assert content(tmp_path) == {"rows.csv": "old"}


def test_full_disk_leaves_the_old_folder(tmp_path: Path) -> None:
    """A disk that fills up while a folder is written leaves the old folder, not a mixture."""
    target = tmp_path / "results"
    target.mkdir()
    (target / "report.html").write_text("old")
    with (
        disk_full_after(1000),
        pytest.raises(OutputError, match="results: cannot be written"),
        atomic_folder(target, overwrite=True) as partial,
    ):
        (partial / "report.html").write_text("new")
        (partial / "rows.csv").write_bytes(b"x" * 100_000)
    assert content(tmp_path) == {"results/report.html": "old"}


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_device_is_written_to_and_stays_a_device() -> None:
    """A device is not replaced by a file, and its own error has a name."""
    with pytest.raises(OutputError, match="/dev/full: cannot be written"), atomic_file(FULL) as partial:
        partial.write_text("x")
    with atomic_file("/dev/null") as partial:
        partial.write_text("x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert stat.S_ISCHR(FULL.stat().st_mode)


def test_link_is_followed(tmp_path: Path) -> None:
    """Writing to a link replaces the file that it points to; the link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "rows.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "rows.csv")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_file(tmp_path / "link.csv") as partial:
        partial.write_text("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "rows.csv").read_text() == "new"
    with atomic_folder(tmp_path / "link", overwrite=True) as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == {"a": "1"}


def test_permissions_of_a_replaced_output_stay(tmp_path: Path) -> None:
    """A private file or folder is still private after it was replaced; a new one follows the umask."""
    (tmp_path / "rows.csv").write_text("old")
    (tmp_path / "rows.csv").chmod(0o600)
    (tmp_path / "results").mkdir(mode=0o700)
    with atomic_file(tmp_path / "rows.csv") as partial, atomic_folder(tmp_path / "results"):
        partial.write_text("new")
    umask = os.umask(0o077)
    try:
        with atomic_folder(tmp_path / "fresh"):
            pass
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"rows.csv": 0o600, "results": 0o700, "fresh": 0o700}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "is a folder; give the name of a file"),
        ("absent/rows.csv", "no such folder; create it first"),
        ("file/rows.csv", "no such folder"),
        ("x" * 300, "cannot be written"),
        ("a\0b", "cannot hold a NUL character"),
        ("loop", "link that leads to itself"),
    ],
)
def test_unusable_file_names_are_named_errors(tmp_path: Path, name: str, message: str) -> None:
    """A target that cannot be a file is refused before anything is written."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=message), atomic_file(f"{tmp_path}/{name}") as partial:
        partial.write_text("x")
    assert sorted(tmp_path.iterdir()) == before


def test_long_name_can_still_be_written(tmp_path: Path) -> None:
    """A name as long as the file system allows needs no longer name while it is written."""
    target = tmp_path / ("x" * 255)
    with atomic_file(target) as partial:
        partial.write_text("new")
    assert target.read_text() == "new"


def test_own_errors_pass_unchanged(tmp_path: Path) -> None:
    """A named error raised inside the block is not taken for a failure to write."""
    with pytest.raises(OutputError, match=r"^inner$"), atomic_folder(tmp_path / "a"), atomic_file(tmp_path / "b"):
        raise OutputError("inner")
    with pytest.raises(DataError, match=r"^bad rows$"), atomic_folder(tmp_path / "a"):
        raise DataError("bad rows")
    assert list(tmp_path.iterdir()) == []


def test_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    """Missing parents are created with the folder, and removed again when the block fails."""
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "a" / "b" / "c") as partial:
        (partial / "rows.csv").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "a" / "b" / "c") as partial:
        (partial / "deep").mkdir()
        (partial / "deep" / "rows.csv").write_text("new")
    assert content(tmp_path) == {"a/b/c/deep/rows.csv": "new"}


def test_empty_folder_is_filled_and_full_one_refused(tmp_path: Path) -> None:
    """An empty folder may be there already; a file or a folder with something in it is refused without --overwrite."""
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as partial:
        (partial / "rows.csv").write_text("new")
    with pytest.raises(OutputError, match=r"is not empty; .*--overwrite"), atomic_folder(tmp_path / "empty"):
        pass
    with pytest.raises(OutputError, match="is a file"), atomic_folder(tmp_path / "empty" / "rows.csv", overwrite=True):
        pass
    assert content(tmp_path) == {"empty/rows.csv": "new"}


def test_overwrite_replaces_everything(tmp_path: Path) -> None:
    """After an overwrite the folder holds the new files alone."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "stale.json").write_text("old")
    with atomic_folder(tmp_path / "results", overwrite=True) as partial:
        (partial / "rows.csv").write_text("new")
    assert content(tmp_path) == {"results/rows.csv": "new"}


def test_overwrite_refuses_places_of_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, a folder above it and a repository are never deleted, whatever the option says."""
    (tmp_path / "work" / "deep").mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "deep")
    (tmp_path / "work" / "deep" / "notes").write_text("mine")
    for place in (".", "..", tmp_path / "work", tmp_path / "repository", Path.home()):
        if Path(place).is_dir() and any(Path(place).iterdir()):
            with pytest.raises(OutputError, match="holds more than results"), atomic_folder(place, overwrite=True):
                pass
    assert content(tmp_path) == {"work/deep/notes": "mine"}


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_folder_stays_as_it_was_after_a_crash(tmp_path: Path, error: BaseException) -> None:
    """Any exception leaves the old folder and no other."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a").write_text("old")
    with pytest.raises(type(error)), atomic_folder(tmp_path / "results", overwrite=True) as partial:
        (partial / "a").write_text("half")
        raise error
    assert content(tmp_path) == {"results/a": "old"}


@pytest.mark.parametrize("mounted", [False, True])
def test_old_folder_comes_back_when_the_move_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: bool
) -> None:
    """Should any single move fail, then what was there is there again, and nothing of the new."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a").write_text("old a")
    (tmp_path / "results" / "b").write_text("old b")
    monkeypatch.setattr(Path, "is_mount", lambda self: mounted)
    real = Path.rename
    for fails_at in range(4 if mounted else 2):
        left = [fails_at]

        def rename(self: Path, target: Path, left: list[int] = left) -> Path:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(5, "broken disk")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        with (
            pytest.raises(OutputError, match="cannot be written"),
            atomic_folder(tmp_path / "results", overwrite=True) as partial,
        ):
            (partial / "b").write_text("new b")
            (partial / "c").write_text("new c")
        assert content(tmp_path) == {"results/a": "old a", "results/b": "old b"}
        assert len(list(tmp_path.rglob("*"))) == 3


def test_mounted_folder_is_filled_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be moved, such as a mounted volume, is filled and overwritten all the same."""
    target = tmp_path / "volume"
    target.mkdir()
    inode = target.stat().st_ino
    monkeypatch.setattr(Path, "is_mount", lambda self: self == target)
    with atomic_folder(target) as partial:
        (partial / "a").write_text("1")
    assert content(tmp_path) == {"volume/a": "1"}
    with atomic_folder(target, overwrite=True) as partial:
        (partial / "b").mkdir()
        (partial / "b" / "c").write_text("2")
    assert content(tmp_path) == {"volume/b/c": "2"}
    assert target.stat().st_ino == inode


def test_rivals_for_one_file_never_mix(tmp_path: Path) -> None:
    """Threads that write the same file at once leave the whole text of one of them."""
    barrier = threading.Barrier(4)

    def write(letter: str) -> None:
        with atomic_file(tmp_path / "rows.csv") as partial, partial.open("w") as file:
            for _ in range(50):
                file.write(letter * 1000)
                file.flush()
            barrier.wait()

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(content(tmp_path)) == ["rows.csv"]
    assert content(tmp_path)["rows.csv"] in {letter * 50_000 for letter in "abcd"}


def test_rival_for_one_folder_is_not_overwritten(tmp_path: Path) -> None:
    """A folder that was filled by something else during the block is kept, and the block's result refused."""
    with pytest.raises(OutputError, match="filled by something else"), atomic_folder(tmp_path / "results") as partial:
        (partial / "a").write_text("mine")
        with atomic_folder(tmp_path / "results") as rival:
            (rival / "a").write_text("theirs")
    assert content(tmp_path) == {"results/a": "theirs"}


def test_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    """A process killed without warning leaves the old file; what remains beside it is hidden and says `.partial`."""
    (tmp_path / "rows.csv").write_text("old")
    program = (
        "import os, sys; from tabsynth.outputs import atomic_file\n"
        "with atomic_file(sys.argv[1]) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "rows.csv")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "rows.csv").read_text() == "old"
    rest = [path.name for path in tmp_path.iterdir() if path.name != "rows.csv"]
    assert all(name.startswith(".") and name.endswith(".partial") for name in rest)


def test_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    """A block that forgot to write does not pass for one that wrote an empty file."""
    with pytest.raises(OutputError, match="cannot be written"), atomic_file(tmp_path / "rows.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_inputs_in_the_folder_of_the_results_are_not_deleted(tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "raw").mkdir(parents=True)
    data = study / "raw" / "data.csv"
    data.write_text("a,b\n" + "1,2\n" * 100, encoding="utf-8")
    schema = "tables: {t: {columns: {a: {type: integer}, b: {type: integer}}}}"
    (tmp_path / "schema.yaml").write_text(schema, encoding="utf-8")
    for job in (ts.run, split):
        with pytest.raises(OutputError, match=r"study: holds .*data\.csv, which is read"):
            job(tmp_path / "schema.yaml", data, study, overwrite=True)
    assert data.exists()
    (tmp_path / "link").symlink_to(study)
    with pytest.raises(OutputError, match="which is read"):
        require_apart(tmp_path / "link", [None, "-", {}, str(data)])
    require_apart(study / "raw" / "results", [data])
    require_apart(study, [tmp_path / "schema.yaml", study / "absent.csv"])
