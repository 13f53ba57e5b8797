"""The choice of a generator follows size and time alone, and is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "time_limit", "chosen"),
    [
        (50, 5, None, "independent"),
        (5000, 15, None, "trees"),
        (5000, 15, 60.0, "trees"),
        (5000, 15, 1.0, "copula"),
        (5000, 300, None, "copula"),
    ],
)
def test_size_and_time_decide(n_rows: int, n_columns: int, time_limit: float | None, chosen: str) -> None:
    """Tiny tables get independent columns, wide or hurried ones the copula, the others trees."""
    generator, reason = ts.Auto(time_limit=time_limit, min_people=12).choose(n_rows, n_columns)
    assert generator.name == chosen and generator.min_people == 12 and reason


def test_the_choice_is_noted_and_saved(tmp_path: Path) -> None:
    """The model is the chosen generator's, with one line that says why."""
    table = pd.DataFrame({"a": np.arange(400) % 7, "b": np.arange(400) % 3})
    model = ts.Auto().fit(table, ts.infer(table), seed=0)
    assert model.generator.name == "trees"
    assert any(note.startswith("auto chose trees") for note in model.notes)
    model.save(tmp_path / "m")
    assert ts.load(tmp_path / "m").generator.name == "trees"
