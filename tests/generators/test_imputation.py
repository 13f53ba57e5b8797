"""Filling in tables: rules, structural gaps, other libraries and spellings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tabsynth as ts
from tabsynth.errors import TabsynthWarning
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import validate_table

RNG = np.random.default_rng(31)
N = 1200


def _schema(columns: dict[str, object], *constraints: dict[str, object]) -> Schema:
    return Schema.model_validate({"tables": {"t": {"columns": columns, "constraints": list(constraints)}}})


def _stays() -> tuple[pd.DataFrame, Schema]:
    """Short stays over three years, their length, and a cost that follows from two parts."""
    arrived = pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, N), unit="D")
    length = RNG.geometric(0.25, N)
    table = pd.DataFrame({"arrived": arrived, "left": arrived + pd.to_timedelta(length, unit="D"), "days": length})
    table["drugs"], table["beds"] = RNG.integers(0, 50, N), RNG.integers(50, 90, N)
    table["cost"] = table["drugs"] + table["beds"]
    columns = {name: {"type": "integer"} for name in table} | {
        name: {"type": "datetime", "resolution": "day"} for name in ("arrived", "left")
    }
    schema = _schema(
        columns,
        {"type": "inequality", "low": "arrived", "high": "left"},
        {"type": "formula", "column": "days", "expression": "days(left - arrived)"},
        {"type": "sum_to", "columns": ["drugs", "beds"], "total": "cost"},
    )
    return table, schema


@pytest.mark.parametrize("names", [["arrived"], ["left"], ["days"], ["arrived", "days"], ["cost"], ["drugs"]], ids=str)
def test_rules_hold_after_filling(names: list[str]) -> None:
    """Distances, formulas and sums hold in every row, whichever of their columns was empty."""
    table, schema = _stays()
    model = ts.Copula().fit(table, schema, seed=0)
    holed = table.copy()
    for name in names:
        holed[name] = holed[name].astype("Int64" if name not in ("arrived", "left") else holed[name].dtype)
        holed.loc[::4, name] = pd.NA if name not in ("arrived", "left") else pd.NaT
    filled = model.impute(holed, seed=1)
    assert filled.notna().all().all()
    assert validate_table(filled, schema.only_table).ok
    stay = (filled["left"] - filled["arrived"]).dt.days
    assert stay.mean() < 8  # as short as those of the table, not anything that keeps the order


def test_demanded_gaps_stay() -> None:
    """Of the patterns of fixed_nulls the one with the fewest gaps; what a conditional empties stays empty."""
    group = RNG.choice(["in", "out"], N)
    end, reason = (pd.Series(RNG.integers(0, 9, N)).astype("Int64") for _ in range(2))
    table = pd.DataFrame({"group": group, "end": end.mask(group == "in"), "reason": reason.mask(group == "in")})
    columns = {"group": {"type": "categorical"}, "end": {"type": "integer"}, "reason": {"type": "integer"}}
    then = [{"column": "end", "missing": True}, {"column": "reason", "missing": True}]
    rules = (
        {"type": "fixed_nulls", "columns": ["end", "reason"], "patterns": [[False, False], [True, True]]},
        {"type": "conditional", "if": [{"column": "group", "one_of": ["in"]}], "then": then},
    )
    schema = _schema(columns, *rules)
    model = ts.Copula().fit(table, schema, seed=0)
    holed = table.copy()
    holed.loc[::3, "end"] = pd.NA
    filled = model.impute(holed, seed=1)
    assert (filled["end"].isna() == (table["group"] == "in")).all()
    assert (filled["reason"].isna() == (table["group"] == "in")).all()
    assert model.impute(holed, seed=1, columns=["reason"])["end"].equals(holed["end"])


def test_a_row_that_no_draw_completes_keeps_the_gap_of_the_rule() -> None:
    """A cell that cannot keep its rule stays empty, with a warning; the row's other cells are filled."""
    table = pd.DataFrame({"low": RNG.integers(50, 60, N), "high": RNG.integers(61, 71, N), "x": RNG.normal(size=N)})
    kinds = {"low": {"type": "integer", "lower": 50}, "high": {"type": "integer"}, "x": {"type": "number"}}
    schema = _schema(kinds, {"type": "inequality", "low": "low", "high": "high", "strict": True})
    model = ts.Independent().fit(table, schema, seed=0)
    # Nothing from 50 is below 50.
    holed = pd.DataFrame({"low": [None, 52], "high": [50, None], "x": [np.nan, np.nan]}).astype("Float64")
    with pytest.warns(TabsynthWarning, match="1 of 2 rows"):
        filled = model.impute(holed, seed=0)
    assert filled["low"].isna().tolist() == [True, False]
    assert filled["x"].notna().all() and filled.loc[1, "high"] > 52


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_libraries_come_back(library: str) -> None:
    """polars and pyarrow tables keep their types, and columns without gaps are the same objects' values."""
    table, schema = _stays()
    model = ts.Copula().fit(table, schema, seed=0)
    holed = table.assign(beds=table["beds"].astype("Int64").mask(np.arange(N) % 5 == 0))
    given = pl.from_pandas(holed) if library == "polars" else pa.Table.from_pandas(holed, preserve_index=False)
    filled = model.impute(given, seed=1)
    assert type(filled) is type(given) and filled.schema == given.schema
    after = filled.to_pandas()
    assert after["beds"].notna().all()
    assert (after["arrived"] == table["arrived"]).all()
    there = holed["beds"].notna()
    assert (after.loc[there, "beds"] == table.loc[there, "beds"]).all()


def test_text_categories_and_codes_keep_their_spelling() -> None:
    """Text columns get text, categorical ones keep their dtype, and spelled gaps are filled, too."""
    table = pd.DataFrame(
        {
            "age": RNG.integers(0, 90, N).astype(str),
            "ward": pd.Categorical(RNG.choice(["east", "west"], N)),
            "day": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 99, N), unit="D")).astype(
                str
            ),
        }
    )
    kinds = {
        "age": {"type": "integer", "missing_values": ["n/a"]},
        "ward": {"type": "categorical"},
        "day": {"type": "datetime", "resolution": "day"},
    }
    model = ts.Independent().fit(table, _schema(kinds), seed=0)
    holed = table.copy()
    holed.loc[::2, "age"] = "n/a"
    holed.loc[::2, ["ward", "day"]] = None
    filled = model.impute(holed, seed=0)
    assert (filled.dtypes == table.dtypes).all()
    assert filled["age"].str.fullmatch("[0-9]+").all()
    assert filled["day"].str.fullmatch("2020-[0-9]{2}-[0-9]{2}").all()
    assert set(filled["ward"]) == {"east", "west"}


def test_broken_rules_of_known_cells_are_not_ours() -> None:
    """A row that breaks a rule already is filled, and what breaks the rule stays."""
    table, schema = _stays()
    model = ts.Copula().fit(table, schema, seed=0)
    holed = table.copy()
    holed["beds"] = holed["beds"].astype("Int64")
    holed.loc[0, "left"] = holed.loc[0, "arrived"] - pd.Timedelta(days=3)
    holed.loc[0, "beds"] = pd.NA
    filled = model.impute(holed, seed=1)
    assert filled.loc[0, "beds"] == table.loc[0, "beds"] and filled.loc[0, "left"] == holed.loc[0, "left"]
