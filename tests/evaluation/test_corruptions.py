"""Known damage, each caught by the metric that is made for it; honest rows are not accused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Verdict
from tabsynth.evaluation.pairs import PairScores
from tabsynth.evaluation.policy import parse_policy
from tabsynth.schema.columns import Categorical, Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import adult, evaluate_frames, shuffled

QUICK = [
    "column-similarity",
    "worst-column",
    "missingness",
    "missingness-by-group",
    "pair-similarity",
    "association",
    "exact-copies",
]
ALL_KEPT = dict.fromkeys(QUICK, Verdict.PASS)

Damage = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def changed_unit(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Ages in thousandths of a year."""
    return rows.assign(age=rows["age"] * 1000)


def permuted_column(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Education no longer belongs to its person."""
    return shuffled(rows, "education")


def invented_correlation(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Working hours in the order of a sampling weight they have nothing to do with; both distributions stay."""
    order = rows["fnlwgt"].rank(method="first").astype(int) - 1
    return rows.assign(**{"hours-per-week": np.sort(rows["hours-per-week"].to_numpy())[order]})


def injected_nulls(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """60 % of one column emptied."""
    return rows.assign(race=rows["race"].where(np.random.default_rng(1).random(len(rows)) > 0.6))


def scattered_gaps(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """As many gaps as before, but no longer where occupation is missing too."""
    gaps = np.random.default_rng(2).random(len(rows)) < (rows["workclass"] == "?").mean()
    filled = rows["workclass"].where(rows["workclass"] != "?", "Private")
    return rows.assign(workclass=filled.where(~gaps, "?"))


def verbatim_copy(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """The training table itself."""
    return train.iloc[: len(rows)].sample(frac=1, random_state=0).reset_index(drop=True)


def few_copies(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Every twentieth row is a training row."""
    return pd.concat([train.iloc[: len(rows) // 20], rows.iloc[len(rows) // 20 :]], ignore_index=True)


def one_category(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """All people who state an occupation state the same."""
    return rows.assign(occupation=rows["occupation"].where(rows["occupation"] == "?", "Sales"))


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, holdout and further real rows of the census table."""
    frame, _ = adult(18_000)
    return frame.iloc[:9_000], frame.iloc[9_000:13_000], frame.iloc[13_000:].reset_index(drop=True)


def test_two_halves_of_a_real_table_reach_their_ceiling(
    parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    """Real rows in place of synthetic ones keep every limit, with columns and pairs at 98 % of the ceiling or more."""
    train, holdout, rows = parts
    found = evaluate_frames(train, holdout, rows, adult(10)[1], metrics=QUICK)
    assert {metric: found.result(metric).verdict for metric in QUICK} == ALL_KEPT
    for metric in ("column-similarity", "pair-similarity"):
        judged = found.result(metric).judged
        assert judged is not None
        assert judged.interval is not None
        assert judged.value >= 0.98
        assert judged.interval.low <= 1 <= judged.interval.high


@pytest.mark.parametrize(
    ("damage", "caught_by"),
    [
        (changed_unit, {"column-similarity", "worst-column", "pair-similarity", "association"}),
        (permuted_column, {"association"}),
        (invented_correlation, {"association"}),
        (injected_nulls, {"worst-column", "missingness", "missingness-by-group", "pair-similarity"}),
        (scattered_gaps, {"missingness-by-group"}),
        (verbatim_copy, {"exact-copies"}),
        (few_copies, {"exact-copies"}),
        (one_category, {"worst-column", "pair-similarity", "association"}),
    ],
)
def test_damage_is_caught_by_its_metric_and_by_no_other(
    damage: Damage, caught_by: set[str], parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
) -> None:
    """The metrics that are made for a damage fail, those that it leaves alone do not."""
    train, holdout, rows = parts
    found = evaluate_frames(train, holdout, damage(rows, train), adult(10)[1], metrics=QUICK)
    failed = {metric for metric in QUICK if found.result(metric).verdict is Verdict.FAIL}
    assert failed == caught_by


def test_the_damaged_pair_leads_its_list(parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    """The invented dependence is first among the pairs below their ceiling and among the changed dependences."""
    train, holdout, rows = parts
    damaged = invented_correlation(rows, train)
    found = evaluate_frames(train, holdout, damaged, adult(10)[1], metrics=["pair-similarity", "association"])
    scores = found.details["pair-similarity"]
    assert isinstance(scores, PairScores)
    assert {scores.worst[0].first, scores.worst[0].second} == {"fnlwgt", "hours-per-week"}
    changes = found.details["association"].model_dump()["worst"]
    assert {changes[0]["first"], changes[0]["second"]} == {"fnlwgt", "hours-per-week"}
    assert changes[0]["train"] < 0.1 < 0.4 < changes[0]["synthetic"]


def test_a_dependence_turned_round_is_seen() -> None:
    """A negative correlation of the same strength fails, though its strength is unchanged."""
    from tabsynth.schema.columns import Number
    from tabsynth.schema.model import Table

    rng = np.random.default_rng(0)
    table = Table(columns={"a": Number(), "b": Number()})

    def draw(n: int, sign: int) -> pd.DataFrame:
        a = rng.normal(size=n)
        return pd.DataFrame({"a": a, "b": sign * a + rng.normal(0, 0.5, n)})

    found = evaluate_frames(draw(3_000, 1), draw(2_000, 1), draw(2_000, -1), table, metrics=["association"])
    assert found.result("association").verdict is Verdict.FAIL
    [change] = found.details["association"].model_dump()["worst"]
    assert change["train"] == pytest.approx(change["synthetic"], abs=0.05)


def test_invented_categories_take_no_column_out_of_the_comparison_of_gaps() -> None:
    """Gaps scattered over wards are found, also where the release names fifty wards that nobody has."""
    rng = np.random.default_rng(0)

    def rows(n_rows: int) -> pd.DataFrame:
        ward = rng.choice(list("AB"), n_rows)
        marker = rng.normal(size=n_rows).round(2)
        marker[(ward == "A") & (rng.random(n_rows) < 0.8)] = np.nan
        return pd.DataFrame({"ward": ward, "marker": marker})

    made = shuffled(rows(9_000), "marker")
    made.loc[:50, "ward"] = [f"none {number}" for number in range(51)]
    table = Table(columns={"ward": Categorical(), "marker": Number(decimals=2)})
    found = evaluate_frames(rows(2_000), rows(2_000), made, table, metrics=["missingness-by-group"])
    assert found.result("missingness-by-group").verdict is Verdict.FAIL


def test_lost_tails_break_a_limit_on_tails() -> None:
    """Numbers that stop short of the real ones keep no limit, and hide no other column that goes too far."""
    rng = np.random.default_rng(0)
    train, holdout, made = (
        pd.DataFrame({"a": rng.normal(size=9_000), "b": rng.normal(size=9_000)}).round(3) for _ in range(3)
    )
    table = Table(columns={"a": Number(decimals=3), "b": Number(decimals=3)})
    policy = parse_policy(
        "name: p\ndescription: d\nclauses:\n- {name: a, metric: tails, direction: at most, limit: 0.01, source: s, "
        "rationale: r}",
        name="p",
    )
    verdicts = [
        evaluate_frames(train, holdout, odd, table, metrics=["tails"], policy=policy).result("tails").verdict
        for odd in (made, made.assign(a=made["a"].clip(-2, 2)), made.assign(a=made["a"].clip(-2, 2), b=made["b"] * 1.4))
    ]
    assert verdicts == [Verdict.PASS, Verdict.FAIL, Verdict.FAIL]
