"""Combining rules: one estimate with an honest interval from analyses of m synthetic copies.

An analyst runs the same analysis on each copy as if it were real, which gives m estimates q_i with variances v_i. Their
mean is the estimate; its variance is not v, since the copies carry the error of the real sample and that of the
synthesis. With q the mean, b the variance between copies, v the mean of v_i, n real rows and k rows of each copy:

    plug-in   T = v (k/n + 1/m)              copies drawn from a model with its fitted parameters, as all generators of
                                             this package do; m = 1 is enough
    proper    T = v (k/n + (1 + k/n)/m)      copies from models with parameters drawn from their posterior
    partial   T = v k/n + b/m                only some columns were replaced; t with
                                             (m - 1)(1 + (v k/n) / (b/m))² degrees of freedom
    full      T = (1 + 1/m) b - v            copies of the whole population, drawn from the posterior; where negative,
                                             (k/n) v instead; t with (m - 1)(1 - v / ((1 + 1/m) b))² degrees

Decisions
- No default rule: the wrong one gives a wrong interval, and only the user knows how the copies were made.
- No rule repairs a generator that gets the estimate wrong. Whether nominal 95 % intervals hold for a generator is
  measured by `python -m evaluations inference_coverage`.

Source: plug-in and proper, Raab, Nowok & Dibben 2016, "Practical data synthesis for large samples", Journal of Privacy
and Confidentiality 7(3), doi:10.29012/jpc.v7i3.407; partial, Reiter 2003, Survey Methodology 29; full, Raghunathan,
Reiter & Rubin 2003, Journal of Official Statistics 19, with the correction of negative variances of Reiter 2002, ibid.
18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import stats

from tabsynth.errors import UsageError

Array = np.ndarray[Any, Any]
Rule = Literal["plug-in", "proper", "partial", "full"]


@dataclass(frozen=True)
class Combined:
    """Estimates from several synthetic copies."""

    estimate: Array  # (n_estimates,)
    variance: Array  # (n_estimates,)
    degrees_of_freedom: Array  # (n_estimates,) infinite for the normal distribution
    rule: Rule
    n_copies: int

    @property
    def standard_error(self) -> Array:
        """Square root of the variance, shape (n_estimates,)."""
        return np.sqrt(self.variance)

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Ends of the confidence intervals, (n_estimates,) each.

        Raises:
            UsageError: `level` is not strictly between 0 and 1.
        """
        if not 0 < level < 1:
            raise UsageError("level: must be strictly between 0 and 1, such as 0.95")
        half = stats.t.ppf(0.5 + level / 2, self.degrees_of_freedom) * self.standard_error
        return self.estimate - half, self.estimate + half


def combine(
    estimates: Sequence[float] | Sequence[Sequence[float]] | Array,
    variances: Sequence[float] | Sequence[Sequence[float]] | Array,
    *,
    rule: Rule,
    n_real: int | None = None,
    n_synthetic: int | None = None,
) -> Combined:
    """Combine the same estimates from m synthetic copies.

    Args:
        estimates: One per copy, shape (m,), or several per copy, shape (m, n_estimates).
        variances: Their variances as if the copy were real (squared standard errors), same shape.
        rule: How the copies were made: "plug-in" for copies of any generator of this package.
        n_real: Rows that the generator learned from; needed by "plug-in" and "proper", else taken as `n_synthetic`.
        n_synthetic: Rows of each copy; the same.

    Raises:
        UsageError: Shapes differ, a number is missing or negative, or the rule needs more copies or row counts.

    Example:
        >>> found = combine([2.0, 2.2], [0.04, 0.04], rule="plug-in", n_real=1_000, n_synthetic=1_000)
        >>> float(found.estimate[0]), round(float(found.variance[0]), 3)
        (2.1, 0.06)
    """
    values, own = (np.asarray(part, dtype=np.float64) for part in (estimates, variances))
    _check(values, own, rule, n_real, n_synthetic)
    values, own = (part.reshape(len(part), -1) for part in (values, own))
    m = len(values)
    ratio = 1.0 if n_real is None or n_synthetic is None else n_synthetic / n_real
    within = own.mean(axis=0)
    between = values.var(axis=0, ddof=1) if m > 1 else np.zeros(values.shape[1])
    degrees = np.full(values.shape[1], np.inf)
    if rule == "plug-in":
        variance = within * (ratio + 1 / m)
    elif rule == "proper":
        variance = within * (ratio + (1 + ratio) / m)
    elif rule == "partial":
        variance = within * ratio + between / m
        spread = np.maximum(between / m, np.finfo(float).tiny)
        degrees = (m - 1) * (1 + within * ratio / spread) ** 2
    else:
        spread = (1 + 1 / m) * between
        variance = np.where(spread > within, spread - within, ratio * within)
        share = np.divide(within, spread, out=np.full_like(within, np.inf), where=spread > 0)
        degrees = np.where(spread > within, np.maximum(1.0, (m - 1) * (1 - np.minimum(share, 1.0)) ** 2), m - 1.0)
    return Combined(values.mean(axis=0), variance, degrees, rule, m)


def _check(values: Array, own: Array, rule: Rule, n_real: int | None, n_synthetic: int | None) -> None:
    if rule not in get_args(Rule):
        raise UsageError(f"unknown rule {rule!r}; choose from: {', '.join(get_args(Rule))}")
    if values.shape != own.shape or values.ndim not in (1, 2) or not values.size:
        raise UsageError(
            "estimates and variances: must have one shape, (copies,) or (copies, estimates), and not be empty"
        )
    if not np.isfinite(values).all() or not np.isfinite(own).all() or (own < 0).any():
        raise UsageError("estimates and variances: must be finite, and variances not negative; leave out what failed")
    if rule in ("partial", "full") and len(values) < 2:
        raise UsageError(f"rule {rule!r}: needs at least two copies; draw more, or use 'plug-in' where it applies")
    if rule in ("plug-in", "proper") and (n_real is None or n_synthetic is None):
        raise UsageError(f"rule {rule!r}: needs n_real and n_synthetic, the rows of the real table and of each copy")
    if any(n is not None and n < 1 for n in (n_real, n_synthetic)):
        raise UsageError("n_real and n_synthetic: must be at least 1")
