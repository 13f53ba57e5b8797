"""Commands that try the evaluation itself: canary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put
from tabsynth.errors import VerdictError
from tabsynth.options import (
    AsJson,
    DataFile,
    Debug,
    Delimiter,
    Encoding,
    Overwrite,
    PolicyFile,
    Quiet,
    SchemaFile,
    TableName,
)


@app.command(epilog="Example: tabsynth canary schemas/patients.yaml examples/patients.csv -o canaries")
@command
def canary(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make: canaries.md and canaries.json.")],
    policy: PolicyFile = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Name of a canary; may be repeated. Default: all."),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=300, help="Rows of each of the three parts, at most.")] = 4_000,
    seed: Annotated[int, typer.Option(help="Seed of the split, the canaries and the evaluations.")] = 0,
    table: TableName = None,
    overwrite: Overwrite = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Try known-bad releases of a real table: would the policy have caught them? Exit code 8 if a bad one would pass.

    The table is parted in three: train, holdout, and strangers, from which some thirty releases are made that copy,
    invent, lose or distort something, and a few in which nothing is wrong. The latter must not fail, either.
    """
    from tabsynth.judging import try_canaries
    from tabsynth.outputs import atomic_folder, require_apart, require_writable
    from tabsynth.report.canaries import render_trials

    require_apart(output, (schema, data, policy))
    require_writable(output, folder=True, overwrite=overwrite)
    with BarProgress(quiet=quiet) as progress:
        trials = try_canaries(
            schema,
            data,
            table_name=table,
            policy=policy,
            names=only,
            max_rows=rows,
            seed=seed,
            delimiter=delimiter,
            encoding=encoding,
            progress=progress,
        )
        with atomic_folder(output, overwrite=overwrite) as folder:
            (folder / "canaries.md").write_text(render_trials(trials), encoding="utf-8", newline="\n")
            (folder / "canaries.json").write_text(
                trials.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n"
            )
    made = [trial for trial in trials.trials if trial.made]
    missed = [finding for finding in trials.findings if not finding.met]
    described = {
        "page": str(output / "canaries.md"),
        "json": str(output / "canaries.json"),
        "canaries": len(made),
        "expectations": len(trials.findings),
        "met": len(trials.findings) - len(missed),
        "wrong": list(trials.wrong),
    }
    text = (
        f"wrote {output / 'canaries.md'}: {len(made)} canaries on {trials.n_rows:,} rows, "
        f"{len(trials.findings) - len(missed)} of {len(trials.findings)} expected verdicts found"
    )
    put(described, as_json=as_json, text=text)
    if trials.wrong:
        raise VerdictError(
            f"the policy is wrong about {', '.join(trials.wrong)}: a bad release passes or a good one fails; see "
            f"{output / 'canaries.md'}"
        )
