"""Whole columns: which classes of identifiers one holds, by its cells and its name.

Forms and names are in `detectors`. Here is what needs more than a cell at a time: places, dates and ages, of which
Safe Harbor removes only a part, and codes that are told by being unique.

Decisions
- A year is no date, a state is no place below the state, and an age up to 89 is nothing: none of them is found.
- Uniqueness speaks last: a column that something else explains is not called unique as well. Measurements (numbers with
  a fraction) are never called unique; whole numbers only where they count rows, have one width, or are named keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from tabsynth.identifiers.column_cells import ColumnCells
from tabsynth.identifiers.detector import tells
from tabsynth.identifiers.detectors import DETECTORS, UNIQUE_CODES
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.identifiers.written_dates import (
    LAST_AGE,
    is_compact_date,
    is_date,
    is_date_number,
    is_day_of_month,
    is_month_number,
    is_year,
    tells_old_age,
)
from tabsynth.identifiers.zip_codes import LOW_POPULATION, STATE_OF_PREFIX, are_prefixes
from tabsynth.schema.column_names import Evidence, is_person_key, key_evidence, names_place_or_good, suggests_code


@dataclass(frozen=True)
class Found:
    """A class of identifiers, found in a column as a whole."""

    kind: Kind
    detector: str
    confidence: float
    share: float
    """Part of the cells looked at that fit."""
    what: str


def examine(cells: ColumnCells, *, unit: str | None, as_of: date) -> list[Found]:
    """What a column holds, the surest first; empty where nothing was recognised.

    Args:
        cells: The column.
        unit: Unit of its numbers, where the schema states one (`months`); decides how old an age is.
        as_of: Day on which ages are counted.
    """
    found = _by_detectors(cells)
    place = None if found else _place(cells)
    if place is not None:
        found.append(place)
    if not any(item.kind in (Kind.TELEPHONE, Kind.FAX, Kind.SSN, Kind.IP_ADDRESS) for item in found):
        moment = _date(cells, as_of) or _age(cells, unit)
        if moment is not None and not (found and moment.confidence < found[0].confidence):
            found = [moment, *(item for item in found if item.confidence > 0.94)]
    if not found and (other := _unique(cells)) is not None:
        found.append(other)
    return sorted(found, key=lambda item: -item.confidence)


def examine_people(cells: ColumnCells) -> Found | None:
    """Codes that tell people apart though each stands on several rows.

    Args:
        cells: The column with each of its values once for each person who has it.
    """
    found = _unique(cells)
    return None if found is None else replace(found, what=f"{found.what}, from person to person")


def _by_detectors(cells: ColumnCells) -> list[Found]:
    """The detector with the highest confidence; an address of an image is both an address and an image."""
    best: list[Found] = []
    for detector in DETECTORS:
        sure = detector.confidence(cells)
        if sure is None:
            continue
        item = Found(detector.kind, detector.name, sure[0], round(sure[1], 4), detector.what)
        if detector.name == "photo" and cells.share(_is_web_address) >= 0.5:
            return [item, Found(Kind.URL, "url", 0.97, item.share, "web addresses")]
        if not best or item.confidence > best[0].confidence + 0.04:
            best = [item]
    return best


def _is_web_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://", "www."))


# --- places --------------------------------------------------------------------------------------------------------

_POSTAL = r"\b(?:zips?|zip ?codes?|postal ?codes?|post ?codes?|postal|plz|codepostal|code postal|cp|zcta|zip ?[3459])\b"
_TOWNS = (
    r"\b(?:city|cities|towns?|village|municipality|counties|county|parish|borough|precinct|districts?|"
    r"neighbou?rhood|suburb|"
    r"commune|hometown|birth ?place|place of birth|locality|community area|census area|ort|stadt|wohnort|ville|ciudad|"
    r"citta|subdivision|township|hamlet|landkreis|departement|police district)\b"
)
_GEOCODES = (
    r"\b(?:fips|census ?tract|tract|block ?group|census ?block|puma|puma\d*|geo ?id|geo ?code|geo ?hash|lsoa|"
    r"msoa|cbsa|msa|"
    r"plus ?code|what ?3 ?words|precinct|h 3(?: index)?|s 2(?: cell)?|quad ?key|mgrs|census geoid|oa code|nuts ?3?)\b"
)
_COORDINATES = (
    r"\b(?:latitude|longitude|gps|coords?|coordinates?|geo ?(?:point|location)|easting|northing)\b|"
    r"^(?:(?:geo|gps|start|end|home|pickup|dropoff|dest|origin|center|centre|point|place|site|patient|user|x|y) )?"
    r"(?:lat|lon|lng|long)(?: ?(?:deg|dd|wgs \d+|\d))?$"
)
_ZIP = re.compile(r"\d{3,5}|\d{5}-?\d{4}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z0-9][A-Z0-9 -]{2,8}[A-Z0-9]", re.IGNORECASE)
_CANADIAN = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d")
_PAIR = re.compile(r"\(?\s*-?\d{1,2}\.\d{3,}\s*[,; ]\s*-?\d{1,3}\.\d{3,}\s*\)?|POINT ?\(-?\d.*\)", re.IGNORECASE)
_TOWN_AND_STATE = re.compile(r"[A-Z][A-Za-z.' -]+, ?([A-Z]{2})(?: \d{5}(?:-\d{4})?)?")
_STATES = frozenset(STATE_OF_PREFIX.values())


def _place(cells: ColumnCells) -> Found | None:
    """Places below the state: towns, postcodes, coordinates, census areas."""
    if cells.storage in ("datetime", "boolean") or not cells.texts:
        return None
    name = cells.spaced.replace("block group", "blockgroup")
    if tells(_POSTAL, name) and cells.storage != "decimal":
        share = cells.share(lambda text: _ZIP.fullmatch(text) is not None and any(c.isdigit() for c in text))
        if share >= 0.6 and not _are_kept_prefixes(cells):
            return Found(Kind.GEOGRAPHY, "postcode", 0.95, round(share, 4), "postcodes")
    if tells(_COORDINATES, name):
        share = float(np.mean(np.abs(cells.numbers) <= 180)) if cells.storage in ("decimal", "whole") else 0.0
        projected = bool(re.search(r"easting|northing", name)) and cells.storage in ("decimal", "whole")
        if projected or (cells.storage == "decimal" and share >= 0.9):
            return Found(Kind.GEOGRAPHY, "coordinates", 0.93, 1.0 if projected else round(share, 4), "coordinates")
        share = cells.share(lambda text: _PAIR.fullmatch(text) is not None)
        if share >= 0.6:
            return Found(Kind.GEOGRAPHY, "coordinates", 0.95, round(share, 4), "pairs of coordinates")
    if cells.storage == "text":
        for form, what, sure in ((_PAIR, "pairs of coordinates", 0.95), (_CANADIAN, "postcodes", 0.9)):
            share = cells.share(lambda text, form=form: form.fullmatch(text) is not None)  # type: ignore[misc]
            if share >= 0.8:
                return Found(Kind.GEOGRAPHY, what.split()[-1].rstrip("s"), sure, round(share, 4), what)
        states = [match[1] for text in cells.texts if (match := _TOWN_AND_STATE.fullmatch(text)) is not None]
        real = [state for state in states if state in _STATES]
        if len(real) >= 0.8 * len(cells.texts) and (len(set(real)) >= 3 or cells.n_different <= 5):
            return Found(Kind.GEOGRAPHY, "town", 0.85, round(len(real) / len(cells.texts), 4), "towns with their state")
    if tells(_GEOCODES, name) and cells.storage != "decimal" and not _are_state_codes(cells):
        return Found(Kind.GEOGRAPHY, "geocode", 0.9, 1.0, "codes of census or map areas")
    if tells(_TOWNS, name) and cells.storage != "decimal" and not _are_state_codes(cells):
        return Found(Kind.GEOGRAPHY, "town", 0.85, 1.0, "towns, counties or other places below the state")
    return None


def _are_kept_prefixes(cells: ColumnCells) -> bool:
    """Whether postcodes are three digits already, none of an area with few people."""
    return are_prefixes(cells.texts) and not any(text.zfill(3) in LOW_POPULATION for text in cells.texts)


def _are_state_codes(cells: ColumnCells) -> bool:
    """Whether codes are those of states: two letters, or FIPS numbers up to 78."""
    if cells.storage == "whole":
        return bool(np.nanmax(cells.numbers) <= 78) and re.search(r"\bfips\b", cells.spaced) is not None
    return all(text in _STATES for text in cells.texts)


# --- dates and ages ------------------------------------------------------------------------------------------------

_DATES = (
    r"\b(?:dates?|\w*date|dt|datum|data|fecha|dob|dod|doa|dos|birth\w*|birthdays?|born|admi\w+|disch\w*|death|"
    r"died|deceased|"
    r"\w*stamp|ts|time|datetime|epoch|created|updated|modified|issued|opened|closed|since|until|start|stop|end|"
    r"when|visit|"
    r"naissance|geburtsdatum|onset|enrol\w*|expiry|expir\w+|day|on|at|fecnac|event|followup)\b"
)
_BIRTH = r"\b(?:birth\w*|born|dob|yob|naissance|geburts\w*|fecnac|nacimiento|birthyear|birthdate)\b"
_PARTS = (
    r"^(?:\w+ )*(?:month|day|week|weekday|dow|doy|dayofmonth|dayofweek|day of (?:week|month|year)|week of year|mon|mth|"
    r"birth ?month|birth ?day|monat|mes|mois)(?: of (?:\w+))?(?: no| num| number)?$"
)
_MONTHS_OF_YEARS = r"\b(?:yearmonth|year ?month|yyyymm|ym|period)\b"
_WORD_PARTS = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*",
    re.IGNORECASE,
)
_AGES = (
    r"\b(?:age|ages|aged|alter|edad|idade|ageyears|agemonths|years old|age ?(?:yrs|years|months|days)|age at \w+|"
    r"age ?(?:grp|groups?|bands?|ranges?|cat|category|class)|altersgruppe|altersklasse|"
    r"pat age)\b"
)
_OF_AGES = r" (?:years?|days|groups?|category|cat|class|kind|value|values)$"
"""Ends of names that speak of the age itself all the same."""
_PER_UNIT = {"month": "m", "months": "m", "mo": "m", "mos": "m", "week": "w", "weeks": "w", "day": "d", "days": "d"}
_OLDEST = 130


def _date(cells: ColumnCells, as_of: date) -> Found | None:
    """Dates finer than a year, parts of them, and years of birth that tell an age over 89."""
    if cells.storage == "datetime":
        return _native_date(cells)
    if cells.storage == "boolean" or not cells.texts:
        return None
    named = tells(_DATES, cells.spaced)
    if cells.storage == "text":
        share = cells.share(is_date)
        if share >= (0.5 if named else 0.8):
            return Found(Kind.DATE, "date", 0.95, round(share, 4), "dates finer than a year")
    elif cells.storage == "whole":
        share = cells.share(is_compact_date)
        if share >= 0.5 and cells.n_different > 1:
            detector = "date" if max(map(len, cells.texts)) <= 8 else "date-number"
            return Found(Kind.DATE, detector, 0.9, round(share, 4), "dates written as digits (yyyymmdd)")
    if named and cells.storage in ("whole", "decimal", "text") and key_evidence(cells.name) is Evidence.NONE:
        share = cells.share(lambda text: is_date_number(text) or is_date(text))
        if share >= 0.8 and not (cells.share(is_year) >= 0.5):
            return Found(
                Kind.DATE, "date-number", 0.9, round(share, 4), "dates as numbers (Excel, Unix time, yyyymmdd)"
            )
    if re.search(rf"{_PARTS}|{_MONTHS_OF_YEARS}", cells.spaced) and (share := cells.share(is_month_number)) >= 0.8:
        return Found(Kind.DATE, "date-number", 0.9, round(share, 4), "months as numbers (yyyymm)")
    if named and cells.storage == "text" and (share := cells.share(is_day_of_month)) >= 0.8:
        return Found(Kind.DATE, "date-part", 0.85, round(share, 4), "days and months")
    if (part := _date_part(cells)) is not None:
        return part
    if re.search(_BIRTH, cells.spaced) and cells.storage in ("whole", "decimal"):
        years = pd.to_numeric(pd.Series(cells.distinct), errors="coerce").to_numpy(np.float64)
        # The year 90 before is that of the group which treatment birth-year makes.
        old = (years < as_of.year - LAST_AGE - 1) & (years >= as_of.year - _OLDEST)
        if cells.share(is_year) >= 0.8 and old.any():
            share = round(float(cells.counts[old].sum() / cells.n_present), 4)
            return Found(Kind.DATE, "birth-year", 0.95, share, "years of birth of people over 89")
    return None


def _native_date(cells: ColumnCells) -> Found | None:
    moments = pd.DatetimeIndex(cells.distinct)
    fine = (moments.month != 1) | (moments.day != 1) | (moments != moments.normalize())
    if not fine.any():
        return None
    share = float(cells.counts[np.asarray(fine)].sum() / cells.n_present)
    return Found(Kind.DATE, "date", 0.95, round(share, 4), "dates finer than a year")


def _date_part(cells: ColumnCells) -> Found | None:
    """A month, week or day in a column of its own."""
    if re.search(_PARTS, cells.spaced) is None:
        return None
    if cells.storage == "whole":
        inside = bool((cells.numbers >= 0).all() and (cells.numbers <= 366).all())
        counted = re.search(r"\b(?:stay|length|duration|per|days|hours|in)\b", cells.spaced) is not None
        if not inside or counted or cells.n_different < 3:
            return None
        return Found(Kind.DATE, "date-part", 0.8, 1.0, "months, weeks or days")
    if cells.storage == "text" and (share := cells.share(lambda text: _WORD_PARTS.fullmatch(text) is not None)) >= 0.8:
        return Found(Kind.DATE, "date-part", 0.85, round(share, 4), "names of months or weekdays")
    return None


def _age(cells: ColumnCells, unit: str | None) -> Found | None:
    """Ages of 90 years and more."""
    if cells.storage in ("datetime", "boolean") or not tells(_AGES, re.sub(_OF_AGES, "", cells.spaced)):
        return None
    letter = next((_PER_UNIT[word] for word in (unit or "", *cells.spaced.split()) if word in _PER_UNIT), "y")
    if cells.storage == "text":
        rows = np.array([tells_old_age(str(text), unit=letter) for text in cells.distinct], bool)
    else:
        values = pd.to_numeric(pd.Series(cells.distinct), errors="coerce").to_numpy(np.float64)
        per_year = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25}[letter]
        rows = (values / per_year >= LAST_AGE + 1) & (values / per_year <= _OLDEST)
        if rows.any() and np.nanmax(values) == 90 and letter == "y":
            return None  # 90 and nothing above: the group of 90 and older
    if not rows.any():
        return None
    share = float(cells.counts[rows].sum() / cells.n_present)
    detector = "age-text" if cells.storage == "text" else "age"
    return Found(Kind.DATE, detector, 0.95, round(share, 4), "ages over 89")


_MEASURES = (
    r"\b(?:amount|amt|price|cost|costs|revenue|income|salary|wages?|balance|total|sum|population|weight|fnlwgt|"
    r"size|area|"
    r"distance|volume|charge|charges|payment|value|budget|sales|gdp|cents|usd|eur|bytes|count|gross|net|"
    r"expenses?|fee|fees)\b"
)


# --- unique codes --------------------------------------------------------------------------------------------------


def _unique(cells: ColumnCells) -> Found | None:
    """Codes that tell rows, people or things apart, and texts of which nearly every one is different."""
    if cells.storage in ("datetime", "boolean", "decimal") or not cells.texts:
        return None
    for detector in UNIQUE_CODES:
        if (sure := detector.confidence(cells)) is not None:
            return Found(detector.kind, detector.name, sure[0], round(sure[1], 4), detector.what)
    named = key_evidence(cells.name) is Evidence.STRONG and suggests_code(cells.name) is Evidence.NONE
    named = named and (cells.is_unique or not names_place_or_good(cells.name))
    repeats = cells.n_distinct <= 100 and cells.n_present >= 20 * cells.n_distinct
    if named and (cells.is_unique or is_person_key(cells.name) or not (repeats or cells.is_a_code)):
        return Found(Kind.OTHER, "key", 0.85, 1.0, "keys of people or things")
    if not cells.is_unique:
        return None
    share = round(cells.n_distinct / cells.n_present, 4)
    if cells.storage == "text":
        spaced = sum(text.count(" ") >= 3 for text in cells.texts) >= 0.5 * len(cells.texts)
        what = "free text, nearly every one different" if spaced else "codes or texts, nearly every one different"
        return Found(Kind.OTHER, "free-text" if spaced else "unique", 0.75, share, what)
    numbers = np.sort(pd.to_numeric(pd.Series(cells.distinct), errors="coerce").dropna().to_numpy(np.float64))
    if len(numbers) and numbers[-1] - numbers[0] + 1 == len(numbers) and cells.n_distinct == cells.n_present:
        years = numbers[0] >= 1800 and numbers[-1] <= 2100
        return None if years else Found(Kind.OTHER, "row-number", 0.8, share, "row numbers")
    if re.search(_MEASURES, cells.spaced):
        return None
    widths = {len(text.lstrip("-")) for text in cells.texts}
    if len(widths) == 1 and widths.pop() >= 6:
        return Found(Kind.OTHER, "unique", 0.7, share, "numbers of one width, nearly every one different")
    return None
