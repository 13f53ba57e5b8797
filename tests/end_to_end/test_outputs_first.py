"""What is wrong with an output is said before work is done or a budget is spent, and no input is written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tabsynth.cli import app

SCHEMA = """tables: {t: {columns: {a: {type: integer, lower: 0, upper: 3, nullable: false}, b: {type: boolean}}}}
privacy: {unit: row, epsilon: 1.0, delta: 1.0e-6}
"""


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "s.yaml").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "d.csv").write_text("a,b\n" + "1,true\n2,false\n" * 60, encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "output", "message"),
    [("run", "full", "is not empty"), ("fit", "none/m.tabsynth", "no such folder"), ("fit", "full", "is a folder")],
)
def test_no_budget_is_spent_for_an_output_that_cannot_be_written(
    folder: Path, command: str, output: str, message: str
) -> None:
    ledger = folder / "x.ledger"
    code, said = call(
        command, folder / "s.yaml", folder / "d.csv", "-o", folder / output, "--set", f"ledger={ledger}", "--quiet"
    )
    assert (code, message in said) == (9, True)
    assert not ledger.exists()


@pytest.mark.parametrize("output", ["d.csv", "s.yaml"])
def test_fit_does_not_replace_what_it_reads(folder: Path, output: str) -> None:
    before = (folder / output).read_bytes()
    code, said = call("fit", folder / "s.yaml", folder / "d.csv", "-o", folder / output, "--set", "ledger=none")
    assert (code, "is read, and would be replaced" in said) == (9, True)
    assert (folder / output).read_bytes() == before


def test_mock_does_not_delete_its_schema(folder: Path) -> None:
    several = "tables: {a: {columns: {x: {type: boolean}}}, b: {columns: {x: {type: boolean}}}}"
    (folder / "full" / "several.yaml").write_text(several, encoding="utf-8")
    code, said = call("mock", folder / "full" / "several.yaml", "-n", 3, "-o", folder / "full", "--overwrite")
    assert (code, "which is read" in said) == (9, True)
    assert (folder / "full" / "several.yaml").read_text(encoding="utf-8") == several


@pytest.mark.parametrize("names", [("../out", "b"), ("a/b", "b"), ("..", "b"), ("b", "B"), ("é" * 150, "b")])
def test_mock_writes_no_table_outside_its_folder(folder: Path, names: tuple[str, str]) -> None:
    column = "{columns: {x: {type: boolean}}}"
    text = f'tables: {{"{names[0]}": {column}, "{names[1]}": {column}}}'
    (folder / "several.yaml").write_text(text, encoding="utf-8")
    before = sorted(folder.rglob("*"))
    code, said = call("mock", folder / "several.yaml", "-n", 3, "-o", folder / "made")
    assert (code, "rename" in said) == (2, True)
    assert sorted(folder.rglob("*")) == before
