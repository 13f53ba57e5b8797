"""US ZIP codes as Safe Harbor wants them: three digits where over 20,000 people share them, else 000; or the state.

Decisions
- The prefixes that become 000 are those that had 20,000 people or fewer in the census of 2000 (the list that HHS
  printed) or of 2020, so that a table is right by either vintage.
- What is no prefix that the Postal Service has given to a state (military mail, unassigned numbers, codes of other
  countries, unreadable cells) becomes 000 as well: nobody can show that 20,000 people live there.
- Codes that lost their leading zeros as numbers (3601 or 3601.0 for 03601) get them back. Three digits alone are a
  prefix already, unless longer codes in the same column show that they lost two zeros (601 for 00601). Where categories
  are declared, these show it, and not the cells; of private rows cells never do (`treat.py`).

Source: 45 CFR 164.514(b)(2)(i)(B); HHS, "Guidance Regarding Methods for De-identification" (2012), list by Census
2000; HRSA UDS+ FAQ, list by Census 2020; USPS Domestic Mail Manual L002 (prefixes by state).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

VINTAGE: Final = "union of the low-population lists of Census 2000 and Census 2020"
"""Where the list of prefixes that become 000 comes from; printed wherever it is applied."""
WITHHELD: Final = "000"


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CENSUS_2000 = _listed("036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893")
_CENSUS_2020 = _listed("036 059 102 202 203 204 205 369 556 692 753 772 821 823 878 879 884 893")
LOW_POPULATION: Final = _CENSUS_2000 | _CENSUS_2020
"""Prefixes of areas with 20,000 people or fewer by either census."""

_STATES = (
    "NY:005,100-149 PR:006-007,009 VI:008 MA:010-027,055 RI:028-029 NH:030-038 ME:039-049 VT:050-054,056-059 "
    "CT:060-069 NJ:070-089 PA:150-196 DE:197-199 DC:200,202-205 VA:201,220-246 MD:206-219 WV:247-268 NC:270-289 "
    "SC:290-299 GA:300-319,398-399 FL:320-339,341-342,344,346-347,349 AL:350-369 TN:370-385 MS:386-397 "
    "KY:400-427 OH:430-459 "
    "IN:460-479 MI:480-499 IA:500-528 WI:530-549 MN:550-567 SD:570-577 ND:580-588 MT:590-599 IL:600-629 MO:630-658 "
    "KS:660-679 NE:680-693 LA:700-714 AR:716-729 OK:730-732,734-749 TX:733,750-799,885 CO:800-816 WY:820-831 "
    "ID:832-838 UT:840-847 AZ:850-865 NM:870-884 NV:889-898 CA:900-961 HI:967-968 GU:969 OR:970-979 "
    "WA:980-994 AK:995-999"
)
_UNASSIGNED = _listed(
    "213 269 343 345 348 353 419 428 429 517 518 519 529 533 536 552 568 578 579 589 621 632 642 643 659 663 682 694 "
    "695 696 697 698 699 702 709 715 732 742 771 817 818 819 839 848 849 854 858 861 862 866 867 868 869 872 876 "
    "886 887 888 892 896 899 909 929 987"
)
_ZIP = re.compile(r"(\d{3,5})(?:\.0+)?|(\d{4,5})[- ](\d{4})|(\d{8,9})")


def _prefixes() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _STATES.split():
        state, _, ranges = entry.partition(":")
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            found.update((f"{n:03d}", state) for n in range(int(first), int(last or first) + 1))
    return {prefix: state for prefix, state in found.items() if prefix not in _UNASSIGNED}


STATE_OF_PREFIX: Final = _prefixes()
"""Postal abbreviation of the state (or DC, PR, VI, GU) by three-digit prefix."""
PREFIXES: Final = (WITHHELD, *sorted(set(STATE_OF_PREFIX) - LOW_POPULATION))
"""All values that a column of three-digit ZIP codes may hold."""


def are_prefixes(texts: Iterable[str]) -> bool:
    """Whether the codes of a column have three digits already, and none has more."""
    return all(len(_digits(text)) <= 3 for text in texts)


def prefix_of(text: str, *, are_short: bool = False) -> str | None:
    """The three digits that a code begins with, or None where it is no US ZIP code.

    Args:
        text: A cell: 03601, 3601, 3601.0, 03601-1234, 036011234.
        are_short: Whether the codes of this column are three digits; then 601 is a prefix, else it stands for 00601.
    """
    digits = _digits(text)
    if not digits:
        return None
    if len(digits) <= 3:
        return digits.zfill(3) if are_short else digits.zfill(5)[:3]
    return digits.zfill(9 if len(digits) > 5 else 5)[:3]


def zip3(text: str, *, are_short: bool = False) -> str:
    """The three digits as they may be kept: 000 where few people share them, or nobody knows how many."""
    prefix = prefix_of(text, are_short=are_short)
    return WITHHELD if prefix is None or prefix in LOW_POPULATION or prefix not in STATE_OF_PREFIX else prefix


def state_of(text: str, *, are_short: bool = False) -> str | None:
    """The state that a ZIP code lies in, or None where it lies in none."""
    prefix = prefix_of(text, are_short=are_short)
    return None if prefix is None else STATE_OF_PREFIX.get(prefix)


def _digits(text: str) -> str:
    """The digits of a code without its ZIP+4 mark; empty where the text is no US ZIP code."""
    match = _ZIP.fullmatch(text.strip())
    if match is None:
        return ""
    return match[1] or (match[2] + match[3] if match[2] else match[4])
