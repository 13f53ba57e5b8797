"""Membership: a leaky toy is caught, an innocent one is not accused, and few people decide nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tabsynth.evaluation import membership_attacks
from tabsynth.evaluation.attack_scores import AttackScores, LonelyScores
from tabsynth.evaluation.base import Findings, Result, Verdict
from tabsynth.evaluation.copies import ExactCopies
from tabsynth.evaluation.membership import Membership, MembershipArea, MembershipOutliers
from tabsynth.evaluation.membership_attacks import attack, cast, suspect
from tabsynth.evaluation.membership_distances import column_subsets
from tabsynth.evaluation.membership_trial import asked_groups
from tabsynth.evaluation.policy import load_policy
from tabsynth.evaluation.rates import strengths
from tabsynth.randomness import child
from tabsynth.schema.columns import Categorical, Identifier, Number, Role
from tabsynth.schema.model import Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, compare_frames, shuffled

METRICS = (Membership, MembershipArea, MembershipOutliers)
EIGHT = Table(columns={f"x{n}": Number(decimals=3) for n in range(8)})
_MIX = np.random.default_rng(99).normal(size=(8, 8))


def eight(n_rows: int, seed: int) -> pd.DataFrame:
    """Correlated numbers without a group of their own."""
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n_rows, 8)) @ _MIX, columns=list(EIGHT.columns))


def near_copies(train: pd.DataFrame, rows: pd.DataFrame, n_copies: int, seed: int) -> pd.DataFrame:
    """The same rows with the first of them replaced by training rows and a little noise."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (n_copies, 8))
    return pd.concat([train.iloc[:n_copies] + noise, rows.iloc[n_copies:]], ignore_index=True)


def judged(found: Findings) -> Result:
    """The first result under the default policy."""
    first = found.results[0]
    return next(item for item in load_policy().judge([first]) if item.metric == first.metric)


def verdicts(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, table: Table, seed: int = 0
) -> dict[str, Result]:
    """All three metrics under the default policy."""
    comparison = compare_frames(train, holdout, synthetic, table, seed=seed)
    return {metric.name: judged(metric().measure(comparison, level=0.95)) for metric in METRICS}


def test_a_verbatim_copy_fails(mixed_table: MixedTable) -> None:
    """Nearly everybody is recognised, loners too."""
    train = mixed_table(500)
    found = verdicts(train, mixed_table(500, seed=1), train.sample(frac=1, random_state=0), MIXED)
    assert {result.verdict for result in found.values()} == {Verdict.FAIL}
    assert (found["membership"].value or 0) > 0.9


@pytest.mark.parametrize("kind", ["fresh", "independent"])
@pytest.mark.parametrize("n_rows", [300, 1_500])
def test_innocent_rows_never_fail(kind: str, n_rows: int, mixed_table: MixedTable) -> None:
    """Other real rows and independent columns pass, or leave it open where there are few people."""
    fresh = mixed_table(n_rows, seed=2)
    synthetic = fresh if kind == "fresh" else shuffled(mixed_table(n_rows))
    found = verdicts(mixed_table(n_rows), mixed_table(n_rows, seed=1), synthetic, MIXED)
    assert Verdict.FAIL not in {result.verdict for result in found.values()}


def test_many_innocent_rows_pass() -> None:
    """With 2,500 people on each side the limits can be kept, and are; the tenth who stand alone may be too few."""
    found = verdicts(eight(2_500, 0), eight(2_500, 1), eight(2_500, 2), EIGHT)
    assert found.pop("membership-outliers").verdict in {Verdict.PASS, Verdict.INSUFFICIENT}
    assert {result.verdict for result in found.values()} == {Verdict.PASS}


def test_two_percent_of_near_copies_stand_out_by_four_standard_deviations() -> None:
    """1,000 rows, 20 of them near copies: the rate at 1 % rises by 4 standard deviations of an innocent table's."""
    rates: dict[int, list[float]] = {0: [], 20: []}
    p_values = []
    for seed in range(5):
        train, holdout, rows = (eight(1_000, 3 * seed + part) for part in range(3))
        for n_copies, found in rates.items():
            comparison = compare_frames(train, holdout, near_copies(train, rows, n_copies, seed), EIGHT, seed=seed)
            suspicion = suspect(comparison, comparison.synthetic, trees=False)
            assert suspicion is not None
            measured = strengths(suspicion.members, suspicion.others, child(seed))
            found.append(float(measured.rates[suspicion.attacks.index("nearest ratio, quantile"), 1]))
            p_values += [measured.p_value] if n_copies else []
    assert np.mean(rates[20]) - np.mean(rates[0]) > 4 * np.std(rates[0], ddof=1)
    assert max(p_values) < 0.01


