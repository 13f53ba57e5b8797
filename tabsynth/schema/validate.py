"""Whether tables keep to their schema: everything that is wrong at once, by column, with counts and rows, never values.

Decisions
- A violation breaks a rule that someone declared. Where the schema only describes what was seen (`provenance: data`),
  the same finding is a notice, and the table may be used.
- Rows are counted from 1 and the header is not counted, as people count the rows of a table.
- Keys that are missing in part point to nothing and repeat nothing, as in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.errors import DataError, SchemaError
from tabsynth.schema.columns import Categorical, Column, DateTime, Identifier, Integer, Number, Ordinal, Text
from tabsynth.schema.keys import key_codes, repeats
from tabsynth.schema.model import Relationship, Schema, Table
from tabsynth.schema.moments import to_local
from tabsynth.schema.values import Parsed, TypedTable, Values, category_text, parse_column, to_micros

Mask = np.ndarray[Any, np.dtype[np.bool_]]

MAX_ROWS_SHOWN = 10
FEWEST_COUNTED = 10

_STEPS = {"year": "Y", "month": "M", "day": "D", "hour": "h", "minute": "m", "second": "s", "millisecond": "ms"}


@dataclass(frozen=True)
class Violation:
    """One rule that rows of one column, or of the whole table, do not keep."""

    column: str | None
    """The column; None where the finding is about several columns."""
    rule: str
    """Short name of the rule, such as `below-lower`."""
    message: str
    """Table, column, what is wrong, how many and which rows. No value of a cell."""
    summary: str
    """The same without row numbers and small counts, for what outlives the table: models and reports."""
    count: int
    """Cells or rows concerned; 0 where the finding is about the column itself."""
    rows: tuple[int, ...]
    """The first rows concerned, counted from 1."""
    remedy: str
    """What to do about it."""


@dataclass(frozen=True)
class Validation:
    """What a table holds, and what is wrong with it."""

    table: str
    typed: TypedTable
    """Values of the columns that the schema and the table share; unreadable cells are missing."""
    violations: tuple[Violation, ...]
    notices: tuple[Violation, ...]
    """Findings that break no rule."""

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations


def validate_table(frame: pd.DataFrame, table: Table, *, name: str = "table") -> Validation:
    """Compare a table with its declaration.

    Args:
        frame: The rows, as text or native cells. Shape (n_rows, n_columns).
        table: The declaration.
        name: Name of the table, for messages.

    Returns:
        Typed values, and everything that is wrong.

    Raises:
        DataError: `frame` is no pandas table.
        SchemaError: A pattern or constraint of the schema cannot be used on these columns.

    Privacy: Names of columns, counts and row numbers leave; values of cells do not.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{name}: is no pandas table; pass a DataFrame")
    findings = _Findings(name)
    labels = list(frame.columns)
    _check_header(labels, table, findings)
    columns: dict[str, Values] = {}
    for column_name, column in table.columns.items():
        if column_name in labels:
            raw = frame.iloc[:, labels.index(column_name)]
            parsed = parse_column(raw, column)
            columns[column_name] = parsed.values
            _check_column(raw, parsed, column_name, column, findings)
    typed = TypedTable(columns, len(frame))
    _check_keys(typed, table, findings)
    _check_constraints(typed, table, findings)
    return Validation(name, typed, tuple(findings.violations), tuple(findings.notices))


def validate_tables(frames: Mapping[str, pd.DataFrame], schema: Schema) -> dict[str, Validation]:
    """Compare several tables with their schema, and the keys between them.

    Args:
        frames: Rows by name of the table.
        schema: The declarations and relationships.

    Returns:
        A validation for each table of the schema. Keys that point nowhere are violations of the child.

    Raises:
        DataError: A table is missing, or the schema has none of that name.
        SchemaError: A pattern or constraint of the schema cannot be used on these columns.
    """
    problems = [f"{name}: the table is missing; pass it too" for name in schema.tables if name not in frames]
    problems += [f"{name}: the schema has no such table; leave it out" for name in frames if name not in schema.tables]
    if problems:
        raise DataError("\n".join(problems))
    checked = {name: validate_table(frames[name], table, name=name) for name, table in schema.tables.items()}
    for relationship in schema.relationships:
        child, parent = checked[relationship.child], checked[relationship.parent]
        for side, found in (
            (relationship.child, _check_references(child, parent, relationship)),
            (relationship.parent, _check_parent_key(parent, relationship, schema.tables[relationship.parent])),
        ):
            before = checked[side]
            checked[side] = Validation(side, before.typed, (*before.violations, *found), before.notices)
    return checked


