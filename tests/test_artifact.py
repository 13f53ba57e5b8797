"""Model files: the same bytes for the same content, and no way to change one unseen."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tabsynth import artifact
from tabsynth.artifact import read_artifact, write_artifact
from tabsynth.errors import ArtifactError, OutputError

STATE = {
    "a": np.arange(6.0).reshape(2, 3),
    "deep": [{"codes": np.array([1, 2], np.int32)}, None, "text", 1.5],
    "$array": {"x": 1},
}


def _write(path: Path) -> Path:
    write_artifact(path, kind="model", header={"generator": "toy"}, state=STATE)
    return path


def test_state_comes_back(tmp_path: Path) -> None:
    """Arrays, nesting and hostile key names survive."""
    manifest, state = read_artifact(_write(tmp_path / "m"), kind="model")
    assert manifest["generator"] == "toy"
    np.testing.assert_array_equal(state["a"], STATE["a"])
    assert state["deep"][0]["codes"].dtype == np.int32
    assert state["$array"] == {"x": 1}


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    """Two files of the same state are the same."""
    assert _write(tmp_path / "a").read_bytes() == _write(tmp_path / "b").read_bytes()


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    """Changing any one byte makes the file unreadable, with a named error."""
    data = _write(tmp_path / "m").read_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1
        (tmp_path / "bad").write_bytes(bytes(changed))
        with pytest.raises(ArtifactError):
            read_artifact(tmp_path / "bad", kind="model")


@pytest.mark.parametrize("content", [b"", b"PK", b"a,b\n1,2\n", b"PK\x03\x04" + b"x" * 500])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """What is no model file says so."""
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"no tabsynth|damaged"):
        read_artifact(tmp_path / "m", kind="model")


def test_absent_files_are_named(tmp_path: Path) -> None:
    """A missing file is a named error."""
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_artifact(tmp_path / "nothing", kind="model")


def test_other_formats_name_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a later format names the version that wrote it and the one that reads."""
    monkeypatch.setattr(artifact, "FORMAT_VERSION", 99)
    _write(tmp_path / "m")
    monkeypatch.undo()
    with pytest.raises(ArtifactError, match=r"tabsynth .* in format 99; tabsynth .* reads format 1"):
        read_artifact(tmp_path / "m", kind="model")


def test_no_objects_in_arrays(tmp_path: Path) -> None:
    """An object array, which would need pickle, is refused when writing."""
    with pytest.raises(TypeError, match="numeric arrays"):
        write_artifact(tmp_path / "m", kind="model", header={}, state={"a": np.array(["x"], dtype=object)})
    assert not (tmp_path / "m").exists()


def test_members_are_json_and_arrays(tmp_path: Path) -> None:
    """The zip holds a manifest, a state and .npy files, nothing else."""
    with zipfile.ZipFile(_write(tmp_path / "m")) as archive:
        names = archive.namelist()
        assert names == ["manifest.json", "state.json", "arrays/0.npy", "arrays/1.npy"]
        json.loads(archive.read("manifest.json"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """Writing into a folder that is not there is a named error."""
    with pytest.raises(OutputError, match="no such folder"):
        _write(tmp_path / "no" / "m")
