"""The external edition: nothing real, nothing small, verdicts as they were; and words that no edition says."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from tabsynth.evaluation.base import Family, Judged, Result, Verdict
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.policy import Clause, judge
from tabsynth.evaluation.single_copies import KEPT_APART
from tabsynth.report.build import Report, build_report
from tabsynth.report.dictionary import describe_columns
from tabsynth.report.editions import _coarse
from tabsynth.report.render import render_html
from tabsynth.schema.columns import Boolean, Categorical, DateTime, Identifier, Integer, Number, Provenance, Text
from tabsynth.schema.model import Schema, Table
from tests.evaluation.samples import evaluate_frames

PLANTED = ("Zanzibar", "Ypsilon Syndrome", "7351.83", "7,351.83", "48,611", "48611", "1931-03-17", "1931", "K-44177")
TABLE = Table(
    columns={
        "key": Identifier(),
        "note": Text(),
        "town": Categorical(provenance={"categories": "data"}, categories=("Zanzibar", "Ulm", "Bonn")),
        "illness": Categorical(),
        "ward": Categorical(categories=("North", "South")),
        "amount": Number(lower=0.5, upper=7351.83, provenance={"lower": "data", "upper": "data"}),
        "steps": Integer(),
        "age": Integer(lower=0, upper=120),
        "born": DateTime(resolution="day"),
    }
)


def rows(n: int, seed: int, prefix: str) -> pd.DataFrame:
    """Rows in which the planted values are common enough for every floor that counts people."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "key": [f"{prefix}-{number}" for number in range(44_000, 44_000 + n)],
            "note": [f"{prefix} was told {number}" for number in range(n)],
            "town": rng.choice(["Zanzibar", "Ulm", "Bonn"], n),
            "illness": rng.choice(["Ypsilon Syndrome", "Flu"], n),
            "ward": rng.choice(["North", "South"], n),
            "amount": rng.gamma(2, 100, n).round(2),
            "steps": rng.poisson(9_000, n),
            "age": rng.integers(18, 90, n),
            "born": pd.Timestamp("1960-01-01") + pd.to_timedelta(rng.integers(0, 9_000, n), unit="D"),
        }
    )
    frame.loc[:20, "amount"], frame.loc[:20, "steps"] = 7351.83, 48_611
    frame.loc[:20, "born"] = pd.Timestamp("1931-03-17")
    return frame


@pytest.fixture(scope="module")
def report() -> Report:
    """A leaky release: seven rows are copies, and every planted value is in all three tables."""
    train, holdout, synthetic = rows(500, 0, "K"), rows(200, 1, "H"), rows(400, 2, "S")
    synthetic.iloc[:7] = train.iloc[:7].to_numpy()
    synthetic = synthetic.astype(train.dtypes)
    evaluation = evaluate_frames(train, holdout, synthetic, TABLE)
    context = {
        "generator": "copula",
        "warnings": ["Zanzibar was pooled"],
        "questions": ["amount: is 7351.83 a bound?"],
        "files": {"source": "zanzibar-patients.csv", "synthetic": "synthetic.csv"},
        "watermark": "internal: not for release",
    }
    return build_report(evaluation, schema=Schema(name="town", tables={"t": TABLE}), context=context)


def test_no_planted_value_is_in_the_external_edition(report: Report) -> None:
    """Categories, bounds, extremes, dates, keys and texts of the data leave no trace in page or JSON."""
    external = report.external()
    for text in (render_html(external), external.to_json()):
        for value in (*PLANTED, "was told", "zanzibar"):
            assert value not in text, value
        assert "North" in text  # declared by the schema


def test_the_internal_edition_is_marked_and_the_external_says_what_it_is(report: Report) -> None:
    """One is watermarked, the other is not, and neither can be taken for the other."""
    internal, external = render_html(report), render_html(report.external())
    assert "internal: not for release" in internal and "internal edition" in internal
    assert "not for release" not in external and "external edition" in external
    assert report.external().external() == report.external()


def test_no_count_from_one_to_ten_is_published(report: Report) -> None:
    """Seven copied rows and identifiers become "fewer than 11", with a bound in their place."""
    assert report.evaluation.result("exact-copies").value == pytest.approx(7 / 400)
    assert report.evaluation.result("identifier-reuse").value == 7
    external = report.external()
    copies = external.evaluation.result("exact-copies")
    assert copies.value == pytest.approx(0.06) and any("11" in note for note in copies.notes)
    assert copies.interval is None
    assert external.evaluation.result("identifier-reuse").value == 11
    said = next(limit.sentence for limit in external.limits if limit.result.metric == "exact-copies")
    assert said.startswith("At most, as fewer than 11 rows")
    assert not {"exact-copies", "identifier-reuse", "membership", "singling-out"} & set(external.evaluation.details)
    for result in external.evaluation.results:
        if result.value and result.family in (Family.COPIES, Family.ATTACKS) and result.unit == "share" and result.n:
            assert result.value * result.n >= 10.9, result.metric


@pytest.mark.parametrize("what", ["excess over strangers", KEPT_APART])
@pytest.mark.parametrize("limit", [0.0005, 0.2])
def test_the_judged_number_tells_no_small_count(limit: float, what: str) -> None:
    """Five copies among a hundred rows: neither the share nor what is judged of it says five."""
    clause = Clause.model_validate(
        {
            "name": "c",
            "metric": "single-copies",
            "direction": "at most",
            "limit": limit,
            "source": "s",
            "rationale": "r",
        }
    )
    exact = Judged(what=what, value=0.05, interval=Interval(low=0.01, high=0.05))
    result = Result(
        metric="single-copies", family=Family.COPIES, question="?", better="lower", n=100, judged=exact, reference=0.0,
        value=0.0 if what == KEPT_APART else 0.05, interval=Interval(low=0.05, high=0.05),
    )  # fmt: skip
    for shown in (_coarse(judge(result, clause), clause), _coarse(result, None)):
        assert shown.judged is not None and shown.value is not None
        assert (shown.interval, shown.judged.interval) == (None, None)
        assert shown.judged.value >= 0.11 and (what == KEPT_APART or shown.value >= 0.11)


