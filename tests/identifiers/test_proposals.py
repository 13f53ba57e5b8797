"""`infer` says what it does about every column that holds identifiers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tabsynth as ts
from tabsynth.cli import app
from tabsynth.errors import DataError
from tabsynth.identifiers.proposals import propose, treated
from tabsynth.schema.files import format_schema, load_schema, parse_schema


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 120
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    return pd.DataFrame(
        {
            "ssn": [
                f"{rng.integers(100, 600):03d}-{rng.integers(10, 90):02d}-{rng.integers(1000, 9000)}" for _ in range(n)
            ],
            "admitted": days.strftime("%Y-%m-%d"),
            "born": (days - pd.to_timedelta(rng.integers(9_000, 36_000, n), unit="D")).strftime("%Y-%m-%d"),
            "county": rng.choice(["Essex", "Suffolk", "Norfolk"], n),
            "age": rng.integers(20, 97, n),
            "stage": rng.choice(["I", "II"], n),
        }
    )


def test_the_file_carries_class_and_treatment_as_comments(tmp_path: Path) -> None:
    """The same schema as without them; the output says it per column; JSON has it as values."""
    _table().to_csv(tmp_path / "d.csv", index=False)
    result = CliRunner().invoke(app, ["infer", str(tmp_path / "d.csv"), "-o", str(tmp_path / "s.yaml")])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "s.yaml").read_text()
    flat = " ".join(text.replace("#", " ").split())
    assert "Safe Harbor G (Social security numbers): replaced by invented values (ssn) ssn: type: identifier" in flat
    assert "learned as it is; to resolve: born: {type: datetime, treatment: birth-year} born: type: datetime" in flat
    assert load_schema(tmp_path / "s.yaml") == parse_schema(format_schema(ts.infer(_table(), name="d")))
    for line in (
        "identifier: d.ssn: Safe Harbor G",
        "identifier: d.admitted: Safe Harbor C",
        "d.county: Safe Harbor B",
    ):
        assert line in result.stderr
    assert "d.stage" not in result.stderr
    values = CliRunner().invoke(app, ["infer", str(tmp_path / "d.csv"), "-o", str(tmp_path / "s.yaml"), "--json"])
    found = {item["column"]: item for item in json.loads(values.stdout)["identifiers"]}
    assert found["ssn"]["resolved"] and found["ssn"]["classes"] == ["G"] and not found["age"]["resolved"]
    for value in _table()["ssn"]:
        assert value not in text and value not in result.stderr


def test_safe_harbor_writes_the_treatments_and_then_nothing_is_left(tmp_path: Path) -> None:
    """Every line that would resolve a finding is in the schema, and the table can be fitted under it."""
    frame = _table()
    frame.to_csv(tmp_path / "d.csv", index=False)
    arguments = ["infer", str(tmp_path / "d.csv"), "-o", str(tmp_path / "s.yaml"), "--safe-harbor", "-q"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    schema = load_schema(tmp_path / "s.yaml")
    columns = schema.only_table.columns
    assert {name: column.treatment for name, column in columns.items() if column.treatment} == {
        "admitted": "year",
        "born": "birth-year",
        "county": "drop",
        "age": "age-90",
    }
    assert schema.privacy is not None and schema.privacy.safe_harbor
    assert "Essex" not in (tmp_path / "s.yaml").read_text()
    assert ts.scan(tmp_path / "d.csv", schema).ok
    rows = ts.Independent().fit(ts.read_table(tmp_path / "d.csv"), schema, seed=0).sample(50, seed=1)
    assert list(rows) == ["ssn", "admitted", "born", "age", "stage"] and rows["age"].astype(int).max() <= 90
    assert ts.infer(frame, safe_harbor=True).privacy is not None


def test_a_column_whose_name_holds_a_value_is_not_named_and_stays_open() -> None:
    """No line of schema resolves it, so that fitting is refused."""
    frame = _table().rename(columns={"stage": "jane.roe@mail.example.net"})
    schema = ts.infer(frame, name="t")
    proposals = propose({"t": frame}, schema)
    assert [item.label for item in proposals if "roe" in item.column] == ["column 6"]
    assert not any("roe" in item.sentence or "roe" in str(item.as_json()) for item in proposals)
    strict = treated({"t": frame}, schema, as_of=date(2026, 1, 31))
    with pytest.raises(DataError, match="rename the column"):
        ts.Independent().fit(frame, strict, seed=0)
