"""How surrogates of one kind are made: sets of texts, and a last step that adds check digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tabsynth.identifiers.texts import TextSet

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Recipe:
    """How values of one kind are made."""

    forms: tuple[TextSet, ...]
    """From the usual form to longer ones that hold more distinct values."""
    finish: Callable[[_Array, np.random.Generator], _Array] | None = None
    """Adds check digits; keeps distinct values distinct."""
    body: slice = field(default_factory=lambda: slice(None))
    """The characters of a finished value that a form made."""
