"""Declared distributions: what the cells of a column look like where there is no data to learn from.

`tabsynth mock` makes rows from these declarations. A distribution stands at a column (`distribution:`), at a
relationship (`children:`), in a scenario, or inside another distribution. Numbers are truncated to the bounds of their
column, not piled up at them, and rounded to its steps.

Parameters are numbers, or formulas of other columns: `{type: normal, mean: "70 + 0.4 * age", sd: 12}`. A column of the
table that a row hangs on is named after it and stands in backquotes: `` `patients.age` ``.

Decisions
- Each kind is tagged by `type`, as columns and constraints are.
- Cases are read from the top and the first one that fits counts, as in any table that people fill in by hand.
- What fits which column is `schema/fitting.py`; how values are drawn is `declared/draws.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_serializer, model_validator

from tabsynth.schema.conditions import Condition, Scalar
from tabsynth.schema.part import Part

Parameter = Annotated[float, Field(allow_inf_nan=False)] | str
"""A number, or a formula that gives one."""


class Span(Part):
    """A range of values, or whether the cell is there, in a `when`."""

    lower: Scalar | None = None
    """Smallest value."""
    upper: Scalar | None = None
    """Largest value."""
    lower_strict: bool = False
    """True where the value must be larger than `lower`."""
    upper_strict: bool = False
    """True where the value must be smaller than `upper`."""
    missing: bool | None = None
    """True: the cell is empty. False: it is not."""


When = dict[str, Scalar | tuple[Scalar, ...] | Span]
"""What other columns of the row are: a value, a list of values, or a range, by column."""


def conditions(when: When) -> tuple[Condition, ...]:
    """The conditions that a `when` stands for; all of them must hold."""
    made = []
    for column, wanted in when.items():
        if isinstance(wanted, Span):
            made.append(Condition(column=column, **wanted.model_dump()))
        else:
            made.append(Condition(column=column, one_of=wanted if isinstance(wanted, tuple) else (wanted,)))
    return tuple(made)


class Conditioned(Part):
    """What holds for some rows."""

    when: Annotated[When, Field(min_length=1)]
    """What other columns of the row are: `{sex: Female, age: {lower: 65}}`."""

    @field_validator("when", mode="before")
    @classmethod
    def _lists_inside(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}

    @model_validator(mode="after")
    def _says_something(self) -> Conditioned:
        conditions(self.when)
        return self


class _Distribution(Part):
    """What every distribution has."""

    @model_serializer(mode="wrap")
    def _with_type(self, handler: Any) -> dict[str, Any]:
        """Write the type even where defaults are left out."""
        return {"type": getattr(self, "type", None), **handler(self)}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Numbers and formulas."""
        return ()

    @property
    def inner(self) -> tuple[Any, ...]:
        """Distributions inside this one."""
        return ()

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that are named outside formulas."""
        return ()

    def reads(self) -> tuple[str, ...]:
        """Columns that must be there before this can be drawn, each once."""
        found = list(self.named)
        for parameter in self.parameters:
            if isinstance(parameter, str):
                found += _columns(parameter)
        for part in self.inner:
            found += part.reads()
        return tuple(dict.fromkeys(found))

    @model_validator(mode="after")
    def _formulas_read(self) -> _Distribution:
        for parameter in self.parameters:
            if isinstance(parameter, str):
                _columns(parameter)
        return self


def _columns(expression: str) -> tuple[str, ...]:
    from tabsynth.schema.formula import parse

    return parse(expression).columns


def _positive(**parameters: Parameter) -> None:
    for name, value in parameters.items():
        if not isinstance(value, str) and value <= 0:
            raise ValueError(f"{name} must be above 0")


class Normal(_Distribution):
    """Bell-shaped around `mean`."""

    type: Literal["normal"] = "normal"
    mean: Parameter
    sd: Parameter
    """Standard deviation."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.mean, self.sd)

    @model_validator(mode="after")
    def _spread(self) -> Normal:
        _positive(sd=self.sd)
        return self


