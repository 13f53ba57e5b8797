"""Mean quality against total time on nine small and medium tables, after the idea of SDGym's nine.

    python -m evaluations nine_tables                          # all systems
    python -m evaluations.nine_tables --systems copula,"trees fast"

Adult and KDD 99 ("intrusion") are among SDGym's own nine; seven others of the shared folder stand for those that are
not in it: a census excerpt with codes, a survey of survival with gaps, insurance charges, credit, churn, house prices
and web sessions. At most 12,000 rows of each, a quarter of them kept apart; nothing else is chosen or tuned on them.

Quality is 1 minus the mean of shape and trend error (shared edges), against the training rows; a copy scores 1, so that
the detector's AUC against rows kept apart stands beside it. Needs xgboost; SDV's rows need `.venv-sdv`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.peers.draw import PEERS, draw
from evaluations.tabular_protocol import metrics
from evaluations.tabular_protocol.tables import DATA, Split, declare
from tabsynth.outputs import atomic_file

RESULTS = Path(__file__).parent / "results" / "nine_tables.json"
MOST_ROWS = 12_000
CODES = 10
"""Whole numbers with so few values are categories."""
FILES = {
    "adult": "adult/adult_train.csv.gz",
    "intrusion": "kdd99/kddcup_10_percent.parquet",
    "census": "nist_ma2019/ma2019.csv",
    "survival": "survival/flchain.csv",
    "insurance": "insurance/insurance.csv",
    "credit": "german/german_credit.csv",
    "churn": "telco_churn/telco_customer_churn.csv.gz",
    "houses": "california/housing.csv.gz",
    "shoppers": "shoppers/online_shoppers.csv.gz",
}
KEYS = {"churn": "customerID"}
"""Columns that number the rows; nobody models them."""


@dataclass(frozen=True)
class System:
    """A generator of ours with its parameters, or a key of `PEERS`."""

    name: str
    parameters: dict[str, Any]


SYSTEMS = {
    "independent": System("independent", {}),
    "copula": System("copula", {}),
    "trees fast": System("trees", {"preset": "fast"}),
    "trees": System("trees", {}),
    "autoregressive": System("autoregressive", {}),
    "tvae": System("tvae", {}),
    "ctgan": System("ctgan", {}),
    **{name: System(name, {}) for name in PEERS},
}


def load(name: str) -> Split:
    """Read, cut and split a table."""
    file = DATA / FILES[name]
    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if name in KEYS:
        table = table.drop(columns=KEYS[name])
    order = np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]
    table = table.iloc[order].reset_index(drop=True).apply(_as_numbers)
    table = table[[column for column in table if table[column].nunique() > 1]]
    categorical = [column for column in table if _is_category(table[column])]
    for column in categorical:
        table[column] = table[column].astype(str).astype(object)
    n_train = len(table) * 3 // 4
    train, holdout = table.iloc[:n_train], table.iloc[n_train:].reset_index(drop=True)
    return Split(name, train, holdout, categorical, "", declare(name, train, categorical))  # no target is asked for


def _as_numbers(cells: pd.Series) -> pd.Series:
    """Numbers that are spelled as text, with "N" or a blank for some, as numbers with gaps."""
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers if numbers.nunique() > 5 * CODES and 2 * numbers.count() > cells.count() else cells


def _is_category(cells: pd.Series) -> bool:
    whole = pd.api.types.is_integer_dtype(cells) and cells.nunique() <= CODES
    return bool(whole or pd.api.types.is_bool_dtype(cells) or not pd.api.types.is_numeric_dtype(cells))


def measure(label: str, split: Split) -> dict[str, float]:
    """Cost and figures of one fit, and of as many rows as it learned from."""
    system = SYSTEMS[label]
    if system.name in PEERS:
        synthetic, cost = draw(system.name, f"nine-{split.name}", split.train, split.categorical, seed=0)
        figures = {key: cost[key] for key in ("seconds", "cpu_seconds")}
    else:
        started, spent = time.perf_counter(), time.process_time()
        model = ts.make_generator(system.name, system.parameters).fit(split.train, split.schema, seed=0)
        synthetic = model.sample(len(split.train), seed=0)
        figures = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - spent}
    synthetic = synthetic[list(split.train.columns)]
    for column in split.categorical:
        synthetic[column] = synthetic[column].astype(str).astype(object)
    figures["shape"] = metrics.shape_error(split.train, synthetic, split.categorical)
    figures["trend"] = metrics.trend_error(split.train, synthetic, split.categorical)
    figures["quality"] = 1 - (figures["shape"] + figures["trend"]) / 200
    figures["auc"] = metrics.detection_on_holdout(split.holdout, synthetic, split.categorical, seed=0)
    return {key: round(float(value), 4) for key, value in figures.items()}


def render(results: dict[str, Any]) -> str:
    """The results as Markdown: a row per system, and the quality on each table."""
    rows = results["rows"]
    lines = [
        "# Mean quality against total time",
        "",
        "`python -m evaluations nine_tables`: nine tables of at most 12,000 rows, three quarters to learn from. "
        "Quality is 1 minus the mean of shape and trend error (shared edges) against the training rows; the AUC is a "
        "detector's against rows kept apart (0.5 is ideal). One fit each, seed 0, on one thread; CPU seconds of fit "
        "and sample. A system that has not been measured on every table has no mean.",
        "",
        "| system | quality | detector AUC | CPU seconds, total | " + " | ".join(FILES) + " |",
        "|---|--:|--:|--:|" + "--:|" * len(FILES),
    ]
    for label in SYSTEMS:
        found = {row["table"]: row for row in rows if row["system"] == label}
        if not found:
            continue
        whole = len(found) == len(FILES)
        means = [
            f"{np.mean([row['quality'] for row in found.values()]):.3f}",
            f"{np.mean([row['auc'] for row in found.values()]):.3f}",
            f"{sum(row['cpu_seconds'] for row in found.values()):.1f}",
        ]
        cells = [f"{found[name]['quality']:.3f}" if name in found else "-" for name in FILES]
        lines.append(f"| {label} | " + " | ".join([*(means if whole else ["-"] * 3), *cells]) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.nine_tables", description=__doc__)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names, with commas")
    parser.add_argument("--tables", default=",".join(FILES), help="names, with commas")
    parser.add_argument("--again", action="store_true", help="measure anew what is in the results already")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": []}
    for label in asked.systems.split(","):
        for name in asked.tables.split(","):
            others = [row for row in results["rows"] if (row["system"], row["table"]) != (label, name)]
            if len(others) < len(results["rows"]) and not asked.again:
                continue
            row = {"system": label, "table": name, **measure(label, load(name))}
            results = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version()}, "rows": [*others, row]}
            for path, text in ((RESULTS, json.dumps(results, indent=1) + "\n"), (_page(), render(results))):
                with atomic_file(path) as partial:
                    partial.write_text(text)
            print(row, flush=True)


def _page() -> Path:
    return RESULTS.with_suffix(".md")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
