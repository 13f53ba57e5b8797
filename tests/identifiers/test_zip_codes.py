"""ZIP codes under Safe Harbor: lost zeros, ZIP+4, low-population prefixes, foreign codes."""

from __future__ import annotations

import pytest

from tabsynth.identifiers.zip_codes import LOW_POPULATION, PREFIXES, STATE_OF_PREFIX, are_prefixes, state_of, zip3


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("02139", "021"),
        ("2139", "021"),
        ("2139.0", "021"),
        ("02139-4307", "021"),
        ("2139-4307", "021"),
        ("021394307", "021"),
        ("601", "006"),
        ("10001", "100"),
        ("03601", "000"),
        ("3601", "000"),
        ("20301", "000"),
        ("06301", "000"),
        ("09012", "000"),
        ("96201", "000"),
        ("00123", "000"),
        ("K1A 0B1", "000"),
        ("SW1A 1AA", "000"),
        ("unknown", "000"),
        ("", "000"),
    ],
)
def test_three_digits_or_none(code: str, kept: str) -> None:
    assert zip3(code) == kept


def test_the_list_is_the_union_of_both_vintages() -> None:
    assert len(LOW_POPULATION) == 23
    assert {"063", "790", "830", "831", "890"} <= LOW_POPULATION  # 2000 alone
    assert {"202", "204", "205", "369", "753", "772"} <= LOW_POPULATION  # 2020 alone
    assert not LOW_POPULATION & set(PREFIXES)


def test_three_digits_are_a_prefix_where_no_longer_code_stands_beside_them() -> None:
    assert are_prefixes(["021", "601"]) and not are_prefixes(["021", "2139"])
    assert zip3("601", are_short=True) == "601"
    assert [zip3(code, are_short=True) for code in ("021", "036", "000")] == ["021", "000", "000"]


def test_every_state_has_prefixes() -> None:
    assert len(set(STATE_OF_PREFIX.values())) == 54  # 50 states, DC, PR, VI, GU
    assert [state_of(code) for code in ("2139", "94110", "20001", "00601", "99501", "09012", "K1A 0B1")] == [
        "MA",
        "CA",
        "DC",
        "PR",
        "AK",
        None,
        None,
    ]
