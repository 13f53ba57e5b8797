"""Checks that a differentially private generator must pass, as functions, so that mutants can be held against them.

A1 `check_structure`     what leaves has one shape for all neighbours
A1 `check_cells`         no row changes how another one is read
A2 `check_tree`          no tree of bins tells a row from its absence better than claimed
A3 `check_sensitivity`   one unit moves every look by no more than it claims
A5 `check_costs_of`      costs follow from the noise, and the ledger says the same as the transcript
A7 `check_audit`         two neighbouring worlds cannot be told apart better than claimed, and about as well
"""

from __future__ import annotations

import io
import json
import logging
import math
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, norm

import tabsynth as ts
from tabsynth.dp import descent, privtree
from tabsynth.dp.certificate import check_costs, transcript_of
from tabsynth.dp.discovery import findings
from tabsynth.dp.exact import pooled
from tabsynth.dp.generator import PrivateGenerator, release
from tabsynth.dp.measure import PrivateTable, whole_weights
from tabsynth.dp.mechanism import Learner, Schedule
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.release_plan import ReleasePlan
from tabsynth.dp.spending import Spending
from tabsynth.dp.transcript import Discovery, Measurement, Transcript
from tabsynth.generators import GENERATORS
from tabsynth.generators.model import Model
from tabsynth.schema.model import Schema

Array = np.ndarray[Any, Any]

PRIVATE = [name for name in GENERATORS if name.startswith("dp-")]
"""Every registered private generator: there is no way out of these checks."""


def each_of(names: Sequence[str], *, nightly: Sequence[str] = ()) -> pytest.MarkDecorator:
    """A test of each of some generators, some of them at night; what cannot be fitted for want of a package waits."""
    made = []
    for name in names:
        command = GENERATORS[name].install_command()
        marks = [pytest.mark.nightly] if name in nightly else []
        marks += [pytest.mark.skipif(command is not None, reason=f"{name} needs: {command}")]
        made.append(pytest.param(name, marks=marks))
    return pytest.mark.parametrize("name", made)


def schema_of(unit: object = "row", **changes: Any) -> Schema:
    """A small ward: every kind of column."""
    columns: dict[str, Any] = {
        "person": {"type": "identifier", "nullable": False},
        "sex": {"type": "categorical", "categories": ["F", "M"]},
        "stage": {"type": "ordinal", "categories": ["I", "II", "III"]},
        "hiv": {"type": "boolean", "labels": ["neg", "pos"]},
        "age": {"type": "integer", "lower": 0, "upper": 119, "nullable": False},
        "dose": {"type": "number", "decimals": 1, "lower": 0.0, "upper": 50.0},
        "admitted": {"type": "datetime", "resolution": "day", "lower": "2020-01-01", "upper": "2023-12-31"},
        "note": {"type": "text", "fill": "placeholder"},
    }
    columns |= changes
    return Schema.model_validate(
        {
            "name": "ward",
            "tables": {"t": {"columns": columns}},
            "privacy": {"unit": unit, "epsilon": 1.0, "delta": 1e-6},
        }
    )


