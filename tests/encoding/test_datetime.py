"""Steps of datetimes: every moment that a cell can hold has one, also where a clock stands beyond the year 9999."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.encoding.datetime import from_steps, to_steps
from tabsynth.schema.columns import DateTime
from tabsynth.schema.model import Schema
from tabsynth.schema.values import parse_column

FAR = [
    ("America/New_York", "9999-12-31T23:59:59"),
    ("Asia/Tokyo", "0001-01-01T00:00:00"),
    ("America/New_York", "2020-05-05"),
]


@pytest.mark.parametrize("resolution", ["month", "day", "second"])
@pytest.mark.parametrize(("zone", "cell"), FAR)
def test_the_last_moment_of_a_calendar_has_a_step(zone: str, cell: str, resolution: str) -> None:
    """9999-12-31 stands for "never" in many tables; in New York it is the year 10000 in UTC when that day ends."""
    column = DateTime(time_zone=zone, resolution=resolution)
    micros = parse_column(pd.Series([cell], dtype=object), column).values.array
    steps = to_steps(micros, column)
    assert (to_steps(from_steps(steps, column), column) == steps).all()


@pytest.mark.parametrize("resolution", ["day", "second"])
@pytest.mark.parametrize(("zone", "cell"), FAR)
def test_such_cells_are_learned_and_drawn(zone: str, cell: str, resolution: str) -> None:
    """Rows come out, not an error about the year 10000."""
    column = {"type": "datetime", "time_zone": zone, "resolution": resolution, "provenance": {"resolution": "data"}}
    schema = Schema.model_validate_json(json.dumps({"tables": {"t": {"columns": {"x": column}}}}))
    rows = (
        ts.Independent().fit(pd.DataFrame({"x": ["2021-03-04"] * 50 + [cell] * 50}), schema, seed=0).sample(60, seed=0)
    )
    assert len(rows) == 60 and rows["x"].notna().all() and rows["x"].nunique() == 2


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_near_moments_have_the_steps_that_pandas_gives(zone: str) -> None:
    """From 1800 to 2200, winter and summer; by a name pandas 2 takes rules that end in 2037."""
    micros = np.random.default_rng(0).integers(-5_364 * 10**12, 7_258 * 10**12, 2000)
    local = (
        pd.Series(micros.astype("datetime64[us]"))
        .dt.tz_localize("UTC")
        .dt.tz_convert(ZoneInfo(zone))
        .dt.tz_localize(None)
    )
    found = to_steps(micros, DateTime(time_zone=zone, resolution="microsecond"))
    assert (found == local.to_numpy("datetime64[us]").astype(np.int64)).all()
