"""Chapters of the dossier: context of use, attackers, the eighteen classes; JSON under its published schema; PDF."""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path

import jsonschema
import pytest

from tabsynth.errors import MissingExtraError, UsageError
from tabsynth.evaluation.base import METRICS, Family, Result, Verdict
from tabsynth.identifiers.findings import Finding, ScannedColumn, ScanReport
from tabsynth.identifiers.hipaa import SafeHarborClass
from tabsynth.report import pdf
from tabsynth.report.build import Report, build_report
from tabsynth.report.chapters import arrange, play
from tabsynth.report.published_schema import report_json_schema
from tabsynth.report.render import render_html
from tabsynth.report.use import Use, load_use
from tabsynth.report.wording import FAMILIES
from tabsynth.schema.model import Schema
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, evaluate_frames

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report(mixed_table: MixedTable) -> Report:
    """A report with a context of use and a scan that left one class open."""
    evaluation = evaluate_frames(mixed_table(300), mixed_table(150, seed=1), mixed_table(200, seed=2), MIXED)
    finding = Finding(
        column="admitted",
        position=8,
        place="cells",
        kind=SafeHarborClass.DATE,
        detector="date",
        confidence=0.99,
        n_found=300,
        n_looked_at=300,
        treatment=None,
        status="unresolved",
        evidence="admitted: dates finer than a year",
        remedy="treatment: year",
    )
    scan = ScanReport(
        n_rows=300,
        columns=(ScannedColumn("admitted", 8, 300, 300),),
        findings=(finding,),
        schema_given=True,
        method=("every text was searched",),
    )
    return build_report(
        evaluation,
        schema=Schema(tables={"mixed": MIXED}),
        context={"generator": "copula", "hashes": {"synthetic.csv": "ab" * 32}},
        use=Use(purpose="Teaching", controls=("No copies",)),
        scan=scan,
    )


def test_every_family_of_the_wording_has_a_chapter() -> None:
    """Also one that is added later, or by a plug-in: what was measured is never left out."""
    results = [(family.value, [Result(metric="m", family=family, question="?", better="lower")]) for family in FAMILIES]
    placed = [section for chapter in arrange(results) for section in chapter.sections]
    assert sorted(placed) == sorted(family.value for family in FAMILIES)


def test_utility_and_fairness_are_shown_where_nothing_was_measured() -> None:
    """A gap in the evidence has a heading of its own."""
    chapters = {chapter.id: chapter for chapter in arrange([])}
    assert {"fidelity", "utility", "fairness", "privacy"} == set(chapters)
    assert not any(chapter.sections for chapter in chapters.values())


def test_every_attack_plays_an_attacker(report: Report) -> None:
    """Each measured metric of copies and attacks is one attacker's; those nobody played are listed as not tested."""
    played = [metric for threat in report.threats for metric in threat.metrics]
    measured = {
        result.metric
        for result in report.evaluation.results
        if result.family in (Family.COPIES, Family.ATTACKS) and result.value is not None
    }
    assert sorted(played) == sorted(measured) and len(played) == len(set(played))
    assert [threat.metrics for threat in report.threats[-2:]] == [(), ()]
    assert "nobody: not tested" in render_html(report)
    failed = [result.model_copy(update={"verdict": Verdict.FAIL}) for result in report.evaluation.results]
    assert play(failed)[0].verdict is Verdict.FAIL


def test_an_attack_that_nobody_made_is_not_told_as_made(report: Report) -> None:
    """At the level standard no recipe is repeated: the section says what the attack is, its rows that it is open."""
    (section,) = [section for section in report.sections if section.id == "shadow"]
    assert all(result.value is None for result in section.results)
    assert "was repeated" not in section.intro and "was held" not in section.intro


def test_all_sections_lie_in_chapters(report: Report) -> None:
    """Once each."""
    placed = [section for chapter in report.chapters for section in chapter.sections]
    assert sorted(placed) == sorted(section.id for section in report.sections)


