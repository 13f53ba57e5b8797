"""The `tabsynth` command itself, which the commands in the files beside this one join."""

from __future__ import annotations

from typing import Annotated

import typer

_EPILOG = (
    "Exit codes: 0 done · 2 usage · 3 schema · 4 data · 5 constraints · 6 model file · 7 missing extra · "
    "8 policy missed · 9 output · 10 budget spent · 11 ledger · 12 signature · 70 unexpected · 130 interrupted"
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


def _show_version(wanted: bool) -> None:
    if wanted:
        from tabsynth import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass
