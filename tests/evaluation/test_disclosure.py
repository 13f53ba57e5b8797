"""Attribute inference, linkability and singling out: a copy is caught, strangers' rows are not accused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.attribute import AttributeInference, AttributeScores
from tabsynth.evaluation.base import Result, Verdict
from tabsynth.evaluation.linkability import Linkability
from tabsynth.evaluation.membership_disclosure import MembershipDisclosure, relative_f1
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.singling_out import SinglingOut, equal_weight
from tabsynth.evaluation.targets import Success, one_row_each, worst_excess
from tabsynth.schema.columns import Categorical, Identifier, Number, Role
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames, shuffled

METRICS = (AttributeInference, Linkability, SinglingOut, MembershipDisclosure)


def verdicts(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, table: Table, seed: int = 0
) -> dict[str, Result]:
    """All three metrics about the whole table, under the default policy."""
    comparison = compare_frames(train, holdout, synthetic, table, seed=seed)
    policy = load_policy()
    found = {}
    for metric in METRICS:
        first = metric().measure(comparison, level=0.95).results[0]
        found[metric.name] = next(item for item in policy.judge([first]) if item.metric == first.metric)
    return found


def test_a_copy_fails_each(mixed_table: MixedTable) -> None:
    """Train itself tells every secret, links every half and isolates everybody."""
    train = mixed_table(600)
    for result in verdicts(train, mixed_table(300, seed=1), train.sample(frac=1, random_state=0), MIXED).values():
        assert result.verdict is Verdict.FAIL
        assert (result.value or 0) > 0.9


@pytest.mark.parametrize("kind", ["fresh", "independent"])
@pytest.mark.parametrize("n_rows", [100, 1_000])
def test_innocent_rows_never_fail(kind: str, n_rows: int, mixed_table: MixedTable) -> None:
    """Other real rows and independent columns pass, or leave it open where there are few people."""
    for seed in range(3):
        train, holdout = (mixed_table(n_rows, seed=3 * seed + part) for part in range(2))
        synthetic = mixed_table(n_rows, seed=3 * seed + 2) if kind == "fresh" else shuffled(train, seed=seed)
        found = verdicts(train, holdout, synthetic, MIXED, seed=seed)
        assert Verdict.FAIL not in {result.verdict for result in found.values()}


def test_many_innocent_rows_pass(mixed_table: MixedTable) -> None:
    """With 2,000 people the limits can be kept, and are."""
    found = verdicts(mixed_table(2_000), mixed_table(2_000, seed=1), mixed_table(2_000, seed=2), MIXED)
    assert {result.verdict for result in found.values()} == {Verdict.PASS}


def test_few_people_are_insufficient_evidence(mixed_table: MixedTable) -> None:
    """Thirty strangers are no control."""
    for result in verdicts(mixed_table(300), mixed_table(30, seed=1), mixed_table(300, seed=2), MIXED).values():
        assert result.verdict is Verdict.INSUFFICIENT
        assert "at least 40 people" in result.notes[0]


def test_roles_decide_what_is_secret_and_what_is_known() -> None:
    """Sensitive columns are the secrets, quasi-identifiers are known, others take no part."""
    table = Table(
        columns={
            "age": Number(role=Role.QUASI_IDENTIFIER),
            "zone": Categorical(role=Role.QUASI_IDENTIFIER),
            "illness": Categorical(role=Role.SENSITIVE),
            "noise": Number(),
        }
    )

    def draw(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        parts = {"age": rng.normal(size=500).round(3), "zone": rng.choice(list("abc"), 500)}
        return pd.DataFrame({**parts, "illness": rng.choice(list("wxyz"), 500), "noise": rng.normal(size=500).round(3)})

    train = draw(0)
    # The generator keeps who has what, and makes up the rest.
    synthetic = train.assign(noise=draw(2)["noise"])
    found = AttributeInference().measure(compare_frames(train, draw(1), synthetic, table), level=0.95)
    assert isinstance(found.detail, AttributeScores)
    assert found.detail.known == ("age", "zone")
    assert [result.subject for result in found.results] == [(), ("illness",)]
    assert (found.results[0].value or 0) > 0.9
    assert (found.results[0].reference or 1) < 0.5
    assert found.results[0].baseline == pytest.approx(0.25, abs=0.12)


def test_what_a_table_tells_about_anybody_is_no_memory() -> None:
    """A law of the population lets an attacker guess, in train as among strangers; the baseline shows how much."""
    table = Table(columns={"a": Number(role=Role.QUASI_IDENTIFIER), "b": Categorical(role=Role.SENSITIVE)})

    def draw(seed: int) -> pd.DataFrame:
        a = np.random.default_rng(seed).normal(size=1_500).round(3)
        return pd.DataFrame({"a": a, "b": np.where(a > 1.5, "rare", "usual")})

    result = verdicts(draw(0), draw(1), draw(2), table)["attribute-inference"]
    assert result.verdict is Verdict.PASS
    assert (result.value or 0) > 0.9
    assert (result.baseline or 1) < 0.8


def test_guessing_the_usual_answer_earns_little() -> None:
    """A hit weighs as much as it is rare."""
    hits = np.array([1.0] * 90 + [0.0] * 10)
    weights = -np.log(np.array([0.9] * 90 + [0.1] * 10))
    assert Success.of(hits, weights).value == pytest.approx(0.29, abs=0.01)
    assert Success.of(hits).value == 0.9


def test_people_are_tried_once() -> None:
    """One row stands for a person with several."""
    table = Table(columns={"id": Identifier(), "x": Number()}, entity_key="id")
    frame = pd.DataFrame({"id": np.repeat([f"p{n}" for n in range(50)], 3), "x": np.arange(150.0)})
    other = frame.assign(id=frame["id"] + "-other")
    targets = one_row_each(compare_frames(frame, other, frame, table), 40, "test")
    assert targets.train.n_rows == targets.holdout.n_rows == 40
    assert len(set(targets.train.columns["x"] // 3)) == 40


def test_equal_weight_is_the_formula_of_cohen_and_nissim() -> None:
    """Conditions that fit one in n isolate one of n people in 37 % of tries; narrower ones less."""
    n = 1_000
    matches = np.random.default_rng(0).binomial(n, 1 / n, 4_000)
    assert equal_weight(matches, n, n) == pytest.approx((1 - 1 / n) ** (n - 1), abs=0.02)
    narrow = np.random.default_rng(0).binomial(n, 0.1 / n, 4_000)
    assert equal_weight(narrow, n, n) == pytest.approx(0.1 * np.exp(-0.1), abs=0.02)
    smaller = np.random.default_rng(0).binomial(n // 4, 1 / n, 4_000)
    assert equal_weight(smaller, n // 4, n) == pytest.approx(0.37, abs=0.03)


def test_relative_disclosure_is_the_formula() -> None:
    """One of 100 members and no stranger matched: F = 2/101; all matched and no stranger: 1; everybody: 0."""
    nobody, everybody = np.zeros(100, dtype=bool), np.ones(100, dtype=bool)
    one = nobody.copy()
    one[0] = True
    assert relative_f1(everybody, nobody) == pytest.approx(1)
    assert relative_f1(everybody, everybody) == pytest.approx(0)
    assert relative_f1(one, nobody) == pytest.approx((2 / 101 - 2 / 3) * 3)


def test_the_search_over_attacks_is_paid_for() -> None:
    """Of many attacks without effect the best has a lower end below zero, and the upper end is the largest."""
    rng = np.random.default_rng(0)
    trials = [(Success.of(rng.random(300) < 0.2), Success.of(rng.random(300) < 0.2)) for _ in range(20)]
    worst, judged = worst_excess(trials, 0.95)
    assert judged.value == max(train.value - control.value for train, control in trials)
    assert judged.interval is not None
    assert judged.interval.low < 0 < judged.value < judged.interval.high
    assert trials[worst][0].value - trials[worst][1].value == judged.value


@pytest.mark.parametrize("metric", [SinglingOut, Linkability])
def test_repeating_every_row_hides_no_copy(metric: type[SinglingOut] | type[Linkability]) -> None:
    """A release that holds each training row forty times is as bad as one that holds it once."""
    rng = np.random.default_rng(0)
    table = Table(columns={name: Number(decimals=2) for name in "abcd"})
    train, holdout = (pd.DataFrame(rng.normal(size=(300, 4)).round(2), columns=list("abcd")) for _ in range(2))
    many = pd.concat([train] * 40, ignore_index=True)
    once, often = (
        metric().measure(compare_frames(train, holdout, made, table), level=0.95).results[0] for made in (train, many)
    )
    assert once.value == often.value == 1.0