def ward(n_rows: int = 40, *, seed: int = 0) -> pd.DataFrame:
    """Rows for `schema_of`: constant where a leak would show, without a gap."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "person": [f"P{n:04d}" for n in range(n_rows)],
            "sex": ["F"] * n_rows,
            "stage": rng.choice(["I", "II", "III"], n_rows),
            "hiv": ["neg"] * n_rows,
            "age": rng.integers(20, 90, n_rows),
            "dose": rng.integers(0, 500, n_rows) / 10,
            "admitted": pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 700, n_rows), unit="D"),
            "note": ["stable"] * n_rows,
        }
    )


def strange_rows() -> dict[str, dict[str, object]]:
    """Rows that show in the structure of what careless libraries release, by what is strange about them."""
    usual: dict[str, object] = {
        "person": "P9999",
        "sex": "F",
        "stage": "I",
        "hiv": "neg",
        "age": 50,
        "dose": 1.0,
        "admitted": pd.Timestamp("2021-06-01"),
        "note": "stable",
    }
    changes: dict[str, dict[str, object]] = {
        "one more row": {},
        "first null": {"sex": None},
        "first null number": {"dose": None},
        "null where none may be": {"age": None},
        "second category": {"sex": "M"},
        "undeclared category": {"sex": "intersex"},
        "constant column broken": {"hiv": "pos"},
        "extreme value": {"age": 10**12, "dose": -1e300},
        "not a number": {"dose": float("inf")},
        "text in a number": {"age": "old"},
        "huge string": {"sex": "x" * 1_000_000, "note": "y" * 1_000_000},
        "duplicate patient": {"person": "P0000"},
        "missing patient": {"person": None},
        "bytes": {"sex": b"\xff\xfe", "note": b"\x00"},
        "a list": {"sex": ["F"], "dose": [1.0, 2.0]},
        "a date with an offset": {"admitted": "2021-06-01T00:00:00+05:00"},
        "a date as text": {"admitted": "June"},
        "a far date": {"admitted": "9999-12-31"},
        "a boolean": {"age": True, "sex": False},
        "a complex number": {"dose": 1j},
        "half a surrogate pair": {"sex": "\ud800", "note": "\ud800"},
        "a nul": {"sex": "F\0", "person": "\0"},
    }
    return {what: usual | change for what, change in changes.items()}


def with_row(table: pd.DataFrame, row: Mapping[str, object]) -> pd.DataFrame:
    """The table with one more row, in columns of whatever type that takes."""
    columns = {}
    for name in table.columns:
        cells: list[object] = [*table[name].tolist(), None]
        cells[-1] = row[name]
        holder = pd.Series([None] * len(cells), dtype=object)
        for place, cell in enumerate(cells):
            holder.iat[place] = cell
        columns[name] = holder
    return pd.DataFrame(columns)


def neighbours() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Pairs of tables that differ in one row, and some that differ in how many there are."""
    table = ward()
    pairs = {what: (table, with_row(table, row)) for what, row in strange_rows().items()}
    pairs["empty table"] = (table.head(0), table.head(1))
    pairs["one row less"] = (table, table.iloc[:-1])
    return pairs


def make(name: str, **parameters: Any) -> PrivateGenerator:
    """A private generator without a ledger, with even bins where no others are asked for."""
    maker = ts.make_generator(name, {"ledger": "none", "binning": "even", **parameters})
    assert isinstance(maker, PrivateGenerator)
    return maker


def released(
    maker: PrivateGenerator, table: object, schema: Schema, *, noise_seed: int = 0
) -> tuple[Model | None, str, Transcript | None]:
    """A release under a fixed tape of noise, and all that was said during it."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    model: Model | None = None
    try:
        with warnings.catch_warnings(record=True) as caught, redirect_stderr(said), redirect_stdout(said):
            warnings.simplefilter("always")
            try:
                model = release(maker, table, schema, noise=NoiseSource.insecure(noise_seed))
            except Exception as error:
                said.write(f"{type(error).__name__}: {error}")
        for warning in caught:
            said.write(f"{warning.category.__name__}: {warning.message}")
    finally:
        logging.getLogger().removeHandler(handler)
    return model, said.getvalue(), None if model is None else transcript_of(model)


def structure(model: Model, folder: Path) -> dict[str, Any]:
    """Everything about a model file that noise does not protect."""
    file = folder / "model"
    model.save(file)
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        state = json.loads(archive.read("state.json"))
    events = state["fitted"]["transcript"]["events"]
    adaptive = {"chosen", "index", "n_candidates", "clique", "counts", "coarse", "sensitivity"}
    shapes = [
        [event["event"], event["clique"], list(counted.counts.shape)]
        for event, counted in zip(events, transcript_of(model), strict=True)
        if event["event"] == "measurement" and len(event["clique"]) < 2
    ]
    public = {key: value for key, value in state["fitted"]["transcript"]["public"].items() if key != "release"}
    return {
        "manifest": {key: value for key, value in manifest.items() if key not in ("sha256", "n_rows_fitted")},
        "keys": sorted(state) + sorted(state["fitted"]) + sorted(state["fitted"]["transcript"]),
        "public": public,
        "sizes": state["fitted"]["transcript"]["sizes"],
        "schema": state["schema"],
        "parameters": state["parameters"],
        "before any choice": [
            {key: value for key, value in event.items() if key not in adaptive}
            for event in events
            if event["event"] == "discovery" or (event["event"] == "measurement" and len(event["clique"]) < 2)
        ],
        "keys of events": sorted({f"{event['event']}: {', '.join(sorted(event))}" for event in events}),
        "columns": shapes,
        "rows": list(model.sample(5, seed=0).columns),
        "notes": list(model.notes),
    }


def check_structure(name: str, folder: Path) -> None:
    """A1: neighbours give the same shape and the same words, and no error."""
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    maker = make(name)
    expected = None
    for what, pair in neighbours().items():
        for table in pair:
            model, said, _ = released(maker, table, schema)
            assert model is not None and said == "", f"{what}: {said[:200]}"
            found = structure(model, folder)
            expected = expected or found
            assert found == expected, f"{what}: another structure"


def check_words(name: str) -> None:
    """A1: where bins are found, which are noisy figures, neighbours still give the same words, keys and events."""
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    maker = make(name, binning="privtree")
    expected = None
    for what, pair in neighbours().items():
        for table in pair:
            model, said, _ = released(maker, table, schema)
            assert model is not None and said == "", f"{what}: {said[:200]}"
            found = [
                [(event.column, event.kind, event.sigma, event.rho) for event in transcript_of(model).discoveries],
                list(model.notes),
                [(name, str(kind)) for name, kind in model.sample(5, seed=0).dtypes.items()],
            ]
            expected = expected or found
            assert found == expected, f"{what}: another structure"


def check_cells() -> None:
    """A1: the codes of a table's rows are the same, whatever row is added."""
    schema = schema_of()
    table = ward()
    plan = ReleasePlan(make(PRIVATE[0]), schema, "t")

    def codes(rows: pd.DataFrame) -> dict[str, Array]:
        spending = Spending(rho=1.0, delta=0.0, noise=ZeroNoise(), ledger=None, transcript=Transcript())
        private = PrivateRows(rows, plan.table, plan.unit, derivation=plan.derivation, noise=ZeroNoise())
        return private.encoded(plan.domain({}), spending)._columns

    alone = codes(table)
    for what, row in strange_rows().items():
        beside = codes(with_row(table, row))
        for name, array in alone.items():
            assert beside[name].shape == (len(table) + 1,), f"{what}: {name}"
            assert (beside[name][:-1] == array).all(), f"{what}: {name}: another row was read differently"


