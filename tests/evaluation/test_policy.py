"""Policies: three verdicts by the ends of the interval, and files that are refused with their key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabsynth.errors import UsageError
from tabsynth.evaluation.base import METRICS, Family, Judged, Result, Verdict, worst
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.policy import Clause, judge, load_policy, parse_policy

ROOT = Path(__file__).parents[2]


def clause(limit: float, direction: str = "at most") -> Clause:
    """A limit on a metric that should be low, or on one that should be high."""
    return Clause.model_validate(
        {
            "name": "test",
            "metric": "detection" if direction == "at most" else "column-similarity",
            "direction": direction,
            "limit": limit,
            "source": "test",
            "rationale": "test",
        }
    )


def result(value: float, low: float, high: float, *, n: int = 100, judged: Judged | None = None) -> Result:
    """A detection result with an interval."""
    return Result(
        metric="detection",
        family=Family.DETECTION,
        question="?",
        better="lower",
        value=value,
        interval=Interval(low=low, high=high),
        n=n,
        judged=judged,
    )


@pytest.mark.parametrize(
    ("low", "high", "direction", "verdict"),
    [
        (0.5, 0.8, "at most", Verdict.PASS),
        (0.5, 0.81, "at most", Verdict.INSUFFICIENT),
        (0.8, 0.9, "at most", Verdict.INSUFFICIENT),
        (0.81, 0.9, "at most", Verdict.FAIL),
        (0.8, 0.9, "at least", Verdict.PASS),
        (0.79, 0.9, "at least", Verdict.INSUFFICIENT),
        (0.5, 0.79, "at least", Verdict.FAIL),
    ],
)
def test_the_ends_of_the_interval_decide(low: float, high: float, direction: str, verdict: Verdict) -> None:
    """Pass when the worse end keeps the limit, fail when the better end breaks it, else insufficient."""
    assert judge(result((low + high) / 2, low, high), clause(0.8, direction)).verdict is verdict


def test_the_judged_number_goes_before_the_value() -> None:
    """Where a limit applies to a share of the ceiling, the value itself does not decide."""
    share = Judged(what="share of the ceiling", value=0.99, interval=Interval(low=0.98, high=1.0))
    found = judge(result(0.5, 0.4, 0.6, judged=share), clause(0.95, "at least"))
    assert found.verdict is Verdict.PASS


def test_the_rows_that_would_decide_follow_from_the_width() -> None:
    """An interval twice too wide needs four times the rows; a value on the limit is never decided."""
    found = judge(result(0.7, 0.5, 0.9, n=100), clause(0.8))
    assert found.decides_at == 400
    assert judge(result(0.8, 0.7, 0.9), clause(0.8)).decides_at is None


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 1))
def test_pass_and_fail_exclude_each_other(value: float, half: float, limit: float) -> None:
    """A pass means that the estimate keeps the limit, a fail that it breaks it."""
    found = judge(result(value, value - half, value + half), clause(limit))
    if found.verdict is Verdict.PASS:
        assert value <= limit
    if found.verdict is Verdict.FAIL:
        assert value > limit


def test_a_limit_without_a_result_is_no_pass() -> None:
    """What was not measured is insufficient evidence under the name of its clause."""
    judged = load_policy().judge([])
    levels = {item.name: item.level for item in load_policy().clauses}
    for item in judged:  # a limit that only the level deep tests leaves other levels alone
        assert item.verdict is (Verdict.INFO if levels[item.clause or ""] == "deep" else Verdict.INSUFFICIENT)
    assert [item.clause for item in judged] == [item.name for item in load_policy().clauses]


def test_the_worst_verdict_stands() -> None:
    """Fail before insufficient before pass; without limits, none."""
    assert worst([Verdict.PASS, Verdict.INSUFFICIENT, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.INSUFFICIENT, Verdict.INFO]) is Verdict.INSUFFICIENT
    assert worst([Verdict.PASS, Verdict.INFO]) is Verdict.PASS
    assert worst([]) is Verdict.INFO


def test_the_default_policy_explains_itself() -> None:
    """It comes with the package; every clause names its source and its reason; its metrics exist."""
    policy = load_policy()
    assert policy.name == "default"
    for item in policy.clauses:
        assert item.metric in METRICS
        assert item.source
        assert len(item.rationale) > 40
    assert "near-copies" not in {item.metric for item in policy.clauses}


def test_the_copy_for_readers_is_the_policy_that_is_used() -> None:
    """`schemas/policies/default.yaml` and the file in the package are equal."""
    packaged = ROOT / "tabsynth" / "evaluation" / "policies" / "default.yaml"
    assert (ROOT / "schemas" / "policies" / "default.yaml").read_bytes() == packaged.read_bytes()


def test_a_policy_file_of_ones_own(tmp_path: Path) -> None:
    """A file is read by its path, and its confidence is the level of the metric's interval."""
    path = tmp_path / "strict.yaml"
    text = (ROOT / "schemas" / "policies" / "default.yaml").read_text(encoding="utf-8")
    path.write_text(
        text.replace("limit: 0.8\n    confidence: 0.95", "limit: 0.6\n    confidence: 0.99"), encoding="utf-8"
    )
    policy = load_policy(path)
    assert next(item.limit for item in policy.clauses if item.metric == "detection") == 0.6
    assert policy.level("detection") == 0.99
    assert policy.level("near-copies") == 0.95


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is no YAML"),
        ("- 1", "p: file"),
        (
            "name: p\ndescription: d\nextra: 1\nclauses:\n- {name: a, metric: detection, direction: at most, limit: 1, "
            "source: s, rationale: r}",
            "p: extra",
        ),
        ("name: p\ndescription: d\nclauses: []", "nothing would be judged"),
        ("name: p\ndescription: d\nclauses:\n- {metric: nothing}", "clauses.0"),
        (
            "name: p\ndescription: d\nclauses:\n- {name: a, metric: nonsense, direction: at most, limit: 1, "
            "source: s, rationale: r}",
            "is no metric; choose from: ",
        ),
        (
            "name: p\ndescription: d\nclauses:\n- &c {name: a, metric: detection, direction: at most, limit: 1, "
            "source: s, rationale: r}\n- *c",
            "two clauses have the same name",
        ),
        (
            "name: p\ndescription: d\nclauses:\n- {name: a, metric: detection, direction: at most, limit: 1, "
            "source: s, rationale: r}\n- {name: b, metric: detection, direction: at most, limit: 0.9, source: s, "
            "rationale: r}",
            "limit the same metric and subject",
        ),
    ],
)
def test_a_wrong_policy_is_refused_with_its_key(text: str, message: str) -> None:
    """The message names the file and the key, never prints the file."""
    with pytest.raises(UsageError, match=message):
        parse_policy(text, name="p")


