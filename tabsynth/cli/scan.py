"""Command about identifiers: scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put
from tabsynth.errors import DataError
from tabsynth.options import AsJson, DataFile, Debug, Delimiter, Encoding, Quiet, TableName


@app.command(epilog="Example: tabsynth scan patients.csv --schema schema.yaml -o scan.json")
@command
def scan(
    data: DataFile,
    schema: Annotated[
        Path | None,
        typer.Option("--schema", help="Schema to hold the findings against; exit code 4 where one is left."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write all of it to (JSON).")] = None,
    presidio: Annotated[
        bool, typer.Option("--presidio", help="Also search free text by Presidio's recognisers (extra presidio).")
    ] = False,
    table: TableName = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find identifiers of the 18 HIPAA Safe Harbor classes, column by column, without showing a value."""
    from tabsynth import checking
    from tabsynth.outputs import atomic_file

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Looking for identifiers")
        report = checking.scan(
            data, schema, table_name=table, delimiter=delimiter, encoding=encoding, presidio=presidio
        )
    plain = report.as_json()
    if output is not None:
        with atomic_file(output) as partial:
            partial.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    if as_json:
        put(plain, as_json=True, text="")
    else:
        for finding in report.findings:
            typer.echo(f"{finding.status}: {finding.evidence} ({finding.kind.value}, {finding.confidence:.2f})")
            if finding.remedy is not None and not quiet:
                typer.echo(f"    to resolve: {finding.remedy}")
        if presidio and not quiet:
            typer.echo("\n".join(sentence for sentence in report.method if "Presidio" in sentence))
        counts = dict.fromkeys(("handled", "unresolved", "absent"), 0)
        for row in report.checklist():
            counts[row.status] += 1
        typer.echo(
            f"Safe Harbor classes: {counts['absent']} not found, {counts['handled']} handled, "
            f"{counts['unresolved']} unresolved" + ("" if schema is not None else " (no schema given)")
        )
    if schema is not None and not report.ok:
        raise typer.Exit(DataError.exit_code)
