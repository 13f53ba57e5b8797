"""The schema of a table after its treatments: what the columns are that are left, and which rules still hold.

It is a function of the schema alone: a private generator can use it, and a synthetic table can be checked by it.

Decisions
- Constraints between cut dates still hold as "at most equal", since cutting to the year keeps the order. Others that
  name a treated column are left out, and named in a note.
- Keys may not be left out or cut: rows would lose the person they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from tabsynth.errors import SchemaError
from tabsynth.identifiers.generalise import ninety, years_of_numbers
from tabsynth.identifiers.written_dates import LAST_AGE
from tabsynth.identifiers.zip_codes import PREFIXES, STATE_OF_PREFIX, VINTAGE, are_prefixes, zip3
from tabsynth.schema.column_names import age_unit
from tabsynth.schema.columns import Categorical, Column, DateTime, Integer, Number, Provenance, Role
from tabsynth.schema.constraints import ChainedInequality, Constraint, Inequality
from tabsynth.schema.model import Schema, Table, Unit
from tabsynth.schema.values import category_text

_GONE = ("drop", "refuse")


@dataclass(frozen=True)
class TreatedSchema:
    """A schema without treatments left to do, and what was changed beside the columns."""

    schema: Schema
    notes: tuple[str, ...]


def needs_treatment(table: Table) -> bool:
    """Whether any column has something done to it before learning."""
    return any(column.treatment not in (None, "keep") for column in table.columns.values())


def treated_schema(schema: Schema, name: str) -> TreatedSchema:
    """The schema of what a table is after its treatments.

    Args:
        schema: The schema as it was written.
        name: Which table of it is treated.

    Returns:
        The schema for the treated table, the same object where nothing is treated.

    Raises:
        SchemaError: A key is left out or cut, or no `as_of` says on which day ages are counted.
    """
    table = schema.tables[name]
    if not needs_treatment(table):
        return TreatedSchema(schema, ())
    _require_keys(schema, name)
    _require_units(table, name)
    day = day_of(schema, table)
    private = schema.privacy is not None and schema.privacy.epsilon is not None
    columns = {
        column_name: _treated(column, day, private)
        for column_name, column in table.columns.items()
        if column.treatment not in _GONE
    }
    if not columns:
        raise SchemaError(f"{name}: every column is left out; keep one")
    kept, dropped = [], []
    for constraint in table.constraints:
        changed = _constraint(constraint, table.columns)
        if changed is None:
            dropped.append(constraint)
        else:
            kept.append(changed)
    notes = [
        f"{name}: the constraint {constraint.name or constraint.type!r} names a treated column "
        f"({', '.join(c for c in constraint.involved if table.columns[c].treatment)}) and no longer holds"
        for constraint in dropped
    ]
    notes += [
        f"{name}.{column_name}: cut to three digits; 000 by the {VINTAGE}"
        for column_name, column in table.columns.items()
        if column.treatment == "zip3"
    ]
    new = table.model_copy(
        update={
            "columns": columns,
            "constraints": tuple(kept),
            "order_by": tuple(column_name for column_name in table.order_by if column_name in columns),
        }
    )
    return TreatedSchema(schema.model_copy(update={"tables": {**schema.tables, name: new}}), tuple(notes))


def day_of(schema: Schema, table: Table) -> date:
    """The day on which ages are counted.

    Raises:
        SchemaError: A column needs it, and the schema does not state it.
    """
    stated = schema.privacy.as_of if schema.privacy is not None else None
    if stated is not None:
        return date.fromisoformat(stated)
    for name, column in table.columns.items():
        if column.treatment == "birth-year":
            raise SchemaError(
                f"{name}: treatment birth-year needs the day on which ages are counted; write it as "
                "'privacy: {unit: row, as_of: 2026-01-31}' with the day of the release"
            )
    return date.max


def _require_keys(schema: Schema, name: str) -> None:
    table = schema.tables[name]
    keys = dict.fromkeys(table.primary_key, "primary_key")
    if table.entity_key is not None:
        keys[table.entity_key] = "entity_key"
    if schema.privacy is not None and isinstance(schema.privacy.unit, Unit) and schema.privacy.unit.table == name:
        keys[schema.privacy.unit.key] = "privacy.unit"
    for relationship in schema.relationships:
        for side, columns in (
            (relationship.parent, relationship.parent_key),
            (relationship.child, relationship.child_key),
        ):
            keys |= dict.fromkeys(columns, "a key of a relationship") if side == name else {}
    for key, what in keys.items():
        if table.columns[key].treatment not in (None, "keep"):
            raise SchemaError(
                f"{name}.{key}: is {what} and cannot be treated; write 'type: identifier', whose values are invented"
            )


def _require_units(table: Table, name: str) -> None:
    for column_name, column in table.columns.items():
        if column.treatment != "age-90" or getattr(column, "unit", None) is not None:
            continue
        if (unit := age_unit(column_name)) not in (None, "years"):
            raise SchemaError(
                f"{name}.{column_name}: treatment age-90 reads years, and the name says {unit}; write "
                f"'{column_name}: {{type: {column.type}, treatment: age-90, unit: {unit}}}', or unit: years"
            )


def _treated(column: Column, day: date, private: bool) -> Column:
    """What a column is after its treatment."""
    shared: dict[str, Any] = {
        "role": Role.QUASI_IDENTIFIER if column.role is Role.DIRECT_IDENTIFIER else column.role,
        "nullable": column.nullable,
        "extra": column.extra,
    }
    match column.treatment:
        case "zip3":
            listed = getattr(column, "categories", None)
            known = PREFIXES if private else None
            if listed:
                codes = [category_text(code) for code in listed]
                known = tuple(sorted({zip3(code, are_short=are_prefixes(codes)) for code in codes}))
            return Categorical(
                **shared,
                categories=known,
                provenance=_provenance(column, "categories") if listed else {},
                description=_described(column, "first three digits of the ZIP code; 000: few people or no US ZIP code"),
            )
        case "state":
            states = tuple(sorted(set(STATE_OF_PREFIX.values())))
            return Categorical(
                **{**shared, "nullable": True},
                categories=states if private else None,
                description=_described(column, "state of the postcode or address"),
            )
        case "year" | "birth-year":
            eldest = day.year - LAST_AGE - 1 if column.treatment == "birth-year" else None
            lower, upper = (_year(getattr(column, field, None)) for field in ("lower", "upper"))
            if eldest is not None:
                lower = eldest if lower is None else max(lower, eldest)
                upper = None if upper is None else max(upper, eldest)
            meaning = "year" if eldest is None else f"year of birth; {eldest}: {eldest} or earlier"
            provenance = {} if eldest is not None else _provenance(column, "lower")
            return Integer(
                **shared,
                lower=lower,
                upper=upper,
                provenance={**provenance, **_provenance(column, "upper")},
                description=_described(column, meaning),
            )
        case "age-90":
            assert isinstance(column, Integer | Number)
            top = ninety(column.unit)
            meaning = f"{top} stands for 90 years and older"
            return column.model_copy(
                update={
                    "treatment": None,
                    "upper": top if column.upper is None else min(column.upper, top),
                    "provenance": {field: source for field, source in column.provenance.items() if field != "upper"},
                    "description": _described(column, meaning),
                }
            )
        case "shift":
            assert isinstance(column, DateTime)
            moved = {"treatment": None, "lower": None, "upper": None, "format": None}
            return column.model_copy(
                update={
                    **moved,
                    "provenance": {},
                    "description": _described(column, "shifted per person; Expert Determination, not Safe Harbor"),
                }
            )
    return column.model_copy(update={"treatment": None}) if column.treatment == "keep" else column


def _provenance(column: Column, field: str) -> dict[str, Provenance]:
    return {field: column.provenance[field]} if field in column.provenance else {}


def _described(column: Column, meaning: str) -> str:
    return meaning if column.description is None else f"{column.description} ({meaning})"


def _year(bound: object) -> int | None:
    if bound is None:
        return None
    if isinstance(bound, str):
        return datetime.fromisoformat(bound).year
    year = int(years_of_numbers(np.array([bound], dtype=np.float64))[0])
    return year if year >= 0 else None


def _constraint(constraint: Constraint, columns: Mapping[str, Column]) -> Constraint | None:
    """The constraint as it holds between treated columns, or None where it no longer does."""
    treatments = {columns[name].treatment for name in constraint.involved} - {None, "keep"}
    if not treatments:
        return constraint
    every = all(columns[name].treatment == "year" for name in constraint.involved)
    if every and isinstance(constraint, Inequality | ChainedInequality):
        return constraint.model_copy(update={"strict": False})
    return None
