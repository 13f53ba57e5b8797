"""The cells of one column, counted by distinct spelling: what every rule of `infer` looks at.

Texts are those that `parse_column` would read, so that what is inferred is what will be parsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import DataError
from tabsynth.schema.values import category_text

Array = np.ndarray[Any, Any]

_WORDS = (
    "?|na|n/a|#n/a|n.a.|n.a|<na>|nan|nat|null|none|nil|-|--|---|.|..|missing|unknown|undefined|not available|"
    "not applicable|not known|no data|#null!|#value!|#ref!|#div/0!"
)
MISSING_WORDS = frozenset(_WORDS.split("|"))
"""Spellings of a gap, in lower case. They count as gaps in columns of numbers, moments and yes/no answers only: among
names they may be a category in their own right."""

FEW_CATEGORIES = 20
"""Different values up to which a column is a short list."""


def is_gap(text: str) -> bool:
    """Whether a text without blanks around it is a well-known spelling of a gap. `Nat` is a name, `NaT` is not."""
    return text.casefold() in MISSING_WORDS and text != "Nat"


@dataclass(frozen=True)
class Cells:
    """Cells of one column."""

    name: str
    raw: pd.Series  # (n_rows,)
    uniques: Array  # (n_distinct,), distinct present cells as they came
    counts: Array  # (n_distinct,), rows of each

    @classmethod
    def of(cls, raw: pd.Series, name: str) -> Cells:
        """Count the cells of a column.

        Raises:
            DataError: The column holds bytes, lists, dictionaries or other values that are no single number or text.
        """
        if isinstance(raw.dtype, pd.SparseDtype):
            raw = raw.astype(raw.dtype.subtype)
        plain = raw.astype(object) if isinstance(raw.dtype, pd.CategoricalDtype) else raw
        try:
            codes, uniques = pd.factorize(plain, use_na_sentinel=True)
        except TypeError:
            raise _nested(name) from None
        if uniques.dtype == object and any(isinstance(value, bytes) for value in uniques):
            raise _nested(name)
        counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
        return cls(
            name, raw, np.asarray(uniques, dtype=object) if plain.dtype == object else np.asarray(uniques), counts
        )

    @cached_property
    def native_kind(self) -> str:
        """Storage: i integer, f real, b boolean, M moment, m duration, O anything that is read as text."""
        dtype = self.raw.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            dtype = dtype.categories.dtype
        if isinstance(dtype, pd.ArrowDtype):
            arrow = str(dtype.pyarrow_dtype)
            if arrow.startswith("decimal"):
                return "f"
            if arrow.startswith(("date", "time32", "time64")):
                return "O"
        kind = getattr(dtype, "kind", "O")
        return {"u": "i"}.get(kind, kind if kind in "ifbMm" else "O")

    @cached_property
    def texts(self) -> Array:
        """Distinct cells as text, verbatim; empty ones left out. Shape (n_texts,), objects."""
        return self._spelled[0]

    @cached_property
    def text_counts(self) -> Array:
        """Rows of each of `texts`, shape (n_texts,)."""
        return self._spelled[1]

    @cached_property
    def stripped(self) -> Array:
        """`texts` without blanks around them, shape (n_texts,), objects; blank cells are empty here."""
        return np.array([text.strip() for text in self.texts], dtype=object)

    @cached_property
    def _spelled(self) -> tuple[Array, Array]:
        totals: dict[str, int] = {}
        for value, count in zip(self.uniques, self.counts.tolist(), strict=True):
            text = category_text(value)
            if text:
                totals[text] = totals.get(text, 0) + count
        return np.array(list(totals), dtype=object), np.array(list(totals.values()), dtype=np.int64)

    @cached_property
    def blank_spellings(self) -> tuple[str, ...]:
        """Cells of nothing but blanks, as spelled."""
        return tuple(sorted(text for text, stripped in zip(self.texts, self.stripped, strict=True) if not stripped))

    def missing_spellings(self, *, extra: Iterable[str] = ()) -> tuple[str, ...]:
        """Spellings of a gap among the cells: blanks, the well-known words, and `extra`."""
        further = set(extra)
        known = {text for text in self.stripped if is_gap(text) or text in further}
        return (*self.blank_spellings, *sorted(known - {""}))

    def distinct(self, *, words_are_gaps: bool) -> tuple[Array, Array]:
        """Distinct present texts without blanks around them, and the rows of each.

        Args:
            words_are_gaps: Whether the well-known spellings of a gap are left out.
        """
        totals: dict[str, int] = {}
        for text, count in zip(self.stripped, self.text_counts.tolist(), strict=True):
            if text and not (words_are_gaps and is_gap(text)):
                totals[text] = totals.get(text, 0) + count
        return np.array(list(totals), dtype=object), np.array(list(totals.values()), dtype=np.int64)

    @cached_property
    def value_counts(self) -> Array:
        """Rows of each different value, well-known spellings of a gap left out. Shape (n_values,)."""
        return self.distinct(words_are_gaps=True)[1] if self.native_kind == "O" else self.counts

    @property
    def n_present(self) -> int:
        """Rows with a cell that is not null, blank ones included."""
        return int(self.counts.sum())


def _nested(name: str) -> DataError:
    return DataError(
        f"column {name!r}: holds bytes or nested values (lists, dictionaries); spread them over columns, write them as "
        "text, or leave the column out"
    )


def _plain(uniques: Any) -> Array:
    """Distinct cells as a numpy array: whole and real numbers as such, everything else as objects."""
    dtype = uniques.dtype
    if pd.api.types.is_integer_dtype(dtype):
        return np.asarray(uniques, dtype=np.uint64 if dtype.kind == "u" else np.int64)
    if pd.api.types.is_float_dtype(dtype):
        return np.asarray(uniques, dtype=np.float64)
    return np.asarray(uniques, dtype=object)


def common_share(counts: Array, k: int) -> float:
    """Share of the rows whose value stands on at least k rows."""
    total = int(counts.sum())
    return float(counts[counts >= k].sum()) / total if total else 0.0


def few_and_repeated(counts: Array) -> bool:
    """Whether there are up to 20 values, on three rows each or more."""
    return len(counts) <= FEW_CATEGORIES and int(counts.sum()) >= 3 * len(counts)


def evenly_spaced(items: Array, size: int) -> Array:
    """At most `size` items, evenly spaced: a probe that is the same on every run."""
    if len(items) <= size:
        return items
    return items[np.linspace(0, len(items) - 1, size).astype(np.int64)]
