"""Models saved by earlier versions still load, and draw valid rows.

The file beside this one was written by tabsynth 0.1.0 from an invented table (`visits()` of the conformance suite):

    ts.Copula().fit(visits(400), SCHEMA, seed=1).save("tests/reference/copula-0.1.0.tabsynth")
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tabsynth as ts
from tabsynth.schema.validate import validate_table

FILES = sorted(Path(__file__).parent.glob("*.tabsynth"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_saved_models_load(file: Path) -> None:
    """A model file of an earlier version loads and draws rows that keep its schema."""
    model = ts.load(file)
    rows = model.sample(50, seed=0, given={"group": "A"})
    assert len(rows) == 50 and set(rows["group"]) == {"A"}
    assert validate_table(rows, model.table).ok


def test_there_is_one_for_each_format() -> None:
    """At least one file stands for the present format."""
    assert FILES
