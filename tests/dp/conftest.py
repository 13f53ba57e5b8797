"""What tests of private generators share: tiny networks for dp-ctgan, and noise that is the same in every run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tabsynth.dp import ctgan, noise

TINY = {"STEPS": 6, "UNITS": 4, "HIDDEN": 8, "LATENT": 4, "TURNS": 1, "LAST_TURNS": 2, "DRAWN": 16, "CRITICS": 2}


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps of small networks: what is promised of a release must hold whatever it has learned; the code is one."""
    for name, value in TINY.items():
        monkeypatch.setattr(ctgan, name, value)


@pytest.fixture
def same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bits of the operating system, the same in every run: what a test finds of noise cannot be chance.

    Sources take themselves for secure, so that releases go the way they always go. How likely a test would fail under
    other bits still says how much it proves; bounds are five standard errors and more away.
    """
    monkeypatch.setattr(noise, "os", SimpleNamespace(urandom=noise._SeededBytes(20)))
