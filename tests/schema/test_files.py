"""Schema files: what is read, what is refused and how, what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabsynth.errors import OutputError, SchemaError, UsageError
from tabsynth.schema.columns import (
    Boolean,
    Categorical,
    DateTime,
    Identifier,
    Integer,
    Number,
    Ordinal,
    Provenance,
    Role,
    Text,
)
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import (
    Conditional,
    FixedCombinations,
    FixedNulls,
    Formula,
    Inequality,
    Regex,
    SumTo,
    Unique,
)
from tabsynth.schema.documents import read_json, read_yaml, resolve_plain
from tabsynth.schema.files import format_schema, json_schema, load_schema, parse_schema, save_schema
from tabsynth.schema.model import Privacy, Relationship, Schema, Table, Unit

FOLDER = Path(__file__).parents[2] / "schemas"


def column(text: str) -> str:
    """A schema file with one column `a`, written on line 5."""
    return f"format: 1\ntables:\n  t:\n    columns:\n      a: {text}\n"


def errors(text: str, source: str = "schema.yaml") -> list[str]:
    """The lines of the error that reading the text raises, without the file's name."""
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, source=source)
    lines = str(caught.value).split("\n")
    return [line.removeprefix(f"{source}:") for line in (lines if len(lines) == 1 else lines[1:])]


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{type: integer, lower: 5, upper: 1}", "lower is above upper; swap them"),
        ("{type: integer, uper: 1}", "unknown key 'uper' (did you mean 'upper'?)"),
        (
            "{type: boolean, zzz: 1}",
            "unknown key 'zzz'; known here: role, nullable, missing_values, treatment, description, distribution, "
            "missing, question, provenance, extra, "
            "type, labels",
        ),
        (
            "{type: numeric}",
            "is of an unknown type (did you mean 'number'?); choose from: identifier, categorical, ordinal, boolean, "
            "integer, number, datetime, text",
        ),
        (
            "{lower: 1}",
            "has no type; choose from: identifier, categorical, ordinal, boolean, integer, number, datetime, text",
        ),
        ("integer", "must be a mapping of keys to values"),
        ("{type: ordinal}", "lacks the key 'categories'"),
        ("{type: datetime, lower: 2021-01-01, upper: 2020-01-01}", "lower is above upper; swap them"),
    ],
)
def test_errors_of_a_column_name_file_line_place_and_remedy(text: str, message: str) -> None:
    """The whole line, as it is printed."""
    assert errors(column(text)) == [f"5: tables.t.columns.a: {message}"]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "{type: integer, lower: x}",
            "lower",
            "must be a whole number, in digits and without quotes (100000, not 1e5)",
        ),
        ("{type: integer, lower: 1.5}", "lower", "must be a whole number"),
        ("{type: integer, lower: ~}", None, None),
        ("{type: number, lower: 1e5}", "lower", "must be a number, in digits and without quotes (100000, not 1e5)"),
        ("{type: number, lower: .inf}", "lower", "must be a finite number"),
        ("{type: number, decimals: -1}", "decimals", "must be at least 0"),
        ("{type: number, decimals: 16}", "decimals", "must be at most 15"),
        ("{type: integer, unit: 5}", "unit", "must be text; put it in quotes"),
        (
            "{type: integer, missing_values: [NO]}",
            "missing_values.1",
            "must be text; YAML reads NO, YES, on and off as true or false: put it in quotes",
        ),
        ("{type: integer, missing_values: x}", "missing_values", "must be a list in square brackets"),
        ("{type: integer, missing_values: ~}", "missing_values", "is empty; give a value, or delete the line"),
        ("{type: integer, nullable: 5}", "nullable", "must be true or false"),
        (
            "{type: integer, role: key}",
            "role",
            "must be 'none', 'direct-identifier', 'quasi-identifier', 'sensitive' or 'target'",
        ),
        (
            "{type: categorical, categories: [NO, YES]}",
            "categories",
            'holds true/false; YAML reads NO, YES, on and off so: put them in quotes, as in ["NO", "YES"]',
        ),
        ("{type: categorical, categories: [a, ~]}", "categories.2", "is empty; give a value, or delete the line"),
        ("{type: categorical, categories: [a, [b]]}", "categories.2", "must be text or a number"),
        ("{type: ordinal, categories: []}", "categories", "has too few entries; it needs at least 1"),
        ("{type: boolean, labels: [a]}", "labels", "has too few entries"),
        ("{type: boolean, labels: [a, b, c]}", "labels", "has too many entries; it takes at most 2"),
        ("{type: boolean, labels: [a, a]}", "labels", "labels spells true like false; give two different texts"),
        ("{type: datetime, format: 5}", "format", "must be text or a list in square brackets; put it in quotes"),
        (
            "{type: datetime, format: '%Q'}",
            "format",
            "must hold strptime directives that make a date or time, such as %Y-%m-%d",
        ),
        (
            "{type: datetime, time_zone: Paris}",
            "time_zone",
            "is no IANA time zone; write one such as Europe/Paris or UTC",
        ),
        (
            "{type: integer, provenance: {lower: date}}",
            "provenance.lower",
            "must be 'declared', 'public', 'data' or 'dp'",
        ),
        ("{type: integer, provenance: {low: data}}", "provenance", "names no field of this column: low"),
    ],
)
def test_errors_of_a_field_are_sentences(text: str, place: str | None, message: str | None) -> None:
    """Every fault of a field is told in plain words, once, at the field."""
    if message is None:
        parse_schema(column(text))
    else:
        assert errors(column(text)) == [f"5: tables.t.columns.a.{place}: {message}"]


