"""Telephone numbers by the numbering plans of the world, through `phonenumbers`, imported when first needed."""

from __future__ import annotations

from types import ModuleType


def is_possible(text: str, *, region: str | None = "US") -> bool:
    """Whether a text reads as a telephone number of a length that its country uses.

    Args:
        text: The number as it is written.
        region: Country of numbers that do not begin with a plus.
    """
    library = _library()
    try:
        return bool(library.is_possible_number(library.parse(text, region)))
    except library.NumberParseException:
        return False


def is_valid(text: str, *, region: str | None = "US") -> bool:
    """Whether it lies in a range that its country has given out, or among those kept free for fiction (555-01xx)."""
    library = _library()
    try:
        number = library.parse(text, region)
    except library.NumberParseException:
        return False
    if library.is_valid_number(number):
        return True
    local = str(number.national_number)
    return number.country_code == 1 and len(local) == 10 and local[3:8] == "55501"


def _library() -> ModuleType:
    import phonenumbers

    return phonenumbers
