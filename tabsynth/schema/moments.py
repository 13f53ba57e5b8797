"""Points in time as microseconds since 1970: read from text or native cells, written back as text.

Decisions
- pandas reads what it can; Python's `datetime` reads the rest, years before 1678 above all.
- pandas takes the words "now" and "today" for dates in every format, so only texts with a digit reach it; an ISO text
  must begin with a four-digit year, so that a stray "5" is not the year 5.
- Zones come from `zoneinfo` whatever pandas would use, so that old local times do not depend on the pandas version.
- An hour that the clock shows twice is read as its second pass; a time that the clock skips is moved forward.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

Micros = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

ISO = "ISO8601"

_EPOCH = datetime(1970, 1, 1)
_FIRST = -62_135_596_800_000_000  # 0001-01-01
_LAST = 253_402_300_799_999_999  # 9999-12-31
FIRST_SECOND, LAST_SECOND = _FIRST, _LAST - 999_999
"""The first and the last whole second that Python's clocks know."""
_PANDAS_REACH = 9_200_000_000_000_000  # microseconds either side of 1970 that pandas' nanoseconds can count
_SHORT_ISO = ("%Y-%m-%d", "%Y-%m", "%Y")


def to_micros(moment: str, time_zone: str | None) -> int:
    """An ISO 8601 text as microseconds since 1970, in the clock of a column with `time_zone`."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is not None:
        return _count(parsed)
    micros = _count(parsed)
    return micros if time_zone is None else int(to_utc(np.array([micros]), time_zone)[0])


def to_utc(local: Micros, time_zone: str) -> Micros:
    """Wall-clock microseconds in `time_zone` as microseconds in UTC."""
    zone = ZoneInfo(time_zone)
    near = np.abs(local) < _PANDAS_REACH
    result = np.empty(len(local), np.int64)
    stamps = pd.Series(local[near].astype("datetime64[us]"))
    aware = stamps.dt.tz_localize(zone, ambiguous=np.zeros(len(stamps), bool), nonexistent="shift_forward")
    result[near] = _stamps(aware.dt.tz_convert("UTC").dt.tz_localize(None))
    for row in np.flatnonzero(~near):
        offset = _moment(int(local[row])).replace(tzinfo=zone).utcoffset()
        result[row] = local[row] - _length(offset)
    return result


def to_local(utc: Micros, time_zone: str) -> Micros:
    """Microseconds in UTC as wall-clock microseconds in `time_zone`."""
    zone = ZoneInfo(time_zone)
    near = np.abs(utc) < _PANDAS_REACH
    result = np.empty(len(utc), np.int64)
    stamps = pd.Series(utc[near].astype("datetime64[us]")).dt.tz_localize("UTC")
    result[near] = _stamps(stamps.dt.tz_convert(zone).dt.tz_localize(None))
    for row in np.flatnonzero(~near):
        offset = _moment(int(utc[row])).replace(tzinfo=zone).utcoffset()
        result[row] = utc[row] + _length(offset)
    return result


def read_native(raw: pd.Series, time_zone: str | None) -> tuple[Micros, Mask]:
    """Native datetime cells as (microseconds, missing); cells without a zone are taken as local to `time_zone`."""
    missing = raw.isna().to_numpy(bool)
    if raw.dt.tz is not None:
        raw = raw.dt.tz_convert("UTC").dt.tz_localize(None)
        time_zone = None
    micros = np.where(missing, 0, _stamps(raw))
    if time_zone is not None:
        micros[~missing] = to_utc(micros[~missing], time_zone)
    return micros, missing


def read_texts(texts: np.ndarray[Any, Any], formats: Sequence[str], time_zone: str | None) -> tuple[Micros, Mask]:
    """Texts as (microseconds, found); the first of `formats` that reads a text wins.

    Args:
        texts: Distinct spellings, object array of str. Shape (n_texts,).
        formats: strptime formats, or `ISO`.
        time_zone: Zone of texts that state no offset; None leaves them as they stand.
    """
    micros = np.zeros(len(texts), np.int64)
    found = np.zeros(len(texts), bool)
    for spelling in formats:
        rows = np.flatnonzero(~found & _plausible(texts, spelling))
        if len(rows):
            parsed, read = _read_format(texts[rows], spelling, time_zone)
            micros[rows[read]] = parsed[read]
            found[rows[read]] = True
    return micros, found


def write_texts(micros: Micros, spelling: str, time_zone: str | None) -> np.ndarray[Any, Any]:
    """Microseconds (UTC where there is a zone) as texts in the strptime format `spelling`."""
    if time_zone is None and re.search("%[zZ]", spelling) is not None:
        time_zone = "UTC"  # what texts with an offset are read as
    zone = None if time_zone is None else ZoneInfo(time_zone)
    local = micros if time_zone is None else to_local(micros, time_zone)
    with_offset = zone is not None and re.search("%[zZ]", spelling) is not None
    texts = np.empty(len(micros), dtype=object)
    for row, (wall, utc) in enumerate(zip(local.tolist(), micros.tolist(), strict=True)):
        moment = _moment(wall)
        if with_offset:
            # The offset is the one in force at the UTC moment, which tells the two passes of a repeated hour apart.
            moment = moment.replace(
                tzinfo=zone, fold=int(wall != utc + _length(moment.replace(tzinfo=zone).utcoffset()))
            )
        texts[row] = moment.strftime(_with_four_digit_year(spelling, moment.year))
    return texts


def _plausible(texts: np.ndarray[Any, Any], spelling: str) -> Mask:
    if spelling == ISO:
        return np.array([text[:4].isdecimal() and text[:4].isascii() and len(text) >= 4 for text in texts], dtype=bool)
    return np.array([any(sign.isdigit() for sign in text) for text in texts], dtype=bool)


def _read_format(texts: np.ndarray[Any, Any], spelling: str, time_zone: str | None) -> tuple[Micros, Mask]:
    micros, found = _read_by_pandas(texts, spelling)
    for row in np.flatnonzero(~found):
        moment = _read_by_python(texts[row], spelling)
        if moment is not None:
            micros[row], found[row] = _count(moment), True
    if time_zone is not None:
        local = found & np.array([_has_no_offset(text, spelling) for text in texts], dtype=bool)
        micros[local] = to_utc(micros[local], time_zone)
    return micros, found


def _read_by_pandas(texts: np.ndarray[Any, Any], spelling: str) -> tuple[Micros, Mask]:
    try:
        read = pd.to_datetime(pd.Series(texts, dtype=object), format=spelling, errors="coerce", utc=True)
    except (ValueError, NotImplementedError):  # a directive that only Python knows
        return np.zeros(len(texts), np.int64), np.zeros(len(texts), bool)
    found = read.notna().to_numpy(bool, copy=True)
    micros = np.where(found, _stamps(read.dt.tz_localize(None)), 0)
    found &= (micros >= _FIRST) & (micros <= _LAST)
    return np.where(found, micros, 0), found


def _read_by_python(text: str, spelling: str) -> datetime | None:
    if spelling != ISO:
        return _strptime(text, spelling)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return next((read for short in _SHORT_ISO if (read := _strptime(text, short)) is not None), None)


def _strptime(text: str, spelling: str) -> datetime | None:
    try:
        return datetime.strptime(text, spelling)
    except ValueError:
        return None


def _has_no_offset(text: str, spelling: str) -> bool:
    if spelling != ISO:
        return "%z" not in spelling and "%Z" not in spelling
    clock = text[10:]
    return not ("+" in clock or "-" in clock or clock.upper().endswith("Z"))


def _with_four_digit_year(spelling: str, year: int) -> str:
    """`strftime` leaves early years unpadded on some platforms, and `strptime` then refuses them."""
    if year >= 1000:
        return spelling
    return re.sub("%(.)", lambda match: f"{year:04d}" if match[1] == "Y" else match[0], spelling)


def _stamps(series: pd.Series) -> Micros:
    return np.asarray(series.to_numpy("datetime64[us]", na_value=np.datetime64("NaT", "us")).astype(np.int64))


def _count(moment: datetime) -> int:
    naive = moment.replace(tzinfo=None)
    return _length(naive - _EPOCH) - (_length(moment.utcoffset()) if moment.tzinfo else 0)


def _length(delta: timedelta | None) -> int:
    return 0 if delta is None else (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(micros, _FIRST), _LAST))
