"""Look for identifiers in a table, and hold what is found against its schema."""

from __future__ import annotations

from tabsynth.identifiers.findings import ChecklistRow, Finding, ScannedColumn, ScanReport

__all__ = ["ChecklistRow", "Finding", "ScanReport", "ScannedColumn"]
