"""Heavy packages are imported when they are used, not when the package is."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "opacus",
    "sklearn",
    "sdv",
    "pyspark",
    "duckdb",
    "sqlalchemy",
    "weasyprint",
    "faker",
    "phonenumbers",
    "polars",
    "cryptography",
)


def imported_by(*arguments: str) -> tuple[set[str], str]:
    """Top-level packages that a fresh interpreter imports, and what it prints."""
    run = subprocess.run([sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True)
    return set(re.findall(r"\|\s*([A-Za-z_]\w*)(?:\.[\w.]+)?$", run.stderr, flags=re.MULTILINE)), run.stdout


def test_the_probe_sees_imports() -> None:
    """The list of imports is read: a package that is imported appears in it."""
    packages, _ = imported_by("-c", "import sklearn")
    assert {"sklearn", "numpy"} <= packages


@pytest.mark.parametrize("package", HEAVY)
def test_importing_tabsynth_is_light(package: str, light_import: set[str]) -> None:
    """`import tabsynth` leaves heavy packages alone."""
    assert package not in light_import


@pytest.mark.parametrize("package", HEAVY)
def test_help_is_light(package: str, help_import: tuple[set[str], str]) -> None:
    """`tabsynth --help` prints its help and leaves heavy packages alone."""
    packages, printed = help_import
    assert "Usage" in printed
    assert package not in packages


@pytest.fixture(scope="module")
def light_import() -> set[str]:
    packages, _ = imported_by("-c", "import tabsynth")
    assert "tabsynth" in packages
    return packages


@pytest.fixture(scope="module")
def help_import() -> tuple[set[str], str]:
    return imported_by("-m", "tabsynth.cli", "--help")
