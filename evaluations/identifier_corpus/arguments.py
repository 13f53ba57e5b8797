"""Why a finding on a real table is right, doubtful, or a false alarm."""

from __future__ import annotations

from typing import Literal

from tabsynth.identifiers.findings import Finding

Verdict = Literal["right", "doubtful", "false alarm"]

_ARGUED: dict[tuple[str, str], tuple[Verdict, str]] = {}
"""By a part of the table's name and the column's name."""


def argument(table: str, finding: Finding) -> tuple[Verdict, str]:
    """The judgement on a finding and its reason."""
    for (part, column), argued in _ARGUED.items():
        if part in table and column == finding.column:
            return argued
    return "right", ""
