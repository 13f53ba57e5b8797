"""Private generators: what they refuse, what a release leaves behind, and rows that keep the schema."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tabsynth as ts
from tabsynth.dp.certificate import build_certificate, transcript_of
from tabsynth.dp.forecast import forecast
from tabsynth.dp.generator import release
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.released import gaussian_mu
from tabsynth.errors import (
    ArtifactError,
    BudgetError,
    DataError,
    LedgerError,
    SchemaError,
    TabsynthError,
    TabsynthWarning,
    UsageError,
)
from tabsynth.generators import GENERATORS
from tabsynth.pipeline import default_generator, fit
from tabsynth.report.certificate import render_certificate, write_certificate
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import validate_table
from tests.dp.audits import PRIVATE, ZeroNoise, each_of, make, private_table, schema_of, ward

pytestmark = pytest.mark.usefixtures("same_noise")
PER_PERSON = {"table": "t", "key": "person", "max_rows": 2}
each = each_of(PRIVATE)


def test_no_moment_ends_a_release() -> None:
    """A cell at the end of the calendar is at a bound like any other; that it is there may not show as an error."""
    moment = {"type": "datetime", "lower": "2020-01-01", "upper": "2021-01-01", "resolution": "second"}
    columns = {"x": {**moment, "time_zone": "America/New_York"}}
    schema = Schema.model_validate_json(
        json.dumps({"tables": {"t": {"columns": columns}}, "privacy": {"unit": "row", "epsilon": 1.0}})
    )
    for cell in ("9999-12-31T23:59:59", "0001-01-01", np.datetime64("300000-01-01", "us")):
        table = pd.DataFrame({"x": pd.Series(["2020-05-05"] * 20 + [cell], dtype=object)})
        assert len(make("dp-independent").fit(table, schema).sample(3, seed=0)) == 3


def test_long_keys_stay_apart_where_one_is_missing() -> None:
    """Before treatments, whole numbers of an Arrow table became floats where any is missing, and 50 people one."""
    columns = {
        "key": {"type": "identifier", "nullable": False},
        "zip": {"type": "integer", "treatment": "zip3", "nullable": False},
    }
    unit = {"table": "t", "key": "key", "max_rows": 1}
    document = {"tables": {"t": {"columns": columns}}, "privacy": {"unit": unit, "epsilon": 1.0}}
    schema = Schema.model_validate_json(json.dumps(document))
    keys = [2**60 + place for place in range(50)]
    table = pl.DataFrame({"key": [*keys, None], "zip": [10001] * 51})
    model = release(make("dp-independent"), table, schema, noise=ZeroNoise())
    assert model.n_rows_fitted == 50


def no_privacy(schema: Schema, **changes: Any) -> Schema:
    privacy = None if not changes else schema.privacy.model_copy(update=changes)  # type: ignore[union-attr]
    return schema.model_copy(update={"privacy": privacy})


@each
def test_rows_keep_the_schema(name: str, tmp_path: Path) -> None:
    """Rows are valid, the same seed gives the same ones, and a file gives the same model."""
    schema = schema_of(PER_PERSON)
    model = make(name).fit(ward(300), schema)
    rows = model.sample(400, seed=1)
    assert validate_table(rows, schema.only_table).ok
    model.save(tmp_path / "m")
    loaded = ts.load(tmp_path / "m")
    pd.testing.assert_frame_equal(loaded.sample(400, seed=1), rows)
    assert loaded.fitted.state()["transcript"].keys() == model.fitted.state()["transcript"].keys()
    assert not rows.equals(model.sample(400, seed=2))
    assert isinstance(make(name).fit(pl.DataFrame(ward(100)), schema).sample(5, seed=0), pl.DataFrame)


@each
def test_marginals_come_back_under_a_large_budget(name: str) -> None:
    """With next to no noise, shares and means are those of the table."""
    rng = np.random.default_rng(0)
    table = ward(3000)
    table["sex"] = rng.choice(["F", "M", None], 3000, p=[0.6, 0.3, 0.1])
    schema = no_privacy(schema_of(PER_PERSON), epsilon=200.0)
    rows = make(name).fit(table, schema).sample(3000, seed=0)
    assert abs((rows["sex"] == "F").mean() - 0.6) < 0.03 and abs(rows["sex"].isna().mean() - 0.1) < 0.03
    assert abs(rows["age"].mean() - table["age"].mean()) < 2.0
    assert abs(rows["dose"].mean() - table["dose"].mean()) < 1.5


@each
@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"sex": "F"}, lambda r: r["sex"] == "F"),
        ({"age": (30, 45)}, lambda r: r["age"].between(30, 45)),
        (["dose is missing"], lambda r: r["dose"].isna()),
        (["dose >= 10", "stage in I,II"], lambda r: (r["dose"] >= 10) & r["stage"].isin(["I", "II"])),
        ({"admitted": ("2021-02-01", "2021-08-31")}, lambda r: r["admitted"].between("2021-02-01", "2021-08-31")),
    ],
)
def test_conditions_hold(name: str, given: object, holds: Any) -> None:
    """Conditions hold in every row, with the exact number of rows."""
    table = ward(400)
    table.loc[:100, "dose"] = np.nan
    schema = no_privacy(schema_of("row"), epsilon=20.0)
    rows = make(name).fit(table, schema).sample(60, seed=0, given=given)
    assert len(rows) == 60 and holds(rows).all()


def test_constraints_hold() -> None:
    """Inequalities, formulas and declared combinations hold, though nothing of the rows decided how."""
    columns = {
        "low": {"type": "integer", "lower": 0, "upper": 50, "nullable": False},
        "high": {"type": "integer", "lower": 0, "upper": 90, "nullable": False},
        "sum": {"type": "integer", "lower": 0, "upper": 140, "nullable": False},
        "country": {"type": "categorical", "categories": ["FR", "US"], "nullable": False},
        "state": {"type": "categorical", "categories": ["Paris", "NY", "CA"], "nullable": False},
    }
    constraints = [
        {"type": "inequality", "low": "low", "high": "high"},
        {"type": "formula", "column": "sum", "expression": "low + high"},
        {
            "type": "fixed_combinations",
            "columns": ["country", "state"],
            "combinations": [["FR", "Paris"], ["US", "NY"], ["US", "CA"]],
        },
    ]
    schema = Schema.model_validate(
        {
            "tables": {"t": {"columns": columns, "constraints": constraints}},
            "privacy": {"unit": "row", "epsilon": 5.0},
        }
    )
    rng = np.random.default_rng(0)
    low = rng.integers(0, 40, 500)
    high = low + rng.integers(-3, 30, 500)  # some rows break the rule, which nobody may notice
    table = pd.DataFrame(
        {
            "low": low,
            "high": high.clip(0),
            "sum": low + high,
            "country": "US",
            "state": rng.choice(["NY", "Paris"], 500),
        }
    )
    rows = make("dp-independent").fit(table, schema).sample(500, seed=0)
    assert (rows["low"] <= rows["high"]).all() and (rows["sum"] == rows["low"] + rows["high"]).all()
    assert set(zip(rows["country"], rows["state"], strict=True)) <= {("FR", "Paris"), ("US", "NY"), ("US", "CA")}


@pytest.mark.parametrize(
    ("schema", "parameters", "error", "words"),
    [
        (no_privacy(schema_of()), {}, SchemaError, "whose presence"),
        (schema_of({"table": "t", "key": "person"}), {}, SchemaError, "max_rows: N"),
        (schema_of(PER_PERSON, person={"type": "identifier"}), {}, SchemaError, "nullable: false"),
        (no_privacy(schema_of(), epsilon=None), {}, UsageError, "epsilon: say"),
        (schema_of(), {"epsilon": 2.0}, UsageError, "allows in all"),
        (no_privacy(schema_of(), public_rows=100, delta=0.1), {}, UsageError, "delta"),
        (schema_of(age={"type": "integer", "lower": 0}), {}, SchemaError, "age: upper"),
        (schema_of(sex={"type": "categorical"}), {}, SchemaError, "sex: categories"),
        (schema_of(), {"ledger": None}, UsageError, "ledger: name the file"),
        (schema_of(), {"cuts": {"note": [1.0]}}, UsageError, "cuts: note"),
    ],
)
@each
def test_bad_input_is_named_before_anything_is_read(
    name: str, schema: Schema, parameters: dict[str, Any], error: type[TabsynthError], words: str
) -> None:
    """Each gap in schema and parameters is an error of its own, whatever the table is."""
    with pytest.raises(error, match=words):
        make(name, **parameters).fit(object(), schema)


@pytest.mark.parametrize("epsilon", [0, -1, float("inf"), float("nan")])
def test_epsilon_must_be_a_number_above_zero(epsilon: float) -> None:
    """Refused where it is stated."""
    with pytest.raises(UsageError, match="epsilon"):
        make("dp-mst", epsilon=epsilon)


def test_noise_cannot_be_seeded() -> None:
    """A seed, and a table of identifiers to avoid, are refused."""
    with pytest.raises(UsageError, match="seed"):
        make("dp-mst").fit(ward(), schema_of(), seed=1)
    with pytest.raises(UsageError, match="avoid"):
        make("dp-mst").fit(ward(), schema_of(), avoid=ward())


def test_missing_columns_are_named() -> None:
    """The header is public; identifiers and text are not even asked for."""
    make("dp-independent").fit(ward().drop(columns=["note", "person"]), schema_of())
    with pytest.raises(DataError, match="sex, age"):
        make("dp-independent").fit(ward().drop(columns=["age", "sex"]), schema_of())


def test_the_ledger_is_charged_and_refuses(tmp_path: Path) -> None:
    """What is spent stays spent, a second release of the same people is refused, and an edited ledger is noticed."""
    file = tmp_path / "spent.ledger"
    half = make("dp-mst", ledger=str(file), epsilon=0.5)
    half.fit(ward(), schema_of())
    spent = Ledger.open(file, "ward").verify()
    assert 0.4 < spent.epsilon <= 0.5
    with pytest.raises(BudgetError):
        make("dp-mst", ledger=str(file)).fit(ward(), schema_of())
    assert Ledger.open(file, "ward").verify() == spent, "a release that does not fit as a whole spends nothing"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:1], lines[1].replace("number of rows", "number of r0ws"), *lines[2:]]) + "\n")
    with pytest.raises(LedgerError):
        half.fit(ward(), schema_of())


def test_nothing_is_spent_where_the_table_cannot_be_opened(tmp_path: Path) -> None:
    """Errors that need no look at a cell cost nothing."""
    file = tmp_path / "spent.ledger"
    with pytest.raises(DataError):
        make("dp-mst", ledger=str(file)).fit(ward().drop(columns="age"), schema_of())
    assert Ledger.open(file, "ward").verify().rho == 0


def test_a_failure_inside_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever breaks behind the boundary, the words are the same, and the charge stays."""
    from tabsynth.dp import exact, measure

    def broken(*words: object) -> None:
        raise ValueError("row 17: Mrs Smith")

    monkeypatch.setattr(exact, "count", broken)
    file = tmp_path / "spent.ledger"
    with pytest.raises(measure.BoundaryError) as caught:
        make("dp-mst", ledger=str(file)).fit(ward(), schema_of())
    assert "Smith" not in str(caught.value) and caught.value.__cause__ is None
    assert Ledger.open(file, "ward").verify().rho > 0


