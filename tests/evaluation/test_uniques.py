"""Replicated uniques and DiSCO: counted as published, beyond what strangers show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Findings, Result, Verdict, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.uniques import DisclosiveCorrect, ReplicatedUniques
from tabsynth.schema.columns import Categorical, Identifier, Number, Role, Text
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

KEY, SECRET = Role.QUASI_IDENTIFIER, Role.SENSITIVE
TABLE = Table(columns={"a": Categorical(role=KEY), "b": Categorical(role=KEY), "t": Categorical(role=SECRET)})
METRICS = (ReplicatedUniques, DisclosiveCorrect)


def table(*rows: str) -> pd.DataFrame:
    """Rows of three letters: two keys and a target."""
    return pd.DataFrame([list(row) for row in rows], columns=["a", "b", "t"])


def people(n_rows: int, seed: int) -> pd.DataFrame:
    """Two keys that tell 100 people apart, and a secret that hangs on the first one a little."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 10, n_rows), rng.integers(0, 10, n_rows)
    secret = np.where(rng.random(n_rows) < 0.2, a % 3, rng.integers(0, 6, n_rows))
    return pd.DataFrame({"a": [f"a{n}" for n in a], "b": [f"b{n}" for n in b], "t": [f"t{n}" for n in secret]})


def judged(found: Findings) -> Result:
    """The first result under the default policy."""
    first = found.results[0]
    return next(item for item in load_policy().judge([first]) if item.metric == first.metric)


def test_counts_follow_the_definitions() -> None:
    """Seven rows by hand. Unique in both: xy and yy. Told unanimously and rightly: xy and both of zz."""
    train = table("xyA", "xzA", "xzB", "zzA", "zzA", "yyA", "yxB")
    synthetic = table("xyA", "zzA", "zzA", "yyB", "xzA", "xzB", "xzB")
    holdout = table("zyA", "zyB", "zyA", "zyB", "zyA", "zyB", "zyA")
    comparison = compare_frames(train, holdout, synthetic, TABLE)
    unique, told = (metric().measure(comparison, level=0.95).results[0] for metric in METRICS)
    assert unique.value == pytest.approx(2 / 7)
    assert told.value == pytest.approx(3 / 7)
    assert (unique.reference, told.reference) == (0.0, 0.0)


def test_copies_fail_and_fresh_rows_pass() -> None:
    """What repeats people of train is found; another sample tells no more than the holdout does."""
    train, holdout = people(120, 0), people(120, 1)
    for metric in METRICS:
        copied = judged(metric().measure(compare_frames(train, holdout, train, TABLE), level=0.95))
        assert copied.verdict is Verdict.FAIL, metric.name
    many = [people(4_000, seed) for seed in range(3)]
    for metric in METRICS:
        assert judged(metric().measure(compare_frames(*many, TABLE), level=0.95)).verdict is Verdict.PASS, metric.name


def test_keys_are_named_or_all_columns() -> None:
    """Quasi-identifiers where the schema names some; else everything but the target."""
    plain = Table(columns={"a": Categorical(), "b": Categorical(), "t": Categorical()})

    def keys(source: Table) -> tuple[str, ...]:
        parts = [people(200, seed) for seed in range(3)]
        return DisclosiveCorrect().measure(compare_frames(*parts, source), level=0.95).results[0].notes

    assert "Keys: a, b." in keys(TABLE)[0]
    assert "all other columns" in keys(plain)[0]
    assert "of 3 targets" in keys(plain)[0]


def test_tables_without_keys_or_with_few_rows() -> None:
    """No modelled column: does not apply. Twenty rows: no pass."""
    bare = Table(columns={"key": Identifier(), "note": Text()})
    frame = pd.DataFrame({"key": ["p", "q"], "note": ["some words", "more words"]})
    few = [people(20, seed) for seed in range(3)]
    for metric in METRICS:
        assert run_metric(metric(), compare_frames(frame, frame, frame, bare), level=0.95).results[0].value is None
        result = judged(run_metric(metric(), compare_frames(*few, TABLE), level=0.95))
        assert (result.error, result.verdict is Verdict.PASS) == (None, False)


def test_numbers_are_keys_on_bins() -> None:
    """A number tells people apart by its bin, not by its last digit."""
    source = Table(columns={"x": Number(role=KEY), "t": Categorical(role=SECRET)})
    rng = np.random.default_rng(0)
    parts = [pd.DataFrame({"x": rng.normal(size=500), "t": rng.choice(list("pq"), 500)}) for _ in range(3)]
    comparison: Comparison = compare_frames(*parts, source)
    assert ReplicatedUniques().measure(comparison, level=0.95).results[0].value == 0.0


def test_synthetic_rows_that_were_left_out_are_told() -> None:
    """A copy beside few strangers counts in part, and the note says of how many rows."""
    train, few = people(400, 0), people(100, 1)
    for metric in METRICS:
        whole, part = (
            metric().measure(compare_frames(train, holdout, train, TABLE), level=0.95).results[0]
            for holdout in (people(400, 1), few)
        )
        assert "looked at" not in " ".join(whole.notes)
        assert "100 of 400 synthetic rows were looked at" in " ".join(part.notes)
