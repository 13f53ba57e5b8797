"""One private release of another system: read codes, fit within a budget, write as many rows of codes.

Run by `evaluations.dp_peers` with the Python of an environment that has the system; it imports nothing of this project.
The folder holds `train.csv` (codes), `job.json` (system, epsilon, delta, seed, sizes of the columns) and, for mbi,
`measurements.npz` with noisy counts, since its mechanisms are no part of its package; its AIM is read from the folder
that `TABSYNTH_MBI_MECHANISMS` names.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from importlib.metadata import version
from itertools import combinations
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

    if job["mechanism"] == "aim":
        return mbi_aim(train, job)
    found = np.load(folder / "measurements.npz")
    domain = Domain(list(job["sizes"]), list(job["sizes"].values()))
    given = [
        LinearMeasurement(found[f"counts{n}"].ravel(), tuple(clique), stddev=sigma)
        for n, (clique, sigma) in enumerate(job["measurements"])
    ]
    # As many rounds as its scripts for MST take.
    model = estimation.MirrorDescent().estimate(domain, given, iters=10_000)
    return mbi_rows(model.synthetic_data(rows=len(train)), train)


def mbi_aim(train: pd.DataFrame, job: dict[str, Any]) -> pd.DataFrame:
    """AIM of the authors, asked for all pairs as its script does."""
    import jax
    from mbi import Dataset, Domain, estimation

    class Renamed(estimation.MirrorDescent):
        """Potentials to start from are named differently in the script and in mbi 2.0."""

        def estimate(self, *given: Any, potentials: Any = None, **words: Any) -> Any:
            jax.clear_caches()  # thousands of small compiled programs, or the system runs out of mappings
            return super().estimate(*given, warm_start=potentials, **words)

    estimation.MirrorDescent = Renamed
    sys.path.insert(0, os.environ["TABSYNTH_MBI_MECHANISMS"])
    from aim import AIM

    domain = Domain(list(job["sizes"]), list(job["sizes"].values()))
    data = Dataset({name: train[name].to_numpy() for name in job["sizes"]}, domain)
    # Pairs of more cells are left out by its script.
    pairs = [(pair, 1.0) for pair in combinations(job["sizes"], 2) if domain.size(pair) <= 10_000]
    size = {"max_model_size": job["model_megabytes"]} if "model_megabytes" in job else {}
    made = AIM(job["epsilon"], job["delta"], prng=np.random.RandomState(0), **size)
    _, rows = made.run(data, pairs, num_synth_rows=len(train))
    return mbi_rows(rows, train)


def mbi_rows(rows: Any, train: pd.DataFrame) -> pd.DataFrame:
    """Rows that mbi drew, as a table; different versions keep them in different ways."""
    data = rows.to_dict() if hasattr(rows, "to_dict") else rows.df
    return pd.DataFrame({name: np.asarray(data[name]) for name in train.columns})


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
