"""Finite sets of texts that are counted without listing them, and drawn from by number.

`joined(words("MRN-"), repeated(digit, 6, 6))` holds a million keys in two short lists; text number 123456 is found by
division, for a whole array of numbers at once. Patterns and surrogates are built from lists, joined parts and
alternatives; `Blocks` is a part of such a set.

Decisions
- Every text has the same chance. A set in which one text can be composed in two ways counts it twice; drawing without
  repetition compares the texts themselves, so that its result is right all the same.
- Draws without repetition are made with repetition and topped up where the set is at least twice as large as the draw,
  and are a shuffle of the whole set otherwise: the work is proportional to the draw, never to the set.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import UsageError

Array = np.ndarray[Any, Any]
_LARGEST_NUMBER = 2**62  # largest set whose numbers fit int64 with room to spare
_LONGEST_LIST = 4096  # sets up to this size are kept as plain lists: one lookup instead of several
_MOST_ROUNDS = 64


class TextSet(ABC):
    """A finite set of texts, numbered from 0 to `size` - 1."""

    size: int
    """How many texts can be composed."""
    length: int
    """Characters of the longest text."""
    remark: str = ""
    """What an error that states the size should add to it."""

    @abstractmethod
    def at(self, numbers: Array) -> Array:
        """The texts with these numbers, as an object array. Needs `size` to be at most 2**62."""

    @abstractmethod
    def _draw_parts(self, n_rows: int, rng: np.random.Generator) -> Array:
        """Draw part by part, for sets too large to be numbered."""

    def draw(self, n_rows: int, *, rng: np.random.Generator) -> Array:
        """Draw texts that may repeat, shape (n_rows,)."""
        if self.size <= _LARGEST_NUMBER:
            return self.at(rng.integers(self.size, size=n_rows))
        return self._draw_parts(n_rows, rng)

    def draw_distinct(self, n_rows: int, *, rng: np.random.Generator) -> Array:
        """Draw texts of which no two are equal, shape (n_rows,).

        Raises:
            UsageError: The set holds fewer than `n_rows` different texts.
        """
        if self.size < n_rows:
            raise UsageError(
                f"{self.size:,} different texts are possible, but {n_rows:,} are asked for; allow longer ones"
            )
        if self.size < 2 * n_rows:
            distinct = pd.unique(self.at(rng.permutation(self.size)))
        else:
            distinct = pd.unique(self.draw(n_rows, rng=rng))
            for _ in range(_MOST_ROUNDS):
                if len(distinct) >= n_rows:
                    break
                more = self.draw(2 * (n_rows - len(distinct)), rng=rng)
                distinct = pd.unique(np.concatenate([distinct, more]))
        if len(distinct) < n_rows:
            raise UsageError(
                f"fewer than the {n_rows:,} different texts that are asked for were found; allow longer ones, "
                "or write the pattern so that no text fits it in two ways"
            )
        return distinct[:n_rows]


class Words(TextSet):
    """A list of texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Keep the distinct ones of `texts`, in their order."""
        self.texts = tuple(dict.fromkeys(texts))
        self.size = len(self.texts)
        self.length = max(map(len, self.texts))
        self._array = np.array(self.texts, dtype=object)

    def at(self, numbers: Array) -> Array:
        """The texts with these numbers."""
        return self._array[numbers]

    def _draw_parts(self, n_rows: int, rng: np.random.Generator) -> Array:
        return self.at(rng.integers(self.size, size=n_rows))


class Joined(TextSet):
    """One text of each part, one behind the other. The last part varies fastest."""

    def __init__(self, parts: Sequence[TextSet]) -> None:
        """Join `parts`, at least one."""
        self.parts = tuple(parts)
        self.size = math.prod(part.size for part in self.parts)
        self.length = sum(part.length for part in self.parts)

    def at(self, numbers: Array) -> Array:
        """The texts with these numbers."""
        pieces = []
        for part in reversed(self.parts):
            numbers, digit = np.divmod(numbers, part.size)
            pieces.append(part.at(digit))
        return reduce(add, reversed(pieces))

    def _draw_parts(self, n_rows: int, rng: np.random.Generator) -> Array:
        return reduce(add, [part.draw(n_rows, rng=rng) for part in self.parts])


class OneOf(TextSet):
    """A text of any of several sets."""

    def __init__(self, options: Sequence[TextSet]) -> None:
        """Unite `options`, at least one."""
        self.options = tuple(options)
        self.size = sum(option.size for option in self.options)
        self.length = max(option.length for option in self.options)

    def at(self, numbers: Array) -> Array:
        """The texts with these numbers."""
        starts = np.cumsum([0, *(option.size for option in self.options)])
        texts = np.empty(len(numbers), dtype=object)
        which = np.searchsorted(starts, numbers, side="right") - 1
        for index in np.unique(which):
            rows = np.flatnonzero(which == index)
            texts[rows] = self.options[index].at(numbers[rows] - starts[index])
        return texts

    def _draw_parts(self, n_rows: int, rng: np.random.Generator) -> Array:
        shares = np.array([option.size / self.size for option in self.options])
        which = rng.choice(len(self.options), size=n_rows, p=shares / shares.sum())
        texts = np.empty(n_rows, dtype=object)
        for index in np.unique(which):
            rows = np.flatnonzero(which == index)
            texts[rows] = self.options[index].draw(len(rows), rng=rng)
        return texts


class Blocks(TextSet):
    """Some of the equal blocks into which the numbers of another set are cut."""

    remark = " beside those of the training table"

    def __init__(self, whole: TextSet, width: int, blocks: Array) -> None:
        """Keep `blocks` of `whole`: block b has the numbers from b * width on; the last one may be shorter.

        Args:
            whole: The set, of at most 2**62 texts.
            width: Texts per block.
            blocks: Which ones to keep, ascending integers.
        """
        self.whole, self.width, self.blocks = whole, width, np.asarray(blocks, dtype=np.int64)
        missing = max(0, (int(blocks[-1]) + 1) * width - whole.size) if len(blocks) else 0
        self.size = len(blocks) * width - missing
        self.length = whole.length

    def at(self, numbers: Array) -> Array:
        """The texts with these numbers."""
        block, offset = np.divmod(numbers, self.width)
        return self.whole.at(self.blocks[block] * self.width + offset)

    def _draw_parts(self, n_rows: int, rng: np.random.Generator) -> Array:
        return self.at(rng.integers(self.size, size=n_rows))


def words(*texts: str) -> TextSet:
    """The set of these texts, at least one."""
    return Words(texts)


def joined(*parts: TextSet) -> TextSet:
    """One text of each part, one behind the other; short neighbouring lists become one list."""
    kept: list[TextSet] = []
    for part in parts or (words(""),):
        for piece in part.parts if isinstance(part, Joined) else (part,):
            last = kept[-1] if kept else None
            if isinstance(last, Words) and isinstance(piece, Words) and last.size * piece.size <= _LONGEST_LIST:
                kept[-1] = Words([head + tail for head, tail in product(last.texts, piece.texts)])
            else:
                kept.append(piece)
    return kept[0] if len(kept) == 1 else Joined(kept)


def one_of(*options: TextSet) -> TextSet:
    """A text of any of the options; short lists become one list."""
    lists = [option for option in options if isinstance(option, Words)]
    if len(lists) == len(options) and sum(option.size for option in lists) <= _LONGEST_LIST:
        return Words([text for option in lists for text in option.texts])
    return options[0] if len(options) == 1 else OneOf(options)


def repeated(part: TextSet, fewest: int, most: int) -> TextSet:
    """`fewest` to `most` texts of `part`, one behind the other."""
    options = [joined(*[part] * fewest)]
    for _ in range(most - fewest):
        options.append(joined(options[-1], part))
    return one_of(*options)
