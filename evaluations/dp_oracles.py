"""What other accountants say: a table that the tests hold ours against.

`python -m evaluations.dp_oracles`, in an environment with `dp-accounting`, `opendp` and `mpmath` (which pin versions
that tabsynth's own cannot have), writes tests/reference/dp_accounting.json.

For each (rho, delta): epsilon of a Gaussian mechanism of that rho by
- `exact_zcdp`: the conversion of Canonne, Kamath & Steinke 2020, minimised over alpha with 60 digits (mpmath);
- `rdp`: dp-accounting's RDP accountant, its orders including the best alpha;
- `opendp`: OpenDP's conversion from zCDP to approximate DP;
- `exact_gaussian`: the exact curve of the continuous Gaussian (Balle & Wang 2018), with 60 digits;
- `pld`: dp-accounting's privacy loss distribution of the continuous Gaussian, rounded pessimistically.
"""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

RHOS = (1e-6, 1e-4, 0.001, 0.01, 0.05, 0.125, 0.5, 1.0, 2.0, 8.0)
DELTAS = (1e-3, 1e-6, 1e-9, 1e-12)
TARGET = Path(__file__).parents[1] / "tests" / "reference" / "dp_accounting.json"
PLD_SMALLEST_RHO = 0.001  # below, discretising the privacy loss is dearer than what it measures


def exact_zcdp(rho: float, delta: float) -> tuple[Any, Any]:
    """Epsilon and the best alpha, by golden section of the convex bound in log(alpha - 1)."""
    from mpmath import exp, log, mpf, sqrt

    def bound(x: Any) -> Any:
        excess = exp(x)
        alpha = 1 + excess
        return mpf(rho) * alpha + log(1 / (alpha * mpf(delta))) / excess + log(excess / alpha)

    low, high, ratio = mpf(-30), mpf(30), (sqrt(mpf(5)) - 1) / 2
    for _ in range(250):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if bound(left) < bound(right) else (left, high)
    return max(mpf(0), bound(low)), 1 + exp(low)


def exact_gaussian(rho: float, delta: float) -> Any:
    """Epsilon of the continuous Gaussian by bisection of its exact delta."""
    from mpmath import exp, mpf, ncdf, sqrt

    mu = sqrt(2 * mpf(rho))

    def delta_at(epsilon: Any) -> Any:
        return ncdf(mu / 2 - epsilon / mu) - exp(epsilon) * ncdf(-mu / 2 - epsilon / mu)

    low, high = mpf(0), mpf(100)
    if delta_at(low) <= delta:
        return low
    for _ in range(150):
        middle = (low + high) / 2
        low, high = (low, middle) if delta_at(middle) <= delta else (middle, high)
    return high


def rdp(rho: float, delta: float, alpha: float) -> float:
    """Epsilon by dp-accounting's RDP accountant."""
    from dp_accounting import GaussianDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant(orders=sorted({alpha, *(1 + 10 ** (i / 20) for i in range(-60, 120))}))
    accountant.compose(GaussianDpEvent(1 / math.sqrt(2 * rho)))
    return float(accountant.get_epsilon(delta))


def pld(rho: float, delta: float) -> float:
    """Epsilon by dp-accounting's privacy loss distribution."""
    from dp_accounting import GaussianDpEvent
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant()
    accountant.compose(GaussianDpEvent(1 / math.sqrt(2 * rho)))
    return float(accountant.get_epsilon(delta))


def opendp(rho: float, delta: float) -> float:
    """Epsilon by OpenDP, for a measurement whose zCDP cost is `rho`."""
    import opendp.prelude as dp

    dp.enable_features("contrib", "honest-but-curious")
    space = dp.atom_domain(T=int), dp.absolute_distance(T=int)
    measurement = dp.m.make_user_measurement(*space, dp.zero_concentrated_divergence(), lambda _: 0, lambda _: rho)
    return float(dp.c.make_zCDP_to_approxDP(measurement).map(1).epsilon(delta))


def table() -> dict[str, Any]:
    """Every oracle at every (rho, delta)."""
    from mpmath import mp

    mp.dps = 60
    rows = []
    for rho in RHOS:
        for delta in DELTAS:
            epsilon, alpha = exact_zcdp(rho, delta)
            row = {"rho": rho, "delta": delta, "exact_zcdp": float(epsilon), "rdp": rdp(rho, delta, float(alpha))}
            row |= {"opendp": opendp(rho, delta), "exact_gaussian": float(exact_gaussian(rho, delta))}
            rows.append(row | {"pld": pld(rho, delta) if rho >= PLD_SMALLEST_RHO else None})
    names = ("dp-accounting", "opendp", "mpmath")
    return {"command": "python -m evaluations.dp_oracles", "versions": {n: version(n) for n in names}, "rows": rows}


def main() -> None:
    """Write the table."""
    TARGET.write_text(json.dumps(table(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
