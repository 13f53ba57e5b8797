"""Empty cells of a table, filled with draws from a model given the rest of their row.

The table is rewritten and encoded as for fitting; the fitted generator draws what the empty cells stand for; the way
back gives candidates for the cells, and the other cells are left as they were. A row whose candidates break a rule of
the schema is drawn again, a bounded number of times.

Decisions
- Where no draw completes a row, its cells in columns that a rule speaks of stay empty, and a warning says how many
  such rows there are. An error would throw away all the other rows, and a cell that breaks a rule would be worse than
  an empty one.
- A rule that a row breaks before anything is filled in is not held against it: those cells are not ours to change.
- Gaps that a rule demands stay: of the patterns of `fixed_nulls`, the one with the fewest gaps that the row's other
  cells allow; what `conditional` says must be missing; what cannot be calculated because its inputs are missing.
- Of columns in order (`inequality`, `chained_inequality`, `range`) distances are modelled. Where the first one is empty
  and a later one is known, the drawn distance is counted back from the known one.
- Combinations and choices: the label is drawn given all other columns, and cells of the rule that are there are matched
  by drawing again, not by conditioning on them.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.encoding.table import always_missing
from tabsynth.errors import TabsynthWarning, UsageError
from tabsynth.generators.acceptance import outside
from tabsynth.generators.capabilities import Imputer
from tabsynth.progress import Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.checks import matches, violating_rows
from tabsynth.schema.columns import DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.constraints import Conditional, Constraint, FixedNulls, Regex, Unique
from tabsynth.schema.validate import Validation, require_valid, validate_table
from tabsynth.schema.values import TypedTable, Values, format_column
from tabsynth.tables.filling import NewCells, with_cells
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from tabsynth.generators.model import Model

Array = np.ndarray[Any, Any]

COPIES = (1, 4, 16, 64, 128, 256)
"""Draws of each row that is still open, round by round."""
_AT_ONCE = 100_000
"""Rows handled at once."""
_TRIED_FOR_STAND_INS = 500
_ABOUT_ROWS = {"empty-cell", "empty-key", "duplicate-key", "constraint"}
"""Findings that an empty cell explains, or that are about whole rows, which are left as they are."""


def impute(
    model: Model, table: object, *, seed: int | None, columns: Collection[str] | None, progress: Progress
) -> Any:
    """Fill the empty cells of a table. See `Model.impute`."""
    if not isinstance(model.fitted, Imputer):
        raise UsageError(
            f"impute: {model.generator.name} cannot fill in cells; fit trees, autoregressive, "
            "copula or independent for that"
        )
    seed = check_seed(seed)
    chosen = _chosen(model, columns)
    frame, _ = to_pandas(table)
    progress.stage("Checking the table")
    typed = readable(model, frame)
    absent = frozenset(model.table.columns) - frozenset(frame.columns)
    stand_ins = _stand_ins(model, typed, chosen, seed)
    unknown = [name for name in chosen if name not in stand_ins and columns is not None]
    if unknown:
        raise UsageError(f"columns: {', '.join(unknown)}: always missing in the training table, so nothing is known")
    fill = _gaps_to_fill(model, typed, [name for name in chosen if name in stand_ins])
    job = _Job(model, typed, fill, stand_ins, absent)
    progress.stage("Imputing", total=int(job.is_open.sum()))
    with deterministic_threads():
        left = job.complete(model.fitted, child(seed, "impute"), progress)
        if len(left):
            freer = job.without_ruled_columns(left)
            freer.complete(model.fitted, child(seed, "impute", "again"), progress)
            job.adopt(freer)
            warnings.warn(
                f"impute: {len(left)} of {int(job.is_open.sum())} rows with empty cells keep some of them: no draw "
                f"kept {job.hardest}. Look at their other cells, or loosen the rule",
                TabsynthWarning,
                stacklevel=3,
            )
    return with_cells(table, job.new_cells(frame))


def readable(model: Model, frame: pd.DataFrame, *, whole_rows: bool = False) -> TypedTable:
    """Typed rows of a table that a model is applied to.

    Args:
        model: The model, whose schema the table must have.
        frame: The table.
        whole_rows: Whether empty cells and broken constraints are refused, too.

    Returns:
        All columns of the schema; identifiers and texts that the table lacks are missing in every row.

    Raises:
        DataError: Columns are missing or unknown, or cells cannot be read or break the rules of their column.
    """
    columns = model.table.columns
    found = validate_table(frame, model.table, name=model.table_name)
    invented = {name for name, column in columns.items() if isinstance(column, Identifier | Text)}
    tolerated = set() if whole_rows else _ABOUT_ROWS
    wrong = tuple(v for v in found.violations if v.column not in invented and v.rule not in tolerated)
    require_valid(Validation(found.table, found.typed, wrong, ()))
    n_rows = found.typed.n_rows
    nothing = Values(np.full(n_rows, "", dtype=object), np.ones(n_rows, bool))
    return TypedTable({name: found.typed.columns.get(name, nothing) for name in columns}, n_rows)


@dataclass
class _Job:
    """One table on its way: what is known, what is to be filled in, and what has been."""

    model: Model
    typed: TypedTable
    fill: Mapping[str, Array]
    """Cells to fill in, by original column, shape (n_rows,), bool."""
    stand_ins: Mapping[str, Any]
    absent: frozenset[str]
    """Columns of the schema that the table lacks."""

    def __post_init__(self) -> None:
        self.values = {name: self.typed.columns[name].array.copy() for name in self.fill}
        self.filled = {name: np.zeros(self.typed.n_rows, bool) for name in self.fill}
        self.broken: dict[str, int] = {}
        touched = {name for name, mask in self.fill.items() if mask.any()}
        constraints = self.model.derivation.constraints
        self.rules = [rule for rule in constraints if touched & set(rule.involved) and not self._is_elsewhere(rule)]
        keys = [rule.columns for rule in constraints if isinstance(rule, Unique)]
        keys += [self.model.table.primary_key] if self.model.table.primary_key else []
        self.keys = [key for key in keys if touched & set(key) and not self._invented(key)]
        self.encoded, self.hidden = self._encode()

    @property
    def hardest(self) -> str:
        """The rule that most draws broke."""
        return max(self.broken, key=lambda name: self.broken[name]) if self.broken else "the rules of the schema"

    @property
    def is_open(self) -> Array:
        """Rows with cells to fill in, shape (n_rows,), bool."""
        return np.any([np.zeros(self.typed.n_rows, bool), *self.fill.values()], axis=0)

    def complete(self, fitted: Imputer, rng: np.random.Generator, progress: Progress) -> Array:
        """Fill in all rows; returns those that no draw completes, which stay as they were."""
        left = []
        for rows in _pieces(np.flatnonzero(self.is_open), _AT_ONCE):
            n_rows = len(rows)
            for copies in COPIES:
                open_parts = [
                    self._try(part, copies, fitted, rng) for part in _pieces(rows, max(1, _AT_ONCE // copies))
                ]
                rows = np.sort(np.concatenate([rows[:0], *open_parts]))
            left.append(rows)
            progress.advance(n_rows)
        return np.concatenate([np.zeros(0, np.int64), *left])

    def without_ruled_columns(self, rows: Array) -> _Job:
        """The job for some rows, without the columns that a rule speaks of."""
        ruled = {name for rule in self.rules for name in rule.involved} | {name for key in self.keys for name in key}
        among = np.zeros(self.typed.n_rows, bool)
        among[rows] = True
        fill = {name: mask & among for name, mask in self.fill.items() if name not in ruled}
        return _Job(self.model, self.typed, fill, self.stand_ins, self.absent)

    def adopt(self, other: _Job) -> None:
        """Take over the cells that another job has filled in."""
        for name, filled in other.filled.items():
            self.values[name][filled] = other.values[name][filled]
            self.filled[name] |= filled

    def new_cells(self, frame: pd.DataFrame) -> dict[str, NewCells]:
        """The filled cells as cells of the table that came in."""
        made = {}
        for name, filled in self.filled.items():
            rows = np.flatnonzero(filled)
            if len(rows):
                values = Values(self.values[name][rows], np.zeros(len(rows), bool))
                storage = str(frame[name].dtype)
                kept = storage if storage not in ("object", "str", "string", "category") else None
                made[name] = NewCells(
                    rows, format_column(values, self.model.table.columns[name], name=name, storage=kept)
                )
        return made

    def _encode(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Encoded rows with stand-ins where cells are to be filled in, and the modelled cells that are unknown."""
        columns = {}
        for name, values in self.typed.columns.items():
            if name in self.fill and self.fill[name].any():
                array = values.array.copy()
                array[self.fill[name]] = self.stand_ins[name]
                values = Values(array, values.missing & ~self.fill[name])
            columns[name] = values
        derivation = self.model.derivation
        modelled = derivation.forward(TypedTable(columns, self.typed.n_rows))
        hidden = {name: np.zeros(self.typed.n_rows, bool) for name in modelled.columns}
        for name, mask in self.fill.items():
            for made in derivation.dependents(name):
                hidden[made] |= mask & ~modelled.columns[made].missing
        for name in self.absent:
            hidden[name] |= True
        return dict(self.model.encoder.encode(modelled).columns), hidden

    def _try(self, rows: Array, copies: int, fitted: Imputer, rng: np.random.Generator) -> Array:
        """Draw rows `copies` times and keep the first draw of each that breaks nothing; returns the others."""
        many = np.repeat(rows, copies)
        columns = {name: array[many] for name, array in self.encoded.items()}
        missing = {name: mask[many] for name, mask in self.hidden.items()}
        if any(mask.any() for mask in missing.values()):
            columns = fitted.impute_encoded(columns, missing, rng=rng)
        decoded = self.model.encoder.decode(columns, rng=rng)
        before = self.typed.take(many)
        fill = {name: mask[many] for name, mask in self.fill.items()}
        after = self.model.derivation.complete(decoded, before, fill)
        new = {name: mask & ~after.columns[name].missing for name, mask in fill.items()}
        good = self._keeps_rules(before, after, new).reshape(-1, copies)
        first = good.argmax(axis=1)
        kept = good[np.arange(len(rows)), first]
        source = np.flatnonzero(kept) * copies + first[kept]
        done = rows[kept]
        for name, mask in new.items():
            cells = mask[source]
            self.values[name][done[cells]] = after.columns[name].array[source[cells]]
            self.filled[name][done[cells]] = True
        repeated = self._repeats(done)
        for filled in self.filled.values():
            filled[repeated] = False
        return np.concatenate([rows[~kept], repeated])

    def _keeps_rules(self, before: TypedTable, after: TypedTable, new: Mapping[str, Array]) -> Array:
        """Rows that break no rule but those that they broke before, shape (n_rows,)."""
        good = np.ones(after.n_rows, bool)

        def strike(name: str, bad: Array) -> None:
            if bad.any():
                self.broken[name] = self.broken.get(name, 0) + int(bad.sum())
                good[bad] = False

        table = self.model.table
        for rule in self.rules:
            bad = violating_rows(rule, after, table)
            if bad.any():
                label = rule.name or f"{rule.type} of {', '.join(rule.involved)}"
                strike(f"constraint {label}", bad & ~violating_rows(rule, before, table))
        for name, cells in new.items():
            column = table.columns[name]
            if isinstance(column, Integer | Number | DateTime):
                strike(f"the bounds of {name}", outside(after.columns[name], column) & cells)
        return good

    def _repeats(self, done: Array) -> Array:
        """Of the rows just completed, those that repeat a key of another row."""
        bad = np.zeros(len(done), bool)
        for key in self.keys:
            others = np.setdiff1d(np.arange(self.typed.n_rows), done)
            order = np.concatenate([others, done])
            columns = {}
            for name in key:
                values, filled = self.typed.columns[name], self.filled.get(name)
                if filled is not None:
                    values = Values(self.values[name], values.missing & ~filled)
                columns[name] = values.take(order)
            repeats = violating_rows(Unique(columns=key), TypedTable(columns, len(order)), self.model.table)
            if repeats[len(others) :].any():
                self.broken[f"unique {', '.join(key)}"] = self.broken.get(f"unique {', '.join(key)}", 0) + 1
                bad |= repeats[len(others) :]
        return done[bad]

    def _is_elsewhere(self, rule: Constraint) -> bool:
        """Whether a rule is about repeats, or about cells that are never filled in."""
        return isinstance(rule, Unique) or (isinstance(rule, Regex) and self._invented((rule.column,)))

    def _invented(self, names: Iterable[str]) -> bool:
        return any(isinstance(self.model.table.columns[name], Identifier | Text) for name in names)


