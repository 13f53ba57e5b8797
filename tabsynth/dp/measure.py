"""The boundary: the only objects that see private rows, and the only looks at them that exist.

    private table --PrivateTable.marginal / .select / .row_count--> Spending.charge --> integer noise --> Transcript

Every look is charged to the ledger before its noise is drawn, and what it shows is a whole number with noise on it or
the index of a candidate. Nothing else comes out: no exact count, no error and no warning that depends on a cell.

Decisions
- The unit is added or removed as a whole. It has at most `max_rows` rows in here, so that a table of counts moves by at
  most `max_rows` in L2 (all of its rows in one cell), and so does the L1 distance of a table from an estimate.
- Where rows are weighed, those of one unit count `whole` together, however many they are. A table moves by a
  vector without negative numbers whose sum is `whole`, so by at most `whole` in L1 and L2: `max_rows` is `whole` here.
- Scores of candidates are whole numbers: weights are made whole over a common factor and estimates are rounded, both
  before the data are looked at. They are not monotonic (a row can raise one score and lower another), so the selection
  costs `epsilon**2 / 8` with noise of `2 * sensitivity / epsilon`.
- Exact counts are kept inside for the time of the fit (`exact.py`), as selections look at the same tables again.

Source: Bun and Steinke 2016 (zero-concentrated differential privacy); Cesar and Rogers 2021, for `epsilon**2 / 8`;
Canonne, Kamath and Steinke 2020, for the noise.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tabsynth.dp.budget import Sensitivity, gaussian_scale_squared, selection_epsilon
from tabsynth.dp.counting import LARGEST_TABLE
from tabsynth.dp.descent import Units, noisy_steps
from tabsynth.dp.exact import ExactCounts
from tabsynth.dp.mechanism import Learner, Schedule
from tabsynth.dp.spending import Spending
from tabsynth.dp.subsampled import subsampled_rho
from tabsynth.dp.transcript import Clique, Distance, Measurement, Selection, Training, Transcript
from tabsynth.errors import TabsynthError, UsageError

Array = np.ndarray[Any, Any]

DISTANCE_STEPS = 64
"""Parts of a row that expected counts are rounded to before distances from them are taken."""
WEIGHT_STEPS = 1024
"""Weights of candidates are multiples of the largest one over this."""


class PrivateTable:
    """Rows as codes, seen only through noise."""

    def __init__(
        self,
        columns: Mapping[str, Array],
        sizes: Mapping[str, int],
        *,
        max_rows: int,
        account: Spending,
        unit_of: Array | None = None,
        weights: Array | None = None,
        whole: int = 1,
    ) -> None:
        """Take rows that were already read, bounded and encoded.

        Args:
            columns: Codes by column, each of shape (n_rows,).
            sizes: Public number of codes of each column; every code is below it.
            max_rows: Rows that one unit has at most.
            account: Pays for every look.
            unit_of: Number of the unit of each row, (n_rows,); None where every row is a unit of its own.
            weights: What each row counts, (n_rows,), where the rows of a unit share `whole`; None where each counts 1.
            whole: What the rows of one unit count together, where they are weighed.
        """
        self.sizes: Mapping[str, int] = dict(sizes)
        self.whole = whole
        self.max_rows = max_rows if weights is None else whole
        """What one unit can move a table of counts by: as many rows as it may have, or `whole` where they share it."""
        self._columns = {name: columns[name] for name in self.sizes}
        if weights is not None:  # rows of equal weight are counted together
            order = np.argsort(weights, kind="stable")
            weights = weights[order]
            unit_of = None if unit_of is None else unit_of[order]
            self._columns = {name: codes[order] for name, codes in self._columns.items()}
        self._counts = ExactCounts(self._columns, self.sizes, weights)
        self._n_rows = self._counts.total
        self._unit_of, self._rows_of_unit, self._averaged = unit_of, max_rows, weights is not None
        self._units: Units | None = None
        self._account = account
        account.transcript.sizes = dict(self.sizes)

    @property
    def transcript(self) -> Transcript:
        """What has left so far."""
        return self._account.transcript

    @property
    def remaining(self) -> float:
        """What of this release's rho is left."""
        return self._account.remaining

    def __repr__(self) -> str:
        return f"PrivateTable({len(self.sizes)} columns, max_rows={self.max_rows})"

    def row_count(self, *, rho: float, purpose: str) -> Measurement:
        """The number of rows with noise; it may be negative.

        Privacy: One unit moves it by at most `max_rows`.
        """
        return self.marginals([()], rho_each=[rho], purpose=purpose)[0]

    def marginal(self, clique: Clique, *, rho: float, purpose: str) -> Measurement:
        """Counts of every combination of codes of some columns, with noise.

        Args:
            clique: Columns, each once.
            rho: What it may cost; the noise has variance `max_rows**2 / (2 rho)`.
            purpose: Why it is measured, in words; ends up on the certificate.
        """
        return self.marginals([clique], rho_each=[rho], purpose=purpose)[0]

    def marginals(
        self,
        cliques: Sequence[Clique],
        *,
        rho_each: Sequence[float],
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> list[Measurement]:
        """Several tables of counts, with noise. See `marginal`.

        Args:
            cliques: Columns of each table.
            rho_each: What each may cost.
            purpose: Why, in words.
            coarse: Of columns to count in fewer codes: the coarse code of each code, shape (size,).

        Privacy: Each has L2 sensitivity `max_rows`; together they cost the sum of `rho_each`.
        """
        for clique in cliques:
            self._check(clique)
        maps = self._checked_maps(coarse)
        if len(rho_each) != len(cliques) or not all(math.isfinite(rho) and rho > 0 for rho in rho_each):
            raise UsageError(f"{purpose}: give one rho above 0 for each table")
        if not cliques:
            return []
        self._account.charge_each(rho_each, purpose=purpose, mechanism="discrete-gaussian")
        released = []
        with silence():
            for clique, rho, exact in zip(cliques, rho_each, self._counts.coarse_tables(cliques, maps), strict=True):
                variance = gaussian_scale_squared(rho, Sensitivity.of_counts(self.max_rows))
                noise = self._account.noise.discrete_gaussian(variance, exact.size).reshape(exact.shape)
                released.append(
                    Measurement(
                        clique=tuple(clique),
                        counts=np.ascontiguousarray(exact + noise, np.int64).reshape(exact.shape),
                        sigma=math.sqrt(variance),
                        rho=float(rho),
                        purpose=purpose,
                        sensitivity=float(self.max_rows),
                        coarse=tuple((name, tuple(maps[name].tolist())) for name in clique if name in maps),
                    )
                )
        for measurement in released:
            self.transcript.append(measurement)
        return released

    def distances(
        self, cliques: Sequence[Clique], expected: Sequence[Array], *, rho_each: Sequence[float], purpose: str
    ) -> list[Distance]:
        """How far tables of counts are from what is expected of them, in L1, with noise.

        Args:
            cliques: Columns of each table.
            expected: What is expected of each, in rows, shaped by the sizes of its columns; public.
            rho_each: What each may cost.
            purpose: Why, in words.

        Privacy: Expected counts are rounded to parts of a row, so that distances are whole numbers of these. One unit
        moves each of them by at most `max_rows` rows, and there is noise for that; together they cost the sum of
        `rho_each`.
        """
        for clique in cliques:
            self._check(clique)
        if not len(cliques) == len(expected) == len(rho_each):
            raise UsageError(f"{purpose}: give one expectation and one rho for each table")
        steps = max(1, DISTANCE_STEPS // self.whole)
        rounded = [np.rint(np.asarray(each, np.float64) * steps).astype(np.int64) for each in expected]
        for clique, each in zip(cliques, rounded, strict=True):
            if each.shape != tuple(self.sizes[name] for name in clique):
                raise UsageError(f"{purpose}: an expectation is not shaped by its columns")
        moved = Sensitivity.of_counts(steps * self.max_rows)
        variances = [gaussian_scale_squared(rho, moved) for rho in rho_each]
        self._account.charge_each(rho_each, purpose=purpose, mechanism="discrete-gaussian")
        released = []
        with silence():
            for clique, rho, variance, exact, each in zip(
                cliques, rho_each, variances, self._exact(cliques), rounded, strict=True
            ):
                noise = int(self._account.noise.discrete_gaussian(variance, 1)[0])
                value = int(np.abs(steps * exact - each).sum()) + noise
                released.append(
                    Distance(tuple(clique), value, steps, math.sqrt(variance), float(rho), purpose, moved.l2)
                )
        for event in released:
            self.transcript.append(event)
        return released

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
        """Choose the table of counts that is furthest from its estimate, by the exponential mechanism.

        The score of a candidate is `weight * (L1 distance of the exact counts from the rounded estimate - penalty)`.

        Args:
            candidates: Cliques to choose from.
            estimates: What is believed of each, in rows, shaped by the sizes of its columns; made of released counts
                alone.
            weights: Importance of each, above 0.
            penalties: What each distance has to beat, in rows.
            rho: What the choice may cost.
            purpose: Why, in words.
            coarse: Of columns to count in fewer codes: the coarse code of each code; estimates are shaped by these.

        Returns:
            Index of the chosen candidate.

        Privacy: One unit moves a score by at most `max(weights) * max_rows`, up or down.
        """
        if not len(candidates) == len(estimates) == len(weights) == len(penalties) or not candidates:
            raise UsageError(f"{purpose}: give one estimate, weight and penalty for each candidate")
        for clique in candidates:
            self._check(clique)
        if not (math.isfinite(rho) and rho > 0):
            raise UsageError(f"{purpose}: rho must be above 0")
        maps = self._checked_maps(coarse)
        shares, unit = whole_weights(weights)
        offsets = np.rint(np.asarray(penalties, np.float64)).astype(np.int64)
        rounded = [np.rint(np.asarray(estimate, np.float64)).astype(np.int64) for estimate in estimates]
        for clique, estimate in zip(candidates, rounded, strict=True):
            if estimate.shape != tuple(self._size(name, maps) for name in clique):
                raise UsageError(f"{purpose}: an estimate is not shaped by its columns")
        epsilon = selection_epsilon(rho)
        sensitivity = int(shares.max()) * self.max_rows
        self._account.charge(rho=rho, purpose=purpose, mechanism="exponential")
        with silence():
            distances = np.array(
                [
                    int(np.abs(exact - estimate).sum())
                    for exact, estimate in zip(self._counts.coarse_tables(candidates, maps), rounded, strict=True)
                ],
                np.int64,
            )
            scores = shares * (distances - offsets)
            index = int(
                self._account.noise.noisy_max(scores, epsilon=epsilon, sensitivity=sensitivity, monotonic=False)
            )
        self.transcript.append(
            Selection(
                chosen=tuple(candidates[index]),
                index=index,
                n_candidates=len(candidates),
                epsilon=epsilon,
                sensitivity=sensitivity * unit,
                rho=float(rho),
                purpose=purpose,
            )
        )
        return index

    @property
    def order(self) -> int | None:
        """Largest order that costs of a training have to hold for; None for all."""
        return self._account.order

    def train(self, learner: Learner, schedule: Schedule, *, rho: float, purpose: str) -> Training:
        """Move a learner by noisy sums of clipped gradients of random batches.

        Args:
            learner: What is trained; its weights are written to the transcript.
            schedule: Batches and noise, chosen from public facts; all of it is paid for before it begins.
            rho: What it may cost; what is charged is `subsampled_rho` of the schedule.
            purpose: Why, in words.

        Raises:
            UsageError: The schedule costs more, or units of several rows are not known apart.
        """
        if self._rows_of_unit > 1 and self._unit_of is None:
            raise UsageError(f"{purpose}: rows of one unit have to be known as such")
        cost = subsampled_rho(rate=schedule.rate, noise=schedule.noise, steps=schedule.steps, order=self.order)
        if not cost <= rho:
            raise UsageError(f"{purpose}: these batches with this noise cost more than they may")
        self._account.charge(rho=cost, purpose=purpose, mechanism="subsampled-discrete-gaussian", order=self.order)
        with silence():
            grid = noisy_steps(self.units, learner, schedule, self._account.noise)
            event = Training(
                weights=learner.weights(),
                rate=schedule.rate,
                steps=schedule.steps,
                clip=schedule.clip,
                sensitivity=grid.sensitivity,
                sigma=grid.sigma,
                order=self.order,
                rho=cost,
                purpose=purpose,
            )
        self.transcript.append(event)
        return event

    @property
    def units(self) -> Units:
        """Rows by unit, for `descent.py`, which is a part of the boundary. Nothing else may call this."""
        if self._units is None:
            codes = np.stack(list(self._columns.values()), axis=1)
            unit_of = self._unit_of if self._rows_of_unit > 1 else None
            self._units = Units(codes, unit_of, self._rows_of_unit, averaged=self._averaged)
        return self._units

    def _check(self, clique: Clique) -> None:
        unknown = [name for name in clique if name not in self.sizes]
        if unknown or len(set(clique)) < len(clique):
            raise UsageError(f"measured columns must be columns of the table, each once: {', '.join(clique)}")
        if (n_cells := self._counts.n_cells(clique)) > LARGEST_TABLE:
            raise UsageError(f"{', '.join(clique)}: a table of {n_cells:,} cells is too large; use fewer bins")

    def _checked_maps(self, coarse: Mapping[str, Array] | None) -> dict[str, Array]:
        """Maps to coarse codes as int64.

        Raises:
            UsageError: A map does not give every code of its column a coarse one.
        """
        maps = {name: np.asarray(codes, np.int64) for name, codes in (coarse or {}).items() if name in self.sizes}
        for name, codes in maps.items():
            if codes.shape != (self.sizes[name],) or codes.min() < 0 or codes.max() >= self.sizes[name]:
                raise UsageError(f"{name}: give each of its codes a coarse code below their number")
        return maps

    def _size(self, name: str, maps: Mapping[str, Array]) -> int:
        return int(maps[name].max()) + 1 if name in maps else self.sizes[name]

    def _exact(self, cliques: Sequence[Clique]) -> Iterator[Array]:
        """Exact counts of each clique, int64; they never leave this file without noise."""
        return self._counts.tables(cliques)


def whole_weights(weights: Sequence[float]) -> tuple[Array, float]:
    """Weights as whole multiples of one unit: (multiples int64 of shape (n,), the unit).

    Raises:
        UsageError: A weight is not above 0.
    """
    array = np.asarray(weights, np.float64)
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise UsageError("weights: must be above 0")
    multiples = np.maximum(1, np.rint(array / array.max() * WEIGHT_STEPS)).astype(np.int64)
    common = int(np.gcd.reduce(multiples))
    return multiples // common, float(array.max()) / WEIGHT_STEPS * common


@contextmanager
def silence() -> Iterator[None]:
    """Let no warning and no message about a cell out; an error inside says only that there was one.

    Raises:
        BoundaryError: Something failed inside, the same words whatever it was.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise
    except Exception:
        raise BoundaryError(
            "measuring failed inside the private boundary; what was charged stays charged. Nothing more is said here, "
            "as it could describe a row"
        ) from None


class BoundaryError(TabsynthError):
    """Something went wrong where private rows are read; says nothing of them."""

    exit_code = 4