class ZeroNoise:
    """No noise at all, so that looks show exact counts; for sensitivity alone."""

    secure = False

    def discrete_gaussian(self, scale_squared: object, size: int) -> Array:
        """Zeros."""
        return np.zeros(size, np.int64)

    def discrete_laplace(self, scale: object, size: int) -> Array:
        """Zeros."""
        return np.zeros(size, np.int64)

    def permutation(self, n: int) -> Array:
        """The order that is there."""
        return np.arange(n, dtype=np.int64)

    def coins(self, rate: float, size: int) -> Array:
        """Everybody."""
        return np.ones(size, bool)

    def noisy_max(self, scores: Array, *, epsilon: float, sensitivity: float, monotonic: bool) -> int:
        """The largest score."""
        return int(np.argmax(scores))


class Shadowed:
    """A private table and its neighbour: each look at the first is compared with the same look at the second."""

    def __init__(self, table: PrivateTable, neighbour: PrivateTable) -> None:
        self.table, self.neighbour = table, neighbour
        self.sizes, self.max_rows, self.whole = table.sizes, table.max_rows, table.whole
        self.looks = 0

    @property
    def transcript(self) -> Transcript:
        """What left of the first."""
        return self.table.transcript

    def marginal(self, clique: tuple[str, ...], *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.marginal`."""
        return self.marginals([clique], rho_each=[rho], purpose=purpose)[0]

    def row_count(self, *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.row_count`."""
        return self.marginals([()], rho_each=[rho], purpose=purpose)[0]

    def marginals(
        self,
        cliques: Sequence[tuple[str, ...]],
        *,
        rho_each: Sequence[float],
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> list[Measurement]:
        """Measure, and compare exact counts."""
        made = self.table.marginals(cliques, rho_each=rho_each, purpose=purpose, coarse=coarse)
        maps = {name: np.asarray(codes, np.int64) for name, codes in (coarse or {}).items()}
        pairs = zip(made, cliques, rho_each, self.table._exact(cliques), self.neighbour._exact(cliques), strict=True)
        for event, clique, rho, here, there in pairs:
            moved = pooled(here, clique, maps) - pooled(there, clique, maps)
            distance = math.sqrt(float((moved.astype(np.float64) ** 2).sum()))
            assert distance <= event.sensitivity, f"{purpose}: one unit moves it by {distance}"
            assert np.abs(moved).sum() <= self.max_rows, f"{purpose}: one unit moves it further than a selection allows"
            assert event.recomputed_rho() <= rho * (1 + 1e-9), f"{purpose}: costs more than charged"
            self.looks += 1
        return made

    def select(
        self,
        candidates: Sequence[tuple[str, ...]],
        estimates: Sequence[Array],
        *,
        weights: Sequence[float],
        penalties: Sequence[float],
        rho: float,
        purpose: str,
        coarse: Mapping[str, Array] | None = None,
    ) -> int:
        """Select, and compare exact scores with what the source of noise was told."""
        told: dict[str, Any] = {}
        noise = self.table._account.noise

        class Told:
            secure = False

            def noisy_max(self, scores: Array, **words: Any) -> int:
                told.update(words, scores=scores)
                return noise.noisy_max(scores, **words)

            def __getattr__(self, name: str) -> Any:
                return getattr(noise, name)

        self.table._account.noise = Told()  # type: ignore[assignment]
        try:
            index = self.table.select(
                candidates, estimates, weights=weights, penalties=penalties, rho=rho, purpose=purpose, coarse=coarse
            )
        finally:
            self.table._account.noise = noise
        there = scores_of(self.neighbour, candidates, estimates, weights, penalties, coarse)
        moved = np.abs(told["scores"] - there)
        rate = told["epsilon"] / (told["sensitivity"] * (1 if told["monotonic"] else 2))
        assert moved.max() <= told["sensitivity"], f"{purpose}: a score moves by more than its sensitivity"
        changes = told["scores"] - there
        assert rate * (changes.max() - changes.min()) <= told["epsilon"] * (1 + 1e-9), f"{purpose}: odds move too far"
        assert told["epsilon"] ** 2 / 8 <= rho * (1 + 1e-9), f"{purpose}: costs more than charged"
        worst = int(whole_weights(weights)[0].max()) * self.max_rows
        assert rate * 2 * worst <= told["epsilon"] * (1 + 1e-9), f"{purpose}: too little noise for the worst table"
        self.looks += 1
        return index

    @property
    def order(self) -> int | None:
        """See `PrivateTable.order`."""
        return self.table.order

    def train(self, learner: Learner, schedule: Schedule, *, rho: float, purpose: str) -> object:
        """Train, and compare the exact sums of both tables before every step, with everybody in the batch."""
        exact, moved = descent.clipped_sums, []

        def compared(units: Any, chosen: Array, learner: Learner, clip: float) -> list[Array]:
            here, there = (
                exact(table.units, np.arange(table.units.n_units), learner, clip)
                for table in (self.table, self.neighbour)
            )
            moved.append(math.sqrt(sum(float(((a - b) ** 2).sum()) for a, b in zip(here, there, strict=True))))
            return exact(units, chosen, learner, clip)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(descent, "clipped_sums", compared)
            event = self.table.train(learner, schedule, rho=rho, purpose=purpose)
        n_weights = sum((a + 1) * b for a, b in learner.shapes)
        grid = descent.Grid.of(schedule, n_weights)
        assert len(moved) == schedule.steps
        assert max(moved) / grid.step + math.sqrt(n_weights) <= event.sensitivity, f"{purpose}: one unit moves more"
        assert max(moved) > 0.3 * schedule.clip, "the person is somebody"
        assert event.recomputed_rho() <= rho * (1 + 1e-9), f"{purpose}: costs more than charged"
        self.looks += 1
        return event


def scores_of(
    table: PrivateTable,
    candidates: Sequence[tuple[str, ...]],
    estimates: Sequence[Array],
    weights: Sequence[float],
    penalties: Sequence[float],
    coarse: Mapping[str, Array] | None,
) -> Array:
    """Exact scores, computed beside the boundary."""
    maps = {name: np.asarray(codes, np.int64) for name, codes in (coarse or {}).items()}
    shares, _ = whole_weights(weights)
    distances = [
        int(np.abs(pooled(exact, clique, maps) - np.rint(estimate).astype(np.int64)).sum())
        for clique, exact, estimate in zip(candidates, table._exact(candidates), estimates, strict=True)
    ]
    scores: Array = shares * (np.array(distances) - np.rint(np.asarray(penalties)).astype(np.int64))
    return scores


TRAINED = [name for name in PRIVATE if GENERATORS[name].trains]
"""Those whose look at the table is a training."""


def private_table(
    maker: PrivateGenerator, table: object, schema: Schema, *, noise: Any, rho: float | None = None
) -> tuple[ReleasePlan, PrivateTable]:
    """The private table of a release, opened as `release` does."""
    plan = ReleasePlan(maker, schema, "t")
    transcript = Transcript(public=plan.public)
    spending = Spending(
        rho=plan.rho if rho is None else rho,
        delta=plan.delta_discovery,
        noise=noise,
        ledger=None,
        transcript=transcript,
        order=plan.order,
    )
    rows = PrivateRows(table, plan.table, plan.unit, derivation=plan.derivation, noise=noise)
    plan.discover(rows, spending)
    return plan, rows.encoded(plan.domain(findings(transcript)), spending)


def visits(max_rows: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table where everybody has at most `max_rows` rows, and one more person with far more, all alike."""
    rng = np.random.default_rng(seed)
    table = ward(60, seed=seed)
    table["person"] = [f"P{n // max_rows:04d}" for n in range(len(table))]
    table["sex"] = rng.choice(["F", "M"], len(table))
    crowd = pd.DataFrame([strange_rows()["second category"]] * (3 * max_rows + 1))
    if max_rows > 1:  # others have fewer rows than they might
        table = table.drop(index=table.index[:-1:7]).reset_index(drop=True)
    return table, pd.concat([table, crowd], ignore_index=True)


def check_sensitivity(name: str, max_rows: int, *, seed: int = 0, bounding: str = "truncate") -> None:
    """A3: one person more or less moves no look of the mechanism, nor any discovery, by more than it claims."""
    unit = {"table": "t", "key": "person", "max_rows": max_rows, "bounding": bounding}
    schema = schema_of(unit)
    maker = make(name)
    if maker.trains:  # under much noise all codes are pooled, and there is nothing to train
        schema = schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"epsilon": 60.0})})  # type: ignore[union-attr]
    small, large = visits(max_rows, seed=seed)
    for here, there in ((small, large), (large, small)):
        plan, table = private_table(maker, here, schema, noise=NoiseSource.insecure(seed))
        _, neighbour = private_table(maker, there, schema, noise=NoiseSource.insecure(seed))
        shadowed = Shadowed(table, neighbour)
        shadowed.row_count(rho=plan.shares["rows"], purpose="number of rows")
        parameters = maker.mechanism_parameters(plan.derivation)
        maker.module.measure(shadowed, rho=plan.shares["mechanism"], **parameters)
        assert shadowed.looks >= 2
        assert shadowed.table.transcript.weighed == (bounding == "weigh" and max_rows > 1)
    check_discoveries(maker, unit, seed=seed)


