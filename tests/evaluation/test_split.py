"""Splits by person, and the check of what train and holdout share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import InsufficientDataError, UsageError
from tabsynth.evaluation.split import measure_overlap, split_rows
from tabsynth.schema.columns import Categorical, Identifier, Number
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames


@given(
    groups=st.lists(st.integers(0, 8), min_size=2, max_size=60), share=st.floats(0.05, 0.95), seed=st.integers(0, 99)
)
def test_people_stay_together_and_no_row_is_lost(groups: list[int], share: float, seed: int) -> None:
    """Every row is in exactly one part, both have rows, and no person is in both."""
    people = np.array(groups)
    if len(set(groups)) < 2:
        with pytest.raises(InsufficientDataError):
            split_rows(len(people), holdout=share, groups=people, seed=seed)
        return
    train, holdout = split_rows(len(people), holdout=share, groups=people, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, holdout])), np.arange(len(people)))
    assert len(train) > 0 < len(holdout)
    assert not set(people[train]) & set(people[holdout])


def test_the_share_is_kept_and_the_seed_decides() -> None:
    """Without people the holdout has its share of the rows; the same seed gives the same rows."""
    train, holdout = split_rows(1_000, holdout=0.2, seed=3)
    assert (len(train), len(holdout)) == (800, 200)
    np.testing.assert_array_equal(holdout, split_rows(1_000, holdout=0.2, seed=3)[1])
    assert not np.array_equal(holdout, split_rows(1_000, holdout=0.2, seed=4)[1])


def test_people_are_named_by_any_value() -> None:
    """Text keys work as groups, and the holdout's size is as near to its share as whole people allow."""
    people = np.repeat(np.array(["a", "b", "c", "d", "e"], dtype=object), 20)
    train, holdout = split_rows(100, holdout=0.4, groups=people, seed=0)
    assert (len(train), len(holdout)) == (60, 40)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_impossible_shares_are_refused(share: float) -> None:
    """The holdout's share lies strictly between 0 and 1."""
    with pytest.raises(UsageError, match="holdout: must be a share"):
        split_rows(10, holdout=share)


def test_groups_of_another_length_are_refused() -> None:
    """One group entry per row."""
    with pytest.raises(UsageError, match="one entry per row"):
        split_rows(10, groups=np.arange(9))


def test_a_holdout_taken_from_train_raises_the_alarm(mixed_table: MixedTable) -> None:
    """Holdout rows that are training rows are counted, and no number that leans on them is to be trusted."""
    train = mixed_table(400)
    found = measure_overlap(compare_frames(train, train.iloc[:100], mixed_table(100, seed=2), MIXED))
    assert found.share == 1.0
    assert found.warning is not None
    assert "seems to be part of train" in found.warning


def test_strangers_with_few_possible_rows_raise_none() -> None:
    """Where train repeats itself, equal rows in the holdout are a fact of the table."""
    rng = np.random.default_rng(0)
    parts = [pd.DataFrame({"a": rng.choice(["x", "y"], n), "b": rng.choice(["u", "v"], n)}) for n in (300, 80, 80)]
    found = measure_overlap(compare_frames(*parts, Table(columns={"a": Categorical(), "b": Categorical()})))
    assert found.share == 1.0
    assert found.warning is None


def test_people_in_both_parts_are_counted() -> None:
    """A person with rows in train and holdout is named as a number, not by key."""
    table = Table(columns={"id": Identifier(), "v": Number()}, entity_key="id")
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"id": [f"P{n}" for n in range(40)], "v": rng.normal(size=40)})
    holdout = pd.DataFrame({"id": [f"P{n}" for n in range(38, 60)], "v": rng.normal(size=22)})
    found = measure_overlap(compare_frames(train, holdout, holdout, table))
    assert found.shared_entities == 2
    assert found.warning is not None
    assert "P38" not in found.warning
