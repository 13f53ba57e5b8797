"""The public shape of a private table: which codes every column can have, whatever its cells are.

A `Domain` is a function of the schema, of public parameters and of what was already released (discovered categories,
bounds and cuts), never of the data. It maps every cell there can be to a code, cell by cell: what one row holds never
changes the code of another.

    categorical, ordinal, boolean   one code per declared category
    integer, number, datetime       one code per value where there are few, else bins between the bounds (`bins.py`)
    nullable column                 one more code, the last one, for a missing cell
    identifier, text                never read; every synthetic row gets an invented one

Decisions
- What the schema does not declare is refused with the remedy, or paid for; it is never read for free. Categories and
  bounds that `infer` marked `data` count as not declared.
- A cell that the domain has no code for becomes `rare_label` where the schema has one, else a missing cell, else the
  first code; a number outside the bounds becomes the bound. Silently, since that a cell does not fit is a fact about
  somebody.
- The missing slot is there wherever a column is nullable, and nowhere else, whether or not any cell is missing.
- A synthetic identifier or text is always there, also in a nullable column: how often it is missing would have to be
  measured, and says little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.dp.bins import BinCodes, Numeric, make_bins
from tabsynth.dp.counting import smallest_type
from tabsynth.encoding.continuous import declared_bounds
from tabsynth.encoding.discrete import DiscreteEncoder
from tabsynth.encoding.table import Encoder, TableEncoder
from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.columns import Boolean, Categorical, Column, Identifier, Ordinal, Text
from tabsynth.schema.values import TypedTable, Values, category_text

Array = np.ndarray[Any, Any]


UNFOUND_LABEL = "other"
"""Category of cells that discovery did not find, where the schema has no `rare_label`."""


@dataclass(frozen=True)
class Found:
    """What a release before has said about one column that the schema leaves open."""

    categories: tuple[str, ...] | None = None
    lower: float | None = None
    """On the scale of the encoder: numbers as they are, datetimes in steps of their resolution."""
    upper: float | None = None
    cuts: tuple[float, ...] | None = None
    """Inner edges of bins, rising, on the same scale."""

    def bounds_of(self, column: Numeric) -> tuple[float, float]:
        """Bounds that the schema declares, else those that were found; there must be either.

        A found bound on the wrong side of a declared one gives way to it.
        """
        declared = declared_bounds(column)
        lower, upper = (
            found if bound is None else bound for bound, found in zip(declared, (self.lower, self.upper), strict=True)
        )
        assert lower is not None and upper is not None
        if lower > upper:
            return (upper, upper) if declared[0] is None else (lower, lower)
        return lower, upper


@dataclass(frozen=True)
class DiscreteCodes:
    """Codes of a column of categories."""

    column: Categorical | Ordinal | Boolean
    labels: tuple[str, ...]
    other: int | None
    """Code of categories that are not listed, where the schema has a `rare_label` for them."""

    @property
    def nullable(self) -> bool:
        """Whether the last code stands for a missing cell."""
        return self.column.nullable

    @property
    def n_values(self) -> int:
        """Codes of cells that are there."""
        return len(self.labels)

    @property
    def size(self) -> int:
        """All codes."""
        return self.n_values + self.nullable

    def encode(self, values: Values) -> Array:
        """Codes of cells, shape (n_rows,)."""
        outside = self.other if self.other is not None else self.n_values if self.nullable else 0
        missing = self.n_values if self.nullable else 0
        if isinstance(self.column, Boolean):
            return np.where(values.missing, missing, values.array.astype(np.int64))
        code_of = {label: code for code, label in enumerate(self.labels)}
        places, texts = pd.factorize(values.array)
        known = np.array([code_of.get(text, outside) for text in texts], np.int64)
        codes = known[places] if len(known) else np.zeros(len(values), np.int64)
        return np.where(values.missing, missing, codes)

    def encoder(self) -> DiscreteEncoder:
        """The same codes in the form that models decode with."""
        shares = np.full(self.n_values, 1 / self.n_values)
        return DiscreteEncoder(
            self.labels, shares, ordered=not isinstance(self.column, Categorical), pooled=False, rare_label=None
        )

    def described(self, code: int) -> str:
        """A code in words."""
        return "missing" if code == self.n_values else self.labels[code]


@dataclass(frozen=True)
class NoCodes:
    """A column that is never read: an identifier or free text."""

    column: Identifier | Text

    def encoder(self) -> Encoder:
        """What decodes the column: a cell that is there, to be invented."""
        from tabsynth.encoding.table import _Presence

        return _Presence(always_missing=False)


Codes = DiscreteCodes | BinCodes


@dataclass(frozen=True)
class Domain:
    """Codes of all columns that are read, and the names of those that are not."""

    columns: Mapping[str, Column]
    codes: Mapping[str, Codes]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of codes of each column that is read, in order."""
        return {name: codes.size for name, codes in self.codes.items()}

    def encode(self, typed: TypedTable) -> dict[str, Array]:
        """Codes of typed rows in the smallest type that holds them; each of shape (n_rows,)."""
        return {
            name: codes.encode(typed.columns[name]).astype(smallest_type(codes.size))
            for name, codes in self.codes.items()
        }

    def encoder(self) -> TableEncoder:
        """What turns codes and numbers into typed rows."""
        return TableEncoder(
            dict(self.columns),
            {
                name: self.codes[name].encoder() if name in self.codes else NoCodes(column).encoder()  # type: ignore[arg-type]
                for name, column in self.columns.items()
            },
        )

    def values(self, name: str, codes: Array, *, rng: np.random.Generator) -> Array:
        """Encoded cells as a generator gives them: int32 codes with -1 for missing, or float64 with NaN.

        Args:
            name: A column that is read.
            codes: Codes of this domain, shape (n_rows,).
            rng: Places numbers inside their bins.
        """
        column = self.codes[name]
        missing = codes >= column.n_values
        if isinstance(column, DiscreteCodes):
            return np.where(missing, -1, codes.astype(np.int32))
        inside = np.minimum(codes, column.n_values - 1)
        low, high = column.edges[inside], column.uppers[inside]
        return np.where(missing, np.nan, low + rng.random(len(codes)) * (high - low))


