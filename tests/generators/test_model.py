"""A model gives back the kind of table that it learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tabsynth as ts

RNG = np.random.default_rng(8)
N = 300


def _table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": pd.array(RNG.integers(0, 50, N), dtype="Int64"),
            "real": RNG.normal(size=N).round(3),
            "word": RNG.choice(["x", "y", "z"], N),
            "flag": RNG.random(N) < 0.3,
            "day": pd.Timestamp("2021-01-01") + pd.to_timedelta(RNG.integers(0, 99, N), unit="D"),
        }
    ).assign(whole=lambda t: t["whole"].mask(pd.Series(RNG.random(N) < 0.2)))


def test_polars_in_polars_out() -> None:
    """Column types of a polars table come back, integers with gaps included."""
    table = pl.from_pandas(_table())
    rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(100, seed=0)
    assert isinstance(rows, pl.DataFrame)
    assert rows.schema["whole"] == pl.Int64 and rows.schema["flag"] == pl.Boolean
    assert rows.schema["day"].is_temporal() and rows["whole"].null_count() > 0


def test_arrow_in_arrow_out() -> None:
    """A pyarrow table gives a pyarrow table."""
    table = pa.Table.from_pandas(_table())
    rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(100, seed=0)
    assert isinstance(rows, pa.Table) and rows.num_rows == 100
    assert pa.types.is_integer(rows.schema.field("whole").type)


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_pandas_dtypes_come_back(backend: str) -> None:
    """Nullable and Arrow-backed dtypes are restored."""
    table = _table().convert_dtypes(dtype_backend=backend)
    rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(100, seed=0)
    for name in ("whole", "real", "flag"):
        assert rows[name].dtype == table[name].dtype, name


def test_a_model_says_what_it_is() -> None:
    """The short form names generator and size, and shows no learned value."""
    table = _table()
    text = repr(ts.Copula().fit(table, ts.infer(table), seed=3))
    assert "Copula" in text and "n_rows_fitted=300" in text and "seed=3" in text and len(text) < 200


@pytest.mark.parametrize("generator", ["trees", "tvae", "auto"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
def test_a_time_limit_is_a_number_of_seconds(generator: str, value: float) -> None:
    """Infinity ended the fit with an error of Python's arithmetic."""
    with pytest.raises(ts.TabsynthError, match="time_limit"):
        ts.make_generator(generator, {"time_limit": value})


@pytest.mark.parametrize("labels", [("low", "mid", "high"), (1, 2, 10)], ids=["text", "numbers"])
def test_ordered_categories_keep_their_order(labels: tuple[object, ...], tmp_path: Path) -> None:
    """Not that of the alphabet, and not none: `min`, comparisons and sorting mean what they meant."""
    cells = pd.Categorical.from_codes(RNG.integers(-1, 3, N), list(labels), ordered=True)
    table = pd.DataFrame({"stage": cells, "x": RNG.normal(size=N)})
    stage = {"type": "ordinal", "categories": labels}
    schema = ts.Schema.model_validate({"tables": {"t": {"columns": {"stage": stage, "x": {"type": "number"}}}}})
    ts.Independent().fit(table, schema, seed=0).save(tmp_path / "model.tabsynth")
    rows = ts.load(tmp_path / "model.tabsynth").sample(100, seed=0)
    assert rows["stage"].dtype == table["stage"].dtype and rows["stage"].isna().any()
    assert rows["stage"].min() == labels[0] and rows["stage"].max() == labels[2]
    arrow = ts.Independent().fit(pa.Table.from_pandas(table), schema, seed=0).sample(100, seed=0)
    assert arrow.schema.field("stage").type.ordered
