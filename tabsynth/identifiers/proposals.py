"""What a drafted schema does about each identifier that a scan finds, and the line that would resolve what is left.

Decisions
- Identifiers are replaced and text is left out already in the draft. Dates, ages and places are learned there, since
  most tables are no health records: the treatment that Safe Harbor wants stands beside them as a comment, or, where it
  is asked for, in the schema itself.
- A treated column keeps no bounds and categories that were read from data: they would say what is taken away.
- A column is treated by its surest finding; what that leaves open is looked at again.

Privacy: Names of columns, classes and words leave; no cell does. A column whose name holds a value is not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from tabsynth.identifiers.findings import Finding
from tabsynth.identifiers.hipaa import SAFE_HARBOR, SafeHarborClass
from tabsynth.identifiers.scan import scan_table
from tabsynth.schema.columns import Column, Role
from tabsynth.schema.files import parse_schema
from tabsynth.schema.model import Privacy, Schema

_MOST_ROUNDS = 3
_READ = ("lower", "upper", "categories")


@dataclass(frozen=True)
class Proposal:
    """One column in which identifiers were found."""

    table: str
    column: str
    """Name as in the schema, for keys; `label` is what may be shown."""
    label: str
    kinds: tuple[SafeHarborClass, ...]
    treatment: str | None
    """What the schema does with it, in words; None where it is learned."""
    line: str | None
    """Line of schema that would resolve it; None where the schema does."""

    @property
    def sentence(self) -> str:
        """Class and treatment for a reader, without a value."""
        classes = ", ".join(f"{kind.value} ({SAFE_HARBOR[kind].title})" for kind in self.kinds)
        if self.line is None:
            return f"Safe Harbor {classes}: {self.treatment}"
        return f"Safe Harbor {classes}: {self.treatment or 'learned as it is'}; to resolve: {self.line}"

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "table": self.table,
            "column": self.label,
            "classes": [kind.value for kind in self.kinds],
            "treatment": self.treatment,
            "resolved": self.line is None,
            "line": self.line,
        }


def propose(frames: Mapping[str, pd.DataFrame], schema: Schema) -> tuple[Proposal, ...]:
    """Hold a schema against what a scan finds in its tables.

    Args:
        frames: The tables by name.
        schema: Their schema.

    Returns:
        One proposal for each column in which identifiers were found, in the order of the tables.
    """
    found: list[Proposal] = []
    for table, frame in frames.items():
        by_column: dict[int, list[Finding]] = {}
        for finding in scan_table(frame, schema, table_name=table).findings:
            if finding.position:
                by_column.setdefault(finding.position, []).append(finding)
        for position, findings in sorted(by_column.items()):
            kinds = tuple(dict.fromkeys(finding.kind for finding in findings))
            left = next((finding for finding in findings if finding.status == "unresolved"), None)
            treatment = next((finding.treatment for finding in findings if finding.treatment), None)
            line = None if left is None else left.remedy
            label = findings[0].column
            found.append(Proposal(table, frame.columns[position - 1], label, kinds, treatment, line))
    return tuple(found)


def treated(frames: Mapping[str, pd.DataFrame], schema: Schema, *, as_of: date) -> Schema:
    """A schema with the treatments that Safe Harbor wants, and with the demand that it is kept.

    Args:
        frames: The tables by name.
        schema: Their schema.
        as_of: Day on which ages are counted.

    Returns:
        The schema with `treatment`s and `privacy: {safe_harbor: true}`. What no line of schema resolves is left as it
        is, and fitting will refuse it.
    """
    for _ in range(_MOST_ROUNDS):
        open_ones = [item for item in propose(frames, schema) if item.line is not None and item.label == item.column]
        if not open_ones:
            break
        tables = dict(schema.tables)
        for item in open_ones:
            columns = dict(tables[item.table].columns)
            columns[item.column] = _resolved(columns[item.column], str(item.line))
            tables[item.table] = tables[item.table].model_copy(update={"columns": columns})
        schema = schema.model_copy(update={"tables": tables})
    privacy = schema.privacy or Privacy(unit="row")
    stated = {"safe_harbor": True, "as_of": privacy.as_of or as_of.isoformat()}
    return schema.model_copy(update={"privacy": privacy.model_copy(update=stated)})


def _resolved(column: Column, line: str) -> Column:
    """A column as the line of schema that resolves its finding wants it."""
    wanted = next(iter(parse_schema(f"tables: {{t: {{columns: {{{line}}}}}}}").only_table.columns.values()))
    if wanted.type == column.type and wanted.treatment != "drop":
        read = {field: None for field in _READ if hasattr(column, field) and not column.is_rule(field)}
        left = {name: source for name, source in column.provenance.items() if name not in read}
        return column.model_copy(update={"treatment": wanted.treatment, **read, "provenance": left})
    kept = {"nullable": column.nullable, "missing_values": column.missing_values, "question": None}
    sources = {name: source for name, source in column.provenance.items() if name in kept}
    role = wanted.role if column.role is Role.NONE else column.role
    return wanted.model_copy(update={**kept, "role": role, "provenance": sources})