def test_all_errors_come_at_once_in_the_order_of_the_file() -> None:
    """Fields, duplicate keys, names that point nowhere and wrong constraints are in one list."""
    text = """\
format: 1
tables:
  t:
    primary_key: [idd]
    columns:
      id: {type: identifier}
      id: {type: integer}
      age: {type: integer, lower: 5, upper: 1}
      "date of birth":
        type: datetime
        uper: 2020-01-01
    constraints:
      - {type: inequality, low: age, high: aeg}
      - {type: formula, column: age, expression: "import os"}
      - {type: inequal}
      - type: conditional
        if: [{column: age, low: 1}]
        then: []
relationships:
  - {parent: t, parent_key: [nr], child: u, child_key: [id]}
privacy:
  unit: {table: t, key: perso}
  epsilon: -1
tabels: {}
"""
    assert errors(text) == [
        "4: tables.t.primary_key: names no column of this schema: 'idd' (did you mean 'id'?)",
        "7: tables.t.columns: duplicate key 'id', first on line 6; keep one",
        "8: tables.t.columns.age: lower is above upper; swap them",
        "11: tables.t.columns.'date of birth': unknown key 'uper' (did you mean 'upper'?)",
        "13: tables.t.constraints.1: names no column of this schema: 'aeg' (did you mean 'age'?)",
        "14: tables.t.constraints.2: formula, character 8: an operator is missing before this",
        "15: tables.t.constraints.3: is of an unknown type (did you mean 'inequality'?); choose from: "
        "inequality, chained_inequality, range, fixed_combinations, one_hot, formula, unique, regex, conditional, "
        "fixed_nulls, sum_to",
        "17: tables.t.constraints.4.if.1: unknown key 'low' (did you mean 'lower'?)",
        "18: tables.t.constraints.4.then: has too few entries; it needs at least 1",
        "20: relationships.1.parent_key: names no column of this schema: 'nr'",
        "20: relationships.1.child: names no table of this schema: 'u'",
        "22: privacy.unit.key: names no column of this schema: 'perso'",
        "23: privacy.epsilon: must be above 0",
        "24: unknown key 'tabels' (did you mean 'tables'?)",
    ]


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("rows", "6: privacy.unit: must be a mapping of keys to values or 'row'"),
        ("{table: t}", "6: privacy.unit: lacks the key 'key'"),
        ("{table: u, key: a}", "6: privacy.unit.table: names no table of this schema: 'u'"),
    ],
)
def test_a_choice_between_two_forms_is_told_as_one_error(unit: str, message: str) -> None:
    """Only the form that was meant is spoken of."""
    assert errors(f"{column('{type: integer}')}privacy: {{unit: {unit}}}\n") == [message]


SECRET = "Jane-Doe-1970"


