"""Registries: names resolved on use, from built-ins and from plug-ins of other packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tabsynth.errors import DataError, MissingExtraError, UsageError
from tabsynth.registry import Registry

GROUP = "tabsynth_test_shapes"
PATHS = {"fraction": "fractions:Fraction", "decimal": "decimal:Decimal"}


def install(folder: Path, distribution: str, entries: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out an installed package with entry points of the group, as pip would."""
    metadata = folder / f"{distribution}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {path}\n" for name, path in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
    monkeypatch.syspath_prepend(str(folder))


def test_a_registry_shows_its_names() -> None:
    """Whoever types `ts.GENERATORS` sees what there is."""
    assert repr(Registry("shape", PATHS)) == "Registry('shape': fraction, decimal)"


def test_names_resolve_on_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building, listing and searching imports nothing; asking for an entry imports it."""
    monkeypatch.delitem(sys.modules, "this_is_lazy", raising=False)
    registry = Registry("shape", {**PATHS, "lazy": "this_is_lazy:Nothing"})
    assert list(registry) == ["fraction", "decimal", "lazy"]
    assert len(registry) == 3
    assert "lazy" in registry
    assert registry["fraction"](1, 2) == 0.5
    with pytest.raises(ModuleNotFoundError):
        registry["lazy"]


def test_unknown_name_lists_what_there_is() -> None:
    """The error names the nearest entry and all entries."""
    registry = Registry("shape", PATHS)
    with pytest.raises(
        UsageError, match=r"unknown shape 'fractoin' \(did you mean 'fraction'\?\); .*fraction, decimal"
    ):
        registry["fractoin"]
    with pytest.raises(UsageError, match=r"unknown shape 'zzz'; choose from"):
        registry["zzz"]


@pytest.mark.parametrize("name", [None, 3, ["fraction"], {"a": 1}])
def test_name_that_is_no_text_is_unknown(name: object) -> None:
    """A list or number in the place of a name gives the same named error, not a TypeError."""
    registry = Registry("shape", PATHS)
    assert name not in registry
    with pytest.raises(UsageError, match="unknown shape"):
        registry[name]  # type: ignore[index]


def test_registry_is_a_mapping_that_cannot_be_changed() -> None:
    """`get` follows the mapping rules, and there is no way to assign; a later change of the source changes nothing."""
    source = dict(PATHS)
    registry = Registry("shape", source)
    source["late"] = "fractions:Fraction"
    assert "late" not in registry
    assert registry.get("zzz") is None
    assert registry.get("zzz", 3) == 3
    assert registry.get("decimal") is registry["decimal"]
    with pytest.raises(TypeError):
        registry["new"] = 1  # type: ignore[index]


def test_plugins_are_added_behind_the_builtins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package adds its names, in alphabetical order behind the built-in ones."""
    install(tmp_path, "shapes", {"zeta": "fractions:Fraction", "alpha": "statistics:mean"}, monkeypatch)
    registry = Registry("shape", PATHS, group=GROUP)
    assert list(registry) == ["fraction", "decimal", "alpha", "zeta"]
    assert len(registry) == 4
    assert registry["alpha"]([1, 3]) == 2
    assert "alpha" not in Registry("shape", PATHS)


def test_plugin_may_not_replace_a_builtin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in with the name of a built-in is refused by name, on use and not on import."""
    install(tmp_path, "usurper", {"decimal": "evil:Decimal"}, monkeypatch)
    registry = Registry("shape", PATHS, group=GROUP)
    with pytest.raises(UsageError, match=r"plug-in 'evil:Decimal' may not replace the built-in shape 'decimal'"):
        list(registry)


def test_two_plugins_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of two plug-ins would be meant depends on the order of folders, so neither is taken."""
    install(tmp_path, "one", {"round": "one:Round"}, monkeypatch)
    install(tmp_path, "two", {"round": "two:Round"}, monkeypatch)
    with pytest.raises(UsageError, match=r"both named 'round'; uninstall one"):
        Registry("shape", PATHS, group=GROUP)["round"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("absent_module:Thing", "ModuleNotFoundError"),
        ("fractions:Absent", "AttributeError"),
        ("broken_plugin:Thing", "Ze"),
    ],
)
def test_broken_plugin_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str) -> None:
    """A plug-in that cannot be imported gives an error with its name and place; the others still work."""
    (tmp_path / "broken_plugin.py").write_text("1 / 0\n")
    install(tmp_path, "broken", {"bad": path}, monkeypatch)
    registry = Registry("shape", PATHS, group=GROUP)
    with pytest.raises(UsageError, match=rf"shape 'bad': its plug-in '{path}' cannot be loaded \({reason}"):
        registry["bad"]
    assert registry["fraction"](1, 2) == 0.5


@pytest.mark.parametrize("error", [MissingExtraError, DataError])
def test_named_errors_of_entries_pass_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """An entry that says which extra is missing is heard, be it built-in or plug-in."""
    module = f"needs_extra_{error.__name__.lower()}"
    (tmp_path / f"{module}.py").write_text(
        f"from tabsynth.errors import {error.__name__}\nraise {error.__name__}('pip install it')\n"
    )
    install(tmp_path, "extra", {"plugin": f"{module}:Thing"}, monkeypatch)
    registry = Registry("shape", {"builtin": f"{module}:Thing"}, group=GROUP)
    for name in ("builtin", "plugin"):
        with pytest.raises(error, match=r"^pip install it$"):
            registry[name]
