"""What a budget would buy, from public facts alone: nothing is read and nothing is spent.

The mechanism is run on a table of even counts that stands in for the real one, so its looks, their costs and their
noise are those of a real release. The error of a table of counts follows from its noise and the stated number of rows.

Decisions
- A trained network has no error that follows from its noise. Its forecast says so, and has no pairs; its columns are
  given with the noise of the counts that training begins with.
- Errors are those of the noise. What a mechanism leaves out (pairs that it does not measure) depends on the data, and
  no plan can know it; pairs are therefore given as they would come out if measured with the noise that pairs get.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tabsynth.dp.budget import epsilon_from
from tabsynth.dp.certificate import expected_error
from tabsynth.dp.domain import Found
from tabsynth.dp.exact import pooled
from tabsynth.dp.generator import PrivateGenerator
from tabsynth.dp.mechanism import Learner, Schedule
from tabsynth.dp.release_plan import NO_LEDGER, ReleasePlan
from tabsynth.dp.transcript import Clique, Measurement, Selection, Training, Transcript
from tabsynth.dp.unit import PrivacyUnit
from tabsynth.errors import UsageError
from tabsynth.randomness import deterministic_threads
from tabsynth.schema.model import Schema
from tabsynth.schema.part import Part

Array = np.ndarray[Any, Any]


class ColumnForecast(Part):
    """One column under one budget."""

    column: str
    codes: int
    error: float
    """Expected total variation distance of its shares, from noise alone."""


class PairForecast(Part):
    """One pair of columns under one budget."""

    columns: tuple[str, str]
    cells: int
    """Cells of its table, after pooling where the mechanism pools."""
    error: float
    """Expected total variation distance of its shares if it is measured as pairs are."""


class BudgetForecast(Part):
    """What one epsilon would buy."""

    epsilon: float
    delta: float
    rho: float
    looks: int
    columns: tuple[ColumnForecast, ...]
    pairs: tuple[PairForecast, ...]
    row_count: float | None
    """Half of the 95 % interval around the number of rows; None where it is public."""
    note: str = ""
    """What cannot be said beforehand."""

    @property
    def mean_column(self) -> float:
        """Mean error of the columns."""
        return float(np.mean([column.error for column in self.columns]))

    @property
    def mean_pair(self) -> float | None:
        """Mean error of the pairs; None where there is none."""
        return float(np.mean([pair.error for pair in self.pairs])) if self.pairs else None


def forecast(
    generator: PrivateGenerator, schema: Schema, *, rows: int, epsilons: Sequence[float], table_name: str
) -> tuple[BudgetForecast, ...]:
    """What each epsilon would buy.

    Args:
        generator: A private generator; its ledger is not touched.
        schema: The schema, with a `privacy` section.
        rows: About how many rows the table has, from public knowledge; how many people, where rows are weighed.
        epsilons: Budgets to compare.
        table_name: Which table.

    Raises:
        UsageError: A number is out of range.
        SchemaError: The schema leaves the unit or a domain open.
    """
    if rows < 1:
        raise UsageError("rows: must be a whole number of at least 1")
    made = []
    for epsilon in epsilons:
        if not (math.isfinite(epsilon) and epsilon > 0):
            raise UsageError("epsilon: must be above 0; between 0.1 and 10 is usual")
        privacy = schema.privacy
        unbound = (
            schema
            if privacy is None
            else schema.model_copy(update={"privacy": privacy.model_copy(update={"epsilon": None})})
        )
        asked = generator.model_copy(update={"epsilon": epsilon, "ledger": NO_LEDGER})
        made.append(_forecast(asked, ReleasePlan(asked, unbound, table_name), rows))
    return tuple(made)


class EvenTable:
    """Stands in for a private table: even counts, no noise, the same looks."""

    def __init__(self, sizes: Mapping[str, int], *, unit: PrivacyUnit, n_rows: int, order: int | None = None) -> None:
        """Make the stand-in of `n_rows` rows that are spread evenly over all codes; of people, where rows are weighed.

        Noisy counts are in parts of `whole`, as those of a private table.
        """
        self.order = order
        self.sizes = dict(sizes)
        self.max_rows, self.whole = unit.moves, unit.whole
        self.transcript = Transcript(sizes=self.sizes)
        self._n_rows = n_rows * self.whole

    def marginals(
        self,
        cliques: Sequence[Clique],
        *,
        rho_each: Sequence[float],
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> list[Measurement]:
        """Even counts, written down with the noise that real ones would have. See `PrivateTable.marginals`."""
        maps = {name: np.asarray(codes, np.int64) for name, codes in (coarse or {}).items()}
        taken = []
        for clique, rho in zip(cliques, rho_each, strict=True):
            shape = tuple(self.sizes[name] for name in clique)
            counts = pooled(np.full(shape, round(self._n_rows / math.prod(shape)), np.int64), tuple(clique), maps)
            taken.append(
                Measurement(
                    clique=tuple(clique),
                    counts=counts,
                    sigma=self.max_rows / math.sqrt(2 * rho),
                    rho=rho,
                    purpose=purpose,
                    sensitivity=float(self.max_rows),
                    coarse=tuple((name, tuple(maps[name].tolist())) for name in clique if name in maps),
                )
            )
        self.transcript.events += taken
        return taken

    def marginal(self, clique: Clique, *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.marginal`."""
        return self.marginals([clique], rho_each=[rho], purpose=purpose)[0]

    def row_count(self, *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.row_count`."""
        return self.marginals([()], rho_each=[rho], purpose=purpose)[0]

    def select(
        self,
        candidates: Sequence[Clique],
        estimates: Sequence[Array],
        *,
        weights: Sequence[float],
        penalties: Sequence[float],
        rho: float,
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> int:
        """The first candidate. See `PrivateTable.select`."""
        self.transcript.append(
            Selection(tuple(candidates[0]), 0, len(candidates), math.sqrt(8 * rho), float(self.max_rows), rho, purpose)
        )
        return 0

    def train(self, learner: Learner, schedule: Schedule, *, rho: float, purpose: str) -> Training:
        """No step, written down with the batches and the noise of a real one. See `PrivateTable.train`."""
        made = Training(
            learner.weights(),
            schedule.rate,
            schedule.steps,
            schedule.clip,
            1.0,
            schedule.noise,
            self.order,
            rho,
            purpose,
        )
        self.transcript.append(made)
        return made


def _forecast(generator: PrivateGenerator, plan: ReleasePlan, rows: int) -> BudgetForecast:
    domain = plan.domain({name: _assumed(plan, name) for name in plan.open})
    table = EvenTable(domain.sizes, unit=plan.unit, n_rows=rows, order=plan.order)
    with deterministic_threads():
        generator.module.measure(table, rho=plan.shares["mechanism"], **generator.mechanism_parameters(plan.derivation))
    measured = table.transcript.measurements
    variances: dict[str, float] = {}
    for name in domain.sizes:
        precision = sum(
            1 / (event.sigma**2 * event.counts.size / event.shape(domain.sizes)[event.clique.index(name)])
            for event in measured
            if name in event.clique and name not in halved(event, domain.sizes)
        )
        variances[name] = 1 / precision / table.whole**2 if precision else math.inf
    columns = tuple(
        ColumnForecast(column=name, codes=size, error=expected_error(min(math.sqrt(variances[name]), 1e18), size, rows))
        for name, size in domain.sizes.items()
    )
    of_pairs = [event.sigma for event in measured if len(event.clique) >= 2] or [event.sigma for event in measured]
    sigma = float(np.median(of_pairs)) / table.whole
    coarse = dict(domain.sizes)
    for event in measured:
        if len(event.clique) >= 2:
            coarse |= dict(zip(event.clique, event.shape(domain.sizes), strict=True))
    trained = table.transcript.trainings
    pairs = (
        ()
        if trained
        else tuple(
            PairForecast(
                columns=(a, b), cells=coarse[a] * coarse[b], error=expected_error(sigma, coarse[a] * coarse[b], rows)
            )
            for a, b in combinations(domain.sizes, 2)
        )
    )
    count_rho = plan.shares.get("rows")
    return BudgetForecast(
        epsilon=epsilon_from(plan.rho, plan.budget.delta - plan.delta_discovery, order=plan.order),
        delta=plan.budget.delta,
        rho=plan.rho,
        looks=len(table.transcript.events) + len(plan.open) + len(plan.binned_columns) + (count_rho is not None),
        columns=columns,
        pairs=pairs,
        row_count=None
        if count_rho is None
        else 1.959964 * plan.unit.moves / plan.unit.whole / math.sqrt(2 * count_rho),
        note=" ".join(_said(event) for event in trained),
    )


def _said(event: Training) -> str:
    """What is known of a training beforehand."""
    return (
        f"{event.steps} batches, each unit in one with probability {event.rate:.3g}, noise {event.noise:.3g} times "
        "what one unit can move. How well pairs come out does not follow from that, and cannot be forecast."
    )


def halved(event: Measurement, sizes: Mapping[str, int]) -> set[str]:
    """Columns that a measurement saw in two or three classes alone, so that it says nothing of their codes."""
    shape = dict(zip(event.clique, event.shape(sizes), strict=True))
    return {name for name, _ in event.coarse if shape[name] <= 3 < sizes[name]}


def _assumed(plan: ReleasePlan, name: str) -> Found:
    """A stand-in for what would be discovered: as many categories as bins, or some bounds."""
    return Found(
        categories=tuple(f"category {place}" for place in range(plan.generator.bins)), lower=0.0, upper=float(2**20)
    )
