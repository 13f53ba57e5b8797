"""Integer noise with exactly the distribution that was proven private, from the randomness of the operating system.

Floating-point noise has been attacked again and again (Mironov 2012; Casacuberta et al. 2022): its low bits tell what
it was added to. Here everything is integers. A magnitude is drawn by table inversion from 64 random bits; the few draws
that 64 bits do not decide (about one in 2**55) are finished with more bits and exact arithmetic (`enclosures.py`), so
that there is no truncation and no rounding to charge. A wide distribution is drawn in blocks of 2**b numbers: a block
by the table, a place in it uniformly, kept with probability exp(-excess), which is decided exactly as well.

Decisions
- The law of the noise depends on no floating-point result: where double arithmetic cannot tell (bounded generously),
  exact arithmetic does. The same bytes give the same noise on every platform.
- `noisy_max` is the exponential mechanism itself, not its cousins (noisy max with Laplace or one-sided noise,
  permute-and-flip), because only its range is bounded by epsilon, which is what makes its rho epsilon^2 / 8.
- Noise cannot be seeded by accident: seeds and tapes make a source whose `secure` is False, which releases refuse.
- Drawing takes a time that depends on the noise drawn, not on data. `noisy_max` does work that depends on scores; a
  service that answers strangers must not show how long a selection took.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tabsynth.dp.enclosures import WORD, choose, cumulative, index_of, is_below_exp
from tabsynth.errors import UsageError

Integers = np.ndarray[Any, np.dtype[np.int64]]
_Words = np.ndarray[Any, np.dtype[np.uint64]]

_CHUNK = 1 << 16  # draws at a time; arrays of this length stay in the cache
_CELL_BITS = 16  # the first bits of a word, looked up at once
_DOUBT = 2.0**-40  # far above what double arithmetic can err in one product and one exponential
_LARGEST_SIGMA_SQUARED = 2.0**52
_LARGEST_SCALE = 2.0**32


class NoiseSource:
    """Random bits, and exact integer distributions made of them.

    `NoiseSource()` reads the operating system's generator and cannot be seeded. The other two constructors are for
    tests and audits; what they give is not private, and `secure` says so.
    """

    def __init__(self) -> None:
        self._read: Callable[[int], bytes] = os.urandom
        self._secure = True

    @classmethod
    def insecure(cls, seed: int) -> NoiseSource:
        """A source whose bits follow from `seed`: for tests only, what it protects is not protected."""
        return cls._reading(_SeededBytes(seed))

    @classmethod
    def from_tape(cls, tape: bytes) -> NoiseSource:
        """A source that reads `tape` from its start, for audits that repeat a run with the same noise.

        Reading past the end of the tape raises UsageError.
        """
        return cls._reading(_Tape(tape))

    @classmethod
    def _reading(cls, read: Callable[[int], bytes]) -> NoiseSource:
        source = cls()
        source._read, source._secure = read, False
        return source

    @property
    def secure(self) -> bool:
        """Whether the bits come from the operating system; False for seeds and tapes."""
        return self._secure

    def discrete_gaussian(self, scale_squared: Fraction | float, size: int | tuple[int, ...]) -> Integers:
        """Draw integers x with probability proportional to exp(-x^2 / (2 scale_squared)), exactly.

        Args:
            scale_squared: sigma^2, at most 2**52; `budget.gaussian_scale_squared` gives it for a cost.
            size: Shape of the result.

        Source: The distribution: Canonne, Kamath & Steinke 2020 (arXiv 2004.00010), definition 1.
        """
        variance = _checked_scale("scale_squared", scale_squared, _LARGEST_SIGMA_SQUARED)
        spread = math.isqrt(int(variance)) // 16
        return self._draw(_law(1 / (2 * variance), 2, max(0, spread.bit_length() - 1)), size)

    def discrete_laplace(self, scale: Fraction | float, size: int | tuple[int, ...]) -> Integers:
        """Draw integers x with probability proportional to exp(-|x| / scale), exactly.

        A number of sensitivity `l1` becomes epsilon-DP with scale l1 / epsilon.

        Args:
            scale: At most 2**32.
            size: Shape of the result.
        """
        checked = _checked_scale("scale", scale, _LARGEST_SCALE)
        return self._draw(_law(1 / checked, 1, max(0, (int(checked) // 16).bit_length() - 1)), size)

    def noisy_max(
        self, scores: Integers, *, epsilon: Fraction | float, sensitivity: Fraction | float, monotonic: bool
    ) -> int:
        """Choose an index by the exponential mechanism: large scores are likely, and no single unit sways much.

        Index i has probability proportional to exp(rate * scores[i]), exactly, with the rate of `selection_rate`: the
        law of the largest score after adding Gumbel noise. It is epsilon-DP, of epsilon-bounded range, and costs
        rho = epsilon^2 / 8 (`budget.selection_rho`).

        Args:
            scores: (n_candidates,) whole numbers.
            epsilon: Privacy parameter of this choice.
            sensitivity: How far one unit can move any single score (the linf norm).
            monotonic: Whether one unit moves all scores in the same direction (counts do; distances of counts from
                an estimate do not).

        Raises:
            UsageError: `scores` is not a non-empty vector of whole numbers, or a parameter is not positive.

        Source: McSherry & Talwar 2007; bounded range: Durfee & Rogers 2019 (arXiv 1905.04273).
        """
        table = np.asarray(scores)
        if table.ndim != 1 or not table.size or not np.issubdtype(table.dtype, np.integer):
            raise UsageError("scores: must be a vector of whole numbers, one per candidate")
        rate = selection_rate(epsilon=epsilon, sensitivity=sensitivity, monotonic=monotonic)
        values = table.tolist()  # Python integers: differences cannot overflow
        best = max(values)
        return choose(rate, [best - value for value in values], self._word)

    def permutation(self, n: int) -> Integers:
        """Draw one of the n! orders of 0 .. n - 1, all equally likely: the order of n distinct random 64-bit keys."""
        while True:
            keys = self._words(_checked_count("n", n))
            order = np.argsort(keys, kind="stable")
            ranked = keys[order]
            if not (ranked[1:] == ranked[:-1]).any():
                return order.astype(np.int64)

    def coins(self, rate: float, size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Toss `size` coins that are True with probability `rate`, rounded down to a multiple of 2**-64.

        Raises:
            UsageError: `rate` is not from 0 to 1.
        """
        if not 0 <= rate <= 1:
            raise UsageError("rate: must be from 0 to 1")
        words = self._words(_checked_count("size", size))
        limit = int(Fraction(rate) * 2**WORD)
        return words < np.uint64(limit) if limit < 2**WORD else np.ones(size, bool)

    def uniform_choice(self, n: int, size: int) -> Integers:
        """Draw `size` different numbers of 0 .. n - 1, all sets and orders equally likely.

        Raises:
            UsageError: `size` is above `n`.
        """
        if _checked_count("size", size) > n:
            raise UsageError("size: cannot be above the number there is to choose from")
        return self.permutation(n)[:size]

    def _draw(self, law: _Law, size: int | tuple[int, ...]) -> Integers:
        shape = (size,) if isinstance(size, int | np.integer) else tuple(size)
        drawn = np.empty(math.prod(_checked_count("size", length) for length in shape), dtype=np.int64)
        filled = 0
        while filled < drawn.size:
            missing = drawn.size - filled
            part = self._attempts(law, min(_CHUNK, missing + missing // 16 + 16))[:missing]
            drawn[filled : filled + part.size] = part
            filled += part.size
        return drawn.reshape(shape)

    def _attempts(self, law: _Law, n: int) -> Integers:
        """At most `n` draws of `law`: those of n attempts that were kept, independent of each other."""
        block = self._blocks(law, n)
        if not law.shift:
            # One bit each for the sign; "minus zero" is thrown away, so that zero is not drawn twice as often.
            bits = np.frombuffer(self._read(-(-n // 8)), dtype=np.uint8)
            negative = np.unpackbits(bits, count=n).view(bool)
            np.negative(block, out=block, where=negative)
            return block[~negative | (block != 0)]
        # One word: a sign, a place in the block, and the leading bits of a uniform number.
        word = self._words(n)
        negative = (word & np.uint64(1)).astype(bool)
        offset = ((word >> np.uint64(1)) & np.uint64((1 << law.shift) - 1)).astype(np.int64)
        leading = word >> np.uint64(1 + law.shift)
        leading_bits = WORD - 1 - law.shift
        start = block << law.shift
        number = start | offset
        excess = offset * (start + number) if law.power == 2 else offset  # number**power - start**power
        uniform = leading * 2.0**-leading_bits
        keep_below = np.exp(excess * -float(law.unit))
        kept: np.ndarray[Any, np.dtype[np.bool_]] = uniform < keep_below
        for i in np.flatnonzero(np.abs(uniform - keep_below) <= law.doubt + 2.0**-leading_bits):
            kept[i] = is_below_exp(int(excess[i]) * law.unit, int(leading[i]), leading_bits, self._word)
        kept &= ~negative | (number != 0)
        np.negative(number, out=number, where=negative)
        return number[kept]

    def _blocks(self, law: _Law, n: int) -> Integers:
        """Draw `n` block numbers k with probability proportional to exp(-unit * (k * 2**shift)**power)."""
        words = self._words(n)
        cells = words >> np.uint64(WORD - _CELL_BITS)
        block = law.first[cells]
        unsure = np.flatnonzero(law.mixed[cells])
        block[unsure] = np.searchsorted(law.bounds, words[unsure], side="right")
        ties = unsure[(block[unsure] > 0) & (law.bounds[block[unsure] - 1] == words[unsure])]
        for i in ties:
            block[i] = index_of(law.block_unit, law.power, int(words[i]), self._word)
        return block

    def _words(self, n: int) -> _Words:
        """(n,) random 64-bit words."""
        return np.frombuffer(self._read(8 * n), dtype="<u8").astype(np.uint64, copy=False)

    def _word(self) -> int:
        return int.from_bytes(self._read(8), "little")


def selection_rate(*, epsilon: Fraction | float, sensitivity: Fraction | float, monotonic: bool) -> Fraction:
    """Return the exact rate of `NoiseSource.noisy_max`: log-odds of two candidates are rate times their difference.

    Between neighbouring tables the difference of two scores changes by at most 2 * sensitivity, or by 1 * sensitivity
    if all scores move in the same direction; the rate makes epsilon of it.

    Raises:
        UsageError: A parameter is not a positive number, or `monotonic` is not a bool.
    """
    if not isinstance(monotonic, bool):
        raise UsageError("monotonic: must be True or False; False is always safe")
    numbers = [_checked_scale("epsilon", epsilon, math.inf), _checked_scale("sensitivity", sensitivity, math.inf)]
    return numbers[0] / (numbers[1] * (1 if monotonic else 2))


@dataclass(frozen=True)
class _Law:
    """A symmetric distribution on the integers, with probabilities proportional to exp(-unit * |x|**power)."""

    unit: Fraction
    power: int
    shift: int  # numbers are drawn in blocks of 2**shift
    bounds: _Words  # (n_blocks,) floor(2**64 * cumulative probability) of the blocks
    first: Integers  # (2**16,) block of the first word of each cell
    mixed: np.ndarray[Any, np.dtype[np.bool_]]  # (2**16,) whether a bound lies in the cell
    doubt: float = _DOUBT

    @property
    def block_unit(self) -> Fraction:
        return self.unit * (1 << self.shift) ** self.power


@functools.lru_cache(maxsize=128)
def _law(unit: Fraction, power: int, shift: int) -> _Law:
    bounds = np.array(cumulative(unit * (1 << shift) ** power, power, WORD), dtype=np.uint64)
    starts = np.arange(1 << _CELL_BITS, dtype=np.uint64) << np.uint64(WORD - _CELL_BITS)
    mixed = np.zeros(starts.size, dtype=bool)
    mixed[bounds >> np.uint64(WORD - _CELL_BITS)] = True
    return _Law(unit, power, shift, bounds, np.searchsorted(bounds, starts, side="right").astype(np.int64), mixed)


class _SeededBytes:
    """Bytes that follow from a seed: SHAKE-256 of seed and number of the request."""

    def __init__(self, seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**63:
            raise UsageError("seed: must be a whole number from 0 to 2**63 - 1")
        self._seed, self._requests = int(seed), 0

    def __call__(self, n: int) -> bytes:
        key = f"tabsynth insecure noise {self._seed} {self._requests}"
        self._requests += 1
        return hashlib.shake_256(key.encode()).digest(n)


class _Tape:
    """Bytes read from a tape."""

    def __init__(self, tape: bytes) -> None:
        self._tape, self._position = bytes(tape), 0

    def __call__(self, n: int) -> bytes:
        part = self._tape[self._position : self._position + n]
        if len(part) < n:
            raise UsageError("noise tape: used up; record a longer one")
        self._position += n
        return part


def _checked_scale(name: str, value: Fraction | float, largest: float) -> Fraction:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | Fraction | np.integer)
        or not 0 < value < math.inf
    ):
        raise UsageError(f"{name}: must be a positive number")
    if value > largest:
        raise UsageError(f"{name}: is above {largest:.3g}, where noise would swamp everything; raise epsilon")
    return Fraction(int(value)) if isinstance(value, np.integer) else Fraction(value)


def _checked_count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise UsageError(f"{name}: must be a whole number of at least 0")
    return int(value)
