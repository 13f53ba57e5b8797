"""Commands that end in a report: evaluate, run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put, say
from tabsynth.errors import VerdictError
from tabsynth.options import (
    AsJson,
    ContextFile,
    DataFile,
    Debug,
    Delimiter,
    Encoding,
    GeneratorName,
    Given,
    Level,
    Overwrite,
    Parents,
    PolicyFile,
    Quiet,
    SchemaFile,
    Seed,
    Sets,
    Shadows,
    TableName,
    TimeLimit,
    WithPdf,
    read_parameters,
    read_parents,
)

if TYPE_CHECKING:
    from tabsynth.evaluation import base


@app.command(
    epilog="Example: tabsynth evaluate schema.yaml --train t.csv --holdout h.csv --synthetic s.csv -o evaluation"
)
@command
def evaluate(
    schema: SchemaFile,
    train: Annotated[Path, typer.Option(help="Rows that the generator learned from.")],
    holdout: Annotated[Path, typer.Option(help="Real rows that it never saw.")],
    synthetic: Annotated[Path, typer.Option(help="Rows that it made.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make: report.html and report.json.")],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Real rows of yet other people, given to the attackers. Default: a part of the holdout where it has "
            "5,000 people or more, else the holdout."
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Real rows of yet other people, to test models on. Default: as for --reference."),
    ] = None,
    policy: PolicyFile = None,
    level: Level = "standard",
    model: Annotated[
        Path | None,
        typer.Option(help="Model file that the rows were drawn from; --level deep makes shadow models by its recipe."),
    ] = None,
    shadows: Shadows = None,
    time_limit: TimeLimit = None,
    seed: Annotated[int, typer.Option(help="Seed of every random choice of the evaluation.")] = 0,
    table: TableName = None,
    context: ContextFile = None,
    pdf: WithPdf = None,
    overwrite: Overwrite = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure synthetic rows against training and holdout rows; exit code 8 if a limit of the policy is missed.

    'tabsynth split' makes the real parts; what they have in common is counted first, and told. Writes the dossier as
    report.html, report.json and, with the extra 'pdf', report.pdf: at the top the edition that may be published, in the
    folder 'internal' the complete one. With --level deep and --model, shadow models are made by the model's recipe and
    attack the rows; a private model is run on invented rows only, to bound its epsilon from below. Where the schema
    states a privacy budget, nothing that is measured here may be published, as nobody has paid for it: the complete
    edition alone is made, and 'tabsynth appraise' makes figures that may.
    """
    from tabsynth import pipeline
    from tabsynth.judging import evaluate as judge
    from tabsynth.outputs import atomic_folder, require_apart, require_writable
    from tabsynth.report.writing import INTERNAL, write_editions
    from tabsynth.schema.files import load_schema
    from tabsynth.tables.files import read_table

    require_apart(output, (schema, train, holdout, reference, test, synthetic, model, policy, context))
    require_writable(output, folder=True, overwrite=overwrite)
    loaded = load_schema(schema)
    unpaid = pipeline.default_generator(loaded) == pipeline.PRIVATE_GENERATOR
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        given = {"train": train, "holdout": holdout, "reference": reference, "test": test, "synthetic": synthetic}
        files = {name: file for name, file in given.items() if file is not None}
        frames = {name: read_table(file, delimiter=delimiter, encoding=encoding) for name, file in files.items()}
        report = judge(
            train=frames["train"],
            holdout=frames["holdout"],
            synthetic=frames["synthetic"],
            reference=frames.get("reference"),
            test=frames.get("test"),
            schema=loaded,
            table_name=table,
            policy=policy,
            level=cast("base.Level", level),
            model=model,
            shadows=shadows,
            time_limit=time_limit,
            seed=seed,
            use=context,
            context={
                **({"watermark": INTERNAL} if unpaid else {}),
                "seed": seed,
                "files": {
                    **{name: file.name for name, file in files.items()},
                    **({} if model is None else {"model": model.name}),
                },
            },
            progress=progress,
        )
        with atomic_folder(output, overwrite=overwrite) as folder:
            progress.stage("Writing the dossier")
            write_editions(report, folder, external=not unpaid, pdf=pdf)
    public = output / "internal" if unpaid else output
    if not quiet and not as_json:
        for warning in report.warnings:
            say(f"warning: {warning}")
    described = {
        "report": str(public / "report.html"),
        "report_json": str(public / "report.json"),
        "internal": str(output / "internal" / "report.html"),
        "verdict": report.verdict,
    }
    put(described, as_json=as_json, text=f"wrote {public / 'report.html'}: {report.verdict}")
    if report.verdict == "fail":
        raise VerdictError(f"a limit of the policy is missed; see {output / 'internal' / 'report.html'}")


