"""Numbers of integer and number columns: read from text or native cells.

Decisions
- pandas decides what is a number, Python rounds it: before version 3, pandas rounds the last bit otherwise.
- Whole numbers beyond 2**53 are read as such, since a float has no room for every one of them.
- In a text with decimal commas a point separates thousands, or is a slip. It is not ours to guess, so it is unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.columns import Integer, Number

Array = np.ndarray[Any, Any]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_INT64_MAX = 2**63 - 1
_FLOAT_WHOLE = 2**53  # above this a float skips whole numbers
_FLOAT_LIMIT = 2**62  # floats above this are no usable whole numbers


@dataclass(frozen=True)
class Numbers:
    """Numbers, with 0 where a cell is missing or invalid; invalid ones count as missing. All of shape (n_cells,)."""

    array: Array
    missing: Mask
    invalid: Mask


def read_native(raw: pd.Series, kind: str, column: Integer | Number) -> Numbers:
    """Native numbers, booleans and durations (in seconds); `kind` is numpy's letter for them."""
    if kind == "m":
        raw, kind = raw.dt.total_seconds(), "f"
    missing = raw.isna().to_numpy(bool)
    if isinstance(column, Integer) and kind in "iu":
        filled: Any = raw.fillna(0) if missing.any() else raw
        too_large = np.zeros(len(raw), bool)
        if kind == "u" and len(filled) and int(filled.max()) > _INT64_MAX:
            too_large = (filled > _INT64_MAX).to_numpy(bool)
            filled = filled.mask(too_large, 0)
        return _whole(filled.to_numpy(np.int64), missing, too_large, column)
    return _from_floats(raw.to_numpy(dtype=np.float64, na_value=np.nan), missing, column)


def read_texts(texts: Array, absent: Mask, native: Mask, column: Integer | Number) -> Numbers:
    """Distinct spellings; `absent` marks missing ones, `native` those that were no text in the table."""
    if isinstance(column, Number):
        if column.decimal_mark == ",":
            swapped = [
                text if own else text.replace(".", "?").replace(",", ".")
                for text, own in zip(texts, native, strict=True)
            ]
            texts = np.array(swapped, dtype=object)
        return _from_floats(floats(texts, absent), absent, column)
    filled, numbers = _by_pandas(texts, absent)
    if numbers.dtype.kind == "i":
        return _whole(numbers, absent, np.zeros(len(texts), bool), column)
    read = _from_floats(numbers.astype(np.float64), absent, column)
    for row in np.flatnonzero(~absent & (np.abs(numbers.astype(np.float64)) >= _FLOAT_WHOLE)):
        exact = int(filled[row]) if re.fullmatch("[+-]?0*[0-9]{1,19}", filled[row]) else None
        if exact is not None and -_INT64_MAX - 1 <= exact <= _INT64_MAX:
            read.array[row], read.missing[row], read.invalid[row] = exact, False, False
    return read


def floats(texts: Array, absent: Mask) -> Array:
    """Texts as floats; NaN where a text is no number."""
    filled, numbers = _by_pandas(texts, absent)
    result = numbers.astype(np.float64)
    finite = np.isfinite(result)
    result[finite] = filled[finite].astype(np.float64)
    return result


def _by_pandas(texts: Array, absent: Mask) -> tuple[Array, Array]:
    filled = np.where(absent, "0", texts).astype(object)
    series: Any = pd.Series(filled, dtype=object)
    return filled, np.asarray(pd.to_numeric(series, errors="coerce"))


def _from_floats(values: Array, missing: Mask, column: Integer | Number) -> Numbers:
    """Split floats into numbers, gaps and cells that are no number of this kind."""
    codes = _missing_codes(column)
    if codes:
        missing = missing | np.isin(values, codes)
    invalid = ~missing & ~np.isfinite(values)
    if isinstance(column, Integer):
        clean = np.where(np.isfinite(values), values, 0.0)
        invalid |= ~missing & ((clean != np.floor(clean)) | (np.abs(clean) > _FLOAT_LIMIT))
        return Numbers(np.where(missing | invalid, 0.0, clean).astype(np.int64), missing | invalid, invalid)
    return Numbers(np.where(missing | invalid, 0.0, values), missing | invalid, invalid)


def _whole(array: Array, missing: Mask, invalid: Mask, column: Integer) -> Numbers:
    codes = [int(code) for code in _missing_codes(column) if abs(code) < _FLOAT_LIMIT and code.is_integer()]
    if codes:
        missing = missing | np.isin(array, codes)
    gone = missing | invalid
    return Numbers(np.where(gone, 0, array), gone, invalid & ~missing)


def _missing_codes(column: Integer | Number) -> list[float]:
    """The spellings of "missing" that are numbers, such as -8 or 999."""
    codes = []
    for text in column.missing_values:
        try:
            codes.append(float(text.replace(",", ".")))
        except ValueError:
            continue
    return [code for code in codes if not np.isnan(code)]
