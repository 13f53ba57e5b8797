"""The command that makes rows from a schema alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put, say
from tabsynth.errors import UsageError
from tabsynth.options import AsJson, Debug, Overwrite, Quiet, SchemaFile, Seed, TableName


@app.command(
    epilog="Examples: tabsynth mock schemas/claims.yaml --rows 1000 -o claims.csv --seed 7 · "
    "tabsynth mock schemas/clinic.yaml --rows patients=500 -o clinic --format parquet"
)
@command
def mock(
    schema: SchemaFile,
    rows: Annotated[
        list[str],
        typer.Option(
            "--rows", "-n", metavar="N|TABLE=N", help="Rows, exactly; of several tables those that hang on no other."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Table file by its suffix (one table), or folder (several); - prints CSV."),
    ] = Path("-"),
    table: TableName = None,
    seed: Seed = None,
    file_format: Annotated[
        str, typer.Option("--format", help="Format of the files in a folder: csv, tsv, parquet, csv.gz, ...")
    ] = "csv",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make rows from a schema alone: no data is needed, and none is read.

    A column draws from what it declares, such as

        age: {type: integer, lower: 0, upper: 110, distribution: {type: normal, mean: 47, sd: 20}}

    and without that uniformly from its categories or bounds. Keys are unique and resolve across tables, rules hold in
    every row, `missing: 0.1` empties cells, `scenarios` occur in exactly the share you choose. Ready schemas to start
    from are in schemas/; all keys are in the README.
    """
    from tabsynth.declared.mock import write_mock
    from tabsynth.outputs import require_apart
    from tabsynth.schema.files import load_schema

    require_apart(output, (schema,))
    loaded = load_schema(schema)
    with BarProgress(quiet=quiet) as progress:
        made = write_mock(
            loaded,
            output,
            rows=_counts(rows),
            seed=seed,
            table_name=table,
            folder_format=file_format,
            overwrite=overwrite,
            progress=progress,
        )
    if made.provenance != "declared" and not quiet:
        say(
            "note: bounds, categories or patterns of this schema are marked as read from data, and show in the rows; "
            "review them, and delete their provenance line where they are public"
        )
    if str(output) != "-":
        listed = ", ".join(f"{made.n_rows[name]} rows to {file}" for name, file in made.files.items())
        described = {
            "files": dict(made.files),
            "n_rows": dict(made.n_rows),
            "seed": made.seed,
            "provenance": made.provenance,
        }
        put(described, as_json=as_json, text=f"wrote {listed}; seed {made.seed}, everything {made.provenance}")


def _counts(rows: list[str]) -> int | dict[str, int]:
    """`1000`, or `patients=1000` and so on."""
    try:
        if len(rows) == 1 and "=" not in rows[0]:
            return _number(rows[0])
        pairs = [text.split("=") for text in rows]
        return {name: _number(number) for name, number in pairs}
    except ValueError:
        raise UsageError("--rows: write a whole number, or TABLE=NUMBER such as patients=1000") from None


def _number(text: str) -> int:
    return int(text.strip().replace("_", "").replace(",", ""))
