"""Commands about models: fit, sample, impute, generators."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put
from tabsynth.errors import TabsynthWarning
from tabsynth.options import (
    AsJson,
    DataFile,
    Debug,
    Delimiter,
    Encoding,
    GeneratorName,
    Given,
    Parents,
    Quiet,
    SchemaFile,
    Seed,
    Sets,
    TableName,
    read_parameters,
    read_parents,
)


@app.command(epilog="Example: tabsynth fit schema.yaml patients.csv -o model.tabsynth --seed 7")
@command
def fit(
    schema: SchemaFile,
    data: DataFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model file to write.")],
    generator: GeneratorName = None,
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
    from tabsynth.dp.opening import read_private
    from tabsynth.outputs import require_apart, require_writable
    from tabsynth.schema.files import load_schema
    from tabsynth.tables.files import read_table

    parameters = read_parameters(sets)
    require_apart(output, (schema, data, parameters.get("ledger")))
    require_writable(output)
    maker = None if generator is None else pipeline.make_generator(generator, parameters)
    if maker is not None:
        maker.require_savable()
    loaded = load_schema(schema)
    if maker is None:
        maker = pipeline.make_generator(pipeline.default_generator(loaded), parameters)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        read = read_private if maker.private else read_table
        streamed = maker.private and str(data) != "-" and data.suffix == ".parquet"
        source = data if streamed else read(data, delimiter=delimiter, encoding=encoding)
        model = pipeline.learn(maker, source, loaded, seed=seed, table_name=table, progress=progress)
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
    if maker.private:
        text = f"wrote {output}: {model.generator.name}, learned from about {model.n_rows_fitted} rows (as released)"
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
    parent: Parents = None,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw synthetic rows from a model, exactly as many as asked for."""
    from tabsynth import pipeline
    from tabsynth.generators.chunks import write_rows
    from tabsynth.generators.storage import load
    from tabsynth.randomness import check_seed

    seed = check_seed(seed)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Loading the model")
        above = pipeline.read_parents(read_parents(parent))
        write_rows(load(model), rows, output, seed=seed, given=given, parents=above, progress=progress)
    if str(output) != "-":
        put(
            {"synthetic": str(output), "n_rows": rows, "seed": seed},
            as_json=as_json,
            text=f"wrote {output}: {rows} rows, seed {seed}",
        )


@app.command(
    epilog="Example: tabsynth impute model.tabsynth visits.csv -o filled.csv --column income --column age --seed 7"
)
@command
def impute(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file made by 'tabsynth fit'.")],
    data: DataFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Table file to write, by its suffix; - prints CSV.")
    ] = Path("-"),
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A column to fill in; may be repeated. Default: all but identifiers and text."
        ),
    ] = None,
    seed: Seed = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fill the empty cells of a table, each with one draw given the rest of its row.

    All other cells, and gaps that a rule of the schema demands, stay as they are. Draws, not means: to see what is
    uncertain, fill the table with several seeds. The result still holds the real rows of DATA.
    """
    from tabsynth.generators.storage import load
    from tabsynth.randomness import check_seed
    from tabsynth.tables.files import read_table, write_table

    seed = check_seed(seed)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        loaded, frame = load(model), read_table(data, delimiter=delimiter, encoding=encoding)
        filled = loaded.impute(frame, seed=seed, columns=column, progress=progress)
        progress.stage("Writing")
        write_table(filled, output)
    if str(output) != "-":
        same = (frame[name].eq(filled[name]).fillna(False).astype(bool) | filled[name].isna() for name in frame)
        n_filled = sum(int((~column).sum()) for column in same)
        put(
            {"filled": str(output), "n_rows": len(filled), "n_cells": n_filled, "seed": seed},
            as_json=as_json,
            text=f"wrote {output}: {len(filled)} rows, {n_filled} cells filled, seed {seed}",
        )


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
        defaults = {key: field.get_default(call_default_factory=True) for key, field in kind.model_fields.items()}
        described[name] = {
            "summary": (kind.__doc__ or "").splitlines()[0],
            "guarantee": kind.guarantee,
            "keeps_training_values": kind.keeps_training_values,
            "model_file": not kind.unsavable,
            "install": kind.install_command(),
            "parameters": {key: {"default": defaults[key], "description": fields[key]} for key in fields},
        }
        lines.append(f"{name}: {described[name]['summary']}")
        lines.append(f"  guarantee: {kind.guarantee}")
        if kind.unsavable:
            lines.append(f"  no model file: {kind.unsavable}")
        if command := kind.install_command():
            lines.append(f"  not installed: {command}")
        lines += [f"  --set {key}={defaults[key]}: {fields[key]}" for key in fields]
    put(described, as_json=as_json, text="\n".join(lines))
