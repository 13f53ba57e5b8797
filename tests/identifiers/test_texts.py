"""Counted sets of texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import UsageError
from tabsynth.identifiers.texts import TextSet, joined, one_of, repeated, words

letters = words("a", "b", "c")
sets = st.recursive(
    st.lists(st.text("ab", max_size=3), min_size=1, max_size=4).map(lambda texts: words(*texts)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: joined(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: one_of(*options)),
        st.builds(repeated, inner, st.integers(0, 1), st.integers(1, 3)),
    ),
    max_leaves=4,
)


def everything(texts: TextSet) -> list[str]:
    return list(texts.at(np.arange(texts.size)))


def test_texts_are_numbered_without_gaps() -> None:
    """The numbers from 0 to size - 1 name each text once, the last part varying fastest."""
    assert everything(joined(letters, words("-"), words("x", "y"))) == ["a-x", "a-y", "b-x", "b-y", "c-x", "c-y"]
    assert everything(one_of(letters, words("d", "a"))) == ["a", "b", "c", "d"]
    assert everything(repeated(words("z"), 1, 3)) == ["z", "zz", "zzz"]


def test_large_sets_are_numbered_like_small_ones() -> None:
    """Sets that are too large to be listed number their texts the same way."""
    digits = words(*"0123456789")
    numbers = np.array([0, 7, 123_456_789, 10**9 - 1])
    assert list(joined(*[digits] * 9).at(numbers)) == ["000000000", "000000007", "123456789", "999999999"]
    united = one_of(joined(*[digits] * 9), joined(words("x"), *[digits] * 5))
    assert list(united.at(np.array([5, 10**9 + 42]))) == ["000000005", "x00042"]


@settings(max_examples=100, deadline=None)
@given(sets, st.integers(0, 30))
def test_draws_stay_inside_the_set(texts: TextSet, n_rows: int) -> None:
    """Draws are texts of the set and no longer than stated; distinct draws differ or are refused."""
    inside = set(everything(texts)) if texts.size < 100_000 else None
    rng = np.random.default_rng(0)
    drawn = texts.draw(n_rows, rng=rng)
    assert drawn.shape == (n_rows,)
    assert inside is None or set(drawn) <= inside
    assert all(len(text) <= texts.length for text in drawn)
    try:
        distinct = texts.draw_distinct(n_rows, rng=rng)
    except UsageError:
        assert inside is None or len(inside) < max(n_rows, texts.size)
    else:
        assert len(set(distinct)) == len(distinct) == n_rows


def test_huge_sets_are_drawn_evenly() -> None:
    """Beyond 2**62 texts, parts and options are drawn in proportion to what they hold."""
    digits = words(*"0123456789")
    long = joined(*[digits] * 20)
    drawn = one_of(long, joined(words("x"), long), joined(words("y"), *[digits] * 19)).draw(
        20_000, rng=np.random.default_rng(0)
    )
    shares = [np.mean([text.startswith(head) for text in drawn]) for head in "xy"]
    assert shares == pytest.approx([10 / 21, 1 / 21], abs=0.02)


def test_a_draw_of_the_whole_set_is_a_shuffle() -> None:
    """As many distinct texts as there are is each of them once; one more is refused."""
    texts = joined(letters, letters)
    assert sorted(texts.draw_distinct(9, rng=np.random.default_rng(0))) == sorted(everything(texts))
    with pytest.raises(UsageError, match="9 different texts are possible, but 10"):
        texts.draw_distinct(10, rng=np.random.default_rng(0))
