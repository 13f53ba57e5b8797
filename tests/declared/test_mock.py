"""Rows from a schema alone: distributions, rules, keys, scenarios, gaps, the same bytes, and errors with a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.declared import tables as blocks
from tabsynth.declared.mock import write_mock
from tabsynth.errors import ConstraintError, SchemaError, UsageError
from tabsynth.schema.files import parse_schema
from tabsynth.schema.validate import validate_table, validate_tables

ALL_RULES = """
tables:
  t:
    primary_key: [id]
    columns:
      id: {type: identifier, nullable: false}
      a: {type: integer, lower: 0, upper: 10}
      b: {type: integer, lower: 0, upper: 10}
      c: {type: integer, lower: 0, upper: 10}
      p: {type: number, decimals: 2, lower: 0, upper: 1}
      q: {type: number, decimals: 2, lower: 0, upper: 1}
      r: {type: number, decimals: 2, lower: 0, upper: 1}
      city: {type: categorical, categories: [Paris, Lyon, Rome]}
      land: {type: categorical, categories: [FR, IT], distribution: {type: categorical, weights: {FR: 1, IT: 9}}}
      h1: {type: boolean}
      h2: {type: integer, lower: 0, upper: 1}
      h3: {type: number, lower: 0, upper: 1}
      total: {type: number, decimals: 2, lower: 0, upper: 20}
      x: {type: number, decimals: 1, lower: 0, upper: 60}
      y: {type: number, decimals: 1, lower: 0, upper: 60}
      z: {type: number, decimals: 1, lower: 0, upper: 100}
      u1: {type: integer, lower: 1, upper: 60}
      u2: {type: categorical, categories: [x, y]}
      code: {type: categorical, categories: [A1, B2, zz]}
      plate: {type: identifier}
      word: {type: text, fill: placeholder}
      s: {type: categorical, categories: ["Yes", "No"]}
      d: {type: datetime, lower: "2020-01-01", upper: "2020-12-31", resolution: day}
      e: {type: datetime, lower: "2020-01-01", upper: "2020-12-31", resolution: hour}
      m1: {type: number, lower: 0, upper: 1}
      m2: {type: number, lower: 0, upper: 1}
    constraints:
      - {type: chained_inequality, columns: [a, b, c], strict: true}
      - {type: range, low: p, middle: q, high: r}
      - {type: inequality, low: e, high: d, strict: true}
      - {type: fixed_combinations, columns: [city, land], combinations: [[Paris, FR], [Lyon, FR], [Rome, IT]]}
      - {type: one_hot, columns: [h1, h2, h3]}
      - {type: formula, column: total, expression: a + p}
      - {type: sum_to, columns: [x, y, z], total: 100}
      - {type: unique, columns: [u1, u2]}
      - {type: regex, column: code, pattern: "[A-Z][0-9]"}
      - {type: regex, column: plate, pattern: "[A-Z]{3}-[0-9]{3}"}
      - {type: regex, column: word, pattern: "(ab|cd)+"}
      - {type: conditional, if: [{column: s, one_of: ["Yes"]}], then: [{column: code, one_of: [A1]}, {column: m1, lower: 0.5}]}
      - {type: fixed_nulls, columns: [m1, m2], patterns: [[false, false], [true, true]]}
