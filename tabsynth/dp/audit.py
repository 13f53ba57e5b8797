"""Put a claim of differential privacy to the test on rows that were invented: no real one is read, nothing is spent.

    world 0     n units with one row each, all alike
    world 1     the same, and one more unit with as many rows as it may have, which differ from those in every column
    look        what the release measures of either, again and again, with fresh noise
    evidence    log P(noisy counts | world 1) - log P(noisy counts | world 0)

The attacker knows everything but whether the unit is there, and holds the model file. In counts with Gaussian noise the
evidence is exact, sum over events of (k (y - c) - k^2 / 2) / sigma^2 at the cell of the unit, where c is what world 0
has there and k the rows of the unit; what was chosen privately is not weighed. Of a trained generator, whose file has
weights and no counts, the evidence is how many cells of drawn rows are those of the unit, less what some runs of either
world, made beforehand, have on average.

Decisions
- Invented rows, not real ones. The claim holds for every pair of tables that differ in one unit, or it does not hold,
  so any pair may be used to disprove it. A fit on real rows would be a look that no ledger knows, also on rows of the
  holdout, whose people were promised just as much.
- The rows come from the schema (`mock`), like the domain that the mechanism works on.
- The noise is drawn from seeds, so that a report can be made again; nobody is in the table who needs protection. That
  the operating system's randomness is good is not tested.

Source: Jagielski, Ullman & Oprea 2020, "Auditing differentially private machine learning", arXiv:2006.07709; Annamalai,
Ganev & De Cristofaro 2024, "What do you want from theory alone?", arXiv:2405.10994, for worlds that are the worst.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabsynth.declared.mock import mock
from tabsynth.dp.budget import epsilon_from
from tabsynth.dp.discovery import findings
from tabsynth.dp.generator import PrivateGenerator, look
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.release_plan import NO_LEDGER, ReleasePlan, plan_release
from tabsynth.dp.transcript import Discovery, Measurement, Transcript
from tabsynth.errors import UsageError
from tabsynth.evaluation.recipe import Audit
from tabsynth.identifiers.treated_schema import treated_schema
from tabsynth.randomness import child, deterministic_threads
from tabsynth.schema.columns import Identifier, Integer, Number, Text
from tabsynth.schema.model import Schema
from tabsynth.schema.values import TypedTable, Values, parse_column

Array = np.ndarray[Any, Any]

UNITS = 100
"""Units of the world without the asked one."""
BEFOREHAND = 10
"""Runs of each world from which the threshold of a trained generator is taken."""
RUNS, TRAINED_RUNS = 2_000, 500
"""Runs of each world; at epsilon 1 the first number notices noise of half the size, the second does not."""
_TRIED = 200
"""Invented rows among which values that differ are looked for."""


class Worlds:
    """Two neighbouring tables that nobody is in, and what a release says about which of them it was made of."""

    def __init__(self, generator: PrivateGenerator, schema: Schema, table_name: str, *, seed: int = 0) -> None:
        """Invent the tables.

        Args:
            generator: The private generator, with the parameters whose claim is tested.
            schema: The schema, as the generator was given it.
            table_name: Which table of it.
            seed: Seed of the rows and of the noise.

        Raises:
            TabsynthError: The schema leaves open what its rows look like, or does not fit the generator.
        """
        alone = generator.model_copy(update={"ledger": NO_LEDGER})
        self._seed = seed
        self.plan: ReleasePlan = plan_release(alone, schema, table_name)
        after = treated_schema(schema, table_name).schema
        rows = mock(after, rows=_TRIED, seed=seed, table_name=table_name)
        usual, strange = _two_rows(rows, self.plan)
        k = self.plan.unit.max_rows
        self._without = pd.DataFrame([usual] * UNITS).reset_index(drop=True)
        self._with = pd.DataFrame([usual] * UNITS + [strange] * k).reset_index(drop=True)
        if (key := self.plan.unit.key) is not None:
            numbers = np.concatenate([np.arange(UNITS), np.full(k, UNITS)])
            if not isinstance(self.plan.table.columns[key], Integer | Number):
                numbers = np.array([f"U{number:06d}" for number in numbers], dtype=object)
            self._without[key], self._with[key] = numbers[:UNITS], numbers
            if parse_column(self._with[key], self.plan.table.columns[key]).values.missing.any():
                raise UsageError(f"audit: {key}: names units and cannot be invented; declare it as an identifier")
        self._centre: float | None = None
        self._pair = _typed(pd.DataFrame([usual, strange]), self.plan)

    def evidence(self, present: bool, run: int) -> float:
        """How much one release speaks for the unit being there.

        Args:
            present: Whether it is.
            run: Number of the release; each has noise of its own.
        """
        found = self._evidence(present, str(run))
        if not self.plan.generator.trains:
            return found
        if self._centre is None:
            first = [self._evidence(there, f"beforehand {run}") for there in (False, True) for run in range(BEFOREHAND)]
            self._centre = float(np.mean(first))
        return found - self._centre

    def _evidence(self, present: bool, run: str) -> float:
        which = "present" if present else "absent"
        noise = NoiseSource.insecure(int(child(self._seed, "audit", which, run).integers(2**62)))
        transcript = look(self.plan, self._with if present else self._without, noise=noise)
        codes = self.plan.domain(findings(transcript)).encode(self._pair)
        if transcript.trainings:
            return self._drawn_cells(transcript, codes, run)
        return sum(self._weight(event, codes) for event in transcript)

    def _weight(self, event: object, codes: dict[str, Array]) -> float:
        k = self.plan.unit.max_rows
        if isinstance(event, Measurement):
            if self.plan.unit.key in event.clique:  # a key that is counted like any number; rows differ in it
                return 0.0
            coarse = dict(event.coarse)
            cells = [_at(codes[name], coarse.get(name)) for name in event.clique]  # of the usual and the strange row
            there = all(cell[0] == cell[1] for cell in cells)
            count = float(event.counts[tuple(cell[1] for cell in cells)]) - (UNITS if there else 0)
            return (k * count - k * k / 2) / event.sigma**2
        if isinstance(event, Discovery) and event.kind == "sizes":
            return (float(event.counts[k - 1]) - (UNITS if k == 1 else 0) - 0.5) / event.sigma**2
        return 0.0

    def _drawn_cells(self, transcript: Transcript, codes: dict[str, Array], run: str) -> float:
        """Cells of drawn rows that are those of the unit, as the sum of their shares over columns."""
        with deterministic_threads():
            graph = self.plan.generator.module.model(transcript)
        drawn = graph.sample(10 * UNITS, rng=child(self._seed, "audit", "rows", run))
        return float(sum((drawn[name] == codes[name][1]).mean() for name in drawn if codes[name][0] != codes[name][1]))


def audit_of(generator: PrivateGenerator, schema: Schema, table_name: str, *, seed: int = 0) -> Audit:
    """The audit of a private generator's claim.

    Args:
        generator: The generator, with the parameters of the model that is evaluated.
        schema: The schema, as the generator was given it.
        table_name: Which table of it.
        seed: Seed of rows and noise.

    Raises:
        TabsynthError: The schema leaves open what its rows look like, or does not fit the generator.

    Privacy: Reads no table, and charges no ledger.
    """
    worlds = Worlds(generator, schema, table_name, seed=seed)
    plan = worlds.plan
    left = plan.budget.delta - plan.delta_discovery
    return Audit(
        evidence=worlds.evidence,
        epsilon=plan.budget.epsilon,
        delta=plan.budget.delta,
        rho=plan.rho,
        delta_apart=plan.delta_discovery,
        order=plan.order,
        unit=plan.unit.in_words(),
        to_epsilon=lambda rho: epsilon_from(rho, left, order=plan.order),
        n_runs=TRAINED_RUNS if generator.trains else RUNS,
    )


def _two_rows(rows: pd.DataFrame, plan: ReleasePlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row, and one that differs from it in every column in which two of the given rows differ.

    Raises:
        UsageError: They differ in none.
    """
    usual = {name: rows[name].iat[0] for name in rows.columns}
    strange = dict(usual)
    differing = False
    for name, column in plan.table.columns.items():
        if isinstance(column, Identifier | Text) or name not in rows:
            continue
        cells = rows[name].to_numpy(dtype=object)
        present = ~pd.isna(cells)
        others = [place for place in np.flatnonzero(present) if not present[0] or cells[place] != cells[0]]
        if not others:
            continue
        furthest = others[0]
        if isinstance(column, Integer | Number) and present[0]:
            distances = np.abs(np.asarray([float(cells[place]) for place in others]) - float(cells[0]))
            furthest = others[int(np.argmax(distances))]
        strange[name], differing = cells[furthest], True
    if not differing:
        raise UsageError("audit: the schema allows one row only; there is nothing that a person could change")
    return usual, strange


def _typed(frame: pd.DataFrame, plan: ReleasePlan) -> TypedTable:
    """Rows on the columns that are measured; identifiers and text, which are never read, as if they were there."""
    there = Values(np.full(len(frame), "", dtype=object), np.zeros(len(frame), bool))
    columns = {
        name: there if isinstance(column, Identifier | Text) else parse_column(frame[name], column).values
        for name, column in plan.table.columns.items()
    }
    return plan.derivation.forward(TypedTable(columns, len(frame)))


def _at(codes: Array, coarse: tuple[int, ...] | None) -> tuple[int, int]:
    """Cell of the usual and of the strange row along one axis of counts."""
    first, second = int(codes[0]), int(codes[1])
    return (first, second) if coarse is None else (coarse[first], coarse[second])
