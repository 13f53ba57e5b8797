"""Column names: which are refused, and how messages show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import DataError
from tabsynth.tables.names import check_names, listed, shown


@given(st.text(max_size=200))
def test_shown_names_are_short_and_harmless(name: str) -> None:
    """No control character, line end or invisible sign of a name reaches a message, nor more than 60 characters."""
    assert shown(name).isprintable()
    assert len(shown(name)) <= 60
    assert shown(name)[0] == shown(name)[-1]


def test_shown_names_stay_readable() -> None:
    """Ordinary names, accents included, are shown as they are."""
    assert shown("Età (years)") == "'Età (years)'"
    assert shown("a\nb\x1b[31m\u202e") == r"'a\nb\x1b[31m\u202e'"


def test_long_lists_are_cut() -> None:
    """Of many names the first five are shown, and the rest counted."""
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(list("abcdefgh")) == "'a', 'b', 'c', 'd', 'e' and 3 more"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "has no columns"),
        ([0, 1], r"must be text, and that of column 1 is not \(2 in all\)"),
        (["a", None], "must be text, and that of column 2 is not"),
        ([("a", "b")], "must be text"),
        (["", "a"], r"column 1 has no name; .*row number"),
        (["a", "\n\t "], r"column 2 has no name; give every column one$"),
        (["a", "b", "a", "b"], "share a name: 'a', 'b'; rename"),
        (["a\ud800"], "column 1 holds half a surrogate pair"),
    ],
)
def test_unusable_names_are_refused(names: list[object], message: str) -> None:
    """Each kind of unusable name has its own message, with the place where it is."""
    with pytest.raises(DataError, match=f"^file: .*{message}"):
        check_names(names, "file")


def test_near_duplicates_are_different_names() -> None:
    """Case, blanks and suffixes tell names apart: nothing is trimmed or renumbered."""
    check_names(["SEX", "sex", "sex ", " sex", "id", "id.1", "<script>", "x\ny"], "file")
