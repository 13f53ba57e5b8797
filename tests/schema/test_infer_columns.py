"""Kinds of columns: answers, categories, codes, keys, text, and columns with nothing to see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.identifiers.detect import detect_identifier
from tabsynth.schema.columns import (
    Boolean,
    Categorical,
    Column,
    DateTime,
    Identifier,
    Integer,
    Number,
    Ordinal,
    Provenance,
    Role,
    Text,
)
from tabsynth.schema.infer import infer_table
from tabsynth.schema.validate import validate_table
from tests.schema.inferring import N_ROWS, cycled, inferred


@pytest.mark.parametrize(
    ("no", "yes"),
    [("N", "Y"), ("No", "Yes"), ("FALSE", "TRUE"), ("f", "t"), ("nein", "ja"), ("non", "oui"), ("no", "si")],
)
def test_yes_and_no_keep_their_spelling(no: str, yes: str) -> None:
    """Booleans come in the spelling of the table, false first."""
    column = inferred(cycled(yes, no, no, None))
    assert isinstance(column, Boolean) and column.labels == (no, yes) and column.nullable


def test_the_commonest_spelling_of_an_answer_is_written() -> None:
    """`Yes` and `yes` are one answer."""
    assert inferred(cycled("Yes", "yes", "Yes", "no", "no", "No")).labels == ("no", "Yes")


def test_answers_in_several_words_are_native_booleans() -> None:
    """Y, yes, 1 and TRUE side by side are read as true; what they are written as is asked."""
    column = inferred(cycled("Y", "no", "yes", "0", "1", "TRUE", "N"))
    assert isinstance(column, Boolean) and column.labels is None and column.question


def test_native_booleans() -> None:
    """Booleans of every storage are booleans without labels, also where all are equal."""
    cells = [True, False, None] * 20
    for dtype in ("boolean", object, "bool[pyarrow]", "category"):
        column = inferred(pd.Series(cells, dtype=dtype))
        assert isinstance(column, Boolean) and column.labels is None and column.nullable
    assert isinstance(inferred([True] * 30), Boolean)


def test_answers_with_spelled_gaps() -> None:
    """N/A beside yes and no is a gap; a third answer makes categories."""
    assert inferred(cycled("yes", "no", "N/A")).missing_values == ("N/A",)
    assert isinstance(inferred(cycled("Yes", "No", "No internet service")), Categorical)


@pytest.mark.parametrize("cells", [[0, 1, 1, 0] * 20, ["0", "1", "1", "0"] * 20, [0.0, 1.0, None] * 30])
def test_zero_and_one_are_categories_that_stay_numbers(cells: list[Any]) -> None:
    """0/1 is discrete, and comes back as whole numbers."""
    column = inferred(cells)
    assert isinstance(column, Categorical) and column.categories == (0, 1)


def test_a_rare_one_stays_a_number() -> None:
    """With too few ones to name them, 0/1 is a count."""
    assert isinstance(inferred([0] * 100 + [1] * 3), Integer)


def test_categories_of_fewer_than_k_rows_are_not_listed() -> None:
    """Rare categories stay out of the schema; with none left, there is no list."""
    cells = [*["common"] * 100, *["usual"] * 50, *["rareOne"] * 9]
    assert inferred(cells).categories == ("common", "usual")
    assert inferred(cells, k=9).categories == ("common", "usual", "rareOne")
    column = inferred(cycled("a", "b", "c", n_rows=27))
    assert isinstance(column, Categorical) and column.categories is None and column.question


def test_free_text_is_asked_about() -> None:
    """Many different texts of several words are text."""
    column = inferred([f"the patient in bed {n} feels {n * 7 % 31} times better" for n in range(N_ROWS)], name="note")
    assert isinstance(column, Text) and "Free text" in str(column.question)


def test_rare_categories_in_the_tail_are_asked_about() -> None:
    """Where a good part of the cells is rare, the column is categorical with a question."""
    cells = [*["north"] * 100, *["south"] * 70, *(f"street {chr(97 + n)}" for n in range(24) for _ in range(3))]
    column = inferred(cells, name="place")
    assert isinstance(column, Categorical) and "fewer than 10 rows" in str(column.question)


def test_unique_codes_are_keys() -> None:
    """Different codes of one shape are keys, with their pattern; their column has the role of an identifier."""
    column = inferred([f"{n:04d}-{chr(65 + n % 26) * 3}" for n in range(N_ROWS)])
    assert isinstance(column, Identifier) and column.pattern == "[0-9]{4}-[A-Z]{3}"
    assert column.role is Role.DIRECT_IDENTIFIER and column.source("pattern") is Provenance.DATA


def test_postcodes() -> None:
    """Common postcodes are categories; rare ones are replaced, and stay quasi-identifiers either way."""
    rare = inferred([f"{10_000 + 7 * n}" for n in range(N_ROWS)], name="ZIP")
    assert isinstance(rare, Identifier) and rare.surrogate == "postcode" and rare.role is Role.QUASI_IDENTIFIER
    common = inferred(cycled("01234", "02139", "10001"), name="ZIP")
    assert isinstance(common, Categorical) and common.role is Role.QUASI_IDENTIFIER


def test_detection_is_the_callers() -> None:
    """Names of people are recognised by the detector that is passed in, and by nothing else."""
    frame = pd.DataFrame({"first_name": cycled("Anna", "James", "Maria", "Peter", "Susan")})
    assert isinstance(infer_table(frame).columns["first_name"], Categorical)
    found = infer_table(frame, detect=detect_identifier).columns["first_name"]
    assert isinstance(found, Identifier) and found.surrogate == "first_name"


def test_people_called_null() -> None:
    """Words for gaps are left alone among names of people."""
    column = inferred([*cycled("Anna", "James", "Maria"), "Null", "None", "Nat"], name="first_name")
    assert isinstance(column, Identifier) and column.missing_values == () and not column.nullable


def test_order_comes_from_ordered_categories_alone() -> None:
    """An ordered pandas categorical is ordinal, without its rare levels; no text is."""
    cells = [*["low", "mid", "high"] * 30, "top"]
    levels = pd.Categorical(cells, categories=["low", "mid", "high", "top"], ordered=True)
    column = inferred(pd.Series(levels))
    assert isinstance(column, Ordinal) and column.categories == ("low", "mid", "high")
    assert isinstance(inferred(cycled("low", "mid", "high")), Categorical)
    few = pd.Series(pd.Categorical(["a", "b"], ordered=True))
    assert isinstance(inferred(few), Categorical)


def test_unordered_pandas_categories_are_categories() -> None:
    """A categorical column was meant as one, however rare its values; different codes are keys all the same."""
    assert inferred(pd.Series([3, 5, 8] * 30, dtype="category")).categories == (3, 5, 8)
    assert isinstance(inferred(pd.Series([f"town no {n // 2}" for n in range(90)], dtype="category")), Categorical)
    assert isinstance(inferred(pd.Series([f"A{n:03d}" for n in range(90)], dtype="category")), Identifier)


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([None] * 30, dtype=object),
        pd.Series([np.nan] * 30),
        pd.to_datetime(pd.Series([None] * 30)),
        pd.Series([" ", "", None] * 10, dtype=object),
        pd.Series([], dtype=object),
        pd.Series([], dtype="int64"),
    ],
    ids=["none", "nan", "nat", "blank", "no rows", "no rows native"],
)
def test_empty_columns(cells: pd.Series) -> None:
    """Nothing but gaps is a categorical without categories, and a question."""
    column = inferred(cells)
    assert isinstance(column, Categorical) and column.categories is None and column.question


@pytest.mark.parametrize(("cell", "kind"), [("x", Categorical), (7, Integer), (2.5, Number), ("2020-01-01", DateTime)])
def test_constant_columns(cell: Any, kind: type[Column]) -> None:
    """One value is a column like any other."""
    assert isinstance(inferred([cell] * 30), kind)


def test_one_row() -> None:
    """A table of one row is inferred without telling anything of it."""
    frame = pd.DataFrame(
        {"id": ["K-1034"], "age": [41], "name": ["Zebediah Quux"], "score": [1.25], "day": ["2020-02"]}
    )
    table = infer_table(frame, detect=detect_identifier)
    assert validate_table(frame, table).violations == ()
    assert table.primary_key == ("id",)
    text = table.model_dump_json()
    assert not any(str(cell) in text for cell in ("1034", "K-", "41", "Zebediah", "Quux", "1.25", "2020"))
