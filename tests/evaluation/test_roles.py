"""Holdout, attack reference and test rows: parts of other people where these are enough, else said to be shared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import InsufficientDataError, UsageError
from tabsynth.evaluation import evaluate_typed, roles, tasks
from tabsynth.evaluation.comparison import compare, read_frame
from tabsynth.evaluation.membership_attacks import cast
from tabsynth.evaluation.recipe import Array, Recipe
from tabsynth.evaluation.roles import SHARES, part_roles
from tabsynth.evaluation.split import measure_overlaps, split_people
from tabsynth.schema.columns import Identifier, Number
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable

TABLE = Table(columns={"id": Identifier(), "a": Number(decimals=3), "b": Number(decimals=3)}, entity_key="id")


def people(first: int, last: int, *, seed: int = 0) -> TypedTable:
    """Two rows each of some people."""
    rng = np.random.default_rng([seed, first])
    names = np.repeat([f"P{n}" for n in range(first, last)], 2)
    frame = pd.DataFrame({"id": names, "a": rng.normal(size=len(names)), "b": rng.normal(size=len(names))})
    return read_frame(frame, TABLE, name="part")


@given(groups=st.lists(st.integers(0, 9), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_every_person_is_in_one_part(groups: list[int], seed: int) -> None:
    """Rows of a person stay together, no row is lost, no part is empty; fewer people than parts are refused."""
    of = np.array(groups)
    if len(set(groups)) < 3:
        with pytest.raises(InsufficientDataError, match="3 parts need at least one each"):
            split_people(of, SHARES, seed=seed)
        return
    parts = split_people(of, SHARES, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(len(of)))
    held = [set(of[rows]) for rows in parts.values()]
    assert all(held)
    assert sum(map(len, held)) == len(set(groups))


def test_shares_are_kept_and_must_be_whole() -> None:
    """Of 1,000 people, 400, 400 and 200; shares that are no whole are refused."""
    parts = split_people(np.arange(1_000), SHARES, seed=1)
    assert [len(rows) for rows in parts.values()] == [400, 400, 200]
    with pytest.raises(UsageError, match="1 together"):
        split_people(np.arange(10), {"a": 0.5, "b": 0.4}, seed=0)


def test_many_people_are_parted_and_few_play_all_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says which, with the people of each role; given parts are taken as they are."""
    monkeypatch.setattr(roles, "MIN_APART", 100)
    train, many, few, made = people(0, 150), people(200, 320), people(400, 480), people(600, 700)
    found = evaluate_typed(train, many, made, TABLE, metrics=["column-similarity"])
    assert found.roles is not None and found.roles.apart
    assert found.roles.n_people == {"train": 150, "holdout": 48, "reference": 48, "test": 24}
    assert found.n_rows["reference"] == 96
    assert (
        "48 people in the attack reference" not in found.roles.words
        and "48 in the attack reference" in found.roles.words
    )
    assert {(o.part, o.other): o.shared_entities for o in (found.overlap, *found.overlaps)} == {
        ("holdout", "train"): 0,
        ("reference", "train"): 0,
        ("test", "train"): 0,
        ("reference", "holdout"): 0,
        ("test", "holdout"): 0,
        ("test", "reference"): 0,
    }
    shared = evaluate_typed(train, few, made, TABLE, metrics=["column-similarity"])
    assert shared.roles is not None and not shared.roles.apart
    assert "80 people of the holdout also play the attack reference" in shared.roles.words
    given = evaluate_typed(train, many, made, TABLE, metrics=["column-similarity"], apart={"test": few})
    assert given.roles is not None
    assert given.roles.n_people == {"train": 150, "holdout": 120, "reference": 120, "test": 80}
    assert "also play the attack reference, for which no rows were given" in given.roles.words


def test_attackers_and_models_get_their_own_rows() -> None:
    """Nobody of the reference is asked about, and models are tested on the test rows."""
    apart = {"reference": people(300, 400), "test": people(500, 560)}
    comparison = compare(people(0, 100), people(200, 300), people(600, 700), TABLE, apart=apart)
    parts = cast(comparison)
    assert parts is not None
    assert parts.reference.n_rows == 200
    assert set(parts.fold.tolist()) == {0}
    assert 0 not in parts.reference_fold
    known, asked = ({tuple(row) for row in rows.matrix(("a", "b"))} for rows in (parts.reference, parts.asked))
    assert not known & asked
    rows, _ = tasks.tested(comparison, 1_000)
    np.testing.assert_array_equal(rows.columns["a"], comparison.apart["test"].columns["a"])


def test_people_of_train_in_any_part_raise_the_alarm() -> None:
    """A reference that holds people of train is named, with their number."""
    comparison = compare(
        people(0, 100), people(200, 300), people(600, 700), TABLE, apart={"reference": people(90, 150, seed=1)}
    )
    [warning] = [overlap.warning for overlap in measure_overlaps(comparison) if overlap.warning]
    assert warning.startswith("10 people have rows in both train and reference")


def test_without_people_every_row_is_one() -> None:
    """A table without an entity key is parted by rows."""
    table = Table(columns={"a": Number()})
    whole = read_frame(pd.DataFrame({"a": np.arange(6_000.0)}), table, name="holdout")
    holdout, apart, _ = part_roles(whole, table, {}, seed=0)
    assert (holdout.n_rows, apart["reference"].n_rows, apart["test"].n_rows) == (2_400, 2_400, 1_200)


def test_a_recipe_learns_from_the_rows_that_are_named_after_parting() -> None:
    """Row numbers of train and of what is left of the holdout, not of the holdout as it was given."""
    asked: list[list[int]] = []

    def refit(chosen: Array, n_rows: int, seed: int) -> TypedTable:
        asked.append(chosen.tolist())
        return people(0, 5)

    recipe = Recipe("toy", refit=refit).on_holdout(np.array([3, 4, 9]), n_train=10)
    assert recipe.refit is not None
    recipe.refit(np.array([0, 9, 10, 12]), 5, 0)
    assert asked == [[0, 9, 13, 19]]
