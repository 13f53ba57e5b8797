"""Do nominal 95 % intervals from synthetic copies hold the truth in 95 of 100 cases?

    python -m evaluations inference_coverage

A known population: two numbers, an age group and a yes/no outcome that hang together through a normal copula, and a
cost that is linear in the others. From each of many samples of 1,000 rows a generator learns and draws five copies of
1,000 rows; a mean, a share, a regression and a logistic regression are estimated on each copy and combined by
`ts.combine(rule="plug-in")`. The truth is the same analysis of 1,000,000 rows of the population. `naive` are intervals
of one copy as if it were real. A generator keeps the promise where every estimand, with its interval, may lie within 93
to 97 %, and the mean over estimands does; else the verdict is "do not infer". The noise of private releases has no
seed, so their figures move a little from run to run. Results are written to
evaluations/results/inference_coverage.json.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tabsynth as ts
from tabsynth.evaluation.inference import least_squares, logistic
from tabsynth.evaluation.intervals import wilson
from tabsynth.schema.files import parse_schema

RESULTS = Path(__file__).parent / "results" / "inference_coverage.json"
N_ROWS, N_COPIES = 1_000, 5
TRUTH_ROWS = 1_000_000
LEAST, MOST = 0.93, 0.97
RUNS: dict[str, tuple[str, dict[str, Any], int]] = {  # name: generator, parameters, samples
    "real rows": ("", {}, 400),
    "copula": ("copula", {}, 200),
    "independent": ("independent", {}, 100),
    "dp-mst, epsilon 1": ("dp-mst", {"epsilon": 1.0}, 100),
    "dp-mst, epsilon 10": ("dp-mst", {"epsilon": 10.0}, 100),
    "trees": ("trees", {}, 60),
}
ESTIMANDS = (
    "mean of cost",
    "share ill",
    "cost ~ intercept",
    "cost ~ pressure",
    "cost ~ glucose",
    "cost ~ old",
    "ill ~ intercept",
    "ill ~ pressure",
    "ill ~ glucose",
    "ill ~ old",
)
SCHEMA = """
format: 1
name: known-population
tables:
  people:
    columns:
      pressure: {type: number, decimals: 2, lower: -6.0, upper: 6.0, nullable: false}
      glucose: {type: number, decimals: 2, lower: -6.0, upper: 6.0, nullable: false}
      old: {type: categorical, categories: ["no", "yes"], nullable: false}
      ill: {type: categorical, categories: ["no", "yes"], nullable: false}
      cost: {type: number, decimals: 2, lower: -40.0, upper: 60.0, nullable: false}
"""
PRIVATE = "privacy: {unit: row, epsilon: EPSILON, delta: 1.0e-6}\n"
_MIX = np.linalg.cholesky(np.array([[1, 0.4, 0.3, 0.5], [0.4, 1, 0.2, 0.4], [0.3, 0.2, 1, 0.3], [0.5, 0.4, 0.3, 1.0]]))
Array = np.ndarray[Any, Any]


def population(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of the known population."""
    hidden = rng.normal(size=(n_rows, 4)) @ _MIX.T
    old, ill = hidden[:, 2] > 0.3, hidden[:, 3] > 0.5
    cost = 10 + 2 * hidden[:, 0] + hidden[:, 1] + 3 * hidden[:, 2] + rng.normal(0, 3, n_rows)
    return pd.DataFrame(
        {
            "pressure": hidden[:, 0].round(2).clip(-6, 6),
            "glucose": hidden[:, 1].round(2).clip(-6, 6),
            "old": np.where(old, "yes", "no"),
            "ill": np.where(ill, "yes", "no"),
            "cost": cost.round(2).clip(-40, 60),
        }
    )


