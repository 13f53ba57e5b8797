"""What a detector of direct identifiers hands to `infer`: the kind of surrogate, and why.

The type lives here, below both sides: `identifiers.detect` makes it, `schema.infer` uses it, and neither imports the
other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from tabsynth.schema.columns import Surrogate


@dataclass(frozen=True)
class Detection:
    """A column was recognised as direct identifiers."""

    surrogate: Surrogate
    """What its invented values look like."""
    confidence: float
    """Share of present cells that fit, 0 to 1."""
    reason: str
    """What was recognised, in words; never a value."""
    pattern: str | None = None
    """Shape of the keys, for surrogate "key"."""


Detect = Callable[[str, pd.Series], Detection | None]
"""A detector: name of the column and its cells in, a detection or None out."""
