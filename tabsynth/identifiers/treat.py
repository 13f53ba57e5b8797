"""Carry out the treatments that a schema asks for, before anything is learned from a table.

Privacy: What comes out holds no cell of a column that is left out, no date finer than a year where `year` stands, and
so on; it is still a table of real people, for a generator to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import DataError, SchemaError
from tabsynth.identifiers.generalise import (
    Generalised,
    shifted,
    to_age_90,
    to_birth_year,
    to_state,
    to_year,
    to_zip3,
)
from tabsynth.identifiers.treated_schema import day_of, needs_treatment, treated_schema
from tabsynth.identifiers.zip_codes import are_prefixes
from tabsynth.randomness import child
from tabsynth.schema.columns import Column, DateTime, Integer, Number
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.validate import require_valid, validate_table
from tabsynth.schema.values import TypedTable, category_text, parse_column

Array = np.ndarray[Any, Any]

MOST_DAYS = 365
"""Days by which `shift` moves the dates of a person at most, either way."""


@dataclass(frozen=True)
class TreatedTable:
    """A table after its treatments, and its schema."""

    frame: pd.DataFrame
    schema: Schema
    notes: tuple[str, ...]


def treat(frame: pd.DataFrame, schema: Schema, name: str, *, seed: int = 0, silent: bool = False) -> TreatedTable:
    """Treat the columns of a table as its schema asks.

    Args:
        frame: The rows. Shape (n_rows, n_columns). It is not modified.
        schema: The schema, with `treatment` at some of its columns.
        name: Which table of it the frame is.
        seed: Seed of the days by which `shift` moves dates.
        silent: Whether cells may not speak: what cannot be read or is out of range becomes missing, without a word.

    Returns:
        The treated rows and the schema for them; the same objects where nothing is treated.

    Raises:
        DataError: The table does not fit its schema, holds what is to be refused, or impossible ages. Columns and
            counts are named, no cell.
        SchemaError: See `treated_schema`.
    """
    table = schema.tables[name]
    if not needs_treatment(table):
        return TreatedTable(frame, schema, ())
    after = treated_schema(schema, name)
    if silent:
        typed = TypedTable(
            {c: parse_column(frame[c], k).values for c, k in table.columns.items() if c in frame}, len(frame)
        )
    else:
        validation = validate_table(frame, table, name=name)
        require_valid(validation)
        typed = validation.typed
    columns: dict[str, pd.Series] = {}
    notes = list(after.notes)
    days = _days(table, typed, seed)
    for column_name, column in table.columns.items():
        if column_name not in frame:
            continue
        if column.treatment == "refuse" and not silent and not typed.columns[column_name].missing.all():
            raise DataError(
                f"{name}.{column_name}: holds cells, and its treatment is refuse; to leave the column out, write "
                f"'{column_name}: {{type: {column.type}, treatment: drop}}'"
            )
        if column_name not in after.schema.tables[name].columns:
            continue
        if column.treatment in (None, "keep"):
            columns[column_name] = frame[column_name]
            continue
        made = _carry_out(column_name, column, typed, schema, table, days, silent)
        columns[column_name] = made.cells.rename(column_name)
        if made.n_lost and not silent:
            notes.append(_lost(name, column_name, column, made.n_lost))
    return TreatedTable(pd.DataFrame(columns, index=frame.index), after.schema, tuple(notes))


def _carry_out(
    name: str, column: Column, typed: TypedTable, schema: Schema, table: Table, days: Array | None, silent: bool
) -> Generalised:
    values = typed.columns[name]
    match column.treatment:
        case "zip3":
            return to_zip3(values, are_short=_are_short(column, silent))
        case "state":
            return to_state(values, are_short=_are_short(column, silent))
        case "year":
            return to_year(values, column)
        case "birth-year":
            return to_birth_year(values, column, day_of(schema, table))
        case "age-90":
            assert isinstance(column, Integer | Number)
            made, n_wrong = to_age_90(values, column.unit)
            if n_wrong and not silent:
                raise DataError(
                    f"{name}: {n_wrong:,} ages are below 0 or above 130 years; mend them, list the number that stands "
                    f"for 'unknown' as '{name}: {{type: {column.type}, treatment: age-90, missing_values: "
                    '["-1"]}\', or set unit to months, weeks or days'
                )
            return made
        case "shift":
            assert isinstance(column, DateTime) and days is not None
            return shifted(values, column, days)
    raise SchemaError(f"{name}: treatment {column.treatment} is not known")


def _are_short(column: Column, silent: bool) -> bool | None:
    """Whether ZIP codes of three digits are prefixes, by the declaration; None where the cells have to say.

    Private cells may not: of numbers without bounds three digits are then what lost zeros, of text they are prefixes.
    """
    if listed := getattr(column, "categories", None):
        return are_prefixes(category_text(code) for code in listed)
    if not silent:
        return None
    if isinstance(column, Integer | Number):
        return column.upper is not None and column.upper < 1000
    return True


def _days(table: Table, typed: TypedTable, seed: int) -> Array | None:
    """Days by which the dates of each row move, (n_rows,): the same for all rows of a person; never 0."""
    if not any(column.treatment == "shift" for column in table.columns.values()):
        return None
    if table.entity_key is not None and table.entity_key in typed.columns:
        values = typed.columns[table.entity_key]
        people = pd.factorize(values.array)[0].astype(np.int64)
        people[values.missing] = people.max(initial=-1) + 1 + np.arange(int(values.missing.sum()))
    else:
        people = np.arange(typed.n_rows)
    n_people = int(people.max(initial=-1)) + 1
    drawn = child(seed, "identifiers", "shift").integers(-MOST_DAYS, MOST_DAYS, size=n_people)
    offsets = np.where(drawn >= 0, drawn + 1, drawn)
    return np.asarray(offsets[people])


def _lost(table: str, name: str, column: Column, n_lost: int) -> str:
    counted = f"{n_lost:,}" if n_lost >= 10 else "fewer than 10"
    what = {
        "zip3": "are no US ZIP codes and became 000",
        "state": "name no state and became empty",
    }.get(column.treatment or "", "tell no year and became empty")
    return f"{table}.{name}: {counted} cells {what}"
