"""Private releases of other systems, scored as ours are in `dp_marginals`: Adult of mbi, 14 columns, delta 1e-9.

    python -m evaluations.dp_peers --systems "dpmm mst,smartnoise aim" --epsilons 0.1,1,10 --seconds 900

Each system runs in an environment of its own, `.venv-dpmm`, `.venv-smartnoise` and `.venv-mbi` (made by hand with `pip
install` of dpmm, smartnoise-synth and mbi), or in the interpreter that `TABSYNTH_DPMM_PYTHON` and the like name. One
seed each: releases of minutes to hours. A line is written to evaluations/results/dp_peers.json as soon as it is there;
what stands there is not measured again. A release that takes longer than `--seconds` (of wall) is ended, and its line
says so, with the CPU seconds that it had by then.

mbi's package holds inference, not mechanisms, so that the line of `mbi mst` is its inference from noisy counts of the
columns and of the tree of pairs that our `dp-mst` chose, both without pooled codes. `mbi aim` is the AIM of its
authors: its script is in the folder `mechanisms` of their repository (github.com/ryan112358/mbi, Apache-2.0), and the
variable `TABSYNTH_MBI_MECHANISMS` names your copy of that folder. A third word is the largest size of its model in
megabytes; with its default of 80 it "can take many hours", they say. All figures stand beside ours in dp_marginals.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.dp_marginals import DELTA
from evaluations.dp_tables import Table, adult, boundary, distances
from tabsynth.dp import mst
from tabsynth.dp.budget import rho_from
from tabsynth.outputs import atomic_file

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "dp_peers.json"
SYSTEMS = ("mbi mst", "dpmm mst", "dpmm aim", "smartnoise mst", "smartnoise aim")


def measurements(table: Table, epsilon: float) -> tuple[list[tuple[list[str], float]], dict[str, np.ndarray]]:
    """Noisy counts of all columns and of a tree of pairs, for inference by others.

    Half of the budget goes to the tree, which `dp-mst` chooses with that half as its whole budget; the other half to
    the counts, in equal parts.
    """
    rho = rho_from(epsilon, DELTA)
    chooser = boundary(table, rho=rho / 2, seed=0)
    mst.measure(chooser, rho=rho / 2)
    pairs = [found.clique for found in chooser.transcript.measurements if len(found.clique) == 2]
    cliques = [*((name,) for name in table.sizes), *dict.fromkeys(pairs)]
    private = boundary(table, rho=rho / 2, seed=1)
    each = [rho / 2 / len(cliques) * (1 - 1e-9)] * len(cliques)  # rounding must not pass the budget
    found = private.marginals(cliques, rho_each=each, purpose="counts for others")
    named = [(list(one.clique), float(one.sigma)) for one in found]
    return named, {f"counts{number}": np.asarray(one.counts, float) for number, one in enumerate(found)}


def release(table: Table, name: str, epsilon: float, seconds: float | None) -> dict[str, Any]:
    """One line of results, of a release that may take so many seconds."""
    system, mechanism, *megabytes = name.split()
    named = os.environ.get(f"TABSYNTH_{system.upper()}_PYTHON")
    python = Path(named) if named else ROOT / f".venv-{system}" / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError(f"{python}: make this environment, or name another in TABSYNTH_{system.upper()}_PYTHON")
    if (system, mechanism) == ("mbi", "aim") and "TABSYNTH_MBI_MECHANISMS" not in os.environ:
        raise FileNotFoundError("mbi aim: name the folder of its authors' aim.py in TABSYNTH_MBI_MECHANISMS")
    job: dict[str, Any] = {"system": system, "mechanism": mechanism, "epsilon": epsilon, "delta": DELTA}
    job |= {"model_megabytes": float(megabytes[0])} if megabytes else {}
    job["sizes"] = {name: int(size) for name, size in table.sizes.items()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pd.DataFrame(table.columns).to_csv(folder / "train.csv", index=False)
        if name == "mbi mst":
            job["measurements"], counts = measurements(table, epsilon)
            np.savez(folder / "measurements.npz", **counts)  # type: ignore[arg-type]
        (folder / "job.json").write_text(json.dumps(job))
        worker = Path(__file__).parent / "peers" / "private_worker.py"
        command = [str(python), str(worker), str(folder)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return {"system": name, "epsilon": epsilon, "not_done_in_seconds": seconds, "cpu_seconds": round(cpu, 1)}
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
        figures = json.loads((folder / "figures.json").read_text())
        drawn = pd.read_csv(folder / "synthetic.csv")
    rows = {name: np.clip(drawn[name].to_numpy(), 0, size - 1) for name, size in table.sizes.items()}
    line = {"system": name, "epsilon": epsilon, "pairs": round(distances(table, rows, 2), 4)}
    if epsilon == 1.0:
        line["triples"] = round(distances(table, rows, 3), 4)
    return line | {key: value if isinstance(value, str) else round(value, 1) for key, value in figures.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.dp_peers", description=__doc__)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names, with commas")
    parser.add_argument("--epsilons", default="0.1,1,10", help="budgets, with commas")
    parser.add_argument("--seconds", type=float, help="longest that one release may take; no limit if left out")
    asked = parser.parse_args(arguments)
    table = adult()
    for name in asked.systems.split(","):
        for epsilon in map(float, asked.epsilons.split(",")):
            lines = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
            if any(line["system"] == name and line["epsilon"] == epsilon for line in lines):
                continue
            line = release(table, name, epsilon, asked.seconds)
            print(line, flush=True)
            with atomic_file(RESULTS) as partial:
                partial.write_text(json.dumps([*lines, line], indent=1) + "\n")


if __name__ == "__main__":
    main()
