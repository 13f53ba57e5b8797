"""Our accounting against other accountants: never more optimistic, and as tight.

The table of the others' values is tests/reference/dp_accounting.json, made by `python -m evaluations.dp_oracles`; where
the accountants themselves are installed, they are asked again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr

from tabsynth.dp.budget import Sensitivity, delta_from, epsilon_from, gaussian_rho, rho_from
from tabsynth.dp.gaussian_dp import (
    SPREAD,
    gaussian_delta,
    gaussian_epsilon,
    gaussian_mu,
    gaussian_mu_from,
    whole_epsilon,
    whole_mu,
)
from tabsynth.errors import UsageError

TABLE = json.loads((Path(__file__).parents[1] / "reference" / "dp_accounting.json").read_text(encoding="utf-8"))
each_row = pytest.mark.parametrize("row", TABLE["rows"], ids=lambda row: f"rho{row['rho']:g}-delta{row['delta']:g}")
ONE = Sensitivity(l1=1, l2=1, linf=1)


def test_the_table_says_where_it_comes_from() -> None:
    """Versions and command are in the table, and no oracle is missing."""
    assert set(TABLE["versions"]) == {"dp-accounting", "opendp", "mpmath"}
    assert TABLE["command"] == "python -m evaluations.dp_oracles"
    assert len(TABLE["rows"]) == 40
    assert sum(row["pld"] is not None for row in TABLE["rows"]) == 32


@each_row
def test_zcdp_conversion_is_the_exact_one_rounded_up(row: dict[str, Any]) -> None:
    """At least the 60-digit value, and above it by less than a part in 10^11."""
    epsilon = epsilon_from(row["rho"], row["delta"])
    assert row["exact_zcdp"] <= epsilon <= row["exact_zcdp"] * (1 + 1e-11)


@each_row
@pytest.mark.parametrize("oracle", ["rdp", "opendp"])
def test_zcdp_conversion_is_that_of_others(row: dict[str, Any], oracle: str) -> None:
    """Not below dp-accounting's RDP accountant at its best order or OpenDP, and within a millionth of them."""
    epsilon = epsilon_from(row["rho"], row["delta"])
    assert row[oracle] <= epsilon <= row[oracle] * (1 + 1e-6)


@each_row
def test_gaussian_dp_is_the_exact_curve_rounded_up(row: dict[str, Any]) -> None:
    """At least the 60-digit value of the continuous Gaussian, and within a part in 10^9; rho is never below it."""
    epsilon = gaussian_epsilon(math.sqrt(2 * row["rho"]), row["delta"])
    assert row["exact_gaussian"] <= epsilon <= row["exact_gaussian"] * (1 + 1e-9)
    assert epsilon_from(row["rho"], row["delta"]) >= epsilon


@each_row
def test_gaussian_dp_agrees_with_the_privacy_loss_distribution(row: dict[str, Any]) -> None:
    """dp-accounting's discretised privacy loss, rounded up, lies above the exact curve by less than 1e-4 of it."""
    if row["pld"] is not None:
        epsilon = gaussian_epsilon(math.sqrt(2 * row["rho"]), row["delta"])
        assert epsilon * (1 - 1e-9) <= row["pld"] <= epsilon * (1 + 1e-4)


@each_row
def test_zcdp_is_not_far_above_the_exact_gaussian(row: dict[str, Any]) -> None:
    """What charging in rho costs over the exact curve of continuous Gaussian noise, at small delta: at most 14 %."""
    if row["delta"] <= 1e-6:
        assert epsilon_from(row["rho"], row["delta"]) <= 1.14 * row["exact_gaussian"]


@pytest.mark.parametrize("name", ["rdp", "pld", "opendp"])
def test_the_accountants_still_say_so(name: str) -> None:
    """Where an oracle is installed: it gives what the table has, and we are not more optimistic."""
    pytest.importorskip({"rdp": "dp_accounting", "pld": "dp_accounting", "opendp": "opendp"}[name])
    from evaluations import dp_oracles

    for row in TABLE["rows"]:
        if row["rho"] in (0.01, 1.0) and row["delta"] == 1e-9:
            if name == "rdp":
                excess = math.sqrt(math.log(1e9) / row["rho"])
                value = dp_oracles.rdp(row["rho"], row["delta"], 1 + excess)
            else:
                value = getattr(dp_oracles, name)(row["rho"], row["delta"])
            assert value == pytest.approx(row[name], rel=1e-2)
            ours = epsilon_from(row["rho"], row["delta"])
            assert ours >= row[name] * (1 - 1e-12)


MUS = st.floats(1e-3, 8.0)
DELTAS = st.floats(-40.0, -1.0).map(math.exp)


