"""Rows of `mock` keep the schema that made them, whatever makes their cells; what cannot be kept is a named error."""

from __future__ import annotations

import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import ConstraintError, SchemaError, TabsynthError
from tabsynth.schema.files import parse_schema
from tabsynth.schema.validate import validate_tables

PARENT_AND_CHILD = """
tables:
  p: {{primary_key: [id], columns: {{id: {parent}}}}}
  c: {{columns: {{fk: {child}, x: {{type: boolean}}}}{rest}}}
relationships: [{{parent: p, parent_key: [id], child: c, child_key: [fk]{children}}}]
"""


def made(text: str, rows: int = 200) -> dict[str, pd.DataFrame]:
    schema = parse_schema(text)
    rows_of = ts.mock(schema, rows=rows, seed=8)
    frames: dict[str, pd.DataFrame] = rows_of if isinstance(rows_of, dict) else {schema.only_name: rows_of}
    found = [v.message for one in validate_tables(frames, schema).values() for v in one.violations]
    assert found == []
    return frames


def one(columns: str, rest: str = "", rows: int = 200) -> pd.DataFrame:
    return made(f"tables: {{t: {{columns: {{{columns}}}{rest}}}}}", rows)["t"]


def linked(parent: str, child: str, rest: str = "", children: str = "", rows: int = 200) -> dict[str, pd.DataFrame]:
    return made(PARENT_AND_CHILD.format(parent=parent, child=child, rest=rest, children=children), rows)


@pytest.mark.parametrize(
    ("columns", "rest"),
    [
        ("a: {type: integer, lower: 9007199254740992, upper: 9007199254740995}", ""),
        ("a: {type: integer, lower: 1, upper: 9223372036854775807}", ""),
        ("a: {type: integer, lower: 0, distribution: {type: poisson, mean: 1.0e+13}}", ""),
        ("a: {type: integer, nullable: false, missing_values: ['99'], lower: 95, upper: 100}", ""),
        ("a: {type: datetime, resolution: month, lower: '2024-03-30T22:30:00', upper: '2024-05-01'}", ""),
        ("a: {type: datetime, resolution: year, lower: '2021-06-01', upper: '2024-01-01'}", ""),
        ("a: {type: datetime, format: '%Y-%m-%d %H:%M:%S%z', lower: '2020-01-01', upper: '2024-01-01'}", ""),
        ("a: {type: number, decimals: 3, lower: 0, upper: 1}, b: {type: number, decimals: 1, lower: 0, upper: 1, "
         "distribution: {type: copy, column: a}}", ""),
        ("a: {type: datetime, format: '%Y-%m-%d', lower: '2020-01-01', upper: '2020-01-04'}, b: {type: datetime, "
         "format: '%Y-%m-%d', lower: '2020-01-01', upper: '2020-01-04'}",
         ", constraints: [{type: inequality, low: a, high: b, strict: true}]"),
    ],
)  # fmt: skip
def test_cells_keep_the_declaration_of_their_column(columns: str, rest: str) -> None:
    """At the ends of what numbers hold, between the steps of dates, and as the format writes them."""
    one(columns, rest)


