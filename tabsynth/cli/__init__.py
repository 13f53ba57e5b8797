"""The command line: schema file and real table in, synthetic rows and a report out.

One file for each group of commands. A new command is a function in one of them under `@app.command(epilog="Example:
tabsynth ...")` and `@command`; a new file is named in the list of imports below, whose order is that of the help.

Exit codes: 0 done, 2 wrong usage, 3 bad schema, 4 bad data, 5 constraints cannot hold, 6 bad model file, 7 an extra
is not installed, 8 a policy limit is missed, 9 the output cannot be written, 10 the privacy budget is spent, 11 a
privacy ledger is damaged, 12 a release is not as it was signed, 70 unexpected error, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import sys

from tabsynth.cli.root import app

# isort: off
from tabsynth.cli import schemas  # noqa: F401
from tabsynth.cli import scan  # noqa: F401
from tabsynth.cli import mock  # noqa: F401
from tabsynth.cli import models  # noqa: F401
from tabsynth.cli import split  # noqa: F401
from tabsynth.cli import jobs  # noqa: F401
from tabsynth.cli import canary  # noqa: F401
from tabsynth.cli import privacy  # noqa: F401
from tabsynth.cli import ledger  # noqa: F401
from tabsynth.cli import releases  # noqa: F401
# isort: on


def main() -> None:
    """Entry point of the `tabsynth` command."""
    _write_utf8()
    app()


def _write_utf8() -> None:
    """What goes to a pipe or a file is UTF-8 with plain line ends, as all files are; a terminal knows its own way."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        with contextlib.suppress(OSError):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
