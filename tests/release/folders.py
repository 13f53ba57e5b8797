"""A small release, with the papers that `tabsynth run` writes, and keys for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from tabsynth.evaluation.base import Verdict
from tabsynth.release.keys import PrivateKey, generate_key, load_private_key
from tabsynth.report.wording import headline

CLAUSE = {
    "name": "copies",
    "metric": "exact-copies",
    "direction": "at most",
    "limit": 0.1,
    "source": "s",
    "rationale": "r",
}


def report(digests: dict[str, str], *, edition: str = "external", verdict: str = "pass") -> dict[str, Any]:
    """A report with one limit, as far as a signature looks at it."""
    result = {
        "metric": "exact-copies",
        "family": "copies",
        "question": "?",
        "better": "lower",
        "value": 0.05 if verdict == "pass" else 0.2,
        "clause": "copies",
        "limit": 0.1,
        "verdict": verdict,
    }
    return {
        "format": 2,
        "edition": edition,
        "verdict": verdict,
        "headline": headline([Verdict(verdict)]),
        "limits": [{"clause": CLAUSE, "result": result, "sentence": ""}],
        "cards": [{"family": "copies", "verdict": verdict}],
        "context": {"hashes": digests},
        "evaluation": {"results": [result], "policy": {"clauses": [CLAUSE]}},
    }


def write_report(folder: Path, content: dict[str, Any]) -> None:
    """A report as data, and the page that carries it."""
    (folder / "report.json").write_text(json.dumps(content))
    page = f'<!DOCTYPE html><script type="application/json" id="report-data">{htmlsafe_json_dumps(content)}</script>'
    (folder / "report.html").write_text(page)


def release(folder: Path, *, rows: str = "a,b\n1,2\n", verdict: str = "pass") -> Path:
    """A folder with rows, a model, a page, a manifest, and an internal part."""
    (folder / "internal").mkdir(parents=True)
    (folder / "synthetic.csv").write_text(rows)
    (folder / "model.tabsynth").write_bytes(bytes(range(64)))
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("synthetic.csv", "model.tabsynth")
    }
    write_report(folder, report(digests, verdict=verdict))
    write_report(folder / "internal", report(digests, edition="internal", verdict=verdict))
    manifest = {"sha256": digests, "schema_sha256": "ab" * 32, "seed": 1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def key_pair(folder: Path, name: str = "ward", *, owner: str = "Ward Seven", **options: object) -> PrivateKey:
    """A new pair of keys in files, and the private half."""
    generate_key(folder / name, owner=owner, **options)  # type: ignore[arg-type]
    return load_private_key(folder / f"{name}.key")
