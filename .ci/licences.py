"""Licence gate: what a user of the core gets must be permissive, and what is not stays in its own extra.

Three checks, each printed, non-zero exit when one fails:
1. Every package that the core needs, directly or through others, states a permissive licence.
2. `pyproject.toml` names SDV and its relatives in the extra `sdv` alone, and no other extra includes that one.
3. No file imports them but `generators/sdv.py` and the benchmarks.

Decisions
- The closure is read from what is installed, extras left out, markers evaluated: what `pip install tabsynth` brings.
- Unknown is refused: a person looks, and adds the spelling below. Weak copyleft (MPL-2.0) is not on the list: nothing
  in the core needs it, and a file-level duty to publish changes is a decision, not a default.
- A compiler's runtime library (GPL with the GCC exception) inside a wheel binds nobody who uses it.
"""

# ruff: noqa: T201
from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
NOT_OPEN = {"sdv", "ctgan", "copulas", "rdt", "deepecho"}
MAY_IMPORT_THEM = ("tabsynth/generators/sdv.py", "evaluations/")
PERMISSIVE = {
    "0bsd",
    "apache 2.0",
    "apache license 2.0",
    "apache software license",
    "apache-2.0",
    "bsd",
    "bsd license",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "isc",
    "isc license",
    "isc license (iscl)",
    "mit",
    "mit license",
    "mit-0",
    "psf-2.0",
    "python software foundation license",
    "python-2.0",
    "the unlicense (unlicense)",
    "unlicense",
    "zlib",
    "gpl-3.0-or-later with gcc-exception-3.1",
}


def plain(name: str) -> str:
    """The canonical form of a package name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str) -> dict[str, Distribution]:
    """The package and everything it needs without extras, by canonical name."""
    found: dict[str, Distribution] = {}
    open_ = [name]
    while open_:
        key = plain(open_.pop())
        if key in found:
            continue
        found[key] = distribution(key)
        for text in found[key].requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                open_.append(requirement.name)
    return found


def stated_licence(package: Distribution) -> str:
    """The licence as the package states it: SPDX expression, else classifiers, else the free text."""
    expression = package.metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in package.metadata.get_all("Classifier") or []
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    if classifiers:
        return " AND ".join(classifiers)
    return (package.metadata.get("License") or "unknown").strip().splitlines()[0]


def is_permissive(licence: str) -> bool:
    """Whether every part that must be accepted is permissive; of alternatives, one is enough."""
    bare = licence.replace("(ISCL)", "").replace("(Unlicense)", "").replace("(", "").replace(")", "")
    return all(
        any(option.strip().lower() in PERMISSIVE for option in re.split(r"\s+OR\s+", part, flags=re.IGNORECASE))
        for part in re.split(r"\s+AND\s+", bare, flags=re.IGNORECASE)
    )


def licence_faults() -> Iterator[str]:
    """Packages of the core that are not permissive."""
    try:
        packages = closure("tabsynth")
    except PackageNotFoundError as error:
        yield f"{error.name}: not installed; run this after `pip install -e .`"
        return
    for name, package in sorted(packages.items()):
        licence = stated_licence(package)
        print(f"  {name} {package.version}: {licence[:80]}")
        if not is_permissive(licence):
            yield f"{name}: licence {licence[:80]!r} is not on the list of permissive ones"
    if clash := NOT_OPEN & packages.keys():
        yield f"the core needs {', '.join(sorted(clash))}"


def extra_faults() -> Iterator[str]:
    """Extras other than `sdv` that bring in what is not open source."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    for group, texts in groups.items():
        for requirement in map(Requirement, texts):
            ours = plain(requirement.name) == "tabsynth"
            if group != "sdv" and (plain(requirement.name) in NOT_OPEN or (ours and "sdv" in requirement.extras)):
                yield f"pyproject.toml: {group} names {requirement}; only the extra sdv may"


def import_faults() -> Iterator[str]:
    """Files that import what is not open source."""
    folders = ("tabsynth", "tests", "examples", "evaluations")
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(MAY_IMPORT_THEM):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                if module.partition(".")[0] in NOT_OPEN:
                    yield f"{name}, line {node.lineno}: imports {module}; only generators/sdv.py and evaluations/ may"


def main() -> int:
    """Print the licences and the faults; 1 when there are faults."""
    print("Licences of the core:")
    faults = [*licence_faults(), *extra_faults(), *import_faults()]
    for fault in faults:
        print(f"licence gate: {fault}", file=sys.stderr)
    print(f"licence gate: {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
