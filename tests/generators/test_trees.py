"""Sequential trees: what they learn, what they leave out, and tables at the edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.encoding.given import GivenColumn
from tabsynth.encoding.marginal import fit_marginal
from tabsynth.encoding.table import Continuous, Discrete, EncodedTable
from tabsynth.errors import TabsynthWarning, UsageError
from tabsynth.generators.trees import FittedTrees, Trees
from tests.shared_tables import shared_data

FAST = Trees(preset="fast")


def _encoded(**columns: np.ndarray) -> EncodedTable:
    domains: dict[str, Discrete | Continuous] = {}
    arrays = {}
    for name, array in columns.items():
        if array.dtype.kind == "f":
            marginal = fit_marginal(array[~np.isnan(array)], k=10, entities=None, lower=None, upper=None)
            assert marginal is not None
            domains[name], arrays[name] = Continuous(marginal, None), array
        else:
            shares = np.bincount(array[array >= 0], minlength=int(array.max(initial=0)) + 1)
            domains[name] = Discrete(shares / max(shares.sum(), 1), ordered=False)
            arrays[name] = array.astype(np.int32)
    return EncodedTable(arrays, domains, len(next(iter(arrays.values()))))


def _fit(data: EncodedTable, generator: Trees = FAST) -> FittedTrees:
    return generator.fit_encoded(data, rng=np.random.default_rng(0))


def _draw(fitted: FittedTrees, n_rows: int, **given: GivenColumn) -> dict[str, np.ndarray]:
    return fitted.sample_encoded(n_rows, rng=np.random.default_rng(1), given=given)


def _ring(n_rows: int = 3000) -> EncodedTable:
    """Two numbers on a circle, in which no correlation shows, and the quadrant."""
    rng = np.random.default_rng(4)
    angle = rng.uniform(0, 2 * np.pi, n_rows)
    x, y = np.cos(angle) + rng.normal(0, 0.05, n_rows), np.sin(angle) + rng.normal(0, 0.05, n_rows)
    return _encoded(x=x, y=y, quadrant=((x > 0) * 2 + (y > 0)).astype(np.int32))


def test_a_ring_stays_a_ring() -> None:
    """Dependence without correlation is learned, also inside the cells."""
    rows = _draw(_fit(_ring(), Trees()), 3000)
    radius = np.hypot(rows["x"], rows["y"])
    assert np.quantile(radius, 0.05) > 0.8 and np.quantile(radius, 0.95) < 1.2
    assert (rows["quadrant"] == (rows["x"] > 0) * 2 + (rows["y"] > 0)).mean() > 0.97


def test_shares_are_closer_than_chance() -> None:
    """Systematic draws give the share of a category to within a few rows of thousands."""
    data = _ring()
    rows = _draw(_fit(data), 4000)
    for code in range(4):
        drawn, real = (float((part["quadrant"] == code).mean()) for part in (rows, data.columns))
        assert drawn == pytest.approx(real, abs=0.01)


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_conditions_are_met_and_weigh_what_came_before(preset: Literal["fast", "balanced"]) -> None:
    """A condition on the last column changes the first ones as it does in the data."""
    fitted = _fit(_ring(), Trees(preset=preset))
    rows = _draw(fitted, 500, quadrant=GivenColumn(missing=False, codes=np.array([False, False, False, True])))
    assert (rows["quadrant"] == 3).all()
    assert ((rows["x"] > -0.1) & (rows["y"] > -0.1)).mean() > 0.97
    upper = GivenColumn(missing=False, stretches=np.array([[0.9, 0.95]]))
    narrow = _draw(fitted, 500, y=upper)
    marginal = fitted.columns["y"].cells.domain.marginal
    assert narrow["y"].min() >= marginal.quantile(np.array([0.9]))[0]
    assert narrow["y"].max() <= marginal.quantile(np.array([0.95]))[0]
    assert np.abs(narrow["x"]).mean() < 0.4


def test_conditions_that_exclude_each_other_are_refused() -> None:
    """Probability zero is an error with the column's name, not a short table."""
    fitted = _fit(_ring())
    with pytest.raises(UsageError, match="given: quadrant"):
        _draw(fitted, 10, quadrant=GivenColumn(missing=True))


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_likelihood_prefers_real_rows(preset: Literal["fast", "balanced"]) -> None:
    """Rows of the table are likelier than the same columns shuffled."""
    data = _ring()
    fitted = _fit(data, Trees(preset=preset))
    shuffled = {**data.columns, "y": np.random.default_rng(0).permutation(data.columns["y"])}
    assert fitted.log_likelihood(data.columns).mean() > fitted.log_likelihood(shuffled).mean() + 1


