"""The audit that users run: honest generators stay below their claims, broken ones above, and no ledger is touched."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.dp.audit import Worlds, audit_of
from tabsynth.dp.generator import PrivateGenerator
from tabsynth.dp.noise import NoiseSource
from tabsynth.errors import TabsynthError
from tabsynth.evaluation.base import DEEP, Verdict, run_metric
from tabsynth.evaluation.comparison import compare
from tabsynth.evaluation.epsilon_audit import EpsilonAudit, EpsilonScores, noticed_factor
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.recipe import Audit, Recipe
from tabsynth.refitting import recipe_of
from tabsynth.report.render import render_html
from tabsynth.schema.columns import Number
from tabsynth.schema.files import parse_schema
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.values import TypedTable, Values
from tests.dp.audits import PRIVATE, TRAINED, schema_of

PERSON = {"table": "t", "key": "person", "max_rows": 3}
UNITS = [pytest.param("row", id="row"), pytest.param(PERSON, id="person")]
AUDITED = ("dp-independent", pytest.param("dp-mst", marks=pytest.mark.nightly))


def made(name: str, epsilon: float = 9.0, **parameters: object) -> PrivateGenerator:
    """A private generator with a large claim, for which few runs are enough."""
    maker = ts.make_generator(name, {"epsilon": epsilon, "delta": 1e-6, **parameters})
    assert isinstance(maker, PrivateGenerator)
    return maker


def roomy(unit: object) -> Schema:
    """The ward, with a budget for large claims."""
    schema = schema_of(unit)
    assert schema.privacy is not None
    return schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"epsilon": 9.0})})


def judged(audit: Audit, n_runs: int) -> tuple[Verdict, EpsilonScores]:
    """Verdict under the default policy, and what was found."""
    rows = TypedTable({"x": Values(np.arange(50.0), np.zeros(50, bool))}, 50)
    comparison = compare(rows, rows, rows, Table(columns={"x": Number()}))
    comparison = replace(comparison, recipe=Recipe("dp", audit=audit, n_runs=n_runs))
    found = run_metric(EpsilonAudit(), comparison, level=0.95)
    assert isinstance(found.detail, EpsilonScores), found.results[0]
    result = next(r for r in load_policy().judge(found.results) if r.metric == "epsilon-audit")
    return result.verdict, found.detail


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", AUDITED)
def test_honest_generators_stay_below_their_claims(name: str, unit: object) -> None:
    """And a good part of the claim is proven, or the audit would be worth nothing."""
    verdict, found = judged(audit_of(made(name), roomy(unit), "t"), 100)
    assert verdict is Verdict.PASS
    assert 0.3 * found.exact < found.proven < found.claimed == 9.0


@pytest.mark.parametrize("name", AUDITED)
def test_half_of_the_noise_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mechanism whose noise is half of what it says proves more than it claims."""
    draw = NoiseSource.discrete_gaussian
    monkeypatch.setattr(
        NoiseSource,
        "discrete_gaussian",
        lambda self, scale_squared, size: draw(self, Fraction(scale_squared) / 4, size),
    )
    verdict, found = judged(audit_of(made(name), roomy("row"), "t"), 200)
    assert verdict is Verdict.FAIL
    assert found.proven > found.claimed


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly) if name in TRAINED else name for name in PRIVATE]
)
def test_every_private_generator_can_be_audited(name: str) -> None:
    """Evidence is a number that follows from the seed, and is larger with the unit than without."""
    worlds = Worlds(made(name), roomy(PERSON), "t", seed=3)
    few = 1 if worlds.plan.generator.trains else 12
    present, absent = ([worlds.evidence(there, run) for run in range(few)] for there in (True, False))
    assert np.isfinite(present).all() and np.isfinite(absent).all()
    assert present[0] == Worlds(made(name), roomy(PERSON), "t", seed=3).evidence(True, 0)
    if few > 1:
        assert np.mean(present) > np.mean(absent)


def test_no_ledger_is_charged_and_no_table_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger of the model stays byte for byte what it was, also through `ts.evaluate`."""
    monkeypatch.chdir(tmp_path)
    schema = roomy("row")
    table = pd.DataFrame(ts.mock(schema, rows=240, seed=0))
    maker = made("dp-independent", ledger="ward.ledger")
    model = maker.fit(table.iloc[:160], schema)
    before = (tmp_path / "ward.ledger").read_bytes()
    monkeypatch.setattr("tabsynth.dp.audit.RUNS", 60)
    monkeypatch.setattr("tabsynth.evaluation.base.metrics_of", lambda level: DEEP)
    report = ts.evaluate(
        train=table.iloc[:160],
        holdout=table.iloc[160:],
        synthetic=model.sample(160, seed=0),
        schema=schema,
        model=model,
        level="deep",
    )
    assert (tmp_path / "ward.ledger").read_bytes() == before
    found = report.evaluation.result("epsilon-audit")
    assert found.value is not None and found.n == 60
    assert "The attack proves at least" in render_html(report)
    shadow = report.evaluation.result("shadow-membership")
    assert shadow.value is None and "is private" in shadow.notes[0]
    assert "Attackers who train generators of their own to compare with (shadow models)." in report.not_tested


def test_a_schema_that_leaves_rows_open_is_an_error_that_says_so() -> None:
    """Without categories no rows can be invented; a table of one possible row has nothing to change."""
    open_ = parse_schema(
        "tables: {t: {columns: {a: {type: categorical, nullable: false}}}}\n"
        "privacy: {unit: row, epsilon: 9.0, delta: 1.0e-6}\nformat: 1",
        source="test",
    )
    with pytest.raises(TabsynthError, match="a"):
        audit_of(made("dp-independent", discover=True), open_, "t")
    model = made("dp-independent", discover=True, ledger="none").fit(pd.DataFrame({"a": ["x", "y"] * 20}), open_)
    recipe = recipe_of(model, pd.DataFrame(), pd.DataFrame(), open_, "t")
    assert recipe.audit is None and "a" in recipe.no_audit  # and the rest of the evaluation goes on
    one = parse_schema(
        "tables: {t: {columns: {a: {type: categorical, categories: [x], nullable: false}}}}\n"
        "privacy: {unit: row, epsilon: 9.0, delta: 1.0e-6}\nformat: 1",
        source="test",
    )
    with pytest.raises(TabsynthError, match="one row only"):
        audit_of(made("dp-independent"), one, "t")


def test_epsilon_one_is_within_the_usual_number_of_runs() -> None:
    """Half of the noise at epsilon 1 and delta 1e-9 would be noticed by 2,000 runs."""
    audit = audit_of(made("dp-independent", epsilon=1.0), schema_of("row"), "t")
    assert (noticed_factor(audit, 2_000, 0.95) or 99) < 2
