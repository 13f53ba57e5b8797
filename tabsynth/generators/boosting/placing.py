"""From conditions to cells, and from drawn cells to values: what every generator over cells does alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.encoding.given import GivenColumn
from tabsynth.generators.boosting.cells import Cells

Array = np.ndarray[Any, Any]

_GOLDEN = 0.6180339887498949


def allowed_cells(cells: Cells, asked: GivenColumn) -> Array:
    """Share of each cell that a condition allows, shape (n_cells,)."""
    allowed = np.zeros(cells.n_cells)
    if asked.missing:
        allowed[-1] = 1.0
    elif asked.stretches is not None:
        allowed[: cells.n_present] = cells.overlap(asked.stretches)
    elif asked.codes is not None:
        known = np.flatnonzero(asked.codes & (cells.segment_cell >= 0))
        allowed[cells.segment_cell[known]] = 1.0
    else:
        allowed[: cells.n_present] = 1.0
    return allowed


def place_values(cells: Cells, drawn: Array, asked: GivenColumn | None, *, rng: np.random.Generator) -> Array:
    """Encoded values in the drawn cells, spread evenly over each cell, inside the condition where there is one.

    Args:
        cells: Cells of the column.
        drawn: Cell of each row, shape (n_rows,).
        asked: The condition on the column, or None.
        rng: Source of every random number.
    """
    u = np.empty(len(drawn))
    order = np.lexsort((rng.random(len(drawn)), drawn))
    # Equal steps of the golden ratio: the rows of a cell cover it evenly, however many there are.
    u[order] = (np.arange(len(drawn)) * _GOLDEN + rng.random()) % 1.0
    inside = None if asked is None or asked.missing else asked.stretches
    return cells.values(drawn, u, inside=inside)
