"""Surrogates: look right, are fictional, distinct where asked."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from tabsynth.errors import SchemaError, UsageError
from tabsynth.identifiers.surrogate import make_surrogates
from tabsynth.schema.columns import Identifier, Surrogate

KINDS = get_args(Surrogate)
N_ROWS = 100_000


def make(kind: Surrogate, n_rows: int, *, unique: bool = False, seed: int = 0) -> list[str]:
    values = make_surrogates(Identifier(surrogate=kind), n_rows, rng=np.random.default_rng(seed), unique=unique)
    assert values.dtype == object
    assert values.shape == (n_rows,)
    return list(values)


def is_valid_card(number: str) -> bool:
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (1 + place % 2)
        total += digit // 10 + digit % 10
    return total % 10 == 0


def is_valid_iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def may_be_issued_as_ssn(text: str) -> bool:
    area, group, serial = (int(part) for part in text.split("-"))
    return area not in (0, 666) and area < 900 and group != 0 and serial != 0


def may_be_issued_as_taxpayer_number(text: str) -> bool:
    area, group, _ = (int(part) for part in text.split("-"))
    return area >= 900 and group >= 50


DOCUMENTATION = [
    ipaddress.ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def is_documentation_address(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return str(address) == text and any(address in block for block in DOCUMENTATION)


SHAPES: dict[str, str] = {
    "key": r"[A-Z2-7]{12}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "name": r"[A-Z][a-z]+( [A-Z]\.)? [A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)?",
    "first_name": r"[A-Z][a-z]+([- ][A-Z][a-z]+)*",
    "last_name": r"[A-Z][A-Za-z]+([- ][A-Z][A-Za-z]+)*",
    "email": r"[a-z]+\.[a-z]+[0-9]{2}@example\.(org|com|net)",
    "phone": r"[2-9][0-8][0-9]-555-01[0-9]{2}( x[0-9]{4})?",
    "ssn": r"9[0-9]{2}-[0-4][0-9]-[0-9]{4}",
    "address": r"[1-9][0-9]{4} [A-Za-z]+ [A-Z][a-z]+, [A-Z][a-z]+ [A-Z][A-Za-z]+",
    "postcode": r"00[0-4][0-9]{2}(-[0-9]{4})?",
    "user_name": r"[a-z]+[0-9]{4}",
    "company": r"[A-Z][A-Za-z]+(-[A-Z][A-Za-z]+ (Inc|and Sons|LLC|Group|PLC|Ltd)|, [A-Z][A-Za-z]+ and [A-Z][A-Za-z]+)",
    "url": r"https://[a-z]+\.example\.(org|com|net)/[a-z]+/[0-9]{3}",
    "ip_address": r"[0-9a-f.:]+",
    "mac_address": r"[0-9a-f][26ae](:[0-9a-f]{2}){5}",
    "iban": r"DE[0-9]{20}",
    "card_number": r"4[0-9]{15}",
    "fax": r"[2-9][0-8][0-9]-555-01[0-9]{2}( x[0-9]{4})?",
    "npi": r"[12][0-9]{9}",
    "dea": r"[A-Z]{2}[0-9]{7}",
    "mbi": r"[1-9][A-Z][0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z]{2}[0-9]{2}",
    "vin": r"[0-9A-HJ-NPR-Z]{17}",
    "imei": r"[0-9]{15}",
    "udi": r"\(01\)[0-9]{14}\(21\)[0-9]{10}",
    "aba_routing": r"[0-9]{9}",
    "license_plate": r"[A-Z]{3}-[0-9]{4}-[A-Z]{2}",
    "mrn": r"MRN-[0-9]{8}",
    "health_plan_id": r"HPX[0-9]{9}",
}


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_have_the_shape_of_their_kind(kind: Surrogate, unique: bool) -> None:
    """A hundred thousand values of each kind look like it, and are distinct where asked."""
    values = make(kind, N_ROWS, unique=unique)
    shape = re.compile(SHAPES[kind])
    assert all(shape.fullmatch(value) for value in values)
    assert not unique or len(set(values)) == N_ROWS


@pytest.mark.parametrize(
    ("kind", "means_a_real_one"),
    [
        ("card_number", is_valid_card),
        ("iban", is_valid_iban),
        ("ssn", may_be_issued_as_ssn),
        ("ssn", may_be_issued_as_taxpayer_number),
        ("ip_address", lambda text: not is_documentation_address(text)),
        ("uuid", lambda text: uuid.UUID(text).version != 4 or str(uuid.UUID(text)) != text),
        ("mac_address", lambda text: int(text[:2], 16) & 0b11 != 0b10),
        ("phone", lambda text: not 100 <= int(text[8:12]) <= 199 or text[4:7] != "555" or text[1:3] == "11"),
        ("postcode", lambda text: int(text[:5]) >= 501),
    ],
)
@pytest.mark.parametrize("unique", [False, True])
def test_no_value_can_mean_a_real_one(kind: Surrogate, means_a_real_one: Callable[[str], bool], unique: bool) -> None:
    """Of a hundred thousand values, the official rule accepts none as real."""
    assert not any(means_a_real_one(value) for value in make(kind, N_ROWS, unique=unique))


def test_the_official_rules_accept_real_ones() -> None:
    """The rules that the surrogates must fail are right: they accept published valid examples."""
    assert is_valid_card("4111111111111111")
    assert is_valid_iban("DE89370400440532013000")
    assert may_be_issued_as_ssn("078-05-1120")
    assert may_be_issued_as_taxpayer_number("912-70-1234")


@pytest.mark.parametrize("kind", KINDS)
def test_same_state_same_values(kind: Surrogate) -> None:
    """The same random state gives the same values; another one gives others."""
    assert make(kind, 500) == make(kind, 500)
    assert make(kind, 500) != make(kind, 500, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows(kind: Surrogate) -> None:
    """Zero values are an empty array."""
    assert make(kind, 0) == []
    assert make(kind, 0, unique=True) == []


def test_the_longer_form_replaces_all_values() -> None:
    """Where the short form is too small for distinct values, every value takes the longer one."""
    assert all(" x" not in value for value in make("phone", 71_200, unique=True))
    assert all(" x" in value for value in make("phone", 71_201, unique=True))


def test_too_many_unique_values_are_refused() -> None:
    """More distinct values than a kind has are refused with its capacity and a remedy."""
    with pytest.raises(UsageError, match=r"'ssn': 48,995,100 different values .*uuid"):
        make("ssn", 48_995_101, unique=True)


def test_a_key_follows_its_pattern() -> None:
    """A declared pattern decides what keys look like."""
    column = Identifier(pattern="MRN-[0-9]{6}")
    values = make_surrogates(column, 1000, rng=np.random.default_rng(0), unique=True)
    assert all(re.fullmatch("MRN-[0-9]{6}", value) for value in values)


def test_a_pattern_at_another_kind_is_refused() -> None:
    """A pattern beside, say, a phone number would be ignored silently; it is an error."""
    with pytest.raises(SchemaError, match="takes no pattern"):
        make_surrogates(
            Identifier(surrogate="phone", pattern="[0-9]{3}"), 1, rng=np.random.default_rng(0), unique=False
        )


def test_negative_row_counts_are_refused() -> None:
    """A negative row count is named."""
    with pytest.raises(UsageError, match="n_rows"):
        make("key", -1)
