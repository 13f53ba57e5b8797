"""Gaussian differential privacy: the exact trade-off of releases whose noise is all continuous Gaussian.

What is claimed: any number of continuous Gaussian releases, adaptively chosen, are together mu-Gaussian-DP, and their
(epsilon, delta) curve is the exact one. What is not: the discrete Gaussian of `noise.py` has the rho of the continuous
one, but not exactly its curve, so nothing in this package is charged by mu. Charges are in rho (`budget.py`), whose
epsilon is never below the one given here. This is the reference that audits compare with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import log_ndtr

from tabsynth.dp.budget import ROUNDING, Sensitivity, check_delta, check_positive, epsilon_from, is_number
from tabsynth.errors import UsageError


def gaussian_mu(sigmas: Sequence[float], sensitivities: Sequence[Sensitivity]) -> float:
    """Return mu of continuous Gaussian releases of the given noise, composed: sqrt(sum (l2 / sigma)^2).

    Source: Dong, Roth & Su 2022 (arXiv 1905.02383), theorem 1 and corollary 2.
    """
    for sigma in sigmas:
        check_positive("sigma", sigma)
    return math.sqrt(math.fsum((each.l2 / sigma) ** 2 for sigma, each in zip(sigmas, sensitivities, strict=True)))


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
