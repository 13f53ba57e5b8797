"""Figures that are paid for: what they cost, how right they are, and what they may not tell."""

from __future__ import annotations

import json
import math
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.dp.appraisal import Appraisal, appraise, appraise_with
from tabsynth.dp.appraisal import measure as measure_distances
from tabsynth.dp.certificate import transcript_of
from tabsynth.dp.exact import ExactCounts
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.measure import PrivateTable
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.release_plan import plan_release
from tabsynth.errors import BudgetError, TabsynthWarning, UsageError
from tabsynth.generators.model import Model
from tabsynth.schema.files import save_schema
from tests.dp.audits import ZeroNoise, make, neighbours, private_table, schema_of, visits, ward
from tests.dp.test_replay import called

pytestmark = pytest.mark.usefixtures("same_noise")


def released(**parameters: Any) -> tuple[Model, pd.DataFrame]:
    """A model, and rows of it."""
    model = make("dp-independent", **{"epsilon": 0.5, **parameters}).fit(ward(400), schema_of())
    return model, model.sample(500, seed=0)


def distances_of(here: PrivateTable, shares: ExactCounts, cliques: list[tuple[str, ...]]) -> list[float]:
    """Exact total variation of the shares of each clique."""
    exact = [counts / counts.sum() for counts in here._exact(cliques)]
    drawn = [counts / counts.sum() for counts in shares.tables(cliques)]
    return [float(np.abs(a - b).sum()) / 2 for a, b in zip(exact, drawn, strict=True)]


@pytest.mark.parametrize("bounding", ["truncate", "weigh"])
@pytest.mark.parametrize("max_rows", [1, 2, 5])
def test_a3_one_person_moves_a_distance_as_claimed(max_rows: int, bounding: str) -> None:
    """Sensitivities of distances hold for people of 1, 2 and 5 rows, for expectations of any kind."""
    schema = schema_of({"table": "t", "key": "person", "max_rows": max_rows, "bounding": bounding})
    rng = np.random.default_rng(max_rows)
    for small, large in (visits(max_rows, seed=0), visits(max_rows, seed=1)):
        _, here = private_table(make("dp-independent"), small, schema, noise=ZeroNoise())
        _, there = private_table(make("dp-independent"), large, schema, noise=ZeroNoise())
        cliques = list(combinations(here.sizes, 2))
        expected = [rng.uniform(0, 9 * here.whole, [here.sizes[name] for name in clique]) for clique in cliques]
        both = [
            table.distances(cliques, expected, rho_each=[1e-6] * len(cliques), purpose="far") for table in (here, there)
        ]
        for a, b in zip(*both, strict=True):
            assert abs(a.value - b.value) <= a.sensitivity == a.steps * here.max_rows
            assert a.recomputed_rho() <= a.rho * (1 + 1e-9)


def test_a_person_alone_moves_a_distance_by_all_that_is_claimed() -> None:
    """Where nothing is expected and nobody else is, the claim is met, so a smaller one would be noticed."""
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    values = []
    for table in visits(2, seed=0):
        _, private = private_table(make("dp-independent"), table, schema, noise=ZeroNoise())
        nothing = [np.zeros(private.sizes["sex"])]
        values.append(private.distances([("sex",)], nothing, rho_each=[1e-6], purpose="far")[0])
    assert values[1].value - values[0].value == values[0].sensitivity


def test_intervals_hold() -> None:
    """Of many appraisals at least 95 in 100 intervals hold the exact distance, and figures are not far off."""
    table = ward(3000)
    table["sex"] = np.random.default_rng(0).choice(["F", "M"], 3000, p=[0.7, 0.3])
    schema = schema_of()
    model = make("dp-independent", epsilon=0.5).fit(table, schema)
    rows = model.sample(2000, seed=0)
    plan = plan_release(model.generator, schema, "t")  # type: ignore[arg-type]
    _, drawn = private_table(make("dp-independent"), rows, schema, noise=ZeroNoise())
    _, private = private_table(make("dp-independent"), table, schema, noise=ZeroNoise())
    cliques = [(name,) for name in private.sizes] + list(combinations(private.sizes, 2))
    true = distances_of(private, ExactCounts(drawn._columns, drawn.sizes), cliques)
    held, off = [], []
    for run in range(12):
        made = appraise_with(model, plan, schema, table, rows, rho=0.002, noise=NoiseSource.insecure(run))
        figures = (*made.columns, *made.pairs)
        assert [figure.columns for figure in figures] == cliques and not made.secure
        held += [figure.lower <= exact <= figure.upper for figure, exact in zip(figures, true, strict=True)]
        off += [abs(figure.distance - exact) for figure, exact in zip(figures, true, strict=True)]
        assert made.mean_pair is not None and abs(made.mean_pair - np.mean(true[6:])) < 0.05
    assert np.mean(held) >= 0.95 and np.mean(off) < 0.05


def test_everything_is_charged_and_refused_where_it_does_not_fit(tmp_path: Path) -> None:
    """The ledger, the looks and the claim agree; what does not fit is refused before anything is charged."""
    file = tmp_path / "spent.ledger"
    model, rows = released(ledger=str(file))
    before = Ledger.open(file, "ward").verify()
    made = appraise(model, schema_of(), ward(400), rows, ledger=str(file), epsilon=0.1)
    after = Ledger.open(file, "ward").verify()
    assert math.isclose(after.rho - before.rho, made.rho, rel_tol=1e-9)
    assert made.epsilon <= 0.1 and made.epsilon_in_all <= 0.6 and made.secure
    assert [each.rho for each in after.charges[len(before.charges) :]] == [look.rho for look in made.looks]
    with pytest.raises(BudgetError):
        appraise(model, schema_of(), ward(400), rows, ledger=str(file), epsilon=0.9)
    assert Ledger.open(file, "ward").verify() == after
    with pytest.raises(UsageError, match=r"is not there; the model was charged to one named spent\.ledger"):
        appraise(model, schema_of(), ward(400), rows, ledger=str(tmp_path / "new.ledger"), epsilon=0.1)


