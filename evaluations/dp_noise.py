"""How fast the exact noise is drawn, in one thread, and how fast OpenDP draws the same.

    python -m evaluations.dp_noise [--opendp-python PYTHON]

PYTHON is an interpreter that has `opendp`; without it OpenDP is left out. OpenDP is given its fastest way in: one call
for a whole vector, with its check of the input left on. CPU seconds, best of five, of the operating system's randomness
in both; results are written to evaluations/results/dp_noise.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tabsynth.dp.noise import NoiseSource

RESULTS = Path(__file__).parent / "results" / "dp_noise.json"
SIGMAS = (0.3, 1.0, 25.0, 1e3, 1e4, 1e6)
SIZE = 2_000_000
REPEATS = 5

OPENDP = """
import json, sys, time
import numpy as np
import opendp.prelude as dp
from importlib.metadata import version
dp.enable_features("contrib")
size, found = 50_000, {}
for sigma in json.loads(sys.argv[1]):
    noise = dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float), scale=sigma)
    zeros, best = np.zeros(size, dtype=np.int32), float("inf")
    for _ in range(3):
        start = time.process_time()
        noise(zeros)
        best = min(best, time.process_time() - start)
    found[sigma] = size / best / 1e6
print(json.dumps({"version": version("opendp"), "million_per_second": found}))
"""


def fastest(draw: Callable[[], object]) -> float:
    """CPU seconds of one call, best of several."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        draw()
        best = min(best, time.process_time() - start)
    return best


def rate(draw: Callable[[], object], size: int) -> float:
    """Millions per CPU second."""
    return round(size / fastest(draw) / 1e6, 2)


def first_draw_ms(sigma: float) -> float:
    """Milliseconds of the first draw of a distribution, which makes its table (sigma is varied to miss the cache)."""
    times = []
    for i in range(REPEATS):
        start = time.process_time()
        NoiseSource().discrete_gaussian(sigma**2 * (1 + (i + 1) / 1000), 1)
        times.append(time.process_time() - start)
    return round(1000 * min(times), 2)


def selection_ms(n_candidates: int) -> float:
    """Milliseconds of one choice among so many candidates."""
    scores = np.random.default_rng(0).integers(0, 40_000, n_candidates)
    draw = lambda: NoiseSource().noisy_max(scores, epsilon=0.1, sensitivity=1, monotonic=False)  # noqa: E731
    return round(1e3 * fastest(draw), 2)


def measure(opendp_python: str | None) -> dict[str, Any]:
    """Every figure."""
    source = NoiseSource()
    found: dict[str, Any] = {
        "command": "python -m evaluations.dp_noise" + (" --opendp-python PYTHON" if opendp_python else ""),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "numpy": np.__version__},
        "million_per_second": {
            "discrete_gaussian": {s: rate(lambda s=s: source.discrete_gaussian(s * s, SIZE), SIZE) for s in SIGMAS},
            "discrete_laplace": {s: rate(lambda s=s: source.discrete_laplace(s, SIZE), SIZE) for s in SIGMAS},
        },
        "first_draw_ms": {s: first_draw_ms(s) for s in SIGMAS},
        "selection_ms": {n: selection_ms(n) for n in (100, 1_000, 3_000)},
    }
    if opendp_python:
        output = subprocess.run(
            [opendp_python, "-c", OPENDP, json.dumps(SIGMAS)], check=True, capture_output=True, text=True
        ).stdout
        found["opendp"] = json.loads(output)
        ours, theirs = found["million_per_second"]["discrete_gaussian"], found["opendp"]["million_per_second"]
        found["times_faster_than_opendp"] = {s: round(ours[s] / theirs[str(s)]) for s in SIGMAS}
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m evaluations.dp_noise", description=__doc__)
    parser.add_argument("--opendp-python", help="an interpreter that has opendp")
    text = json.dumps(measure(parser.parse_args(arguments).opendp_python), indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
