"""What the report says about intervals is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

from tabsynth.report.coverage import COVERAGE, coverage_words

RESULTS = Path(__file__).parents[2] / "evaluations" / "results" / "inference_coverage.json"


def test_the_words_about_coverage_are_the_committed_measurement() -> None:
    """Each figure in the report stands in the results file, with its verdict; what was not measured says so."""
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))["generators"] if COVERAGE else {}
    for generator, (share, holds) in COVERAGE.items():
        found = [item for name, item in measured.items() if name.split(",")[0] == generator]
        assert (share, holds) in [(item["mean_coverage"], item["verdict"] == "intervals hold") for item in found]
        assert holds == all(item["verdict"] == "intervals hold" for item in found)
        assert ("do not infer" in coverage_words(generator).lower()) is not holds
    assert "do not infer" in coverage_words(None)
    assert "do not infer" in coverage_words("ctgan")
