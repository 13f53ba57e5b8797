"""One key in two formats, and columns that name the same thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import SchemaError
from tabsynth.identifiers.key_formats import in_format_of
from tabsynth.schema.columns import Identifier
from tabsynth.schema.files import parse_schema


def _written(texts: list[str], source: str | None, target: str | None) -> list[str]:
    ends = Identifier(pattern=source), Identifier(pattern=target)
    return list(in_format_of(np.array(texts, dtype=object), *ends, where="a to b"))


@pytest.mark.parametrize(
    ("texts", "source", "target", "written"),
    [
        (["MRN-000123", "MRN-450000"], "MRN-[0-9]{6}", "[0-9]{6}", ["000123", "450000"]),
        (["MRN-000123", "MRN-450000"], "MRN-[0-9]{6}", "[0-9]{1,6}", ["000123", "450000"]),
        (["MRN-000123", "MRN-450000"], "MRN-[0-9]{6}", "[1-9][0-9]{0,5}", ["123", "450000"]),
        (["123", "450000"], "[1-9][0-9]{0,5}", "MRN-[0-9]{6}", ["MRN-000123", "MRN-450000"]),
        (["12-3456789"], "[0-9]{2}-[0-9]{7}", "[0-9]{9}", ["123456789"]),
        (["123456789"], "[0-9]{9}", "[0-9]{2}-[0-9]{7}", ["12-3456789"]),
        (["P77X"], "P[0-9]{2}X", "Q[0-9]{2}", ["Q77"]),
        (["AB12"], "[A-Z]{2}[0-9]{2}", "[A-Z]{2}[0-9]{2}", ["AB12"]),
        (["AB12"], "[A-Z]{2}[0-9]{2}", None, ["AB12"]),
    ],
)
def test_keys_are_written_in_the_other_format(
    texts: list[str], source: str | None, target: str | None, written: list[str]
) -> None:
    """What the pattern leaves open goes over; fixed signs are those of the other pattern."""
    assert _written(texts, source, target) == written


def test_formats_that_cannot_agree_are_refused_with_the_way_out() -> None:
    """Too few places, or another kind; no key is in the message."""
    with pytest.raises(SchemaError, match=r"a to b: .*as many open places") as caught:
        _written(["MRN-000123", "MRN-450000"], "MRN-[0-9]{6}", "[0-9]{3}")
    assert "450000" not in str(caught.value)
    with pytest.raises(SchemaError, match="email cannot be made of key"):
        in_format_of(np.array(["a"], object), Identifier(), Identifier(surrogate="email"), where="x")


COLUMNS = (
    "mrn: {type: identifier, pattern: 'MRN-[0-9]{6}', nullable: false}, "
    "number: {type: identifier, pattern: '[1-9][0-9]{0,5}', same_as: mrn}, "
    "age: {type: integer, lower: 0, upper: 99}"
)


def test_two_columns_of_one_key_go_on_agreeing_in_fitted_rows_and_in_mocked_ones() -> None:
    """Row by row, in the format of each; none equals a real one."""
    schema = parse_schema(f"tables: {{t: {{columns: {{{COLUMNS}}}}}}}")
    numbers = np.arange(1, 301) * 7
    table = pd.DataFrame(
        {"mrn": [f"MRN-{n:06d}" for n in numbers], "number": numbers.astype(str), "age": 5 + numbers % 70}
    )
    table.loc[:20, "number"] = None
    made = ts.Independent().fit(table, schema, seed=0).sample(400, seed=1)
    there = made["number"].notna()
    assert 0 < (~there).sum() < 100
    assert (made["mrn"].str[4:].astype(int) == pd.to_numeric(made["number"]))[there].all()
    assert not set(made["mrn"]) & set(table["mrn"]) and made["mrn"].is_unique
    mocked = ts.mock(schema, rows=50, seed=3)
    assert (mocked["mrn"].str[4:].astype(int) == mocked["number"].astype(int)).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("number: {type: identifier, same_as: other}", "same_as of number"),
        ("number: {type: identifier, same_as: age}", "another identifier"),
        ("number: {type: identifier, same_as: number}", "another identifier"),
    ],
)
def test_same_as_must_name_an_identifier(line: str, message: str) -> None:
    """Of the same table, and not the column itself."""
    with pytest.raises(SchemaError, match=message):
        parse_schema(f"tables: {{t: {{columns: {{age: {{type: integer}}, {line}}}}}}}")


def test_formats_are_compared_before_anything_is_fitted() -> None:
    """A pattern with too few places is an error of the schema, not of the thousandth row."""
    schema = parse_schema(f"tables: {{t: {{columns: {{{COLUMNS.replace('[1-9][0-9]{0,5}', '[0-9]{2}')}}}}}}}")
    with pytest.raises(SchemaError, match=r"t\.number \(same_as mrn\)"):
        ts.Independent().fit(pd.DataFrame({"mrn": ["MRN-000001"] * 30, "number": ["1"] * 30, "age": [3] * 30}), schema)
