"""Build the two example tables from published data and invented identifiers.

    python examples/build_examples.py FOLDER

FOLDER holds `eicu_demo/mortality24_{sta,dyn,outc}.parquet` and `online_retail/online_retail.parquet`; README.md beside
this file says where they come from, under which terms, and which columns are invented. The same inputs and the same
Faker release give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from faker import Faker

HERE = Path(__file__).parent
SHORTEST_ADULT = 100.0  # cm; a few recorded heights are lower than this and are typing errors
N_PRODUCTS = 24
N_TRANSACTIONS = 4_800


def build_patients(folder: Path) -> pd.DataFrame:
    """One row per intensive-care stay: invented identifiers, real measurements of the first 24 hours."""
    static = pd.read_parquet(folder / "mortality24_sta.parquet").set_index("stay_id")
    outcome = pd.read_parquet(folder / "mortality24_outc.parquet").set_index("stay_id")["label"]
    hourly = pd.read_parquet(folder / "mortality24_dyn.parquet").groupby("stay_id")
    clinical = pd.DataFrame(index=static.index)
    clinical["age"] = static["age"].astype("Int64")
    clinical["sex"] = static["sex"]
    clinical["height_cm"] = static["height"].where(static["height"] >= SHORTEST_ADULT).round(1)
    clinical["weight_kg"] = static["weight"].round(1)
    clinical["bmi"] = (clinical["weight_kg"] / (clinical["height_cm"] / 100) ** 2).round(1)
    clinical["heart_rate"] = hourly["hr"].mean().round(1)
    clinical["arterial_pressure_min"] = hourly["map"].min().round(1)
    clinical["respiratory_rate"] = hourly["resp"].mean().round(1)
    clinical["temperature_max"] = hourly["temp"].max().round(1)
    clinical["oxygen_saturation_min"] = hourly["o2sat"].min().round(0).astype("Int64")
    clinical["glucose_max"] = hourly["glu"].max().round(0).astype("Int64")
    clinical["creatinine_max"] = hourly["crea"].max().round(2)
    clinical["lactate_max"] = hourly["lact"].max().round(1)
    clinical["urine_ml"] = hourly["urine"].sum(min_count=1).round(0).astype("Int64")
    clinical["died_in_icu"] = outcome.map({0: "No", 1: "Yes"})
    order = np.random.default_rng(1).permutation(len(clinical))
    clinical = clinical.iloc[order].reset_index(drop=True)
    return pd.concat([invent_patients(len(clinical)), clinical], axis=1)


def invent_patients(n_rows: int) -> pd.DataFrame:
    """Identifiers and dates that belong to nobody."""
    rng = np.random.default_rng(2)
    faker = Faker("en_US")
    faker.seed_instance(3)
    last = [faker.last_name() for _ in range(n_rows)]
    first = [faker.first_name() for _ in range(n_rows)]
    initial = rng.choice(list("ABCDEFGHIJKLMNOPRSTVW"), size=n_rows)
    invented = pd.DataFrame({"patient_id": [f"MRN-{n:08d}" for n in distinct_numbers(n_rows, rng)]})
    invented["name"] = [f"{b}, {a} {i}." for a, b, i in zip(first, last, initial, strict=True)]
    invented["email"] = [
        f"{a[0]}{b}{n:04d}@example.org".lower()
        for a, b, n in zip(first, last, rng.integers(10_000, size=n_rows), strict=True)
    ]
    # Area codes are real, lines 555-0100 to 555-0199 are kept free for fiction.
    area, line = rng.choice([212, 303, 404, 512, 617, 702, 808], size=n_rows), rng.integers(100, 200, size=n_rows)
    invented["phone"] = [f"({a}) 555-{n:04d}" for a, n in zip(area, line, strict=True)]
    # Numbers that begin with 666 were never issued.
    group, serial = rng.integers(1, 100, size=n_rows), rng.integers(1, 10_000, size=n_rows)
    invented["ssn"] = [f"666-{g:02d}-{s:04d}" for g, s in zip(group, serial, strict=True)]
    days = rng.integers(730, size=n_rows)
    stay = np.minimum(np.floor(rng.lognormal(1.6, 0.8, size=n_rows)), 90).astype(int)
    admitted = pd.Timestamp("2014-01-01") + pd.to_timedelta(days, unit="D")
    invented["admitted"] = admitted.strftime("%Y-%m-%d")
    invented["discharged"] = (admitted + pd.to_timedelta(stay, unit="D")).strftime("%Y-%m-%d")
    invented["stay_days"] = stay
    return invented


def build_transactions(folder: Path) -> pd.DataFrame:
    """All lines of some customers for the best-selling products."""
    lines = pd.read_parquet(folder / "online_retail.parquet")
    lines = lines[lines["CustomerID"].notna() & (lines["UnitPrice"] > 0)]
    lines = lines[lines.groupby("CustomerID")["Country"].transform("nunique") == 1]
    goods = lines[lines["StockCode"].str.match(r"\d{5}")]
    best = goods["StockCode"].value_counts().index[:N_PRODUCTS]
    lines = lines[lines["StockCode"].isin(best)]
    product = lines.groupby("StockCode")["Description"].agg(lambda names: names.value_counts().index[0])
    rng = np.random.default_rng(4)
    customers = rng.permutation(np.sort(lines["CustomerID"].astype(int).unique()))
    rows = lines["CustomerID"].astype(int).value_counts().loc[customers].cumsum()
    chosen = rows.index[rows <= N_TRANSACTIONS]
    lines = lines[lines["CustomerID"].isin(chosen)].sort_values(
        ["InvoiceDate", "InvoiceNo", "StockCode"], kind="stable"
    )
    number = dict(zip(chosen, distinct_numbers(len(chosen), rng), strict=True))
    table = pd.DataFrame({"transaction_id": [f"TX-{n:08d}" for n in distinct_numbers(len(lines), rng)]})
    table["customer_id"] = [f"CUS-{number[int(customer)]:08d}" for customer in lines["CustomerID"]]
    table["country"] = lines["Country"].to_numpy()
    table["invoice_date"] = lines["InvoiceDate"].dt.strftime("%Y-%m-%d %H:%M").to_numpy()
    table["stock_code"] = lines["StockCode"].to_numpy()
    table["product"] = product.loc[lines["StockCode"]].str.strip().to_numpy()
    table["quantity"] = lines["Quantity"].to_numpy()
    table["unit_price"] = lines["UnitPrice"].round(2).to_numpy()
    table["amount"] = (table["quantity"] * table["unit_price"]).round(2)
    table["returned"] = np.where(lines["InvoiceNo"].str.startswith("C"), "Yes", "No")
    return table


def distinct_numbers(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Different numbers of up to eight digits."""
    return rng.choice(10**8, size=n_rows, replace=False)


def main(folder: Path) -> None:
    """Write both tables beside this file."""
    build_patients(folder / "eicu_demo").to_csv(HERE / "patients.csv", index=False, lineterminator="\n")
    build_transactions(folder / "online_retail").to_csv(HERE / "transactions.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/build_examples.py FOLDER")
    main(Path(sys.argv[1]))