def require_valid(validation: Validation | Mapping[str, Validation]) -> None:
    """Do nothing where all rules are kept.

    Raises:
        DataError: Some are not; every violation is listed with its remedy.
    """
    validations = [validation] if isinstance(validation, Validation) else list(validation.values())
    found = [violation for one in validations for violation in one.violations]
    if found:
        lines = [f"{violation.message}; {violation.remedy}" for violation in found]
        raise DataError(
            lines[0] if len(lines) == 1 else "\n- ".join([f"{len(lines)} violations of the schema", *lines])
        )


class _Findings:
    """Collects violations and notices of one table."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.violations: list[Violation] = []
        self.notices: list[Violation] = []

    def add(
        self, column: str | None, rule: str, mask: Mask | None, wrong: str, remedy: str, *, is_rule: bool = True
    ) -> None:
        """Add a finding about the rows of `mask`; None is a finding about the table's shape."""
        if mask is not None and not mask.any():
            return
        finding = _violation(self.table, column, rule, mask, wrong, remedy)
        (self.violations if is_rule else self.notices).append(finding)


def _violation(table: str, column: str | None, rule: str, mask: Mask | None, wrong: str, remedy: str) -> Violation:
    where = table if column is None else f"{table}.{column}"
    if mask is None:
        return Violation(column, rule, f"{where}: {wrong}", f"{where}: {wrong}", 0, (), remedy)
    found = np.flatnonzero(mask)
    rows = tuple(int(row) + 1 for row in found[:MAX_ROWS_SHOWN])
    listed = ", ".join(map(str, rows)) + (", ..." if len(found) > len(rows) else "")
    number = f"{len(found):,} rows" if len(found) > 1 else "1 row"
    # What outlives the table does not count a handful of people.
    about = number if len(found) >= FEWEST_COUNTED else f"fewer than {FEWEST_COUNTED} rows"
    summary = f"{where}: {wrong} in {about}"
    return Violation(column, rule, f"{where}: {wrong} in {number} ({listed})", summary, len(found), rows, remedy)


def _check_header(labels: Sequence[Any], table: Table, findings: _Findings) -> None:
    for name, column in table.columns.items():
        if name not in labels and not (isinstance(column, Text) and column.fill == "drop"):
            findings.add(name, "missing-column", None, "the column is missing", "add it, or delete it from the schema")
        if labels.count(name) > 1:
            wrong = f"{labels.count(name)} columns have this name"
            findings.add(name, "duplicate-column", None, wrong, "rename or drop all but one")
    for label in dict.fromkeys(labels):
        if not isinstance(label, str):
            remedy = "give every column a name; was the header lost?"
            findings.add(None, "unexpected-column", None, "a column is named by a number or date, not by text", remedy)
        elif label not in table.columns:
            wrong = "the schema has no such column"
            findings.add(label, "unexpected-column", None, wrong, "add it to the schema, or drop it from the table")


