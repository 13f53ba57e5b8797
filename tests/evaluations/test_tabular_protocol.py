"""The tabular protocol: what is measured anew, and what of earlier results stays."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import tabsynth as ts
from evaluations.tabular_protocol import run
from evaluations.tabular_protocol.fitting import gpu_of


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


def test_a_row_says_on_which_gpu_it_was_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its seconds are no seconds of a processor, so that they stand in a column of their own."""
    split = SimpleNamespace(name="adult", train=pd.DataFrame({"a": [1]}), schema=None)
    monkeypatch.setattr(run, "load", lambda name: split)
    monkeypatch.setattr(run, "fit_and_sample", lambda *_: (split.train, {"gpu": "a card", "gpu_seconds": 31.23456}))
    before = {"table": "adult", "system": "tvae", "seed": 0, "c2st": 0.4}
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"rows": [before]}))
    run.main(["--cost", "--tables", "adult", "--generators", "tvae", "--output", str(file)])
    assert json.loads(file.read_text())["rows"] == [{**before, "gpu": "a card", "gpu_seconds": 31.2346}]


def test_trees_are_trained_on_no_gpu() -> None:
    """Whatever the machine has."""
    assert gpu_of(ts.make_generator("trees", {})) is None


def test_networks_are_trained_where_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the card of the machine, unless the processor is asked for."""
    torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert gpu_of(ts.make_generator("tvae", {})) == "a card"
    assert gpu_of(ts.make_generator("tvae", {"device": "cpu"})) is None
