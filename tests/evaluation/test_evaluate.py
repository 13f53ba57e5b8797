"""The evaluation as a whole: small, wide, empty and odd tables; failures that stay where they happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.errors import DataError, UsageError
from tabsynth.evaluation.base import Family, Findings, Metric, Verdict, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.policy import parse_policy
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames, evaluate_frames


def test_every_number_has_its_company(mixed_table: MixedTable) -> None:
    """Each judged result carries interval, rows, reference, and baseline where there is one; and its time."""
    found = evaluate_frames(mixed_table(400), mixed_table(300, seed=1), mixed_table(300, seed=2), MIXED)
    for result in found.results:
        if result.subject or result.value is None or result.metric == "schema-violations":
            continue
        assert result.interval is not None, result.metric
        assert result.n > 0, result.metric
        assert result.reference is not None, result.metric
        assert result.baseline is not None or result.unit == "count", result.metric
        assert result.question.rstrip(")").endswith(("?", "judged")), result.metric
    assert found.result("detection").seconds > 0


def test_the_same_seed_gives_the_same_numbers(mixed_table: MixedTable) -> None:
    """Two runs are equal in everything but the time they took; another seed draws other rows."""
    parts = mixed_table(300), mixed_table(100, seed=1), mixed_table(250, seed=2)
    first, again, other = (_timeless(evaluate_frames(*parts, MIXED, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


def _timeless(evaluation: Any) -> dict[str, Any]:
    data: dict[str, Any] = evaluation.model_dump()
    for result in data["results"]:
        result["seconds"] = 0.0
    return data


def test_thirty_rows_are_insufficient_evidence(mixed_table: MixedTable) -> None:
    """A tiny table works; no limit on a distribution is called kept, and none is called broken."""
    synthetic = mixed_table(30, seed=2).assign(record="invented")
    found = evaluate_frames(mixed_table(30), mixed_table(8, seed=1), synthetic, MIXED)
    assert found.verdict is Verdict.INSUFFICIENT
    judged = {result.metric: result.verdict for result in found.results if result.clause and not result.subject}
    for metric in ("column-similarity", "pair-similarity", "association", "detection", "exact-copies"):
        assert judged[metric] is Verdict.INSUFFICIENT, metric


def test_odd_tables_work() -> None:
    """All-missing, constant and unseen values, names of markup and of Python words: numbers or reasons, no crash."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "empty": pd.Series([None] * n, dtype=object),
            "constant": [7] * n,
            "<script>alert(1)</script>": rng.normal(size=n),
            "target": rng.choice(["x", "y"], n),
            "train": pd.date_range("1700-01-01", periods=n, freq="D").astype("datetime64[us]"),
        }
    )
    table = Table(
        columns={
            "empty": Categorical(),
            "constant": Integer(),
            "<script>alert(1)</script>": Number(),
            "target": Categorical(),
            "train": DateTime(),
        }
    )
    odd = frame.assign(target="never seen", constant=8, empty="now there")
    for synthetic in (frame, odd):
        found = evaluate_frames(frame, frame.iloc[::-1], synthetic, table)
        assert [result.error for result in found.results if result.error] == []
    assert found.result("column-similarity", "target").value == 0.0
    assert found.result("column-similarity", "constant").value == 0.0
    assert found.result("column-similarity", "empty").value == 0.0


