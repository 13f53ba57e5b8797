"""The schema as typed, frozen values: one tag per column kind, one place for every fact about a table.

A schema is a contract: read before the data, and true of every row that a model emits. Each value in it can carry
where it came from (`provenance`): `declared` by a person, `public` knowledge, read from `data`, or bought with a
privacy budget (`dp`). What is not marked counts as declared.

Decisions
- A list of categories or a bound marked `data` describes what was seen and is no rule: other values are pooled or
  held, not refused. Marked `declared` or `public`, it is a closed domain: other values are violations.
- pydantic here and nowhere deeper; messages hide the offending input, which may be a patient's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from tabsynth.schema.constraints import Constraint
from tabsynth.schema.distributions import Distribution
from tabsynth.schema.part import Part
from tabsynth.schema.scenarios import Missingness, Rate, Scenario
from tabsynth.schema.templates import Template
from tabsynth.schema.treatments import Treatment, misplaced

FORMAT_VERSION: Final = 1


class Provenance(StrEnum):
    """Where a value of the schema came from."""

    DECLARED = "declared"
    PUBLIC = "public"
    DATA = "data"
    DP = "dp"


class Role(StrEnum):
    """What a column means for privacy and use."""

    NONE = "none"
    DIRECT_IDENTIFIER = "direct-identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive"
    TARGET = "target"


class _Column(Part):
    """What every column has."""

    role: Annotated[Role, Field(strict=False)] = Role.NONE
    nullable: bool = True
    """Whether a cell may be empty."""
    missing_values: tuple[str, ...] = ()
    """Spellings that mean "missing" besides the empty cell, such as "?" or "N/A"."""
    treatment: Treatment | None = None
    """What is done before anything is learned: drop, refuse, state, zip3, year, birth-year, age-90, shift, or keep."""
    description: str | None = None
    distribution: Distribution | None = None
    """What `tabsynth mock` draws the cells from; models that learn from data do not read it."""
    missing: Rate | Missingness | None = None
    """Share of empty cells that `tabsynth mock` makes; None: no cell is empty."""
    question: str | None = None
    """What `tabsynth infer` could not decide; answer it by editing the column, then delete the line."""
    provenance: dict[str, Annotated[Provenance, Field(strict=False)]] = Field(default_factory=dict)
    """Where a value came from, by field name; fields not named here are `declared`."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Keys of other tools, kept as they were."""

    @field_validator("provenance")
    @classmethod
    def _names_fields(cls, value: dict[str, Provenance]) -> dict[str, Provenance]:
        unknown = sorted(set(value) - set(cls.model_fields))
        if unknown:
            raise ValueError(f"names no field of this column: {', '.join(unknown)}")
        return value

    @model_validator(mode="after")
    def _treatment_fits(self) -> Self:
        if problem := misplaced(self.treatment, getattr(self, "type", "")):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _distribution_fits(self) -> Self:
        if self.distribution is not None:
            from tabsynth.schema.fitting import misfit

            if wrong := misfit(self.distribution, self):
                raise ValueError(f"distribution: {wrong}")
        if self.missing is not None and self.missing != 0 and not self.nullable:
            raise ValueError("missing: the column may not be empty; set nullable: true, or delete this line")
        return self

    def source(self, field: str) -> Provenance:
        """Where the value of `field` came from; `declared` unless marked otherwise."""
        return self.provenance.get(field, Provenance.DECLARED)

    def is_rule(self, field: str) -> bool:
        """Whether the value of `field` is a rule that rows must keep, not a description of what was seen."""
        return getattr(self, field) is not None and self.source(field) is not Provenance.DATA


Surrogate = Literal[
    "key",
    "uuid",
    "name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "ssn",
    "address",
    "postcode",
    "user_name",
    "company",
    "url",
    "ip_address",
    "mac_address",
    "iban",
    "card_number",
    "fax",
    "npi",
    "dea",
    "mbi",
    "vin",
    "imei",
    "udi",
    "aba_routing",
    "license_plate",
    "mrn",
    "health_plan_id",
]


