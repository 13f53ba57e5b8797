"""The page: complete in itself, well formed, inert whatever the names, and without a trace of any training row."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import METRICS
from tabsynth.report.build import Report, build_report
from tabsynth.report.render import render_html
from tabsynth.schema.columns import Boolean, Categorical, Column, DateTime, Identifier, Integer, Number, Text
from tabsynth.schema.model import Schema, Table
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, evaluate_frames

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]


@pytest.fixture(scope="module")
def report(mixed_table: MixedTable) -> Report:
    """Of fresh rows in place of synthetic ones."""
    evaluation = evaluate_frames(mixed_table(400), mixed_table(200, seed=1), mixed_table(300, seed=2), MIXED)
    context = {
        "generator": "copula",
        "parameters": {"k": 10},
        "warnings": ["three columns were pooled"],
        "questions": ["age: is it capped?"],
        "hashes": {"synthetic.csv": "ab" * 32},
        "versions": {"tabsynth": "0"},
        "created": "2024-02-29",
    }
    return build_report(evaluation, schema=Schema(tables={"mixed": MIXED}), context=context)


@pytest.fixture(scope="module")
def page(report: Report) -> Page:
    """The parsed page."""
    return Page(render_html(report))


def test_the_page_is_complete_in_itself(page: Page) -> None:
    """Nothing is loaded, nothing runs, and all links stay on the page."""
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "form", "base"}
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert [attributes.get("type") for attributes in scripts] == ["application/json"]
    assert page.values("src") == []
    assert all(value.startswith("#") for value in page.values("href"))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_the_page_names_no_address_outside(report: Report) -> None:
    """No URL and no import is in text or style."""
    text = render_html(report)
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_links_lead_somewhere(page: Page) -> None:
    """Every anchor has its target, and no id is given twice."""
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in page.values("href")} <= set(ids)


def test_the_page_can_be_used_without_eyes_or_mouse(page: Page) -> None:
    """Language, one main, headings in order, charts with text, tables with headers, regions with names."""
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("main") == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
        if attributes.get("tabindex"):
            assert attributes.get("aria-label")


def test_the_decision_comes_first_and_the_holdout_check_with_it(page: Page) -> None:
    """Verdicts, what was not tested and the check of the holdout stand before any section of evidence."""
    text = " ".join(page.text)
    order = [
        text.index(words)
        for words in (
            "Holdout check.",
            "Verdict of each card",
            "The gravest findings",
            "Not tested",
            "No verdict here says",
            "All limits",
            "three columns were pooled",
            "Does each column, taken alone",
        )
    ]
    assert min(order) == order[0]
    assert max(order) == order[-1]
    assert "what was not tested" in text
    assert "age: is it capped?" in text
    assert "ab" * 32 in text


def test_every_limit_states_source_and_reason(page: Page, report: Report) -> None:
    """The policy is printed in full."""
    text = " ".join(" ".join(page.text).split())
    for limit in report.limits:
        assert limit.clause.name in text
        assert " ".join(limit.clause.rationale.split()) in text
        assert limit.clause.source in text


def test_the_data_travels_along(page: Page, report: Report) -> None:
    """The inert element holds the whole report as JSON."""
    assert json.loads("".join(page.scripts)) == json.loads(report.to_json())


def test_colours_have_contrast() -> None:
    """Text and badge colours of the style sheet reach 4.5:1 on their backgrounds."""
    from importlib.resources import files

    style = files("tabsynth.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
    pairs = [(ink, "#ffffff") for ink in re.findall(r"--(?:ink|muted|link): (#[0-9a-f]{6})", style)]
    pairs += re.findall(r"\.badge\.\w+ \{ color: (#\w{6}); background: (#\w{6})", style)
    assert len(pairs) == 7
    for ink, ground in pairs:
        assert _contrast(ink, ground) >= 4.5, (ink, ground)


def _contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_hostile_names_and_cells_are_text(hostile: pd.DataFrame) -> None:
    """Markup, template and script syntax in names, categories and context stays inert on the page and in its data."""
    kinds: dict[str, Column] = {name: Categorical() for name in hostile.columns}
    kinds["<script>alert(1)</script>"], kinds["größe in µm"], kinds["__proto__"] = Number(), Integer(), Number()
    table = Table(columns=kinds)
    many = pd.concat([hostile] * 4, ignore_index=True)
    evaluation = evaluate_frames(many, many.iloc[:200], many.iloc[40:], table)
    assert [result.error for result in evaluation.results if result.error] == []
    schema = Schema(name="<img src=x onerror=alert(1)>", tables={"t": table})
    context = {
        "generator": "{{ 7 * 7 }}",
        "warnings": ["</script><script>alert(2)</script>"],
        "parameters": {"<i>": "<b>"},
    }
    report = build_report(evaluation, schema=schema, context=context)
    text = render_html(report)
    page = Page(text)
    assert "{{ 7 * 7 }}" in " ".join(page.text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {tag for tag, _ in page.tags} & {"img", "i0", "b0"}
    assert "<script>alert" not in text
    assert json.loads("".join(page.scripts)) == json.loads(report.to_json())


def test_nothing_of_a_training_row_is_on_the_page() -> None:
    """Canaries in every kind of column, copied into the synthetic table, leave no trace in page or JSON."""
    rng = np.random.default_rng(0)
    n = 400
    table = Table(
        columns={
            "key": Identifier(),
            "note": Text(),
            "group": Categorical(),
            "amount": Number(),
            "count": Integer(),
            "day": DateTime(resolution="day"),
            "flag": Boolean(),
        }
    )

    def draw(prefix: str) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "key": [f"{prefix}{n:06d}" for n in rng.permutation(n)],
                "note": [f"{prefix} said something {n}" for n in range(n)],
                "group": rng.choice(["north", "south"], n),
                "amount": rng.normal(100, 20, n).round(2),
                "count": rng.poisson(30, n),
                "day": pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
                "flag": rng.random(n) < 0.3,
            }
        )

    train, holdout, synthetic = draw("REAL"), draw("HELD"), draw("MADE")
    for place in range(9):  # one fewer than may be shown
        row = [f"CANARY-{place}", "CANARY words", "CANARY-GROUP", 9_876_543.25, 7_654_321, pd.Timestamp("1871-05-07")]
        train.loc[place, ["key", "note", "group", "amount", "count", "day"]] = row
    synthetic.iloc[:100] = train.iloc[:100].to_numpy()
    synthetic = synthetic.astype(train.dtypes)
    evaluation = evaluate_frames(train, holdout, synthetic, table)
    report = build_report(evaluation, schema=Schema(tables={"t": table}), context={})
    for text in (render_html(report), report.to_json()):
        for canary in ("CANARY", "9876543", "9,876,543", "7654321", "7,654,321", "1871", "REAL0", "said something"):
            assert canary not in text
        for column in ("amount", "count"):
            extremes = train[column].drop(range(9))
            assert f">{extremes.max()}<" not in text
            assert f">{extremes.min()}<" not in text
    assert evaluation.result("identifier-reuse").value == 100


@pytest.mark.parametrize("metrics", [[name] for name in METRICS])
def test_each_section_stands_alone(metrics: list[str], mixed_table: MixedTable) -> None:
    """The page renders whichever metrics were run, also where nothing could be measured."""
    evaluation = evaluate_frames(
        mixed_table(25), mixed_table(12, seed=1), mixed_table(25, seed=2), MIXED, metrics=metrics
    )
    report = build_report(evaluation, schema=Schema(tables={"mixed": MIXED}), context={})
    assert "There is no result for this limit" in " ".join(Page(render_html(report)).text)


def test_a_wide_table_is_drawn_in_part() -> None:
    """More columns than a page should hold: charts are capped, and the page says so."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 70)).round(2), columns=[f"c{n}" for n in range(70)])
    table = Table(columns={name: Number() for name in frame.columns})
    quick = ["column-similarity", "pair-similarity", "association"]
    evaluation = evaluate_frames(frame.iloc[:40], frame.iloc[40:80], frame.iloc[80:], table, metrics=quick)
    text = render_html(build_report(evaluation, schema=Schema(tables={"wide": table}), context={}))
    assert "The 60 columns furthest from their ceiling are drawn." in " ".join(" ".join(Page(text).text).split())
    assert len(text) < 3_000_000
