"""Differences: verdicts first, scores only where intervals part, and budgets added as they compose."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tabsynth.dp.budget import epsilon_from, rho_from
from tabsynth.errors import UsageError
from tabsynth.release.difference import compare


def report(verdict: str = "pass", value: float | None = 0.9, **more: Any) -> dict[str, Any]:
    """A report with one limit and one score, as far as they are compared."""
    interval = None if value is None else {"low": value - 0.02, "high": value + 0.02}
    result = {
        "metric": "column-similarity",
        "subject": [],
        "value": value,
        "interval": interval,
        "better": "higher",
        "verdict": verdict,
    }
    clause = {"name": "columns", "direction": "at least", "limit": 0.9}
    return {
        "verdict": verdict,
        "context": {"generator": "copula", "parameters": {"min_people": 10}},
        "limits": [{"clause": clause, "result": result}],
        "evaluation": {"results": [result], "n_rows": {"train": 100}, "policy": {"name": "p", "clauses": [clause]}},
    } | more


def certificate(epsilon: float, *, transcript: str = "t", delta: float = 1e-6, max_rows: int = 1) -> dict[str, Any]:
    """A certificate, as far as budgets are compared."""
    claim = {
        "epsilon": epsilon,
        "delta": delta,
        "rho": rho_from(epsilon, delta),
        "delta_discovery": 0.0,
        "unit": "row",
        "max_rows": max_rows,
    }
    return {"claim": claim, "replay": {"transcript_sha256": transcript}}


def folder(place: Path, **papers: Any) -> Path:
    """A release with these papers."""
    place.mkdir()
    for name, content in papers.items():
        (place / f"{name}.json").write_text(json.dumps(content))
    return place


def test_equal_releases_have_no_difference(tmp_path: Path) -> None:
    """The same report twice: said in a sentence."""
    found = compare(folder(tmp_path / "a", report=report()), folder(tmp_path / "b", report=report()))
    assert not found.verdicts and not found.scores and not found.facts
    assert "no verdict changed" in "\n".join(found.lines())


def test_what_got_worse_leads(tmp_path: Path) -> None:
    """A broken limit, the score behind it, and another generator."""
    new = report("fail", 0.7, context={"generator": "independent", "parameters": {"min_people": 20}})
    found = compare(folder(tmp_path / "a", report=report()), folder(tmp_path / "b", report=new))
    assert found.lines()[:3] == (
        "verdict  pass -> fail",
        "worse    columns: pass -> fail",
        "worse    column-similarity (table): 0.9 -> 0.7",
    )
    assert found.facts == ("generator: copula -> independent", "parameter min_people: 10 -> 20")


@pytest.mark.parametrize(("value", "moved"), [(0.93, False), (0.95, True), (None, True)])
def test_scores_count_as_moved_when_intervals_part(tmp_path: Path, value: float | None, moved: bool) -> None:
    """What the intervals explain is no change; a score that is gone is one."""
    found = compare(folder(tmp_path / "a", report=report()), folder(tmp_path / "b", report=report(value=value)))
    assert bool(found.scores) is moved
    if value is not None and moved:
        assert found.scores[0].better


def test_a_metric_that_comes_or_goes_is_listed(tmp_path: Path) -> None:
    """On either side, as not measured on the other; its limit likewise."""
    bare = report()
    bare["evaluation"] = {"results": []}
    bare["limits"] = []
    full, none = folder(tmp_path / "a", report=report()), folder(tmp_path / "b", report=bare)
    assert [score.new for score in compare(full, none).scores] == [None]
    assert [score.old for score in compare(none, full).scores] == [None]
    assert [change.new for change in compare(full, none).verdicts] == [None]


def test_budgets_add_up_in_zcdp(tmp_path: Path) -> None:
    """Two of epsilon 1 cost less than 2 together and more than each; the numbers are those of the accountant."""
    old = folder(tmp_path / "a", certificate=certificate(1.0))
    new = folder(tmp_path / "b", certificate=certificate(1.0, transcript="u"))
    spending = compare(old, new).spending
    assert spending.epsilon == pytest.approx(epsilon_from(2 * rho_from(1.0, 1e-6), 2e-6))
    assert 1.0 < spending.epsilon < 2.0 and spending.delta == pytest.approx(2e-6)


def test_a_training_adds_up_at_its_orders_only(tmp_path: Path) -> None:
    """Its rho says nothing of larger orders: less than whole orders up to its own allow is never claimed."""
    trained = certificate(1.0, transcript="u") | {"costs": [{"kind": "training"}]}
    old, new = folder(tmp_path / "a", certificate=certificate(1.0)), folder(tmp_path / "b", certificate=trained)
    assert compare(old, new).spending.epsilon == 2.0, "no order is stated: epsilons add up"
    trained["claim"]["order"] = 15
    new = folder(tmp_path / "c", certificate=trained)
    rho = 2 * rho_from(1.0, 1e-6)
    found = compare(old, new).spending.epsilon
    assert found == min(2.0, epsilon_from(rho, 2e-6, order=15)) and found > epsilon_from(rho, 2e-6)


def test_figures_that_were_paid_for_are_counted(tmp_path: Path) -> None:
    """Those of an appraisal beside the rows, once where both folders hold the same."""
    papers = {"certificate": certificate(1.0), "appraisal": {"rho": 0.01, "ledger": {"release": "f"}}}
    plain, paid = folder(tmp_path / "a", certificate=certificate(1.0)), folder(tmp_path / "b", **papers)
    again = folder(tmp_path / "c", **papers)
    expected = epsilon_from(rho_from(1.0, 1e-6) + 0.01, 1e-6)
    for pair in ((plain, paid), (paid, plain), (paid, again)):
        spending = compare(*pair).spending
        assert spending.epsilon == pytest.approx(expected) and "appraisal.json included" in spending.sentence
    other = folder(tmp_path / "d", **papers | {"appraisal": {"rho": 0.02, "ledger": {"release": "g"}}})
    assert compare(paid, other).spending.epsilon == pytest.approx(epsilon_from(rho_from(1.0, 1e-6) + 0.03, 1e-6))


def test_noise_of_a_test_source_bounds_nothing(tmp_path: Path) -> None:
    """A certificate that says INSECURE gives no epsilon to a sum."""
    insecure = certificate(1.0, transcript="u")
    insecure["claim"]["secure"] = False
    spending = compare(
        folder(tmp_path / "a", certificate=certificate(1.0)), folder(tmp_path / "b", certificate=insecure)
    ).spending
    assert spending.epsilon is None and "no bound" in spending.sentence


def test_a_certificate_of_nonsense_is_named(tmp_path: Path) -> None:
    """Keys that are missing and numbers that are none end with a word, not with a traceback."""
    good = folder(tmp_path / "a", certificate=certificate(1.0))
    broken = certificate(1.0)
    broken["claim"]["rho"] = math.nan
    for number, paper in enumerate(({}, broken, {"claim": 1})):
        with pytest.raises(UsageError, match=r"certificate\.json"):
            compare(good, folder(tmp_path / f"b{number}", certificate=paper))


def test_one_transcript_costs_once(tmp_path: Path) -> None:
    """Other rows of the same model file spend nothing more."""
    old = folder(tmp_path / "a", certificate=certificate(1.0))
    new = folder(tmp_path / "b", certificate=certificate(1.0))
    assert compare(old, new).spending.epsilon == 1.0


def test_without_a_certificate_there_is_no_bound(tmp_path: Path) -> None:
    """None of two, or one of two: no number is given."""
    private = folder(tmp_path / "a", certificate=certificate(1.0))
    plain, other = folder(tmp_path / "b", report=report()), folder(tmp_path / "c", report=report())
    for pair in ((private, plain), (plain, other)):
        spending = compare(*pair).spending
        assert spending.epsilon is None and "no bound" in spending.sentence


def test_different_units_are_told(tmp_path: Path) -> None:
    """One row and three rows of a person are not the same protection."""
    old = folder(tmp_path / "a", certificate=certificate(1.0))
    new = folder(tmp_path / "b", certificate=certificate(1.0, transcript="u", max_rows=3))
    assert "different units" in compare(old, new).spending.sentence


def test_a_report_file_can_be_given(tmp_path: Path) -> None:
    """Alone, without its folder; and the internal report is preferred in a folder."""
    place = folder(tmp_path / "a", report=report())
    (place / "internal").mkdir()
    (place / "internal" / "report.json").write_text(json.dumps(report("fail")))
    assert compare(place / "report.json", place).verdict_new == "fail"


def test_what_is_no_release_is_named(tmp_path: Path) -> None:
    """An empty folder, broken JSON, another JSON."""
    empty = folder(tmp_path / "a")
    with pytest.raises(UsageError, match="neither"):
        compare(empty, empty)
    (empty / "report.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        compare(empty, empty)
    (empty / "report.json").write_text("{}")
    with pytest.raises(UsageError, match="is no report"):
        compare(empty / "report.json", empty)
