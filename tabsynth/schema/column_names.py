"""What the name of a column suggests: a key, a date, a code, a count, a role.

Names are evidence, never proof: `infer` weighs them against the cells.

Decisions
- Names are cut into words at case changes, digits and signs, and accents are dropped: `customerID`, `customer_id` and
  `Customer Id` are the same two words.
- Word lists are short and mostly English, with the commonest German, French, Spanish, Italian and Portuguese forms. A
  missed word costs one edit of the schema; a wrong one costs a wrong model.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache

from tabsynth.schema.columns import Role


class Evidence(IntEnum):
    """How strongly a name speaks for something."""

    NONE = 0
    WEAK = 1
    STRONG = 2


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_THINGS = (
    "account|acct|admission|animal|appointment|asset|batch|beneficiary|bill|booking|card|case|chart|claim|client|contact|"
    "contract|cust|customer|device|disp|doc|document|donor|driver|emp|employee|encounter|entity|entry|event|family|file|hadm|"
    "hh|household|icustay|invoice|item|lead|loan|member|mouse|nation|object|order|part|participant|pat|patient|payer|payment|"
    "person|player|policy|product|provider|record|receipt|region|resident|respondent|row|sample|sess|session|sku|specimen|"
    "stay|store|student|study|subj|subject|supp|supplier|survey|ticket|tracking|trans|transaction|trip|unit|user|vehicle|"
    "vendor|visit|voter|worker"
)
_KEYS = _listed(
    "id ids idx uuid guid uid pid eid oid cid sid mrn mrns ssn nin nhs npi pk fk sk identifier "
    "identifiant hash rowid recid iban vin imei"
)
_NUMBERS = _listed("no nr num number nbr numero nummer key ref reference serial accession index")
_NOT_KEYS = _listed(
    "type class category code name date time count status state flag total rate amount score level year "
    "month day of pct percent types names value"
)
_PEOPLE = _listed(
    "patient pat customer cust client person participant subject subj member user player employee emp "
    "student respondent resident donor beneficiary account acct stay pid mrn household hh animal mouse"
)
_BARE_PEOPLE = _listed(
    "patient customer cust client person participant subject member user player employee student account acct"
)
_PLACES_AND_GOODS = _listed(
    "nation region country district state county city store shop branch product item sku part supplier supp vendor "
    "payer provider organization organisation department dept ward hospital location site plan class school airport "
    "station team"
)
_GLUED_KEY = re.compile(rf"(?:{_THINGS}|players|patients|customers)(?:id|ids|key|uuid|guid)")
_GLUED_NUMBER = re.compile(rf"(?:{_THINGS})(?:no|nr|num|number|nbr|ref)")
_THING = re.compile(rf"(?:{_THINGS})s?")

_DATE_WORDS = re.compile(
    r"date|dates|dt|datum|data|fecha|day|dob|dod|birth|birthdate|birthday|deathdate|\w*date|time|timestamp|datetime|ts|when|"
    r"(?:geburts|sterbe)datum|naissance|created|updated|modified|issued|opened|closed|admitted|discharged|since|until"
)
_COMPACT_DATE_WORDS = re.compile(r"date|dt|datum|fecha|day|dob|dod|birth|ymd|yyyymmdd|\w+date|timestamp|datetime|ts")
_CODES = re.compile(
    r"code|codes|\w{3,}code|cd|zip|zipcode|postcode|postal|postalcode|plz|fips|puma|icd|drg|cpt|ndc|sic|naics|snomed|"
    r"state|county|country|region|district|ward|dept|department|branch|store|site|location|class|category|cat|type"
)
_PERHAPS_CODES = re.compile(
    r"group|grp|kind|status|mode|method|channel|source|segment|cluster|sex|gender|race|rac|ethnicity|ethnic|hisp|hispanic|"
    r"marital|marriage|married|msp|religion|language|nationality|occupation|occup|job|industry|diagnosis|diag|procedure|plan|"
    r"origin|destination|os|operating|browser|device"
)
_POSTAL_WORDS = re.compile(r"zip|zipcode|postcode|postal|postalcode|plz|codepostal")
_YEARS = re.compile(
    r"year|yr|jahr|annee|ano|anno|age|month|day|hour|week|minute|second|time|date|quarter|decade|\w*date"
)
_SHARES = _listed("pct percent perc rate mean avg average median per pop share ratio total sum count num")

_QUASI = re.compile(
    r"sex|gender|sexe|sexo|geschlecht|age(?:p|gr|grp|group|cat|band|range|yrs)?|alter|edad|eta|birth\w*|dob|yob|naissance|"
    r"geburtsdatum|death\w*|dod|zip|zipcode|postcode|postal|postalcode|plz|city|town|village|municipality|county|state|"
    r"district|region|country|fips|puma|lsoa|tract|lat|latitude|lon|long|lng|longitude|race|rac|ethnicity|ethnic|hisp|"
    r"hispanic|marital|married|marriage|msp|education|educ|edu|degree|occupation|occup|profession|job|socprof|nationality|"
    r"citizenship|language|relationship|household|admission|admitted|discharge|discharged|ward|address|placesize"
)
_SENSITIVE = re.compile(
    r"diagnosis|diagnoses|diag|dx|disease|illness|condition|conditions|icd|hiv|aids|std|cancer|tumou?r|mental|"
    r"psych\w*|depress\w*|suicide|pregnan\w*|abortion|genetic|genotype|disabilit\w*|drug|drugs|alcohol|alc\w{3,}|smoke|smoker|"
    r"smoking|medication|medications|prescription|procedure|treatment|allergy|allergies|income|pincp|salary|wage|wages|"
    r"earnings|debt|loan|balance|religion|politic\w*|party|orientation|crime|offence|offense|arrest\w*|convict\w*|sentence|"
    r"mortality|expenses|reasoncode|reasondescription|outcome"
)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a column name, lower case, without accents.

    Example:
        >>> words("customerID"), words("Date of birth"), words("hours-per-week")
        (('customer', 'id'), ('date', 'of', 'birth'), ('hours', 'per', 'week'))
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return tuple(re.findall(r"[a-z]+|\d+", spaced.lower()))


def key_evidence(name: str) -> Evidence:
    """How strongly the name says "key": `customer_id` strongly, `reference` and `education-num` weakly, `age` not."""
    parts = words(name)
    while len(parts) > 1 and parts[-1].isdigit():
        parts = parts[:-1]
    if not parts:
        return Evidence.NONE
    last = parts[-1]
    if last in _NOT_KEYS or "of" in parts:
        return Evidence.NONE
    if any(part in _KEYS for part in parts) or _GLUED_KEY.fullmatch(last) or _GLUED_NUMBER.fullmatch(last):
        return Evidence.STRONG
    if last == "key" and len(parts) > 1:
        return Evidence.STRONG
    if last in _NUMBERS:
        return Evidence.STRONG if len(parts) > 1 and _THING.fullmatch(parts[-2]) else Evidence.WEAK
    if last in _PEOPLE or parts[0] in ("account", "unnamed"):
        return Evidence.WEAK
    return Evidence.NONE


def is_person(name: str) -> bool:
    """Whether the name is that of a person or account and nothing more (`patient`, `account`)."""
    return "".join(words(name)) in _BARE_PEOPLE


def names_person(name: str) -> bool:
    """Whether the key in this column would be a person's (or an account's) rather than a thing's."""
    return bool(_without_key(name) & _PEOPLE)


