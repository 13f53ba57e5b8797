"""A typed table as codes and numbers that every generator understands, and back.

Each modelled column becomes one array: int32 codes (`Discrete`, -1 = missing) or float64 numbers (`Continuous`, NaN =
missing). Identifiers and free text are never encoded: only whether their cell is there, as the single code 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.encoding.continuous import ContinuousEncoder
from tabsynth.encoding.discrete import DiscreteEncoder
from tabsynth.encoding.marginal import Marginal
from tabsynth.errors import InsufficientDataError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.values import TypedTable, Values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Discrete:
    """Domain of a column of codes."""

    shares: Array  # (n_codes,), share of each code among present cells
    ordered: bool
    numbers: Array | None = None
    """What the codes stand for, shape (n_codes,), where all categories are numbers; the pooled rare ones are inf."""

    @property
    def n_codes(self) -> int:
        """Number of codes."""
        return len(self.shares)


@dataclass(frozen=True)
class Continuous:
    """Domain of a column of numbers."""

    marginal: Marginal
    step: float | None
    """Distance between neighbouring values, or None."""


Domain = Discrete | Continuous


@dataclass(frozen=True)
class EncodedTable:
    """Arrays of equal length and their domains, by column name, in order."""

    columns: Mapping[str, Array]
    domains: Mapping[str, Domain]
    n_rows: int
    entities: Array | None = None
    """Code of the person of each row, (n_rows,), where one person may have several rows."""


@dataclass(frozen=True)
class _Presence:
    """Encoder of a column whose values are never learned: only whether a cell is there."""

    always_missing: bool

    def state(self) -> dict[str, Any]:
        return {"always_missing": self.always_missing}


Encoder = DiscreteEncoder | ContinuousEncoder | _Presence


def always_missing(encoder: Encoder) -> bool:
    """Whether nothing is known of a column's values but that its cells are missing."""
    return isinstance(encoder, _Presence) and encoder.always_missing


@dataclass(frozen=True)
class TableEncoder:
    """Encoders of all modelled columns."""

    columns: Mapping[str, Column]
    encoders: Mapping[str, Encoder]

    @classmethod
    def fit(
        cls, columns: Mapping[str, Column], typed: TypedTable, *, k: int, entities: Array | None = None
    ) -> TableEncoder:
        """Choose an encoder for every column.

        Args:
            columns: The columns to model, by name.
            typed: The training rows.
            k: People that every kept category, value and extreme must rest on.
            entities: Code of the person of each row, shape (n_rows,), or None where every row is another person.

        Raises:
            InsufficientDataError: A column that may not be empty has values of fewer than `k` people and no bounds.

        Privacy: What leaves is listed at `DiscreteEncoder.fit` and `fit_marginal`.
        """
        encoders: dict[str, Encoder] = {}
        for name, column in columns.items():
            values = typed.columns[name]
            if isinstance(column, Identifier | Text):
                encoders[name] = _Presence(bool(values.missing.all()))
            elif isinstance(column, Categorical | Ordinal | Boolean):
                encoders[name] = DiscreteEncoder.fit(column, values, k=k, entities=entities)
            else:
                encoder = ContinuousEncoder.fit(column, values, k=k, entities=entities)
                if encoder.marginal is None and not column.nullable:
                    raise InsufficientDataError(
                        f"{name}: fewer than {k} people have a value, too few to describe any; declare lower and "
                        "upper in the schema, or allow empty cells (nullable: true)"
                    )
                encoders[name] = encoder if encoder.marginal is not None else _Presence(always_missing=True)
        return cls(dict(columns), encoders)

    def encode(self, typed: TypedTable, *, entities: Array | None = None) -> EncodedTable:
        """Codes and numbers of typed rows."""
        arrays: dict[str, Array] = {}
        for name, encoder in self.encoders.items():
            column, values = self.columns[name], typed.columns[name]
            if isinstance(encoder, DiscreteEncoder):
                arrays[name] = encoder.encode(values)
            elif isinstance(encoder, ContinuousEncoder):
                assert isinstance(column, Integer | Number | DateTime)
                arrays[name] = encoder.encode(column, values)
            else:
                hidden = values.missing | encoder.always_missing
                arrays[name] = np.where(hidden, -1, 0).astype(np.int32)
        return EncodedTable(arrays, self.domains, typed.n_rows, entities)

    def settled(self, arrays: Mapping[str, Array], *, rng: np.random.Generator) -> dict[str, Array]:
        """The same rows with a category in place of each pooled code, as `decode` draws them.

        Nothing is left to draw then, and rows can be decoded part by part.
        """
        return {
            name: encoder.spread(arrays[name], rng=rng) if isinstance(encoder, DiscreteEncoder) else arrays[name]
            for name, encoder in self.encoders.items()
        }

    def decode(self, arrays: Mapping[str, Array], *, rng: np.random.Generator) -> TypedTable:
        """Typed rows of codes and numbers; identifiers and text come back as empty strings where a cell is there."""
        columns: dict[str, Values] = {}
        n_rows = 0
        for name, encoder in self.encoders.items():
            column, array = self.columns[name], arrays[name]
            n_rows = len(array)
            if isinstance(encoder, DiscreteEncoder):
                columns[name] = encoder.decode(array, rng=rng, boolean=isinstance(column, Boolean))
            elif isinstance(encoder, ContinuousEncoder):
                assert isinstance(column, Integer | Number | DateTime)
                columns[name] = encoder.decode(column, array)
            elif isinstance(column, Integer | DateTime):
                columns[name] = Values(np.zeros(n_rows, np.int64), np.ones(n_rows, bool))
            elif isinstance(column, Number):
                columns[name] = Values(np.zeros(n_rows), np.ones(n_rows, bool))
            else:
                columns[name] = Values(np.full(n_rows, "", dtype=object), array < 0)
        return TypedTable(columns, n_rows)

    @property
    def domains(self) -> dict[str, Domain]:
        """Domain of every column."""
        domains: dict[str, Domain] = {}
        for name, encoder in self.encoders.items():
            if isinstance(encoder, DiscreteEncoder):
                domains[name] = Discrete(encoder.shares, encoder.ordered, encoder.numbers)
            elif isinstance(encoder, ContinuousEncoder):
                assert encoder.marginal is not None
                domains[name] = Continuous(encoder.marginal, encoder.step)
            else:
                domains[name] = Discrete(np.ones(1), ordered=False)
        return domains

    def state(self) -> dict[str, Any]:
        """What a model file holds of the encoders."""
        return {name: encoder.state() for name, encoder in self.encoders.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], columns: Mapping[str, Column]) -> TableEncoder:
        """The encoders that `state` describes, for the same columns."""
        encoders: dict[str, Encoder] = {}
        for name in columns:
            saved = state[name]
            if "labels" in saved:
                encoders[name] = DiscreteEncoder.from_state(saved)
            elif "segments" in saved:
                encoders[name] = ContinuousEncoder.from_state(saved)
            else:
                encoders[name] = _Presence(saved["always_missing"])
        return cls(dict(columns), encoders)
