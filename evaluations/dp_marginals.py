"""Accuracy and speed of the differentially private mechanisms.

    python -m evaluations dp_marginals

Adult as the mbi package ships it (14 discrete columns, delta 1e-9): mean total variation over all 91 pairs and 364
triples between the table and as many drawn rows, over 5 seeds; the area under the curve of a classifier that learns
from synthetic rows of 80 % and is asked about the other 20 %. NIST's excerpts: the k-marginal score, 1000 times one
minus the mean total variation over all pairs, on the bins that were measured. All pairs of 80 columns: seconds to
count them over a million rows. Results are in evaluations/results/dp_marginals.json and .md.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from evaluations.dp_tables import Table, adult, boundary, distances, nist
from tabsynth.dp import aim, auto, independent, mst
from tabsynth.dp.budget import rho_from
from tabsynth.dp.counting import all_pairs, count_pairs

RESULTS = Path(__file__).parent / "results" / "dp_marginals.json"
DELTA = 1e-9
SEEDS = 5
TARGET = "income>50K"
MECHANISMS: dict[str, ModuleType] = {
    "dp-independent": independent,
    "dp-mst": mst,
    "dp-aim": aim,
    "dp-auto": auto,
}
# The sizes of the 80-column domain that mbi's own benchmark counts (IPUMS).
IPUMS = (3, 40, 40, 113, 15, 2, 130, 5, 8, 11, 8, 2, 3, 3, 65, 14, 2, 2, 3, 17, 6, 2, 88, 13, 6, 4, 12, 10, 6, 5)
IPUMS += (6, 80, 83, 31, 34, 31, 32, 6, 6, 8, 10, 2, 8, 2, 23, 23, 13, 23, 4, 12, 3, 4, 8, 112, 118, 109, 111, 7, 9, 20)
IPUMS += (8, 37, 3, 43, 65, 104, 101, 95, 101, 5, 9, 45, 28, 6, 4, 4, 4, 2, 4, 5)


def release(table: Table, name: str, epsilon: float, seed: int, **options: Any) -> tuple[dict[str, Any], float, float]:
    """Rows of one release, with its CPU and wall seconds."""
    rho = rho_from(epsilon, DELTA)
    cpu, wall = time.process_time(), time.perf_counter()
    private = boundary(table, rho=rho, seed=seed)
    MECHANISMS[name].measure(private, rho=rho, **options)
    rows = MECHANISMS[name].model(private.transcript).sample(table.n_rows, rng=np.random.default_rng(seed))
    return rows, time.process_time() - cpu, time.perf_counter() - wall


def adult_line(table: Table, name: str, epsilon: float) -> dict[str, Any]:
    """Means over seeds; triples at epsilon 1 only."""
    pairs, triples, cpu, wall = [], [], [], []
    for seed in range(SEEDS):
        rows, cpu_seconds, wall_seconds = release(table, name, epsilon, seed)
        pairs.append(distances(table, rows, 2))
        cpu.append(cpu_seconds)
        wall.append(wall_seconds)
        if epsilon == 1.0:
            triples.append(distances(table, rows, 3))
    line = {
        "mechanism": name,
        "epsilon": epsilon,
        "pairs": mean(pairs),
        "pairs_deviation": round(float(np.std(pairs)), 5),
    }
    line |= {"cpu_seconds": mean(cpu, 2), "wall_seconds": mean(wall, 2)}
    return line | ({"triples": mean(triples)} if triples else {})


def prediction_line(table: Table, name: str, epsilon: float, **options: Any) -> dict[str, Any]:
    """What a classifier learns from synthetic rows; figures of each seed."""
    order = np.random.default_rng(0).permutation(table.n_rows)
    cut = int(0.8 * table.n_rows)
    train, test = table.rows(order[:cut]), table.rows(order[cut:])
    areas = [area(release(train, name, epsilon, seed, **options)[0], test) for seed in range(SEEDS)]
    return {"mechanism": name, "epsilon": epsilon, **options, "auc": mean(areas), "auc_lowest": round(min(areas), 4)}


def area(rows: dict[str, Any], test: Table) -> float:
    """Area under the curve on real rows of a classifier fitted to the given ones."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    given = [name for name in test.sizes if name != TARGET]
    learner = HistGradientBoostingClassifier(random_state=0)
    learner.fit(np.column_stack([rows[name] for name in given]), rows[TARGET])
    chances = learner.predict_proba(np.column_stack([test.columns[name] for name in given]))[:, 1]
    return float(roc_auc_score(test.columns[TARGET], chances))


