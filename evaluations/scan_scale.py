"""How long `tabsynth scan` takes on a million rows of thirty columns, and how much memory.

    python -m evaluations scan_scale

makes a Parquet file of clinic-like columns (a fifth of them unique texts, three of them remarks of which one in the
whole column holds an e-mail address), scans it in a process of its own, and writes CPU seconds and peak memory, reading
included, to `evaluations/results/scan_scale.json`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

RESULTS = Path(__file__).parent / "results" / "scan_scale.json"
N_ROWS = 1_000_000
SEED = 8

_SCAN = """
import json, resource, sys, time
from tabsynth.checking import scan
report = scan(sys.argv[1])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "cpu_seconds": round(time.process_time(), 1),
    "peak_mb": round(used.ru_maxrss / 1024),
    "findings": [f"{item.column}: {item.kind.value} ({item.detector}, {item.place})" for item in report.findings],
}))
"""


def columns(n_rows: int) -> dict[str, Any]:
    """Thirty columns."""
    rng = np.random.default_rng(SEED)
    made: dict[str, Any] = {}
    day = np.datetime64("2015-01-01")
    for number in range(6):
        made[f"lab_{number}"] = np.round(rng.lognormal(3, 1, n_rows), 2)
    for number in range(4):
        made[f"score_{number}"] = rng.integers(0, 100, n_rows)
    for number in range(6):
        made[f"category_{number}"] = _texts("level {}", rng.integers(0, 40, n_rows))
    for number in range(3):
        made[f"moment_{number}"] = day + rng.integers(0, 3000, n_rows).astype("timedelta64[D]")
    made["written_date"] = _texts("{}", day + rng.integers(0, 3000, n_rows).astype("timedelta64[D]"))
    made["mrn"] = _texts("MRN-{:08d}", rng.permutation(n_rows))
    made["phone"] = _texts("212-555-{:04d}", rng.integers(0, 10_000, n_rows))
    made["email"] = _texts("u{}@example.org", rng.permutation(n_rows))
    made["code"] = _texts("{:010X}", rng.integers(0, 2**40, n_rows))
    made["zip"] = rng.integers(1001, 99_950, n_rows)
    made["age"] = rng.integers(0, 104, n_rows)
    made["sex"] = _texts("{}", np.where(rng.random(n_rows) < 0.5, "F", "M"))
    remarks = (
        "Seen for follow-up {} of the plan, pressure {}/80, continue therapy {} mg twice daily, no new complaints."
    )
    for number in range(3):
        parts = zip(*(rng.integers(1, high, n_rows).tolist() for high in (100_000, 180, 500)), strict=True)
        texts = [remarks.format(*part) for part in parts]
        texts[n_rows // 3 + number] += " Write to ann@example.org."
        made[f"remarks_{number}"] = pa.array(texts)
    return made


def _texts(template: str, values: Any) -> pa.Array:
    return pa.array([template.format(value) for value in values.tolist()])


def main() -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clinic.parquet"
        made = columns(N_ROWS)
        pa.parquet.write_table(pa.table(made), file)
        shape = (N_ROWS, len(made))
        del made
        printed = subprocess.run(
            [sys.executable, "-c", _SCAN, str(file)], check=True, capture_output=True, text=True
        ).stdout
    result = {
        "command": "python -m evaluations scan_scale",
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "rows": shape[0],
        "columns": shape[1],
        **json.loads(printed),
    }
    text = json.dumps(result, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