@given(MUS, DELTAS)
@settings(deadline=None)
def test_gaussian_epsilon_and_delta_are_inverse(mu: float, delta: float) -> None:
    """The epsilon of a delta has no larger delta, and a smaller epsilon has a larger one."""
    epsilon = gaussian_epsilon(mu, delta)
    assert gaussian_delta(mu, epsilon) <= delta
    if epsilon > 1e-6:
        assert gaussian_delta(mu, epsilon * (1 - 1e-6)) > delta


@given(st.floats(0.01, 20.0), DELTAS)
@settings(deadline=None)
def test_gaussian_calibration_is_tight_and_never_optimistic(epsilon: float, delta: float) -> None:
    """The calibrated mu stays within (epsilon, delta), and a little more does not; rho would have given less."""
    mu = gaussian_mu_from(epsilon, delta)
    assert gaussian_delta(mu, epsilon) <= delta
    assert gaussian_delta(mu * (1 + 1e-6), epsilon) > delta
    assert gaussian_epsilon(mu, delta) <= epsilon * (1 + 1e-9)


@given(MUS, MUS, DELTAS)
@settings(deadline=None)
def test_gaussian_curves_are_monotone(first: float, second: float, delta: float) -> None:
    """More mu never means less epsilon, and rho never claims less than the exact curve."""
    low, high = sorted((first, second))
    assert gaussian_epsilon(low, delta) <= gaussian_epsilon(high, delta) * (1 + 1e-9) + 1e-12
    assert gaussian_epsilon(high, delta) <= epsilon_from(high * high / 2, delta) * (1 + 1e-9) + 1e-12


@given(st.lists(st.floats(0.5, 1e4), min_size=1, max_size=10))
def test_gaussian_composition_agrees_with_zcdp(sigmas: list[float]) -> None:
    """Rho of the composition is mu^2 / 2: both add up the same squares."""
    mu = gaussian_mu(sigmas, [ONE] * len(sigmas))
    assert sum(gaussian_rho(sigma * sigma, ONE) for sigma in sigmas) == pytest.approx(mu * mu / 2, rel=1e-12)


@given(st.floats(1e-4, 2.0), st.floats(0.1, 10.0))
@settings(max_examples=30, deadline=None)
def test_zcdp_delta_is_not_below_the_gaussian_one(rho: float, epsilon: float) -> None:
    """The delta that rho claims covers that of the Gaussian of the same rho."""
    assert delta_from(rho, epsilon) >= gaussian_delta(math.sqrt(2 * rho), epsilon) * (1 - 1e-9) - 1e-300


def test_bad_parameters_are_refused() -> None:
    """Mu and sigma are positive, epsilon not negative, delta between 0 and 1, one sensitivity per sigma."""
    for act in (
        lambda: gaussian_delta(0.0, 1.0),
        lambda: gaussian_delta(1.0, -1.0),
        lambda: gaussian_epsilon(1.0, 0.0),
        lambda: gaussian_mu_from(0.0, 0.5),
        lambda: gaussian_mu([0.0], [ONE]),
    ):
        with pytest.raises(UsageError):
            act()
    with pytest.raises(ValueError, match="zip"):
        gaussian_mu([1.0, 2.0], [ONE])


def whole_delta(sigma: float, shift: int, epsilon: float) -> float:
    """Delta of a discrete Gaussian that one unit shifts, summed over whole numbers."""
    k = np.arange(-int(40 * sigma) - 60, int(40 * sigma) + 61)
    logs = -(k**2) / (2 * sigma**2)
    logs = logs - np.logaddexp.reduce(logs)
    moved = -((k - shift) ** 2) / (2 * sigma**2)
    moved = moved - np.logaddexp.reduce(moved)
    return float(np.maximum(np.exp(logs) - np.exp(epsilon + moved), 0).sum())


@pytest.mark.parametrize("sigma", [2.5, 4.0, 25.0, 300.0])
@pytest.mark.parametrize("shift", [1, 2, 5])
def test_whole_noise_is_as_private_as_said(sigma: float, shift: int) -> None:
    """The exact delta of one discrete Gaussian is never above that of its mu, and close to it for wide noise."""
    mu = whole_mu([sigma], [float(shift)])
    assert mu is not None and mu > shift / sigma
    for epsilon in np.linspace(0.0, 4 * mu + 0.5, 25):
        exact, said = whole_delta(sigma, shift, float(epsilon)), gaussian_delta(mu, float(epsilon))
        assert exact <= said * (1 + 1e-9) + 1e-15
    assert sigma < 25 or whole_delta(sigma, shift, 0.0) > 0.98 * gaussian_delta(mu, 0.0)


