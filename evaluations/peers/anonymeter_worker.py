"""Risks of anonymeter on every canary; runs in its own environment: `python anonymeter_worker.py FOLDER`.

Files as in `sdmetrics_worker.py`. A score is 1 minus the lower end of the 95 % interval of the residual risk against
the control, so that what is below 1 is a risk that anonymeter calls significant.
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

warnings.simplefilter("ignore")
ATTACKS = 200


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    kinds = dict.fromkeys(job["categorical"], object)
    train, holdout = (_read(folder / f"{name}.csv", kinds) for name in ("train", "holdout"))
    names = list(train.columns)
    half = len(names) // 2
    found = {}
    known = [column for column in names if column != job["target"]]
    for name in job["releases"]:
        tables = {"ori": train, "syn": _read(folder / f"{name}.csv", kinds), "control": holdout, "n_attacks": ATTACKS}
        attempts = {
            "singling out, univariate": (SinglingOutEvaluator, {}, {"mode": "univariate"}),
            "singling out, multivariate": (SinglingOutEvaluator, {"n_cols": 4}, {"mode": "multivariate"}),
            "linkability": (
                LinkabilityEvaluator,
                {"aux_cols": (names[:half], names[half:]), "n_neighbors": 10},
                {"n_jobs": 1},
            ),
            "inference": (InferenceEvaluator, {"aux_cols": known, "secret": job["target"]}, {"n_jobs": 1}),
        }
        scores = {}
        for key, (kind, asked, options) in attempts.items():
            try:
                evaluator = kind(**tables, **asked)
                evaluator.evaluate(**options)
                scores[key] = 1 - max(0.0, float(evaluator.risk(confidence_level=0.95).ci[0]))
            except Exception:
                scores[key] = None
        found[name] = scores
    result = {"version": f"anonymeter {version('anonymeter')}", "scores": found}
    (folder / "scores.json").write_text(json.dumps(result))


def _read(path, kinds):
    table = pd.read_csv(path, dtype=kinds)
    return table.rename(columns={name: name.replace("-", "_").replace(".", "_") for name in table.columns})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
