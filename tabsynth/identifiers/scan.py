"""Look for identifiers of the eighteen Safe Harbor classes in a table, and hold what is found against its schema.

What is read whole, and what is sampled
- Every distinct text of every column is searched for identifiers inside it (e-mail addresses, numbers after a telling
  word, ...), so that one in a million remarks is found.
- What a column is as a whole is judged by 2,000 of its cells, evenly spaced; ages, years of birth, native dates and
  uniqueness by all of them.
- Names of columns, levels of categories that no row has, and the metadata of Parquet files are read whole.

Decisions
- Where the schema says whose a row is, uniqueness counts people: a number that is on every row of one patient is as
  telling as one that is on one row.
- An identifier beside the column's own kind (a telephone number among remarks) is a finding of its own.
- Where a schema is given and anything is unresolved, the table fails: nothing is let through as harmless because the
  scan does not know what it is.

Privacy: Findings hold kinds, counts and names of columns, and no cell; a name that holds a value is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import DataError, UsageError
from tabsynth.identifiers import resolution
from tabsynth.identifiers.column_cells import PROBE, ColumnCells
from tabsynth.identifiers.column_tests import Found, examine, examine_people
from tabsynth.identifiers.declared_dates import declared_date
from tabsynth.identifiers.detectors import DETECTORS
from tabsynth.identifiers.findings import ChecklistRow, Finding, Place, ScannedColumn, ScanReport
from tabsynth.identifiers.free_text import search_texts
from tabsynth.identifiers.hidden_values import in_levels, in_metadata, in_name
from tabsynth.identifiers.hipaa import SAFE_HARBOR
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.identifiers.presidio import Presidio
from tabsynth.schema.columns import Column, DateTime
from tabsynth.schema.model import Schema
from tabsynth.tables.frames import to_pandas

__all__ = ["ChecklistRow", "Finding", "ScanReport", "ScannedColumn", "require_resolved", "scan_table"]

_EXPLAINING = frozenset(detector.name for detector in DETECTORS)
"""Detectors that say what every cell of a column is, so that what else may be in some of them is a part of it."""
_METHOD = (
    "every distinct text was searched for identifiers inside it",
    f"each column was judged as a whole by up to {PROBE:,} cells, evenly spaced; ages, years of birth, native dates "
    "and uniqueness by all cells",
    "names of columns, unused levels of categories and metadata of Parquet files were read whole",
)


def scan_table(
    table: object,
    schema: Schema | None = None,
    *,
    table_name: str | None = None,
    metadata: Mapping[str, str] | None = None,
    as_of: date | None = None,
    presidio: Presidio | None = None,
) -> ScanReport:
    """Find the identifiers of a table.

    Args:
        table: pandas, polars or pyarrow table; it is not modified.
        schema: The schema to hold findings against; None to find only.
        table_name: Which table of a schema with several.
        metadata: Texts that came with the file beside its cells, by name.
        as_of: Day on which ages are counted; default: that of the schema, else today.
        presidio: Recognisers that search texts besides our own patterns; None for ours alone.

    Returns:
        What was found, column by column, with the line of schema that would resolve what is unresolved.

    Raises:
        DataError: It is no table.
        UsageError: The schema has several tables and none is named, or not this one.

    Privacy: Kinds, counts and names of columns leave; no cell does.
    """
    declared: Mapping[str, Column] = {}
    owner: str | None = None
    if schema is not None:
        table_name = table_name if table_name is not None or len(schema.tables) > 1 else schema.only_name
        if table_name not in schema.tables:
            raise UsageError(f"scan: name one of the tables of the schema: {', '.join(schema.tables)}")
        declared = schema.tables[table_name].columns
        owner = schema.tables[table_name].entity_key
        if as_of is None and schema.privacy is not None and schema.privacy.as_of is not None:
            as_of = date.fromisoformat(schema.privacy.as_of)
    day = as_of or date.today()
    frame, _ = to_pandas(table)
    unused = in_levels(table)
    findings: list[Finding] = []
    scanned: list[ScannedColumn] = []
    for position, name in enumerate(frame.columns, start=1):
        column = declared.get(name)
        cells = ColumnCells.of(name, frame[name])
        in_its_name = in_name(name)
        label = f"column {position}" if in_its_name else name
        judge = _Judge(label, position, name, cells, column)
        n_looked_at = len(cells.texts) or cells.n_present
        scanned.append(ScannedColumn(label, position, cells.n_present, n_looked_at))
        unit = getattr(column, "unit", None)
        whole = examine(cells, unit=unit, as_of=day) if cells.n_present else []
        if isinstance(column, DateTime) and not any(found.kind is Kind.DATE for found in whole):
            whole += [found] if (found := declared_date(frame[name], column)) is not None else []
        if not whole and owner is not None and owner in frame and owner != name:
            whole += _per_person(frame, name, owner)
        here = [judge.of_cells(found) for found in whole]
        here += [judge.of_text(kind, *rest) for kind, *rest in _inside(cells, whole, presidio)]
        if in_its_name is not None:
            here.append(judge.of_name(in_its_name))
        here += [judge.of_levels(hit.kind, hit.detector, hit.n_found, hit.what) for hit in unused.get(name, ())]
        findings += sorted(here, key=lambda item: -item.confidence)
    findings = [*in_metadata(metadata or {}), *findings]
    more = () if presidio is None else (presidio.method,)
    method = (*_METHOD, *more, f"ages were counted on {day.isoformat()}")
    return ScanReport(len(frame), tuple(scanned), tuple(findings), schema is not None, method, table_name)


def require_resolved(report: ScanReport) -> None:
    """Do nothing where the schema deals with all that was found.

    Raises:
        DataError: It does not; each finding is named with the line of schema that would resolve it.
    """
    if report.ok:
        return
    lines = [
        f"{finding.evidence} ({SAFE_HARBOR[finding.kind].title}, {finding.kind.citation}); to resolve: {finding.remedy}"
        for finding in report.unresolved
    ]
    where = report.table or "table"
    raise DataError(f"{where}: {len(lines)} identifiers are not dealt with by the schema\n- " + "\n- ".join(lines))


def _per_person(frame: pd.DataFrame, name: str, owner: str) -> list[Found]:
    """What tells people apart in a column where each person has one value on several rows."""
    pairs = frame[[owner, name]].dropna()
    once = pairs.drop_duplicates()
    if len(once) == len(pairs) or len(once) > 1.05 * once[owner].nunique():
        return []
    found = examine_people(ColumnCells.of(name, once[name].reset_index(drop=True)))
    return [] if found is None else [found]


def _inside(cells: ColumnCells, whole: list[Found], presidio: Presidio | None) -> list[tuple[Any, ...]]:
    """Kinds inside the texts of a column that the column as a whole is not."""
    if cells.storage != "text" or not cells.n_present:
        return []
    texts = np.array([text if isinstance(text, str) else str(text) for text in cells.distinct], dtype=object)
    if any(found.share >= 0.8 and found.detector in _EXPLAINING for found in whole):
        return []
    known = {found.kind for found in whole}
    hits = [hit for hit in search_texts(texts, cells.counts) if hit.kind not in known]
    if presidio is not None:
        known |= {hit.kind for hit in hits}
        hits += [hit for hit in presidio.search(texts, cells.counts) if hit.kind not in known]
    return [(hit.kind, hit.detector, hit.confidence, hit.n_found, hit.what, hit.is_scaled) for hit in hits]


class _Judge:
    """Makes findings of one column."""

    def __init__(self, label: str, position: int, name: str, cells: ColumnCells, column: Column | None) -> None:
        self.label, self.position, self.name, self.cells, self.column = label, position, name, cells, column
        self.treatment = resolution.in_words(column)

    def of_cells(self, found: Found) -> Finding:
        n_looked_at = len(self.cells.texts) or self.cells.n_present
        n_found = max(1, round(found.share * n_looked_at))
        part = "under 1%" if found.share < 0.005 else f"{found.share:.0%}"
        what = f"{part} of {n_looked_at:,} cells looked at are {found.what}"
        return self._finding("cells", found.kind, found.detector, found.confidence, n_found, n_looked_at, what)

    def of_text(self, kind: Any, detector: str, confidence: float, n_found: int, what: str, scaled: bool) -> Finding:
        about = "about " if scaled else ""
        evidence = f"{what} inside {about}{n_found:,} of {self.cells.n_present:,} cells"
        return self._finding("text", kind, detector, confidence, n_found, self.cells.n_present, evidence)

    def of_name(self, hit: Any) -> Finding:
        return self._finding("name", hit.kind, hit.detector, 0.9, 1, 1, f"the name of the column holds {hit.what}")

    def of_levels(self, kind: Any, detector: str, n_found: int, what: str) -> Finding:
        evidence = f"{n_found:,} category levels without a row hold {what}; they are left out when the table is read"
        return self._finding("levels", kind, detector, 0.9, n_found, n_found, evidence)

    def _finding(
        self, place: Place, kind: Any, detector: str, confidence: float, n_found: int, n_looked_at: int, what: str
    ) -> Finding:
        spaced = self.cells.spaced
        done = resolution.is_resolved(self.column, kind, detector, confidence, place, spaced)
        treatment = self.treatment
        if place == "levels":
            treatment = "left out when the table is read"
        if treatment is not None and place != "levels":
            what += f"; {treatment}"
        # A line of schema would spell the name; a name that holds a value has to go first.
        asked: Place = place if self.label == self.name else "name"
        line = None if done else resolution.remedy(self.name, self.column, kind, detector, asked, spaced)
        return Finding(
            self.label,
            self.position,
            place,
            kind,
            detector,
            confidence,
            n_found,
            n_looked_at,
            treatment,
            "handled" if done else "unresolved",
            f"{self.label}: {what}",
            line,
        )
