"""The dossier as plain data: what was decided, for which use, what was made from what, and what each metric found.

Renderers turn it into HTML, PDF or JSON; nothing is computed after this point. There are two editions: the internal
one, watermarked, and the external one, which `editions.py` makes of it.

Decisions
- One card per family of metrics, led by its gravest limit; no overall score. Averages hide exactly what a reviewer
  looks for.
- Of the schema's bounds and categories only the declared ones are shown: a bound that was read from data is somebody's
  value.
- The chapters follow ISO/IEC 27559 (context, data, identifiability, governance) and what CNIL, the PDPC and NIST SP
  800-226 ask for; the decision comes first, because a reviewer must find it without help.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Literal

from pydantic import Field, JsonValue, field_validator

from tabsynth.errors import UsageError
from tabsynth.evaluation import Evaluation
from tabsynth.evaluation.base import Family, Result, Verdict, worst
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.policy import Clause
from tabsynth.identifiers.findings import ScanReport
from tabsynth.outputs import atomic_file
from tabsynth.report.chapters import Chapter, Threat, arrange, play
from tabsynth.report.dictionary import ColumnEntry, describe_columns
from tabsynth.report.safe_harbor import SafeHarbor, build_safe_harbor
from tabsynth.report.sections import Section, arrange_sections
from tabsynth.report.use import Use
from tabsynth.report.wording import FAMILIES, FAMILY_ORDER, NOT_TESTED, headline, not_tested, sentence
from tabsynth.schema.model import Schema


class Context(Part):
    """What was made from what; everything that the numbers do not say."""

    generator: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    generator_facts: dict[str, str] = Field(default_factory=dict)
    """What else a card of the generator says, by heading."""
    watermark: str | None = None
    """What is written over the page, such as that it must not leave the house."""
    guarantee: str | None = None
    """What the generator promises, such as "none" or "(1.0, 1e-6)-differential privacy per patient"."""
    seed: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    """Names of the inputs, without their folders."""
    hashes: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each output, by file name."""
    warnings: tuple[str, ...] = ()
    """What the pipeline warned of; free of cells."""
    questions: tuple[str, ...] = ()
    """Questions that the schema leaves open."""
    created: str | None = None
    """When, as ISO 8601 text; left out where runs must be equal byte for byte."""

    @field_validator("files", "hashes")
    @classmethod
    def _names_only(cls, value: dict[str, str]) -> dict[str, str]:
        return {PurePath(key).name: PurePath(text).name for key, text in value.items()}


class Card(Part):
    """The verdict on one family of metrics."""

    family: Family
    title: str
    about: str
    verdict: Verdict
    sentence: str
    """What the gravest limit found, in plain words."""
    lead: Result | None
    """The result behind the sentence."""
    direction: Literal["at most", "at least"] | None
    """Side of the limit that the lead must keep to."""
    passed: int
    limits: int


class Limit(Part):
    """One clause of the policy beside what was found."""

    clause: Clause
    result: Result
    sentence: str


class Concern(Part):
    """One of the gravest findings, in plain words."""

    limit: str
    """Name of the clause it is about."""
    sentence: str
    verdict: Verdict


