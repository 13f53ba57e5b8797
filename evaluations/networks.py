"""CPU seconds per epoch of CTGAN, ours beside SDV's: same table, epochs, batch size and one thread.

    python -m evaluations networks

Both are fitted for a few epochs and for more; the difference, by the epochs between, is what an epoch costs, and the
rest is preparation. Ours trains without early stopping here. Needs the extra `deep`, and SDV in `.venv-sdv`.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

import tabsynth as ts
from evaluations.peers.draw import MADE, draw
from evaluations.tabular_protocol.tables import Split, load

RESULTS = Path(__file__).parent / "results" / "networks.json"
FEW, MORE = 1, 4
OURS, THEIRS = "ctgan", "SDV 2.0 CTGAN"


def fit_cpu_seconds(system: str, split: Split, epochs: int) -> float:
    """CPU seconds of one fit."""
    if system == OURS:
        spent = time.process_time()
        ts.make_generator(OURS, {"epochs": epochs, "patience": 0}).fit(split.train, split.schema, seed=0)
        return time.process_time() - spent
    _, figures = draw(system, split.name, split.train, split.categorical, seed=0, epochs=epochs)
    return figures["fit_cpu_seconds"]


def measure(system: str, split: Split) -> dict[str, Any]:
    """Seconds per epoch, and of everything else."""
    few, more = (fit_cpu_seconds(system, split, epochs) for epochs in (FEW, MORE))
    per_epoch = (more - few) / (MORE - FEW)
    return {
        "system": system,
        "table": split.name,
        "rows": len(split.train),
        "cpu_s_per_epoch": round(per_epoch, 3),
        "cpu_s_before_training": round(few - FEW * per_epoch, 2),
        "cpu_s_of_300_epochs": round(few + (300 - FEW) * per_epoch, 1),
    }


def main() -> None:
    os.environ.update({f"{pool}_NUM_THREADS": "1" for pool in ("OMP", "OPENBLAS", "MKL")})
    for kept in MADE.glob("sdv-CTGAN-*-epochs=*"):
        shutil.rmtree(kept)  # timings are measured anew
    rows = [measure(system, split) for split in (load("adult"),) for system in (OURS, THEIRS)]
    results = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "epochs": [FEW, MORE],
        "rows": rows,
        "ours_to_theirs_per_epoch": round(rows[0]["cpu_s_per_epoch"] / rows[1]["cpu_s_per_epoch"], 3),
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
