"""What the command line shows: progress bars, notes, errors and exit codes.

Results go to standard output, everything else to standard error, so that `tabsynth sample ... -o -` can be piped.
"""

from __future__ import annotations

import functools
import json
import sys
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, Self

import typer

from tabsynth.errors import TabsynthError, TabsynthWarning

P = ParamSpec("P")

INTERNAL_ERROR = 70
INTERRUPTED = 130


class BarProgress:
    """Stages as lines with a bar, on standard error; nothing where that is no terminal or `quiet` is set."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """Show the next stage."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, total=total, note="")

    def advance(self, steps: int = 1, *, note: str | None = None) -> None:
        """Move the bar of the current stage."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=steps, **({} if note is None else {"note": note}))


def say(text: str) -> None:
    """Write a line about the work to standard error."""
    typer.echo(text, err=True)


def put(value: Any, *, as_json: bool, text: str) -> None:
    """Write a result to standard output: JSON for programs, text for people."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)


def command(function: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command: named errors become one message and an exit code, warnings become notes.

    The options `--debug`, `--quiet` and `--json` of the command decide how much is said. An unexpected exception
    shows only its class: its text may hold a value of the data.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        debug, as_json, quiet = (bool(kwargs.get(name)) for name in ("debug", "as_json", "quiet"))
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", TabsynthWarning)
                function(*args, **kwargs)
            if not quiet:
                for message in dict.fromkeys(str(warning.message) for warning in caught):
                    say(f"note: {message}")
        except TabsynthError as error:
            _fail(error, type(error).__name__, str(error), error.exit_code, debug=debug, as_json=as_json)
        except KeyboardInterrupt as error:
            _fail(
                error,
                "Interrupted",
                "interrupted; nothing was left half written",
                INTERRUPTED,
                debug=debug,
                as_json=as_json,
            )
        except MemoryError as error:
            message = "out of memory; use fewer rows or columns, or a smaller generator"
            _fail(error, "MemoryError", message, INTERNAL_ERROR, debug=debug, as_json=as_json)
        except (typer.Exit, typer.Abort, SystemExit):
            raise
        except Exception as error:
            message = (
                f"unexpected {type(error).__name__}; run again with --debug for the traceback (it may show data values)"
            )
            _fail(error, type(error).__name__, message, INTERNAL_ERROR, debug=debug, as_json=as_json)

    return wrapped


def _fail(error: BaseException, kind: str, message: str, code: int, *, debug: bool, as_json: bool) -> None:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        typer.echo(json.dumps({"error": {"type": kind, "message": message, "exit_code": code}}, ensure_ascii=False))
    else:
        say(f"error: {message}")
    raise typer.Exit(code)
