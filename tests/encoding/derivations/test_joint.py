"""Fixed combinations become one column of labels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.encoding.derived import derive
from tabsynth.errors import ConstraintError, UsageError
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number
from tabsynth.schema.constraints import FixedCombinations, FixedNulls, Formula, Inequality, Regex, Unique
from tests.encoding.derivations.soundness import any_rows, assert_kept, assert_sound
from tests.typed_rows import cells, declare, rows_of

PLACES: dict[str, Column] = {
    "city": Categorical(),
    "state": Categorical(),
    "zone": Integer(),
    "x": Number(decimals=1),
    "open": Boolean(),
    "since": DateTime(resolution="day"),
}
PLACE_ROWS = (
    [("Aix", "PACA", 1, 0.5, True, "2020-01-01")] * 12
    + [("Lyon", "ARA", 2, 0.1, False, "2021-01-01")] * 11
    + [("Lyon", None, 2, None, None, None)] * 10
)


def test_combinations_become_one_column() -> None:
    """Columns of every kind become labels of the combinations that are there, missing cells included."""
    table = declare(PLACES, FixedCombinations(columns=tuple(PLACES)))
    rows = rows_of(table, PLACE_ROWS)
    derivation = assert_sound(table, rows, k=10, n_satisfied=1)
    (column,) = derivation.columns.values()
    assert isinstance(column, Categorical) and column.categories == ("0", "1", "2") and not column.is_rule("categories")
    assert derivation.direct == frozenset()


def test_rare_combinations_are_learned_as_the_nearest_common_one() -> None:
    """A combination of fewer than k people appears nowhere, not even in the state; its row joins the nearest one."""
    table = declare({"city": Categorical(), "state": Categorical()}, FixedCombinations(columns=("city", "state")))
    common = [("Aix", "PACA")] * 30 + [("Nice", "PACA")] * 10 + [("Lyon", "ARA")] * 20 + [(None, None)] * 40
    rare = [
        ("Bourg", "ARA"),
        ("Menton", "PACA"),
        ("Gap", "PACA"),
        ("Digne", "PACA"),
        ("Toulon", "PACA"),
        ("Vence", "PACA"),
    ]
    rows = rows_of(table, common + rare + [("Bruges", "Flanders")] * 9)
    derivation = derive(table, rows, k=10)
    back = derivation.backward(derivation.forward(rows))
    found = list(zip(cells(back, "city"), cells(back, "state"), strict=True))
    assert found[:100] == common
    assert found[100] == ("Lyon", "ARA")
    assert {state for _, state in found[101:106]} == {"PACA"} and {city for city, _ in found[101:106]} == {
        "Aix",
        "Nice",
    }
    assert None not in found[106]
    text = json.dumps(derivation.state())
    assert "Aix" in text
    assert not any(word in text for word in ["Flanders", "Bruges", *(city for city, _ in rare)])
    assert derivation.constraints[0] == FixedCombinations(
        columns=("city", "state"), combinations=((None, None), ("Aix", "PACA"), ("Lyon", "ARA"), ("Nice", "PACA"))
    )
    assert derivation.notes == (
        "fixed_combinations of city, state: 13.0% of the rows have a combination that fewer than 10 people share; "
        "they are learned as the nearest common one",
    )


def test_people_are_counted_not_rows() -> None:
    """A combination of many rows of one person is rare, with the entity key or with given codes."""
    table = declare(
        {"who": Identifier(), "drug": Categorical(), "dose": Integer()},
        FixedCombinations(columns=("drug", "dose")),
        entity_key="who",
    )
    rows = rows_of(table, [(f"p{n}", "A", 1) for n in range(5)] + [("p9", "B", 2)] * 50)
    assert "B" not in json.dumps(derive(table, rows, k=5).state()["rewrites"])
    bare = table.model_copy(update={"entity_key": None})
    assert '"B"' in json.dumps(derive(bare, rows, k=5).state()["rewrites"])
    codes = np.concatenate([np.arange(5), np.full(50, 9)])
    assert '"B"' not in json.dumps(derive(bare, rows, k=5, entities=codes).state()["rewrites"])


def test_listed_combinations_are_kept_whole() -> None:
    """A declared list needs no data; combinations with a gap join it where k people have them."""
    listed = (("Aix", 1), ("Lyon", 2), ("Metz", 3))
    rule = FixedCombinations(columns=("city", "zone"), combinations=listed)
    table = declare({"city": Categorical(), "zone": Integer()}, rule)
    assert len(derive(table, None).columns["city + zone"].categories or ()) == 3  # type: ignore[union-attr]
    rows = rows_of(table, [("Aix", 1)] * 4 + [("Lyon", None)] * 3)
    derivation = assert_sound(table, rows, k=3, n_satisfied=1)
    column = derivation.columns["city + zone"]
    assert isinstance(column, Categorical) and column.is_rule("categories") and len(column.categories or ()) == 4
    assert derivation.constraints == table.constraints


def test_combinations_that_share_columns_become_one() -> None:
    """Two rules about the same column are kept together by one list."""
    columns: dict[str, Column] = {"a": Categorical(), "b": Categorical(), "c": Categorical(), "d": Integer()}
    table = declare(columns, FixedCombinations(columns=("a", "b")), FixedCombinations(columns=("c", "b")))
    rows = rows_of(table, [("x", "y", "z", 1)] * 5 + [("u", "y", "w", 2)] * 5)
    derivation = assert_sound(table, rows, k=5, n_satisfied=2)
    assert list(derivation.columns) == ["a + b + c", "d"]


def test_rules_inside_a_combination_hold_with_it() -> None:
    """A rule about columns of one list needs nothing more where every kept combination satisfies it."""
    columns: dict[str, Column] = {"low": Integer(), "high": Integer(), "sum": Integer(), "code": Categorical()}
    table = declare(
        columns,
        FixedCombinations(columns=("low", "high", "sum", "code")),
        Inequality(low="low", high="high"),
        Formula(column="sum", expression="low + high"),
        Regex(column="code", pattern="[A-Z]"),
        FixedNulls(columns=("low", "high")),
        Unique(columns=("code",)),
    )
    rows = rows_of(table, [(1, 2, 3, "A")] * 5 + [(None, None, None, "B")] * 5)
    derivation = assert_sound(table, rows, k=5, n_satisfied=5)
    assert derivation.satisfied == (0, 1, 2, 3, 4)


def test_nothing_common_is_an_error_with_a_remedy() -> None:
    """Where no combination or pattern is shared by k people, the rule cannot be learned and is not dropped silently."""
    columns: dict[str, Column] = {"a": Categorical(), "b": Categorical()}
    rows_table = declare(columns, FixedCombinations(columns=("a", "b")))
    rows = rows_of(rows_table, [("secret", "y"), ("u", "v")])
    with pytest.raises(
        ConstraintError, match=r"shared by 2 people.*list what is possible under combinations"
    ) as caught:
        derive(rows_table, rows, k=2)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConstraintError, match="the data may not be read here; list what is possible under patterns"):
        derive(declare(columns, FixedNulls(columns=("a", "b"))), None)
    with pytest.raises(UsageError, match="at least 1"):
        derive(rows_table, rows, k=0)


COMBINATIONS = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None]), st.booleans()), min_size=1, max_size=60
)


@given(COMBINATIONS, st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_exactly_the_shared_combinations_are_kept(written: list[tuple[Any, ...]], k: int) -> None:
    """What k rows share is kept cell by cell; nothing else comes out or is saved."""
    table = declare({"a": Categorical(), "b": Integer(), "c": Boolean()}, FixedCombinations(columns=("a", "b", "c")))
    rows = rows_of(table, written)
    shared = {row for row in written if written.count(row) >= k}
    if not shared:
        with pytest.raises(ConstraintError):
            derive(table, rows, k=k)
        return
    derivation = derive(table, rows, k=k)
    back = derivation.backward(derivation.forward(rows))
    found = list(zip(cells(back, "a"), cells(back, "b"), cells(back, "c"), strict=True))
    assert [row for row, original in zip(found, written, strict=True) if original in shared] == [
        row for row in written if row in shared
    ]
    assert set(found) == shared
    assert {tuple(row) for row in derivation.state()["rewrites"][0]["combinations"]} == shared
    assert_kept(derivation, derivation.backward(any_rows(derivation.columns, 50, 0)))
