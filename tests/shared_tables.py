"""Where the real tables for building and measuring are, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SUFFIXES = (".csv", ".csv.gz", ".parquet")


def folder() -> Path:
    """The folder of real tables: `TABSYNTH_DATA`, else `../shared/data` beside the project."""
    return Path(os.environ.get("TABSYNTH_DATA") or Path(__file__).parents[2] / "shared" / "data")


def shared_data() -> Path:
    """The folder of real tables; skips the test where it is absent."""
    if not folder().is_dir():
        pytest.skip("real tables not found beside the project (set TABSYNTH_DATA to their folder)")
    return folder()


def tables() -> list[Path]:
    """Every table file in the folder, sorted; empty where it is absent."""
    if not folder().is_dir():
        return []
    return sorted(path for path in folder().rglob("*") if path.name.endswith(_SUFFIXES))
