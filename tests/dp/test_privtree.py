"""Bins by PrivTree: where they lie, what they cost, and how often a bin is halved."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import tabsynth as ts
from tabsynth.dp import privtree
from tabsynth.dp.certificate import transcript_of
from tabsynth.dp.discovery import finest_edges
from tabsynth.dp.noise import NoiseSource
from tabsynth.schema.model import Schema
from tests.dp.audits import ZeroNoise, make, split_logs, worst_tree


def test_bins_are_narrow_where_rows_are_many() -> None:
    """Without noise, bins are halved until they hold the threshold, at each depth a little more."""
    cells = np.zeros(16, np.int64)
    cells[:2] = 1000
    nodes = privtree.halved(cells, scale=Fraction(1), threshold=400, noise=ZeroNoise())
    assert nodes == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert privtree.inner_edges(nodes, 16, 16) == [1, 2, 4, 8]
    assert privtree.inner_edges(nodes, 16, 3) == [4, 8], "the deepest are joined first"
    assert privtree.inner_edges(nodes, 16, 4) == [1, 2, 8], "but where a single value was reached"
    assert privtree.halved(cells, scale=Fraction(1), threshold=2000, noise=ZeroNoise()) == []


@pytest.mark.parametrize(
    ("lower", "upper", "step", "n_cells", "first"),
    [(0, 119, 1.0, 128, 1.0), (-5, 5, 0.1, 128, -4.9), (0, 1e7, 1.0, 2**20, 10.0), (0, 1, None, 2**20, 2.0**-20)],
)
def test_the_finest_bins_are_no_narrower_than_a_step(
    lower: float, upper: float, step: float | None, n_cells: int, first: float
) -> None:
    """A power of two of bins that reach over the bounds; edges are values of the column."""
    edges, half = finest_edges(lower, upper, step)
    assert len(edges) + 1 == n_cells and math.isclose(edges[0], first)
    assert edges[-1] + (edges[1] - edges[0]) >= upper - 1e-9 and half == (step or 0.0) / 2


def test_the_decay_is_large_enough_for_its_price() -> None:
    """The sum over a path of any depth, at scores a decay apart, is below the price; a decay of half is too small."""
    for scale in (Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(100), Fraction(10**6, 7)):
        decay = privtree.decay_of(scale)
        assert decay >= float(scale) * math.log(2)
        assert 1 + 1 / -math.expm1(-decay / float(scale)) <= privtree.COST * (1 + 1e-12)
        assert 1 + 1 / -math.expm1(-decay / 2 / float(scale)) > privtree.COST or scale < 1


def test_bins_are_halved_as_often_as_the_audit_believes() -> None:
    """Frequencies of splits against the probabilities that `check_tree` adds up: five standard errors."""
    cells, scale, threshold, runs = np.array([30, 2, 0, 9, 4, 4, 4, 4]), Fraction(6), 12, 4000
    noise = NoiseSource.insecure(3)
    trees = [set(privtree.halved(cells, scale=scale, threshold=threshold, noise=noise)) for _ in range(runs)]
    for depth in range(3):
        chances = np.exp(
            split_logs(cells.reshape(2**depth, -1).sum(axis=1), depth, scale=scale, threshold=threshold)[0]
        )
        for place, chance in enumerate(chances):
            reached = [tree for tree in trees if depth == 0 or (depth - 1, place // 2) in tree]
            split = sum((depth, place) in tree for tree in reached)
            assert abs(split - chance * len(reached)) <= 5 * math.sqrt(len(reached) * chance * (1 - chance)) + 1


def test_the_worst_tree_is_one_that_can_be_drawn() -> None:
    """The largest log-odds over all trees is that of a tree, summed node by node."""
    here, there = np.array([9, 0, 3, 1]), np.array([10, 0, 3, 1])
    scale, threshold = Fraction(2), 3

    def log_odds(splits: set[tuple[int, int]]) -> float:
        total, nodes = 0.0, [(0, 0)]
        while nodes:
            depth, place = nodes.pop()
            if depth == 2:
                continue
            logs = [
                split_logs(each.reshape(2**depth, -1).sum(axis=1)[place : place + 1], depth, scale=scale, threshold=3)
                for each in (here, there)
            ]
            halved = (depth, place) in splits
            total += float((logs[0][0 if halved else 1] - logs[1][0 if halved else 1])[0])
            nodes += [(depth + 1, 2 * place), (depth + 1, 2 * place + 1)] if halved else []
        return total

    trees = [set(), {(0, 0)}, {(0, 0), (1, 0)}, {(0, 0), (1, 1)}, {(0, 0), (1, 0), (1, 1)}]
    for a, b in ((here, there), (there, here)):
        here, there = a, b
        assert math.isclose(worst_tree(a, b, scale=scale, threshold=threshold), max(map(log_odds, trees)))


@pytest.mark.usefixtures("same_noise")
def test_a_release_with_a_tree_pays_for_it() -> None:
    """Bins gather where the values are; the look is charged by its noise. It is what is done where nothing is said."""
    rng = np.random.default_rng(0)
    columns = {"cost": {"type": "number", "lower": 0.0, "upper": 100000.0, "nullable": False}}
    schema = Schema.model_validate(
        {"tables": {"t": {"columns": columns}}, "privacy": {"unit": "row", "epsilon": 1.0, "delta": 1e-9}}
    )
    import pandas as pd

    table = pd.DataFrame({"cost": np.minimum(rng.lognormal(6, 1, 20_000), 1e5)})
    maker = ts.make_generator("dp-independent", {"ledger": "none"})
    model = maker.fit(table, schema)
    total, tree = transcript_of(model).discoveries
    assert (total.kind, tree.kind) == ("total", "tree") and math.isclose(tree.recomputed_rho(), tree.rho, rel_tol=1e-9)
    assert len(tree.numbers) >= 8 and not tree.counts.size
    assert np.quantile(tree.numbers, 0.25) < 3000, "of edges at equal distances one in 33 lies so low"
    rows = model.sample(20_000, seed=0)
    plain = make("dp-independent").fit(table, schema).sample(20_000, seed=0)
    real = np.log(table["cost"].median())
    assert abs(np.log(rows["cost"].median()) - real) < 0.25 < abs(np.log(plain["cost"].median()) - real)
