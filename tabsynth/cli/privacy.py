"""Commands about private releases: what a budget would buy, a certificate of what was released, and its replay."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put
from tabsynth.errors import UsageError
from tabsynth.options import (
    AsJson,
    DataFile,
    Debug,
    Delimiter,
    Encoding,
    Overwrite,
    Quiet,
    SchemaFile,
    Sets,
    TableName,
    read_parameters,
)


@app.command(epilog="Example: tabsynth certificate model.tabsynth -o certificate")
@command
def certificate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file of a dp- generator.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to make: certificate.json, certificate.html, the model file.")
    ],
    rows: Annotated[
        int | None,
        typer.Option("--rows", "-n", min=0, help="Rows of the replay. Default: the released number, at most 10,000."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of these rows.")] = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Certify a private release: the claim, what it rests on, each cost, and how to check it. Needs no data."""
    from tabsynth.generators.storage import load
    from tabsynth.outputs import atomic_folder, require_apart
    from tabsynth.report.certificate import write_certificate

    require_apart(output, (model,))
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Loading the model")
        loaded = load(model)
        progress.stage("Drawing the rows of the replay")
        with atomic_folder(output, overwrite=overwrite) as folder:
            made = write_certificate(loaded, model, folder, rows=rows, seed=seed)
            (folder / model.name).write_bytes(model.read_bytes())
    claim = made.claim
    described = {
        "certificate": str(output / "certificate.json"),
        "page": str(output / "certificate.html"),
        "epsilon": claim.epsilon,
        "delta": claim.delta,
        "rho": claim.rho,
        "secure": claim.secure,
        "rows_sha256": made.replay.sha256,
    }
    text = f"wrote {output / 'certificate.html'}: epsilon {claim.epsilon:g}, delta {claim.delta:g}"
    put(described, as_json=as_json, text=text if claim.secure else f"{text}, INSECURE noise")


