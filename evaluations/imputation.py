"""Empty cells filled in: how often a draw hits, how far numbers are off, and whether a detector sees the filled rows.

    python -m evaluations imputation [--tables adult,shoppers,survey] [--rows 12000] [--test-rows 2000]
                                     [--systems trees,copula]

30 % of the cells of held-out rows are emptied at random. Each system fills them from what it learned on other rows:
our generators by `Model.impute`, scikit-learn's IterativeImputer on one-hot columns, once with its mean and once with
draws, and the most common value or median. Draws and means serve different ends: a mean is nearest to the truth and
a table of means is narrower than any real one. So draws are also averaged over five, which is what an estimate of the
cell would be. Results are written to evaluations/results/imputation.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.tabular_protocol.tables import DATA
from tabsynth.outputs import atomic_file

RESULTS = Path(__file__).parent / "results" / "imputation.json"
SHARE = 0.3
DRAWS = 5
FILES = {
    "adult": "adult/adult_train.csv.gz",
    "shoppers": "shoppers/online_shoppers.csv.gz",
    "survey": "sd2011/sd2011.csv.gz",
}
OURS = {
    "trees": lambda: ts.Trees(),
    "trees fast": lambda: ts.Trees(preset="fast"),
    "copula": lambda: ts.Copula(),
    "independent": lambda: ts.Independent(),
}
SYSTEMS = (*OURS, "IterativeImputer", "IterativeImputer drawn", "median or mode")
Fill = Callable[[int], pd.DataFrame]
"""One completed table by the number of the draw."""


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.imputation", description=__doc__)
    parser.add_argument("--tables", default=",".join(FILES), help="names, with commas")
    parser.add_argument("--rows", type=int, default=12_000, help="rows that systems learn from, at most")
    parser.add_argument("--test-rows", type=int, default=2_000, help="rows that are emptied and filled, at most")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names, with commas")
    asked = parser.parse_args(arguments)
    n_train, n_test = asked.rows, asked.test_rows
    warnings.simplefilter("ignore")
    rows: list[dict[str, object]] = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    for name in asked.tables.split(","):
        table = pd.read_csv(DATA / FILES[name]).sample(frac=1, random_state=0).reset_index(drop=True)
        schema = ts.infer(table)
        columns = [c for _, c, kind in schema.walk() if kind.type not in ("identifier", "text")]
        train = table.iloc[: min(n_train, len(table) * 2 // 3)]
        test, other = table.iloc[len(train) :].iloc[:n_test], table.iloc[len(train) + n_test :].iloc[:n_test]
        if len(other) < n_test // 4:  # a short table: the detector's untouched rows are training rows
            other = train.iloc[:n_test]
        test = test.reset_index(drop=True)
        empty = pd.DataFrame(np.random.default_rng(1).random((len(test), len(columns))) < SHARE, columns=columns)
        empty &= test[columns].notna()
        blanked = test.copy()
        for column in columns:
            blanked[column] = blanked[column].where(~empty[column])
        for system in asked.systems.split(","):
            started = time.process_time()
            if system in OURS:
                fill = _filler(OURS[system]().fit(train, schema, seed=0), blanked)
            else:
                fill = _others(system, train[columns], blanked[columns])
            learned = time.process_time() - started
            first = fill(0)
            spent = time.process_time() - started - learned
            more = [first] + ([fill(draw) for draw in range(1, DRAWS)] if "drawn" in system or system in OURS else [])
            row = {
                "table": name,
                "rows": len(train),
                "test_rows": len(test),
                "system": system,
                "fit_cpu_seconds": learned,
                "impute_cpu_seconds": spent,
            }
            row |= _scores(test[columns], empty, [table[columns] for table in more])
            # Gaps that the table had stay for the detector: filling them in is right, and gives every row away.
            row["detector_auc"] = _detector(first[columns].where(test[columns].notna()), other[columns])
            row = {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}
            rows = [old for old in rows if (old["table"], old["system"]) != (name, system)] + [row]
            print(rows[-1], flush=True)
            with atomic_file(RESULTS) as partial:
                partial.write_text(json.dumps({"share_emptied": SHARE, "draws": DRAWS, "rows": rows}, indent=1) + "\n")


def _filler(model: ts.Model, blanked: pd.DataFrame) -> Fill:
    return lambda draw: model.impute(blanked, seed=draw)


def _is_number(cells: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(cells)) and not pd.api.types.is_bool_dtype(cells)


def _scores(truth: pd.DataFrame, empty: pd.DataFrame, filled: list[pd.DataFrame]) -> dict[str, float]:
    """Means over columns: hits of categories, errors of numbers in standard deviations, of a draw and of their mean."""
    hits, errors, of_means, left = [], [], [], 0
    for column in truth:
        cells = empty[column].to_numpy()
        if not cells.any():
            continue
        left += int(filled[0][column].isna().to_numpy()[cells].sum())
        if _is_number(truth[column]):
            spread = float(truth[column].std()) or 1.0
            drawn = np.stack([table[column].to_numpy(float)[cells] for table in filled])
            true = truth[column].to_numpy(float)[cells]
            errors.append(float(np.sqrt(np.nanmean((drawn[0] - true) ** 2))) / spread)
            of_means.append(float(np.sqrt(np.nanmean((drawn.mean(axis=0) - true) ** 2))) / spread)
        else:
            same = filled[0][column].astype(str).to_numpy()[cells] == truth[column].astype(str).to_numpy()[cells]
            hits.append(float(same.mean()))
    return {
        "categories_hit": float(np.mean(hits)),
        "rmse_of_draw": float(np.mean(errors)),
        "rmse_of_mean": float(np.mean(of_means)),
        "left_empty": float(left / empty.to_numpy().sum()),
    }


def _detector(filled: pd.DataFrame, real: pd.DataFrame) -> float:
    """Out-of-fold AUC of boosted trees that tell filled rows from untouched ones of other people."""
    from lightgbm import LGBMClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both = pd.concat([filled, real], ignore_index=True)
    for column in both:
        if not _is_number(real[column]):
            both[column] = both[column].astype(str).astype("category")
    label = np.repeat([1, 0], [len(filled), len(real)])
    model = LGBMClassifier(n_estimators=100, num_leaves=15, verbose=-1, n_jobs=1, random_state=0, deterministic=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    both.columns = [f"c{number}" for number in range(both.shape[1])]  # LightGBM refuses some characters
    score = cross_val_predict(model, both, label, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(label, score))


def _others(system: str, train: pd.DataFrame, blanked: pd.DataFrame) -> Fill:
    """Common values, or scikit-learn's chained regressions on numbers and one-hot columns."""
    if system == "median or mode":
        common = {c: train[c].median() if _is_number(train[c]) else train[c].mode()[0] for c in train}
        return lambda draw: blanked.fillna(common)
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    codes = {c: sorted(train[c].dropna().astype(str).unique()) for c in train if not _is_number(train[c])}

    def widen(table: pd.DataFrame) -> np.ndarray:
        parts = []
        for column in train:
            gone = table[column].isna().to_numpy()
            if column in codes:
                text = table[column].astype(str).to_numpy()
                wide = np.stack([text == code for code in codes[column]], axis=1).astype(float)
            else:
                wide = table[[column]].to_numpy(float, copy=True)
            wide[gone] = np.nan
            parts.append(wide)
        return np.concatenate(parts, axis=1)  # (n_rows, n_numbers + n_categories)

    drawn = "drawn" in system
    known = np.concatenate([widen(train.iloc[:4_000]), widen(blanked)])
    n_features = known.shape[1]

    def fill(draw: int) -> pd.DataFrame:
        nearest = None if n_features < 40 else 30
        model = IterativeImputer(
            max_iter=5, sample_posterior=drawn, random_state=draw, n_nearest_features=nearest, keep_empty_features=True
        )
        wide = model.fit(known).transform(widen(blanked))
        filled, at = blanked.copy(), 0
        for column in train:
            width = len(codes[column]) if column in codes else 1
            part, at = wide[:, at : at + width], at + width
            values = np.array(codes[column], object)[part.argmax(axis=1)] if column in codes else part[:, 0]
            filled[column] = blanked[column].astype(object).where(blanked[column].notna(), values)
            if column not in codes:
                filled[column] = filled[column].astype(float)
        return filled

    return fill


if __name__ == "__main__":
    main(sys.argv[1:])
