"""JSON that every program reads alike, for papers that somebody signs or relies on.

Decisions
- A name that stands twice in an object is refused: one program takes the first value, another the last, and a reviewer
  could be shown one and a program the other.
- So are NaN and Infinity, which are no JSON, and nesting so deep that a reader gives up.
"""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is no JSON, or not the same for every reader.

    Example:
        >>> read_json('{"verdict": "fail", "verdict": "pass"}')
        Traceback (most recent call last):
        ...
        ValueError: a name stands twice
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
