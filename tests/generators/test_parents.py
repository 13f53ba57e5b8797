"""Keys of fitted tables that join: as many rows per key as real ones have, and keys that follow."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import TabsynthWarning, UsageError
from tabsynth.generators.chunks import write_rows
from tabsynth.schema.files import parse_schema
from tests.shared_tables import shared_data

CLINIC = """
tables:
  patients:
    primary_key: [mrn]
    columns:
      mrn: {type: identifier, pattern: "MRN-[0-9]{6}", nullable: false}
      born: {type: integer, lower: 1900, upper: 2020}
  visits:
    primary_key: [visit]
    entity_key: patient
    columns:
      visit: {type: identifier, pattern: "V[0-9]{8}", nullable: false}
      patient: {type: identifier, pattern: "[1-9][0-9]{0,5}", nullable: false}
      doctor: {type: identifier, pattern: "D[0-9]{4}"}
      cost: {type: integer, lower: 0, upper: 999}
  labs:
    entity_key: patient
    order_by: [day]
    columns:
      visit: {type: identifier, pattern: "V[0-9]{8}", nullable: false}
      patient: {type: identifier, pattern: "[1-9][0-9]{0,5}", nullable: false}
      day: {type: integer, lower: 0, upper: 9999}
  doctors:
    columns:
      doctor: {type: identifier, pattern: "D[0-9]{4}", nullable: false}
      ward: {type: categorical}
relationships:
  - {parent: patients, parent_key: [mrn], child: visits, child_key: [patient]}
  - {parent: doctors, parent_key: [doctor], child: visits, child_key: [doctor]}
  - {parent: visits, parent_key: [visit], child: labs, child_key: [visit]}
  - {parent: patients, parent_key: [mrn], child: labs, child_key: [patient]}
"""


def _clinic() -> tuple[Any, dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(5)
    numbers = rng.permutation(np.arange(1, 900_000))[:300]
    whose = np.repeat(np.arange(300), rng.choice([1, 2, 5], 300))
    doctors = np.array([f"D{n:04d}" for n in range(1, 41)], dtype=object)
    visits = pd.DataFrame(
        {
            "visit": [f"V{n:08d}" for n in range(len(whose))],
            "patient": numbers[whose].astype(str),
            "doctor": np.where(rng.random(len(whose)) < 0.1, None, doctors[rng.integers(40, size=len(whose))]),
            "cost": rng.integers(0, 999, len(whose)),
        }
    )
    which = np.repeat(np.arange(len(visits)), rng.choice([1, 3], len(visits)))
    labs = visits.loc[which, ["visit", "patient"]].reset_index(drop=True).assign(day=rng.integers(0, 999, len(which)))
    patients = pd.DataFrame({"mrn": [f"MRN-{n:06d}" for n in numbers], "born": rng.integers(1920, 2010, 300)})
    tables = {"patients": patients, "visits": visits, "labs": labs}
    tables["doctors"] = pd.DataFrame({"doctor": doctors, "ward": rng.choice(["a", "b"], 40)})
    return parse_schema(CLINIC), tables


@pytest.fixture(scope="module")
def models() -> dict[str, ts.Model]:
    """A model of each table."""
    schema, tables = _clinic()
    return {name: ts.Independent().fit(table, schema, seed=0, table_name=name) for name, table in tables.items()}


def test_keys_join_across_tables_and_formats_and_follow(models: dict[str, ts.Model]) -> None:
    """Each key is one of the parent's rows, `MRN-000123` there and `123` here; a result's patient is its visit's."""
    _, real = _clinic()
    patients, doctors = (models[name].sample(len(real[name]), seed=1) for name in ("patients", "doctors"))
    n = len(real["visits"])
    visits = models["visits"].sample(n, seed=2, parents={"patients": patients, "doctors": doctors})
    numbers = set(patients["mrn"].str[4:].astype(int))
    assert set(visits["patient"].astype(int)) <= numbers and not set(visits["patient"]) & set(real["visits"]["patient"])
    assert set(visits["doctor"].dropna()) <= set(doctors["doctor"]) and visits["doctor"].isna().any()
    assert visits["visit"].is_unique
    labs = models["labs"].sample(1_500, seed=3, parents={"visits": visits, "patients": patients})
    joined = labs.merge(visits, on="visit", suffixes=("", "_of_visit"))
    assert len(joined) == 1_500 and (joined["patient"] == joined["patient_of_visit"]).all()
    for _, rows in labs.groupby("patient", sort=False):
        assert rows["day"].is_monotonic_increasing and rows.index.max() - rows.index.min() == len(rows) - 1


