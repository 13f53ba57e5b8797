"""Whether a number is one that its issuer could have given out: check digits and rules of position.

Each test takes the number as people write it, with blanks and dashes, and is wrong about a random number of the right
length in one case out of ten (Luhn, NPI, DEA, ABA), of eleven (VIN) or far fewer (MBI by its positions).

Source: ISO/IEC 7812-1 (Luhn); 45 CFR 162.406 and the CMS check digit of the NPI (prefix 80840); 21 CFR 1301 for DEA
numbers; CMS, "Understanding the Medicare Beneficiary Identifier"; 49 CFR 565.15 (VIN); ABA routing number policy;
3GPP TS 23.003 (IMEI); GS1 General Specifications (GTIN in a UDI).
"""

from __future__ import annotations

import re

_MARKS = re.compile(r"[ -]")
_NPI = re.compile(r"[12]\d{9}")
_DEA = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}", re.IGNORECASE)
_LETTER = "[AC-HJKMNP-RT-Y]"  # MBI: no S, L, O, I, B, Z
_EITHER = "[0-9AC-HJKMNP-RT-Y]"
_MBI = re.compile(
    rf"[1-9]{_LETTER}{_EITHER}\d-?{_LETTER}{_EITHER}\d-?{_LETTER}{_LETTER}\d\d",
    re.IGNORECASE,
)
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.IGNORECASE)
_ABA = re.compile(r"(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}")
_IMEI = re.compile(r"\d{15}")
_GTIN = re.compile(r"\(01\)(\d{14})|01(\d{14})(?:1[17]\d{6}|10|21)")
_VIN_VALUES = {
    **{str(n): n for n in range(10)},
    **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)], strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others; `digits` are digits alone."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + doubled) % 10 == 0


def is_npi(text: str) -> bool:
    """National provider identifier: ten digits from 1 or 2 on, Luhn with the prefix 80840."""
    return _NPI.fullmatch(text) is not None and luhn("80840" + text)


def is_dea(text: str) -> bool:
    """Registration number of a prescriber: two letters, six digits and a check digit."""
    if _DEA.fullmatch(text) is None:
        return False
    digits = [int(digit) for digit in text[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def is_mbi(text: str) -> bool:
    """Medicare beneficiary identifier: eleven characters, each of the class that its position asks for."""
    return _MBI.fullmatch(text) is not None


def is_vin_form(text: str) -> bool:
    """Seventeen letters and digits without I, O and Q, with a digit among them."""
    return _VIN.fullmatch(text) is not None and any(c.isdigit() for c in text)


def is_vin(text: str) -> bool:
    """Vehicle identification number whose check digit is right, as North America asks."""
    if not is_vin_form(text):
        return False
    plain = text.upper()
    rest = sum(_VIN_VALUES[c] * weight for c, weight in zip(plain, _VIN_WEIGHTS, strict=True)) % 11
    return plain[8] == ("X" if rest == 10 else str(rest))


def is_aba(text: str) -> bool:
    """Routing number of a US bank: nine digits, a prefix that is in use and a check digit."""
    if _ABA.fullmatch(text) is None:
        return False
    digits = [int(digit) for digit in text]
    return (3 * sum(digits[0::3]) + 7 * sum(digits[1::3]) + sum(digits[2::3])) % 10 == 0


def is_imei(text: str) -> bool:
    """Identity of a mobile device: fifteen digits, Luhn."""
    plain = _MARKS.sub("", text)
    return _IMEI.fullmatch(plain) is not None and luhn(plain) and len(set(plain)) > 2


def is_udi(text: str) -> bool:
    """Unique device identifier in GS1 form: `(01)` and a GTIN-14 whose check digit is right."""
    match = _GTIN.match(text)
    if match is None:
        return False
    digits = [int(digit) for digit in match[1] or match[2]]
    return (3 * sum(digits[0:13:2]) + sum(digits[1:13:2]) + digits[13]) % 10 == 0
