"""Marginals: close to the data, and without a single person's value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from tabsynth.encoding.marginal import fit_marginal

RNG = np.random.default_rng(11)
N = 20_000
SHAPES = {
    "zero-inflated": np.where(RNG.random(N) < 0.7, 0.0, RNG.gamma(2.0, 100.0, N)),
    "bimodal": np.concatenate([RNG.normal(0, 1, N // 2), RNG.normal(10, 2, N // 2)]),
    "lognormal": RNG.lognormal(0, 2, N),
    "spiked": np.where(RNG.random(N) < 0.3, 42.0, RNG.normal(40, 10, N)),
    "whole": RNG.integers(17, 91, N).astype(float),
    "constant": np.full(N, 3.5),
}


def _fit(values: np.ndarray, k: int = 10, **bounds: float):
    return fit_marginal(values, k=k, entities=None, lower=bounds.get("lower"), upper=bounds.get("upper"))


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_follow_the_column(shape: str) -> None:
    """The Kolmogorov-Smirnov distance of draws to the column is within sampling noise of 20,000 rows."""
    draws = _fit(SHAPES[shape]).quantile(np.random.default_rng(1).random(N))
    assert ks_2samp(SHAPES[shape], draws).statistic < 0.02


def test_point_masses_are_kept_exactly() -> None:
    """A value that many rows share keeps its value and its share."""
    marginal = _fit(SHAPES["spiked"])
    draws = marginal.quantile(np.linspace(0, 1, N, endpoint=False))
    assert abs((draws == 42.0).mean() - (SHAPES["spiked"] == 42.0).mean()) < 1e-3


def test_extremes_are_held_to_the_kth_value() -> None:
    """Without bounds no draw passes the k-th smallest or largest value."""
    values = np.concatenate([RNG.normal(0, 1, 5000), [1e9, -1e9]])
    marginal = _fit(values)
    ordered = np.sort(values)
    ends = marginal.quantile(np.array([0.0, 1.0]))
    assert ordered[9] <= ends[0] and ends[1] <= ordered[-10]


def test_extremes_are_counted_in_people() -> None:
    """One person with many extreme rows does not make the extreme common."""
    values = np.concatenate([RNG.normal(0, 1, 5000), np.full(50, 1000.0)])
    people = np.concatenate([np.arange(5000), np.full(50, 5000)])
    marginal = fit_marginal(values, k=10, entities=people, lower=None, upper=None)
    assert marginal.quantile(np.array([1.0]))[0] < 10


def test_declared_bounds_allow_the_tail_without_storing_its_end() -> None:
    """With declared bounds the tail may be drawn, and the largest value itself is not in the model."""
    values = np.append(RNG.normal(50, 10, 5000), 113.456)
    marginal = _fit(values, lower=0.0, upper=120.0)
    assert 113.456 not in np.concatenate([marginal.lowers, marginal.uppers])
    assert marginal.quantile(np.array([1.0]))[0] <= 120.0


def test_a_tail_of_one_person_is_no_tail() -> None:
    """Declared bounds hold no extreme back, so every stretch has to rest on k people; their averages do, too."""
    values = np.concatenate([RNG.normal(5, 1, 5000), np.linspace(25, 29, 60)])
    people = np.concatenate([np.arange(5000) // 2, np.full(60, 2500)])
    marginal = fit_marginal(values, k=10, entities=people, lower=0.0, upper=30.0)
    assert marginal.quantile(np.array([1.0]))[0] < 15
    assert abs(marginal.masses.sum() - 1) < 1e-9 and (np.diff(marginal.lowers) >= 0).all()


def test_what_one_person_alone_has_between_the_others_is_no_stretch() -> None:
    """Sixty rows of one person in a gap between two clusters: no stretch lies within them."""
    values = np.concatenate([RNG.normal(5, 0.1, 2000), np.linspace(10, 11, 60), RNG.normal(15, 0.1, 2000)])
    people = np.concatenate([np.arange(2000), np.full(60, 2000), np.arange(2000)])
    for bounds in ((0.0, 30.0), (None, None)):
        marginal = fit_marginal(values, k=10, entities=people, lower=bounds[0], upper=bounds[1])
        assert not ((marginal.lowers >= 10) & (marginal.uppers <= 11)).any()


def test_people_of_one_row_each_change_nothing() -> None:
    """Entities that are all different give the very marginal of rows without entities."""
    values = RNG.lognormal(0, 2, 4000).round(2)
    rows, people = (
        fit_marginal(values, k=10, entities=entities, lower=0.0, upper=None)
        for entities in (None, np.random.default_rng(1).permutation(4000))
    )
    for name in ("lowers", "uppers", "masses"):
        assert (getattr(rows, name) == getattr(people, name)).all()


@pytest.mark.parametrize("n", range(10, 19))
@pytest.mark.parametrize("by_person", [False, True])
def test_of_few_people_no_end_is_anybodys_value(n: int, by_person: bool) -> None:
    """Fewer than 2 k - 1 people: k-th values would cross, and those between rest on fewer than k."""
    values = RNG.normal(0, 1, n)
    marginal = fit_marginal(values, k=10, entities=np.arange(n) if by_person else None, lower=None, upper=None)
    stored = np.concatenate([marginal.lowers, marginal.uppers])
    assert not set(stored.tolist()) & set(values.tolist())
    assert values.min() < stored.min() and stored.max() < values.max()


def test_no_single_value_is_stored() -> None:
    """No stored edge of a column of distinct values is one of its values, except the two held ends."""
    values = RNG.normal(0, 1, 3000)
    marginal = _fit(values)
    stored = set(np.concatenate([marginal.lowers, marginal.uppers])[1:-1].tolist())
    assert not (stored - {np.sort(values)[9], np.sort(values)[-10]}) & set(values.tolist())


def test_too_few_people_give_no_marginal() -> None:
    """Fewer than k people describe nothing."""
    assert _fit(np.arange(9.0)) is None
    ten_rows_of_one = fit_marginal(np.arange(30.0), k=10, entities=np.zeros(30, int), lower=None, upper=None)
    assert ten_rows_of_one is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, -8.0]), min_size=10, max_size=300), st.integers(1, 12)
)
def test_any_column_gives_a_rising_distribution(values: list[float], k: int) -> None:
    """Segments rise, masses sum to one, and quantiles and probabilities agree."""
    marginal = _fit(np.array(values), k=min(k, len(values)))
    assert (marginal.lowers <= marginal.uppers).all()
    assert (marginal.uppers[:-1] <= marginal.lowers[1:]).all()
    assert abs(marginal.masses.sum() - 1) < 1e-9
    u = np.linspace(0, 1, 50)
    drawn = marginal.quantile(u)
    assert (np.diff(drawn) >= 0).all()
    assert min(values) <= drawn[0] and drawn[-1] <= max(values)
    assert (marginal.probability_below(drawn, inclusive=True) >= u - 1e-6).all()
    assert (marginal.probability_below(drawn, inclusive=False) <= u + 1e-6).all()


@pytest.mark.parametrize("power", [-1060, -900, 600, 1023], ids=str)
@pytest.mark.parametrize("n_rows", [12, 3000])
def test_the_ends_of_floats_are_like_their_middle(power: int, n_rows: int) -> None:
    """Where sums, squares or slopes are no floats, a column has the marginal of the same column in another unit."""
    values = np.round(np.random.default_rng(0).uniform(-1, 1, n_rows) * 2**10) / 2**10
    places, unit = np.array([0.0, 0.2, 0.5, 0.99]), 2.0**power
    usual, far = _fit(values), _fit(values * unit)
    assert usual is not None and far is not None
    np.testing.assert_allclose(far.quantile(places) / unit, usual.quantile(places), atol=1e-3)
    middle = usual.quantile(places)
    for inclusive in (False, True):
        np.testing.assert_allclose(
            far.probability_below(middle * unit, inclusive=inclusive),
            usual.probability_below(middle, inclusive=inclusive),
            atol=1e-2,
        )
