"""The shape of the package: who may import whom, and what no file may do."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tabsynth"

# From the top to the bottom: a module imports from its own package and from lower lines, never sideways or up.
DIRECTION = (
    ("cli",),
    ("console", "options"),
    ("pipeline",),
    ("private_run",),
    ("plain_run",),
    ("judging",),
    ("split_run", "checking"),
    ("refitting",),
    ("release",),
    ("report",),
    ("dp",),
    ("evaluation", "curation", "generators", "declared"),
    ("encoding", "identifiers"),
    ("tables",),
    ("schema",),
    ("artifact", "registry", "randomness", "progress"),
    ("outputs",),
    ("errors", "strict_json"),
)
RANK = {name: rank for rank, names in enumerate(DIRECTION) for name in names}

RANDOM_CLASSES = {"Generator", "BitGenerator", "PCG64", "SeedSequence", "default_rng"}
BANNED_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "random"}
COMPETITORS = {"sdv", "ctgan", "copulas", "rdt", "deepecho"}
VAGUE_NAMES = {"utils", "util", "helpers", "common", "manager", "core", "misc", "v2"}

FILES = sorted(PACKAGE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported name with its line, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: relative import; write the full name"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def place(module: str) -> str:
    """The part of the package a module belongs to: `schema` for `schema/model.py`, `errors` for `errors.py`."""
    return module.split(".")[1]


def wrong_directions(part: str, tree: ast.AST) -> Iterator[str]:
    """Imports of the package that go sideways or up."""
    for line, name in imported_modules(tree):
        if not name.startswith("tabsynth.") or name == "tabsynth.__version__":
            continue
        target = place(name)
        if target not in RANK:
            if not (PACKAGE / target).exists() and not (PACKAGE / f"{target}.py").exists():
                yield f"line {line}: imports {target} from the package itself; import it from where it is defined"
            else:
                yield f"line {line}: {target} has no line in DIRECTION"
        elif target != part and RANK[target] <= RANK[part]:
            yield f"line {line}: {part} may not import {target}"


def without(tree: ast.Module, function: str) -> ast.Module:
    """The module without one of its functions: `global_numpy` seeds numpy's global state for others and restores it."""
    kept = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == function)]
    assert len(kept) == len(tree.body) - 1
    return ast.Module(kept, [])


def dotted(node: ast.expr) -> str:
    """`np.random.rand` as text; empty for anything that is not a plain dotted name."""
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return node.id if isinstance(node, ast.Name) else ""


def banned_imports(tree: ast.AST) -> Iterator[str]:
    for line, name in imported_modules(tree):
        if name.partition(".")[0] in BANNED_MODULES:
            yield f"line {line}: imports {name}"
        if name.startswith("numpy.random.") and name.rpartition(".")[2] not in RANDOM_CLASSES:
            yield f"line {line}: imports the global {name}"


def global_randomness(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if name.startswith(("np.random.", "numpy.random.")) and name.split(".")[2] not in RANDOM_CLASSES:
                yield f"line {node.lineno}: {name}"
        if isinstance(node, ast.Call) and dotted(node.func).endswith("default_rng") and not node.args:
            yield f"line {node.lineno}: default_rng() without a seed"


def unsafe_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        keywords = {word.arg: word.value for word in node.keywords}
        if name in {"eval", "exec", "__import__"}:
            yield f"line {node.lineno}: calls {name}"
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"read_pickle", "to_pickle"}:
            yield f"line {node.lineno}: {node.func.attr}"
        if name == "torch.load" and not is_true(keywords.get("weights_only")):
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if "allow_pickle" in keywords and not is_false(keywords["allow_pickle"]):
            yield f"line {node.lineno}: allow_pickle"


def is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def platform_text(tree: ast.AST) -> Iterator[str]:
    """Text files whose encoding or line ends are those of the machine: other bytes on Windows than elsewhere."""
    needed = {"write_text": {"encoding", "newline"}, "read_text": {"encoding"}, "TextIOWrapper": {"encoding"}}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            words = {word.arg for word in node.keywords}
            if not needed.get(node.func.attr, set()) <= words:
                yield f"line {node.lineno}: {node.func.attr} without {' and '.join(sorted(needed[node.func.attr]))}"


