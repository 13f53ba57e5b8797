"""The fitted state of a differentially private generator: the transcript, and the graph that was built of it.

Decisions
- Conditions are met by drawing rows and keeping those that satisfy them, so that the other columns follow as the model
  has them. Nothing real is asked: a condition costs no budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from tabsynth.dp.bins import BinCodes
from tabsynth.dp.domain import Domain
from tabsynth.dp.transcript import Transcript
from tabsynth.encoding.given import EncodedGiven, GivenColumn
from tabsynth.errors import ConstraintError, UsageError
from tabsynth.generators.base import Fitted

Array = np.ndarray[Any, Any]

MAX_DRAWS_PER_ROW = 500
"""Rows drawn for one row that satisfies the conditions, at most, on average."""


class Graph(Protocol):
    """What draws codes; see `graphical.model.GraphicalModel`."""

    def sample(self, n_rows: int, *, rng: np.random.Generator) -> dict[str, Array]:
        """Codes of every column that was measured, each of shape (n_rows,)."""


@dataclass(frozen=True, repr=False)
class FittedCounts(Fitted):
    """Noisy counts, and a distribution over codes that agrees with them."""

    transcript: Transcript
    domain: Domain
    graph: Graph

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw codes, keep those that `given` allows, and place numbers inside their bins. See `Fitted`."""
        chances = {name: self._chances(name, asked) for name, asked in given.items() if name in self.domain.codes}
        codes = self._codes(n_rows, chances, rng=rng)
        arrays: dict[str, Array] = {}
        for name in self.domain.columns:
            if name not in self.domain.codes:
                self._require_present(name, given.get(name))
                arrays[name] = np.zeros(n_rows, np.int32)
                continue
            arrays[name] = self.domain.values(name, codes[name], rng=rng)
            asked = given.get(name)
            if asked is not None and asked.stretches is not None and not asked.missing:
                arrays[name] = self._inside(name, codes[name], asked.stretches, rng=rng)
        return arrays

    def draw_parts(self, n_rows: int, *, rng: np.random.Generator) -> Callable[[int, int], dict[str, Array]]:
        """Draw codes of all rows, a byte or two per cell; numbers are placed in their bins when a part is asked for.

        See `PartDrawer`. The stream of `rng` is picked up where the draw of each column stands at the first row of a
        part: one number for each row of each column of bins, in order.
        """
        codes = self.graph.sample(n_rows, rng=rng)
        before: Any = rng.bit_generator.state
        binned = [name for name in self.domain.codes if isinstance(self.domain.codes[name], BinCodes)]

        def part(start: int, stop: int) -> dict[str, Array]:
            arrays: dict[str, Array] = {}
            for name in self.domain.columns:
                if name not in codes:
                    arrays[name] = np.zeros(stop - start, np.int32)
                    continue
                stream = np.random.PCG64(0)
                stream.state = before
                stream.advance((binned.index(name) if name in binned else 0) * n_rows + start)
                arrays[name] = self.domain.values(name, codes[name][start:stop], rng=np.random.Generator(stream))
            return arrays

        return part

    def state(self) -> dict[str, Any]:
        """The transcript; the rest is a function of it, the schema and the parameters."""
        return {"transcript": self.transcript.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Any]) -> Self:
        """Refuse: more than the state is needed; `PrivateGenerator.restore` does this.

        Raises:
            UsageError: Always.
        """
        raise UsageError("a differentially private model is rebuilt from its transcript and schema")

    def _codes(self, n_rows: int, chances: Mapping[str, Array], *, rng: np.random.Generator) -> dict[str, Array]:
        """Codes of `n_rows` rows, each kept with the product of the chances of its codes."""
        if not chances:
            return self.graph.sample(n_rows, rng=rng)
        pieces: list[dict[str, Array]] = []
        kept = tried = 0
        while kept < n_rows:
            share = max(kept / tried, 0.002) if tried else 1.0
            ask = min(int((n_rows - kept) / share * 1.1) + 32, 1_000_000)
            drawn = self.graph.sample(ask, rng=rng)
            chance = np.ones(ask)
            for name, accept in chances.items():
                chance = chance * accept[drawn[name]]
            good = np.flatnonzero(rng.random(ask) < chance)
            pieces.append({name: codes[good] for name, codes in drawn.items()})
            kept, tried = kept + len(good), tried + ask
            if kept < n_rows and tried > MAX_DRAWS_PER_ROW * n_rows + 20_000:
                raise ConstraintError(
                    f"given: only {kept} of {n_rows} rows were found in {tried} draws; ask for something that the "
                    "model produces more often, or for fewer rows"
                )
        return {name: np.concatenate([piece[name] for piece in pieces])[:n_rows] for name in pieces[0]}

    def _chances(self, name: str, asked: GivenColumn) -> Array:
        """Chance that a row with each code satisfies a condition, shape (size,)."""
        column = self.domain.codes[name]
        chances = np.zeros(column.size)
        if asked.missing:
            if not column.nullable:
                raise UsageError(f"given: {name}: may not be missing by the schema")
            chances[-1] = 1.0
        elif asked.codes is not None:
            chances[: column.n_values] = asked.codes
        elif asked.stretches is not None:
            chances[: column.n_values] = _overlaps(asked.stretches, column.n_values).sum(axis=1)
            if (asked.stretches[:, 0] == asked.stretches[:, 1]).all():
                places = (asked.stretches[:, 0] * column.n_values).astype(np.int64)
                chances[np.minimum(places, column.n_values - 1)] = 1.0
        else:
            chances[: column.n_values] = 1.0
        return np.minimum(chances, 1.0)

    def _require_present(self, name: str, asked: GivenColumn | None) -> None:
        if asked is not None and asked.missing:
            raise UsageError(
                f"given: {name}: is never read, so every row has an invented one; nothing else can be asked"
            )

    def _inside(self, name: str, codes: Array, stretches: Array, *, rng: np.random.Generator) -> Array:
        """Numbers in the part of each row's bin that a condition allows, shape (n_rows,)."""
        column = self.domain.codes[name]
        assert isinstance(column, BinCodes)
        overlaps = _overlaps(stretches, column.n_values)  # (n_values, n_stretches)
        bins = np.minimum(codes, column.n_values - 1)
        points = np.zeros(len(codes))
        for code in np.unique(bins):
            rows = np.flatnonzero(bins == code)
            width = overlaps[code]
            if width.sum() <= 0:
                inside = np.flatnonzero((stretches[:, 0] * column.n_values).astype(np.int64) == code)
                points[rows] = stretches[rng.choice(inside, size=len(rows)), 0]
                continue
            piece = rng.choice(len(stretches), size=len(rows), p=width / width.sum())
            low = np.maximum(stretches[piece, 0], code / column.n_values)
            high = np.minimum(stretches[piece, 1], (code + 1) / column.n_values)
            points[rows] = low + rng.random(len(rows)) * (high - low) * (1 - 1e-12)
        marginal = column.encoder().marginal
        assert marginal is not None
        return marginal.quantile(points)


def _overlaps(stretches: Array, n_values: int) -> Array:
    """Share of each bin that lies in each stretch of the quantile scale; shape (n_values, n_stretches)."""
    lows = np.arange(n_values)[:, None] / n_values
    highs = (np.arange(n_values)[:, None] + 1) / n_values
    shared = np.minimum(highs, stretches[None, :, 1]) - np.maximum(lows, stretches[None, :, 0])
    return np.maximum(shared, 0.0) * n_values
