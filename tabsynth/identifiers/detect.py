"""Recognise columns of direct identifiers: e-mail, phone, names, addresses, keys with a check digit, and so on.

A column is recognised by the share of its cells that fit, and its name lowers the share that is asked for; some kinds
(user names, record numbers) fit so many things that they need the name. One entry of `_DETECTORS` per kind, in the
order in which they are tried; what fits a cell is in `recognise`.

Decisions
- Few false alarms before many finds: an identifier is replaced, so a measurement taken for one is lost to the model.
  Fractions, dates, diagnosis codes and coordinates fit nothing here.
- Cities, counties, postcodes and dates of birth point to a person only together with others: quasi-identifiers, not
  this.
- Up to 2,000 cells are looked at, evenly spaced, so that a second run looks at the same.

Privacy: Nothing of the cells leaves but the share that fits and, for keys, their shape (see `schema.patterns`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabsynth.identifiers import recognise
from tabsynth.schema.column_names import words
from tabsynth.schema.columns import Surrogate
from tabsynth.schema.detection import Detection
from tabsynth.schema.infer_cells import is_gap
from tabsynth.schema.patterns import infer_pattern
from tabsynth.schema.values import category_text

__all__ = ["Detection", "detect_identifier", "infer_pattern"]

PROBE = 2_000
"""Cells that are looked at."""
ALONE = 0.9
"""Share of cells that must fit where the name says nothing."""
NAMED = 0.8
"""Share of cells that must fit where the name says what the column is."""
_FEW = 20


@dataclass(frozen=True)
class _Detector:
    """One kind of identifier."""

    surrogate: Surrogate
    what: str
    """What a reader of the schema is told."""
    fits: Callable[[str], bool]
    names: str
    """Regular expression searched in the words of the column name."""
    fits_named: Callable[[str], bool] | None = None
    """Laxer test for a column whose name fits; None: the same test."""
    alone: bool = True
    """Whether content is enough, without the name."""
    many: bool = False
    """Whether few values on many rows speak against it (a link or address that stands for a category)."""
    familiar: Callable[[str], bool] | None = None
    """Test that some of the cells must pass besides: words from a dictionary."""
    familiar_share: float = 0.3
    """Share of cells that must pass it under a name that fits; half of them under any other."""
    shape: bool = False
    """Whether the detection carries the pattern of the keys."""
    digits: bool = False
    """Whether whole numbers can be this."""


_PERSON = (
    "person|patient|customer|client|member|employee|student|subject|participant|user|contact|owner|agent|artist|author|"
    "physician|doctor|nurse|clinician|practitioner|surgeon|provider|prescriber|guardian|mother|father|spouse|applicant|"
    "manager|teacher|player|donor|holder|cardholder|beneficiary|witness|victim|suspect|officer"
)
_DETECTORS: tuple[_Detector, ...] = (
    _Detector("uuid", "UUIDs", recognise.is_uuid, r"\b(uuid|guid|id)\b"),
    _Detector("email", "e-mail addresses", recognise.is_email, r"\be ?mail|\bmail\b"),
    _Detector("url", "web addresses", recognise.is_url, r"\b(url|uri|link|website|homepage|web)\b", many=True),
    _Detector("mac_address", "MAC addresses", recognise.is_mac, r"\bmac\b"),
    _Detector("ip_address", "IP addresses", recognise.is_ip, r"\b(ip|ipv|host)\b"),
    _Detector("iban", "IBANs", recognise.is_iban, r"\biban\b"),
    _Detector("card_number", "payment card numbers", recognise.is_card, r"\b(card|pan|cc|credit)\b", digits=True),
    _Detector(
        "ssn",
        "social security numbers",
        recognise.is_ssn,
        r"\b(ssn|ssnr|social security|socialsecurity\w*|sin|itin|tin)\b",
        fits_named=recognise.is_bare_ssn,
        digits=True,
    ),
    _Detector(
        "phone",
        "telephone numbers",
        recognise.is_phone,
        r"\b(phone\w*|telephone\w*|tel|mobile|fax|telefon\w*|handy|\w+phone)\b",
        fits_named=recognise.is_bare_phone,
        digits=True,
    ),
    _Detector(
        "key",
        "record, licence or account numbers",
        recognise.is_record_number,
        r"\b(mrn|mrns|medical record|record (no|nr|num|number)|chart (no|nr|num|number|id)|passport\w*|drivers?|"
        r"licen[cs]e( (no|nr|num|number|plate))?|npi|dea|vin|plate|policy (no|nr|num|number|id)|"
        r"account (no|nr|num|number)|"
        r"(member|subscriber|beneficiary|insurance|health plan|medicare|medicaid|nhs) (id|no|nr|num|number)|hicn|"
        r"tax (id|no|number)|national (id|no|number)|serial (no|nr|num|number)|udi)\b",
        alone=False,
        many=True,
        shape=True,
        digits=True,
    ),
    _Detector("key", "hashes", recognise.is_hash, r"\b(hash|sha|md 5|digest|token|id)\b", many=True, shape=True),
    _Detector(
        "first_name",
        "first names",
        recognise.is_given_name,
        r"\b((first|given|middle|fore) ?names?|name (first|middle|given)|fname|vorname|prenom)\b|"
        r"^(first|middle|given)$",
        alone=False,
        familiar=recognise.is_known_first_name,
    ),
    _Detector(
        "last_name",
        "family names",
        recognise.is_family_name,
        r"\b((last|family|sur|maiden) ?names?|name (last|family)|lname|nachname|apellidos?|maiden)\b|^(last|surname)$",
        alone=False,
        familiar=recognise.is_known_last_name,
        familiar_share=0.15,
    ),
    _Detector(
        "name",
        "names of people",
        recognise.is_full_name,
        rf"^names?$|\b(full ?name|({_PERSON})( display)? names?|name (of )?({_PERSON}))\b|^({_PERSON})s?$",
        familiar=recognise.holds_known_name,
    ),
    _Detector(
        "address",
        "postal addresses",
        recognise.is_street_address,
        r"\b(address|addr|street|residence|adresse|anschrift|strasse|direccion|indirizzo|domicil\w*)\b",
        fits_named=recognise.is_address_like,
        many=True,
    ),
    _Detector(
        "user_name",
        "user names",
        recognise.is_user_name,
        r"\b(user ?names?|logins?|login ?names?|screen ?names?|handle|nick ?names?)\b",
        alone=False,
        many=True,
    ),
)


def detect_identifier(name: str, cells: pd.Series) -> Detection | None:
    """Recognise a column of direct identifiers.

    Args:
        name: Name of the column.
        cells: Its cells: text or native values, gaps included. Shape (n_rows,).

    Returns:
        What was recognised and the share of cells that fit, or None.

    Privacy: The result holds shares and, for keys, character classes; no cell.
    """
    whole = pd.api.types.is_integer_dtype(cells.dtype)
    if not whole and cells.dtype.kind in "bfcmM":
        if cells.dtype.kind != "f":
            return None
        whole = True
    texts = _probe(cells)
    if not texts or (whole and not all(text.lstrip("-").isdigit() for text in texts)):
        return None
    whole = whole or all(text.isdigit() for text in texts)
    spaced = " ".join(words(name))
    for detector in _DETECTORS:
        if whole and not detector.digits:
            continue
        found = _apply(detector, spaced, texts, digits_only=whole)
        if found is not None:
            return found
    return None


def _probe(cells: pd.Series) -> list[str]:
    """Present cells as text, evenly spaced."""
    present = cells[cells.notna()]
    if len(present) > PROBE:
        present = present.iloc[np.linspace(0, len(present) - 1, PROBE).astype(np.int64)]
    texts = [category_text(value).strip() for value in present]
    return [text for text in texts if text and not is_gap(text)]


def _apply(detector: _Detector, spaced: str, texts: Sequence[str], *, digits_only: bool) -> Detection | None:
    named = re.search(detector.names, spaced) is not None
    if not named and ((digits_only and detector.surrogate != "card_number") or not detector.alone):
        return None
    distinct = set(texts)
    if detector.many and len(distinct) <= _FEW and len(distinct) < 0.5 * len(texts):
        return None
    share = sum(map(detector.fits, texts)) / len(texts)
    if named and detector.fits_named is not None:
        share = max(share, sum(map(detector.fits_named, texts)) / len(texts))
    if share < (NAMED if named else ALONE):
        return None
    if detector.familiar is not None:
        if not named and len(distinct) < _FEW:
            return None
        if sum(map(detector.familiar, texts)) / len(texts) < (detector.familiar_share if named else 0.5):
            return None
    pattern = infer_pattern(distinct) if detector.shape else None
    return Detection(detector.surrogate, round(share, 3), detector.what, pattern)