def _chosen(model: Model, columns: Collection[str] | None) -> list[str]:
    """Columns to fill in, in the order of the schema."""
    declared = model.table.columns
    modelled = [name for name, column in declared.items() if not isinstance(column, Identifier | Text)]
    if columns is None:
        return modelled
    asked = [columns] if isinstance(columns, str) else list(columns)
    for name in asked:
        if name not in declared:
            raise UsageError(f"columns: the model knows no column {name!r}; it has {', '.join(modelled)}")
        if name not in modelled:
            raise UsageError(
                f"columns: {name}: is {declared[name].type}, which is invented, not learned; its gaps cannot be filled"
            )
    return [name for name in modelled if name in asked]


def _stand_ins(model: Model, typed: TypedTable, chosen: Iterable[str], seed: int) -> dict[str, Any]:
    """A possible value of every column that the model can fill in; it never reaches the result."""
    arrays = model.fitted.sample_encoded(_TRIED_FOR_STAND_INS, rng=child(seed, "stand-ins"), given={})
    drawn = model.derivation.backward(model.encoder.decode(arrays, rng=child(seed, "stand-ins", "decode")))
    found = {}
    for name in chosen:
        if name in model.derivation.direct and always_missing(model.encoder.encoders[name]):
            continue
        for values in (drawn.columns[name], typed.columns[name]):
            there = np.flatnonzero(~values.missing)
            if len(there):
                found[name] = values.array[there[0]]
                break
    return found


