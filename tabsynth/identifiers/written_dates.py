"""Dates, parts of dates and ages, in the ways in which people and programs write them.

Decisions
- A year alone is no date: Safe Harbor keeps it. A month or a day of the month is one, also in a column of its own.
- Day and month are not told apart (03/04/2021 is a date either way): all that matters is that it is finer than a year.
- Names of months are those of seven languages; besides the English ones they count beside a year of four digits alone.
- Ages are looked at for the one thing that Safe Harbor removes: more than 89 years, also in months, weeks or days, and
  also in bands such as 90-94 or [90, 95). "90+" says no more than it may; "95+" does.
"""

from __future__ import annotations

import re
import unicodedata

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"(?:[T ,:]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +)?"
_ISO = re.compile(rf"(1[6-9]\d\d|20\d\d|21\d\d)([-/.])(\d{{1,2}})(?:\2(\d{{1,2}}))?{_CLOCK}", re.IGNORECASE)
_NUMERIC = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE)
_NAMED = re.compile(
    rf"{_WEEKDAY}(?:\d{{1,2}}(?:st|nd|rd|th)?[-/ ]{_MONTH}[-/, ]*(?:\d{{4}}|\d{{2}})"
    rf"|{_MONTH}[- ]+\d{{1,2}}(?:st|nd|rd|th)?(?:,? +\d{{4}})?|{_MONTH}[-, /]+\d{{4}}"
    rf"|\d{{4}}[- ]{_MONTH}(?:[- ]\d{{1,2}})?|\d{{1,2}}{_MONTH}\d{{4}}){_CLOCK}",
    re.IGNORECASE,
)
_MONTHS_ELSEWHERE = (
    "januar|februar|maerz|marz|april|juni|juli|oktober|dezember|janner|feber|mrz|okt|dez|"
    "janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre|janv|fevr|avr|juil|"
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre|ene|abr|ago|dic|"
    "gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|gen|mag|giu|lug|set|ott|"
    "janeiro|fevereiro|marco|maio|junho|julho|setembro|outubro|novembro|dezembro|fev|out|"
    "januari|februari|maart|mei|augustus|mrt"
)
"""Names of months in German, French, Spanish, Italian, Portuguese and Dutch, without accents."""
_WHOLE_MONTHS = "|".join(name for name in _MONTHS_ELSEWHERE.split("|") if len(name) > 3 or name in ("mai", "mei"))
_ELSEWHERE = re.compile(
    rf"(?:(?:[a-z]{{2,10}}[,.]? )?\d{{1,2}}(?:\.|er|o|a)?[-/ ]*(?:de |di )?(?:{_MONTHS_ELSEWHERE}|{_MONTH})"
    rf"|(?:{_WHOLE_MONTHS}))\.?[-/ ,]*(?:de |del )?(?:1[6-9]|20|21)\d\d{_CLOCK}",
    re.IGNORECASE,
)
_WEEK = re.compile(r"\d{4}-?W\d{2}(?:-?\d)?")
_QUARTER = re.compile(r"(?:19|20)\d\d[- /]?Q[1-4]|Q[1-4][- /]?(?:19|20)\d\d", re.IGNORECASE)
_BASIC = re.compile(r"(\d{8})(?:T?(\d{4}(?:\d{2})?)(?:[.,]\d+)?)?(Z|[+-][01]\d:?[0134][05])?")
_QUARTER_FREE = re.compile(r"\d{4}")
_AGE = re.compile(
    r"(?P<low>\d{1,5}(?:\.\d+)?)(?:\s*(?:-|–|to)\s*(?P<high>\d{1,5}))?\s*"
    r"(?P<unit>years?|yrs?|y|yo|y/o|years? old|months?|mos?|mths?|m|weeks?|wks?|w|days?|d)?",
    re.IGNORECASE,
)
_OPEN_BAND = re.compile(
    r"(?P<first>\d{1,3})\s*\+|(?:>=?|≥|over|above)\s*(?P<second>\d{1,3})|"
    r"(?P<third>\d{1,3})\s*(?:and|or) (?:over|older|above|more)",
    re.IGNORECASE,
)
_INTERVAL = re.compile(r"[\[(]\s*(\d{1,5}(?:\.\d+)?)\s*[,;]\s*(\d{1,5}(?:\.\d+)?|inf)\s*([\])])")
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25}
LAST_AGE = 89
"""The greatest age that Safe Harbor lets stand."""
FIRST_YEAR, LAST_YEAR = 1800, 2100
_LONGEST = 60