def test_discovery_finds_what_many_share() -> None:
    """Common categories, bounds and bins are found; what one person has is not."""
    rng = np.random.default_rng(0)
    n = 20_000
    table = pd.DataFrame(
        {"ward": rng.choice(["A", "B", "C"], n), "cost": rng.lognormal(5, 1, n), "age": rng.integers(0, 90, n)}
    )
    table.loc[0, "ward"] = "Canaryitis"
    schema = Schema.model_validate(
        {
            "tables": {
                "t": {
                    "columns": {
                        "ward": {"type": "categorical", "nullable": False},
                        "cost": {"type": "number", "nullable": False},
                        "age": {"type": "integer", "lower": 0, "upper": 120, "nullable": False},
                    }
                }
            },
            "privacy": {"unit": "row", "epsilon": 2.0, "delta": 1e-9},
        }
    )
    model = make("dp-independent", discover=True, binning="quantiles").fit(table, schema)
    rows = model.sample(5000, seed=0)
    assert {"A", "B", "C"} <= set(rows["ward"]) <= {"A", "B", "C", "other"}
    assert abs(np.log(rows["cost"].median()) - 5) < 0.25
    assert transcript_of(model).delta > 0
    assert [e.kind for e in transcript_of(model).discoveries] == ["categories", "bounds", "cuts", "cuts"]


