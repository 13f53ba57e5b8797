"""The schema as typed, frozen values: tables, their keys and rules, how they hang together, what privacy is asked for.

A schema is a contract: read before the data, and true of every row that a model emits. Each value in it can carry
where it came from (`provenance`): `declared` by a person, `public` knowledge, read from `data`, or bought with a
privacy budget (`dp`). What is not marked counts as declared. The kinds of columns are in `columns.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from tabsynth.schema.columns import Column, Identifier
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.distributions import Distribution
from tabsynth.schema.part import Part
from tabsynth.schema.scenarios import Scenario

FORMAT_VERSION: Final = 1


class Table(Part):
    """One table: its columns in order, its keys and its constraints."""

    columns: Annotated[dict[str, Column], Field(min_length=1)]
    primary_key: tuple[str, ...] = ()
    """Columns that together tell rows apart."""
    entity_key: str | None = None
    """Column that names the person (or thing) a row belongs to, where one may have several rows."""
    order_by: tuple[str, ...] = ()
    """Columns that give the order of an entity's rows."""
    constraints: tuple[Constraint, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    """Rare cases that `tabsynth mock` makes in a chosen share of rows."""
    rows_per_entity: Distribution | None = None
    """How many rows an entity has, for `tabsynth mock`; None: 1 to 5."""
    entity_columns: tuple[str, ...] = ()
    """Columns that are the same in all rows of an entity, for `tabsynth mock`; its key and its names are so anyway."""
    description: str | None = None
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> Table:
        for field, names in (("primary_key", self.primary_key), ("order_by", self.order_by)):
            _require_known(field, names, self.columns)
        if self.entity_key is not None:
            _require_known("entity_key", (self.entity_key,), self.columns)
        for name, column in self.columns.items():
            if isinstance(column, Identifier) and column.same_as is not None:
                other = self.columns.get(column.same_as)
                if column.same_as == name or not isinstance(other, Identifier) or other.same_as is not None:
                    raise ValueError(
                        f"same_as of {name} must name another identifier of this table that has no same_as itself"
                    )
        for number, constraint in enumerate(self.constraints, start=1):
            _require_known(f"constraint {number} ({constraint.type})", constraint.involved, self.columns)
        return self

    @model_validator(mode="after")
    def _declarations_fit(self) -> Table:
        from tabsynth.schema.fitting import check_table

        if wrong := list(check_table(self)):
            raise ValueError("; ".join(wrong))
        return self


class Relationship(Part):
    """Rows of `child` point to rows of `parent` by equal keys."""

    parent: str
    parent_key: Annotated[tuple[str, ...], Field(min_length=1)]
    child: str
    child_key: Annotated[tuple[str, ...], Field(min_length=1)]
    children: Distribution | None = None
    """How many rows of `child` one row of `parent` has, for `tabsynth mock`; None: Poisson with mean 2."""

    @model_validator(mode="after")
    def _widths_agree(self) -> Relationship:
        if len(self.parent_key) != len(self.child_key):
            raise ValueError("parent_key and child_key must name equally many columns")
        return self


class Unit(Part):
    """Whose presence the guarantee hides: everything that belongs to one value of `key` in `table`."""

    table: str
    key: str
    max_rows: int | None = Field(default=None, ge=1)
    """Rows that one unit may contribute; further ones are dropped before learning."""
    bounding: Literal["truncate", "weigh"] = "truncate"
    """How rows of one unit count: 1 each, with noise for `max_rows`; or 1 / k each of k rows, with noise for 1."""


class Privacy(Part):
    """Privacy unit and budget."""

    unit: Unit | Literal["row"]
    epsilon: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """What all releases from this table together may cost; stating it makes differential privacy the default."""
    delta: float | None = Field(default=None, ge=0, lt=1)
    public_rows: int | None = Field(default=None, ge=1)
    """Number of rows, where it is public knowledge; otherwise it is measured with noise."""
    safe_harbor: bool = False
    """Whether fitting is refused while an identifier of 45 CFR 164.514(b)(2)(i) is found and not dealt with."""
    as_of: str | None = None
    """Day on which ages are counted (ISO 8601), for treatment birth-year."""

    @field_validator("as_of")
    @classmethod
    def _is_a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError("must be an ISO 8601 date such as 2026-01-31") from None
        return value


class Schema(Part):
    """One or more tables, how they hang together, and what protects the people in them. `print` shows it as YAML."""

    format: Literal[1] = FORMAT_VERSION
    """Version of this file format."""
    name: str | None = None
    description: str | None = None
    tables: Annotated[dict[str, Table], Field(min_length=1)]
    relationships: tuple[Relationship, ...] = ()
    privacy: Privacy | None = None
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> Schema:
        for number, relationship in enumerate(self.relationships, start=1):
            where = f"relationship {number}"
            _require_known(where, (relationship.parent, relationship.child), self.tables, kind="table")
            _require_known(where, relationship.parent_key, self.tables[relationship.parent].columns)
            _require_known(where, relationship.child_key, self.tables[relationship.child].columns)
        if self.privacy and isinstance(self.privacy.unit, Unit):
            _require_known("privacy.unit", (self.privacy.unit.table,), self.tables, kind="table")
            _require_known("privacy.unit", (self.privacy.unit.key,), self.tables[self.privacy.unit.table].columns)
        return self

    @model_validator(mode="after")
    def _relations_fit(self) -> Schema:
        from tabsynth.schema.fitting import check_relations

        if wrong := list(check_relations(self)):
            raise ValueError("; ".join(wrong))
        return self

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name!r}: {len(table.columns)} columns" for name, table in self.tables.items())
        return f"Schema(name={self.name!r}, tables={{{sizes}}})"

    def __str__(self) -> str:
        from tabsynth.schema.layout import format_schema

        return format_schema(self)

    @property
    def only_table(self) -> Table:
        """The one table of a single-table schema."""
        return self.tables[self.only_name]

    @property
    def only_name(self) -> str:
        """Name of the one table of a single-table schema.

        Raises:
            SchemaError: The schema has several tables.
        """
        if len(self.tables) != 1:
            from tabsynth.errors import SchemaError

            raise SchemaError(
                f"the schema has {len(self.tables)} tables; name the one to use: {', '.join(self.tables)}"
            )
        return next(iter(self.tables))

    def with_columns(self, changes: Mapping[str, Mapping[str, Any] | None], *, table_name: str | None = None) -> Schema:
        """A schema in which some columns are declared anew; this one stays as it is.

            schema = schema.with_columns({"age": {"lower": 0, "upper": 120}, "stage": {"type": "ordinal"}, "row": None})

        Args:
            changes: For each column the keys to write over, as in a schema file, or None to leave the column out. A key
                that is None is taken back. What is written counts as declared; the other keys stay, but for those that
                a new `type` does not have.
            table_name: Which table of a schema with several.

        Raises:
            SchemaError: There is no such table or column, or the result is no valid schema; all problems are listed.
        """
        from tabsynth.schema.editing import edit_columns

        return edit_columns(self, changes, table_name)

    def walk(self) -> Iterator[tuple[str, str, Column]]:
        """Yield every column as (table, name, column)."""
        for table_name, table in self.tables.items():
            for column_name, column in table.columns.items():
                yield table_name, column_name, column


def _require_known(where: str, names: tuple[str, ...], known: dict[str, Any], *, kind: str = "column") -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"{where} names no {kind} of this schema: {', '.join(missing)}")
