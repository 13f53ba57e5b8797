"""Noise: exactly the distribution that is claimed, selection within its epsilon, and no seed by accident."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tabsynth.dp import noise
from tabsynth.dp.enclosures import cumulative
from tabsynth.dp.noise import NoiseSource, selection_rate
from tabsynth.errors import UsageError

SMALLEST_P = 1e-6


def log_weights(values: np.ndarray, scale: float, power: int) -> np.ndarray:
    """Logarithms of the probabilities, up to a constant."""
    return -(values.astype(float) ** 2) / (2 * scale**2) if power == 2 else -np.abs(values) / scale


def cell_probabilities(edges: np.ndarray, scale: float, power: int) -> np.ndarray:
    """Exact probability of each cell (edges[i - 1], edges[i]], the first and the last without end."""
    reach = int(scale * (40 if power == 1 else 12)) + 40
    values = np.arange(-reach, reach + 1)
    weights = np.exp(log_weights(values, scale, power))
    sums = np.add.reduceat(weights, np.concatenate([[0], np.searchsorted(values, edges, side="right")]))
    return sums / weights.sum()


def p_of_cells(drawn: np.ndarray, edges: np.ndarray, probabilities: np.ndarray) -> float:
    """p-value of the chi-square test of counts per cell."""
    counts = np.bincount(np.searchsorted(edges, drawn, side="left"), minlength=edges.size + 1)
    expected = probabilities * drawn.size
    keep = expected >= 5
    assert counts[~keep].sum() <= stats.poisson.ppf(1 - SMALLEST_P, expected[~keep].sum())
    counts, expected = np.append(counts[keep], counts[~keep].sum()), np.append(expected[keep], expected[~keep].sum())
    if expected[-1] < 5:
        counts, expected = counts[:-1], expected[:-1] * counts[:-1].sum() / expected[:-1].sum()
    return float(stats.chisquare(counts, expected, sum_check=False).pvalue)


def edges_for(scale: float) -> np.ndarray:
    """Every integer where these are few; else 200 cells over the middle; cells in the tails in each case."""
    middle = np.arange(-math.ceil(5 * scale) - 2, math.ceil(5 * scale) + 2)
    return middle if middle.size <= 400 else np.unique(np.linspace(middle[0], middle[-1], 200).astype(int))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 25.0, 1e4])
def test_discrete_gaussian_has_the_exact_distribution(sigma: float) -> None:
    """A million draws against the exact probabilities, in every cell, the last ones in the tails."""
    drawn = NoiseSource.insecure(11).discrete_gaussian(sigma**2, 1_000_000)
    edges = edges_for(sigma)
    assert p_of_cells(drawn, edges, cell_probabilities(edges, sigma, 2)) > SMALLEST_P


@pytest.mark.parametrize("scale", [0.3, 1.0, 25.0, 1e4])
def test_discrete_laplace_has_the_exact_distribution(scale: float) -> None:
    """As above."""
    drawn = NoiseSource.insecure(12).discrete_laplace(scale, 1_000_000)
    edges = np.unique(np.concatenate([edges_for(scale), np.array([-12, -8, 8, 12]) * math.ceil(scale)]))
    assert p_of_cells(drawn, edges, cell_probabilities(edges, scale, 1)) > SMALLEST_P


@pytest.mark.parametrize("sigma", [0.3, 1.0, 25.0, 1e4])
@pytest.mark.parametrize("reach", [2.0, 3.0, 4.0])
def test_tails_of_the_discrete_gaussian(sigma: float, reach: float) -> None:
    """Draws at or beyond 2, 3 and 4 sigma are as many as the exact probability says, on either side."""
    size = 2_000_000
    drawn = NoiseSource.insecure(13).discrete_gaussian(sigma**2, size)
    start = math.ceil(reach * sigma)
    tail = cell_probabilities(np.array([-start, start - 1]), sigma, 2)
    for count, probability in ((np.sum(drawn <= -start), tail[0]), (np.sum(drawn >= start), tail[2])):
        assert stats.binomtest(int(count), size, probability).pvalue > SMALLEST_P


@pytest.mark.parametrize("sigma", [600.0, 1e4, 1e6])
def test_low_bits_of_wide_noise_are_uniform(sigma: float) -> None:
    """Drawing in blocks leaves no pattern in the place within a block, or in the sign."""
    drawn = NoiseSource.insecure(14).discrete_gaussian(sigma**2, 1_000_000)
    for modulus in (2, 37, 64, 128):
        assert stats.chisquare(np.bincount(drawn % modulus, minlength=modulus)).pvalue > SMALLEST_P
    assert stats.binomtest(int((drawn > 0).sum()), int((drawn != 0).sum())).pvalue > SMALLEST_P
    quantiles = stats.norm.cdf((drawn + 0.5) / sigma)
    assert stats.kstest(quantiles, "uniform").pvalue > SMALLEST_P


@pytest.mark.parametrize("sigma", [0.3, 25.0, 1e4])
def test_draws_are_independent_of_each_other(sigma: float) -> None:
    """No correlation between neighbours in the array or in their squares."""
    drawn = NoiseSource.insecure(15).discrete_gaussian(sigma**2, 500_000).astype(float)
    for series in (drawn, drawn**2):
        for lag in (1, 2, 64):
            correlation = np.corrcoef(series[:-lag], series[lag:])[0, 1]
            assert abs(correlation) * math.sqrt(series.size) < 5


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [40, 1000, 10**6])
def test_exact_decisions_agree_with_the_fast_ones(law: str, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deciding every draw by exact arithmetic gives the same numbers from the same bits."""
    unit, power = (Fraction(1, 2 * scale**2), 2) if law == "gaussian" else (Fraction(1, scale), 1)
    shift = (scale // 16).bit_length() - 1
    fast = NoiseSource.insecure(16)._draw(noise._law(unit, power, shift), 400)
    exact_law = dataclasses.replace(noise._law(unit, power, shift), doubt=2.0)
    np.testing.assert_array_equal(NoiseSource.insecure(16)._draw(exact_law, 400), fast)
    assert np.unique(fast).size > 50


@pytest.mark.parametrize(("following", "expected"), [(0, 1), (2**64 - 1, 2)])
def test_a_word_on_a_bound_is_decided_by_the_next(following: int, expected: int) -> None:
    """A tape whose first word ties with the table leads on to a further word."""
    tied = cumulative(Fraction(1, 2), 2, 64)[1]
    tape = tied.to_bytes(8, "little") + bytes(16 * 8) + following.to_bytes(8, "little") + bytes(3)
    assert NoiseSource.from_tape(tape).discrete_gaussian(1, 1)[0] == expected


def test_minus_zero_is_not_zero() -> None:
    """A zero with a minus is drawn again; otherwise zero would be twice as likely."""
    source = NoiseSource.from_tape(bytes(17 * 8) + bytes([0b10100000, 0, 0]))
    assert source._attempts(noise._law(Fraction(1, 2), 2, 0), 17).tolist() == [0] * 15


def test_the_end_of_a_tape_is_an_error() -> None:
    """A tape that is too short is not repeated."""
    with pytest.raises(UsageError, match="noise tape: used up"):
        NoiseSource.from_tape(bytes(20)).discrete_gaussian(1, 1)


@pytest.mark.parametrize("size", [0, 1, 7, (3, 4), (2, 0), 200_000])
def test_shapes(size: int | tuple[int, ...]) -> None:
    """Any shape, always 64-bit integers."""
    for drawn in (NoiseSource().discrete_gaussian(2.5, size), NoiseSource().discrete_laplace(Fraction(1, 3), size)):
        assert drawn.dtype == np.int64
        assert drawn.shape == (size if isinstance(size, tuple) else (size,))


def test_noise_of_the_operating_system_differs_every_time() -> None:
    """Two sources share nothing."""
    assert (NoiseSource().discrete_gaussian(1e12, 100) != NoiseSource().discrete_gaussian(1e12, 100)).all()


def test_insecure_sources_say_so() -> None:
    """Seeds and tapes are marked, the mark cannot be changed, and the constructor takes no seed."""
    assert NoiseSource().secure
    assert not NoiseSource.insecure(0).secure
    assert not NoiseSource.from_tape(b"").secure
    with pytest.raises(AttributeError):
        NoiseSource.insecure(0).secure = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        NoiseSource(0)  # type: ignore[call-arg]
    for seed in (-1, 2**63, 1.0, True, None):
        with pytest.raises(UsageError, match="seed"):
            NoiseSource.insecure(seed)  # type: ignore[arg-type]


def test_seeded_noise_is_the_same_for_ever() -> None:
    """The bits of a seed, and what is made of them, are fixed: recorded audits stay comparable."""
    source = NoiseSource.insecure(7)
    parts = [source.discrete_gaussian(s, 1000) for s in (0.09, 1, 625, 10**8)] + [source.discrete_laplace(300, 1000)]
    parts += [
        source.permutation(50),
        np.array([source.noisy_max(np.arange(9), epsilon=1, sensitivity=1, monotonic=True)]),
    ]
    joined = b"".join(part.astype("<i8").tobytes() for part in parts)
    assert hashlib.sha256(joined).hexdigest()[:16] == "26f7da2a8f3a9999"


SCORES = st.lists(st.integers(-30, 30), min_size=2, max_size=6)


@given(
    counts=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=5),
    estimates=st.lists(st.integers(0, 20), min_size=3, max_size=3),
    cells=st.lists(st.integers(0, 2), min_size=5, max_size=5),
    penalty=st.integers(0, 5),
    epsilon=st.floats(0.01, 8.0),
)
@settings(deadline=None)
def test_selection_stays_within_its_epsilon(
    counts: list[tuple[int, int, int]], estimates: list[int], cells: list[int], penalty: int, epsilon: float
) -> None:
    """A row more moves each candidate's distance by one, up or down: exact log-odds move by at most epsilon.

    Checked on exact fractions for every pair of candidates, then as Rényi divergence against rho = epsilon^2 / 8.
    """
    rate = selection_rate(epsilon=epsilon, sensitivity=1, monotonic=False)
    before, after = [], []
    for count, cell in zip(counts, cells, strict=False):
        more = tuple(value + (i == cell) for i, value in enumerate(count))
        before.append(sum(abs(a - b) for a, b in zip(count, estimates, strict=True)) - penalty)
        after.append(sum(abs(a - b) for a, b in zip(more, estimates, strict=True)) - penalty)
    moves = [rate * (b - a) for a, b in zip(before, after, strict=True)]
    assert max(moves) - min(moves) <= Fraction(epsilon)
    assert_zcdp(before, after, float(rate), epsilon**2 / 8)


