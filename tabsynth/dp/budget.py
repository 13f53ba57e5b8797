"""What a release may cost: epsilon and delta outside, zCDP rho inside.

Every mechanism here is charged in rho of zero-concentrated differential privacy (Bun & Steinke 2016). Costs add up, the
discrete Gaussian has the rho of the continuous one (Canonne, Kamath & Steinke 2020, theorem 4), and the total is turned
into (epsilon, delta) once, by the best bound that is known to hold for all mechanisms of that rho.

Decisions
- No optimism from rounding: epsilon is rounded up, rho down, each by more than double arithmetic can err. `rho_from`
  leaves a further 1e-12 of its result unused, so that shares of it, added in any order, still fit the budget.
- Mechanisms that fail with a small probability (thresholds in partition selection) add that probability to delta:
  "delta-approximate zCDP", where rho and delta both add up.
- Training on random batches (`subsampled.py`) has a Rényi divergence below rho * a for whole orders a from 2 to some
  largest one only, and is charged with that order. Divergences of one order add up and the bounds below hold at each,
  so a total with such charges is turned into epsilon by whole orders up to the smallest of these (`order=`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from tabsynth.errors import BudgetError, UsageError

# Relative room for rounding errors of double arithmetic; sums of some ten terms err by less than 1e-14.
ROUNDING = 1e-13
# Relative part of a calibrated rho that is left unused, see Decisions.
_HEADROOM = 1e-12


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How far one privacy unit (added or removed) can move a vector of numbers, in three norms. All are required.

    Args:
        l1: Sum of the absolute changes.
        l2: Euclidean length of the change.
        linf: Largest absolute change of one number.

    Raises:
        UsageError: A norm is not a positive number, or they contradict each other (linf <= l2 <= l1).
    """

    l1: float
    l2: float
    linf: float

    def __post_init__(self) -> None:
        for name in ("l1", "l2", "linf"):
            check_positive(f"sensitivity {name}", getattr(self, name))
        if not self.linf <= self.l2 * (1 + ROUNDING) or not self.l2 <= self.l1 * (1 + ROUNDING):
            raise UsageError("sensitivity: linf <= l2 <= l1 holds for every change; one of the three norms is wrong")

    @classmethod
    def of_counts(cls, max_rows: int) -> Sensitivity:
        """The sensitivity of a table of counts, where a unit has at most `max_rows` rows: all may fall in one cell."""
        if isinstance(max_rows, bool) or not isinstance(max_rows, int) or max_rows < 1:
            raise UsageError("max_rows: must be a whole number of at least 1")
        return cls(l1=max_rows, l2=max_rows, linf=max_rows)