def test_the_checklist_has_eighteen_rows_with_evidence(report: Report) -> None:
    """With a scan: its statuses and reasons; without one, every class is said not to have been looked for."""
    rows = report.safe_harbor.rows
    assert [row.letter for row in rows] == [kind.value for kind in SafeHarborClass] and len(rows) == 18
    assert rows[2].status == "unresolved" and "finer than a year" in rows[2].evidence
    assert report.safe_harbor.summary.startswith("17 of 18")
    assert "membership" in report.safe_harbor.methods
    assert "epsilon-audit" not in report.safe_harbor.methods  # nothing to audit: not carried out
    page = render_html(report)
    assert "left blank; nothing was filled in by a program" in page and "(b)(2)(ii)" in page
    bare = build_report(report.evaluation, schema=Schema(tables={"mixed": MIXED}), context={})
    assert {row.status for row in bare.safe_harbor.rows} == {"not looked for"} and len(bare.safe_harbor.rows) == 18


def test_what_nobody_said_is_not_stated(report: Report) -> None:
    """A key that is left out is printed as such, not filled."""
    page = render_html(report)
    assert "Teaching" in page and "No copies" in page
    assert page.count("not stated</span>") == len(Use.model_fields) - 2


def test_a_context_is_read_from_yaml(tmp_path: Path) -> None:
    """Lists, dates and lines; what cannot be read is named with its key."""
    file = tmp_path / "use.yaml"
    file.write_text("purpose: Teaching\ncontrols: [a, b]\nreview_by: 2031-01-31\n")
    found = load_use(file)
    assert found.controls == ("a", "b") and str(found.review_by) == "2031-01-31"
    for text, says in (
        ("purpos: x", "purpos"),
        ("review_by: soon", "review_by"),
        ("- x", "no keys"),
        ("a: [", "no YAML"),
        ("purpose: ''", "purpose"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=says):
            load_use(file)
    with pytest.raises(UsageError, match="cannot be read"):
        load_use(tmp_path / "absent")


def test_the_published_schema_describes_both_editions(report: Report) -> None:
    """schemas/report.schema.json is what the model says, and both editions are valid under it."""
    file = ROOT / "schemas" / "report.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == report_json_schema(), (
        "write it again: tabsynth schema --report-schema -o schemas/report.schema.json"
    )
    validator = jsonschema.Draft202012Validator(report_json_schema())
    for edition in (report, report.external()):
        assert list(validator.iter_errors(json.loads(edition.to_json()))) == []
    broken = json.loads(report.to_json()) | {"edition": "secret"}
    assert list(validator.iter_errors(broken))


def test_a_pdf_holds_the_json_and_has_no_clock(report: Report) -> None:
    """The same report gives the same bytes, with its data attached."""
    if not pdf.pdf_available():
        pytest.skip("needs the extra pdf, and Pango")
    small = report.model_copy(
        update={"sections": (), "chapters": tuple(c.model_copy(update={"sections": ()}) for c in report.chapters)}
    )
    made = pdf.render_pdf(small)
    streams = [zlib.decompress(part) for part in re.findall(rb"stream\n(x\xda.*?)\nendstream", made, flags=re.DOTALL)]
    assert made.startswith(b"%PDF") and small.to_json().encode() in streams
    assert any(b"EmbeddedFile" in part for part in (made, *streams))
    assert made == pdf.render_pdf(small)


def test_without_weasyprint_the_error_says_how_to_get_it(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no PDF is promised where none can be made."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert not pdf.pdf_available()
    with pytest.raises(MissingExtraError, match=r"tabsynth\[pdf\]"):
        report.save("report.pdf")


def test_metrics_are_all_known_to_the_chapters() -> None:
    """No built-in metric is in a chapter by accident."""
    families = {METRICS[name]().family.value for name in METRICS}
    known = {"validity", "fidelity", "detection", "utility", "fairness", "copies", "attacks"}
    assert families <= known