@pytest.mark.parametrize(
    ("columns", "rest", "kind", "message"),
    [
        ("a: {type: integer, lower: 50, upper: 90}, b: {type: integer, lower: 0, upper: 9, distribution: {type: copy, "
         "column: a}}", "", ConstraintError, "bounds of b"),
        ("a: {type: integer, lower: 1, upper: 9, distribution: {type: sequence}}", "", ConstraintError, "bounds of a"),
        ("a: {type: integer, lower: 0, upper: 90}, b: {type: number, upper: 1, distribution: {type: formula, "
         "expression: a * 2}}", "", ConstraintError, "bounds of b"),
        ("a: {type: identifier, pattern: 'A[0-9]{5}'}", ", constraints: [{type: regex, column: a, pattern: "
         "'B[0-9]{5}'}]", ConstraintError, "regex and pattern of a"),
        ("a: {type: datetime, resolution: month, distribution: {type: constant, value: '2024-05-07'}}", "",
         ConstraintError, "resolution of a"),
        ("a: {type: categorical, categories: ['', x]}", "", SchemaError, "entry 1 is empty"),
        ("a: {type: boolean, labels: ['no', 'N/A'], missing_values: ['N/A']}", "", SchemaError, "entry 2 is in miss"),
        ("a: {type: identifier, missing: 0.1}", ", primary_key: [a]", SchemaError, "leaves cells of it empty"),
        ("a: {type: datetime, format: '%d/%m/%y', lower: '2020-01-01', upper: '2101-01-01'}", "", SchemaError, "%Y"),
        ("a: {type: number, decimals: 1, lower: 0.01, upper: 0.04}", "", SchemaError, "no value of its decimals"),
        ("a: {type: datetime, resolution: year, lower: '2024-02-01', upper: '2024-03-01'}", "", SchemaError,
         "no value of its resolution"),
        ("a: {type: categorical, categories: [x]}, b: {type: integer, distribution: {type: copy, column: a}}", "",
         SchemaError, "copies 'a'"),
        ("a: {type: identifier}", ", entity_key: a, rows_per_entity: {type: constant, value: 0}", SchemaError,
         "from 1 on"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_named(columns: str, rest: str, kind: type[TabsynthError], message: str) -> None:
    """Copies, formulas, sequences, constants and spellings that a column does not allow."""
    with pytest.raises(kind, match=message):
        one(columns, rest)


def test_keys_are_of_the_kind_of_their_column() -> None:
    """Numbers, texts of digits in a column of numbers, and rows that point to earlier ones by number."""
    linked("{type: integer, nullable: false, lower: 1, upper: 100000}", "{type: integer}")
    frames = linked("{type: identifier, pattern: '[1-9][0-9]{5}'}", "{type: integer}")
    assert frames["c"]["fk"].dtype.kind == "i"
    with pytest.raises(SchemaError, match=r"c\.fk to p\.id: keys of type identifier cannot be written as integer"):
        linked("{type: identifier}", "{type: integer}")
    made(
        "tables: {a: {primary_key: [id], columns: {id: {type: integer, lower: 1, distribution: {type: sequence}}, "
        "boss: {type: integer}}}}\nrelationships: [{parent: a, parent_key: [id], child: a, child_key: [boss]}]"
    )


def test_keys_are_written_as_their_column_says() -> None:
    """The same key in another pattern, as between fitted tables; patterns that have no room for it are refused."""
    schema = PARENT_AND_CHILD.format(
        parent="{type: identifier, pattern: 'MRN-[0-9]{6}'}", child="{type: identifier, pattern: '[0-9]{6}'}", rest="",
        children="",
    )  # fmt: skip
    frames = ts.mock(parse_schema(schema), rows=50, seed=1)
    assert set("MRN-" + frames["c"]["fk"]) <= set(frames["p"]["id"])
    with pytest.raises(SchemaError, match="as many open places"):
        linked("{type: identifier, pattern: 'MRN-[0-9]{6}'}", "{type: identifier, pattern: '[0-9]{4}'}")


def test_keys_that_rows_point_to_are_unique_though_no_primary_key_is_declared() -> None:
    """Else a child has two parents."""
    frames = made(
        "tables: {p: {columns: {id: {type: identifier, pattern: '[0-9]{4}'}}}, c: {columns: {fk: {type: identifier}}}}"
        "\nrelationships: [{parent: p, parent_key: [id], child: c, child_key: [fk]}]",
        rows=2000,
    )
    assert frames["p"]["id"].is_unique


LINKS = {
    "order": "{parent: o, parent_key: [k], child: line, child_key: [o]}",
    "offer": "{parent: offer, parent_key: [p, s], child: line, child_key: [p, s]}",
    "part": "{parent: part, parent_key: [k], child: line, child_key: [p]}",
    "supplier": "{parent: supplier, parent_key: [k], child: line, child_key: [s]}",
}


@pytest.mark.parametrize("order", [["order", "offer", "part", "supplier"], ["part", "order", "supplier", "offer"]])
def test_many_to_many(order: list[str]) -> None:
    """A table whose key is two keys, and one that points to it and to both, in whatever order they are listed."""
    key = "{primary_key: [k], columns: {k: {type: identifier}}}"
    frames = made(
        f"tables: {{part: {key}, supplier: {key}, o: {key}, offer: {{primary_key: [p, s], columns: {{p: {{type: "
        "identifier}, s: {type: identifier}}}, line: {columns: {o: {type: identifier}, p: {type: identifier}, s: "
        "{type: identifier}}}}\nrelationships:\n- {parent: part, parent_key: [k], child: offer, child_key: [p]}\n"
        "- {parent: supplier, parent_key: [k], child: offer, child_key: [s]}\n"
        + "".join(f"- {LINKS[name]}\n" for name in order),
        rows=30,
    )
    assert len(frames["offer"]) > 40


def test_a_column_that_points_to_two_tables_is_refused() -> None:
    """Without data nothing says which keys both have."""
    key = "{primary_key: [k], columns: {k: {type: identifier}}}"
    with pytest.raises(SchemaError, match="relationship 2: f of c points to p already, and cannot point to q as well"):
        made(
            f"tables: {{p: {key}, q: {key}, c: {{columns: {{f: {{type: identifier}}}}}}}}\nrelationships:\n"
            "- {parent: p, parent_key: [k], child: c, child_key: [f]}\n"
            "- {parent: q, parent_key: [k], child: c, child_key: [f]}\n"
        )
