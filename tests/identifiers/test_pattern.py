"""Keys in a declared shape."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.errors import SchemaError, UsageError
from tabsynth.identifiers.pattern import LONGEST_KEY, Pattern


def draw(regex: str, n_rows: int, *, unique: bool = False, seed: int = 0) -> list[str]:
    keys = Pattern.parse(regex).sample(n_rows, rng=np.random.default_rng(seed), unique=unique)
    assert keys.dtype == object
    assert keys.shape == (n_rows,)
    return list(keys)


@pytest.mark.parametrize(
    ("regex", "capacity"),
    [
        ("MRN-[0-9]{6}", 10**6),
        (r"\d\w", 10 * 63),
        ("(a|b|cd)e?", 6),
        ("(?:x|y){1,3}", 2 + 4 + 8),
        ("a*", 9),
        ("a+", 8),
        ("[a-cA-C_.-]", 9),
        (r"[\d\]]", 11),
        ("^AB$", 1),
        ("[]x]", 2),
        ("[aab]", 2),
        ("x{0}y", 1),
        ("(|a)b", 2),
        (r"\.\\\+", 1),
        ("Ä[0-9]", 10),
        ("[A-Z0-9]{40}", 36**40),
    ],
)
def test_capacity_counts_the_texts_that_match(regex: str, capacity: int) -> None:
    """The capacity is the number of different keys, and every key matches the expression."""
    pattern = Pattern.parse(regex)
    assert pattern.capacity == capacity
    keys = draw(regex, min(capacity, 500), unique=True)
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(regex, key) for key in keys)


def test_all_keys_of_a_full_pattern() -> None:
    """Asking for as many unique keys as there are gives each of them once."""
    assert sorted(draw("[0-9]{3}", 1000, unique=True)) == [f"{n:03d}" for n in range(1000)]


@pytest.mark.parametrize("regex", ["K[0-9]{6}", "[a-z]{2,9}", "[0-9a-f]{32}"])
def test_unique_keys_at_scale(regex: str) -> None:
    """Two hundred thousand unique keys are distinct, and the same state gives the same ones."""
    keys = draw(regex, 200_000, unique=True)
    assert len(set(keys)) == 200_000
    assert keys == draw(regex, 200_000, unique=True)
    assert keys != draw(regex, 200_000, unique=True, seed=1)


def test_keys_are_spread_evenly() -> None:
    """Every symbol stands equally often at every place."""
    keys = draw("[0-9]{2}", 100_000)
    counts = np.bincount([int(key) for key in keys], minlength=100)
    assert counts.min() > 800
    assert counts.max() < 1200


def test_too_few_keys_are_an_early_error() -> None:
    """Unique keys beyond the capacity are refused with the capacity and the remedy."""
    with pytest.raises(UsageError, match=r"makes 1,000 different keys, but 1,001 .*lengthen the pattern"):
        draw("[0-9]{3}", 1001, unique=True)
    assert len(draw("[0-9]{3}", 1001)) == 1001


def test_a_pattern_that_repeats_itself_ends_with_an_error() -> None:
    """Where one text fits in many ways, too few distinct texts are an error, not an endless search."""
    regex = "(a{0,40}|b{0,40}){2}(a{0,40}){1}"
    with pytest.raises(UsageError, match="two ways"):
        draw(regex, Pattern.parse(regex).capacity // 2, unique=True)


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        ("", "empty text"),
        ("()", "empty text"),
        ("a{2", "repeat must be"),
        ("a{,2}", "repeat must be"),
        ("a{2,}", "repeat must be"),
        ("a{٣}", "repeat must be"),
        ("a{5,2}", "wrong order"),
        ("a**", "repeat of a repeat"),
        ("a*?", "repeat of a repeat"),
        ("*a", "not understood here"),
        ("a]", "not understood here"),
        ("[^a]", "negated"),
        ("[z-a]", "lower to a higher"),
        (r"[\d-z]", "lower to a higher"),
        ("(?=a)", "look-around"),
        ("(?P<x>a)", "look-around"),
        ("a.c", "matches anything"),
        (r"\s", "only"),
        (r"\1", "only"),
        ("a\\", "lone"),
        ("a)", "closes no group"),
        ("(a", "not closed"),
        ("[a", "not closed"),
        ("a$b", "only stand at the end"),
        ("a^", "not understood here"),
        ("a\nb", "cannot be printed"),
        ("a{999}", "more than"),
        ("(a{101}){2}", "more than"),
        ("ab" * LONGEST_KEY, "more than"),
        ("(" * 2000, "nested"),
    ],
)
def test_what_is_not_understood_is_named(regex: str, reason: str) -> None:
    """Unsupported and malformed expressions are refused with their reason."""
    with pytest.raises(SchemaError, match=reason):
        Pattern.parse(regex)


def test_longest_optional_key_can_be_drawn() -> None:
    """The deepest repeat that is accepted is also drawn without trouble."""
    keys = draw(f"[a-z]{{0,{LONGEST_KEY}}}", 100, unique=True)
    assert all(re.fullmatch("[a-z]*", key) for key in keys)


atoms = st.sampled_from(["a", "Z", "7", r"\d", r"\w", r"\.", "[x-z]", "[0-4-]", "-", "é"])
counts = st.sampled_from(["", "", "?", "+", "*", "{2}", "{1,3}", "{0,2}"])
expressions = st.recursive(
    st.builds(str.__add__, atoms, counts),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["", "?", "{2}"])),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(expressions, st.integers(0, 40), st.booleans())
def test_every_key_matches_its_expression(regex: str, n_rows: int, unique: bool) -> None:
    """Whatever the expression, each key that it makes matches it, and unique keys differ."""
    try:
        pattern = Pattern.parse(regex)
        keys = pattern.sample(n_rows, rng=np.random.default_rng(0), unique=unique)
    except SchemaError as error:
        assert "more than" in str(error)
        return
    except UsageError:
        assert unique
        return
    assert len(keys) == n_rows
    assert all(isinstance(key, str) and re.fullmatch(regex, key) for key in keys)
    assert not unique or len(set(keys)) == n_rows