def _check_column(raw: pd.Series, parsed: Parsed, name: str, column: Column, findings: _Findings) -> None:
    unreadable = parsed.invalid
    if isinstance(column, Integer | Number) and unreadable.any():
        infinite = _infinite(raw, unreadable)
        findings.add(name, "infinite", infinite, "infinite numbers", "leave these cells empty, or mend them")
        unreadable = unreadable & ~infinite
    findings.add(
        name, "unreadable", unreadable, f"cells that cannot be read as {column.type}", _READING_REMEDIES[column.type]
    )
    empty = parsed.values.missing & ~parsed.invalid
    if not column.nullable:
        remedy = "fill these cells, or set nullable: true"
        findings.add(name, "empty-cell", empty, "empty cells, though nullable is false", remedy)
    there = ~parsed.values.missing
    match column:
        case Integer() | Number():
            narrow = str(raw.dtype).lower().startswith(("float32", "float16", "float[", "halffloat["))
            low, high = (_as_stored(bound, narrow) for bound in (column.lower, column.upper))
            _check_bounds(parsed.values.array, there, name, column, low, high, findings)
            if isinstance(column, Number) and column.decimals is not None:
                finer = there & _finer_than(parsed.values.array, column.decimals, 1e-6 if narrow else 1e-12)
                remedy = "round them, or raise decimals"
                wrong = "more digits after the point than decimals"
                findings.add(name, "too-many-decimals", finer, wrong, remedy, is_rule=column.is_rule("decimals"))
        case DateTime():
            low, high = (None if b is None else to_micros(b, column.time_zone) for b in (column.lower, column.upper))
            _check_bounds(parsed.values.array, there, name, column, low, high, findings)
            _check_resolution(parsed.values.array, there, name, column, findings)
        case Categorical() | Ordinal():
            _check_categories(parsed.values.array, there, name, column, findings)
        case Text():
            if column.max_length is not None:
                too_long = there & _per_distinct(parsed.values.array, lambda text: len(text) > column.max_length)
                rule = column.is_rule("max_length")
                remedy = "shorten them, or raise max_length"
                findings.add(name, "too-long", too_long, "texts longer than max_length", remedy, is_rule=rule)
        case Identifier():
            if column.pattern is not None:
                pattern = _compiled(column.pattern, name)
                wrong_shape = there & _per_distinct(parsed.values.array, lambda text: pattern.fullmatch(text) is None)
                rule = column.is_rule("pattern")
                remedy = "mend them, or the pattern"
                findings.add(name, "pattern", wrong_shape, "keys that do not match the pattern", remedy, is_rule=rule)


_READING_REMEDIES = {
    "identifier": "leave these cells empty, or store text, read in the encoding it has",
    "categorical": "leave these cells empty, or store text, read in the encoding it has",
    "ordinal": "leave these cells empty, or store text, read in the encoding it has",
    "text": "leave these cells empty, or store text, read in the encoding it has",
    "boolean": "add their spelling to labels or missing_values, or change the type",
    "integer": "add spellings of missing cells to missing_values, or change the type",
    "number": "add spellings of missing cells to missing_values, check decimal_mark, or change the type",
    "datetime": "set format to how they are written, or add spellings of missing cells to missing_values",
}


def _infinite(raw: pd.Series, among: Mask) -> Mask:
    infinite = np.zeros(len(raw), bool)
    rows = np.flatnonzero(among)
    infinite[rows] = [str(cell).strip().lower().lstrip("+-") in ("inf", "infinity") for cell in raw.iloc[rows]]
    return infinite


def _check_bounds(
    array: np.ndarray[Any, Any], there: Mask, name: str, column: Column, lower: Any, upper: Any, findings: _Findings
) -> None:
    for field, bound in (("lower", lower), ("upper", upper)):
        if bound is not None:
            outside = there & ((array < bound) if field == "lower" else (array > bound))
            side = "below" if field == "lower" else "above"
            rule, remedy = column.is_rule(field), f"mend them, or change {field}"
            findings.add(name, f"{side}-{field}", outside, f"values {side} {field}", remedy, is_rule=rule)


def _as_stored(bound: float | None, narrow: bool) -> float | None:
    """A bound as a column of 32-bit floats holds it, so that a value equal to it is not outside."""
    return float(np.float32(bound)) if narrow and bound is not None else bound


def _finer_than(array: np.ndarray[Any, Any], decimals: int, rounding: float) -> Mask:
    """Values off the grid of `decimals` by more than their own relative `rounding` explains."""
    tolerance = 1e-6 * 10.0**-decimals + rounding * np.abs(array)
    return np.asarray(np.abs(array - np.round(array, decimals)) > tolerance)


def _check_resolution(
    array: np.ndarray[Any, Any], there: Mask, name: str, column: DateTime, findings: _Findings
) -> None:
    if column.resolution not in _STEPS or "resolution" not in column.model_fields_set:
        return
    local = array if column.time_zone is None else to_local(array, column.time_zone)
    stamps = local.astype("datetime64[us]")
    finer = there & (stamps != stamps.astype(f"datetime64[{_STEPS[column.resolution]}]"))
    rule, remedy = column.is_rule("resolution"), "round them, or set a finer resolution"
    wrong = f"values finer than the resolution, {column.resolution}"
    findings.add(name, "finer-than-resolution", finer, wrong, remedy, is_rule=rule)


