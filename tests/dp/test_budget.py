"""Budgets: what is refused, conversions that are never optimistic, charges that never pass the total."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.dp.budget import (
    Account,
    Budget,
    Sensitivity,
    delta_from,
    epsilon_from,
    gaussian_rho,
    gaussian_scale_squared,
    pure_rho,
    rho_from,
    selection_epsilon,
    selection_rho,
    split,
)
from tabsynth.errors import BudgetError, UsageError

EPSILONS = st.floats(1e-3, 50.0)
RHOS = st.floats(1e-8, 50.0)
DELTAS = st.floats(-60.0, -0.7).map(math.exp)


@given(EPSILONS, DELTAS)
@settings(deadline=None)
def test_calibration_is_tight_and_never_optimistic(epsilon: float, delta: float) -> None:
    """The calibrated rho stays within epsilon, and a millionth more does not."""
    rho = rho_from(epsilon, delta)
    assert epsilon_from(rho, delta) <= epsilon
    assert epsilon_from(rho * (1 + 1e-6), delta) > epsilon


@given(RHOS, RHOS, DELTAS)
def test_epsilon_grows_with_rho(first: float, second: float, delta: float) -> None:
    """More rho never means less epsilon, up to the rounding that epsilon is padded with."""
    low, high = sorted((first, second))
    assert epsilon_from(low, delta) <= epsilon_from(high, delta) * (1 + 1e-9)


@given(RHOS, DELTAS, DELTAS)
def test_epsilon_falls_with_delta(rho: float, first: float, second: float) -> None:
    """A larger delta never means a larger epsilon."""
    low, high = sorted((first, second))
    assert epsilon_from(rho, high) <= epsilon_from(rho, low) * (1 + 1e-9)


@given(RHOS, DELTAS, st.floats(1.0001, 1e6))
def test_epsilon_is_the_best_of_all_alphas(rho: float, delta: float, alpha: float) -> None:
    """No order of the Rényi divergence gives a smaller epsilon than the one returned."""
    bound = rho * alpha + math.log(1 / (alpha * delta)) / (alpha - 1) + math.log1p(-1 / alpha)
    assert epsilon_from(rho, delta) <= max(0.0, bound) * (1 + 1e-9) + 1e-9


@given(st.floats(1e-4, 5.0), st.floats(0.1, 20.0))
@settings(max_examples=30, deadline=None)
def test_delta_and_epsilon_are_inverse(rho: float, epsilon: float) -> None:
    """The delta of an epsilon gives an epsilon that is no larger."""
    delta = delta_from(rho, epsilon)
    if delta < 1:
        assert epsilon_from(rho, delta) <= epsilon
        if delta > 1e-300:
            assert epsilon_from(rho, delta * (1 - 1e-6)) > epsilon * (1 - 1e-9)


def test_published_conversion() -> None:
    """The simple bound rho + 2 sqrt(rho log(1 / delta)) is never better, and close for small delta."""
    for rho in (0.001, 0.1, 1.0, 10.0):
        simple = rho + 2 * math.sqrt(rho * math.log(1e9))  # Bun & Steinke 2016, proposition 1.3
        assert 0.8 * simple < epsilon_from(rho, 1e-9) < simple


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=50), EPSILONS, DELTAS)
@settings(deadline=None)
def test_shares_fit_their_budget(shares: list[float], epsilon: float, delta: float) -> None:
    """The parts of a budget can all be charged, in any order, and all of it is used."""
    account = Account(Budget(epsilon, delta))
    parts = split(account.budget.rho, shares)
    assert sum(map(Fraction, parts)) <= Fraction(account.budget.rho)
    for part in reversed(parts):
        account.charge(rho=part)
    assert account.remaining.rho <= 1e-11 * account.budget.rho
    assert account.epsilon <= epsilon


@given(st.lists(st.floats(0.0, 0.02), max_size=30))
@settings(deadline=None)
def test_an_account_composes_by_sums(costs: list[float]) -> None:
    """Charges add up exactly and the total never passes the budget; a refused charge changes nothing."""
    account, total = Account(Budget(1.0, 1e-6)), Fraction(0)
    for cost in costs:
        before = account.remaining
        if cost == 0:
            with pytest.raises(UsageError, match="must cost something"):
                account.charge(rho=0.0)
            continue
        try:
            account.charge(rho=cost)
            total += Fraction(cost)
        except BudgetError:
            assert account.remaining == before
            assert cost > before.rho
    assert Fraction(account.rho) >= total >= Fraction(math.nextafter(account.rho, 0)) or total == 0
    assert account.epsilon <= 1.0


def test_additive_delta_is_taken_from_delta() -> None:
    """Delta that is charged makes the rest dearer; what would use it up is refused."""
    account = Account(Budget(1.0, 1e-6))
    full = account.remaining.rho
    account.charge(rho=0.0, delta=5e-7)
    assert account.remaining.delta <= 5e-7
    assert account.remaining.rho == pytest.approx(rho_from(1.0, 5e-7)) and account.remaining.rho < full
    with pytest.raises(BudgetError):
        account.charge(rho=full)
    with pytest.raises(BudgetError, match="does not fit"):
        account.charge(rho=0.0, delta=5e-7)
    account.charge(rho=account.remaining.rho)
    assert account.epsilon <= 1.0


def test_refusal_says_what_is_left() -> None:
    """The message of a refusal names the cost, the budget and the rest."""
    account = Account(Budget(1.0, 1e-9))
    account.charge(rho=0.01)
    with pytest.raises(
        BudgetError, match=r"rho 0\.01 and delta 0 does not fit; of epsilon 1 at delta 1e-09, rho 0\.0049"
    ):
        account.charge(rho=0.01)


@given(st.integers(1, 100), st.floats(1e-6, 10.0))
def test_gaussian_scale_costs_exactly_its_rho(max_rows: int, rho: float) -> None:
    """Noise calibrated to rho costs rho."""
    counts = Sensitivity.of_counts(max_rows)
    assert gaussian_rho(gaussian_scale_squared(rho, counts), counts) == rho


@given(st.floats(1e-6, 10.0))
def test_selection_costs_at_most_its_rho(rho: float) -> None:
    """The epsilon of a selection costs no more than asked for, a quarter of a pure mechanism's."""
    epsilon = selection_epsilon(rho)
    assert rho * (1 - 1e-12) < selection_rho(epsilon) <= rho
    assert pure_rho(epsilon) == pytest.approx(4 * rho)


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, math.nan, True, "1"])
def test_bad_epsilon_is_refused(epsilon: float) -> None:
    """Epsilon is a positive number."""
    with pytest.raises(UsageError, match="epsilon: must be a positive number; between"):
        Budget(epsilon, 1e-9)


