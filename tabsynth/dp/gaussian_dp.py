"""Gaussian differential privacy: the exact trade-off of releases whose noise is all continuous Gaussian.

Any number of continuous Gaussian releases, adaptively chosen, are together mu-Gaussian-DP, and their (epsilon, delta)
curve is the exact one. The discrete Gaussian of `noise.py` has the rho of the continuous one, but not exactly its
curve: `whole_mu` says which mu holds for it. Charges are in rho (`budget.py`), also where all events are Gaussian;
their epsilon is never below the one given here. A certificate states both where noise and looks are fixed beforehand
(`released.py`); a mechanism that may also select or train has no mu, whatever it happened to do.

Why `whole_mu` holds. Let s^2 = sigma^2 - SPREAD. Draw x from the normal distribution with mean m (whole) and variance
s^2, then a whole k from the discrete Gaussian around x of variance SPREAD. Normal distributions add, so k has
probability normal_sigma(k - m) / c(x), averaged over x, where c(x) is the sum of the densities of variance SPREAD over
all whole numbers less x. By Poisson's summation c(x) is 1 but for 2.1 exp(-2 pi^2 SPREAD), whatever x is; so is the sum
that makes a discrete Gaussian of sigma add up to 1. So the discrete Gaussian is what is made of a continuous one of
variance s^2, which is (l2 / s)-Gaussian-DP, but for a factor within 1 +- 5 exp(-2 pi^2 SPREAD) = 1 +- 1e-25 for each
count. Up to a trillion counts change epsilon and delta by less than 1e-12 of themselves or of 1: `SLACK`.

Decisions
- No ledger is charged in mu, not even where all its charges so far are Gaussian. A ledger that took the cheaper of two
  accounts, mu while all is Gaussian and else rho, would let the user choose the account by what earlier releases
  showed, and neither account allows for that: with epsilon 1 and delta 1e-9, who spends a third of rho on counts and
  then chooses well is at 1.03 delta (`test_the_cheaper_of_two_accounts_is_no_bound`). Each account alone holds for
  releases chosen by earlier ones (mu: Smith and Thakurta 2022, arXiv 2210.17520; rho: Feldman and Zrnic 2021, arXiv
  2008.11193).
- So mu would need ledgers that are opened for it and never hold anything else: no selection, no discovery, no training,
  which is what all mechanisms but two do. It would buy 4 to 6 % less noise at epsilon 1 or below, and more noise than
  rho at epsilon 10 on few columns, because of `SPREAD`. That is not worth a second meaning of every charge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import log_ndtr

from tabsynth.dp.budget import ROUNDING, Sensitivity, check_delta, check_positive, epsilon_from, is_number
from tabsynth.errors import UsageError

SPREAD = 3.0
"""Variance that is left to whole numbers; more would make the factor per count closer to 1, and mu larger."""
SLACK = 1e-12
"""What discreteness can add to epsilon, and to delta in proportion, over a trillion counts."""


def gaussian_mu(sigmas: Sequence[float], sensitivities: Sequence[Sensitivity]) -> float:
    """Return mu of continuous Gaussian releases of the given noise, composed: sqrt(sum (l2 / sigma)^2).

    Source: Dong, Roth & Su 2022 (arXiv 1905.02383), theorem 1 and corollary 2.
    """
    for sigma in sigmas:
        check_positive("sigma", sigma)
    return math.sqrt(math.fsum((each.l2 / sigma) ** 2 for sigma, each in zip(sigmas, sensitivities, strict=True)))


def whole_mu(sigmas: Sequence[float], sensitivities: Sequence[float]) -> float | None:
    """Return mu of discrete Gaussian releases on whole counts, composed; see the module for what is shown.

    Args:
        sigmas: Scale of each.
        sensitivities: How far one unit moves each in L2.

    Returns:
        sqrt(sum l2^2 / (sigma^2 - SPREAD)), rounded up; None where a sigma is too small for that.
    """
    if not sigmas or min(sigmas) ** 2 < 2 * SPREAD:
        return None
    return math.sqrt(
        math.fsum(l2**2 / (sigma**2 - SPREAD) for sigma, l2 in zip(sigmas, sensitivities, strict=True))
    ) * (1 + ROUNDING)


def whole_epsilon(mu: float, delta: float) -> float:
    """Return the epsilon of discrete Gaussian releases that are together `mu` by `whole_mu`, rounded up."""
    return gaussian_epsilon(mu, delta * (1 - SLACK)) + SLACK


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Return the exact delta of mu-Gaussian DP at `epsilon`, rounded up.

    Source: Balle & Wang 2018 (arXiv 1805.06530), theorem 8:
        delta = Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu).
    """
    check_positive("mu", mu)
    if not is_number(epsilon) or not 0 <= epsilon < math.inf:
        raise UsageError("epsilon: must be a number of at least 0")
    first = float(log_ndtr(mu / 2 - epsilon / mu))
    second = epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))
    # The difference of two close exponentials: its rounding error grows with the size of the exponents.
    error = ROUNDING * (1 + abs(first) + epsilon)
    return min(1.0, math.exp(first) * (max(0.0, -math.expm1(second - first)) + error))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the epsilon of mu-Gaussian DP at `delta`, rounded up. Source: as `gaussian_delta`, by bisection."""
    check_delta(delta)
    if gaussian_delta(mu, 0.0) <= delta:
        return 0.0
    low, high = 0.0, epsilon_from(mu * mu / 2, delta) + 1e-12  # zCDP bounds it from above
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if gaussian_delta(mu, middle) <= delta else (middle, high)
    return high


def gaussian_mu_from(epsilon: float, delta: float) -> float:
    """Return the largest mu whose mechanisms are all (epsilon, delta)-DP, rounded down."""
    check_positive("epsilon", epsilon)
    check_delta(delta)
    low, high = 0.0, 1.0
    while gaussian_delta(high, epsilon) <= delta:
        high *= 2
    for _ in range(2000):
        middle = (low + high) / 2
        if not low < middle < high or high - low <= low * 1e-15:
            break
        low, high = (middle, high) if gaussian_delta(middle, epsilon) <= delta else (low, middle)
    return low
