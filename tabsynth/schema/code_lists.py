"""Public code lists that are shipped with the package: small, with clear terms, each a CSV file in `code_lists/`.

The first line of a file is a comment with its terms, the second the header: `code`, `weight` (how common the code is,
for `tabsynth mock`) and any further fields, such as `name` or `unit`, that a `lookup` distribution can read.

Decisions
- Weights are rounded judgements of what is plausible, not measured: nothing in a list came from a data set.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "code_lists"


@dataclass(frozen=True)
class CodeList:
    """One list."""

    name: str
    terms: str
    codes: tuple[str, ...]
    weights: tuple[float, ...]
    fields: dict[str, tuple[str, ...]]
    """Further fields by name, in the order of the codes."""


def code_list_names() -> tuple[str, ...]:
    """Names of all lists."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


@cache
def read_code_list(name: str) -> CodeList:
    """The list of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in code_list_names():
        raise ValueError(f"code_list: there is no such list; choose from: {', '.join(code_list_names())}")
    terms, *lines = (_FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    others = [field for field in rows[0] if field not in ("code", "weight")]
    return CodeList(
        name,
        terms.removeprefix("# "),
        tuple(row["code"] for row in rows),
        tuple(float(row["weight"]) for row in rows),
        {field: tuple(row[field] for row in rows) for field in others},
    )
