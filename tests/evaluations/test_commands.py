"""The commands of evaluations/: each imports, says what it takes, and refuses what it does not take."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from evaluations.__main__ import main

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "evaluations"


def _source(name: str) -> str:
    module = FOLDER / f"{name}.py"
    return (module if module.exists() else FOLDER / name / "__main__.py").read_text(encoding="utf-8")


def _is_command(module: Path) -> bool:
    parts = ast.parse(module.read_text(encoding="utf-8")).body
    return any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in parts)


NAMES = sorted(
    [module.stem for module in FOLDER.glob("*.py") if not module.stem.startswith("__") and _is_command(module)]
    + [module.parent.name for module in FOLDER.glob("*/__main__.py")]
)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_what_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m evaluations NAME --help` imports the benchmark and prints its description, without measuring."""
    try:
        main([name, "--help"])
    except SystemExit as ended:
        assert ended.code == 0
    assert len(capsys.readouterr().out) > 40


@pytest.mark.parametrize("name", NAMES)
def test_every_command_refuses_unknown_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped option ends in a message, not in minutes of the wrong measurement."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--no-such-option"])
    assert ended.value.code == 2
    assert "option" in capsys.readouterr().err or "--no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_module_runs_by_itself(name: str) -> None:
    """`python -m evaluations.NAME` ends in a call of its `main`."""
    assert re.search(r"^(    )?main\((sys\.argv\[1:\])?\)$", _source(name), re.MULTILINE)


@pytest.mark.parametrize("page", [ROOT / "README.md", FOLDER / "README.md"], ids=["README", "evaluations"])
def test_documented_commands_exist(page: Path) -> None:
    """What the pages say to run is there."""
    named = re.findall(r"python -m evaluations[. ](\w+)", page.read_text(encoding="utf-8"))
    assert {name for name in named if name not in NAMES} <= {"peers"}


def test_without_a_name_help_is_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m evaluations --help` runs nothing."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0 and "NAME" in capsys.readouterr().out


def test_the_workers_of_others_are_python() -> None:
    """Workers run in environments of other systems, so they are only read here."""
    workers = sorted((FOLDER / "peers").glob("*_worker.py"))
    assert workers
    for worker in workers:
        assert _is_command(worker)
