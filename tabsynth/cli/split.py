"""The command that parts a real table for an evaluation: split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put, say
from tabsynth.options import AsJson, DataFile, Debug, Delimiter, Encoding, Overwrite, Quiet, SchemaFile, TableName

if TYPE_CHECKING:
    from tabsynth.split_run import PartCount


@app.command(epilog="Example: tabsynth split schemas/patients.yaml examples/patients.csv -o parts --holdout 0.2")
@command
def split(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to make: train, holdout and, where parted, reference, test.")
    ],
    holdout: Annotated[float, typer.Option(help="Share of people besides train.")] = 0.2,
    parts: Annotated[
        str,
        typer.Option(
            help="two (train, holdout), four (also an attack reference and test rows), or auto: four from 5,000 people "
            "besides train on."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed gives the same parts.")] = 0,
    table: TableName = None,
    overwrite: Overwrite = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Part a real table by people for 'evaluate', and count what the parts have in common.

    Two fifths each of the people besides train become holdout and attack reference, a fifth test rows; where they are
    few, the holdout plays all three roles. Rows of one person (the schema's entity_key) stay together.
    """
    from tabsynth.split_run import split as part

    with BarProgress(quiet=quiet) as progress:
        made = part(
            schema,
            data,
            output,
            holdout=holdout,
            parts=cast("PartCount", parts),
            seed=seed,
            table_name=table,
            delimiter=delimiter,
            encoding=encoding,
            overwrite=overwrite,
            progress=progress,
        )
    lines = [
        f"wrote {output / made.files[name]}: {n:,} rows, {made.n_people[name]:,} people"
        for name, n in made.n_rows.items()
    ]
    for overlap in made.overlaps:
        people = "" if overlap.shared_entities is None else f", {overlap.shared_entities:,} people in both"
        lines.append(f"{overlap.part} and {overlap.other}: {overlap.share:.1%} of rows identical{people}")
        if overlap.warning and not quiet and not as_json:
            say(f"warning: {overlap.warning}")
    described = {
        "files": {name: str(output / file) for name, file in made.files.items()},
        "n_rows": made.n_rows,
        "n_people": made.n_people,
        "overlaps": [overlap.model_dump(mode="json") for overlap in made.overlaps],
        "seed": made.seed,
    }
    put(described, as_json=as_json, text="\n".join(lines))
