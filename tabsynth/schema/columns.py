"""Columns as typed, frozen values: one tag per kind, one place for every fact about a column.

Decisions
- A list of categories or a bound marked `data` describes what was seen and is no rule: other values are pooled or
  held, not refused. Marked `declared` or `public`, it is a closed domain: other values are violations.
- pydantic here and nowhere deeper; messages hide the offending input, which may be a patient's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from tabsynth.schema.distributions import Distribution
from tabsynth.schema.part import Part
from tabsynth.schema.scenarios import Missingness, Rate
from tabsynth.schema.templates import Template
from tabsynth.schema.treatments import Treatment, misplaced


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
