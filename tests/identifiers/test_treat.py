"""Treatments: what becomes of dates, ages, places and what is refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import DataError, SchemaError
from tabsynth.identifiers.treat import treat
from tabsynth.schema.files import parse_schema
from tabsynth.schema.model import Schema

PRIVACY = "privacy: {unit: row, safe_harbor: true, as_of: 2026-11-26}"


def schema(*columns: str, more: str = "", privacy: str = PRIVACY) -> Schema:
    lines = "".join(f"      {column}\n" for column in columns)
    return parse_schema(f"format: 1\ntables:\n  t:\n    columns:\n{lines}{more}{privacy}\n")


def column(cells: object, declared: str) -> list[object]:
    frame = pd.DataFrame({"x": cells})
    treated = treat(frame, schema(f"x: {declared}"), "t").frame["x"]
    return [None if pd.isna(cell) else cell for cell in treated]


def test_dates_are_cut_to_the_year() -> None:
    cells = pd.to_datetime(["2020-02-29 00:00", "1999-12-31 23:59", None])
    assert column(cells, "{type: datetime, treatment: year}") == [2020, 1999, None]
    assert column(["29.02.2020", "01.03.2021"], '{type: datetime, format: "%d.%m.%Y", treatment: year}') == [2020, 2021]


def test_mixed_formats_are_read_where_the_schema_lists_them() -> None:
    two = '{type: datetime, format: ["%Y-%m-%d", "%m/%d/%Y"], treatment: year}'
    assert column(["2020-02-29", "03/04/2021"], two) == [2020, 2021]
    with pytest.raises(DataError, match=r"x: cells that cannot be read as datetime"):
        column(["2020-02-29", "03/04/2021"], "{type: datetime, treatment: year}")


def test_numbers_are_read_as_excel_serials_compact_dates_and_unix_time() -> None:
    cells = [43831, 20200229, 1582934400, 1582934400000, 2020, 12]
    assert column(cells, "{type: integer, treatment: year}") == [2020, 2020, 2020, 2020, 2020, None]


def test_numbers_are_read_as_dates_of_bare_digits() -> None:
    digits = [20200229101112, 202002291011, 202002, 2020060, 29022020, 2292020, 20121999, 20200000]
    assert column(digits, "{type: integer, treatment: year}") == [2020] * 6 + [1999, 2020]
    micros = 1_582_934_400_000_000
    assert column([micros, micros * 1000, 201913], "{type: integer, treatment: year}") == [2020, 2020, None]


def test_births_that_tell_an_age_over_89_are_one_group() -> None:
    cells = pd.to_datetime(["1900-01-01", "1930-02-28", "1936-12-31", "1937-01-01", "2020-02-29"])
    assert column(cells, "{type: datetime, treatment: birth-year}") == [1936, 1936, 1936, 1937, 2020]
    assert column([1930, 1940], "{type: integer, treatment: birth-year}") == [1936, 1940]


def test_birth_years_need_the_day_on_which_ages_are_counted() -> None:
    with pytest.raises(SchemaError, match="as_of"):
        treat(pd.DataFrame({"x": [1930]}), schema("x: {type: integer, treatment: birth-year}", privacy=""), "t")


@pytest.mark.parametrize(
    ("unit", "before", "after"),
    [
        ("years", [0, 89, 90, 104], [0, 89, 90, 90]),
        ("months", [3, 1079, 1080, 1300], [3, 1079, 1080, 1080]),
        ("days", [1, 32_872, 32_873, 40_000], [1, 32_872, 32_873, 32_873]),
    ],
)
def test_ages_over_89_are_one_group_in_every_unit(unit: str, before: list[int], after: list[int]) -> None:
    assert column(before, f"{{type: integer, treatment: age-90, unit: {unit}}}") == after


def test_impossible_ages_are_named_with_the_line_that_resolves_them() -> None:
    with pytest.raises(DataError, match=r'x: 2 ages .* missing_values: \["-1"\]') as caught:
        column([5, -1, 999], "{type: integer, treatment: age-90}")
    assert "999" not in str(caught.value)
    assert column([5, -1], '{type: integer, treatment: age-90, missing_values: ["-1"]}') == [5, None]


def test_postcodes_of_any_storage() -> None:
    assert column([2139, 3601, 601], "{type: integer, treatment: zip3}") == ["021", "000", "006"]
    assert column([2139.0, np.nan], "{type: categorical, treatment: zip3}") == ["021", None]
    assert column(["02139-1234", "K1A 0B1"], "{type: identifier, surrogate: postcode, treatment: zip3}") == [
        "021",
        "000",
    ]
    assert column(["02139", "K1A 0B1", "12 Oak St, Salem, MA 01970"], "{type: text, treatment: state}") == [
        "MA",
        None,
        "MA",
    ]


def test_what_is_withheld_is_noted_by_count_alone() -> None:
    frame = pd.DataFrame({"x": ["02139", *["K1A 0B1"] * 12]})
    notes = treat(frame, schema("x: {type: categorical, treatment: zip3}"), "t").notes
    assert any("Census 2000 and Census 2020" in note for note in notes)
    assert any("12 cells are no US ZIP codes" in note for note in notes) and not any("K1A" in note for note in notes)


def test_dropped_and_refused_columns() -> None:
    frame = pd.DataFrame({"x": ["a", "b"], "y": [1, 2]})
    assert list(treat(frame, schema("x: {type: text, treatment: drop}", "y: {type: integer}"), "t").frame) == ["y"]
    with pytest.raises(DataError, match="treatment: drop"):
        treat(frame, schema("x: {type: text, treatment: refuse}", "y: {type: integer}"), "t")


def test_shifted_dates_move_together_for_each_person() -> None:
    start = pd.Series(pd.to_datetime(["2020-01-01", "2020-03-01", "2021-01-01"]))
    frame = pd.DataFrame({"who": ["a", "a", "b"], "x": start, "y": start + pd.Timedelta(days=5)})
    declared = schema(
        "who: {type: identifier}",
        "x: {type: datetime, treatment: shift}",
        "y: {type: datetime, treatment: shift}",
        more="    entity_key: who\n",
    )
    moved = treat(frame, declared, "t", seed=3).frame
    by = (moved["x"] - frame["x"]).dt.days
    assert by[0] == by[1] != 0 and by[2] != 0 and abs(by).max() <= 365
    assert ((moved["y"] - moved["x"]).dt.days == 5).all()
    assert treat(frame, declared, "t", seed=3).frame.equals(moved)
    found = ts.scan(frame, declared)
    assert {finding.column for finding in found.unresolved} == {"x", "y"}
    assert all("Expert Determination, not Safe Harbor" in finding.evidence for finding in found.unresolved)


def test_constraints_between_years_stay_and_others_are_named() -> None:
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]), "b": pd.to_datetime(["2020-01-02"]), "c": [1]})
    declared = schema(
        "a: {type: datetime, treatment: year}",
        "b: {type: datetime, treatment: year}",
        "c: {type: integer}",
        more="    constraints:\n      - {type: inequality, low: a, high: b, strict: true}\n"
        "      - {type: formula, column: c, expression: days(b - a)}\n",
    )
    treated = treat(frame, declared, "t")
    assert [(rule.type, getattr(rule, "strict", None)) for rule in treated.schema.tables["t"].constraints] == [
        ("inequality", False)
    ]
    assert any("'formula'" in note and "(b, a)" in note for note in treated.notes)


def test_keys_cannot_be_treated() -> None:
    declared = schema("x: {type: identifier, treatment: drop}", "y: {type: integer}", more="    primary_key: [x]\n")
    with pytest.raises(SchemaError, match="primary_key"):
        treat(pd.DataFrame({"x": ["a"], "y": [1]}), declared, "t")


def test_nothing_to_do_returns_the_same_objects() -> None:
    frame = pd.DataFrame({"x": [1]})
    declared = schema("x: {type: integer}")
    treated = treat(frame, declared, "t")
    assert treated.frame is frame and treated.schema is declared


def test_a_treatment_at_the_wrong_kind_is_refused() -> None:
    with pytest.raises(SchemaError, match="treatment shift is for columns of type datetime"):
        schema("x: {type: integer, treatment: shift}")
    with pytest.raises(SchemaError, match="as_of"):
        schema("x: {type: integer}", privacy="privacy: {unit: row, as_of: tomorrow}")


def patients(n_rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    day = pd.Timedelta(days=1)
    return pd.DataFrame(
        {
            "mrn": [f"MRN-{number:06d}" for number in rng.permutation(n_rows)],
            "zip": rng.choice([2139, 3601, 10001, 94110], n_rows),
            "born": pd.Timestamp("1925-01-01") + day * rng.integers(0, 30_000, n_rows),
            "admitted": pd.Timestamp("2020-01-01") + day * rng.integers(0, 900, n_rows),
            "age": rng.integers(0, 104, n_rows),
            "city": rng.choice(["Boston", "Salem"], n_rows),
            "sex": rng.choice(["F", "M"], n_rows),
        }
    )


SAFE = (
    'mrn: {type: identifier, pattern: "MRN-[0-9]{6}"}',
    "zip: {type: integer, treatment: zip3}",
    "born: {type: datetime, treatment: birth-year}",
    "admitted: {type: datetime, treatment: year}",
    "age: {type: integer, treatment: age-90}",
    "city: {type: categorical, treatment: drop}",
    "sex: {type: categorical}",
)


def test_rows_of_a_safe_harbor_schema_hold_no_finding() -> None:
    real, declared = patients(), schema(*SAFE)
    model = ts.Independent().fit(real, declared, seed=1)
    rows = model.sample(300, seed=2)
    assert list(rows) == ["mrn", "zip", "born", "admitted", "age", "sex"]
    assert set(rows["zip"]) == {"021", "000", "100", "941"} and rows["born"].min() == 1936 and rows["age"].max() == 90
    assert not set(rows["mrn"]) & set(real["mrn"])
    assert ts.scan(rows, model.schema).ok
    report = ts.evaluate(train=real[:200], holdout=real[200:], synthetic=rows, schema=declared)
    assert report.verdict is not None


@pytest.mark.parametrize("without", ["mrn", "zip", "born", "admitted", "age", "city"])
def test_fitting_fails_closed_with_the_line_that_resolves_it(without: str) -> None:
    real = patients()
    plain = {
        "mrn": "{type: categorical}",
        "zip": "{type: integer}",
        "born": "{type: datetime}",
        "admitted": "{type: datetime, treatment: shift}",
        "age": "{type: integer}",
        "city": "{type: categorical}",
    }[without]
    columns = [line if not line.startswith(without) else f"{without}: {plain}" for line in SAFE]
    with pytest.raises(DataError, match=rf"{without}: .* to resolve: {without}: ") as caught:
        ts.Independent().fit(real, schema(*columns), seed=1)
    cells = {str(cell) for cell in real[without]} if without in ("mrn", "city") else set()
    assert not any(cell in str(caught.value) for cell in cells)


def test_private_generators_learn_from_treated_columns() -> None:
    real = patients(300).drop(columns="mrn")
    private = (
        "privacy: {unit: row, epsilon: 20.0, delta: 1.0e-6, public_rows: 300, safe_harbor: true, as_of: 2026-11-26}"
    )
    declared = schema(
        "zip: {type: integer, treatment: zip3}",
        'born: {type: datetime, treatment: birth-year, lower: "1900-01-01", upper: "2026-01-01"}',
        'admitted: {type: datetime, treatment: year, lower: "2020-01-01", upper: "2023-12-31"}',
        "age: {type: integer, treatment: age-90, lower: 0, upper: 120}",
        "city: {type: categorical, treatment: drop}",
        "sex: {type: categorical, categories: [F, M]}",
        privacy=private,
    )
    model = ts.make_generator("dp-independent", {"ledger": "none"}).fit(real, declared)
    rows = model.sample(200, seed=0)
    assert rows["born"].dropna().min() >= 1936 and rows["age"].dropna().max() <= 90 and "city" not in rows
    assert set(rows["zip"].dropna().str.len()) == {3}


def test_ages_are_counted_on_the_day_of_the_schema() -> None:
    frame = pd.DataFrame({"birth_year": [1930, 1950] * 20})
    declared = schema("birth_year: {type: integer}")
    assert not ts.scan(frame, declared).ok
    early = schema("birth_year: {type: integer}", privacy="privacy: {unit: row, as_of: 2000-01-01}")
    assert ts.scan(frame, early).ok
    assert date.fromisoformat("2000-01-01").year - 1930 < 90


@pytest.mark.parametrize(
    ("declared", "cells", "further"),
    [
        ("{type: categorical, treatment: zip3}", ["112", "601", "21"], "10001"),
        ("{type: integer, treatment: zip3}", [112, 601, 21], 10001),
        ("{type: categorical, treatment: state}", ["112", "601", "21"], "10001"),
        ("{type: integer, treatment: year}", [2020, 43831], 20200229),
        ("{type: integer, treatment: age-90}", [3, 97], -4),
        ("{type: integer, treatment: birth-year}", [1990, 1930], 43831),
    ],
)
def test_a_silent_treatment_reads_every_cell_by_itself(declared: str, cells: list[object], further: object) -> None:
    """Of private rows, what one person has in a cell may not change what becomes of the others' cells."""
    without, with_one = (
        treat(pd.DataFrame({"x": rows}), schema(f"x: {declared}"), "t", silent=True).frame["x"].astype(str).tolist()
        for rows in (cells, [*cells, further])
    )
    assert with_one[: len(cells)] == without


def test_declared_prefixes_stay_prefixes() -> None:
    """Categories of three digits are ZIP codes that were cut already, and stay what they are; 036 has few people."""
    for silent in (False, True):
        declared = schema('x: {type: categorical, categories: ["112", "601", "036"], treatment: zip3}')
        treated = treat(pd.DataFrame({"x": ["112", "601", "036"]}), declared, "t", silent=silent)
        assert treated.frame["x"].tolist() == ["112", "601", "000"]
        assert treated.schema.tables["t"].columns["x"].categories == ("000", "112", "601")
