"""Recognise moments in text cells: their format or formats, zone and step.

Every cell is matched against the shapes of dates and times; the formats that remain possible for all cells of one
shape are kept. `03/04/2020` fits two of them, `25/04/2020` one, so one such cell decides for all cells of that shape.

Decisions
- Where no cell decides between day/month and month/day, nothing is guessed: the column is asked about. Dots are the
  exception (`03.04.2020`): there the day comes first by custom.
- Two-digit years and dates of bare digits count only under a name that speaks of a date.
- One fixed offset in whole hours becomes its zone (`Etc/GMT-2`), so that the clock stays; several become UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tabsynth.schema.column_names import suggests_compact_date, suggests_date
from tabsynth.schema.columns import DateTime, Resolution
from tabsynth.schema.infer_cells import Array, Cells, evenly_spaced

_PROBE = 50
_MOST_SHAPES = 12

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ABBREVIATED = frozenset(month[:3] for month in _MONTHS)

_TIME = re.compile(
    r"(?P<gap>T|t| +|, )(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_YEAR_FIRST = re.compile(r"(?P<a>\d{4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,2})")
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4}|\d{2})(?!\d)")
_DAY_NAME_YEAR = re.compile(
    r"(?P<day>\d{1,2})(?P<mark>[- ])(?P<month>[A-Za-z]{3,9})(?P<mark2>[- ]|, )(?P<year>\d{4}|\d{2})(?!\d)"
)
_NAME_DAY_YEAR = re.compile(r"(?P<month>[A-Za-z]{3,9}) (?P<day>\d{1,2})(?P<mark>,? )(?P<year>\d{4})")
_NAME_YEAR = re.compile(r"(?P<month>[A-Za-z]{3,9})(?P<mark>[- ])(?P<year>\d{4})")
_YEAR_MONTH = re.compile(r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{2})")
_MONTH_YEAR = re.compile(r"(?P<month>\d{2})(?P<mark>/)(?P<year>\d{4})")
_COMPACT = re.compile(r"(?P<year>1[89]\d\d|20\d\d)(?P<month>\d{2})(?P<day>\d{2})(?P<clock>\d{6})?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?")
_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}$")


@dataclass(frozen=True)
class Moments:
    """How the moments of a column are written."""

    format: str | tuple[str, ...] | None
    time_zone: str | None
    missing_values: tuple[str, ...]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotMoments:
    """Why a column is no column of moments, where somebody might think it is."""

    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """Formats that one cell allows; cells of equal `shape` are read alike."""

    shape: tuple[str, ...]
    formats: frozenset[str]
    zone: str | None
    iso: bool


def read_text_moments(cells: Cells) -> Moments | NotMoments:
    """Decide whether text cells (or whole numbers) are moments, and how they are written."""
    texts, counts = cells.distinct(words_are_gaps=True)
    if not len(texts):
        return NotMoments()
    dated, compact = suggests_date(cells.name), suggests_compact_date(cells.name)
    if any(_read(text, dated, compact) is None for text in evenly_spaced(texts, _PROBE)):
        return _mostly_moments(texts, dated, compact)
    shapes: dict[tuple[str, ...], tuple[frozenset[str], int]] = {}
    zones: set[str | None] = set()
    iso = True
    for text, count in zip(texts, counts.tolist(), strict=True):
        reading = _read(text, dated, compact)
        if reading is None:
            return _mostly_moments(texts, dated, compact)
        known, rows = shapes.get(reading.shape, (reading.formats, 0))
        shapes[reading.shape] = (known & reading.formats, rows + count)
        zones.add(reading.zone)
        iso &= reading.iso
    if len(shapes) > _MOST_SHAPES:
        return NotMoments()
    if iso and len(shapes) > 1:
        formats: str | tuple[str, ...] | None = None
    else:
        chosen = _choose(shapes)
        if isinstance(chosen, NotMoments):
            return chosen
        formats = chosen[0] if len(chosen) == 1 else chosen
    questions: tuple[str, ...] = ()
    if None in zones and len(zones) > 1:
        questions = (
            "Some moments have a UTC offset and some have none; those without are read as UTC. Is that right?",
        )
    return Moments(formats, _zone(zones), cells.missing_spellings(), questions)


def _mostly_moments(texts: Array, dated: bool, compact: bool) -> NotMoments:
    probe = evenly_spaced(texts, 10 * _PROBE)
    share = sum(_read(text, dated, compact) is not None for text in probe) / len(probe)
    if share < 0.5:
        clock = sum(_CLOCK.fullmatch(text) is not None for text in probe) / len(probe)
        return NotMoments(_TIMES_OF_DAY if clock >= 0.9 else ())
    return NotMoments((f"{share:.0%} of the different cells are moments, the others are not; rewrite or empty those.",))


def _choose(shapes: dict[tuple[str, ...], tuple[frozenset[str], int]]) -> tuple[str, ...] | NotMoments:
    """One format per shape, the commonest shape first; shapes that are certain decide for those that are not."""
    certain = set().union(*(orders for formats, _ in shapes.values() if len(orders := _orders(formats)) == 1))
    chosen: dict[str, int] = {}
    for formats, rows in shapes.values():
        orders = _orders(formats)
        if len(orders) > 1:
            orders = orders & certain or {order for order in orders if order.startswith("%d.")}
        if not formats or len(orders) != 1:
            return NotMoments(_MIXED_ORDER if not formats or len(certain) > 1 else _NO_ORDER)
        spelling = min(spelling for spelling in formats if spelling.replace("%B", "%b")[:_ORDER] in orders)
        chosen[spelling] = chosen.get(spelling, 0) + rows
    return tuple(sorted(chosen, key=lambda spelling: (-chosen[spelling], spelling)))


_TIMES_OF_DAY = (
    "These are times of day, which are not learned as such; write them as a number of minutes or seconds.",
)
_ORDER = len("%d/%m")
_MIXED_ORDER = (
    "Dates with the day first and dates with the month first occur side by side; rewrite them in one order.",
)
_NO_ORDER = (
    "These look like dates, but no cell shows whether day or month comes first; set type: datetime and format, such as "
    '"%d/%m/%Y" or "%m/%d/%Y".',
)


def _orders(formats: frozenset[str]) -> set[str]:
    """Beginnings of the formats, by which day first and month first differ (short and long month names do not)."""
    return {spelling.replace("%B", "%b")[:_ORDER] for spelling in formats}


def _zone(zones: set[str | None]) -> str | None:
    if zones == {None}:
        return None
    only = next(iter(zones)) if len(zones) == 1 else None
    if only and _OFFSET.match(only):
        digits = only.replace(":", "")
        hours = int(digits[:3])
        if digits.endswith("00") and hours and -12 <= hours <= 14:
            return f"Etc/GMT{-hours:+d}"  # POSIX counts westward
    return "UTC"


def _read(text: str, dated: bool, compact: bool) -> _Reading | None:
    """The formats that a cell allows, or None where it is no moment."""
    if not 6 <= len(text) <= 40 or not text.isascii():
        return None
    date = _read_date(text, dated, compact)
    if date is None:
        return None
    end, shape, formats, iso = date
    rest = text[end:]
    if not rest:
        return _Reading((*shape, ""), formats, None, iso)
    match = _TIME.fullmatch(rest)
    if match is None:
        return None
    half = match["half"]
    if int(match["hour"]) > (12 if half else 24) or int(match["minute"]) > 59:
        return None
    gap = match["gap"]
    clock = gap + ("%I:%M" if half else "%H:%M")
    if match["second"]:
        clock += ":%S" + (".%f" if match["fraction"] else "")
    if half:
        clock += " %p" if half.startswith(" ") else "%p"
    zone = match["zone"]
    if zone:
        bare = zone.strip()
        clock += (" " if zone.startswith(" ") else "") + ("%z" if _OFFSET.match(bare) else bare)
        zone = bare
    iso = iso and gap in ("T", " ") and not half and len(match["hour"]) == 2 and zone not in ("UTC", "GMT")
    iso = iso and not (zone and rest[-len(zone) - 1] == " ")
    return _Reading((*shape, clock), frozenset(spelling + clock for spelling in formats), zone, iso)


def _read_date(text: str, dated: bool, compact: bool) -> tuple[int, tuple[str, ...], frozenset[str], bool] | None:
    """End of the date part, its shape, possible formats, and whether it is written as ISO 8601 has it."""
    if match := _YEAR_FIRST.match(text):
        mark = match["mark"]
        if _in_range(match["c"], match["b"]):
            iso = mark == "-" and len(match["b"]) == len(match["c"]) == 2
            return match.end(), ("year first", mark), frozenset({f"%Y{mark}%m{mark}%d"}), iso
        return None
    if match := _YEAR_LAST.match(text):
        return _year_last(match, dated)
    if match := _DAY_NAME_YEAR.match(text):
        months = _month_codes(match["month"])
        if months and _in_range(match["day"], "1") and (dated or len(match["year"]) == 4):
            year = "%Y" if len(match["year"]) == 4 else "%y"
            mark, second = match["mark"], match["mark2"]
            formats = frozenset(f"%d{mark}{month}{second}{year}" for month in months)
            return match.end(), ("day name", mark, second, year, months[0]), formats, False
        return None
    if match := _NAME_DAY_YEAR.match(text):
        months = _month_codes(match["month"])
        if months and _in_range(match["day"], "1"):
            formats = frozenset(f"{month} %d{match['mark']}%Y" for month in months)
            return match.end(), ("name day", match["mark"], months[0]), formats, False
        return None
    return _read_whole_date(text, compact)


def _read_whole_date(text: str, compact: bool) -> tuple[int, tuple[str, ...], frozenset[str], bool] | None:
    """Dates that fill the cell: months of a year, and bare digits."""
    end = len(text)
    if (match := _NAME_YEAR.fullmatch(text)) and (months := _month_codes(match["month"])):
        formats = frozenset(f"{month}{match['mark']}%Y" for month in months)
        return end, ("name year", match["mark"], months[0]), formats, False
    if (match := _YEAR_MONTH.fullmatch(text)) and _in_range("1", match["month"]):
        return end, ("year month", match["mark"]), frozenset({f"%Y{match['mark']}%m"}), False
    if (match := _MONTH_YEAR.fullmatch(text)) and _in_range("1", match["month"]):
        return end, ("month year",), frozenset({"%m/%Y"}), False
    if compact and (match := _COMPACT.fullmatch(text)) and _in_range(match["day"], match["month"]):
        spelling = "%Y%m%d%H%M%S" if match["clock"] else "%Y%m%d"
        return end, ("compact", spelling), frozenset({spelling}), False
    return None


def _year_last(match: re.Match[str], dated: bool) -> tuple[int, tuple[str, ...], frozenset[str], bool] | None:
    first, second, mark = match["a"], match["b"], match["mark"]
    year = "%Y" if len(match["c"]) == 4 else "%y"
    if year == "%y" and not dated:
        return None
    formats = set()
    if _in_range(first, second):
        formats.add(f"%d{mark}%m{mark}{year}")
    if _in_range(second, first):
        formats.add(f"%m{mark}%d{mark}{year}")
    if not formats:
        return None
    return match.end(), ("year last", mark, year), frozenset(formats), False


def _in_range(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _month_codes(word: str) -> tuple[str, ...]:
    """Format codes under which the word is a month; "May" is short and long."""
    lower = word.lower()
    codes = []
    if lower in _ABBREVIATED:
        codes.append("%b")
    if lower in _MONTHS:
        codes.append("%B")
    return tuple(codes)


_STEPS: tuple[tuple[Resolution, int], ...] = (
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("millisecond", 1_000),
)


def resolution_of(micros: Array) -> Resolution:
    """Coarsest step on which all moments lie.

    Args:
        micros: Microseconds since 1970, shape (n,).
    """
    distinct = np.unique(micros)
    step: Resolution = next((name for name, size in _STEPS if not np.any(distinct % size)), "microsecond")
    if step != "day" or not len(distinct):
        return step
    days = distinct.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    if np.any(days != months.astype("datetime64[D]")):
        return "day"
    years = months.astype("datetime64[Y]")
    return "month" if np.any(months != years.astype("datetime64[M]")) else "year"


def iso_text(micros: int, column: DateTime) -> str:
    """A moment as a schema writes it: a date where the step is a day or more, an offset where the column has a zone."""
    moment = np.datetime64(micros, "us")
    if column.resolution in ("year", "month", "day") and column.time_zone is None:
        return str(moment.astype("datetime64[D]"))
    text = str(moment.astype("datetime64[s]")) if micros % 1_000_000 == 0 else str(moment)
    return f"{text}+00:00" if column.time_zone is not None else text