def _gaps_to_fill(model: Model, typed: TypedTable, names: Iterable[str]) -> dict[str, Array]:
    """Empty cells of the named columns that no rule wants empty, by column, shape (n_rows,)."""
    fill = {name: typed.columns[name].missing.copy() for name in names}
    never = np.zeros(typed.n_rows, bool)
    for rule in model.derivation.constraints:
        if isinstance(rule, Conditional):
            applies = np.ones(typed.n_rows, bool)
            for condition in rule.if_:
                known, column = typed.columns[condition.column], model.table.columns[condition.column]
                applies &= matches(condition, known, column)
            for condition in rule.then:
                if condition.missing and condition.column in fill:
                    fill[condition.column] &= ~applies
    for rule in model.derivation.constraints:
        if isinstance(rule, FixedNulls) and rule.patterns is not None:
            gaps = np.stack([typed.columns[name].missing for name in rule.columns], axis=1)
            wanted = np.stack([fill.get(name, never) for name in rule.columns], axis=1)
            settled = _fewest_gaps(gaps, wanted, np.array(rule.patterns, bool))
            for number, name in enumerate(rule.columns):
                if name in fill:
                    fill[name] &= ~settled[:, number]
    return fill


def _pieces(rows: Array, size: int) -> Iterator[Array]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _fewest_gaps(gaps: Array, wanted: Array, patterns: Array) -> Array:
    """The gaps that stay under a list of possible patterns; the row's own where none is possible.

    Args:
        gaps: Empty cells, shape (n_rows, n_members).
        wanted: Those that would be filled in, same shape.
        patterns: Possible patterns, True = missing, shape (n_patterns, n_members).
    """
    best = gaps.copy()
    fewest = np.full(len(gaps), gaps.shape[1] + 1)
    for pattern in patterns:
        possible = (pattern <= gaps).all(axis=1) & (pattern >= (gaps & ~wanted)).all(axis=1)
        better = possible & (pattern.sum() < fewest)
        best[better] = pattern
        fewest[better] = pattern.sum()
    return best
