"""The engine against brute force on small tables."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tabsynth.dp.counting import count
from tabsynth.dp.graphical.estimate import evidence, fit
from tabsynth.dp.graphical.model import GraphicalModel

SIZES = {"a": 3, "b": 4, "c": 2, "d": 5, "e": 3, "f": 2}
CLIQUES = [("a", "b"), ("b", "c", "d"), ("d", "a"), ("d", "e")]


def drawn_columns(n_rows=4000, seed=1):
    """Rows of a chain with some extra dependence."""
    rng = np.random.default_rng(seed)
    hidden = rng.integers(0, 60, n_rows)
    return {
        name: ((hidden + rng.integers(0, 20, n_rows)) * (i + 1) // 7 % size)
        for i, (name, size) in enumerate(SIZES.items())
    }


def fitted(cliques=CLIQUES, softness=1e-3, sigma=1.0, sweeps=60):
    columns = drawn_columns()
    measured = [
        evidence(
            clique,
            count([columns[n] for n in clique], [SIZES[n] for n in clique]),
            sigma,
            sizes=SIZES,
            softness=softness,
        )
        for clique in cliques
    ]
    return GraphicalModel.of(fit(measured, SIZES, sweeps=sweeps)), columns


def joint_of(model):
    """The whole joint table: product of cliques over separators."""
    names = list(SIZES)
    joint = np.ones(tuple(SIZES.values()))
    for clique, separator, table in zip(model.tree.cliques, model.tree.separators, model.tables, strict=True):
        gone = tuple(i for i, name in enumerate(clique) if name not in separator)
        given = table / table.sum(axis=gone, keepdims=True)
        joint *= given.reshape([SIZES[name] if name in clique else 1 for name in names])
    return joint * model.total


def test_exact_counts_are_met():
    model, columns = fitted()
    for clique in CLIQUES:
        true = count([columns[n] for n in clique], [SIZES[n] for n in clique])
        np.testing.assert_allclose(model.marginal(clique), true, atol=0.5)


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_any_marginal_is_that_of_the_joint_table(length):
    model, _ = fitted(sweeps=4)
    joint = joint_of(model)
    asked = [tuple(reversed(clique)) for clique in combinations(SIZES, length)]
    for clique, found in zip(asked, model.marginals(asked), strict=True):
        gone = tuple(i for i, name in enumerate(SIZES) if name not in clique)
        expected = joint.sum(axis=gone).transpose()  # `asked` is reversed
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found, model.marginal(clique), rtol=1e-9, atol=1e-9)


def test_the_fit_is_the_optimum_it_claims():
    """theta' = (y + s - mu) / k for every clique, with the beliefs calibrated."""
    columns = drawn_columns()
    rng = np.random.default_rng(0)
    measured = []
    for clique in CLIQUES:
        counts = count([columns[n] for n in clique], [SIZES[n] for n in clique])
        measured.append(evidence(clique, counts + rng.normal(0, 20, counts.shape), 20.0, sizes=SIZES, softness=20.0))
    model = GraphicalModel.of(fit(measured, SIZES, sweeps=200))
    for item in measured:
        misfit = (item.counts - model.marginal(item.columns)) / item.softness - item.factor
        assert np.ptp(misfit) < 1e-6


def test_a_warm_start_goes_on_where_it_stopped():
    columns = drawn_columns()
    measured = [
        evidence(
            clique, count([columns[n] for n in clique], [SIZES[n] for n in clique]), 1.0, sizes=SIZES, softness=5.0
        )
        for clique in CLIQUES
    ]
    once = fit(measured, SIZES, sweeps=100)
    again = fit(measured, SIZES, sweeps=1)
    for before, after in zip(once.tables, again.tables, strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-5)


def test_contradicting_and_negative_counts_give_finite_counts():
    measured = [
        evidence(("a", "b"), np.full((3, 4), -50), 30.0, sizes=SIZES, softness=30.0),
        evidence(("a",), np.array([1000, -40, 0]), 30.0, sizes=SIZES, softness=1.0),
        evidence(("b", "a"), np.full((4, 3), 500), 30.0, sizes=SIZES, softness=30.0),
    ]
    beliefs = fit(measured, SIZES)
    assert all(np.isfinite(table).all() and (table >= 0).all() for table in beliefs.tables)
    assert all(table.sum() == pytest.approx(beliefs.total) for table in beliefs.tables)


def test_rows_follow_the_model_and_the_seed():
    model, _ = fitted()
    rows = model.sample(20_000, rng=np.random.default_rng(3))
    again = model.sample(20_000, rng=np.random.default_rng(3))
    for name, size in SIZES.items():
        assert rows[name].dtype == np.uint8 and rows[name].min() >= 0 and rows[name].max() < size
        np.testing.assert_array_equal(rows[name], again[name])
    for clique in combinations(SIZES, 2):
        share = count([rows[n] for n in clique], [SIZES[n] for n in clique]) / 20_000
        assert np.abs(share - model.marginal(clique) / model.total).sum() / 2 < 0.02
    root = model.tree.cliques[0]
    counts = count([rows[n] for n in root], [SIZES[n] for n in root])
    assert np.abs(counts - model.tables[0] / model.total * 20_000).max() <= 1 + 1e-6


def test_no_rows_and_one_row():
    model, _ = fitted(sweeps=1)
    assert all(len(codes) == 0 for codes in model.sample(0, rng=np.random.default_rng(0)).values())
    assert all(len(codes) == 1 for codes in model.sample(1, rng=np.random.default_rng(0)).values())
