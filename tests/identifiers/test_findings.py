"""The Safe Harbor checklist over what a scan found."""

from __future__ import annotations

import json

from tabsynth.identifiers.findings import Finding, ScannedColumn, ScanReport
from tabsynth.identifiers.hipaa import SAFE_HARBOR, SafeHarborClass


def finding(column: str, position: int, kind: SafeHarborClass, *, handled: bool) -> Finding:
    return Finding(
        column,
        position,
        "cells",
        kind,
        "test",
        0.9,
        9,
        10,
        "surrogate" if handled else None,
        "handled" if handled else "unresolved",
        f"{column}: found",
        None if handled else f"{column}: {{type: identifier}}",
    )


def report(*findings: Finding) -> ScanReport:
    columns = tuple(ScannedColumn(f"c{number}", number, 10, 10) for number in (1, 2, 3))
    return ScanReport(10, columns, findings, True, ("all cells",))


def test_the_rule_has_eighteen_classes_in_order() -> None:
    assert [kind.value for kind in SAFE_HARBOR] == list("ABCDEFGHIJKLMNOPQR")
    assert SafeHarborClass.DATE.citation == "45 CFR 164.514(b)(2)(i)(C)"
    assert all(rule.kind is kind and rule.title and rule.text and rule.default for kind, rule in SAFE_HARBOR.items())


def test_checklist_says_handled_unresolved_or_absent() -> None:
    found = report(
        finding("c1", 1, SafeHarborClass.EMAIL, handled=True),
        finding("c2", 2, SafeHarborClass.EMAIL, handled=False),
        finding("c3", 3, SafeHarborClass.SSN, handled=True),
    )
    rows = {row.kind: row for row in found.checklist()}
    assert len(rows) == 18
    assert rows[SafeHarborClass.EMAIL].status == "unresolved"
    assert rows[SafeHarborClass.EMAIL].columns == ("c1", "c2")
    assert rows[SafeHarborClass.EMAIL].treatments == ("surrogate", "")
    assert rows[SafeHarborClass.EMAIL].evidence == "c2: found"
    assert rows[SafeHarborClass.SSN].status == "handled"
    assert rows[SafeHarborClass.NAME].status == "absent"
    assert "3 columns, 10 rows" in rows[SafeHarborClass.NAME].evidence
    assert not found.ok
    assert [item.column for item in found.unresolved] == ["c2"]


def test_an_unresolved_finding_outweighs_a_handled_one_of_the_same_column() -> None:
    found = report(
        finding("c1", 1, SafeHarborClass.EMAIL, handled=True), finding("c1", 1, SafeHarborClass.EMAIL, handled=False)
    )
    assert {row.kind: row.status for row in found.checklist()}[SafeHarborClass.EMAIL] == "unresolved"


def test_report_is_json() -> None:
    found = report(finding("c1", 1, SafeHarborClass.EMAIL, handled=True))
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["ok"] is True
    assert plain["findings"][0]["kind"] == "F"
    assert plain["findings"][0]["share"] == 0.9
    assert [row["kind"] for row in plain["checklist"]] == list("ABCDEFGHIJKLMNOPQR")
