"""One private release of another system: read codes, fit within a budget, write as many rows of codes.

Run by `evaluations.dp_peers` with the Python of an environment that has the system; it imports nothing of this project.
The folder holds `train.csv` (codes), `job.json` (system, epsilon, delta, seed, sizes of the columns) and, for mbi,
`measurements.npz` with noisy counts, since its mechanisms are no part of its package.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def dpmm(train: pd.DataFrame, job: dict[str, Any], folder: Path) -> pd.DataFrame:
    from dpmm import pipelines

    budget = {"epsilon": job["epsilon"], "delta": job["delta"]}
    pipeline = getattr(pipelines, f"{job['mechanism'].upper()}Pipeline")(**budget, disable_processing=True, n_jobs=1)
    pipeline.fit(train, job["sizes"], random_state=0)
    return pipeline.generate(len(train), random_state=0)


def smartnoise(train: pd.DataFrame, job: dict[str, Any], folder: Path) -> pd.DataFrame:
    from snsynth import Synthesizer

    made = Synthesizer.create(job["mechanism"], epsilon=job["epsilon"], delta=job["delta"])
    # Its sizes are read from the table: there is no public domain to hand over.
    made.fit(train.astype(str), categorical_columns=list(train.columns), preprocessor_eps=0.0)
    return made.sample(len(train)).astype(int)


def mbi(train: pd.DataFrame, job: dict[str, Any], folder: Path) -> pd.DataFrame:
    from mbi import Domain, LinearMeasurement, estimation

    found = np.load(folder / "measurements.npz")
    domain = Domain(list(job["sizes"]), list(job["sizes"].values()))
    given = [
        LinearMeasurement(found[f"counts{n}"].ravel(), tuple(clique), stddev=sigma)
        for n, (clique, sigma) in enumerate(job["measurements"])
    ]
    # As many rounds as its scripts for MST take.
    model = estimation.MirrorDescent().estimate(domain, given, iters=10_000)
    rows = model.synthetic_data(rows=len(train))
    data = rows.to_dict() if hasattr(rows, "to_dict") else rows.df
    return pd.DataFrame(data)[list(train.columns)]


SYSTEMS = {"dpmm": (dpmm, "dpmm"), "smartnoise": (smartnoise, "smartnoise-synth"), "mbi": (mbi, "mbi")}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    job = json.loads((folder / "job.json").read_text())
    train = pd.read_csv(folder / "train.csv")
    release, package = SYSTEMS[job["system"]]
    started, spent = time.perf_counter(), time.process_time()
    rows = release(train, job, folder)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "cpu_seconds": time.process_time() - spent + children.ru_utime + children.ru_stime,
        "wall_seconds": time.perf_counter() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "version": f"{package} {version(package)}",
    }
    rows[list(train.columns)].astype(np.int64).to_csv(folder / "synthetic.csv", index=False)
    (folder / "figures.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