def prints(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "print":
            yield f"line {node.lineno}: print"


def bare_excepts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: except without a class"


def missing_docstrings(tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield "line 1: the module has no docstring"
    for node in tree.body:
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ):
            yield f"line {node.lineno}: {node.name} has no docstring"


RULES: tuple[Callable[[ast.Module], Iterator[str]], ...] = (
    banned_imports,
    global_randomness,
    unsafe_calls,
    platform_text,
    bare_excepts,
    missing_docstrings,
)


@each_file
def test_file_keeps_the_rules(path: Path) -> None:
    """No pickle, global randomness, unsafe call, bare except or undocumented public name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path == PACKAGE / "randomness.py":
        tree = without(tree, "global_numpy")
    assert [fault for rule in RULES for fault in rule(tree)] == []


# The face of the package, tabsynth/__init__.py, shows names from everywhere.
@pytest.mark.parametrize(
    "path", [path for path in FILES if path != PACKAGE / "__init__.py"], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_file_imports_only_what_is_below_it(path: Path) -> None:
    """Imports go down the list of DIRECTION only."""
    part = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert part in RANK, f"{part} has no line in DIRECTION"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(wrong_directions(part, tree)) == []


@each_file
def test_only_the_command_line_prints(path: Path) -> None:
    """The library never prints."""
    if path.relative_to(PACKAGE).parts[0] not in {"cli", "cli.py"}:
        assert list(prints(ast.parse(path.read_text(encoding="utf-8")))) == []


@each_file
def test_competitors_are_imported_in_one_file(path: Path) -> None:
    """Only generators/sdv.py imports SDV or its relatives."""
    if path != PACKAGE / "generators" / "sdv.py":
        names = [name for _, name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))]
        assert [name for name in names if name.partition(".")[0] in COMPETITORS] == []


@each_file
def test_file_names_say_their_subject(path: Path) -> None:
    """No file or folder has a name that fits anything."""
    assert not VAGUE_NAMES & set(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("schema", "from tabsynth.tables.frames import to_pandas"),
        ("generators", "from tabsynth.evaluation import base"),
        ("evaluation", "import tabsynth.generators.base"),
        ("errors", "from tabsynth.registry import Registry"),
        ("tables", "def read():\n    from tabsynth.encoding.table import Encoder"),
        ("outputs", "from tabsynth import cli"),
        ("pipeline", "from tabsynth import fit"),
    ],
)
def test_wrong_directions_are_found(part: str, source: str) -> None:
    """Imports sideways and up are found, also inside functions."""
    assert list(wrong_directions(part, ast.parse(source)))


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("schema", "from tabsynth.schema.model import Schema"),
        ("generators", "from tabsynth.encoding.table import Encoder\nimport numpy"),
        ("cli", "from tabsynth import pipeline, errors, __version__"),
    ],
)
def test_right_directions_pass(part: str, source: str) -> None:
    """Imports from the same package and from below pass."""
    assert not list(wrong_directions(part, ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (banned_imports, "import pickle"),
        (banned_imports, "def f():\n    from joblib import load"),
        (banned_imports, "import random"),
        (banned_imports, "from numpy.random import rand"),
        (global_randomness, "np.random.seed(0)"),
        (global_randomness, "x = numpy.random.normal"),
        (global_randomness, "rng = np.random.default_rng()"),
        (unsafe_calls, "eval('1')"),
        (unsafe_calls, "exec('x = 1')"),
        (unsafe_calls, "pd.read_pickle('x')"),
        (unsafe_calls, "torch.load(path)"),
        (unsafe_calls, "torch.load(path, weights_only=False)"),
        (unsafe_calls, "np.load(path, allow_pickle=True)"),
        (platform_text, "path.read_text()"),
        (platform_text, "path.write_text(text, encoding='utf-8')"),
        (prints, "print(1)"),
        (bare_excepts, "try:\n    f()\nexcept:\n    pass"),
        (missing_docstrings, "x = 1"),
        (missing_docstrings, '"""A module."""\ndef f(): ...'),
        (missing_docstrings, '"""A module."""\nclass C: ...'),
    ],
)
def test_rules_find_what_they_ban(rule: Callable[[ast.Module], Iterator[str]], source: str) -> None:
    """Each rule finds its fault."""
    assert list(rule(ast.parse(source)))


def test_rules_leave_good_code_alone() -> None:
    """Seeded generators, methods called eval, safe loads and private names pass."""
    source = (
        '"""A module."""\nimport numpy as np\nfrom numpy.random import Generator\n'
        "rng = np.random.default_rng(0)\nseed = np.random.SeedSequence(1)\nmodel.eval()\nprinter.print_all()\n"
        "np.load(path, allow_pickle=False)\ntorch.load(path, weights_only=True)\ndef _f(): ...\n"
        "try:\n    f()\nexcept ValueError:\n    pass\n"
    )
    tree = ast.parse(source)
    assert [fault for rule in (*RULES, prints) for fault in rule(tree)] == []
