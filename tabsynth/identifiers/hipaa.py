"""The eighteen classes of identifiers that Safe Harbor removes, and what happens to each unless the schema says else.

Decisions
- The text of the rule is quoted, so that a reviewer can hold the checklist against it.
- The classes are those of the individual and of relatives, employers and household members alike: the class of a
  telephone number does not depend on whose it is.
- Nothing here says that a table "complies". Safe Harbor also asks that nobody who releases the table knows how to
  identify someone with what is left (paragraph (b)(2)(ii)), which no program can state.

Source: 45 CFR 164.514(b)(2)(i)(A)-(R).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

CITATION: Final = "45 CFR 164.514(b)(2)(i)"


class SafeHarborClass(StrEnum):
    """A class of identifiers, by its letter in the rule."""

    NAME = "A"
    GEOGRAPHY = "B"
    DATE = "C"
    TELEPHONE = "D"
    FAX = "E"
    EMAIL = "F"
    SSN = "G"
    MEDICAL_RECORD = "H"
    HEALTH_PLAN = "I"
    ACCOUNT = "J"
    LICENCE = "K"
    VEHICLE = "L"
    DEVICE = "M"
    URL = "N"
    IP_ADDRESS = "O"
    BIOMETRIC = "P"
    PHOTOGRAPH = "Q"
    OTHER = "R"

    @property
    def citation(self) -> str:
        """The paragraph of the rule, such as `45 CFR 164.514(b)(2)(i)(A)`."""
        return f"{CITATION}({self.value})"


@dataclass(frozen=True)
class ClassRule:
    """What the rule says of one class, and what tabsynth does with it."""

    kind: SafeHarborClass
    title: str
    """Short name for tables and messages."""
    text: str
    """Text of the rule."""
    default: str
    """What happens to the class where the schema leaves it to tabsynth, in words."""


def _rules() -> Mapping[SafeHarborClass, ClassRule]:
    surrogate = "replaced by invented values that are kept apart from the real ones"
    listed = (
        ("A", "Names", "Names", surrogate),
        (
            "B",
            "Geography below the state",
            "All geographic subdivisions smaller than a State, including street address, city, county, precinct, zip "
            "code, and their equivalent geocodes, except for the initial three digits of a zip code if, according to "
            "the current publicly available data from the Bureau of the Census: (1) The geographic unit formed by "
            "combining all zip codes with the same three initial digits contains more than 20,000 people; and (2) The "
            "initial three digits of a zip code for all such geographic units containing 20,000 or fewer people is "
            "changed to 000",
            "addresses and postcodes are replaced by invented ones, other places are left out; ZIP codes may be cut "
            "to three digits (treatment: zip3) or to the state (treatment: state)",
        ),
        (
            "C",
            "Dates, and ages over 89",
            "All elements of dates (except year) for dates directly related to an individual, including birth date, "
            "admission date, discharge date, date of death; and all ages over 89 and all elements of dates (including "
            "year) indicative of such age, except that such ages and elements may be aggregated into a single "
            "category of age 90 or older",
            "dates are cut to the year (treatment: year), dates of birth also joined into one group from 90 years on "
            "(treatment: birth-year), ages over 89 become 90, read as 90 or older (treatment: age-90)",
        ),
        ("D", "Telephone numbers", "Telephone numbers", surrogate),
        ("E", "Fax numbers", "Fax numbers", surrogate),
        ("F", "E-mail addresses", "Electronic mail addresses", surrogate),
        ("G", "Social security numbers", "Social security numbers", surrogate),
        ("H", "Medical record numbers", "Medical record numbers", surrogate),
        ("I", "Health plan beneficiary numbers", "Health plan beneficiary numbers", surrogate),
        ("J", "Account numbers", "Account numbers", surrogate),
        ("K", "Certificate and licence numbers", "Certificate/license numbers", surrogate),
        (
            "L",
            "Vehicle identifiers and plates",
            "Vehicle identifiers and serial numbers, including license plate numbers",
            surrogate,
        ),
        ("M", "Device identifiers and serial numbers", "Device identifiers and serial numbers", surrogate),
        ("N", "Web addresses", "Web Universal Resource Locators (URLs)", surrogate),
        ("O", "IP addresses", "Internet Protocol (IP) address numbers", surrogate),
        (
            "P",
            "Biometric identifiers",
            "Biometric identifiers, including finger and voice prints",
            "refused: the table is not read until the schema leaves the column out (treatment: drop)",
        ),
        (
            "Q",
            "Full-face photographs",
            "Full face photographic images and any comparable images",
            "refused: the table is not read until the schema leaves the column out (treatment: drop)",
        ),
        (
            "R",
            "Any other unique number, characteristic or code",
            "Any other unique identifying number, characteristic, or code, except as permitted by paragraph (c) of "
            "this section",
            "refused until the schema says what the column is; as type: identifier it is replaced by invented keys",
        ),
    )
    rules = (ClassRule(SafeHarborClass(letter), title, text, default) for letter, title, text, default in listed)
    return MappingProxyType({rule.kind: rule for rule in rules})


SAFE_HARBOR: Final[Mapping[SafeHarborClass, ClassRule]] = _rules()
"""The eighteen classes in the order of the rule."""
