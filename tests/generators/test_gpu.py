"""Networks on a GPU: a seed gives the same rows again, and they are as good as those of one trained on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tests.generators.network_rows import SCHEMA, rows

torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')
if not torch.cuda.is_available():
    pytest.skip("torch finds no GPU here", allow_module_level=True)

each_network = pytest.mark.parametrize("name", ["autoregressive", "ctgan", "tvae"])


def _drawn(name: str, device: str, n: int = 3000, **parameters: Any) -> tuple[ts.Model, pd.DataFrame]:
    model = ts.make_generator(name, {"device": device} | parameters).fit(rows(n), SCHEMA, seed=1)
    return model, model.sample(n, seed=2)


@each_network
def test_a_seed_is_kept_on_the_gpu(name: str) -> None:
    """Two fits on the GPU draw the same rows, to the last bit."""
    _, one = _drawn(name, "cuda", epochs=3)
    _, other = _drawn(name, "cuda", epochs=3)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@each_network
def test_what_the_gpu_trained_needs_none_afterwards(name: str, tmp_path: Path) -> None:
    """A model file holds arrays alone: read again it draws the same rows, with torch not asked for a device."""
    model, before = _drawn(name, "cuda", epochs=3)
    model.save(tmp_path / "model.tabsynth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "cuda", None)
        patch.setattr(torch.Tensor, "to", None)
        after = ts.load(tmp_path / "model.tabsynth").sample(len(before), seed=2)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@each_network
def test_half_precision_learns_what_the_cpu_learns(name: str) -> None:
    """The dependence of two columns, and a mean within a category, come out as on the CPU."""
    found = {}
    for device in ("cpu", "cuda"):
        _, drawn = _drawn(name, device)
        same = float(np.mean(drawn["kind"].str.lower() == drawn["twin"]))
        found[device] = (same, float(drawn.loc[drawn["kind"] == "B", "size"].mean()))
    assert found["cuda"][0] >= found["cpu"][0] - 0.03
    assert abs(found["cuda"][1] - 10.0) <= abs(found["cpu"][1] - 10.0) + 1.0
