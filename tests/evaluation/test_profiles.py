"""Printable histograms: no rare value, no extreme, no cell of fewer than k people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tabsynth.evaluation.calendar import calendar_edges, calendar_text
from tabsynth.evaluation.profiles import K, Profile, people_per_code, profile, round_edges
from tabsynth.schema.columns import Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames


def profile_of(column: Column, train: list[object], synthetic: list[object] | None = None) -> Profile:
    """Profile of a one-column table."""
    table = Table(columns={"c": column})
    frames = [pd.DataFrame({"c": pd.Series(cells, dtype=object)}) for cells in (train, train, synthetic or train)]
    return profile(compare_frames(*frames, table), "c")


@given(cells=st.lists(st.integers(-1000, 1000), min_size=1, max_size=200))
@settings(max_examples=60)
def test_every_range_holds_at_least_k_people(cells: list[int]) -> None:
    """Whatever the numbers, no range stands for fewer than k rows of train, unless it is the only one."""
    found = profile_of(Integer(), list(cells))
    shares = [cell.train * len(cells) for cell in found.cells]
    assert sum(cell.train for cell in found.cells) == pytest.approx(1, abs=1e-2)
    assert len(shares) == 1 or min(shares) >= K - 0.1


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=30))
@settings(max_examples=60)
def test_every_named_category_holds_at_least_k_people(counts: list[int]) -> None:
    """Rare categories are pooled without their names, and the pool holds k people itself."""
    cells = [f"name{number}" for number, count in enumerate(counts) for _ in range(count)]
    found = profile_of(Categorical(), list(cells))
    for cell in found.cells:
        assert len(found.cells) == 1 or cell.train * len(cells) >= K - 0.1
        if cell.label.startswith("name"):
            assert counts[int(cell.label.removeprefix("name"))] >= K


def test_extremes_and_rare_names_are_not_shown() -> None:
    """One outlier in a thousand and one rare category leave no trace of their value."""
    rng = np.random.default_rng(0)
    numbers = profile_of(Number(), [*rng.normal(50, 9, 999).round(3), 987654.321])
    assert "987" not in numbers.model_dump_json()
    dates = profile_of(DateTime(), [*pd.date_range("2020-01-01", periods=999), pd.Timestamp("1899-03-07")])
    assert "1899" not in dates.model_dump_json()
    names = profile_of(Categorical(), [*["common"] * 989, *["CANARY"] * 10, "CANARY-2"])
    assert "CANARY" not in names.model_dump_json()
    assert any(cell.label == "rare (2 pooled)" for cell in names.cells)


def test_ends_are_open_and_edges_round() -> None:
    """The first and last range name one edge each, and edges are multiples of a round step."""
    found = profile_of(Integer(), list(np.random.default_rng(0).integers(18, 91, 3_000)))
    assert found.cells[0].label.startswith("below ")
    assert found.cells[-1].label.endswith(" and above")
    assert all(int(cell.edge) % 5 == 0 for cell in found.cells if cell.edge is not None)


def test_names_that_only_synthetic_holds_are_pooled() -> None:
    """An invented category may be a rare real one in disguise; it is counted, not named."""
    found = profile_of(Categorical(), ["a"] * 50 + ["b"] * 50, ["a"] * 60 + ["odd"] * 40)
    assert [cell.label for cell in found.cells] == ["a", "b", "not in train (1 pooled)"]
    assert found.cells[-1].synthetic == 0.4


def test_ordinals_keep_their_order() -> None:
    """Bars of an ordered column stand in its order, not by size."""
    found = profile_of(Ordinal(categories=("low", "mid", "high")), ["high"] * 40 + ["low"] * 20 + ["mid"] * 30)
    assert [cell.label for cell in found.cells] == ["low", "mid", "high"]


def test_people_are_counted_not_rows() -> None:
    """A category that one person fills with fifty rows is rare."""
    table = Table(columns={"id": Identifier(), "c": Categorical()}, entity_key="id")
    frame = pd.DataFrame({"id": ["one"] * 50 + [f"p{n}" for n in range(100)], "c": ["CANARY"] * 50 + ["a", "b"] * 50})
    found = profile(compare_frames(frame, frame, frame, table), "c")
    assert "CANARY" not in found.model_dump_json()
    np.testing.assert_array_equal(people_per_code(np.array([0, 0, 1]), np.array([5, 5, 5]), 2), [1, 1])


def test_ten_rows_are_shown_as_one() -> None:
    """A table too small for any detail says so instead."""
    found = profile_of(Integer(), list(range(10)))
    assert [cell.label for cell in found.cells] == ["all values"]
    assert found.note is not None


def test_missing_cells_are_stated_beside() -> None:
    """Shares are of present cells; the share of gaps stands apart."""
    found = profile_of(Integer(), [1] * 60 + [None] * 40, [1] * 100)
    assert (found.missing_train, found.missing_synthetic) == (0.4, 0.0)


@example(720575941.0, 1e-6, 5, False)
@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(2, 30), st.booleans())
def test_edges_lie_inside_and_are_few(lower: float, span: float, goal: int, whole: bool) -> None:
    """Edges rise strictly within the range, about as many as asked for."""
    edges = round_edges(lower, lower + span, goal, whole=whole)
    slack = 1e-9 * (abs(lower) + span)
    assert len(edges) <= goal + 1
    assert (np.diff(edges) > 0).all()
    assert ((edges > lower - slack) & (edges <= lower + span + slack)).all()


@given(st.datetimes(), st.floats(1.0, 1e15))
def test_calendar_edges_lie_inside_and_read_well(start: object, span: float) -> None:
    """Edges are whole calendar steps inside of the range."""
    lower = float(np.datetime64(start, "us").astype(np.int64))
    upper = min(lower + span, float(np.datetime64("9999-12-31", "us").astype(np.int64)))
    edges = calendar_edges(lower, upper, 18)
    assert len(edges) <= 20
    assert ((edges > lower) & (edges <= upper)).all()
    assert all(len(calendar_text(edge)) in (4, 7, 10, 16, 19) for edge in edges)
