"""What the papers of a release claim, held against the figures they give; checked before anybody signs.

Decisions
- A verdict is computed again from the numbers beside it, and headline, cards and overall verdict from the verdicts. Who
  edits one of them in a text editor does not get a signature for it.
- The page must carry the very data of report.json: people read the one, programs the other.
- A certificate is held against its model file, as `tabsynth replay` does, without drawing rows.
- Numbers themselves are believed: only who has the real table can measure them again.
- At signing only. Whoever checks a release later may have another version of this program, and has the signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tabsynth.errors import ArtifactError, TabsynthError, VerificationError
from tabsynth.evaluation.base import Result, Verdict, worst
from tabsynth.evaluation.policy import Clause, judge
from tabsynth.release.statement import INTERNAL, read_paper
from tabsynth.report.wording import headline
from tabsynth.strict_json import read_json

_DATA = re.compile(r'<script type="application/json" id="report-data">(.*?)</script>', flags=re.DOTALL)
_PAGES = (("", "external"), (f"{INTERNAL}/", "internal"))


def require_sound(folder: Path) -> None:
    """Check that reports, pages, certificate and appraisal of a release say what follows from their own figures.

    Raises:
        VerificationError: One of them does not; the file and the part are named.
    """
    verdicts: dict[str, dict[str, str]] = {}
    for place, edition in _PAGES:
        name = f"{place}report.json"
        report = read_paper(folder, name)
        if report is None:
            continue
        if report.get("edition") != edition:
            raise VerificationError(f"{name}: is not the {edition} edition; run 'tabsynth run' again")
        verdicts[edition] = dict(_verdicts(report, name))
        _require_page(folder, f"{place}report.html", name, report)
    if len(verdicts) == 2 and verdicts["internal"] != verdicts["external"]:
        raise VerificationError("report.json: its verdicts are not those of internal/report.json; run it again")
    _require_certified(folder)


def _verdicts(report: dict[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """The verdict of every limit, each held against its numbers, and the rest against these."""
    try:
        limits = [
            (Clause.model_validate(limit["clause"]), Result.model_validate(limit["result"]))
            for limit in report["limits"]
        ]
        results = [Result.model_validate(each) for each in report["evaluation"]["results"]]
        clauses = [Clause.model_validate(each) for each in report["evaluation"]["policy"]["clauses"]]
        cards = [(card["family"], card["verdict"]) for card in report["cards"]]
        said = report["headline"], report["verdict"]
    except (ValidationError, KeyError, TypeError):
        raise VerificationError(f"{name}: is no report of this version of tabsynth; run 'tabsynth run' again") from None
    if [clause for clause, _ in limits] != clauses:
        raise VerificationError(f"{name}: its limits are not those of its policy")
    if [result for _, result in limits] != [r for c in clauses for r in results if r.clause == c.name]:
        raise VerificationError(f"{name}: what it says about its limits is not what was measured")
    for clause, result in limits:
        if not _follows(clause, result, exact=report["edition"] == "internal"):
            raise VerificationError(f"{name}: the verdict on {clause.name} does not follow from its figures")
    found = [result.verdict for _, result in limits]
    if said != (headline(found), worst(found)):
        raise VerificationError(f"{name}: verdict or headline do not follow from the verdicts on its limits")
    for family, verdict in cards:
        if verdict != worst(result.verdict for _, result in limits if result.family == family):
            raise VerificationError(f"{name}: the verdict on {family} does not follow from those on its limits")
    yield from ((clause.name, str(result.verdict)) for clause, result in limits)


def _follows(clause: Clause, result: Result, *, exact: bool) -> bool:
    """Whether a verdict is what its figures give, or milder than a pass; rounded figures only have to allow it."""
    if result.value is None:
        return result.verdict in (Verdict.INSUFFICIENT, Verdict.INFO)
    again = judge(result, clause).verdict
    if exact:
        return result.verdict == again or (again is Verdict.PASS and result.verdict is Verdict.INSUFFICIENT)
    opposite = {Verdict.PASS: Verdict.FAIL, Verdict.FAIL: Verdict.PASS}.get(result.verdict)
    hidden = result.judged is None and result.interval is None  # a bound stands in place of a small count
    return result.verdict is not Verdict.INFO and (hidden or again is not opposite)


def _require_page(folder: Path, page: str, name: str, report: dict[str, Any]) -> None:
    try:
        found = _DATA.findall((folder / page).read_text(encoding="utf-8"))
        (shown,) = [read_json(unescape(text)) for text in found]
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise VerificationError(f"{page}: holds no data of a report; run 'tabsynth run' again") from None
    if shown != report:
        raise VerificationError(f"{page}: is not the page of {name}; run 'tabsynth run' again")


def _require_certified(folder: Path) -> None:
    from tabsynth.dp.replay import require_certified
    from tabsynth.report.certificate import page_is_of

    file = folder / "certificate.json"
    if not file.exists():
        return
    try:
        certified, _, _ = require_certified(file)
        page_is_of(file)
    except (ArtifactError, OSError) as error:
        what = str(error) if isinstance(error, TabsynthError) else type(error).__name__
        raise VerificationError(f"certificate.json: {what}") from None
    figures = read_paper(folder, "appraisal.json")
    if figures is not None and figures.get("transcript_sha256") != certified.replay.transcript_sha256:
        raise VerificationError("appraisal.json: is about another model than certificate.json")
