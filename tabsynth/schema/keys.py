"""Keys of one or several columns as whole numbers, so that rows and tables can be compared by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.values import Values, category_text

Codes = np.ndarray[Any, np.dtype[np.int64]]


def key_codes(sides: Sequence[Sequence[Values]]) -> list[Codes]:
    """Keys as whole numbers, equal where the keys are equal on any side; -1 where a part is missing."""
    lengths = [len(side[0]) for side in sides]
    codes = np.zeros(sum(lengths), np.int64)
    missing = np.zeros(sum(lengths), bool)
    for parts in zip(*sides, strict=True):
        kinds = {part.array.dtype for part in parts}
        arrays = [part.array if len(kinds) == 1 else _as_texts(part.array) for part in parts]
        own, uniques = pd.factorize(np.concatenate(arrays))
        codes, _ = pd.factorize(codes * np.int64(len(uniques) + 1) + own)
        missing |= np.concatenate([part.missing for part in parts])
    codes = np.where(missing, -1, codes)
    return np.split(codes, np.cumsum(lengths)[:-1])


def _as_texts(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.array([category_text(value) for value in array.tolist()], dtype=object)


def repeats(codes: Codes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which keys an earlier row has too; missing ones repeat nothing."""
    return np.asarray(pd.Series(codes).duplicated().to_numpy() & (codes >= 0))
