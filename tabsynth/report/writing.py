"""A report in its two editions as files of a folder: what may be shown at the top, what may not in `internal`."""

from __future__ import annotations

from pathlib import Path

from tabsynth.report.build import Report
from tabsynth.report.pdf import pdf_available

INTERNAL = "internal: not for release"
"""Watermark of whatever was measured against real rows and not made safe to publish."""


def write_editions(report: Report, folder: Path, *, external: bool = True, pdf: bool | None = None) -> None:
    """Write `report.html`, `report.json` and `report.pdf` of both editions.

    Args:
        report: The internal edition.
        folder: A folder that exists; the internal edition goes into its folder `internal`.
        external: Whether the external edition is written, too.
        pdf: Whether PDFs are written; None: where WeasyPrint is installed.

    Raises:
        MissingExtraError: `pdf` is true and WeasyPrint is not installed.
        OutputError: A file cannot be written.
    """
    suffixes = ("html", "json", "pdf") if (pdf_available() if pdf is None else pdf) else ("html", "json")
    inside = folder / "internal"
    inside.mkdir(exist_ok=True)
    for edition, place in ((report, inside), (report.external(), folder)) if external else ((report, inside),):
        for suffix in suffixes:
            edition.save(place / f"report.{suffix}")