def assert_zcdp(before: list[int], after: list[int], rate: float, rho: float) -> None:
    """The Rényi divergence of every order is at most order * rho, both ways."""
    first, second = (np.array(scores) * rate for scores in (before, after))
    first, second = (logs - np.logaddexp.reduce(logs) for logs in (first, second))
    for order in (1.01, 1.5, 2, 5, 20, 100):
        for p, q in ((first, second), (second, first)):
            divergence = np.logaddexp.reduce(order * p + (1 - order) * q) / (order - 1)
            assert divergence <= order * rho * (1 + 1e-9) + 1e-9


@given(scores=SCORES, moves=st.lists(st.integers(0, 3), min_size=6, max_size=6), epsilon=st.floats(0.01, 8.0))
@settings(deadline=None)
def test_monotonic_selection_stays_within_its_epsilon(scores: list[int], moves: list[int], epsilon: float) -> None:
    """Scores that all rise by up to the sensitivity: twice the rate is within epsilon."""
    rate = selection_rate(epsilon=epsilon, sensitivity=3, monotonic=True)
    after = [score + move for score, move in zip(scores, moves, strict=False)]
    changes = [rate * (b - a) for a, b in zip(scores, after, strict=True)]
    assert max(changes) - min(changes) <= Fraction(epsilon)
    assert_zcdp(scores, after, float(rate), epsilon**2 / 8)


