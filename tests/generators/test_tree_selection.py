"""Where there are many earlier columns, those that tell most are looked at."""

from __future__ import annotations

import numpy as np

from tabsynth.generators.boosting.selection import telling_features

RNG = np.random.default_rng(4)


def test_telling_columns_are_found() -> None:
    """A copy, a coarse copy and a parabola are found among fifty columns of noise."""
    own = RNG.integers(0, 100, 3000)
    codes = RNG.integers(0, 50, (53, 3000))
    codes[7], codes[20], codes[41] = own, own // 30, (own - 50) ** 2 // 20
    assert set(telling_features(own, codes, most=3)) == {7, 20, 41}


def test_few_columns_are_all_kept() -> None:
    """Up to the limit nothing is left out, and positions rise."""
    own = RNG.integers(0, 5, 500)
    assert telling_features(own, RNG.integers(0, 5, (6, 500)), most=6).tolist() == list(range(6))
    kept = telling_features(own, RNG.integers(0, 5, (9, 500)), most=6)
    assert len(kept) == 6 and (np.diff(kept) > 0).all()


def test_many_codes_are_no_information() -> None:
    """A column of many random codes does not look telling for its many codes."""
    own = RNG.integers(0, 200, 2000)
    codes = np.stack(
        [RNG.integers(0, 250, 2000), np.where(RNG.random(2000) < 0.5, own // 100, RNG.integers(0, 2, 2000))]
    )
    assert telling_features(own, codes, most=1).tolist() == [1]
