"""A trained column as a model file holds it: cells, questions, log-odds, and trees as numeric arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tabsynth.encoding.table import Domain
from tabsynth.generators.boosting.cells import Cells, Questions
from tabsynth.generators.boosting.forest import Forest
from tabsynth.generators.boosting.shared_trees import SharedTrees
from tabsynth.generators.boosting.training import ColumnModel


def column_state(model: ColumnModel) -> dict[str, Any]:
    """Numeric arrays and flags; no value of any row."""
    cells, questions = model.cells, model.questions
    return {
        "has_missing": cells.has_missing,
        "edges": cells.edges,
        "segment_cell": cells.segment_cell,
        "masses": cells.masses,
        "by_number": cells.by_number,
        "left": questions.left.astype(np.int32),
        "right": questions.right.astype(np.int32),
        "base": model.base,
        "classifier": model.classifier.astype(np.int32),
        "place": model.place,
        "features": list(model.features),
        "forest": Forest(model.trees).state(),
        "shared": None if model.shared is None else model.shared.state(),
    }


def column_from(state: Mapping[str, Any], domain: Domain) -> ColumnModel:
    """The column that `column_state` described."""
    return ColumnModel(
        cells=Cells(
            domain,
            state["has_missing"],
            state["edges"],
            state["segment_cell"],
            state["masses"],
            state["by_number"],
        ),
        questions=Questions(state["left"], state["right"]),
        base=state["base"],
        classifier=state["classifier"],
        place=state["place"],
        trees=Forest.from_state(state["forest"]).classifiers,
        features=tuple(state["features"]),
        shared=SharedTrees.from_state(state["shared"]) if state.get("shared") else None,
    )