def is_date(text: str) -> bool:
    """Whether a text is a date that is finer than a year."""
    if match := _ISO.fullmatch(text):
        return 1 <= int(match[3]) <= 12 and (match[4] is None or 1 <= int(match[4]) <= 31)
    if match := _NUMERIC.fullmatch(text):
        return _are_day_and_month(int(match[1]), int(match[3]))
    if match := _BASIC.fullmatch(text):
        written_out = match[3] is not None or "T" in text or len(match[2] or "") == 6
        return written_out and is_compact_date(match[1] + (match[2] or ""))
    if any(form.fullmatch(text) is not None for form in (_NAMED, _WEEK, _QUARTER)):
        return True
    if len(text) > _LONGEST:
        return False
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return _ELSEWHERE.fullmatch(plain) is not None


def is_compact_date(text: str) -> bool:
    """Eight digits that are a year, month and day, in this order; also with hour, minute and second behind them."""
    if len(text) not in (8, 12, 14) or not text.isdigit():
        return False
    if not (1880 <= int(text[:4]) <= LAST_YEAR and 1 <= int(text[4:6]) <= 12 and 1 <= int(text[6:8]) <= 31):
        return False
    return int(text[8:10] or 0) <= 24 and int(text[10:12] or 0) <= 59 and int(text[12:] or 0) <= 60


def is_date_number(text: str) -> bool:
    """A number under the name of a date: bare digits, an Excel serial of 1920 to 2120, or Unix time in any unit.

    Bare digits are yyyymmdd (with a clock or without), ddmmyyyy, yymmdd, yyyyddd or yyyymm.
    """
    whole, _, part = text.partition(".")
    if not whole.isdigit() or (part and not part.isdigit()):
        return False
    if is_compact_date(whole) or is_month_number(whole):
        return True
    number = int(whole)
    if len(whole) in (7, 8) and FIRST_YEAR <= number % 10_000 <= LAST_YEAR:
        front = whole.zfill(8)[:4]
        return _are_day_and_month(int(front[:2]), int(front[2:]))
    if len(whole) == 6 and not part:  # yymmdd, ddmmyy, mmddyy
        first, second, third = int(whole[:2]), int(whole[2:4]), int(whole[4:])
        return _are_day_and_month(first, second) or (1 <= second <= 12 and 1 <= third <= 31)
    if len(whole) == 7 and not part and FIRST_YEAR <= number // 1000 <= LAST_YEAR and 1 <= number % 1000 <= 366:
        return True
    return 7_300 <= number <= 80_400 or any(10**low <= number < 5 * 10 ** (low + 1) for low in (8, 11, 14, 17))


def is_month_number(text: str) -> bool:
    """Six digits that are a year and a month."""
    return len(text) == 6 and text.isdigit() and 1880 <= int(text[:4]) <= LAST_YEAR and 1 <= int(text[4:]) <= 12


def is_day_of_month(text: str) -> bool:
    """A day and a month without a year (03/04): asked only under the name of a date."""
    match = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})\.?", text)
    return match is not None and _are_day_and_month(int(match[1]), int(match[2]))


def _are_day_and_month(first: int, second: int) -> bool:
    """Whether two numbers are a day and a month, in either order."""
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31


def is_year(text: str) -> bool:
    """A year of the last two centuries."""
    return _QUARTER_FREE.fullmatch(text) is not None and FIRST_YEAR <= int(text) <= LAST_YEAR


def age_in_years(text: str, *, unit: str = "y") -> float | None:
    """The age that a cell tells, in years; of a band its upper end; None where it tells none, or an open band (90+).

    Args:
        text: `91`, `91.5`, `1095 months`, `90-94`, `3 mo`.
        unit: First letter of the unit of bare numbers: y, m, w or d.
    """
    plain = text.strip()
    if band := _OPEN_BAND.fullmatch(plain):
        low = float(band["first"] or band["second"] or band["third"])
        return low / _PER_YEAR[unit] if low / _PER_YEAR[unit] > LAST_AGE + 1 else None
    if interval := _INTERVAL.fullmatch(plain):
        ends = float(interval[1]), float(interval[2])
        last = ends[0] if ends[1] == float("inf") else ends[1] if interval[3] == "]" else max(ends[0], ends[1] - 1)
        return None if ends[1] == float("inf") and last <= LAST_AGE + 1 else last / _PER_YEAR[unit]
    match = _AGE.fullmatch(plain)
    if match is None:
        return None
    letter = (match["unit"] or unit)[0].lower()
    return float(match["high"] or match["low"]) / _PER_YEAR[letter]


def tells_old_age(text: str, *, unit: str = "y") -> bool:
    """Whether a cell tells an age of 90 years or more."""
    age = age_in_years(text, unit=unit)
    return age is not None and LAST_AGE + 1 <= age <= 130
