"""What shadow models see that attacks without them do not, and what they cost, on Adult.

    python -m evaluations shadow_models

2,000 rows of train and 2,000 of holdout, as many synthetic rows; 16 shadow models of each generator. Two planted leaks
stand beside `trees`, `copula` and `independent`: rows of train of which each cell is redrawn from the column with
probability 0.5 (everybody is remembered in part); and rows of `independent` of which one in fifty is a row of train
with a tenth of its cells redrawn. CPU seconds are those of shadow fits, draws and searches together. `strangers` are
real rows of other people, where nothing is to be found. Beside the audits of two private generators at epsilon 1 and 3.
Written to evaluations/results/shadow_models.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.canaries import RESULTS as CANARIES
from evaluations.canaries import adult
from tabsynth.dp.audit import audit_of
from tabsynth.dp.generator import PrivateGenerator
from tabsynth.evaluation.base import METRICS, run_metric
from tabsynth.evaluation.comparison import Array, compare
from tabsynth.evaluation.epsilon_audit import EpsilonScores
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.recipe import Recipe
from tabsynth.outputs import atomic_file
from tabsynth.refitting import recipe_of
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import validate_table
from tabsynth.schema.values import TypedTable, format_column

RESULTS = CANARIES.with_name("shadow_models.json")
ROWS, SHADOWS, AUDIT_RUNS = 2_000, 16, 1_000
SHADOW = ("shadow-membership", "shadow-area", "shadow-outliers")
PLAIN = ("membership", "membership-area", "membership-outliers")


@cache
def census() -> pd.DataFrame:
    """Ten times as many rows of Adult as train has."""
    typed, table = adult(10 * ROWS)
    return pd.DataFrame(
        {name: format_column(typed.columns[name], kind, name=name) for name, kind in table.columns.items()}
    )


def redrawn(rows: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of which each cell is replaced, with a probability, by one of the same column."""
    made = rows.copy()
    for name in rows.columns:
        hit = rng.random(len(rows)) < share
        made[name] = np.where(hit, rows[name].to_numpy(object)[rng.integers(0, len(rows), len(rows))], rows[name])
    return made


def half_remembered(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Everybody, in part."""
    return redrawn(rows.iloc[rng.integers(0, len(rows), n_rows)].reset_index(drop=True), 0.5, rng)


def few_copied(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row in fifty, nearly whole."""
    made = redrawn(rows.iloc[rng.integers(0, len(rows), n_rows)].reset_index(drop=True), 1.0, rng)
    n = n_rows // 50
    copies = rows.iloc[rng.permutation(len(rows))[:n]].reset_index(drop=True)
    made.iloc[:n] = redrawn(copies, 0.1, rng).to_numpy(object)
    return made


def strangers(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Real rows of other people, whoever was learned from: nothing to find."""
    others = census().iloc[2 * ROWS :]
    return others.iloc[rng.permutation(len(others))[:n_rows]].reset_index(drop=True)


LEAKS: dict[str, Callable[[pd.DataFrame, int, np.random.Generator], pd.DataFrame]] = {
    "half of every row": half_remembered,
    "near copies of 2 percent": few_copied,
    "strangers": strangers,
}

ATTACKED = ("independent", "copula", "trees", *LEAKS)
AUDITED = {
    f"{name}, epsilon {epsilon:g}": (name, epsilon) for name in ("dp-independent", "dp-mst") for epsilon in (1.0, 3.0)
}


def attacked(name: str, train: pd.DataFrame, holdout: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """Results with and without shadow models on the rows of one generator."""
    declared = schema.tables["adult"]

    def typed(frame: pd.DataFrame) -> TypedTable:
        return validate_table(frame, declared, name="adult").typed

    if name in LEAKS:
        pool = pd.concat([train, holdout], ignore_index=True)

        def refit(rows: Array, n_rows: int, seed: int) -> TypedTable:
            learned = pool.iloc[rows].reset_index(drop=True)
            return typed(LEAKS[name](learned, n_rows, np.random.default_rng(seed)))

        synthetic = LEAKS[name](train, ROWS, np.random.default_rng(1))
        recipe = Recipe(name, refit=refit, n_shadows=SHADOWS)
    else:
        model = ts.make_generator(name).fit(train, schema, seed=0)
        synthetic = model.sample(ROWS, seed=1)
        recipe = recipe_of(model, train, holdout, schema, "adult", n_shadows=SHADOWS)
    comparison = replace(compare(typed(train), typed(holdout), typed(synthetic), declared), recipe=recipe)
    found: dict[str, Any] = {}
    for group, metrics in (("with shadow models", SHADOW), ("without", PLAIN)):
        start = time.process_time()
        results = [run_metric(METRICS[metric](), comparison, level=0.95).results[0] for metric in metrics]
        judged = {result.metric: result for result in load_policy().judge(results)}
        found[group] = {
            metric: {
                "value": round(judged[metric].value or 0.0, 4),
                "interval": [round(end, 4) for end in (interval.low, interval.high)],
                "luck": round(judged[metric].reference or 0.0, 4),
                "verdict": judged[metric].verdict.value,
                "note": judged[metric].notes[0],
            }
            for metric in metrics
            if (interval := judged[metric].interval) is not None
        }
        found[group]["cpu_seconds"] = round(time.process_time() - start, 1)
    return found


def audited(name: str, epsilon: float) -> dict[str, Any]:
    """The audit of one private generator on the ready schema of patients."""
    schema = ts.load_schema("schemas/patients.yaml")
    schema = Schema.model_validate(
        {**schema.model_dump(mode="json"), "privacy": {"unit": "row", "epsilon": epsilon, "delta": 1e-6}}
    )
    maker = ts.make_generator(name)
    assert isinstance(maker, PrivateGenerator)
    start = time.process_time()
    audit = audit_of(maker, schema, schema.only_name)
    typed, table = adult(100)
    comparison = replace(compare(typed, typed, typed, table), recipe=Recipe(name, audit=audit, n_runs=AUDIT_RUNS))
    detail = run_metric(METRICS["epsilon-audit"](), comparison, level=0.95).detail
    assert isinstance(detail, EpsilonScores)
    figures = ("claimed", "proven", "proven_alone", "exact", "halved", "notices", "right", "wrong")
    return {
        **{figure: round(float(getattr(detail, figure)), 3) for figure in figures},
        "runs": detail.n_runs,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main(arguments: Sequence[str] = ()) -> None:
    """Measure what is asked for, and put it among the results."""
    parser = argparse.ArgumentParser(prog="python -m evaluations.shadow_models", description=__doc__)
    parser.add_argument("--only", choices=(*ATTACKED, *AUDITED), action="append", help="this part; may be repeated")
    asked = parser.parse_args(arguments).only or (*ATTACKED, *AUDITED)
    results: dict[str, Any] = {"attacks": {}, "audits": {}}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text())
    results |= {"rows": ROWS, "shadow_models": SHADOWS}
    frame = census()
    schema = Schema(name="adult", tables={"adult": adult(10)[1]})
    train, holdout = (frame.iloc[part].reset_index(drop=True) for part in (slice(0, ROWS), slice(ROWS, 2 * ROWS)))
    for name in asked:
        if name in AUDITED:
            results["audits"][name] = audited(*AUDITED[name])
        else:
            results["attacks"][name] = attacked(name, train, holdout, schema)
        with atomic_file(RESULTS) as partial:
            partial.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        print(name, json.dumps(results["audits" if name in AUDITED else "attacks"][name]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
