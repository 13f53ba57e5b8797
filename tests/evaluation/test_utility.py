"""Utility: what keeps the dependence keeps the skill, what loses it is found, and little data decides nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from tabsynth.evaluation.base import Findings, Result, Verdict, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.skill import measure_skill, resampled
from tabsynth.evaluation.tasks import Task, choose_targets, make_task
from tabsynth.evaluation.utility import TrainOnSynthetic, UtilityScores
from tabsynth.evaluation.utility_agreement import FeatureImportance, ImportanceScores, ModelRanking, RankingScores
from tabsynth.evaluation.utility_global import ColumnSkills, GlobalUtility
from tabsynth.evaluation.utility_queries import QueryError, QueryScores
from tabsynth.schema.columns import Categorical, Column, Identifier, Integer, Number, Role
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames, shuffled

METRICS = (TrainOnSynthetic, ModelRanking, FeatureImportance, GlobalUtility, QueryError)
COLUMNS: dict[str, Column] = {
    "ill": Categorical(role=Role.TARGET),
    "cost": Number(decimals=2, role=Role.TARGET),
    "dose": Number(decimals=2),
    "age": Integer(),
    "ward": Categorical(),
    "noise": Number(decimals=3),
}
TABLE = Table(columns=COLUMNS)


def patients(n_rows: int, seed: int) -> pd.DataFrame:
    """An illness and a cost that hang on dose, age and ward; one column of noise."""
    rng = np.random.default_rng(seed)
    dose, age, ward = rng.normal(size=n_rows), rng.integers(20, 90, n_rows), rng.integers(0, 3, n_rows)
    risk = 1.5 * dose + 0.04 * (age - 55) + np.array([0.0, 1.0, -1.0])[ward]
    return pd.DataFrame(
        {
            "ill": np.where(rng.random(n_rows) < 1 / (1 + np.exp(-risk)), "yes", "no"),
            "cost": (100 + 20 * risk + rng.normal(0, 15, n_rows)).round(2),
            "dose": dose.round(2),
            "age": age,
            "ward": np.array(["a", "b", "c"])[ward],
            "noise": rng.normal(size=n_rows).round(3),
        }
    )


def compared(synthetic: pd.DataFrame, *, table: Table = TABLE, n_holdout: int = 1_500, seed: int = 0) -> Comparison:
    """Against 1,500 rows of train."""
    return compare_frames(patients(1_500, 0), patients(n_holdout, 1), synthetic, table, seed=seed)


def judged(found: Findings) -> Result:
    """The first result under the default policy."""
    first = found.results[0]
    return next(item for item in load_policy().judge([first]) if item.metric == first.metric)


def test_fresh_rows_lose_nothing_and_independent_columns_lose_everything() -> None:
    """Another sample passes where it can be decided; without dependence every limit on utility is broken."""
    fresh, lost = compared(patients(1_500, 2)), compared(shuffled(patients(1_500, 2)))
    for metric in METRICS:
        good, bad = (judged(metric().measure(part, level=0.95)) for part in (fresh, lost))
        assert good.verdict is not Verdict.FAIL, metric.name
        if metric in (TrainOnSynthetic, GlobalUtility, QueryError):
            assert bad.verdict is Verdict.FAIL, metric.name
    assert judged(TrainOnSynthetic().measure(fresh, level=0.95)).verdict is Verdict.PASS
    assert judged(GlobalUtility().measure(fresh, level=0.95)).verdict is Verdict.PASS


def test_the_training_rows_themselves_reach_the_reference() -> None:
    """What learns from the same rows, by the same seed, is the same model."""
    comparison = compared(patients(1_500, 0))
    for metric in (TrainOnSynthetic, GlobalUtility):
        result = metric().measure(comparison, level=0.95).results[0]
        assert result.value == pytest.approx(result.reference)
    assert ModelRanking().measure(comparison, level=0.95).results[0].value == pytest.approx(1.0)
    assert FeatureImportance().measure(comparison, level=0.95).results[0].value == pytest.approx(1.0)


def test_targets_are_those_of_the_schema_then_the_most_dependent() -> None:
    """The role target goes before sensitive; without either, the rule avoids the column of noise."""
    comparison = compared(patients(200, 2))
    assert choose_targets(comparison)[0] == ("ill", "cost")
    secret = Table(columns={**COLUMNS, "ill": Categorical(), "cost": Number(), "age": Integer(role=Role.SENSITIVE)})
    assert choose_targets(compared(patients(200, 2), table=secret))[0] == ("age",)
    plain = Table(columns={name: kind.model_copy(update={"role": Role.NONE}) for name, kind in COLUMNS.items()})
    chosen, words = choose_targets(compared(patients(200, 2), table=plain))
    assert "noise" not in chosen
    assert "cost" in chosen
    assert "no target" in words


def test_details_hold_what_the_charts_show() -> None:
    """Three families for each target, eight settings, every feature, every column, three tables of queries."""
    comparison = compared(patients(600, 2))
    details = [metric().measure(comparison, level=0.95).detail for metric in METRICS]
    models, ranking, importance, whole, queries = details
    assert isinstance(models, UtilityScores)
    assert [item.target for item in models.targets] == ["ill", "cost"]
    assert {len(item.families) for item in models.targets} == {3}
    assert isinstance(ranking, RankingScores)
    assert len(ranking.settings) == 8
    assert isinstance(importance, ImportanceScores)
    assert importance.columns[0] in ("dose", "cost")
    assert isinstance(whole, ColumnSkills)
    assert len(whole.columns) == len(COLUMNS)
    assert isinstance(queries, QueryScores)
    assert [item.table for item in queries.tables] == ["synthetic", "holdout", "naive"]


def test_one_class_in_the_synthetic_rows_is_a_finding() -> None:
    """Nothing can be learned from it: skill 0 for that target, said in a note, and a broken limit."""
    result = judged(TrainOnSynthetic().measure(compared(patients(1_500, 2).assign(ill="no")), level=0.95))
    assert any("fewer than two values of ill" in note for note in result.notes)
    assert result.verdict is Verdict.FAIL
    gone = judged(TrainOnSynthetic().measure(compared(patients(1_500, 2).assign(ill=None)), level=0.95))
    assert gone.verdict is Verdict.FAIL


def test_one_class_in_train_is_no_task() -> None:
    """A target that holds one value is named and left out; if it is the only one, nothing is judged."""
    train = patients(300, 0).assign(ill="no")
    comparison = compare_frames(train, train, train, TABLE)
    assert make_task(comparison, "ill") is None
    result = TrainOnSynthetic().measure(comparison, level=0.95).results[0]
    assert any("ill holds one value" in note for note in result.notes)
    only = Table(columns={**COLUMNS, "cost": Number()})
    nothing = TrainOnSynthetic().measure(compare_frames(train, train, train, only), level=0.95).results[0]
    assert (nothing.value, nothing.verdict) == (None, Verdict.INFO)


def test_twenty_rows_are_insufficient_evidence() -> None:
    """No model is learned from so few; the limits stay open."""
    few = compare_frames(patients(20, 0), patients(20, 1), patients(20, 2), TABLE)
    for metric in (TrainOnSynthetic, ModelRanking, FeatureImportance, GlobalUtility):
        assert metric().measure(few, level=0.95).results[0].verdict is Verdict.INSUFFICIENT
    assert judged(QueryError().measure(few, level=0.95)).verdict is not Verdict.PASS


def test_wide_tables_learn_from_fewer_rows_and_say_so() -> None:
    """120 columns: fewer rows, a part of the columns, no error."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(900, 1))
    frame = pd.DataFrame((hidden + rng.normal(size=(900, 120))).round(2), columns=[f"c{n}" for n in range(120)])
    table = Table(columns={name: Number() for name in frame.columns})
    comparison = compare_frames(frame.iloc[:300], frame.iloc[300:600], frame.iloc[600:], table)
    whole = run_metric(GlobalUtility(), comparison, level=0.95).results[0]
    assert whole.error is None
    assert "30 of 120 columns" in whole.notes[1]


