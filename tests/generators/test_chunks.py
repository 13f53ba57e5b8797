"""Rows chunk by chunk: the rows and bytes of all at once, whatever the chunks, for private and other models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.dp.generator import release
from tabsynth.dp.noise import NoiseSource
from tabsynth.errors import UsageError
from tabsynth.generators import chunks
from tabsynth.generators.chunks import whole_because, write_rows
from tabsynth.generators.model import Model
from tabsynth.schema.model import Schema
from tabsynth.tables import parquet
from tabsynth.tables.files import write_table

N = 700


def schema(**changes: object) -> Schema:
    table: dict[str, object] = {
        "entity_key": "person",
        "columns": {
            "visit": {"type": "identifier", "nullable": False},
            "person": {"type": "identifier", "nullable": False},
            "group": {"type": "categorical", "categories": ["A", "B", "C"]},
            "sick": {"type": "boolean", "labels": ["no", "yes"]},
            "age": {"type": "integer", "lower": 0, "upper": 120, "nullable": False},
            "dose": {"type": "number", "decimals": 1, "lower": 0.0, "upper": 50.0},
            "day": {"type": "datetime", "resolution": "day", "lower": "2020-01-01", "upper": "2023-12-31"},
            "left": {"type": "datetime", "resolution": "day", "lower": "2020-01-01", "upper": "2024-12-31"},
            "note": {"type": "text", "fill": "placeholder"},
        },
        "primary_key": ["visit"],
        "constraints": [
            {"type": "inequality", "low": "day", "high": "left"},
            {
                "type": "conditional",
                "if": [{"column": "group", "one_of": ["C"]}],
                "then": [{"column": "sick", "one_of": ["no"]}],
            },
        ],
    }
    return Schema.model_validate(
        {
            "name": "visits",
            "tables": {"t": {**table, **changes}},
            "privacy": {"unit": {"table": "t", "key": "person", "max_rows": 3}, "epsilon": 8.0, "delta": 1e-6},
        }
    )


def visits(n: int = 1200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    group = rng.choice(["A", "B", "C"], n)
    sick = np.where(group == "C", "no", rng.choice(["no", "yes"], n))
    return pd.DataFrame(
        {
            "visit": [f"V{i:05d}" for i in range(n)],
            "person": [f"P{i // 2:05d}" for i in range(n)],
            "group": group,
            "sick": sick,
            "age": rng.integers(1, 99, n),
            "dose": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 500, n) / 10),
            "day": day,
            "left": (day + pd.to_timedelta(rng.integers(0, 90, n), unit="D")).where(rng.random(n) < 0.9),
            "note": "well",
        }
    )


def fitted(name: str, **changes: object) -> Model:
    if name.startswith("dp-"):
        maker = ts.make_generator(name, {"ledger": "none"})
        return release(maker, visits(), schema(**changes), noise=NoiseSource.insecure(0))  # type: ignore[arg-type]
    declared = schema(**changes)
    return ts.make_generator(name).fit(visits(), declared.model_copy(update={"privacy": None}), seed=0)


@pytest.fixture(scope="module", params=["dp-mst", "dp-copula", "independent", "copula"])
def model(request: pytest.FixtureRequest) -> Model:
    return fitted(request.param)


@pytest.mark.parametrize("chunk_rows", [1, 97, 350, N, 10_000])
def test_chunks_are_the_rows_of_all_at_once(model: Model, chunk_rows: int) -> None:
    assert whole_because(model) is None
    n_rows = N if chunk_rows > 1 else 40
    whole = model.sample(n_rows, seed=5)
    pieces = list(model.sample_chunks(n_rows, seed=5, chunk_rows=chunk_rows))
    assert [len(piece) for piece in pieces[:-1]] == [chunk_rows] * (len(pieces) - 1)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_dtype=False)


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "csv.zst", "parquet"])
def test_files_have_the_same_bytes(model: Model, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a chunk is a matter of memory alone; groups of rows in Parquet files are cut where they are."""
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 256)
    write_table(model.sample(N, seed=5), tmp_path / f"whole.{suffix}")
    expected = (tmp_path / f"whole.{suffix}").read_bytes()
    cut = chunks.sample_chunks
    for chunk_rows in (100, 256, 600):
        with monkeypatch.context() as patch:
            patch.setattr(
                chunks, "sample_chunks", lambda *a, rows=chunk_rows, **w: cut(*a, **{**w, "chunk_rows": rows})
            )
            write_rows(model, N, tmp_path / f"parts.{suffix}", seed=5)
        assert (tmp_path / f"parts.{suffix}").read_bytes() == expected


def test_nothing_and_conditions_and_other_libraries(model: Model) -> None:
    (empty,) = model.sample_chunks(0, seed=1)
    assert len(empty) == 0 and list(empty.columns) == list(model.sample(1, seed=1).columns)
    pieces = list(model.sample_chunks(90, seed=1, given={"group": "A"}, chunk_rows=40))
    assert [len(piece) for piece in pieces] == [40, 40, 10]
    assert (pd.concat(pieces)["group"] == "A").all()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"order_by": ["day"]}, "day: orders the rows of each person"),
        ({"primary_key": ["age"]}, "age: may not repeat"),
    ],
)
def test_where_all_rows_are_needed_the_table_is_cut(changes: dict[str, object], named: str) -> None:
    model = fitted("dp-mst", **changes)
    assert named in str(whole_because(model))
    n_rows = 60
    whole = model.sample(n_rows, seed=2)
    pieces = list(model.sample_chunks(n_rows, seed=2, chunk_rows=25))
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)


@pytest.mark.parametrize(
    ("words", "named"), [({"n_rows": -1}, "n_rows"), ({"n_rows": 5, "chunk_rows": 0}, "chunk_rows")]
)
def test_wrong_numbers_are_named_at_once(words: dict[str, int], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        fitted("independent").sample_chunks(**words)


@pytest.mark.parametrize("n_rows", [10**11, 10**20, np.int64(10**15), -1])
def test_impossible_numbers_of_rows_are_refused(n_rows: int, tmp_path: Path) -> None:
    """At once, and not by numpy or by a loop that ends with the memory; also where rows go straight to a file."""
    table = pd.DataFrame({"x": range(40)})
    model = ts.Independent().fit(table, ts.infer(table), seed=0)
    for ask in (model.sample, model.sample_chunks, lambda n: write_rows(model, n, tmp_path / "rows.csv")):
        with pytest.raises(UsageError, match="n_rows"):
            ask(n_rows)
