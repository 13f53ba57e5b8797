"""What one release may spend: every look is charged here before it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from tabsynth.dp.transcript import Transcript
from tabsynth.errors import BudgetError, UsageError

Array = np.ndarray[Any, Any]


class Noise(Protocol):
    """What the boundary asks of a source of noise; see `NoiseSource`."""

    @property
    def secure(self) -> bool:
        """Whether it draws from the operating system."""

    def discrete_gaussian(self, scale_squared: Fraction | float, size: int) -> Array:
        """Discrete Gaussian noise, int64."""

    def discrete_laplace(self, scale: Fraction | float, size: int) -> Array:
        """Discrete Laplace noise, int64."""

    def permutation(self, n: int) -> Array:
        """One of all orders of n things, equally likely."""

    def coins(self, rate: float, size: int) -> Array:
        """Coins that are True with probability `rate`."""

    def noisy_max(self, scores: Array, *, epsilon: float, sensitivity: int, monotonic: bool) -> int:
        """Index drawn by the exponential mechanism."""


class Purse(Protocol):
    """What the boundary asks of a ledger; see `Ledger`."""

    def charge_each(
        self, rhos: Sequence[float], *, delta: float, purpose: str, mechanism: str, release: str, order: int | None
    ) -> object:
        """Write costs down, one for each rho, or refuse all of them."""


class Spending:
    """What one release may spend, where it is written down, and what it has shown so far."""

    def __init__(
        self,
        *,
        rho: float,
        delta: float,
        noise: Noise,
        ledger: Purse | None,
        transcript: Transcript,
        order: int | None = None,
    ) -> None:
        """Open the account of one release.

        Args:
            rho: What all looks together may cost.
            delta: Failure probability that discoveries together may use.
            noise: Where noise comes from.
            ledger: What is charged before noise is drawn; None only where the user has written `ledger: none`.
            transcript: Where everything that leaves is written.
            order: Largest order that costs of trainings hold for, which `rho` was worked out with; None for all.
        """
        self.rho, self.delta, self.order = rho, delta, order
        self.noise = noise
        self.transcript = transcript
        self._ledger = ledger
        self._release = str(transcript.public.get("release", ""))
        self._spent_rho = self._spent_delta = Fraction(0)

    def charge(self, *, rho: float, purpose: str, mechanism: str, delta: float = 0.0, order: int | None = None) -> None:
        """Pay for a look, before it is taken. See `charge_each`."""
        self.charge_each([rho], purpose=purpose, mechanism=mechanism, delta=delta, order=order)

    def charge_each(
        self, rhos: Sequence[float], *, purpose: str, mechanism: str, delta: float = 0.0, order: int | None = None
    ) -> None:
        """Pay for several looks, before the first is taken: for all of them, or for none.

        Raises:
            BudgetError: The release would cost more than it may, or the ledger refuses.
        """
        if not all(math.isfinite(rho) and rho > 0 for rho in rhos):
            raise UsageError(f"{purpose}: rho must be above 0")
        spent_rho = self._spent_rho + sum(map(Fraction, rhos))
        spent_delta = self._spent_delta + len(rhos) * Fraction(delta)
        if spent_rho > Fraction(self.rho) or spent_delta > Fraction(self.delta):
            raise BudgetError(f"{purpose}: would cost more than this release may; split its budget into smaller parts")
        if self._ledger is not None:
            self._ledger.charge_each(
                rhos, delta=delta, purpose=purpose, mechanism=mechanism, release=self._release, order=order
            )
        self._spent_rho, self._spent_delta = spent_rho, spent_delta

    @property
    def remaining(self) -> float:
        """What of `rho` is left."""
        return max(0.0, math.nextafter(float(Fraction(self.rho) - self._spent_rho), 0.0))