@app.command(epilog="Example: tabsynth replay certificate/certificate.json")
@command
def replay(
    target: Annotated[
        Path,
        typer.Argument(metavar="CERTIFICATE|MODEL", help="certificate.json with its model beside it, or a model file."),
    ],
    model: Annotated[Path | None, typer.Option(help="The model file, where it is not beside the certificate.")] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", "-n", min=0, help="Rows to draw. Default: the certificate's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the rows. Default: the certificate's.")] = None,
    compare: Annotated[Path | None, typer.Option(help="CSV file that the rows must equal byte for byte.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw the rows of a release again, without data, and compare bytes; exit code 6 where they differ.

    Every figure and word of a certificate is compared with what follows from its model file, and certificate.html
    beside it with the certificate.
    """
    from tabsynth.dp.replay import replay as again
    from tabsynth.report.certificate import page_is_of

    with BarProgress(quiet=quiet) as progress:
        progress.stage("Drawing the rows again")
        found = again(target, model=model, rows=rows, seed=seed, compare=compare)
        checked = list(found.checked)
        if target.suffix == ".json" and page_is_of(target):
            checked.append(target.with_suffix(".html").name)
    put(
        {"rows": found.rows, "seed": found.seed, "sha256": found.sha256, "checked": checked},
        as_json=as_json,
        text="\n".join([f"same: {item}" for item in checked] + [f"rows sha256 {found.sha256}"]),
    )


@app.command(
    epilog="Example: tabsynth appraise icu.yaml icu.csv icu.tabsynth synthetic.csv --ledger icu.ledger --epsilon 0.1 "
    "-o appraisal.json"
)
@command
def appraise(
    schema: SchemaFile,
    data: DataFile,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file that was learned from DATA.")],
    synthetic: Annotated[Path, typer.Argument(metavar="SYNTHETIC", help="Rows that were drawn from it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")],
    ledger: Annotated[str, typer.Option(help="The ledger that MODEL was charged to; 'none' to keep none.")],
    epsilon: Annotated[
        float | None, typer.Option(help="What the figures may cost. Default: what MODEL kept for them.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Name of the data in the ledger. Default: MODEL's.")] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say how close rows of a private model are to the real ones: with noise, charged, and so fit for release."""
    from tabsynth.dp.appraisal import appraise as pay
    from tabsynth.dp.opening import read_private
    from tabsynth.generators.storage import load
    from tabsynth.outputs import atomic_file, require_apart, require_writable
    from tabsynth.schema.files import load_schema
    from tabsynth.tables.files import read_table

    require_apart(output, (schema, data, model, synthetic, ledger))
    require_writable(output)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Reading")
        loaded, declared = load(model), load_schema(schema)
        rows = read_table(synthetic, delimiter=delimiter, encoding=encoding)
        streamed = data.suffix == ".parquet"
        real = data if streamed else read_private(data, delimiter=delimiter, encoding=encoding)
        made = pay(loaded, declared, real, rows, ledger=ledger, epsilon=epsilon, dataset=dataset, progress=progress)
        with atomic_file(output) as partial:
            partial.write_text(made.to_json(), encoding="utf-8", newline="\n")
    pair = "" if made.mean_pair is None else f", of pairs {made.mean_pair:.4f}"
    put(
        made.model_dump(mode="json"),
        as_json=as_json,
        text=f"wrote {output}: mean distance of columns {made.mean_column:.4f}{pair} (total variation); cost epsilon "
        f"{made.epsilon:.4g}, with the model {made.epsilon_in_all:.4g}",
    )


@app.command(epilog="Example: tabsynth plan schemas/patients.yaml --rows ~50000 --epsilon 0.1,1,3")
@command
def plan(
    schema: SchemaFile,
    rows: Annotated[
        str, typer.Option("--rows", "-n", help="About how many rows there are, from public knowledge: ~50000.")
    ],
    epsilon: Annotated[str, typer.Option(help="Budgets to compare, with commas.")] = "0.1,1,3",
    generator: Annotated[str | None, typer.Option("--generator", "-g", help="A dp- generator.")] = None,
    sets: Sets = None,
    table: TableName = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what each budget would buy, from the schema and public facts alone. Reads no data and spends nothing."""
    from tabsynth import pipeline
    from tabsynth.dp.forecast import forecast
    from tabsynth.dp.generator import PrivateGenerator
    from tabsynth.generators.base import choose_table
    from tabsynth.schema.files import load_schema

    loaded = load_schema(schema)
    maker = pipeline.make_generator(generator or pipeline.PRIVATE_GENERATOR, read_parameters(sets))
    if not isinstance(maker, PrivateGenerator):
        raise UsageError(f"--generator: {maker.name} spends no budget; choose one of the dp- generators")
    made = forecast(
        maker,
        loaded,
        rows=int(_number("--rows", rows.removeprefix("~"), such_as="~50000")),
        epsilons=[_number("--epsilon", part, such_as="0.1,1,3") for part in epsilon.split(",")],
        table_name=choose_table(loaded, table),
    )
    lines = [
        f"{maker.name}, about {rows.removeprefix('~')} rows; expected error of shares (total variation) from noise:"
    ]
    lines.append("epsilon  mean column  worst column            mean pair  row count")
    for one in made:
        worst = max(one.columns, key=lambda column: column.error)
        pair = "–" if one.mean_pair is None else f"{one.mean_pair:.4f}"
        count = "public" if one.row_count is None else f"± {one.row_count:,.0f}"
        lines.append(
            f"{one.epsilon:<8.4g} {one.mean_column:<12.4f} {worst.error:.4f} {worst.column[:16]:<16} {pair:<10} {count}"
        )
    lines += [f"epsilon {one.epsilon:.4g}: {one.note}" for one in made if one.note]
    put([one.model_dump(mode="json") for one in made], as_json=as_json, text="\n".join(lines))


def _number(option: str, text: str, *, such_as: str) -> float:
    try:
        number = float(text.strip().replace("_", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{option}: write numbers such as {such_as}")
    return number
