"""Bad and odd input of `evaluate`: a finding or a named error, never a crash and never a silent skip."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import DataError
from tabsynth.evaluation.base import Verdict
from tabsynth.report.build import Report
from tabsynth.schema.columns import Categorical, Column, Identifier, Integer, Number, Role
from tabsynth.schema.model import Schema, Table

MARKUP = "<script>alert(1)</script>"
COLUMNS: dict[str, Column] = {
    "target": Categorical(role=Role.TARGET),
    MARKUP: Number(decimals=2),
    "size": Integer(),
    "empty": Categorical(),
}
SCHEMA = Schema(tables={"t": Table(columns=COLUMNS)})


def rows(seed: int, n_rows: int = 150) -> pd.DataFrame:
    """Rows of a class that numbers tell, and a column without a value."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_rows)
    return pd.DataFrame(
        {
            "target": np.array(["no", "yes"])[kind],
            MARKUP: (rng.normal(size=n_rows) + 2 * kind).round(2),
            "size": rng.poisson(20, n_rows),
            "empty": pd.Series([None] * n_rows, dtype=object),
        }
    )


def judged(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, level: str = "quick") -> Report:
    """A report; no metric failed, and the page can be made."""
    asked = {"train": train, "holdout": holdout, "synthetic": synthetic, "schema": SCHEMA}
    report = ts.evaluate(**asked, level=level)  # type: ignore[arg-type]
    assert [(result.metric, result.error) for result in report.evaluation.results if result.error] == []
    return report


def test_twenty_rows_decide_nothing_and_all_is_answered() -> None:
    """At standard level every limit has a verdict, and those of attacks and models ask for more rows."""
    report = judged(rows(0, 20), rows(1, 20), rows(2, 20), "standard")
    verdicts = {limit.clause.metric: limit.result.verdict for limit in report.limits}
    for metric in ("membership", "train-on-synthetic", "detection", "column-similarity", "exact-copies"):
        assert verdicts[metric] is Verdict.INSUFFICIENT, metric
    assert Verdict.FAIL not in verdicts.values()


def test_one_class_is_a_finding() -> None:
    """A class that train lacks cannot be learned: said so; one that only the synthetic rows lack is lost."""
    one = [rows(seed).assign(target="yes") for seed in range(3)]
    report = judged(*one, "standard")
    told = report.evaluation.result("train-on-synthetic")
    assert told.value is None or "target" not in " ".join(told.notes[:1])
    assert told.verdict is not Verdict.PASS
    lost = judged(rows(0), rows(1), one[2], "standard").evaluation
    assert lost.result("column-similarity", "target").value == pytest.approx(0.5, abs=0.12)
    assert lost.result("train-on-synthetic").verdict is not Verdict.PASS


def test_a_target_that_the_synthetic_table_lacks_is_an_error() -> None:
    """Named, with the remedy, before anything is measured."""
    with pytest.raises(DataError, match="synthetic: lacks columns of the schema: target; add them"):
        judged(rows(0), rows(1), rows(2).drop(columns="target"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.drop(columns="size"), "size"),
        (lambda frame: frame.rename(columns={"size": "length"}), "size"),
        (lambda frame: frame.assign(size="long"), "size"),
    ],
)
def test_a_holdout_of_another_schema_is_an_error(change: Callable[[pd.DataFrame], pd.DataFrame], says: str) -> None:
    """A column that is absent, has another name or another kind is named; no value is."""
    with pytest.raises(DataError, match=says) as caught:
        judged(rows(0), change(rows(1)), rows(2))
    assert "holdout" in str(caught.value)
    assert "long" not in str(caught.value)


def test_unseen_categories_are_findings() -> None:
    """A category that no real row has is counted, also where models must read it."""
    odd = rows(2).assign(target=np.where(np.arange(150) < 50, "maybe", "no"))
    found = judged(rows(0), rows(1), odd, "standard").evaluation
    assert found.result("invented-categories").verdict is Verdict.FAIL
    assert "maybe" not in found.model_dump_json()


def test_columns_without_a_value_and_names_of_markup_are_harmless() -> None:
    """An empty column counts as equal; a name that is markup is text in the page."""
    report = judged(rows(0), rows(1), rows(2))
    assert report.evaluation.result("column-similarity", "empty").value == 1.0
    from tabsynth.report.render import render_html

    page = render_html(report)
    assert MARKUP not in page
    assert "&lt;script&gt;" in page


