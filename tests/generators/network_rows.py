"""A small table on which networks are trained in seconds, for the tests of more than one network."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabsynth.schema.model import Schema

SCHEMA = Schema.model_validate(
    {
        "name": "rows",
        "tables": {
            "rows": {
                "columns": {
                    "kind": {"type": "categorical"},
                    "twin": {"type": "categorical"},
                    "size": {"type": "number"},
                    "paid": {"type": "number", "decimals": 2, "lower": 0.0},
                }
            }
        },
    }
)


def rows(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """`twin` repeats `kind`, which also decides `size`; `paid` is 0 for half, and missing for kind C."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["A", "B", "C"], n, p=[0.6, 0.3, 0.1])
    paid = np.where(rng.random(n) < 0.5, 0.0, rng.lognormal(3, 1, n).round(2))
    return pd.DataFrame(
        {
            "kind": kind,
            "twin": np.char.lower(kind.astype(str)),
            "size": rng.normal(np.select([kind == "A", kind == "B"], [0.0, 10.0], 30.0), 1.0),
            "paid": np.where(kind == "C", np.nan, paid),
        }
    )
