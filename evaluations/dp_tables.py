"""Discrete tables for the benchmarks of differentially private mechanisms, and how far rows are from them.

Numbers are cut into equal bins between bounds that are taken as declared; in a real release they come from the schema.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.dp.counting import all_pairs, count_pairs
from tabsynth.dp.measure import PrivateTable
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.spending import Spending
from tabsynth.dp.transcript import Transcript

Array = np.ndarray[Any, Any]
DATA = Path(os.environ.get("TABSYNTH_DATA") or Path(__file__).parents[2] / "shared" / "data")
N_BINS = 20
NIST_BINS = 50
SHORT_RANGE = 110


@dataclass(frozen=True)
class Table:
    """Codes by column and their number."""

    columns: dict[str, Array]
    sizes: dict[str, int]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def rows(self, chosen: Array) -> Table:
        """Some of the rows."""
        return Table({name: codes[chosen] for name, codes in self.columns.items()}, self.sizes)


def adult() -> Table:
    """The file of the mbi package: 14 columns that are discrete already."""
    sizes = json.loads((DATA / "mbi_adult" / "adult-domain.json").read_text())
    frame = pd.read_csv(DATA / "mbi_adult" / "adult.csv.gz")
    return Table({name: frame[name].to_numpy().astype(np.uint8) for name in sizes}, sizes)


def binned(path: str, most_columns: int = 40) -> Table:
    """Any table: numbers of many values in `N_BINS` equal bins, everything else by category; missing is one more."""
    frame = pd.read_csv(DATA / path)
    columns, sizes = {}, {}
    for name in frame.columns[:most_columns]:
        column = frame[name]
        if column.dtype.kind in "if" and column.nunique() > N_BINS:
            low, high = float(column.min()), float(column.max())
            codes = np.clip((column.to_numpy(float) - low) / (high - low) * N_BINS, 0, N_BINS - 1)
            codes = np.where(column.isna(), N_BINS, np.nan_to_num(codes)).astype(np.int64)
            size = N_BINS + 1
        else:
            codes = pd.factorize(column.astype(str), sort=True, use_na_sentinel=False)[0]
            size = int(codes.max()) + 1
        if 1 < size <= 200:
            columns[str(name)], sizes[str(name)] = codes.astype(np.uint8), size
    return Table(columns, sizes)


def nist(name: str) -> Table:
    """A NIST excerpt with the domain of its public data dictionary.

    Whole numbers of a short range have a code each, long ranges `NIST_BINS` bins of equal width in log(1 + x - lower).
    """
    folder = DATA / name
    dictionary = json.loads((folder / "data_dictionary.json").read_text())
    frame = pd.read_csv(next(folder.glob(f"{name.removeprefix('nist_')}.csv*")), dtype=str)
    columns, sizes = {}, {}
    for column in frame.columns:
        values = dictionary[column].get("values") or {"N": "", "min": 0, "max": 9999}  # INDP: four digits
        labels = [label for label in values if label not in ("min", "max")]
        codes = frame[column].map({label: code for code, label in enumerate(labels)}).to_numpy(float)
        sizes[column] = len(labels)
        if "min" in values:
            low, high = float(values["min"]), float(values["max"])
            numbers = np.clip(pd.to_numeric(frame[column], errors="coerce").to_numpy(float), low, high)
            n_bins = int(high - low) + 1 if high - low <= SHORT_RANGE else NIST_BINS
            scaled = numbers - low if n_bins != NIST_BINS else np.log1p(numbers - low) / np.log1p(high - low) * n_bins
            bins = len(labels) + np.minimum(np.floor(scaled), n_bins - 1)
            codes = np.where(np.isnan(codes), bins, codes)
            sizes[column] += n_bins
        codes = np.where(np.isnan(codes), sizes[column], codes)  # one more code, for what the dictionary lacks
        columns[column], sizes[column] = codes.astype(np.uint8), sizes[column] + 1
    return Table(columns, sizes)


def boundary(table: Table, *, rho: float, seed: int, order: int | None = None) -> PrivateTable:
    """The table behind the boundary, with repeatable noise (for benchmarks only: such noise protects nobody)."""
    noise = NoiseSource.insecure(seed)
    account = Spending(rho=rho, delta=0.0, noise=noise, ledger=None, transcript=Transcript(), order=order)
    return PrivateTable(table.columns, table.sizes, max_rows=1, account=account)


def coded(rows: Mapping[str, Array], sizes: Mapping[str, int]) -> list[Array]:
    """Drawn rows in the order of the columns, in small integers."""
    return [rows[name].astype(np.uint8 if size <= 256 else np.uint16) for name, size in sizes.items()]


def distances(table: Table, rows: Mapping[str, Array], length: int) -> float:
    """Mean total variation between real and drawn shares over all sets of `length` columns."""
    sizes = list(table.sizes.values())
    real, drawn = coded(table.columns, table.sizes), coded(rows, table.sizes)
    if length == 2:
        pairs = all_pairs(len(sizes))
        tables = zip(count_pairs(real, sizes, pairs), count_pairs(drawn, sizes, pairs), strict=True)
        return float(np.mean([apart(a, b) for a, b in tables]))
    return float(
        np.mean([sparse_distance(real, drawn, sizes, chosen) for chosen in combinations(range(len(sizes)), length)])
    )


def apart(a: Array, b: Array) -> float:
    """Total variation between two tables of counts."""
    return float(np.abs(a / max(a.sum(), 1) - b / max(b.sum(), 1)).sum() / 2)


def sparse_distance(
    real: Sequence[Array], drawn: Sequence[Array], sizes: Sequence[int], chosen: Sequence[int]
) -> float:
    """Total variation over the cells that occur: tables of three columns can have a million cells."""
    shape = [sizes[i] for i in chosen]
    a, b = (np.ravel_multi_index([table[i].astype(np.int64) for i in chosen], shape) for table in (real, drawn))
    cells, where = np.unique(np.concatenate([a, b]), return_inverse=True)
    counts = [np.bincount(part, minlength=len(cells)) for part in (where[: len(a)], where[len(a) :])]
    return apart(*counts)
