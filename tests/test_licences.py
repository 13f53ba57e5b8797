"""The licence gate refuses what it should."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

GATE = Path(__file__).parents[1] / ".ci" / "licences.py"


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", GATE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "BSD License",
        "BSD-3-Clause AND 0BSD AND Zlib",
        "Apache-2.0 OR GPL-2.0-only",
        "(MIT OR GPL-2.0-only) AND BSD-2-Clause",
        "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1",
        "ISC License (ISCL)",
    ],
)
def test_permissive_licences_pass(gate: ModuleType, licence: str) -> None:
    """Permissive licences pass, together or as one of several to choose from."""
    assert gate.is_permissive(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "unknown",
        "BUSL-1.1",
        "Business Source License 1.1",
        "GPL-3.0-or-later",
        "AGPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MPL-2.0",
        "Other/Proprietary License",
        "GNU General Public License v3 (GPLv3)",
    ],
)
def test_other_licences_are_refused(gate: ModuleType, licence: str) -> None:
    """Copyleft, source-available and unknown licences are refused."""
    assert not gate.is_permissive(licence)


def test_the_project_has_no_faults(gate: ModuleType) -> None:
    """The core's licences, the extras and the imports of this project pass the gate."""
    assert [*gate.licence_faults(), *gate.extra_faults(), *gate.import_faults()] == []


def test_the_gate_sees_more_than_the_direct_dependencies(gate: ModuleType) -> None:
    """The closure holds packages that only dependencies need, and no optional ones."""
    names = gate.closure("tabsynth").keys()
    assert {"numpy", "markupsafe", "annotated-types"} <= names
    assert not {"torch", "sdv", "pytest"} & names
