"""The report as a PDF with its JSON attached, by WeasyPrint (extra `pdf`).

Decisions
- The same templates as the page, under a style sheet for paper that is plain on purpose: grids and columns of varying
  width cost WeasyPrint three quarters of its time. Lists behind a fold are left to the attached JSON.
- Tagged for readers that speak (PDF/UA-1 is what WeasyPrint is asked for; nobody certified it).
- No clock: the same report gives the same bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tabsynth.errors import MissingExtraError
from tabsynth.report.build import Report
from tabsynth.report.render import render_page

_WHEN = datetime(1980, 1, 1, tzinfo=UTC)


def pdf_available() -> bool:
    """Whether WeasyPrint and the libraries of the system that it needs are there."""
    try:
        require_pdf()
    except MissingExtraError:
        return False
    return True


def require_pdf() -> None:
    """Refuse early where no PDF can be made.

    Raises:
        MissingExtraError: WeasyPrint, or a library of the system that it needs, is not installed.
    """
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            'a PDF needs WeasyPrint and Pango: pip install "tabsynth[pdf]", and libpango-1.0-0 of your system; '
            "HTML and JSON work without"
        ) from error


def render_pdf(report: Report) -> bytes:
    """Render a report for paper.

    Args:
        report: What `build_report` returned.

    Returns:
        The PDF; `report.json` is attached to it.

    Raises:
        MissingExtraError: WeasyPrint, or a library of the system that it needs, is not installed.
    """
    require_pdf()
    import weasyprint

    attached = weasyprint.Attachment(
        string=report.to_json(), name="report.json", description="The report as data", created=_WHEN, modified=_WHEN
    )
    page = weasyprint.HTML(string=render_page(report, on_paper=True), url_fetcher=_nothing_from_elsewhere)
    made: bytes = page.write_pdf(attachments=[attached], pdf_variant="pdf/ua-1", pdf_identifier=b"tabsynth")
    return made


def _nothing_from_elsewhere(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError("a report loads nothing")