"""  # noqa: E501


def one(columns: str, rest: str = "", *, rows: int = 2000, seed: int = 5) -> pd.DataFrame:
    """Rows of a table with these columns, checked against its schema."""
    schema = parse_schema(f"tables: {{t: {{columns: {{{columns}}}{rest}}}}}")
    frame = ts.mock(schema, rows=rows, seed=seed)
    assert not validate_table(frame, schema.only_table, name="t").violations
    assert len(frame) == rows
    return frame


def test_all_eleven_rules_hold() -> None:
    """Every kind of constraint holds in every row."""
    schema = parse_schema(ALL_RULES)
    assert len({rule.type for rule in schema.only_table.constraints}) == 11
    frame = ts.mock(schema, rows=100, seed=3)
    assert [v.message for v in validate_table(frame, schema.only_table, name="t").violations] == []
    assert abs((frame["land"] == "IT").mean() - 9 / 11) < 0.15


@pytest.mark.parametrize(
    ("distribution", "mean", "sd"),
    [
        ("{type: normal, mean: 40, sd: 5}", 40, 5),
        ("{type: lognormal, median: 20, sigma: 0.5}", 20 * np.exp(0.125), 12.1),
        ("{type: gamma, shape: 4, scale: 5}", 20, 10),
        ("{type: uniform, lower: 10, upper: 20}", 15, 10 / np.sqrt(12)),
        ("{type: poisson, mean: 7}", 7, np.sqrt(7)),
        ("{type: constant, value: 3}", 3, 0),
    ],
)
def test_moments_are_those_declared(distribution: str, mean: float, sd: float) -> None:
    """Mean and spread of 20,000 numbers, within five standard errors."""
    cells = one(f"x: {{type: number, distribution: {distribution}}}", rows=20_000)["x"]
    assert abs(cells.mean() - mean) <= 5 * max(sd, 1e-9) / np.sqrt(20_000) + 1e-9
    assert abs(cells.std() - sd) <= 0.05 * sd + 1e-9


def test_bounds_truncate_and_do_not_pile_up() -> None:
    """Half a normal distribution is a half-normal one, not a spike at the bound."""
    cells = one("x: {type: number, lower: 0, upper: 1000, distribution: {type: normal, mean: 0, sd: 10}}")["x"]
    assert (cells == 0).sum() <= 2
    assert abs(cells.mean() - 10 * np.sqrt(2 / np.pi)) < 1


def test_whole_numbers_are_equally_likely_also_at_the_ends() -> None:
    """A uniform integer gives its first and last value as often as the others."""
    shares = one("x: {type: integer, lower: 1, upper: 4}", rows=20_000)["x"].value_counts(normalize=True)
    assert np.allclose(shares, 0.25, atol=0.02)


def test_weights_zipf_and_code_lists() -> None:
    """Categories come with their weights."""
    frame = one(
        "a: {type: categorical, categories: [x, y], distribution: {type: categorical, weights: {x: 3, y: 1}}}, "
        "b: {type: ordinal, categories: [k1, k2, k3], distribution: {type: zipf}}, "
        "c: {type: categorical, code_list: us-states}",
        rows=20_000,
    )
    assert abs((frame["a"] == "x").mean() - 0.75) < 0.02
    assert abs((frame["b"] == "k1").mean() - 6 / 11) < 0.02
    assert frame["c"].value_counts().index[0] == "CA"
    assert frame["c"].nunique() == 51


def test_cases_formulas_and_mixtures_depend_on_other_columns() -> None:
    """A conditional table, a mean by formula, and many zeros."""
    frame = one(
        "sex: {type: categorical, categories: [f, m]}, age: {type: integer, lower: 20, upper: 80}, "
        "h: {type: number, distribution: {type: given, cases: [{when: {sex: f, age: {lower: 50}}, then: "
        "{type: normal, mean: 160, sd: 1}}], otherwise: {type: normal, mean: 180, sd: 1}}}, "
        "p: {type: number, distribution: {type: normal, mean: 100 + age, sd: 2}}, "
        "c: {type: number, distribution: {type: mixture, parts: [{weight: 6, distribution: {type: constant, value: 0}}, "  # noqa: E501
        "{weight: 4, distribution: {type: gamma, shape: 2, scale: 5}}]}}"
    )
    old = (frame["sex"] == "f") & (frame["age"] >= 50)
    assert frame["h"][old].max() < 170 < frame["h"][~old].min()
    assert np.corrcoef(frame["age"], frame["p"])[0, 1] > 0.98
    assert abs((frame["c"] == 0).mean() - 0.6) < 0.05


def test_gaps_by_group_and_calculated_cells() -> None:
    """Rates differ by group; what is calculated from an empty cell is empty."""
    frame = one(
        "g: {type: categorical, categories: [a, b]}, x: {type: number, lower: 1, upper: 2, decimals: 1, "
        "missing: {rate: 0.1, cases: [{when: {g: a}, rate: 0.8}]}}, y: {type: number, decimals: 1}",
        ", constraints: [{type: formula, column: y, expression: 2 * x}]",
    )
    rates = frame["x"].isna().groupby(frame["g"]).mean()
    assert abs(rates["a"] - 0.8) < 0.05
    assert abs(rates["b"] - 0.1) < 0.05
    assert (frame["y"].isna() == frame["x"].isna()).all()


@pytest.mark.parametrize("rows", [1, 7, 999, 1000])
def test_scenarios_have_exactly_their_share(rows: int) -> None:
    """The number of rows is the rounded share, whatever the number of rows."""
    frame = one(
        "x: {type: integer, lower: 0, upper: 10}, y: {type: number, lower: 0, upper: 1}",
        ", scenarios: [{name: a, share: 0.01, set: {x: 10, y: null}}, {name: b, share: 0.25, set: {y: {type: constant, "
        "value: 1}}}]",
        rows=rows,
    )
    first = int(np.floor(0.01 * rows + 0.5))
    assert frame["y"].isna().sum() == first
    assert (frame["y"] == 1).sum() == int(np.floor(0.26 * rows + 0.5)) - first


def test_dates_come_in_order_after_a_drawn_distance() -> None:
    """`after` counts from another column and is cut at the bounds."""
    frame = one(
        "d: {type: datetime, lower: '2024-01-01', upper: '2024-12-31', resolution: day}, e: {type: datetime, resolution: "  # noqa: E501
        "day, lower: '2024-01-01', upper: '2024-12-31', distribution: {type: after, column: d, distance: {type: gamma, "
        "shape: 2, scale: 5}}}",
        ", constraints: [{type: inequality, low: d, high: e}]",
    )
    gap = (frame["e"] - frame["d"]).dt.days
    assert gap.min() >= 0
    assert 8 < gap[frame["d"] < "2024-10-01"].mean() < 12


def test_entities_share_names_and_chosen_columns() -> None:
    """Rows of one person have one name; keys of rows differ; rows are counted within the person."""
    frame = one(
        "id: {type: identifier, nullable: false}, person: {type: identifier, nullable: false}, name: {type: identifier, "  # noqa: E501
        "surrogate: name}, sex: {type: categorical, categories: [f, m]}, n: {type: integer, lower: 1, upper: 99, "
        "distribution: {type: sequence}}",
        ", primary_key: [id], entity_key: person, entity_columns: [sex], rows_per_entity: {type: poisson, mean: 4}",
    )
    people = frame.groupby("person")
    assert (people["name"].nunique() == 1).all()
    assert (people["sex"].nunique() == 1).all()
    assert (people["n"].max() == people.size()).all()
    assert frame["id"].is_unique
    assert 3.5 < people.size().mean() < 4.8


def clinic() -> ts.Schema:
    return ts.load_schema(Path(__file__).parents[2] / "schemas" / "clinic.yaml")


def test_keys_resolve_across_tables() -> None:
    """Children hang on parents, ways through the tables agree, and dates follow across tables."""
    made = ts.mock(clinic(), rows=400, seed=2)
    assert not [v for one in validate_tables(made, clinic()).values() for v in one.violations]
    patients, encounters, labs = (made[name] for name in ("patients", "encounters", "labs"))
    assert len(patients) == 400
    both = labs.merge(encounters, on="encounter_id", suffixes=("", "_of_encounter"), validate="m:1")
    assert len(both) == len(labs)
    assert (both["patient_id"] == both["patient_id_of_encounter"]).all()
    assert not labs.duplicated(["encounter_id", "line"]).any()
    visits = encounters.merge(patients, on="patient_id", validate="m:1")
    assert (visits["started"].str[:10] >= visits["registered"]).all()
    sick = encounters.groupby("patient_id").size().reindex(patients["patient_id"], fill_value=0)
    chronic = (patients.set_index("patient_id")["chronic"] == "Yes").reindex(sick.index)
    assert sick[chronic].mean() > 2 * sick[~chronic].mean()


def test_one_table_of_several_is_the_same_table() -> None:
    """`table_name` makes what is needed, and gives the rows that all tables together would have."""
    whole = ts.mock(clinic(), rows=50, seed=2)
    alone = ts.mock(clinic(), rows=50, seed=2, table_name="encounters")
    pd.testing.assert_frame_equal(whole["encounters"], alone)


def test_composite_and_random_foreign_keys(tmp_path: Path) -> None:
    """Keys of two columns resolve; a second relationship points to rows made before; rows can point back."""
    schema = parse_schema(
        """
