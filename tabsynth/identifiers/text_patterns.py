"""What identifiers inside longer texts look like: for each kind a cheap form for RE2, and a test for what it finds.

Decisions
- Only what proves itself counts: a form of its own (e-mail), a check digit (payment card), or a word that says what
  follows ("MRN", "fax", "wife"). Bare numbers and lone capitalised words are passed over.
- A check digit that one random code in ten has proves nothing about a column of codes: such patterns ask for a text of
  several words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tabsynth.identifiers import check_digits, forms, phone_numbers, recognise
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.identifiers.written_dates import is_date


@dataclass(frozen=True)
class Pattern:
    """One kind of identifier inside texts."""

    detector: str
    kind: Kind
    what: str
    cheap: str
    """RE2: what a text must hold to be tested."""
    found: Callable[[str], bool]
    confidence: float = 0.9


def _any(regex: str, test: Callable[[re.Match[str]], bool] | None = None, flags: int = 0) -> Callable[[str], bool]:
    """Whether any match of `regex` in a text passes `test`."""
    compiled = re.compile(regex, flags)

    def found(text: str) -> bool:
        return any(test is None or test(match) for match in compiled.finditer(text))

    return found


_NUMBER = r"(?:\+\d{1,3}[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?!\d|-\d)"
_CUED = r"(?:\s*(?:no|nr|num|number|id|#)\b)?\.?\s*(?:is|was|:|=|#|-)?\s*#?\s*"
_CAPITAL = r"[A-Z][a-zA-Z'’-]+"
_KIN = (
    r"(?:[Ww]ife|[Hh]usband|[Mm]other|[Ff]ather|[Ss]on|[Dd]aughter|[Bb]rother|[Ss]ister|[Ss]pouse|[Pp]artner|"
    r"[Gg]uardian|"
    r"[Nn]ext of kin|[Cc]aregiver|[Aa]unt|[Uu]ncle|[Gg]rand(?:mother|father|son|daughter)|[Nn]eighbou?r|"
    r"[Ee]mergency contact)"
)
_MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|"
    r"UT|V[AT]|W[AIVY])"
)


def _is_called(match: re.Match[str]) -> bool:
    """Whether the digits that follow a cue are a number of their own."""
    return sum(c.isdigit() for c in match[1]) >= 4


def _is_street(match: re.Match[str]) -> bool:
    """Whether a street word stands behind a number and at least one other word ("5000 Dr. Smith" is no drive)."""
    number, _, *rest = [*match[0].strip(" ,.").split(), ""]
    return recognise.is_street_address(" ".join((number, *rest)).strip()) or not number[0].isdigit()


def _is_long(match: re.Match[str]) -> bool:
    """Whether the digits that follow a cue are as many as a telephone number has."""
    return sum(c.isdigit() for c in match[1]) >= 7


def _is_phone(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 25) : match.start()].lower()
    called = re.search(r"phone|tel|call|cell|mobile|reach|contact|pager|\+$|\bat\b", before) is not None
    if re.search(r"fax|facs|isbn|ndc|lot|serial|order|ticket|invoice", before):
        return False
    return phone_numbers.is_valid(match[0]) or (called and phone_numbers.is_possible(match[0]))


def _is_known_name(match: re.Match[str]) -> bool:
    first, last = match[1], match[2]
    return recognise.is_known_first_name(first) and recognise.is_known_last_name(last)


def _holds_known_name(text: str) -> bool:
    return text.count(" ") >= 5 and _KNOWN(text)


_KNOWN = _any(r"\b([A-Z][a-z]{2,}) (?:[A-Z]\. )?([A-Z][a-z]{2,})\b", _is_known_name)
_OLD = r"(?i)(?:9\d|1[0-2]\d)[- ]?(?:years?[- ]old|yrs?[- ]old|y/?o\b|yo\b|years of age)|aged? (?:9\d|1[0-2]\d)\b"

_PHONE = _any(rf"(?<![\d.-]){_NUMBER}|(?<!\d)\+\d[\d ()-]{{8,15}}\d", _is_phone)
_CALLED_PHONE = _any(
    rf"(?i)(?:phone|\bmobile)\b(?:{_CUED})(?<!\d)(\d{{10}})(?!\d)", lambda m: phone_numbers.is_valid(m[1])
)
_MBI = _any(
    r"(?<![\w-])[1-9][A-Za-z][A-Za-z0-9]\d-?[A-Za-z][A-Za-z0-9]\d-?[A-Za-z]{2}\d\d(?![\w-])",
    lambda m: check_digits.is_mbi(m[0]),
)
_PLAN = _any(
    r"(?i)\b(?:member|subscriber|policy|beneficiary|medicaid|medicare|insurance|health plan)(?:\s*(?:no|nr|num|"
    r"number|id|#)\b)\.?"
    r"\s*(?:is|was|:|=|#)?\s*#?((?=[\w-]*\d)[A-Z0-9][A-Z0-9-]{4,})",
    _is_called,
)
_IBAN = _any(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", lambda m: recognise.is_iban(m[0]))
_CARD = _any(
    r"(?<![\w.-])(?<!\d )(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?!\w|[ .-]\d)",
    lambda m: forms.is_card(m[0]),
)
_ACCOUNT = _any(
    r"(?i)\b(?:account|acct|routing)(?:\s*(?:no|nr|num|number|id|#)\b)?\.?\s*(?:is|was|:|=|#|"
    r"ending in)?\s*#?(\d[\d-]{5,})",
    _is_called,
)
_LICENCE = _any(
    r"(?i)\b(?:npi|dea|licen[cs]e|passport|certificate|permit)(?:\s*(?:no|nr|num|number|id|#)\b)?\.?\s*(?:is|"
    r"was|:|=|#)?\s*#?"
    r"((?=[\w-]*\d)[A-Z0-9][A-Z0-9-]{4,})",
    _is_called,
)
_VIN = _any(r"(?i)\b[A-HJ-NPR-Z0-9]{17}\b", lambda m: check_digits.is_vin(m[0]) and not m[0].isdigit())
_PLATE = _any(
    r"(?i)\b(?:licen[cs]e plates?|number plates?|plates?|vin|tag)\b(?:\s*(?:no|number|#))?\.?\s*(?:is|was|were|"
    r"reads|:|=|#)?\s*#?"
    r"(?-i:((?=[A-Z0-9 -]*\d)[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,14}))\b"
)
_UDI = _any(r"\(01\)\d{14}", lambda m: check_digits.is_udi(m[0]))
_MAC = _any(r"(?i)(?<![\w:-])[0-9A-F]{2}(?:([:-])[0-9A-F]{2})(?:\1[0-9A-F]{2}){4}(?![\w:-])")
_SERIAL = _any(
    r"(?i)\b(?:imei|serial|s/n|udi|pacemaker|implant|device)(?:\s*(?:no|nr|num|number|id|serial|"
    r"#)\b)*\.?\s*(?:is|was|:|=|#)?\s*#?"
    r"((?=[\w-]*\d)[A-Z0-9][A-Z0-9-]{4,})",
    _is_called,
)
_IPV4 = _any(
    r"(?<![\d.])(?<!version )(?<!Version )(?<!v)\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)", lambda m: recognise.is_ip(m[0])
)
_IPV6 = _any(r"(?i)(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])", lambda m: recognise.is_ip(m[0]))
_TITLE = _any(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? (?:[A-Z]\. ?)?{_CAPITAL}")
_CALLED_NAME = _any(
    r"(?i:\b(?:first|given|middle|last|family|maiden|full|patient) ?name|\bsurname)\s*(?:is|was|:|=)\s*"
    r"([A-Z][a-z'’-]+)",
    lambda m: recognise.is_known_first_name(m[1]) or recognise.is_known_last_name(m[1]),
)
_RELATIVE = _any(
    rf"\b{_KIN}(?:,| is| was|:| named| called|\'s name is| \()? ?(?:Mr\.? |Mrs\.? )?({_CAPITAL}(?: {_CAPITAL})?)",
    lambda m: recognise.is_known_first_name(m[1]) or " " in m[1],
)
_EMPLOYER = _any(
    rf"(?:[Ww]ork(?:s|ed|ing)? (?:at|for)|[Ee]mployed (?:by|at)|[Ee]mployer(?: is|:| was)?)(?: the)? {_CAPITAL}"
)
_STREET = _any(
    r"\b\d{1,6}(?:[ ,]+[A-Z0-9][A-Za-z0-9.]*){2,5}|(?i:p\.? ?o\.? ?box \d+)",
    _is_street,
)
_STATE_ZIP = _any(rf"\b{_STATE},? \d{{5}}(?:-\d{{4}})?\b|(?i:\bzip(?: ?code)?\b)\D{{0,6}}\d{{5}}\b")
_COORDINATES = _any(r"-?\d{1,2}\.\d{4,}\s*,\s*-?\d{1,3}\.\d{4,}")
_DATE = _any(
    rf"(?<![\d./-])(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d{{2}})|"
    rf"\d{{1,2}}\.\d{{1,2}}\.\d{{4}})(?![\d/-])|"
    rf"\b{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTHS} \d{{4}}\b",
    lambda m: is_date(m[0].strip()) or not m[0][0].isdigit(),
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "email",
        Kind.EMAIL,
        "e-mail addresses",
        r"[A-Za-z0-9]@[A-Za-z0-9-]+\.",
        _any(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b"),
        0.98,
    ),
    Pattern(
        "url",
        Kind.URL,
        "web addresses",
        r"(?i)(?:https?|ftp)://|www\.[a-z0-9-]+\.",
        _any(r"(?i)(?:https?|ftp)://[^\s]+|\bwww\.[a-z0-9-]+\.[a-z]{2,}"),
        0.97,
    ),
    Pattern(
        "ssn",
        Kind.SSN,
        "social security numbers",
        r"\d{3}[- ]\d{2}[- ]\d{4}|(?i)\bssn\b|social security",
        _any(
            r"(?<![\d-])(?!000|666)(\d{3})-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])|(?i:\bssn\b|"
            r"social security)\D{0,12}\d{3}[- ]?\d{2}[- ]?\d{4}"
        ),
        0.95,
    ),
    Pattern(
        "phone",
        Kind.TELEPHONE,
        "telephone numbers",
        r"\d{3}\)?[-. ]{1,2}\d{3}[-. ]\d{4}|\+\d[\d ()-]{8,}|(?i)(?:phone|mobile)\b",
        lambda text: _PHONE(text) or _CALLED_PHONE(text),
        0.92,
    ),
    Pattern(
        "fax",
        Kind.FAX,
        "fax numbers",
        r"(?i)\bfax\b|facsimile",
        _any(r"(?i)(?:\bfax|facsimile)\b[^\d+]{0,20}(\+?[\d(][\d ().-]{5,}\d)", _is_long),
        0.95,
    ),
    Pattern(
        "mrn",
        Kind.MEDICAL_RECORD,
        "medical record numbers",
        r"(?i)\bmrn\b|medical record|chart ?(?:no|num|#)|patient ?(?:id|no|num|#)|hospital ?(?:no|num)",
        _any(
            rf"(?i)\b(?:mrn|medical record|chart|patient|hospital)(?:{_CUED})((?=[\w-]*\d)[A-Z0-9][A-Z0-9-]{{3,}})",
            _is_called,
        ),
        0.93,
    ),
    Pattern(
        "health-plan",
        Kind.HEALTH_PLAN,
        "health plan numbers",
        r"(?i)[1-9][a-z][a-z0-9]\d-?[a-z][a-z0-9]\d-?[a-z]{2}\d\d|(?:member|subscriber|policy|beneficiary|"
        r"medicaid|medicare|insurance)",
        lambda text: _MBI(text) or _PLAN(text),
        0.93,
    ),
    Pattern(
        "account",
        Kind.ACCOUNT,
        "account or card numbers",
        r"(?i)\b[A-Z]{2}\d{2}[A-Z0-9 ]{11,}|\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d|\d{4}[ -]?\d{6}[ -]?\d{5}|"
        r"\b(?:account|acct|routing)\b",
        lambda text: _IBAN(text) or _CARD(text) or _ACCOUNT(text),
        0.95,
    ),
    Pattern(
        "licence",
        Kind.LICENCE,
        "licence, NPI, DEA or passport numbers",
        r"(?i)\b(?:npi|dea|licen[cs]e|passport|certificate|permit)\b",
        lambda text: _LICENCE(text),
        0.93,
    ),
    Pattern(
        "vehicle",
        Kind.VEHICLE,
        "vehicle identifiers or plates",
        r"(?i)\b[A-HJ-NPR-Z0-9]{17}\b|\b(?:plates?|vin|tag)\b",
        lambda text: (" " in text and _VIN(text)) or _PLATE(text),
        0.93,
    ),
    Pattern(
        "device",
        Kind.DEVICE,
        "device identifiers",
        r"(?i)\(01\)\d{14}|[0-9A-F]{2}[:-][0-9A-F]{2}[:-][0-9A-F]{2}[:-][0-9A-F]{2}|\b(?:imei|serial|s/n|udi|"
        r"pacemaker|implant|device)\b",
        lambda text: _UDI(text) or _MAC(text) or _SERIAL(text),
        0.93,
    ),
    Pattern(
        "ip",
        Kind.IP_ADDRESS,
        "IP addresses",
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|(?i)[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f:]{4,}",
        lambda text: _IPV4(text) or _IPV6(text),
        0.93,
    ),
    Pattern(
        "photo",
        Kind.PHOTOGRAPH,
        "images or paths to them",
        r"(?i)data:image/|\.(?:jpe?g|png|gif|heic|tiff?|bmp|dcm|webp)\b",
        _any(r"(?i)data:image/[a-z+]+;base64,|[\w/\\-]\.(?:jpe?g|png|gif|heic|tiff?|bmp|dcm|webp)\b"),
        0.9,
    ),
    Pattern(
        "biometric",
        Kind.BIOMETRIC,
        "biometric templates",
        r"(?i)fingerprint|voice ?print|iris (?:code|scan|template)|retina|minutiae|faceprint|palm ?print|biometric",
        _any(
            r"(?i)(?:finger ?print|voice ?print|iris|retinal?|minutiae|face ?print|palm ?print|"
            r"biometric)s?(?: (?:template|code|hash|id|"
            r"scan|data|record|sample|file))*(?: (?:is|was|no|number|saved as|"
            r"stored as))*[ :=#]+((?=\S*\d)[\w+/=.-]{8,})"
        ),
        0.9,
    ),
    Pattern(
        "name",
        Kind.NAME,
        "names of people, relatives or employers",
        r"[A-Z][a-z]+ [A-Z]|\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\b|(?i:name)\s*(?:is|was|:|=)|"
        r"(?:wife|husband|mother|father|son|daughter|brother|"
        r"sister|employ|works|Wife|"
        r"Husband|Mother|Father|Son|Daughter|Brother|Sister|Employ|Works)",
        lambda text: (
            _TITLE(text) or _CALLED_NAME(text) or _RELATIVE(text) or _EMPLOYER(text) or _holds_known_name(text)
        ),
        0.85,
    ),
    Pattern(
        "address",
        Kind.GEOGRAPHY,
        "addresses, postcodes or coordinates",
        rf"\d{{1,6}} [A-Z0-9][A-Za-z0-9.]* [A-Z]|\b{_STATE},? \d{{5}}\b|(?i)p\.? ?o\.? ?box \d|"
        r"-?\d{1,2}\.\d{4,}\s*,\s*-?\d{1,3}\.\d{4,}|(?i)\bzip\b",
        lambda text: _STREET(text) or _STATE_ZIP(text) or _COORDINATES(text),
        0.9,
    ),
    Pattern(
        "date",
        Kind.DATE,
        "dates finer than a year",
        rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}|"
        rf"{_MONTHS} \d{{1,2}}|\d{{1,2}} {_MONTHS}",
        lambda text: _DATE(text),
        0.92,
    ),
    Pattern("old-age", Kind.DATE, "ages over 89", _OLD, _any(_OLD), 0.92),
    Pattern(
        "uuid",
        Kind.OTHER,
        "UUIDs or reference codes",
        r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b(?:case|claim|accession|reference|"
        r"study|trial|specimen|"
        r"encounter|visit|ticket) (?:no|id|num|number|ref|#)",
        _any(
            r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b(?:case|claim|accession|reference|study|trial|"
            r"specimen|encounter|"
            r"visit|ticket)(?: (?:no|id|num|number|ref)\b\.?| ?#)\s*(?:is|was|:|"
            r"=)?\s*#?((?=[\w-]*\d)[A-Za-z0-9][\w-]{3,})"
        ),
        0.9,
    ),
)
"""In the order in which they are searched for."""
