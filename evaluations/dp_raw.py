"""How close private rows of raw tables come, with numbers as they are: bins that are found beside even ones.

    python -m evaluations dp_raw
    python -m evaluations dp_raw --tables insurance --releases 5

Other benchmarks of private mechanisms take tables that are binned already; what bins lose of a number shows here alone.
Columns of more than 12 numbers are declared with bounds that a careful person could have given (see `dp_bins`), all
others with their categories. Each release is made by dp-auto at delta 1e-9; as many rows are drawn as the table has.

Measured are the mean total variation over all pairs of columns, numbers cut at the deciles of the real ones, and the
mean over numeric columns of the largest distance between distribution functions. Beside them stands what real rows
drawn again with replacement reach. Noise is not seeded: figures are means over releases, with their standard deviation.
Results: evaluations/results/dp_raw.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.dp_bins import column_of, largest_gap
from evaluations.dp_tables import DATA, Table, distances
from tabsynth.outputs import atomic_file
from tabsynth.pipeline import make_generator
from tabsynth.schema.model import Schema

RESULTS = Path(__file__).parent / "results" / "dp_raw.json"
TABLES = {
    "insurance": "insurance/insurance.csv",
    "flchain": "survival/flchain.csv",
    "shoppers": "shoppers/online_shoppers.csv.gz",
    "adult": "adult/adult_train.csv.gz",
}
EPSILONS = (0.3, 1.0, 3.0)
BINNINGS = ("even", "privtree")
FEW_NUMBERS = 12
Array = np.ndarray[Any, Any]


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations dp_raw", description=__doc__)
    parser.add_argument("--tables", default=",".join(TABLES), help="names, with commas")
    parser.add_argument("--releases", type=int, default=3, help="releases of each kind")
    asked = parser.parse_args(arguments)
    known = json.loads(RESULTS.read_text())["lines"] if RESULTS.exists() else []
    lines = {(line["table"], line["epsilon"], line["binning"]): line for line in known}
    for name in asked.tables.split(","):
        table = read(name)
        rng = np.random.default_rng(0)
        again = [gaps(table, table.iloc[rng.integers(0, len(table), len(table))]) for _ in range(asked.releases)]
        for epsilon in EPSILONS:
            for binning in BINNINGS:
                line = {"table": name, "rows": len(table), "columns": table.shape[1], "epsilon": epsilon}
                line |= {"binning": binning, "releases": asked.releases}
                found, started = [], time.process_time()
                generator = make_generator("dp-auto", {"ledger": "none", "binning": binning})
                for seed in range(asked.releases):
                    rows = generator.fit(table, declared(table, epsilon)).sample(len(table), seed=seed)
                    found.append(gaps(table, rows))
                line["cpu_seconds"] = round((time.process_time() - started) / asked.releases, 1)
                for part in ("pairs", "numbers"):
                    values = [one[part] for one in found]
                    line |= {
                        part: round(float(np.mean(values)), 4),
                        f"{part}_deviation": round(float(np.std(values)), 4),
                    }
                    line[f"{part}_real_again"] = round(float(np.mean([one[part] for one in again])), 4)
                lines[name, epsilon, binning] = line
                print(line, flush=True)
                document = {"command": "python -m evaluations dp_raw", "python": platform.python_version()}
                with atomic_file(RESULTS) as partial:
                    partial.write_text(json.dumps({**document, "lines": list(lines.values())}, indent=1) + "\n")


def read(name: str) -> pd.DataFrame:
    """Rows without gaps; what is no number of many values, as text."""
    table = pd.read_csv(DATA / TABLES[name]).dropna().reset_index(drop=True)
    for column in table:
        if not (table[column].dtype.kind in "if" and table[column].nunique() > FEW_NUMBERS):
            table[column] = table[column].astype(str)
    return table


def declared(table: pd.DataFrame, epsilon: float) -> Schema:
    """Every column with its kind, and bounds or categories."""
    columns = {
        str(name): column_of(table[name])
        if table[name].dtype.kind in "if"
        else {"type": "categorical", "categories": sorted(table[name].unique()), "nullable": False}
        for name in table
    }
    privacy = {"unit": "row", "epsilon": epsilon, "delta": 1e-9, "public_rows": len(table)}
    return Schema.model_validate({"tables": {"t": {"columns": columns}}, "privacy": privacy})


def gaps(real: pd.DataFrame, drawn: pd.DataFrame) -> dict[str, float]:
    """Mean distance over pairs of columns, and over numeric columns."""
    numbers = [name for name in real if real[name].dtype.kind in "if"]
    codes = {str(name): coded(real[name], drawn[name]) for name in real}
    table = Table({name: first for name, (first, _, _) in codes.items()}, {name: n for name, (*_, n) in codes.items()})
    return {
        "pairs": distances(table, {name: second for name, (_, second, _) in codes.items()}, 2),
        "numbers": float(np.mean([largest_gap(real[n].to_numpy(float), drawn[n].to_numpy(float)) for n in numbers])),
    }


def coded(real: pd.Series[Any], drawn: pd.Series[Any]) -> tuple[Array, Array, int]:
    """Codes of both, uint8, and how many there are: deciles of real numbers, or categories."""
    if real.dtype.kind in "if":
        cuts = np.unique(np.quantile(real, np.arange(1, 10) / 10))
        first, second = (np.searchsorted(cuts, column.to_numpy(float), side="left") for column in (real, drawn))
        return first.astype(np.uint8), second.astype(np.uint8), len(cuts) + 1
    labels = sorted(real.unique())
    first, second = (pd.Categorical(column.astype(str), labels).codes.astype(np.uint8) for column in (real, drawn))
    return first, second, len(labels)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
