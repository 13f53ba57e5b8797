"""What nobody signs: papers that contradict their own figures or each other, or do not say what they are about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabsynth.errors import VerificationError
from tabsynth.release.claims import require_sound
from tabsynth.release.keys import PrivateKey
from tabsynth.release.signing import sign
from tabsynth.report.build import Report, build_report
from tabsynth.report.render import render_html
from tabsynth.schema.model import Schema
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, evaluate_frames
from tests.release.folders import key_pair, release, write_report


@pytest.fixture
def key(tmp_path: Path) -> PrivateKey:
    """A key of Ward Seven."""
    return key_pair(tmp_path)


@pytest.fixture(scope="module")
def made(mixed_table: MixedTable) -> Report:
    """A report with limits that are kept, broken and open."""
    evaluation = evaluate_frames(mixed_table(300), mixed_table(150, seed=1), mixed_table(200, seed=2), MIXED)
    return build_report(evaluation, schema=Schema(tables={"mixed": MIXED}), context={"generator": "copula"})


def written(folder: Path, report: Report) -> Path:
    """Both editions in a folder."""
    for edition, place in ((report.external(), folder), (report, folder / "internal")):
        place.mkdir(parents=True)
        (place / "report.json").write_text(edition.to_json())
        (place / "report.html").write_text(render_html(edition))
    return folder


def test_a_report_as_it_was_made_is_sound(made: Report, tmp_path: Path) -> None:
    """Both editions, with their pages, whatever the verdicts."""
    require_sound(written(tmp_path / "out", made))
    assert {limit.result.verdict.value for limit in made.limits} >= {"pass", "fail", "insufficient evidence", "info"}


def test_no_verdict_of_a_report_can_be_mended(made: Report, tmp_path: Path) -> None:
    """Headline, verdict, that of every card, limit and result, in each edition, and the limits themselves."""
    out = written(tmp_path / "out", made)
    for place in (out, out / "internal"):
        report = json.loads((place / "report.json").read_text())
        ways: list[tuple[str | int, ...]] = [("headline",), ("verdict",), ("edition",)]
        ways += [("cards", number, "verdict") for number, _ in enumerate(report["cards"])]
        ways += [("limits", number, "result", "verdict") for number, _ in enumerate(report["limits"])]
        ways += [("limits", number, "clause", "limit") for number, _ in enumerate(report["limits"])]
        unseen = []
        for way in ways:
            changed = json.loads(json.dumps(report))
            inner = changed
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = _other(inner[way[-1]])
            write_report(place, changed)
            try:
                require_sound(out)
            except VerificationError:
                continue
            unseen.append(way)
        write_report(place, report)
        assert unseen == []
    require_sound(out)


def _other(value: Any) -> Any:
    if isinstance(value, float):
        return value / 2 + 1e-4
    return {"pass": "fail", "internal": "external", "external": "internal"}.get(value, "pass")


def test_a_verdict_mended_everywhere_is_held_against_its_figures(tmp_path: Path) -> None:
    """A fail that became a pass in limits, results, cards, headline and page of both editions."""
    out = release(tmp_path / "out", verdict="fail")
    require_sound(out)
    for place in (out, out / "internal"):
        text = (place / "report.json").read_text().replace('"fail"', '"pass"')
        text = text.replace("One of 1 limits is broken.", "All 1 limits that apply are kept.")
        write_report(place, json.loads(text))
    with pytest.raises(VerificationError, match="the verdict on copies does not follow from its figures"):
        require_sound(out)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda out: (out / "report.html").write_text("<p>All limits are kept."), "holds no data of a report"),
        (lambda out: write_page(out, lambda data: {**data, "title": "x"}), "is not the page of report.json"),
        (lambda out: (out / "report.json").write_text("[]"), "cannot be read as JSON"),
        (lambda out: twice(out / "report.json", '"verdict"'), "cannot be read as JSON"),
        (lambda out: twice(out / "manifest.json", '"sha256"'), "cannot be read as JSON"),
        (lambda out: without_hashes(out), "does not say which rows it is about"),
        (lambda out: elsewhere(out), "names a file in another folder"),
    ],
)
def test_what_contradicts_itself_is_not_signed(
    change: Callable[[Path], object], said: str, tmp_path: Path, key: PrivateKey
) -> None:
    """A page without or with other data, names that stand twice, papers about no rows or files elsewhere."""
    out = release(tmp_path / "out")
    sign(out, key)
    change(out)
    with pytest.raises(VerificationError, match=said):
        sign(out, key)


def write_page(out: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A page with other data than report.json."""
    text = (out / "report.json").read_text()
    write_report(out, change(json.loads(text)))
    (out / "report.json").write_text(text)


def twice(file: Path, name: str) -> None:
    """A name that stands twice in an object."""
    file.write_text(file.read_text().replace(name, f'{name}: "pass", {name}', 1))


def without_hashes(out: Path) -> None:
    """A report that says nothing of the rows it is about."""
    report = json.loads((out / "report.json").read_text())
    write_report(out, {**report, "context": {}})


def elsewhere(out: Path) -> None:
    """A manifest about a file outside of the release."""
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["sha256"]["../other.csv"] = "ab" * 32
    (out / "manifest.json").write_text(json.dumps(manifest))