def is_person_key(name: str) -> bool:
    """Whether the name is that of a person's key and nothing more: `patient_id`, `o_custkey`, not `user_group_id`."""
    if key_evidence(name) is not Evidence.STRONG:
        return False
    left = [re.sub(r"(?:id|key|no|nr|num|number)$", "", part) if part not in _PEOPLE else part for part in words(name)]
    left = [part for part in left if len(part) > 2]
    return bool(left) and all(part in _PEOPLE for part in left)


def names_place_or_good(name: str) -> bool:
    """Whether the key in this column would be that of a place, a product or an institution, which many people share."""
    return bool(_without_key(name) & _PLACES_AND_GOODS)


def _without_key(name: str) -> frozenset[str]:
    """Words of the name, and what is left of each without a glued "id", "key" or "no"."""
    parts = words(name)
    return frozenset((*parts, *(re.sub(r"s?(?:id|key|no|num)$", "", part) for part in parts)))


def suggests_date(name: str) -> bool:
    """Whether the name speaks of a moment."""
    return any(_DATE_WORDS.fullmatch(word) for word in words(name))


def suggests_compact_date(name: str) -> bool:
    """Whether the name speaks of a date so plainly that eight digits may be read as one."""
    return any(_COMPACT_DATE_WORDS.fullmatch(word) for word in words(name))


def suggests_code(name: str) -> Evidence:
    """How strongly the name says that numbers are labels, not sizes: `county` strongly, `sex` weakly, `age` not."""
    parts = words(name)
    if set(parts) & _SHARES:
        return Evidence.NONE
    if any(_CODES.fullmatch(word) for word in parts):
        return Evidence.STRONG
    return Evidence.WEAK if any(_PERHAPS_CODES.fullmatch(word) for word in parts) else Evidence.NONE


def is_code(name: str) -> bool:
    """Whether the name ends in "code": what it holds has no magnitude, whatever it looks like."""
    parts = words(name)
    return bool(parts) and re.fullmatch(r"\w*codes?", parts[-1]) is not None


def suggests_postcode(name: str) -> bool:
    """Whether the name speaks of a postal code."""
    return any(_POSTAL_WORDS.fullmatch(word) for word in words(name))


def suggests_calendar(name: str) -> bool:
    """Whether consecutive numbers under this name are years, ages or other counts of time, not row numbers."""
    return any(_YEARS.fullmatch(word) for word in words(name))


def role_of(name: str) -> Role:
    """The role that the name suggests: sensitive, quasi-identifier or none. Targets are never guessed."""
    parts = words(name)
    if set(parts) & _SHARES:
        return Role.NONE
    if any(_SENSITIVE.fullmatch(word) for word in parts):
        return Role.SENSITIVE
    if any(_QUASI.fullmatch(word) for word in parts):
        return Role.QUASI_IDENTIFIER
    return Role.NONE


_AGE_UNITS = {
    "months": "months", "month": "months", "mo": "months", "mos": "months", "mth": "months", "mths": "months",
    "weeks": "weeks", "week": "weeks", "wk": "weeks", "wks": "weeks", "days": "days", "day": "days",
    "years": "years", "year": "years", "yrs": "years", "yr": "years",
}  # fmt: skip


def age_unit(name: str) -> str | None:
    """Unit that the name of a column of ages states (`age_months`): years, months, weeks or days."""
    parts = words(name)
    if "age" not in parts:
        return None
    return next((_AGE_UNITS[part] for part in parts if part in _AGE_UNITS), None)
