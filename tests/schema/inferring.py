"""Columns to infer from, and the check that what is inferred fits them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tabsynth.identifiers.detect import detect_identifier
from tabsynth.schema.infer import infer_table
from tabsynth.schema.validate import validate_table

N_ROWS = 240


def inferred(cells: Any, *, name: str = "x", k: int = 10) -> Any:
    """The column inferred from some cells, checked against them."""
    frame = pd.DataFrame({name: cells})
    table = infer_table(frame, detect=detect_identifier, k=k)
    assert validate_table(frame, table).violations == ()
    return table.columns[name]


def cycled(*texts: str | None, n_rows: int = N_ROWS) -> list[str | None]:
    """The texts over and over, `n_rows` cells."""
    return [texts[row % len(texts)] for row in range(n_rows)]
