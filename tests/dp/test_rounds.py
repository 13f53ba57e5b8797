"""dp-aim and dp-auto: budget, what is chosen, what a model may cost, and what dp-auto does at which noise."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.dp import aim, auto, cliquetree, independent, mst
from tabsynth.dp.graphical.junction import junction_tree, n_cells
from tabsynth.dp.mst import measure_columns
from tabsynth.dp.pooling import averaged, pools_of
from tabsynth.errors import UsageError
from tests.dp.stand_in import StandIn
from tests.dp.test_tree_mechanisms import N_ROWS, SIZES, chain, distance

PAIRS = [(a, b) for i, a in enumerate(SIZES) for b in list(SIZES)[i + 1 :]]


@pytest.mark.parametrize("rho", [1e-4, 0.01, 1.0])
@pytest.mark.parametrize("options", [{}, {"degree": 3}, {"target": "c"}])
def test_the_budget_is_spent_and_not_passed(rho, options):
    table = StandIn(chain(), SIZES, seed=1)
    aim.measure(table, rho=rho, **options)
    assert 0.999 * rho < table.spent <= rho
    rows = aim.model(table.transcript).sample(300, rng=np.random.default_rng(0))
    assert all(codes.min() >= 0 and codes.max() < SIZES[name] for name, codes in rows.items())


def test_rounds_come_closer_than_a_tree_when_budget_allows():
    """A cycle of dependences: a tree has to leave one out."""
    columns = chain()
    rng = np.random.default_rng(5)
    columns["e"] = (columns["a"] + 2 * columns["c"] + 3 * rng.random(N_ROWS) > 6).astype(np.int64)
    columns["d"] = np.where(columns["e"] + (columns["b"] > 3) > rng.integers(0, 2, N_ROWS), columns["d"], 0)
    errors = {}
    for mechanism in (mst, aim):
        table = StandIn(columns, SIZES, seed=2)
        mechanism.measure(table, rho=2.0)
        rows = mechanism.model(table.transcript).sample(N_ROWS, rng=np.random.default_rng(0))
        errors[mechanism] = np.mean([distance(columns, rows, pair) for pair in PAIRS])
    assert errors[aim] < 0.8 * errors[mst]


def test_the_junction_tree_stays_within_its_cells():
    table = StandIn(chain(), SIZES, seed=3)
    aim.measure(table, rho=5.0, degree=3, max_cells=600)
    state = aim.Fit(table.transcript.measurements, SIZES)
    singles = {name: state.sizes[name] for name in state.sizes}
    assert n_cells(singles, list(state.items)) <= 600


def test_a_round_looks_at_some_triples_of_many(monkeypatch):
    """All pairs and a few triples, others in each round, the same in each run; none that is too large."""
    rounds = []
    affordable = aim.Fit.affordable

    def noted(state, workload, max_cells):
        found = affordable(state, workload, max_cells)
        rounds.append(found)
        assert all(n_cells(state.sizes, [*state.items, clique]) <= max_cells for clique in found)
        return found

    monkeypatch.setattr(aim, "MOST_TRIPLES", 2)
    monkeypatch.setattr(aim.Fit, "affordable", noted)
    for _ in range(2):
        aim.measure(StandIn(chain(), SIZES, seed=3), rho=1.0, degree=3, max_cells=900)
    half = len(rounds) // 2
    assert half > 3 and rounds[:half] == rounds[half:]
    triples = [[clique for clique in found if len(clique) == 3] for found in rounds]
    assert max(map(len, triples)) == 2 and len({tuple(found) for found in triples}) > 2


def test_the_bound_of_a_pair_is_no_less_than_its_edge_costs():
    sizes = {name: 2 + i for i, name in enumerate("abcdefg")}
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("e", "f")]
    before = n_cells(sizes, edges)
    costs = aim.path_costs(junction_tree(sizes, edges), sizes)
    assert len(costs) == 21
    assert costs["a", "b"] == 0 and costs["a", "g"] == 2 * 8
    for pair, cost in costs.items():
        assert n_cells(sizes, [*edges, pair]) <= before + cost


def test_what_holds_the_target_is_measured_first():
    columns = chain()
    table = StandIn(columns, SIZES, seed=4)
    aim.measure(table, rho=0.02, target="c")
    sets = [item.clique for item in table.transcript.measurements if len(item.clique) > 1]
    assert "c" in sets[0]
    assert sum("c" in clique for clique in sets) > len(sets) / 2


@pytest.mark.parametrize("options", [{"degree": 4}, {"degree": 1}, {"target": "nothing"}])
def test_impossible_parameters_are_refused_before_anything_is_spent(options):
    table = StandIn(chain(), SIZES, seed=1)
    with pytest.raises(UsageError, match=next(iter(options))):
        aim.measure(table, rho=0.1, **options)
    assert table.spent == 0.0


def test_a_second_look_is_averaged_with_the_first():
    table = StandIn(chain(), SIZES, seed=1)
    table.marginals([("a",), ("a",)], rho_each=[0.1, 0.3], purpose="")
    first, second = table.transcript.measurements
    (mean,) = averaged(table.transcript.measurements)
    np.testing.assert_allclose(mean.counts, 0.25 * first.counts + 0.75 * second.counts)
    assert mean.sigma == pytest.approx((2 * 0.4) ** -0.5)


@pytest.mark.parametrize("max_rows", [1, 3])
@pytest.mark.parametrize(
    ("rho", "choice"), [(1e-7, "independent"), (3e-4, "batches"), (1e-3, "tree and rounds"), (0.1, "rounds")]
)
def test_auto_follows_the_noise(rho, choice, max_rows):
    table = StandIn(chain(), SIZES, seed=1, max_rows=max_rows)
    rho *= max_rows**2
    auto.measure(table, rho=rho)
    assert 0.999 * rho < table.spent <= rho
    pools = pools_of(table.transcript.measurements)
    assert auto.choose(pools, rho=rho, max_rows=max_rows) == choice
    aimed = "independent" if choice == "independent" else "rounds"
    assert auto.choose(pools, rho=rho, max_rows=max_rows, target="c") == aimed
    assert any(len(item.clique) > 1 for item in table.transcript.measurements) == (choice != "independent")
    assert len(auto.model(table.transcript).sample(7, rng=np.random.default_rng(0))["a"]) == 7


def test_a_clear_tree_is_followed_by_rounds(monkeypatch):
    """What the pairs of the tree show decides between the two, after the noise has said batches."""
    for clear, purpose in ((1e9, "pairs that the tree gets wrong"), (0.0, "where the model was most wrong")):
        monkeypatch.setattr(auto, "CLEAR", clear)
        table = StandIn(chain(), SIZES, seed=6)
        measure_columns(table, rho=0.05)
        auto.measure_tree_first(table, rho=0.05, choice="batches")
        assert 0.999 * 0.05 < table.spent <= 0.05
        assert auto.clearness(table.transcript) > 1
        assert any(item.purpose == purpose for item in table.transcript.measurements)


@pytest.mark.parametrize("rho", [1e-7, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.1])
@pytest.mark.parametrize("names", ["ab", "abc"])
def test_auto_keeps_the_budget_of_few_columns(names, rho):
    table = StandIn({name: chain()[name] for name in names}, {name: SIZES[name] for name in names}, seed=1)
    auto.measure(table, rho=rho)
    assert 0.999 * rho < table.spent <= rho
    assert list(auto.model(table.transcript).sample(5, rng=np.random.default_rng(0))) == list(names)


@pytest.mark.parametrize(("rho", "twin"), [(3e-4, cliquetree), (0.1, aim)])
def test_auto_takes_the_looks_of_the_mechanism_that_it_chooses(rho, twin):
    tables = [StandIn(chain(), SIZES, seed=6) for _ in range(2)]
    auto.measure(tables[0], rho=rho)
    twin.measure(tables[1], rho=rho)
    for ours, theirs in zip(*(table.transcript.measurements for table in tables), strict=True):
        assert ours.clique == theirs.clique
        np.testing.assert_array_equal(ours.counts, theirs.counts)


def test_rounds_start_from_the_tree():
    """Rounds after a tree are as large as rounds without one."""
    table, other = (StandIn(chain(), SIZES, seed=6) for _ in range(2))
    for each in (table, other):
        measure_columns(each, rho=0.01)
    auto.measure_tree_first(table, rho=0.01, choice="tree and rounds")
    aim.measure_rounds(other, rho=0.006)
    pairs = [item for item in table.transcript.measurements if len(item.clique) > 1]
    n_tree = sum(item.purpose == "pairs on the tree" for item in pairs)
    assert 1 <= n_tree < len(pairs)
    assert pairs[n_tree].rho == pytest.approx(other.transcript.measurements[len(SIZES)].rho, rel=1e-6)
    assert sum(item.rho for item in pairs[:n_tree]) == pytest.approx(0.0025 * n_tree / (len(SIZES) - 1))


def test_a_tree_without_pairs_is_followed_by_a_second_look():
    rng = np.random.default_rng(0)
    apart = {name: rng.integers(0, size, 4000) for name, size in SIZES.items()}
    empty = 0
    for seed in range(5):
        table = StandIn(apart, SIZES, seed=seed)
        measure_columns(table, rho=0.05)
        auto.measure_tree_first(table, rho=0.05, choice="tree and rounds")
        assert 0.999 * 0.05 < table.spent <= 0.05
        empty += not any(len(item.clique) > 1 for item in table.transcript.measurements)
    assert empty > 2


def test_auto_measures_many_columns_in_two_batches():
    sizes = {f"c{i}": 2 + i % 3 for i in range(auto.MOST_COLUMNS + 1)}
    rng = np.random.default_rng(0)
    table = StandIn({name: rng.integers(0, size, 2000) for name, size in sizes.items()}, sizes, seed=0)
    auto.measure(table, rho=1.0)
    assert 0.999 < table.spent <= 1.0
    assert sum(item.purpose == "pairs on the tree" for item in table.transcript.measurements) > 1
    assert list(auto.model(table.transcript).sample(5, rng=np.random.default_rng(0))) == list(sizes)


@pytest.mark.parametrize("rho", [1e-4, 0.5])
@pytest.mark.parametrize("names", ["ab", "abc", "abcde"])
def test_two_batches_keep_the_budget(names, rho):
    sizes = {name: SIZES[name] for name in names}
    table = StandIn({name: chain()[name] for name in names}, sizes, seed=1)
    cliquetree.measure(table, rho=rho)
    assert 0.999 * rho < table.spent <= rho
    assert list(cliquetree.model(table.transcript).sample(5, rng=np.random.default_rng(0))) == list(names)


@pytest.mark.parametrize("max_rows", [1, 3])
def test_a_tree_ends_where_no_pair_stands_out(max_rows):
    """Independent columns get a second look for what pairs would have cost; a chain of dependences gets its tree."""
    rng = np.random.default_rng(0)
    apart = {name: rng.integers(0, size, 400) for name, size in SIZES.items()}
    n_pairs = []
    for columns, rho in ((apart, 0.002 * max_rows**2), (chain(), 0.05 * max_rows**2)):
        found = []
        for seed in range(5):
            table = StandIn(columns, SIZES, seed=seed, max_rows=max_rows)
            cliquetree.measure(table, rho=rho)
            assert 0.999 * rho < table.spent <= rho
            looks = [item.clique for item in table.transcript.measurements]
            found.append(sum(item.purpose == "pairs on the tree" for item in table.transcript.measurements))
            assert (looks.count(("a",)) == 2) == (found[-1] < len(SIZES) - 1)
            assert len(cliquetree.model(table.transcript).sample(7, rng=rng)["a"]) == 7
        n_pairs.append(np.mean(found))
    assert n_pairs[0] < 1 and n_pairs[1] > len(SIZES) - 2


class Stopping(StandIn):
    """Whoever chooses an edge of a tree is told, after some of them, that none is left."""

    stop: int

    def select(self, candidates, estimates, **options):
        index = super().select(candidates, estimates, **options)
        return len(candidates) - 1 if candidates[-1] == () and len(self.transcript.selections) > self.stop else index


@pytest.mark.parametrize(("names", "stop"), [(names, stop) for names in ("ab", "abc", "abcde") for stop in range(5)])
def test_wherever_a_tree_ends_the_budget_is_spent_and_not_passed(names, stop):
    """Of two columns no further pair is possible, so that its share is the tree's already."""
    for measure in (
        cliquetree.measure,
        lambda table, rho: (
            measure_columns(table, rho=rho),
            auto.measure_tree_first(table, rho=rho, choice="tree and rounds"),
        ),
    ):
        table = Stopping({name: chain()[name] for name in names}, {name: SIZES[name] for name in names}, seed=1)
        table.stop = stop
        measure(table, rho=0.05)
        assert 0.999 * 0.05 < table.spent <= 0.05


