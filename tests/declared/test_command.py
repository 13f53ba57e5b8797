"""`tabsynth mock` on the command line: files, folders, streams, and errors with their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tabsynth.cli import app

SCHEMAS = Path(__file__).parents[2] / "schemas"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["mock", *arguments])
    return result.exit_code, result.output


def test_a_file(tmp_path: Path) -> None:
    """One table goes to a file, whose name says the format; the result says that nothing came from data."""
    target = tmp_path / "claims.csv.gz"
    code, output = run(str(SCHEMAS / "claims.yaml"), "--rows", "120", "-o", str(target), "--seed", "3", "--json")
    assert code == 0
    described = json.loads(output)
    assert described["n_rows"] == {"claims": 120}
    assert described["provenance"] == "declared"
    assert len(pd.read_csv(target)) == 120


def test_a_folder_and_one_table(tmp_path: Path) -> None:
    """Several tables go to a folder; `--table` picks one, with the same rows."""
    clinic = str(SCHEMAS / "clinic.yaml")
    out = tmp_path / "clinic"
    code, _ = run(clinic, "--rows", "patients=40", "-o", str(out), "--format", "tsv", "--seed", "1")
    assert code == 0
    assert sorted(file.name for file in out.iterdir()) == ["encounters.tsv", "labs.tsv", "patients.tsv"]
    code, _ = run(clinic, "--rows", "40", "-o", str(tmp_path / "labs.tsv"), "--table", "labs", "--seed", "1")
    assert code == 0
    assert (tmp_path / "labs.tsv").read_bytes() == (out / "labs.tsv").read_bytes()
    code, _ = run(clinic, "--rows", "40", "-o", str(out))
    assert code == 9  # not empty
    code, _ = run(clinic, "--rows", "40", "-o", str(out), "--overwrite")
    assert code == 0


def test_standard_output() -> None:
    """Without a file, CSV is printed."""
    code, output = run(str(SCHEMAS / "hr.yaml"), "--rows", "5", "--seed", "1", "-q")
    assert code == 0
    assert output.splitlines()[0].startswith("employee_id,manager_id,name")
    assert len(output.splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("hr.yaml", "--rows", "many"), 2, "whole number"),
        (("hr.yaml", "--rows", "-1"), 2, "0 or more"),
        (("clinic.yaml", "--rows", "5", "-o", "x.csv"), 2, "--table"),
        (("clinic.yaml", "--rows", "labs=5", "-o", "x"), 2, "children"),
        (("clinic.yaml", "--rows", "5", "--table", "visits"), 2, "visits"),
        (("missing.yaml", "--rows", "5"), 3, "cannot be read"),
    ],
)
def test_errors(arguments: tuple[str, ...], code: int, message: str) -> None:
    """What is wrong is named, with the exit code of its kind."""
    found, output = run(str(SCHEMAS / arguments[0]), *arguments[1:])
    assert found == code
    assert message in output
