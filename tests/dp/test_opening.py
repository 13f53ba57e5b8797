"""A1 for files: what is wrong with a file of private rows, and where, does not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabsynth.dp.ledger import Ledger
from tabsynth.dp.opening import read_private
from tabsynth.errors import DataError, UsageError
from tabsynth.schema.files import save_schema
from tests.dp.audits import schema_of, ward
from tests.dp.test_replay import called

GOOD = ward(30).to_csv(index=False).encode()
LINES = GOOD.splitlines(keepends=True)


def broken() -> dict[str, bytes]:
    """Files that no reader accepts, by what one row has done to them."""
    strange = {
        "one field more": b"P9,F,I,neg,50,1.0,2021-06-01,stable,Smith\n",
        "one field less": b"P9,F,I,neg,50\n",
        "a quote that does not close": b'P9,F,I,neg,50,1.0,2021-06-01,"Smith\n',
        "text after a quote": b'P9,F,I,neg,50,1.0,2021-06-01,"Sm"ith\n',
        "no UTF-8": b"P9,F,I,neg,50,1.0,2021-06-01,\xff\xfe\n",
        "a NUL": b"P9,F,I,neg,50,1.0,2021-06-01,\x00Smith\n",
    }
    files = {f"{what} in row {row}": b"".join([*LINES[:row], bad, *LINES[row:]]) for what, bad in strange.items()
             for row in (1, 17, 31)}  # fmt: skip
    return files | {"nothing at all": b"", "cut off": GOOD[:-40]}


def said_of(content: bytes, folder: Path) -> str:
    """What is said of a file; empty where it can be read."""
    file = folder / "t.csv"
    file.write_bytes(content)
    try:
        read_private(file)
    except DataError as error:
        assert error.__cause__ is None and error.__suppress_context__
        return str(error)
    return ""


def test_a1_all_malformed_files_get_the_same_words(tmp_path: Path) -> None:
    """No row, no count, no cell; some oddities are no error at all, which is the same for every row."""
    said = {what: said_of(content, tmp_path) for what, content in broken().items()}
    assert {text for text in said.values() if text} == {said["one field more in row 17"]}
    assert sum(bool(text) for text in said.values()) >= 10
    assert "17" not in said["one field more in row 17"] and "Smith" not in "".join(said.values())
    assert said_of(GOOD, tmp_path) == "" and said_of(LINES[0], tmp_path) == "", "a table without rows is a table"


@pytest.mark.parametrize("what", ["one field more in row 17", "a quote that does not close in row 1"])
def test_a1_commands_say_no_more(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fit` and `run` end with the same words and code, charge nothing, and leave nothing, also with --debug."""
    monkeypatch.chdir(tmp_path)
    save_schema(schema_of(), tmp_path / "s.yaml")
    (tmp_path / "t.csv").write_bytes(broken()[what])
    paid = ("--set", "ledger=l")
    for words in (("fit", "s.yaml", "t.csv", "-o", "m"), ("run", "s.yaml", "t.csv", "-o", "out", "--debug")):
        said = called(*words, *paid, code=4)
        assert "cannot be read as a table" in said and "Smith" not in said and "17" not in said
    assert not (tmp_path / "m").exists() and not (tmp_path / "out").exists()
    assert not (tmp_path / "l").exists() or Ledger.open(tmp_path / "l", "ward").verify().rho == 0


def test_what_is_public_is_still_named(tmp_path: Path) -> None:
    """A file that is not there, a format that is not known, and an option that is wrong."""
    (tmp_path / "t.csv").write_bytes(GOOD)
    (tmp_path / "t.xyz").write_bytes(GOOD)
    with pytest.raises(DataError, match="no such file"):
        read_private(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="xyz"):
        read_private(tmp_path / "t.xyz")
    with pytest.raises(UsageError, match="encoding"):
        read_private(tmp_path / "t.csv", encoding="klingon")
