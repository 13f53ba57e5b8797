"""dp-ctgan: gradients against Opacus and between numpy and torch, who sees what, and what rows keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tabsynth as ts
from tabsynth.dp import ctgan
from tabsynth.dp.certificate import transcript_of
from tabsynth.dp.descent import Units, clipped_sums
from tabsynth.dp.generator import release
from tabsynth.dp.mechanism import Schedule
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.pooling import pools_of
from tabsynth.dp.transcript import Measurement
from tabsynth.errors import MissingExtraError
from tabsynth.generators import base
from tabsynth.schema.files import save_schema
from tests.dp.audits import make, schema_of, ward
from tests.dp.test_replay import called, tabsynth

torch = pytest.importorskip("torch")

SCHEDULE = Schedule(steps=4, rate=0.5, noise=2.0, batch=10.0)
SIZES = {"a": 3, "b": 4, "c": 9}


def adversaries(*, max_rows: int = 1) -> tuple[ctgan.Adversaries, np.ndarray]:
    """Critic and generator for three columns, before their training, and rows."""
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, size, 40) for size in SIZES.values()], axis=1)
    counts = [
        Measurement((name,), np.bincount(codes[:, place], minlength=size) + 50, 1.0, 0.5, "")
        for place, (name, size) in enumerate(SIZES.items())
    ]
    made = ctgan.Adversaries(pools_of(counts), ordered=("c",), nullable=("c",), schedule=SCHEDULE, max_rows=max_rows)
    return made, codes


def moved(made: ctgan.Adversaries, *, seed: int = 1) -> ctgan.Adversaries:
    """The same after some steps along gradients that are noise alone."""
    rng = np.random.default_rng(seed)
    for _ in range(3):
        made.step([np.asarray(rng.normal(0, 0.1, made.critic.shape))])
    return made


class Critic(torch.nn.Module):  # type: ignore[misc,name-defined]
    """The critic as its definition reads: units log cosh, each times its mark."""

    def __init__(self, weights: np.ndarray, marks: np.ndarray) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(weights.shape[0] - 1, weights.shape[1])
        with torch.no_grad():
            self.layer.weight.copy_(torch.from_numpy(weights[:-1].T))
            self.layer.bias.copy_(torch.from_numpy(weights[-1]))
        self.marks = torch.from_numpy(marks)

    def forward(self, rows: Any) -> Any:
        """What it says of each row."""
        return torch.log(torch.cosh(self.layer(rows))) @ self.marks


def test_gradients_are_those_of_opacus() -> None:
    """Each row's clipped gradient is that of Opacus' per-sample gradients of the critic's mark, cut to its length."""
    opacus = pytest.importorskip("opacus")
    made, codes = adversaries()
    moved(made)
    critic = opacus.GradSampleModule(Critic(made.critic.astype(np.float32), made._marks), loss_reduction="sum")
    rows = made._seen([coarse[codes[:, place]] for place, coarse in enumerate(made.coarse)])
    critic(torch.tensor(rows, requires_grad=True)).sum().backward()
    weight, bias = (part.grad_sample.detach().numpy() for part in critic.parameters())
    theirs = np.concatenate([weight.transpose(0, 2, 1), bias[:, None]], axis=1)  # (n_rows, inputs + 1, units)
    lengths = np.sqrt((theirs**2).sum(axis=(1, 2)))
    assert (lengths > 1).any() and (lengths < 1).any()
    for row in range(len(codes)):
        (ours,) = clipped_sums(Units(codes[row : row + 1], None, 1), np.array([0]), made, 1.0)
        np.testing.assert_allclose(ours, theirs[row] / max(1.0, lengths[row]), atol=1e-5)


def test_drawn_rows_are_treated_as_real_ones() -> None:
    """The generator's side works out the same mean gradient of the same rows, cut where they are too long, too."""
    made, codes = adversaries(max_rows=2)
    moved(made)
    units = Units(codes, None, 1)
    (sums,) = clipped_sums(units, np.arange(len(codes)), made, 1.0)
    rows = made._seen([coarse[codes[:, place]] for place, coarse in enumerate(made.coarse)])
    free = made._free
    assert free is not None
    critic = torch.tensor(made.critic, dtype=torch.float32)
    theirs = free._gradient(torch.from_numpy(rows), critic, made.longest).numpy()
    np.testing.assert_allclose(sums / len(codes), theirs, atol=1e-6)


