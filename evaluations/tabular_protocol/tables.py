"""The five tables of the protocol, split and declared as the published runs split and declare them.

Adult: the official training and test rows. The others: 90 % training rows after a shuffle seeded with 1234, the seed
raised until every category occurs among them. Beijing without its row number and without rows that lack a value.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.model import Schema

DATA = Path(os.environ.get("TABSYNTH_DATA") or Path(__file__).parents[3] / "shared" / "data")
NAMES = ("adult", "default", "shoppers", "magic", "beijing")

_FILES = {
    "default": "default/default_credit.csv.gz",
    "shoppers": "shoppers/online_shoppers.csv.gz",
    "magic": "magic/magic04.csv.gz",
    "beijing": "beijing/beijing_pm25.csv.gz",
}
_CATEGORICAL = {
    "default": [
        "SEX",
        "EDUCATION",
        "MARRIAGE",
        *(f"PAY_{month}" for month in (0, 2, 3, 4, 5, 6)),
        "default payment next month",
    ],
    "shoppers": ["Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend", "Revenue"],
    "magic": ["Class"],
    "beijing": ["year", "month", "day", "hour", "cbwd"],
}
_TARGET = {
    "adult": "income",
    "default": "default payment next month",
    "shoppers": "Revenue",
    "magic": "Class",
    "beijing": "pm2.5",
}


@dataclass(frozen=True)
class Split:
    """One table of the protocol."""

    name: str
    train: pd.DataFrame
    holdout: pd.DataFrame
    categorical: list[str]
    target: str
    schema: Schema

    @property
    def compared(self) -> list[str]:
        """Columns that distances look at: the numbers only where the categories are a calendar."""
        return [c for c in self.train.columns if self.name != "beijing" or c not in self.categorical]


def load(name: str) -> Split:
    """Read and split a table; the folder is `$TABSYNTH_DATA`, or `../shared/data` beside the project."""
    if name == "adult":
        train, holdout = (pd.read_csv(DATA / f"adult/adult_{part}.csv.gz") for part in ("train", "test"))
        categorical = [c for c in train.columns if not pd.api.types.is_numeric_dtype(train[c])]
    else:
        table = pd.read_csv(DATA / _FILES[name])
        categorical = _CATEGORICAL[name]
        if name == "beijing":
            table = table.drop(columns="No").dropna().reset_index(drop=True)
        train, holdout = _shuffled_split(table, categorical)
    for part in (train, holdout):
        for column in categorical:
            part[column] = part[column].astype(str).astype(object)
    return Split(name, train, holdout, categorical, _TARGET[name], declare(name, train, categorical))


def _shuffled_split(table: pd.DataFrame, categorical: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    n_train = int(len(table) * 0.9)
    seed = 1234
    while True:
        # The legacy generator is part of the protocol: the published splits are its permutations.
        rows = np.random.RandomState(seed).permutation(len(table))
        train, holdout = table.iloc[rows[:n_train]], table.iloc[rows[n_train:]]
        if all(set(table[c]) == set(train[c]) for c in categorical):
            return train.reset_index(drop=True), holdout.reset_index(drop=True)
        seed += 1


def declare(name: str, train: pd.DataFrame, categorical: list[str]) -> Schema:
    """Kinds of the columns, and decimals where all values have at most six; no bounds and no categories."""
    columns: dict[str, Any] = {}
    for column in train.columns:
        cells = train[column].dropna()
        if column in categorical:
            columns[column] = {"type": "categorical"}
        elif (cells % 1 == 0).all():
            columns[column] = {"type": "integer"}
        else:
            decimals = next((d for d in range(1, 7) if np.allclose(cells, cells.round(d), 0, 1e-9)), None)
            columns[column] = {"type": "number", **({} if decimals is None else {"decimals": decimals})}
    return Schema.model_validate({"name": name, "tables": {name: {"columns": columns}}})
