"""The generators of SDV: what reaches SDV, what stays ours, what is refused; tests that need SDV skip without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tabsynth as ts
from tabsynth.cli import app
from tabsynth.encoding.given import GivenColumn
from tabsynth.encoding.marginal import Marginal
from tabsynth.encoding.table import Continuous, Discrete
from tabsynth.errors import ArtifactError, MissingExtraError, UsageError
from tabsynth.generators import sdv as adapter
from tabsynth.generators.sdv import SDVCTGAN, FittedSDV, SDVCopulaGAN, SDVGaussianCopula
from tests.generators.network_rows import SCHEMA, rows

needs_sdv = pytest.mark.skipif(
    SDVGaussianCopula.install_command() is not None, reason='sdv is not installed: pip install "tabsynth[sdv]"'
)
NAMES = ("sdv-gaussian-copula", "sdv-ctgan", "sdv-tvae", "sdv-copulagan")
QUICK = SDVGaussianCopula(default_distribution="uniform")


@pytest.fixture(scope="module")
def model() -> ts.Model:
    """SDV's copula on 1,000 rows."""
    return QUICK.fit(rows(), SCHEMA, seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_fit_command_refuses_before_it_reads(name: str, tmp_path: Path) -> None:
    """`tabsynth fit` says at once that there will be no file: neither schema nor table need be there."""
    out = tmp_path / "m.tabsynth"
    result = CliRunner().invoke(app, ["fit", "no-schema.yaml", "no-table.csv", "-o", str(out), "--generator", name])
    assert result.exit_code == UsageError.exit_code
    assert "cannot be written to a file" in result.stderr and "tabsynth run" in result.stderr
    assert not out.exists()


def test_missing_sdv_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SDV the list of generators and the fit say what to install."""
    monkeypatch.setattr("tabsynth.generators.base.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'sdv-gaussian-copula: .*pip install "tabsynth\[sdv\]"'):
        QUICK.fit(rows(), SCHEMA, seed=0)
    listed = json.loads(CliRunner().invoke(app, ["generators", "--json"]).stdout)
    assert listed["sdv-ctgan"]["install"] == 'pip install "tabsynth[sdv]"' and not listed["sdv-ctgan"]["model_file"]
    assert listed["copula"]["install"] is None and listed["copula"]["model_file"]
    assert 'not installed: pip install "tabsynth[sdv]"' in CliRunner().invoke(app, ["generators"]).stdout


def test_a_file_that_names_sdv_is_refused() -> None:
    """No file can bring such a model back."""
    with pytest.raises(ArtifactError, match="pickles"):
        FittedSDV.from_state({}, {})


def test_parameters_are_checked_before_sdv_sees_them() -> None:
    """What SDV would meet with an assertion deep inside is an error that names the parameter."""
    for wrong in ({"batch_size": 505}, {"batch_size": 15, "pac": 15}, {"epochs": 0}, {"cuda": True}):
        with pytest.raises(UsageError, match=f"sdv-ctgan: .*{next(iter(wrong))}"):
            ts.make_generator("sdv-ctgan", wrong)
    with pytest.raises(UsageError, match="default_distribution"):
        ts.make_generator("sdv-gaussian-copula", {"default_distribution": "cauchy"})
    assert SDVCTGAN().epochs == SDVCopulaGAN().epochs == 300


def test_cells_are_codes_and_held_numbers() -> None:
    """Codes become text and come back; numbers are held to the ends of the marginal on both ways."""
    discrete = Discrete(np.array([0.5, 0.5]), ordered=False)
    codes = np.array([0, -1, 1], np.int32)
    cells = adapter._cells(codes, discrete)
    assert list(cells[[0, 2]]) == ["0", "1"] and np.isnan(cells[1])
    np.testing.assert_array_equal(adapter._from_cells(pd.Series(cells), discrete), codes)
    continuous = Continuous(Marginal(np.array([1.0]), np.array([9.0]), np.array([1.0])), None)
    np.testing.assert_array_equal(adapter._cells(np.array([-5.0, np.nan, 99.0]), continuous), [1.0, np.nan, 9.0])
    np.testing.assert_array_equal(adapter._from_cells(pd.Series([-5.0, np.nan, 99.0]), continuous), [1.0, np.nan, 9.0])


def test_single_cells_of_conditions() -> None:
    """A condition on one category or one value is handed to SDV; others are not."""
    discrete = Discrete(np.full(3, 1 / 3), ordered=False)
    atom = Continuous(Marginal(np.array([0.0, 0.0]), np.array([0.0, 8.0]), np.array([0.5, 0.5])), 0.5)

    def single(codes: Any = None, stretch: Any = None, missing: bool = False) -> Any:
        stretches = None if stretch is None else np.array([stretch])
        domain = discrete if stretch is None else atom
        return adapter._single_cell(GivenColumn(missing, None if codes is None else np.array(codes), stretches), domain)

    assert single([False, True, False]) == "1"
    assert single([True, True, False]) is None and single(missing=True) is None
    assert single(stretch=(0.0, 0.5)) == 0.0 and single(stretch=(0.5, 0.9)) is None


@needs_sdv
def test_identifiers_and_rare_categories_never_reach_sdv(monkeypatch: pytest.MonkeyPatch) -> None:
    """What SDV gets are columns without names, codes, and numbers within the held ends."""
    seen: list[pd.DataFrame] = []
    fit = adapter._fit

    def spy(*arguments: Any, **options: Any) -> Any:
        seen.append(arguments[4])
        return fit(*arguments, **options)

    monkeypatch.setattr(adapter, "_fit", spy)
    table = rows()
    table.loc[0, "kind"] = "Canary"
    QUICK.fit(table, SCHEMA, seed=0)
    (frame,) = seen
    assert all(name.startswith("column_") for name in frame.columns)
    assert not frame.astype(str).apply(lambda cells: cells.str.contains("anary")).to_numpy().any()


@needs_sdv
def test_seeds_reach_sdv(model: ts.Model) -> None:
    """SDV itself draws the same rows whoever asks; here another seed gives others, missing cells included."""
    a, b = (model.sample(500, seed=seed) for seed in (1, 2))
    assert not a.equals(b)
    gaps = [column for column in a if a[column].isna().any()]
    assert gaps and any((a[column].isna() != b[column].isna()).any() for column in gaps)


@needs_sdv
def test_distributions_are_named_by_our_columns(model: ts.Model) -> None:
    """A shape for one column reaches it; an unknown column is refused by name."""
    SDVGaussianCopula(numerical_distributions={"size": "norm"}, default_distribution="norm").fit(rows(), SCHEMA, seed=0)
    with pytest.raises(UsageError, match="numerical_distributions: kind"):
        SDVGaussianCopula(numerical_distributions={"kind": "norm"}).fit(rows(), SCHEMA, seed=0)


@needs_sdv
def test_run_works_without_a_model_file(tmp_path: Path) -> None:
    """`tabsynth run` writes rows and report; the manifest and the notes say that there is no model and why."""
    root = Path(__file__).parents[2]
    out = tmp_path / "out"
    given = [str(root / "schemas" / "patients.yaml"), str(root / "examples" / "patients.csv"), "-o", str(out)]
    options = ["--generator", "sdv-gaussian-copula", "--set", "default_distribution=norm", "--seed", "3", "--json"]
    result = CliRunner().invoke(app, ["run", *given, *options])
    assert result.exit_code == 0, (result.output, result.stderr)
    released = {"synthetic.csv", "report.html", "report.json", "manifest.json"}
    assert {file.name for file in out.iterdir()} == {*released, "internal"}
    assert {file.name for file in (out / "internal").iterdir()} == {"report.html", "report.json", "schema.yaml"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["model"] is None and any("no model file is written" in note for note in manifest["notes"])
    assert json.loads(result.stdout)["model"] is None
    assert "no model file is written" in (out / "internal" / "report.html").read_text()
