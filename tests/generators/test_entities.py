"""People with several rows keep their number of rows, and one name each."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

import tabsynth as ts
from tabsynth.schema.model import Schema

SCHEMA = Schema.model_validate(
    {
        "tables": {
            "visits": {
                "entity_key": "person",
                "order_by": ["day"],
                "columns": {
                    "visit": {"type": "identifier", "nullable": False},
                    "person": {"type": "identifier", "nullable": False},
                    "name": {"type": "identifier", "surrogate": "name"},
                    "day": {"type": "datetime", "resolution": "day"},
                    "pulse": {"type": "integer"},
                    "ward": {"type": "categorical"},
                },
            }
        }
    }
)


def _visits(n_people: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 8, n_people)
    person = np.repeat(np.arange(n_people), counts)
    n = len(person)
    return pd.DataFrame(
        {
            "visit": [f"v{i:08d}" for i in range(n)],
            "person": [f"p{i:06d}" for i in person],
            "name": [f"Name{i}" for i in person],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "pulse": rng.integers(50, 110, n),
            "ward": np.where(person == 0, "one person's ward", rng.choice(["x", "y"], n)),
        }
    )


def test_rows_per_person_come_back() -> None:
    """The mean number of rows per person is kept; visits are unique, and a person has one name."""
    table = _visits()
    rows = ts.Copula().fit(table, SCHEMA, seed=0).sample(3000, seed=0)
    assert len(rows) == 3000 and rows["visit"].is_unique
    sizes = rows.groupby("person").size()
    assert abs(sizes.mean() - table.groupby("person").size().mean()) < 0.5
    assert sizes.max() <= 7
    assert (rows.groupby("person")["name"].nunique() == 1).all()


def test_order_is_that_of_the_declared_values() -> None:
    """Stages stand in their order, not that of the alphabet; a column that a rule rewrites is put in order, too."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 50, 400)
    table = pd.DataFrame(
        {
            "person": np.repeat([f"p{i:04d}" for i in range(100)], 4),
            "stage": rng.choice(["I", "V", "IX"], 400),
            "group": rng.choice([2, 10], 400),
            "first": first,
            "last": first + rng.integers(0, 9, 400),
        }
    )
    columns = {
        "person": {"type": "identifier", "nullable": False},
        "stage": {"type": "ordinal", "categories": ["I", "V", "IX"]},
        "group": {"type": "categorical", "categories": [2, 10]},
        "first": {"type": "integer"},
        "last": {"type": "integer"},
    }
    place = {"I": 0, "V": 1, "IX": 2}
    for by in ("stage", "group", "last"):
        declared = {
            "entity_key": "person",
            "order_by": [by],
            "columns": columns,
            "constraints": [{"type": "inequality", "low": "first", "high": "last"}],
        }
        schema = Schema.model_validate_json(json.dumps({"tables": {"t": declared}}))
        rows = ts.Independent().fit(table, schema, seed=0).sample(300, seed=1)
        cells = rows[by].map(place) if by == "stage" else rows[by]
        assert cells.groupby(rows["person"]).apply(lambda part: part.is_monotonic_increasing).all(), by


def test_rows_of_a_person_are_in_order() -> None:
    """order_by holds within each person."""
    rows = ts.Copula().fit(_visits(), SCHEMA, seed=0).sample(500, seed=0)
    assert all(group["day"].is_monotonic_increasing for _, group in rows.groupby("person"))


def test_floors_count_people() -> None:
    """A ward with fourteen rows of two people is rare."""
    table = _visits()
    table.loc[:13, "ward"] = "small ward"
    table.loc[:13, "person"] = ["p000000"] * 7 + ["p000001"] * 7
    rows = ts.Copula().fit(table, SCHEMA, seed=0).sample(3000, seed=0)
    assert set(rows["ward"]) == {"x", "y"}


def test_surrogates_avoid_identifiers_of_rows_kept_apart() -> None:
    """Identifiers of `avoid` are not repeated either."""
    columns = {"key": {"type": "identifier", "pattern": "[0-9]{4}"}, "x": {"type": "integer"}}
    schema = Schema.model_validate({"tables": {"t": {"columns": columns}}})
    rng = np.random.default_rng(0)
    keys = np.array([f"{i:04d}" for i in rng.choice(5000, 600, replace=False)])
    table = pd.DataFrame({"key": keys, "x": rng.integers(0, 9, 600)})
    model = ts.Copula().fit(table.head(300), schema, seed=0, avoid=table.tail(300))
    assert not set(model.sample(300, seed=0)["key"]) & set(keys)
