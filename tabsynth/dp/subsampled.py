"""What it costs to train on random batches: the Poisson-subsampled Gaussian mechanism, step after step.

In every step each unit is in the batch with probability `rate`, on its own; what the batch sums up to moves by at most
`s` with one unit; and noise of standard deviation `noise * s` is put on it. Between neighbours the Rényi divergence of
order a, for whole a >= 2, is then at most

    log(sum over k of C(a, k) (1 - rate)^(a - k) rate^k exp(k (k - 1) / (2 noise^2))) / (a - 1)

a step, and the divergences of the steps add up. A cost is written as the least rho with divergence <= rho * a for all
whole orders from 2 up to the one that the budget is spent at (`budget.best_order`); for every order at once the least
is `steps / (2 noise^2)`, as if every unit were in every batch.

Decisions
- The formula is a sum of positive terms, so it is summed as it stands, and rounded up by far more than doubles err. No
  orders between whole ones are needed, and so none of the series that approximate those.
- The bound holds for the discrete Gaussian that is really drawn: the k-th term is the k-th moment of the likelihood
  ratio of a shifted and an unshifted Gaussian, which is at most that of the continuous one (Canonne, Kamath & Steinke
  2020, proposition 5). The divergence in the other direction is smaller, because reflecting the noise about half the
  shift exchanges the two (Mironov, Talwar & Zhang 2019, theorem 5); that works on whole numbers, too.
- No privacy loss distribution: it would give the same release an epsilon that is about a tenth smaller, but one that
  does not add up with the other charges of a ledger.

Source: Abadi et al. 2016, "Deep learning with differential privacy"; Mironov, Talwar & Zhang 2019 (arXiv 1908.10530),
"Rényi differential privacy of the sampled Gaussian mechanism", section 3.3.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, xlog1py

from tabsynth.dp.budget import check_positive
from tabsynth.errors import UsageError

ROUNDING = 1e-9
"""Relative room for rounding errors of one divergence."""
LARGEST_ORDER = 5000
"""Above this (tiny epsilon), costs are stated for all orders; the sums would take minutes."""


def subsampled_rho(*, rate: float, noise: float, steps: int, order: int | None) -> float:
    """Return the least rho whose line `rho * a` is above the divergences of all whole orders up to `order`; rounded up.

    Args:
        rate: Probability of each unit to be in a batch.
        noise: Standard deviation of the noise, in multiples of what one unit can move.
        steps: Number of batches.
        order: Largest order that the rho has to hold for; None for all.

    Raises:
        UsageError: A number is out of range.
    """
    _check(rate, noise, steps)
    plain = steps / (2 * noise**2) * (1 + ROUNDING)
    if order is None or rate == 1 or order > LARGEST_ORDER:
        return plain
    return min(plain, max(divergence(rate, noise, a) / a for a in range(2, order + 1)) * steps)


def divergence(rate: float, noise: float, order: int) -> float:
    """Return the Rényi divergence of one step at a whole order; rounded up. See the module."""
    k = np.arange(2, order + 1, dtype=np.float64)
    exponent = k * (k - 1) / (2 * noise**2)
    # The binomial weights sum to 1, so the sum is 1 + sum of weight * (exp(exponent) - 1), without cancellation.
    grown = exponent + np.log(-np.expm1(-exponent))
    logs = gammaln(order + 1.0) - gammaln(k + 1) - gammaln(order - k + 1) + k * math.log(rate) + grown
    logs += xlog1py(order - k, -rate)
    top = float(logs.max())
    total = top + math.log(float(np.exp(logs - top).sum()))
    return float(np.logaddexp(0.0, total) if total > 0 else math.log1p(math.exp(total))) / (order - 1) * (1 + ROUNDING)


def noise_for(rho: float, *, rate: float, steps: int, order: int | None) -> float:
    """Return the least noise whose cost does not pass `rho`; rounded up, so that `subsampled_rho` of it never does."""
    check_positive("rho", rho)
    high = math.sqrt(steps / (2 * rho)) * (1 + 1e-8)
    _check(rate, high, steps)
    if order is None or rate == 1 or order > LARGEST_ORDER:
        return high
    low, top = 0.0, high
    for _ in range(60):
        middle = (low + top) / 2
        if middle <= 0.05 or divergence(rate, middle, order) / order * steps > rho:
            low = middle
        else:
            top = middle
    while subsampled_rho(rate=rate, noise=top, steps=steps, order=order) > rho:
        top *= 1.001  # another order than the largest decides
    return top


def _check(rate: float, noise: float, steps: int) -> None:
    check_positive("noise", noise)
    if not 0 < rate <= 1:
        raise UsageError("rate: must be above 0 and at most 1")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError("steps: must be a whole number of at least 1")