def test_the_model_holds_no_value_of_a_row() -> None:
    """No array of the state holds a single row's number, nor is it as long as the table."""
    data = _ring(3001)

    def arrays(value: object) -> list[np.ndarray]:
        if isinstance(value, dict):
            return [array for item in value.values() for array in arrays(item)]
        return [value] if isinstance(value, np.ndarray) else []

    found = arrays(_fit(data).state())
    assert found
    for array in found:
        assert 3001 not in array.shape
        assert not np.isin(array.astype(np.float64), data.columns["x"]).any()


def test_state_gives_the_same_rows() -> None:
    """from_state undoes state to the last bit."""
    data = _ring()
    fitted = _fit(data)
    again = FittedTrees.from_state(fitted.state(), data.domains)
    for name, array in _draw(fitted, 300).items():
        np.testing.assert_array_equal(array, _draw(again, 300)[name])


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_nothing_is_kept_of_scoring_rows(preset: Literal["fast", "balanced"]) -> None:
    """Look-up tables are many times as large as the trees: a model that has worked holds no more than a new one."""

    def held(fitted: FittedTrees) -> int:
        classifiers = [
            trees
            for model in fitted.columns.values()
            for trees in (*model.trees, *(model.shared.trees if model.shared else ()))
        ]
        assert classifiers
        return sum(
            array.nbytes
            for trees in classifiers
            for kept in vars(trees).values()
            for array in (kept if isinstance(kept, tuple) else (kept,))
            if isinstance(array, np.ndarray)
        )

    data = _ring()
    fitted = _fit(data, Trees(preset=preset))
    new = held(FittedTrees.from_state(fitted.state(), data.domains))
    assert held(fitted) == new
    fitted.log_likelihood(data.columns)
    assert held(fitted) == new
    _draw(fitted, 500, y=GivenColumn(missing=False, stretches=np.array([[0.2, 0.6]])))
    assert held(fitted) == new
    hidden = {"x": np.arange(data.n_rows) % 50 == 0}
    fitted.impute_encoded(data.columns, hidden, rng=np.random.default_rng(2))
    assert held(fitted) == new


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_the_number_of_threads_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, preset: Literal["fast", "balanced"]
) -> None:
    """Columns trained one at a time or four at once are the same to the last bit."""
    drawn = []
    for threads in (1, 4):
        monkeypatch.setattr("tabsynth.generators.boosting.fitting._THREADS", threads)
        monkeypatch.setattr("os.cpu_count", lambda: 4)
        drawn.append(_draw(_fit(_ring(), Trees(preset=preset)), 300))
    for name in drawn[0]:
        np.testing.assert_array_equal(drawn[0][name], drawn[1][name])


@pytest.mark.parametrize(
    "data",
    [
        _encoded(only=np.random.default_rng(0).normal(size=300)),
        _encoded(same=np.zeros(200, np.int32), other=np.arange(200).astype(float)),
        _encoded(gone=np.full(200, -1, np.int32), other=(np.arange(200) % 3).astype(np.int32)),
        _encoded(many=(np.arange(6000) % 5000).astype(np.int32), other=(np.arange(6000) % 2).astype(np.int32)),
        _encoded(
            half=np.where(np.arange(500) % 2, np.nan, np.arange(500.0)), two=(np.arange(500) % 2).astype(np.int32)
        ),
        _encoded(few=np.arange(30).astype(float), two=(np.arange(30) % 2).astype(np.int32)),
        _encoded(once=np.append(np.zeros(400, np.int32), 1).astype(np.int32), x=np.arange(401).astype(float)),
    ],
    ids=[
        "one column",
        "constant",
        "all missing",
        "5000 categories",
        "half missing",
        "fewer rows than cells",
        "seen once",
    ],
)
def test_tables_at_the_edge(data: EncodedTable) -> None:
    """Every column comes back with its kind, its gaps and no code that was never seen."""
    rows = _draw(_fit(data), 700)
    assert list(rows) == list(data.columns)
    for name, array in rows.items():
        real = data.columns[name]
        assert array.shape == (700,) and array.dtype == real.dtype
        if array.dtype.kind == "i":
            assert set(array) <= set(real)
        else:
            assert np.isnan(array).mean() == pytest.approx(np.isnan(real).mean(), abs=0.05)


def test_large_tables_are_thinned_and_it_is_said() -> None:
    """Beyond `max_rows` classifiers see a draw of the rows, and the model says so."""
    fitted = _fit(_ring(4000), Trees(preset="fast", max_rows=1000))
    assert any("1000 of 4000 rows" in note for note in fitted.notes)


def test_time_limits_are_kept_or_refused() -> None:
    """A limit that leaves no time for one round is refused by name; one with room changes nothing."""
    data = _ring(1000)
    with pytest.raises(UsageError, match="time_limit"):
        _fit(data, Trees(time_limit=1e-6))
    generous, usual = (_draw(_fit(data, Trees(preset="fast", time_limit=limit)), 50) for limit in (1e6, None))
    np.testing.assert_array_equal(generous["x"], usual["x"])