def test_where_no_pair_fits_the_model_columns_get_the_rest():
    """Two columns of many categories: found out when the columns are paid for, so it is too late to refuse."""
    table = StandIn({name: chain()[name] for name in "ab"}, {name: SIZES[name] for name in "ab"}, seed=1)
    aim.measure(table, rho=1.0, max_cells=5)
    assert 0.999 < table.spent <= 1.0
    assert [item.clique for item in table.transcript.measurements] == [("a",), ("b",)] * 2
    assert list(aim.model(table.transcript).sample(5, rng=np.random.default_rng(0))) == ["a", "b"]


def test_pools_are_those_of_the_first_look_and_counts_those_of_all():
    """Pairs are measured in the codes that the first look led to, whatever later looks say."""
    table = StandIn(chain(), SIZES, seed=1)
    for rho in (1e-4, 10.0):
        table.marginals([(name,) for name in SIZES], rho_each=[rho] * len(SIZES), purpose="")
    first = pools_of(table.transcript.measurements[: len(SIZES)])
    both = pools_of(table.transcript.measurements)
    true = np.bincount(chain()["a"], minlength=SIZES["a"])
    for name in SIZES:
        np.testing.assert_array_equal(both[name].coarse, first[name].coarse)
        assert both[name].code_sigma < 0.01 * first[name].code_sigma
    np.testing.assert_allclose(both["a"].counts, true, atol=2)
    np.testing.assert_allclose(both["a"].noisy, np.bincount(both["a"].coarse, weights=true), atol=2)


def test_further_pairs_stay_within_the_cells():
    table = StandIn(chain(), SIZES, seed=1)
    cliquetree.measure(table, rho=5.0, max_cells=700)
    state = aim.Fit(table.transcript.measurements, SIZES)
    assert n_cells(state.sizes, list(state.items)) <= 700


def test_one_column():
    for mechanism in (independent, mst, aim, cliquetree, auto):
        table = StandIn({"a": chain()["a"]}, {"a": 6}, seed=0)
        mechanism.measure(table, rho=0.1)
        assert len(mechanism.model(table.transcript).sample(10, rng=np.random.default_rng(0))["a"]) == 10
