"""Whether the schema deals with what was found in a column, in what words, and which line of schema would.

Decisions
- What is of `type: identifier` or `type: text` is never learned, so that any class is dealt with; images and biometric
  data ask for `treatment: drop` all the same, since nothing invented should look like them.
- `treatment: keep` answers a doubtful finding. It does not answer one that the cells prove (confidence .95 and above):
  whoever wants to keep e-mail addresses does not want Safe Harbor.
- A treatment that rewrites every cell (`zip3`, `state`, `year`) deals with whatever else stood in some of them.
- Shifted dates are not dates under Safe Harbor's rule, but of an Expert Determination, and stay unresolved here.
"""

from __future__ import annotations

import re

from tabsynth.identifiers.findings import Place
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.schema.column_names import age_unit
from tabsynth.schema.columns import Column, Identifier, Text
from tabsynth.schema.treatments import IN_WORDS, KINDS

PROVEN = 0.95
"""Confidence from which `treatment: keep` is no answer."""

_SURROGATES = {
    "first-name": "first_name",
    "last-name": "last_name",
    "name": "name",
    "employer": "company",
    "address": "address",
    "phone": "phone",
    "fax": "phone",
    "email": "email",
    "ssn": "ssn",
    "iban": "iban",
    "card": "card_number",
    "url": "url",
    "ip": "ip_address",
    "mac": "mac_address",
    "uuid": "uuid",
    "user-name": "user_name",
}

_FILLED = {
    "drop": "left out",
    "placeholder": "filled with invented words",
    "template": "filled with sentences that the schema declares",
}


def in_words(column: Column | None) -> str | None:
    """What the schema does with a column; None where it does nothing."""
    if column is None:
        return None
    if column.treatment is not None:
        return IN_WORDS[column.treatment]
    if isinstance(column, Identifier):
        return f"replaced by invented values ({column.surrogate})"
    if isinstance(column, Text):
        return _FILLED[column.fill]
    return None


def is_resolved(column: Column | None, kind: Kind, detector: str, confidence: float, place: Place, name: str) -> bool:
    """Whether the schema deals with a finding.

    Args:
        column: The column in the schema; None where it has none.
        kind: Class that was found.
        detector: What found it.
        confidence: How sure it is, 0 to 1.
        place: Where it was found.
        name: Words of the column's name, which tell dates of birth from others.
    """
    if place in ("levels", "metadata"):
        return True  # neither is read, nor written
    if column is None:
        return False
    if column.treatment == "drop" or (isinstance(column, Text) and column.treatment is None and column.fill == "drop"):
        return True
    if place == "name" or kind in (Kind.BIOMETRIC, Kind.PHOTOGRAPH):
        return place != "name" and isinstance(column, Text) and column.treatment is None
    match column.treatment:
        case "keep":
            return confidence < PROVEN
        case "refuse" | "shift":
            return False
        case "state" | "zip3" | "birth-year":
            return True
        case "year":
            return detector != "birth-year" and not is_birth(name)
        case "age-90":
            return detector == "age"
    return isinstance(column, Identifier | Text)


def remedy(name: str, column: Column | None, kind: Kind, detector: str, place: Place, words: str) -> str:
    """The line of schema that would resolve a finding."""
    if place == "name":
        return "rename the column in the table and in the schema: its name holds a value"
    treatment = _treatment(kind, detector, words)
    key = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ ]*", name) else repr(name)
    if place == "text":
        return f"{key}: {{type: text}}"
    if treatment == "drop":
        return f"{key}: {{type: {column.type if column is not None else 'text'}, treatment: drop}}"
    if treatment is not None:
        allowed = KINDS[treatment]
        fits = column is not None and column.type in allowed
        chosen = column.type if fits and column is not None else {"zip3": "categorical"}.get(treatment, allowed[0])
        if detector == "date-number" and not fits:
            chosen = "integer"
        unit = age_unit(name) if treatment == "age-90" else None
        return f"{key}: {{type: {chosen}, treatment: {treatment}{'' if unit is None else f', unit: {unit}'}}}"
    if detector == "free-text":
        return f"{key}: {{type: text}}"
    surrogate = _SURROGATES.get(detector, "key")
    return f"{key}: {{type: identifier{'' if surrogate == 'key' else f', surrogate: {surrogate}'}}}"


def is_birth(words: str) -> bool:
    """Whether the words of a name speak of a birth."""
    return re.search(r"\b(?:birth\w*|born|dob|yob|naissance|geburts\w*|fecnac|nacimiento)\b", words) is not None


def _treatment(kind: Kind, detector: str, words: str) -> str | None:
    if kind in (Kind.BIOMETRIC, Kind.PHOTOGRAPH) or detector in (
        "town",
        "geocode",
        "coordinates",
        "date-part",
        "age-text",
    ):
        return "drop"
    if kind is Kind.GEOGRAPHY and detector == "postcode":
        return "zip3"
    if kind is Kind.DATE:
        if detector == "age":
            return "age-90"
        return "birth-year" if detector == "birth-year" or is_birth(words) else "year"
    return None
