"""Placeholder text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import UsageError
from tabsynth.identifiers.placeholder import fill_text


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 200), st.one_of(st.none(), st.integers(1, 120)), st.integers(0, 5))
def test_texts_are_filled_and_bounded(n_rows: int, max_length: int | None, seed: int) -> None:
    """No text is empty, padded or longer than allowed, and the same state gives the same texts."""
    texts = fill_text(n_rows, rng=np.random.default_rng(seed), max_length=max_length)
    assert texts.shape == (n_rows,)
    assert texts.dtype == object
    assert all(isinstance(text, str) and text and text == text.strip() for text in texts)
    assert max_length is None or all(len(text) <= max_length for text in texts)
    assert list(texts) == list(fill_text(n_rows, rng=np.random.default_rng(seed), max_length=max_length))


def test_texts_are_sentences_of_three_to_nine_words() -> None:
    """Texts vary in length and end like sentences."""
    texts = fill_text(2000, rng=np.random.default_rng(0), max_length=None)
    assert {len(text.split()) for text in texts} == set(range(3, 10))
    assert all(text.endswith(".") and text[0].isupper() for text in texts)
    assert len(set(texts)) > 1990


@pytest.mark.parametrize(("n_rows", "max_length"), [(-1, None), (3, 0)])
def test_impossible_requests_are_refused(n_rows: int, max_length: int | None) -> None:
    """A negative row count and a length below one are named."""
    with pytest.raises(UsageError, match=r"n_rows|max_length"):
        fill_text(n_rows, rng=np.random.default_rng(0), max_length=max_length)