def check_discoveries(maker: PrivateGenerator, unit: Mapping[str, Any], *, seed: int) -> None:
    """A3: the same for what is found out about columns that the schema leaves open."""
    opened = schema_of(
        unit,
        sex={"type": "categorical"},
        age={"type": "integer", "nullable": False},
    )
    for paid in ("quantiles", "privtree"):
        paying = maker.model_copy(update={"discover": True, "binning": paid})
        events = []
        for table in visits(unit["max_rows"], seed=seed):
            _, private = private_table(paying, table, opened, noise=ZeroNoise())
            events.append(private.transcript.discoveries)
        check_moves(*events)


def check_moves(first: Sequence[Discovery], second: Sequence[Discovery]) -> None:
    """A3: counts behind what was found of two neighbours are as far apart as claimed, at most."""
    for here, there in zip(first, second, strict=True):
        assert here.recomputed_rho() <= here.rho * (1 + 1e-9)
        if here.kind == "categories" or here.counts.shape != there.counts.shape:
            continue  # named ones only; the histogram behind them is a count of rows like any other
        distance = math.sqrt(float(((here.counts - there.counts) ** 2).sum()))
        assert distance <= here.sensitivity, f"{here.purpose}: one unit moves it by {distance}"


def split_logs(counts: Array, depth: int, *, scale: Fraction, threshold: int) -> tuple[Array, Array]:
    """Exact log-probabilities that bins of one depth are halved, and that they are not."""
    biased = privtree.scores(counts, depth, decay=privtree.decay_of(scale), threshold=threshold)
    least = (threshold + 1 - biased).astype(np.float64)  # of noise that halves
    inverse = 1 / float(scale)
    tail = np.where(least >= 1, least, 1 - least) * -inverse - math.log1p(math.exp(-inverse))  # P(|noise| beyond)
    rest = np.log(-np.expm1(tail))
    return np.where(least >= 1, tail, rest), np.where(least >= 1, rest, tail)