def test_people_with_several_rows_come_back() -> None:
    """Rows per person are measured; nobody has more than `max_rows`."""
    table = pd.concat([ward(400), ward(200)], ignore_index=True)
    schema = no_privacy(schema_of(PER_PERSON), epsilon=50.0)
    rows = make("dp-independent").fit(table, schema).sample(600, seed=0)
    sizes = rows["person"].value_counts()
    assert sizes.max() == 2 and abs((sizes == 2).mean() - 0.5) < 0.1


def test_a_parquet_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes and kept rows are those of the whole table, however many parts there are; an empty file is no error."""
    from tabsynth.dp import reading

    schema = schema_of(PER_PERSON)
    table = pd.concat([ward(50), ward(30), ward(20)], ignore_index=True)
    table.to_parquet(tmp_path / "t.parquet")
    table.head(0).to_parquet(tmp_path / "empty.parquet")
    _, whole = private_table(make("dp-independent"), table, schema, noise=ZeroNoise())
    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    _, parts = private_table(make("dp-independent"), tmp_path / "t.parquet", schema, noise=ZeroNoise())
    assert all((parts._columns[name] == codes).all() for name, codes in whole._columns.items())
    assert len(make("dp-independent").fit(tmp_path / "empty.parquet", schema).sample(3, seed=0)) == 3
    paid = make("dp-independent", discover=True, binning="quantiles")
    open_schema = schema_of(PER_PERSON, sex={"type": "categorical"})
    assert transcript_of(paid.fit(tmp_path / "t.parquet", open_schema)).discoveries
    with pytest.raises(DataError, match="no Parquet file"):
        make("dp-independent").fit(tmp_path / "nowhere.parquet", schema)


def test_a_look_at_one_column_reads_that_one_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding bins of a hundred columns does not read each a hundred times; rows are those that stay."""
    from tabsynth.dp import reading
    from tabsynth.dp.release_plan import ReleasePlan

    schema = schema_of(PER_PERSON)
    table = pd.concat([ward(50), ward(50), ward(50)], ignore_index=True)
    table["age"] = np.arange(len(table)) % 100
    table.to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    plan = ReleasePlan(make("dp-independent"), schema, "t")
    rows = reading.PrivateRows(
        tmp_path / "t.parquet", plan.table, plan.unit, derivation=plan.derivation, noise=ZeroNoise()
    )
    asked: list[list[str]] = []
    parts = type(rows._source).parts
    monkeypatch.setattr(type(rows._source), "parts", lambda source, names: asked.append(names) or parts(source, names))
    ages = rows.column("age").array
    assert asked == [["age"]]
    codes = rows.codes(plan.domain({}))["age"]
    assert (plan.domain({}).codes["age"].encode(rows.column("age")) == codes).all() and len(ages) == len(codes) < 150


