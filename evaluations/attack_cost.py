"""What the attacks of the report cost: CPU seconds and peak memory, metric by metric.

    python -m evaluations attack_cost

Two tables: 20,000 train, 20,000 synthetic and 5,000 holdout rows of 15 columns, the size of the quick evaluation; and
50,000 train, synthetic and holdout rows of 20 columns, the largest that the distances are promised for. The membership
metrics share one search, so the first of them pays for all. Written to evaluations/results/attack_cost.json.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.main_job import wide_table
from tabsynth.evaluation.base import METRICS, Family, run_metric
from tabsynth.evaluation.comparison import compare, read_frame
from tabsynth.schema.infer import infer_table

RESULTS = Path(__file__).parent / "results" / "attack_cost.json"
SIZES = {"20,000 x 15": (20_000, 5_000, 0), "50,000 x 20": (50_000, 50_000, 5)}


def table(n_rows: int, seed: int, n_more: int) -> pd.DataFrame:
    """The mixed table of `main_job`, with some more numbers."""
    rng = np.random.default_rng(seed)
    more = {f"more_{number}": rng.normal(size=n_rows).round(3) for number in range(n_more)}
    return wide_table(n_rows, seed).assign(**more)


def costs(n_rows: int, n_holdout: int, n_more: int) -> dict[str, Any]:
    """CPU seconds of every attack metric on one size."""
    frames = [table(n, seed, n_more) for seed, n in enumerate((n_rows, n_holdout, n_rows))]
    schema = infer_table(frames[0])
    parts = [read_frame(frame, schema, name="table") for frame in frames]
    comparison = compare(*parts, schema)
    seconds: dict[str, float] = {}
    for name in METRICS:
        metric = METRICS[name]()
        if metric.family is Family.ATTACKS:
            start = time.process_time()
            found = run_metric(metric, comparison, level=0.95)
            seconds[name] = round(time.process_time() - start, 2)
            if found.results[0].error:
                raise RuntimeError(f"{name}: {found.results[0].error}")
    return {
        "cpu_seconds": seconds,
        "cpu_seconds_together": round(sum(seconds.values()), 1),
        "peak_mb_so_far": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure both sizes and write the results."""
    results = {size: costs(*numbers) for size, numbers in SIZES.items()}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
