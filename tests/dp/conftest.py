"""Networks of dp-ctgan are tiny here: what is promised of a release must hold whatever it has learned."""

from __future__ import annotations

import pytest

from tabsynth.dp import ctgan

TINY = {"STEPS": 6, "UNITS": 4, "HIDDEN": 8, "LATENT": 4, "TURNS": 1, "LAST_TURNS": 2, "DRAWN": 16, "CRITICS": 2}


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps of small networks; the code that is run is the same."""
    for name, value in TINY.items():
        monkeypatch.setattr(ctgan, name, value)
