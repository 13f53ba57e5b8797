"""Copies: exact counts, honest collisions, identifiers and texts in any spelling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Result, Verdict
from tabsynth.evaluation.comparison import Rows, compare, read_frame
from tabsynth.evaluation.copies import CopyCounts, ExactCopies, IdentifierReuse, TextReuse, row_codes
from tabsynth.evaluation.nearest import NearCopies
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.single_copies import SingleCopies
from tabsynth.schema.columns import Categorical, Identifier, Integer, Number, Text
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames


def judged(result: Result) -> Result:
    """The result under the default policy."""
    [found] = [item for item in load_policy().judge([result]) if item.metric == result.metric]
    return found


def test_copies_by_hand() -> None:
    """Two of four synthetic rows equal a training row, one of them a row that occurs once; gaps are equal to gaps."""
    table = Table(columns={"a": Integer(), "b": Categorical()})
    train = pd.DataFrame({"a": [1, 1, 2, None], "b": ["x", "x", "y", None]}, dtype=object)
    holdout = pd.DataFrame({"a": [1, 9], "b": ["x", "x"]})
    synthetic = pd.DataFrame({"a": [1, None, 2, 2], "b": ["x", None, "x", "z"]}, dtype=object)
    found = ExactCopies().measure(compare_frames(train, holdout, synthetic, table), level=0.95)
    assert isinstance(found.detail, CopyCounts)
    assert found.detail.model_dump() == {
        "synthetic_rows": 4,
        "synthetic_copies": 2,
        "synthetic_copies_of_unique": 1,
        "holdout_rows": 2,
        "holdout_copies": 1,
        "holdout_copies_of_unique": 0,
    }


def test_rows_get_equal_codes_exactly_when_they_are_equal() -> None:
    """Codes agree with comparing the rows themselves, over several tables."""
    rng = np.random.default_rng(0)
    tables = [Rows({name: rng.choice([0.0, 1.5, np.nan], size) for name in "abcd"}, size) for size in (70, 40)]
    codes = np.concatenate(row_codes(*tables))
    rows = np.nan_to_num(np.vstack([table.matrix(tuple("abcd")) for table in tables]), nan=-1.0)
    equal = (rows[:, None, :] == rows[None, :, :]).all(axis=2)
    np.testing.assert_array_equal(codes[:, None] == codes[None, :], equal)


def test_a_copy_with_float_noise_or_a_new_key_is_a_copy(mixed_table: MixedTable) -> None:
    """The schema's precision decides, and identifiers do not take part."""
    train = mixed_table(1_000)
    synthetic = train.assign(record="other", score=train["score"] + 1e-5)
    found = ExactCopies().measure(compare_frames(train, mixed_table(500, seed=1), synthetic, MIXED), level=0.95)
    assert found.results[0].value == 1.0
    assert judged(found.results[0]).verdict is Verdict.FAIL


def test_honest_collisions_are_no_copies() -> None:
    """In a table of 8 possible rows everybody has a twin, in the holdout too; that is no failure."""
    rng = np.random.default_rng(0)
    table = Table(columns={name: Categorical() for name in "abc"})
    parts = [pd.DataFrame({name: rng.choice(["0", "1"], n) for name in "abc"}) for n in (4_000, 2_000, 2_000)]
    found = ExactCopies().measure(compare_frames(*parts, table), level=0.95)
    assert found.results[0].value == 1.0
    assert judged(found.results[0]).verdict is Verdict.PASS
    assert any("twin" in note for note in found.results[0].notes)


def test_no_copies_among_few_rows_is_insufficient_evidence(mixed_table: MixedTable) -> None:
    """30 rows without a copy prove nothing, and the result says how many would."""
    comparison = compare_frames(mixed_table(60), mixed_table(30, seed=1), mixed_table(30, seed=2), MIXED)
    result = judged(ExactCopies().measure(comparison, level=0.95).results[0])
    assert result.verdict is Verdict.INSUFFICIENT
    assert result.decides_at is not None
    assert 200 < result.decides_at < 20_000


@pytest.mark.parametrize("spelling", ["MRN-17", " mrn-17 ", "Mrn-17"])
def test_one_real_identifier_fails(spelling: str) -> None:
    """One reused key among many, in any case and spacing, is found and fails; no value is in the result."""
    table = Table(columns={"key": Identifier()})
    train = pd.DataFrame({"key": [f"MRN-{n}" for n in range(50)]})
    synthetic = pd.DataFrame({"key": [*(f"NEW-{n}" for n in range(30)), spelling]})
    found = IdentifierReuse().measure(compare_frames(train, train, synthetic, table), level=0.95)
    result = judged(found.results[0])
    assert (result.value, result.verdict) == (1.0, Verdict.FAIL)
    assert "MRN" not in result.model_dump_json()


def test_texts_of_six_characters_count_and_shorter_ones_do_not() -> None:
    """A sentence is a copy, "ok" is a word."""
    table = Table(columns={"note": Text()})
    train = pd.DataFrame({"note": ["Fell from a ladder", "ok", None]})
    synthetic = pd.DataFrame({"note": ["ok", "fell  from a LADDER", "Lorem ipsum"]})
    found = TextReuse().measure(compare_frames(train, train, synthetic, table), level=0.95)
    assert found.results[0].value == 1.0
    assert judged(found.results[0]).verdict is Verdict.FAIL