@pytest.mark.parametrize(
    "text",
    [
        column(f"{{type: integer, lower: {SECRET}}}"),
        column(f"{{type: {SECRET}}}"),
        column(f"{{type: datetime, lower: {SECRET}, upper: {SECRET}}}"),
        column(f"{{type: boolean, labels: [{SECRET}, {SECRET}]}}"),
        column(f"{{type: categorical, categories: [{SECRET}, {SECRET}]}}"),
        column(f"{{type: number, role: {SECRET}, decimals: {SECRET}, decimal_mark: {SECRET}}}"),
        f"format: {SECRET}",
        f"tables: %{SECRET}",
        f"{SECRET}: [",
        f"- {SECRET}",
        f"a: {SECRET}: {SECRET}",
        f'{{"tables": {{"t": {{"columns": {{"a": {{"type": "{SECRET}"}}}}}}}}}}',
        f'{{"tables" "{SECRET}"}}',
    ],
)
@pytest.mark.parametrize("source", ["schema.yaml", "schema.json"])
def test_no_message_holds_a_value_of_the_file(text: str, source: str) -> None:
    """What stands in a field stays out of the error."""
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, source=source)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "schema.yaml: is empty; a schema begins with `tables:`"),
        ("# only a remark\n", "schema.yaml: is empty; a schema begins with `tables:`"),
        ("- a\n", "schema.yaml:1: must be a mapping; a schema begins with `tables:`"),
        ("words", "schema.yaml:1: must be a mapping; a schema begins with `tables:`"),
        ("format: 2\nx: 1", "schema.yaml:1: format: format 2 is unknown; this version of tabsynth reads format 1"),
        ("a: 1\nformat: 'one'", "schema.yaml:2: format: must be a number; this version of tabsynth reads format 1"),
        ("format: yes", "schema.yaml:1: format: must be a number; this version of tabsynth reads format 1"),
        ("a: 1\n---\nb: 1", "schema.yaml:2: a second document begins; keep one schema in a file"),
        ("a: *b", "schema.yaml:1: an alias names an anchor that is not defined above it"),
        ("a: &a [*a]", "schema.yaml:1: an alias names an anchor that is not defined above it"),
        ("? [a]\n: 1", "schema.yaml:1: a key is no plain text; write `name: value`"),
        ("[" * 4000, "schema.yaml:1: is nested more than 50 levels deep; a schema needs ten"),
        ("a: \x01", "schema.yaml: is no valid YAML (it holds control characters); write them as escapes"),
    ],
)
def test_files_that_are_no_schema_at_all(text: str, message: str) -> None:
    """Each has its own message, and nothing is read on."""
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, source="schema.yaml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a: [1", "2:1", "is no valid YAML"),
        ("a: 1\nb: c: d", "2:5", "is no valid YAML"),
        ("a:\n\tb: 1", "2:1", "indent with blanks, not tabs"),
        ("a: %Y", "1:4", "put the value in quotes"),
    ],
)
def test_broken_yaml_names_line_column_and_remedy(text: str, place: str, hint: str) -> None:
    """Where the text stops making sense, and what the usual cause is."""
    (line,) = errors(text)
    assert line.startswith(f"{place}: ") and hint in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'schema.json: is empty; a schema begins with {"tables": ...'),
        ('{"a": 1,\n}', "schema.json:2:1: is no valid JSON (a key must be text in double quotes)"),
        ('{"a"\n1}', "schema.json:2:1: is no valid JSON (a colon is missing after a key)"),
        ('{"a": [1 2]}', "schema.json:1:10: is no valid JSON (a comma or ] is missing)"),
        ('{"a": tru}', "schema.json:1:7: is no valid JSON (expecting value)"),
        ('{"a": NaN}', "schema.json:1:7: is no valid JSON (the word NaN is no number in JSON)"),
        ('{"a": "\\ud800"}', "schema.json:1:7: is no valid JSON (half of a surrogate pair)"),
        ('{"a": 1}\n x', "schema.json:2:2: is no valid JSON (extra text after the end)"),
        ("[" * 100_000, "schema.json:1: is nested more than 50 levels deep; a schema needs ten"),
    ],
)
def test_broken_json_names_line_and_column(text: str, message: str) -> None:
    """JSON is read by its own rules, with positions."""
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, source="schema.json")
    assert str(caught.value) == message


def test_json_has_the_same_errors_with_lines() -> None:
    """Tabs, duplicate keys and wrong fields in a JSON file."""
    text = '{"tables": {"t": {"columns": {\n\t"a": {"type": "integer", "lower": "5"},\n\t"a": {"type": "text"}}}}}'
    assert errors(text, "schema.json") == [
        "2: tables.t.columns.a.lower: must be a whole number, in digits and without quotes (100000, not 1e5)",
        "3: tables.t.columns: duplicate key 'a', first on line 2; keep one",
    ]


