"""Drafts of real tables: they fit their table, survive a file, and name nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.identifiers.detect import detect_identifier
from tabsynth.schema.columns import Boolean, Categorical, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.files import format_schema, parse_schema
from tabsynth.schema.infer import infer_schema, infer_table
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.validate import validate_table
from tabsynth.schema.values import parse_column
from tests.shared_tables import shared_data, tables

K = 10
MOST_ROWS = 20_000
"""Rows that are looked at, so that the largest tables do not hold up the tests."""


def _read(path: Path, *, columns: list[str] | None = None, n_rows: int | None = None) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path, columns=columns)[:n_rows]
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], usecols=columns, nrows=n_rows)


def _different_tables() -> list[Path]:
    """Every table but nine of ten that only differ in the model that made them."""
    return [path for path in tables() if not re.search(r"model_(?!01)\d\d", str(path))]


def _entities(frame: pd.DataFrame, table: Table) -> np.ndarray[Any, Any]:
    owner = table.entity_key
    return np.arange(len(frame)) if owner is None else pd.factorize(frame[owner], use_na_sentinel=False)[0]


def _secrets(frame: pd.DataFrame, table: Table) -> Iterator[tuple[str, set[str]]]:
    """Cells that must not be in the schema: of identifiers and text all, of categories those of fewer than k people."""
    people = _entities(frame, table)
    for name, column in table.columns.items():
        values = parse_column(frame[name], column).values
        cells = pd.Series(values.array[~values.missing])
        if isinstance(column, Identifier | Text):
            yield name, set(cells)
        elif isinstance(column, Categorical):
            counts = pd.Series(people[~values.missing]).groupby(cells).nunique()
            yield name, set(counts.index[counts < K])


def _strings(part: object) -> Iterator[str]:
    """Every text in a schema that is no key."""
    if isinstance(part, dict):
        for value in part.values():
            yield from _strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from _strings(value)
    elif isinstance(part, str):
        yield part


@pytest.mark.parametrize("path", _different_tables(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_real_tables(path: Path) -> None:
    """The draft fits its table, comes back from a file as it was, and holds no cell of fewer than k people."""
    frame = _read(path, n_rows=MOST_ROWS)
    table = infer_table(frame, detect=detect_identifier, k=K)
    assert validate_table(frame, table).violations == ()
    schema = Schema(tables={"t": table})
    assert parse_schema(format_schema(schema)) == schema

    asked = {word for column in table.columns.values() for word in _words(column.question or "")}
    for name, secrets in _secrets(frame, table):
        # Short texts and plain numbers are in questions and shapes by chance.
        telling = {text for text in secrets if len(text) > 5 and not re.fullmatch(r"[\d.-]+", text)}
        own = set(_strings(json.loads(table.columns[name].model_dump_json())))
        if isinstance(table.columns[name], Categorical):
            assert not secrets & {str(item) for item in table.columns[name].categories or ()}, name
        else:
            own |= {word for text in own for word in _words(text)}
        assert not telling & (own | asked), name


def _words(text: str) -> list[str]:
    return re.split(r"[\s,;'\"()]+", text)


def test_no_shared_tables() -> None:
    """The tables above are there, or their absence is told."""
    shared_data()
    assert _different_tables()


_I, _N, _C, _B, _D, _T, _K = Integer, Number, Categorical, Boolean, DateTime, Text, Identifier
EXPECTED: dict[str, dict[str, type]] = {
    "adult/adult_train.csv.gz": dict.fromkeys(("workclass", "education", "race", "native-country", "income"), _C)
    | dict.fromkeys(("age", "fnlwgt", "education-num", "capital-gain", "hours-per-week"), _I),
    "telco_churn/telco_customer_churn.csv.gz": {
        "customerID": _K,
        "SeniorCitizen": _C,
        "Partner": _B,
        "TotalCharges": _N,
    }
    | {"tenure": _I, "MultipleLines": _C, "Churn": _B},
    "synthea/patients.csv": dict.fromkeys(("Id", "SSN", "DRIVERS", "PASSPORT", "FIRST", "LAST", "ADDRESS", "ZIP"), _K)
    | {"BIRTHDATE": _D, "GENDER": _C, "MARITAL": _C, "CITY": _T, "LAT": _N, "INCOME": _I},
    "synthea/encounters.csv.gz": {"PATIENT": _K, "START": _D, "CODE": _C, "REASONCODE": _C, "TOTAL_CLAIM_COST": _N},
    "met_museum/met_1000.csv": {"Object ID": _K, "Is Highlight": _B, "Object Begin Date": _I, "Link Resource": _K},
    "police_street/2018-03-cumbria-street.csv.gz": {"Crime ID": _K, "Month": _D, "Latitude": _N, "Context": _C},
    "online_retail/online_retail.parquet": {"InvoiceNo": _K, "CustomerID": _K, "InvoiceDate": _D, "Quantity": _I},
    "nycflights13/flights.parquet": {"tailnum": _K, "dest": _C, "dep_delay": _I, "time_hour": _D, "flight": _I},
    "eicu_demo/mortality24_dyn.parquet": {"stay_id": _K, "time": _I, "hr": _N},
    "berka/account.csv": {"account_id": _K, "district_id": _C, "frequency": _C, "date": _D},
    "kdd99/kddcup_10_percent.parquet": {"duration": _I, "land": _C, "service": _C, "serror_rate": _N, "label": _C},
    "default/default_credit.csv.gz": {"SEX": _C, "MARRIAGE": _C, "PAY_0": _I, "LIMIT_BAL": _I},
    "shoppers/online_shoppers.csv.gz": {"Weekend": _B, "Month": _C, "Browser": _C, "ProductRelated": _I},
    "beijing/beijing_pm25.csv.gz": {"No": _K, "pm2.5": _I, "year": _I, "TEMP": _N, "cbwd": _C},
    "communities_crime/communities_unnormalized.csv.gz": {"communityName": _T, "LemasSwornFT": _I, "PolicPerPop": _N},
    "nist_ma2019/ma2019.csv": {"PUMA": _C, "AGEP": _I, "PINCP": _I, "MSP": _C, "EDU": _C},
    "sd2011/sd2011.csv.gz": {"sport": _B, "income": _I, "bmi": _N, "ls": _C, "age": _I},
    "adult_ssn/adult_ssn.csv.gz": {"ssn": _K, "age": _I, "sex": _C},
    "reported_heights/reported_heights.csv": {"time_stamp": _D, "sex": _C, "height": _C},
    "messy_constructed/messy.csv": {" Età (years) ": _I, "date": _D, "timestamp_tz": _D, "flag": _B, "all_null": _C}
    | {"zip": _K, "percent": _T, "big_float": _N, "Unnamed: 0": _K},
}


@pytest.mark.parametrize("path", EXPECTED)
def test_kinds_of_known_columns(path: str) -> None:
    """Columns that people know by heart get the kind that people would give them."""
    frame = _read(shared_data() / path, columns=list(EXPECTED[path]))
    columns = infer_table(frame, detect=detect_identifier).columns
    assert {name: type(column) for name, column in columns.items()} == EXPECTED[path]


def test_relationships_of_a_health_record() -> None:
    """Tables of one record system are found to hang together."""
    folder = shared_data() / "synthea"
    names = ("patients", "conditions", "careplans", "providers", "organizations")
    schema = infer_schema({name: _read(folder / f"{name}.csv") for name in names}, detect=detect_identifier)
    found = {(r.child, r.child_key[0], r.parent, r.parent_key[0]) for r in schema.relationships}
    assert found == {
        ("conditions", "PATIENT", "patients", "Id"),
        ("careplans", "PATIENT", "patients", "Id"),
        ("providers", "ORGANIZATION", "organizations", "Id"),
    }
    assert schema.tables["conditions"].entity_key == "PATIENT"
