"""Broken copies of the boundary: the audits must notice every one of them (nightly).

Each mutant is a bug that some library has had, or that a tired afternoon could bring. A mutant that survives means that
an audit is blind.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabsynth.dp import descent, measure, privtree, reading
from tabsynth.dp.bins import BinCodes
from tabsynth.dp.domain import DiscreteCodes, Domain
from tabsynth.dp.measure import PrivateTable
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.spending import Spending
from tabsynth.errors import TabsynthError
from tests.dp import audits

Patch = Callable[[pytest.MonkeyPatch], None]
Array = np.ndarray[Any, Any]

pytestmark = pytest.mark.nightly


def too_little_noise(patch: pytest.MonkeyPatch) -> None:
    """The noise is 1.6 times too small, and the transcript does not say so."""
    draw = NoiseSource.discrete_gaussian
    patch.setattr(
        NoiseSource,
        "discrete_gaussian",
        lambda self, scale_squared, size: draw(self, Fraction(scale_squared) * 25 / 64, size),
    )


def wrong_scale(patch: pytest.MonkeyPatch) -> None:
    """sigma squared is k^2 / (4 rho) in place of k^2 / (2 rho)."""
    scale = measure.gaussian_scale_squared
    patch.setattr(measure, "gaussian_scale_squared", lambda rho, moved: scale(rho, moved) / 2)


def rows_per_person_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The noise is for one row per person, whatever `max_rows` is."""
    scale, one = measure.gaussian_scale_squared, measure.Sensitivity.of_counts(1)
    patch.setattr(measure, "gaussian_scale_squared", lambda rho, moved: scale(rho, one))


def budget_not_split(patch: pytest.MonkeyPatch) -> None:
    """Every table of a batch gets the whole budget, and the account is not asked."""
    marginals = PrivateTable.marginals

    def greedy(self: PrivateTable, cliques: Any, *, rho_each: Any, purpose: str, coarse: Any = None) -> Any:
        return marginals(self, cliques, rho_each=[sum(rho_each)] * len(rho_each), purpose=purpose, coarse=coarse)

    patch.setattr(PrivateTable, "marginals", greedy)
    patch.setattr(Spending, "charge_each", lambda self, rhos, **words: None)


def selection_coefficient(patch: pytest.MonkeyPatch) -> None:
    """A selection is believed to cost epsilon^2 / 32."""
    epsilon = measure.selection_epsilon
    patch.setattr(measure, "selection_epsilon", lambda rho: 2 * epsilon(rho))


def selection_sensitivity_halved(patch: pytest.MonkeyPatch) -> None:
    """The noise of a selection is for half of what one person can do."""
    _in_select(patch, lambda words: words | {"sensitivity": Fraction(words["sensitivity"]) / 2})


def selection_called_monotonic(patch: pytest.MonkeyPatch) -> None:
    """Distances are treated as if one person moved all of them the same way."""
    _in_select(patch, lambda words: words | {"monotonic": True})


def truncation_skipped(patch: pytest.MonkeyPatch) -> None:
    """A person may have as many rows as they like."""
    patch.setattr(reading, "truncated", lambda keys, max_rows, noise: np.flatnonzero(keys >= 0))


def exact_row_count(patch: pytest.MonkeyPatch) -> None:
    """The number of rows is released without noise, and priced as if it had some."""
    count = PrivateTable.row_count

    def exact(self: PrivateTable, *, rho: float, purpose: str) -> Any:
        event = count(self, rho=rho, purpose=purpose)
        event.counts[...] = self._n_rows
        return event

    patch.setattr(PrivateTable, "row_count", exact)


def categories_from_data(patch: pytest.MonkeyPatch) -> None:
    """Codes are made for the categories that occur."""

    def seen(rows: PrivateRows, shape: Domain) -> Domain:
        codes: dict[str, Any] = dict(shape.codes)
        for name, column in codes.items():
            if isinstance(column, DiscreteCodes) and column.column.type == "categorical":
                values = rows.column(name)
                there = sorted({str(cell) for cell in values.array[~values.missing]})
                codes[name] = DiscreteCodes(column.column, tuple(there) or ("none",), None)
        return Domain(shape.columns, codes)

    _with_domain(patch, seen)