def test_rows_per_key_are_those_of_the_real_table(models: dict[str, ts.Model]) -> None:
    """Means and shares of counts, of the person's key and of others; without parents as well."""
    schema, real = _clinic()
    n = len(real["visits"])
    visits = models["visits"].sample(n, seed=2)
    for column in ("patient", "doctor"):
        counts, wanted = visits[column].value_counts(), real["visits"][column].value_counts()
        assert abs(counts.mean() / wanted.mean() - 1) < 0.15, column
    shares = visits["patient"].value_counts().value_counts(normalize=True)
    assert set(shares[shares > 0.1].index) == {1, 2, 5}
    labs = models["labs"].sample(2_000, seed=2)
    assert set(labs["visit"].value_counts().value_counts(normalize=True).nlargest(2).index) == {1, 3}
    assert (labs.groupby("visit")["patient"].nunique() == 1).all(), "a visit belongs to one patient"
    assert schema.relationships


def test_short_keys_repeat_rather_than_run_out() -> None:
    """More rows than a pattern has keys for: keys of another table may then repeat."""
    schema = parse_schema(
        "tables: {w: {columns: {ward: {type: identifier}}}, s: {columns: {ward: {type: identifier, nullable: false, "
        "pattern: 'W[0-9]{2}'}, n: {type: integer}}}}\n"
        "relationships: [{parent: w, parent_key: [ward], child: s, child_key: [ward]}]"
    )
    table = pd.DataFrame({"ward": np.repeat([f"W{n:02d}" for n in range(30)], 2), "n": range(60)})
    model = ts.Independent().fit(table, schema, seed=0, table_name="s")
    assert "ward" in model.entity_info.groups
    assert len(model.sample(2_000, seed=1)) == 2_000


def test_a_model_file_and_a_written_table_say_the_same(models: dict[str, ts.Model], tmp_path: Any) -> None:
    """Counts go with the model file; parents work where rows are written to a file, too."""
    visits = models["visits"].sample(200, seed=4)
    models["labs"].save(tmp_path / "labs.tabsynth")
    loaded = ts.load(tmp_path / "labs.tabsynth")
    rows = models["labs"].sample(300, seed=5, parents={"visits": visits})
    pd.testing.assert_frame_equal(rows, loaded.sample(300, seed=5, parents={"visits": visits}))
    write_rows(loaded, 300, tmp_path / "labs.parquet", seed=5, parents={"visits": visits})
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "labs.parquet"), rows, check_dtype=False)


def test_too_few_parents_are_dealt_to_again_with_a_warning(models: dict[str, ts.Model]) -> None:
    """Rows are as many as asked for; where a key may not repeat, there is an error instead."""
    few = models["patients"].sample(5, seed=1)
    with pytest.warns(TabsynthWarning, match="hang on .* different patients, and there are 5"):
        rows = models["visits"].sample(200, seed=2, parents={"patients": few})
    assert rows["patient"].nunique() == 5
    schema = parse_schema(
        "tables: {a: {columns: {key: {type: identifier}}}, b: {primary_key: [key], columns: {key: {type: identifier}, "
        "n: {type: integer}}}}\nrelationships: [{parent: a, parent_key: [key], child: b, child_key: [key]}]"
    )
    table = pd.DataFrame({"key": [f"k{n}" for n in range(50)], "n": range(50)})
    model = ts.Independent().fit(table, schema, seed=0, table_name="b")
    parents = {"a": pd.DataFrame({"key": [f"x{n}" for n in range(9)]})}
    assert set(model.sample(9, seed=1, parents=parents)["key"]) == set(parents["a"]["key"])
    with pytest.raises(UsageError, match="may not repeat, and there are 9"):
        model.sample(10, seed=1, parents=parents)


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"labs": pd.DataFrame({"visit": ["a"]})}, "visits does not point to 'labs'; it points to"),
        ({"patients": pd.DataFrame({"id": ["a"]})}, "patients has no column mrn"),
        ({"patients": pd.DataFrame({"mrn": [None, None]})}, "no row of patients has a key in mrn"),
    ],
)
def test_what_cannot_be_pointed_to_is_named(models: dict[str, ts.Model], parents: Any, message: str) -> None:
    """A table that is no parent, one without its key, and one without rows."""
    with pytest.raises(UsageError, match=message):
        models["visits"].sample(10, seed=0, parents=parents)


