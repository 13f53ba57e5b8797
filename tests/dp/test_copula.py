"""dp-copula: budget, splits, correlations, missing cells, categories, repeatability; and dp-auto on wide tables."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.dp import auto, copula
from tabsynth.dp.copula import parts, places_of, split
from tabsynth.dp.exact import pooled
from tabsynth.dp.measure import PrivateTable, Spending
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.pooling import pools_of
from tabsynth.dp.transcript import Transcript
from tests.dp.stand_in import StandIn

N_ROWS = 30_000
SIZES = {"a": 20, "b": 20, "c": 21, "d": 4, "e": 2, "same": 1}
NULLABLE, UNORDERED = ("c",), ("d",)


def wide(n_rows=N_ROWS, seed=0):
    """a, b and c share a cause; c is missing where another one is high; d is a category beside e."""
    rng = np.random.default_rng(seed)
    cause = rng.normal(size=n_rows)

    def bins(latent):
        return np.clip(np.floor((latent + 3) / 6 * 20), 0, 19).astype(np.uint8)

    a, b, c = (bins(0.8 * cause + 0.6 * rng.normal(size=n_rows)) for _ in range(3))
    c = np.where(0.9 * cause + 0.44 * rng.normal(size=n_rows) > 1.0, 20, c).astype(np.uint8)
    d = rng.choice(4, n_rows, p=[0.4, 0.1, 0.4, 0.1]).astype(np.uint8)
    e = np.where(rng.random(n_rows) < 0.9, d >= 2, rng.random(n_rows) < 0.5).astype(np.uint8)
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "same": np.zeros(n_rows, np.uint8)}


def measured(columns, *, rho, max_rows=1, seed=1):
    table = StandIn(columns, SIZES, seed=seed, max_rows=max_rows)
    copula.measure(table, rho=rho, unordered=UNORDERED, nullable=NULLABLE)
    return table


def rank_correlation(x, y):
    from scipy.stats import spearmanr

    return float(spearmanr(x, y)[0])


@pytest.mark.parametrize("rho", [1e-6, 0.01, 10.0])
@pytest.mark.parametrize("max_rows", [1, 5])
def test_the_budget_is_kept_and_all_columns_come_out(rho, max_rows):
    table = measured(wide(2_000), rho=rho, max_rows=max_rows)
    assert 0.999 * rho < table.spent <= rho
    rows = copula.model(table.transcript).sample(500, rng=np.random.default_rng(0))
    assert list(rows) == list(SIZES)
    assert all(len(codes) == 500 and codes.max() < SIZES[name] for name, codes in rows.items())


def test_correlations_shares_and_gaps_come_back():
    columns = wide()
    model = copula.model(measured(columns, rho=0.5).transcript)
    rows = model.sample(N_ROWS, rng=np.random.default_rng(0))
    for name, size in SIZES.items():
        real, drawn = (np.bincount(table[name], minlength=size) / N_ROWS for table in (columns, rows))
        assert np.abs(real - drawn).sum() / 2 < 0.01
    assert rank_correlation(rows["a"], rows["b"]) == pytest.approx(
        rank_correlation(columns["a"], columns["b"]), abs=0.03
    )
    gone = [rank_correlation(table["a"], table["c"] == 20) for table in (columns, rows)]
    assert gone[1] == pytest.approx(gone[0], abs=0.04)
    there = [table["c"] < 20 for table in (columns, rows)]
    both = [rank_correlation(t["b"][m], t["c"][m]) for t, m in zip((columns, rows), there, strict=True)]
    assert both[1] == pytest.approx(both[0], abs=0.1)  # those that are there are the lower ones, of both


def test_halves_of_categories_are_told_apart():
    columns = wide()
    table = measured(columns, rho=0.5)
    pair = next(item for item in table.transcript.measurements if item.clique == ("d", "e"))
    assert pair.counts.shape == (2, 2)
    halves = np.array(dict(pair.coarse)["d"])
    assert np.bincount(halves, weights=np.bincount(columns["d"], minlength=4)) == pytest.approx(
        [15_000, 15_000], rel=0.05
    )
    assert set(copula.model(table.transcript).sample(500, rng=np.random.default_rng(1))["d"].tolist()) == {0, 1, 2, 3}


def test_splits_lie_at_the_median_and_gaps_are_a_class_where_they_are_common():
    counts = np.array([10, 10, 400, 300, 100, 200])
    table = StandIn({"x": np.repeat(np.arange(6), counts)}, {"x": 6}, seed=0)
    table.marginals([("x",)], rho_each=[50.0], purpose="counts of each column")
    pool = pools_of(table.transcript.measurements)["x"]
    assert split(pool, ordered=True, has_missing=False).tolist() == [0, 0, 0, 1, 1, 1]
    assert split(pool, ordered=True, has_missing=True).tolist() == [0, 0, 0, 1, 1, 2]
    halves = split(pool, ordered=False, has_missing=False)
    assert np.bincount(halves, weights=counts) == pytest.approx([510, 510], abs=20)


def test_under_a_tiny_budget_columns_are_drawn_alone():
    rows = copula.model(measured(wide(2_000), rho=1e-6).transcript).sample(20_000, rng=np.random.default_rng(0))
    assert abs(rank_correlation(rows["a"], rows["b"])) < 0.05


def test_rows_are_a_function_of_transcript_and_seed():
    transcript = measured(wide(), rho=0.1).transcript
    first, second = (copula.model(transcript).sample(70_000, rng=np.random.default_rng(7)) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in SIZES)


def test_one_column_and_no_row():
    table = StandIn({"a": wide()["a"][:0]}, {"a": 20}, seed=0)
    copula.measure(table, rho=0.1)
    assert table.spent == pytest.approx(0.1)
    assert len(copula.model(table.transcript).sample(10, rng=np.random.default_rng(0))["a"]) == 10
    assert len(copula.model(table.transcript).sample(0, rng=np.random.default_rng(0))["a"]) == 0


def test_parts_are_expected_numbers_rounded():
    shares = np.array([0.25, 0.0, 0.5, 0.25])
    for start in (0.0, 0.4, 0.999):
        found = parts(shares, 1001, start)
        assert found.sum() == 1001 and (np.abs(found - shares * 1001) < 1).all()


def test_the_lowest_rows_fill_the_first_part():
    latent = np.random.default_rng(0).normal(size=1000)
    sizes = np.array([0, 300, 0, 700, 0])
    found = places_of(latent, sizes)
    assert np.bincount(found, minlength=5).tolist() == sizes.tolist()
    assert latent[found == 1].max() < latent[found == 3].min()


@pytest.mark.parametrize("spread", [0.01, 1.0, 50.0])
def test_the_grid_changes_no_place(spread):
    """Rows fall where comparing each with the bounds puts them, with ties and beyond the ends of the grid, too."""
    rng = np.random.default_rng(0)
    for n_rows in (0, 1, 2_000):
        latent = np.round(rng.normal(size=n_rows) * spread, 3).astype(np.float32)
        sizes = parts(rng.dirichlet(np.full(40, 0.3)), n_rows, 0.5)
        bounds = np.append(np.sort(latent), np.inf)[np.cumsum(sizes)[:-1]]
        np.testing.assert_array_equal(places_of(latent, sizes), np.searchsorted(bounds, latent, side="right"))


def test_many_coarse_pairs_are_counted_as_one_by_one():
    """Counting in coarse columns gives the sums of the fine tables."""
    rng = np.random.default_rng(0)
    sizes = {f"x{n}": int(size) for n, size in enumerate(rng.integers(2, 30, 24))}
    columns = {name: rng.integers(0, size, 500).astype(np.uint8) for name, size in sizes.items()}
    account = Spending(rho=1.0, delta=0.0, noise=NoiseSource.insecure(0), ledger=None, transcript=Transcript())
    table = PrivateTable(columns, sizes, max_rows=1, account=account)
    maps = {name: (np.arange(size) % 3 if size > 2 else np.arange(size)) for name, size in sizes.items()}
    names = list(sizes)
    pairs = [(b, a) if (i + j) % 2 else (a, b) for i, a in enumerate(names) for j, b in enumerate(names) if i < j]
    for pair, found in zip(pairs, table._counts.coarse_tables(pairs, maps), strict=True):
        (fine,) = table._exact([pair])
        np.testing.assert_array_equal(found, pooled(fine, pair, maps))
    merged = {name: codes // 2 for name, codes in maps.items()}
    (again,) = table._counts.coarse_tables(pairs[:1], merged)  # other maps are other tables
    np.testing.assert_array_equal(again, pooled(next(table._exact(pairs[:1])), pairs[0], merged))


def test_auto_takes_correlations_for_wide_tables_of_numbers_alone():
    rng = np.random.default_rng(0)
    sizes = {f"x{n}": 8 for n in range(auto.WIDE_COLUMNS)}
    cause = rng.normal(size=4_000)
    columns = {
        name: np.clip(np.floor(4 + 2 * (cause + rng.normal(size=4_000))), 0, 7).astype(np.uint8) for name in sizes
    }
    table = StandIn(columns, sizes, seed=0)
    auto.measure(table, rho=1.0, unordered=(), nullable=())
    assert 0.999 < table.spent <= 1.0
    assert (
        sum(item.purpose == copula.PURPOSE for item in table.transcript.measurements)
        == len(sizes) * (len(sizes) - 1) // 2
    )
    rows = auto.model(table.transcript).sample(4_000, rng=np.random.default_rng(0))
    real = rank_correlation(columns["x0"], columns["x1"])
    assert rank_correlation(rows["x0"], rows["x1"]) == pytest.approx(real, abs=0.12)
    assert not auto.is_wide(sizes, tuple(sizes)[:30])
    assert not auto.is_wide(sizes, None)
    assert not auto.is_wide(dict(list(sizes.items())[1:]), ())
