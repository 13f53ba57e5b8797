"""Identifiers of rows made from declarations: distinct without remembering them.

A key is the text whose number is a secret shuffle of the row number: distinct rows get distinct keys, in any order and
however many there are, and a table that streams to disk needs no list of the keys that it has given out.

Decisions
- The shuffle is a Feistel network over the smallest even number of bits that holds the set, walked until it lands
  inside; its rounds are an integer hash keyed by the seed. It hides the order of rows, which is all that is asked of
  it: the keys stand for no one.
- Sets in which one text can be composed in two ways cannot be numbered without repeats. Their draws are compared by
  64-bit hashes; two different keys with one hash (once in 10^7 tables of a million rows) cost a second draw, no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import UsageError
from tabsynth.identifiers.texts import Joined, OneOf, TextSet, Words, joined

Array = np.ndarray[Any, Any]
_LARGEST = 2**62
_ROUNDS = 4
_MOST_TRIES = 64


def shuffled(numbers: Array, size: int, keys: Array) -> Array:
    """The places of numbers 0 .. size - 1 after a shuffle that `keys` chooses; shape of `numbers`, int64.

    Args:
        numbers: Distinct or not; each below `size`.
        size: How many there are, at most 2**62.
        keys: Four uint64 numbers.
    """
    half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    shift = np.uint64(half)
    values = numbers.astype(np.uint64)
    todo = np.arange(len(values))
    while len(todo):
        left, right = values[todo] >> shift, values[todo] & mask
        for key in keys[:_ROUNDS]:
            left, right = right, left ^ (_mixed(right + key) & mask)
        values[todo] = (left << shift) | right
        todo = todo[values[todo] >= np.uint64(size)]
    return values.astype(np.int64)


def _mixed(values: Array) -> Array:
    """A hash of 64-bit numbers (the finalizer of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def texts_at(texts: TextSet, numbers: Array, keys: Array) -> Array:
    """Texts of a set that can be numbered, distinct for distinct numbers below its size; shape of `numbers`."""
    if texts.size <= _LARGEST:
        return texts.at(shuffled(numbers % texts.size, texts.size, keys))
    assert isinstance(texts, Joined)
    head: list[TextSet] = []
    tail = list(texts.parts)
    size = 1
    while tail and size * tail[0].size <= _LARGEST:
        size *= tail[0].size
        head.append(tail.pop(0))
    first = texts_at(joined(*head), numbers, keys) if head else np.full(len(numbers), "", dtype=object)
    rest = joined(*tail)
    scattered = _mixed(numbers.astype(np.uint64) + keys[0]) >> np.uint64(2)
    spread = scattered.astype(np.int64) % min(rest.size, _LARGEST)
    return first + (texts_at(rest, spread, _mixed(keys)) if rest.size > _LARGEST else rest.at(spread))


def is_numbered(texts: TextSet) -> bool:
    """Whether every text of the set is composed in one way only, so that numbers and texts correspond."""
    if isinstance(texts, Words):
        return True
    if isinstance(texts, OneOf):
        lengths = [length(option) for option in texts.options]
        alone = None not in lengths and len(set(lengths)) == len(lengths)
        return texts.size <= _LARGEST and alone and all(is_numbered(option) for option in texts.options)
    if isinstance(texts, Joined):
        loose = sum(length(part) is None for part in texts.parts)
        parts = all(is_numbered(part) for part in texts.parts)
        return parts and loose <= 1 and (texts.size <= _LARGEST or texts.parts[0].size <= _LARGEST)
    return False


def length(texts: TextSet) -> int | None:
    """Characters of every text of the set; None where they differ."""
    if isinstance(texts, Words):
        found = {len(text) for text in texts.texts}
    elif isinstance(texts, OneOf):
        found = {length(option) or -1 for option in texts.options}
    elif isinstance(texts, Joined):
        lengths = [length(part) for part in texts.parts]
        return None if None in lengths else sum(part or 0 for part in lengths)
    else:
        return None
    return found.pop() if len(found) == 1 and -1 not in found else None


class Distinct:
    """What has been given out so far, as hashes: for keys that cannot be numbered, and for rules of uniqueness."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._seen = np.zeros(0, np.uint64)

    def repeats(self, hashes: Array) -> Array:
        """Which rows repeat one that was added, or an earlier one of these; shape (n_rows,), bool."""
        again = np.asarray(pd.Series(hashes).duplicated().to_numpy(bool))
        if len(self._seen):
            place = np.minimum(np.searchsorted(self._seen, hashes), len(self._seen) - 1)
            again = again | (self._seen[place] == hashes)
        return again

    def add(self, hashes: Array) -> None:
        """Remember these."""
        self._seen = np.sort(np.concatenate([self._seen, hashes]), kind="stable")

    def draw(self, texts: TextSet, n_rows: int, *, where: str, rng: np.random.Generator) -> Array:
        """Draw texts that repeat none of those drawn before, shape (n_rows,).

        Raises:
            UsageError: The set has too few texts.
        """
        values = texts.draw(n_rows, rng=rng)
        for _ in range(_MOST_TRIES):
            hashes = hash_rows([values])
            wrong = np.flatnonzero(self.repeats(hashes))
            if not len(wrong):
                self.add(hashes)
                return values
            values[wrong] = texts.draw(len(wrong), rng=rng)
        raise UsageError(
            f"{where}: about {texts.size:,} different values are possible, too few for this many rows; lengthen its "
            "pattern, choose surrogate: key, or ask for fewer rows"
        )


def hash_rows(columns: list[Array]) -> Array:
    """One 64-bit number for each row of some columns, equal where the rows are equal; shape (n_rows,), uint64."""
    total = np.zeros(len(columns[0]), np.uint64)
    for array in columns:
        own = pd.util.hash_array(array.astype(object) if array.dtype == bool else array, categorize=False)
        total = _mixed(total * np.uint64(31) + own)
    return total
