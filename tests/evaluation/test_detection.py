"""Detection: guesses on honest rows, certainty on careless ones, the same numbers each time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tabsynth.evaluation.base import Result
from tabsynth.evaluation.detection import Detection, DetectionCurves
from tabsynth.schema.columns import Categorical, Identifier, Integer, Number
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames, shuffled


def detect(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, table: Table
) -> tuple[Result, DetectionCurves]:
    """The result and the material of one detection test."""
    found = Detection().measure(compare_frames(train, holdout, synthetic, table), level=0.95)
    assert isinstance(found.detail, DetectionCurves)
    return found.results[0], found.detail


def test_more_real_rows_are_not_detected(mixed_table: MixedTable) -> None:
    """Fresh real rows are at one half within the interval; independent columns are far above."""
    result, _ = detect(mixed_table(600), mixed_table(500, seed=1), mixed_table(500, seed=2), MIXED)
    assert result.interval is not None
    assert result.interval.low <= 0.5 <= result.interval.high
    assert result.reference == pytest.approx(0.5, abs=0.06)
    assert result.baseline is not None
    assert result.baseline > 0.8


def test_lost_dependence_is_detected_and_the_column_named(mixed_table: MixedTable) -> None:
    """A shuffled column leaves every distribution right; the trees see it and name it."""
    synthetic = shuffled(mixed_table(800, seed=2), "score")
    result, detail = detect(mixed_table(900), mixed_table(800, seed=1), synthetic, MIXED)
    assert result.value is not None
    assert result.value > 0.7
    assert {item.column for item in detail.telltale[:2]} == {"score", "ward"}


def test_float_noise_alone_is_not_detected(mixed_table: MixedTable) -> None:
    """Digits below the schema's precision are levelled before the test."""
    synthetic = mixed_table(500, seed=2)
    synthetic["score"] += np.random.default_rng(0).uniform(-1e-4, 1e-4, 500)
    result, _ = detect(mixed_table(600), mixed_table(500, seed=1), synthetic, MIXED)
    assert result.value == pytest.approx(0.5, abs=0.06)


def test_the_number_of_threads_changes_nothing(mixed_table: MixedTable) -> None:
    """One thread or two: the same areas and curves."""
    parts = mixed_table(120), mixed_table(100, seed=1), mixed_table(100, seed=2)
    with threadpool_limits(limits=1):
        one = detect(*parts, MIXED)
    with threadpool_limits(limits=2):
        two = detect(*parts, MIXED)
    assert one == two


def test_few_rows_are_insufficient_evidence(mixed_table: MixedTable) -> None:
    """Below 50 rows nothing is measured, and the result says so."""
    comparison = compare_frames(mixed_table(60), mixed_table(30, seed=1), mixed_table(60, seed=2), MIXED)
    [result] = Detection().measure(comparison, level=0.95).results
    assert result.value is None
    assert result.verdict == "insufficient evidence"
    assert "at least 50 rows" in result.notes[0]


def test_people_are_not_recognised_for_themselves() -> None:
    """Many rows per person and a number of their own each: fresh people are still undetectable."""
    rng = np.random.default_rng(0)

    def draw(first: int, n_people: int) -> pd.DataFrame:
        people = np.repeat(np.arange(first, first + n_people), 5)
        height = np.repeat(rng.integers(0, 10_000, n_people), 5)
        return pd.DataFrame({"id": people.astype(str), "height": height, "pulse": rng.integers(50, 90, len(people))})

    table = Table(columns={"id": Identifier(), "height": Integer(), "pulse": Integer()}, entity_key="id")
    result, _ = detect(draw(0, 200), draw(1_000, 200), draw(2_000, 200), table)
    assert result.value is not None
    assert result.value < 0.6  # folds of rows instead of people reach 0.9


def test_very_many_categories_and_unseen_ones_work() -> None:
    """400 categories, some in one table only, and gaps."""
    rng = np.random.default_rng(0)

    def draw(n_categories: int) -> pd.DataFrame:
        names = [f"c{n}" for n in rng.integers(0, n_categories, 300)]
        return pd.DataFrame({"a": pd.Series(names).mask(rng.random(300) < 0.1), "b": rng.normal(size=300)})

    table = Table(columns={"a": Categorical(), "b": Number()})
    result, _ = detect(draw(400), draw(400), draw(3), table)
    assert result.value is not None
    assert result.value > 0.9
