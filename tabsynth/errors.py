"""Every error that tabsynth raises on purpose.

Each says where (column, table, line, file), what is wrong and what would be right, and never shows a data value:
messages end up in logs and tickets, and a value may be a patient's. The command line prints the message alone and
exits with `exit_code`; a traceback is shown only with `--debug`.

Decisions
- One tree, grouped by stage; `ValueError` is a base, so that plain Python code may catch what it expects.
- Exit codes belong to the class, so that a script can tell a bad schema from bad data without reading text.
"""

from __future__ import annotations


class TabsynthError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(TabsynthError, ValueError):
    """An argument, option or parameter is wrong (unknown generator, bad `given`, negative row count)."""

    exit_code = 2


class SchemaError(TabsynthError, ValueError):
    """A schema file cannot be read, or contradicts itself."""

    exit_code = 3


class DataError(TabsynthError, ValueError):
    """A table cannot be read, or does not fit its schema."""

    exit_code = 4


class ConstraintError(TabsynthError, ValueError):
    """Constraints contradict each other or the data, or too few rows can be made that satisfy them."""

    exit_code = 5


class ArtifactError(TabsynthError, ValueError):
    """A model file is damaged, of an unknown version, or not a model file."""

    exit_code = 6


class InsufficientDataError(DataError):
    """Too few rows (or people) to learn from without describing single rows."""


class MissingExtraError(TabsynthError, ImportError):
    """An optional dependency is not installed; the message holds the command that installs it."""

    exit_code = 7


class VerdictError(TabsynthError):
    """An evaluation finished, and its verdict under the chosen policy is `fail`."""

    exit_code = 8


class OutputError(TabsynthError, OSError):
    """A result could not be written; nothing was left half written."""

    exit_code = 9


class BudgetError(TabsynthError):
    """A private release would cost more than is left of its privacy budget; nothing was charged or released."""

    exit_code = 10


class LedgerError(TabsynthError, ValueError):
    """A privacy ledger was edited, cut short, half written, or belongs to another dataset or budget."""

    exit_code = 11


class VerificationError(TabsynthError, ValueError):
    """A release is not as it was signed, or its signature or key does not hold."""

    exit_code = 12


class TabsynthWarning(UserWarning):
    """Something worked, but not as well as the user may think (a fallback, a pooled column)."""
