"""Regressions on real and synthetic rows: the textbook numbers, and agreement where there is some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Verdict, run_metric
from tabsynth.evaluation.inference import Coefficients, Fitted, RegressionEstimates, least_squares, logistic, overlap
from tabsynth.schema.columns import Categorical, Number
from tabsynth.schema.model import Table
from tests.evaluation.samples import compare_frames, shuffled
from tests.evaluation.test_utility import TABLE, compared, patients


def test_least_squares_finds_the_coefficients_and_their_errors() -> None:
    """Mean and spread of 400 estimates are the truth and the standard error."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        inputs = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
        found.append(least_squares(inputs, inputs @ [1.0, 2.0, -1.0] + rng.normal(size=200)))
    estimates = np.stack([item.estimates for item in found])
    assert estimates.mean(axis=0) == pytest.approx([1.0, 2.0, -1.0], abs=0.02)
    errors = np.sqrt(np.mean([item.variances for item in found], axis=0))
    assert errors == pytest.approx(estimates.std(axis=0), rel=0.12)


def test_logistic_agrees_with_scikit_learn_and_survives_separation() -> None:
    """The same estimates where they are finite; finite ones where classes are separated."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    inputs = np.column_stack([np.ones(2_000), rng.normal(size=(2_000, 2))])
    chances = 1 / (1 + np.exp(-(inputs @ [0.5, 1.0, -2.0])))
    labels = (rng.random(2_000) < chances).astype(float)
    theirs = LogisticRegression(C=1e6, tol=1e-8, max_iter=1_000).fit(inputs[:, 1:], labels)
    ours = logistic(inputs, labels)
    assert ours.estimates[0] == pytest.approx(theirs.intercept_[0], abs=1e-3)
    assert ours.estimates[1:] == pytest.approx(theirs.coef_[0], abs=1e-3)
    apart = logistic(inputs, (inputs[:, 1] > 0).astype(float))
    assert np.isfinite(apart.estimates).all()
    assert np.isfinite(apart.variances).all()


def test_overlap_of_intervals_follows_karr() -> None:
    """1 for the same interval, 0 where they touch, negative where they lie apart."""
    one = Fitted(np.array([9.0, 0.0]), np.array([1.0, 1.0]))
    for shift, expected in ((0.0, 1.0), (1.96, 0.5), (3.92, 0.0), (7.84, -1.0)):
        assert overlap(one, Fitted(np.array([0.0, shift]), one.variances))[0] == pytest.approx(expected)


def test_fresh_rows_agree_and_independent_columns_do_not() -> None:
    """Two real samples overlap by about 0.7; without dependence effects vanish, and the note counts them."""
    fresh = RegressionEstimates().measure(compared(patients(1_500, 2)), level=0.95)
    lost = RegressionEstimates().measure(compared(shuffled(patients(1_500, 2))), level=0.95)
    assert (fresh.results[0].value or 0) > 0.4
    assert (lost.results[0].value or 0) < 0
    assert isinstance(fresh.detail, Coefficients)
    assert isinstance(lost.detail, Coefficients)
    assert fresh.detail.kind == "logistic"
    assert {"dose (per SD)", "age (per SD)", "cost (per SD)"} < {item.name for item in fresh.detail.coefficients}
    assert len(lost.detail.changed) > len(fresh.detail.changed)
    assert all(
        item.synthetic_interval.low < item.synthetic < item.synthetic_interval.high
        for item in fresh.detail.coefficients
    )


def test_a_number_is_explained_by_least_squares() -> None:
    """Without classes to explain, the target is on the scale of its own spread."""
    table = Table(columns={name: kind for name, kind in TABLE.columns.items() if name != "ill"})
    found = RegressionEstimates().measure(compared(patients(1_500, 2), table=table), level=0.95)
    assert isinstance(found.detail, Coefficients)
    assert found.detail.kind == "least squares"
    assert max(abs(item.real) for item in found.detail.coefficients) < 2


def test_odd_tables_are_reasons_not_errors() -> None:
    """Few rows, one column, constant columns and classes that are gone."""
    few = compare_frames(patients(30, 0), patients(30, 1), patients(30, 2), TABLE)
    assert RegressionEstimates().measure(few, level=0.95).results[0].verdict is Verdict.INSUFFICIENT
    frame = pd.DataFrame({"a": ["x", "y"] * 100, "b": [1.0] * 200})
    flat = compare_frames(frame, frame, frame, Table(columns={"a": Categorical(), "b": Number()}))
    for comparison in (
        flat,
        compared(patients(1_500, 2).assign(ill=None)),
        compared(patients(1_500, 2).assign(ill="no")),
    ):
        assert run_metric(RegressionEstimates(), comparison, level=0.95).results[0].error is None
