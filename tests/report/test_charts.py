"""Charts: marks where the numbers are, text escaped, sizes that hold for odd input."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tabsynth.evaluation.base import Family, Judged, Result
from tabsynth.evaluation.detection import Curve, Telltale
from tabsynth.evaluation.fairness import GroupScore
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.pairs import PairScore, PairScores
from tabsynth.evaluation.policy import Clause, judge
from tabsynth.evaluation.profiles import Cell, Profile
from tabsynth.report.build import Limit
from tabsynth.report.charts import (
    MAX_HEAT_COLUMNS,
    heat_map,
    holdout_band,
    profile_chart,
    roc_chart,
    ruler,
    telltale_chart,
)
from tabsynth.report.svg import SYNTHETIC, element, shortened
from tabsynth.report.utility_charts import forest, group_bars


def limit_of(value: float, limit: float, direction: str = "at most") -> Limit:
    """A judged detection result beside its clause."""
    clause = Clause.model_validate(
        {"name": "c", "metric": "detection", "direction": direction, "limit": limit, "source": "s", "rationale": "r"}
    )
    result = Result(
        metric="detection",
        family=Family.DETECTION,
        question="?",
        better="lower",
        unit="area",
        value=value,
        interval=Interval(low=value - 0.05, high=value + 0.05),
        reference=0.5,
        baseline=1.0,
        n=100,
    )
    return Limit(clause=clause, result=judge(result, clause), sentence="s.")


def profile_of(kind: str, *cells: Cell) -> Profile:
    """A profile with these cells."""
    return Profile.model_validate(
        {"column": "<c>", "kind": kind, "cells": cells, "missing_train": 0.0, "missing_synthetic": 0.0}
    )


def test_text_and_attributes_are_escaped() -> None:
    """Markup in content and attributes is written as entities."""
    assert str(element("text", "<b>", aria_label='"&<')) == '<text aria-label="&#34;&amp;&lt;">&lt;b&gt;</text>'
    assert "<c>" not in str(profile_chart(profile_of("categories", Cell(label="<x>", train=1.0, synthetic=1.0))))


def test_bars_are_as_long_as_their_shares() -> None:
    """A category with half of the share has a bar of half the length."""
    drawn = str(
        profile_chart(
            profile_of(
                "categories", Cell(label="a", train=0.6, synthetic=0.8), Cell(label="b", train=0.4, synthetic=0.4)
            )
        )
    )
    blue = [float(width) for width in re.findall(rf'width="([\d.]+)" height="7" fill="{SYNTHETIC}"', drawn)]
    assert blue[0] == pytest.approx(2 * blue[1])


def test_a_wide_range_is_drawn_as_low_as_it_is_thin() -> None:
    """Areas, not heights, are shares: half of the cells over four steps stand at a quarter of half over one."""
    cells = (Cell(label="below 1", train=0.5, synthetic=0.5), Cell(label="1 to 5", train=0.5, synthetic=0.5, width=4))
    drawn = str(profile_chart(profile_of("numbers", *cells)))
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" fill="#98a3b0"', drawn)]
    assert heights[0] == pytest.approx(4 * heights[1])


def test_labels_of_an_axis_do_not_touch() -> None:
    """Edges that stand close share one label; those far apart have one each."""
    cells = [Cell(label="below", train=0.05, synthetic=0.05)]
    cells += [Cell(label="x", train=0.05, synthetic=0.05, edge=f"{10_000 * n:,}") for n in range(1, 19)]
    drawn = str(profile_chart(profile_of("numbers", *cells)))
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="141"', drawn)]
    assert len(places) >= 4
    assert min(after - before for before, after in pairwise(places)) >= 70


@pytest.mark.parametrize(("value", "side"), [(0.6, "left"), (0.95, "right")])
def test_the_ruler_puts_the_number_on_its_side_of_the_limit(value: float, side: str) -> None:
    """The dot lies left of a limit it keeps from below, right of one it breaks, and inside of the drawing."""
    drawn = str(ruler(limit_of(value, 0.8)))
    dot = float(re.findall(r'cx="([\d.]+)"', drawn)[0])
    edge = float(re.findall(r'x1="([\d.]+)" y1="12"', drawn)[0])
    assert (dot < edge) is (side == "left")
    assert 0 <= dot <= 300
    assert "limit 0.800" in drawn


def test_the_ruler_stays_empty_without_a_scale() -> None:
    """Counts and unmeasured results have no ruler; an interval without width still has one."""
    limit = limit_of(0.6, 0.8)
    unmeasured = limit.result.model_copy(update={"value": None})
    assert ruler(limit.model_copy(update={"result": unmeasured})) == ""
    counted = limit.result.model_copy(update={"unit": "count"})
    assert ruler(limit.model_copy(update={"result": counted})) == ""
    point = limit.result.model_copy(
        update={"judged": Judged(what="excess over the holdout", value=0.0), "reference": 0.0, "baseline": 0.0}
    )
    flat = limit.model_copy(update={"result": point, "clause": limit.clause.model_copy(update={"limit": 0.0})})
    assert "nan" not in str(ruler(flat))


def test_the_heat_map_has_a_cell_per_pair_and_a_bound() -> None:
    """Three columns give three cells; more than 40 columns are listed instead."""
    names = ("a", "b", "c")
    scores = tuple(
        PairScore(first=first, second=second, value=value, reference=0.9, baseline=0.5)
        for first, second, value in (("a", "b", 0.9), ("a", "c", 0.5), ("b", "c", 0.87))
    )
    detail = PairScores(columns=names, scores=scores, n_pairs=3)
    drawn = str(heat_map(detail))
    assert drawn.count("<rect") == 3
    assert "a × c: 55.6 % of the ceiling" in drawn
    many = tuple(f"c{n}" for n in range(MAX_HEAT_COLUMNS + 1))
    assert heat_map(detail.model_copy(update={"columns": many})) == ""


def test_curves_and_bars_hold_for_flat_input() -> None:
    """A classifier that learned nothing gives a diagonal and empty bars, not a division by zero."""
    rates = tuple(place / 4 for place in range(5))
    curve = Curve(name="synthetic rows", area=0.5, false_positive=rates, true_positive=rates)
    assert "M40 270 L40 270" in str(roc_chart((curve,)))
    assert "nan" not in str(telltale_chart((Telltale(column="a", loss=0.0), Telltale(column="b", loss=-0.1))))


def test_long_names_are_cut() -> None:
    """A label keeps its length; the full name is in the title."""
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


def test_groups_that_meet_are_told_apart() -> None:
    """Nothing of a group's name is cut off where it fits on two or three lines; on paper there is no other."""
    names = (
        "discharged: highest third, sex: Female",
        "discharged: highest third, sex: Male",
        "arterial_pressure_min: highest third, oxygen_saturation: lowest third",
    )
    sure = Interval(low=0.0, high=0.1)
    scores = [
        GroupScore(group=name, n_people=100, synthetic=0.1, real=0.1, difference=0.0, interval=sure, judged=True)
        for name in names
    ]
    drawn = re.sub("<title>.*?</title>", "", str(group_bars(scores, label="groups")))
    words = " ".join(re.findall(r'text-anchor="end"[^>]*>([^<]*)<', drawn))
    assert all(name in words for name in names), words
    assert "(per SD)" in " ".join(
        re.findall(
            r">([^<]*)</text>", str(forest(["arterial_pressure_minimum (per SD)"], [(0, 0, 1)], [(0, 0, 1)], label="x"))
        )
    )


def test_charts_show_where_real_rows_would_lie() -> None:
    """One line per cell, wider for fewer rows; none where the size of the holdout is not known."""
    cells = (Cell(label="a", train=0.3, synthetic=0.4), Cell(label="b", train=0.7, synthetic=0.6))
    for kind in ("numbers", "categories"):
        profile = profile_of(kind, *cells)
        bare, banded = str(profile_chart(profile)), str(profile_chart(profile, 100))
        assert banded.count("<line") == bare.count("<line") + 2
    few, many = holdout_band(0.3, 50), holdout_band(0.3, 5_000)
    assert few[0] < many[0] < 0.3 < many[1] < few[1]