def bounds_from_data(patch: pytest.MonkeyPatch) -> None:
    """Bins lie between the smallest and the largest value."""

    def seen(rows: PrivateRows, shape: Domain) -> Domain:
        codes: dict[str, Any] = dict(shape.codes)
        for name, column in codes.items():
            values = rows.column(name)
            there = values.array[~values.missing]
            if isinstance(column, BinCodes) and column.column.type == "integer" and len(there):
                edges = np.linspace(float(there.min()), float(there.max()) + 1.0, len(column.edges))
                codes[name] = BinCodes(column.column, edges, column.step)
        return Domain(shape.columns, codes)

    _with_domain(patch, seen)


def null_slot_from_data(patch: pytest.MonkeyPatch) -> None:
    """A column without an empty cell has no code for one."""

    def seen(rows: PrivateRows, shape: Domain) -> Domain:
        codes: dict[str, Any] = dict(shape.codes)
        for name, column in codes.items():
            if not rows.column(name).missing.any():
                sure = column.column.model_copy(update={"nullable": False})
                codes[name] = (
                    BinCodes(sure, column.edges, column.step)
                    if isinstance(column, BinCodes)
                    else DiscreteCodes(sure, column.labels, column.other)
                )
        return Domain(shape.columns, codes)

    _with_domain(patch, seen)


def ledger_charged_half(patch: pytest.MonkeyPatch) -> None:
    """The ledger hears of half of what was spent."""
    charge = Spending.charge_each

    def halved(self: Spending, rhos: Any, **words: Any) -> None:
        ledger, self._ledger = self._ledger, None
        charge(self, rhos, **words)
        self._ledger = ledger
        if ledger is not None:
            half = {"delta": words.get("delta", 0.0), "purpose": words["purpose"], "mechanism": "half", "release": ""}
            ledger.charge_each([rho / 2 for rho in rhos], **half)

    patch.setattr(Spending, "charge_each", halved)


def discovery_for_free(patch: pytest.MonkeyPatch) -> None:
    """Categories are discovered without a charge."""
    charge = Spending.charge_each

    def forgetful(self: Spending, rhos: Any, *, mechanism: str, **words: Any) -> None:
        if mechanism != "thresholded-discrete-gaussian":
            charge(self, rhos, mechanism=mechanism, **words)

    patch.setattr(Spending, "charge_each", forgetful)


def cells_validated(patch: pytest.MonkeyPatch) -> None:
    """A table with a cell that breaks the schema is refused, with a message about it."""
    from tabsynth.schema.validate import require_valid, validate_table

    opened = PrivateRows.__init__

    def strict(self: PrivateRows, source: Any, table: Any, *words: Any, **more: Any) -> None:
        require_valid(validate_table(source, table))
        opened(self, source, table, *words, **more)

    patch.setattr(PrivateRows, "__init__", strict)


def whole_column_by_majority(patch: pytest.MonkeyPatch) -> None:
    """A column with one unreadable cell is taken for empty."""
    read = reading._read

    def all_or_nothing(raw: Any, column: Any) -> Any:
        values = read(raw, column)
        spoiled = bool((values.missing & raw.notna().to_numpy(bool)).any())
        return reading.Values(values.array, np.full(len(values), True)) if spoiled else values

    patch.setattr(reading, "_read", all_or_nothing)


def tree_without_decay(patch: pytest.MonkeyPatch) -> None:
    """Scores of bins lose nothing with each halving, and the price is believed to be the same."""
    patch.setattr(privtree, "decay_of", lambda scale: 0)


def tree_priced_for_one_count(patch: pytest.MonkeyPatch) -> None:
    """The noise of a tree is that of a single count: what deeper bins tell is forgotten."""
    patch.setattr(privtree, "COST", 1)


def tree_for_one_row(patch: pytest.MonkeyPatch) -> None:
    """The noise of a tree is for one row per person."""
    scale = privtree.scale_for
    patch.setattr(privtree, "scale_for", lambda epsilon, moves: scale(epsilon, 1))


def gradients_not_clipped(patch: pytest.MonkeyPatch) -> None:
    """A person's gradient counts with whatever length it has."""
    patch.setattr(descent, "_shrinking", lambda traces, there, clip, averaged=False: there.astype(np.float64).ravel())


def rows_clipped_in_place_of_people(patch: pytest.MonkeyPatch) -> None:
    """Each row is clipped, however many of them are one person's."""
    units = descent.Units.__init__
    patch.setattr(
        descent.Units,
        "__init__",
        lambda self, codes, unit_of, max_rows, averaged=False: units(self, codes, None, max_rows),
    )


