"""The audits of every registered private generator; `audits.py` says what each one checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dp import audits
from tests.dp.audits import PRIVATE, TRAINED, each_of

each = each_of(PRIVATE)


@each
def test_a1_neighbours_have_one_structure(name: str, tmp_path: Path) -> None:
    """No null, category, extreme, duplicate, size or strange cell shows in the shape of a release or in words."""
    audits.check_structure(name, tmp_path)


@pytest.mark.parametrize("name", ["dp-independent", "dp-auto"])
def test_a1_neighbours_are_spoken_of_alike_where_bins_are_found(name: str) -> None:
    """An empty table, one value, or one far beyond all others ends in no error and no word of its own."""
    audits.check_words(name)


def test_a1_no_row_changes_how_another_is_read() -> None:
    """Codes are a function of one cell."""
    audits.check_cells()


def test_a2_no_tree_of_bins_tells_more_than_claimed() -> None:
    """All trees of 64 cells, enumerated exactly, for units of 1, 2 and 5 rows."""
    audits.check_tree()


@each
@pytest.mark.parametrize("max_rows", [1, 2, 5])
def test_a3_one_person_moves_looks_as_claimed(name: str, max_rows: int) -> None:
    """Sensitivities hold for people of 1, 2 and 5 rows, in both directions."""
    for seed in range(3):
        audits.check_sensitivity(name, max_rows, seed=seed)


@each
@pytest.mark.parametrize("max_rows", [1, 2, 5])
def test_a3_one_person_moves_weighed_looks_as_claimed(name: str, max_rows: int) -> None:
    """The same where each of a person's k rows counts 1/k."""
    audits.check_sensitivity(name, max_rows, bounding="weigh")


def test_a3_shares_that_do_not_divide_evenly_add_up() -> None:
    """Thirteen rows share what a person counts in parts that differ by 1."""
    audits.check_sensitivity("dp-independent", 13, bounding="weigh")


@each
def test_a5_ledger_and_transcript_agree(name: str, tmp_path: Path) -> None:
    """Each look is charged once, before it is taken, for exactly what its noise says."""
    audits.check_costs_of(name, tmp_path)


SLOW = {"dp-aim", "dp-auto", "dp-cliquetree", "dp-copula", *TRAINED}
"""Two thousand releases of each world take these more than a minute: they are audited every night."""


@each_of(PRIVATE, nightly=sorted(SLOW))
def test_a7_worlds_differ_as_claimed(name: str) -> None:
    """With the best statistic there is, the worst neighbours look as alike as claimed, and not much more."""
    audits.check_audit(name)
