"""The example tables, their schemas and the example scripts."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import tabsynth as ts
from tests.shared_tables import shared_data

ROOT = Path(__file__).parents[2]
TABLES = ("patients", "transactions")


@pytest.mark.parametrize("name", TABLES)
def test_table_keeps_its_schema(name: str) -> None:
    """Every column is declared, in order, and no row breaks a rule."""
    schema = ts.load_schema(ROOT / "schemas" / f"{name}.yaml")
    table = ts.read_table(ROOT / "examples" / f"{name}.csv")
    assert list(table.columns) == list(schema.only_table.columns)
    assert [violation.message for violation in ts.validate(table, schema).violations] == []


@pytest.mark.parametrize("name", TABLES)
def test_schema_notices_a_spoilt_table(name: str) -> None:
    """A row that breaks a formula and a doubled key are found: the schemas do rule something."""
    schema = ts.load_schema(ROOT / "schemas" / f"{name}.yaml")
    table = ts.read_table(ROOT / "examples" / f"{name}.csv").astype(object)
    table.loc[0, "stay_days" if name == "patients" else "amount"] = "999"
    key = schema.only_table.primary_key[0]
    table.loc[1, key] = table.loc[2, key]
    assert len(ts.validate(table, schema).violations) >= 2


def test_identities_are_invented() -> None:
    """No identifier of the patients can mean somebody: reserved lines, numbers and domains only."""
    patients = ts.read_table(ROOT / "examples" / "patients.csv")
    assert patients["ssn"].str.fullmatch(r"666-\d\d-\d{4}").all()
    assert patients["phone"].str.fullmatch(r"\(\d{3}\) 555-01\d\d").all()
    assert patients["email"].str.endswith("@example.org").all()


@pytest.mark.parametrize("name", TABLES)
def test_tables_stay_small(name: str) -> None:
    """An example is smaller than 500 kB."""
    assert (ROOT / "examples" / f"{name}.csv").stat().st_size < 500_000


def test_real_columns_come_from_the_published_data() -> None:
    """The build script gives the committed tables again; names may differ with the release of Faker."""
    folder = shared_data()
    spec = importlib.util.spec_from_file_location("build_examples", ROOT / "examples" / "build_examples.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, built in (
        ("patients", script.build_patients(folder / "eicu_demo")),
        ("transactions", script.build_transactions(folder / "online_retail")),
    ):
        committed = pd.read_csv(ROOT / "examples" / f"{name}.csv", dtype=str).drop(
            columns=["name", "email"], errors="ignore"
        )
        again = built.astype(str).where(built.notna())[committed.columns]
        assert (again.fillna("") == committed.fillna("")).all().all()


@pytest.mark.parametrize("script", ["quickstart.py", "walkthrough.py"])
def test_script_runs(script: str, tmp_path: Path) -> None:
    """Each example runs from top to bottom and leaves its table and its report."""
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / script, tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "<html" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert len(ts.read_table(tmp_path / "out" / "synthetic.csv")) > 1000
