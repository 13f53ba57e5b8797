"""The command line from end to end: the main job works, and bad input ends in a named error."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import tabsynth as ts
from tabsynth.cli import app

ROOT = Path(__file__).parents[2]
PATIENTS = ROOT / "examples" / "patients.csv"
SCHEMA = ROOT / "schemas" / "patients.yaml"


def call(*arguments: object, stdin: str | None = None) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def refused(code: int, *arguments: object, says: str = "") -> str:
    """Run a command that must fail with `code` and one readable message; return the message."""
    result = call(*arguments)
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.output and "Traceback" not in result.stderr
    assert re.search(says, result.stderr), result.stderr
    return result.stderr


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder made by `run` on the patients example."""
    folder = tmp_path_factory.mktemp("run") / "out"
    result = call("run", SCHEMA, PATIENTS, "-o", folder, "--seed", 7, "--quiet", "--rows", 700, "--no-pdf")
    assert result.exit_code == 0, (result.output, result.stderr, result.exception)
    return folder


def test_run_makes_the_whole_folder(released: Path) -> None:
    """The files of the release, whose digests the manifest holds, and the internal edition apart."""
    names = {file.relative_to(released).as_posix() for file in released.rglob("*") if file.is_file()}
    inside = {"internal/report.html", "internal/report.json", "internal/schema.yaml"}
    assert names == {"synthetic.csv", "model.tabsynth", "report.html", "report.json", "manifest.json"} | inside
    manifest = json.loads((released / "manifest.json").read_text())
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((released / name).read_bytes()).hexdigest() == digest
    assert manifest["n_rows"]["synthetic"] == 700 and manifest["seed"] == 7


def test_run_twice_gives_the_same_bytes(released: Path, tmp_path: Path) -> None:
    """Same inputs, same seed, same bytes: every file."""
    call("run", SCHEMA, PATIENTS, "-o", tmp_path / "again", "--seed", 7, "--quiet", "--rows", 700, "--no-pdf")
    for file in filter(Path.is_file, released.rglob("*")):
        name = file.relative_to(released)
        assert file.read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_synthetic_rows_are_valid_and_hold_no_identifier(released: Path) -> None:
    """The rows keep the schema, and no identifier of the input is among them, nor in any file of the release."""
    assert call("validate", SCHEMA, released / "synthetic.csv").exit_code == 0
    real, made = pd.read_csv(PATIENTS, dtype=str), pd.read_csv(released / "synthetic.csv", dtype=str)
    for column in ("patient_id", "email", "ssn"):
        assert not set(real[column].dropna()) & set(made[column].dropna()), column
    texts = [file.read_bytes() for file in released.rglob("*") if file.is_file()]
    for value in [*real["patient_id"].head(300), *real["email"].dropna().head(300)]:
        assert not any(value.encode() in text for text in texts)


def test_the_external_edition_tells_nothing_of_the_source(released: Path) -> None:
    """No cell of an identifier, no extreme and no name of the file is in what may be published."""
    real = pd.read_csv(PATIENTS)
    text = "".join((released / name).read_text() for name in ("report.html", "report.json"))
    assert "not for release" not in text
    assert not any(PATIENTS.name.encode() in file.read_bytes() for file in released.iterdir() if file.is_file())
    assert PATIENTS.name in (released / "internal" / "report.json").read_text()
    for column in ("patient_id", "name", "email", "phone", "ssn"):
        assert not any(value in text for value in real[column].dropna().astype(str)), column
    for column in ("urine_ml", "glucose_max", "weight_kg", "creatinine_max"):
        for extreme in (real[column].min(), real[column].max()):
            if len(f"{extreme:g}") > 3:
                assert f'"{extreme:g}"' not in text and f">{extreme:g}<" not in text, column


def test_a_run_can_be_signed_and_says_for_whom_it_is(tmp_path: Path) -> None:
    """--context fills the context of use; sign and verify take the folder as it is; a wrong key of it is named."""
    (tmp_path / "use.yaml").write_text("purpose: Teaching\nreview_by: 2031-01-31\n")
    pd.DataFrame({"a": [1, 2, 3, 4] * 50, "b": [2, 3] * 100}).to_csv(tmp_path / "d.csv", index=False)
    assert call("infer", tmp_path / "d.csv", "-o", tmp_path / "s.yaml").exit_code == 0
    parts = ("run", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "out", "--seed", 1, "-q", "--no-pdf")
    made = call(*parts, "--context", tmp_path / "use.yaml")
    assert made.exit_code == 0, (made.stderr, made.exception)
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["use"]["purpose"] == "Teaching" and found["use"]["recipients"] is None
    assert call("keygen", tmp_path / "k", "--owner", "o").exit_code == 0
    assert call("sign", tmp_path / "out", "--key", tmp_path / "k.key").exit_code == 0
    checked = json.loads(call("verify", tmp_path / "out", "--public-key", tmp_path / "k.pub", "--json").stdout)
    assert checked["internal"] and "internal/report.html" in checked["files"] and "manifest.json" in checked["files"]
    (tmp_path / "use.yaml").write_text("purposes: Teaching\n")
    refused(2, *parts, "--overwrite", "--context", tmp_path / "use.yaml", says="purposes.*keys: purpose")


