"""What an evaluation costs: CPU seconds, wall seconds and memory of each level on 20,000 rows x 15 columns.

    python -m evaluations.levels

Adult, 20,000 rows of train, 6,000 of holdout and as many synthetic rows as train, drawn from it column by column. Each
level runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from evaluations.canaries import adult
from tabsynth.evaluation import evaluate_typed
from tabsynth.evaluation.base import LEVELS, Level, metrics_of
from tabsynth.outputs import atomic_file

RESULTS = Path(__file__).parent / "results" / "levels.json"
TRAIN, HOLDOUT = 20_000, 6_000


def measure(level: Level) -> dict[str, Any]:
    """Cost of one level in this process."""
    typed, table = adult(TRAIN + HOLDOUT)
    train, holdout = typed.take(np.arange(TRAIN)), typed.take(np.arange(TRAIN, TRAIN + HOLDOUT))
    rng = np.random.default_rng(1)
    columns = {name: values.take(rng.integers(0, TRAIN, TRAIN)) for name, values in train.columns.items()}
    made = type(train)(columns, TRAIN)
    wall, spent = time.perf_counter(), time.process_time()
    found = evaluate_typed(train, holdout, made, table, metrics=metrics_of(level))
    slowest = sorted((result for result in found.results if result.seconds), key=lambda result: -result.seconds)[:6]
    return {
        "level": level,
        "cpu_seconds": round(time.process_time() - spent, 1),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "metrics": len(metrics_of(level)),
        "slowest": {result.metric: result.seconds for result in slowest},
    }


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.levels", description=__doc__)
    parser.add_argument("--level", choices=LEVELS, help="this level alone, printed as JSON")
    asked = parser.parse_args(arguments)
    if asked.level:
        print(json.dumps(measure(cast("Level", asked.level))))
        return
    rows = []
    for level in LEVELS:
        done = subprocess.run(
            [sys.executable, "-m", "evaluations.levels", "--level", level], capture_output=True, text=True, check=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "busy": os.getloadavg()[0] > 2}
    with atomic_file(RESULTS) as partial:
        partial.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
