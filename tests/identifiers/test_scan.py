"""The scan: what it finds where, what it shows, and how it is held against a schema."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import tabsynth as ts
from tabsynth.cli import app
from tabsynth.errors import DataError, UsageError
from tabsynth.identifiers.scan import require_resolved, scan_table
from tabsynth.schema.files import parse_schema
from tabsynth.schema.model import Schema

N_ROWS = 200
RNG = np.random.default_rng(11)
PLAIN = [f"Room {number % 7}, pain {number % 10}/10, no new complaints, dose 20 mg." for number in range(N_ROWS)]


def found(column: object, name: str = "x") -> set[tuple[str, str]]:
    return {(str(item.kind), item.place) for item in scan_table(pd.DataFrame({name: column})).findings}


def schema(*columns: str, more: str = "") -> Schema:
    lines = "".join(f"      {column}\n" for column in columns)
    return parse_schema(f"format: 1\ntables:\n  t:\n    columns:\n{lines}{more}")


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("write to ann.lee@mail.net", "F"),
        ("see https://clinic.net/p/1", "N"),
        ("SSN 212-34-5678", "G"),
        ("call (212) 736-5000", "D"),
        ("fax 212-736-5000", "E"),
        ("MRN 0012345", "H"),
        ("member ID ABC123456789", "I"),
        ("card 4111 1111 1111 1111", "J"),
        ("NPI 1234567893", "K"),
        ("plate ABC 1234", "L"),
        ("implant serial SN1234567", "M"),
        ("from 10.20.30.40", "O"),
        ("fingerprint template 0f3e55aa91bc77d2", "P"),
        ("picture faces/01.jpg", "Q"),
        ("case no C123456", "R"),
        ("wife Maria Lopez", "A"),
        ("works at Boeing", "A"),
        ("at 12 Oak Street, Salem", "B"),
        ("seen 03/04/2021", "C"),
        ("a 97-year-old", "C"),
    ],
)
def test_one_cell_of_free_text_is_found(identifier: str, kind: str) -> None:
    cells = [*PLAIN[:-1], f"Stable, {identifier} today."]
    assert (kind, "text") in found(cells)
    assert (kind, "text") not in found(PLAIN)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ('"mrn": "0012345"', "H"),
        ('"patient_id": "A-123456"', "H"),
        ('"patientId":"A-123456"', "H"),
        ('"member_id": "ABC123456789"', "I"),
        ('"account_number": 12345678', "J"),
        ('"npi": "1234567893"', "K"),
        ('"serial_no": "SN1234567"', "M"),
        ('"phone": "2127365000"', "D"),
        ('"last_name": "Lopez"', "A"),
        ('"full_name": "Maria Lopez"', "A"),
    ],
)
def test_a_field_in_one_cell_of_json_is_found(field: str, kind: str) -> None:
    cells = [f'{{"pain": {number % 5}, "unit_name": "Ward Two", "note": "no new one"}}' for number in range(60)]
    assert found(cells) == set()
    assert (kind, "text") in found([*cells[:-1], f'{{"pain": 3, {field}, "note": "no new one"}}'])


def test_one_in_many_distinct_texts_is_found() -> None:
    cells = [f"Remark {number} on the plan, dose 20 mg, 4711-{number}" for number in range(30_000)]
    cells[17_003] += " ann.lee@mail.net"
    assert ("F", "text") in found(cells)


def test_values_in_names_of_columns_are_found_and_not_shown() -> None:
    frame = pd.DataFrame(
        {"ann.lee@mail.net": [1, 2], "2021-03-04": [1, 2], "212-34-5678": [3, 4], "Maria Lopez": [1, 2]}
    )
    report = scan_table(frame, None)
    assert {(item.column, str(item.kind)) for item in report.findings if item.place == "name"} == {
        ("column 1", "F"),
        ("column 2", "C"),
        ("column 3", "G"),
        ("column 4", "A"),
    }
    written = json.dumps(report.as_json())
    assert not any(name in written for name in ("ann.lee", "2021-03-04", "212-34", "Lopez"))
    frame = pd.DataFrame({"ann.lee@mail.net": [f"code {number} of a plan" for number in range(40)]})
    assert "ann.lee" not in json.dumps(scan_table(frame, None).as_json())  # nor in what would resolve its cells


def test_levels_without_a_row_are_found_and_never_come_out() -> None:
    levels = ["a", "b", "ann.lee@mail.net"]
    cells = pd.Categorical(["a", "b"] * 60, categories=levels)
    frame = pd.DataFrame({"x": cells, "y": np.arange(120) % 7})
    assert ("F", "levels") in found(cells)
    arrow = pa.table({"x": pa.DictionaryArray.from_arrays(pa.array([0, 1] * 60), pa.array(levels))})
    assert {(str(item.kind), item.status) for item in scan_table(arrow).findings} == {("F", "handled")}
    model = ts.Independent().fit(frame, schema("x: {type: categorical}", "y: {type: integer}"), seed=0)
    assert "ann.lee@mail.net" not in set(model.sample(50, seed=0)["x"].astype("category").cat.categories)


def test_metadata_of_parquet_files_is_read_and_never_written(tmp_path: Path) -> None:
    field = pa.field("x", pa.int64(), metadata={"owner": "call (212) 736-5000"})
    table = pa.table([pa.array([1, 2, 3])], schema=pa.schema([field], metadata={"by": "ann.lee@mail.net"}))
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    report = ts.scan(tmp_path / "a.parquet")
    assert {(str(item.kind), item.place, item.status) for item in report.findings} == {
        ("F", "metadata", "handled"),
        ("D", "metadata", "handled"),
    }
    assert "ann.lee" not in json.dumps(report.as_json())
    ts.write_table(ts.read_table(tmp_path / "a.parquet"), tmp_path / "b.parquet")
    assert not ts.scan(tmp_path / "b.parquet").findings
    attributed = pd.DataFrame({"x": [1, 2]})
    attributed.attrs["note"] = "ann.lee@mail.net"
    attributed.to_parquet(tmp_path / "c.parquet")
    assert {str(item.kind) for item in ts.scan(tmp_path / "c.parquet").findings} == {"F"}


def test_categories_of_pandas_and_arrow_text_are_read_like_text() -> None:
    mails = [f"u{number}@mail.net" for number in range(30)]
    for cells in (mails, pd.Categorical(mails), pd.array(mails, dtype="string")):
        assert ("F", "cells") in found(cells)


def test_numbers_that_are_identifiers() -> None:
    codes = RNG.integers(1001, 99_950, N_ROWS)
    assert ("B", "cells") in found(codes, "zip")
    assert ("B", "cells") in found(np.where(codes > 50_000, codes, np.nan), "zip")
    assert ("C", "cells") in found(RNG.integers(30_000, 45_000, N_ROWS), "admit_date")
    assert ("C", "cells") in found([20200229, 20210301] * 50, "x")
    assert ("C", "cells") in found(RNG.integers(0, 105, N_ROWS), "age")
    assert ("C", "cells") in found(RNG.integers(0, 1300, N_ROWS), "age_months")
    assert not found(RNG.integers(0, 90, N_ROWS), "age")
    assert not found(RNG.integers(0, 1000, N_ROWS), "age_months")
    assert not found(RNG.integers(1990, 2025, N_ROWS), "year")
    assert not found([0, 45, 90] * 50, "age"), "90 and nothing above is the group of 90 and older"


def test_dates_in_mixed_formats_are_one_finding() -> None:
    mixed = ["2020-02-29", "03/04/2021", "5 March 2021", "04.05.2021", "20210401", "unknown"] * 10
    assert ("C", "cells") in found(mixed, "seen")


def test_one_year_of_birth_among_many_is_found() -> None:
    years = np.full(30_000, 1970)
    years[1] = 1921  # not among the cells that are looked at for their form
    for cells in (years, pd.Series(years).astype(str), pd.Series(years).astype("Int64")):
        (finding,) = scan_table(pd.DataFrame({"birth_year": cells}), as_of=date(2026, 1, 31)).findings
        assert (finding.detector, finding.n_found) == ("birth-year", 1)


def test_bands_of_ages_over_89_are_to_be_left_out() -> None:
    report = scan_table(pd.DataFrame({"age": ["80-84", "90-94", "95-99"] * 10}))
    assert [item.remedy for item in report.findings] == ["age: {type: text, treatment: drop}"]
    assert not scan_table(pd.DataFrame({"age": ["80-84", "85-89", "90+"] * 10})).findings


@pytest.mark.parametrize("name", ["age_group", "AgeCategory", "agegrp", "Altersgruppe", "age_band"])
def test_bands_of_ages_are_found_under_the_names_they_have(name: str) -> None:
    assert ("C", "cells") in found(["80-84", "85-89", "90-94", "95-99"] * 10, name)
    assert ("C", "cells") in found(["[80, 85)", "[85, 90)", "[90, 95)"] * 10, name)
    assert ("C", "cells") in found(["80-84", "85-94", "95+"] * 10, name)
    assert ("C", "cells") in found(["under 95", "95+"] * 10, name)
    assert not found(["[80, 85)", "[85, 90)", "[90, inf)"] * 10, name)
    assert not found(["80-84", "85-89", "90 or older"] * 10, name)
    assert not found(list(range(1, 19)) * 3, name)


DAYS = pd.Series(pd.date_range("2019-01-30 10:20:30", periods=25, freq="29D").repeat(8))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("seen", DAYS.dt.strftime("%Y%m%d%H%M%S")),  # HL7
        ("seen", DAYS.dt.strftime("%Y%m%d%H%M%S").astype("int64")),
        ("seen", DAYS.dt.strftime("%Y%m%d%H%M")),
        ("seen", DAYS.dt.strftime("%Y%m%d%H%M%S-0500")),
        ("seen", DAYS.dt.strftime("%Y%m%dT%H%M%SZ")),
        ("seen", DAYS.dt.strftime("%Y%m%d").where(DAYS.index % 5 > 0, "0")),
        ("seen", DAYS.dt.strftime("%d%b%Y:%H:%M:%S").str.upper()),  # SAS
        ("seen", DAYS.dt.strftime("%d/%b/%Y:%H:%M:%S +0000")),
        ("seen", DAYS.dt.strftime("%d. März %Y")),
        ("seen", DAYS.dt.strftime("%d février %Y")),
        ("seen", DAYS.dt.strftime("%d de enero de %Y")),
        ("seen", DAYS.dt.strftime("dicembre %Y")),
        ("seen", DAYS.dt.year.astype(str) + "Q" + DAYS.dt.quarter.astype(str)),
        ("admission_month", DAYS.dt.strftime("%Y%m").astype("int64")),
        ("admission_date", DAYS.dt.strftime("%y%m%d")),
        ("admission_date", DAYS.dt.strftime("%Y%j").astype("int64")),
        ("admission_stamp", DAYS.astype("datetime64[ns]").astype("int64")),
        ("admission_stamp", DAYS.astype("datetime64[ns]").astype("int64") // 1000),
        ("dob", DAYS.dt.strftime("%m/%d")),
    ],
)
def test_dates_are_found_however_they_are_written(name: str, cells: pd.Series) -> None:
    assert ("C", "cells") in found(cells, name)


def test_what_only_looks_like_a_date_is_none() -> None:
    assert not found([f"{number % 9}/10" for number in range(N_ROWS)], "pain")
    assert not found([f"Set {2000 + number % 20}" for number in range(N_ROWS)], "series")
    assert not found([200_000 + 37 * (number % 90) for number in range(N_ROWS)], "cells")
    assert not found([f"Gen {number % 9}" for number in range(N_ROWS)], "console")


def test_what_the_schema_declares_a_date_is_one_in_any_form() -> None:
    cells = DAYS.dt.strftime("%S-%M-%H day %j of %Y")
    declared = schema('x: {type: datetime, format: "%S-%M-%H day %j of %Y"}')
    (finding,) = scan_table(pd.DataFrame({"x": cells}), declared).findings
    assert (finding.kind, finding.status, finding.remedy) == ("C", "unresolved", "x: {type: datetime, treatment: year}")
    assert not scan_table(
        pd.DataFrame({"x": DAYS.dt.year.astype(str)}), schema('x: {type: datetime, format: "%Y"}')
    ).findings


def test_dates_of_the_first_of_january_alone_are_years() -> None:
    assert not found(pd.to_datetime(["2020-01-01", "2021-01-01"] * 10), "when")
    assert ("C", "cells") in found(pd.to_datetime(["2020-01-01", "2021-02-29"[:8] + "28"] * 10), "when")


def test_the_schema_resolves_or_leaves() -> None:
    frame = pd.DataFrame({"mail": [f"u{number}@mail.net" for number in range(40)], "sex": ["F", "M"] * 20})
    learned = schema("mail: {type: categorical}", "sex: {type: categorical}")
    report = scan_table(frame, learned)
    assert [(item.column, item.remedy) for item in report.unresolved] == [
        ("mail", "mail: {type: identifier, surrogate: email}")
    ]
    with pytest.raises(DataError, match=r"mail: \{type: identifier, surrogate: email\}") as caught:
        require_resolved(report)
    assert "@" not in str(caught.value)
    for line in (
        "{type: identifier, surrogate: email}",
        "{type: text}",
        "{type: text, fill: drop}",
        "{type: categorical, treatment: drop}",
    ):
        resolved = scan_table(frame, schema(f"mail: {line}", "sex: {type: categorical}"))
        require_resolved(resolved)
        assert {str(row.kind): row.status for row in resolved.checklist()}["F"] == "handled"
    kept = scan_table(frame, schema("mail: {type: categorical, treatment: keep}", "sex: {type: categorical}"))
    assert not kept.ok, "keep is no answer to what the cells prove"


def test_keep_answers_a_doubtful_finding() -> None:
    frame = pd.DataFrame({"code": [f"{chr(65 + n % 26)}{n:04d}" for n in range(60)]})
    assert not scan_table(frame, schema("code: {type: categorical}")).ok
    report = scan_table(frame, schema("code: {type: categorical, treatment: keep}"))
    assert report.ok and "declared to hold no identifier" in report.findings[0].evidence


def test_what_is_unique_to_a_person_is_found_on_several_rows() -> None:
    people = np.arange(60).repeat(4)
    frame = pd.DataFrame(
        {
            "person": [f"p{number}" for number in people],
            "nir": 1_850_175_000_000 + 7_919 * people,
            "locker": [f"{number % 26}/{number}-x" for number in people],
            "income": 20_000 + 137 * people,
            "ward": people % 7,
        }
    )
    columns = (
        "person: {type: identifier}",
        "nir: {type: integer}",
        "locker: {type: categorical}",
        "income: {type: integer}",
        "ward: {type: categorical}",
    )
    report = scan_table(frame, schema(*columns, more="    entity_key: person\n"))
    assert [(item.column, item.kind) for item in report.unresolved] == [("nir", "R"), ("locker", "R")]
    assert not scan_table(frame, schema(*columns)).unresolved


def test_images_and_biometric_data_must_be_left_out() -> None:
    frame = pd.DataFrame({"photo": [f"faces/{n}.jpg" for n in range(30)], "n": range(30)})
    assert not scan_table(frame, schema("photo: {type: identifier}", "n: {type: identifier}")).ok
    assert scan_table(frame, schema("photo: {type: identifier, treatment: drop}", "n: {type: identifier}")).ok


def test_a_schema_of_several_tables_needs_a_name() -> None:
    two = parse_schema(
        "format: 1\ntables:\n  a: {columns: {x: {type: integer}}}\n  b: {columns: {x: {type: integer}}}\n"
    )
    with pytest.raises(UsageError, match="a, b"):
        scan_table(pd.DataFrame({"x": [1]}), two)
    assert scan_table(pd.DataFrame({"x": [1]}), two, table_name="b").table == "b"


def test_empty_columns_hold_nothing() -> None:
    assert not scan_table(pd.DataFrame({"ssn": [None] * 30, "photo": [np.nan] * 30})).findings


def test_the_command_prints_writes_and_fails_closed(tmp_path: Path) -> None:
    data, declared, out = tmp_path / "t.csv", tmp_path / "s.yaml", tmp_path / "scan.json"
    pd.DataFrame({"ssn": [f"212-34-{n:04d}" for n in range(1, 60)], "y": [n % 5 for n in range(1, 60)]}).to_csv(
        data, index=False
    )
    plain = CliRunner().invoke(app, ["scan", str(data), "-q"])
    assert plain.exit_code == 0 and "social security numbers" in plain.output and "212-34" not in plain.output
    declared.write_text(
        "format: 1\ntables:\n  t:\n    columns:\n      ssn: {type: categorical}\n      y: {type: integer}\n"
    )
    failed = CliRunner().invoke(app, ["scan", str(data), "--schema", str(declared), "-o", str(out)])
    assert failed.exit_code == 4 and "to resolve: ssn: {type: identifier, surrogate: ssn}" in failed.output
    written = json.loads(out.read_text("utf-8"))
    assert len(written["checklist"]) == 18 and "212-34" not in out.read_text("utf-8")
    declared.write_text(declared.read_text().replace("{type: categorical}", "{type: identifier, surrogate: ssn}"))
    passed = CliRunner().invoke(app, ["scan", str(data), "--schema", str(declared), "--json", "-q"])
    assert passed.exit_code == 0 and json.loads(passed.output)["ok"] is True