class Identifier(_Column):
    """Names a person or thing by itself. Never learned: every value is replaced by an invented surrogate."""

    type: Literal["identifier"] = "identifier"
    role: Annotated[Role, Field(strict=False)] = Role.DIRECT_IDENTIFIER
    surrogate: Surrogate = "key"
    """What the invented values look like."""
    locale: Literal["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT"] = "en_US"
    """Country whose names and addresses they look like."""
    pattern: str | None = None
    """Shape of a key, as a simple regular expression such as `MRN-[0-9]{6}`."""
    same_as: str | None = None
    """Another identifier of this table that names the same thing: its invented values are written in this format."""


class Categorical(_Column):
    """One of a set of names or codes, without order."""

    type: Literal["categorical"] = "categorical"
    categories: tuple[str | int | float, ...] | None = None
    code_list: str | None = None
    """Public code list that gives the categories: one that is shipped with tabsynth, such as `icd10-chapters`."""
    rare_label: str | None = None
    """Label for pooled rare categories; without it their share is spread over the categories that are kept."""

    @model_validator(mode="before")
    @classmethod
    def _codes_of_list(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("code_list"), str):
            return value
        from tabsynth.schema.code_lists import read_code_list

        codes = read_code_list(value["code_list"]).codes
        stated = value.get("categories")
        if stated is None:
            return {"provenance": {"categories": "public"}, **value, "categories": codes}
        if not isinstance(stated, list | tuple) or not set(stated) <= set(codes):
            raise ValueError("categories has an entry that is not in code_list; delete one of the two")
        return value

    @field_validator("categories", mode="before")
    @classmethod
    def _not_booleans(cls, value: Any) -> Any:
        return _refuse_boolean_categories(value)

    @model_validator(mode="after")
    def _categories_distinct(self) -> Categorical:
        _require_distinct(self.categories)
        return self


class Ordinal(_Column):
    """One of a set of names or codes, in the order in which `categories` lists them."""

    type: Literal["ordinal"] = "ordinal"
    categories: Annotated[tuple[str | int | float, ...], Field(min_length=1)]

    @field_validator("categories", mode="before")
    @classmethod
    def _not_booleans(cls, value: Any) -> Any:
        return _refuse_boolean_categories(value)

    @model_validator(mode="after")
    def _categories_distinct(self) -> Ordinal:
        _require_distinct(self.categories)
        return self


