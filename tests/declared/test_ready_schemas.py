"""Every ready schema makes rows without data that keep it, and that look like what they stand for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.schema.validate import validate_tables

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").glob("*.yaml"))


@cache
def made(name: str, rows: int = 3000) -> dict[str, pd.DataFrame]:
    schema = ts.load_schema(SCHEMAS[0].parent / f"{name}.yaml")
    rows_made = ts.mock(schema, rows=rows, seed=11)
    return rows_made if isinstance(rows_made, dict) else {schema.only_name: rows_made}


def test_there_are_ten() -> None:
    """None was lost."""
    assert len(SCHEMAS) == 10


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_rows_keep_their_schema(path: Path) -> None:
    """No violation in any table, and columns are described by more than their name where it does not say enough."""
    schema = ts.load_schema(path)
    tables = made(path.stem, 300 if len(schema.tables) > 1 else 3000)
    assert [v.message for one in validate_tables(tables, schema).values() for v in one.violations] == []
    assert schema.description
    assert schema.privacy is not None


def test_encounters_look_like_encounters() -> None:
    """Inpatient stays last days, visits minutes; few are in progress."""
    table = made("encounters")["encounters"]
    lasted = pd.to_datetime(table["ended"]) - pd.to_datetime(table["started"])
    assert lasted[table["class"] == "IMP"].median() > pd.Timedelta("2D")
    assert lasted[table["class"] == "AMB"].median() < pd.Timedelta("1h")
    assert 0.02 < table["ended"].isna().mean() < 0.07
    assert (table.groupby("patient_id")["sex"].nunique() == 1).all()


def test_claims_add_up() -> None:
    """Hospital stays cost most, and the plan pays most of what is allowed."""
    table = made("claims")["claims"]
    medians = table.groupby("place")["billed"].median()
    assert medians.idxmax() == "inpatient hospital"
    accepted = table[table["denied"] == "No"]
    assert 0.6 < accepted["paid"].sum() / accepted["allowed"].sum() < 0.95
    assert (table.loc[table["denied"] == "Yes", "paid"] == 0).all()


def test_laboratory_values_have_their_units() -> None:
    """Sodium is around 140 mmol/L; most results are normal."""
    table = made("lab_results")["lab_results"]
    sodium = table[table["test_name"] == "sodium"]
    assert 138 < sodium["value"].mean() < 141
    assert set(sodium["unit"]) == {"mmol/L"}
    assert (table["flag"] == "N").mean() > 0.5


def test_fraud_is_rare_and_online() -> None:
    """Fraud is below one payment in fifty, and more frequent online."""
    table = made("card_transactions", 60_000)["card_transactions"]
    fraud = table["fraud"] == "Yes"
    assert 0.0005 < fraud.mean() < 0.02
    assert fraud[table["channel"] == "online"].mean() > 2 * fraud[table["channel"] != "online"].mean()


def test_accounts_and_employees_and_customers() -> None:
    """Pay follows grade, churn follows the contract, closed accounts are not overdrawn."""
    accounts = made("bank_accounts")["bank_accounts"]
    assert (accounts.loc[accounts["status"] == "closed", "balance"] >= 0).all()
    staff = made("hr")["employees"]
    full = staff[staff["hours"] == 40]
    pay = full.groupby("grade")["salary"].median()
    assert pay["junior"] < pay["regular"] < pay["senior"] < pay["principal"] < pay["director"]
    assert staff["manager_id"].isna().sum() == 1
    customers = made("telecom_churn")["customers"]
    churn = (customers["churned"] == "Yes").groupby(customers["contract"]).mean()
    assert churn["month-to-month"] > churn["two years"] + 0.1


def test_patients_and_order_lines() -> None:
    """The schemas of the two example tables make plausible rows, too."""
    patients = made("patients")["patients"]
    assert 20 < patients["bmi"].median() < 35
    lines = made("transactions")["transactions"]
    assert (lines["returned"] == "Yes").mean() < 0.1
