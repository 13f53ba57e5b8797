"""The command line: schema file and real table in, synthetic rows and a report out.

Exit codes: 0 done, 2 wrong usage, 3 bad schema, 4 bad data, 5 constraints cannot hold, 6 bad model file, 7 an extra
is not installed, 8 a policy limit is missed, 9 the output cannot be written, 70 unexpected error, 130 interrupted.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from tabsynth.console import BarProgress, command, put, say
from tabsynth.errors import DataError, TabsynthWarning, UsageError, VerdictError
from tabsynth.options import (
    AsJson,
    DataFile,
    Debug,
    Delimiter,
    Encoding,
    GeneratorName,
    Given,
    PolicyFile,
    Quiet,
    SchemaFile,
    Seed,
    Sets,
    TableName,
)

_EPILOG = (
    "Exit codes: 0 done · 2 usage · 3 schema · 4 data · 5 constraints · 6 model file · 7 missing extra · "
    "8 policy missed · 9 output · 70 unexpected · 130 interrupted"
)

app = typer.Typer(
    name="tabsynth",
    help="Synthetic tables you can sign for: a schema file and a real table in, synthetic rows and evidence out.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        from tabsynth import __version__

        typer.echo(__version__)
        raise typer.Exit


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
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Propose a schema from data: kinds, keys, roles, bounds. Review it before you use it."""
    from tabsynth import pipeline
    from tabsynth.schema.files import format_schema, save_schema

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        tables = pipeline.read_tables(data, delimiter=delimiter, encoding=encoding)
        progress.stage("Inferring the schema")
        schema = pipeline.infer(tables, min_people=min_people, name=name or next(iter(tables)))
    questions = [(table, column, kind.question) for table, column, kind in schema.walk() if kind.question]
    if str(output) == "-":
        typer.echo(format_schema(schema), nl=False)
    else:
        save_schema(schema, output)
        described = {
            "schema": str(output),
            "tables": {table: len(declared.columns) for table, declared in schema.tables.items()},
            "questions": [{"table": table, "column": column, "question": text} for table, column, text in questions],
        }
        put(
            described,
            as_json=as_json,
            text=f"wrote {output}: {sum(len(t.columns) for t in schema.tables.values())} columns",
        )
    if not quiet and not as_json:
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
    from tabsynth import pipeline
    from tabsynth.tables.files import read_table

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        frame = read_table(data, delimiter=delimiter, encoding=encoding)
        progress.stage("Validating")
        validation = pipeline.validate(frame, schema, table_name=table)
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