def test_memory_of_some_columns_alone_is_found_there() -> None:
    """Fifty people's last four numbers come back beside strangers' first four: an attack on these columns sees it."""
    roles = {f"x{n}": Role.QUASI_IDENTIFIER if n >= 4 else Role.NONE for n in range(8)}
    table = Table(columns={name: Number(decimals=3, role=role) for name, role in roles.items()})
    train, holdout, rows = (eight(1_000, part) for part in range(3))
    known = [name for name, role in roles.items() if role is Role.QUASI_IDENTIFIER]
    synthetic = rows.copy()
    synthetic.loc[:49, known] = train.loc[:49, known]
    comparison = compare_frames(train, holdout, synthetic, table)
    subsets = column_subsets(table, comparison.scales, seed=0)
    assert subsets["quasi-identifiers"] == tuple(known)
    parts = cast(comparison)
    assert parts is not None
    found = attack(parts, comparison.synthetic, comparison.scales, seed=0, trees=False, subsets=subsets)
    measured = strengths(found.members, found.others, child(0))
    at_one_percent = dict(zip(found.attacks, measured.rates[:, 1], strict=True))
    assert at_one_percent["nearest ratio, quasi-identifiers"] > 0.05
    assert max(rate for name, rate in at_one_percent.items() if name not in _on_some(found.attacks)) < 0.03
    assert measured.p_value < 0.01


def _on_some(attacks: tuple[str, ...]) -> set[str]:
    return {name for name in attacks if "quasi-identifiers" in name or "drawn" in name}


def test_memory_of_one_group_is_found_among_its_people() -> None:
    """Where a tenth of the people is a little remembered, the shuffles over groups name it."""
    rng = np.random.default_rng(0)
    members, others = rng.normal(size=(3, 1_000)), rng.normal(size=(3, 1_000))
    inside = np.arange(2_000) % 10 == 0
    members[1, inside[:1_000]] += 1.2
    alone = strengths(members, others, child(0))
    found = strengths(members, others, child(0), groups={"ward: A": inside, "ward: B": ~inside})
    assert found.strongest == "ward: A"
    assert found.p_value <= alone.p_value
    assert (alone.strongest, alone.areas.tolist()) == (None, found.areas.tolist())


def test_p_values_are_exact_where_labels_can_be_exchanged() -> None:
    """Scores that know nothing of the labels: p-values of 100 searches are as rare as they say."""
    rng = np.random.default_rng(0)
    p_values = []
    for seed in range(100):
        scores = np.round(rng.normal(size=(4, 120)) + rng.normal(size=120), 1)  # attacks agree, and there are ties
        p_values.append(strengths(scores[:, :60], scores[:, 60:], child(seed)).p_value)
    for limit in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= limit) <= limit + 3 * np.sqrt(limit * (1 - limit) / 100)
    assert min(p_values) >= 1 / 401


def test_five_exact_copies_in_a_thousand_rows_are_found() -> None:
    """No stranger has a twin in train, so five copies are no chance."""
    train, holdout, rows = (eight(1_000, part) for part in range(3))
    synthetic = pd.concat([train.iloc[:5], rows.iloc[5:]], ignore_index=True)
    found = ExactCopies().measure(compare_frames(train, holdout, synthetic, EIGHT), level=0.95).results[0]
    assert found.judged is not None
    assert found.judged.interval is not None
    assert found.judged.interval.low > 0


def test_one_memorised_group_of_loners_is_found_there() -> None:
    """A generator that repeats only the rare group is caught among people who stand alone."""
    rng = np.random.default_rng(0)
    table = Table(columns={**EIGHT.columns, "kind": Categorical()})

    def draw(seed: int) -> pd.DataFrame:
        frame = eight(2_000, seed)
        rare = np.random.default_rng(seed).random(2_000) < 0.05
        frame.loc[rare] = frame.loc[rare] * 3
        return frame.assign(kind=np.where(rare, "rare", "usual"))

    train, holdout, rows = draw(0), draw(1), draw(2)
    copied = train[train["kind"] == "rare"]
    copied = copied.assign(**{name: copied[name] + rng.normal(0, 0.02, len(copied)) for name in EIGHT.columns})
    synthetic = pd.concat([copied, rows[rows["kind"] == "usual"]], ignore_index=True)
    found = verdicts(train, holdout, synthetic, table)
    assert found["membership-outliers"].verdict is Verdict.FAIL
    assert (found["membership-outliers"].value or 0) > 2 * (found["membership"].value or 1)


def test_few_people_are_insufficient_evidence(mixed_table: MixedTable) -> None:
    """Thirty people are no attack; the result says what is needed."""
    for result in verdicts(mixed_table(300), mixed_table(30, seed=1), mixed_table(300, seed=2), MIXED).values():
        assert result.verdict is Verdict.INSUFFICIENT
        assert "at least 40 people" in result.notes[0]


