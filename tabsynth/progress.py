"""Progress of long work, told to whoever wants to show it.

The library never prints. The command line passes a `Progress` that draws a bar; everybody else gets the silent one.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a piece of work."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins; `total` is its number of steps where that is known."""

    def advance(self, steps: int = 1, *, note: str | None = None) -> None:
        """Steps of the current stage are done; `note` is a short text such as a loss."""


class Silent:
    """A progress that nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1, *, note: str | None = None) -> None:
        """Do nothing."""


SILENT = Silent()
