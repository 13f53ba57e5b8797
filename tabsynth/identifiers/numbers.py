"""Official numbers that cannot be real: the right look, and check digits that fail or a form that is never given out.

kind            why no real one can be meant                                                unique values
npi             a check digit that fails Luhn over 80840 and the number                     2 * 10^8
dea             a check digit that fails the sum of the other six                           1.8 * 10^8
mbi             a letter in the second place that Medicare never uses (S, L, O, I, B, Z)    10^13
vin             a check digit that fails, and 0, U or Z as model year, which stand for none 10^23
imei            a check digit that fails Luhn, after 00, which no maker is given            10^12
udi             a GTIN-14 whose check digit fails GS1's modulo 10, and a serial number      10^23
aba_routing     a check digit that fails the 3-7-1 sum                                      1.2 * 10^7
license_plate   nine characters, where no state of the US prints more than eight            3 * 10^10
mrn, health_plan_id   random after an invented prefix: there is no register to be in        10^8; 10^9

Sources: 45 CFR 162.406 and CMS, "Requirements for NPI and NPI check digit"; 21 CFR 1301 and the DEA's check digit;
CMS, "Understanding the Medicare Beneficiary Identifier format"; 49 CFR 565.13-565.15; 3GPP TS 23.003 annex B;
GS1 General Specifications 7.9; American Bankers Association, "Routing number policy".
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.recipe import Recipe

_Array = np.ndarray[Any, Any]

_MBI_LETTER = "[AC-HJKMNP-RT-Y]"
_MBI_EITHER = "[0-9AC-HJKMNP-RT-Y]"
_VIN_SIGN = "[0-9A-HJ-NPR-Z]"
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 9, 8, 7, 6, 5, 4, 3, 2])  # without the check digit, in place 9
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_DIGITS = np.array([str(digit) for digit in range(10)], dtype=object)


def digits_of(texts: _Array, length: int) -> _Array:
    """The digits of texts of one length, shape (n_rows, length), int64."""
    return np.array(texts, dtype=f"U{length}").view("U1").reshape(len(texts), length).astype(np.int64)


def luhn_sum(digits: _Array) -> _Array:
    """Luhn's sum of numbers whose check digit is still missing, shape (n_rows,)."""
    doubled = digits[:, ::-1][:, ::2] * 2
    return np.asarray((doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, ::-1][:, 1::2].sum(axis=1))


def wrong_digit(right: _Array, rng: np.random.Generator) -> _Array:
    """A digit other than the right one, as text, shape (n_rows,)."""
    wrong: _Array = _DIGITS[(right + rng.integers(1, 10, size=len(right))) % 10]
    return wrong


@cache
def npi() -> Recipe:
    """Ten digits from 1 or 2."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        # 24 is Luhn's sum of the prefix 80840 before nine digits and the check digit.
        right = -(luhn_sum(digits_of(bodies, 9)) + 24) % 10
        return np.asarray(bodies + wrong_digit(right, rng))

    return Recipe((Pattern.parse("[12][0-9]{8}").texts,), finish=finish, body=slice(0, 9))


@cache
def dea() -> Recipe:
    """Two letters and seven digits."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        digits = digits_of(np.array([body[2:] for body in bodies], dtype=object), 6)
        right = (digits[:, ::2].sum(axis=1) + 2 * digits[:, 1::2].sum(axis=1)) % 10
        return np.asarray(bodies + wrong_digit(right, rng))

    return Recipe((Pattern.parse("[ABFGMPR][A-Z][0-9]{6}").texts,), finish=finish, body=slice(0, 8))


@cache
def mbi() -> Recipe:
    """Eleven signs, in Medicare's order of digits and letters but for the second one."""
    rest = f"{_MBI_EITHER}[0-9]{_MBI_LETTER}{_MBI_EITHER}[0-9]{_MBI_LETTER}{{2}}[0-9]{{2}}"
    return Recipe((Pattern.parse(f"[1-9][SLOIBZ]{rest}").texts,))


@cache
def vin() -> Recipe:
    """Seventeen signs, the ninth of which is the check digit and the tenth the model year."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        signs = np.array(bodies, dtype="U16").view("U1").reshape(len(bodies), 16)
        values = np.zeros(signs.shape, np.int64)
        for sign in np.unique(signs):
            values[signs == sign] = _VIN_VALUES.get(str(sign), int(sign) if str(sign).isdigit() else 0)
        right = (values * _VIN_WEIGHTS).sum(axis=1) % 11
        checks = np.array([*"0123456789X"], dtype=object)
        wrong = checks[(right + rng.integers(1, 11, size=len(bodies))) % 11]
        heads = np.array([body[:8] for body in bodies], dtype=object)
        tails = np.array([body[8:] for body in bodies], dtype=object)
        return np.asarray(heads + wrong + tails)

    # The last five are digits, as those of every maker of more than 1,000 vehicles a year.
    return Recipe((Pattern.parse(f"[1-5]{_VIN_SIGN}{{7}}[0UZ]{_VIN_SIGN}{{2}}[0-9]{{5}}").texts,), finish=finish)


@cache
def imei() -> Recipe:
    """Fifteen digits."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        return np.asarray(bodies + wrong_digit(-luhn_sum(digits_of(bodies, 14)) % 10, rng))

    return Recipe((Pattern.parse("00[0-9]{12}").texts,), finish=finish, body=slice(0, 14))


@cache
def udi() -> Recipe:
    """A device identifier and a serial number in GS1's notation: (01)GTIN(21)SERIAL."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        items = np.array([body[:13] for body in bodies], dtype=object)
        serials = np.array([body[13:] for body in bodies], dtype=object)
        digits = digits_of(items, 13)
        right = -(3 * digits[:, ::2].sum(axis=1) + digits[:, 1::2].sum(axis=1)) % 10
        return np.asarray("(01)" + items + wrong_digit(right, rng) + "(21)" + serials)

    return Recipe((Pattern.parse("00[0-9]{11}[0-9]{10}").texts,), finish=finish)


@cache
def aba_routing() -> Recipe:
    """Nine digits from 01 to 12, the Federal Reserve districts."""

    def finish(bodies: _Array, rng: np.random.Generator) -> _Array:
        right = -(digits_of(bodies, 8) * np.array([3, 7, 1, 3, 7, 1, 3, 7])).sum(axis=1) % 10
        return np.asarray(bodies + wrong_digit(right, rng))

    return Recipe((Pattern.parse("(0[1-9]|1[0-2])[0-9]{6}").texts,), finish=finish, body=slice(0, 8))


@cache
def license_plate() -> Recipe:
    """Letters, digits, letters: nine of them."""
    return Recipe((Pattern.parse("[A-Z]{3}-[0-9]{4}-[A-Z]{2}").texts,))


@cache
def mrn() -> Recipe:
    """A medical record number; a `pattern` gives it another shape."""
    return Recipe((Pattern.parse("MRN-[0-9]{8}").texts, Pattern.parse("MRN-[0-9]{12}").texts))


@cache
def health_plan_id() -> Recipe:
    """A member number of a health plan that does not exist."""
    return Recipe((Pattern.parse("HPX[0-9]{9}").texts,))
