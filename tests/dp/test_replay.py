"""A9: rows are made again where the data are gone; A12: nothing of a row is in anything that was written or said."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tabsynth.cli import app
from tabsynth.errors import TabsynthWarning
from tabsynth.schema.files import save_schema
from tests.dp.audits import schema_of, ward

ROOT = Path(__file__).parents[2]


def tabsynth(*words: object, cwd: Path, code: int = 0) -> str:
    """Run the command line in a process of its own, which starts in `cwd`; all that it says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tabsynth.cli", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def called(*words: object, code: int = 0) -> str:
    """Run the command line in this process; all that it says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TabsynthWarning)
        result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a schema and a table."""
    save_schema(schema_of({"table": "t", "key": "person", "max_rows": 1}), tmp_path / "schema.yaml")
    ward(200).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def test_a9_rows_are_made_again_without_the_data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that has the certificate and its model alone, the same bytes come out; a changed byte is noticed."""
    monkeypatch.chdir(home)
    called("fit", "schema.yaml", "table.csv", "-o", "m.tabsynth", "--set", "ledger=spent.ledger")
    called("certificate", "m.tabsynth", "-o", "certified", "--rows", 300, "--seed", 5)
    called("sample", "m.tabsynth", "--rows", 300, "--seed", 5, "-o", "rows.csv")
    away = home / "away"
    shutil.copytree(home / "certified", away)
    shutil.copy(home / "rows.csv", away)
    for file in home.iterdir():
        if file.is_file():
            file.unlink()
    shutil.rmtree(home / "certified")
    said = tabsynth("replay", "certificate.json", "--compare", "rows.csv", cwd=away)
    assert "same: all bytes of 300 rows" in said and "same: all bytes of rows.csv" in said
    certificate = json.loads((away / "certificate.json").read_text())
    assert certificate["claim"]["secure"] and certificate["ledger"]["left"]["epsilon"] < 0.01

    monkeypatch.chdir(away)
    rows = Path("rows.csv").read_bytes()
    Path("rows.csv").write_bytes(rows[:-2] + b"x" + rows[-1:])
    assert "is not what this model draws" in called("replay", "certificate.json", "--compare", "rows.csv", code=6)
    model = bytearray(Path("m.tabsynth").read_bytes())
    model[len(model) // 2] ^= 1
    Path("m.tabsynth").write_bytes(model)
    assert "m.tabsynth" in called("replay", "certificate.json", code=6)


def watermarks() -> list[int]:
    """Random 64-bit numbers, one for each place where a careless program could leave one."""
    return [secrets.randbits(63) | 1 << 62 for _ in range(8)]


def spellings(mark: int) -> list[bytes]:
    """Every way in which a number could be written down."""
    value = float(mark)
    return [
        str(mark).encode(),
        f"{mark:x}".encode(),
        f"{mark:X}".encode(),
        struct.pack("<q", mark),
        struct.pack(">q", mark),
        struct.pack("<d", value),
        struct.pack(">d", value),
        repr(value).encode(),
        str(mark).encode("utf-16-le"),
    ]


def marked(marks: list[int]) -> pd.DataFrame:
    """The ward with watermarks in identifiers, notes, undeclared categories, numbers out of bounds and odd cells."""
    table = ward(200).astype(object)
    table.loc[3, "person"] = f"P{marks[0]}"
    table.loc[4, "note"] = f"seen by {marks[1]}"
    table.loc[5, "sex"] = str(marks[2])
    table.loc[6, "age"] = marks[3]
    table.loc[7, "dose"] = float(marks[4])
    table.loc[8, "stage"] = f"{marks[5]:x}"
    table.loc[9, "admitted"] = f"the day {marks[6]}"
    table.loc[10, "hiv"] = str(marks[7])
    return table


def everything_written(folder: Path) -> list[tuple[str, bytes]]:
    """Content of all files, members of archives unpacked."""
    found: list[tuple[str, bytes]] = []
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        found.append((str(file), file.read_bytes()))
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                found += [(f"{file}:{name}", archive.read(name)) for name in archive.namelist()]
    return found


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a12_no_watermark_leaves(home: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted numbers are in no model, rows, certificate, report, manifest, ledger, message or temporary file."""
    marks = watermarks()
    table = marked(marks)
    if suffix == "csv":
        table.to_csv(home / "table.csv", index=False)
    else:
        table.astype(dict.fromkeys(table.columns, str)).to_parquet(home / "table.parquet")
    source, temp, out = home / f"table.{suffix}", home / "temporary", home / "out"
    temp.mkdir()
    out.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    said: list[tuple[str, bytes]] = []

    def say(*words: object, code: int = 0) -> None:
        said.append((" ".join(map(str, words)), called(*words, code=code).encode()))

    schema, free = home / "schema.yaml", ("--set", "ledger=none")
    say("fit", schema, source, "-o", out / "m", *free)
    say("certificate", out / "m", "-o", out / "certified", "--rows", 200)
    say("sample", out / "m", "--rows", 500, "-o", out / "rows.csv")
    paid = ("--set", "discover=true", "--set", "binning=quantiles", "-g", "dp-independent")
    say("fit", schema, source, "-o", out / "d.m", "--set", f"ledger={out}/spent.ledger", *paid)
    say("fit", schema, source, "-o", out / "t.m", *free, "-g", "dp-autoregressive")
    say("certificate", out / "t.m", "-o", out / "trained", "--rows", 200)
    if find_spec("torch"):
        say("fit", schema, source, "-o", out / "c.m", *free, "-g", "dp-ctgan")
        say("sample", out / "c.m", "--rows", 500, "-o", out / "c.csv")
    say("fit", schema, source, "-o", out / "l.m", "--set", f"ledger={out}/spent.ledger", "--debug", code=10)
    say("run", schema, source, "-o", out / "run", *free, "--debug")
    for where, data in everything_written(out) + everything_written(temp) + said:
        for number, mark in enumerate(marks):
            for spelling in spellings(mark):
                assert spelling not in data, f"{where}: holds watermark {number}"
    assert any(str(marks[0]).encode() in data for _, data in everything_written(home)), "the search finds what is there"
