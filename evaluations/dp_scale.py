"""Millions of rows: a private release of a Parquet file with 100 columns, read and written in parts.

    python -m evaluations dp_scale                    # 1 million rows
    ROWS=10000000 FOLDER=/big/disk python -m evaluations dp_scale      # 10 million: 2 GB of disk, and minutes

A table with some factors behind its columns is made: 40 columns of categories, 40 of whole numbers, 20 of numbers with
one decimal. `fit` and `sample` are the commands of the command line, each in a process of its own, whose CPU seconds,
wall seconds and largest memory are taken, beside the load of the machine at its end; epsilon is 1. What is measured of
the table, by the model file, says which mechanism dp-auto chose. With a `FOLDER`, the table, the model and what is
measured stay there until all is done, and a run that was cut off goes on after its last step. Results are written to
evaluations/results/dp_scale.json, a line for each number of rows.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tabsynth.dp.certificate import transcript_of
from tabsynth.generators.storage import load

Array = np.ndarray[Any, Any]
RESULTS = Path(__file__).parent / "results" / "dp_scale.json"
BLOCK_ROWS = 1 << 18
N_CATEGORIES, N_WHOLE, N_DECIMAL, N_FACTORS = 40, 40, 20, 8
GENERATORS = ("dp-auto",)
SIZES = [2 + (7 * number) % 15 for number in range(N_CATEGORIES)]


def schema() -> dict[str, Any]:
    """The declaration of the table: everything public, one row per person."""
    columns: dict[str, Any] = {}
    for number, size in enumerate(SIZES):
        columns[f"category {number}"] = {"type": "ordinal", "categories": labels(size), "nullable": False}
    for number in range(N_WHOLE):
        columns[f"whole {number}"] = {"type": "integer", "lower": 0, "upper": 199, "nullable": False}
    for number in range(N_DECIMAL):
        columns[f"decimal {number}"] = {"type": "number", "decimals": 1, "lower": 0.0, "upper": 100.0}
    privacy = {"unit": "row", "epsilon": 1.0, "delta": 1e-9}
    return {"format": 1, "name": "scale", "tables": {"t": {"columns": columns}}, "privacy": privacy}


def labels(size: int) -> list[str]:
    """Names of the categories of one column."""
    return [f"level {number}" for number in range(size)]


def make(file: Path, n_rows: int) -> None:
    """Write the table, block by block."""
    loadings = np.random.default_rng(0).normal(0, 0.5, (N_FACTORS, 100))
    writer = None
    for block, start in enumerate(range(0, n_rows, BLOCK_ROWS)):
        rng = np.random.default_rng([1, block])
        size = min(BLOCK_ROWS, n_rows - start)
        latent = rng.standard_normal((size, N_FACTORS), np.float32) @ loadings.astype(np.float32)
        latent += rng.standard_normal(latent.shape, np.float32)
        share = np.clip(latent / 8 + 0.5, 0, 0.999)
        columns: dict[str, pa.Array] = {}
        for number, size_of in enumerate(SIZES):
            codes = (share[:, number] * size_of).astype(np.int8)
            columns[f"category {number}"] = pa.DictionaryArray.from_arrays(pa.array(codes), labels(size_of))
        for number in range(N_WHOLE):
            columns[f"whole {number}"] = pa.array((share[:, 40 + number] * 200).astype(np.int16))
        for number in range(N_DECIMAL):
            tenths = np.round(share[:, 80 + number] * 1000) / 10
            columns[f"decimal {number}"] = pa.array(tenths.astype(np.float32), mask=rng.random(size) < 0.05)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def step(words: list[str]) -> dict[str, float]:
    """One command in a process of its own: CPU seconds, wall seconds, largest memory in GB."""
    code = (
        "import json, resource, sys\n"
        "from tabsynth.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    cpu, kilobytes = json.loads(done.stdout.splitlines()[-1])
    return {
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(wall, 1),
        "peak_gb": round(kilobytes / 2**20, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def line(generator: str, n_rows: int, folder: Path) -> dict[str, Any]:
    """Make the table, fit and sample with one generator; steps that the folder knows are not taken again."""
    data, declared, model, out = (folder / name for name in ("t.parquet", "schema.json", "model", "out.parquet"))
    known = folder / "steps.json"
    found: dict[str, Any] = {"rows": n_rows, "columns": 100, "generator": generator}
    if known.exists() and (before := json.loads(known.read_text()))["rows"] == n_rows:
        found = before
    if "input_gb" not in found:
        declared.write_text(json.dumps(schema()))
        make(data, n_rows)
        found["input_gb"] = round(data.stat().st_size / 2**30, 3)
        known.write_text(json.dumps(found))
    if "fit" not in found:
        words = f"fit {declared} {data} -o {model} --generator {generator} --set ledger=none --quiet"
        found["fit"] = step(words.split())
        found["measured"] = Counter(event.purpose for event in transcript_of(load(model)).measurements)
        known.write_text(json.dumps(found))
    found["sample"] = step(f"sample {model} --rows {n_rows} --seed 1 -o {out} --quiet".split())
    found["output_gb"] = round(out.stat().st_size / 2**30, 3)
    for file in (data, declared, model, out, known):
        file.unlink(missing_ok=True)
    return found


def main() -> None:
    n_rows = int(os.environ.get("ROWS", "1000000"))
    stored = json.loads(RESULTS.read_text())["lines"] if RESULTS.exists() else []
    lines = {(known["rows"], known["generator"]): known for known in stored}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("FOLDER") or name)
        for generator in GENERATORS:
            lines[n_rows, generator] = line(generator, n_rows, folder)
            print(lines[n_rows, generator], flush=True)
            document = {"epsilon": 1.0, "python": platform.python_version(), "cpus": os.cpu_count()}
            RESULTS.write_text(json.dumps({**document, "lines": list(lines.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
