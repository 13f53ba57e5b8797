"""Whether one text is an e-mail address, a telephone number, a name, ...: the tests that `detect` counts with.

Decisions
- Check digits are checked (IBAN by mod 97, payment cards by Luhn): lengths and letters alone fit too much.
- Names are judged by their form and by Faker's lists of first and family names, read when first needed. Digits at the
  end of a name are ignored: data made by simulators has them.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import cache
from importlib import import_module

_EMAIL = re.compile(r"[^@\s,;]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_URL = re.compile(r"(?:https?|ftp)://\S+|www\.\S+\.\S+", re.IGNORECASE)
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_UUID = re.compile(r"\{?[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\}?")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_BARE_SSN = re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}|[*Xx]{3}-[*Xx]{2}-\d{4}")
_PHONE = re.compile(
    r"(?:\+?\d{1,3}[-. ])?(?:\(\d{2,4}\) ?|\d{2,4}[-. ])\d{3,4}[-. ]\d{3,4}(?: ?(?:x|ext\.?) ?\d{1,5})?|\+\d{10,15}"
)
_BARE_PHONE = re.compile(r"\+?[\d(][-\d(). /]{5,20}\d(?: ?(?:x|ext\.?) ?\d{1,5})?")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"(?:1800|[2-6]\d{3})(?:[- ]?\d){8,15}")
_RECORD = re.compile(r"[A-Za-z0-9][-A-Za-z0-9/. ()|+]{2,60}[A-Za-z0-9]")
_HASH = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_HASH_LENGTHS = frozenset({16, 24, 32, 40, 48, 56, 64, 96, 128})
_USER_NAME = re.compile(r"[^\W_][\w.@-]{2,40}")

_NAME_WORD = r"(?:[^\W\d_]+(?:['’-][^\W\d_]+)*\.?\d{0,4})"
_GIVEN = re.compile(rf"{_NAME_WORD}(?: {_NAME_WORD}){{0,2}}")
_FULL = re.compile(rf"{_NAME_WORD},?(?: {_NAME_WORD},?){{1,4}}")

_NUMBERED_STREET = re.compile(r"\d{1,6}[A-Za-z]?(?:-\d{1,6})?,? +\S.*")
_STREET_WORDS = (
    "st|ave|av|rd|blvd|dr|ln|ct|pl|hwy|pkwy|sq|ter|cir|trl|street|avenue|road|boulevard|drive|lane|court|place|square|way|"
    "highway|parkway|terrace|circle|trail|rue|calle|via|plaza|strasse|straße|weg|allee|platz|laan|straat"
)
_BOX = re.compile(r"(?:p\.? ?o\.? ?box|postfach) \d+", re.IGNORECASE)


def is_email(text: str) -> bool:
    """`name@example.org`."""
    return "@" in text and _EMAIL.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """`https://...` or `www....`."""
    return _URL.fullmatch(text) is not None


def is_mac(text: str) -> bool:
    """Six pairs of hexadecimal digits, joined by one kind of mark."""
    return _MAC.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """The 8-4-4-4-12 form of a UUID, of any version."""
    return _UUID.fullmatch(text) is not None


def is_ip(text: str) -> bool:
    """An IPv4 or IPv6 address."""
    if _IPV4.fullmatch(text):
        return all(int(part) <= 255 for part in text.split("."))
    if text.count(":") < 2:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def is_ssn(text: str) -> bool:
    """A US social security number with its dashes; areas 9xx too, which made-up data uses."""
    return _SSN.fullmatch(text) is not None and not text.startswith("000")


def is_bare_ssn(text: str) -> bool:
    """A social security number with or without dashes, or masked but for the last four digits."""
    return _BARE_SSN.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """A telephone number that looks like one by itself: ten digits or more, in groups or after a plus."""
    return _PHONE.fullmatch(text) is not None and sum(c.isdigit() for c in text) >= 10


def is_bare_phone(text: str) -> bool:
    """Seven to fifteen digits and the marks of telephone numbers."""
    return _BARE_PHONE.fullmatch(text) is not None and 7 <= sum(c.isdigit() for c in text.partition("x")[0]) <= 15


def is_iban(text: str) -> bool:
    """An international bank account number whose check digits are right (ISO 13616, mod 97)."""
    plain = text.replace(" ", "")
    if _IBAN.fullmatch(plain) is None:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """A payment card number whose check digit is right (ISO/IEC 7812, Luhn)."""
    if _CARD.fullmatch(text) is None:
        return False
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_record_number(text: str) -> bool:
    """Four characters or more of letters, digits and marks, with a digit: asked only under a telling name."""
    return len(text) >= 4 and _RECORD.fullmatch(text) is not None and any(c.isdigit() for c in text)


def is_hash(text: str) -> bool:
    """Hexadecimal digits in the length of a digest, with letters and numbers among them."""
    if len(text) not in _HASH_LENGTHS or _HASH.fullmatch(text) is None:
        return False
    return not text.isdigit() and not text.isalpha()


def is_user_name(text: str) -> bool:
    """One word of letters, digits and a few marks."""
    return _USER_NAME.fullmatch(text) is not None


def is_given_name(text: str) -> bool:
    """One to three words of letters."""
    return len(text) <= 40 and _GIVEN.fullmatch(text) is not None and text[0].isupper()


def is_family_name(text: str) -> bool:
    """One to three words of letters, the first perhaps in lower case (`van Dyk`)."""
    return len(text) <= 40 and _GIVEN.fullmatch(text) is not None and any(c.isupper() for c in text)


def is_full_name(text: str) -> bool:
    """Two to five words of letters, first and last with a capital."""
    if len(text) > 60 or _FULL.fullmatch(text) is None:
        return False
    parts = re.split(r"[ ,]+", text.strip(" ,"))
    return parts[0][0].isupper() and parts[-1][0].isupper()


def is_known_first_name(text: str) -> bool:
    """Whether the first word is in the list of first names."""
    return _folded(text.split()[0]) in _first_names()


def is_known_last_name(text: str) -> bool:
    """Whether the last word is in the list of family names."""
    return _folded(text.split()[-1]) in _last_names()


def holds_known_name(text: str) -> bool:
    """Whether a full name begins with a title, or has a known first name where the first name stands."""
    parts = [_folded(part) for part in text.split()]
    if parts[0] in _TITLES or len(parts) < 2:
        return len(parts) > 1
    first = parts[1] if text.split()[0].endswith(",") else parts[0]
    return first in _first_names()


_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "mme", "sir", "rev", "m"})


def is_street_address(text: str) -> bool:
    """A house number and a street word, in either order, or a post office box."""
    if _BOX.search(text):
        return True
    if not any(c.isdigit() for c in text) or " " not in text:
        return False
    parts = {part.strip(".,").lower() for part in text.split()}
    named = any(part in _street_words() or part.endswith(("strasse", "straße", "straat")) for part in parts)
    return named and (_NUMBERED_STREET.fullmatch(text) is not None or any(part.isdigit() for part in parts))


def is_address_like(text: str) -> bool:
    """Letters with digits, blanks or commas: asked only under the name of an address."""
    return len(text) >= 6 and any(c.isalpha() for c in text) and any(c.isdigit() or c in " ," for c in text)


_LOCALES = (
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "es_MX",
    "it_IT",
    "pt_BR",
    "nl_NL",
    "sv_SE",
    "da_DK",
    "en_IN",
    "tr_TR",
)


@cache
def _first_names() -> frozenset[str]:
    return _names("first_names")


@cache
def _last_names() -> frozenset[str]:
    return _names("last_names")


def _names(attribute: str) -> frozenset[str]:
    found: set[str] = set()
    for locale in _LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        found.update(_folded(name) for name in getattr(provider, attribute, ()))
    return frozenset(found)


@cache
def _street_words() -> frozenset[str]:
    provider = import_module("faker.providers.address.en_US").Provider
    return frozenset({*_STREET_WORDS.split("|"), *(str(word).lower() for word in provider.street_suffixes)})


def _folded(word: str) -> str:
    """Lower case, without accents, marks around it, or digits at its end."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return plain.lower().strip(".,").rstrip("0123456789")