def test_aliases_may_be_used_but_not_to_grow_without_end() -> None:
    """A repeated list is fine; lists of lists of lists are refused in no time."""
    text = column("{type: categorical, categories: &codes [x, y]}") + "      b: {type: categorical, categories: *codes}"
    table = parse_schema(text).only_table
    assert table.columns["a"] == table.columns["b"]
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    with pytest.raises(SchemaError, match="holds more than 2,000,000 values"):
        parse_schema(bomb)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!foo", "!!binary", "!!timestamp", "!!omap"])
def test_tags_are_refused(tag: str) -> None:
    """No tag makes an object, and each is told with its line."""
    found = errors(column(f"{{type: integer, unit: {tag} ['x']}}"))
    assert found[0] == "5: tables.t.columns.a.unit: YAML tags (!name) are not read; delete the tag"


def test_merge_keys_are_refused() -> None:
    """`<<` would hide where a value comes from; in quotes it is a column like any other."""
    assert errors(column("{type: integer}") + "      <<: {b: {type: text}}\n") == [
        "6: tables.t.columns: merge keys (<<) are not read; write the keys out"
    ]
    assert "<<" in parse_schema(column("{type: integer}") + "      '<<': {type: text}\n").only_table.columns


# --- what is read ----------------------------------------------------------------------------------------------------


NAMES = ["no", "on", "1", "1.50", "010", "2020-01-01", "12:30", "~", "null", "0x1F", "1e5", "true", "=", "a b", "ä"]


@pytest.mark.parametrize("quoted", [False, True])
def test_names_of_columns_are_their_text(quoted: bool) -> None:
    """No name is taken for a number, date or truth value."""
    names = [json.dumps(name) if quoted else name for name in NAMES]
    text = "tables:\n  t:\n    columns:\n" + "".join(f"      {name}: {{type: integer}}\n" for name in names)
    assert list(parse_schema(text).only_table.columns) == NAMES


@pytest.mark.parametrize(
    "text", ["2020-01-01", "12:30", "1:30:05", "010", "1_000", "1e5", "0x1F", "0o7", "1.2.3", "+", "."]
)
def test_values_that_only_look_like_numbers_stay_text(text: str) -> None:
    """Dates, times and codes are not turned into numbers; so `categories` keeps them as they are."""
    assert resolve_plain(text) == text
    assert parse_schema(column(f"{{type: categorical, categories: [{text}]}}")).only_table.columns["a"].categories == (  # type: ignore[union-attr]
        text,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("~", None),
        ("", None),
        ("off", False),
    ],
)
def test_values_that_are_numbers(text: str, value: Any) -> None:
    """What everybody takes for a number, a gap or a truth value is one."""
    assert resolve_plain(text) == value and type(resolve_plain(text)) is type(value)


def test_bounds_of_datetimes_need_no_quotes() -> None:
    """A YAML date is the text that was written."""
    read = parse_schema(column("{type: datetime, lower: 2020-01-01, upper: 2020-01-01T12:30:00}"))
    assert read == parse_schema(column('{type: datetime, lower: "2020-01-01", upper: "2020-01-01T12:30:00"}'))


def test_the_same_schema_in_yaml_and_json() -> None:
    """Both forms give one schema; text that is a JSON object is read as one whatever its source."""
    text = '{"format": 1, "tables": {"t": {"columns": {\n\t"a": {"type": "number", "lower": 1e2}}}}}'
    assert parse_schema(text) == parse_schema(column("{type: number, lower: 100}"))
    assert parse_schema("{tables: {t: {columns: {a: {type: number, lower: 100}}}}}") == parse_schema(text)


