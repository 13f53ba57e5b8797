"""A small release, with the papers that `tabsynth run` writes, and keys for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tabsynth.release.keys import PrivateKey, generate_key, load_private_key


def release(folder: Path, *, rows: str = "a,b\n1,2\n", verdict: str = "pass") -> Path:
    """A folder with rows, a model, a page, a manifest, and an internal part."""
    (folder / "internal").mkdir(parents=True)
    (folder / "synthetic.csv").write_text(rows)
    (folder / "model.tabsynth").write_bytes(bytes(range(64)))
    (folder / "report.html").write_text("<!DOCTYPE html><title>t</title>")
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("synthetic.csv", "model.tabsynth")
    }
    report = {"verdict": verdict, "context": {"hashes": digests}}
    for place in ("report.json", "internal/report.json"):
        (folder / place).write_text(json.dumps(report))
    (folder / "internal" / "report.html").write_text("<!DOCTYPE html><title>internal</title>")
    manifest = {"sha256": digests, "schema_sha256": "ab" * 32, "seed": 1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def key_pair(folder: Path, name: str = "ward", *, owner: str = "Ward Seven", **options: object) -> PrivateKey:
    """A new pair of keys in files, and the private half."""
    generate_key(folder / name, owner=owner, **options)  # type: ignore[arg-type]
    return load_private_key(folder / f"{name}.key")
