"""Commands about schema files: infer, validate, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put, say
from tabsynth.errors import DataError, UsageError
from tabsynth.options import AsJson, DataFile, Debug, Delimiter, Encoding, Quiet, SchemaFile, TableName


@app.command(epilog="Example: tabsynth infer patients.csv -o schema.yaml")
@command
def infer(
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="One table file, or several that belong together.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Schema file to write (.yaml or .json); - prints YAML.")
    ] = Path("-"),
    name: Annotated[str | None, typer.Option(help="Name of the schema.")] = None,
    min_people: Annotated[int, typer.Option(min=1, help="Values that fewer rows share stay out of the schema.")] = 10,
    safe_harbor: Annotated[
        bool,
        typer.Option("--safe-harbor", help="Write the treatments of dates, ages and places too, not as comments."),
    ] = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Propose a schema from data: kinds, keys, roles, bounds. Review it before you use it.

    Columns that hold identifiers of the 18 Safe Harbor classes are named with what the schema does about them: in the
    output, and as comments in a YAML file.
    """
    from tabsynth import checking
    from tabsynth.schema.files import format_schema, save_schema

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        tables = checking.read_tables(data, delimiter=delimiter, encoding=encoding)
        progress.stage("Inferring the schema")
        schema = checking.infer(tables, min_people=min_people, name=name or next(iter(tables)), safe_harbor=safe_harbor)
        progress.stage("Looking for identifiers")
        proposals = checking.propose(tables, schema)
    notes = {(item.table, item.column): item.sentence for item in proposals}
    questions = [(table, column, kind.question) for table, column, kind in schema.walk() if kind.question]
    if str(output) == "-":
        typer.echo(format_schema(schema, notes=notes), nl=False)
    else:
        save_schema(schema, output, notes=notes)
        described = {
            "schema": str(output),
            "tables": {table: len(declared.columns) for table, declared in schema.tables.items()},
            "questions": [{"table": table, "column": column, "question": text} for table, column, text in questions],
            "identifiers": [item.as_json() for item in proposals],
        }
        put(
            described,
            as_json=as_json,
            text=f"wrote {output}: {sum(len(t.columns) for t in schema.tables.values())} columns",
        )
    if not quiet and not as_json:
        for item in proposals:
            say(f"identifier: {item.table}.{item.label}: {item.sentence}")
        for table, column, question in questions:
            say(f"question: {table}.{column}: {question}")


@app.command(epilog="Example: tabsynth validate schema.yaml patients.csv")
@command
def validate(
    schema: SchemaFile,
    data: DataFile,
    table: TableName = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compare a table with its schema: all violations at once, with counts and row numbers, never values."""
    from tabsynth import checking
    from tabsynth.tables.files import read_table

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        frame = read_table(data, delimiter=delimiter, encoding=encoding)
        progress.stage("Validating")
        validation = checking.validate(frame, schema, table_name=table)
    found = {
        "valid": validation.ok,
        "n_rows": validation.typed.n_rows,
        "violations": [_violation(item) for item in validation.violations],
        "notices": [_violation(item) for item in validation.notices],
    }
    if as_json:
        put(found, as_json=True, text="")
    else:
        for item in (*validation.violations, *(() if quiet else validation.notices)):
            kind = "violation" if item in validation.violations else "notice"
            typer.echo(f"{kind}: {item.message}")
        typer.echo(
            "valid" if validation.ok else f"{len(validation.violations)} violations in {validation.typed.n_rows} rows"
        )
    if not validation.ok:
        raise typer.Exit(DataError.exit_code)


@app.command(epilog="Example: tabsynth schema --json-schema > tabsynth.schema.json")
@command
def schema(
    source: Annotated[Path | None, typer.Argument(metavar="[SCHEMA]", help="Schema file to read and show.")] = None,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the JSON Schema of our schema files, for editors.")
    ] = False,
    report_schema: Annotated[
        bool, typer.Option("--report-schema", help="Print the JSON Schema of report.json, for programs that read it.")
    ] = False,
    to_sdv: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Print as SDV metadata: SINGLE_TABLE_V1, V1 or V2.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (.yaml or .json); - prints.")] = Path(
        "-"
    ),
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show, convert or describe schema files: YAML, JSON, SDV metadata, JSON Schema."""
    from tabsynth.outputs import atomic_file
    from tabsynth.schema import files

    if json_schema:
        text = json.dumps(files.json_schema(), indent=2, ensure_ascii=False) + "\n"
    elif report_schema:
        from tabsynth.report.published_schema import report_json_schema

        text = json.dumps(report_json_schema(), indent=2, ensure_ascii=False) + "\n"
    elif source is None:
        raise UsageError("schema: give a schema file, or --json-schema, or --report-schema")
    else:
        loaded = files.load_schema(source)
        if to_sdv is not None:
            from tabsynth.schema.sdv import to_sdv as convert

            text = json.dumps(convert(loaded, version=to_sdv), indent=2, ensure_ascii=False) + "\n"
        else:
            text = files.format_schema(loaded, style="json" if as_json or output.suffix == ".json" else "yaml")
    if str(output) == "-":
        typer.echo(text, nl=False)
    else:
        with atomic_file(output) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
        put({"schema": str(output)}, as_json=as_json, text=f"wrote {output}")


def _violation(item: Any) -> dict[str, Any]:
    return {
        "column": item.column,
        "rule": item.rule,
        "message": item.message,
        "count": item.count,
        "rows": [int(row) for row in item.rows],
        "remedy": item.remedy,
    }
