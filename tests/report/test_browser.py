"""The page in a real browser: nothing complains, everybody can use it, and it fits a telephone and paper.

Debian's Chromium, driven by Playwright, with axe-core for accessibility. Where one of them is not installed these tests
skip and say which; nothing is downloaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabsynth.evaluation import Evaluation
from tabsynth.report.build import Report, build_report
from tabsynth.report.render import render_html
from tabsynth.report.use import Use
from tabsynth.schema.model import Schema
from tests.conftest import MixedTable
from tests.evaluation.samples import MIXED, evaluate_frames

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers have little of it, and a page that needs more crashes
]
PATIENCE = 600_000
"""Milliseconds for whatever the browser is waited for: how fast the machine is, is not tested."""

if not CHROMIUM:
    pytest.skip("no Chromium is installed: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra dev")
axe_core = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python (dev)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of this file."""
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True, timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(mixed_table: MixedTable) -> Report:
    """A report with every section."""
    evaluation: Evaluation = evaluate_frames(
        mixed_table(300), mixed_table(150, seed=1), mixed_table(200, seed=2), MIXED
    )
    context = {
        "generator": "copula",
        "parameters": {"min_people": 10},
        "warnings": ["a warning"],
        "questions": ["age: is it capped?"],
        "hashes": {"synthetic.csv": "ab" * 32},
        "versions": {"tabsynth": "0"},
    }
    schema = Schema(name="ward", tables={"mixed": MIXED})
    return build_report(evaluation, schema=schema, context=context, use=Use(purpose="Teaching"))


@pytest.fixture(scope="module", params=["internal", "external"])
def page_file(request: pytest.FixtureRequest, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of each edition as a file."""
    file = tmp_path_factory.mktemp("page") / f"{request.param}.html"
    edition = report if request.param == "internal" else report.external()
    file.write_text(render_html(edition), encoding="utf-8")
    return file


def opened(browser: Any, file: Path, width: int, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page at a width, offline, with what its console and its requests say."""
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(file.as_uri())
    yield page, said
    context.close()


def test_nothing_complains_and_everybody_can_use_it(browser: Any, page_file: Path) -> None:
    """No line on the console, no request, and no violation of axe-core, all folds open, with scripts switched on."""
    for page, said in opened(browser, page_file, 1280):
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        found = axe_core.Axe().run(page).response
        assert [(item["id"], item["nodes"][0]["html"][:200]) for item in found["violations"]] == []
        assert said == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits(browser: Any, page_file: Path, width: int) -> None:
    """No horizontal scrolling of the page, text of 12 pixels at least, and the decision within its width."""
    for page, _ in opened(browser, page_file, width):
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('#decision > *')].map(e => e.getBoundingClientRect().right))"
        )
        assert widest <= width
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('p, td, th, li, dd, dt')]"
            ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
        )
        assert smallest >= 12


def test_keys_alone_are_enough(browser: Any, page_file: Path) -> None:
    """The first stop skips to the decision, and each stop of the tabulator can be seen."""
    for page, _ in opened(browser, page_file, 1280):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: url.endswith("#decision"))  # the browser tells of it a little later
        for _stop in range(12):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                "(() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 })()"
            )
            assert seen


def test_it_reads_without_scripts_and_on_paper(browser: Any, page_file: Path) -> None:
    """Scripts off: the whole text is there. On paper nothing is cut off or hidden but what is for the mouse."""
    for page, _ in opened(browser, page_file, 1280, java_script_enabled=False):
        assert "Verdict of each card" in page.inner_text("main")
    for page, _ in opened(browser, page_file, 800):
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.querySelector('.contents')).display") == "none"
        hidden = page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(e => getComputedStyle(e).overflowX !== 'visible').length"
        )
        assert hidden == 0
        assert page.pdf(format="A4").startswith(b"%PDF")
