"""What names of columns suggest."""

import pytest

from tabsynth.schema.column_names import (
    Evidence,
    key_evidence,
    names_person,
    role_of,
    suggests_code,
    suggests_compact_date,
    suggests_date,
    words,
)
from tabsynth.schema.columns import Role


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("customerID", ("customer", "id")),
        ("PatientId", ("patient", "id")),
        ("hours-per-week", ("hours", "per", "week")),
        (" Età (years) ", ("eta", "years")),
        ("RAC1P", ("rac", "1", "p")),
        ("", ()),
        ("€ 🙂", ()),
    ],
)
def test_words(name: str, expected: tuple[str, ...]) -> None:
    """Names are cut at case changes, digits and signs, and lose their accents."""
    assert words(name) == expected


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "InvoiceNo", "o_custkey", "uuid", "pid", "MRN", "Crime ID", "id.1"]
)
def test_names_of_keys(name: str) -> None:
    """An id, a key or a number of a thing is strong evidence."""
    assert key_evidence(name) is Evidence.STRONG


@pytest.mark.parametrize(
    "name", ["age", "paid", "covid", "humid", "valid", "number_of_rooms", "StockCode", "order_date", "x"]
)
def test_names_that_are_no_keys(name: str) -> None:
    """Words that end in "id", counts, codes and dates are none."""
    assert key_evidence(name) is Evidence.NONE


def test_weak_names_of_keys() -> None:
    """A bare "number" or "reference" is weak evidence."""
    assert {key_evidence(name) for name in ("education-num", "reference", "birth_number", "PATIENT")} == {Evidence.WEAK}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("sex", Role.QUASI_IDENTIFIER),
        ("AGEP", Role.QUASI_IDENTIFIER),
        ("date_of_birth", Role.QUASI_IDENTIFIER),
        ("ZIP", Role.QUASI_IDENTIFIER),
        ("native-country", Role.QUASI_IDENTIFIER),
        ("marital-status", Role.QUASI_IDENTIFIER),
        ("income", Role.SENSITIVE),
        ("diag_1", Role.SENSITIVE),
        ("hiv_status", Role.SENSITIVE),
        ("page", Role.NONE),
        ("usage", Role.NONE),
        ("agePct12t21", Role.NONE),
        ("target", Role.NONE),
        ("Churn", Role.NONE),
    ],
)
def test_roles(name: str, role: Role) -> None:
    """Demographic names are quasi-identifiers, health and money are sensitive, targets are never guessed."""
    assert role_of(name) is role


def test_evidence_for_dates_codes_and_people() -> None:
    """Names tell dates from spans of time, codes from sizes, and people from places."""
    assert suggests_date("BIRTHDATE") and suggests_date("time_stamp") and not suggests_date("duration")
    assert suggests_compact_date("order_date") and not suggests_compact_date("start")
    assert suggests_code("countyCode") is Evidence.STRONG and suggests_code("SEX") is Evidence.WEAK
    assert suggests_code("numKindsDrugs") is Evidence.NONE and suggests_code("size") is Evidence.NONE
    assert names_person("customer_id") and names_person("o_custkey") and not names_person("store_id")
