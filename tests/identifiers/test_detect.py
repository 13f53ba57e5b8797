"""Which columns are direct identifiers, and which are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.identifiers import recognise
from tabsynth.identifiers.detect import detect_identifier

N_ROWS = 120


def _fake(kind: str) -> list[str]:
    fake = Faker("en_US")
    fake.seed_instance(4)
    return [str(getattr(fake, kind)()).replace("\n", ", ") for _ in range(N_ROWS)]


@pytest.mark.parametrize(
    ("kind", "surrogate"),
    [
        ("email", "email"),
        ("url", "url"),
        ("ipv4", "ip_address"),
        ("ipv6", "ip_address"),
        ("mac_address", "mac_address"),
        ("uuid4", "uuid"),
        ("ssn", "ssn"),
        ("name", "name"),
        ("iban", "iban"),
        ("credit_card_number", "card_number"),
        ("street_address", "address"),
    ],
)
def test_content_is_enough(kind: str, surrogate: str) -> None:
    """Identifiers with a form of their own are recognised under a name that says nothing."""
    found = detect_identifier("x7", pd.Series(_fake(kind)))
    assert found is not None and found.surrogate == surrogate
    assert found.confidence >= 0.9 and found.pattern is None


@pytest.mark.parametrize(
    ("name", "kind", "surrogate"),
    [
        ("first_name", "first_name", "first_name"),
        ("FIRST", "first_name", "first_name"),
        ("Last Name", "last_name", "last_name"),
        ("surname", "last_name", "last_name"),
        ("patient", "name", "name"),
        ("name", "name", "name"),
        ("phone", "phone_number", "phone"),
        ("Mobile", "msisdn", "phone"),
        ("user_name", "user_name", "user_name"),
        ("home_address", "address", "address"),
        ("passport_no", "passport_number", "key"),
        ("licence plate", "license_plate", "key"),
    ],
)
def test_content_and_name(name: str, kind: str, surrogate: str) -> None:
    """Names, telephone numbers and licences need the name of the column as well."""
    found = detect_identifier(name, pd.Series(_fake(kind)))
    assert found is not None and found.surrogate == surrogate


def test_keys_carry_their_shape() -> None:
    """Record numbers and hashes come with the pattern that surrogates follow."""
    records = detect_identifier("MRN", pd.Series([f"M-{n:05d}" for n in range(50)]))
    assert records is not None and records.pattern == "M-[0-9]{5}"
    hashes = detect_identifier("x", pd.Series([f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}" for n in range(1, 90)]))
    assert hashes is not None and hashes.pattern == "[0-9a-f]{16}"


def test_gaps_and_a_few_slips_do_not_matter() -> None:
    """Shares are of present cells, and one in twenty may be something else."""
    cells = [*_fake("email"), *[None] * 200, "n/a", "?", "none", "ask her", "unclear"]
    found = detect_identifier("contact", pd.Series(cells))
    assert found is not None and found.surrogate == "email" and found.confidence < 1


def test_whole_numbers_need_a_name_or_a_check_digit() -> None:
    """Ten digits are a telephone number under "phone" only; payment cards prove themselves."""
    numbers = pd.Series(range(5_551_230_000, 5_551_230_100))
    assert detect_identifier("amount", numbers) is None
    found = detect_identifier("phone", numbers)
    assert found is not None and found.surrogate == "phone"
    assert detect_identifier("ssn", pd.Series(range(123_450_000, 123_450_100))) is not None
    cards = pd.Series([4_111_111_111_111_111] * 30)
    assert (found := detect_identifier("x", cards)) is not None and found.surrogate == "card_number"


_RANDOM = np.random.default_rng(3)
INNOCENT = {
    "diagnosis": [f"{chr(65 + n % 26)}{n % 90 + 10}.{n % 10}" for n in range(N_ROWS)],
    "date": [f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.20{n % 20:02d}" for n in range(N_ROWS)],
    "visit": [f"2021-{n % 12 + 1:02d}-{n % 28 + 1:02d} 10:{n % 60:02d}:00" for n in range(N_ROWS)],
    "lat": [f"{v:.6f}" for v in _RANDOM.uniform(40, 55, N_ROWS)],
    "position": [f"{a:.4f}, {b:.4f}" for a, b in _RANDOM.uniform(40, 55, (N_ROWS, 2))],
    "StockCode": [f"{85_000 + n}{chr(65 + n % 26)}" for n in range(N_ROWS)],
    "isbn": [f"978-3-16-{n:06d}-0" for n in range(N_ROWS)],
    "amount": [f"{v:.2f}" for v in _RANDOM.lognormal(5, 2, N_ROWS)],
    "thousands": [f"{n + 100}.{n + 200}.{n + 300}" for n in range(N_ROWS)],
    "time": [f"{n % 24:02d}:{n % 60:02d}:{n % 50:02d}" for n in range(N_ROWS)],
    "version": [f"{n % 3}.{n % 20}.{n}" for n in range(N_ROWS)],
    "month": ["April", "May", "June", "August"] * 30,
    "city": ["San Francisco", "Salt Lake City", "New York", "Los Angeles", "Fort Wayne", "St. Louis"] * 20,
    "product_name": ["Regency Cakestand", "Party Bunting", "Lunch Bag", "Jumbo Bag Red", "Paper Chain Kit"] * 24,
    "department": ["Egyptian Art", "The Cloisters", "Musical Instruments", "American Decorative Arts"] * 30,
    "blood_pressure": ["120/80", "130/85", "110/70"] * 40,
    "comment": ["ran out. Furiously even ideas", "slyly regular packages along"] * 60,
    "county": ["Middlesex County", "Essex County", "Worcester County"] * 40,
    "phone_service": ["Yes", "No"] * 60,
    "own_telephone": ["A191", "A192"] * 60,
    "name": ["Municipal Airport", "Grand Canyon West Airport", "All Airports", "Shelby Field"] * 30,
    "account_type": ["checking", "savings"] * 60,
    "system": ["http://snomed.info/sct"] * N_ROWS,
    "num_drivers": ["1", "2", "3", "2"] * 30,
    "policy": ["gold", "silver", "basic"] * 40,
}


@pytest.mark.parametrize("name", INNOCENT)
def test_few_false_alarms(name: str) -> None:
    """Measurements, codes, dates, coordinates, places and products are not identifiers."""
    assert detect_identifier(name, pd.Series(INNOCENT[name])) is None


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([1.5, 2.5]),
        pd.Series([True, False]),
        pd.to_datetime(pd.Series(["2020-01-01"])),
        pd.to_timedelta(pd.Series([1], dtype="timedelta64[s]")),
        pd.Series([None, None], dtype=object),
        pd.Series([], dtype=object),
        pd.Series(["?", "N/A", " "]),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_native_measurements_and_empty_columns(cells: pd.Series) -> None:
    """Fractions, booleans, moments and durations are never identifiers, whatever the name."""
    assert detect_identifier("ssn", cells) is None


def test_native_dtypes_are_read_like_text() -> None:
    """Categorical, nullable, Arrow and whole float columns are judged by the same texts."""
    emails = pd.Series(_fake("email"))
    for dtype in ("category", "string", "string[pyarrow]", object):
        found = detect_identifier("x", emails.astype(dtype))
        assert found is not None and found.surrogate == "email"
    phones = pd.Series([5_551_230_000 + n for n in range(50)] + [None])
    for dtype in ("Int64", "float64"):
        assert detect_identifier("phone", phones.astype(dtype)) is not None


def test_simulated_names_may_end_in_digits() -> None:
    """`Aaron697` is the name Aaron."""
    names = pd.Series([f"{name.split()[0]}{n}" for n, name in enumerate(_fake("first_name"))])
    found = detect_identifier("FIRST", names)
    assert found is not None and found.surrogate == "first_name"


def test_detection_is_the_same_on_every_run() -> None:
    """Large columns are probed at fixed rows."""
    cells = pd.Series(_fake("email") * 40 + ["x"] * 300)
    assert detect_identifier("x", cells) == detect_identifier("x", cells)


def test_reason_holds_no_cell() -> None:
    """What a detection says names the kind, never a value."""
    cells = _fake("email")
    found = detect_identifier("x", pd.Series(cells))
    assert found is not None
    assert not any(cell in repr(found) for cell in cells)


@pytest.mark.parametrize(
    ("test", "fits", "fails"),
    [
        (recognise.is_iban, "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
        (recognise.is_card, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (recognise.is_ip, "192.168.0.1", "192.168.0.256"),
        (recognise.is_ip, "2001:db8::1", "12:30:00"),
        (recognise.is_phone, "(555) 123-4567", "2020-01-02"),
        (recognise.is_phone, "25-989-741-2988", "978-3-16-148410-0"),
        (recognise.is_phone, "+15551234567", "5551234567"),
        (recognise.is_ssn, "123-45-6789", "000-45-6789"),
        (recognise.is_street_address, "700 Haley Spur", "10 large bottles"),
        (recognise.is_street_address, "Hauptstraße 5, Berlin", "Hauptstraße"),
        (recognise.is_street_address, "PO Box 17", "Box"),
        (recognise.is_full_name, "Anna van Dyk", "anna"),
        (recognise.is_full_name, "O'Neil, Mary-Jane", "Room 12 B"),
        (recognise.holds_known_name, "Mrs. Qxz", "Qxz Wvu"),
        (recognise.is_mac, "00:1B:44:11:3A:B7", "00:1B-44:11-3A:B7"),
    ],
)
def test_single_texts(test: object, fits: str, fails: str) -> None:
    """Check digits, ranges and forms are tested, not lengths alone."""
    assert callable(test)
    assert test(fits) and not test(fails)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=12) | st.none() | st.integers() | st.floats(), max_size=8))
def test_any_column_can_be_judged(name: str, cells: list[object]) -> None:
    """No text, name or mixture of cells makes detection fail."""
    detect_identifier(name, pd.Series(cells, dtype=object))
