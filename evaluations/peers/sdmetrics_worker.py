"""Scores of SDMetrics on every canary; runs in its own environment: `python sdmetrics_worker.py FOLDER`.

FOLDER holds job.json (categorical columns, names of releases), train.csv, holdout.csv and a CSV file for each release.
Writes scores.json: for each release its scores by name, 1 being the best; what failed has none.
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from sdmetrics.reports.single_table import DiagnosticReport, QualityReport
from sdmetrics.single_table import DCRBaselineProtection, DCROverfittingProtection

warnings.simplefilter("ignore")


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    kinds = dict.fromkeys(job["categorical"], object)
    train, holdout = (pd.read_csv(folder / f"{name}.csv", dtype=kinds) for name in ("train", "holdout"))
    metadata = {
        "columns": {
            name: {"sdtype": "categorical" if name in job["categorical"] else "numerical"} for name in train.columns
        }
    }
    whole = {"tables": {"adult": metadata}, "relationships": []}
    found = {}
    for name in job["releases"]:
        made = pd.read_csv(folder / f"{name}.csv", dtype=kinds)
        scores = {}
        for key, kind in (("quality report", QualityReport), ("diagnostic report", DiagnosticReport)):
            report = kind()
            report.generate(train, made, metadata, verbose=False)
            scores[key] = report.get_score()
        scores["DCR overfitting protection"] = DCROverfittingProtection.compute(train, made, holdout, whole, "adult")
        scores["DCR baseline protection"] = DCRBaselineProtection.compute(train, made, whole, "adult")
        found[name] = {key: float(value) for key, value in scores.items()}
    result = {"version": f"sdmetrics {version('sdmetrics')}", "scores": found}
    (folder / "scores.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