def test_people_with_many_rows_count_once() -> None:
    """With an entity key a leaf rests on `min_leaf` times the mean rows of a person."""
    data = _ring(4000)
    people = EncodedTable(data.columns, data.domains, data.n_rows, np.arange(4000) // 20)
    assert _fit(people).columns["y"].cells.n_cells < _fit(data).columns["y"].cells.n_cells


def test_real_rows_are_hard_to_tell_apart() -> None:
    """On Magic a boosted detector is near chance between holdout rows and synthetic ones."""
    import lightgbm
    from sklearn.metrics import roc_auc_score

    table = pd.read_csv(shared_data() / "magic" / "magic04.csv.gz").sample(7000, random_state=0)
    train, holdout = table.iloc[:4000], table.iloc[4000:]
    rows = ts.Trees().fit(train, ts.infer(train), seed=0).sample(3000, seed=0)
    both = pd.concat([holdout, rows], ignore_index=True)
    both["Class"] = both["Class"].astype("category").cat.codes
    label, rng = np.repeat([1, 0], 3000), np.random.default_rng(0)
    test = rng.random(6000) < 0.4
    parameters = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbosity": -1}
    detector = lightgbm.train(parameters, lightgbm.Dataset(both[~test], label=label[~test]), num_boost_round=60)
    assert roc_auc_score(label[test], detector.predict(both[test])) < 0.6


def test_small_tables_fall_back() -> None:
    """Too few rows for trees: independent columns, with a warning."""
    table = pd.DataFrame({"a": np.arange(60) % 4, "b": np.arange(60) % 3})
    with pytest.warns(TabsynthWarning, match="too few for trees"):
        model = Trees().fit(table, ts.infer(table), seed=0)
    assert model.generator.name == "independent"


def test_more_rows_are_begun_for_a_rare_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a condition leaves one effective row in fifty, more rows are begun, and it is met by what causes it."""
    a = np.tile(np.arange(50), 400).astype(np.int32)
    fitted = _fit(_encoded(a=a, b=(a == 7).astype(np.int32)))
    begun = []
    drawn = FittedTrees._drawn

    def spied(self: FittedTrees, n_rows: int, n_begun: int, *rest: object, **named: object) -> object:
        begun.append(n_begun)
        return drawn(self, n_rows, n_begun, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(FittedTrees, "_drawn", spied)
    rows = _draw(fitted, 500, b=GivenColumn(missing=False, codes=np.array([False, True])))
    assert len(begun) == 2 and begun[1] > 2 * begun[0]
    assert (rows["a"] == 7).mean() > 0.9 and (rows["b"] == 1).all()


def test_several_orders_share_the_rows() -> None:
    """`best` has models in several orders: a mixture that draws, conditions, counts and is saved as one."""
    data = _ring(1500)
    fitted = _fit(data, Trees(preset="best"))
    models = (fitted, *fitted.others)
    assert len({next(iter(model.columns)) for model in models}) == len(models) == 3  # no more than columns
    likely = [replace(model, others=()).log_likelihood(data.columns) for model in models]
    np.testing.assert_allclose(fitted.log_likelihood(data.columns), np.log(np.mean(np.exp(likely), axis=0)))
    assert {len(array) for array in _draw(fitted, 2).values()} == {2}
    quadrant = GivenColumn(missing=False, codes=np.array([False, False, False, True]))
    first = next(model for model in models if next(iter(model.columns)) == "quadrant")
    rows, alone = (_draw(model, 300, quadrant=quadrant) for model in (fitted, replace(first, others=())))
    assert (rows["quadrant"] == 3).all()
    np.testing.assert_array_equal(rows["x"], alone["x"])  # drawn by the model that comes to the condition first
    again = FittedTrees.from_state(fitted.state(), data.domains)
    np.testing.assert_array_equal(_draw(fitted, 300)["y"], _draw(again, 300)["y"])


def test_a_time_limit_leaves_out_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that would go beyond the limit are not begun, and the model says so; a named order is the only one."""
    data = _ring(1500)
    clock = SimpleNamespace(monotonic=count().__next__)  # a second passes with every look at it
    monkeypatch.setattr("tabsynth.generators.trees.time", clock)
    monkeypatch.setattr("tabsynth.generators.boosting.fitting.price", lambda *_, **__: {"fixed": 0.0, "each": 1e-6})
    short = _fit(data, Trees(preset="best", time_limit=5.0))
    assert len(short.others) == 1 and "time_limit: 2 of 3 orders of the columns" in short.notes
    assert not _fit(data, Trees(preset="best", order="file")).others
