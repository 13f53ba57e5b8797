"""Triples, hallucinated dependence, transport and support: against what was put in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tabsynth.evaluation.dependence_differences import (
    CorrelationDifference,
    MutualInformationDifference,
    information,
)
from tabsynth.evaluation.hallucinated import HallucinatedDependence, PairChanges, rejected
from tabsynth.evaluation.marginals import KMarginal
from tabsynth.evaluation.support import AlphaPrecision, BetaRecall, NeighbourCoverage
from tabsynth.evaluation.transport import transport
from tabsynth.schema.columns import Categorical, Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

N_COLUMNS = 12


def table_of(n_columns: int = N_COLUMNS) -> Table:
    """Numbers c0, c1, ..."""
    return Table(columns={f"c{place}": Number() for place in range(n_columns)})


def draw(seed: int, edges: tuple[tuple[int, int], ...], n: int = 3_000) -> pd.DataFrame:
    """Independent numbers, but for the given pairs, each of which correlates at 0.4."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, N_COLUMNS))
    for first, second in edges:
        values[:, second] = 0.4 * values[:, first] + np.sqrt(1 - 0.16) * values[:, second]
    return pd.DataFrame(values, columns=[f"c{place}" for place in range(N_COLUMNS)])


def test_invented_and_lost_pairs_are_listed_and_no_others() -> None:
    """Precision and recall of at least .9 on injected edges, over ten tables."""
    real, invented = ((0, 1), (2, 3)), ((4, 5), (6, 7), (8, 9), (10, 11))
    right = wrong = missed = 0
    for seed in range(10):
        made = draw(100 + seed, (*real[:1], *invented))
        comparison = compare_frames(draw(seed, real), draw(50 + seed, real), made, table_of(), seed=seed)
        detail = HallucinatedDependence().measure(comparison, level=0.95).detail
        assert isinstance(detail, PairChanges)
        found = {(change.first, change.second, change.kind) for change in detail.listed}
        wanted = {(f"c{a}", f"c{b}", "invented") for a, b in invented} | {("c2", "c3", "lost")}
        right, wrong, missed = right + len(found & wanted), wrong + len(found - wanted), missed + len(wanted - found)
    assert right / (right + wrong) >= 0.9
    assert right / (right + missed) >= 0.9


