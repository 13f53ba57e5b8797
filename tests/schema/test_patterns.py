"""Shapes of keys: they match every key, and hold nothing of any."""

import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.identifiers.pattern import Pattern
from tabsynth.schema.patterns import infer_pattern

KEYS = {
    "MRN-[0-9]{6}": [f"MRN-{n:06d}" for n in range(40)],
    "[0-9]{4}-[A-Z]{5}": [f"{n:04d}-{chr(65 + n % 26) * 5}" for n in range(40)],
    "[1-9][0-9]{0,2}": [str(n) for n in range(1, 400)],
    "[1-9][0-9]{5}": [str(n) for n in range(100_000, 100_040)],
    "[0-9]{3}": [f"{n:03d}" for n in range(40)],
    "[0-9A-Z]{6,7}": [*(str(536_365 + n) for n in range(30)), *(f"C{536_365 + n}" for n in range(30))],
    "[0-9a-f]{16}": [f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}" for n in range(1, 200)],
    r"[1-9]\.[0-9]{2}\.[a-z]": [f"{n % 9 + 1}.{n:02d}.{chr(97 + n % 26)}" for n in range(60)],
}


@pytest.mark.parametrize("shape", KEYS)
def test_shape_of_keys(shape: str) -> None:
    """Runs, lengths, separators and constant letters are described; digits never are."""
    assert infer_pattern(KEYS[shape]) == shape


def test_uuids_have_their_shape() -> None:
    """Hexadecimal pieces are one class, not runs of digits and letters."""
    keys = [str(uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)) for n in range(1, 200)]
    assert infer_pattern(keys) == "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_letters_of_few_keys_are_not_kept() -> None:
    """What nine keys share may be somebody's name; ten have to agree."""
    keys = [f"SMITH-{n:02d}" for n in range(10)]
    assert infer_pattern(keys) == "SMITH-[0-9]{2}"
    assert infer_pattern(keys[:9]) == "[A-Z]{5}-[0-9]{2}"
    assert infer_pattern(["SMITH-77"] * 50) == "[A-Z]{5}-[1-9][0-9]"


@pytest.mark.parametrize(
    "keys", [[], [""], ["a-b", "a_b"], ["é1", "é2"], ["tab\there"], ["x" * 300], ["a b", "ab"]], ids=repr
)
def test_no_common_shape(keys: list[str]) -> None:
    """Differing separators, other characters than ASCII, and very long texts have no shape."""
    assert infer_pattern(keys) is None


def test_many_keys_are_all_matched() -> None:
    """A probe decides the shape only where every other key has it too."""
    keys = [f"A{n:06d}" for n in range(30_000)]
    assert infer_pattern(keys) == "A[0-9]{6}"
    assert infer_pattern([*keys, "B0000001"]) == "[A-Z][0-9]{6,7}"


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[A-Za-z0-9]{1,6}[-_./ #(]?[A-Z0-9]{1,6}", fullmatch=True), min_size=1, max_size=30))
def test_pattern_matches_every_key_and_can_be_drawn_from(keys: list[str]) -> None:
    """Whatever shape is found, it is true of all keys, and the surrogates read it."""
    shape = infer_pattern(keys)
    if shape is not None:
        lone_zero = re.compile(r"(?<![0-9A-Za-z])0(?![0-9A-Za-z])")
        assert all(re.fullmatch(shape, key) for key in keys if not lone_zero.search(key))
        assert Pattern.parse(shape).capacity >= 1
