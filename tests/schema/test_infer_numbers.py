"""Which cells are numbers, and how they are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.schema.columns import Categorical, Identifier, Integer, Number, Provenance, Text
from tabsynth.schema.infer import infer_table
from tabsynth.schema.validate import validate_table
from tests.schema.inferring import N_ROWS, cycled, inferred


def test_whole_numbers_with_gaps_stay_whole() -> None:
    """Gaps turn whole numbers into floats; they are whole numbers all the same."""
    for cells in ([3.0, 4.0, None, 17.0] * 60, cycled("3.0", "4.0", None, "17.0"), cycled("3", "4", " ", "17")):
        column = inferred(cells)
        assert isinstance(column, Integer) and column.nullable


def test_leading_zeros_are_codes() -> None:
    """01234 is no number."""
    column = inferred(cycled("01234", "20095", "00501"))
    assert isinstance(column, Categorical) and set(column.categories or ()) == {"01234", "20095", "00501"}
    assert isinstance(inferred(cycled("0", "0.5", "-0.25", "10")), Number)


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        (["1.50", "2.25", "3"], 2),
        (["1.10", "2.20"], 1),
        (["1e-3", "2.5"], 3),
        ([0.1, 0.25, 3.0], 2),
        (["0.1234567890123456789", "1.5"], None),
        ([0.1 + 0.2, 1.0], None),
        (["-71.8018877123456", "2.5"], 13),
    ],
)
def test_decimals_are_counted(cells: list[Any], decimals: int | None) -> None:
    """The fewest decimals that represent every value, as far as floats can tell them apart."""
    column = inferred((cells * 60)[:N_ROWS])
    assert isinstance(column, Number) and column.decimals == decimals


def test_floats_of_32_bits_have_the_decimals_they_were_written_with() -> None:
    """0.1 in 32 bits is one decimal, not seventeen."""
    column = inferred(np.array([0.1, 0.2, 1.3] * 50, dtype=np.float32))
    assert column.decimals == 1 and column.upper == 1.3


def test_decimal_comma() -> None:
    """Commas are decimal marks where one of them cannot group thousands; else the column is asked about."""
    column = inferred([f"{n},{n % 7}" for n in range(N_ROWS)])
    assert isinstance(column, Number) and column.decimal_mark == "," and column.decimals == 1
    grouped = inferred([f"{n + 1},{n % 900 + 100}" for n in range(N_ROWS)])
    assert isinstance(grouped, Text) and "thousands" in str(grouped.question)
    mixed = inferred([f"{n}{'.,'[n % 2]}5{n % 10}" for n in range(N_ROWS)])
    assert isinstance(mixed, Text) and "side by side" in str(mixed.question)


@pytest.mark.parametrize("form", ["1,{}.50", "1.{},50", "1'{}.50", "1 {},50", "1,{},000", "-1,23,{}.50"])
def test_thousands_marks_are_asked_about(form: str) -> None:
    """Amounts such as 1,234.56 or 1.234,56 are neither keys nor free text, however alike they are."""
    column = inferred([form.format(100 + n) for n in range(N_ROWS)])
    assert isinstance(column, Text) and "thousands marks" in str(column.question)


def test_numbers_of_people_with_points_stay_keys() -> None:
    """12.345.678 is how some countries write the number of a person."""
    assert isinstance(inferred([f"12.{n + 100}.{n * 37 % 900 + 100}" for n in range(N_ROWS)]), Identifier)


@pytest.mark.parametrize("gap", ["?", "NA", "N/A", "nan", "NULL", "None", "-", ".", "#N/A", "unknown"])
def test_well_known_gaps_among_numbers(gap: str) -> None:
    """A number column may spell its gaps; the spellings are listed."""
    column = inferred([*(f"{n}.5" for n in range(N_ROWS)), gap, " "])
    assert isinstance(column, Number) and set(column.missing_values) == {gap, " "} and column.nullable
    assert column.source("missing_values") is Provenance.DATA


def test_gap_words_are_categories_among_names() -> None:
    """Among names, "?" and "None" may mean something."""
    column = inferred(cycled("Private", "Self-emp", "?", "None"))
    assert isinstance(column, Categorical) and {"?", "None"} <= set(column.categories or ())


def test_blank_cells_are_gaps_among_names() -> None:
    """A cell of blanks is an empty cell."""
    column = inferred(cycled("SIPO", "UVER", " "))
    assert column.missing_values == (" ",) and column.nullable and set(column.categories) == {"SIPO", "UVER"}


def test_one_common_word_among_many_numbers_is_a_gap_to_ask_about() -> None:
    """`N` for "not asked" beside incomes is read as missing; beside few codes it is a code."""
    column = inferred([*(str(100 + n) for n in range(N_ROWS)), *["N"] * 30])
    assert isinstance(column, Integer) and column.missing_values == ("N",) and column.question
    assert isinstance(inferred(cycled("1", "2", "3", "N")), Categorical)


def test_a_rare_word_among_numbers_is_not_listed() -> None:
    """What one person wrote is neither a gap nor named; the column is asked about."""
    column = inferred([*(str(1000 + 7 * n % 997) for n in range(N_ROWS)), "aboutSeventy"])
    assert isinstance(column, Text) and "1 cells are not" in str(column.question)
    assert "aboutSeventy" not in repr(column)


def test_infinities() -> None:
    """Spelled infinities are listed as gaps; in native floats they stay violations, and the question says so."""
    column = inferred([*(f"{n}.5" for n in range(N_ROWS)), "inf", "-Infinity"])
    assert isinstance(column, Number) and column.missing_values == ("-Infinity", "inf") and column.question
    frame = pd.DataFrame({"x": [np.inf, *(np.arange(100) + 0.5)]})
    table = infer_table(frame)
    assert isinstance(table.columns["x"], Number) and "infinite" in str(table.columns["x"].question)
    assert [violation.count for violation in validate_table(frame, table).violations] == [1]


def test_numbers_with_units_are_asked_about() -> None:
    """Percent signs, money signs and units make text, and never keys."""
    for cell in ("{}.5%", "€ {}.50", "{} kg"):
        column = inferred([cell.format(n) for n in range(N_ROWS)])
        assert isinstance(column, Text) and "unit" in str(column.question)


def test_large_numbers() -> None:
    """Whole numbers too large for 64 bits are numbers if native, codes if text."""
    assert isinstance(inferred(np.arange(2**63, 2**63 + 90, dtype=np.uint64)), Number)
    assert not isinstance(inferred([f"9{n:019d}" for n in range(N_ROWS)]), Integer | Number)
    assert isinstance(inferred([1e300, 2.0, 3.0] * 40), Number)


def test_measurements_are_never_keys() -> None:
    """Values that all differ are measurements, unless the name or a run of row numbers says otherwise."""
    spread = [int(v) for v in np.random.default_rng(0).permutation(100_000)[:N_ROWS]]
    assert isinstance(inferred(spread, name="weight"), Integer)
    assert isinstance(inferred([v / 7 for v in spread], name="id"), Number)
    assert isinstance(inferred(list(range(1900, 1900 + 100)), name="year"), Integer)
    assert isinstance(inferred(spread, name="record_id"), Identifier)
    assert isinstance(inferred(list(range(N_ROWS)), name="Unnamed: 0"), Identifier)
    assert isinstance(inferred([str(n) for n in reversed(range(1, N_ROWS))], name="x"), Identifier)


def test_codes_by_name_are_categories() -> None:
    """Few numbers under the name of a code are categories; under other names they are numbers."""
    assert inferred([1, 2, 3, 9] * 60, name="race").categories == (1, 2, 3, 9)
    assert isinstance(inferred([1, 2, 3, 9] * 60, name="children"), Integer)
    assert isinstance(inferred([str(n % 77) for n in range(4000)], name="district_id"), Categorical)
    assert isinstance(inferred([n % 300 for n in range(3000)], name="ProductRelated"), Integer)
