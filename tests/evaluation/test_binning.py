"""Bins: fitted on train alone, every cell in exactly one, nothing foreign disguised as known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.evaluation.binning import MAX_BINS, fit_bins

numbers = st.lists(
    st.one_of(st.just(np.nan), st.floats(-1e9, 1e9), st.integers(0, 3).map(float)), min_size=1, max_size=60
)


@given(numbers, numbers, st.booleans())
def test_every_cell_falls_into_a_bin(train: list[float], other: list[float], discrete: bool) -> None:
    """Codes of any cells lie between 0 and n_bins - 1, and 0 is "missing"."""
    bins = fit_bins(np.array(train), discrete=discrete)
    codes = bins.code(np.array(other))
    assert ((codes >= 0) & (codes < bins.n_bins)).all()
    np.testing.assert_array_equal(codes == 0, np.isnan(other))


@given(numbers)
def test_train_has_nothing_out_of_range(train: list[float]) -> None:
    """The last two bins, below and above, are empty for the rows that the bins were fitted on."""
    bins = fit_bins(np.array(train), discrete=False)
    assert (bins.code(np.array(train)) < bins.n_bins - 2).all()


def test_a_changed_unit_falls_out_of_range() -> None:
    """A column multiplied by 1000 lands in the bin above all of train, not in the same bins."""
    train = np.random.default_rng(0).uniform(1, 9, 500)
    bins = fit_bins(train, discrete=False)
    assert (bins.code(1000 * train) == bins.n_bins - 1).all()


def test_common_values_have_bins_of_their_own() -> None:
    """A value that 30 % of the rows share is counted apart from its neighbours."""
    rng = np.random.default_rng(1)
    train = np.where(rng.random(1_000) < 0.3, 0.0, rng.lognormal(3, 1, 1_000))
    bins = fit_bins(train, discrete=False)
    zero, near = bins.code(np.array([0.0])), bins.code(np.array([1e-3]))
    assert zero != near
    assert bins.n_bins <= MAX_BINS + 4


def test_invented_categories_are_told_apart_from_rare_ones() -> None:
    """Codes past train's last share a bin that train does not use; rare codes of train share another."""
    train = np.repeat(np.arange(30.0), np.arange(60, 0, -2))
    bins = fit_bins(train, discrete=True)
    rare, invented = bins.code(np.array([29.0])), bins.code(np.array([30.0, 99.0]))
    assert rare[0] in bins.code(train)
    assert len(set(invented)) == 1
    assert invented[0] not in bins.code(train)


def test_an_empty_column_has_bins_too() -> None:
    """Where train has only gaps, gaps are one bin and everything else another."""
    bins = fit_bins(np.full(5, np.nan), discrete=False)
    assert len(set(bins.code(np.array([np.nan, np.nan])))) == 1
    assert 0 not in bins.code(np.array([1.0, -1e300]))
