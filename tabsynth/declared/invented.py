"""Identifiers and free text of rows made from declarations."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.declared.keys import Distinct, is_numbered, texts_at
from tabsynth.errors import UsageError
from tabsynth.identifiers.surrogate import recipe_of
from tabsynth.identifiers.texts import TextSet
from tabsynth.randomness import child
from tabsynth.schema.columns import Identifier

Array = np.ndarray[Any, Any]


class Names:
    """Invents the values of one identifier column, block after block."""

    def __init__(self, where: str, column: Identifier, *, unique: bool, most: int | None, seed: int) -> None:
        """Choose the form of the values.

        Args:
            where: `table.column`, for messages and the random stream.
            column: What the values look like.
            unique: Whether no two may be equal.
            most: How many are needed, where that is known beforehand.
            seed: Seed of the run.
        """
        self._where, self._unique, self._seed = where, unique, seed
        self._recipe = recipe_of(column)
        forms = self._recipe.forms
        largest = max(forms, key=lambda form: form.size)
        self._texts: TextSet = forms[0]
        if unique:
            if most is not None:
                self._texts = next((form for form in forms if form.size >= most), largest)
            elif column.pattern is None:
                self._texts = largest
            if most is not None and self._texts.size < most:
                raise self._too_few(most)
        self._keys = child(seed, "mock", where, "keys").integers(2**63, size=4).astype(np.uint64)
        self._seen = None if is_numbered(self._texts) or not unique else Distinct()

    def make(self, numbers: Array, rng: np.random.Generator) -> Array:
        """Values of the rows, or entities, of these numbers; shape of `numbers`."""
        n_rows = len(numbers)
        if not n_rows:
            return np.zeros(0, dtype=object)
        if not self._unique:
            values = self._texts.draw(n_rows, rng=rng)
        elif self._seen is None:
            if int(numbers.max()) >= self._texts.size:
                raise self._too_few(int(numbers.max()) + 1)
            values = texts_at(self._texts, numbers, self._keys)
        else:
            values = self._seen.draw(self._texts, n_rows, where=self._where, rng=rng)
        return self._recipe.finish(values, rng) if self._recipe.finish else values

    def _too_few(self, needed: int) -> UsageError:
        return UsageError(
            f"{self._where}: {self._texts.size:,} different values are possible, but {needed:,} unique ones are "
            "needed; lengthen its pattern, use surrogate: key or uuid, or ask for fewer rows"
        )
