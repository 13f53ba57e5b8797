"""The privacy unit: whose presence is hidden, how many rows it may have, and what each of them counts.

Decisions
- The unit comes from `privacy.unit` of the schema. A table without one is refused: whose presence is hidden is not for
  a program to guess. `row` must be written out.
- A unit of another table is protected here where a relationship names the column that holds its key: rows belong to
  the unit that they point to. Each table is a release of its own, and all are charged to one ledger. Where several
  relationships lead there, a row would belong to several units, and the table is refused.
- With `bounding: weigh` the rows that stay count 1/k each, where k is how many of its unit there are. One unit then
  moves a count by 1, whatever `max_rows` is, and counts are of people. They stay whole numbers: a unit counts `whole`,
  which is public, and its rows share it without a rest (`shared`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tabsynth.errors import SchemaError
from tabsynth.schema.constraints import Unique
from tabsynth.schema.model import Schema, Unit

Array = np.ndarray[Any, Any]

LARGEST_WHOLE = 840
"""What a unit counts where its rows are weighed, at most.

Up to 8 rows get equal parts of it, more rows get parts that differ by 1. A larger number would leave less room for
noise, which `noise.py` draws up to a variance of 2**52.
"""


@dataclass(frozen=True)
class PrivacyUnit:
    """Whose presence is hidden, and how many rows it may have."""

    key: str | None
    """Column that names the unit; None where every row is a unit of its own."""
    max_rows: int
    weighed: bool = False
    """Whether the rows of a unit share what it counts, in place of counting 1 each."""

    @property
    def whole(self) -> int:
        """What a unit counts where its rows are weighed, else 1: a public number that they can share without a rest."""
        return min(math.lcm(*range(1, self.max_rows + 1)), LARGEST_WHOLE) if self.weighed else 1

    @property
    def moves(self) -> int:
        """How far one unit can move a table of counts, in L1 and in L2."""
        return self.whole if self.weighed else self.max_rows

    def in_words(self) -> str:
        """Whose presence is hidden, as it stands in a sentence."""
        if self.key is None:
            return "one row"
        rows = "row" if self.max_rows == 1 else "rows"
        return f"everything that belongs to one value of {self.key!r}, at most {self.max_rows} {rows}"


def privacy_unit(schema: Schema, table_name: str) -> PrivacyUnit:
    """The unit that the schema declares for a table.

    Raises:
        SchemaError: There is none, no relationship leads to its table, its key may be missing, or it has no `max_rows`.
    """
    table = schema.tables[table_name]
    unit: Unit | Literal["row"] | None = schema.privacy.unit if schema.privacy else None
    if unit is None:
        proposal = table.entity_key or next(iter(table.primary_key), None)
        example = "unit: row" if proposal is None else f"unit: {{table: {table_name}, key: {proposal}, max_rows: 1}}"
        raise SchemaError(
            f"privacy: the schema does not say whose presence is to be hidden; write 'privacy: {{{example}}}', or "
            "'privacy: {unit: row}' if no person has more than one row"
        )
    if unit == "row":
        if table.entity_key is not None:
            raise SchemaError(
                f"privacy.unit: is 'row', but {table.entity_key!r} is declared to have several rows (entity_key); make "
                f"it the unit: {{table: {table_name}, key: {table.entity_key}, max_rows: N}}"
            )
        return PrivacyUnit(None, 1)
    key = unit.key if unit.table == table_name else _key_from(schema, unit, table_name)
    if table.columns[key].nullable:
        raise SchemaError(
            f"privacy.unit: {key}: may be missing, and a row without it could be anybody's; declare nullable: false "
            "(rows without it are then left out)"
        )
    max_rows = unit.max_rows
    if max_rows is None:
        once = table.primary_key == (key,) or any(
            isinstance(rule, Unique) and rule.columns == (key,) for rule in table.constraints
        )
        if not once:
            raise SchemaError(
                f"privacy.unit: say how many rows one {key} may contribute (max_rows: N); further ones are dropped"
            )
        max_rows = 1
    return PrivacyUnit(key, max_rows, weighed=unit.bounding == "weigh" and max_rows > 1)


def _key_from(schema: Schema, unit: Unit, table_name: str) -> str:
    """The column of a table that names the unit of another table, which a relationship says.

    Raises:
        SchemaError: None does, or several do.
    """
    to_unit = [rule for rule in schema.relationships if (rule.child, rule.parent) == (table_name, unit.table)]
    keys = {rule.child_key[0] for rule in to_unit if rule.parent_key == (unit.key,)}
    if len(keys) == 1 and len(to_unit) == 1:
        return keys.pop()
    if len(to_unit) > 1:
        raise SchemaError(
            f"privacy.unit: {len(to_unit)} relationships lead from {table_name!r} to {unit.table!r}, so a row could "
            f"belong to several units; keep the one whose unit is to be hidden, or name a column of {table_name!r}"
        )
    raise SchemaError(
        f"privacy.unit: lies in table {unit.table!r}, and no relationship says which column of {table_name!r} holds "
        f"its {unit.key!r}; declare {{parent: {unit.table}, parent_key: [{unit.key}], child: {table_name}, child_key: "
        f"[COLUMN]}}, after adding that column where the tables in between have it, or name a column of {table_name!r}"
    )


def shared(unit_of: Array, whole: int) -> Array:
    """What each row counts where the rows of a unit share `whole`: equal parts, the first ones larger by the rest.

    Args:
        unit_of: Number of the unit of each row, (n_rows,).
        whole: What the rows of one unit count together.

    Returns:
        Whole numbers, int64 of shape (n_rows,); they depend on the rows of the same unit alone.
    """
    order = np.argsort(unit_of, kind="stable")
    ordered = unit_of[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=np.int64(-2)) != 0)
    n_rows = np.diff(np.append(starts, len(ordered)))
    rank = np.arange(len(ordered)) - np.repeat(starts, n_rows)
    part, rest = np.divmod(whole, np.repeat(n_rows, n_rows))
    weights = np.empty(len(ordered), np.int64)
    weights[order] = part + (rank < rest)
    return weights