def test_bad_input_is_named() -> None:
    """A model without a guarantee, another schema, no rows, no price."""
    import tabsynth as ts

    model, rows = released()
    table = ward(400)
    with pytest.raises(UsageError, match="epsilon: say what the figures may cost"):
        appraise(model, schema_of(), table, rows, ledger="none")
    with pytest.raises(UsageError, match="not the one that the model was fitted with"):
        appraise(model, schema_of(sex={"type": "categorical", "categories": ["F"]}), table, rows, ledger="none")
    with pytest.raises(UsageError, match="no rows"):
        appraise(model, schema_of(), table, rows.head(0), ledger="none", epsilon=0.1)
    plain = ts.Independent().fit(table, schema_of().model_copy(update={"privacy": None}), seed=0)
    with pytest.raises(UsageError, match="carries no guarantee"):
        appraise(plain, schema_of(), table, rows, ledger="none", epsilon=0.1)


def test_a1_figures_have_one_shape_for_all_neighbours() -> None:
    """Under one tape of noise, neighbours differ in numbers alone."""
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    model = make("dp-independent").fit(ward(), schema)
    rows = model.sample(50, seed=0)
    plan = plan_release(model.generator, schema, "t")  # type: ignore[arg-type]

    def shape(made: Appraisal) -> str:
        plain = made.model_dump(mode="json")
        for figure in (*plain["columns"], *plain["pairs"]):
            figure.update(distance=0, lower=0, upper=0)
        plain["ledger"].pop("release")
        return json.dumps(plain | {"mean_column": 0, "mean_pair": 0})

    expected = None
    for what, pair in neighbours().items():
        for table in pair:
            made = appraise_with(model, plan, schema, table, rows, rho=0.001, noise=NoiseSource.insecure(0))
            expected = expected or shape(made)
            assert shape(made) == expected, what


def test_noise_is_as_large_as_claimed() -> None:
    """Over many looks the noise has the variance that was paid for; 4.6 standard errors and more of room."""
    _, private = private_table(make("dp-independent"), ward(60), schema_of(), noise=NoiseSource(), rho=2e3)
    _, exact = private_table(make("dp-independent"), ward(60), schema_of(), noise=ZeroNoise(), rho=2e3)
    expected = [np.full(private.sizes["stage"], 7.3)]
    true = exact.distances([("stage",)], expected, rho_each=[0.5], purpose="far")[0]
    seen = [private.distances([("stage",)], expected, rho_each=[0.5], purpose="far")[0] for _ in range(3000)]
    residuals = np.array([event.value - true.value for event in seen]) / true.sigma
    assert abs((residuals**2).mean() - 1) < 0.12 and abs(residuals.mean()) < 0.085


def test_the_looks_are_one_count_and_all_distances() -> None:
    """A distance for each column and pair, for the whole price."""
    _, private = private_table(make("dp-independent"), ward(60), schema_of(), noise=ZeroNoise(), rho=0.01)
    measure_distances(private, ExactCounts(private._columns, private.sizes), rho=0.01)
    looks = private.transcript
    assert len(looks.row_counts) == 1 and len(looks.distances) == 6 + 15
    assert 0.0099 < looks.rho <= 0.01


def test_run_and_the_command_line_release_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` keeps a share for them and lists the file, `appraise` pays for more, `evaluate` has nothing to release."""
    monkeypatch.chdir(tmp_path)
    save_schema(schema_of(), tmp_path / "s.yaml")
    ward(300).to_csv(tmp_path / "t.csv", index=False)
    free = ("--set", "ledger=l", "--set", "epsilon=0.8", "-g", "dp-independent", "--no-pdf")
    files = ("s.yaml", "t.csv", "out/model.tabsynth", "out/synthetic.csv")
    parts = ("--train", "t.csv", "--holdout", "t.csv", "--synthetic", "out/synthetic.csv", "--no-pdf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TabsynthWarning)
        called("run", "s.yaml", "t.csv", "-o", "out", *free, "--set", "appraisal=0.2")
        said = called("appraise", *files, "-o", "a.json", "--ledger", "l", "--epsilon", 0.1)
        called("evaluate", "s.yaml", *parts, "-o", "eval", "--level", "quick", code=8)
    figures = Appraisal.model_validate_json((tmp_path / "out" / "appraisal.json").read_text())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert figures.secure and len(figures.columns) == 6 and "appraisal.json" in manifest["sha256"]
    assert certificate["replay"]["transcript_sha256"] == figures.transcript_sha256
    assert math.isclose(certificate["claim"]["rho"] / 0.8, figures.rho / 0.2, rel_tol=1e-6)
    assert figures.epsilon_in_all <= 0.8 and "cost epsilon" in said
    assert not (tmp_path / "eval" / "report.html").exists()
    assert "not for release" in (tmp_path / "eval" / "internal" / "report.html").read_text()
    paid = json.loads((tmp_path / "a.json").read_text())["rho"]
    spent = Ledger.open(tmp_path / "l", "ward").verify()
    assert math.isclose(spent.rho, certificate["claim"]["rho"] + figures.rho + paid, rel_tol=1e-9)


def test_the_transcript_of_the_model_stays_as_it_is() -> None:
    """Figures are a release of their own: the model file, and with it every replay, is not touched."""
    model, rows = released(appraisal=0.1)
    before = transcript_of(model).digest()
    appraise(model, schema_of(), ward(400), rows, ledger="none")
    assert transcript_of(model).digest() == before
