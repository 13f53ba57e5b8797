"""Cells of one column, drawn from its declared distribution, or from what its kind and bounds allow without one.

Without a distribution: categories, truth values and numbers or dates between their bounds are all equally likely. A
column that leaves open what is possible is an error that names the line to add.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tabsynth.declared.numbers import REMEDY, draw_numbers, pick
from tabsynth.declared.rows import Rows
from tabsynth.encoding.datetime import from_steps, step_bounds, to_steps
from tabsynth.encoding.derivations.computed import written
from tabsynth.errors import SchemaError
from tabsynth.identifiers.pattern import Pattern
from tabsynth.schema import distributions as kinds
from tabsynth.schema.calculations import require_fitting
from tabsynth.schema.code_lists import read_code_list
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Integer, Number, Ordinal
from tabsynth.schema.formula import parse
from tabsynth.schema.literals import canonical
from tabsynth.schema.values import category_text

Array = np.ndarray[Any, Any]
_UNITS = {"days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest value of each row: numbers, or steps of a date; shape (n_rows,), infinite where open."""

    lower: Array
    upper: Array

    def take(self, rows: Array) -> Bounds:
        """Those of some rows."""
        return Bounds(self.lower[rows], self.upper[rows])


@dataclass(frozen=True)
class Cells:
    """Draws the cells of one column."""

    name: str
    """As messages call it: `table.column`."""
    column: Column
    allowed: tuple[str, ...] | None = None
    """Categories that rules leave possible; None: all."""
    regex: str | None = None
    """Shape of texts, where a rule gives one."""

    def draw(self, distribution: Any, rows: Rows, bounds: Bounds, rng: np.random.Generator) -> Array:
        """Canonical values, shape (n_rows,).

        Raises:
            SchemaError: The schema leaves open what the column may hold, or a formula gives something impossible.
        """
        column = self.column
        match distribution:
            case kinds.Given():
                return self._by_case(distribution, rows, bounds, rng)
            case kinds.Mixture():
                which = pick(rng.random(rows.n_rows), np.array([part.weight for part in distribution.parts]))
                return self._parts(which, distribution.inner, rows, bounds, rng)
            case kinds.Copy(column=source):
                copied = rows.latent(source).array
                if isinstance(column, Number) and column.decimals is not None:
                    return np.round(copied.astype(np.float64), column.decimals)
                return copied
            case kinds.Calculated(expression=expression):
                return self._calculated(expression, rows)
            case kinds.Lookup():
                return self._looked_up(distribution, rows)
            case kinds.Sequence(start=start, step=step):
                return (start + step * rows.spread()).astype(np.int64 if isinstance(column, Integer) else np.float64)
            case kinds.Constant(value=value):
                known = canonical(value, column, name=self.name)
                return np.full(rows.n_rows, known, dtype=object if isinstance(known, str) else type(known))
            case None if not isinstance(column, Categorical | Ordinal | Boolean):
                distribution = kinds.Uniform()
        if isinstance(column, Integer | Number):
            return self._numbers(distribution, column, rows, bounds, rng)
        if isinstance(column, DateTime):
            return self._moments(distribution, column, rows, bounds, rng)
        if isinstance(column, Boolean):
            return self._truths(distribution, column, rows, rng)
        return self._labels(distribution, rows, rng)

    def start(self, n_rows: int) -> Bounds:
        """The bounds that the schema gives the column; values read from data describe, and bind here too.

        Raises:
            SchemaError: No value of its resolution or decimals lies between them.
        """
        column = self.column
        lower, upper = -np.inf, np.inf
        if isinstance(column, Integer | Number):
            lower = -np.inf if column.lower is None else float(column.lower)
            upper = np.inf if column.upper is None else float(column.upper)
        elif isinstance(column, DateTime):
            first, last = step_bounds(column.model_copy(update={"provenance": {}}))
            lower, upper = -np.inf if first is None else first, np.inf if last is None else last
        step = self.step if isinstance(column, Number) else 1.0
        if step is not None and np.ceil(lower / step - 1e-6) > np.floor(upper / step + 1e-6):
            steps = "decimals" if isinstance(column, Number) else "resolution"
            raise SchemaError(f"{self.name}: no value of its {steps} lies between lower and upper; change one of them")
        return Bounds(np.full(n_rows, lower), np.full(n_rows, upper))

    @property
    def step(self) -> float | None:
        """Distance between neighbouring values; None where there is none."""
        if isinstance(self.column, Number):
            return None if self.column.decimals is None else 10.0**-self.column.decimals
        return 1.0

    def weights(self, distribution: Any = None) -> tuple[list[str], Array]:
        """Categories that are possible, and their weights.

        Raises:
            SchemaError: There is no list of categories.
        """
        column = self.column
        if isinstance(column, Boolean):
            labels = [str(label) for label in column.labels or ("false", "true")]
            if isinstance(distribution, kinds.Weights):
                return labels, np.array([distribution.weights.get(label, 0.0) for label in labels])
            if isinstance(distribution, kinds.Bernoulli) and not isinstance(distribution.probability, str):
                return labels, np.array([1 - distribution.probability, distribution.probability])
            return labels, np.ones(2)
        assert isinstance(column, Categorical | Ordinal)
        stated = column.categories
        if stated is None and isinstance(distribution, kinds.Weights):
            stated = tuple(distribution.weights)
        if stated is None:
            raise SchemaError(
                f"{self.name}: what categories there are is not declared; add categories: [a, b], or code_list: with "
                "the name of a public list"
            )
        texts = [category_text(item) for item in stated]
        if isinstance(distribution, kinds.Weights):
            found = np.array([distribution.weights.get(text, 0.0) for text in texts])
        elif isinstance(distribution, kinds.Zipf):
            found = np.arange(1, len(texts) + 1, dtype=np.float64) ** -distribution.exponent
        elif distribution is None and isinstance(column, Categorical) and column.code_list is not None:
            listed = read_code_list(column.code_list)
            found = np.array([dict(zip(listed.codes, listed.weights, strict=True))[text] for text in texts])
        else:
            found = np.ones(len(texts))
        if self.allowed is not None:
            found = np.where(np.isin(texts, self.allowed), found, 0.0)
        if not found.sum() > 0:
            raise SchemaError(
                f"{self.name}: no category with a weight is left; loosen its rules, or give others a weight"
            )
        return texts, found

    def choose(self, texts: list[str], weights: Array, n_rows: int, rng: np.random.Generator) -> Array:
        """Canonical values of drawn categories, shape (n_rows,)."""
        codes = pick(rng.random(n_rows), weights)
        if isinstance(self.column, Boolean):
            return codes == 1
        return np.array(texts, dtype=object)[codes]

    def _labels(self, distribution: Any, rows: Rows, rng: np.random.Generator) -> Array:
        if getattr(self.column, "categories", None) is None and distribution is None and self.regex is not None:
            return Pattern.parse(self.regex).texts.draw(rows.n_rows, rng=rng)
        return self.choose(*self.weights(distribution), rows.n_rows, rng)

    def _truths(self, distribution: Any, column: Boolean, rows: Rows, rng: np.random.Generator) -> Array:
        if isinstance(distribution, kinds.Bernoulli):
            ends = Bounds(np.full(rows.n_rows, -np.inf), np.full(rows.n_rows, np.inf))
            return self._plain(distribution, rows, ends, False, rng) > 0.5
        return self.choose(*self.weights(distribution), rows.n_rows, rng)

    def _numbers(
        self, distribution: Any, column: Integer | Number, rows: Rows, bounds: Bounds, rng: np.random.Generator
    ) -> Array:
        step = self.step
        if isinstance(distribution, kinds.Uniform) and not (
            (distribution.lower is not None or np.isfinite(bounds.lower).all())
            and (distribution.upper is not None or np.isfinite(bounds.upper).all())
        ):
            raise SchemaError(f"{self.name}: how large its numbers are is not declared; {REMEDY}")
        if step is None:
            return self._plain(distribution, rows, bounds, False, rng)
        decimals = column.decimals or 0 if isinstance(column, Number) else 0
        low = np.round(np.ceil(bounds.lower / step - 1e-6) * step, decimals)
        high = np.round(np.floor(bounds.upper / step + 1e-6) * step, decimals)
        whole = isinstance(distribution, kinds.Poisson | kinds.Zipf | kinds.Weights | kinds.Bernoulli)
        half = 0.0 if whole else step * 0.499999
        ends = Bounds(low - half, high + half)
        if isinstance(distribution, kinds.Uniform):  # ends given here are values, too
            distribution = kinds.Uniform(
                lower=_moved(distribution.lower, -half), upper=_moved(distribution.upper, half)
            )
        drawn = np.round(self._plain(distribution, rows, ends, whole and step == 1.0, rng), decimals)
        drawn = np.minimum(np.maximum(drawn, low), high)
        return _whole(drawn, column) if isinstance(column, Integer) else drawn

    def _plain(self, distribution: Any, rows: Rows, bounds: Bounds, discrete: bool, rng: np.random.Generator) -> Array:
        def value_of(parameter: Any) -> Array:
            if not isinstance(parameter, str):
                return np.full(rows.n_rows, float(parameter))
            result = rows.evaluate(parameter)
            if result.missing.any() or result.array.dtype == object:
                raise SchemaError(
                    f"{self.name}: a formula of its distribution gives no number in some rows; mend it, as in "
                    "max(x, 0.1) below a root or a fraction"
                )
            return result.array.astype(np.float64)

        return draw_numbers(
            distribution, bounds.lower, bounds.upper, discrete=discrete, value_of=value_of, where=self.name, rng=rng
        )

    def _moments(
        self, distribution: Any, column: DateTime, rows: Rows, bounds: Bounds, rng: np.random.Generator
    ) -> Array:
        if isinstance(distribution, kinds.After):
            return self._after(distribution, column, rows, bounds, rng)
        if not (np.isfinite(bounds.lower).all() and np.isfinite(bounds.upper).all()):
            raise SchemaError(
                f"{self.name}: in what time it lies is not declared; add lower: '2020-01-01' and upper: '2024-12-31', "
                "or a distribution such as {type: after, column: admitted, distance: {type: gamma, shape: 2, scale: 3}}"
            )
        steps = np.floor(bounds.lower + rng.random(rows.n_rows) * (bounds.upper - bounds.lower + 1))
        return from_steps(np.minimum(steps, bounds.upper), column)

    def _after(
        self, distribution: kinds.After, column: DateTime, rows: Rows, bounds: Bounds, rng: np.random.Generator
    ) -> Array:
        base = rows.latent(distribution.column).array
        unit = _UNITS[distribution.unit]
        ends = []
        for steps in (bounds.lower, bounds.upper):
            there = np.isfinite(steps)
            micros = from_steps(np.where(there, steps, 0), column)
            ends.append(np.where(there, (micros - base) / unit, steps))
        distance = Cells(self.name, Number()).draw(distribution.distance, rows, Bounds(ends[0], ends[1]), rng)
        raw = base + np.rint(distance * unit).astype(np.int64)
        first = to_steps(raw, column)
        near = raw - from_steps(first, column) > from_steps(first + 1, column) - raw
        steps = np.where(near, first + 1, first)
        return from_steps(np.minimum(np.maximum(steps, bounds.lower), bounds.upper), column)

    def _calculated(self, expression: str, rows: Rows) -> Array:
        require_fitting(self.name, self.column, parse(expression).kind(rows.kinds))
        result = rows.evaluate(expression)
        if result.missing.any():
            raise SchemaError(f"{self.name}: its formula gives nothing in some rows (a fraction with 0?); mend it")
        return written(result, self.column).array

    def _looked_up(self, distribution: kinds.Lookup, rows: Rows) -> Array:
        source = rows.kinds[distribution.column]
        named = source.code_list if isinstance(source, Categorical) else None
        if named is None:
            raise SchemaError(f"{self.name}: {distribution.column!r} names no code_list to look up in; add it there")
        listed = read_code_list(named)
        if distribution.field not in listed.fields:
            raise SchemaError(
                f"{self.name}: code_list {named!r} has no field {distribution.field!r}; it has "
                f"{', '.join(listed.fields)}"
            )
        codes = np.array(listed.codes, dtype=object)
        order = np.argsort(codes)
        place = order[np.searchsorted(codes[order], rows.latent(distribution.column).array)]
        found = np.array(listed.fields[distribution.field], dtype=object)[place]
        if isinstance(self.column, Integer | Number):
            return found.astype(np.float64 if isinstance(self.column, Number) else np.int64)
        return found

    def _by_case(self, distribution: kinds.Given, rows: Rows, bounds: Bounds, rng: np.random.Generator) -> Array:
        which = np.full(rows.n_rows, len(distribution.cases))
        for number, case in enumerate(distribution.cases):
            which[(which == len(distribution.cases)) & rows.fits(case.when)] = number
        options = (*(case.then for case in distribution.cases), distribution.otherwise)
        return self._parts(which, options, rows, bounds, rng)

    def _parts(
        self, which: Array, options: tuple[Any, ...], rows: Rows, bounds: Bounds, rng: np.random.Generator
    ) -> Array:
        drawn: Array | None = None
        for number, option in enumerate(options):
            chosen = np.flatnonzero(which == number)
            if len(chosen):
                part = self.draw(option, rows.take(chosen), bounds.take(chosen), rng)
                drawn = np.zeros(rows.n_rows, part.dtype) if drawn is None else drawn
                drawn[chosen] = part
        return np.zeros(0, as_empty(self.column)) if drawn is None else drawn


def _whole(drawn: Array, column: Integer) -> Array:
    """Floats as whole numbers within bounds; beyond 2**53 a float skips some, and from 2**63 on none fits."""
    info = np.iinfo(np.int64)
    inside = np.abs(drawn) < 2.0**63
    whole = np.where(inside, np.where(inside, drawn, 0.0).astype(np.int64), np.where(drawn > 0, info.max, info.min))
    return np.clip(whole, column.lower, column.upper) if (column.lower, column.upper) != (None, None) else whole


def as_empty(column: Column) -> Any:
    """The dtype of a column's canonical values."""
    if isinstance(column, Boolean):
        return bool
    if isinstance(column, Integer | DateTime):
        return np.int64
    return np.float64 if isinstance(column, Number) else object


def _moved(parameter: Any, by: float) -> Any:
    if parameter is None or not by:
        return parameter
    return f"({parameter}) + ({by!r})" if isinstance(parameter, str) else parameter + by
