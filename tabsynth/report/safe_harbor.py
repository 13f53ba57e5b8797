"""The chapter on identifiers: the Safe Harbor checklist with its evidence, and what an expert would need instead.

Decisions
- Eighteen rows, always. A class that was not looked for is listed as such; without a scan all of them are.
- Statuses are said as facts about fields ("handled", "not found"), never as compliance: paragraph (b)(2)(ii), actual
  knowledge, and expert determination are for people.
- The statement of an expert is left blank. Whatever stood there would be read as signed.

Source: 45 CFR 164.514(b)(1) and (b)(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tabsynth.evaluation.base import Family, Result
from tabsynth.evaluation.part import Part
from tabsynth.identifiers.findings import ScanReport
from tabsynth.identifiers.hipaa import SAFE_HARBOR
from tabsynth.report.dictionary import ColumnEntry


class CheckRow(Part):
    """One of the eighteen classes."""

    letter: str
    title: str
    citation: str
    status: Literal["handled", "unresolved", "absent", "not looked for"]
    columns: tuple[str, ...] = ()
    treatments: tuple[str, ...] = ()
    evidence: str


class SafeHarbor(Part):
    """The checklist, and the material for an expert."""

    rows: tuple[CheckRow, ...]
    scanned: bool
    method: tuple[str, ...] = ()
    summary: str
    inventory: tuple[str, ...]
    """Columns that may identify in combination: quasi-identifiers of the schema."""
    secrets: tuple[str, ...]
    """Columns with the roles `sensitive` and `target`."""
    methods: tuple[str, ...]
    """Attacks that were carried out, by metric."""


def build_safe_harbor(scan: ScanReport | None, columns: Sequence[ColumnEntry], results: Sequence[Result]) -> SafeHarbor:
    """The chapter of one release.

    Args:
        scan: What was found in the real table, held against the schema; None where nobody looked.
        columns: The data dictionary.
        results: What was measured.
    """
    rows = _scanned(scan) if scan is not None else _unscanned()
    resolved = sum(row.status in ("handled", "absent") for row in rows)
    summary = (
        f"{resolved} of {len(rows)} classes are handled by the schema or were not found"
        if scan is not None
        else "The real table was not searched for identifiers; the schema alone says what they are"
    )
    attacks = [
        result.metric
        for result in results
        if result.family in (Family.COPIES, Family.ATTACKS) and result.value is not None  # None: could not be made
    ]
    return SafeHarbor(
        rows=rows,
        scanned=scan is not None,
        method=() if scan is None else scan.method,
        summary=f"{summary}.",
        inventory=tuple(column.name for column in columns if column.role == "quasi-identifier"),
        secrets=tuple(column.name for column in columns if column.role in ("sensitive", "target")),
        methods=tuple(dict.fromkeys(attacks)),
    )


def _scanned(scan: ScanReport) -> tuple[CheckRow, ...]:
    return tuple(
        CheckRow(
            letter=row.kind.value,
            title=row.title,
            citation=row.citation,
            status=row.status,
            columns=row.columns,
            treatments=row.treatments,
            evidence=row.evidence,
        )
        for row in scan.checklist()
    )


def _unscanned() -> tuple[CheckRow, ...]:
    return tuple(
        CheckRow(
            letter=kind.value,
            title=rule.title,
            citation=kind.citation,
            status="not looked for",
            evidence="The table was not searched for this class.",
        )
        for kind, rule in SAFE_HARBOR.items()
    )
