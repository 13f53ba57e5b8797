"""One-hot columns become one choice."""

from __future__ import annotations

import pytest

from tabsynth.encoding.derived import derive
from tabsynth.schema.columns import Boolean, Categorical, Column, Integer, Number
from tabsynth.schema.constraints import OneHot
from tests.encoding.derivations.soundness import assert_sound
from tests.typed_rows import cells, declare, rows_of


@pytest.mark.parametrize("nullable", [False, True])
def test_one_hot_becomes_one_choice(nullable: bool) -> None:
    """Flags of every kind become the name of the one that is set, and come back as they were."""
    columns: dict[str, Column] = {
        "x": Integer(),
        "y": Boolean(labels=("no", "yes")),
        "z": Categorical(categories=(0, 1)),
        "w": Number(),
    }
    table = declare(columns, OneHot(columns=("x", "y", "z", "w")))
    written = [(1, "no", 0, 0.0), (0, "yes", 0, 0.0), (0, "no", 1, 0.0), (0, "no", 0, 1.0)]
    rows = rows_of(table, written * 3 + [(None, None, None, None)] * (3 if nullable else 0))
    derivation = assert_sound(table, rows, k=3, n_satisfied=1)
    (choice,) = derivation.columns.values()
    assert choice == Categorical(categories=("x", "y", "z", "w"), nullable=nullable)


def test_one_hot_with_open_rows_is_left_alone() -> None:
    """Where k people have rows that do not say which flag is set, the columns stay as they are."""
    table = declare({"x": Integer(), "y": Integer()}, OneHot(columns=("x", "y")))
    rows = rows_of(table, [(1, 0)] * 5 + [(0, None)] * 3)
    assert derive(table, rows, k=3).satisfied == ()
    few = derive(table, rows, k=4)
    assert few.satisfied == (0,)
    assert cells(few.backward(few.forward(rows)), "x") == [1] * 8
