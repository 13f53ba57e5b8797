"""Scores of SynthEval on every canary; runs in its own environment: `python syntheval_worker.py FOLDER`.

Files as in `sdmetrics_worker.py`. Metrics of both of its presets, `fast_eval` and `privacy`, in its own normalised
form, in which 1 is the best.
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from syntheval import SynthEval

warnings.simplefilter("ignore")


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    kinds = dict.fromkeys(job["categorical"], object)
    train, holdout = (
        pd.read_csv(folder / f"{name}.csv", dtype=kinds, keep_default_na=False, na_values=[""])
        for name in ("train", "holdout")
    )
    evaluator = SynthEval(
        _filled(train, job), _filled(holdout, job), job["categorical"], verbose=False, console="off", enable_plots=False
    )
    found = {}
    for name in job["releases"]:
        made = _filled(pd.read_csv(folder / f"{name}.csv", dtype=kinds, keep_default_na=False, na_values=[""]), job)
        scores = {}
        for preset in ("fast_eval", "privacy"):
            try:
                table = evaluator.evaluate(made, job["target"], preset)
            except Exception as error:
                scores[f"{preset}: {type(error).__name__}"] = None
                continue
            for _, row in table.iterrows():
                value = row.get("n_val")
                scores[str(row["metric"])] = None if value is None or pd.isna(value) else float(value)
        found[name] = scores
    result = {"version": f"syntheval {version('syntheval')}", "scores": found}
    (folder / "scores.json").write_text(json.dumps(result))


def _filled(table, job):
    """It takes no missing cells: categories get one of their own, numbers the median of what is there."""
    filled = {
        name: table[name].fillna("missing") if name in job["categorical"] else table[name].fillna(table[name].median())
        for name in table.columns
    }
    return pd.DataFrame(filled)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
