"""The data dictionary: what each column is, as far as the schema declares it.

Decisions
- Bounds and categories are printed only where the schema declares them, or calls them public. Those that were read from
  data are somebody's values and are named as such, without being shown.
"""

from __future__ import annotations

from tabsynth.evaluation.part import Part
from tabsynth.schema.columns import Boolean, Column, DateTime, Identifier, Provenance, Text
from tabsynth.schema.model import Table

MAX_LISTED = 30
"""Categories that are listed one by one."""


class ColumnEntry(Part):
    """One column of the schema, without anything that was read from the data."""

    name: str
    type: str
    role: str
    description: str | None = None
    unit: str | None = None
    nullable: bool = True
    domain: str | None = None
    """Bounds, categories or format that the schema declares, in words."""
    categories: tuple[str, ...] = ()
    """Declared spellings of its values; empty where they were read from data, or where there are none."""
    bounded: bool = False
    """Whether the schema declares both of its bounds."""
    in_rows: str
    """How it comes to be in the synthetic rows: learned, invented, or left out."""


def describe_columns(table: Table) -> tuple[ColumnEntry, ...]:
    """One entry per column, in the order of the table."""
    return tuple(_entry(name, column) for name, column in table.columns.items())


def _entry(name: str, column: Column) -> ColumnEntry:
    lower, upper = (_declared(column, end) for end in ("lower", "upper"))
    return ColumnEntry(
        name=name,
        type=column.type,
        role=column.role.value,
        description=column.description,
        unit=getattr(column, "unit", None),
        nullable=column.nullable,
        domain=_domain(column, lower, upper),
        categories=_categories(column),
        bounded=lower is not None and upper is not None,
        in_rows=_in_rows(column),
    )


def _declared(column: Column, field: str) -> object | None:
    """A value of the column's schema, where it does not come from data."""
    value: object | None = getattr(column, field, None)
    return None if value is None or column.source(field) is Provenance.DATA else value


def _categories(column: Column) -> tuple[str, ...]:
    if isinstance(column, Boolean):
        labels = _declared(column, "labels")
        return tuple(map(str, labels)) if isinstance(labels, tuple) else ("False", "True", "false", "true")
    found = _declared(column, "categories")
    return tuple(map(str, found)) if isinstance(found, tuple) else ()


def _domain(column: Column, lower: object | None, upper: object | None) -> str | None:
    from_data = [end for end in ("lower", "upper", "categories", "labels") if _from_data(column, end)]
    if from_data:
        return f"{' and '.join(from_data)} read from data, not shown"
    if isinstance(column, Identifier):
        return f"invented: {column.surrogate}" + (f", shaped {column.pattern}" if column.pattern else "")
    if isinstance(column, Boolean):
        return " or ".join(column.labels) if column.labels else "true or false"
    if names := _categories(column):
        more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
        return ", ".join(names[:MAX_LISTED]) + more
    words = []
    if lower is not None or upper is not None:
        words.append(f"{'' if lower is None else f'from {lower} '}{'' if upper is None else f'to {upper}'}".strip())
    if isinstance(column, DateTime):
        words.append(f"by {column.resolution}")
    return ", ".join(words) or None


def _from_data(column: Column, field: str) -> bool:
    return getattr(column, field, None) is not None and column.source(field) is Provenance.DATA


def _in_rows(column: Column) -> str:
    if isinstance(column, Identifier):
        return "invented, never learned"
    if isinstance(column, Text):
        return {"drop": "left out", "template": "declared sentences"}.get(column.fill, "invented words, never learned")
    return "learned"
