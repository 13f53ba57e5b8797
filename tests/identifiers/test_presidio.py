"""Presidio beside our own patterns: counts and kinds, no values; a clear word where it is not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tabsynth.cli import app
from tabsynth.errors import MissingExtraError
from tabsynth.identifiers.presidio import Presidio
from tabsynth.identifiers.scan import scan_table

INSTALLED = find_spec("presidio_analyzer") is not None
needs_presidio = pytest.mark.skipif(not INSTALLED, reason='Presidio is not installed: pip install "tabsynth[presidio]"')

NOTES = (
    ["Seen today and sent home after tests."] * 30
    + ["Paid from 4111 1111 1111 1111 at the desk."] * 4
    + ["Seen again, and nothing was paid."] * 3
)
WALLETS = ["Wallet 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ was named."] * 3 + NOTES[:30] + NOTES[-3:] + NOTES[:1]


@pytest.mark.skipif(INSTALLED, reason="Presidio is installed")
def test_where_it_is_missing_the_command_says_what_to_type(tmp_path: Path) -> None:
    """Exit code 7, before anything is read."""
    with pytest.raises(MissingExtraError, match=r'pip install "tabsynth\[presidio\]"'):
        Presidio.load()
    result = CliRunner().invoke(app, ["scan", str(tmp_path / "no.csv"), "--presidio"])
    assert result.exit_code == 7 and "tabsynth[presidio]" in result.stderr


@needs_presidio
def test_its_findings_are_kinds_and_counts() -> None:
    """What our patterns find is not found twice; what only Presidio knows is counted; no value leaves."""
    frame = pd.DataFrame({"note": NOTES, "remark": WALLETS})
    ours = {(item.kind.value, item.detector) for item in scan_table(frame).findings}
    report = scan_table(frame, presidio=Presidio.load())
    added = {item.detector: item for item in report.findings if (item.kind.value, item.detector) not in ours}
    assert set(added) and all(name.startswith("presidio-") for name in added)
    wallet = added["presidio-crypto"]
    assert (wallet.column, wallet.kind.value, wallet.place) == ("remark", "J", "text") and wallet.n_found == 3
    of_cards = [item.detector for item in report.findings if item.column == "note" and item.kind.value == "J"]
    assert len(of_cards) == 1 and "presidio" not in of_cards[0]
    text = json.dumps(report.as_json())
    assert not any(value in text for value in ("16Yeky", "4111", "home"))
    assert any("Presidio" in sentence for sentence in report.method)


@needs_presidio
def test_without_a_language_model_it_says_what_it_did_not_look_for(tmp_path: Path) -> None:
    """Names in running text need a model; the command says so, and finds what patterns find."""
    pd.DataFrame({"note": NOTES}).to_csv(tmp_path / "notes.csv", index=False)
    result = CliRunner().invoke(app, ["scan", str(tmp_path / "notes.csv"), "--presidio"])
    assert result.exit_code == 0, result.output
    assert "Presidio" in result.stdout
    if not any(find_spec(f"en_core_web_{size}") for size in ("sm", "md", "lg", "trf")):
        assert "names of people and places in running text were not looked for" in " ".join(result.stdout.split())


@needs_presidio
def test_short_cells_are_codes_and_not_asked_about() -> None:
    """Texts of fewer than three words are columns of codes, which our own detectors judge."""
    frame = pd.DataFrame({"code": ["12345678", "23456789"] * 20})
    assert not [item for item in scan_table(frame, presidio=Presidio.load()).findings if "presidio" in item.detector]
