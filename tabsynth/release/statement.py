"""What is signed: every file of a release by name and SHA-256, who signs, when, and until when it may be relied on.

The statement is in-toto's, version 1. A release has one, and its folder `internal` one of its own, which names the
release's.

    signature.intoto.json            every file outside of `internal`
    internal/signature.intoto.json   every file inside, and the digest of the release's statement

Decisions
- Two statements, so that a copy without `internal` can be checked, and says nothing of what lay there, not even a hash.
- A release is signed only if what it says about itself holds: the digests in manifest.json and in report.json are
  compared first. A report about other rows must not get a signature.
- Links are refused: what they lead to can change without the release changing.

Source: in-toto attestation framework, Statement v1 (github.com/in-toto/attestation).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tabsynth.errors import UsageError, VerificationError
from tabsynth.strict_json import read_json

SIGNATURE = "signature.intoto.json"
INTERNAL = "internal"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:tabsynth:release:v1"


class _Signed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Digest(_Signed):
    """Digest of a file."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Subject(_Signed):
    """One file, by its path within the folder, with slashes."""

    name: str
    digest: Digest


class Source(_Signed):
    """Salted commitment to the real table."""

    algorithm: Literal["HMAC-SHA256"]
    commitment: str


class Predicate(_Signed):
    """What the signer says about the files."""

    format: Literal[1] = 1
    part: Literal["release", "internal"]
    tabsynth: str
    signer: str
    signed: str
    """When, as ISO 8601 text with its offset."""
    expires: date
    """Day after which the release must be reviewed again before anybody relies on it."""
    schema_sha256: str | None = None
    source: Source | None = None
    release_sha256: str | None = None
    """Of the release's statement; in the statement about `internal` only."""


class Statement(_Signed):
    """An in-toto statement about a folder."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:tabsynth:release:v1"] = Field(default="urn:tabsynth:release:v1", alias="predicateType")
    predicate: Predicate

    def payload(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2).encode()


def read_statement(payload: bytes, *, name: str) -> Statement:
    """Read a signed payload.

    Raises:
        VerificationError: It is no statement of this version.
    """
    try:
        return Statement.model_validate_json(payload)
    except ValidationError:
        raise VerificationError(
            f"{name}: holds no statement that this version of tabsynth reads; use the version that signed it"
        ) from None


def digests(folder: Path, *, part: Literal["release", "internal"]) -> dict[str, str]:
    """SHA-256 of every file of a release, or of its folder `internal`, by path within that folder; signatures left out.

    Raises:
        VerificationError: There is a link or another thing that is no plain file, or a name that cannot be shown.
    """
    root = folder / INTERNAL if part == "internal" else folder
    found = {}
    for file in sorted(_entries(root)):
        name = file.relative_to(root).as_posix()
        if part == "release" and folder / INTERNAL in file.parents:  # what is called so itself must be a plain folder
            continue
        if not name.isprintable():  # it would be printed as it likes, over the verdict of `verify`
            raise VerificationError(f"{name!a}: is a name with characters that cannot be shown; remove the file")
        if file.is_symlink() or not file.is_file():
            raise VerificationError(f"{name}: is a link or no plain file; a release holds plain files only")
        if name != SIGNATURE:
            found[name] = _sha256(file)
    return found


def subjects(found: dict[str, str]) -> tuple[Subject, ...]:
    """Digests as subjects of a statement."""
    return tuple(Subject(name=name, digest=Digest(sha256=value)) for name, value in found.items())


def require_consistent(folder: Path) -> str | None:
    """Compare the digests that a release states about itself with its files.

    Returns:
        SHA-256 of the schema, where the manifest states it.

    Raises:
        UsageError: The folder holds no manifest of `tabsynth run`.
        VerificationError: A file is not the one that manifest or report is about.
    """
    manifest = read_paper(folder, "manifest.json")
    if manifest is None or not isinstance(manifest.get("sha256"), dict):
        raise UsageError(f"{folder}: holds no manifest.json of 'tabsynth run'; give the folder that it wrote")
    stated = {"manifest.json": manifest["sha256"]}
    rows = [name for name in manifest["sha256"] if name.startswith("synthetic.")]
    for place in ("report.json", f"{INTERNAL}/report.json"):
        report = read_paper(folder, place)
        if report is not None:
            context = report.get("context")
            stated[place] = context.get("hashes") if isinstance(context, dict) else None
    for place, hashes in stated.items():
        if not rows or not isinstance(hashes, dict) or not set(rows) <= set(hashes):
            raise VerificationError(f"{place}: does not say which rows it is about; run 'tabsynth run' again")
        for name, digest in hashes.items():
            if Path(name).name != name:
                raise VerificationError(f"{place}: names a file in another folder; run 'tabsynth run' again")
            file = folder / name
            if not file.is_file():
                raise VerificationError(f"{name}: is missing, and {place} is about it")
            if _sha256(file) != digest:
                raise VerificationError(f"{name}: is not the file that {place} is about; run 'tabsynth run' again")
    schema = manifest.get("schema_sha256")
    return schema if isinstance(schema, str) else None


def read_paper(folder: Path, name: str) -> dict[str, Any] | None:
    """A JSON file of a release; None where it is not there.

    Raises:
        VerificationError: It is no JSON object, or not the same for every reader.
    """
    try:
        found = read_json((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise VerificationError(f"{name}: cannot be read as JSON; run 'tabsynth run' again")
    return found


def _entries(root: Path) -> Iterator[Path]:
    """Everything under a folder but plain folders; links are not followed."""
    for entry in root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _entries(entry)
        else:
            yield entry


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
