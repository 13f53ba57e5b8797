"""Constraints for pip: every package at the oldest release that `pyproject.toml` lets in.

    python .ci/lowest.py > lowest.txt; pip install -e '.[dev]' -c lowest.txt

A lower bound is a claim like any other; `make test-lowest` runs the tests with them.
"""

# ruff: noqa: T201
from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

EXTRAS = ("deep", "pdf", "dev")


def lowest(project: dict[str, Any]) -> list[str]:
    """`name==version` for each requirement of the core and of `EXTRAS`.

    Raises:
        ValueError: A requirement has no lower bound.
    """
    extras = project["optional-dependencies"]
    found = []
    for requirement in [*project["dependencies"], *(each for extra in EXTRAS for each in extras[extra])]:
        parts = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)(,.*)?", requirement)
        if parts is None:
            raise ValueError(f"{requirement}: write it as name>=version")
        found.append(f"{parts[1]}=={parts[2]}")
    return found


if __name__ == "__main__":
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    print("\n".join(lowest(declared["project"])))
