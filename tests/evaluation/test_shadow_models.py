"""Shadow models: a little memory is found that plain attacks miss, innocent rows are not accused, failures are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tabsynth.errors import DataError
from tabsynth.evaluation.attack_scores import LonelyScores
from tabsynth.evaluation.base import Result, Verdict, run_metric
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.membership import Membership, MembershipArea
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.recipe import Recipe
from tabsynth.evaluation.shadow_membership import ShadowArea, ShadowMembership, ShadowOutliers, ShadowScores
from tabsynth.evaluation.shadow_models import ShadowTrial, choose_targets, shadow_trial, worlds
from tabsynth.evaluation.shadow_scores import likelihood_ratios
from tabsynth.schema.columns import Categorical, Identifier, Number
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable
from tests.evaluation.samples import compare_frames
from tests.evaluation.test_membership import EIGHT, eight
from tests.evaluation.toys import Toy, blurred, copying, normal, recipe, resampled

METRICS = (ShadowMembership, ShadowArea, ShadowOutliers)


def played(toy: Toy, *, seed: int = 0, n_train: int = 800, n_holdout: int = 400, n_shadows: int = 16) -> Comparison:
    """A toy's rows, with the recipe to make more of them."""
    train, holdout = eight(n_train, 3 * seed), eight(n_holdout, 3 * seed + 1)
    rows = toy(train, n_train, np.random.default_rng(1_000 + seed))
    made = recipe(train, holdout, EIGHT, toy, n_shadows=n_shadows)
    return replace(compare_frames(train, holdout, rows, EIGHT, seed=seed), recipe=made)


def judged(metric: type, comparison: Comparison) -> Result:
    """The first result of a metric under the default policy."""
    found = run_metric(metric(), comparison, level=0.95).results[0]
    return next(item for item in load_policy().judge([found]) if item.metric == found.metric)


def test_a_blurred_copy_is_found_that_plain_attacks_hardly_see() -> None:
    """Noise of six tenths of the spread: shadow models see more of it than the calibrated attacks, in area and tail."""
    gained = []
    for seed in range(2):
        comparison = played(blurred(0.6), seed=seed)
        plain = [judged(metric, comparison).value or 1 for metric in (MembershipArea, Membership)]
        area, tail = judged(ShadowArea, comparison), judged(ShadowMembership, comparison)
        gained.append([(area.value or 0) - plain[0], (tail.value or 0) - plain[1]])
        assert "16 shadow models; 400 people of train and 400 of holdout" in area.notes[1]
        assert "p < 0.01" in tail.notes[0]
    assert np.mean(gained, axis=0)[0] > 0.02
    assert np.mean(gained, axis=0)[1] > 0


def test_a_few_random_copies_are_recognised() -> None:
    """Three rows in a hundred are near copies, of other people each time: found at few false alarms."""
    comparison = played(copying(24))
    found = judged(ShadowMembership, comparison)
    assert "p < 0.01" in found.notes[0]
    assert (found.value or 0) > 0.035
    detail = run_metric(ShadowMembership(), comparison, level=0.95).detail
    assert isinstance(detail, ShadowScores)
    assert (detail.n_members, detail.n_others, detail.n_made) == (400, 400, 16)
    assert [curve.name for curve in detail.curves] == ["synthetic rows", "independent columns"]


def test_a_verbatim_copy_fails_on_every_limit() -> None:
    """Everybody is recognised, loners too."""
    comparison = played(resampled, n_shadows=8)
    assert {judged(metric, comparison).verdict for metric in METRICS} == {Verdict.FAIL}
    lonely = run_metric(ShadowOutliers(), comparison, level=0.95).detail
    assert isinstance(lonely, LonelyScores)
    assert lonely.groups == ("everybody", "far from everybody", "rare combinations")