def test_verdicts_are_those_of_the_internal_edition(report: Report) -> None:
    """Rounding turns none, and no number is shown on the wrong side of its limit."""
    for inner, outer in zip(report.limits, report.external().limits, strict=True):
        assert inner.result.verdict == outer.result.verdict
        if outer.result.value is None:
            continue
        judged, sense = outer.result.judged, 1 if outer.clause.direction == "at most" else -1
        value, interval = (judged.value, judged.interval) if judged else (outer.result.value, outer.result.interval)
        worse = value if interval is None else interval.high if sense == 1 else interval.low
        if outer.result.verdict is Verdict.PASS and not outer.result.notes:
            assert sense * worse <= sense * outer.clause.limit + 1e-9, outer.clause.name


@pytest.mark.parametrize("direction", ["at most", "at least"])
@pytest.mark.parametrize("value", [0.0249, 0.0251, 0.03, 0.5])
def test_rounding_stops_at_the_limit(direction: str, value: float) -> None:
    """A number just inside of its limit is not shown outside of it, nor the other way round."""
    metric = "detection" if direction == "at most" else "column-similarity"
    clause = Clause.model_validate(
        {"name": "c", "metric": metric, "direction": direction, "limit": 0.025, "source": "s", "rationale": "r"}
    )
    interval = Interval(low=value - 0.00005, high=value + 0.00005)
    result = Result(
        metric="detection", family=Family.DETECTION, question="?", better="lower", value=value, interval=interval, n=9
    )
    for case in (result, result.model_copy(update={"judged": Judged(what="excess", value=value, interval=interval)})):
        judged = judge(case, clause)
        shown = _coarse(judged, clause)
        again = judge(shown, clause)
        assert shown.verdict == judged.verdict
        held = shown.judged or shown
        assert held.interval is not None and held.interval.low <= held.value <= held.interval.high
        if shown.verdict is Verdict.PASS:
            assert again.verdict is Verdict.PASS


def test_scores_are_rounded(report: Report) -> None:
    """Whole percents, or hundredths of an area; intervals no narrower than they were."""
    for inner, outer in zip(report.evaluation.results, report.external().evaluation.results, strict=True):
        if outer.value is not None and outer.unit != "count" and outer.limit is None:
            assert outer.value == pytest.approx(round(outer.value, 2)), outer.metric
        if inner.interval and outer.interval and outer.clause is None:
            assert outer.interval.low <= inner.interval.low and outer.interval.high >= inner.interval.high


def test_the_dictionary_shows_what_the_schema_declares(report: Report) -> None:
    """Bounds and categories that were read from data are named as such in both editions, and not shown."""
    domains = {column.name: column.domain for column in report.columns}
    assert domains["age"] == "from 0 to 120" and domains["ward"] == "North, South"
    assert domains["town"] == "categories read from data, not shown"
    assert domains["amount"] == "lower and upper read from data, not shown"
    assert "Zanzibar" not in str(domains) and "7351" not in str(domains)


def test_no_edition_claims_what_a_program_cannot(report: Report) -> None:
    """Neither "HIPAA compliant" nor "anonymous", in page, JSON or template, whatever the case and the ending."""
    banned = re.compile(r"hipaa[- ]complian|anonym|complies with hipaa", flags=re.IGNORECASE)
    for edition in (report, report.external()):
        for text in (render_html(edition), edition.to_json()):
            assert not banned.search(text)
    for file in files("tabsynth.report").joinpath("templates").iterdir():
        if file.name.endswith(".html") and file.name != "certificate.html":
            assert not banned.search(file.read_text(encoding="utf-8")), file.name


@pytest.mark.parametrize("invented", [0, 30, 150])
def test_a_handful_of_gaps_cannot_be_counted(invented: int) -> None:
    """One to ten real cells are missing: whatever the synthetic table has, the external numbers are the same."""
    table = Table(columns={"a": Integer(lower=0, upper=9), "b": Integer(lower=0, upper=9)})

    def part(n: int, gaps: int) -> pd.DataFrame:
        cells = np.arange(n) % 10
        return pd.DataFrame({"a": pd.Series(cells, dtype="Int64").mask(np.arange(n) < gaps), "b": cells})

    shown = set()
    for gaps in (1, 2, 5, 9, 10):
        found = evaluate_frames(part(300, gaps), part(200, gaps), part(300, invented), table, metrics=["missingness"])
        external = build_report(found, schema=Schema(tables={"t": table}), context={}).external()
        for result in external.evaluation.results:
            if result.metric == "missingness" and result.value is not None and result.subject != ("b",):
                numbers = (result.value, result.reference, result.baseline, result.interval, result.judged)
                shown.add((result.subject, str(numbers)))
        shown.add(((), str(external.evaluation.details["missingness"])))
    assert len(shown) == 3, "of the table, of a, and of the rates"


def test_spellings_that_were_read_from_data_are_not_shown() -> None:
    """Of yes and no, as of categories."""
    read = Boolean(labels=("Nix", "Jo"), provenance={"labels": Provenance.DATA})
    entries = describe_columns(Table(columns={"read": read, "declared": Boolean(labels=("No", "Yes"))}))
    assert [entry.domain for entry in entries] == ["labels read from data, not shown", "No or Yes"]