class Report(Part):
    """An evaluation made readable; holds no cell of the training table."""

    format: Literal[2] = 2
    edition: Literal["internal", "external"] = "internal"
    title: str
    verdict: Verdict
    headline: str
    concerns: tuple[Concern, ...]
    """The three gravest findings: broken limits, then open ones, then those that are kept most narrowly."""
    cards: tuple[Card, ...]
    limits: tuple[Limit, ...]
    warnings: tuple[str, ...]
    context: Context
    use: Use
    columns: tuple[ColumnEntry, ...]
    """The data dictionary."""
    chapters: tuple[Chapter, ...]
    threats: tuple[Threat, ...]
    safe_harbor: SafeHarbor
    sections: tuple[Section, ...]
    not_tested: tuple[str, ...] = Field(default=NOT_TESTED)
    evaluation: Evaluation

    def __repr__(self) -> str:
        return f"Report(title={self.title!r}, edition={self.edition!r}, verdict={self.verdict.value!r})"

    def __str__(self) -> str:
        """The verdict of each card with the sentence that leads it, a line each."""
        lines = [f"{card.title}: {card.verdict.value}. {card.sentence}" for card in self.cards]
        return "\n".join([self.title, self.headline, *lines])

    def to_json(self) -> str:
        """The report as JSON text, two spaces deep, ending in a line break."""
        return self.model_dump_json(indent=2) + "\n"

    def external(self) -> Report:
        """The edition that may be published: rounded, without small cells, extremes and values of the data."""
        from tabsynth.report.editions import external_edition

        return external_edition(self)

    def save(self, path: str | Path) -> None:
        """Write the report; the suffix of `path` says how.

        Args:
            path: A name ending in .html, .json or .pdf.

        Raises:
            UsageError: Another suffix.
            MissingExtraError: A PDF is asked for and WeasyPrint is not installed.
            OutputError: The file cannot be written; nothing was left half written.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".html":
            from tabsynth.report.render import render_html

            content = render_html(self).encode()
        elif suffix == ".json":
            content = self.to_json().encode()
        elif suffix == ".pdf":
            from tabsynth.report.pdf import render_pdf

            content = render_pdf(self)
        else:
            raise UsageError(f"{Path(path).name}: a report is written as .html, .json or .pdf; choose one of these")
        with atomic_file(path) as partial:
            partial.write_bytes(content)


def build_report(
    evaluation: Evaluation,
    *,
    schema: Schema,
    context: Context | Mapping[str, Any],
    title: str | None = None,
    use: Use | None = None,
    scan: ScanReport | None = None,
) -> Report:
    """Arrange an evaluation for readers.

    Args:
        evaluation: What was measured.
        schema: Schema of the table; of its bounds and categories, only the declared ones are shown.
        context: What was made from what: a `Context`, or a mapping with its keys.
        title: Heading; None: made from the schema's name.
        use: What the rows are for and who gets them; None: not stated.
        scan: What a search of the real table for identifiers found; None: nobody looked.

    Raises:
        UsageError: `context` has an unknown key, or a value of the wrong type.
    """
    facts = context if isinstance(context, Context) else _read_context(context)
    evaluation = _without_times(evaluation)
    by_clause = {result.clause: result for result in evaluation.results if result.clause}
    limits = tuple(
        Limit(clause=clause, result=by_clause[clause.name], sentence=sentence(by_clause[clause.name], clause))
        for clause in evaluation.policy.clauses
    )
    table = next((table for table in schema.tables.values() if set(table.columns) == set(evaluation.columns)), None)
    columns = (
        describe_columns(table)
        if table
        else tuple(
            ColumnEntry(name=name, type=kind, role="none", in_rows="not known")
            for name, kind in evaluation.columns.items()
        )
    )
    sections = arrange_sections(evaluation)
    return Report(
        title=title or f"Evaluation of synthetic data: {schema.name or 'unnamed table'}",
        verdict=evaluation.verdict,
        headline=headline([limit.result.verdict for limit in limits]),
        concerns=_concerns(limits),
        cards=_cards(evaluation, limits),
        limits=limits,
        warnings=(*evaluation.warnings, *facts.warnings),
        context=facts,
        use=use or Use(),
        columns=columns,
        chapters=arrange([(section.id, section.results) for section in sections]),
        threats=play(evaluation.results),
        safe_harbor=build_safe_harbor(scan, columns, evaluation.results),
        not_tested=not_tested(evaluation.results),
        sections=sections,
        evaluation=evaluation,
    )


def _without_times(evaluation: Evaluation) -> Evaluation:
    """The same evaluation without what a clock said: equal runs must give equal reports, byte for byte."""
    results = tuple(result.model_copy(update={"seconds": 0.0}) for result in evaluation.results)
    return evaluation.model_copy(update={"results": results})


def _read_context(given: Mapping[str, Any]) -> Context:
    unknown = sorted(set(given) - set(Context.model_fields))
    if unknown:
        raise UsageError(f"context: unknown keys {', '.join(unknown)}; choose from: {', '.join(Context.model_fields)}")
    try:
        return Context(**given)
    except ValueError as error:
        raise UsageError("context: a value has the wrong type; see tabsynth.report.build.Context") from error


def _cards(evaluation: Evaluation, limits: tuple[Limit, ...]) -> tuple[Card, ...]:
    cards = []
    for family in FAMILY_ORDER:
        own = [limit for limit in limits if limit.result.family == family]
        if not own and not any(result.family == family for result in evaluation.results):
            continue
        title, about = FAMILIES[family]
        verdict = worst(limit.result.verdict for limit in own)
        leading = [limit for limit in own if limit.result.verdict == verdict]
        lead = min(leading, key=lambda limit: _room(limit), default=None)
        judged = [limit for limit in own if limit.result.verdict != Verdict.INFO]
        cards.append(
            Card(
                family=family,
                title=title,
                about=about,
                verdict=verdict,
                sentence=lead.sentence if lead else "No limit applies.",
                lead=lead.result if lead else None,
                direction=lead.clause.direction if lead else None,
                passed=sum(limit.result.verdict == Verdict.PASS for limit in judged),
                limits=len(judged),
            )
        )
    return tuple(cards)


_GRAVITY = {Verdict.FAIL: 0, Verdict.INSUFFICIENT: 1, Verdict.PASS: 2}


def _concerns(limits: tuple[Limit, ...]) -> tuple[Concern, ...]:
    judged = [limit for limit in limits if limit.result.verdict in _GRAVITY]
    judged.sort(key=lambda limit: (_GRAVITY[limit.result.verdict], _room(limit)))
    return tuple(
        Concern(limit=limit.clause.name, sentence=limit.sentence, verdict=limit.result.verdict) for limit in judged[:3]
    )


def _room(limit: Limit) -> float:
    """How far inside its limit a result is, as a share of the way to perfect; the smallest leads its card."""
    judged = limit.result.judged
    value = judged.value if judged else limit.result.value
    if value is None:
        return float("inf")
    room = limit.clause.limit - value if limit.clause.direction == "at most" else value - limit.clause.limit
    perfect = 1 - limit.clause.limit if limit.clause.direction == "at least" else limit.clause.limit
    return room / perfect if perfect > 0 else room
