"""Checkpoints: a training that is killed goes on to the same bytes, and a file that does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tabsynth as ts
from tabsynth.errors import ArtifactError, OutputError, UsageError
from tests.generators.network_rows import SCHEMA, rows

torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')

PARAMETERS: dict[str, dict[str, Any]] = {
    "autoregressive": {"epochs": 8, "batch_size": 64, "hidden_size": 16},
    "ctgan": {"epochs": 8, "batch_size": 100, "generator_layers": (16,), "critic_layers": (16,)},
    "tvae": {"epochs": 8, "batch_size": 100, "encoder_layers": (16,), "decoder_layers": (16,)},
}
each_network = pytest.mark.parametrize("name", list(PARAMETERS))


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out rows are looked at after every other epoch or so."""
    monkeypatch.setattr("tabsynth.generators.networks.training.MIN_STEPS", 5)


class Killed(Exception):
    """Stands for a power cut."""


class KillAfter:
    """A progress that ends the process, so to speak, after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, steps: int = 1, *, note: str | None = None) -> None:
        """Count an epoch."""
        self.left -= 1
        if self.left == 0:
            raise Killed


def _fit(name: str, path: Path | None, *, n: int = 400, seed: int = 3, **parameters: Any) -> ts.Model:
    every = {} if path is None else {"checkpoint": path, "checkpoint_seconds": 0}
    return ts.make_generator(name, PARAMETERS[name] | every | parameters).fit(rows(n), SCHEMA, seed=seed)


def _kill(name: str, path: Path, *, epochs: int = 5, every: float = 0) -> None:
    generator = ts.make_generator(name, PARAMETERS[name] | {"checkpoint": path, "checkpoint_seconds": every})
    with pytest.raises(Killed):
        generator.fit(rows(400), SCHEMA, seed=3, progress=KillAfter(epochs))


@each_network
def test_a_killed_training_goes_on_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Killed twice and run again, the model file is that of a training nobody disturbed."""
    _fit(name, None).save(tmp_path / "whole")
    path = tmp_path / "state"
    _kill(name, path, epochs=3)
    assert path.exists()
    _kill(name, path, epochs=3)  # one call tells of what was taken up
    _fit(name, path).save(tmp_path / "resumed")
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert not path.exists()


@each_network
def test_it_does_go_on(name: str, tmp_path: Path) -> None:
    """The second run trains only the epochs that are left."""
    path = tmp_path / "state"
    _kill(name, path)
    told: list[str | None] = []

    class Listen(KillAfter):
        def advance(self, steps: int = 1, *, note: str | None = None) -> None:
            told.extend([note] * steps)

    parameters = PARAMETERS[name] | {"checkpoint": path}
    ts.make_generator(name, parameters).fit(rows(400), SCHEMA, seed=3, progress=Listen(0))
    assert told[:5] == ["taken up from the checkpoint"] * 5 and len(told) == 8


def test_the_path_is_in_no_model_file(tmp_path: Path) -> None:
    """Where the checkpoint was is nobody's business."""
    model = _fit("tvae", tmp_path / "state-of-secret-project")
    model.save(tmp_path / "m")
    assert "checkpoint" not in model.generator.model_dump(mode="json")
    assert ts.load(tmp_path / "m").generator == ts.make_generator("tvae", PARAMETERS["tvae"])


@pytest.mark.parametrize(
    ("change", "named"),
    [({"seed": 4}, "seed"), ({"n": 401}, "number of rows"), ({"learning_rate": 0.01}, "parameters")],
    ids=["seed", "rows", "parameters"],
)
def test_states_of_other_trainings_are_refused(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    """What differs is named, and the file is left alone."""
    path = tmp_path / "state"
    _kill("tvae", path)
    before = path.read_bytes()
    with pytest.raises(ArtifactError, match=f"another training.*{named}"):
        _fit("tvae", path, **change)
    assert path.read_bytes() == before


def test_damaged_files_and_other_files_are_refused(tmp_path: Path) -> None:
    """A changed byte, half a file and a table are no checkpoint; none of them is overwritten."""
    from safetensors.torch import save

    path = tmp_path / "state"
    _kill("tvae", path)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-5] ^= 1
    others = [save({}, metadata={"state": text}) for text in ("[]", "{}", '{"format":"tabsynth-checkpoint-1"}')]
    for content in (bytes(changed), whole[: len(whole) // 2], b"", b"kind,size\nA,1\n", *others):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match=r"checkpoint: .*(damaged|no checkpoint)"):
            _fit("tvae", path)
        assert path.read_bytes() == content


def test_bad_places_are_refused_before_training(tmp_path: Path) -> None:
    """A folder, and a folder that is not there."""
    with pytest.raises(OutputError, match="is a folder"):
        _fit("tvae", tmp_path)
    with pytest.raises(OutputError, match="no such folder"):
        _fit("tvae", tmp_path / "nowhere" / "state")
    with pytest.raises(UsageError, match="checkpoint_seconds"):
        _fit("tvae", None, checkpoint_seconds=-1)


def test_it_holds_no_row(tmp_path: Path) -> None:
    """No array is as long as the table, and no number of it is a row's."""
    from safetensors import safe_open

    path = tmp_path / "state"
    _kill("autoregressive", path)
    table = rows(400)
    with safe_open(path, framework="np") as file:
        for name in file.keys():  # noqa: SIM118
            array = file.get_tensor(name)
            assert not {400, 360} & set(array.shape), name
            assert not np.isin(array.astype(np.float64), table["size"]).any()


def test_checkpoints_are_not_written_too_often(tmp_path: Path) -> None:
    """Nothing is written before the seconds are over."""
    _kill("tvae", tmp_path / "state", every=1000)
    assert not list(tmp_path.iterdir())
