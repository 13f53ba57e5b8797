"""Tables that the tests of evaluation and report share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tabsynth.evaluation import Evaluation, evaluate_typed
from tabsynth.evaluation.comparison import Comparison, compare, read_frame
from tabsynth.evaluation.policy import Policy
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number
from tabsynth.schema.model import Table
from tests.shared_tables import shared_data

MIXED = Table(
    columns={
        "record": Identifier(),
        "age": Integer(),
        "income": Number(decimals=2),
        "ward": Categorical(),
        "score": Number(decimals=1),
        "marker": Number(),
        "smoker": Boolean(),
        "admitted": DateTime(resolution="hour"),
        "discharged": DateTime(resolution="hour"),
    }
)


def compare_frames(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, table: Table, *, seed: int = 0
) -> Comparison:
    """Three pandas tables on one scale."""
    parts = zip((train, holdout, synthetic), ("train", "holdout", "synthetic"), strict=True)
    return compare(*(read_frame(frame, table, name=name) for frame, name in parts), table, seed=seed)


def evaluate_frames(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    table: Table,
    *,
    metrics: Sequence[str] | None = None,
    policy: Policy | None = None,
    seed: int = 0,
) -> Evaluation:
    """Three pandas tables, evaluated; the rules of the schema count as checked."""
    parts = zip((train, holdout, synthetic), ("train", "holdout", "synthetic"), strict=True)
    typed = [read_frame(frame, table, name=name) for frame, name in parts]
    return evaluate_typed(*typed, table, seed=seed, policy=policy, violations={"rules": 0}, metrics=metrics)


def adult(n_rows: int) -> tuple[pd.DataFrame, Table]:
    """The first rows of the census table in an order of their own, and its schema; skips where it is absent."""
    frame = pd.read_csv(shared_data() / "adult" / "adult_train.csv.gz", skipinitialspace=True)
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))[:n_rows]].reset_index(drop=True)
    columns: dict[str, Column] = {
        name: Integer() if pd.api.types.is_integer_dtype(frame[name]) else Categorical(missing_values=("?",))
        for name in frame.columns
    }
    return frame, Table(columns=columns)


def shuffled(frame: pd.DataFrame, *columns: str, seed: int = 0) -> pd.DataFrame:
    """The same table with some columns (all, if none is named) permuted one by one."""
    rng = np.random.default_rng(seed)
    mixed = frame.copy()
    for name in columns or frame.columns:
        mixed[name] = frame[name].to_numpy()[rng.permutation(len(frame))]
    return mixed
