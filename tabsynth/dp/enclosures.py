"""Exact arithmetic behind the noise: integers that enclose what is irrational, refined until a decision is certain.

A sampler that rounds its probabilities draws from another distribution than the one that was proven private. Here a
probability is never rounded: it is enclosed between two integers at some precision, a uniform number is a string of
random bits, and where the bits so far do not decide, more are drawn and the enclosure is tightened. The result has
exactly the intended distribution, and the number of bits needed is small with overwhelming probability.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction

WORD = 64
_GUARD = 64  # extra bits inside a computation, far more than its rounding can use up


def exp_minus(x: Fraction, bits: int) -> tuple[int, int]:
    """Return integers with low <= exp(-x) * 2**bits <= high, for x >= 0.

    exp(y) is summed by its Taylor series at y = x / 2**h <= 1/2, rounding down and up, inverted, and squared h times.
    """
    if x >= bits:
        return 0, 1
    halvings = int(x).bit_length() + 1
    work = bits + 2 * halvings + 16
    one = 1 << work
    y_low = (x.numerator << work) // (x.denominator << halvings)
    y_high = y_low + 1
    low = term_low = high = term_high = one
    order = 0
    while term_high > 1:
        order += 1
        term_low = ((term_low * y_low) >> work) // order
        term_high = ceil_divide(term_high * y_high, order << work)
        low += term_low
        high += term_high
    high += 1 + term_high  # the terms left out: each at most half of the one before
    low, high = (one << work) // high, ceil_divide(one << work, low)
    for _ in range(halvings):
        low, high = (low * low) >> work, ceil_divide(high * high, one)
    return low >> (work - bits), ceil_divide(high, 1 << (work - bits))


def cumulative(unit: Fraction, power: int, bits: int) -> list[int]:
    """Return floor(2**bits * c_k) for k = 0, 1, ... up to the first that is 2**bits - 1.

    Here c_k = (w_0 + ... + w_k) / (w_0 + w_1 + ...) with weights w_k = exp(-unit * k**power) and power 1 or 2.
    2**bits * c_k lies strictly between the integer given and the next.
    """
    work = bits + _GUARD
    while (bounds := _cumulative(unit, power, bits, work)) is None:
        work += _GUARD
    return bounds


def _cumulative(unit: Fraction, power: int, bits: int, work: int) -> list[int] | None:
    """`cumulative` with `work` bits inside; None where these do not suffice."""
    one = 1 << work
    ratio = exp_minus(unit, work)  # w_1 / w_0
    step = exp_minus(2 * unit, work) if power == 2 else (one, one)  # how much the ratio shrinks at each k
    low = high = one
    low_sum = high_sum = 0
    sums: list[tuple[int, int]] = []
    while True:
        low_sum, high_sum = low_sum + low, high_sum + high
        sums.append((low_sum, high_sum))
        if ratio[1] >= one:
            return None
        tail = ceil_divide(high * ratio[1], one - ratio[1])  # all later weights: ratios only shrink
        if tail <= 1 << (_GUARD // 2):
            break
        low, high = (low * ratio[0]) >> work, ceil_divide(high * ratio[1], one)
        ratio = (ratio[0] * step[0]) >> work, ceil_divide(ratio[1] * step[1], one)
    bounds = []
    for part_low, part_high in sums:
        floor = (part_low << bits) // (high_sum + tail)
        if ceil_divide(part_high << bits, low_sum) > floor + 1:
            return None
        bounds.append(floor)
        if floor == (1 << bits) - 1:
            return bounds
    return None


def index_of(unit: Fraction, power: int, value: int, more: Callable[[], int]) -> int:
    """Return the k with c_{k-1} <= u < c_k (see `cumulative`), where u starts with the 64 bits of `value`.

    Args:
        unit: As in `cumulative`.
        power: As in `cumulative`.
        value: The first 64 bits of the uniform number u.
        more: Gives 64 further random bits.
    """
    bits = WORD
    while True:
        bounds = cumulative(unit, power, bits)
        index = bisect_right(bounds, value)
        if not index or bounds[index - 1] != value:
            return index
        value, bits = (value << WORD) | more(), bits + WORD


def is_below_exp(x: Fraction, value: int, bits: int, more: Callable[[], int]) -> bool:
    """Return whether u < exp(-x), where u starts with the `bits` bits of `value`; `more` gives 64 further ones."""
    while True:
        low, high = exp_minus(x, bits)
        if value + 1 <= low:
            return True
        if value >= high:
            return False
        value, bits = (value << WORD) | more(), bits + WORD


def choose(unit: Fraction, gaps: Sequence[int], more: Callable[[], int]) -> int:
    """Return index i with probability proportional to exp(-unit * gaps[i]).

    Args:
        unit: A positive number.
        gaps: Whole numbers of at least 0, one of them 0.
        more: Gives 64 random bits.
    """
    bits = 3 * WORD
    value = (more() << 2 * WORD) | (more() << WORD) | more()
    while (index := _chosen(unit, gaps, value, bits)) is None:
        value, bits = (value << WORD) | more(), bits + WORD
    return index


def _chosen(unit: Fraction, gaps: Sequence[int], value: int, bits: int) -> int | None:
    """The index that `value` certainly falls on; None where it takes more bits to say."""
    one = 1 << bits
    powers: list[tuple[int, int]] = []  # exp(-unit * 2**j)
    longest = max(gap.bit_length() for gap in gaps)
    while len(powers) < longest and unit * (1 << len(powers)) < bits:
        powers.append(exp_minus(unit * (1 << len(powers)), bits))
    low_sum = high_sum = 0
    sums = []
    for gap in gaps:
        low, high = (one, one) if gap.bit_length() <= len(powers) else (0, 1)
        for j in range(gap.bit_length() if high > 1 else 0):
            if gap >> j & 1:
                low, high = (low * powers[j][0]) >> bits, ceil_divide(high * powers[j][1], one)
        low_sum, high_sum = low_sum + low, high_sum + high
        sums.append((low_sum, high_sum))
    # u is in [value, value + 1) / 2**bits, and the whole weight in [low_sum, high_sum].
    below, above = value * low_sum, (value + 1) * high_sum
    reached = 0  # the largest certain lower end: u is at or past the sum before this index
    for index, (part_low, part_high) in enumerate(sums):
        if below < reached << bits:
            return None
        if above <= part_low << bits or index == len(sums) - 1:
            return index
        reached = part_high
    return None


def ceil_divide(numerator: int, denominator: int) -> int:
    """Return the quotient, rounded up."""
    return -(-numerator // denominator)
