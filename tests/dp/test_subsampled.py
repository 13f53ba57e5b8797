"""The cost of random batches: against quadrature, Opacus and the budget, and how it adds up in an account."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from tabsynth.dp.budget import Account, Budget, best_order, epsilon_from, rho_from
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.subsampled import divergence, noise_for, subsampled_rho
from tabsynth.errors import BudgetError, UsageError

CASES = [
    (1.0, 1e-9, 0.1, 100),
    (10.0, 1e-9, 0.1, 400),
    (0.1, 1e-9, 0.05, 50),
    (3.0, 1e-6, 0.02, 1000),
    (1.0, 1e-6, 1.0, 30),
]


@pytest.mark.parametrize(("rate", "noise", "order"), [(0.1, 1.5, 4), (0.5, 2.0, 7), (0.01, 0.8, 3), (1.0, 1.0, 5)])
def test_a_divergence_is_the_integral(rate: float, noise: float, order: int) -> None:
    """The sum equals the Rényi divergence of the mixture by quadrature, and the other direction is not larger."""

    def log_density(x: float, middle: float) -> float:
        return -((x - middle) ** 2) / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi))

    def log_mixture(x: float) -> float:
        absent = math.log1p(-rate) if rate < 1 else -math.inf
        return float(np.logaddexp(absent + log_density(x, 0), math.log(rate) + log_density(x, 1)))

    def integral(sign: int) -> float:
        def log_ratio(x: float) -> float:
            first, second = (log_mixture(x), log_density(x, 0))[::sign]
            return order * first + (1 - order) * second

        span = order + 12 * noise
        return quad(lambda x: math.exp(log_ratio(x)), -span, span, limit=800, points=[0.0, float(order)])[0]

    there, back = integral(1), integral(-1)
    found = divergence(rate, noise, order)
    assert math.isclose(found, math.log(there) / (order - 1), rel_tol=1e-6)
    assert math.log(back) / (order - 1) <= found * (1 + 1e-9)


def test_everybody_in_every_batch_is_the_gaussian() -> None:
    assert math.isclose(subsampled_rho(rate=1.0, noise=2.0, steps=8, order=30), 1.0, rel_tol=1e-8)
    assert math.isclose(divergence(1.0, 2.0, 9), 9 / 8, rel_tol=1e-8)
    assert subsampled_rho(rate=0.01, noise=2.0, steps=8, order=None) >= 1.0


@pytest.mark.parametrize(("epsilon", "delta", "rate", "steps"), CASES)
def test_noise_spends_the_budget_and_no_more(epsilon: float, delta: float, rate: float, steps: int) -> None:
    order = best_order(epsilon, delta)
    rho = rho_from(epsilon, delta, order=order)
    noise = noise_for(rho, rate=rate, steps=steps, order=order)
    cost = subsampled_rho(rate=rate, noise=noise, steps=steps, order=order)
    assert 0.999 * rho < cost <= rho
    assert 0.999 * epsilon < epsilon_from(cost, delta, order=order) <= epsilon


@pytest.mark.parametrize(("epsilon", "delta", "rate", "steps"), CASES)
def test_opacus_agrees(epsilon: float, delta: float, rate: float, steps: int) -> None:
    """Each divergence is that of Opacus' RDP accountant; its PRV accountant finds an epsilon below ours, by a tenth."""
    pytest.importorskip("opacus")
    from opacus.accountants import PRVAccountant
    from opacus.accountants.analysis.rdp import compute_rdp

    order = best_order(epsilon, delta)
    assert order is not None
    noise = noise_for(rho_from(epsilon, delta, order=order), rate=rate, steps=steps, order=order)
    orders = list(range(2, order + 1))
    theirs = np.atleast_1d(compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=orders))
    ours = np.array([divergence(rate, noise, a) * steps for a in orders])
    assert (ours >= theirs * (1 - 1e-9)).all() and np.allclose(ours, theirs, rtol=1e-6)
    if epsilon >= 1:  # below, the error that it allows itself is as large as what it finds
        accountant = PRVAccountant()
        accountant.history = [(noise, rate, steps)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert 0.85 * epsilon < accountant.get_epsilon(delta) <= epsilon


def test_dp_accounting_agrees() -> None:
    """Where it is installed."""
    pytest.importorskip("dp_accounting")
    from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
    from dp_accounting.rdp import RdpAccountant

    epsilon, delta, rate, steps = CASES[0]
    order = best_order(epsilon, delta)
    noise = noise_for(rho_from(epsilon, delta, order=order), rate=rate, steps=steps, order=order)
    accountant = RdpAccountant()
    accountant.compose(SelfComposedDpEvent(PoissonSampledDpEvent(rate, GaussianDpEvent(noise)), steps))
    assert 0.98 * epsilon < accountant.get_epsilon(delta) <= epsilon


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-9), (1.0, 1e-9), (10.0, 1e-6)])
def test_whole_orders_lose_little(epsilon: float, delta: float) -> None:
    """Epsilon by whole orders is never below that of all orders, and at the best one within a hundredth."""
    order = best_order(epsilon, delta)
    rho = rho_from(epsilon, delta)
    assert epsilon <= epsilon_from(rho, delta, order=order) * (1 + 1e-9) <= 1.01 * epsilon
    assert epsilon_from(rho, delta, order=2) > epsilon_from(rho, delta, order=order)
    assert best_order(500.0, 1e-6) is None


def test_an_account_keeps_the_smallest_order() -> None:
    """A cost that holds for few orders makes the total dearer, and what is left smaller; never the other way."""
    budget = Budget(1.0, 1e-9)
    free, bound = Account(budget), Account(budget)
    free.charge(rho=0.005)
    bound.charge(rho=0.005, order=20)
    assert bound.epsilon > free.epsilon and bound.remaining.rho < free.remaining.rho
    bound.charge(rho=bound.remaining.rho)
    assert bound.epsilon <= 1.0
    with pytest.raises(BudgetError):
        bound.charge(rho=1e-6)
    with pytest.raises(UsageError, match="order"):
        free.charge(rho=0.001, order=1)


def test_a_ledger_keeps_the_order(tmp_path: Path) -> None:
    """It is on the disk, holds for the total, and a line whose order was taken away is no line of the ledger."""
    from tabsynth.errors import LedgerError

    file = tmp_path / "l"
    ledger = Ledger.open(file, "ward", Budget(1.0, 1e-9))
    ledger.charge(rho=0.005, purpose="counts", mechanism="discrete-gaussian")
    plain = ledger.verify().epsilon
    ledger.charge(rho=0.001, purpose="training", mechanism="subsampled-discrete-gaussian", order=30)
    said = Ledger.open(file, "ward").verify()
    assert said.order == 30 and [charge.order for charge in said.charges] == [None, 30]
    assert said.epsilon == epsilon_from(said.rho, 1e-9, order=30) > plain
    file.write_text(file.read_text().replace('"order": 30, ', ""))
    with pytest.raises(LedgerError, match="line 3"):
        Ledger.open(file, "ward")


@pytest.mark.parametrize(
    "words", [{"rate": 0.0}, {"rate": 1.5}, {"noise": 0.0}, {"noise": math.nan}, {"steps": 0}, {"steps": True}]
)
def test_bad_numbers_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(words))):
        subsampled_rho(**{"rate": 0.1, "noise": 1.0, "steps": 5, "order": 10} | words)  # type: ignore[arg-type]
