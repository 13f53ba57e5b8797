"""Registries: read-only mappings from a name to a class, resolved on use.

A built-in is a line `"copula": "tabsynth.generators.copula:Copula"`; a plug-in is an entry point of the registry's group.
Nothing is imported until it is asked for, so `import tabsynth` and `tabsynth --help` stay free of torch and scikit-learn.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from tabsynth.errors import UsageError


class Registry(Mapping[str, Any]):
    """Names and the classes they stand for."""

    def __init__(self, kind: str, paths: Mapping[str, str], *, group: str | None = None) -> None:
        """Build the mapping.

        Args:
            kind: What the entries are, in the singular, for error messages ("generator").
            paths: Built-in entries, name to "module:attribute".
            group: Entry-point group that may add names, or None.

        Raises:
            UsageError: A plug-in tries to replace a built-in entry.
        """
        plugins = {entry.name: entry.value for entry in entry_points(group=group)} if group else {}
        if clash := sorted(paths.keys() & plugins.keys()):
            raise UsageError(f"plug-ins may not replace built-in {kind}s: {', '.join(clash)}")
        self._kind = kind
        self._paths = {**paths, **plugins}

    def __getitem__(self, name: str) -> Any:
        if name not in self._paths:
            near = difflib.get_close_matches(name, self._paths, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UsageError(f"unknown {self._kind} {name!r}{hint}; choose from: {', '.join(self)}")
        module, _, attribute = self._paths[name].partition(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
