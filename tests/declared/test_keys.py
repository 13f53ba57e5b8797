"""Keys: a shuffle that repeats nothing, also for sets too large to be numbered."""

from __future__ import annotations

import numpy as np
import pytest

from tabsynth.declared.keys import Distinct, hash_rows, is_numbered, length, shuffled, texts_at
from tabsynth.identifiers.pattern import Pattern

KEYS = np.arange(1, 5, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 65_537])
def test_shuffle_is_a_permutation(size: int) -> None:
    """Every place is taken once."""
    places = shuffled(np.arange(size), size, KEYS)
    assert sorted(places) == list(range(size))


def test_shuffle_hides_the_order() -> None:
    """Neighbours do not stay neighbours, and other keys give another order."""
    places = shuffled(np.arange(10_000), 10_000, KEYS)
    assert abs(np.corrcoef(np.arange(10_000), places)[0, 1]) < 0.05
    assert (places == shuffled(np.arange(10_000), 10_000, KEYS + np.uint64(1))).mean() < 0.01


@pytest.mark.parametrize("pattern", ["[0-9]{3}-[a-z]{2}", "[A-Z2-7]{12}", "[0-9a-f]{32}", "(AB|CDE)-[0-9]{4}"])
def test_texts_do_not_repeat(pattern: str) -> None:
    """A hundred thousand keys (or all there are) are distinct and match."""
    texts = Pattern.parse(pattern).texts
    n_rows = min(100_000, texts.size)
    assert is_numbered(texts)
    made = texts_at(texts, np.arange(n_rows), KEYS)
    assert len(set(made)) == n_rows
    assert (texts_at(texts, np.arange(n_rows)[::-1], KEYS)[::-1] == made).all()


@pytest.mark.parametrize("pattern", ["[0-9]{1,5}[0-9]{1,5}", "[a-z]{1,9}-?[a-z]{4}"])
def test_texts_composed_in_two_ways_are_told(pattern: str) -> None:
    """They cannot be numbered without repeats."""
    assert not is_numbered(Pattern.parse(pattern).texts)


def test_length() -> None:
    """Known where all texts have it."""
    assert length(Pattern.parse("[A-Z]{2}-[0-9]{6}").texts) == 9
    assert length(Pattern.parse("[A-Z]{2,3}").texts) is None


def test_distinct_remembers() -> None:
    """Repeats of earlier rows and within the rows are found, over several additions."""
    seen = Distinct()
    first = hash_rows([np.array(["a", "b"], dtype=object), np.array([1, 2])])
    seen.add(first)
    again = hash_rows([np.array(["c", "b", "c", "a"], dtype=object), np.array([1, 2, 1, 2])])
    assert seen.repeats(again).tolist() == [False, True, True, False]