@app.command(epilog="Example: tabsynth run schemas/patients.yaml examples/patients.csv -o out/patients --seed 7")
@command
def run(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")],
    rows: Annotated[
        int | None, typer.Option("--rows", "-n", min=1, help="Synthetic rows; as many as DATA has when left out.")
    ] = None,
    generator: GeneratorName = None,
    sets: Sets = None,
    given: Given = None,
    parent: Parents = None,
    holdout: Annotated[
        float,
        typer.Option(
            help="Share of people kept apart for the evaluation: as holdout, attack reference and test rows where they "
            "are 5,000 or more, else in all three roles."
        ),
    ] = 0.2,
    swap: Annotated[
        bool,
        typer.Option(
            "--swap",
            help="Fit more models for the evaluation, each without another part of the people, so that everybody is "
            "once kept apart: for small tables. Not for private generators.",
        ),
    ] = False,
    seed: Seed = None,
    table: TableName = None,
    policy: PolicyFile = None,
    level: Level = "standard",
    shadows: Shadows = None,
    time_limit: TimeLimit = None,
    context: ContextFile = None,
    pdf: WithPdf = None,
    overwrite: Overwrite = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Do the whole job: split, fit, sample, evaluate and report.

    Writes synthetic.<format of DATA>, model.tabsynth (where the generator's models can be written), manifest.json, and
    the dossier as report.html, report.json and, with the extra 'pdf', report.pdf: at the top the edition that may be
    published, in the folder 'internal' the complete one, which is not for release. For a private generator also a
    certificate, and the dossier in 'internal' only. 'tabsynth sign' signs all of it.
    """
    from tabsynth import pipeline

    with BarProgress(quiet=quiet) as progress:
        result = pipeline.run(
            schema,
            data,
            output,
            rows=rows,
            generator=generator,
            parameters=read_parameters(sets),
            given=given,
            parents=read_parents(parent),
            holdout=holdout,
            swap=swap,
            seed=seed,
            table_name=table,
            policy=policy,
            level=cast("base.Level", level),
            shadows=shadows,
            time_limit=time_limit,
            use=context,
            pdf=pdf,
            delimiter=delimiter,
            encoding=encoding,
            overwrite=overwrite,
            progress=progress,
        )
    if not quiet and not as_json:
        for note in result.notes:
            say(f"note: {note}")
    described = {
        "synthetic": str(result.synthetic),
        "model": None if result.model is None else str(result.model),
        "report": str(result.report),
        "report_json": str(result.report_json),
        "internal": str(result.internal),
        "manifest": str(result.manifest),
        "n_rows": result.n_rows,
        "seed": result.seed,
        "verdict": result.verdict,
        "notes": list(result.notes),
    }
    text = f"wrote {result.synthetic}: {result.n_rows} rows, seed {result.seed}"
    if result.verdict is not None:
        text += f"\nwrote {result.report}: {result.verdict}"
        if result.report.parent != result.internal:
            text += f"\nwrote {result.internal / 'report.html'}: the complete edition, not for release"
    put(described, as_json=as_json, text=text)