@pytest.mark.parametrize("max_rows", [1, 2, 5])
def test_no_row_is_longer_than_its_part(max_rows: int) -> None:
    """So a person of `max_rows` rows is never clipped as a whole, and half of the rows use most of their part."""
    made, codes = adversaries(max_rows=max_rows)
    (trace,) = moved(made).traces(codes)
    lengths = np.sqrt((1 + (trace.inputs**2).sum(axis=1)) * (trace.slopes**2).sum(axis=1))
    assert lengths.max() <= (1 + 1e-5) / max_rows and np.median(lengths) > 0.4 / max_rows


def test_what_is_kept_is_made_of_noisy_gradients_alone() -> None:
    """Rows that only pass by change no weight, and the same gradients make the same bytes."""
    quiet, codes = adversaries()
    loud, _ = adversaries()
    loud.traces(codes)
    moved(quiet)
    rng = np.random.default_rng(1)
    for _ in range(3):
        loud.traces(codes[rng.integers(0, len(codes), 5)])
    moved(loud)
    ours, theirs = quiet.weights(), loud.weights()
    assert ours.keys() == theirs.keys()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)
    moved(loud, seed=2)
    assert any(ours[name].tobytes() != array.tobytes() for name, array in loud.weights().items())


def test_dependence_comes_back_under_a_large_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows keep how columns hang together, and the shares of columns, for people of several rows."""
    larger = {"STEPS": 30, "UNITS": 16, "HIDDEN": 32, "LATENT": 8, "TURNS": 15, "LAST_TURNS": 100, "DRAWN": 200}
    for name, value in larger.items():
        monkeypatch.setattr(ctgan, name, value)
    table = ward(3000)
    rng = np.random.default_rng(0)
    table["sex"] = rng.choice(["F", "M"], len(table), p=[0.7, 0.3])
    table["hiv"] = np.where((table["sex"] == "F") ^ (rng.random(len(table)) < 0.1), "pos", "neg")
    table["person"] = [f"P{n // 2:04d}" for n in range(len(table))]
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    schema = schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"epsilon": 20.0})})  # type: ignore[union-attr]
    model = release(make("dp-ctgan"), table, schema, noise=NoiseSource.insecure(1))
    rows = model.sample(4000, seed=0)
    there = rows["sex"].notna() & rows["hiv"].notna()
    agree = ((rows["sex"] == "F") == (rows["hiv"] == "pos"))[there]
    assert agree.mean() > 0.75  # .57 without any dependence
    assert abs((rows["sex"] == "F").mean() - 0.7) < 0.03


def test_a_fit_without_torch_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is charged or read."""
    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'dp-ctgan: .*torch.*pip install "tabsynth\[deep\]"'):
        make("dp-ctgan", ledger=str(tmp_path / "l")).fit(ward(), schema_of())
    assert not list(tmp_path.iterdir())


def test_rows_are_made_again_without_data_and_torch(tmp_path: Path) -> None:
    """A model is loaded, sampled and replayed where neither is; its file holds the generator and no critic."""
    save_schema(schema_of(), tmp_path / "schema.yaml")
    ward(200).to_csv(tmp_path / "table.csv", index=False)
    free = ("-g", "dp-ctgan", "--set", "ledger=none")
    called("fit", tmp_path / "schema.yaml", tmp_path / "table.csv", "-o", tmp_path / "m", *free)
    called("certificate", tmp_path / "m", "-o", tmp_path / "away", "--rows", 50)
    (event,) = transcript_of(ts.load(tmp_path / "m")).trainings
    assert {name.partition("_")[0] for name in event.weights} == {"first", "second", "out"}
    (tmp_path / "table.csv").unlink()
    (tmp_path / "away" / "torch.py").write_text("raise ImportError('not here')\n")
    assert "same: all bytes of 50 rows" in tabsynth("replay", "certificate.json", cwd=tmp_path / "away")
