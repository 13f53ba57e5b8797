"""Dates that are dates because the schema declares them: written in a form that no list of forms knows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabsynth.identifiers.column_tests import Found
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.schema.columns import DateTime
from tabsynth.schema.moments import to_local
from tabsynth.schema.values import parse_column


def declared_date(raw: pd.Series, column: DateTime) -> Found | None:
    """Dates finer than a year in a column that is declared as datetime; None where all are the first of January.

    Args:
        raw: The cells, text or native. Shape (n_rows,).
        column: Its declaration.
    """
    values = parse_column(raw, column).values
    micros = values.array[~values.missing]
    if not len(micros):
        return None
    local = micros if column.time_zone is None else to_local(micros, column.time_zone)
    stamps = local.astype("datetime64[us]")
    share = float(np.mean(stamps != stamps.astype("datetime64[Y]")))
    if not share:
        return None
    share *= len(micros) / max(1, int(raw.notna().sum()))
    return Found(Kind.DATE, "date", 0.95, round(share, 4), "dates finer than a year, by the schema")