@pytest.mark.parametrize("name", ["nonsense", "no/such/file.yaml"])
def test_an_unknown_policy_is_refused(name: str) -> None:
    """A name that is no policy, or a file that is not there."""
    with pytest.raises(UsageError, match=name):
        load_policy(name)


@pytest.mark.parametrize(
    ("metric", "direction", "limit", "message"),
    [
        ("membership", "at least", 0.03, "write 'at most'"),  # a leak would keep it
        ("membership", "at most", 3, "write 0.05 for 5 %"),  # nothing could break it
        ("membership-area", "at most", 55, "write 0.05 for 5 %"),
        ("column-similarity", "at most", 0.95, "write 'at least'"),
        ("worst-column", "at least", 0.1, "write 'at most'"),  # judged by how far it falls short
    ],
)
def test_a_limit_on_the_wrong_side_or_in_percent_is_refused(
    metric: str, direction: str, limit: float, message: str
) -> None:
    """A slip of the pen that would let every release pass is an error."""
    text = f"{{name: a, metric: {metric}, direction: {direction}, limit: {limit}, source: s, rationale: r}}"
    with pytest.raises(UsageError, match=message):
        parse_policy(f"name: p\ndescription: d\nclauses:\n- {text}", name="p")


def test_exceptions_are_about_metrics_that_exist() -> None:
    """A metric that is renamed takes its exceptions along."""
    from tabsynth.evaluation import evaluate, policy

    excepted = {*policy._JUDGED_BY_LOSS, *policy._BEYOND_ONE, *evaluate._WITHOUT_STRANGERS}
    assert excepted <= set(METRICS)
