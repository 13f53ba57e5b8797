"""From texts back to their numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.identifiers.lookup import TooManyWaysError, exact, find_numbers, folded
from tabsynth.identifiers.pattern import Pattern

PATTERNS = [
    "[0-9]{3}",
    "(a|b|cd)e?[x-z]{0,2}",
    "a{0,3}b{0,2}a{0,3}",
    "(ab|a|b){3}",
    "[A-Ca-c]{3}",
    "(x|(y|z[0-9]){2}|w?)[0-4]",
    "[-_]{3}a?",
    "ß?[s-t]{2,3}",
]


@pytest.mark.parametrize("fold", [exact, folded])
@pytest.mark.parametrize("regex", PATTERNS)
def test_all_numbers_of_a_text_are_found(regex: str, fold: object) -> None:
    """For every text of a small set, the numbers are those under which a full listing has it."""
    texts = Pattern.parse(regex).texts
    listed = [fold(text) for text in texts.at(np.arange(texts.size))]  # type: ignore[operator]
    for text in {*listed[::7], *listed[-3:]}:
        found = find_numbers(texts, np.array([text], dtype=object), fold=fold)  # type: ignore[arg-type]
        assert found.tolist() == [number for number, other in enumerate(listed) if other == text]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATTERNS), st.lists(st.text("abcdexyz0139-_ßsS\x00 ", max_size=7), max_size=8))
def test_texts_outside_are_passed_over(regex: str, wanted: list[str]) -> None:
    """Exactly the numbers of the wanted texts are found, whatever else is asked for."""
    texts = Pattern.parse(regex).texts
    wanted = [text.rstrip("\x00") for text in wanted]
    listed = texts.at(np.arange(texts.size))
    found = find_numbers(texts, np.array(wanted, dtype=object))
    assert found.tolist() == [number for number, text in enumerate(listed) if text in wanted]


def test_large_numbers_are_exact() -> None:
    """Numbers beyond 2^53 come back to the last digit, for more texts than are followed at once."""
    texts = Pattern.parse("[A-Z2-7]{12}").texts
    numbers = np.unique(np.random.default_rng(0).integers(texts.size, size=60_000))
    assert np.array_equal(find_numbers(texts, texts.at(numbers)), numbers)


def test_too_many_ways_are_given_up() -> None:
    """A text that can be read in thousands of ways ends the search."""
    texts = Pattern.parse("([01]{0,9}-?){5}").texts
    with pytest.raises(TooManyWaysError):
        find_numbers(texts, np.array(["0110" * 5], dtype=object))


def test_folding_works_piece_by_piece() -> None:
    """Folding a whole is folding its parts: the search relies on it."""
    pieces = ["Straße ", "O'Neil", "ΟΔΟΣ", "İ", " -_.", "9"]
    assert all(folded(a + b) == folded(a) + folded(b) for a, b in product(pieces, repeat=2))
