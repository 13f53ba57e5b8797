"""The report as one HTML page: no script, no link, no font from elsewhere; it reads the same offline and on paper.

Decisions
- Autoescape for every template, whatever its suffix: a column called `<script>` is text.
- An undefined name is an error, not an empty cell: a report with holes looks like a report.
- The data travels along as JSON in an inert element, so that the page can be checked by a program.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tabsynth.dp.limits import rounded_up
from tabsynth.evaluation.columns import ColumnProfiles
from tabsynth.evaluation.missingness import MissingRates
from tabsynth.report import charts, utility_charts
from tabsynth.report.build import Report
from tabsynth.report.coverage import coverage_words
from tabsynth.report.wording import VERDICTS, number, percent

MAX_CHARTS = 60
MAX_LISTED = 200


def render_html(report: Report) -> str:
    """Render a report as one self-contained HTML page.

    Args:
        report: What `build_report` returned.

    Returns:
        The page; it holds nothing that is not in the report.
    """
    return render_page(report)


def render_page(report: Report, *, on_paper: bool = False) -> str:
    """Render a report as HTML, for a screen with its data inside, or for paper without."""
    return (
        environment()
        .get_template("page.html")
        .render(
            report=report,
            details=report.evaluation.details,
            results=report.evaluation.results,
            view=_view(report),
            data=None if on_paper else report.model_dump(mode="json"),
            on_paper=on_paper,
            max_charts=MAX_CHARTS,
            max_listed=MAX_LISTED,
        )
    )


def _view(report: Report) -> dict[str, Any]:
    """The order in which templates show things."""
    columns = [
        result for result in report.evaluation.results if result.metric == "column-similarity" and result.subject
    ]
    columns.sort(key=lambda result: (result.value or 0.0) - (result.reference or 0.0))
    profiles = report.evaluation.details.get("column-similarity")
    rates = report.evaluation.details.get("missingness")
    gapped = [
        rate
        for rate in (rates.columns if isinstance(rates, MissingRates) else ())
        if rate.train or rate.synthetic or rate.holdout
    ]
    gapped.sort(key=lambda rate: -abs(rate.synthetic - rate.train))
    return {
        "column_results": columns,
        "profiles": {
            profile.column: profile for profile in (profiles.profiles if isinstance(profiles, ColumnProfiles) else ())
        },
        "gapped": gapped,
    }


@cache
def environment() -> Environment:
    """The templates, with autoescape, strict names and the filters that they use."""
    made = Environment(
        loader=PackageLoader("tabsynth.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(percent=percent, number=number, count=lambda value: f"{value:,.0f}", rounded_up=rounded_up)
    made.globals.update(
        charts=charts, utility_charts=utility_charts, coverage_words=coverage_words, verdict_words=VERDICTS
    )
    return made