tables:
  doctors:
    primary_key: [doctor]
    columns: {doctor: {type: identifier, pattern: "D[0-9]{4}", nullable: false}, chief: {type: identifier}}
  wards:
    primary_key: [house, ward]
    columns:
      house: {type: identifier, pattern: "H[0-9]{3}", nullable: false}
      ward: {type: integer, lower: 1, upper: 9, nullable: false}
  beds:
    primary_key: [house, ward, bed]
    columns:
      house: {type: identifier, nullable: false}
      ward: {type: integer, nullable: false}
      bed: {type: integer, lower: 1, upper: 99, distribution: {type: sequence}, nullable: false}
      doctor: {type: identifier}
relationships:
  - {parent: wards, parent_key: [house, ward], child: beds, child_key: [house, ward], children: {type: constant, value: 3}}
  - {parent: doctors, parent_key: [doctor], child: beds, child_key: [doctor]}
  - {parent: doctors, parent_key: [doctor], child: doctors, child_key: [chief]}
"""  # noqa: E501
    )
    made = ts.mock(schema, rows={"wards": 40, "doctors": 10}, seed=1)
    assert {name: len(frame) for name, frame in made.items()} == {"doctors": 10, "wards": 40, "beds": 120}
    assert not [v for one in validate_tables(made, schema).values() for v in one.violations]
    assert made["doctors"]["chief"].isna().sum() == 1
    with pytest.raises(UsageError, match="add doctors=1000"):
        ts.mock(schema, rows={"wards": 40})
    with pytest.raises(UsageError, match="children"):
        ts.mock(schema, rows={"wards": 4, "doctors": 1, "beds": 3})
    written = write_mock(schema, tmp_path / "out", rows=20, seed=1, folder_format="parquet")
    assert written.n_rows == {"doctors": 20, "wards": 20, "beds": 60}
    assert written.provenance == "declared"


def test_same_seed_same_bytes_and_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are equal byte for byte for one seed, rows are those of `mock`, and another seed gives others."""
    schema = parse_schema(ALL_RULES.replace("- {type: unique, columns: [u1, u2]}", ""))
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 500)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_mock(schema, tmp_path / f"{name}.parquet", rows=1200, seed=seed)
    a, b, c = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert a == b != c
    write_mock(schema, tmp_path / "a.csv", rows=1200, seed=1)
    read = pd.read_csv(tmp_path / "a.csv")
    assert len(read) == 1200
    assert read["id"].tolist() == ts.mock(schema, rows=1200, seed=1)["id"].tolist()
    assert read["id"].tolist() == pd.read_parquet(tmp_path / "a.parquet")["id"].tolist()
    assert read["id"].is_unique
    assert not validate_table(ts.read_table(tmp_path / "a.parquet"), schema.only_table, name="t").violations


