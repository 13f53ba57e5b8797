"""The tabular protocol: what is measured anew, and what of earlier results stays."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from evaluations.tabular_protocol import run


def test_cost_alone_leaves_the_other_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--cost` measures what is in the results already, and changes its seconds and memory alone."""
    split = SimpleNamespace(name="adult", train=pd.DataFrame({"a": [1]}), schema=None)
    monkeypatch.setattr(run, "load", lambda name: split)
    monkeypatch.setattr(run, "fit_and_sample", lambda *_: (split.train, {"seconds": 1.5, "peak_mb": 2.0}))
    before = {"table": "adult", "system": "trees", "seed": 0, "c2st": 0.9, "seconds": 60.0, "peak_mb": 2.0}
    real = {"table": "adult", "system": "real holdout", "seed": 0, "c2st": 1.0}
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"rows": [real, before]}))
    run.main(["--cost", "--tables", "adult", "--generators", "trees,copula", "--fits", "2", "--output", str(file)])
    assert json.loads(file.read_text())["rows"] == [real, {**before, "seconds": 1.5}]
    assert "1.5" in file.with_suffix(".md").read_text()
