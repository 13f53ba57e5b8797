"""Column names: what they must be, and how a message shows them.

Names are the one part of a table that messages may hold, because an error without them cannot be acted upon. They come
from outside all the same, so they are escaped and cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tabsynth.errors import DataError

_LENGTH = 60
_LISTED = 5


def shown(name: object) -> str:
    """A name in quotes for a message: control characters escaped, at most 60 characters.

    Example:
        >>> shown("age")
        "'age'"
    """
    text = repr(name)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 4]}...{text[-1]}"


def listed(names: Sequence[object]) -> str:
    """The first names of a list, shown, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(shown(name) for name in names[:_LISTED]) + more


def check_names(names: Sequence[object], where: str) -> None:
    """Check that columns can be told apart by name.

    Raises:
        DataError: There is no column, or a name is not text, empty or used twice.
    """
    if not names:
        raise DataError(f"{where}: has no columns; give a table with at least one")
    if foreign := [position for position, name in enumerate(names, start=1) if not isinstance(name, str)]:
        raise DataError(
            f"{where}: column names must be text, and that of column {foreign[0]} is not ({len(foreign)} in all); "
            "rename them, for example `table.columns = [str(name) for name in table.columns]`"
        )
    if empty := [position for position, name in enumerate(names, start=1) if not str(name).strip()]:
        index = " (an empty first name is often a row number: save the table without its index)" if 1 in empty else ""
        raise DataError(f"{where}: column {empty[0]} has no name; give every column one{index}")
    if broken := [position for position, name in enumerate(names, start=1) if not _is_unicode(str(name))]:
        raise DataError(f"{where}: the name of column {broken[0]} holds half a surrogate pair; rename it")
    if twice := [name for name, n_columns in Counter(names).items() if n_columns > 1]:
        raise DataError(f"{where}: columns share a name: {listed(twice)}; rename them so that every name is used once")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