def worst_tree(here: Array, there: Array, *, scale: Fraction, threshold: int) -> float:
    """Largest log-odds that any tree of bins gives for one table of finest counts over another; exact but for rounding.

    The largest over all trees is a sum over nodes, worked out from the leaves up.
    """
    levels = len(here).bit_length() - 1
    worst = np.zeros(len(here))
    for depth in range(levels - 1, -1, -1):
        logs = [
            split_logs(each.reshape(2**depth, -1).sum(axis=1), depth, scale=scale, threshold=threshold)
            for each in (here, there)
        ]
        worst = np.maximum(logs[0][0] - logs[1][0] + worst.reshape(-1, 2).sum(axis=1), logs[0][1] - logs[1][1])
    return float(worst[0])


def check_tree(*, epsilon: float = 0.5, cases: int = 60) -> float:
    """A2: by exact enumeration of all trees, one unit of 1, 2 or 5 rows moves log-odds by at most epsilon.

    Counts are of a random shape and of the worst one: all rows in a few cells, just above what splits need.
    """
    rng = np.random.default_rng(0)
    largest = 0.0
    for case in range(cases):
        moves = (1, 2, 5)[case % 3]
        scale = privtree.scale_for(epsilon, moves)
        threshold = int(rng.integers(0, 50))
        cells = np.zeros(64, np.int64)
        if case % 2:
            cells[0] = threshold + rng.integers(0, 8 * math.ceil(scale))  # one path carries all
        else:
            cells += rng.geometric(1 / (1 + threshold), 64)
        unit = np.bincount(rng.integers(0, (1, 64)[case % 4 < 2], moves), minlength=64)
        for here, there in ((cells, cells + unit), (cells + unit, cells)):
            found = worst_tree(here, there, scale=scale, threshold=threshold)
            assert found <= epsilon * (1 + 1e-9), f"a tree tells a unit of {moves} rows by {found}"
            largest = max(largest, found)
    assert largest >= 0.6 * epsilon, "the worst case is not among those tried"
    return largest


