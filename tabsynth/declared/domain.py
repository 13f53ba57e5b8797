"""What a single cell made from declarations must keep: the bounds, steps, categories and shape of its own column.

Most cells are drawn inside these. Copies, formulas, sequences, keys of other tables and constants are not, and a
declaration may contradict itself: whatever makes a cell, it is held against its column before it is handed on.

Decisions
- A cell that is spelled like a missing one would be read back as missing, so it counts as broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.encoding.datetime import from_steps, to_steps
from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.distributions import walk
from tabsynth.schema.values import Values, category_text, parse_column, to_micros

Array = np.ndarray[Any, Any]
_UNBOUND = ("copy", "formula", "lookup", "constant")
"""Distributions that do not look at what their column allows."""


class Domain:
    """What the cells of one column may be."""

    def __init__(self, name: str, column: Column, *, filled: bool, foreign: bool, regexes: tuple[str, ...]) -> None:
        """Read the declaration.

        Args:
            name: Name of the column, for messages.
            column: Its declaration.
            filled: Whether no cell may be empty.
            foreign: Whether the cells come from other columns or tables, so that nothing about them is certain.
            regexes: Patterns that rules of the table give it and that it is not drawn from.

        Raises:
            SchemaError: A category or label is spelled like a missing cell.
        """
        _require_present(name, column)
        self._name, self._column, self._filled = name, column, filled
        self._lower = self._upper = None
        if isinstance(column, Integer | Number):
            self._lower, self._upper = column.lower, column.upper
        elif isinstance(column, DateTime):
            self._lower, self._upper = (
                None if bound is None else to_micros(bound, column.time_zone) for bound in (column.lower, column.upper)
            )
        self._absent = self._spellings_of_missing()
        stepped = isinstance(column, DateTime) and "resolution" in column.model_fields_set
        unbound = any(part.type in _UNBOUND for part in walk(column.distribution)) if column.distribution else False
        self._coarse = column if stepped and unbound and isinstance(column, DateTime) else None
        self._shape = self._shapes(foreign or unbound, regexes)

    def broken(self, values: Values) -> Iterator[tuple[str, Array]]:
        """Each thing that some cells do not keep, in words, and these rows; shape (n_rows,), bool."""
        if self._filled:
            yield f"column {self._name} (may not be empty)", values.missing
        there, array = ~values.missing, values.array
        if self._lower is not None:
            yield f"bounds of {self._name}", there & (array < self._lower)
        if self._upper is not None:
            yield f"bounds of {self._name}", there & (array > self._upper)
        if self._coarse is not None:
            yield (
                f"resolution of {self._name}",
                there & (from_steps(to_steps(array, self._coarse), self._coarse) != array),
            )
        if len(self._absent):
            wrong = there & pd.Series(array).isin(self._absent).to_numpy(bool)
            yield f"missing_values of {self._name}, which its cells are spelled like,", wrong
        if self._shape:
            codes, distinct = pd.factorize(array)
            fits = np.array([all(test(text) for _, test in self._shape) for text in distinct], bool)
            what = " and ".join(dict.fromkeys(what for what, _ in self._shape))
            yield f"{what} of {self._name}", there & ~fits[codes] if len(distinct) else ~there & False

    def _spellings_of_missing(self) -> Array:
        """Canonical values that are written like a missing cell."""
        column = self._column
        texts = isinstance(column, Identifier | Text)
        spellings = [*column.missing_values, *([""] if texts else [])]
        if not spellings:
            return np.zeros(0)
        if texts:
            return np.array(spellings, dtype=object)
        read = parse_column(pd.Series(spellings, dtype=object), column.model_copy(update={"missing_values": ()})).values
        return np.asarray(read.array[~read.missing])

    def _shapes(self, unbound: bool, regexes: tuple[str, ...]) -> list[tuple[str, Callable[[str], bool]]]:
        column = self._column
        found: list[tuple[str, Callable[[str], bool]]] = []
        for pattern in regexes:
            found.append(("regex", _fits(pattern)))
        if unbound and isinstance(column, Identifier) and column.pattern is not None and column.is_rule("pattern"):
            found.append(("pattern", _fits(column.pattern)))
        if unbound and isinstance(column, Text) and column.max_length is not None and column.is_rule("max_length"):
            most = column.max_length
            found.append(("max_length", lambda text: len(text) <= most))
        if unbound and isinstance(column, Categorical | Ordinal) and column.categories and column.is_rule("categories"):
            known = {category_text(item) for item in column.categories}
            found.append(("categories", known.__contains__))
        return found


def _require_present(name: str, column: Column) -> None:
    """Refuse values that would be read back as missing cells."""
    for field in ("categories", "labels"):
        for number, entry in enumerate(getattr(column, field, None) or (), start=1):
            text = entry.strip() if isinstance(column, Boolean) else category_text(entry)
            if text == "" or text in column.missing_values:
                why = "in missing_values, too" if text else "empty, as a missing cell is"
                raise SchemaError(
                    f"column {name!r}: {field}: entry {number} is {why}; delete it, or spell it otherwise"
                )


def _fits(pattern: str) -> Callable[[str], bool]:
    matches = re.compile(pattern).fullmatch
    return lambda text: matches(text) is not None