def test_counts_rest_on_people_and_not_on_keys() -> None:
    """Twenty visits of nine patients are too few for counts of results per visit: nothing of them is kept."""
    schema, real = _clinic()
    some = real["labs"]["patient"].drop_duplicates().head(9)
    labs = real["labs"][real["labs"]["patient"].isin(some)]
    labs = pd.concat([labs] * 3, ignore_index=True)
    model = ts.Independent(min_people=4).fit(labs, schema, seed=0, table_name="labs")
    assert "visit" in model.entity_info.groups
    from tabsynth.generators.groups import Group
    from tabsynth.schema.validate import validate_table

    typed = validate_table(labs, schema.tables["labs"], name="labs").typed
    people = pd.factorize(labs["patient"])[0]
    assert Group.fit(typed.columns["visit"], people, k=10) is None


def test_a_private_model_knows_rows_of_its_unit_only() -> None:
    """Rows per person were paid for; rows per doctor were not, and are refused with the reason."""
    schema, real = _clinic()
    text = CLINIC.replace("cost:", "cost_: {type: integer, lower: 0, upper: 9, nullable: false}\n      cost:")
    text += "privacy: {unit: {table: visits, key: patient, max_rows: 5}, epsilon: 3.0, delta: 1.0e-6}\n"
    table = real["visits"].assign(cost_=1)
    from tabsynth.pipeline import make_generator

    maker = make_generator("dp-independent", {"ledger": "none"})
    model = maker.fit(table, parse_schema(text), table_name="visits")
    patients = pd.DataFrame({"mrn": [f"MRN-{n:06d}" for n in range(1, 400)]})
    rows = model.sample(200, seed=1, parents={"patients": patients})
    assert set(rows["patient"].astype(int)) <= set(range(1, 400)) and rows["patient"].duplicated().any()
    with pytest.raises(UsageError, match="a private model may not look; leave doctors out of the parents"):
        model.sample(200, seed=1, parents={"doctors": real["doctors"]})
    assert schema.tables


def test_tables_of_synthea_join() -> None:
    """Patients, encounters and conditions as they are published: schema inferred, keys resolve, counts agree."""
    folder = shared_data() / "synthea"
    files = {"patients": "patients.csv", "encounters": "encounters.csv.gz", "conditions": "conditions.csv"}
    real = {name: ts.read_table(folder / file) for name, file in files.items()}
    schema = ts.infer(real)
    made: dict[str, pd.DataFrame] = {}
    for name, parents in (("patients", ()), ("encounters", ("patients",)), ("conditions", ("patients", "encounters"))):
        model = ts.Independent().fit(real[name], schema, seed=0, table_name=name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TabsynthWarning)
            made[name] = model.sample(len(real[name]), seed=1, parents={parent: made[parent] for parent in parents})
    assert set(made["encounters"]["PATIENT"]) <= set(made["patients"]["Id"])
    joined = made["conditions"].merge(made["encounters"], left_on="ENCOUNTER", right_on="Id")
    assert len(joined) == len(real["conditions"]) and (joined["PATIENT_x"] == joined["PATIENT_y"]).all()
    for table, column in (("encounters", "PATIENT"), ("conditions", "ENCOUNTER")):
        ours, theirs = (tables[table][column].value_counts().mean() for tables in (made, real))
        assert abs(ours / theirs - 1) < 0.2, (table, column)
    for name, table in real.items():
        for column in ("Id", "PATIENT", "ENCOUNTER"):
            assert column not in table or not set(table[column]) & set(made[name][column]), (name, column)