def weighed_rows_count_whole(patch: pytest.MonkeyPatch) -> None:
    """Where a person's rows should share what one person counts, each counts all of it."""
    patch.setattr(reading, "shared", lambda unit_of, whole: np.full(len(unit_of), whole, np.int64))


def weights_rounded_up(patch: pytest.MonkeyPatch) -> None:
    """Shares of what one person counts are rounded up, so that they add up to more."""
    share = reading.shared
    patch.setattr(reading, "shared", lambda unit_of, whole: share(unit_of, whole) + 1)


def batches_believed_smaller(patch: pytest.MonkeyPatch) -> None:
    """A training is priced as if a tenth of the people were in a batch."""
    price = measure.subsampled_rho
    patch.setattr(measure, "subsampled_rho", lambda *, rate, **words: price(rate=rate / 10, **words))


MUTANTS: tuple[Patch, ...] = (
    too_little_noise,
    wrong_scale,
    rows_per_person_forgotten,
    budget_not_split,
    selection_coefficient,
    selection_sensitivity_halved,
    selection_called_monotonic,
    truncation_skipped,
    exact_row_count,
    categories_from_data,
    bounds_from_data,
    null_slot_from_data,
    ledger_charged_half,
    discovery_for_free,
    cells_validated,
    whole_column_by_majority,
    gradients_not_clipped,
    rows_clipped_in_place_of_people,
    tree_without_decay,
    tree_priced_for_one_count,
    tree_for_one_row,
    weighed_rows_count_whole,
    weights_rounded_up,
    batches_believed_smaller,
)
TRAINING = ("gradients_not_clipped", "rows_clipped_in_place_of_people", "batches_believed_smaller")
SELECTIVE = ("selection_coefficient", "selection_sensitivity_halved", "selection_called_monotonic")


CASES = [
    pytest.param(mutant, name, id=f"{mutant.__name__}-{name}")
    for mutant in MUTANTS
    for name in (
        audits.TRAINED
        if mutant.__name__ in TRAINING
        else ["dp-mst" if mutant.__name__ in SELECTIVE else "dp-independent"]
    )
]
"""Mutants of a training are held against every generator that is trained."""


@pytest.mark.parametrize(("mutant", "name"), CASES)
def test_every_mutant_is_noticed(mutant: Patch, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one audit fails, and none of them did before."""
    if command := audits.GENERATORS[name].install_command():
        pytest.skip(f"{name} needs: {command}")
    checks: dict[str, audits.Check] = {
        "A2": audits.check_tree,
        "A5": lambda: audits.check_costs_of(name, tmp_path),
        "A3": lambda: [audits.check_sensitivity(name, max_rows) for max_rows in (1, 2, 5)],
        "A3 weighed": lambda: [audits.check_sensitivity(name, k, bounding="weigh") for k in (2, 13)],
        "A1 cells": audits.check_cells,
        "A1": lambda: audits.check_structure(name, tmp_path),
        "A7": lambda: audits.check_audit(name, runs=1000, least=0.0),
    }
    assert audits.check_cells() is None and audits.check_tree() > 0
    mutant(monkeypatch)
    killers = []
    for audit, check in checks.items():
        try:
            check()
        except (AssertionError, TabsynthError):  # a mutant that merely breaks is no mutant
            killers.append(audit)
            break
    assert killers, f"{mutant.__name__} survives: {mutant.__doc__}"


def _in_select(patch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change what `PrivateTable.select` tells its source of noise."""
    select = PrivateTable.select

    class Between:
        def __init__(self, noise: Any) -> None:
            self._noise = noise

        def noisy_max(self, scores: Array, **words: Any) -> int:
            return int(self._noise.noisy_max(scores, **change(words)))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._noise, name)

    def between(self: PrivateTable, *arguments: Any, **words: Any) -> int:
        noise = self._account.noise
        self._account.noise = Between(noise)  # type: ignore[assignment]
        try:
            return select(self, *arguments, **words)
        finally:
            self._account.noise = noise

    patch.setattr(PrivateTable, "select", between)


def _with_domain(patch: pytest.MonkeyPatch, seen: Callable[[PrivateRows, Domain], Domain]) -> None:
    encoded = PrivateRows.encoded
    patch.setattr(PrivateRows, "encoded", lambda self, shape, spending: encoded(self, seen(self, shape), spending))
