"""One job of SDV: read a training table, fit with SDV's defaults, write as many rows as asked.

Run by `evaluations.peers.draw` with the Python of an environment that has SDV; it imports nothing of this project.
Columns are declared as the protocol has them, categorical or numerical, and everything else is left to SDV.
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
    import numpy as np
    import torch
    from sdv import single_table
    from sdv.metadata import Metadata

    warnings.simplefilter("ignore")
    job = json.loads((folder / "job.json").read_text())
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    np.random.seed(job["seed"])  # noqa: NPY002  (SDV draws from the global state)
    train = pd.read_parquet(folder / "train.parquet")
    kinds = {name: {"sdtype": "categorical" if name in job["categorical"] else "numerical"} for name in train.columns}
    metadata = Metadata.load_from_dict({"tables": {"table": {"columns": kinds}}, "METADATA_SPEC_VERSION": "V1"})
    started, spent = time.perf_counter(), time.process_time()
    synthesizer = getattr(single_table, f"{job['system']}Synthesizer")(metadata, **job["parameters"])
    synthesizer.fit({"table": train})
    fitted = time.process_time()
    synthesizer._set_random_state(job["seed"])  # SDV has no seed: without this all fits of a copula draw the same rows
    rows = synthesizer.sample(num_rows=job["n_rows"])["table"]
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - spent,
        "fit_cpu_seconds": fitted - spent,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "version": f"sdv {version('sdv')}",
    }
    rows[list(train.columns)].to_parquet(folder / "synthetic.parquet")
    (folder / "figures.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