def check_costs_of(name: str, folder: Path) -> None:
    """A5: the transcript's costs follow from its noise, and the ledger charged exactly these."""
    from tabsynth.dp.ledger import Ledger

    schema = schema_of(
        {"table": "t", "key": "person", "max_rows": 2}, sex={"type": "categorical"}, dose={"type": "number"}
    )
    file = folder / f"{name}.ledger"
    maker = make(name, ledger=str(file), dataset="ward", discover=True, binning="privtree")
    table = ward(400)
    table["sex"] = np.random.default_rng(0).choice(["F", "M"], len(table))
    model = release(maker, table, schema, noise=NoiseSource.insecure(3))
    transcript = transcript_of(model)
    check_costs(transcript)
    ledger = Ledger.open(file, "ward")
    assert ledger.differences(transcript, release=str(transcript.public["release"])) == []
    spent = ledger.verify()
    assert math.isclose(spent.rho, math.fsum(event.recomputed_rho() for event in transcript), rel_tol=1e-9)
    assert math.isclose(spent.delta, transcript.delta, rel_tol=1e-9)
    assert spent.epsilon <= 1.0


RUNS = 2000
CONFIDENCE = 0.999


def worlds() -> tuple[pd.DataFrame, pd.DataFrame, Schema]:
    """The worst neighbours on four columns: one more person where nobody else is."""
    columns = {
        name: {"type": "categorical", "categories": ["a", "b", "c"], "nullable": False} for name in ("w", "x", "y", "z")
    }
    schema = Schema.model_validate(
        {"tables": {"t": {"columns": columns}}, "privacy": {"unit": "row", "epsilon": 9.0, "delta": 1e-6}}
    )
    without = pd.DataFrame({name: ["a", "b"] * 25 for name in columns})
    extra = pd.DataFrame({name: ["c"] for name in columns})
    return without, pd.concat([without, extra], ignore_index=True), schema