def build_domain(
    columns: Mapping[str, Column],
    *,
    bins: int,
    cuts: Mapping[str, Sequence[float | str]] | None = None,
    found: Mapping[str, Found] | None = None,
) -> Domain:
    """The domain of the columns to model.

    Args:
        columns: Declared columns, by name, in order.
        bins: Bins of a numeric column with more values than that.
        cuts: Inner edges of bins that are public, by column, in the column's own unit (ISO 8601 for datetimes).
        found: What was released before about columns that the schema leaves open.

    Raises:
        SchemaError: A column has no declared categories or bounds; every such column is named with its remedy.
        UsageError: `cuts` names no numeric column, or is not rising inside the bounds.
    """
    cuts, found = cuts or {}, found or {}
    if unknown := sorted(name for name in cuts if not isinstance(columns.get(name), Numeric)):
        raise UsageError(f"cuts: {', '.join(unknown)}: is no numeric column that is modelled")
    if problems := [
        f"{name}: {problem}" for name, column in columns.items() if (problem := open_question(column, found.get(name)))
    ]:
        raise SchemaError(
            "nothing may be read from the data for free, so the schema has to say:\n- " + "\n- ".join(problems)
        )
    codes: dict[str, Codes] = {}
    for name, column in columns.items():
        known = found.get(name, Found())
        if isinstance(column, Categorical | Ordinal | Boolean):
            codes[name] = _discrete(column, known)
        elif isinstance(column, Numeric):
            lower, upper = known.bounds_of(column)
            codes[name] = make_bins(name, column, lower, upper, bins=bins, found=known.cuts, cuts=cuts.get(name))
    if not codes:
        raise SchemaError("every column is an identifier or text, which are never learned; there is nothing to measure")
    return Domain(dict(columns), codes)


def open_question(column: Column, found: Found | None) -> str | None:
    """What the schema leaves open about a column, and what to do about it; None where nothing is."""
    found = found or Found()
    if isinstance(column, Categorical) and not (column.categories and column.is_rule("categories")):
        if found.categories is not None:
            return None
        seen = " were read from data and are not public" if column.categories else " are not declared"
        return (
            f"categories{seen}; list all that are possible (and delete their provenance line), or pay for finding them "
            "with discover=true"
        )
    if isinstance(column, Ordinal) and not column.is_rule("categories"):
        return "categories were read from data; delete their provenance line if all that are possible are listed"
    if isinstance(column, Numeric):
        lower, upper = declared_bounds(column)
        missing = [
            side
            for side, bound, other in (("lower", lower, found.lower), ("upper", upper, found.upper))
            if bound is None and other is None
        ]
        if missing:
            from_data = any(getattr(column, side) is not None for side in missing)
            source = " were read from data" if from_data else " are not declared"
            return (
                f"{' and '.join(missing)}{source}; declare bounds that hold for anybody, not only for these rows, or "
                "pay for finding them with discover=true"
            )
    return None


def needs_discovery(columns: Mapping[str, Column]) -> list[str]:
    """Columns whose categories or bounds the schema leaves open and that can be discovered, in order."""
    return [
        name
        for name, column in columns.items()
        if not isinstance(column, Ordinal) and open_question(column, None) is not None
    ]


def _discrete(column: Categorical | Ordinal | Boolean, found: Found) -> DiscreteCodes:
    if isinstance(column, Boolean):
        return DiscreteCodes(column, ("false", "true"), None)
    declared = column.categories if column.categories and column.is_rule("categories") else None
    labels = tuple(category_text(item) for item in declared) if declared else found.categories or ()
    rare = column.rare_label if isinstance(column, Categorical) else None
    if rare is None and declared is None:
        rare = UNFOUND_LABEL  # what was not discovered still has to go somewhere
    if rare is not None and rare not in labels:
        labels = (*labels, rare)
    return DiscreteCodes(column, labels, None if rare is None else labels.index(rare))