def test_a_wide_table_works_and_says_what_was_left_out() -> None:
    """300 columns: the pairs are thinned out, and the note says so."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{n}": rng.normal(size=90).round(2) for n in range(300)})
    table = Table(columns={name: Number() for name in frame.columns})
    quick = ["column-similarity", "pair-similarity", "association", "exact-copies", "near-copies"]
    found = evaluate_frames(frame.iloc[:30], frame.iloc[30:60], frame.iloc[60:], table, metrics=quick)
    assert [result.error for result in found.results if result.error] == []
    assert "1,000 of 44,850 pairs" in found.result("pair-similarity").notes[0]


def test_a_table_of_keys_and_text_has_no_distributions() -> None:
    """Metrics that do not apply say so; those that do are measured."""
    table = Table(columns={"key": Identifier(), "note": Text()})
    frame = pd.DataFrame({"key": ["a", "b", "c"], "note": ["some words", "other words", "last words"]})
    found = evaluate_frames(frame, frame, frame.assign(key=["d", "e", "f"], note="invented"), table)
    assert [result.error for result in found.results if result.error] == []
    assert found.result("column-similarity").value is None
    assert "no modelled columns" in found.result("column-similarity").notes[0]
    assert found.result("identifier-reuse").verdict is Verdict.PASS
    assert found.verdict is Verdict.PASS


def test_another_schema_is_refused(mixed_table: MixedTable) -> None:
    """A holdout without the columns is an error before anything is measured."""
    with pytest.raises(DataError, match="holdout: lacks columns"):
        evaluate_frames(mixed_table(20), pd.DataFrame({"x": [1]}), mixed_table(20), MIXED)


def test_an_unknown_metric_is_refused(mixed_table: MixedTable) -> None:
    """The message lists the metrics there are."""
    with pytest.raises(UsageError, match="did you mean 'detection'"):
        evaluate_frames(mixed_table(20), mixed_table(20), mixed_table(20), MIXED, metrics=["detecton"])


def test_rules_that_nobody_checked_are_not_kept(mixed_table: MixedTable) -> None:
    """Without counts of violations the limit on them is undecided."""
    from tabsynth.evaluation import evaluate_typed

    comparison = compare_frames(mixed_table(30), mixed_table(30, seed=1), mixed_table(30, seed=2), MIXED)
    typed = [comparison.typed[which] for which in ("train", "holdout", "synthetic")]
    found = evaluate_typed(*typed, MIXED, metrics=["schema-violations"])
    assert found.result("schema-violations").verdict is Verdict.INSUFFICIENT


def test_one_violation_breaks_the_limit(mixed_table: MixedTable) -> None:
    """Violations are counted over all rules; one is too many."""
    from tabsynth.evaluation import evaluate_typed

    comparison = compare_frames(mixed_table(30), mixed_table(30, seed=1), mixed_table(30, seed=2), MIXED)
    typed = [comparison.typed[which] for which in ("train", "holdout", "synthetic")]
    found = evaluate_typed(*typed, MIXED, metrics=["schema-violations"], violations={"age: range": 1, "key": 0})
    result = found.result("schema-violations")
    assert (result.value, result.verdict, result.notes) == (1.0, Verdict.FAIL, ("age: range: 1",))


class Broken:
    """A metric that fails with a cell of the table in its message."""

    name = "broken"
    family = Family.FIDELITY
    question = "Does it work?"
    better = "higher"
    unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Fail."""
        raise ValueError("could not convert 'Ada Lovelace' to float")


def test_a_failing_metric_is_a_result_that_tells_no_cell(mixed_table: MixedTable) -> None:
    """The error is named by type and place; its message, which may hold a cell, is not repeated."""
    comparison = compare_frames(mixed_table(30), mixed_table(30, seed=1), mixed_table(30, seed=2), MIXED)
    metric: Metric = Broken()  # type: ignore[assignment]
    [result] = run_metric(metric, comparison, level=0.95).results
    assert result.value is None
    assert result.verdict is Verdict.INSUFFICIENT
    assert result.error is not None
    assert "ValueError" in result.error
    assert "Ada" not in result.model_dump_json()


def test_confidence_widens_the_interval(mixed_table: MixedTable) -> None:
    """The level of a clause is the level of its metric's interval."""
    text = (
        "name: p\ndescription: d\nclauses:\n- {name: a, metric: column-similarity, direction: at least, limit: 0.9, "
        "confidence: LEVEL, source: s, rationale: r}"
    )
    widths = []
    for level in ("0.8", "0.99"):
        policy = parse_policy(text.replace("LEVEL", level), name="p")
        parts = mixed_table(400), mixed_table(300, seed=1), mixed_table(300, seed=2)
        found = evaluate_frames(*parts, MIXED, metrics=["column-similarity"], policy=policy)
        interval = found.result("column-similarity").interval
        assert interval is not None
        assert interval.level == float(level)
        widths.append(interval.high - interval.low)
    assert widths[1] > 1.5 * widths[0]


def test_people_with_several_rows_are_warned_about(mixed_table: MixedTable) -> None:
    """Where the schema names people and they have several rows, the evaluation says which intervals are too narrow."""
    table = MIXED.model_copy(update={"entity_key": "record"})
    once = [mixed_table(60, seed=seed).assign(record=[f"{seed}-{n}" for n in range(60)]) for seed in range(3)]
    twice = [pd.concat([frame, frame], ignore_index=True) for frame in once]
    assert evaluate_frames(*once, table, metrics=["column-similarity"]).warnings == ()
    [warning] = evaluate_frames(*twice, table, metrics=["column-similarity"]).warnings
    assert "several rows" in warning
