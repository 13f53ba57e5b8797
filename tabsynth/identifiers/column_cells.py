"""A column as the detectors see it: its name in words, how its cells are stored, and a sample of them as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabsynth.schema.column_names import words
from tabsynth.schema.infer_cells import is_gap
from tabsynth.schema.values import category_text

PROBE = 2_000
"""Cells whose form is looked at, evenly spaced over the present ones."""
_FEW = 20

Storage = Literal["text", "whole", "decimal", "datetime", "boolean"]
"""How cells are: text, whole numbers (also as text or floats), other numbers, native datetimes, truth values."""


@dataclass(frozen=True)
class ColumnCells:
    """A column of a table, read once for all detectors."""

    name: str
    spaced: str
    """Words of the name, joined by blanks."""
    storage: Storage
    texts: tuple[str, ...]
    """Up to `PROBE` present cells as text, evenly spaced."""
    distinct: Any
    """All distinct present cells as an object array, (n_distinct,): text for `text`, native values otherwise."""
    counts: Any
    """Rows of each of them, (n_distinct,)."""

    @classmethod
    def of(cls, name: str, cells: pd.Series) -> ColumnCells:
        """Read a column.

        Args:
            name: Its name.
            cells: Its cells, text or native, gaps included. Shape (n_rows,).
        """
        spaced = " ".join(words(name))
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype(cells.cat.categories.dtype)
        codes, distinct = pd.factorize(cells, use_na_sentinel=True)
        counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
        kind = cells.dtype.kind
        if kind in "mM":
            return cls(name, spaced, "datetime" if kind == "M" else "decimal", (), distinct, counts)
        if kind == "b":
            return cls(name, spaced, "boolean", (), distinct, counts)
        sample = _spread(codes[codes >= 0])
        texts = tuple(category_text(distinct[code]).strip() for code in sample)
        texts = tuple(text for text in texts if text and not is_gap(text))
        storage = _storage(texts, kind)
        if storage == "whole":
            texts = tuple(text.removesuffix(".0") for text in texts)
        return cls(name, spaced, storage, texts, distinct, counts)

    @property
    def n_present(self) -> int:
        """Cells that are not empty."""
        return int(self.counts.sum())

    @property
    def n_distinct(self) -> int:
        """Different values among them."""
        return len(self.distinct)

    @cached_property
    def n_different(self) -> int:
        """Different values in the sample."""
        return len(set(self.texts))

    @property
    def is_a_code(self) -> bool:
        """Whether so few values share the cells that they are names of categories, not of single people or things."""
        return self.n_different <= _FEW and self.n_different < 0.5 * len(self.texts)

    @property
    def is_unique(self) -> bool:
        """Whether nearly every row has a value of its own."""
        return self.n_present >= _FEW and self.n_distinct >= 0.95 * self.n_present

    def share(self, fits: Callable[[str], bool]) -> float:
        """Part of the sample that passes a test, 0 to 1."""
        return sum(map(fits, self.texts)) / len(self.texts) if self.texts else 0.0

    @cached_property
    def numbers(self) -> Any:
        """The sample as numbers, NaN where a text is none; (n_texts,)."""
        return pd.to_numeric(pd.Series(self.texts, dtype=object), errors="coerce").to_numpy(np.float64)


def _spread(codes: Any) -> Any:
    if len(codes) <= PROBE:
        return codes
    return codes[np.linspace(0, len(codes) - 1, PROBE).astype(np.int64)]


def _storage(texts: tuple[str, ...], kind: str) -> Storage:
    if not texts:
        return "text"
    whole = sum(text.lstrip("-").isdigit() for text in texts) / len(texts)
    if whole >= (0.98 if kind == "O" else 1.0):
        return "whole"
    if kind in "iufc":
        return "decimal"
    numeric = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna().mean()
    if numeric < 0.98:
        return "text"
    whole = sum(text.lstrip("-").removesuffix(".0").isdigit() for text in texts) / len(texts)
    return "whole" if whole >= 0.98 else "decimal"
