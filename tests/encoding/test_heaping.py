"""Rounding as people do it: learned as weights of grains, and put back on drawn numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.encoding.heaping import GRAINS, LEAST_FINEST, fit_heaping, rounded

NO_ATOMS = np.zeros(0)


def heaped(n_rows: int, *, step: float = 1.0, seed: int = 0) -> np.ndarray:
    """Numbers of which a tenth is written to the step, the others to 5, 10 or 100 steps."""
    rng = np.random.default_rng(seed)
    grain = rng.choice([1, 5, 10, 100], n_rows, p=[0.1, 0.3, 0.4, 0.2])
    return np.rint(np.maximum(rng.lognormal(6, 1, n_rows) / grain, 1)) * grain * step


@pytest.mark.parametrize("step", [1.0, 0.1])
def test_drawn_numbers_are_as_coarse_as_real_ones(step: float) -> None:
    """Multiples of every grain are as frequent again, within three points."""
    real = heaped(20_000, step=step)
    weights = fit_heaping(real, step=step, k=10, entities=None)
    assert weights is not None
    smooth = np.random.default_rng(1).lognormal(6, 1, 20_000) * step
    drawn = np.rint(rounded(smooth, weights, step=step, atoms=NO_ATOMS) / step)
    for grain in GRAINS:
        shares = [(np.rint(part) % grain == 0).mean() for part in (real / step, drawn)]
        assert shares[0] == pytest.approx(shares[1], abs=0.03), grain
    assert abs(np.median(drawn * step) / np.median(real) - 1) < 0.05


def test_plain_numbers_and_few_numbers_have_no_mixture() -> None:
    """Numbers whose last digits are all alike, and too few numbers."""
    assert fit_heaping(np.rint(np.random.default_rng(0).lognormal(6, 1, 20_000)), step=1.0, k=10, entities=None) is None
    assert fit_heaping(heaped(90), step=1.0, k=10, entities=None) is None


def test_every_number_stays_possible() -> None:
    """Where all real numbers are whole tens, a drawn one may still be asked to be 103."""
    weights = fit_heaping(heaped(5_000) // 10 * 10 + 10, step=1.0, k=10, entities=None)
    assert weights is not None
    assert weights[0] >= LEAST_FINEST * 0.999
    assert weights.sum() == pytest.approx(1)


def test_one_person_with_many_rows_leaves_no_habit() -> None:
    """What one person rounds to is theirs: a grain is kept where enough people use it, not where enough rows do."""
    real = np.rint(np.random.default_rng(0).lognormal(6, 1, 20_000))
    real[:4_000] = np.rint(real[:4_000] / 100 + 1) * 100
    everybody = np.arange(20_000)
    assert fit_heaping(real, step=1.0, k=10, entities=everybody) is not None
    coarse = np.where(real % 5 == 0, 0, everybody)  # all round numbers are one person's
    assert fit_heaping(real, step=1.0, k=10, entities=coarse) is None


def test_common_values_small_numbers_and_gaps_stay() -> None:
    """Atoms are exact, nothing is rounded to zero, and NaN stays."""
    weights = np.array([0.02, 0, 0.98, *[0.0] * (len(GRAINS) - 3)])
    numbers = np.array([103.4, 103.0, 3.4, np.nan, -58.2])
    found = rounded(numbers, weights, step=1.0, atoms=np.array([103.0]))
    assert found[[0, 1, 4]].tolist() == [100.0, 103.0, -60.0]
    assert np.rint(found[2]) in (3.0, 5.0)
    assert np.isnan(found[3])


def test_rows_of_a_model_end_as_real_ones_do() -> None:
    """From table to table: more than four of five numbers end in 0 or 5, and the model comes back from its file."""
    table = pd.DataFrame({"volume": heaped(3_000).astype(int), "group": np.arange(3_000) % 3})
    model = ts.Independent().fit(table, ts.infer(table), seed=0)
    drawn = model.sample(3_000, seed=0)["volume"]
    assert (drawn % 5 == 0).mean() == pytest.approx((table["volume"] % 5 == 0).mean(), abs=0.05)
    assert model.sample(10, seed=1, given={"volume": 103})["volume"].tolist() == [103] * 10