def analyse(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Estimates and variances of all ESTIMANDS, as if the rows were real; (10,) each."""
    ill = (rows["ill"] == "yes").to_numpy(dtype=float)
    cost = rows["cost"].to_numpy(dtype=float)
    inputs = np.column_stack(
        [
            np.ones(len(rows)),
            rows["pressure"].to_numpy(dtype=float),
            rows["glucose"].to_numpy(dtype=float),
            (rows["old"] == "yes").to_numpy(dtype=float),
        ]
    )
    linear, chances = least_squares(inputs, cost), logistic(inputs, ill)
    share = ill.mean()
    estimates = np.concatenate([[cost.mean(), share], linear.estimates, chances.estimates])
    simple = [cost.var(ddof=1) / len(rows), share * (1 - share) / len(rows)]
    return estimates, np.concatenate([simple, linear.variances, chances.variances])


def repeat(name: str, seed: int) -> tuple[Array, Array, Array, Array]:
    """Ends of the combined and of the naive intervals of one sample, (10,) each."""
    generator, parameters, _ = RUNS[name]
    sample = population(N_ROWS, np.random.default_rng((2, seed)))
    if not generator:
        estimates, variances = analyse(sample)
        half = 1.96 * np.sqrt(variances)
        return estimates - half, estimates + half, estimates - half, estimates + half
    own = dict(parameters)
    text, fit_seed = SCHEMA, {"seed": seed}
    if "epsilon" in own:
        text += PRIVATE.replace("EPSILON", str(own.pop("epsilon")))
        own["ledger"], fit_seed = "none", {}  # the noise of a private release has no seed
    model = ts.make_generator(generator, own).fit(sample, parse_schema(text, source="here"), **fit_seed)
    found = [analyse(model.sample(N_ROWS, seed=1_000 + copy)) for copy in range(N_COPIES)]
    estimates, variances = (np.stack([part[side] for part in found]) for side in (0, 1))
    combined = ts.combine(estimates, variances, rule="plug-in", n_real=N_ROWS, n_synthetic=N_ROWS)
    half = 1.96 * np.sqrt(variances[0])
    return *combined.interval(), estimates[0] - half, estimates[0] + half


def coverage(name: str, truth: Array) -> dict[str, Any]:
    """Share of intervals that hold the truth, for one generator."""
    start = time.process_time()
    n_samples = RUNS[name][2]
    parts = [repeat(name, seed) for seed in range(n_samples)]
    low, high, naive_low, naive_high = (np.stack([part[side] for part in parts]) for side in range(4))
    held, naive = (low <= truth) & (truth <= high), (naive_low <= truth) & (truth <= naive_high)
    counts = held.sum(axis=0)
    ends = [wilson(int(count), n_samples) for count in counts]
    mean = float(held.mean())
    keeps = LEAST <= mean <= MOST and all(end.high >= LEAST and end.low <= MOST for end in ends)
    return {
        "samples": n_samples,
        "mean_coverage": round(mean, 3),
        "verdict": "intervals hold" if keeps else "do not infer",
        "worst_estimand": ESTIMANDS[int(np.argmax(np.abs(counts / n_samples - 0.95)))],
        "mean_coverage_of_naive_intervals": round(float(naive.mean()), 3),
        "coverage": {
            what: {"share": round(float(count) / n_samples, 3), "low": round(end.low, 3), "high": round(end.high, 3)}
            for what, count, end in zip(ESTIMANDS, counts, ends, strict=True)
        },
        "mean_width_against_real": None,
        "mean_width": [round(float(width), 4) for width in (high - low).mean(axis=0)],
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Measure all generators and write the results."""
    truth, _ = analyse(population(TRUTH_ROWS, np.random.default_rng(1)))
    results: dict[str, Any] = {
        "rows": N_ROWS,
        "copies": N_COPIES,
        "truth": dict(zip(ESTIMANDS, (round(float(value), 4) for value in truth), strict=True)),
        "generators": {},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ts.TabsynthWarning)
        for name in RUNS:
            found = coverage(name, truth)
            widths = np.array(found.pop("mean_width"))
            if name == "real rows":
                real = widths
            found["mean_width_against_real"] = round(float((widths / real).mean()), 2)
            results["generators"][name] = found
            print(name, found["mean_coverage"], found["verdict"], found["worst_estimand"], found["cpu_seconds"])
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
