"""Free text is left out of synthetic rows unless the schema asks for something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import ConstraintError
from tabsynth.schema.files import format_schema, parse_schema

N = 200


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    words = np.array(["cough", "Okonkwo", "better", "since", "spring", "walks", "again", "slowly", "wants", "home"])
    notes = [" ".join(rng.choice(words, size)) for size in rng.integers(3, 12, N)]
    return pd.DataFrame({"age": rng.integers(20, 80, N), "note": notes})


def _schema(line: str) -> Any:
    return parse_schema(f"tables: {{t: {{columns: {{age: {{type: integer}}, note: {line}}}}}}}")


def test_text_is_left_out_by_default_also_where_it_may_not_be_empty() -> None:
    """No column, rather than one of empty cells; `fill: placeholder` gives invented words instead."""
    for line in ("{type: text}", "{type: text, nullable: false}", "{type: text, fill: drop}"):
        assert list(ts.Copula().fit(_table(), _schema(line), seed=0).sample(20, seed=1)) == ["age"], line
    rows = ts.Copula().fit(_table(), _schema("{type: text, fill: placeholder}"), seed=0).sample(20, seed=1)
    assert rows["note"].str.endswith(".").all() and not rows["note"].str.contains("Okonkwo|cough").any()


def test_an_inferred_schema_says_what_becomes_of_text_and_what_changes_it() -> None:
    """The choice is spelled out in the file, and the question names the line."""
    inferred = ts.infer(_table())
    text = format_schema(inferred)
    assert "type: text\n        fill: drop\n" in text and parse_schema(text) == inferred
    question = str(inferred.only_table.columns["note"].question)
    assert "left out of synthetic rows" in question and "fill: placeholder" in question


def test_a_table_of_nothing_but_left_out_text_is_refused() -> None:
    """Rows without a cell are nothing to release; the message names the way out."""
    schema = parse_schema("tables: {t: {columns: {note: {type: text}}}}")
    with pytest.raises(ConstraintError, match="fill: placeholder"):
        ts.Copula().fit(_table()[["note"]], schema, seed=0)
    with pytest.raises(ConstraintError, match="fill: placeholder"):
        ts.mock(schema, rows=3, seed=0)