def test_a_wrong_monotonic_flag_would_be_found() -> None:
    """Distances that move in opposite directions break the claim of a selection declared monotonic, four times over."""
    rate = selection_rate(epsilon=0.1, sensitivity=1, monotonic=True)
    assert rate * 1 - rate * -1 == 2 * Fraction(0.1)
    with pytest.raises(AssertionError):
        assert_zcdp([0, 0], [1, -1], float(rate), 0.1**2 / 8)
    assert_zcdp([0, 0], [1, -1], float(rate), 4 * 0.1**2 / 8)


def test_selection_has_the_exact_distribution() -> None:
    """4,000 choices against the probabilities exp(rate * score)."""
    scores, source = np.array([10, 12, 0, 5, -3, 12]), NoiseSource.insecure(17)
    chosen = [source.noisy_max(scores, epsilon=1, sensitivity=2, monotonic=False) for _ in range(4_000)]
    expected = np.exp(scores / 4)
    assert stats.chisquare(np.bincount(chosen, minlength=6), expected / expected.sum() * 4_000).pvalue > SMALLEST_P


def test_selection_among_extreme_scores() -> None:
    """Differences beyond 64 bits are no trouble; a single candidate is chosen."""
    extreme = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    assert NoiseSource().noisy_max(extreme, epsilon=1, sensitivity=1, monotonic=False) == 1
    assert NoiseSource().noisy_max(np.array([5]), epsilon=1e-9, sensitivity=1e9, monotonic=True) == 0


