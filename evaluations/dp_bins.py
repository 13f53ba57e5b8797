"""Which bins of numbers come closest: even ones, bins of about equal mass, or PrivTree's, at one total cost.

    python -m evaluations dp_bins

Each numeric column with more than 32 values of three real tables is released by dp-independent under bounds that a
careful person could have declared (0, or minus a power of ten, to the next power of ten or half of it), at delta 1e-9.
The numeric columns of a table, ten at most, share its budget, and finding bins costs up to a tenth of it, as in any
release. Measured is the largest distance between the distribution functions of real and synthetic values (Kolmogorov
and Smirnov), mean over columns and seeds. Results: evaluations/results/dp_bins.json.
"""

from __future__ import annotations

import json
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.dp_tables import DATA
from tabsynth.pipeline import make_generator
from tabsynth.schema.model import Schema

RESULTS = Path(__file__).parent / "results" / "dp_bins.json"
TABLES = {
    "adult": "adult/adult_train.csv.gz",
    "california": "california/housing.csv.gz",
    "default": "default/default_credit.csv.gz",
}
EPSILONS = (0.1, 1.0, 10.0)
WAYS = {"even": "even", "equal mass": "quantiles", "privtree": "privtree"}
SEEDS = 3


def bounds(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Round numbers around all values, as somebody would declare who knows the column's meaning alone."""

    def above(value: float) -> float:
        power = 10.0 ** math.ceil(math.log10(max(value, 1.0)) - 1e-12)
        return power / 2 if value <= power / 2 else power

    low = float(values.min())
    return (0.0 if low >= 0 else -above(-low)), above(float(values.max()))


def numbers(name: str) -> pd.DataFrame:
    """The numeric columns of a table with more than 32 values, ten at most, without gaps."""
    frame = pd.read_csv(DATA / TABLES[name]).select_dtypes("number")
    wide = [column for column in frame if frame[column].nunique() > 32][:10]
    return frame[wide].dropna().reset_index(drop=True)


def schema_for(frame: pd.DataFrame, epsilon: float) -> Schema:
    """Every column with its kind and bounds."""
    columns = {str(name): column_of(frame[name]) for name in frame}
    privacy = {"unit": "row", "epsilon": epsilon, "delta": 1e-9, "public_rows": len(frame)}
    return Schema.model_validate({"tables": {"t": {"columns": columns}}, "privacy": privacy})


def column_of(numbers: pd.Series[Any]) -> dict[str, Any]:
    """Kind and bounds of a column of numbers."""
    low, high = bounds(numbers.to_numpy(float))
    whole = bool((numbers == numbers.round()).all())
    kind = {"type": "integer", "lower": int(low), "upper": int(high)} if whole else None
    return (kind or {"type": "number", "lower": low, "upper": high}) | {"nullable": False}


def largest_gap(real: np.ndarray[Any, Any], drawn: np.ndarray[Any, Any]) -> float:
    """Largest distance of the two distribution functions."""
    at = np.sort(np.concatenate([real, drawn]))
    both = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (real, drawn)]
    return float(np.abs(both[0] - both[1]).max())


def measure() -> dict[str, Any]:
    """Every figure."""
    found: dict[str, Any] = {"command": "python -m evaluations dp_bins", "python": platform.python_version()}
    for name in TABLES:
        frame = numbers(name)
        found[name] = {"rows": len(frame), "columns": [str(column) for column in frame]}
        for epsilon in EPSILONS:
            schema = schema_for(frame, epsilon)
            gaps = {}
            for way, binning in WAYS.items():
                generator = make_generator("dp-independent", {"ledger": "none", "binning": binning})
                each = []
                for seed in range(SEEDS):
                    rows = generator.fit(frame, schema).sample(len(frame), seed=seed)
                    each += [largest_gap(frame[c].to_numpy(float), rows[c].to_numpy(float)) for c in frame]
                gaps[way] = round(float(np.mean(each)), 4)
            found[name][f"epsilon {epsilon:g}"] = gaps
            print(name, epsilon, gaps, flush=True)
    return found


def main() -> None:
    """Measure and write."""
    RESULTS.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
