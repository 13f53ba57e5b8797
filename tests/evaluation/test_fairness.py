"""Fairness: groups that are lost, drawn badly, served badly or exposed are found; luck is not accused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Findings, Result, Verdict, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.fairness import GroupFidelity, GroupScores, Representation
from tabsynth.evaluation.fairness_models import GroupLeakage, GroupUtility
from tabsynth.evaluation.groups import groups
from tabsynth.evaluation.policy import load_policy
from tabsynth.schema.columns import Categorical, Integer, Number, Role
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames

METRICS = (Representation, GroupFidelity, GroupUtility, GroupLeakage)
TABLE = Table(
    columns={
        "sex": Categorical(role=Role.QUASI_IDENTIFIER),
        "origin": Categorical(role=Role.QUASI_IDENTIFIER),
        "age": Integer(role=Role.QUASI_IDENTIFIER),
        "ill": Categorical(role=Role.TARGET),
        "dose": Number(decimals=3),
        "level": Number(decimals=3),
        "weight": Number(decimals=3),
    }
)


def people(n_rows: int, seed: int) -> pd.DataFrame:
    """Three origins, the rarest one a tenth; illness hangs on the dose, in the rare group the other way round."""
    rng = np.random.default_rng(seed)
    origin = rng.choice(["a", "b", "rare"], n_rows, p=[0.5, 0.4, 0.1])
    dose, noise = rng.normal(size=n_rows), rng.normal(size=(n_rows, 2))
    risk = np.where(origin == "rare", -2.5, 2.5) * dose
    return pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], n_rows),
            "origin": origin,
            "age": rng.integers(20, 90, n_rows),
            "ill": np.where(rng.random(n_rows) < 1 / (1 + np.exp(-risk)), "yes", "no"),
            "dose": dose.round(3),
            "level": (dose + noise[:, 0]).round(3),
            "weight": noise[:, 1].round(3),
        }
    )


def compared(synthetic: pd.DataFrame) -> Comparison:
    """Against 4,000 rows of train and of holdout."""
    return compare_frames(people(4_000, 0), people(4_000, 1), synthetic, TABLE)


def judged(found: Findings) -> Result:
    """The first result under the default policy."""
    first = found.results[0]
    return next(item for item in load_policy().judge([first]) if item.metric == first.metric)


def test_groups_come_from_quasi_identifiers_and_cross() -> None:
    """Categories, thirds of a number that name no bound, and intersections of at least 30 people."""
    found = groups(compared(people(4_000, 2)))
    names = [group.name for group in found.groups]
    assert found.columns == ("sex", "origin", "age")
    assert "origin: rare" in names
    assert "age: lowest third" in names
    assert any("sex: F, origin: rare" in name for name in names)
    assert min(group.n_people for group in found.groups) >= 30
    inside = found.members(compared(people(4_000, 2)).train, found.groups[names.index("origin: rare")])
    assert inside.sum() == (people(4_000, 0)["origin"] == "rare").sum()


def test_fresh_rows_are_fair() -> None:
    """Another sample of the same people breaks no limit, and keeps the ones on rows."""
    comparison = compared(people(4_000, 2))
    verdicts = {metric.name: judged(metric().measure(comparison, level=0.95)).verdict for metric in METRICS}
    assert Verdict.FAIL not in verdicts.values()
    assert verdicts["group-fidelity"] is Verdict.PASS


def test_few_people_leave_wide_intervals_that_are_still_shares() -> None:
    """No share of a group's people, or of its rows, lies below 0 or above 1, however little was seen."""
    comparison = compare_frames(people(500, 0), people(150, 1), people(500, 2), TABLE)
    for metric in (GroupFidelity(), GroupLeakage()):
        interval = metric.measure(comparison, level=0.95).results[0].interval
        assert interval is not None and 0 <= interval.low <= interval.high <= 1, metric.name


def test_a_group_that_is_dropped_is_found() -> None:
    """Nine of ten people of the rare origin are gone."""
    rows = people(6_000, 2)
    kept = rows[(rows["origin"] != "rare") | (np.arange(len(rows)) % 10 == 0)].iloc[:4_000]
    found = Representation().measure(compared(kept), level=0.95)
    result = judged(found)
    assert result.verdict is Verdict.FAIL
    assert "rare" in result.notes[0]
    assert result.value == pytest.approx(0.9, abs=0.06)


def test_a_group_that_is_drawn_and_served_badly_is_found() -> None:
    """The rare group gets the rows of the others: its columns and the models for it are wrong, and only for it."""
    rows = people(4_000, 2)
    rare = (rows["origin"] == "rare").to_numpy()
    other = people(4_000, 3).query("origin == 'a'").iloc[: rare.sum()]
    for name in ("ill", "dose", "level"):
        rows.loc[rare, name] = other[name].to_numpy()
    for name in ("dose", "level", "weight"):
        rows.loc[rare, name] = (rows.loc[rare, name] + 2).round(3)
    comparison = compared(rows)
    drawn, served = (judged(metric().measure(comparison, level=0.95)) for metric in (GroupFidelity, GroupUtility))
    assert "rare" in drawn.notes[0]
    assert drawn.verdict is Verdict.FAIL
    assert "rare" in served.notes[0]
    assert served.verdict is Verdict.FAIL


def test_a_group_that_is_copied_is_found() -> None:
    """People of the rare origin are repeated, everybody else is new."""
    train, rows = people(4_000, 0), people(4_000, 2)
    synthetic = pd.concat([train[train["origin"] == "rare"], rows[rows["origin"] != "rare"]], ignore_index=True)
    found = GroupLeakage().measure(compared(synthetic), level=0.95)
    assert judged(found).verdict is Verdict.FAIL
    assert isinstance(found.detail, GroupScores)
    assert "rare" in found.detail.groups[0].group
    assert "rare" in found.results[0].notes[0]


def test_without_groups_or_with_few_people_nothing_is_judged() -> None:
    """No column of categories: does not apply. A hundred people: shown, or said, and insufficient evidence."""
    plain = Table(columns={"dose": Number(), "level": Number()})
    parts = [people(300, seed)[["dose", "level"]] for seed in range(3)]
    for metric in METRICS:
        assert run_metric(metric(), compare_frames(*parts, plain), level=0.95).results[0].verdict is Verdict.INFO
    few = compare_frames(people(90, 0), people(90, 1), people(90, 2), TABLE)
    for metric in METRICS:
        result = run_metric(metric(), few, level=0.95).results[0]
        assert (result.error, result.verdict) == (None, Verdict.INSUFFICIENT), metric.name


def test_a_group_that_is_gone_breaks_nothing_but_the_limit() -> None:
    """No synthetic row of a group: its share is off by all of its size, the other metrics still run."""
    rows = people(5_000, 2)
    comparison = compared(rows[rows["origin"] != "rare"].iloc[:4_000])
    for metric in METRICS:
        assert run_metric(metric(), comparison, level=0.95).results[0].error is None
    assert judged(Representation().measure(comparison, level=0.95)).value == pytest.approx(1.0)