def test_templates_quote_the_row() -> None:
    """Slots are filled from lists and from the row's own cells."""
    frame = one(
        "age: {type: integer, lower: 20, upper: 80, missing: 0.2}, note: {type: text, fill: template, template: {texts: "  # noqa: E501
        "['{age} years, {complaint}.'], slots: {complaint: [cough, fever]}}}, gone: {type: text, fill: drop}"
    )
    assert "gone" not in frame
    for age, note in zip(frame["age"], frame["note"], strict=True):
        assert note.startswith(("unknown" if pd.isna(age) else str(age)) + " years, ")
        assert note.endswith(("cough.", "fever."))


def test_values_read_from_data_are_said(tmp_path: Path) -> None:
    """A schema that was inferred is not free of data, and the result says so."""
    schema = parse_schema("tables: {t: {columns: {x: {type: integer, lower: 1, upper: 9, provenance: {upper: data}}}}}")
    assert write_mock(schema, tmp_path / "x.csv", rows=3).provenance == "data"


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ("x: {type: integer}", "t.x: .*add lower: and upper:"),
        ("x: {type: number, lower: 1}", "t.x: .*add lower: and upper:"),
        ("x: {type: categorical}", "t.x: .*add categories:"),
        ("x: {type: datetime}", "t.x: .*add lower: '2020-01-01'"),
        ("y: {type: integer, lower: -5, upper: 5}, x: {type: number, distribution: {type: normal, mean: 0, sd: y}}",
         "t.x: sd is not above 0"),
        ("y: {type: integer, lower: 0, upper: 5}, x: {type: boolean, distribution: {type: bernoulli, probability: y}}",
         "t.x: probability is not between 0 and 1"),
    ],
)  # fmt: skip
def test_what_is_left_open_is_an_error_with_the_line_to_add(column: str, remedy: str) -> None:
    """The message names column and line."""
    with pytest.raises(SchemaError, match=remedy):
        one(column)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("constraints: [{type: fixed_combinations, columns: [x, y]}]", "combinations"),
        ("constraints: [{type: fixed_nulls, columns: [x, y]}]", "patterns"),
    ],
)
def test_rules_that_mean_the_data_are_refused(rest: str, message: str) -> None:
    """There is no data to take them from."""
    with pytest.raises(SchemaError, match=message):
        one("x: {type: integer, lower: 0, upper: 1}, y: {type: integer, lower: 0, upper: 1}", f", {rest}")