def test_a_dropped_text_column_repeats_nothing() -> None:
    """A synthetic table without the text column has no cell that could be a copy."""
    table = Table(columns={"note": Text(fill="drop"), "n": Integer()})
    train = pd.DataFrame({"note": ["Fell from a ladder"] * 3, "n": [1, 2, 3]})
    found = TextReuse().measure(compare_frames(train, train, train[["n"]], table), level=0.95)
    assert found.results[0].value == 0.0


def test_near_copies_are_seen_and_never_judged(mixed_table: MixedTable) -> None:
    """Training rows with a little noise are near; fresh rows are as near as the holdout; neither gets a verdict."""
    train, holdout, fresh = mixed_table(1_500), mixed_table(600, seed=1), mixed_table(600, seed=2)
    near = train.iloc[:600].assign(age=train["age"].iloc[:600] + 1)
    metric = NearCopies()
    shares = {}
    for name, synthetic in (("near", near), ("fresh", fresh)):
        result = judged(metric.measure(compare_frames(train, holdout, synthetic, MIXED), level=0.95).results[0])
        assert result.verdict is Verdict.INFO
        shares[name] = result.value
    assert shares["near"] is not None
    assert shares["near"] > 0.9
    assert shares["fresh"] == pytest.approx(0.02, abs=0.02)


def test_distances_are_exact_where_rows_agree() -> None:
    """A row that is in train is at distance 0, one that differs in one category at 1."""
    table = Table(columns={"a": Categorical(), "b": Categorical(), "n": Number()})
    frame = pd.DataFrame({"a": ["x", "y", "z"] * 20, "b": ["u"] * 60, "n": np.arange(60.0)})
    changed = frame.assign(b="v")
    for synthetic, distance in ((frame, 0.0), (changed, 1.0)):
        found = NearCopies().measure(compare_frames(frame, frame, synthetic, table), level=0.95)
        assert found.detail is not None
        assert found.detail.model_dump()["synthetic"][2] == distance


def test_the_ratio_tells_a_copy_from_a_row_with_neighbours() -> None:
    """0 is a copy of one row, 1 a row that is as near to a second; equal rows of train count as 1."""
    table = Table(columns={"a": Categorical(), "n": Number()})
    frame = pd.DataFrame({"a": ["x", "y"] * 30, "n": np.arange(60.0)})
    twice = pd.concat([frame, frame], ignore_index=True)
    for train, ratio in ((frame, 0.0), (twice, 1.0)):
        found = NearCopies().measure(compare_frames(train, frame, frame, table), level=0.95)
        assert found.detail is not None
        assert set(found.detail.model_dump()["synthetic_ratio"]) == {ratio}


def test_copies_do_not_hide_among_many_rows(mixed_table: MixedTable) -> None:
    """One training person in twenty, copied among two thousand times as many rows, is no pass."""
    train, fresh = mixed_table(400), mixed_table(40_000, seed=5)
    hidden = pd.concat([fresh, train.iloc[:20]], ignore_index=True)
    holdout = mixed_table(400, seed=1)
    result = judged(SingleCopies().measure(compare_frames(train, holdout, hidden, MIXED), level=0.95).results[0])
    assert result.judged is not None
    assert result.judged.value == pytest.approx(20 / 400, rel=0.01)
    assert result.verdict is not Verdict.PASS
    innocent = SingleCopies().measure(compare_frames(train, holdout, fresh, MIXED), level=0.95).results[0]
    assert judged(innocent).verdict is Verdict.PASS


@pytest.mark.parametrize("share", [1.0, 0.02])
def test_rows_of_people_who_were_kept_apart_are_copies_too(mixed_table: MixedTable, share: float) -> None:
    """A release of the holdout's own rows, all or some: no stranger is further from it than people of train."""
    train, holdout, fresh = mixed_table(2_000), mixed_table(2_000, seed=1), mixed_table(2_000, seed=5)
    n = round(share * 2_000)
    made = pd.concat([holdout.iloc[:n], fresh.iloc[n:]], ignore_index=True)
    result = judged(SingleCopies().measure(compare_frames(train, holdout, made, MIXED), level=0.95).results[0])
    assert result.verdict is Verdict.FAIL and result.judged is not None and result.judged.value > 0.9 * share
    assert "kept apart from the generator" in result.notes[0]
    innocent = SingleCopies().measure(compare_frames(train, holdout, fresh, MIXED), level=0.95).results[0]
    assert innocent.judged is not None and innocent.judged.what == "excess over strangers"
    assert judged(innocent).verdict is Verdict.PASS


def test_rows_of_the_attack_reference_and_the_test_rows_are_copies_too(mixed_table: MixedTable) -> None:
    """Whatever part people were kept apart in."""
    parts = [read_frame(mixed_table(500, seed=seed), MIXED, name="part") for seed in range(5)]
    train, holdout, reference, test, fresh = parts
    apart = {"reference": reference, "test": test}
    for made, failed in ((reference, True), (test, True), (fresh, False)):
        found = SingleCopies().measure(compare(train, holdout, made, MIXED, apart=apart), level=0.95).results[0]
        assert (judged(found).verdict is Verdict.FAIL) is failed