def test_commands_one_by_one(tmp_path: Path) -> None:
    """infer, validate, fit, sample, evaluate, each from the files of the one before."""
    schema, model, rows = tmp_path / "s.yaml", tmp_path / "m.tabsynth", tmp_path / "rows.parquet"
    assert call("infer", PATIENTS, "-o", schema).exit_code == 0
    assert call("validate", schema, PATIENTS).exit_code == 0
    fitted = call("fit", schema, PATIENTS, "-o", model, "--seed", 1, "--set", "min_people=12", "--json")
    assert json.loads(fitted.stdout)["seed"] == 1
    drawn = call("sample", model, "--rows", 300, "-o", rows, "--given", "sex=Female", "--given", "age>=60", "--seed", 2)
    assert drawn.exit_code == 0, drawn.stderr
    table = ts.read_table(rows)
    assert len(table) == 300 and set(table["sex"]) == {"Female"} and (pd.to_numeric(table["age"]) >= 60).all()
    whole = ts.read_table(PATIENTS)
    ts.write_table(whole.head(900), tmp_path / "t.csv")
    ts.write_table(whole.tail(467), tmp_path / "h.csv")
    parts = ("--train", tmp_path / "t.csv", "--holdout", tmp_path / "h.csv", "--synthetic", rows)
    judged = call("evaluate", SCHEMA, *parts, "-o", tmp_path / "e", "--json", "--no-pdf")
    assert judged.exit_code in (0, 8), judged.stderr
    assert (tmp_path / "e" / "report.html").is_file() and (tmp_path / "e" / "report.json").is_file()


def test_impute_fills_gaps_and_nothing_else(tmp_path: Path) -> None:
    """impute fills the named columns of a file, keeps every other cell, and names what it cannot do."""
    model, holed, filled = tmp_path / "m", tmp_path / "holed.csv", tmp_path / "filled.csv"
    assert call("fit", SCHEMA, PATIENTS, "-o", model, "-g", "copula", "--seed", 1, "-q").exit_code == 0
    table = ts.read_table(PATIENTS)
    table.loc[::3, "sex"] = None
    table.loc[1::4, "admitted"] = None
    ts.write_table(table, holed)
    names = ("--column", "sex", "--column", "admitted")
    result = call("impute", model, holed, "-o", filled, *names, "--seed", 2, "--json")
    assert result.exit_code == 0, (result.stderr, result.exception)
    after = ts.read_table(filled)
    told = json.loads(result.stdout)
    assert told["n_rows"] == len(after) == len(table) and told["seed"] == 2
    assert told["n_cells"] == int((table.isna() & after.notna()).to_numpy().sum()) > 400
    assert after["sex"].notna().all() and after["admitted"].notna().all()
    for name in table:
        there = table[name].notna()
        assert (after[name][there] == table[name][there]).all(), name
    call("impute", model, holed, "-o", tmp_path / "again.csv", *names, "--seed", 2, "-q")
    assert filled.read_bytes() == (tmp_path / "again.csv").read_bytes()
    refused(2, "impute", model, holed, "-o", tmp_path / "x.csv", "--column", "nobody", says="nobody")
    refused(2, "impute", model, holed, "-o", tmp_path / "x.csv", "--column", "patient_id", says="invented")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    refused(4, "impute", model, tmp_path / "other.csv", "-o", tmp_path / "x.csv", says="missing")
    assert not (tmp_path / "x.csv").exists()


def test_fit_says_what_it_chose(tmp_path: Path) -> None:
    """The choice of a generator is told in one line on standard error, once, and not under --quiet."""
    told = call("fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--seed", 1)
    assert told.stderr.count("note: auto chose trees") == 1 and "trees, learned from" in told.stdout
    assert not call("fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--seed", 1, "-q").stderr


