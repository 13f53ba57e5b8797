"""Toy generators, leaky and innocent, and recipes that run them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.evaluation.comparison import Array, read_frame
from tabsynth.evaluation.recipe import Audit, Recipe
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable

Toy = Callable[[pd.DataFrame, int, np.random.Generator], pd.DataFrame]


def blurred(share: float) -> Toy:
    """Rows of train with noise of a share of each column's spread: everybody is remembered a little."""

    def make(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        drawn = rows.iloc[rng.integers(0, len(rows), n_rows)].reset_index(drop=True)
        return drawn + rng.normal(0, share, drawn.shape) * rows.std().to_numpy()

    return make


def copying(n_copies: int) -> Toy:
    """A normal distribution, but for some rows of train, drawn at random, with a little noise."""

    def make(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        drawn = normal(rows, n_rows, rng)
        copied = rng.permutation(len(rows))[:n_copies]
        drawn.iloc[:n_copies] = rows.iloc[copied].to_numpy() + rng.normal(0, 0.05, (n_copies, rows.shape[1]))
        return drawn

    return make


def normal(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """A normal distribution with the mean and covariance of train: innocent."""
    return pd.DataFrame(rng.multivariate_normal(rows.mean(), rows.cov(), n_rows), columns=rows.columns)


def resampled(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of train as they are."""
    return rows.iloc[rng.permutation(len(rows))[: min(n_rows, len(rows))]].reset_index(drop=True)


def recipe(train: pd.DataFrame, holdout: pd.DataFrame, table: Table, toy: Toy, **wishes: Any) -> Recipe:
    """A recipe that runs a toy again."""
    pool = pd.concat([train, holdout], ignore_index=True)

    def refit(rows: Array, n_rows: int, seed: int) -> TypedTable:
        learned = pool.iloc[rows].reset_index(drop=True)
        return read_frame(toy(learned, n_rows, np.random.default_rng(seed)), table, name="toy")

    return Recipe("toy", refit=refit, **wishes)


def gaussian_audit(*, noise: float = 1.0, rho: float = 0.5, epsilon: float = 4.0) -> Audit:
    """The audit of one noisy count, whose noise is a share of what its claim needs."""
    sigma = noise / np.sqrt(2 * rho)

    def evidence(present: bool, run: int) -> float:
        return float(present + sigma * np.random.default_rng([run, present]).normal() - 0.5)

    return Audit(
        evidence=evidence,
        epsilon=epsilon,
        delta=1e-6,
        rho=rho,
        delta_apart=0.0,
        order=None,
        unit="one row",
        to_epsilon=lambda cost: epsilon * float(np.sqrt(cost / rho)),
    )