def test_rules_that_cannot_be_kept_end() -> None:
    """A scenario that breaks a rule is an error that names the rule, not an endless loop."""
    rest = (
        ", constraints: [{type: conditional, name: small, if: [{column: x, lower: 5}], then: [{column: y, upper: 3}]}], "  # noqa: E501
        "scenarios: [{name: a, share: 0.5, set: {x: 9, y: 9}}]"
    )
    with pytest.raises(ConstraintError, match="small"):
        one("x: {type: integer, lower: 0, upper: 9}, y: {type: integer, lower: 0, upper: 9}", rest, rows=20)


def test_too_few_keys() -> None:
    """A pattern that is too short for the rows is an error that names the column."""
    with pytest.raises(UsageError, match=r"t\.k"):
        one("k: {type: identifier, pattern: '[0-9]{2}', nullable: false}", ", primary_key: [k]", rows=101)
    assert one("k: {type: identifier, pattern: '[0-9]{2}', nullable: false}", ", primary_key: [k]", rows=100)[
        "k"
    ].is_unique


def test_no_rows_and_wrong_rows() -> None:
    """Zero rows give an empty table with its columns; a negative number is refused."""
    schema: Any = parse_schema("tables: {t: {columns: {x: {type: integer, lower: 0, upper: 1}}}}")
    assert list(ts.mock(schema, rows=0).columns) == ["x"]
    with pytest.raises(UsageError, match="rows"):
        ts.mock(schema, rows=-1)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("../ward", "b"), r"table '\.\./ward': its name cannot be that of a file; rename it"),
        (("a\\b", "b"), "cannot be that of a file"),
        (("..", "b"), "cannot be that of a file"),
        (("long" * 60, "b"), "cannot be that of a file"),
        (("Visits", "visits"), "tables 'Visits' and 'visits': would be one file"),
    ],
)
def test_each_table_gets_a_file_of_its_own_in_the_folder(tmp_path: Path, names: tuple[str, str], message: str) -> None:
    """A table's name leads to no other folder, and to one file each also where case does not count."""
    tables = {
        name: ts.Schema.model_validate({"tables": {name: {"columns": {"a": {"type": "boolean"}}}}}) for name in names
    }
    schema = ts.Schema(tables={name: one.tables[name] for name, one in tables.items()})
    with pytest.raises(UsageError, match=message):
        write_mock(schema, tmp_path / "out", rows=3, seed=0)
    assert list(tmp_path.iterdir()) == []
