"""Arguments and options that several commands share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tabsynth.errors import UsageError

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result, or the error, as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks. They may show data values.")]
Seed = Annotated[
    int | None, typer.Option(help="Whole number; the same seed gives the same bytes. Drawn when left out.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is not empty.")]
TableName = Annotated[str | None, typer.Option("--table", help="Which table of a schema with several.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Field separator of text tables, such as ';'. Default: by the file's suffix.")
]
Encoding = Annotated[str, typer.Option(help="Encoding of text tables, such as latin-1.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the generator; may be repeated.")
]
GeneratorName = Annotated[
    str | None,
    typer.Option(
        "--generator",
        "-g",
        help="How to make rows; 'tabsynth generators' lists them. Default: auto, or a private one where the schema "
        "states a privacy budget.",
    ),
]
Given = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="What rows must be: 'sex=F', 'age>=65', 'state in NY,NJ', 'income is missing'; may be repeated.",
    ),
]
Parents = Annotated[
    list[str] | None,
    typer.Option(
        "--parent",
        metavar="TABLE=FILE",
        help="Synthetic rows of a table that the schema's relationships point to, so that keys join; may be repeated.",
    ),
]
SchemaFile = Annotated[
    Path, typer.Argument(metavar="SCHEMA", help="Schema file (YAML or JSON; SDV metadata is read, too).")
]
DataFile = Annotated[
    Path, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet, also .gz or .zst; - reads CSV from standard input.")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="Limits to judge by (YAML). Default: the built-in policy.")
]

Level = Annotated[
    str,
    typer.Option(
        help="quick (no classifiers, no attacks), standard, or deep (also shadow models and audits of "
        "privacy claims; runs the generator dozens of times); limits that were not asked stay open."
    ),
]
Shadows = Annotated[
    int | None, typer.Option(help="Shadow models of --level deep, at least 8. Default: 32, or 16 of a large table.")
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        help="Seconds after which --level deep begins no further shadow model or audit run; the report "
        "then hangs on the speed of the machine. Default: no limit."
    ),
]
ContextFile = Annotated[
    Path | None,
    typer.Option("--context", help="YAML file: purpose, recipients, environment, controls, ... Default: not stated."),
]
WithPdf = Annotated[
    bool | None, typer.Option("--pdf/--no-pdf", help="Also write PDFs. Default: where WeasyPrint is installed.")
]


def read_parents(texts: list[str] | None) -> dict[str, Path]:
    """Files by table from `TABLE=FILE` texts."""
    found: dict[str, Path] = {}
    for text in texts or []:
        table, equals, file = text.partition("=")
        if not equals or not table.strip() or not file.strip():
            raise UsageError("--parent: write TABLE=FILE, such as patients=out/patients/synthetic.csv")
        found[table.strip()] = Path(file.strip())
    return found


def read_parameters(sets: list[str] | None) -> dict[str, Any]:
    """Parameters from `key=value` texts; values are read as YAML (5, true, 0.1, fast)."""
    import yaml

    parameters: dict[str, Any] = {}
    for text in sets or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError("--set: write KEY=VALUE, such as min_people=20")
        try:
            parameters[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {key.strip()}: the value cannot be read; put quotes around text") from None
    return parameters