def test_whole_noise_composes_and_refuses_what_is_too_narrow() -> None:
    """Two sums of whole numbers against the curve of their mu; where noise is narrow, nothing is said."""
    mu = whole_mu([3.0, 5.0], [1.0, 2.0])
    assert mu is not None and math.isclose(mu**2, 1 / (9 - SPREAD) + 4 / (25 - SPREAD), rel_tol=1e-9)
    losses, chances = [], []
    for sigma, shift in ((3.0, 1), (5.0, 2)):
        k = np.arange(-120, 121)
        weights = np.exp(-(k**2) / (2 * sigma**2))
        losses.append((shift**2 - 2 * k * shift) / (2 * sigma**2))  # log odds of no shift over the shift
        chances.append(weights / weights.sum())
    loss = np.add.outer(*losses).ravel()
    chance = np.multiply.outer(*chances).ravel()
    for epsilon in (0.0, 0.3, 1.0, 2.0):
        exact = float((chance * np.maximum(-np.expm1(epsilon - loss), 0)).sum())
        assert exact <= gaussian_delta(mu, epsilon) * (1 + 1e-9)
    assert whole_mu([2.0], [1.0]) is None and whole_mu([], []) is None
    assert gaussian_epsilon(mu, 1e-6) < whole_epsilon(mu, 1e-6) < gaussian_epsilon(mu, 1e-6) + 1e-9


def test_the_rounding_of_whole_noise_is_what_is_said() -> None:
    """Densities of variance SPREAD add up to 1 over whole numbers from any start, but for 2.1 exp(-2 pi^2 SPREAD)."""
    k = np.arange(-60, 61)
    for start in np.linspace(0, 1, 11):
        total = math.fsum(np.exp(-((k - start) ** 2) / (2 * SPREAD)) / math.sqrt(2 * math.pi * SPREAD))
        assert abs(total - 1) <= 2.1 * math.exp(-2 * math.pi**2 * SPREAD) + 1e-14


ALPHAS = np.concatenate([np.linspace(1.001, 4.0, 100), np.geomspace(4.1, 2000.0, 150)])


def worst_known_delta(rho: float, epsilon: np.ndarray) -> np.ndarray:
    """Delta at each epsilon of a rho-zCDP mechanism with two outcomes: a rare one that gives much away, and another."""
    best = np.zeros(len(epsilon))
    for further in np.linspace(0.1, 1.5, 8):
        loss = epsilon + further * math.sqrt(rho)  # of the rare outcome
        low, high = np.full(len(epsilon), -80.0), np.full(len(epsilon), -1e-3)  # log of its probability
        for _ in range(45):
            middle = (low + high) / 2
            usual = np.log1p(-np.exp(middle)) - np.log1p(-np.exp(middle - loss))
            fits = np.ones(len(epsilon), bool)
            for rare, sign in ((middle, 1), (middle - loss, -1)):  # both directions of the divergence
                other = np.log1p(-np.exp(rare))
                first = rare[:, None] + sign * np.outer(loss, ALPHAS - 1)
                second = other[:, None] + sign * np.outer(usual, ALPHAS - 1)
                fits &= (np.logaddexp(first, second) / (ALPHAS - 1) <= 0.999 * rho * ALPHAS).all(axis=1)
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        best = np.maximum(best, np.exp(low) * -np.expm1(epsilon - loss))
    return best


def test_the_cheaper_of_two_accounts_is_no_bound() -> None:
    """Why charges are in rho alone: who picks the account by what a first release showed, passes delta.

    A third of the budget goes to Gaussian counts. Then either the rest of mu goes to more of them, or the rest of rho
    to a mechanism of another kind. Each account by itself holds delta on average; the larger of the two does not.
    """
    epsilon, delta = 1.0, 1e-9
    rho, mu = rho_from(epsilon, delta), gaussian_mu_from(epsilon, delta)
    spent = rho / 3
    loss = np.linspace(spent - 8 * math.sqrt(2 * spent), spent + 8 * math.sqrt(2 * spent), 61)  # of the first release
    chance = np.exp(-((loss - spent) ** 2) / (4 * spent))
    chance /= chance.sum()
    left, rest = epsilon - loss, math.sqrt(mu * mu - 2 * spent)
    counts = np.exp(log_ndtr(rest / 2 - left / rest)) - np.exp(left + log_ndtr(-rest / 2 - left / rest))
    other = worst_known_delta(rho - spent, left)
    assert (chance * counts).sum() == pytest.approx(delta, rel=1e-3)
    assert (chance * other).sum() < delta
    assert (chance * np.maximum(counts, other)).sum() > 1.02 * delta
