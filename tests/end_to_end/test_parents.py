"""Tables whose keys join, from the command line: infer both, make the parents, then the children that point to them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from tabsynth.cli import app


def call(*arguments: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files that belong together, their schema, and synthetic rows of the first."""
    folder = tmp_path_factory.mktemp("clinic")
    rng = np.random.default_rng(8)
    keys = [f"MRN-{number:06d}" for number in rng.permutation(500_000)[:120]]
    pd.DataFrame({"mrn": keys, "born": rng.integers(1930, 2010, 120)}).to_csv(folder / "patients.csv", index=False)
    whose = np.repeat(keys, rng.choice([1, 2, 4], 120))
    visits = pd.DataFrame(
        {"mrn": whose, "cost": rng.integers(10, 90, len(whose)), "kind": rng.choice(["a", "b"], len(whose))}
    )
    visits.to_csv(folder / "visits.csv", index=False)
    made = call("infer", folder / "patients.csv", folder / "visits.csv", "-o", folder / "clinic.yaml", "-q")
    assert made.exit_code == 0, made.output
    for table in ("patients", "visits"):
        parts = (folder / f"{table}.csv", "--table", table, "-g", "independent", "--seed", 1, "-q")
        fitted = call("fit", folder / "clinic.yaml", *parts, "-o", folder / f"{table}.tabsynth")
        assert fitted.exit_code == 0, (fitted.output, fitted.stderr)
    drawn = call("sample", folder / "patients.tabsynth", "--rows", 120, "-o", folder / "made.csv", "--seed", 2, "-q")
    assert drawn.exit_code == 0, drawn.stderr
    return folder


def test_rows_are_dealt_to_synthetic_parents(clinic: Path) -> None:
    """Every key joins, none is real; with the same seed the file has the same bytes."""
    parts = ("--rows", 250, "--seed", 3, "--parent", f"patients={clinic / 'made.csv'}", "-q")
    for name in ("one.csv", "two.csv"):
        made = call("sample", clinic / "visits.tabsynth", *parts, "-o", clinic / name)
        assert made.exit_code == 0, (made.output, made.stderr)
    assert (clinic / "one.csv").read_bytes() == (clinic / "two.csv").read_bytes()
    visits, patients = pd.read_csv(clinic / "one.csv"), pd.read_csv(clinic / "made.csv")
    assert set(visits["mrn"]) <= set(patients["mrn"]) and visits["mrn"].duplicated().any()
    assert not set(visits["mrn"]) & set(pd.read_csv(clinic / "visits.csv")["mrn"])


def test_a_run_names_the_tables_that_gave_keys(clinic: Path) -> None:
    """The whole job for a child table, which ends in a dossier like every other."""
    parts = ("--table", "visits", "-g", "independent", "--seed", 4, "--no-pdf", "-q", "-o", clinic / "out")
    made = call(
        "run", clinic / "clinic.yaml", clinic / "visits.csv", *parts, "--parent", f"patients={clinic / 'made.csv'}"
    )
    assert made.exit_code == 0, (made.output, made.stderr, made.exception)
    assert json.loads((clinic / "out" / "manifest.json").read_text())["keys_of"] == ["patients"]
    assert set(pd.read_csv(clinic / "out" / "synthetic.csv")["mrn"]) <= set(pd.read_csv(clinic / "made.csv")["mrn"])


def test_real_parents_are_refused(clinic: Path) -> None:
    """Their keys would be released; nothing is written."""
    parts = ("--table", "visits", "-g", "independent", "-q", "-o", clinic / "leak")
    made = call(
        "run", clinic / "clinic.yaml", clinic / "visits.csv", *parts, "--parent", f"patients={clinic / 'patients.csv'}"
    )
    assert made.exit_code == 4 and "real keys would be released" in made.stderr and "MRN-" not in made.stderr
    assert not (clinic / "leak").exists()
    wrong = call("sample", clinic / "visits.tabsynth", "--rows", 5, "--parent", "patients")
    assert wrong.exit_code == 2 and "write TABLE=FILE" in wrong.stderr
