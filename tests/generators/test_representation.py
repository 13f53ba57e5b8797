"""What networks see of a row: modes, slots, numbers, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tabsynth.encoding.marginal import fit_marginal
from tabsynth.encoding.table import Continuous, Discrete, Domain, EncodedTable
from tabsynth.generators.networks.criterion import PairDistance
from tabsynth.generators.networks.mixture import fit_mixture
from tabsynth.generators.networks.representation import Representation, settle


def numeric(values: np.ndarray, *, step: float | None = None) -> Continuous:
    marginal = fit_marginal(values[~np.isnan(values)], k=10, entities=None, lower=None, upper=None)
    assert marginal is not None
    return Continuous(marginal, step)


def table(n: int = 3000, seed: int = 0) -> EncodedTable:
    """Two bells, a spike at zero beside a tail, few values, categories with gaps, and constants."""
    rng = np.random.default_rng(seed)
    bells = np.where(rng.random(n) < 0.5, rng.normal(-50, 1, n), rng.normal(50, 5, n))
    spike = np.where(rng.random(n) < 0.6, 0.0, rng.lognormal(4, 1, n))
    few = rng.choice([1.0, 2.0, 5.0], n)
    few[rng.random(n) < 0.2] = np.nan
    codes = rng.choice(4, n, p=[0.6, 0.3, 0.1, 0.0]).astype(np.int32)
    codes[rng.random(n) < 0.1] = -1
    columns = {
        "bells": bells,
        "spike": spike,
        "few": few,
        "codes": codes,
        "same": np.zeros(n, np.int32),
        "gone": np.full(n, -1, np.int32),
        "seven": np.full(n, 7.0),
    }
    shares = np.bincount(codes[codes >= 0], minlength=4) / (codes >= 0).sum()
    domains: dict[str, Domain] = {
        "bells": numeric(bells),
        "spike": numeric(spike),
        "few": numeric(few, step=1.0),
        "codes": Discrete(shares, ordered=False),
        "same": Discrete(np.ones(1), ordered=False),
        "gone": Discrete(np.ones(1), ordered=False),
        "seven": numeric(np.full(n, 7.0)),
    }
    return EncodedTable(columns, domains, n)


def test_rows_come_back() -> None:
    """Decoding what was encoded gives codes, gaps and point masses exactly, and other numbers to six digits."""
    data = table()
    shown = Representation.fit(data, max_modes=10)
    back = shown.decode(*shown.encode(data, rng=np.random.default_rng(0)), data.domains)
    for name in ("few", "codes", "same", "gone", "seven"):
        np.testing.assert_array_equal(back[name], data.columns[name])
    for name in ("bells", "spike"):
        domain = data.domains[name]
        assert isinstance(domain, Continuous)
        held = settle(data.columns[name], domain.marginal)
        near = np.isclose(back[name], held, rtol=1e-5, atol=1e-4)
        assert near.mean() > 0.999  # a value 4 deviations off its component is cut, as in the paper
        np.testing.assert_array_equal(back[name] == 0, held == 0)


def test_constants_are_not_shown() -> None:
    """Columns with one slot have no block, and codes that never occur have no slot."""
    shown = Representation.fit(table(), max_modes=10)
    assert set(shown.blocks) == {"bells", "spike", "few", "codes"}
    assert shown.numbers == ("bells", "spike")
    assert shown.columns["codes"].width == 4  # missing and three codes
    assert set(shown.choices) == {"few", "codes"}


def test_slots_lie_side_by_side() -> None:
    """Groups of equal width cover all slots once, and shares sum to 1 in every block."""
    shown = Representation.fit(table(), max_modes=10)
    assert sum(count * width for _, count, width in shown.groups) == shown.offsets[-1] == len(shown.slot_shares)
    assert np.allclose(np.add.reduceat(shown.slot_shares, shown.offsets[:-1]), 1.0)
    assert (shown.component_slots.sum(axis=1) <= 1).all()


@settings(max_examples=30, deadline=None)
@examples(st.integers(0, 10_000))
def test_any_network_output_is_in_the_support(seed: int) -> None:
    """Whatever slots and numbers a network puts out, values stay in their marginals and codes in their domains."""
    data = table(300)
    shown = Representation.fit(data, max_modes=5)
    rng = np.random.default_rng(seed)
    slots = (rng.random((50, len(shown.blocks))) * shown.widths).astype(np.int64)
    numbers = rng.normal(0, 10, (50, len(shown.numbers))).astype(np.float32)
    for name, array in shown.decode(slots, numbers, data.domains).items():
        domain = data.domains[name]
        if isinstance(domain, Discrete):
            assert array.min() >= -1 and array.max() < domain.n_codes
        else:
            present = array[~np.isnan(array)]
            np.testing.assert_array_equal(present, settle(present, domain.marginal))


def test_state_comes_back() -> None:
    """A saved representation decodes alike."""
    data = table()
    shown = Representation.fit(data, max_modes=10)
    again = Representation.from_state(shown.state())
    code = shown.encode(data, rng=np.random.default_rng(0))
    for name, array in shown.decode(*code, data.domains).items():
        np.testing.assert_array_equal(again.decode(*code, data.domains)[name], array)


def test_two_bells_are_found() -> None:
    """A mixture puts its weight on both bells, and next to none in the empty middle."""
    domain = table().domains["bells"]
    assert isinstance(domain, Continuous)
    mixture = fit_mixture(domain.marginal, max_components=10)
    assert mixture.shares.sum() == pytest.approx(1.0)
    assert mixture.shares[np.abs(mixture.means) < 35].sum() < 0.02
    assert mixture.shares[mixture.means < 0].sum() == pytest.approx(0.5, abs=0.03)
    assert (np.diff(mixture.means) >= 0).all()


@pytest.mark.parametrize("scale", [1.6e308, 1e300, 1e-300, 5e-322], ids=str)
def test_columns_at_the_ends_of_floats_have_modes(scale: float) -> None:
    """A range from -1.6e308 to 1.6e308 is wider than any float, and one of subnormals leaves no deviation."""
    values = np.random.default_rng(0).uniform(-1, 1, 3000) * scale
    data = EncodedTable({"x": values}, {"x": numeric(values)}, len(values))
    representation = Representation.fit(data, max_modes=10)
    slots, numbers = representation.encode(data, rng=np.random.default_rng(0))
    back = representation.decode(slots, numbers, data.domains)["x"]
    assert np.isfinite(back).all()
    assert np.corrcoef(values / scale, back / scale)[0, 1] > 0.9


def test_pair_distance_sees_lost_dependence() -> None:
    """Equal rows are at distance 0, other rows of the distribution near it, shuffled columns far from it."""
    data = table()
    rng = np.random.default_rng(1)
    linked = {"a": data.columns["bells"], "b": np.where(data.columns["bells"] < 0, 0, 1).astype(np.int32)}
    domains: dict[str, Domain] = {"a": data.domains["bells"], "b": Discrete(np.array([0.5, 0.5]), ordered=False)}
    distance = PairDistance.of(linked, domains)
    assert distance(linked) == 0.0
    half = {name: array[:1500] for name, array in linked.items()}
    shuffled = {"a": linked["a"], "b": rng.permutation(linked["b"])}
    assert distance(half) < 0.05 < 0.15 < distance(shuffled)