def test_a_holdout_that_overlaps_train_is_told_first() -> None:
    """The warning leads the report, with the share of rows and where it comes from; so for every part."""
    train = rows(0)
    report = judged(train, train.iloc[:120].reset_index(drop=True), rows(2))
    assert "100% of the holdout rows are identical to a training row" in report.warnings[0]
    schema = Schema(tables={"t": Table(columns={"who": Identifier(), "size": Integer()}, entity_key="who")})
    parts = [pd.DataFrame({"who": [f"{n}" for n in range(n, n + 60)], "size": range(n, n + 60)}) for n in (0, 50, 100)]
    parts[2]["who"] = [f"new {n}" for n in range(60)]
    found = ts.evaluate(train=parts[0], holdout=parts[1], synthetic=parts[2], schema=schema, level="quick")
    assert any("10 people have rows in both train and holdout" in text for text in found.warnings)


def test_three_hundred_columns_at_quick_level() -> None:
    """Nothing fails, what was left out is said, and it takes seconds."""
    rng = np.random.default_rng(0)
    names = [f"c{n}" for n in range(300)]
    frames = [pd.DataFrame(rng.normal(size=(200, 300)).round(1), columns=names) for _ in range(3)]
    schema = Schema(tables={"t": Table(columns={name: Number() for name in names})})
    started = time.process_time()
    report = ts.evaluate(train=frames[0], holdout=frames[1], synthetic=frames[2], schema=schema, level="quick")
    assert time.process_time() - started < 90  # about 10; far more than 100 where all pairs are compared
    assert [result.error for result in report.evaluation.results if result.error] == []
    assert "1,000 of 44,850 pairs" in report.evaluation.result("pair-similarity").notes[0]


@pytest.mark.nightly
def test_three_hundred_columns_at_standard_level() -> None:
    """Models and attacks, too."""
    rng = np.random.default_rng(0)
    names = [f"c{n}" for n in range(300)]
    frames = [pd.DataFrame(rng.normal(size=(300, 300)).round(1), columns=names) for _ in range(3)]
    schema = Schema(tables={"t": Table(columns={name: Number() for name in names})})
    report = ts.evaluate(train=frames[0], holdout=frames[1], synthetic=frames[2], schema=schema)
    assert [(result.metric, result.error) for result in report.evaluation.results if result.error] == []


@pytest.mark.nightly
def test_a_million_rows_are_sampled_and_it_is_said() -> None:
    """Distances, models and distributions read a part of the rows, and the notes say how many."""
    rng = np.random.default_rng(0)
    n = 1_000_000

    def table(n_rows: int) -> pd.DataFrame:
        kind = rng.integers(0, 4, n_rows)
        return pd.DataFrame({"a": (rng.normal(size=n_rows) + kind).round(2), "b": np.array(list("wxyz"))[kind]})

    schema = Schema(tables={"t": Table(columns={"a": Number(decimals=2), "b": Categorical(role=Role.TARGET)})})
    report = ts.evaluate(train=table(n), holdout=table(200_000), synthetic=table(n), schema=schema)
    found = report.evaluation
    assert [(result.metric, result.error) for result in found.results if result.error] == []
    assert found.n_compared == 20_000
    assert "20,000 rows each" in " ".join(found.result("digits").notes)
    assert "were drawn at random" in " ".join(found.result("membership").notes)
    assert "rows to learn from" in " ".join(found.result("train-on-synthetic").notes)


def test_a_column_beside_the_schema_is_a_violation() -> None:
    """A release with a column that the schema lacks breaks the contract in every row: here it holds the real keys."""
    schema = Schema(tables={"t": Table(columns={"who": Identifier(), "size": Integer()})})
    parts = [pd.DataFrame({"who": [f"{n}" for n in range(n, n + 60)], "size": range(n, n + 60)}) for n in (0, 100, 200)]
    odd = parts[2].assign(key=parts[0]["who"].to_numpy())
    found = ts.evaluate(train=parts[0], holdout=parts[1], synthetic=odd, schema=schema, level="quick").evaluation
    result = found.result("schema-violations")
    assert (result.value, result.verdict) == (60, Verdict.FAIL)


@pytest.mark.parametrize("by_person", [False, True])
def test_a_holdout_of_the_training_people_passes_nothing(by_person: bool) -> None:
    """Where the holdout is train, or holds other rows of its people, a copy is no better than a stranger: no pass."""
    rng = np.random.default_rng(0)
    schema = Schema(tables={"t": Table(columns={"who": Identifier(), "x": Number(decimals=4)}, entity_key="who")})
    train, other, made = (pd.DataFrame({"who": range(1_000), "x": rng.normal(size=1_000).round(4)}) for _ in range(3))
    made = made.assign(who=made["who"] + 5_000)
    holdout = other if by_person else train.assign(who=train["who"] + 2_000)
    found = ts.evaluate(train=train, holdout=holdout, synthetic=made, schema=schema, level="quick").evaluation
    assert found.result("digits").verdict is Verdict.INSUFFICIENT
    assert "no table of strangers" in " ".join(found.result("digits").notes)
    assert found.result("identifier-reuse").verdict is Verdict.PASS  # leans on train alone
