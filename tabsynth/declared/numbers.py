"""Numbers of a declared distribution between bounds that may differ from row to row.

Every value is one uniform number through the inverse of the distribution function, cut to the part between the bounds:
truncated, so that nothing piles up at a bound, and the work does not depend on how narrow the bounds are.

Decisions
- Where next to nothing of the distribution lies between the bounds of a row, the value is the bound that is nearest to
  it: the inverse has no digits left there.
- The parts of a mixture keep their weights, whatever the bounds cut off each of them.
- Parameters that come from formulas and are not possible (a negative spread) are an error that names the column: rows
  made from a corrected value would hide a slip in the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tabsynth.errors import SchemaError
from tabsynth.schema import distributions as kinds

Array = np.ndarray[Any, Any]
_NOTHING = 1e-12
_LONGEST = 1_000_000  # values that a Zipf distribution ranks, and of which a table is made


def draw_numbers(
    distribution: Any,
    lower: Array,
    upper: Array,
    *,
    discrete: bool,
    value_of: Callable[[kinds.Parameter], Array],
    where: str,
    rng: np.random.Generator,
) -> Array:
    """Draw one number for each row.

    Args:
        distribution: A distribution of numbers that needs no other rows: not `given` or `mixture`.
        lower: Smallest value of each row, -inf where there is none; shape (n_rows,).
        upper: Largest value of each row, inf where there is none; shape (n_rows,).
        discrete: Whether the bounds belong to whole numbers, as for Poisson and Zipf.
        value_of: Gives the numbers that a parameter stands for, shape (n_rows,).
        where: Column, for messages.
        rng: Source of the draw.

    Returns:
        float64, shape (n_rows,); within the bounds wherever lower <= upper.

    Raises:
        SchemaError: A parameter is impossible in some row, or bounds are needed and not there.
    """
    from scipy import special

    n_rows = len(lower)
    u = rng.random(n_rows)
    match distribution:
        case kinds.Constant(value=value):
            drawn = np.full(n_rows, float(value))
        case kinds.Uniform():
            low = lower if distribution.lower is None else np.maximum(lower, value_of(distribution.lower))
            high = upper if distribution.upper is None else np.minimum(upper, value_of(distribution.upper))
            if not (np.isfinite(low).all() and np.isfinite(high).all()):
                raise SchemaError(f"{where}: uniform needs both ends; {REMEDY}")
            drawn = low + u * (high - low)
        case kinds.Normal():
            mean, sd = value_of(distribution.mean), _above_zero(value_of(distribution.sd), "sd", where)
            drawn = mean + sd * _cut(u, (lower - mean) / sd, (upper - mean) / sd, special.ndtr, special.ndtri)
        case kinds.Lognormal():
            middle = np.log(_above_zero(value_of(distribution.median), "median", where))
            sigma = _above_zero(value_of(distribution.sigma), "sigma", where)
            with np.errstate(divide="ignore"):
                ends = [(np.log(np.maximum(end, 0.0)) - middle) / sigma for end in (lower, upper)]
            drawn = np.exp(middle + sigma * _cut(u, ends[0], ends[1], special.ndtr, special.ndtri))
        case kinds.Gamma():
            shape = _above_zero(value_of(distribution.shape), "shape", where)
            scale = _above_zero(value_of(distribution.scale), "scale", where)
            drawn = scale * _cut(
                u,
                np.maximum(lower / scale, 0.0),
                np.maximum(upper / scale, 0.0),
                lambda x: special.gammainc(shape, x),
                lambda p: special.gammaincinv(shape, p),
            )
        case kinds.Poisson():
            drawn = _poisson(u, lower, upper, _above_zero(value_of(distribution.mean), "mean", where))
        case kinds.Zipf(exponent=exponent):
            drawn = _zipf(u, lower, upper, exponent, where)
        case kinds.Weights(weights=weights):
            values = np.array([float(label) for label in weights])
            drawn = values[pick(u, np.array(list(weights.values())))]
        case kinds.Bernoulli():
            drawn = (u < _probabilities(value_of(distribution.probability), where)).astype(np.float64)
        case _:
            raise SchemaError(f"{where}: {distribution.type} gives no numbers here; write another distribution")
    if discrete:
        drawn = np.rint(drawn)
    return np.minimum(np.maximum(drawn, lower), upper)


REMEDY = "add lower: and upper:, or a distribution such as {type: normal, mean: 50, sd: 10}"
"""What helps a numeric column that has neither bounds nor a distribution."""


def pick(u: Array, weights: Array) -> Array:
    """Number of the entry that each uniform number falls on, by weight; shape of `u`."""
    ends = np.cumsum(weights, dtype=np.float64)
    found = np.searchsorted(ends, u * ends[-1], side="right")
    return np.minimum(found, int(np.flatnonzero(weights)[-1]))


def _cut(u: Array, low: Array, high: Array, distribute: Any, invert: Any) -> Array:
    """The inverse distribution function of uniform numbers, between two ends; the nearer end where nothing is there."""
    first, last = distribute(low), distribute(high)
    with np.errstate(all="ignore"):
        drawn = invert(first + u * (last - first))
    thin = ~(last - first > _NOTHING) | ~np.isfinite(drawn)
    if thin.any():
        near = np.where(first < 0.5, np.where(np.isfinite(high), high, low), np.where(np.isfinite(low), low, high))
        drawn = np.where(thin, near, drawn)
    return np.asarray(drawn)


def _poisson(u: Array, lower: Array, upper: Array, mean: Array) -> Array:
    from scipy import special

    low, high = np.maximum(np.ceil(lower), 0.0), np.maximum(np.floor(upper), 0.0)
    first = np.where(low > 0, special.pdtr(np.maximum(low - 1, 0), mean), 0.0)
    last = np.where(np.isfinite(high), special.pdtr(np.where(np.isfinite(high), high, 0), mean), 1.0)
    share = first + u * (last - first)
    if len(mean) and mean[0] < _LONGEST and (mean == mean[0]).all():  # one table serves all rows
        top = int(mean[0] + 12 * np.sqrt(mean[0]) + 25)
        return np.searchsorted(special.pdtr(np.arange(top), mean[0]), share, side="right").astype(np.float64)
    with np.errstate(all="ignore"):
        found = np.ceil(np.nan_to_num(special.pdtrik(share, mean), nan=0.0, posinf=0.0))
    below = np.maximum(found - 1, 0)
    return np.where((found > 0) & (special.pdtr(below, mean) > share), below, found)


def _zipf(u: Array, lower: Array, upper: Array, exponent: float, where: str) -> Array:
    start = np.where(np.isfinite(lower), lower, 1.0)
    size = np.where(np.isfinite(upper), upper - start + 1, float(_LONGEST))
    longest = int(min(size.max(initial=1.0), _LONGEST))
    if longest < 1:
        return start
    ends = np.cumsum(np.arange(1, longest + 1, dtype=np.float64) ** -exponent)
    reach = ends[np.clip(size, 1, longest).astype(np.int64) - 1]
    return np.asarray(start + np.searchsorted(ends, u * reach, side="right"))


def _above_zero(values: Array, name: str, where: str) -> Array:
    if not (values > 0).all():
        raise SchemaError(f"{where}: {name} is not above 0 in some rows; mend its formula, as in max({name}, 1)")
    return values


def _probabilities(values: Array, where: str) -> Array:
    if not ((values >= 0) & (values <= 1)).all():
        raise SchemaError(
            f"{where}: probability is not between 0 and 1 in some rows; mend its formula, as in 1 / (1 + exp(-x))"
        )
    return values
