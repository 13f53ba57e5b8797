"""Copies of single people, the order of rows, last digits, lost and invented values: by hand and against chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Result, Verdict
from tabsynth.evaluation.digits import Digits, last_places
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.presence import InventedCategories, LostValues
from tabsynth.evaluation.row_order import RowOrder
from tabsynth.evaluation.single_copies import SingleCopies, unexplained
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Integer, Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

TABLE = Table(columns={"a": Number(decimals=2), "b": Integer(), "c": Categorical()})


def rows(seed: int, n: int = 1_000) -> pd.DataFrame:
    """Rows that hardly ever coincide."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": rng.normal(0, 30, n).round(2), "b": rng.integers(0, 500, n), "c": rng.choice(list("xyz"), n)}
    )


def judged(result: Result) -> Verdict:
    """The verdict of the default policy."""
    return load_policy().judge([result])[0].verdict


def test_five_copies_in_a_thousand_rows_are_found_and_none_is_no_accusation() -> None:
    """0.5 % exact copies break the limit; a release without a copy keeps it, however small it is."""
    train, holdout = rows(0), rows(1)
    leaky = pd.concat([train.iloc[:5], rows(2, 995)], ignore_index=True)
    found = SingleCopies().measure(compare_frames(train, holdout, leaky, TABLE), level=0.95).results[0]
    assert judged(found) is Verdict.FAIL
    honest = SingleCopies().measure(compare_frames(train, holdout, rows(2, 50), TABLE), level=0.95).results[0]
    assert judged(honest) is Verdict.PASS


def test_rows_that_several_people_share_are_no_copies_of_one() -> None:
    """A common row may be repeated; two rows of one person count as one person's."""
    table = Table(entity_key="who", columns={"who": Identifier(), "b": Integer()})
    train = pd.DataFrame({"who": ["p", "p", "q", "r"], "b": [1, 1, 2, 2]})
    other = pd.DataFrame({"who": ["s", "t"], "b": [1, 2]})
    found = SingleCopies().measure(compare_frames(train, other, other, table), level=0.95).results[0]
    assert found.value == 0.5


def test_false_alarms_on_copies_are_rare() -> None:
    """Strangers who coincide by chance: at most 5 + 1.5 % of 1,000 releases are called copies (exact binomials)."""
    rng = np.random.default_rng(0)
    for n, rate in ((300, 0.002), (1_000, 0.002), (4_000, 0.01), (2_000, 0.2)):
        copies, chance = rng.binomial(n, rate, 1_000), rng.binomial(2 * n, rate, 1_000)
        alarms = [
            unexplained(int(c), n, int(r), 2 * n, level=0.95).low > 0 for c, r in zip(copies, chance, strict=True)
        ]
        assert np.mean(alarms) <= 0.065, (n, rate)


def test_pairs_within_the_holdout_tell_what_chance_does() -> None:
    """One coincidence between holdout and train leaves five copies open; that holdout repeats nothing decides."""
    train, holdout = rows(0), rows(1)
    holdout.iloc[0] = train.iloc[0]
    leaky = pd.concat([train.iloc[1:6], rows(2, 995)], ignore_index=True)
    found = SingleCopies().measure(compare_frames(train, holdout, leaky, TABLE), level=0.95).results[0]
    assert "1 of 2,000" in found.notes[0]
    assert judged(found) is Verdict.FAIL


@pytest.mark.parametrize("n_values", [30, 300, 30_000])
def test_fresh_rows_of_tables_that_repeat_themselves_are_no_copies(n_values: int) -> None:
    """Of 300 tables of few, of some and of many possible rows, at most 5 + 1.5 % seem to hold copies."""
    rng = np.random.default_rng(n_values)
    table = Table(columns={"b": Integer()})
    alarms = 0
    for _ in range(300):
        common = rng.dirichlet(np.full(n_values, 0.5))
        parts = [pd.DataFrame({"b": rng.choice(n_values, n, p=common)}) for n in (400, 200, 400)]
        found = SingleCopies().measure(compare_frames(*parts, table), level=0.95).results[0]
        assert found.judged is not None
        assert found.judged.interval is not None
        alarms += found.judged.interval.low > 0
    assert alarms <= 0.065 * 300


def test_the_order_of_train_is_seen_and_any_other_is_not() -> None:
    """Strangers sorted like train fail, in random order they pass, also where they are fewer."""
    train = rows(0, 2_000).sort_values("a", ignore_index=True)
    strangers = rows(2, 2_000)
    for made, verdict in (
        (strangers.sort_values("a", ignore_index=True), Verdict.FAIL),
        (strangers.iloc[:1_500].sort_values("a", ignore_index=True), Verdict.FAIL),
        (strangers, Verdict.PASS),
    ):
        found = RowOrder().measure(compare_frames(train, rows(1, 2_000), made, TABLE), level=0.95).results[0]
        assert judged(found) is verdict
    ordered = TABLE.model_copy(update={"order_by": ("a",)})
    assert RowOrder().measure(compare_frames(train, train, train, ordered), level=0.95).results[0].value is None


def test_last_digits_by_hand() -> None:
    """Decimals, whole numbers, zeros at the end, zero itself, and what is no decimal fraction."""
    assert last_places(np.array([0.5, 0.25, 7, 70, 100.0, 0, np.pi])).tolist() == [6, 5, 7, 8, 9, 14, 0]


@pytest.mark.parametrize("damage", ["finer", "coarser", "times"])
def test_wrong_digits_are_seen(damage: str) -> None:
    """A decimal too many, ages in tens, and times of day where all real ones are at midnight."""
    table = Table(columns={**TABLE.columns, "d": DateTime(resolution="second")})

    def dated(seed: int) -> pd.DataFrame:
        days = np.random.default_rng(seed + 9).integers(0, 600, 1_000)
        return rows(seed).assign(d=pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"))

    made = dated(2)
    clean = Digits().measure(compare_frames(dated(0), dated(1), made, table), level=0.95).results[0]
    assert judged(clean) is Verdict.PASS
    if damage == "finer":
        made["a"] += 0.0037
    elif damage == "coarser":
        made["b"] = made["b"].round(-1)
    else:
        made["d"] += pd.to_timedelta(np.random.default_rng(3).integers(1, 80_000, 1_000), unit="s")
    found = Digits().measure(compare_frames(dated(0), dated(1), made, table), level=0.95).results[0]
    assert judged(found) is Verdict.FAIL


def test_a_lost_group_and_an_invented_category_are_counted() -> None:
    """One of three categories gone is one lost value; a spelling mistake is an invented category."""
    made = rows(2)
    gone = made.assign(c=made["c"].where(made["c"] != "z", "x"))
    found = LostValues().measure(compare_frames(rows(0), rows(1), gone, TABLE), level=0.95).results[0]
    assert (found.value, judged(found)) == (1.0, Verdict.FAIL)
    odd = made.assign(c=made["c"].where(made["c"] != "z", "Z"))
    invented = InventedCategories().measure(compare_frames(rows(0), rows(1), odd, TABLE), level=0.95).results[0]
    assert invented.value == pytest.approx((made["c"] == "z").mean())
    assert judged(invented) is Verdict.FAIL
    for metric in (LostValues(), InventedCategories()):
        assert (
            judged(metric.measure(compare_frames(rows(0), rows(1), made, TABLE), level=0.95).results[0]) is Verdict.PASS
        )