class Lognormal(_Distribution):
    """Skewed to the right, above 0: amounts, durations, laboratory values."""

    type: Literal["lognormal"] = "lognormal"
    median: Parameter
    """Half of the values lie below."""
    sigma: Parameter
    """Standard deviation of the logarithm: two thirds lie within a factor of exp(sigma) around the median."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.median, self.sigma)

    @model_validator(mode="after")
    def _spread(self) -> Lognormal:
        _positive(median=self.median, sigma=self.sigma)
        return self


class Gamma(_Distribution):
    """Above 0: waiting times. Its mean is `shape` times `scale`; a shape of 1 is the exponential distribution."""

    type: Literal["gamma"] = "gamma"
    shape: Parameter
    scale: Parameter

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.shape, self.scale)

    @model_validator(mode="after")
    def _spread(self) -> Gamma:
        _positive(shape=self.shape, scale=self.scale)
        return self


class Poisson(_Distribution):
    """Counts of events."""

    type: Literal["poisson"] = "poisson"
    mean: Parameter

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.mean,)

    @model_validator(mode="after")
    def _spread(self) -> Poisson:
        _positive(mean=self.mean)
        return self


class Uniform(_Distribution):
    """Every value as likely as any other, between the bounds given here or those of the column."""

    type: Literal["uniform"] = "uniform"
    lower: Parameter | None = None
    upper: Parameter | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(bound for bound in (self.lower, self.upper) if bound is not None)

    @model_validator(mode="after")
    def _in_order(self) -> Uniform:
        numbers = [bound for bound in (self.lower, self.upper) if isinstance(bound, int | float)]
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            raise ValueError("lower is above upper; swap them")
        return self


class Zipf(_Distribution):
    """The k-th category of the list (or the number `lower` + k - 1) with a weight of 1 / k ** exponent."""

    type: Literal["zipf"] = "zipf"
    exponent: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class Weights(_Distribution):
    """One of some values, by weight. Weights need not add up to 1."""

    type: Literal["categorical"] = "categorical"
    weights: Annotated[dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _some_weight(self) -> Weights:
        if not sum(self.weights.values()) > 0:
            raise ValueError("all weights are 0; give at least one a weight")
        return self


class Bernoulli(_Distribution):
    """True (or 1) with this probability."""

    type: Literal["bernoulli"] = "bernoulli"
    probability: Parameter

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.probability,)

    @model_validator(mode="after")
    def _is_probability(self) -> Bernoulli:
        if not isinstance(self.probability, str) and not 0 <= self.probability <= 1:
            raise ValueError("probability must lie between 0 and 1")
        return self


class Constant(_Distribution):
    """Always the same value, as a part of a mixture or of cases."""

    type: Literal["constant"] = "constant"
    value: Scalar


class Share(Part):
    """A part of a mixture."""

    weight: float = Field(gt=0, allow_inf_nan=False)
    distribution: Distribution


class Mixture(_Distribution):
    """One of several distributions, by weight: two groups of people, many zeros."""

    type: Literal["mixture"] = "mixture"
    parts: Annotated[tuple[Share, ...], Field(min_length=2)]

    @property
    def inner(self) -> tuple[Any, ...]:
        return tuple(part.distribution for part in self.parts)


class Case(Conditioned):
    """A distribution for some rows."""

    then: Distribution


class Given(_Distribution):
    """A distribution that depends on other columns: a conditional table."""

    type: Literal["given"] = "given"
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    """Read from the top; the first one that fits a row counts."""
    otherwise: Distribution | None = None
    """For rows that no case fits; left out: as if the column had no distribution."""

    @property
    def inner(self) -> tuple[Any, ...]:
        rest = () if self.otherwise is None else (self.otherwise,)
        return (*(case.then for case in self.cases), *rest)

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(name for case in self.cases for name in case.when)


class After(_Distribution):
    """A date or time at a drawn distance from another one; negative distances lie before it."""

    type: Literal["after"] = "after"
    column: str
    """Where the distance is counted from."""
    distance: Distribution
    unit: Literal["days", "hours", "minutes", "seconds"] = "days"

    @property
    def inner(self) -> tuple[Any, ...]:
        return (self.distance,)

    @property
    def named(self) -> tuple[str, ...]:
        return (self.column,)


class Calculated(_Distribution):
    """What a formula gives; unlike a `formula` constraint it is no rule that rows are held against."""

    type: Literal["formula"] = "formula"
    expression: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.expression,)


class Sequence(_Distribution):
    """1, 2, 3, ... among the rows that hang on one row of another table, or belong to one entity, or of the table."""

    type: Literal["sequence"] = "sequence"
    start: int = 1
    step: int = Field(default=1, ge=1)


class Copy(_Distribution):
    """The same value as another column, such as `patients.name` of the table that the row hangs on."""

    type: Literal["copy"] = "copy"
    column: str

    @property
    def named(self) -> tuple[str, ...]:
        return (self.column,)


class Lookup(_Distribution):
    """What a public code list says about the code in another column: its name, its unit."""

    type: Literal["lookup"] = "lookup"
    column: str
    """Column that holds the code; it names the list with `code_list`."""
    field: str
    """Field of the list."""

    @property
    def named(self) -> tuple[str, ...]:
        return (self.column,)


Distribution = Annotated[
    Normal
    | Lognormal
    | Gamma
    | Poisson
    | Uniform
    | Zipf
    | Weights
    | Bernoulli
    | Constant
    | Mixture
    | Given
    | After
    | Calculated
    | Sequence
    | Copy
    | Lookup,
    Field(discriminator="type"),
]

for _part in (Share, Mixture, Case, Given, After):
    _part.model_rebuild()


def walk(distribution: Any) -> Iterator[Any]:
    """A distribution and all that are inside it."""
    yield distribution
    for part in distribution.inner:
        yield from walk(part)