def _check_categories(
    array: np.ndarray[Any, Any], there: Mask, name: str, column: Categorical | Ordinal, findings: _Findings
) -> None:
    if column.categories is None:
        return
    allowed = {category_text(item) for item in column.categories}
    if isinstance(column, Categorical) and column.rare_label is not None:
        allowed.add(column.rare_label)
    other = there & _per_distinct(array, lambda text: text not in allowed)
    rule, remedy = column.is_rule("categories"), "mend them, or add them to categories"
    findings.add(name, "not-a-category", other, "values that are no category", remedy, is_rule=rule)


def _per_distinct(array: np.ndarray[Any, Any], test: Any) -> Mask:
    """The test of each text, made once for each distinct one."""
    codes, uniques = pd.factorize(array)
    return np.array([bool(test(text)) for text in uniques], dtype=bool)[codes] if len(uniques) else codes.astype(bool)


def _compiled(pattern: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise SchemaError(
            f"{name}: pattern is no regular expression ({error.msg}); write one such as [A-Z]{{2}}[0-9]+"
        ) from None


def _check_keys(typed: TypedTable, table: Table, findings: _Findings) -> None:
    parts = dict.fromkeys((*table.primary_key, *((table.entity_key,) if table.entity_key else ())))
    for name in parts:
        if name in typed.columns and table.columns[name].nullable:  # else told as an empty cell
            is_primary = name in table.primary_key
            remedy = "fill these cells, or drop the rows"
            wrong = "no primary_key" if is_primary else "no entity_key, so that each counts as a person of its own,"
            findings.add(name, "empty-key", typed.columns[name].missing, wrong, remedy, is_rule=is_primary)
    if table.primary_key and all(name in typed.columns for name in table.primary_key):
        repeated = repeats(*key_codes([[typed.columns[name] for name in table.primary_key]]))
        column = table.primary_key[0] if len(table.primary_key) == 1 else None
        remedy = "drop the repeated rows, or choose another primary_key"
        findings.add(column, "duplicate-key", repeated, "the primary_key of an earlier row", remedy)


def _check_constraints(typed: TypedTable, table: Table, findings: _Findings) -> None:
    from tabsynth.schema.checks import violating_rows

    for number, constraint in enumerate(table.constraints, start=1):
        if all(name in typed.columns for name in constraint.involved):
            rule = f"constraint {number} ({constraint.name or constraint.type})"
            columns = constraint.involved
            remedy = "mend these rows, or the constraint"
            wrong = f"{rule} of {', '.join(columns)} is broken"
            findings.add(None, "constraint", violating_rows(constraint, typed, table), wrong, remedy)


def _check_references(child: Validation, parent: Validation, relationship: Relationship) -> list[Violation]:
    columns, parents = child.typed.columns, parent.typed.columns
    if not all(name in columns for name in relationship.child_key):
        return []
    if not all(name in parents for name in relationship.parent_key):
        return []
    sides = [[columns[n] for n in relationship.child_key], [parents[n] for n in relationship.parent_key]]
    child_codes, parent_codes = key_codes(sides)
    dangling = (child_codes >= 0) & ~np.isin(child_codes, parent_codes)
    if not dangling.any():
        return []
    column = relationship.child_key[0] if len(relationship.child_key) == 1 else None
    keys = f"{relationship.parent}.{', '.join(relationship.parent_key)}"
    wrong = f"a {', '.join(relationship.child_key)} that is not in {keys}"
    remedy = f"drop these rows, or add their rows to {relationship.parent}"
    return [_violation(relationship.child, column, "dangling-key", dangling, wrong, remedy)]


def _check_parent_key(parent: Validation, relationship: Relationship, table: Table) -> list[Violation]:
    columns = parent.typed.columns
    if relationship.parent_key == table.primary_key or not all(name in columns for name in relationship.parent_key):
        return []
    repeated = repeats(*key_codes([[columns[name] for name in relationship.parent_key]]))
    if not repeated.any():
        return []
    column = relationship.parent_key[0] if len(relationship.parent_key) == 1 else None
    wrong = f"the {', '.join(relationship.parent_key)} of an earlier row, which {relationship.child} points to"
    remedy = "drop the repeated rows, or choose another parent_key"
    return [_violation(relationship.parent, column, "duplicate-key", repeated, wrong, remedy)]
