"""The shape of keys as a simple regular expression: `MRN-[0-9]{6}`, `[0-9]{4}-[A-Z]{5}`, `[0-9a-f]{64}`.

The expressions hold literals, classes such as `[0-9A-Z]` and the repeats `{n}` and `{m,n}`, nothing else.

Privacy: What leaves are character classes and lengths, separators, and runs of letters that are the same in every
key. Digits are never kept, and letters only where at least `MIN_KEYS` different keys share them.

Decisions
- Keys are compared piece by piece between separators; a piece is described run by run where all keys have the same
  runs (`[A-Z]{2}[0-9]{4}`), else as one mixed class (`[0-9A-Z]{6,7}`). Keys with differing separators have no shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MIN_KEYS = 10
"""Different keys that must agree on a letter before it is kept."""
LONGEST = 200
"""Longer texts are no keys."""
PROBE = 5_000
"""Keys looked at first, where there are many."""

_PIECES = re.compile(r"[0-9A-Za-z]+|[^0-9A-Za-z]")
_RUNS = re.compile(r"[0-9]+|[A-Z]+|[a-z]+")
_SPECIAL = frozenset("\\^$.|?*+()[]{}")


def infer_pattern(texts: Iterable[str]) -> str | None:
    """Describe the shape that all texts share.

    Args:
        texts: Keys; repeats do not count twice.

    Returns:
        A simple regular expression that every text matches, or None where they have no common shape or hold characters
        other than ASCII. Only a lone 0 among whole numbers may not match: it would allow numbers with leading zeros.

    Example:
        >>> infer_pattern([f"MRN-{n:06d}" for n in range(50)])
        'MRN-[0-9]{6}'
    """
    keys = sorted(set(texts))
    if not keys or any(not key or len(key) > LONGEST or not key.isascii() or not key.isprintable() for key in keys):
        return None
    if len(keys) > 2 * PROBE:
        shape = _shape(keys[:: len(keys) // PROBE])
        matches = re.compile(shape).fullmatch if shape else None
        if matches is None or all(matches(key) for key in keys):
            return shape
    return _shape(keys)


def _shape(keys: Sequence[str]) -> str | None:
    pieces = [_PIECES.findall(key) for key in keys]
    if len({tuple(piece if not piece[0].isalnum() else "" for piece in key) for key in pieces}) > 1:
        return None
    keep_letters = len(keys) >= MIN_KEYS
    parts = [_piece([key[i] for key in pieces], keep_letters=keep_letters) for i in range(len(pieces[0]))]
    return "".join(parts)


def _piece(pieces: Sequence[str], *, keep_letters: bool) -> str:
    """Shape of one piece, over all keys."""
    if not pieces[0][0].isalnum():
        return "\\" + pieces[0] if pieces[0] in _SPECIAL else pieces[0]
    if all(piece.isdigit() for piece in pieces):
        return _digits(pieces)
    if _looks_hexadecimal(pieces):
        letters = "a-f" if any(c in "abcdef" for piece in pieces for c in piece) else "A-F"
        return f"[0-9{letters}]" + _repeat(pieces)
    runs = [_RUNS.findall(piece) for piece in pieces]
    if len({tuple(_class_of(run) for run in key) for key in runs}) == 1:
        return "".join(_run([key[i] for key in runs], keep_letters=keep_letters) for i in range(len(runs[0])))
    present = [name for name, test in _CLASSES if any(test(c) for piece in pieces for c in piece)]
    return f"[{''.join(present)}]" + _repeat(pieces)


_CLASSES = (("0-9", str.isdigit), ("A-Z", str.isupper), ("a-z", str.islower))


def _class_of(run: str) -> str:
    return next(name for name, test in _CLASSES if test(run[0]))


def _run(runs: Sequence[str], *, keep_letters: bool) -> str:
    if runs[0].isdigit():
        return f"[0-9]{_repeat(runs)}"
    if keep_letters and len(set(runs)) == 1:
        return runs[0]
    return f"[{_class_of(runs[0])}]{_repeat(runs)}"


def _digits(pieces: Sequence[str]) -> str:
    """Whole numbers keep "no leading zero" where no number has one; a lone 0 does not count."""
    if any(piece.startswith("0") and piece != "0" for piece in pieces) or all(piece == "0" for piece in pieces):
        return f"[0-9]{_repeat(pieces)}"
    shortest, longest = _lengths(pieces)
    if longest == 1:
        return "[0-9]" if "0" in pieces else "[1-9]"
    return f"[1-9][0-9]{_count(shortest - 1, longest - 1)}"


def _looks_hexadecimal(pieces: Sequence[str]) -> bool:
    """Long pieces of digits and a to f, of one length, mixed in most keys: accidental in no other kind of code."""
    if len(pieces[0]) < 4 or len({len(piece) for piece in pieces}) > 1:
        return False
    characters = set("".join(pieces))
    if not (characters <= set("0123456789abcdef") or characters <= set("0123456789ABCDEF")):
        return False
    return len({tuple(_class_of(run) for run in _RUNS.findall(piece)) for piece in pieces}) > 1


def _lengths(pieces: Sequence[str]) -> tuple[int, int]:
    sizes = [len(piece) for piece in pieces]
    return min(sizes), max(sizes)


def _repeat(pieces: Sequence[str]) -> str:
    return _count(*_lengths(pieces))


def _count(fewest: int, most: int) -> str:
    if fewest == most:
        return "" if most == 1 else f"{{{most}}}"
    return f"{{{fewest},{most}}}"
