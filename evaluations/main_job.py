"""The bars of the main job: speed, memory, marginals, missing cells, conditions, same bytes, inference.

    python -m evaluations main_job

Seconds are of this machine; beside them stands the time that pandas takes to read the same table from CSV, so that
runs on other machines can be compared. Results are written to evaluations/results/main_job.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tabsynth as ts

RESULTS = Path(__file__).parent / "results" / "main_job.json"
DATA = Path(os.environ.get("TABSYNTH_DATA") or Path(__file__).parents[2] / "shared" / "data")


def wide_table(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """15 columns: 8 numbers of difficult shapes, 5 categories, a datetime, a boolean; with dependence and gaps."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["A", "B", "C"], n_rows, p=[0.5, 0.3, 0.2])
    level = rng.normal(0, 1, n_rows) + (group == "A")
    table = pd.DataFrame(
        {
            "zero_inflated": np.where(rng.random(n_rows) < 0.7, 0.0, rng.gamma(2, 100, n_rows)).round(2),
            "bimodal": np.where(level > 0.5, rng.normal(0, 1, n_rows), rng.normal(10, 2, n_rows)),
            "lognormal": np.exp(2 * rng.normal(0, 1, n_rows) * 0.8 + level * 0.3),
            "spiked": np.where(rng.random(n_rows) < 0.3, 42.0, rng.normal(40, 10, n_rows)),
            "age": np.clip(rng.normal(45 + 5 * level, 15, n_rows), 0, 100).astype(int),
            "count": rng.poisson(np.exp(level * 0.5)),
            "rate": rng.beta(2, 5, n_rows).round(4),
            "gap": np.where(group == "A", np.nan, rng.normal(level, 1)),
            "group": group,
            "region": rng.choice([f"r{i}" for i in range(50)], n_rows),
            "plan": np.where(level > 1, "gold", np.where(level > 0, "silver", "basic")),
            "sex": rng.choice(["F", "M"], n_rows),
            "rare": rng.choice(["usual", "seldom"], n_rows, p=[0.99, 0.01]),
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n_rows), unit="D"),
            "active": rng.random(n_rows) < 0.8,
        }
    )
    return table


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Result and wall seconds of `work`."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def speed(table: pd.DataFrame, label: str) -> dict[str, Any]:
    """Seconds to fit and to sample as many rows again, beside reading the table from CSV with pandas."""
    schema = ts.infer(table)
    model, fit_s = timed(lambda: ts.Copula().fit(table, schema, seed=0))
    _, sample_s = timed(lambda: model.sample(len(table), seed=0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.csv"
        table.to_csv(file, index=False)
        _, read_s = timed(lambda: pd.read_csv(file))
    return {
        "table": label,
        "rows": len(table),
        "columns": table.shape[1],
        "fit_s": round(fit_s, 2),
        "sample_s": round(sample_s, 2),
        "pandas_read_csv_s": round(read_s, 2),
        "fit_to_read_ratio": round(fit_s / read_s, 2),
        "sample_to_read_ratio": round(sample_s / read_s, 2),
    }


def memory() -> dict[str, Any]:
    """Peak memory of a process that makes the 200,000-row table, fits, and samples 200,000 rows."""
    script = (
        "import resource, tabsynth as ts, warnings; warnings.simplefilter('ignore')\n"
        "from evaluations.main_job import wide_table\n"
        "t = wide_table(200_000); s = ts.infer(t); base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "m = ts.Copula().fit(t, s, seed=0); m.sample(200_000, seed=0)\n"
        "print(base, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    return {"before_fit_mb": int(out[0]) // 1024, "peak_mb": int(out[1]) // 1024}


def ks_similarity(a: pd.Series, b: pd.Series) -> float:
    """1 minus the Kolmogorov-Smirnov distance of the present values."""
    from scipy.stats import ks_2samp

    return 1 - float(ks_2samp(a.dropna(), b.dropna()).statistic)


def tv_similarity(a: pd.Series, b: pd.Series) -> float:
    """1 minus the total variation distance of the shares."""
    p, q = a.value_counts(normalize=True), b.value_counts(normalize=True)
    both = p.index.union(q.index)
    return 1 - float((p.reindex(both, fill_value=0) - q.reindex(both, fill_value=0)).abs().sum() / 2)


def marginals(table: pd.DataFrame) -> dict[str, float]:
    """Similarity of each column of difficult shape."""
    rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(len(table), seed=0)
    shapes = ("zero_inflated", "bimodal", "lognormal", "spiked", "count", "rate")
    found = {name: round(ks_similarity(table[name], rows[name]), 4) for name in shapes}
    found |= {name: round(tv_similarity(table[name], rows[name]), 4) for name in ("region", "plan")}
    return found


def missing_by_group(n_rows: int = 20_000) -> dict[str, dict[str, float]]:
    """P(missing | group) where it is 1, 0, 0 — the missing group being the first, the middle and the last by size."""
    found = {}
    for gone in ("A", "B", "C"):
        table = wide_table(n_rows)[["group", "age", "gap", "plan"]].copy()
        table["gap"] = np.where(table["group"] == gone, np.nan, np.random.default_rng(1).normal(0, 1, n_rows))
        rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(n_rows, seed=0)
        found[gone] = {g: round(float(rows["gap"][rows["group"] == g].isna().mean()), 4) for g in ("A", "B", "C")}
    return found


def condition(table: pd.DataFrame) -> dict[str, Any]:
    """200 rows of a 1 % category."""
    model = ts.Copula().fit(table, ts.infer(table), seed=0)
    rows, seconds = timed(lambda: model.sample(200, seed=0, given={"rare": "seldom"}))
    both, two_s = timed(
        lambda: model.sample(200, seed=0, given={"rare": "seldom", "age": (80, None), "plan": ["gold"]})
    )
    return {
        "rows": len(rows),
        "all_satisfy": bool((rows["rare"] == "seldom").all()),
        "seconds": round(seconds, 3),
        "three_conditions_rows": len(both),
        "three_conditions_seconds": round(two_s, 3),
    }


def same_bytes() -> bool:
    """Whether two processes with other thread counts write the same CSV."""
    script = (
        "import sys, tabsynth as ts; from evaluations.main_job import wide_table; t = wide_table(20_000)\n"
        "ts.write_table(ts.Copula().fit(t, ts.infer(t), seed=3).sample(20_000, seed=4), sys.argv[1])"
    )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{threads}.csv" for threads in (1, 4)]
        for threads, file in zip((1, 4), files, strict=True):
            pools = {f"{pool}_NUM_THREADS": str(threads) for pool in ("OMP", "OPENBLAS", "MKL")}
            subprocess.run([sys.executable, "-c", script, str(file)], check=True, env={**os.environ, **pools})
        return files[0].read_bytes() == files[1].read_bytes()


def inference() -> dict[str, Any]:
    """`infer` on every real table: crashes, schemas that refuse their own table, seconds."""
    files = (
        sorted(p for p in DATA.rglob("*") if p.name.endswith((".csv", ".csv.gz", ".parquet"))) if DATA.is_dir() else []
    )
    crashed, refused, unreadable = [], [], []
    start = time.perf_counter()
    for file in files:
        name = str(file.relative_to(DATA))
        try:
            table = ts.read_table(file)
        except ts.TabsynthError as error:
            unreadable.append(f"{name}: {type(error).__name__}")
            continue
        try:
            if not ts.validate(table, ts.infer(table)).ok:
                refused.append(name)
        except Exception as error:
            crashed.append(f"{name}: {type(error).__name__}")
    return {
        "tables": len(files),
        "unreadable": unreadable,
        "crashed": crashed,
        "refused_their_own_table": refused,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    table = wide_table(200_000)
    results: dict[str, Any] = {
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
        "speed": [speed(table, "200,000 x 15")],
        "memory": memory(),
        "marginal_similarity": marginals(table.head(50_000)),
        "missing_by_group": missing_by_group(),
        "condition_on_one_percent": condition(table.head(50_000)),
        "same_bytes_across_thread_counts": same_bytes(),
    }
    adult = DATA / "adult" / "adult_train.csv.gz"
    if adult.is_file():
        results["speed"].append(speed(pd.read_csv(adult), "Adult"))
        results["inference"] = inference()
    results["peak_mb_of_this_run"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
