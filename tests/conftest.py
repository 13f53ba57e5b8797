"""Tables that many tests share: written by hand, hostile, and mixed at any size."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

# No test may depend on luck or load: examples are the same in every run, and nobody looks at the clock. With
# TABSYNTH_SEARCH=1, as at night, hypothesis looks for new ones.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", unhurried)
settings.register_profile("same", unhurried, derandomize=True)
settings.load_profile("search" if os.environ.get("TABSYNTH_SEARCH") else "same")

MixedTable = Callable[..., pd.DataFrame]
_STARTS: dict[str, Mapping[str, Any]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A module's generator `RNG` starts anew with every test, so that no draw hangs on what ran before in a process."""
    module = getattr(item, "module", None)
    rng = getattr(module, "RNG", None)
    if module is not None and isinstance(rng, np.random.Generator):
        rng.bit_generator.state = _STARTS.setdefault(module.__name__, rng.bit_generator.state)


@pytest.fixture
def ward() -> pd.DataFrame:
    """Eight patients by hand: key, name, number, category, boolean, dates in order, gaps; one row per patient."""
    return pd.DataFrame(
        {
            "patient_id": [f"MRN-{n:06d}" for n in (4, 11, 27, 31, 46, 58, 63, 79)],
            "name": ["Ada Low", "Bo Ek", "Cy Ray", "Di Orr", "Ed Fry", "Flo Hu", "Gus Lee", "Ida Bo"],
            "age": [34, 71, 58, 45, 82, 29, 66, 50],
            "sex": ["F", "M", "M", "F", "M", "F", "M", "F"],
            "weight_kg": [61.5, None, 88.0, 70.2, 79.9, None, 95.1, 58.4],
            "smoker": ["No", "Yes", "Yes", "No", None, "No", "Yes", "No"],
            "admitted": pd.to_datetime(["2023-01-05"] * 4 + ["2023-02-11"] * 4),
            "discharged": pd.to_datetime(
                ["2023-01-05", "2023-01-19", "2023-01-08", "2023-01-06", "2023-03-02", "2023-02-11", "2023-02-20", None]
            ),
        }
    )


@pytest.fixture
def visits() -> pd.DataFrame:
    """Ten visits of four people by hand: several rows per person, in time order within each."""
    days = ["01-01", "01-09", "03-01", "02-02", "01-04", "01-05", "01-06", "01-07", "05-01", "06-01"]
    return pd.DataFrame(
        {
            "person": ["a", "a", "a", "b", "c", "c", "c", "c", "d", "d"],
            "visit": pd.to_datetime([f"2024-{day}" for day in days]),
            "pulse": [71, 75, 73, 90, 60, 62, 61, 64, 101, 99],
            "home": ["North", "North", "North", "South", "North", "North", "North", "North", "South", "South"],
        }
    )


@pytest.fixture
def hostile() -> pd.DataFrame:
    """Names and cells that break out of HTML, CSV, shells and formulas where nobody escapes them."""
    n_rows = 60
    rng = np.random.default_rng(17)
    cells = [
        "<b>bold</b>",
        '"quoted", comma',
        "=1+1",
        "line\nbreak",
        "naïve 🩺",
        "",
        None,
        "{{ 7 * 7 }}",
        "'; DROP TABLE",
    ]
    return pd.DataFrame(
        {
            "<script>alert(1)</script>": rng.normal(size=n_rows),
            "größe in µm": rng.integers(1, 9, size=n_rows),
            "two\nlines": np.array(cells, dtype=object)[rng.integers(len(cells), size=n_rows)],
            "a,b;c\t\"d'": rng.choice(["x", "y"], size=n_rows),
            "__proto__": rng.choice([0.0, np.nan], size=n_rows),
            "{{ column }}": ["same"] * n_rows,
            " padded ": pd.Series([None] * n_rows, dtype=object),
            "class": rng.choice(["None", "nan", "NULL", "True"], size=n_rows),
        }
    )


@pytest.fixture(scope="session")
def mixed_table() -> MixedTable:
    """A factory `mixed_table(n_rows, seed=0)` of rows with every kind of column and known dependence.

    `income` is zero for a third and skewed for the rest; `age` and `income` rise together; `ward` decides `score`;
    `marker` is missing for nine of ten in ward A and for few elsewhere; `discharged` is never before `admitted`.
    """
    return _mixed_table


def _mixed_table(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.clip(np.round(rng.normal(52, 18, size=n_rows)), 18, 95).astype(np.int64)
    ward = rng.choice(4, p=[0.45, 0.3, 0.2, 0.05], size=n_rows)
    income = np.round(np.exp(8.5 + 0.02 * age + rng.normal(0, 0.6, size=n_rows)), 2)
    income[rng.random(n_rows) < 1 / 3] = 0.0
    marker = np.round(rng.gamma(2.0, 1.5, size=n_rows), 3)
    marker[rng.random(n_rows) < np.where(ward == 0, 0.9, 0.05)] = np.nan
    admitted = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 730 * 24, size=n_rows), unit="h")
    stay = pd.to_timedelta(np.floor(rng.exponential(5, size=n_rows)), unit="D")
    return pd.DataFrame(
        {
            "record": [f"R{n:07d}" for n in rng.permutation(max(10 * n_rows, 1))[:n_rows]],
            "age": age,
            "income": income,
            "ward": np.array(list("ABCD"))[ward],
            "score": np.round(np.array([10.0, 20.0, 30.0, 60.0])[ward] + rng.normal(0, 3, size=n_rows), 1),
            "marker": marker,
            "smoker": rng.random(n_rows) < 0.25,
            "admitted": admitted,
            "discharged": admitted + stay,
        }
    )
