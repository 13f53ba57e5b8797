"""Scan every table of a folder and list what was found, with an argument for each finding that needs one.

What is written holds names of columns, classes and shares, and no cell.
"""

from __future__ import annotations

import time
from pathlib import Path

from evaluations.identifier_corpus.arguments import argument
from tabsynth.errors import TabsynthError
from tabsynth.identifiers.scan import scan_table
from tabsynth.tables.files import read_table

_SUFFIXES = (".csv", ".csv.gz", ".parquet")


def write(folder: Path, target: Path) -> None:
    """Scan and write a Markdown page."""
    lines = [
        "# Findings of `tabsynth scan` on real tables",
        "",
        "Made by `python -m evaluations.identifier_corpus --tables DIR`. Shares are whole per cents; no cell is in it.",
        "`right`, `doubtful` and `false alarm` are judged by hand; what has no remark is right by its name and cells.",
        "",
    ]
    judged = dict.fromkeys(("right", "doubtful", "false alarm"), 0)
    for path in sorted(path for path in folder.rglob("*") if path.name.endswith(_SUFFIXES)):
        name = path.relative_to(folder).as_posix()
        try:
            table = read_table(path)
        except TabsynthError:
            lines += [f"## {name}", "", "Not read: no single table with usable names and cells.", ""]
            continue
        started = time.process_time()
        report = scan_table(table)
        seconds = time.process_time() - started
        lines += [
            f"## {name}",
            "",
            f"{report.n_rows:,} rows, {len(report.columns)} columns, {seconds:.1f} CPU seconds.",
            "",
        ]
        if not report.findings:
            lines += ["Nothing found.", ""]
            continue
        lines += ["| column | class | found by | share | judged |", "|---|---|---|--:|---|"]
        for finding in report.findings:
            verdict, why = argument(name, finding)
            judged[verdict] += 1
            place = finding.detector if finding.place == "cells" else f"{finding.detector} ({finding.place})"
            said = verdict if not why else f"{verdict}: {why}"
            lines.append(f"| {finding.column} | {finding.kind.value} | {place} | {finding.share:.0%} | {said} |")
        lines.append("")
    lines[5:5] = [
        "Findings by judgement: " + ", ".join(f"{count} {verdict}" for verdict, count in judged.items()) + ".",
        "",
    ]
    target.write_text("\n".join(lines), encoding="utf-8")
