"""The commands `tabsynth ledger show` and `tabsynth ledger verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import command, put
from tabsynth.options import AsJson, Debug, Quiet

ledger_app = typer.Typer(
    help="Look at a privacy ledger: what was spent on a dataset, and what is left.", no_args_is_help=True
)
app.add_typer(ledger_app, name="ledger")

LedgerFile = Annotated[Path, typer.Argument(metavar="LEDGER", help="The ledger file.")]


@ledger_app.command(epilog="Example: tabsynth ledger show patients.ledger")
@command
def show(path: LedgerFile, quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the charges of a ledger, what they add up to, and what is left."""
    from tabsynth.dp.ledger import Ledger

    statement = Ledger(path).verify()
    budget, left = statement.budget, statement.remaining
    lines = [
        f"dataset    {statement.dataset}",
        f"budget     epsilon {budget.epsilon:g} at delta {budget.delta:g} (rho {budget.rho:.6g})",
        f"spent      epsilon {statement.epsilon:.6g} (rho {statement.rho:.6g}, delta {statement.delta:.3g})",
        f"remaining  epsilon {left.epsilon:.6g} (rho {left.rho:.6g})",
    ]
    lines += [
        f"{charge.time}  rho {charge.rho:<12.6g} delta {charge.delta:<9.3g} {charge.mechanism}: {charge.purpose}"
        for charge in statement.charges
    ]
    put(statement.as_dict(), as_json=as_json, text="\n".join(lines))


@ledger_app.command(epilog="Example: tabsynth ledger verify patients.ledger")
@command
def verify(path: LedgerFile, quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Check that no line of a ledger was changed, removed, moved or cut off; exit code 11 where one was."""
    from tabsynth.dp.ledger import Ledger

    statement = Ledger(path).verify()
    lines = len(statement.charges) + 1
    put({"valid": True, "lines": lines}, as_json=as_json, text=f"{path}: {lines} lines, unbroken")
