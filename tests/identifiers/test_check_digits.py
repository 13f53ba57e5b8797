"""Check digits: published examples pass, and every change of one digit fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tabsynth.identifiers import check_digits

EXAMPLES: list[tuple[Callable[[str], bool], str]] = [
    (check_digits.is_npi, "1234567893"),
    (check_digits.is_dea, "AB1234563"),
    (check_digits.is_aba, "021000021"),
    (check_digits.is_vin, "1M8GDM9AXKP042788"),
    (check_digits.is_imei, "490154203237518"),
    (check_digits.is_udi, "(01)00844588003288"),
]


@pytest.mark.parametrize(("test", "number"), EXAMPLES, ids=[test.__name__ for test, _ in EXAMPLES])
def test_published_numbers_pass_and_changed_ones_fail(test: Callable[[str], bool], number: str) -> None:
    """Examples of CMS, DEA, ABA, NHTSA, 3GPP and GS1."""
    assert test(number)
    last = max(place for place, sign in enumerate(number) if sign.isdigit())
    for digit in "0123456789":
        changed = number[:last] + digit + number[last + 1 :]
        assert test(changed) == (changed == number)


def test_mbi_by_its_positions() -> None:
    """The example of CMS, and letters and digits where they may not stand."""
    assert check_digits.is_mbi("1EG4-TE5-MK73") and check_digits.is_mbi("1EG4TE5MK73")
    for wrong in ("0EG4TE5MK73", "1SG4TE5MK73", "1EG4TE5MKA3", "1EGATE5MK73", "11G4TE5MK73"):
        assert not check_digits.is_mbi(wrong)