@app.command(epilog="Example: tabsynth fit schema.yaml patients.csv -o model.tabsynth --seed 7")
@command
def fit(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model file to write.")],
    generator: GeneratorName = "auto",
    sets: Sets = None,
    seed: Seed = None,
    table: TableName = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Learn a model from a table. The model file holds no row of it."""
    from tabsynth import pipeline
    from tabsynth.tables.files import read_table

    maker = pipeline.make_generator(generator, _parameters(sets))
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        frame = read_table(data, delimiter=delimiter, encoding=encoding)
        model = maker.fit(frame, schema, seed=seed, table_name=table, progress=progress)
        model.save(output)
    for note in model.notes:
        warnings.warn(note, TabsynthWarning, stacklevel=2)  # shown once, with what the fit itself warned of
    described = {
        "model": str(output),
        "generator": model.generator.name,
        "n_rows": model.n_rows_fitted,
        "seed": model.seed,
        "notes": list(model.notes),
    }
    text = f"wrote {output}: {model.generator.name}, learned from {model.n_rows_fitted} rows, seed {model.seed}"
    put(described, as_json=as_json, text=text)


@app.command(epilog="Example: tabsynth sample model.tabsynth --rows 1000 -o women.csv --given sex=F --given 'age>=65'")
@command
def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file made by 'tabsynth fit'.")],
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, help="Rows to draw, exactly.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Table file to write, by its suffix; - prints CSV.")
    ] = Path("-"),
    given: Given = None,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw synthetic rows from a model, exactly as many as asked for."""
    from tabsynth.generators.storage import load
    from tabsynth.randomness import check_seed
    from tabsynth.tables.files import write_table

    seed = check_seed(seed)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Loading the model")
        frame = load(model).sample(rows, seed=seed, given=given, progress=progress)
        progress.stage("Writing")
        write_table(frame, output)
    if str(output) != "-":
        put(
            {"synthetic": str(output), "n_rows": rows, "seed": seed},
            as_json=as_json,
            text=f"wrote {output}: {rows} rows, seed {seed}",
        )


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
    policy: PolicyFile = None,
    seed: Annotated[int, typer.Option(help="Seed of every random choice of the evaluation.")] = 0,
    table: TableName = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is not empty.")] = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure synthetic rows against training and holdout rows; exit code 8 if a limit of the policy is missed."""
    from tabsynth import pipeline
    from tabsynth.outputs import atomic_folder
    from tabsynth.tables.files import read_table

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        frames = {
            name: read_table(file, delimiter=delimiter, encoding=encoding)
            for name, file in (("train", train), ("holdout", holdout), ("synthetic", synthetic))
        }
        report = pipeline.evaluate(
            **frames,
            schema=schema,
            table_name=table,
            policy=policy,
            seed=seed,
            context={
                "seed": seed,
                "files": {"train": train.name, "holdout": holdout.name, "synthetic": synthetic.name},
            },
            progress=progress,
        )
        with atomic_folder(output, overwrite=overwrite) as folder:
            report.save(folder / "report.html")
            report.save(folder / "report.json")
    described = {
        "report": str(output / "report.html"),
        "report_json": str(output / "report.json"),
        "verdict": report.verdict,
    }
    put(described, as_json=as_json, text=f"wrote {output / 'report.html'}: {report.verdict}")
    if report.verdict == "fail":
        raise VerdictError(f"a limit of the policy is missed; see {output / 'report.html'}")


@app.command(epilog="Example: tabsynth run schemas/patients.yaml examples/patients.csv -o out/patients --seed 7")
@command
def run(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")],
    rows: Annotated[
        int | None, typer.Option("--rows", "-n", min=1, help="Synthetic rows; as many as DATA has when left out.")
    ] = None,
    generator: GeneratorName = "auto",
    sets: Sets = None,
    given: Given = None,
    holdout: Annotated[float, typer.Option(help="Share of people kept apart for the evaluation.")] = 0.2,
    seed: Seed = None,
    table: TableName = None,
    policy: PolicyFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is not empty.")] = False,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Do the whole job: split, fit, sample, evaluate and report.

    Writes synthetic.<format of DATA>, model.tabsynth, report.html, report.json and manifest.json.
    """
    from tabsynth import pipeline

    with BarProgress(quiet=quiet) as progress:
        result = pipeline.run(
            schema,
            data,
            output,
            rows=rows,
            generator=generator,
            parameters=_parameters(sets),
            given=given,
            holdout=holdout,
            seed=seed,
            table_name=table,
            policy=policy,
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
        "model": str(result.model),
        "report": str(result.report),
        "report_json": str(result.report_json),
        "manifest": str(result.manifest),
        "n_rows": result.n_rows,
        "seed": result.seed,
        "verdict": result.verdict,
        "notes": list(result.notes),
    }
    text = (
        f"wrote {result.synthetic}: {result.n_rows} rows, seed {result.seed}\nwrote {result.report}: {result.verdict}"
    )
    put(described, as_json=as_json, text=text)


@app.command(epilog="Example: tabsynth schema --json-schema > tabsynth.schema.json")
@command
def schema(
    source: Annotated[Path | None, typer.Argument(metavar="[SCHEMA]", help="Schema file to read and show.")] = None,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the JSON Schema of our schema files, for editors.")
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
    elif source is None:
        raise UsageError("schema: give a schema file, or --json-schema")
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
            partial.write_text(text, encoding="utf-8")
        put({"schema": str(output)}, as_json=as_json, text=f"wrote {output}")


@app.command()
@command
def generators(quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the generators, what they promise, and their parameters."""
    from tabsynth.generators import GENERATORS

    described: dict[str, Any] = {}
    lines = []
    for name in GENERATORS:
        kind = GENERATORS[name]
        fields = {key: field.description or "" for key, field in kind.model_fields.items()}
        defaults = {key: field.default for key, field in kind.model_fields.items()}
        described[name] = {
            "summary": (kind.__doc__ or "").splitlines()[0],
            "guarantee": kind.guarantee,
            "keeps_training_values": kind.keeps_training_values,
            "parameters": {key: {"default": defaults[key], "description": fields[key]} for key in fields},
        }
        lines.append(f"{name}: {described[name]['summary']}")
        lines.append(f"  guarantee: {kind.guarantee}")
        lines += [f"  --set {key}={defaults[key]}: {fields[key]}" for key in fields]
    put(described, as_json=as_json, text="\n".join(lines))


def _parameters(sets: list[str] | None) -> dict[str, Any]:
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


def _violation(item: Any) -> dict[str, Any]:
    return {
        "column": item.column,
        "rule": item.rule,
        "message": item.message,
        "count": item.count,
        "rows": [int(row) for row in item.rows],
        "remedy": item.remedy,
    }


def main() -> None:
    """Entry point of the `tabsynth` command."""
    app()


if __name__ == "__main__":
    main()