def test_innocent_rows_are_at_chance() -> None:
    """Rows that hang on nobody: no limit is broken, and luck explains what is found."""

    def ignorant(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        return eight(n_rows, int(rng.integers(100, 2**31)))

    areas, alarms = [], 0
    for seed in range(4):
        comparison = played(ignorant, seed=seed, n_shadows=8)
        area = judged(ShadowArea, comparison)
        areas.append((area.value or 0) - (area.reference or 0))
        alarms += "p < 0.01" in judged(ShadowMembership, comparison).notes[0]
        for metric in METRICS:
            assert judged(metric, comparison).verdict is not Verdict.FAIL
    assert alarms == 0
    assert abs(np.mean(areas)) < 0.02  # beyond what shuffled labels reach


def test_worlds_are_as_large_as_train_and_share_out_the_targets() -> None:
    """Everybody asked about is in half of the worlds, and each world has as many people as train."""
    comparison = played(normal)
    targets = choose_targets(comparison)
    assert targets is not None
    inside, rows = worlds(targets, 10, 0)
    np.testing.assert_array_equal(inside.sum(axis=0), np.full(800, 5))
    assert {len(world) for world in rows} == {800}
    assert all((inside[2 * pair] != inside[2 * pair + 1]).all() for pair in range(5))


def test_people_stay_whole_in_worlds() -> None:
    """All rows of a person are in a world, or none."""
    table = Table(columns={"id": Identifier(), **EIGHT.columns}, entity_key="id")
    parts = [eight(400, seed).assign(id=[f"{seed}-{n // 4}" for n in range(400)]) for seed in range(3)]
    comparison = compare_frames(*parts, table)
    targets = choose_targets(comparison)
    assert targets is not None and len(targets.chosen) == 200
    for world in worlds(targets, 4, 0)[1]:
        assert set(np.bincount(targets.person[world])) <= {0, 4}
    found = []

    def refit(rows: Array, n_rows: int, seed: int) -> TypedTable:
        found.append(len(rows))
        return comparison.typed["synthetic"].take(np.arange(n_rows))

    made = replace(comparison, recipe=Recipe("toy", refit=refit, n_shadows=8))
    assert judged(ShadowArea, made).n == 100
    assert set(found) == {400}


def test_nothing_to_refit_is_not_tested() -> None:
    """Of rows from elsewhere, and of a private generator, the reason is said and nothing is judged."""
    train = eight(200, 0)
    comparison = compare_frames(train, eight(100, 1), eight(200, 2), EIGHT)
    for metric in METRICS:
        found = judged(metric, comparison)
        assert found.verdict is Verdict.INFO and found.value is None
        assert found.notes == ("Not tested: needs the model's recipe, to make more like it.",)
    comparison = compare_frames(train, eight(100, 1), eight(200, 2), EIGHT)
    private = judged(ShadowMembership, replace(comparison, recipe=Recipe("dp-mst")))
    assert private.verdict is Verdict.INFO and "is private" in private.notes[0]


def test_few_people_and_one_column() -> None:
    """Twenty rows decide nothing; one column is attacked like any other."""
    few = played(normal, n_train=60, n_holdout=20)
    assert "at least 40 people" in judged(ShadowMembership, few).notes[0]
    assert judged(ShadowMembership, few).verdict is Verdict.INSUFFICIENT
    for column, values in (("x", np.arange(200.0)), ("k", np.array(list("abcd") * 50))):
        table = Table(columns={column: Number() if column == "x" else Categorical()})
        train, holdout = (pd.DataFrame({column: values}) for _ in range(2))
        made = recipe(train, holdout, table, resampled, n_shadows=8)
        comparison = replace(compare_frames(train, holdout, train, table), recipe=made)
        for metric in METRICS:
            assert judged(metric, comparison).error is None


def test_some_fits_may_fail() -> None:
    """One in four fails: the rest answers, and the notes count and name what failed; no cell is in the words."""
    comparison = played(blurred(0.3), n_shadows=24)
    assert comparison.recipe is not None and comparison.recipe.refit is not None
    refit = comparison.recipe.refit
    calls = []

    def moody(rows: Array, n_rows: int, seed: int) -> TypedTable:
        calls.append(seed)
        if len(calls) % 4 == 2:
            raise ValueError("secret cell 123456")
        return refit(rows, n_rows, seed)

    made = replace(comparison, recipe=replace(comparison.recipe, refit=moody))
    found = judged(ShadowArea, made)
    assert found.error is None and (found.value or 0) > 0.6
    assert "6 shadow models failed: ValueError" in " ".join(found.notes)
    assert "123456" not in found.model_dump_json()


def test_fits_that_all_fail_are_one_line_each() -> None:
    """After three failures nothing more is tried; each metric says why, and nothing else is lost."""
    calls = []

    def refit(rows: Array, n_rows: int, seed: int) -> TypedTable:
        calls.append(seed)
        raise DataError("the table has no column that can be learned.")

    comparison = replace(played(normal), recipe=Recipe("toy", refit=refit))
    for metric in METRICS:
        found = judged(metric, comparison)
        assert found.verdict is Verdict.INSUFFICIENT
        assert found.error is not None and "no column that can be learned" in found.error
    assert len(calls) == 3


def test_the_time_limit_is_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No further pair of shadow models is begun after it; too few are insufficient evidence."""
    now = [0.0]
    monkeypatch.setattr("tabsynth.evaluation.shadow_models.time.monotonic", lambda: now[0])

    def slow(rows: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        now[0] += 1.0
        return normal(rows, n_rows, rng)

    comparison = played(slow, n_shadows=32)
    assert comparison.recipe is not None
    limited = replace(comparison, recipe=replace(comparison.recipe, time_limit=9.5))
    found = judged(ShadowArea, limited)
    assert found.notes[1].startswith("10 shadow models")
    assert "time limit left out 22" in found.notes[2]
    short = replace(played(slow), recipe=replace(comparison.recipe, time_limit=3.5))
    found = judged(ShadowArea, short)
    assert found.verdict is Verdict.INSUFFICIENT
    assert (
        found.notes[0]
        == "Only 4 of 32 shadow models could be made, and at least 8 are needed; allow more than 3.5 seconds."
    )


def test_the_number_of_threads_changes_nothing() -> None:
    """One thread or two: the same scores, bit by bit."""
    found = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            trial = shadow_trial(played(blurred(0.5), n_train=200, n_holdout=100, n_shadows=8))
            assert isinstance(trial, ShadowTrial)
            found.append(trial)
    np.testing.assert_array_equal(found[0].members, found[1].members)
    np.testing.assert_array_equal(found[0].others, found[1].others)


def test_ratios_are_those_of_normal_distributions_where_worlds_are_many() -> None:
    """With 400 worlds the score is the likelihood ratio, up to the error of means."""
    rng = np.random.default_rng(0)
    inside = np.tile([[True], [False]], (200, 300))
    effect = rng.uniform(0.5, 2.0, 300)
    values = rng.normal(size=(400, 1, 300)) + (inside * effect)[:, None, :]
    observed = rng.normal(size=(1, 300))
    scores = likelihood_ratios(values, inside, observed)
    exact = effect * (observed[0] - effect / 2)
    assert np.abs(scores[0] - exact).mean() < 0.15
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-6)  # one signal: all together are that one


def test_few_worlds_borrow_from_everybody() -> None:
    """Eight worlds: scores follow the common effect, not the luck of four means."""
    rng = np.random.default_rng(1)
    inside = np.tile([[True], [False]], (4, 2_000))
    values = rng.normal(size=(8, 1, 2_000)) + 0.5 * inside[:, None, :]
    members, others = rng.normal(0.5, 1, (1, 2_000)), rng.normal(0, 1, (1, 2_000))
    scored = [likelihood_ratios(values, inside, observed)[0] for observed in (members, others)]
    area = (scored[0][:, None] > scored[1][None, :]).mean()
    assert area > 0.59  # the best that is possible is 0.638, and 0.5 is luck
