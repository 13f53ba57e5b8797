"""The README says what is there: every command, generator, kind, key and constraint; and its code runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import typer

import tabsynth as ts
from tabsynth.cli import app
from tabsynth.errors import TabsynthError
from tabsynth.evaluation.base import METRICS
from tabsynth.generators import GENERATORS
from tabsynth.schema import constraints, model
from tabsynth.schema.files import parse_schema

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("command", typer.main.get_command(app).commands)
def test_every_command_is_described(command: str) -> None:
    """Each command is in the README and has help."""
    assert f"tabsynth {command}" in README
    rows = re.findall(rf"^\| `tabsynth {command}(?: .*?)?` \|", README, flags=re.MULTILINE)
    assert len(rows) == (2 if command == "ledger" else 1)  # show and verify
    assert typer.main.get_command(app).commands[command].help


@pytest.mark.parametrize("name", list(GENERATORS))
def test_every_generator_is_described(name: str) -> None:
    """Each generator has a row in the table of generators."""
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_is_described(name: str) -> None:
    """Each metric is named where the README describes the report."""
    assert f"`{name}`" in README.split("## The report")[1]


def test_every_schema_key_is_described() -> None:
    """Each key of every column kind, table, schema and constraint type is named."""
    kinds = model.Column.__args__[0].__args__
    keys = {key for kind in (*kinds, model.Table, model.Schema) for key in kind.model_fields}
    keys |= {kind.model_fields["type"].default for kind in constraints.Constraint.__args__[0].__args__}
    keys |= {kind.model_fields["type"].default for kind in kinds}
    missing = sorted(key for key in keys if f"`{key}`" not in README and f"{key}:" not in README)
    assert not missing


def test_every_exit_code_is_described() -> None:
    """Each error class's exit code is in the README's list."""
    listed = README.split("Exit codes:")[1].split(".")[0]
    for kind in TabsynthError.__subclasses__():
        assert f"{kind.exit_code} " in listed, kind


@pytest.mark.parametrize("number", range(len(_code("yaml"))))
def test_example_schemas_load(number: int) -> None:
    """Every YAML block of the README is a valid schema."""
    parse_schema(_code("yaml")[number], source="README.md")


@pytest.mark.parametrize("number", range(len(_code("python"))))
def test_example_code_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block of the README runs as it stands, in a folder that holds the examples."""
    for folder in ("examples", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    exec(compile(_code("python")[number], "README.md", "exec"), {})


def test_the_schema_for_rows_without_data_gives_distinct_ids() -> None:
    """The README promises unique keys below it: of 100,000 patients no two share one."""
    rows = ts.mock(parse_schema(_code("yaml")[0], source="README.md"), rows=100_000, seed=7)
    assert rows["id"].is_unique
