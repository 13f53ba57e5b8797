"""The way back from a text to its numbers in a `TextSet`, for many texts at once.

All texts are followed through the set together: a state is (text, characters used so far, number so far), and each part
of the set turns the states before it into the states behind it. A text that can be composed in several ways ends in
several states, so that all its numbers are found.

Decisions
- Folded comparison looks at letters and digits alone and not at their case: "(212) 555-0191" is the same phone number
  as "212-555-0191", and "LEE, ANN" hides nothing that "Lee, Ann" shows. Both sides are folded piece by piece; this is
  sound because folding works on single characters.
- A set that offers very many ways for one text is given up early: the states are counted, and bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.identifiers.texts import Joined, OneOf, TextSet, Words

Array = np.ndarray[Any, Any]
Fold = Callable[[str], str]

_CHUNK = 50_000  # texts that are followed together; bounds the memory
_WAYS = 16  # states per text, on average, before a set is given up
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")


class TooManyWaysError(Exception):
    """Texts can be composed in more ways than can be followed."""


def folded(text: str) -> str:
    """The letters and digits of a text, without regard to case."""
    return _NO_LETTER_OR_DIGIT.sub("", text.casefold())


def exact(text: str) -> str:
    """The text as it is."""
    return text


def find_numbers(texts: TextSet, wanted: Array, *, fold: Fold = exact) -> Array:
    """Find the numbers under which a set holds any of some texts.

    Args:
        texts: The set; its size must be at most 2**62.
        wanted: Object array of str, shape (n_wanted,), already folded. Texts outside the set are passed over.
        fold: How the texts of the set are to be compared with `wanted`.

    Returns:
        Every number whose text, folded, is among `wanted`; int64, ascending, without repeats.

    Raises:
        TooManyWaysError: The texts can be composed in too many ways to follow.
    """
    part = _compile(texts, fold)
    found = [np.zeros(0, np.int64)]
    fitting = np.array([text for text in wanted if part.shortest <= len(text) <= part.longest], dtype=object)
    for first in range(0, len(fitting), _CHUNK):
        chunk = fitting[first : first + _CHUNK]
        lengths = np.fromiter(map(len, chunk), np.int64, len(chunk))
        width = max(1, int(lengths.max()))
        characters = np.array(chunk, dtype=f"U{width}").view(np.uint32).reshape(len(chunk), width)
        nothing = np.zeros(len(chunk), np.int64)
        begin = _States(np.arange(len(chunk)), nothing, nothing)
        end = part.advance(_Page(characters, lengths), begin, after=(0, 0), weight=1)
        found.append(end.numbers)
    return np.unique(np.concatenate(found))


@dataclass(frozen=True)
class _Page:
    """The texts that are looked for."""

    characters: Array  # (n_texts, longest) code points, uint32
    lengths: Array  # (n_texts,)

    def require_followable(self, n_states: int) -> None:
        if n_states > _WAYS * (len(self.lengths) + 16):
            raise TooManyWaysError


@dataclass(frozen=True)
class _States:
    """Ways to read the beginnings of texts."""

    rows: Array  # (n_states,) which text
    used: Array  # (n_states,) characters read so far
    numbers: Array  # (n_states,) number of what was read, within the set that is being read

    def take(self, which: Array) -> _States:
        return _States(self.rows[which], self.used[which], self.numbers[which])


def _together(page: _Page, pieces: list[_States]) -> _States:
    page.require_followable(sum(len(piece.rows) for piece in pieces))
    return _States(
        np.concatenate([piece.rows for piece in pieces]),
        np.concatenate([piece.used for piece in pieces]),
        np.concatenate([piece.numbers for piece in pieces]),
    )


class _Part:
    """A set, made ready to be read."""

    size: int
    shortest: int
    longest: int

    def advance(self, page: _Page, states: _States, *, after: tuple[int, int], weight: int) -> _States:
        """Read one text of this set from every state.

        Args:
            page: The texts.
            states: Where reading stands.
            after: Fewest and most characters that must be left behind this set.
            weight: What one step of this set's numbering adds to `numbers`.
        """
        left = page.lengths[states.rows] - states.used
        possible = (left >= self.shortest + after[0]) & (left <= self.longest + after[1])
        states = states.take(np.flatnonzero(possible))
        return self._read(page, states, after, weight) if len(states.rows) else states

    def _read(self, page: _Page, states: _States, after: tuple[int, int], weight: int) -> _States:
        raise NotImplementedError


class _List(_Part):
    def __init__(self, texts: list[str]) -> None:
        self.size = len(texts)
        lengths = np.array([len(text) for text in texts])
        self.shortest, self.longest = int(lengths.min()), int(lengths.max())
        listed = np.array(texts, dtype=object)
        self.by_length: list[tuple[int, _Index]] = []
        for length in np.unique(lengths).tolist():
            numbers = np.flatnonzero(lengths == length)
            letters = np.array(listed[numbers], dtype=f"U{max(1, length)}").view(np.uint32)
            self.by_length.append((length, _Index.of(letters.reshape(len(numbers), -1)[:, :length], numbers)))

    def _read(self, page: _Page, states: _States, after: tuple[int, int], weight: int) -> _States:
        pieces = []
        left = page.lengths[states.rows] - states.used
        for length, index in self.by_length:
            possible = states.take(np.flatnonzero((left >= length + after[0]) & (left <= length + after[1])))
            places = possible.used[:, None] + np.arange(length)  # (n_states, length)
            heads, words = index.find(page.characters[possible.rows[:, None], places])
            page.require_followable(int(index.ways[words].sum()))
            which, numbers = index.spread(heads, words)
            read = possible.take(which)
            pieces.append(_States(read.rows, read.used + length, read.numbers + numbers * weight))
        return _together(page, pieces)


class _Sequence(_Part):
    def __init__(self, parts: list[_Part]) -> None:
        self.parts = parts
        self.size = math.prod(part.size for part in parts)
        self.shortest, self.longest = sum(p.shortest for p in parts), sum(p.longest for p in parts)

    def _read(self, page: _Page, states: _States, after: tuple[int, int], weight: int) -> _States:
        least, most = self.shortest + after[0], self.longest + after[1]
        weight *= self.size
        for part in self.parts:  # the last one varies fastest
            least, most, weight = least - part.shortest, most - part.longest, weight // part.size
            states = part.advance(page, states, after=(least, most), weight=weight)
        return states


class _Choice(_Part):
    def __init__(self, options: list[_Part]) -> None:
        self.options = options
        self.size = sum(option.size for option in options)
        self.shortest, self.longest = min(o.shortest for o in options), max(o.longest for o in options)

    def _read(self, page: _Page, states: _States, after: tuple[int, int], weight: int) -> _States:
        pieces, start = [], 0
        for option in self.options:
            begun = _States(states.rows, states.used, states.numbers + start * weight)
            pieces.append(option.advance(page, begun, after=after, weight=weight))
            start += option.size
        return _together(page, pieces)


@dataclass(frozen=True)
class _Index:
    """Words of one length, in alphabetical order, with the numbers of each."""

    words: Array  # (n_words,) distinct, as `_comparable` makes them
    starts: Array  # (n_words + 1,) where the numbers of each word begin
    numbers: Array  # (n_numbers,)

    @classmethod
    def of(cls, letters: Array, numbers: Array) -> _Index:
        spelled, place, counts = np.unique(_comparable(letters), return_inverse=True, return_counts=True)
        # Folded words may coincide: then a word has several numbers.
        return cls(spelled, np.append(0, np.cumsum(counts)), numbers[np.argsort(place.ravel(), kind="stable")])

    @property
    def ways(self) -> Array:
        """How many numbers each word has."""
        return np.diff(self.starts)

    def find(self, letters: Array) -> tuple[Array, Array]:
        """Rows of `letters`, shape (n_rows, length), that are words, and the places of these words."""
        heads = _comparable(letters)
        places = np.minimum(np.searchsorted(self.words, heads), len(self.words) - 1)
        rows = np.flatnonzero(self.words[places] == heads)
        return rows, places[rows]

    def spread(self, rows: Array, places: Array) -> tuple[Array, Array]:
        """Each row once for every number that its word has, and these numbers."""
        ways = self.ways[places]
        order = np.arange(int(ways.sum())) - np.repeat(np.cumsum(ways) - ways, ways)
        return np.repeat(rows, ways), self.numbers[np.repeat(self.starts[places], ways) + order]


def _comparable(letters: Array) -> Array:
    """Rows of code points, shape (n_rows, length), as one value each: a number where they fit one, else a text."""
    n_rows, length = letters.shape
    if length > 3:
        texts: Array = np.ascontiguousarray(letters).view(f"U{length}").ravel()
        return texts
    value = np.zeros(n_rows, np.int64)
    for place in range(length):
        value = (value << 21) | letters[:, place]  # code points have 21 bits
    return value


def _compile(texts: TextSet, fold: Fold) -> _Part:
    if isinstance(texts, Words):
        return _List([fold(text) for text in texts.texts])
    if isinstance(texts, Joined):
        return _Sequence([_compile(part, fold) for part in texts.parts])
    if isinstance(texts, OneOf):
        return _Choice([_compile(option, fold) for option in texts.options])
    raise TypeError(f"{type(texts).__name__} cannot be read")