def test_selection_refuses_what_it_cannot_charge() -> None:
    """Scores are whole numbers, parameters positive, and `monotonic` has no default."""
    source = NoiseSource()
    for scores in (np.array([]), np.array([1.5]), np.zeros((2, 2), dtype=int)):
        with pytest.raises(UsageError, match="scores: must be a vector of whole numbers"):
            source.noisy_max(scores, epsilon=1, sensitivity=1, monotonic=False)
    with pytest.raises(UsageError, match="epsilon"):
        source.noisy_max(np.arange(3), epsilon=0, sensitivity=1, monotonic=False)
    with pytest.raises(UsageError, match="sensitivity"):
        source.noisy_max(np.arange(3), epsilon=1, sensitivity=-1, monotonic=False)
    with pytest.raises(UsageError, match="monotonic"):
        source.noisy_max(np.arange(3), epsilon=1, sensitivity=1, monotonic=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        source.noisy_max(np.arange(3), epsilon=1, sensitivity=1)  # type: ignore[call-arg]


def test_permutations_are_equally_likely() -> None:
    """All 24 orders of four, and all choices of two of four."""
    source = NoiseSource.insecure(18)
    orders = np.array([source.permutation(4) for _ in range(12_000)])
    codes = orders @ np.array([64, 16, 4, 1])
    assert stats.chisquare(np.unique(codes, return_counts=True)[1]).pvalue > SMALLEST_P
    assert np.unique(codes).size == 24
    chosen = np.array([np.sort(source.uniform_choice(4, 2)) for _ in range(6_000)])
    assert stats.chisquare(np.unique(chosen @ np.array([4, 1]), return_counts=True)[1]).pvalue > SMALLEST_P


def test_equal_keys_are_drawn_again() -> None:
    """A permutation from equal keys would favour the first order."""
    tape = bytes(16) + (5).to_bytes(8, "little") + (3).to_bytes(8, "little")
    assert NoiseSource.from_tape(tape).permutation(2).tolist() == [1, 0]


@pytest.mark.parametrize("scale", [0, -1.0, math.inf, math.nan, True, "1", 1e30])
def test_bad_scales_are_refused(scale: float) -> None:
    """A scale is a positive number that leaves something to see."""
    with pytest.raises(UsageError, match="scale_squared"):
        NoiseSource().discrete_gaussian(scale, 3)
    with pytest.raises(UsageError, match="scale"):
        NoiseSource().discrete_laplace(scale, 3)


def test_bad_sizes_are_refused() -> None:
    """A size is a whole number of at least 0, and a choice no larger than what there is."""
    for size in (-1, True, 1.5):
        with pytest.raises((UsageError, TypeError)):
            NoiseSource().discrete_gaussian(1, size)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="size"):
        NoiseSource().uniform_choice(3, 4)
    assert NoiseSource().permutation(0).size == 0
