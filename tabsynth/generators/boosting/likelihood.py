"""How probable the cells of given rows are under a column's questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.generators.boosting.drawing import chances
from tabsynth.generators.boosting.training import ColumnModel, route

Array = np.ndarray[Any, Any]


def log_probability(model: ColumnModel, own: Array, codes: Array, *, there: Array | None = None) -> Array:
    """Log-probability of each row's cell given its features, shape (n_rows,).

    Args:
        model: The column.
        own: Cell of each row, shape (n_rows,).
        codes: As for `draw_cells`.
        there: Rows for which it goes without saying that the cell is not missing, shape (n_rows,), bool.
    """
    total = np.zeros(len(own))
    rows_of, right_of = route(model.questions, own)
    waiting = {question: rows for question, rows in enumerate(rows_of) if len(rows)}
    for question, chance in chances(model, codes, waiting).items():
        right = right_of[question]
        with np.errstate(divide="ignore"):  # a classifier may be certain: then the other answer has log 0
            found = np.log(np.where(right, chance, 1.0 - chance))
        if question == 0 and model.cells.has_missing and there is not None:  # it asks whether the cell is missing
            found = np.where(there[rows_of[question]], 0.0, found)
        total[rows_of[question]] += found
    return total
