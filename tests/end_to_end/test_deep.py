"""The level deep from outside: `ts.evaluate` and `run` repeat a model's recipe, and say what was not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import tabsynth as ts
from tabsynth.cli import app
from tabsynth.errors import DataError, TabsynthWarning, UsageError
from tabsynth.evaluation.base import DEEP, Verdict
from tabsynth.report.build import Report
from tabsynth.report.render import render_html

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas" / "patients.yaml"


def parts(n: int = 240) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the example to learn from and to keep apart."""
    table = pd.read_csv(ROOT / "examples" / "patients.csv").iloc[:n]
    cut = n * 2 // 3
    return table.iloc[:cut].reset_index(drop=True), table.iloc[cut:].reset_index(drop=True)


def deep(only: pytest.MonkeyPatch, **wishes: object) -> Report:
    """A deep evaluation of independent columns; of all metrics only those of the level itself."""
    only.setattr("tabsynth.evaluation.base.metrics_of", lambda level: DEEP)
    train, holdout = parts()
    model = ts.Independent().fit(train, SCHEMA, seed=0)
    given = {"train": train, "holdout": holdout, "synthetic": model.sample(160, seed=1), "schema": SCHEMA}
    return ts.evaluate(**{**given, "model": model, "level": "deep", "shadows": 8, **wishes})  # type: ignore[arg-type]


def test_the_report_shows_the_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker counts as played, and the page shows curve and table."""
    report = deep(monkeypatch)
    found = {name: report.evaluation.result(name) for name in DEEP}
    assert found["shadow-membership"].value is not None
    assert "8 shadow models; 80 people of train and 80 of holdout" in found["shadow-membership"].notes[1]
    assert found["shadow-membership"].clause == "members-hidden-from-shadow-models"
    assert found["epsilon-audit"].notes == ("Not tested: independent claims no differential privacy.",)
    competitor = next(threat for threat in report.threats if threat.name == "Competitor")
    assert competitor.metrics == tuple(name for name in DEEP if found[name].value is not None)
    assert not [line for line in report.not_tested if "shadow models" in line]
    page = render_html(report)
    assert "How many people shadow models recognise" in page and "All signals (8)" in page
    assert "shadow" in render_html(report.external())


def test_the_same_seed_gives_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte."""
    assert deep(monkeypatch, seed=3).to_json() == deep(monkeypatch, seed=3).to_json()


def test_without_a_model_the_level_says_what_is_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, a note, and an attacker on the list of what was not tested."""
    with pytest.warns(TabsynthWarning, match="no model is given"):
        report = deep(monkeypatch, model=None)
    found = report.evaluation.result("shadow-membership")
    assert found.verdict is Verdict.INFO and "needs the model's recipe" in found.notes[0]
    assert "Attackers who train generators of their own to compare with (shadow models)." in report.not_tested


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"level": "standard", "shadows": None}, "only the level deep uses it"),
        ({"shadows": 4}, "at least 8"),
        ({"time_limit": 0}, "above 0"),
        ({"level": "standard", "model": None}, "only the level deep makes shadow models"),
        ({"level": "deeper"}, "choose from quick, standard, deep"),
    ],
)
def test_wishes_that_cannot_be_met(wishes: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a named error before anything is measured."""
    with pytest.raises(UsageError, match=message):
        deep(monkeypatch, **wishes)


def test_a_model_of_another_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names its columns."""
    other = pd.DataFrame({"height": [1.5, 2.5, 3.5, 4.5] * 25})
    model = ts.Independent().fit(other, ts.infer(other), seed=0)
    with pytest.raises(DataError, match="model: knows columns that the schema has not: height"):
        deep(monkeypatch, model=model)


def test_run_and_evaluate_take_the_level_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run --level deep` attacks its own model, and `evaluate --model` one from a file; wrong wishes end in code 2."""
    monkeypatch.setattr("tabsynth.evaluation.base.metrics_of", lambda level: DEEP)
    train, holdout = parts()
    whole = tmp_path / "all.csv"
    pd.concat([train, holdout]).to_csv(whole, index=False)
    words = ["--level", "deep", "--shadows", "8", "--quiet"]
    out = tmp_path / "out"
    made = CliRunner().invoke(
        app, ["run", str(SCHEMA), str(whole), "-o", str(out), "-g", "independent", "--seed", "1", "--no-pdf", *words]
    )
    assert made.exit_code == 0, made.output
    told = json.loads((out / "internal" / "report.json").read_text(encoding="utf-8"))
    shadow = next(r for r in told["evaluation"]["results"] if r["metric"] == "shadow-membership")
    assert shadow["value"] is not None and "8 shadow models" in shadow["notes"][1]
    for name, table in (("t", train), ("h", holdout)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    judged = CliRunner().invoke(
        app,
        ["evaluate", str(SCHEMA), "--train", str(tmp_path / "t.csv"), "--holdout", str(tmp_path / "h.csv"),
         "--synthetic", str(out / "synthetic.csv"), "--model", str(out / "model.tabsynth"),
         "-o", str(tmp_path / "again"), "--no-pdf", "--time-limit", "1000", *words],
    )  # fmt: skip
    assert judged.exit_code in (0, 8), judged.output
    assert (tmp_path / "again" / "report.html").exists()
    wrong = CliRunner().invoke(app, ["run", str(SCHEMA), str(whole), "-o", str(tmp_path / "no"), "--shadows", "8"])
    assert wrong.exit_code != 0 and "level deep" in wrong.output
    assert not (tmp_path / "no").exists()
