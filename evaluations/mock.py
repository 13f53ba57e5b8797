"""The bars of `tabsynth mock`: seconds and memory for a million rows, valid rows, the same bytes for the same seed.

    python -m evaluations mock

Each case runs in a process of its own. Results are written to evaluations/results/mock.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "mock.json"
CASES = (("hr", 1_000_000), ("bank_accounts", 1_000_000), ("card_transactions", 1_000_000), ("clinic", 100_000))
_SCRIPT = """
import json, resource, sys, time
from pathlib import Path
started = time.perf_counter()
import tabsynth as ts
from tabsynth.declared.mock import write_mock
schema = ts.load_schema(sys.argv[1])
one = len(schema.tables) == 1
made = write_mock(schema, sys.argv[3], rows=int(sys.argv[2]), seed=7, folder_format="parquet")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({
    "rows": sum(made.n_rows.values()), "columns": sum(len(t.columns) for t in schema.tables.values()),
    "wall_s": round(time.perf_counter() - started, 1), "cpu_s": round(time.process_time(), 1), "peak_mb": peak,
    "provenance": made.provenance,
}))
"""


def measure(name: str, n_rows: int, target: Path, *, threads: int) -> dict[str, Any]:
    """Seconds and peak memory of a process that writes the rows of a ready schema to Parquet."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _SCRIPT, str(ROOT / "schemas" / f"{name}.yaml"), str(n_rows), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(json.loads(done.stdout))


def digest(target: Path) -> str:
    """SHA-256 of a file, or of all files of a folder."""
    files = [target] if target.is_file() else sorted(target.iterdir())
    found = hashlib.sha256()
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def main() -> None:
    found: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "cases": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, n_rows in CASES:
            suffix = "" if name == "clinic" else ".parquet"
            target = Path(folder) / f"{name}{suffix}"
            found["cases"][name] = measure(name, n_rows, target, threads=1)
            print(name, found["cases"][name], flush=True)
        small = [Path(folder) / f"again{threads}.parquet" for threads in (1, 2)]
        for threads, target in zip((1, 2), small, strict=True):
            measure("hr", 200_000, target, threads=threads)
        found["same_bytes_under_1_and_2_threads"] = digest(small[0]) == digest(small[1])
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
