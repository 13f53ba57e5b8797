"""Accuracy and speed of private generators that are trained on noisy gradients, on the table that dp_marginals uses.

    python -m evaluations dp_training

Adult as the mbi package ships it, delta 1e-9, one seed: mean total variation over all 91 pairs between the table and as
many drawn rows, CPU seconds, and the area under the curve of a classifier that learns income from synthetic rows of
80 % and is asked about the other 20 %. Lines of dp-aim and dp-independent are those of dp_marginals. Results are in
evaluations/results/dp_training.json and .md; a line that has all its figures is not measured again.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from evaluations.dp_marginals import DELTA, TARGET, area, mean
from evaluations.dp_tables import Table, adult, boundary, distances
from tabsynth.dp import autoregressive, ctgan
from tabsynth.dp.budget import best_order, rho_from

RESULTS = Path(__file__).parent / "results" / "dp_training.json"
SEEDS = 1
MECHANISMS: dict[str, ModuleType] = {"dp-autoregressive": autoregressive, "dp-ctgan": ctgan}
BESIDE = ("dp-aim", "dp-independent")
ORDERED = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")


def release(table: Table, name: str, epsilon: float, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of one release, and what its training was."""
    order = best_order(epsilon, DELTA)
    rho = rho_from(epsilon, DELTA, order=order)
    cpu = time.process_time()
    private = boundary(table, rho=rho, seed=seed, order=order)
    MECHANISMS[name].measure(private, rho=rho, ordered=ORDERED)
    rows = MECHANISMS[name].model(private.transcript).sample(table.n_rows, rng=np.random.default_rng(seed))
    seconds = time.process_time() - cpu
    (training,) = private.transcript.trainings
    told = {"cpu_seconds": seconds, "steps": training.steps, "noise": training.noise, "weights": training.n_weights}
    return rows, told


def line(table: Table, name: str, epsilon: float) -> dict[str, Any]:
    """Means over seeds."""
    order = np.random.default_rng(0).permutation(table.n_rows)
    cut = int(0.8 * table.n_rows)
    train, test = table.rows(order[:cut]), table.rows(order[cut:])
    pairs, areas, told = [], [], []
    for seed in range(SEEDS):
        rows, each = release(table, name, epsilon, seed)
        pairs.append(distances(table, rows, 2))
        told.append(each)
        areas.append(area(release(train, name, epsilon, seed)[0], test))
    return {
        "mechanism": name,
        "epsilon": epsilon,
        "pairs": mean(pairs),
        "pairs_deviation": round(float(np.std(pairs)), 5),
        "auc": mean(areas),
        "auc_lowest": round(min(areas), 4),
        "cpu_seconds": mean([each["cpu_seconds"] for each in told], 1),
        "steps": told[0]["steps"],
        "noise": round(told[0]["noise"], 3),
        "weights": told[0]["weights"],
    }


def beside(name: str, epsilon: float) -> dict[str, Any]:
    """What dp_marginals has measured of a mechanism that measures counts."""
    known = json.loads(RESULTS.with_name("dp_marginals.json").read_text())
    of = {"mechanism": name, "epsilon": epsilon}
    found = [next((each for each in known[key] if of.items() <= each.items()), {}) for key in ("adult", "prediction")]
    return {**of, **{key: value for each in found for key, value in each.items() if key in line_keys()}}


def line_keys() -> tuple[str, ...]:
    """Columns of the table of results."""
    return ("pairs", "pairs_deviation", "auc", "auc_lowest", "cpu_seconds", "steps", "noise", "weights")


def rendered(document: dict[str, Any]) -> str:
    """The results as a table."""
    names = ("mechanism", "epsilon", *line_keys())
    rows = ["| " + " | ".join(str(each.get(name, "")) for name in names) + " |" for each in document["adult"]]
    head = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    intro = f"Made by `python -m evaluations dp_training`; Adult, {TARGET} (real rows: .9186); machine under load.\n"
    return "\n".join(["# Private generators that are trained\n", intro, *head, *rows, ""])


def main() -> None:
    known = json.loads(RESULTS.read_text())["adult"] if RESULTS.exists() else []
    lines = {(each["mechanism"], each["epsilon"]): each for each in known}
    table = adult()
    for epsilon in (1.0, 10.0):
        for name in MECHANISMS:
            if "auc" not in lines.get((name, epsilon), {}):
                lines[name, epsilon] = line(table, name, epsilon)
                print(lines[name, epsilon], flush=True)
                keep(lines)
        for name in BESIDE:
            lines[name, epsilon] = beside(name, epsilon)
    keep(lines)


def keep(lines: dict[tuple[str, float], dict[str, Any]]) -> None:
    """Write all lines, as they are by now."""
    document = {"delta": DELTA, "seeds": SEEDS, "python": platform.python_version(), "adult": list(lines.values())}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(rendered(document))


if __name__ == "__main__":
    main()
