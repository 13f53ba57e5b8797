"""The official rules of numbers, each as plain as its source states it, to judge surrogates by.

Written apart from `tabsynth.identifiers`, one value at a time, so that a slip there does not repeat itself here. Each
function says whether the authority's rule would accept the text as a number that may have been given out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def npi(text: str) -> bool:
    """CMS: ten digits from 1 or 2, Luhn with 80840 before them."""
    return re.fullmatch(r"[12][0-9]{9}", text) is not None and luhn("80840" + text)


def dea(text: str) -> bool:
    """DEA: the seventh digit is the last of (1st + 3rd + 5th) + 2 (2nd + 4th + 6th)."""
    if not re.fullmatch(r"[A-HJ-NP-UX][A-Z9][0-9]{7}", text):
        return False
    d = [int(digit) for digit in text[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def mbi(text: str) -> bool:
    """CMS: eleven signs in a fixed order of kinds, without S, L, O, I, B and Z."""
    letter, either = "[AC-HJKMNP-RT-Y]", "[0-9AC-HJKMNP-RT-Y]"
    return re.fullmatch(f"[1-9]{letter}{either}[0-9]{letter}{either}[0-9]{letter}{letter}[0-9][0-9]", text) is not None


def vin(text: str) -> bool:
    """49 CFR 565.15: seventeen signs, check digit in place 9, a model year in place 10 that is not 0, U or Z."""
    if not re.fullmatch(r"[0-9A-HJ-NPR-Z]{17}", text) or text[9] in "0UZ":
        return False
    values = {**{str(n): n for n in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True))}
    values |= {"J": 1, "K": 2, "L": 3, "M": 4, "N": 5, "P": 7, "R": 9}
    values |= dict(zip("STUVWXYZ", range(2, 10), strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(values[sign] * weight for sign, weight in zip(text, weights, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def vin_check_digit(text: str) -> bool:
    """The check digit alone, whatever the model year: what most programs test."""
    letters = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ"
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum((letters.index(sign) % 10) * weight for sign, weight in zip(text, weights, strict=True))
    return text[8] == "0123456789X"[total % 11]


def imei(text: str) -> bool:
    """3GPP TS 23.003 annex B: fifteen digits, Luhn."""
    return re.fullmatch(r"[0-9]{15}", text) is not None and luhn(text)


def udi(text: str) -> bool:
    """GS1: (01), a GTIN-14 whose digits times 3, 1, 3, ... add up to a multiple of ten, (21), a serial number."""
    found = re.fullmatch(r"\(01\)([0-9]{14})\(21\)([!-z]{1,20})", text)
    return found is not None and sum(int(d) * (3, 1)[n % 2] for n, d in enumerate(found[1])) % 10 == 0


def aba_routing(text: str) -> bool:
    """ABA: nine digits in a range that is assigned, times 3, 7, 1, a multiple of ten."""
    if not re.fullmatch(r"[0-9]{9}", text):
        return False
    start = int(text[:2])
    assigned = start <= 12 or 21 <= start <= 32 or 61 <= start <= 72 or start == 80
    return assigned and sum(int(d) * (3, 7, 1)[n % 3] for n, d in enumerate(text)) % 10 == 0


def card_number(text: str) -> bool:
    """ISO/IEC 7812-1: 12 to 19 digits, Luhn."""
    return re.fullmatch(r"[0-9]{12,19}", text) is not None and luhn(text)


def iban(text: str) -> bool:
    """ISO 13616: the number with its head at the end, letters as numbers, leaves 1 over multiples of 97."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """SSA: never 000, 666 or 900-999, never group 00 or serial 0000; IRS: taxpayer numbers are 9xx with group 50-99."""
    area, group, serial = (int(part) for part in text.split("-"))
    social = area not in (0, 666) and area < 900 and group > 0 and serial > 0
    return social or (area >= 900 and group >= 50)


def phone(text: str) -> bool:
    """ATIS-0300115: 555-0100 to 555-0199 are kept for fiction in every area."""
    return re.search(r"555-?01[0-9]{2}( x[0-9]+)?$", text) is None


def host(text: str) -> bool:
    """RFC 2606: example.org, .com and .net, and .invalid, belong to nobody."""
    return re.search(r"(@|//|\.)(example\.(org|com|net)|[\w.-]+\.invalid)(/|$)", text) is None


def ip_address(text: str) -> bool:
    """RFC 5737 and 3849: documentation blocks are not routed."""
    blocks = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    address = ipaddress.ip_address(text)
    return not any(address in ipaddress.ip_network(block) for block in blocks)


def mac_address(text: str) -> bool:
    """IEEE 802: with the second bit set the address is local, and no maker's."""
    return not int(text[:2], 16) & 2


def postcode(text: str) -> bool:
    """USPS: prefixes 000 to 004 are not assigned."""
    return int(text[:3]) > 4


def license_plate(text: str) -> bool:
    """No state of the US prints more than eight signs."""
    return len(re.sub("[^A-Z0-9]", "", text)) <= 8


RULES: dict[str, Callable[[str], bool]] = {
    "npi": npi,
    "dea": dea,
    "mbi": mbi,
    "vin": vin,
    "imei": imei,
    "udi": udi,
    "aba_routing": aba_routing,
    "card_number": card_number,
    "iban": iban,
    "ssn": ssn,
    "phone": phone,
    "fax": phone,
    "email": host,
    "url": host,
    "ip_address": ip_address,
    "mac_address": mac_address,
    "postcode": postcode,
    "license_plate": license_plate,
}
"""Rules by kind of surrogate. Names, addresses, keys and numbers of invented registers have none."""

GENUINE: dict[str, tuple[str, ...]] = {
    "npi": ("1234567893", "1245319599"),
    "dea": ("AB1234563", "BB1388568"),
    "mbi": ("1EG4TE5MK73", "1EG4TE5MK72"),
    "vin": ("1M8GDM9AXKP042788", "11111111111111111", "5GZCZ43D13S812715"),
    "imei": ("490154203237518", "356938035643809"),
    "udi": ("(01)00614141999996(21)A1", "(01)10614141000415(21)77"),
    "aba_routing": ("011000015", "021000021", "122105155"),
    "card_number": ("4111111111111111", "378282246310005"),
    "iban": ("DE89370400440532013000", "GB29NWBK60161331926819"),
    "ssn": ("123-45-6789", "912-70-1234"),
    "phone": ("212-555-2368",),
    "fax": ("212-554-0123",),
    "email": ("someone@company.com",),
    "url": ("https://company.com/page",),
    "ip_address": ("8.8.8.8", "2607:f8b0::1"),
    "mac_address": ("00:1b:63:84:45:e6",),
    "postcode": ("02139", "10001-0001"),
    "license_plate": ("ABC-1234",),
}
"""Published examples that each rule must accept."""