def test_false_discoveries_are_held() -> None:
    """Among true nulls and dependent tests, the share of false discoveries stays below the rate."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        common = rng.normal()
        z = 0.6 * common + 0.8 * rng.normal(size=60)
        z[:10] += 4
        chosen = rejected(2 * stats.norm.sf(np.abs(z)))
        shares.append(chosen[10:].sum() / max(1, chosen.sum()))
    assert np.mean(shares) <= 0.05


def test_a_dependence_of_three_columns_is_seen_by_triples() -> None:
    """The exclusive or of two fair coins: no pair depends, the triple does."""
    table = Table(columns={name: Categorical() for name in "abc"})

    def coins(seed: int, *, tied: bool) -> pd.DataFrame:
        bits = np.random.default_rng(seed).integers(0, 2, (4_000, 3))
        if tied:
            bits[:, 2] = bits[:, 0] ^ bits[:, 1]
        return pd.DataFrame(bits.astype(str), columns=list("abc"))

    train, holdout = coins(0, tied=True), coins(1, tied=True)
    same, free = (
        KMarginal().measure(compare_frames(train, holdout, coins(2, tied=tied), table), level=0.95).results[0]
        for tied in (True, False)
    )
    assert same.judged is not None
    assert free.judged is not None
    assert same.judged.value > 0.98
    assert free.judged.value < 0.6


def test_transport_agrees_with_scipy_and_its_error_with_a_bootstrap() -> None:
    """Value to rounding; standard error within a fifth."""
    rng = np.random.default_rng(0)
    train, values = rng.gamma(2, 1, 800), rng.gamma(2.4, 1, 600)
    value, error = transport(train, values)
    assert value == pytest.approx(stats.wasserstein_distance(train, values))
    again = [stats.wasserstein_distance(train, rng.choice(values, 600)) for _ in range(300)]
    assert error == pytest.approx(np.std(again), rel=0.2)


def test_support_sees_what_is_missing_and_what_is_too_much() -> None:
    """A table of the middle only reaches less; one that reaches too far lies where nobody is."""
    table = Table(columns={name: Number() for name in "abc"})

    def cloud(seed: int, width: float = 1.0) -> pd.DataFrame:
        return pd.DataFrame(np.random.default_rng(seed).normal(0, width, (1_500, 3)), columns=list("abc"))

    def value(metric: AlphaPrecision | BetaRecall | NeighbourCoverage, made: pd.DataFrame) -> float:
        found = metric.measure(compare_frames(cloud(0), cloud(1), made, table), level=0.95).results[0].value
        assert found is not None
        return found

    assert value(AlphaPrecision(), cloud(2)) > 0.95
    assert value(AlphaPrecision(), cloud(2, 2.5)) < 0.8
    assert value(NeighbourCoverage(), cloud(2)) > 0.9
    assert value(NeighbourCoverage(), cloud(2, 0.3)) < 0.7
    assert value(BetaRecall(), cloud(2, 0.3)) < value(BetaRecall(), cloud(2)) - 0.1


def test_correlations_that_are_gone_are_counted() -> None:
    """Two of six pairs lose their 0.4: the mean is about 0.8 / 6 above fresh rows; naive rows lose as much."""
    edges, four = ((0, 1), (2, 3)), list(table_of(4).columns)
    lost = compare_frames(draw(0, edges)[four], draw(1, edges)[four], draw(2, ())[four], table_of(4))
    [whole] = CorrelationDifference().measure(lost, level=0.95).results
    assert whole.value is not None and whole.reference is not None and whole.baseline is not None
    assert whole.value - whole.reference == pytest.approx(0.8 / 6, abs=0.03)
    assert whole.baseline == pytest.approx(whole.value, abs=0.03)
    assert whole.interval is not None and whole.interval.low <= whole.value <= whole.interval.high
    assert "c0 and c1" in whole.notes[0] or "c2 and c3" in whole.notes[0]


def test_mutual_information_sees_what_no_correlation_does() -> None:
    """A parabola has no correlation and much information; fresh rows differ by little."""

    def parabola(seed: int, bent: bool) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=4_000)
        return pd.DataFrame({"c0": x, "c1": (x if bent else rng.normal(size=4_000)) ** 2})

    made = compare_frames(parabola(0, True), parabola(1, True), parabola(2, False), table_of(2))
    [whole] = MutualInformationDifference().measure(made, level=0.95).results
    [straight] = CorrelationDifference().measure(made, level=0.95).results
    assert whole.value is not None and whole.reference is not None
    assert whole.value > 0.5 and whole.reference < 0.05
    assert straight.value is not None and straight.value < 0.05


def test_information_is_corrected_and_its_error_is_that_of_a_bootstrap() -> None:
    """Independent columns have none, on the average; resampling gives the same spread."""
    rng = np.random.default_rng(0)
    none = [information(np.histogram2d(*rng.random((2, 500)), bins=6)[0].astype(int)) for _ in range(200)]
    assert np.mean([each[0] for each in none if each]) == pytest.approx(0.0, abs=0.003)
    x = rng.normal(size=1_000)
    y = x + rng.normal(size=1_000)
    cells = [np.digitize(part, [-1, 0, 1]) for part in (x, y)]

    def table(rows: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return np.bincount(cells[0][rows] * 4 + cells[1][rows], minlength=16).reshape(4, 4)

    found = information(table(np.arange(1_000)))
    again = [information(table(rng.integers(0, 1_000, 1_000))) for _ in range(300)]
    assert found is not None
    assert found[1] == pytest.approx(np.std([each[0] for each in again if each]), rel=0.2)
    assert information(np.ones((2, 2), int)) is None  # four rows are no table
