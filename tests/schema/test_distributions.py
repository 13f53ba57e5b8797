"""Declared distributions in schema files: round trips, and errors that name the place and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabsynth.errors import SchemaError
from tabsynth.schema.code_lists import code_list_names, read_code_list
from tabsynth.schema.files import format_schema, load_schema, parse_schema

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").glob("*.yaml"))


def table(columns: str, rest: str = "") -> str:
    return f"tables: {{t: {{columns: {{{columns}}}{rest}}}}}"


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
@pytest.mark.parametrize("style", ["yaml", "json"])
def test_ready_schemas_come_back(path: Path, style: str) -> None:
    """What is written reads back to the same schema."""
    schema = load_schema(path)
    assert parse_schema(format_schema(schema, style=style)) == schema  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            table("x: {type: integer, lower: 0, upper: 120, distribution: {type: normal, mean: 500, sd: 9}}"),
            "next to nothing of it lies between lower and upper",
        ),
        (
            table("x: {type: integer, lower: 0, upper: 9, distribution: {type: uniform, lower: 20, upper: 30}}"),
            "next to nothing",
        ),
        (table("x: {type: integer, lower: 0, upper: 9, distribution: {type: poisson, mean: 400}}"), "next to nothing"),
        (
            table("x: {type: number, lower: 0, upper: 9, distribution: {type: lognormal, median: 90000, sigma: 1}}"),
            "next to nothing",
        ),
        (table("x: {type: number, upper: -1, distribution: {type: gamma, shape: 1, scale: 1}}"), "next to nothing"),
        (table("x: {type: integer, lower: 0, upper: 9, distribution: {type: constant, value: 10}}"), "next to nothing"),
        (
            table("x: {type: categorical, categories: [a, b], distribution: {type: categorical, weights: {a: 1}}}"),
            "1 category has none",
        ),
        (
            table(
                "x: {type: categorical, categories: [a, b], distribution: {type: categorical, weights: {a: 1, c: 1}}}"
            ),
            "entry 2 is not in categories",
        ),
        (
            table("x: {type: categorical, categories: [a], distribution: {type: categorical, weights: {a: 0}}}"),
            "all weights are 0",
        ),
        (table("x: {type: boolean, distribution: {type: bernoulli, probability: 2}}"), "between 0 and 1"),
        (table("x: {type: number, distribution: {type: normal, mean: 1, sd: 0}}"), "sd must be above 0"),
        (table("x: {type: datetime, distribution: {type: normal, mean: 1, sd: 1}}"), "takes no normal distribution"),
        (table("x: {type: identifier, distribution: {type: uniform}}"), "takes no uniform distribution"),
        (table("x: {type: number, distribution: {type: normal, mean: y +, sd: 1}}"), "formula, character 4"),
        (table("x: {type: number, distribution: {type: normal, mean: y, sd: 1}}"), "'y', which the table has not"),
        (
            table(
                "x: {type: number, distribution: {type: normal, mean: y, sd: 1}}, y: {type: number, distribution: {type: "  # noqa: E501
                "normal, mean: x, sd: 1}}"
            ),
            "circle: x -> y -> x",
        ),
        (table("x: {type: number, distribution: {type: normal, mena: 1, sd: 1}}"), "did you mean 'mean'"),
        (table("x: {type: number, distribution: {type: norml, mean: 1, sd: 1}}"), "did you mean 'normal'"),
        (table("x: {type: number, distribution: {type: normal, mean: p.z, sd: 1}}"), "formula"),
        (table("x: {type: number, distribution: {type: normal, mean: '`p.z`', sd: 1}}"), "do not hang on 'p'"),
        (table("x: {type: number, nullable: false, missing: 0.1}"), "nullable: true"),
        (table("x: {type: number, missing: 1.5}"), "at most 1"),
        (table("x: {type: number}", ", scenarios: [{name: a, share: 1.5, set: {x: 1}}]"), "share is above 1"),
        (
            table(
                "x: {type: number}",
                ", scenarios: [{name: a, share: 0.6, set: {x: 1}}, {name: b, share: 0.6, set: {x: 2}}]",
            ),
            "add up to 1.2",
        ),
        (table("x: {type: number}", ", scenarios: [{name: a, share: 0.6, set: {y: 1}}]"), "'y': the table has not"),
        (
            table("x: {type: number}", ", scenarios: [{name: a, share: 0.6, set: {x: hello}}]"),
            "write a number without quotes",
        ),
        (
            table("x: {type: number, nullable: false}", ", scenarios: [{name: a, share: 0.6, set: {x: null}}]"),
            "may not be empty",
        ),
        (table("x: {type: number}", ", rows_per_entity: {type: poisson, mean: 2}"), "no entity_key"),
        (
            table(
                "x: {type: number}, y: {type: number, distribution: {type: uniform, lower: 0, upper: 1}}",
                ", constraints: [{type: formula, column: y, expression: 2 * x}]",
            ),
            "delete one",
        ),
        (table("x: {type: categorical, code_list: nothing}"), "choose from: encounter-classes"),
        (table("x: {type: categorical, code_list: us-states, categories: [Atlantis]}"), "not in code_list"),
        (table("x: {type: text, fill: template}"), "go together"),
        (table("x: {type: text, fill: template, template: {texts: ['{a}']}}"), "'a', which the table has not"),
        (table("x: {type: text, fill: template, template: {texts: [hi], slots: {a: [b]}}}"), "no text uses the slot"),
    ],
)
def test_errors_name_the_remedy(text: str, message: str) -> None:
    """Every slip of the pen is named, with its place."""
    with pytest.raises(SchemaError, match=message):
        parse_schema(text)


@pytest.mark.parametrize("name", code_list_names())
def test_code_lists_state_their_terms(name: str) -> None:
    """Codes are distinct, weights positive, terms stated."""
    listed = read_code_list(name)
    assert len(set(listed.codes)) == len(listed.codes) <= 60
    assert min(listed.weights) > 0
    assert any(word in listed.terms for word in ("Apache-2.0", "CC0", "public domain"))


def test_a_code_list_gives_public_categories() -> None:
    """They are a closed list from public knowledge, and the file says so when it is written."""
    column = parse_schema(table("x: {type: categorical, code_list: us-states}")).only_table.columns["x"]
    assert len(column.categories) == 51  # type: ignore[union-attr,arg-type]
    assert column.source("categories") == "public"
