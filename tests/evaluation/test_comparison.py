"""One scale for three tables: precision, codes, equal numbers of rows, and clear errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.errors import DataError
from tabsynth.evaluation.comparison import MAX_PAIRS, read_frame
from tabsynth.schema.columns import Boolean, Categorical, DateTime, Identifier, Number, Ordinal, Text
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames


def test_holdout_and_synthetic_are_compared_in_equal_numbers(mixed_table: MixedTable) -> None:
    """The larger of the two is thinned out by seed, train is not."""
    found = compare_frames(mixed_table(300), mixed_table(80, seed=1), mixed_table(200, seed=2), MIXED)
    assert found.n_compared == 80
    assert found.compared("holdout").n_rows == found.compared("synthetic").n_rows == 80
    assert found.compared("train").n_rows == 300
    again = compare_frames(mixed_table(300), mixed_table(80, seed=1), mixed_table(200, seed=2), MIXED)
    np.testing.assert_array_equal(found.chosen["synthetic"], again.chosen["synthetic"])


def test_identifiers_and_text_are_no_distributions(mixed_table: MixedTable) -> None:
    """They are absent from the compared columns."""
    found = compare_frames(mixed_table(50), mixed_table(50, seed=1), mixed_table(50, seed=2), MIXED)
    assert "record" not in found.columns
    assert "age" in found.columns


def test_float_noise_does_not_count_and_is_reported() -> None:
    """Synthetic values are rounded to the decimals that train has, and the share that moved is kept."""
    train = pd.DataFrame({"price": [1.25, 3.5, 9.75, 2.0]})
    synthetic = pd.DataFrame({"price": [1.2500001, 3.49999, 9.75, 2.0]})
    found = compare_frames(train, train, synthetic, Table(columns={"price": Number()}))
    np.testing.assert_array_equal(found.synthetic.columns["price"], [1.25, 3.5, 9.75, 2.0])
    assert found.finer == {"price": 0.25}  # the other noise is below a thousandth of the last digit


def test_codes_mean_the_same_in_every_table() -> None:
    """Categories share one list: train's by frequency, then those that only others hold; ordinals keep their order."""
    table = Table(columns={"c": Categorical(), "o": Ordinal(categories=("low", "mid", "high")), "b": Boolean()})
    train = pd.DataFrame(
        {"c": ["x", "y", "y", None], "o": ["high", "low", "low", "mid"], "b": [True, False, True, None]}
    )
    synthetic = pd.DataFrame({"c": ["new", "y"], "o": ["low", "high"], "b": [True, True]})
    found = compare_frames(train, train, synthetic, table)
    assert found.scales["c"].labels == ("y", "x", "new")
    assert found.scales["o"].labels == ("low", "mid", "high")
    np.testing.assert_array_equal(found.synthetic.columns["c"], [2, 0])
    np.testing.assert_array_equal(found.train.columns["c"], [1, 0, 0, np.nan])
    np.testing.assert_array_equal(found.train.columns["b"], [1, 0, 1, np.nan])


def test_dates_are_floored_to_the_resolution() -> None:
    """A clock time in a synthetic date column gives nothing away."""
    table = Table(columns={"day": DateTime(resolution="day")})
    train = pd.DataFrame({"day": pd.to_datetime(["2024-01-05", "2024-01-06"])})
    synthetic = pd.DataFrame({"day": pd.to_datetime(["2024-01-05 13:45:01", "2024-01-06 00:00:00"])})
    found = compare_frames(train, train, synthetic, table)
    np.testing.assert_array_equal(found.train.columns["day"], found.synthetic.columns["day"])


def test_columns_of_another_schema_are_named() -> None:
    """A table that lacks columns is refused, with their names; missing text columns are not missed."""
    table = Table(columns={"a": Number(), "b": Identifier(), "note": Text(fill="drop")})
    with pytest.raises(DataError, match=r"holdout: lacks columns of the schema \(a, b\)"):
        read_frame(pd.DataFrame({"other": [1]}), table, name="holdout")
    read_frame(pd.DataFrame({"a": [1.0], "b": ["k"]}), table, name="synthetic")


def test_a_table_without_rows_is_refused() -> None:
    """Zero rows are an error that says which table."""
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(DataError, match="synthetic: has no rows"):
        compare_frames(frame, frame, frame.iloc[:0], Table(columns={"a": Number()}))


def test_naive_rows_keep_the_columns_and_lose_the_dependence(mixed_table: MixedTable) -> None:
    """Independent rows have train's values and no correlation; uniform rows stay inside of its range."""
    train = mixed_table(2_000)
    found = compare_frames(train, mixed_table(2_000, seed=1), mixed_table(2_000, seed=2), MIXED)
    naive = found.compared("independent")
    real = found.compared("train")
    assert set(naive.columns["ward"]) <= set(real.columns["ward"])
    assert abs(np.corrcoef(real.columns["ward"], real.columns["score"])[0, 1]) > 0.5
    assert abs(np.corrcoef(naive.columns["ward"], naive.columns["score"])[0, 1]) < 0.1
    uniform = found.compared("uniform").columns["age"]
    assert train["age"].min() <= np.nanmin(uniform) <= np.nanmax(uniform) <= train["age"].max()


def test_very_many_pairs_are_drawn_by_seed() -> None:
    """More than MAX_PAIRS pairs are thinned out, the same way for the same seed."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 60)), columns=[f"c{n}" for n in range(60)])
    table = Table(columns={name: Number() for name in frame.columns})
    first, again, other = (compare_frames(frame, frame, frame, table, seed=seed) for seed in (0, 0, 1))
    assert len(set(first.pairs)) == MAX_PAIRS
    assert first.pairs == again.pairs != other.pairs
