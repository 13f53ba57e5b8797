"""One job of mostlyai-engine: read a training table, fit with its defaults, write as many rows as asked.

Run by `evaluations.peers.draw` with the Python of an environment that has mostlyai-engine; it imports nothing of this
project. Columns are declared as the protocol has them, categorical or numerical, and everything else is left to it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd


def main(folder: Path) -> None:
    import torch
    from mostlyai import engine

    warnings.simplefilter("ignore")
    job = json.loads((folder / "job.json").read_text())
    torch.set_num_threads(job["threads"])
    train = pd.read_parquet(folder / "train.parquet")
    kinds = {
        name: "TABULAR_CATEGORICAL" if name in job["categorical"] else "TABULAR_NUMERIC_AUTO" for name in train.columns
    }
    started, spent = time.perf_counter(), _spent()
    model = getattr(engine, job["system"])(
        tgt_encoding_types=kinds,
        random_state=job["seed"],
        device="cpu",
        workspace_dir=folder / "workspace",
        **job["parameters"],
    )
    model.fit(train)
    fitted = _spent()
    rows = model.sample(n_samples=job["n_rows"])
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": _spent() - spent,
        "fit_cpu_seconds": fitted - spent,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "version": f"mostlyai {version('mostlyai-engine')}",
    }
    for name in train.columns:
        # Its own nullable types, back to those of the training rows.
        rows[name] = rows[name].astype(object if name in job["categorical"] else float)
    rows[list(train.columns)].to_parquet(folder / "synthetic.parquet")
    (folder / "figures.json").write_text(json.dumps(figures))


def _spent() -> float:
    """CPU seconds of this process and of those it started and that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main(Path(sys.argv[1]))
