"""Rows of others: made once by a worker in its own environment, kept under `out/peers`, read again after that.

    python -m evaluations.peers.draw --systems "SDV 2.0 copula,SDV 2.0 CTGAN" --tables adult,magic --fits 1

SDV's environment is `.venv-sdv`, which `make test-sdv` makes; that of mostlyai-engine is `.venv-mostlyai`, made by hand
with `pip install mostlyai-engine`. The variables `TABSYNTH_SDV_PYTHON` and `TABSYNTH_MOSTLYAI_PYTHON` name other
interpreters. A fit takes up to half an hour, so that tables are made apart from scoring them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[2]
MADE = ROOT / "out" / "peers"


@dataclass(frozen=True)
class Peer:
    """A system of others."""

    environment: str
    """Name of its environment, of its worker and of its package."""
    version: str
    """Start of the version that its name promises."""
    system: str
    """What the worker calls it."""

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        named = os.environ.get(f"TABSYNTH_{self.environment.upper()}_PYTHON")
        return Path(named) if named else ROOT / f".venv-{self.environment}" / "bin" / "python"


PEERS = {
    "SDV 2.0 copula": Peer("sdv", "2.0.", "GaussianCopula"),
    "SDV 2.0 CTGAN": Peer("sdv", "2.0.", "CTGAN"),
    "SDV 2.0 TVAE": Peer("sdv", "2.0.", "TVAE"),
    "SDV 2.0 CopulaGAN": Peer("sdv", "2.0.", "CopulaGAN"),
    "mostlyai-engine 2.7": Peer("mostlyai", "2.7.", "TabularARGN"),
}
"""Others by the name that results show; each with its authors' defaults."""


def draw(
    name: str, table: str, train: pd.DataFrame, categorical: list[str], *, seed: int, **parameters: Any
) -> tuple[pd.DataFrame, dict[str, float]]:
    """As many rows as `train` has, and what they cost.

    Args:
        name: Key of `PEERS`.
        table: Name of the table, for the file that keeps the rows.
        train: The training rows.
        categorical: Its categorical columns; the others are numbers.
        seed: Seed of the worker's global generators.
        parameters: Parameters of the system other than its defaults.

    Returns:
        The rows, and `seconds`, `cpu_seconds` (fit and sample), `fit_cpu_seconds` and `peak_mb`.

    Raises:
        FileNotFoundError: The system's environment is not there.
        RuntimeError: The worker failed (the message holds the end of what it said), or is of another version.
    """
    peer = PEERS[name]
    marks = "".join(f"-{key}={value}" for key, value in parameters.items())
    kept = MADE / f"{peer.environment}-{peer.system}-{table}-{seed}{marks}"
    if not (kept / "figures.json").is_file():
        _work(peer, kept, train, categorical, seed, parameters)
    figures = json.loads((kept / "figures.json").read_text())
    if not (version := figures.pop("version")).startswith(f"{peer.environment} {peer.version}"):
        raise RuntimeError(f"{kept.name} was made by {version}; delete it and install {peer.version}x for {name}")
    return pd.read_parquet(kept / "synthetic.parquet"), figures


def _work(
    peer: Peer, kept: Path, train: pd.DataFrame, categorical: list[str], seed: int, parameters: dict[str, Any]
) -> None:
    if not peer.python.exists():
        raise FileNotFoundError(
            f"{peer.python}: make this environment as the docstring of evaluations.peers.draw says, or name another "
            f"in TABSYNTH_{peer.environment.upper()}_PYTHON"
        )
    job = {
        "system": peer.system,
        "categorical": categorical,
        "n_rows": len(train),
        "seed": seed,
        "threads": 1,
        "parameters": parameters,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train.to_parquet(folder / "train.parquet")
        (folder / "job.json").write_text(json.dumps(job))
        worker = Path(__file__).with_name(f"{peer.environment}_worker.py")
        # CTGAN hands columns to processes of its own, whose time nobody would count.
        pools = {f"{pool}_NUM_THREADS": "1" for pool in ("OMP", "OPENBLAS", "MKL")} | {"LOKY_MAX_CPU_COUNT": "1"}
        done = subprocess.run(
            [str(peer.python), str(worker), str(folder)],
            env={**os.environ, **pools},
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{peer.environment} {peer.system} failed: {done.stderr[-2000:]}")
        kept.mkdir(parents=True, exist_ok=True)
        for file in ("synthetic.parquet", "figures.json"):  # the figures last: they say that the rows are whole
            shutil.copy(folder / file, kept / file)


def main(arguments: Sequence[str] | None = None) -> None:
    from evaluations.tabular_protocol.tables import NAMES, load

    parser = argparse.ArgumentParser(prog="python -m evaluations.peers.draw", description=__doc__)
    parser.add_argument("--systems", default=",".join(PEERS), help="names, with commas")
    parser.add_argument("--tables", default=",".join(NAMES), help="names, with commas")
    parser.add_argument("--fits", type=int, default=1, help="models per system and table; fit i has seed i")
    asked = parser.parse_args(arguments)
    for fit in range(asked.fits):
        for table in asked.tables.split(","):
            split = load(table)
            for name in asked.systems.split(","):
                _, figures = draw(name, table, split.train, split.categorical, seed=fit)
                print(name, table, fit, figures, flush=True)


if __name__ == "__main__":
    main()