def nist_line(name: str, mechanism: str, epsilon: float) -> dict[str, Any]:
    """The k-marginal score of one release."""
    table = nist(name)
    rows, cpu, _ = release(table, mechanism, epsilon, 0)
    score = 1000 * (1 - distances(table, rows, 2))
    return {
        "table": name,
        "mechanism": mechanism,
        "epsilon": epsilon,
        "k_marginal": round(score, 1),
        "cpu_seconds": round(cpu, 2),
    }


def counting_line(n_rows: int = 1_000_000) -> dict[str, Any]:
    """Seconds to count all pairs of 80 columns."""
    rng = np.random.default_rng(0)
    columns = [(rng.beta(0.6, 2.0, n_rows) * size).astype(np.uint8) for size in IPUMS]
    cpu, wall = time.process_time(), time.perf_counter()
    count_pairs(columns, IPUMS, all_pairs(len(IPUMS)))
    seconds = {"cpu_seconds": round(time.process_time() - cpu, 2), "wall_seconds": round(time.perf_counter() - wall, 2)}
    return {"columns": len(IPUMS), "rows": n_rows, "pairs": len(all_pairs(len(IPUMS))), **seconds}


def mean(values: list[float], digits: int = 4) -> float:
    """Rounded mean."""
    return round(float(np.mean(values)), digits)


def rendered(document: dict[str, Any]) -> str:
    """The results as tables."""
    parts = [
        "# Differentially private mechanisms\n",
        "Made by `python -m evaluations dp_marginals`; machine under load.\n",
    ]
    titles = {
        "adult": "Adult: mean total variation of pairs and triples",
        "prediction": f"Adult: a classifier of {TARGET} that learned from synthetic rows (real rows: .9186)",
        "nist": "NIST excerpts: k-marginal score",
        "counting": "Counting all pairs",
    }
    for key, title in titles.items():
        lines = document.get(key, [])
        names = list(dict.fromkeys(name for line in lines for name in line))
        rows = ["| " + " | ".join(str(line.get(name, "")) for name in names) + " |" for line in lines]
        parts.append(
            "\n".join([f"## {title}\n", "| " + " | ".join(names) + " |", "|---" * len(names) + "|", *rows, ""])
        )
    return "\n".join(parts)


def main() -> None:
    document: dict[str, Any] = {"delta": DELTA, "seeds": SEEDS, "python": platform.python_version()}
    document |= {"cpus": os.cpu_count(), "adult": [], "prediction": [], "nist": [], "counting": []}

    def record(key: str, line: dict[str, Any]) -> None:
        print(key, line, flush=True)
        document[key].append(line)
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")
        RESULTS.with_suffix(".md").write_text(rendered(document))

    table = adult()
    record("counting", counting_line())
    for epsilon in (0.1, 1.0, 10.0):
        for name in ("dp-independent", "dp-mst", "dp-aim"):
            record("adult", adult_line(table, name, epsilon))
    record("prediction", prediction_line(table, "dp-mst", 1.0))
    record("prediction", prediction_line(table, "dp-aim", 1.0))
    record("prediction", prediction_line(table, "dp-aim", 1.0, target=TARGET))
    for name in ("nist_ma2019", "nist_national2019"):
        for epsilon in (1.0, 10.0):
            for mechanism in ("dp-mst", "dp-aim"):
                record("nist", nist_line(name, mechanism, epsilon))


if __name__ == "__main__":
    main()
