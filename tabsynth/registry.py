"""Registries: read-only mappings from a name to a class, resolved on use.

A built-in is a line `"copula": "tabsynth.generators.copula:Copula"`; a plug-in is an entry point of the registry's
group. Nothing is imported until it is asked for, so `import tabsynth` and `tabsynth --help` stay free of torch and
scikit-learn.

Decisions
- Plug-ins are looked up on first use, not on import: a broken one must not keep the package from being imported.
- No name may stand for two things, so a plug-in can replace neither a built-in nor another plug-in.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from tabsynth.errors import TabsynthError, UsageError


class Registry(Mapping[str, Any]):
    """Names and the classes they stand for: the built-in ones in their order, then plug-ins by name."""

    def __init__(self, kind: str, paths: Mapping[str, str], *, group: str | None = None) -> None:
        """Build the mapping.

        Args:
            kind: What the entries are, in the singular, for error messages ("generator").
            paths: Built-in entries, name to "module:attribute".
            group: Entry-point group that may add names, or None.
        """
        self._kind = kind
        self._builtin = dict(paths)
        self._group = group

    def __getitem__(self, name: str) -> Any:
        """Import and return what `name` stands for.

        Raises:
            UsageError: The name is unknown, or its plug-in cannot be loaded.
            MissingExtraError: The entry needs an optional dependency that is not installed.
        """
        if name not in self:
            near = difflib.get_close_matches(str(name), self, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UsageError(f"unknown {self._kind} {name!r}{hint}; choose from: {', '.join(self)}")
        if name in self._builtin:
            return _load(self._builtin[name])
        try:
            return _load(self._plugins[name])
        except TabsynthError:
            raise
        except Exception as error:  # code of others: anything can go wrong in it
            raise UsageError(
                f"{self._kind} {name!r}: its plug-in {self._plugins[name]!r} cannot be loaded "
                f"({type(error).__name__}); repair or uninstall it"
            ) from error

    def get(self, name: str, default: Any = None) -> Any:
        """Return what `name` stands for, or `default` where it is unknown."""
        return self[name] if name in self else default  # noqa: SIM401  (that would be this method)

    def __repr__(self) -> str:
        return f"Registry({self._kind!r}: {', '.join(self)})"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._builtin or name in self._plugins)

    def __iter__(self) -> Iterator[str]:
        yield from self._builtin
        yield from self._plugins

    def __len__(self) -> int:
        return len(self._builtin) + len(self._plugins)

    @cached_property
    def _plugins(self) -> dict[str, str]:
        """Entry points of the group: name to "module:attribute".

        Raises:
            UsageError: A plug-in uses a name that is taken.
        """
        plugins: dict[str, str] = {}
        for entry in sorted(entry_points(group=self._group) if self._group else (), key=lambda entry: entry.name):
            if entry.name in self._builtin:
                raise UsageError(
                    f"plug-in {entry.value!r} may not replace the built-in {self._kind} {entry.name!r}; uninstall it"
                )
            if plugins.get(entry.name, entry.value) != entry.value:
                raise UsageError(
                    f"plug-ins {plugins[entry.name]!r} and {entry.value!r} are both named {entry.name!r}; uninstall one"
                )
            plugins[entry.name] = entry.value
        return plugins


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
