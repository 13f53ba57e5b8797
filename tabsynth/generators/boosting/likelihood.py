"""How probable the cells of given rows are under a column's questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.generators.boosting.drawing import chances
from tabsynth.generators.boosting.training import ColumnModel, route

Array = np.ndarray[Any, Any]


def log_probability(model: ColumnModel, own: Array, codes: Array) -> Array:
    """Log-probability of each row's cell given its features, shape (n_rows,).

    Args:
        model: The column.
        own: Cell of each row, shape (n_rows,).
        codes: As for `draw_cells`.
    """
    total = np.zeros(len(own))
    rows_of, right_of = route(model.questions, own)
    waiting = {question: rows for question, rows in enumerate(rows_of) if len(rows)}
    for question, chance in chances(model, codes, waiting).items():
        right = right_of[question]
        total[rows_of[question]] += np.log(np.where(right, chance, 1.0 - chance))
    return total
