"""One key in two formats: `MRN-000123` here, `123` there, and still the same person.

What a key is, is what its pattern leaves open: the signs that are not fixed. They are taken out of one format and put
into the other, so that columns and tables which name the same things go on agreeing.

Decisions
- Four ways are tried, and the first one is used by which every key fits the other pattern: the text as it is; the open
  signs of one pattern in the open places of the other; without leading zeros; with leading zeros.
- A column without a pattern takes the text as it is.

Privacy: Works on invented keys and declared patterns; reads no data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tabsynth.errors import SchemaError
from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.texts import Joined, Words
from tabsynth.schema.columns import Identifier
from tabsynth.schema.model import Table

Array = np.ndarray[Any, Any]
_CHECKED_KEYS = 200


def in_format_of(texts: Array, source: Identifier, target: Identifier, *, where: str) -> Array:
    """The same keys in the format of another column.

    Args:
        texts: Invented keys, object array of str, shape (n_keys,).
        source: The column that they were made for.
        target: The column that they are wanted for.
        where: Names of both columns, for the message.

    Returns:
        Object array of str, shape (n_keys,); different keys stay different.

    Raises:
        SchemaError: The two formats cannot stand for the same keys.
    """
    if target.pattern is None:
        if target.surrogate in ("key", source.surrogate):
            return texts
        raise SchemaError(
            f"{where}: {target.surrogate} cannot be made of {source.surrogate}; give both the same surrogate, or "
            "surrogate: key with a pattern"
        )
    fits = re.compile(target.pattern, re.ASCII).fullmatch
    ways = _ways(source.pattern, target.pattern)
    distinct = list(dict.fromkeys(texts.tolist()))
    for way in ways:
        made = [way(text) for text in distinct]
        if all(text is not None and fits(text) for text in made) and len(set(made)) == len(distinct):
            found = dict(zip(distinct, made, strict=True))
            written = np.empty(len(texts), dtype=object)
            written[:] = [found[text] for text in texts.tolist()]
            return written
    raise SchemaError(
        f"{where}: keys of pattern {source.pattern or 'none'} cannot be written as {target.pattern}; give the patterns "
        "as many open places, such as MRN-[0-9]{6} and [0-9]{6}"
    )


def agreeing(table: Table) -> dict[str, str]:
    """Identifier columns that name the same things as another one of their table, and this other one."""
    return {
        name: str(column.same_as)
        for name, column in table.columns.items()
        if isinstance(column, Identifier) and column.same_as in table.columns
    }


def require_agreeing(identifiers: dict[str, Identifier], table: Table, name: str) -> None:
    """Check that keys of one column can be written in the format of those that are the same.

    Args:
        identifiers: The identifier columns with their patterns.
        table: The table that declares them.
        name: Its name, for the message.

    Raises:
        SchemaError: They cannot.
    """
    from tabsynth.identifiers.surrogate import make_surrogates

    for column, source in agreeing(table).items():
        kind = identifiers[source]
        texts = make_surrogates(kind, _CHECKED_KEYS, rng=np.random.default_rng(0), unique=False)
        in_format_of(texts, kind, identifiers[column], where=f"{name}.{column} (same_as {source})")


def _ways(source: str | None, target: str) -> Iterator[Callable[[str], str | None]]:
    """Ways to write a key in another format, from the most faithful on."""
    parts, places = _parts(source), _parts(target)
    yield lambda text: text
    yield lambda text: _filled(_open_signs(text, parts), places)
    yield lambda text: _framed(_open_signs(text, parts).lstrip("0") or "0", places)
    yield lambda text: _filled(_open_signs(text, parts).rjust(_n_open(places), "0"), places)


def _parts(pattern: str | None) -> list[tuple[str | None, int | None]]:
    """Pieces of a pattern: a sign that is always the same or None, and how many signs it has where that is fixed."""
    if pattern is None:
        return [(None, None)]
    texts = Pattern.parse(pattern).texts
    found: list[tuple[str | None, int | None]] = []
    for piece in texts.parts if isinstance(texts, Joined) else (texts,):
        if isinstance(piece, Words) and len({len(text) for text in piece.texts}) == 1:
            for signs in zip(*piece.texts, strict=True):
                found.append((signs[0] if len(set(signs)) == 1 else None, 1))
        else:
            found.append((None, None))
    return found


def _open_signs(text: str, parts: list[tuple[str | None, int | None]]) -> str:
    """The signs of a key that its pattern leaves open: all letters and digits where the pattern cannot be cut."""
    if all(width is not None for _, width in parts):
        found, place = "", 0
        for fixed, width in parts:
            found += "" if fixed is not None else text[place : place + (width or 0)]
            place += width or 0
        return found
    head, tail = _frame(parts)
    inner = text[len(head) : len(text) - len(tail)] if text.startswith(head) and text.endswith(tail) else text
    return re.sub(r"[\W_]", "", inner)


def _n_open(parts: list[tuple[str | None, int | None]]) -> int:
    return sum(width or 0 for fixed, width in parts if fixed is None)


def _filled(signs: str, parts: list[tuple[str | None, int | None]]) -> str | None:
    """Signs in the open places of a pattern; None where there are not as many."""
    if any(width is None for _, width in parts):
        return _framed(signs, parts)
    if len(signs) != _n_open(parts):
        return None
    made, place = "", 0
    for fixed, width in parts:
        made += fixed if fixed is not None else signs[place : place + (width or 0)]
        place += 0 if fixed is not None else width or 0
    return made


def _framed(signs: str, parts: list[tuple[str | None, int | None]]) -> str:
    """Signs between the fixed beginning and the fixed end of a pattern."""
    head, tail = _frame(parts)
    return f"{head}{signs}{tail}"


def _frame(parts: list[tuple[str | None, int | None]]) -> tuple[str, str]:
    """The fixed beginning and the fixed end of a pattern."""
    fixed = [text for text, _ in parts]
    first = next((place for place, text in enumerate(fixed) if text is None), len(fixed))
    last = next((place for place, text in enumerate(reversed(fixed)) if text is None), 0)
    return "".join(text or "" for text in fixed[:first]), "".join(text or "" for text in fixed[len(fixed) - last :])
