"""Surrogates that are kept apart from the training table: none equals an identifier that is in it.

The texts that a column's surrogates are drawn from are numbered (`TextSet`). At fit time the numbers are cut into equal
blocks, the blocks that hold a training value are struck out, and the surrogates of every later draw come from the
blocks that are left. All that is kept of the data is which blocks these are.

Decisions
- Blocks, not a list, a filter or hashes: keys have so few possible values that any of those gives the keys away to
  whoever tries all of them. A struck-out block says that some value of it was there, and holds at least 16.
- As few blocks as leave enough room, since coarse blocks say least: 16 for running numbers, more for scattered keys.
- Values are compared by letters and digits alone, without regard to case. Where that reads a text in too many ways
  (keys that tell "a" from "A"), they are compared exactly.
- Nothing is struck out of sets of more than 10^16 texts: a draw of a million meets one of a million training values
  there once in more than ten thousand times.
- Where a kind has a longer form, it takes over from a short one that the training values crowd. Where nothing is left,
  surrogates come from the whole set, and the fit says so: a table cannot be made otherwise.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import ArtifactError
from tabsynth.identifiers.lookup import TooManyWaysError, exact, find_numbers, folded
from tabsynth.identifiers.surrogate import recipe_of
from tabsynth.identifiers.texts import Blocks, Joined, OneOf, TextSet, Words
from tabsynth.schema.columns import Identifier

Array = np.ndarray[Any, Any]

FEWEST_BLOCKS = 16
"""Blocks of the coarsest division."""
SMALLEST_BLOCK = 16
"""Texts of the smallest block: a struck-out block never points to fewer."""

_HUGE = 2**56  # sets beyond this are met by chance too rarely to matter
_ROOM = 20  # surrogates for this many times the training rows should be possible
_LEAST_SHARE = 10  # a form is used where at least one in this many of its texts is free
_ROOMY_SHARE = 4  # and is roomy enough, whatever the number of rows, where one in this many is


@dataclass(frozen=True)
class _Division:
    """One form of a kind, cut into blocks."""

    width: int
    """Texts per block; the last block may hold fewer."""
    free: Array  # (n_blocks,) bool

    @classmethod
    def whole(cls, texts: TextSet) -> _Division:
        return cls(texts.size, np.ones(1, bool))

    @property
    def is_whole(self) -> bool:
        return len(self.free) == 1 and bool(self.free[0])

    def of(self, texts: TextSet) -> TextSet:
        """The free part of `texts`."""
        return texts if self.is_whole else Blocks(texts, self.width, np.flatnonzero(self.free))


@dataclass(frozen=True)
class KeptApart:
    """Which part of a column's possible surrogates holds no training value."""

    divisions: tuple[_Division, ...]
    """One per form of the kind, in their order."""
    lists: int
    """Checksum of the word lists and patterns that the numbers count in."""
    crowded: bool
    """Whether too little is free, so that surrogates come from the whole set and may equal training values."""

    @classmethod
    def fit(cls, column: Identifier, training_texts: Array, *, n_rows: int) -> KeptApart:
        """Find the part of the possible surrogates that holds no training value.

        Args:
            column: What the surrogates look like.
            training_texts: The column's values, object array of str without gaps, any shape (n_values,).
            n_rows: How many different surrogates a table as long as this one needs.

        Raises:
            SchemaError: The column's `pattern` cannot be read, or stands at a kind other than `key`.

        Privacy:
            What leaves is a list of blocks of possible values, each without a training value. Where no training value
            could be made as a surrogate, or the possible values are more than 10^16, nothing leaves.
        """
        recipe = recipe_of(column)
        distinct = pd.unique(training_texts)
        divisions = tuple(_divide(form, distinct, recipe.body, n_rows) for form in recipe.forms)
        rooms = [division.of(form).size for division, form in zip(divisions, recipe.forms, strict=True)]
        crowded = max(rooms) < n_rows or not any(rooms)
        if crowded:
            divisions = tuple(_Division.whole(form) for form in recipe.forms)
        return cls(divisions, _checksum(recipe.forms), crowded)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is struck out, so that nothing need be kept."""
        return all(division.is_whole for division in self.divisions)

    def limit(self, forms: tuple[TextSet, ...]) -> tuple[TextSet, ...]:
        """The free parts of a kind's forms, those without any left out.

        Raises:
            ArtifactError: The forms are made of other words than at fit time.
        """
        if len(forms) != len(self.divisions) or _checksum(forms) != self.lists:
            raise ArtifactError(
                "model: its surrogates were chosen from other word lists than those of the installed Faker; "
                "fit again, or install the release of Faker that the model was fitted with"
            )
        limited = (division.of(form) for division, form in zip(self.divisions, forms, strict=True))
        return tuple(form for form in limited if form.size)

    def state(self) -> dict[str, Any]:
        """What a model file holds of this: block widths and one bit per block."""
        divisions = [
            {"width": division.width, "n_blocks": len(division.free), "free": np.packbits(division.free)}
            for division in self.divisions
        ]
        return {"divisions": divisions, "lists": self.lists, "crowded": self.crowded}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> KeptApart:
        """The part that `state` describes."""
        divisions = tuple(
            _Division(item["width"], np.unpackbits(item["free"], count=item["n_blocks"]).astype(bool))
            for item in state["divisions"]
        )
        return cls(divisions, state["lists"], state["crowded"])


def _divide(texts: TextSet, values: Array, body: slice, n_rows: int) -> _Division:
    """The coarsest division that leaves enough room; without free blocks where none does."""
    if texts.size > _HUGE:
        return _Division.whole(texts)
    for fold in (folded, exact):
        wanted = np.array([fold(value)[body] for value in values], dtype=object)
        try:
            taken = find_numbers(texts, wanted, fold=fold)
        except TooManyWaysError:
            continue
        if not len(taken):
            return _Division.whole(texts)
        division = _coarsest(texts, taken, n_rows)
        if division.of(texts).size * _LEAST_SHARE >= texts.size:
            return division
    return _Division(texts.size, np.zeros(1, bool))


def _coarsest(texts: TextSet, taken: Array, n_rows: int) -> _Division:
    """The coarsest division with room enough, or else the one with most room."""
    room = max(n_rows, texts.size / _LEAST_SHARE, min(_ROOM * n_rows, texts.size / _ROOMY_SHARE))
    best, most = _Division(texts.size, np.zeros(1, bool)), 0
    n_blocks = FEWEST_BLOCKS
    while most < room and n_blocks <= max(FEWEST_BLOCKS, 2 * len(taken)):
        width = max(SMALLEST_BLOCK, -(-texts.size // n_blocks))
        free = np.ones(-(-texts.size // width), bool)
        free[taken // width] = False
        division = _Division(width, free)
        size = division.of(texts).size
        if size > most:
            best, most = division, size
        if width == SMALLEST_BLOCK:
            break
        n_blocks *= 2
    return best


def _checksum(forms: tuple[TextSet, ...]) -> int:
    checksum = 0
    for form in forms:
        for piece in _spelled(form):
            checksum = zlib.crc32(piece.encode(), checksum)
    return checksum


def _spelled(texts: TextSet) -> Iterator[str]:
    """A text that tells one set from another."""
    if isinstance(texts, Words):
        yield "\n".join(("words", *texts.texts))
    elif isinstance(texts, Joined | OneOf):
        parts = texts.parts if isinstance(texts, Joined) else texts.options
        yield f"{type(texts).__name__} {len(parts)}"
        for part in parts:
            yield from _spelled(part)