class Boolean(_Column):
    """True or false, in the spelling that `labels` gives."""

    type: Literal["boolean"] = "boolean"
    labels: tuple[str, str] | None = None
    """Spelling of false and of true in the table, in this order, such as ["No", "Yes"]; None: native booleans."""

    @field_validator("labels", mode="before")
    @classmethod
    def _not_booleans(cls, value: Any) -> Any:
        return _refuse_boolean_categories(value)

    @field_validator("labels")
    @classmethod
    def _labels_differ(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value is not None and value[0].strip() == value[1].strip():
            raise ValueError("labels spells true like false; give two different texts")
        return value


class Integer(_Column):
    """Whole numbers."""

    type: Literal["integer"] = "integer"
    lower: int | None = None
    upper: int | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Integer:
        _require_order(self.lower, self.upper)
        return self


class Number(_Column):
    """Real numbers, with `decimals` digits after the point where stated."""

    type: Literal["number"] = "number"
    lower: float | None = Field(default=None, allow_inf_nan=False)
    upper: float | None = Field(default=None, allow_inf_nan=False)
    decimals: int | None = Field(default=None, ge=0, le=15)
    unit: str | None = None
    decimal_mark: Literal[".", ","] = "."
    """How the table writes the decimal point in text cells."""

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Number:
        _require_order(self.lower, self.upper)
        return self


Resolution = Literal["year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond"]


class DateTime(_Column):
    """Points in time. `lower` and `upper` are ISO 8601 text."""

    type: Literal["datetime"] = "datetime"
    format: str | tuple[str, ...] | None = None
    """strptime format(s) of text cells; the first one is written. None: ISO 8601, or native datetimes."""
    resolution: Resolution = "second"
    """Smallest step between two values."""
    time_zone: str | None = None
    """IANA name such as Europe/Paris, or UTC; None: wall-clock time without a zone."""
    lower: str | None = None
    upper: str | None = None

    @field_validator("format")
    @classmethod
    def _format_reads_back(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if not all(reads_back(spelling) for spelling in ((value,) if isinstance(value, str) else value or ())):
            raise ValueError("must hold strptime directives that make a date or time, such as %Y-%m-%d")
        return value

    @field_validator("lower", "upper")
    @classmethod
    def _is_iso(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("must be an ISO 8601 date or datetime such as 2024-02-29T13:00:00") from None
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            from zoneinfo import ZoneInfo

            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError("is no IANA time zone; write one such as Europe/Paris or UTC") from None
        return value

    @model_validator(mode="after")
    def _bounds_in_order(self) -> DateTime:
        if self.lower and self.upper:
            low, high = datetime.fromisoformat(self.lower), datetime.fromisoformat(self.upper)
            if (low.tzinfo is None) != (high.tzinfo is None):
                raise ValueError("lower and upper must both have a UTC offset, or neither")
            _require_order(low, high)
        return self


class Text(_Column):
    """Free text. Never learned: the column is left out, or filled with invented words or with declared sentences."""

    type: Literal["text"] = "text"
    fill: Literal["placeholder", "template", "drop"] = "drop"
    """What the synthetic column holds: invented words, declared sentences, or nothing (`drop`: it is left out)."""
    template: Template | None = None
    """Sentences with slots, for `fill: template`."""
    max_length: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _template_given(self) -> Text:
        if (self.fill == "template") != (self.template is not None):
            raise ValueError("fill: template and the key template go together; give both, or neither")
        return self


Column = Annotated[
    Identifier | Categorical | Ordinal | Boolean | Integer | Number | DateTime | Text, Field(discriminator="type")
]


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
    """One or more tables, how they hang together, and what protects the people in them."""

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

    def walk(self) -> Iterator[tuple[str, str, Column]]:
        """Yield every column as (table, name, column)."""
        for table_name, table in self.tables.items():
            for column_name, column in table.columns.items():
                yield table_name, column_name, column


def reads_back(spelling: str) -> bool:
    """Whether a strptime format has directives, and reads what it writes."""
    try:
        written = datetime(2024, 2, 29, 13, 5, 7, tzinfo=UTC).strftime(spelling)
        return "%" in spelling and datetime.strptime(written, spelling) is not None
    except ValueError:
        return False


def _refuse_boolean_categories(value: Any) -> Any:
    if isinstance(value, list | tuple) and any(isinstance(item, bool) for item in value):
        raise ValueError('holds true/false; YAML reads NO, YES, on and off so: put them in quotes, as in ["NO", "YES"]')
    return value


def _require_distinct(categories: tuple[str | int | float, ...] | None) -> None:
    if categories is None:
        return
    if not categories:
        raise ValueError("categories is empty; list them, or leave the key out")
    texts = [str(item) for item in categories]
    if len(set(texts)) != len(texts):
        raise ValueError("categories holds the same entry twice")
    if len({isinstance(item, str) for item in categories}) > 1:
        raise ValueError("categories mixes text and numbers; put quotes around all of them, or around none")


def _require_order(lower: Any, upper: Any) -> None:
    if lower is not None and upper is not None and lower > upper:
        raise ValueError("lower is above upper; swap them")


def _require_known(where: str, names: tuple[str, ...], known: dict[str, Any], *, kind: str = "column") -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"{where} names no {kind} of this schema: {', '.join(missing)}")
