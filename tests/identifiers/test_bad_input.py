"""What goes wrong in real tables, item by item: each is handled, or named with the line of schema that resolves it.

Keys that expired or are foreign, and reports about other rows, are in `tests/release/test_signing.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tabsynth as ts
from tabsynth.errors import DataError, SchemaError
from tabsynth.identifiers.treat import treat
from tabsynth.schema.files import parse_schema

N = 300
DAYS = pd.Timestamp("2019-01-01") + pd.to_timedelta(np.random.default_rng(1).integers(0, 900, N), unit="D")


def treated(cells: list[Any], line: str, name: str = "x") -> list[Any]:
    """Cells after the treatment that a line of schema asks for."""
    text = f"tables: {{t: {{columns: {{{name}: {line}, y: {{type: integer}}}}}}}}"
    text += "\nprivacy: {unit: row, as_of: 2026-01-31}"
    frame = pd.DataFrame({name: cells, "y": range(len(cells))})
    made = treat(frame, parse_schema(text), "t").frame[name]
    return [None if pd.isna(cell) else cell for cell in made]


def found(name: str, cells: Any) -> list[tuple[str, str, str | None]]:
    """Class, detector and remedy of what a scan finds in a column."""
    frame = pd.DataFrame({name: cells, "v": np.random.default_rng(2).normal(size=len(cells))})
    return [(item.kind.value, item.detector, item.remedy) for item in ts.scan(frame).findings]


@pytest.mark.parametrize(
    ("cells", "line", "wanted"),
    [
        ([2139, 601, 94110, 3601], "{type: integer, treatment: zip3}", ["021", "006", "941", "000"]),
        ([2139.0, np.nan], "{type: integer, treatment: zip3}", ["021", None]),
        (["02139-4307", "021394307", "2139-4307"], "{type: categorical, treatment: zip3}", ["021"] * 3),
        ([21394307, 941101234], "{type: integer, treatment: zip3}", ["021", "941"]),
        (["K1A 0B1", "k1a0b1", "H0H"], "{type: categorical, treatment: zip3}", ["000"] * 3),
        (["1932-02-29", "1936-02-29", "1940-02-29"], "{type: datetime, treatment: birth-year}", [1936, 1936, 1940]),
        ([1080, 1079, 24, 1200], "{type: integer, unit: months, treatment: age-90}", [1080, 1079, 24, 1080]),
        ([44197, 43831], "{type: integer, treatment: year}", [2021, 2020]),
        ([44197.5, 43831.25], "{type: number, treatment: year}", [2021, 2020]),
        (
            ["2020-02-29", "28/02/2019"],
            '{type: datetime, format: ["%Y-%m-%d", "%d/%m/%Y"], treatment: year}',
            [2020, 2019],
        ),
    ],
)
def test_what_a_treatment_makes_of_it(cells: list[Any], line: str, wanted: list[Any]) -> None:
    """ZIP codes without their zero, ZIP+4, Canadian codes, 29 February, months, Excel serials, mixed formats."""
    assert treated(cells, line) == wanted


@pytest.mark.parametrize(
    ("cells", "line", "message"),
    [
        (["1930-02-29", "1936-03-01"], "{type: datetime, treatment: birth-year}", "cannot be read as datetime"),
        ([-1, 30], "{type: integer, treatment: age-90}", r"below 0 or above 130 .*missing_values: \[\"-1\"\]"),
        ([999, 30], "{type: integer, treatment: age-90}", "set unit to months"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(cells: list[Any], line: str, message: str) -> None:
    """A 29 February that never was, negative ages, and numbers that stand for "unknown"."""
    with pytest.raises(DataError, match=message) as caught:
        treated(cells, line)
    assert "1930" not in str(caught.value) and "999" not in str(caught.value)


def test_ages_in_months_are_read_in_months() -> None:
    """The unit comes from the name, into the draft and into the remedy; a schema that forgets it is refused."""
    ages = np.random.default_rng(3).integers(1, 1_200, N)
    assert found("age_months", ages) == [("C", "age", "age_months: {type: integer, treatment: age-90, unit: months}")]
    drafted = ts.infer(pd.DataFrame({"age_months": ages, "age_in_days": ages, "age": ages % 90})).only_table.columns
    assert [getattr(column, "unit", None) for column in drafted.values()] == ["months", "days", None]
    with pytest.raises(SchemaError, match="age_mo: treatment age-90 reads years, and the name says months; write"):
        treated([100, 20], "{type: integer, treatment: age-90}", name="age_mo")
    assert treated([100, 20], "{type: integer, treatment: age-90, unit: years}", name="age_mo") == [90, 20]


def test_dates_in_any_dress_are_found() -> None:
    """Mixed formats, Excel serials and 29 February alone."""
    forms = np.resize(["%Y-%m-%d", "%d/%m/%Y", "%b %d, %Y"], N)
    mixed = [day.strftime(form) for day, form in zip(DAYS, forms, strict=True)]
    assert found("visit", mixed) == [("C", "date", "visit: {type: datetime, treatment: year}")]
    serials = (DAYS - pd.Timestamp("1899-12-30")).days
    assert found("admit", serials)[0][:2] == ("C", "date-number")
    assert found("when", ["2020-02-29", "2016-02-29"] * 50)[0][:2] == ("C", "date")
    both = [day.strftime("%d/%m/%Y" if place % 2 else "%m/%d/%Y") for place, day in enumerate(DAYS)]
    drafted = ts.infer(pd.DataFrame({"visit": both, "v": range(N)})).only_table.columns["visit"]
    assert drafted.type == "text" and "rewrite them in one order" in str(drafted.question)


@pytest.mark.parametrize("name", ["zip", "postal_code"])
def test_postcodes_in_any_dress_are_found(name: str) -> None:
    """Integers that lost a zero, ZIP+4, Canadian codes."""
    numbers = np.random.default_rng(4).integers(501, 99_950, N)
    letters = np.random.default_rng(5).choice(list("ABCEGHJKLMNPRSTVXY"), N)
    for cells in (
        numbers,
        [f"{number:05d}-{number % 9_000 + 999:04d}" for number in numbers],
        [f"{letter}{number % 10}A {number % 7}B{number % 9}" for letter, number in zip(letters, numbers, strict=True)],
    ):
        assert found(name, cells) == [("B", "postcode", f"{name}: {{type: categorical, treatment: zip3}}")]


@pytest.mark.parametrize("ordered", [False, True])
def test_levels_that_no_row_has_go_nowhere(ordered: bool, tmp_path: Any) -> None:
    """A pandas categorical remembers real values: not in the draft, the model, nor the synthetic column."""
    levels = ["a", "b", "Jane Q. Roe"]
    cells = pd.Categorical(np.resize(["a", "b"], N), categories=levels, ordered=ordered)
    frame = pd.DataFrame({"ward": cells, "n": range(N)})
    assert ("A", "name", None) in found("ward", cells)
    schema = ts.infer(frame)
    assert "Jane" not in schema.model_dump_json()
    model = ts.Copula().fit(frame, schema, seed=0)
    assert set(model.sample(50, seed=1)["ward"].dtype.categories) <= {"a", "b"}
    assert "Jane" not in str(model.derivation.state()) + str(model.encoder.state()) + str(model.storage)


def test_values_beside_the_cells_go_nowhere(tmp_path: Any) -> None:
    """Parquet metadata of file and column, pandas attributes and index names are found or dropped, and not written."""
    hidden = "jane.roe@mail.example.net"
    ages = np.random.default_rng(6).integers(1, 80, N)
    field = pa.field("age", pa.int64(), metadata={"note": hidden})
    table = pa.table({"age": pa.array(ages)}, schema=pa.schema([field], metadata={"author": hidden}))
    pq.write_table(table, tmp_path / "t.parquet")
    places = [(item.column, item.detector) for item in ts.scan(tmp_path / "t.parquet").findings]
    assert places.count(("file metadata", "email")) >= 1
    rows = ts.Copula().fit(table, ts.infer(table), seed=0).sample(20, seed=0)
    assert not rows.schema.metadata and not rows.schema.field("age").metadata
    frame = pd.DataFrame({"age": ages}, index=pd.Index(range(N), name=hidden))
    frame.attrs["by"] = hidden
    made = ts.Copula().fit(frame, ts.infer(frame), seed=0).sample(20, seed=0)
    assert made.index.name is None and not made.attrs


def test_values_in_the_names_of_columns_are_found_and_not_shown() -> None:
    """An e-mail address, a record number, a name and a date as headers: each called by its position."""
    names = ["jane.roe@mail.example.net", "MRN 00123456", "John Smith", "2021-03-04"]
    report = ts.scan(pd.DataFrame({name: [1, 2] * 50 for name in names}))
    assert [item.kind.value for item in report.findings if item.place == "name"] == ["F", "H", "A", "C"]
    text = str(report.as_json())
    assert not any(name in text for name in names) and "rename the column" in text
