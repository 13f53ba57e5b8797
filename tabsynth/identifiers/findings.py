"""What a scan for identifiers found, as plain data: findings per column, and the Safe Harbor checklist over them.

Privacy: Nothing here holds a cell. Where a column's own name holds a value, the column is called by its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tabsynth.identifiers.hipaa import SAFE_HARBOR, SafeHarborClass

Status = Literal["handled", "unresolved", "absent"]
"""Of a finding or a class: dealt with by the schema, not dealt with, or not there. A finding is never `absent`."""
Place = Literal["cells", "text", "name", "levels", "metadata"]
"""Where it was found: whole cells, inside longer texts, the column's name, unused category levels, file metadata."""


@dataclass(frozen=True)
class Finding:
    """One class of identifiers in one column."""

    column: str
    """Name of the column, "column 3" where the name itself holds a value, or "file metadata"."""
    position: int
    """Place of the column in the table, from 1; 0 for the metadata of the file."""
    place: Place
    kind: SafeHarborClass
    detector: str
    """What recognised it, such as `email`, `npi`, `date` or `unique`."""
    confidence: float
    """How sure the detector is that the column holds this class, 0 to 1."""
    n_found: int
    """Cells (levels, names, entries) in which it was found."""
    n_looked_at: int
    """Present cells (levels, names, entries) that were looked at."""
    treatment: str | None
    """What the schema does with the column, in its own words; None without a schema, or where it does nothing."""
    status: Status
    evidence: str
    """One line for a reviewer: what was found, on what grounds, what is done. No value."""
    remedy: str | None
    """Line of schema that would resolve it; None where it is handled."""

    @property
    def share(self) -> float:
        """Part of what was looked at in which it was found, 0 to 1."""
        return self.n_found / self.n_looked_at if self.n_looked_at else 0.0


@dataclass(frozen=True)
class ScannedColumn:
    """One column and how much of it was looked at."""

    column: str
    position: int
    n_present: int
    """Cells that are not empty."""
    n_looked_at: int
    """Cells whose form was looked at, each distinct value once for all rows that hold it."""


@dataclass(frozen=True)
class ChecklistRow:
    """One of the eighteen classes, and how the table stands to it."""

    kind: SafeHarborClass
    title: str
    citation: str
    text: str
    """Text of the rule."""
    status: Status
    columns: tuple[str, ...]
    """Columns in which it was found, in the order of the table."""
    treatments: tuple[str, ...]
    """What the schema does with each of `columns`, in the same order; empty text where it does nothing."""
    evidence: str
    """One line for a reviewer; no value."""
    default: str
    """What tabsynth does with the class where the schema leaves it open."""


@dataclass(frozen=True)
class ScanReport:
    """What a scan found in one table."""

    n_rows: int
    columns: tuple[ScannedColumn, ...]
    findings: tuple[Finding, ...]
    """In the order of the table; of one column, the surest first."""
    schema_given: bool
    """Whether a schema was held against the findings; without one all of them are unresolved."""
    method: tuple[str, ...]
    """How it was looked for, in sentences: what was read whole, what was sampled."""
    table: str | None = None
    """Name of the table in the schema."""

    @property
    def unresolved(self) -> tuple[Finding, ...]:
        """Findings that the schema does not deal with."""
        return tuple(finding for finding in self.findings if finding.status == "unresolved")

    @property
    def ok(self) -> bool:
        """Whether the schema deals with everything that was found."""
        return not self.unresolved

    def of(self, column: str) -> tuple[Finding, ...]:
        """Findings of one column."""
        return tuple(finding for finding in self.findings if finding.column == column)

    def checklist(self) -> tuple[ChecklistRow, ...]:
        """The eighteen classes in the order of the rule, each handled, unresolved or absent."""
        return tuple(self._row(kind) for kind in SAFE_HARBOR)

    def _row(self, kind: SafeHarborClass) -> ChecklistRow:
        rule = SAFE_HARBOR[kind]
        by_column: dict[str, Finding] = {}
        for finding in sorted(self.findings, key=lambda item: (item.position, item.status != "unresolved")):
            if finding.kind is kind:
                by_column.setdefault(finding.column, finding)
        open_ones = [finding for finding in by_column.values() if finding.status == "unresolved"]
        if open_ones:
            status: Status = "unresolved"
            evidence = "; ".join(finding.evidence for finding in open_ones)
        elif by_column:
            status = "handled"
            evidence = "; ".join(finding.evidence for finding in by_column.values())
        else:
            status = "absent"
            evidence = f"looked for in {len(self.columns)} columns, {self.n_rows:,} rows: none found"
        return ChecklistRow(
            kind,
            rule.title,
            kind.citation,
            rule.text,
            status,
            tuple(by_column),
            tuple(finding.treatment or "" for finding in by_column.values()),
            evidence,
            rule.default,
        )

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values, with the checklist and counts by status."""
        checklist = [{**asdict(row), "kind": row.kind.value} for row in self.checklist()]
        return {
            "format": 1,
            "table": self.table,
            "n_rows": self.n_rows,
            "schema_given": self.schema_given,
            "ok": self.ok,
            "method": list(self.method),
            "columns": [asdict(column) for column in self.columns],
            "findings": [_finding_json(finding) for finding in self.findings],
            "checklist": checklist,
        }


def _finding_json(finding: Finding) -> Mapping[str, Any]:
    return {**asdict(finding), "kind": finding.kind.value, "share": round(finding.share, 4)}
