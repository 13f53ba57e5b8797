"""Known-bad and known-good releases: what must be caught is caught, what must stay quiet stays quiet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabsynth.errors import InsufficientDataError, UsageError
from tabsynth.evaluation.base import Verdict
from tabsynth.evaluation.canaries import Trials, try_canaries
from tabsynth.evaluation.canaries.catalogue import CANARIES, EVERYTHING, FIDELITY
from tabsynth.evaluation.comparison import read_frame
from tabsynth.evaluation.policy import load_policy, parse_policy
from tabsynth.report.canaries import render_trials
from tabsynth.schema.columns import Categorical, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.model import Table
from tests.evaluation.samples import adult

PATIENTS = Table(
    entity_key="person",
    columns={
        "person": Identifier(),
        "record": Identifier(),
        "note": Text(fill="placeholder"),
        "ward": Categorical(),
        "age": Integer(),
        "dose": Number(decimals=1),
        "seen": DateTime(resolution="day"),
    },
)


def patients(n_people: int) -> pd.DataFrame:
    """People with two rows each, identifiers, notes, dates, and gaps that belong to one ward."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(n_people), 2)
    ward = rng.choice(4, n_people, p=[0.4, 0.3, 0.2, 0.1])[person]
    age = (rng.integers(20, 90, n_people) + 3 * rng.integers(0, 2, n_people))[person]
    dose = np.where(
        (ward == 2) & (rng.random(len(person)) < 0.7), np.nan, (age * 0.3 + 6 * ward + rng.normal(size=len(person)))
    )
    return pd.DataFrame(
        {
            "person": [f"P{number}" for number in person],
            "record": [f"R{number}" for number in range(len(person))],
            "note": [f"remark number {number} in full" for number in range(len(person))],
            "ward": np.array(list("abcd"))[ward],
            "age": age,
            "dose": dose.round(1),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, len(person)), unit="D"),
        }
    )


def tried(*names: str, n_people: int = 2_400, **options: object) -> Trials:
    """Some canaries on the patients."""
    typed = read_frame(patients(n_people), PATIENTS, name="patients")
    return try_canaries(typed, PATIENTS, names=names, **options)  # type: ignore[arg-type]


def test_there_are_enough_and_each_expects_something() -> None:
    """At least 25 bad ones with an alarm each, and good ones that may set off nothing."""
    bad = [canary for canary in CANARIES if not canary.good]
    assert len(bad) >= 25
    for canary in bad:
        assert {"fail", "no pass"} & set(canary.expected.values()), canary.name
        assert canary.about.endswith("."), canary.name
    usual = {clause.metric for clause in load_policy().clauses if clause.level == "standard"}
    assert usual - {"schema-violations"} <= set(EVERYTHING)
    assert len({canary.name for canary in CANARIES}) == len(CANARIES)


def test_what_a_census_does_not_have_is_caught_too() -> None:
    """Identifiers, texts, people with several rows, dates."""
    found = tried(
        "fresh", "kept-identifiers", "kept-texts", "stale-order", "wrong-digits", "scattered-gaps", "copies-1-percent"
    )
    assert [trial.name for trial in found.trials if not trial.made] == []
    assert [(t.name, f) for t in found.trials for f in t.findings if not f.met] == []
    assert found.wrong == ()


@pytest.mark.nightly
def test_real_rows_reach_their_ceiling_and_every_corruption_is_felt() -> None:
    """Two halves of one table score .98 of perfect on every fidelity metric; what is damaged falls by .05 or more."""
    frame, table = adult(30_000)
    typed = read_frame(frame, table, name="adult")
    damaged = [canary.name for canary in CANARIES if canary.make.__module__.endswith("damage") and not canary.good]
    tried = try_canaries(typed, table, names=["fresh", *damaged], metrics=FIDELITY, max_rows=10_000)
    found = {trial.name: trial for trial in tried.trials}
    real = {finding.metric: finding.score for finding in found["fresh"].findings if finding.score is not None}
    assert min(real.values()) >= 0.98, real
    for trial in found.values():
        for finding in trial.findings:
            if finding.expected == "fail" and finding.score is not None:
                assert real[finding.metric] - finding.score >= 0.05, (trial.name, finding.metric)


@pytest.mark.nightly
def test_nearly_all_expected_verdicts_are_found_on_the_census() -> None:
    """95 % of alarms and of silences under the default policy; no good release fails, no bad one passes."""
    frame, table = adult(9_000)
    found = try_canaries(read_frame(frame, table, name="adult"), table, max_rows=3_000)
    assert sum(trial.made for trial in found.trials) >= 29
    assert found.met_alarms >= 0.95
    assert found.met >= 0.95
    assert found.wrong == ()


def test_a_policy_that_asks_too_little_is_told_so() -> None:
    """Without a limit on copies, a release of copies passes, and the page says which limit is missing."""
    policy = parse_policy(
        "format: 1\nname: lax\ndescription: x\nclauses:\n- {name: gaps, metric: missingness, direction: at most, "
        "limit: 0.5, source: x, rationale: x}\n",
        name="lax",
    )
    found = tried("fresh", "verbatim-shuffled", policy=policy)
    assert found.wrong == ("verbatim-shuffled",)
    page = render_trials(found)
    assert "wrong about: verbatim-shuffled" in page
    assert "no such limit in this policy" in page


def test_nothing_of_the_table_is_on_the_page() -> None:
    """Neither names of categories nor values, but names of metrics."""
    page = render_trials(tried("kept-texts", "one-loner"))
    assert "remark number" not in page
    assert "single-copies" in page


def test_too_few_rows_and_unknown_names_are_named() -> None:
    """Three parts of at least 300 rows; names are listed."""
    with pytest.raises(InsufficientDataError, match="at least 900"):
        tried("fresh", n_people=100)
    with pytest.raises(UsageError, match="no canary is called 'parrot'"):
        tried("parrot")


def test_the_command_writes_a_page_and_says_how_it_ended(tmp_path: Path) -> None:
    """Exit code 0 where the policy is right; the files are there."""
    from typer.testing import CliRunner

    from tabsynth.cli import app

    root = Path(__file__).parents[2]
    arguments = [str(root / "schemas/patients.yaml"), str(root / "examples/patients.csv"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["canary", *arguments, "--only", "verbatim-shuffled", "--only", "fresh"])
    assert result.exit_code == 0, result.output
    assert "verbatim-shuffled" in (tmp_path / "out" / "canaries.md").read_text(encoding="utf-8")
    assert (
        Trials.model_validate_json((tmp_path / "out" / "canaries.json").read_text()).trials[0].verdict is Verdict.FAIL
    )
