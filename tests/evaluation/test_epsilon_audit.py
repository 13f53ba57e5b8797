"""Epsilon from below: never above an honest claim, above a broken one, and silent where the runs are too few."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tabsynth.evaluation.base import Result, Verdict, run_metric
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.epsilon_audit import (
    EpsilonAudit,
    EpsilonScores,
    epsilon_alone,
    expected,
    noticed_factor,
    rates_between,
    rho_proven,
)
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.recipe import Audit, Recipe
from tests.evaluation.samples import compare_frames
from tests.evaluation.test_membership import EIGHT, eight
from tests.evaluation.toys import gaussian_audit


def audited(audit: Audit | None, *, n_runs: int = 1_000, **wishes: float) -> Result:
    """The result of an audit under the default policy."""
    comparison = replace(_tables(), recipe=Recipe("dp-toy", audit=audit, n_runs=n_runs, **wishes))
    found = run_metric(EpsilonAudit(), comparison, level=0.95).results[0]
    return next(item for item in load_policy().judge([found]) if item.metric == found.metric)


def _tables() -> Comparison:
    return compare_frames(eight(50, 0), eight(50, 1), eight(50, 2), EIGHT)


def test_an_honest_claim_stands() -> None:
    """The noise is what it must be: something is proven, less than is claimed."""
    found = audited(gaussian_audit())
    assert found.verdict is Verdict.PASS
    assert found.judged is not None and 0.4 < found.judged.value < 0.95
    assert "epsilon 4 at delta 1e-06" in found.notes[0]


def test_half_the_noise_breaks_the_claim() -> None:
    """More is proven than is claimed."""
    found = audited(gaussian_audit(noise=0.5))
    assert found.verdict is Verdict.FAIL
    assert (found.value or 0) > 4.0


def test_few_runs_decide_nothing() -> None:
    """A claim that is too small for so few runs is left open; under fifty, nothing is measured."""
    found = audited(gaussian_audit(rho=0.01, epsilon=0.8), n_runs=200)
    assert found.verdict is Verdict.INSUFFICIENT and found.value is not None
    found = audited(gaussian_audit(), n_runs=20)
    assert found.verdict is Verdict.INSUFFICIENT and found.value is None


def test_no_claim_and_no_recipe_are_not_tested() -> None:
    """The reason is said, and nothing is judged."""
    assert audited(None).notes == ("Not tested: dp-toy claims no differential privacy.",)
    found = run_metric(EpsilonAudit(), _tables(), level=0.95).results[0]
    assert found.verdict is Verdict.INFO and found.notes[0].startswith("Not tested: needs the model's recipe")


def test_runs_that_fail_cost_themselves() -> None:
    """Some fail: the others answer. All fail: one line, after three."""
    honest = gaussian_audit()

    def moody(present: bool, run: int) -> float:
        if run % 10 == 3:
            raise ValueError("secret 123456")
        return honest.evidence(present, run)

    found = audited(replace(honest, evidence=moody))
    assert found.verdict is Verdict.PASS and found.n == 900
    assert "100 runs failed: ValueError" in found.notes[2] and "123456" not in found.model_dump_json()
    calls = []

    def broken(present: bool, run: int) -> float:
        calls.append(run)
        raise ValueError("secret 123456")

    found = audited(replace(honest, evidence=broken))
    assert found.verdict is Verdict.INSUFFICIENT and "ValueError" in (found.error or "")
    assert len(calls) == 3


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Of honest claims with all of their noise spent, the bound exceeds rho in no more than 5 of 100."""
    rng = np.random.default_rng(0)
    rho, n = 0.5, 500
    hit = float(stats.norm.cdf(math.sqrt(2 * rho) / 2))
    alarms = 0
    for _ in range(400):
        right, wrong = rates_between(int(rng.binomial(n, hit)), int(rng.binomial(n, 1 - hit)), n, 0.95)
        alarms += rho_proven(right, wrong) > rho
    assert alarms <= 20


@pytest.mark.parametrize(("right", "wrong"), [(0.6, 0.4), (0.9, 0.1), (0.99, 0.5), (0.3, 0.01)])
def test_no_gaussian_mechanism_proves_more_than_its_rho(right: float, wrong: float) -> None:
    """A Gaussian mechanism with these error rates has mu = z(right) - z(wrong), and rho = mu² / 2 is never exceeded."""
    mu = float(stats.norm.ppf(right) - stats.norm.ppf(wrong))
    assert 0 < rho_proven(right, wrong) <= mu**2 / 2
    assert rho_proven(right, wrong, order=2) <= rho_proven(right, wrong) + 1e-12


def test_rates_of_pure_privacy() -> None:
    """Randomised response with odds e shows epsilon 1; guesses show nothing; a failure of delta is allowed for."""
    right = math.e / (1 + math.e)
    assert epsilon_alone(right, 1 - right, 0.0) == pytest.approx(1.0)
    assert epsilon_alone(0.5, 0.5, 1e-6) == 0.0
    assert epsilon_alone(right, 1 - right, 0.1) < 1.0
    assert rates_between(0, 0, 100, 0.95)[0] == 0.0
    assert rates_between(100, 100, 100, 0.95)[1] == 1.0


def test_what_runs_can_show_grows_with_them() -> None:
    """More runs notice smaller errors; what they prove of an exact mechanism stays below its claim."""
    audit = gaussian_audit()
    factors = [noticed_factor(audit, n, 0.95) or 99.0 for n in (50, 500, 5_000)]
    assert factors == sorted(factors, reverse=True) and factors[-1] < 1.5
    assert expected(audit, 5_000, 0.95, factor=1.0) < audit.epsilon < expected(audit, 5_000, 0.95, factor=2.0)


def test_the_detail_holds_claim_and_proof() -> None:
    """What the section of the report shows."""
    comparison = replace(_tables(), recipe=Recipe("dp-toy", audit=gaussian_audit(), n_runs=300))
    detail = run_metric(EpsilonAudit(), comparison, level=0.95).detail
    assert isinstance(detail, EpsilonScores)
    assert (detail.claimed, detail.n_runs, detail.unit) == (4.0, 300, "one row")
    assert 0 < detail.proven < 4 and detail.right > detail.wrong
