"""Words of a certificate: what is said of a bound holds, to every digit that is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.dp.budget import rho_from
from tabsynth.dp.certificate import Claim, advantage
from tabsynth.dp.limits import rounded_up, sentences_of


@given(st.floats(1e-300, 1e300), st.integers(1, 9))
def test_rounding_up_is_never_below_and_hardly_above(value: float, digits: int) -> None:
    """By less than one step of the last digit."""
    shown = float(rounded_up(value, digits))
    assert value <= shown <= value * (1 + 10.0 ** (1 - digits)) * (1 + 1e-9)


@pytest.mark.parametrize("epsilon", [0.0001, 0.001, 0.01, 0.3, 1.0, 1.5, 3.0, 12.0, 2_000.0])
def test_no_sentence_promises_more_than_the_claim(epsilon: float) -> None:
    """A small epsilon is not said to be none: a factor of 1, or fifty right guesses in a hundred, would be."""
    delta = 1 / 70_000
    rho = rho_from(epsilon, delta)
    claim = Claim(
        epsilon=epsilon,
        delta=delta,
        rho=rho,
        delta_discovery=0.0,
        odds_factor=2.718281828459045 ** min(epsilon, 700.0),
        advantage=advantage(epsilon, delta, rho, 0.0),
        unit="row",
        max_rows=1,
        neighbours="add or remove one unit",
        secure=True,
    )
    text = " ".join(sentences_of(claim))
    for pattern, least in (
        (r"factor of ([\d.e+-]+),", claim.odds_factor),
        (r"failure probability of ([\d.e+-]+?)\. ", delta),
        (r"right at most ([\d.e+-]+) times", 50 + 50 * claim.advantage),
    ):
        found = re.search(pattern, text)
        assert found is not None and float(found[1]) >= least, pattern
