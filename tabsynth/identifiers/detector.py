"""What a detector of identifiers is: how it weighs the form of the cells against the name of the column.

Decisions
- Names with a word that speaks of something about the identifier, not of itself (`phone_type`, `has_email`,
  `photo_consent`), tell nothing.
- Confidence says how the column was recognised: .99 by check digits, .95 by form, .9 by name and form, .7 by name with
  a form that fits much.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tabsynth.identifiers.column_cells import ColumnCells
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind

Test = Callable[[str], bool]

_ABOUT = re.compile(
    r"(?:^(?:has|is|n|no of|num|number of|count|total|days|hours|max|min|avg|mean) )|"
    r"\b(?:type|types|class|category|cat|status|flag|count|counts|total|rate|amount|score|level|pct|percent|"
    r"kind|group|"
    r"indicator|consent|service|services|valid|verified|known|present|provided|available|ind|yn|usage|model|"
    r"brand|make|"
    r"fee|fees|balance|size|length|version|format|method|lines|quality|check|policy type|width|height|area|"
    r"days|visits|"
    r"limit|price|cost|year|years|value|values|bytes|color|colour)(?: \d+)?$"
)


@dataclass(frozen=True)
class Detector:
    """How one kind of identifier is recognised in a whole column."""

    name: str
    kind: Kind
    what: str
    """What was recognised, for the evidence."""
    form: Test | None = None
    """Test of a cell that needs no name; None: only under a telling name."""
    sure: float = 0.95
    """Confidence where the form alone decides."""
    alone: float = 0.8
    """Share of cells that must pass `form`."""
    names: str = ""
    """Regular expression searched in the words of the column's name."""
    named_form: Test | None = None
    """Laxer test under a telling name; None: the same."""
    named_sure: float = 0.9
    named: float = 0.6
    """Share of cells that must pass under a telling name."""
    familiar: Test | None = None
    """Test that a part of the cells must pass besides (words from a list of names)."""
    familiar_share: float = 0.3
    codes_too: bool = False
    """Whether few values on many rows can be this under a telling name (the two doctors of a practice)."""
    numbers: bool = True
    """Whether whole numbers can be this."""
    decimals: bool = False
    """Whether other numbers can be this: parts of an embedding."""

    def confidence(self, cells: ColumnCells) -> tuple[float, float] | None:
        """How sure this detector is of a column, and the share of cells that fit; None where it is not."""
        if cells.storage in ("datetime", "boolean") or not cells.texts:
            return None
        if (cells.storage == "whole" and not self.numbers) or (cells.storage == "decimal" and not self.decimals):
            return None
        telling = bool(self.names) and tells(self.names, cells.spaced)
        if telling and (self.codes_too or not cells.is_a_code):
            share = max(cells.share(test) for test in (self.form, self.named_form) if test is not None)
            if share >= self.named and self._is_familiar(cells, self.familiar_share):
                proven = self.form is not None and self.familiar is None and cells.share(self.form) >= self.alone
                return max(self.named_sure, self.sure if proven else 0.0), share
        if self.form is not None and (self.codes_too or not cells.is_a_code):
            share = cells.share(self.form)
            if share >= self.alone and self._is_familiar(cells, 0.4) and (self.familiar is None or _is_varied(cells)):
                return self.sure, share
        return None

    def _is_familiar(self, cells: ColumnCells, least: float) -> bool:
        return self.familiar is None or cells.share(self.familiar) >= least


def tells(names: str, spaced: str) -> bool:
    """Whether the words of a column's name match, and speak of the thing itself, not of something about it."""
    return re.search(names, spaced) is not None and _ABOUT.search(spaced) is None


def _is_varied(cells: ColumnCells) -> bool:
    return cells.n_different >= 10