def test_files_with_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    """What Windows editors write is read."""
    path = tmp_path / "schema.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + column("{type: integer}").replace("\n", "\r\n").encode())
    assert load_schema(path) == parse_schema(column("{type: integer}"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8: each says so."""
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema(tmp_path / "none.yaml")
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema(tmp_path)
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"format: 1\nname: caf\xe9\n")
    with pytest.raises(SchemaError, match=r"latin\.yaml:2: is no UTF-8 text"):
        load_schema(path)


@given(st.text(max_size=60) | st.text(alphabet="{}[]:,-?&*!|>'\"%@#ab1 \n\t", max_size=40))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    """No text makes the readers fail in another way than a SchemaError."""
    for read in (read_yaml, read_json):
        try:
            root, _ = read(text, source="s")
        except SchemaError:
            continue
        root.plain()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
        max_leaves=10,
    )
)
def test_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    """Values, escapes and numbers are those of `json.loads`."""
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert read_json(text, source="s")[0].plain() == value


# --- what is written -------------------------------------------------------------------------------------------------

EVERYTHING = Schema(
    name="all",
    description="every key\nof the format",
    tables={
        "people": Table(
            description="one row each",
            columns={
                "id": Identifier(pattern="P[0-9]{4}", nullable=False),
                "no": Categorical(categories=("NO", "1e5", "2020-01-01", "010", "~", ""), rare_label="other"),
                "codes": Categorical(categories=tuple(f"code {i}" for i in range(40))),
                "1": Ordinal(categories=(1, 2.5), role=Role.SENSITIVE, question="in this order?"),
                "smoker": Boolean(labels=("No", "Yes"), missing_values=("?", "N/A")),
                "age": Integer(lower=0, upper=120, unit="years", provenance={"upper": Provenance.PUBLIC}),
                "weight": Number(lower=0.0, upper=1e20, decimals=2, decimal_mark=",", extra={"x": [1, {"y": None}]}),
                "born": DateTime(format=("%d/%m/%Y", "%Y"), resolution="day", lower="1900-01-01"),
                "seen": DateTime(time_zone="Europe/Paris", description="ü: 'a' \"b\" # c"),
                "note": Text(fill="drop", max_length=80),
            },
            primary_key=("id",),
            entity_key="id",
            order_by=("born", "seen"),
            constraints=(
                Inequality(low="born", high="seen", strict=True, name="birth comes first"),
                FixedCombinations(columns=("no", "1"), combinations=(("NO", 1), (None, 2.5))),
                Formula(column="weight", expression="age * 2", tolerance=0.01),
                Unique(columns=("age", "weight")),
                Regex(column="note", pattern="[a-z]+"),
                Conditional(
                    if_=(Condition(column="age", upper=12, upper_strict=True),),
                    then=(Condition(column="smoker", one_of=(False,)), Condition(column="note", missing=True)),
                ),
                FixedNulls(columns=("age", "weight"), patterns=((True, True), (False, False))),
                SumTo(columns=("age", "weight"), total=5.0),
            ),
        ),
        "visits": Table(columns={"person": Identifier(), "day": DateTime()}),
    },
    relationships=(Relationship(parent="people", parent_key=("id",), child="visits", child_key=("person",)),),
    privacy=Privacy(unit=Unit(table="people", key="id", max_rows=5), epsilon=1.0, delta=1e-7),
    extra={"other tool": {"1": True}},
)


@pytest.mark.parametrize("style", ["yaml", "json"])
def test_every_key_comes_back(style: Any) -> None:
    """A schema that uses all of the format survives writing and reading."""
    assert parse_schema(format_schema(EVERYTHING, style=style)) == EVERYTHING


def test_other_yaml_readers_agree() -> None:
    """PyYAML reads the values that we meant, so that no quotes are missing."""
    text = format_schema(EVERYTHING)
    assert yaml.safe_load(text) == read_yaml(text, source="s")[0].plain()


def test_the_written_form_is_readable() -> None:
    """Type first, defaults left out, order kept, short lists on a line, keys of the table before its columns."""
    schema = Schema(
        name="clinic",
        tables={
            "patients": Table(
                columns={
                    "zip": Categorical(categories=("01", "02"), role=Role.QUASI_IDENTIFIER),
                    "age": Integer(upper=90, provenance={"upper": Provenance.DATA}),
                    "weight": Number(lower=2.0, upper=250.5),
                },
                primary_key=("zip", "age"),
                constraints=(Inequality(low="age", high="weight"),),
            )
        },
    )
    assert (
        format_schema(schema)
        == """\
format: 1
name: clinic
tables:
  patients:
    primary_key: [zip, age]
    columns:
      zip:
        type: categorical
        role: quasi-identifier
        categories: ['01', '02']
      age:
        type: integer
        provenance: {upper: data}
        upper: 90
      weight:
        type: number
        lower: 2
        upper: 250.5
    constraints:
      - type: inequality
        low: age
        high: weight
"""
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(NAMES)
COLUMNS = st.one_of(
    st.builds(Identifier, description=TEXTS, extra=st.dictionaries(TEXTS, TEXTS, max_size=2)),
    st.builds(Categorical, categories=st.lists(TEXTS, min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(Ordinal, categories=st.lists(st.integers(), min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(Integer, lower=st.none() | st.integers(), missing_values=st.lists(TEXTS, max_size=2).map(tuple)),
    st.builds(Number, upper=st.none() | st.floats(allow_nan=False, allow_infinity=False), unit=TEXTS),
    st.builds(DateTime, lower=st.dates().map(str), nullable=st.booleans()),
    st.builds(Text, question=TEXTS),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(TEXTS, COLUMNS, min_size=1, max_size=4), TEXTS, TEXTS)
def test_any_schema_comes_back(columns: Any, table: str, name: str) -> None:
    """Whatever names, texts and numbers a schema holds, both forms give it back, value types included."""
    schema = Schema(name=name, tables={table: Table(columns=columns)})
    for style in ("yaml", "json"):
        again = parse_schema(format_schema(schema, style=style))  # type: ignore[arg-type]
        assert again.model_dump_json() == schema.model_dump_json()
        assert list(again.tables[table].columns) == list(columns)


def test_saving_by_suffix(tmp_path: Path) -> None:
    """The ending decides the form; any other ending is refused, and nothing is half written."""
    for suffix in (".yaml", ".yml", ".json"):
        save_schema(EVERYTHING, tmp_path / f"schema{suffix}")
        assert load_schema(tmp_path / f"schema{suffix}") == EVERYTHING
    assert (tmp_path / "schema.yaml").read_text("utf-8") == (tmp_path / "schema.yml").read_text("utf-8")
    json.loads((tmp_path / "schema.json").read_text("utf-8"))
    with pytest.raises(UsageError, match=r"ends in \.yaml, \.yml or \.json"):
        save_schema(EVERYTHING, tmp_path / "schema.txt")
    with pytest.raises(OutputError, match="no such folder"):
        save_schema(EVERYTHING, tmp_path / "none" / "schema.yaml")
    assert len(list(tmp_path.iterdir())) == 3


def test_the_ready_schemas_load() -> None:
    """Every schema file of the project is valid, and survives being written."""
    paths = sorted(FOLDER.glob("*.yaml"))
    assert paths
    for path in paths:
        schema = load_schema(path)
        assert parse_schema(format_schema(schema)) == schema


# --- JSON Schema -----------------------------------------------------------------------------------------------------


def test_the_json_schema_in_the_project_is_the_current_one() -> None:
    """It is generated, never edited: `tabsynth schema --json-schema` writes it."""
    assert json.loads((FOLDER / "tabsynth.schema.json").read_text("utf-8")) == json_schema()


def test_the_json_schema_accepts_what_we_write_and_refuses_what_we_refuse() -> None:
    """Editors that use it agree with `parse_schema`."""
    definition = json_schema()
    jsonschema.Draft202012Validator.check_schema(definition)
    validator = jsonschema.Draft202012Validator(definition)
    validator.validate(json.loads(format_schema(EVERYTHING, style="json")))
    for path in FOLDER.glob("*.yaml"):
        validator.validate(read_yaml(path.read_text("utf-8"), source="s")[0].plain())
    for wrong in ("{type: integer, lower: x}", "{type: integer, foo: 1}", "{type: nothing}", "{type: ordinal}"):
        assert not validator.is_valid(read_yaml(column(wrong), source="s")[0].plain())


def test_the_json_schema_describes_every_field_that_the_model_describes() -> None:
    """Descriptions of fields reach the editor, those of inherited fields too."""
    definition = json_schema()
    assert definition["$id"] == "urn:tabsynth:schema:1"
    integer = definition["$defs"]["Integer"]
    assert integer["description"] == "Whole numbers."
    assert integer["properties"]["nullable"]["description"] == "Whether a cell may be empty."
    assert definition["$defs"]["Unit"]["properties"]["max_rows"]["description"].startswith("Rows that one unit")
    assert "description" in definition["$defs"]["Condition"]["properties"]["one_of"]
