"""dp-independent and dp-mst: budget, structure, accuracy, repeatability."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.dp import independent, mst
from tabsynth.dp.counting import count
from tabsynth.dp.pooling import PooledModel, pools_of
from tests.dp.stand_in import StandIn

SIZES = {"a": 6, "b": 30, "c": 4, "d": 12, "e": 2}
N_ROWS = 20_000


def chain(n_rows=N_ROWS, seed=0):
    """a - b - c hang together, d and e do not; most codes of b and d are rare."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 6, n_rows)
    b = np.where(rng.random(n_rows) < 0.9, a, rng.integers(0, 30, n_rows))
    c = np.where(rng.random(n_rows) < 0.9, b % 4, rng.integers(0, 4, n_rows))
    d = np.minimum(rng.geometric(0.6, n_rows) - 1, 11)
    return {"a": a, "b": b, "c": c, "d": d, "e": rng.integers(0, 2, n_rows)}


def distance(columns, rows, clique):
    """Total variation between real and drawn."""
    shape = [SIZES[name] for name in clique]
    real, drawn = (count([table[name].astype(np.uint8) for name in clique], shape) for table in (columns, rows))
    return np.abs(real / real.sum() - drawn / drawn.sum()).sum() / 2


@pytest.mark.parametrize("mechanism", [independent, mst])
@pytest.mark.parametrize("rho", [1e-5, 0.01, 10.0])
@pytest.mark.parametrize("max_rows", [1, 5])
def test_the_budget_is_kept_and_all_columns_come_out(mechanism, rho, max_rows):
    table = StandIn(chain(), SIZES, seed=1, max_rows=max_rows)
    mechanism.measure(table, rho=rho)
    assert 0.999 * rho < table.spent <= rho
    rows = mechanism.model(table.transcript).sample(500, rng=np.random.default_rng(0))
    assert list(rows) == list(SIZES)
    assert all(codes.min() >= 0 and codes.max() < SIZES[name] for name, codes in rows.items())


@pytest.mark.parametrize("mechanism", [independent, mst])
def test_the_model_is_a_function_of_the_transcript(mechanism):
    table = StandIn(chain(), SIZES, seed=1)
    mechanism.measure(table, rho=0.1)
    first, second = (mechanism.model(table.transcript).sample(1000, rng=np.random.default_rng(7)) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in SIZES)


def test_the_tree_finds_the_chain_and_meets_its_pairs():
    columns = chain()
    table = StandIn(columns, SIZES, seed=2)
    mst.measure(table, rho=0.5)
    chosen = [item.clique for item in table.transcript.measurements if len(item.clique) == 2]
    assert len(chosen) == 4
    assert {("a", "b"), ("b", "c")} <= set(chosen) or {("a", "c"), ("a", "b")} <= set(chosen)
    rows = mst.model(table.transcript).sample(N_ROWS, rng=np.random.default_rng(0))
    assert distance(columns, rows, ("a", "b")) < 0.03
    assert all(distance(columns, rows, (name,)) < 0.02 for name in SIZES)


def test_rare_codes_are_pooled_and_come_back():
    columns = chain()
    table = StandIn(columns, SIZES, seed=3)
    mst.measure(table, rho=0.002)
    pools = pools_of(table.transcript.measurements)
    assert pools["d"].changes and pools["d"].n_coarse < 8
    measured = next(item for item in table.transcript.measurements if len(item.clique) == 2 and "d" in item.clique)
    assert pools["d"].n_coarse in measured.counts.shape
    model = mst.model(table.transcript)
    assert isinstance(model, PooledModel)
    marginal, pair = model.marginals([("d",), ("d", "a")])
    assert marginal.shape == (12,) and pair.shape == (12, 6)
    np.testing.assert_allclose(pair.sum(axis=1), marginal, rtol=1e-6)
    assert set(np.unique(model.sample(50_000, rng=np.random.default_rng(0))["b"])) == set(range(30))


def test_one_column_and_two_columns():
    for names in (["a"], ["a", "b"]):
        sizes = {name: SIZES[name] for name in names}
        table = StandIn({name: chain()[name] for name in names}, sizes, seed=0)
        mst.measure(table, rho=0.1)
        assert list(mst.model(table.transcript).sample(10, rng=np.random.default_rng(0))) == names


def test_an_empty_table_gives_rows_all_the_same():
    table = StandIn({name: codes[:0] for name, codes in chain().items()}, SIZES, seed=0)
    mst.measure(table, rho=0.1)
    assert len(mst.model(table.transcript).sample(10, rng=np.random.default_rng(0))["a"]) == 10
