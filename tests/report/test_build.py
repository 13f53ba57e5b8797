"""The report as data: cards, sections, words, and files that appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tabsynth.errors import OutputError, UsageError
from tabsynth.evaluation import Evaluation
from tabsynth.evaluation.base import METRICS, Family, Verdict
from tabsynth.evaluation.policy import parse_policy
from tabsynth.report.build import Context, Report, build_report
from tabsynth.report.sections import SECTIONS
from tabsynth.report.wording import headline, number, percent
from tabsynth.schema.columns import Integer
from tabsynth.schema.model import Schema, Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, evaluate_frames, shuffled

SCHEMA = Schema(name="ward", tables={"mixed": MIXED})


@pytest.fixture(scope="module")
def evaluation(mixed_table: MixedTable) -> Evaluation:
    """A generator that lost all dependence and invented its keys."""
    synthetic = shuffled(mixed_table(400, seed=2)).assign(record=[f"S{n}" for n in range(400)])
    return evaluate_frames(mixed_table(500), mixed_table(400, seed=1), synthetic, MIXED)


@pytest.fixture(scope="module")
def report(evaluation: Evaluation) -> Report:
    """Its report."""
    return build_report(evaluation, schema=SCHEMA, context={"generator": "independent", "seed": 3})


def test_every_family_has_a_card_led_by_its_gravest_limit(report: Report) -> None:
    """The card's verdict is the worst of its limits, and its sentence is about one of them."""
    assert [card.family for card in report.cards] == list(Family)
    for card in report.cards:
        own = [limit for limit in report.limits if limit.result.family == card.family]
        assert card.lead is not None
        assert card.lead.verdict == card.verdict
        assert card.sentence in {limit.sentence for limit in own}
        assert card.passed == sum(limit.result.verdict is Verdict.PASS for limit in own)
    fidelity = next(card for card in report.cards if card.family is Family.FIDELITY)
    assert fidelity.verdict is Verdict.FAIL


def test_there_is_no_overall_score(report: Report) -> None:
    """The report has one verdict, the gravest, and no number that blends others."""
    assert report.verdict is Verdict.FAIL
    assert not [name for name in Report.model_fields if "score" in name]


def test_every_limit_of_the_policy_is_answered(report: Report) -> None:
    """Clause by clause, in the policy's order, each with a sentence that ends."""
    assert [limit.clause for limit in report.limits] == list(report.evaluation.policy.clauses)
    assert all(limit.sentence.endswith(".") for limit in report.limits)


def test_what_is_judged_of_models_is_said(report: Report) -> None:
    """The sentence names the number that the limit is about, not only means that look better."""
    limit = next(limit for limit in report.limits if limit.result.metric == "train-on-synthetic")
    assert limit.result.judged is not None and limit.result.judged.value is not None
    assert limit.sentence.endswith(f"loses most loses {number(limit.result.judged.value, 'score')}.")


def test_every_metric_has_a_section(report: Report) -> None:
    """A metric of the registry belongs to exactly one section."""
    listed = [metric for _, _, _, metrics in SECTIONS for metric in metrics]
    assert sorted(listed) == sorted(METRICS)
    shown = [result.metric for section in report.sections for result in section.results]
    assert sorted(shown) == sorted(METRICS)


def test_the_columns_are_those_of_the_schema(report: Report) -> None:
    """In its order, with type and role; a report of other columns than the schema's has names and types alone."""
    assert [column.name for column in report.columns] == list(MIXED.columns)
    assert (report.columns[0].type, report.columns[0].role) == ("identifier", "direct-identifier")
    other = build_report(report.evaluation, schema=Schema(tables={"t": Table(columns={"a": Integer()})}), context={})
    assert {column.role for column in other.columns} == {"none"}


def test_the_gravest_findings_lead(report: Report) -> None:
    """Three at most, broken limits first, each in the words of its limit."""
    assert 0 < len(report.concerns) <= 3
    assert report.concerns[0].verdict is Verdict.FAIL
    said = {limit.clause.name: limit.sentence for limit in report.limits}
    assert all(concern.sentence == said[concern.limit] for concern in report.concerns)