def test_the_row_count_may_be_public() -> None:
    """Then it costs nothing; otherwise it comes with noise."""
    declared = no_privacy(schema_of(), public_rows=40)
    model = make("dp-independent").fit(ward(), declared)
    assert model.n_rows_fitted == 40 and not transcript_of(model).row_counts
    counts = {make("dp-independent").fit(ward(400), schema_of()).n_rows_fitted for _ in range(4)}  # 0 is 8 sigma away
    assert len(counts) > 1


def test_a_budget_in_the_schema_makes_privacy_the_default(tmp_path: Path) -> None:
    """Without a named generator, fit is private; naming another one is allowed, with a warning."""
    schema = schema_of()
    assert default_generator(schema).startswith("dp-")
    assert default_generator(no_privacy(schema, epsilon=None)) == "auto"
    assert fit(ward(), schema, parameters={"ledger": "none"}).generator.private
    with pytest.warns(TabsynthWarning, match="no guarantee"):
        fit(ward(), schema, generator="independent")


def test_a_certificate_says_what_is_claimed(tmp_path: Path) -> None:
    """Numbers of the claim follow from the transcript; the page shows them; test noise is stamped."""
    model = make("dp-mst").fit(ward(200), schema_of(PER_PERSON))
    model.save(tmp_path / "m")
    made = build_certificate(model, file=tmp_path / "m", rows=50)
    assert made.claim.epsilon == 1.0 and made.claim.secure
    assert abs(made.claim.odds_factor - np.e) < 1e-9
    assert 0 < made.claim.advantage < (np.e - 1) / (np.e + 1)
    assert abs(sum(cost.rho for cost in made.costs) - made.claim.rho) < 1e-12
    alone = make("dp-independent").fit(ward(200), schema_of(PER_PERSON))
    alone.save(tmp_path / "a")
    exact = build_certificate(alone, file=tmp_path / "a", rows=5)
    assert exact.claim.advantage < 0.85 * made.claim.advantage, "all of it is Gaussian noise, whose curve is known"
    assert any("exact curve" in line for line in exact.composition)
    assert not any("exact curve" in line for line in made.composition)
    for parameters in ({"binning": "quantiles"}, {"discover": True}):
        opened = schema_of(PER_PERSON, **({"sex": {"type": "categorical"}} if "discover" in parameters else {}))
        found = make("dp-independent", **parameters).fit(ward(200), opened)
        assert gaussian_mu(transcript_of(found)) is None, "shares of the budget depend on what was found"
    chosen = make("dp-auto", epsilon=0.01).fit(ward(200), schema_of(PER_PERSON))
    assert gaussian_mu(transcript_of(chosen)) is None and not transcript_of(chosen).selections
    page = render_certificate(made)
    assert "INSECURE" not in page and "one person" in page and "No ledger was kept" in page

    insecure = release(make("dp-mst"), ward(200), schema_of(), noise=NoiseSource.insecure(1))
    insecure.save(tmp_path / "i")
    write_certificate(insecure, tmp_path / "i", tmp_path, rows=5)
    assert "INSECURE" in (tmp_path / "certificate.html").read_text()
    assert json.loads((tmp_path / "certificate.json").read_text())["claim"]["secure"] is False

    with pytest.raises(UsageError, match="no guarantee"):
        plain = ts.Independent().fit(ward(), no_privacy(schema_of()), seed=0)
        plain.save(tmp_path / "p")
        build_certificate(plain, file=tmp_path / "p")