def test_people_count_once_however_many_rows_they_have() -> None:
    """Persons are asked about, not rows; nobody is asked with her own rows as reference."""
    table = Table(columns={"id": Identifier(), **EIGHT.columns}, entity_key="id")
    parts = [eight(400, seed).assign(id=[f"{seed}-{n // 4}" for n in range(400)]) for seed in range(3)]
    comparison = compare_frames(*parts, table)
    roles = cast(comparison)
    assert roles is not None
    people = np.concatenate([comparison.people("train"), 100 + comparison.people("holdout")])
    for person in range(200):
        assert len(set(roles.reference_fold[people == person])) == 1
    np.testing.assert_array_equal(roles.fold, roles.reference_fold)  # the same rows, in the same order
    suspicion = suspect(comparison, comparison.synthetic, trees=False)
    assert suspicion is not None
    assert suspicion.members.shape[1] == suspicion.others.shape[1] == 100
    result = judged(Membership().measure(comparison, level=0.95))
    assert result.n == 100
    assert result.verdict is not Verdict.FAIL


def test_a_copied_gap_counts_and_a_gap_is_no_zero() -> None:
    """Missing cells are a state: rows of gaps are alike, and unlike rows of zeros."""
    table = Table(columns={"a": Number(), "b": Categorical(), "c": Number(decimals=2)})
    rng = np.random.default_rng(0)

    def draw(n: int) -> pd.DataFrame:
        frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["x", "y", "z"], n), "c": rng.normal(size=n)})
        return frame.mask(rng.random(frame.shape) < 0.3)

    train = draw(400)
    found = verdicts(train, draw(400), train, table)
    assert found["membership"].verdict is Verdict.FAIL


def test_asked_people_are_thinned_out_and_said_so(mixed_table: MixedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limits people are drawn by seed, and the notes count them; searched rows beyond the limit are named."""
    monkeypatch.setattr(membership_attacks, "MAX_ASKED", 120)
    monkeypatch.setattr(membership_attacks, "MAX_SEARCHED", 200)
    monkeypatch.setattr(membership_attacks, "STEP_BUDGET", 1)
    comparison = compare_frames(mixed_table(400), mixed_table(300, seed=1), mixed_table(400, seed=2), MIXED)
    result = Membership().measure(comparison, level=0.95).results[0]
    assert "120 people of train and 120 of holdout" in result.notes[1]
    assert "200 synthetic" in result.notes[1]
    assert "drawn at random" in result.notes[2]


def test_the_number_of_threads_changes_nothing(mixed_table: MixedTable) -> None:
    """One thread or two: the same scores, bit by bit."""
    comparison = compare_frames(mixed_table(150), mixed_table(120, seed=1), mixed_table(150, seed=2), MIXED)
    found = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            suspicion = suspect(comparison, comparison.synthetic)
            assert suspicion is not None
            found.append(suspicion)
    np.testing.assert_array_equal(found[0].members, found[1].members)
    np.testing.assert_array_equal(found[0].others, found[1].others)


def test_the_material_holds_rates_only(mixed_table: MixedTable) -> None:
    """Attacks are listed strongest first, curves rise, and no list is as long as the people."""
    comparison = compare_frames(mixed_table(400), mixed_table(300, seed=1), mixed_table(400, seed=2), MIXED)
    detail = Membership().measure(comparison, level=0.95).detail
    assert isinstance(detail, AttackScores)
    assert [item.rates[1] for item in detail.attacks] == sorted(
        (item.rates[1] for item in detail.attacks), reverse=True
    )
    for curve in detail.curves:
        assert list(curve.true_positive) == sorted(curve.true_positive)
        assert all(low <= at <= high for low, at, high in zip(curve.low, curve.true_positive, curve.high, strict=True))
    lonely = MembershipOutliers().measure(comparison, level=0.95).detail
    assert isinstance(lonely, LonelyScores)
    assert lonely.groups[0] == "everybody"


@pytest.mark.nightly
def test_false_alarms_are_as_rare_as_stated() -> None:
    """1,000 innocent releases: the corrected p-value is below 5 % in 5 % of them, within 1.5 points."""
    alarms, failed = 0, 0
    for seed in range(1_000):
        train, holdout, rows = (eight(150, 3_000 + 3 * seed + part) for part in range(3))
        comparison = compare_frames(train, holdout, rows, EIGHT, seed=seed)
        roles = cast(comparison)
        assert roles is not None
        subsets = column_subsets(EIGHT, comparison.scales, seed=seed)
        suspicion = attack(roles, comparison.synthetic, comparison.scales, seed=seed, trees=False, subsets=subsets)
        groups = asked_groups(comparison, suspicion)
        measured = strengths(suspicion.members, suspicion.others, child(seed, "null"), groups=groups)
        alarms += measured.p_value <= 0.05
        failed += measured.rate_interval(1, 0.95).low > 0.03
    assert alarms / 1_000 == pytest.approx(0.05, abs=0.015)
    assert failed <= 50