def test_names_of_files_lose_their_folders() -> None:
    """A path may name a person or a customer."""
    context = Context(files={"train": "/home/ada/secret/train.csv"}, hashes={"/tmp/out/synthetic.csv": "ab" * 32})
    assert context.files == {"train": "train.csv"}
    assert context.hashes == {"synthetic.csv": "ab" * 32}


@pytest.mark.parametrize("context", [{"generatr": "x"}, {"seed": "not a number"}])
def test_a_wrong_context_is_refused(context: dict[str, str], evaluation: Evaluation) -> None:
    """Unknown keys and wrong types are named errors."""
    with pytest.raises(UsageError, match="context: "):
        build_report(evaluation, schema=SCHEMA, context=context)


def test_the_same_report_as_json(report: Report, tmp_path: Path) -> None:
    """The file holds what the object holds, as versioned JSON."""
    path = tmp_path / "report.json"
    report.save(path)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["format"] == 2 and found["edition"] == "internal"
    assert found == json.loads(report.to_json())
    assert found["evaluation"]["details"]["pair-similarity"]["scores"][0]["first"] == "age"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_html_by_its_suffix(report: Report, tmp_path: Path) -> None:
    """A name in .html is a page."""
    report.save(tmp_path / "report.HTML")
    assert (tmp_path / "report.HTML").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_other_suffixes_and_folders_are_refused(report: Report, tmp_path: Path) -> None:
    """Nothing is written where it cannot be, or as what it is not."""
    with pytest.raises(UsageError, match=r"\.html, \.json or \.pdf"):
        report.save(tmp_path / "report.docx")
    with pytest.raises(OutputError, match="no such folder"):
        report.save(tmp_path / "absent" / "report.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([Verdict.PASS, Verdict.PASS, Verdict.INFO], "All 2 limits that apply are kept."),
        ([Verdict.FAIL, Verdict.PASS], "One of 2 limits is broken."),
        (
            [Verdict.FAIL, Verdict.FAIL, Verdict.INSUFFICIENT],
            "Two of 3 limits are broken, and one cannot be decided from these rows.",
        ),
        (
            [Verdict.INSUFFICIENT, Verdict.PASS],
            "No limit is broken; one of 2 cannot be decided from these rows.",
        ),
        ([Verdict.INFO], "No limit was applied."),
    ],
)
def test_the_first_sentence_counts_limits(verdicts: list[Verdict], words: str) -> None:
    """The headline says how many limits are broken or open."""
    assert headline(verdicts) == words


def test_numbers_read_well() -> None:
    """Small shares keep their digits, areas have three, counts have none."""
    assert (percent(0.98765), percent(0.00067), percent(0.00001)) == ("98.8 %", "0.07 %", "0 %")
    assert (number(0.51234, "area"), number(12345.0, "count"), number(None, "share")) == ("0.512", "12,345", "–")


def test_a_report_in_a_notebook_is_short(report: Report) -> None:
    """One line where it ends a cell, and by `print` the verdict of each card; the whole is for `save`."""
    assert repr(report) == f"Report(title={report.title!r}, edition='internal', verdict={report.verdict.value!r})"
    lines = str(report).splitlines()
    assert lines[:2] == [report.title, report.headline]
    assert [line.split(":")[0] for line in lines[2:]] == [card.title for card in report.cards]


def test_verdict_and_headline_are_of_the_limits_alone(mixed_table: MixedTable) -> None:
    """What no limit is about and could not be measured is no verdict: the two say the same."""
    kept = parse_policy(
        "{format: 1, name: p, description: d, clauses: [{name: c, metric: row-order, direction: at most, limit: 1, "
        "source: s, rationale: r}]}",
        name="p",
    )
    few = [mixed_table(20, seed=seed) for seed in range(3)]
    found = evaluate_frames(*few, MIXED, policy=kept, metrics=["row-order", "detection"])
    assert found.result("detection").verdict is Verdict.INSUFFICIENT
    made = build_report(found, schema=Schema(tables={"mixed": MIXED}), context={})
    assert made.headline == "All 1 limits that apply are kept." and made.verdict is Verdict.PASS