def test_an_understated_cost_is_refused(tmp_path: Path) -> None:
    """A transcript whose events claim to cost less than their noise says is not certified."""
    from dataclasses import replace

    model = make("dp-independent").fit(ward(200), schema_of())
    model.save(tmp_path / "m")
    events = transcript_of(model).events
    events[-1] = replace(events[-1], rho=events[-1].rho / 2)
    with pytest.raises(ArtifactError, match="less than its noise"):
        build_certificate(model, file=tmp_path / "m")


@each
def test_a_plan_needs_no_data(name: str) -> None:
    """Errors fall with the budget, by about as much as it grows."""
    made = forecast(make(name), schema_of(PER_PERSON), rows=10_000, epsilons=[0.1, 1.0, 10.0], table_name="t")
    errors = [one.mean_column for one in made]
    assert errors[0] > 5 * errors[1] > 20 * errors[2] > 0
    trained = GENERATORS[name].trains
    assert all(len(one.columns) == 6 and len(one.pairs) == (0 if trained else 15) for one in made)
    assert all(("cannot be forecast" in one.note) == trained for one in made)


def test_a_plan_meets_what_happens() -> None:
    """The forecast error of a column is that of real releases, on average."""
    table, schema = ward(5000), schema_of()
    expected = {
        c.column: c.error
        for c in forecast(make("dp-independent"), schema, rows=5000, epsilons=[1.0], table_name="t")[0].columns
    }
    found = []
    for _ in range(40):  # a mean that is known to 6 %: what is allowed below is six standard errors
        counts = next(
            event.counts
            for event in transcript_of(make("dp-independent").fit(table, schema)).measurements
            if event.clique == ("stage",)
        )
        exact = np.array([(table["stage"] == s).sum() for s in ("I", "II", "III")] + [0])
        found.append(np.abs(counts - exact).sum() / 2 / 5000)
    assert abs(np.mean(found) / expected["stage"] - 1) < 0.35


def test_a_private_run_keeps_the_report_inside(tmp_path: Path) -> None:
    """The release lies at the top with its certificate; what was measured against real rows is marked and apart."""
    from tabsynth.pipeline import run

    ward(300).to_csv(tmp_path / "t.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TabsynthWarning)
        where = (tmp_path / "t.csv", tmp_path / "out")
        result = run(schema_of(), *where, parameters={"ledger": "none"}, seed=1, rows=100, pdf=False)
    assert not (tmp_path / "out" / "report.html").exists()
    assert result.report.parent.name == "internal" and "not for release" in result.report.read_text()
    manifest = json.loads(result.manifest.read_text())
    assert manifest["n_rows"] == {"synthetic": 100} and "verdict" not in manifest
    assert set(manifest["sha256"]) == {"synthetic.csv", "model.tabsynth", "certificate.json", "certificate.html"}


def test_a_report_that_fails_does_not_cost_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget is spent by then: rows, model and certificate are there, and a note says what is not."""
    from tabsynth import pipeline

    def broken(**_: object) -> None:
        raise ValueError("a cell of somebody")

    monkeypatch.setattr(pipeline, "evaluate", broken)
    ward(300).to_csv(tmp_path / "t.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TabsynthWarning)
        result = pipeline.run(
            schema_of(), tmp_path / "t.csv", tmp_path / "out", parameters={"ledger": "none"}, rows=50, pdf=False
        )
    made = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"synthetic.csv", "model.tabsynth", "certificate.json", "manifest.json"} <= made
    assert result.verdict is None and any("no internal report" in note for note in result.notes)
    assert not any("somebody" in note for note in result.notes)
