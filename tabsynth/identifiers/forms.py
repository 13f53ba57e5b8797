"""What single cells look like that may be identifiers: the tests that `detectors` counts with.

Those of the general kinds (e-mail addresses, names, IBANs) are in `recognise`, those with check digits of US registers
in `check_digits`.
"""

from __future__ import annotations

import re

from tabsynth.identifiers import check_digits, phone_numbers, recognise

_LETTERS = re.compile(r"[^\W\d_][^\d_@/\\]*\.?\d{0,4}")
_CODE = re.compile(r"[A-Za-z0-9][-A-Za-z0-9/. ()|+_#:]{1,60}")
_PLATE = re.compile(r"(?=.*\d)[A-Z0-9]{1,4}(?:[- ·]?[A-Z0-9]{1,4}){1,3}", re.IGNORECASE)
_LAST_FOUR = re.compile(r"\d{4}|[*Xx]+[- ]?[*Xx]*[- ]?\d{4}")
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{40,}|[0-9A-Fa-f]{32,}|(?:0x)?[0-9A-Fa-f]{24,}")
_VECTOR = re.compile(
    r"[\[(]?\s*-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?:[,;\s]+-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?){3,}\s*[\])]?"
)
_RECORDING = re.compile(
    r"\S+\.(?:wav|mp3|m4a|flac|ogg|wsq|fmr|iso|bir|tmpl|dat|bin|npy|png|bmp|tif|tiff|jpe?g)", re.IGNORECASE
)
_IMAGE_FILE = re.compile(
    r"\S.*\.(?:jpe?g|png|gif|webp|heic|heif|bmp|tiff?|dcm|jfif|avif|raw|cr2|nef)(?:\?\S*)?", re.IGNORECASE
)
_IMAGE_DATA = re.compile(
    r"data:image/[a-z+.-]+;.*|(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR|Qk0|SUkq|AAAA[A-Z]GZ0eX)[A-Za-z0-9+/=\s]{12,}",
    re.IGNORECASE | re.DOTALL,
)
CARD_MASK = re.compile(r"(?:[*Xx#]{4}[- ]?){1,3}\d{4}|\d{4,6}[*Xx#]{4,9}\d{4}")
_BRANDS = re.compile(r"(?:4|5[1-5]|2[2-7]|3[47]|6(?:011|4|5)|30|36|38|35|62)")
_UUID_LIKE = re.compile(r"[0-9A-Fa-f]{32}|\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")
_HOST = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?:/\S*)?")


def is_words(text: str) -> bool:
    """Letters, blanks and marks, as names and places are written."""
    return len(text) <= 80 and len(text) > 1 and _LETTERS.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Three characters or more of letters, digits and marks, with a digit."""
    return len(text) >= 3 and _CODE.fullmatch(text) is not None and any(c.isdigit() for c in text)


def is_phone(text: str) -> bool:
    """A telephone number by its grouping, of a possible length."""
    return recognise.is_phone(text) and phone_numbers.is_possible(text)


def is_phone_under_its_name(text: str) -> bool:
    """Seven to fifteen digits and marks, also read from a number that passed through floats."""
    return recognise.is_phone(text) or recognise.is_bare_phone(text)


def is_ssn(text: str) -> bool:
    """A social security number in an area that has been issued, or of those that stand for a taxpayer."""
    return recognise.is_ssn(text) and not text.startswith("666") and text[4:6] != "00" and text[7:] != "0000"


def is_ssn_under_its_name(text: str) -> bool:
    """Nine digits, with a lost zero or two, masked, or the last four."""
    return (
        recognise.is_bare_ssn(text)
        or _LAST_FOUR.fullmatch(text) is not None
        or (text.isdigit() and 7 <= len(text) <= 9)
    )


def is_card(text: str) -> bool:
    """A payment card number of a known brand whose check digit is right."""
    return recognise.is_card(text) and _BRANDS.match(text) is not None


def is_imei_alone(text: str) -> bool:
    """An IMEI whose first digits are those of a body that gives them out, and no payment card's."""
    return text[:2] in (
        "01",
        "35",
        "86",
        "99",
        "98",
        "91",
        "44",
        "45",
        "49",
        "50",
        "52",
        "53",
    ) and check_digits.is_imei(text)


def is_image(text: str) -> bool:
    """Data of an image as text."""
    return _IMAGE_DATA.fullmatch(text) is not None


def is_image_file(text: str) -> bool:
    """Name or address of an image file, or its data."""
    return is_image(text) or _IMAGE_FILE.fullmatch(text) is not None


def is_template(text: str) -> bool:
    """A long run of encoded bytes, a vector of numbers, or the name of a recording."""
    return any(form.fullmatch(text) is not None for form in (_BLOB, _VECTOR, _RECORDING, _UUID_LIKE)) or is_image(text)


def is_number_or_template(text: str) -> bool:
    """A part of a vector that was spread over columns, or a whole one."""
    return is_template(text) or re.fullmatch(r"-?\d*\.?\d+(?:[eE][-+]?\d+)?", text) is not None


def is_plate(text: str) -> bool:
    """A number plate: two to four groups of letters and digits, ten characters at most."""
    return 3 <= len(text) <= 11 and _PLATE.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """A host name, perhaps with a path."""
    return _HOST.fullmatch(text) is not None
