"""The public shape of a private table: which codes every column can have, whatever its cells are.

A `Domain` is a function of the schema, of public parameters and of what was already released (discovered categories,
bounds and cuts), never of the data. It maps every cell there can be to a code, cell by cell: what one row holds never
changes the code of another.

    categorical, ordinal, boolean   one code per declared category
    integer, number, datetime       one code per value where there are few, else equal bins between the declared bounds,
                                    and one code for 0 where it lies between them
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
- Inside a bin, values are spread evenly over the steps of the column. Nothing finer was measured. What many cells share
  would be lost that way, and no bin says which value that is; that it is often 0 is known without data. Where nobody
  has named the edges, 0 has a bin of its own: without it, none of the zeros came back that Adult's capital gains are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.dp.counting import smallest_type
from tabsynth.encoding.continuous import ContinuousEncoder, as_number
from tabsynth.encoding.datetime import step_bounds, to_steps
from tabsynth.encoding.discrete import DiscreteEncoder
from tabsynth.encoding.marginal import Marginal
from tabsynth.encoding.table import Encoder, TableEncoder
from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.values import TypedTable, Values, category_text

Array = np.ndarray[Any, Any]
Numeric = Integer | Number | DateTime

SMALLEST = float(np.finfo(np.float64).tiny)
"""Width of a bin that holds one value of a column without steps; smaller numbers, some processors take for 0."""
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
class BinCodes:
    """Codes of a numeric column: bins between its bounds."""

    column: Numeric
    edges: (
        Array  # (n_values + 1,), rising, on the scale of the encoder; half a step beside values where there are steps
    )
    step: float | None

    @property
    def nullable(self) -> bool:
        """Whether the last code stands for a missing cell."""
        return self.column.nullable

    @property
    def n_values(self) -> int:
        """Codes of cells that are there."""
        return len(self.edges) - 1

    @property
    def uppers(self) -> Array:
        """Where the values of each bin end, (n_values,); where they begin if the bin holds a single one."""
        lowers, uppers = self.edges[:-1], self.edges[1:]
        return np.where(uppers - lowers <= SMALLEST, lowers, uppers)

    @property
    def size(self) -> int:
        """All codes."""
        return self.n_values + self.nullable

    def encode(self, values: Values) -> Array:
        """Codes of cells, shape (n_rows,); values outside the bounds count as the nearest bound."""
        if isinstance(self.column, DateTime):
            numbers = to_steps(values.array, self.column)
        else:
            numbers = values.array.astype(np.float64)
        codes = np.searchsorted(self.edges[1:-1], numbers, side="right")
        return np.where(values.missing, self.n_values if self.nullable else 0, codes)

    def encoder(self) -> ContinuousEncoder:
        """The same bins in the form that models decode with."""
        marginal = Marginal(self.edges[:-1], self.uppers, np.full(self.n_values, 1 / self.n_values))
        half = 0.0 if self.step is None else self.step / 2
        lower, upper = float(self.edges[0]) + half, float(self.uppers[-1]) - half
        if isinstance(self.column, Number) and self.column.decimals is not None:
            lower, upper = round(lower, self.column.decimals), round(upper, self.column.decimals)
        return ContinuousEncoder(marginal, self.step, lower, upper)

    def described(self, code: int) -> str:
        """A code in words, on the scale of the encoder."""
        if code == self.n_values:
            return "missing"
        half = 0.0 if self.step is None else self.step / 2
        low, high = float(self.edges[code]) + half, float(self.uppers[code]) - half
        begin = "above 0" if low == SMALLEST else f"{low:.6g}"
        return begin if low == high else f"{begin} to {high:.6g}"


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
            codes[name] = _binned(name, column, known, bins, cuts.get(name))
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


def declared_bounds(column: Numeric) -> tuple[float | None, float | None]:
    """Bounds that are rules, on the scale of the encoder."""
    if isinstance(column, DateTime):
        return step_bounds(column)
    lower = float(column.lower) if column.lower is not None and column.is_rule("lower") else None
    upper = float(column.upper) if column.upper is not None and column.is_rule("upper") else None
    return lower, upper


def has_few_values(column: Column, bins: int) -> bool:
    """Whether the declared bounds leave no more values than bins, so that each is a code of its own."""
    if not isinstance(column, Numeric):
        return False
    (lower, upper), step = declared_bounds(column), step_of(column)
    return lower is not None and upper is not None and step is not None and (upper - lower) / step < bins


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


def _binned(name: str, column: Numeric, found: Found, bins: int, cuts: Sequence[float | str] | None) -> BinCodes:
    lower, upper = declared_bounds(column)
    lower = found.lower if lower is None else lower
    upper = found.upper if upper is None else upper
    assert lower is not None and upper is not None
    step = step_of(column)
    if step is None:
        edges = np.linspace(lower, upper, bins + 1) if upper > lower else np.array([lower, lower])
    else:
        first, last = math.ceil(lower / step - 1e-9), math.floor(upper / step + 1e-9)
        if last < first:
            raise SchemaError(
                f"{name}: no value with {_steps_in_words(column)} lies between lower and upper; widen them"
            )
        n_values = int(last) - int(first) + 1
        n_bins = n_values if n_values <= bins else bins
        starts = [int(first) + (place * n_values) // n_bins for place in range(n_bins)]
        edges = (np.array([*starts, int(last) + 1], np.float64) - 0.5) * step
    inner = found.cuts if cuts is None else _own_scale(name, column, cuts)
    if inner is not None:
        edges = _with_cuts(name, edges[0], edges[-1], inner, step, declared=cuts is not None)
    if cuts is None and not isinstance(column, DateTime):
        edges = _with_zero(edges, step)
    return BinCodes(column, edges, step)


def step_of(column: Numeric) -> float | None:
    """Distance between neighbouring values on the scale of the encoder, or None."""
    if isinstance(column, Number):
        return None if column.decimals is None else float(10.0**-column.decimals)
    return 1.0


def _steps_in_words(column: Numeric) -> str:
    if isinstance(column, Number):
        return f"{column.decimals} decimals"
    return f"resolution {column.resolution}" if isinstance(column, DateTime) else "no decimals"


def _own_scale(name: str, column: Numeric, cuts: Sequence[float | str]) -> list[float]:
    from tabsynth.schema.values import to_micros

    scaled = []
    for cut in cuts:
        if isinstance(cut, str) != isinstance(column, DateTime):
            raise UsageError(f"cuts: {name}: must be numbers, or ISO 8601 texts for a datetime")
        if isinstance(column, DateTime):
            try:
                scaled.append(as_number(column, to_micros(str(cut), column.time_zone)))
            except ValueError:
                raise UsageError(f"cuts: {name}: write ISO 8601 dates such as 2024-02-29") from None
        else:
            scaled.append(float(cut))
    return scaled


def _with_cuts(
    name: str, low: float, high: float, inner: Sequence[float], step: float | None, *, declared: bool
) -> Array:
    """Edges at the cuts, each moved half a step down so that a value at a cut opens its bin."""
    half = 0.0 if step is None else step / 2
    moved = [cut if step is None else math.ceil(cut / step - 1e-9) * step - half for cut in inner]
    edges = np.array([low, *moved, high], np.float64)
    if not (np.diff(edges) > 0).all():
        if declared:
            raise UsageError(f"cuts: {name}: must rise, lie inside the bounds and be at least one step apart")
        edges = np.unique(np.clip(edges, low, high))
    return edges


def _with_zero(edges: Array, step: float | None) -> Array:
    """The same edges, and a bin of its own for 0 where it lies between the outermost."""
    if step is not None:
        around = np.array([-0.5, 0.5]) * step
    elif edges[-1] == 0.0 and edges[0] < 0.0:
        return np.append(edges, SMALLEST)
    else:
        around = np.array([0.0, SMALLEST])
    if around[1] <= edges[0] or around[0] >= edges[-1]:
        return edges
    inside = around[(around > edges[0]) & (around < edges[-1])]
    return np.unique(np.concatenate([edges, inside]))
