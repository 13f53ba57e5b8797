"""Fit, sample, score, and write the table of results.

Each fit draws as many rows as it learned from; fit i uses seed i for the model, the rows and the folds. Beside the
generators stand what their scores must be read against: real holdout rows, and a bootstrap copy of the training table.
Every finished row is written at once to results.json; results.md is rendered from it alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.peers.draw import PEERS, draw
from evaluations.tabular_protocol import metrics
from evaluations.tabular_protocol.fitting import fit_and_sample
from evaluations.tabular_protocol.tables import NAMES, Split, load
from evaluations.tabular_protocol.utility import utility
from tabsynth.outputs import atomic_file

HERE = Path(__file__).parent
REFERENCES = ("real holdout", "bootstrap copy")
COLUMNS = {
    "shape": ("Shape error %", 2),
    "trend": ("Trend error %, shared edges", 2),
    "sdmetrics_trend": ("Trend error %, SDMetrics 0.24", 2),
    "c2st": ("C2ST-XGB vs train", 3),
    "auc": ("detector AUC vs holdout", 3),
    "close": ("rows below the 2 % distance, %", 2),
    "attack": ("attack TPR at 10 % FPR", 3),
    "utility": ("TSTR: AUC (Beijing: RMSE)", 4),
    "seconds": ("seconds, fit and sample", 1),
    "gpu_seconds": ("seconds on a GPU", 0),
    "cpu_seconds": ("CPU seconds", 1),
    "peak_mb": ("peak memory, MB", 0),
}


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.tabular_protocol", description=__doc__)
    parser.add_argument("--tables", default=",".join(NAMES), help="names, with commas")
    parser.add_argument("--fits", type=int, default=1, help="models per generator and table")
    parser.add_argument("--generators", default="trees,copula,independent", help="names, with commas")
    parser.add_argument("--set", default="{}", help='parameters of all generators, as JSON ({"preset": "best"})')
    parser.add_argument("--again", action="store_true", help="measure rows anew that are in the results already")
    parser.add_argument("--cost", action="store_true", help="measure only the seconds and the memory of rows anew")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    parameters = json.loads(asked.set)
    for name in asked.tables.split(","):
        split = load(name)
        for system in (*REFERENCES, *asked.generators.split(",")):
            label = system + (" " + " ".join(f"{k}={v}" for k, v in parameters.items()) if parameters else "")
            label = system if system in REFERENCES else label
            for fit in range(1 if system in REFERENCES else asked.fits):
                key = {"table": name, "system": label, "seed": fit}
                before = [row for row in _read(asked.output)["rows"] if _key(row) == (name, label, fit)]
                if asked.cost and system not in (*REFERENCES, *PEERS) and before:
                    row = {**before[0], **_cost(split, system, parameters, fit)}
                elif asked.cost or (before and not asked.again):
                    continue
                else:
                    row = {**key, **_measure(split, system, parameters, fit)}
                results = _read(asked.output)  # anew: another process may have measured other tables meanwhile
                results["rows"] = [r for r in results["rows"] if _key(r) != _key(row)] + [row]
                results["machine"] = {"python": platform.python_version(), "cpus": os.cpu_count()}
                results["when"] = datetime.now(UTC).strftime("%Y-%m-%d")
                _write(asked.output, json.dumps(results, indent=1) + "\n")
                _write(asked.output.with_suffix(".md"), render(results))
                print(row, flush=True)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["table"], row["system"], row["seed"])


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {"rows": []}


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as partial:
        partial.write_text(text)


def _cost(split: Split, system: str, parameters: dict[str, Any], seed: int) -> dict[str, Any]:
    """What a fit and its rows cost: worth measuring alone, on a machine that does nothing else."""
    cost = fit_and_sample(system, parameters, split.train, split.schema, seed)[1]
    return _rounded(cost)


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else round(value, 4) for name, value in figures.items()}


def _measure(split: Split, system: str, parameters: dict[str, Any], seed: int) -> dict[str, Any]:
    """All figures of one fit."""
    train, holdout, categorical = split.train, split.holdout, split.categorical
    figures: dict[str, Any] = {}
    rng = np.random.default_rng(seed)
    if system == "real holdout":
        # Other real rows stand for a perfect generator: holdout against train, and train against holdout.
        synthetic, opposite = holdout, train.sample(min(len(train), len(holdout)), random_state=seed)
    elif system == "bootstrap copy":
        synthetic = train.iloc[rng.integers(0, len(train), len(train))].reset_index(drop=True)
        opposite = synthetic
    elif system in PEERS:
        synthetic, figures = draw(system, split.name, train, categorical, seed=seed)
        opposite = synthetic
    else:
        synthetic, figures = fit_and_sample(system, parameters, train, split.schema, seed)
        for column in categorical:
            synthetic[column] = synthetic[column].astype(str).astype(object)
        opposite = synthetic
    figures["shape"] = metrics.shape_error(train, synthetic, categorical)
    figures["trend"] = metrics.trend_error(train, synthetic, categorical)
    if seed == 0:
        figures["sdmetrics_trend"] = sdmetrics_trend(train, synthetic, categorical)
    figures["c2st"] = metrics.detection_on_train(train, synthetic, categorical, seed=seed)
    figures["auc"] = metrics.detection_on_holdout(holdout, opposite, categorical, seed=seed)
    # Real training rows are what rows of a perfect generator would be to a model.
    figures["utility"] = utility(split, train if system == "real holdout" else synthetic, seed=seed)
    if system != "real holdout":
        parts = [table[split.compared] for table in (train, holdout, synthetic)]
        left = [name for name in categorical if name in split.compared]
        figures |= metrics.closeness(parts[0], parts[1], parts[2], left, seed=seed)
    return _rounded(figures)


def sdmetrics_trend(train: pd.DataFrame, synthetic: pd.DataFrame, categorical: list[str]) -> float:
    """Trend error in percent as the pinned SDMetrics has it; NaN where it is not installed."""
    try:
        from sdmetrics.reports.single_table import QualityReport
    except ImportError:
        return float("nan")
    kinds = {name: {"sdtype": "categorical" if name in categorical else "numerical"} for name in train.columns}
    report = QualityReport()
    report.generate(train, synthetic, {"columns": kinds}, verbose=False)
    trends = report.get_properties().set_index("Property")["Score"]["Column Pair Trends"]
    return 100 * (1 - float(trends))


def render(results: dict[str, Any]) -> str:
    """The results as Markdown: mean and standard deviation over the fits."""
    lines = [
        "# Tabular protocol",
        "",
        f"Measured on {results['when']} with `python -m evaluations.tabular_protocol`; "
        f"{results['machine']['cpus']} shared cores, Python {results['machine']['python']}. "
        "Mean ± standard deviation over the fits named; fit i uses seed i. Shape, Trend and C2ST compare with the "
        "training table, so that a copy of it scores best: read them with the columns to their right. Figures of "
        "one fit carry no spread; SDMetrics' Trend is of the first fit alone. By binomial error the AUC moves by "
        "about 0.01 by chance, the rows below the 2 % distance by 0.3 points or more, and the attack by 0.01 to "
        "0.02 (at most 2,000 rows a side, fewer where the holdout is small). The attack is the better of two, "
        "picked by its result, so chance lies somewhat above 0.1: compare with the independent columns, which "
        "know no row. Seconds of `trees` were measured alone, with `--cost`; those of others on a machine that other "
        "work shared, so that CPU seconds are what to compare. Fits with a `gpu` in results.json were trained on that "
        "card, in half precision, beside others: they count for quality, not for cost.",
        "",
        "The defaults of `trees` were chosen by information about rows kept apart on small tables first, but "
        "calibration, the last doubling of smoothing, and what tables beyond 10,000 rows get (less smoothing, more "
        "rounds) were added after these scores on these tables were seen. "
        "They are not figures for untouched tables. TSTR of the real holdout is that of a model trained on the "
        "training rows.",
    ]
    rows = sorted(results["rows"], key=lambda row: NAMES.index(row["table"]))
    published = json.loads((HERE / "published.json").read_text())
    lines += ["", f"Systems marked “published” are not measured here: {published['source']}."]
    for name in dict.fromkeys(row["table"] for row in rows):
        lines += [
            "",
            f"## {name}",
            "",
            "| system | fits | " + " | ".join(title for title, _ in COLUMNS.values()) + " |",
        ]
        lines.append("|---|--:|" + "--:|" * len(COLUMNS))
        for system in dict.fromkeys(row["system"] for row in rows if row["table"] == name):
            fits = [row for row in rows if row["table"] == name and row["system"] == system]
            cells = [_cell([row[key] for row in fits if key in row], digits) for key, (_, digits) in COLUMNS.items()]
            lines.append(f"| {system} | {len(fits)} | " + " | ".join(cells) + " |")
        for system, tables in published["systems"].items():
            cells = [_cell([tables[name][key]] if key in tables[name] else [], n) for key, (_, n) in COLUMNS.items()]
            lines.append(f"| {system} (published) | 5 | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(values: list[float], digits: int) -> str:
    if not values or np.isnan(values).all():
        return "-"
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"