def test_people_with_several_rows_widen_the_interval() -> None:
    """Ten copies of each holdout row, of one person, tell no more than one."""
    table = Table(columns={"id": Identifier(), **COLUMNS}, entity_key="id")
    train, holdout, rows = (patients(400, seed).assign(id=[f"{seed}-{n}" for n in range(400)]) for seed in range(3))
    widths = []
    for part in (holdout, pd.concat([holdout] * 5, ignore_index=True)):
        result = TrainOnSynthetic().measure(compare_frames(train, part, rows, table), level=0.95).results[0]
        assert result.interval is not None
        widths.append(result.interval.high - result.interval.low)
        assert result.n == 400
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


def test_skill_is_the_textbook_number_and_its_influence_has_the_right_spread() -> None:
    """2 AUC - 1 and R² as in scikit-learn; standard errors as the bootstrap finds them."""
    rng = np.random.default_rng(0)
    labels = (rng.random(600) < 0.3).astype(float)
    scores = np.clip(0.3 * labels + rng.random(600) * 0.7, 0, 1)
    task = Task("t", ("f",), np.array([0.0, 1.0]), False)
    both = np.column_stack([1 - scores, scores])
    skill = measure_skill(task, both, labels)
    assert skill.value == pytest.approx(2 * roc_auc_score(labels, scores) - 1)
    drawn = [rng.integers(0, 600, 600) for _ in range(400)]
    boot = [2 * roc_auc_score(labels[rows], scores[rows]) - 1 for rows in drawn]
    moved = resampled(skill.influence[:, None], np.arange(600), np.random.default_rng(1), 400)
    assert skill.influence.mean() == pytest.approx(0, abs=1e-12)
    assert moved.std() == pytest.approx(np.std(boot), rel=0.15)
    truth = rng.normal(size=600)
    guess = truth + rng.normal(size=600)
    number = measure_skill(Task("t", ("f",), np.empty(0), False), guess, truth)
    assert number.value == pytest.approx(r2_score(truth, guess))
    boot = [r2_score(truth[rows], guess[rows]) for rows in drawn]
    assert number.influence.std() / np.sqrt(600) == pytest.approx(np.std(boot), rel=0.15)


