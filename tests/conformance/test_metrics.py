"""What every metric keeps to; passing this is the definition of "a metric"."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import METRICS, Family, Result, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.recipe import Recipe
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames, shuffled
from tests.evaluation.toys import gaussian_audit, resampled
from tests.evaluation.toys import recipe as toy_recipe

each_metric = pytest.mark.parametrize("name", list(METRICS))

MARKUP = "<script>alert(1)</script>"
TABLE = Table(
    columns={
        "key": Identifier(),
        "note": Text(fill="placeholder"),
        MARKUP: Number(),
        "group": Categorical(),
        "size": Integer(),
        "day": DateTime(resolution="day"),
    }
)


def rows(seed: int, n_rows: int = 400) -> pd.DataFrame:
    """Rows with strong dependence between all columns, and gaps that depend on the group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n_rows)
    measured = np.where((group == 3) & (rng.random(n_rows) < 0.8), np.nan, rng.normal(3.0 * group, 1, n_rows).round(2))
    return pd.DataFrame(
        {
            "key": [f"K{seed}-{n:05d}" for n in range(n_rows)],
            "note": [f"remark {seed} number {n}" for n in range(n_rows)],
            MARKUP: measured,
            "group": np.array(list("abcd"))[group],
            "size": rng.poisson(10.0 * group + 5),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * group + rng.integers(0, 60, n_rows), unit="D"),
        }
    )


@each_metric
def test_the_docstring_says_what_is_measured_and_what_it_costs(name: str) -> None:
    """Formula, units, cost and source, each with text under it."""
    told = inspect.getdoc(METRICS[name]) or ""
    for heading in ("Formula", "Units", "Cost", "Source"):
        assert re.search(rf"^{heading}:\n    \S", told, flags=re.MULTILINE), heading


@cache
def comparison(kind: str, seed: int = 0) -> Comparison:
    """Train against itself, against fresh rows, or against independent columns."""
    train = rows(0)
    synthetic = {"itself": train, "fresh": rows(2), "independent": shuffled(rows(2))}[kind]
    return compare_frames(train, rows(1), synthetic, TABLE, seed=seed)


def measured(name: str, kind: str, seed: int = 0) -> list[Result]:
    """All results of one metric."""
    source = comparison(kind, seed)
    source = Comparison(**{**{f: getattr(source, f) for f in _FIELDS}, "violations": {"rule": 0}})
    source = replace(source, recipe=recipe(kind))
    return list(run_metric(METRICS[name](), source, level=0.95).results)


def recipe(kind: str) -> Recipe:
    """A recipe for rows of a kind, and the audit of a claim."""

    def fresh(learned: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        return rows(int(rng.integers(10, 2**31)), n_rows)

    def independent(learned: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        return shuffled(fresh(learned, n_rows, rng))

    toy = {"itself": resampled, "fresh": fresh, "independent": independent}[kind]
    made = toy_recipe(rows(0), rows(1), TABLE, toy, n_shadows=8)
    return replace(made, audit=gaussian_audit(), n_runs=100)


_FIELDS = ("table", "seed", "scales", "train", "holdout", "synthetic", "typed", "finer")


def badness(result: Result) -> float:
    """The number that counts, larger being worse."""
    assert result.value is not None
    return result.value if result.better == "lower" else -result.value


@each_metric
def test_it_describes_itself(name: str) -> None:
    """Name, family, question, direction and a docstring that says what it measures and what leaves."""
    metric = METRICS[name]()
    assert metric.name == name
    assert metric.family in Family
    assert "?" in metric.question
    assert metric.better in ("higher", "lower")
    assert metric.unit in ("share", "count", "area", "score")
    assert type(metric).__doc__
    assert "Privacy:" in (type(metric).measure.__doc__ or "")


@each_metric
def test_it_speaks_of_the_whole_table_first(name: str) -> None:
    """The first result has no subject; all carry its name, the seed and no error."""
    found = measured(name, "fresh")
    assert found[0].subject == ()
    assert found[0].value is not None
    for result in found:
        assert (result.metric, result.seed, result.error) == (name, 0, None)
        assert result.interval is None or result.interval.low <= result.interval.high


@each_metric
def test_train_against_itself_is_best_and_independent_columns_are_worse(name: str) -> None:
    """For fidelity and detection; for copies and attacks the other way round, as train is the worst copy of itself."""
    itself, fresh, independent = (badness(measured(name, kind)[0]) for kind in ("itself", "fresh", "independent"))
    family = METRICS[name]().family
    if name == "epsilon-audit":  # reads none of the tables
        assert itself == fresh == independent
        return
    slack = 0.06  # of a classifier that guesses
    if family in (Family.COPIES, Family.ATTACKS) or name == "group-leakage":
        assert itself > fresh
        assert independent <= fresh + slack
    elif family is Family.VALIDITY:
        assert itself == fresh == independent == 0
    else:
        assert itself <= fresh + slack
        assert fresh <= independent + slack
    if name in ("pair-similarity", "association", "missingness-by-group", "detection"):
        assert independent > fresh + 0.1


@each_metric
def test_the_reference_is_the_metric_on_the_holdout(name: str) -> None:
    """Swapping the holdout in for the synthetic rows gives the reference as value."""
    train, holdout = rows(0), rows(1)
    swapped = compare_frames(train, holdout, holdout, TABLE)
    swapped = Comparison(**{**{f: getattr(swapped, f) for f in _FIELDS}, "violations": {"rule": 0}})
    result = run_metric(METRICS[name](), swapped, level=0.95).results[0]
    # The holdout cannot be told from itself; the reference of an attack is the attack on strangers; and that of a model
    # is one that learned from train.
    learned = result.family in (Family.UTILITY, Family.FAIRNESS) and name != "query-error"
    if result.reference is None or name == "detection" or result.family is Family.ATTACKS or learned:
        return
    assert result.value == pytest.approx(result.reference)


@each_metric
def test_the_seed_decides_everything(name: str) -> None:
    """The same seed gives the same results and material, time aside."""
    first, again = (
        [result.model_copy(update={"seconds": 0.0}) for result in measured(name, "fresh")] for _ in range(2)
    )
    assert first == again


@each_metric
def test_no_cell_of_train_is_in_what_it_returns(name: str) -> None:
    """Keys, notes, rare categories and extremes of train are in no result and no detail."""
    train = rows(0)
    train.loc[0, [MARKUP, "group", "size"]] = [123456.78, "CANARY-GROUP", 987654]
    train.loc[1, "group"] = None
    train.loc[0, "day"] = pd.Timestamp("1887-03-19")
    train.loc[0, ["key", "note"]] = ["CANARY-KEY", "CANARY note in full"]
    source = compare_frames(train, rows(1), train.sample(frac=1, random_state=0), TABLE)
    source = Comparison(**{**{f: getattr(source, f) for f in _FIELDS}, "violations": {"rule": 0}})
    source = replace(
        source, recipe=replace(toy_recipe(train, rows(1), TABLE, resampled, n_shadows=8), audit=gaussian_audit())
    )
    found = run_metric(METRICS[name](), source, level=0.95)
    text = "".join(result.model_dump_json() for result in found.results)
    text += found.detail.model_dump_json() if found.detail else ""
    for canary in ("CANARY", "123456", "123,456", "987654", "987,654", "1887", "remark", "K0-"):
        assert canary not in text
