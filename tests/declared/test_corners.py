"""Corners of `mock`: time zones, coarse dates, copies, templates of fitted models, conditions on dates, weights by number."""  # noqa: E501

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.schema.files import parse_schema
from tabsynth.schema.validate import validate_table, validate_tables


def one(columns: str, rest: str = "", *, rows: int = 1500) -> pd.DataFrame:
    schema = parse_schema(f"tables: {{t: {{columns: {{{columns}}}{rest}}}}}")
    frame = ts.mock(schema, rows=rows, seed=8)
    assert [v.message for v in validate_table(frame, schema.only_table, name="t").violations] == []
    return frame


@pytest.mark.parametrize(
    "resolution", ["year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond"]
)
@pytest.mark.parametrize("zone", ["", ", time_zone: Europe/Paris"])
def test_dates_of_every_resolution(resolution: str, zone: str) -> None:
    """In order, on their steps, and inside their bounds, also across a change of the clocks."""
    date = f"type: datetime, resolution: {resolution}, lower: '2024-01-01', upper: '2025-12-31'{zone}"
    frame = one(
        f"a: {{{date}}}, b: {{{date}}}, c: {{{date}, distribution: {{type: after, column: b, distance: {{type: "
        "lognormal, median: 20, sigma: 1}}}",
        ", constraints: [{type: chained_inequality, columns: [a, b, c]}]",
    )
    assert (frame["a"] <= frame["b"]).all()
    assert (frame["b"] <= frame["c"]).all()


def test_strict_orders_of_numbers_without_steps() -> None:
    """Numbers without decimals, and a strict order."""
    frame = one(
        "a: {type: number, lower: 0, upper: 1}, b: {type: number, lower: 0, upper: 1, distribution: {type: normal, mean: "  # noqa: E501
        "0.5, sd: 0.1}}",
        ", constraints: [{type: inequality, low: a, high: b, strict: true}]",
    )
    assert (frame["a"] < frame["b"]).all()


def test_conditions_narrow_dates_and_numbers() -> None:
    """What follows from a condition is drawn inside it, not rejected until it fits."""
    frame = one(
        "s: {type: categorical, categories: [a, b]}, d: {type: datetime, resolution: day, lower: '2000-01-01', upper: "
        "'2024-12-31'}, n: {type: integer, lower: 0, upper: 1000000}, k: {type: integer, lower: 0, upper: 1000000}",
        ", constraints: [{type: conditional, if: [{column: s, one_of: [a]}], then: [{column: d, lower: '2024-12-30'}, "
        "{column: n, upper: 3, upper_strict: true}, {column: k, one_of: [7, 9]}]}]",
    )
    first = frame[frame["s"] == "a"]
    assert len(first) > 600
    assert set(first["n"]) == {0, 1, 2}
    assert set(first["k"]) == {7, 9}


def test_weights_of_numbers_and_labels() -> None:
    """Numbers by weight, and truth values in their spelling."""
    frame = one(
        "n: {type: integer, lower: 0, upper: 100, distribution: {type: categorical, weights: {'0': 8, '50': 2}}}, "
        "b: {type: boolean, labels: ['No', 'Yes'], distribution: {type: categorical, weights: {'No': 9, 'Yes': 1}}}, "
        "z: {type: integer, lower: 5, upper: 7, distribution: {type: zipf, exponent: 1}}"
    )
    assert set(frame["n"]) == {0, 50}
    assert 0.06 < (frame["b"] == "Yes").mean() < 0.14
    assert abs((frame["z"] == 5).mean() - 6 / 11) < 0.05


def test_copies_from_the_table_above() -> None:
    """Names of people stand on their rows in other tables."""
    schema = parse_schema(
        """
tables:
  people:
    primary_key: [id]
    columns: {id: {type: identifier, nullable: false}, name: {type: identifier, surrogate: name}, born: {type: integer, lower: 1940, upper: 2000}}
  visits:
    columns:
      person: {type: identifier, nullable: false}
      name: {type: identifier, surrogate: name, distribution: {type: copy, column: people.name}}
      age: {type: integer, lower: 0, upper: 90, distribution: {type: formula, expression: 2025 - `people.born`}}
relationships:
  - {parent: people, parent_key: [id], child: visits, child_key: [person]}
"""  # noqa: E501
    )
    made = ts.mock(schema, rows=300, seed=1)
    assert not [v for one in validate_tables(made, schema).values() for v in one.violations]
    both = made["visits"].merge(made["people"], left_on="person", right_on="id", suffixes=("", "_of_person"))
    assert len(both) == len(made["visits"]) > 400
    assert (both["name"] == both["name_of_person"]).all()
    assert (both["age"] == 2025 - both["born"]).all()


def test_fitted_models_fill_templates_from_their_own_rows() -> None:
    """Sentences quote the synthetic row, never the real text."""
    schema = parse_schema(
        "tables: {t: {columns: {age: {type: integer, lower: 0, upper: 99}, note: {type: text, fill: template, template: "  # noqa: E501
        "{texts: ['{age} years old, {mood}.'], slots: {mood: [well, tired]}}}}}}"
    )
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"age": rng.integers(20, 60, 300), "note": [f"secret {n}" for n in range(300)]})
    rows = ts.Independent().fit(real, schema, seed=0).sample(100, seed=1)
    assert not rows["note"].str.contains("secret").any()
    assert all(note.startswith(f"{age} years old, ") for age, note in zip(rows["age"], rows["note"], strict=True))