def test_queries_know_sampling_noise() -> None:
    """A sample of the same people is as wrong as the holdout; a column moved by half its spread is worse."""
    fresh = QueryError().measure(compared(patients(1_500, 2)), level=0.95).results[0]
    moved = (
        QueryError().measure(compared(patients(1_500, 2).assign(cost=lambda t: t["cost"] + 20)), level=0.95).results[0]
    )
    assert fresh.judged is not None
    assert fresh.judged.interval is not None
    assert fresh.judged.interval.low < 0 < fresh.judged.interval.high
    assert moved.judged is not None
    assert moved.judged.value > 0.05


def test_notes_say_what_intervals_leave_out(mixed_table: MixedTable) -> None:
    """An interval of utility is about one fit, and says so."""
    comparison = compare_frames(mixed_table(300), mixed_table(200, seed=1), mixed_table(300, seed=2), MIXED)
    for metric in (GlobalUtility, TrainOnSynthetic):
        [note] = [
            note for note in metric().measure(comparison, level=0.95).results[0].notes if "refit variance" in note
        ]
        assert "another fit of the generator" in note


def test_a_rare_class_that_cannot_be_tested_is_no_pass() -> None:
    """Four cases among the test rows tell no model from another: insufficient evidence, whatever the rows are."""
    rng = np.random.default_rng(0)

    def cases(n_rows: int, n_cases: int) -> pd.DataFrame:
        ill = np.arange(n_rows) < n_cases
        return pd.DataFrame({"ill": np.where(ill, "yes", "no"), "dose": (rng.normal(size=n_rows) + 5 * ill).round(2)})

    table = Table(columns={"ill": COLUMNS["ill"], "dose": COLUMNS["dose"]})
    made = cases(1_000, 20).assign(dose=0.0)
    for metric in (TrainOnSynthetic, ModelRanking):
        result = judged(metric().measure(compare_frames(cases(1_000, 20), cases(300, 4), made, table), level=0.95))
        assert (result.value, result.verdict) == (None, Verdict.INSUFFICIENT)


def test_columns_that_nothing_predicts_are_not_judged() -> None:
    """Where real rows predict nothing, another real sample breaks no limit on the share of their skill."""
    rng = np.random.default_rng(0)
    table = Table(columns={"a": Number(decimals=2), "b": Categorical(), "c": Integer()})
    parts = [
        pd.DataFrame({"a": rng.normal(size=n).round(2), "b": rng.choice(list("xyz"), n), "c": rng.integers(0, 50, n)})
        for n in (2_000, 2_000, 2_000)
    ]
    found = GlobalUtility().measure(compare_frames(*parts, table), level=0.95)
    result = judged(found)
    assert (result.value, result.verdict) == (None, Verdict.INFO)
    assert isinstance(found.detail, ColumnSkills)
