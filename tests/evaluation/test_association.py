"""Association: a change of dependence is told as one where it is beyond chance, and not where few rows explain it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.association import Association
from tabsynth.schema.columns import Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

TABLE = Table(columns={"dose": Number(decimals=3), "level": Number(decimals=3)})


def pairs(n_rows: int, seed: int, *, slope: float = 0.0) -> pd.DataFrame:
    """Two numbers, the second one following the first by `slope`."""
    dose, noise = np.random.default_rng(seed).normal(size=(2, n_rows))
    return pd.DataFrame({"dose": dose.round(3), "level": (slope * dose + noise).round(3)})


@pytest.mark.parametrize(("slope", "words"), [(0.0, "as in train, within chance"), (3.0, "stronger than in train")])
def test_a_change_is_told_as_one_where_chance_does_not_explain_it(slope: float, words: str) -> None:
    """A few hundred rows of two independent columns look more dependent than thousands of train; that is no finding."""
    comparison = compare_frames(pairs(4_000, 0), pairs(250, 1), pairs(250, 2, slope=slope), TABLE)
    result = Association().measure(comparison, level=0.95).results[0]
    assert result.notes[0] == f"The pair that changed most: dose × level, {words}."