@dataclass(frozen=True)
class Budget:
    """A total privacy loss that may not be passed: (epsilon, delta).

    Raises:
        UsageError: Epsilon is not a positive number, or delta is not strictly between 0 and 1.

    Example:
        >>> round(Budget(epsilon=1.0, delta=1e-9).rho, 5)
        0.01497
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        check_positive("epsilon", self.epsilon, remedy="; between 0.1 and 10 is usual")
        check_delta(self.delta)

    @property
    def rho(self) -> float:
        """The largest zCDP cost that stays within this budget."""
        return rho_from(self.epsilon, self.delta)

    def check_population(self, n_units: int) -> None:
        """Refuse a delta that permits publishing somebody's record outright.

        A mechanism that publishes each unit's record with probability `delta` satisfies (0, delta)-DP, so delta must be
        far below one over the number of units.

        Args:
            n_units: Publicly declared number of privacy units (people); never counted from the private table.

        Raises:
            UsageError: Delta is 1 / n_units or more.
        """
        if isinstance(n_units, bool) or not isinstance(n_units, int) or n_units < 1:
            raise UsageError("population: must be a whole number of at least 1")
        if self.delta * n_units >= 1:
            raise UsageError(
                f"delta: {self.delta:g} is too large for a declared population of {n_units}, it would permit "
                f"publishing a whole record; choose at most {1 / (10 * n_units):.1g}"
            )


@dataclass(frozen=True)
class Remaining:
    """What is left of a budget.

    Args:
        rho: zCDP cost that can still be charged.
        delta: Additive delta that can still be charged, if no rho is charged with it.
        epsilon: What `rho` is worth as one further release, at the delta of the budget less what was charged of it.
    """

    rho: float
    delta: float
    epsilon: float


@dataclass
class Account:
    """Charges against one budget, in memory; `ledger.Ledger` is the same on disk, across runs.

    Sums are exact (fractions), so that the order of charges and their number do not matter.
    """

    budget: Budget
    _rho: Fraction = field(default=Fraction(0), init=False)
    _delta: Fraction = field(default=Fraction(0), init=False)
    _order: int | None = field(default=None, init=False)

    @property
    def rho(self) -> float:
        """Total zCDP cost so far, rounded up."""
        return _float_above(self._rho)

    @property
    def delta(self) -> float:
        """Total additive delta so far, rounded up."""
        return _float_above(self._delta)

    @property
    def epsilon(self) -> float:
        """What was charged so far is worth this epsilon, at the delta of the budget."""
        return _spent_epsilon(self._rho, self._delta, self.budget.delta, self._order)

    @property
    def remaining(self) -> Remaining:
        """What can still be charged."""
        left = Fraction(self.budget.delta) - self._delta
        if left <= 0:
            return Remaining(rho=0.0, delta=0.0, epsilon=0.0)
        delta = _float_below(left)
        rho = max(0.0, _float_below(Fraction(rho_from(self.budget.epsilon, delta, order=self._order)) - self._rho))
        return Remaining(rho=rho, delta=delta, epsilon=epsilon_from(rho, delta))

    def charge(self, *, rho: Fraction | float, delta: Fraction | float = 0.0, order: int | None = None) -> None:
        """Add a cost, or refuse it and stay as it was.

        Args:
            rho: zCDP cost.
            delta: Additive delta.
            order: Largest order that `rho` holds for; None for all.

        Raises:
            BudgetError: The total would pass the budget.
            UsageError: A cost is negative or not a number, or nothing is charged.
        """
        self._rho, self._delta, self._order = self._after(rho, delta, order)

    def check(self, *, rho: Fraction | float, delta: Fraction | float = 0.0, order: int | None = None) -> None:
        """Raise what `charge` would raise; charge nothing."""
        self._after(rho, delta, order)

    def _after(
        self, rho: Fraction | float, delta: Fraction | float, order: int | None
    ) -> tuple[Fraction, Fraction, int | None]:
        check_cost(rho, delta, order)
        total, additive = self._rho + Fraction(rho), self._delta + Fraction(delta)
        smallest = smallest_order([self._order, order])
        if _spent_epsilon(total, additive, self.budget.delta, smallest) > self.budget.epsilon:
            left = self.remaining
            raise BudgetError(
                f"privacy budget: a cost of rho {float(rho):.6g} and delta {float(delta):.3g} does not fit; of epsilon "
                f"{self.budget.epsilon:g} at delta {self.budget.delta:g}, rho {left.rho:.6g} (epsilon "
                f"{left.epsilon:.4g}) is left. Ask for less; only whoever answers for the data can raise a budget"
            )
        return total, additive, smallest


def smallest_order(orders: Iterable[int | None]) -> int | None:
    """The order that all of several costs hold up to; None where all hold for every order."""
    return min((order for order in orders if order is not None), default=None)


def check_cost(rho: Fraction | float, delta: Fraction | float, order: int | None = None) -> None:
    """Refuse a cost that is negative, not finite, or nothing at all, and an order that is no whole number from 2.

    Raises:
        UsageError: See above.
    """
    for name, value in (("rho", rho), ("delta", delta)):
        if not is_number(value) or not 0 <= value < math.inf:
            raise UsageError(f"{name}: a cost must be a number of at least 0")
    if rho == 0 and delta == 0:
        raise UsageError("rho, delta: a charge must cost something; what is free needs no charge")
    if order is not None and (isinstance(order, bool) or not isinstance(order, int) or order < 2):
        raise UsageError("order: must be a whole number of at least 2")


def split(rho: float, shares: Sequence[float]) -> list[float]:
    """Divide `rho` in proportion to `shares`; the exact sum of the parts is never above `rho`.

    Example:
        >>> split(0.9, [1, 2])
        [0.3, 0.6]
    """
    check_positive("rho", rho)
    if not shares or not all(is_number(share) and 0 < share < math.inf for share in shares):
        raise UsageError("shares: each must be a positive number")
    total = sum(map(Fraction, shares))
    return [_float_below(Fraction(rho) * Fraction(share) / total) for share in shares]


def epsilon_from(rho: float, delta: float, *, order: int | None = None) -> float:
    """Return epsilon such that every rho-zCDP mechanism is (epsilon, delta)-DP; rounded up.

    The best alpha of the bound below solves rho (alpha - 1)^2 = log(1 / (alpha delta)); any alpha gives a valid
    epsilon, so an inexact root costs tightness only. With `order`, only whole alphas from 2 up to it are taken, so that
    the result holds for mechanisms whose rho is good for those alone.

    Source: Canonne, Kamath & Steinke 2020 (arXiv 2004.00010), proposition 12 and corollary 13:
        epsilon = rho alpha + log(1 / (alpha delta)) / (alpha - 1) + log(1 - 1 / alpha), for every alpha > 1.
    """
    check_delta(delta)
    if not is_number(rho) or not 0 <= rho < math.inf:
        raise UsageError("rho: must be a number of at least 0")
    if rho == 0:
        return 0.0
    need = -math.log(delta)
    low, high = 0.0, math.sqrt(need / rho)  # alpha - 1: the left side passes log(1 / delta) at the upper end
    for _ in range(200):
        excess = (low + high) / 2
        if not low < excess < high:
            break
        if rho * excess * excess < need - math.log1p(excess):
            low = excess
        else:
            high = excess
    if order is None:
        return _epsilon_at(high, rho, need)
    whole = {min(max(2, place), order) for place in (math.floor(1 + high), math.ceil(1 + high))}
    return min(_epsilon_at(alpha - 1.0, rho, need) for alpha in whole)


def _epsilon_at(excess: float, rho: float, need: float) -> float:
    """The bound of `epsilon_from` at alpha = 1 + excess, for log(1 / delta) = need; rounded up."""
    terms = (rho, rho * excess, need / excess, -math.log1p(excess) / excess, -math.log1p(1 / excess))
    return max(0.0, math.fsum(terms) + ROUNDING * math.fsum(map(abs, terms)))


def best_order(epsilon: float, delta: float) -> int | None:
    """Return the whole order that leaves the most rho of a budget; None where that is below 2 (huge epsilon)."""
    rho = rho_from(epsilon, delta)
    low, high = 1.0, 2.0 + math.sqrt(-math.log(delta) / rho)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if rho * (middle - 1) ** 2 > -math.log(middle * delta) else (middle, high)
    if high < 2:
        return None
    return max((math.floor(high), math.ceil(high)), key=lambda order: rho_from(epsilon, delta, order=order))


def delta_from(rho: float, epsilon: float) -> float:
    """Return delta such that every rho-zCDP mechanism is (epsilon, delta)-DP; rounded up, at most 1.

    Source: as `epsilon_from`; the smallest delta whose epsilon does not pass `epsilon`, by bisection of log delta.
    """
    check_positive("epsilon", epsilon)
    low, high = math.log(5e-308), -1e-15
    if epsilon_from(rho, math.exp(high)) > epsilon:
        return 1.0
    if epsilon_from(rho, math.exp(low)) <= epsilon:
        return math.exp(low)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon_from(rho, math.exp(middle)) <= epsilon else (middle, high)
    return math.exp(high)


def rho_from(epsilon: float, delta: float, *, order: int | None = None) -> float:
    """Return the largest rho whose mechanisms are all (epsilon, delta)-DP; rounded down, see Decisions.

    `epsilon_from(rho_from(epsilon, delta), delta) <= epsilon` holds exactly. With `order`, by whole orders up to it; 0
    where these can never give so small an epsilon.

    Source: as `epsilon_from`, by bisection.
    """
    check_positive("epsilon", epsilon)
    check_delta(delta)
    low, high = 0.0, epsilon
    while epsilon_from(high, delta, order=order) <= epsilon:
        high *= 2
    for _ in range(2000):
        middle = (low + high) / 2
        if not low < middle < high or high - low <= low * 1e-15:
            break
        low, high = (middle, high) if epsilon_from(middle, delta, order=order) <= epsilon else (low, middle)
    return low * (1 - _HEADROOM)


def gaussian_scale_squared(rho: float, sensitivity: Sensitivity) -> Fraction:
    """Return sigma^2 of the Gaussian noise, discrete or continuous, that costs exactly `rho`.

    Source: Canonne, Kamath & Steinke 2020, theorem 14 (many integer queries): rho = l2^2 / (2 sigma^2).
    """
    check_positive("rho", rho)
    return Fraction(sensitivity.l2) ** 2 / (2 * Fraction(rho))


def gaussian_rho(scale_squared: Fraction | float, sensitivity: Sensitivity) -> float:
    """Return the zCDP cost of Gaussian noise, discrete or continuous, of variance parameter sigma^2; rounded up."""
    check_positive("scale_squared", scale_squared)
    return _float_above(Fraction(sensitivity.l2) ** 2 / (2 * Fraction(scale_squared)))


def pure_rho(epsilon: float) -> float:
    """Return the zCDP cost of any epsilon-DP mechanism (discrete Laplace of scale l1 / epsilon); rounded up.

    Source: Bun & Steinke 2016 (arXiv 1605.02065), proposition 1.4: rho = epsilon^2 / 2.
    """
    check_positive("epsilon", epsilon)
    return _float_above(Fraction(epsilon) ** 2 / 2)


def selection_rho(epsilon: float) -> float:
    """Return the zCDP cost of an exponential mechanism (`NoiseSource.noisy_max`) of the given epsilon; rounded up.

    Holds for mechanisms of epsilon-bounded range, which the exponential mechanism is; an epsilon-DP selection of
    another kind (permute-and-flip, noisy max with Laplace noise) costs `pure_rho`.

    Why: under bounded range the privacy loss Z lies in an interval of length epsilon. K(a) = log E[exp(a Z)] over the
    other table's output has K(0) = K(1) = 0, and K'' is a variance on that interval, at most epsilon^2 / 4. So
    K(a) <= a (a - 1) epsilon^2 / 8 for a > 1, and the Rényi divergence K(a) / (a - 1) is at most a epsilon^2 / 8.

    Source: Cesar & Rogers 2021 (arXiv 2004.07223): rho = epsilon^2 / 8.
    """
    check_positive("epsilon", epsilon)
    return _float_above(Fraction(epsilon) ** 2 / 8)


def selection_epsilon(rho: float) -> float:
    """Return the epsilon of an exponential mechanism that costs at most `rho`: sqrt(8 rho), rounded down."""
    check_positive("rho", rho)
    epsilon = math.sqrt(8 * rho)
    while Fraction(epsilon) ** 2 > 8 * Fraction(rho):
        epsilon = math.nextafter(epsilon, 0)
    return epsilon


def _spent_epsilon(rho: Fraction, additive: Fraction, delta: float, order: int | None) -> float:
    """Epsilon of a total cost at `delta`; infinite where the additive part alone uses up delta."""
    left = Fraction(delta) - additive
    if left <= 0:
        return math.inf
    return epsilon_from(_float_above(rho), _float_below(left), order=order)


def _float_above(value: Fraction) -> float:
    nearest = float(value)
    return nearest if Fraction(nearest) >= value else math.nextafter(nearest, math.inf)


def _float_below(value: Fraction) -> float:
    nearest = float(value)
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


def is_number(value: object) -> bool:
    """Whether `value` is a real number that is not NaN."""
    return isinstance(value, int | float | Fraction | np.integer) and not isinstance(value, bool) and value == value


def check_positive(name: str, value: object, *, remedy: str = "") -> None:
    """Refuse what is not a finite number above 0, with `UsageError`."""
    if not is_number(value) or not 0 < value < math.inf:  # type: ignore[operator]
        raise UsageError(f"{name}: must be a positive number{remedy}")


def check_delta(delta: float) -> None:
    """Refuse a delta that is not strictly between 0 and 1, with `UsageError`."""
    if not is_number(delta) or not 0 < delta < 1:
        raise UsageError(
            "delta: must be above 0 and below 1, and far below one over the number of people; 1e-9 is a safe choice"
        )
