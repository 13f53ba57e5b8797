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
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tabsynth.cli import app
from tabsynth.dp.replay import replay
from tabsynth.errors import ArtifactError, TabsynthWarning, VerificationError
from tabsynth.release.claims import require_sound
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


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its model."""
    place = tmp_path_factory.mktemp("certified")
    save_schema(schema_of({"table": "t", "key": "person", "max_rows": 1}), place / "schema.yaml")
    ward(200).to_csv(place / "table.csv", index=False)
    called("fit", place / "schema.yaml", place / "table.csv", "-o", place / "m.tabsynth", "--set", "ledger=none")
    called("certificate", place / "m.tabsynth", "-o", place / "out", "--rows", 50)
    return place / "out"


def places(value: object, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a JSON value something stands that is no list and no object."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*way, key))
    else:
        yield way


def altered(value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value / 2 if isinstance(value, float) and value else value + 1
    return "row" if value is None else f"{value}!"


def test_no_field_of_a_certificate_can_be_changed_unseen(certified: Path, tmp_path: Path) -> None:
    """Epsilon, unit, noise, costs and every sentence follow from the model file; a replay notices whatever does not."""
    away = shutil.copytree(certified, tmp_path / "away")
    original = json.loads((certified / "certificate.json").read_text())
    unseen = []
    for way in places(original):
        if way in (("tabsynth",), ("replay", "rows"), ("replay", "seed")):
            continue  # the first is the program, the others are checked by the rows
        if way[:1] == ("costs",) and way[1] not in (0, 1):
            continue  # like these
        changed = json.loads((certified / "certificate.json").read_text())
        inner = changed
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = altered(inner[way[-1]])
        (away / "certificate.json").write_text(json.dumps(changed))
        try:
            replay(away / "certificate.json", rows=1, seed=0)
        except ArtifactError:
            continue
        unseen.append(way)
    assert unseen == [("replay", "sha256")], "which is compared where the certified rows are drawn"
    for key in ("rows", "seed", "sha256"):
        changed = json.loads((certified / "certificate.json").read_text())
        changed["replay"][key] = altered(changed["replay"][key])
        (away / "certificate.json").write_text(json.dumps(changed))
        assert "the rows differ" in called("replay", away / "certificate.json", code=6)
    assert "words of the certificate" in called("replay", certified / "certificate.json")


def test_a_certificate_says_one_thing_to_every_reader(certified: Path, tmp_path: Path) -> None:
    """An epsilon that stands twice, numbers that are none, a model elsewhere and nesting without end are refused."""
    away = shutil.copytree(certified, tmp_path / "away")
    file = away / "certificate.json"
    text = file.read_text()
    for changed in (
        text.replace('"epsilon":', '"epsilon": 0.01,\n    "epsilon":', 1),
        text.replace('"rho":', '"rho": NaN, "was":', 1),
        "[" * 100_000,
    ):
        assert changed != text
        file.write_text(changed)
        assert "is no certificate" in called("replay", file, code=6)
    file.write_text(text.replace('"model": "m.tabsynth"', '"model": "../out/m.tabsynth"'))
    assert "names a model file in another folder" in called("replay", file, code=6)


def test_the_page_beside_a_certificate_is_compared(certified: Path, tmp_path: Path) -> None:
    """Who reads the page alone reads what the certificate says; without a page nothing is said of one."""
    away = shutil.copytree(certified, tmp_path / "away")
    assert "same: certificate.html" in called("replay", away / "certificate.json")
    page = (away / "certificate.html").read_text()
    (away / "certificate.html").write_text(page.replace("at most", "by far less than", 1))
    assert "does not show certificate.json as it is" in called("replay", away / "certificate.json", code=6)
    (away / "certificate.html").unlink()
    assert "certificate.html" not in called("replay", away / "certificate.json")


def test_no_altered_certificate_is_signed(certified: Path, tmp_path: Path) -> None:
    """A smaller epsilon, a page of one's own, another model or appraisal: none of them is what somebody signs."""
    require_sound(certified)
    away = shutil.copytree(certified, tmp_path / "away")
    text, page = (away / "certificate.json").read_text(), (away / "certificate.html").read_text()
    changed = json.loads(text)
    changed["claim"]["epsilon"] /= 2
    for name, content in (
        ("certificate.json", json.dumps(changed)),
        ("certificate.html", page.replace("at most", "by far less than")),
        ("m.tabsynth", "no model"),
        ("appraisal.json", json.dumps({"transcript_sha256": "ab" * 32})),
    ):
        shutil.copytree(certified, away, dirs_exist_ok=True)
        (away / name).write_text(content)
        with pytest.raises(VerificationError):
            require_sound(away)