class Weighed:
    """One world's table whose looks are weighed: how much likelier each was with the person than without."""

    def __init__(self, table: PrivateTable, without: PrivateTable, with_person: PrivateTable) -> None:
        self.table, self.without, self.with_person = table, without, with_person
        self.sizes, self.max_rows, self.whole = table.sizes, table.max_rows, table.whole
        self.evidence = 0.0
        self.residuals: list[tuple[str, Array]] = []
        """Noise of each look in units of its sigma, by purpose."""

    @property
    def transcript(self) -> Transcript:
        """What left."""
        return self.table.transcript

    def marginals(self, cliques: Sequence[tuple[str, ...]], **words: Any) -> list[Measurement]:
        """Measure, and add the log likelihood ratio of the counts."""
        made = self.table.marginals(cliques, **words)
        maps = {name: np.asarray(codes, np.int64) for name, codes in (words.get("coarse") or {}).items()}
        for event, clique, q0, q1 in zip(
            made, cliques, self.without._exact(cliques), self.with_person._exact(cliques), strict=True
        ):
            a = event.counts - pooled(q0, clique, maps)
            b = event.counts - pooled(q1, clique, maps)
            self._note(event, b if self.table._n_rows == self.with_person._n_rows else a)
            self.evidence += float((a.astype(np.float64) ** 2 - b.astype(np.float64) ** 2).sum()) / (2 * event.sigma**2)
        return made

    def marginal(self, clique: tuple[str, ...], *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.marginal`."""
        return self.marginals([clique], rho_each=[rho], purpose=purpose)[0]

    def row_count(self, *, rho: float, purpose: str) -> Measurement:
        """See `PrivateTable.row_count`."""
        made = self.table.row_count(rho=rho, purpose=purpose)
        a, b = (float(made.counts) - float(next(iter(t._exact([()])))) for t in (self.without, self.with_person))
        self.evidence += (a**2 - b**2) / (2 * made.sigma**2)
        self._note(made, np.array(b if self.table._n_rows == self.with_person._n_rows else a))
        return made

    @property
    def order(self) -> int | None:
        """See `PrivateTable.order`."""
        return self.table.order

    def train(self, learner: Learner, schedule: Schedule, *, rho: float, purpose: str) -> object:
        """Train, and add the log likelihood ratio of each noisy sum; who else was in the batch is taken as known."""
        person = self.with_person.units.n_units - 1  # the last row
        exact, step = descent.clipped_sums, learner.step
        n_weights = sum((a + 1) * b for a, b in learner.shapes)
        grid = descent.Grid.of(schedule, n_weights)
        means: list[tuple[Array, Array, bool]] = []

        def noted(units: Any, chosen: Array, learner: Learner, clip: float) -> list[Array]:
            others = chosen[chosen < person]
            sums = [exact(self.with_person.units, who, learner, clip) for who in (others, np.append(others, person))]
            without, with_person = (np.rint(flat(each) / grid.step) for each in sums)
            means.append((without, with_person, len(others) < len(chosen)))
            return exact(units, chosen, learner, clip)

        def seen(gradients: Sequence[Array]) -> None:
            without, with_person, present = means[-1]
            noisy = np.rint(flat(gradients) * (schedule.batch / grid.step))
            a, b = ((noisy - mean) / grid.sigma for mean in (without, with_person))
            ratio = float((a**2 - b**2).sum()) / 2
            absent = math.log1p(-schedule.rate) if schedule.rate < 1 else -math.inf
            self.evidence += float(np.logaddexp(absent, math.log(schedule.rate) + ratio))
            self.residuals.append((purpose, (b if present else a)[:1]))
            step(gradients)

        def flat(parts: Sequence[Array]) -> Array:
            return np.concatenate([part.ravel() for part in parts])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(descent, "clipped_sums", noted)
            patch.setattr(learner, "step", seen)
            patch.setattr(learner, "weights", dict)  # made of what was seen; nothing more of the person is in them
            return self.table.train(learner, schedule, rho=rho, purpose=purpose)

    def _note(self, event: Measurement, noise: Array) -> None:
        self.residuals.append((event.purpose, noise.ravel()[:1] / event.sigma))

    def select(self, candidates: Sequence[tuple[str, ...]], estimates: Sequence[Array], **words: Any) -> int:
        """Select, and add the log likelihood ratio of the choice."""
        index = self.table.select(candidates, estimates, **words)
        event = self.transcript.selections[-1]
        logs = []
        for table in (self.without, self.with_person):
            scores = scores_of(
                table, candidates, estimates, words["weights"], words["penalties"], words.get("coarse")
            ).astype(np.float64)
            units = whole_weights(words["weights"])[1]
            scores *= units * event.epsilon / (2 * event.sensitivity)
            logs.append(scores[index] - float(np.logaddexp.reduce(scores)))
        self.evidence += logs[1] - logs[0]
        return index


def evidences(name: str, *, mu: float, runs: int, present: bool) -> tuple[Array, dict[str, Array]]:
    """Releases of one world, with noise from the operating system.

    Returns:
        Log likelihood ratios, (runs,), and the noise of all looks over its claimed standard deviation, by purpose.
    """
    without, with_person, schema = worlds()
    maker = make(name)
    rho = mu**2 / 2
    plan, table0 = private_table(maker, without, schema, noise=ZeroNoise(), rho=rho)
    _, table1 = private_table(maker, with_person, schema, noise=ZeroNoise(), rho=rho)
    parameters = maker.mechanism_parameters(plan.derivation)
    chosen = table1 if present else table0
    found = np.empty(runs)
    noise: dict[str, list[Array]] = {}
    for run in range(runs):
        spending = Spending(
            rho=rho,
            delta=0.0,
            noise=NoiseSource(),
            ledger=None,
            transcript=Transcript(public=plan.public),
            order=plan.order,
        )
        table = PrivateTable(chosen._columns, chosen.sizes, max_rows=1, account=spending)
        weighed = Weighed(table, table0, table1)
        weighed.row_count(rho=0.01 * rho, purpose="number of rows")
        maker.module.measure(weighed, rho=0.99 * rho * (1 - 1e-12), **parameters)
        found[run] = weighed.evidence
        for purpose, residual in weighed.residuals:
            noise.setdefault(purpose, []).append(residual)
    return found, {purpose: np.concatenate(parts) for purpose, parts in noise.items()}


def lower_bound(absent: Array, present: Array) -> float:
    """Largest mu that the two samples rule out to be smaller, at 99.9 % confidence, by one threshold set beforehand.

    Source: the trade-off function of Gaussian DP (Dong, Roth and Su 2022) with Clopper-Pearson intervals, as in Nasr et
    al. 2023.
    """

    def above(hits: int, n: int) -> float:
        return 1.0 if hits == n else float(beta.ppf(1 - (1 - CONFIDENCE) / 2, hits + 1, n - hits))

    false_alarms = above(int((absent > 0).sum()), len(absent))
    misses = above(int((present <= 0).sum()), len(present))
    return float(norm.isf(false_alarms) - norm.ppf(misses))


def wrong_noise(noise: Mapping[str, Array]) -> dict[str, float]:
    """Mean squares of noise over its claimed variance, by purpose, that are not 1.

    Anything within a fifth passes, and whatever five standard errors allow where looks were few.
    """
    squares = {purpose: (float(np.mean(each**2)), len(each)) for purpose, each in noise.items()}
    return {purpose: mean for purpose, (mean, n) in squares.items() if abs(mean - 1) >= max(0.2, 5 * math.sqrt(2 / n))}


def epsilon_bound(absent: Array, present: Array, *, threshold: float, delta: float) -> float:
    """Largest epsilon that the two samples rule out to be smaller at `delta`, at 99.9 % confidence."""
    level = (1 - CONFIDENCE) / 2
    alarms, hits = int((absent > threshold).sum()), int((present > threshold).sum())
    most = 1.0 if alarms == len(absent) else float(beta.ppf(1 - level, alarms + 1, len(absent) - alarms))
    least = 0.0 if not hits else float(beta.ppf(level, hits, len(present) - hits + 1))
    return math.log(max(least - delta, 1e-12) / most)


def check_audit(name: str, *, mu: float = 1.0, runs: int = RUNS, least: float = 0.7) -> float:
    """A7: the worlds differ by at most the claim, and by at least `least` of it, or the audit says nothing.

    What the bound falls short of the truth shrinks with the square root of the runs: four times as many are made, and
    pooled, before an audit that says too little (or, once in a thousand, too much) is taken at its word.
    """
    found: list[tuple[Array, Array]] = []
    seen: dict[str, list[Array]] = {}
    for _ in range(4):
        (absent, noise), (present, _) = (evidences(name, mu=mu, runs=runs, present=who) for who in (False, True))
        found.append((absent, present))
        for purpose, each in noise.items():
            seen.setdefault(purpose, []).append(each)
        bound = lower_bound(*(np.concatenate(world) for world in zip(*found, strict=True)))
        wrong = wrong_noise({purpose: np.concatenate(parts) for purpose, parts in seen.items()})
        if least * mu <= bound <= mu and not wrong:
            return bound
    assert not wrong, f"{name}: the noise is not as large as claimed: {wrong}"
    raise AssertionError(
        f"{name}: mu is at least {bound:.2f}, and {mu} was claimed (at least {least * mu:.2f} expected)"
    )


Check = Callable[[], object]
