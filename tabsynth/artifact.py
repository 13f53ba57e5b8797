"""The file that a fitted model is kept in: a zip of JSON and arrays, never code.

```
manifest.json     format version, tabsynth version, what it is, and the SHA-256 of every other member
state.json        nested state; an array stands as {"$array": "arrays/3.npy"}
arrays/N.npy      numeric arrays, read with allow_pickle=False
(zip comment)     SHA-256 of every byte before it
```

This module knows nothing of generators; it stands at the bottom so that models can save themselves.

Decisions
- No pickle: loading a model must not run anybody's code.
- The checksum over the whole file catches a changed byte anywhere, also in headers that no member covers.
- Members are stored with a fixed date, so that equal models are equal files.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tabsynth.errors import ArtifactError
from tabsynth.outputs import atomic_file

FORMAT_VERSION = 1
_DATE = (1980, 1, 1, 0, 0, 0)
_DIGEST = 64  # hexadecimal digits of SHA-256
_MAX_BYTES = 8 * 2**30


def write_artifact(path: str | Path, *, kind: str, header: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write an artifact.

    Args:
        path: The file to write.
        kind: What it holds ("model").
        header: JSON values that a reader may show without loading the state.
        state: Nested mappings and lists of JSON values and numeric arrays.

    Raises:
        OutputError: The file cannot be written; nothing is left half written.
    """
    from tabsynth import __version__

    arrays: list[np.ndarray[Any, Any]] = []
    members = {"state.json": _json(_pack(state, arrays))}
    for number, array in enumerate(arrays):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        members[f"arrays/{number}.npy"] = buffer.getvalue()
    manifest = {
        "format": FORMAT_VERSION,
        "tabsynth": __version__,
        "kind": kind,
        **header,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"manifest.json": _json(manifest), **members}.items():
            info = zipfile.ZipInfo(name, date_time=_DATE)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
        archive.comment = b"0" * _DIGEST
    body = buffer.getvalue()[:-_DIGEST]
    with atomic_file(path) as partial:
        partial.write_bytes(body + hashlib.sha256(body).hexdigest().encode())


def read_artifact(path: str | Path, *, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read an artifact.

    Args:
        path: The file.
        kind: What it must hold.

    Returns:
        The manifest, and the state with its arrays in place.

    Raises:
        ArtifactError: The file is absent, damaged, of another kind, or of a format that this version does not read.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{file}: cannot be read ({error.strerror or type(error).__name__})") from error
    if not zipfile.is_zipfile(io.BytesIO(data)) and data[:2] != b"PK":
        raise ArtifactError(f"{file}: is no tabsynth {kind} file; make one with 'tabsynth fit'")
    if hashlib.sha256(data[:-_DIGEST]).hexdigest().encode() != data[-_DIGEST:]:
        raise ArtifactError(f"{file}: is damaged or was changed (its checksum does not match); fit or copy it again")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if "manifest.json" not in names or sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
            raise ArtifactError(f"{file}: is no tabsynth {kind} file; make one with 'tabsynth fit'")
        manifest = json.loads(archive.read("manifest.json"))
        _require_version(file, manifest, kind)
        members = {name: archive.read(name) for name in names if name != "manifest.json"}
    digests = {name: hashlib.sha256(member).hexdigest() for name, member in members.items()}
    if digests != manifest["sha256"]:
        raise ArtifactError(f"{file}: holds other members than its manifest lists; fit or copy it again")
    arrays = {
        name: np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
        for name, member in members.items()
        if name.startswith("arrays/")
    }
    return manifest, _unpack(json.loads(members["state.json"]), arrays)


def _require_version(file: Path, manifest: dict[str, Any], kind: str) -> None:
    from tabsynth import __version__

    if manifest.get("format") != FORMAT_VERSION:
        raise ArtifactError(
            f"{file}: was written by tabsynth {manifest.get('tabsynth')} in format {manifest.get('format')}; "
            f"tabsynth {__version__} reads format {FORMAT_VERSION}. Use the version that wrote it, or fit again"
        )
    if manifest.get("kind") != kind:
        raise ArtifactError(f"{file}: holds a {manifest.get('kind')}, not a {kind}")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _pack(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Nested state with arrays moved out."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"a model file holds numeric arrays only, not {value.dtype}")
        arrays.append(value)
        return {"$array": f"arrays/{len(arrays) - 1}.npy"}
    if isinstance(value, Mapping):
        return {str(key): _pack(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pack(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpack(value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, dict):
        place = value.get("$array")  # a column may be called so, too
        if isinstance(place, str) and place in arrays and len(value) == 1:
            return arrays[place]
        return {key: _unpack(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpack(item, arrays) for item in value]
    return value
