"""Exact arithmetic: what is enclosed lies inside, and every decision is the one of infinitely many bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.dp.enclosures import choose, cumulative, exp_minus, index_of, is_below_exp

RATIONALS = st.fractions(min_value=0, max_value=400, max_denominator=10**12)


def exp_decimal(x: Fraction) -> Decimal:
    """exp(-x) to 120 digits, by the decimal module, which rounds correctly."""
    with localcontext() as context:
        context.prec = 120
        return (-(Decimal(x.numerator) / Decimal(x.denominator))).exp()


def words(*given_words: int) -> Callable[[], int]:
    """A source of the given words, and of nothing else."""
    rest: Iterator[int] = iter(given_words)
    return lambda: next(rest)


@given(RATIONALS, st.sampled_from([16, 64, 128, 256]))
def test_exponentials_are_enclosed_closely(x: Fraction, bits: int) -> None:
    """The two integers hold the exponential between them, and are at most two apart."""
    low, high = exp_minus(x, bits)
    with localcontext() as context:
        context.prec = 120
        assert low <= exp_decimal(x) * 2**bits <= high
    assert high - low <= 2


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("unit", [Fraction(1, 40), Fraction(1, 18), Fraction(1, 2), Fraction(50, 9), Fraction(60)])
@pytest.mark.parametrize("bits", [64, 128])
def test_cumulative_table_against_decimals(power: int, unit: Fraction, bits: int) -> None:
    """Each bound is the floor of the cumulative probability, computed independently in 120-digit decimals."""
    with localcontext() as context:
        context.prec = 120
        weights = [exp_decimal(unit * k**power) for k in range(1, 3 + int((120 / unit) ** (1 / power)))]
        total, running, expected = 1 + sum(weights), Decimal(1), []
        for weight in weights:
            expected.append(int(running / total * 2**bits))
            if expected[-1] == 2**bits - 1:
                break
            running += weight
    assert cumulative(unit, power, bits) == expected


def test_ties_are_decided_by_further_bits() -> None:
    """A word that equals a bound is decided by the next word, below and above the bound's next 64 bits."""
    unit = Fraction(1, 2)
    coarse, fine = cumulative(unit, 2, 64), cumulative(unit, 2, 128)
    for k in (0, 1, 2, len(coarse) - 1):
        following = fine[k] - (coarse[k] << 64)
        assert 0 <= following < 2**64
        assert index_of(unit, 2, coarse[k], words(following - 1)) == k
        assert index_of(unit, 2, coarse[k], words(following + 1)) == k + 1
    assert index_of(unit, 2, coarse[1] + 1, words()) == 2  # no tie: no further word is asked for


def test_the_tail_has_no_end() -> None:
    """The last word of the table leads on into the tail that 64 bits cannot resolve."""
    unit = Fraction(1, 2)
    last = len(cumulative(unit, 2, 64))
    far = index_of(unit, 2, 2**64 - 1, words(2**64 - 1, 2**63))
    assert far > last
    assert index_of(unit, 2, 2**64 - 1, words(2**64 - 1, 2**64 - 1, 5)) > far


@given(st.fractions(min_value=Fraction(1, 1000), max_value=3, max_denominator=1000), st.integers(0, 255))
def test_comparison_with_an_exponential(x: Fraction, value: int) -> None:
    """A uniform number of 8 + 64 bits is compared as the decimal module compares it."""
    following = 2**63
    with localcontext() as context:
        context.prec = 120
        uniform = Decimal((value << 64) + following) / Decimal(2**72)
        assert is_below_exp(x, value, 8, words(following, 0)) == (uniform < exp_decimal(x))


def test_comparison_asks_for_no_more_than_it_needs() -> None:
    """Eight bits far from the exponential decide without a further word."""
    assert is_below_exp(Fraction(1), 10, 8, words())
    assert not is_below_exp(Fraction(1), 200, 8, words())


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=8),
    st.fractions(min_value=Fraction(1, 100), max_value=2, max_denominator=100),
    st.tuples(*[st.integers(0, 2**64 - 1)] * 3),
)
def test_choice_is_inversion_of_exact_weights(gaps: list[int], unit: Fraction, tape: tuple[int, int, int]) -> None:
    """The index chosen is the one whose share of the line the uniform number falls on."""
    gaps = [gap - min(gaps) for gap in gaps]
    uniform = (tape[0] << 128) | (tape[1] << 64) | tape[2]
    with localcontext() as context:
        context.prec = 120
        weights = [exp_decimal(unit * gap) for gap in gaps]
        mark, expected = Decimal(uniform) / Decimal(2**192) * sum(weights), 0
        for weight in weights[:-1]:
            mark -= weight
            expected += mark >= 0
        # Numbers at the very edge of a share are left out here: the next word may decide otherwise.
        edges = [abs(Decimal(uniform) / Decimal(2**192) * sum(weights) - sum(weights[:i])) for i in range(1, len(gaps))]
        if edges and min(edges) < Decimal(2) ** -150:
            return
    assert choose(unit, gaps, words(*tape, 0, 0)) == expected


def test_choice_at_an_edge_asks_for_more_bits() -> None:
    """Two equal weights and a uniform number of one half: the second; just below: the first."""
    assert choose(Fraction(1), [0, 0], words(2**63, 0, 0)) == 1
    assert choose(Fraction(1), [0, 0], words(2**63 - 1, 2**64 - 1, 2**64 - 1)) == 0
    # exp(-1) / (1 + exp(-1)) has no end: its first 192 bits tie, and the fourth word decides.
    low, high = exp_minus(Fraction(1), 512)
    edge = (low << 192) // (low + 2**512)
    tie = 2**192 - 1 - edge
    tape = (tie >> 128, (tie >> 64) % 2**64, tie % 2**64)
    assert high - low <= 2
    assert choose(Fraction(1), [0, 1], words(*tape, 0, 0)) == 0
    assert choose(Fraction(1), [0, 1], words(*tape, 2**64 - 1, 0)) == 1


def test_hopeless_candidates_cost_nothing() -> None:
    """A gap far beyond the bits drawn is enclosed by [0, 1] units, not computed."""
    assert choose(Fraction(1, 10), [10**15, 0, 2**62], words(1, 2, 3)) == 1