@pytest.mark.parametrize("delta", [0, 1, -1e-9, 2, math.nan, None])
def test_bad_delta_is_refused(delta: float) -> None:
    """Delta is strictly between 0 and 1."""
    with pytest.raises(UsageError, match=r"delta: must be above 0 and below 1.*1e-9"):
        Budget(1.0, delta)


def test_delta_is_held_against_the_declared_population() -> None:
    """A delta that permits publishing one record is refused with one that does not."""
    Budget(1.0, 1e-6).check_population(48842)
    with pytest.raises(
        UsageError, match=r"delta: 0\.001 is too large for a declared population of 1000.*at most 0\.0001"
    ):
        Budget(1.0, 1e-3).check_population(1000)
    with pytest.raises(UsageError, match="population"):
        Budget(1.0, 1e-3).check_population(0)


def test_sensitivities_are_all_required_and_consistent() -> None:
    """No norm has a default, and they cannot contradict each other."""
    with pytest.raises(TypeError):
        Sensitivity(l1=1)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="linf <= l2 <= l1"):
        Sensitivity(l1=1, l2=2, linf=1)
    with pytest.raises(UsageError, match="sensitivity l2"):
        Sensitivity(l1=1, l2=0, linf=1)
    with pytest.raises(UsageError, match="max_rows"):
        Sensitivity.of_counts(0)
    assert Sensitivity.of_counts(3) == Sensitivity(l1=3, l2=3, linf=3)
    assert Sensitivity(l1=2, l2=math.sqrt(2), linf=1).l2 < 2


@pytest.mark.parametrize(("rho", "delta"), [(-1.0, 0.0), (0.0, -1.0), (math.nan, 0.0), (math.inf, 0.0), (0.0, 0.0)])
def test_bad_costs_are_refused(rho: float, delta: float) -> None:
    """A charge is a cost, never a refund, and never nothing."""
    with pytest.raises(UsageError):
        Account(Budget(1.0, 1e-9)).charge(rho=rho, delta=delta)


def test_numpy_numbers_are_numbers() -> None:
    """Numbers that come out of arrays are as good as Python's."""
    assert Budget(np.float64(1.0), np.float64(1e-9)).rho == Budget(1.0, 1e-9).rho
    assert gaussian_rho(np.int64(4), Sensitivity.of_counts(2)) == 0.5  # type: ignore[arg-type]
