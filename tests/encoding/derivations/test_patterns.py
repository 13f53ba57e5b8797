"""Patterns of missing cells become one column that has the last word."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.encoding.derived import Derivation, derive
from tabsynth.errors import ConstraintError
from tabsynth.schema.columns import Categorical, Column, DateTime, Identifier, Integer, Number
from tabsynth.schema.constraints import FixedNulls, Formula, Inequality
from tests.encoding.derivations.soundness import any_rows, assert_kept, assert_sound
from tests.typed_rows import cells, declare, rows_of, typed

GAPPY: dict[str, Column] = {
    "code": Categorical(),
    "text": Categorical(categories=("a", "b")),
    "dose": Number(decimals=1, lower=2.0),
    "at": DateTime(),
    "id": Identifier(),
}


def test_patterns_of_gaps_hold() -> None:
    """Only patterns that k people have come out, whatever the columns themselves are drawn as."""
    table = declare(GAPPY, FixedNulls(columns=tuple(GAPPY)))
    full = ("x", "a", 2.5, "2024-01-01", "7")
    rows = rows_of(table, [full] * 6 + [(None,) * 5] * 5 + [("x", "b", None, None, "8")] * 4)
    derivation = assert_sound(table, rows, k=4, n_satisfied=1)
    assert next(iter(derivation.columns)) == "missing in code, text, dose, at, id"
    assert derivation.direct == frozenset()
    assert derivation.constraints[0].patterns == (  # type: ignore[union-attr]
        (False,) * 5,
        (True,) * 5,
        (False, False, True, True, False),
    )


def test_cells_that_a_pattern_needs_are_filled_from_drawn_rows() -> None:
    """A cell that the model left empty gets a value of another drawn row, or a plain one where there is none."""
    table = declare({"a": Integer(lower=3), "b": Categorical()}, FixedNulls(columns=("a", "b")))
    rows = rows_of(table, [(5, "x"), (6, "x"), (None, None), (None, None)])
    derivation = derive(table, rows, k=2)
    drawn = {"missing in a, b": ["0", "0", "1"], "a": [None, 9, 8], "b": [None, None, "y"]}
    modelled = derivation.forward(rows_of(table, [(1, "x")] * 3))
    kinds = declare(derivation.columns)
    given_rows = typed(kinds, {name: pd.Series(column, dtype=object) for name, column in drawn.items()})
    assert list(modelled.columns) == list(given_rows.columns)
    back = derivation.backward(given_rows)
    assert cells(back, "a") == [9, 9, None]
    assert cells(back, "b") == ["y", "y", None]
    alone = derivation.backward(given_rows.take(np.array([0])))
    assert (cells(alone, "a"), cells(alone, "b")) == ([3], ["x"])


def test_patterns_and_distances_go_together() -> None:
    """A start and a stop that are missing together stay in order and stay together."""
    table = declare(
        {
            "start": DateTime(resolution="day"),
            "stop": DateTime(resolution="day"),
            "why": Categorical(categories=("x", "y")),
        },
        Inequality(low="start", high="stop"),
        FixedNulls(columns=("start", "stop", "why")),
    )
    rows = rows_of(
        table, [("2024-01-01", "2024-01-03", "x")] * 4 + [(None, None, None)] * 3 + [("2024-01-01", None, None)] * 3
    )
    derivation = assert_sound(table, rows, k=3, n_satisfied=2)
    assert "stop minus start" in derivation.columns


def test_rare_patterns_are_learned_as_the_nearest() -> None:
    """A pattern of fewer than k people comes back as the kept one that differs least."""
    table = declare({name: Categorical() for name in "abc"}, FixedNulls(columns=("a", "b", "c")))
    rows = rows_of(table, [("x", "x", "x")] * 5 + [(None, None, None)] * 4 + [("x", None, None)])
    derivation = derive(table, rows, k=4)
    assert cells(derivation.backward(derivation.forward(rows)), "a") == ["x"] * 5 + [None] * 5


def test_patterns_that_cannot_be_built_in_are_filled_in_for_the_check() -> None:
    """Where a member is calculated, the learned patterns are there for the caller to reject by."""
    table = declare(
        {"a": Integer(), "b": Integer(), "c": Integer()},
        Formula(column="b", expression="a + 1"),
        FixedNulls(columns=("b", "c")),
    )
    rows = rows_of(table, [(1, 2, 3)] * 3 + [(None, None, None)] * 3)
    derivation = derive(table, rows, k=3)
    assert derivation.satisfied == (0,)
    assert derivation.constraints[1].patterns == ((False, False), (True, True))  # type: ignore[union-attr]
    assert Derivation.from_state(json.loads(json.dumps(derivation.state())), table) == derivation


@given(st.lists(st.tuples(*[st.sampled_from(["x", None])] * 3), min_size=1, max_size=60), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_exactly_the_shared_patterns_come_out(written: list[tuple[str | None, ...]], k: int) -> None:
    """Rows whose pattern k rows share come back as they were; no other pattern comes out, whatever is drawn."""
    table = declare({name: Categorical(categories=("x", "y")) for name in "abc"}, FixedNulls(columns=("a", "b", "c")))
    rows = rows_of(table, written)
    shared = {row for row in written if written.count(row) >= k}
    if not shared:
        with pytest.raises(ConstraintError):
            derive(table, rows, k=k)
        return
    derivation = derive(table, rows, k=k)
    back = derivation.backward(derivation.forward(rows))
    found = list(zip(cells(back, "a"), cells(back, "b"), cells(back, "c"), strict=True))
    assert all(row == original for row, original in zip(found, written, strict=True) if original in shared)
    for seed in range(3):
        assert_kept(derivation, derivation.backward(any_rows(derivation.columns, 20, seed)))