def test_pipes(tmp_path: Path) -> None:
    """- reads a table from standard input and writes rows to standard output."""
    piped = call("infer", "-", stdin=PATIENTS.read_text())
    assert piped.exit_code == 0 and "tables:" in piped.stdout
    model = tmp_path / "m"
    assert call("fit", SCHEMA, PATIENTS, "-o", model, "--seed", 1, "-q").exit_code == 0
    rows = call("sample", model, "--rows", 5, "--seed", 1)
    assert rows.exit_code == 0 and len(rows.stdout.splitlines()) == 6


def test_validate_lists_everything_without_values(tmp_path: Path) -> None:
    """Every violation is listed with counts and rows; no cell is shown."""
    table = pd.read_csv(PATIENTS, dtype=str)
    table.loc[3, "age"], table.loc[5, "sex"], table.loc[9, "discharged"] = "777", "Hidden", "1999-01-01"
    table.to_csv(tmp_path / "bad.csv", index=False)
    result = call("validate", SCHEMA, tmp_path / "bad.csv", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 4 and not found["valid"]
    assert {"age", "sex", "discharged"} <= {item["column"] for item in found["violations"]}
    assert not any(value in result.output for value in ("777", "Hidden", "1999-01-01"))


def _text(content: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = folder / "data.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return make


BAD_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (_text(""), "empty"),
    "header only": (_text("a,b\n"), "no (data )?rows|row"),
    "duplicate headers": (_text("a,b,a\n1,2,3\n"), "a"),
    "empty header": (_text("a,,c\n1,2,3\n"), "header|name"),
    "ragged": (_text("a,b\n1,2\n3,4,5\n6,7\n"), "line 3"),
    "wrong delimiter": (_text("a;b\n1;2\n3;4\n"), "--delimiter"),
    "not UTF-8": (_text("a,b\ncaf\u00e9,1\n".encode("latin-1")), "--encoding|UTF-8"),
    "nul bytes": (_text(b"a,b\n1,\x002\n"), "NUL|zero"),
    "open quote": (_text('a,b\n1,"2\n3,4\n'), "quote"),
    "a zip": (_text(b"PK\x03\x04" + b"\x00" * 50), "."),
    "absent": (lambda folder: folder / "nothing.csv", "no such file|not found|does not exist"),
    "a folder": (lambda folder: folder, "folder|directory"),
    "unknown suffix": (lambda folder: _text("a\n1\n")(folder).rename(folder / "data.xyz"), "csv|CSV"),
    "false parquet": (lambda folder: _text("no parquet")(folder).rename(folder / "data.parquet"), "[Pp]arquet"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_named_errors(case: str, tmp_path: Path) -> None:
    """Every broken table file ends with exit code 4 (or 2), a line or column, and the remedy; nothing is written."""
    make, says = BAD_FILES[case]
    result = call("infer", make(tmp_path), "-o", tmp_path / "s.yaml")
    assert result.exit_code in (2, 4), (result.output, result.exception)
    assert result.stderr.startswith("error: ") and re.search(says, result.stderr), result.stderr
    assert not (tmp_path / "s.yaml").exists()


BAD_SCHEMAS = {
    "missing column": ("tables: {t: {columns: {a: {type: integer}, gone: {type: integer}}}}", 4, "gone"),
    "bounds reversed": ("tables: {t: {columns: {a: {type: integer, lower: 9, upper: 1}}}}", 3, r":1: .*a.*lower"),
    "boolean categories": (
        "tables:\n  t:\n    columns:\n      a: {type: categorical, categories: [NO, YES]}",
        3,
        "quotes",
    ),
    "unknown key": ("tables: {t: {columns: {a: {type: integer, loower: 1}}}}", 3, "loower"),
    "unknown kind": ("tables: {t: {columns: {a: {type: intger}}}}", 3, "intger|type"),
    "syntax": ("tables: {t: {columns: {a: {type: integer}", 3, "line|:1"),
    "empty": ("", 3, "empty"),
    "later format": ("format: 9\ntables: {t: {columns: {a: {type: integer}}}}", 3, "9"),
    "contradiction": (
        "tables: {t: {columns: {a: {type: integer}, b: {type: integer}}, constraints: ["
        "{type: inequality, low: a, high: b, strict: true}, {type: inequality, low: b, high: a, strict: true}]}}",
        5,
        "a",
    ),
    "unsafe formula": (
        "tables: {t: {columns: {a: {type: integer}, b: {type: integer}}, constraints: ["
        "{type: formula, column: a, expression: \"__import__('os').system('true')\"}]}}",
        3,
        "formula|expression|position|a",
    ),
}


@pytest.mark.parametrize("case", BAD_SCHEMAS)
def test_bad_schemas_are_named_errors(case: str, tmp_path: Path) -> None:
    """Every broken schema ends with its exit code and says where."""
    text, code, says = BAD_SCHEMAS[case]
    (tmp_path / "s.yaml").write_text(text)
    pd.DataFrame({"a": range(50), "b": range(1, 51)}).to_csv(tmp_path / "d.csv", index=False)
    refused(code, "fit", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "m", says=says)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("n_rows", [1, 2, 19])
def test_too_few_rows_are_refused(n_rows: int, tmp_path: Path) -> None:
    """One row, two rows, nineteen rows: no model."""
    pd.DataFrame({"a": range(n_rows)}).to_csv(tmp_path / "d.csv", index=False)
    assert call("infer", tmp_path / "d.csv", "-o", tmp_path / "s.yaml").exit_code == 0
    refused(4, "fit", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "m", says="at least 20")


def test_one_column_and_hostile_headers_work(tmp_path: Path) -> None:
    """One column called <script>, with 10,000-character cells beside it, goes through the whole job."""
    table = pd.DataFrame({"<script>alert(1)</script>": [1, 2, 3, 4] * 50})
    table["long"] = ["x" * 10_000 + str(i) for i in range(200)]
    table.to_csv(tmp_path / "d.csv", index=False)
    assert call("infer", tmp_path / "d.csv", "-o", tmp_path / "s.yaml").exit_code == 0
    result = call("run", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "out", "--seed", 1, "-q", "--no-pdf")
    assert result.exit_code == 0, (result.stderr, result.exception)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert(1)" not in page


def test_infinities_are_named(tmp_path: Path) -> None:
    """Infinite values of a number column are a violation with a count."""
    pd.DataFrame({"a": [1.5] * 40 + ["inf"]}).to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "s.yaml").write_text("tables: {t: {columns: {a: {type: number}}}}")
    refused(4, "fit", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "m", says="a: ")


def test_wrong_usage(tmp_path: Path) -> None:
    """Unknown generators and parameters, bad conditions and full folders are named, with exit code 2 or 9."""
    refused(2, "fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "-g", "coppula", says="did you mean 'copula'")
    refused(2, "fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--set", "min_people=none", says="min_people")
    refused(2, "fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--set", "oops", says="KEY=VALUE")
    assert call("fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--seed", 1, "-q").exit_code == 0
    refused(2, "sample", tmp_path / "m", "--rows", 5, "--given", "sex=Unknown", says="sex")
    refused(2, "sample", tmp_path / "m", "--rows", 5, "--given", "nobody=1", says="nobody")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep").write_text("mine")
    refused(9, "run", SCHEMA, PATIENTS, "-o", tmp_path / "full", says="--overwrite")
    assert (tmp_path / "full" / "keep").read_text() == "mine"


@pytest.mark.parametrize("rows", ["nan", "inf", "many", "50,000"])
def test_a_number_of_rows_to_plan_for_is_named(rows: str) -> None:
    """What is no number of rows is told with one that is."""
    refused(2, "plan", SCHEMA, "--rows", rows, says="--rows: write numbers such as ~50000")


def test_quiet_leaves_the_result() -> None:
    """As its help says: with --quiet the result is still on standard output, and nothing on standard error."""
    result = call("scan", PATIENTS, "--quiet")
    assert result.stdout and not result.stderr
    assert "nothing but the result and errors" in " ".join(call("scan", "--help").stdout.split())


def test_changed_models_are_refused(tmp_path: Path) -> None:
    """A model file with one byte changed is refused with exit code 6."""
    call("fit", SCHEMA, PATIENTS, "-o", tmp_path / "m", "--seed", 1, "-q")
    data = bytearray((tmp_path / "m").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m").write_bytes(bytes(data))
    refused(6, "sample", tmp_path / "m", "--rows", 5, says="damaged")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full or a file size limit")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """When the disk fills, the error names the file, and no part of it stays."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); from tabsynth.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "fit", str(SCHEMA), str(PATIENTS), "-o", str(tmp_path / "m")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 9, done.stderr
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_errors_as_json() -> None:
    """--json prints errors as JSON with the exit code."""
    result = call("validate", "nothing.yaml", PATIENTS, "--json")
    told: dict[str, Any] = json.loads(result.stdout)["error"]
    assert told["exit_code"] == result.exit_code == 3


def test_help_teaches() -> None:
    """Every command says what it does, has an example or options, and the root lists exit codes."""
    root = call("--help").stdout
    assert "Exit codes" in root
    for command in ("infer", "validate", "fit", "sample", "impute", "evaluate", "run", "schema", "generators"):
        page = call(command, "--help").stdout
        assert command in root and "--json" in page and "--debug" in page


def test_the_version_needs_no_command() -> None:
    """`tabsynth --version` says which one it is and is done."""
    result = call("--version")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{ts.__version__}\n", "")


def test_generators_are_listed_for_programs() -> None:
    """Every generator with its defaults, as JSON; also those whose defaults are made anew each time."""
    from tabsynth.generators import GENERATORS

    listed = json.loads(call("generators", "--json").stdout)
    assert list(listed) == list(GENERATORS)
    assert listed["trees"]["parameters"]["min_leaf"]["default"] == 20
    assert listed["dp-mst"]["parameters"]["cuts"]["default"] == {}


def test_split_parts_people_and_evaluate_takes_the_parts(tmp_path: Path) -> None:
    """Four files, nobody in two of them; they can be evaluated, and the report says who played which role."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"who": np.repeat(np.arange(1_000), 2).astype(str), "a": rng.normal(size=2_000).round(2)})
    frame.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "s.yaml").write_text(
        "format: 1\ntables:\n  t:\n    entity_key: who\n    columns:\n      who: {type: identifier}\n"
        "      a: {type: number, decimals: 2}\n"
    )
    parted = ("split", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "parts", "--holdout", "0.5")
    made = json.loads(call(*parted, "--parts", "four", "--json").stdout)
    assert made["n_people"] == {"train": 500, "holdout": 200, "reference": 200, "test": 100}
    assert [overlap["shared_entities"] for overlap in made["overlaps"]] == [0] * 6
    files = {name: pd.read_csv(tmp_path / "parts" / f"{name}.csv", dtype=str) for name in made["files"]}
    assert sum(map(len, files.values())) == len(set.union(*(set(part["who"]) for part in files.values()))) * 2
    asked = [text for name in ("train", "holdout", "reference", "test") for text in (f"--{name}", made["files"][name])]
    options = ("--synthetic", made["files"]["train"], "-o", tmp_path / "out", "--level", "quick", "--no-pdf")
    done = call("evaluate", tmp_path / "s.yaml", *asked, *options)
    assert done.exit_code == 8, done.stderr
    page = (tmp_path / "out" / "internal" / "report.html").read_text()
    assert "200 in the attack reference and 100 in the test rows" in page
    assert "people have rows" not in done.stderr
    refused(2, *parted, "--parts", "three", "--overwrite", says="parts: unknown")
    again = call(*parted, "--parts", "two", "--overwrite")
    assert "holdout and train: " in again.stdout and "0 people in both" in again.stdout


def test_run_can_make_everybody_a_stranger_once(tmp_path: Path) -> None:
    """--swap asks two models of halves of a small table about all of its people; a private generator refuses it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=160).round(1), "b": rng.choice(list("xyz"), 160)})
    frame.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "s.yaml").write_text(
        "format: 1\ntables:\n  t:\n    columns:\n      a: {type: number, decimals: 1, lower: -5, upper: 5}\n"
        "      b: {type: categorical, categories: [x, y, z]}\n"
    )
    asked = ("run", tmp_path / "s.yaml", tmp_path / "d.csv", "-o", tmp_path / "out", "--holdout", "0.5", "--swap")
    made = call(*asked, "-g", "independent", "--seed", 1, "-q", "--no-pdf")
    assert made.exit_code == 0, (made.stderr, made.exception)
    results = json.loads((tmp_path / "out" / "internal" / "report.json").read_text())["evaluation"]["results"]
    [whole] = [result for result in results if result["metric"] == "membership" and not result["subject"]]
    assert whole["n"] == 160
    assert any("Pooled over 2 models" in note for note in whole["notes"])
    [told] = [result for result in results if result["metric"] == "detection" and not result["subject"]]
    assert any("Mean of 2 models" in note for note in told["notes"])
    refused(2, *asked, "--overwrite", "-g", "dp-independent", says="swap: dp-independent is private")


@pytest.mark.parametrize("machine", ["cp1252", "ascii"])
def test_what_is_piped_is_utf_8_whatever_the_machine_writes(tmp_path: Path, machine: str) -> None:
    """A schema that goes to a file through `>` can be read again, also where the machine has another encoding."""
    table = tmp_path / "wards.csv"
    table.write_text("Größe,άλφα\n" + "".join(f"{n},{n % 3}\n" for n in range(40)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tabsynth.cli", "infer", str(table)],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": machine},
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "schema.yaml").write_bytes(done.stdout)
    assert list(ts.load_schema(tmp_path / "schema.yaml").only_table.columns) == ["Größe", "άλφα"]
