"""Tables of more than a hundred numeric columns: dp-copula against the other mechanisms.

    python -m evaluations dp_wide

Numbers are cut into `BINS` bins of equal width between their extremes, taken as declared. `energy in windows` is made
of readings of every ten minutes, and each row holds the readings of five moments half an hour apart. Results are
written after every line; what stands there is not measured again, so delete the file to start over. dp-auto leaves
tables of this width to dp-copula.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.dp_tables import DATA, Table, boundary, distances
from tabsynth.dp import cliquetree, copula, independent
from tabsynth.dp.budget import rho_from

Array = np.ndarray[Any, Any]
RESULTS = Path(__file__).parent / "results" / "dp_wide.json"
DELTA = 1e-9
EPSILONS = (1.0, 3.0, 10.0)
SEEDS = {"dp-independent": 3, "dp-cliquetree": 1, "dp-copula": 3}
"""Releases of each; one of dp-cliquetree takes minutes."""
BINS = 20
MOMENTS, STRIDE = 5, 3
MECHANISMS = {"dp-independent": independent, "dp-copula": copula, "dp-cliquetree": cliquetree}


def coded(frame: pd.DataFrame) -> Table:
    """Numbers in bins, a missing cell as one more code."""
    columns, sizes = {}, {}
    for name in frame.columns:
        numbers = frame[name].to_numpy(np.float64)
        there = ~np.isnan(numbers)
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        if low == high:
            continue
        bins = np.clip((np.where(there, numbers, low) - low) / (high - low) * BINS, 0, BINS - 1).astype(np.int64)
        columns[str(name)], sizes[str(name)] = np.where(there, bins, BINS).astype(np.uint8), BINS + 1
    return Table(columns, sizes)


def communities() -> Table:
    """Shares and rates of 2,215 communities; a question mark is a missing cell."""
    frame = pd.read_csv(DATA / "communities_crime" / "communities_unnormalized.csv.gz", na_values=["?"])
    numeric = frame.select_dtypes("number")
    return coded(numeric[[name for name in numeric.columns if numeric[name].nunique() > 2]])


def energy_windows() -> Table:
    """Readings of a house, 26 of them at each of five moments."""
    frame = pd.read_csv(DATA / "energy" / "energydata_complete.csv.gz").select_dtypes("float")
    n_rows = len(frame) - (MOMENTS - 1) * STRIDE
    shifted = {
        f"{name} +{moment}": frame[name].to_numpy()[moment * STRIDE : moment * STRIDE + n_rows]
        for moment in range(MOMENTS)
        for name in frame.columns
    }
    return coded(pd.DataFrame(shifted))


TABLES: dict[str, Callable[[], Table]] = {"communities": communities, "energy in windows": energy_windows}


def correlation_matrix(columns: dict[str, Array]) -> Array:
    """Rank correlations of codes, missing cells as the mean; 0 where a column does not vary."""
    codes = np.column_stack([column.astype(np.float64) for column in columns.values()])
    there = codes < BINS
    ranks = pd.DataFrame(np.where(there, codes, np.nan)).rank().to_numpy()
    ranks = np.where(there, ranks, 0) - np.nanmean(np.where(there, ranks, np.nan), axis=0)
    ranks = np.where(there, ranks, 0.0)
    lengths = np.sqrt((ranks**2).sum(axis=0))
    ranks /= np.where(lengths > 0, lengths, 1.0)
    matrix: Array = ranks.T @ ranks
    return matrix


def release(table: Table, mechanism: Any, epsilon: float, seed: int) -> tuple[dict[str, Array], float]:
    """Rows of one release, and CPU seconds of measuring, fitting and drawing."""
    start = time.process_time()
    rho = rho_from(epsilon, DELTA)
    private = boundary(table, rho=rho, seed=seed)
    nullable = [name for name, size in table.sizes.items() if size == BINS + 1]
    words = {"nullable": nullable, "unordered": ()} if mechanism is copula else {}
    mechanism.measure(private, rho=rho, **words)
    rows = mechanism.model(private.transcript).sample(table.n_rows, rng=np.random.default_rng(seed))
    return rows, time.process_time() - start


def line(name: str, table: Table, mechanism: str, epsilon: float) -> dict[str, Any]:
    """One mechanism at one budget: mean over seeds."""
    true = correlation_matrix(table.columns)
    upper = np.triu_indices(len(true), 1)
    found = []
    for seed in range(SEEDS[mechanism]):
        rows, cpu = release(table, MECHANISMS[mechanism], epsilon, seed)
        drawn = correlation_matrix({name: rows[name] for name in table.sizes})
        error = float(np.abs(drawn - true)[upper].mean())
        found.append((distances(table, rows, 1), distances(table, rows, 2), error, cpu))
    one, two, error, cpu = np.mean(found, axis=0)
    return {
        "table": name,
        "rows": table.n_rows,
        "columns": len(table.sizes),
        "epsilon": epsilon,
        "mechanism": mechanism,
        "seeds": SEEDS[mechanism],
        "column_distance": round(float(one), 4),
        "pair_distance": round(float(two), 4),
        "correlation_error": round(float(error), 4),
        "cpu_seconds": round(float(cpu), 1),
    }


def main() -> None:
    known = json.loads(RESULTS.read_text())["lines"] if RESULTS.exists() else []
    lines = {(done["table"], done["mechanism"], done["epsilon"]): done for done in known}
    for mechanism in MECHANISMS:
        for name, load in TABLES.items():
            table = load()
            for epsilon in EPSILONS:
                if (name, mechanism, epsilon) in lines:
                    continue
                lines[name, mechanism, epsilon] = line(name, table, mechanism, epsilon)
                print(lines[name, mechanism, epsilon], flush=True)
                document = {
                    "what": "mean total variation of columns and of pairs, mean absolute error of rank correlations "
                    "(of independent columns: the mean size of correlations), CPU seconds of a release",
                    "delta": DELTA,
                    "python": platform.python_version(),
                    "cpus": os.cpu_count(),
                    "lines": list(lines.values()),
                }
                RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
