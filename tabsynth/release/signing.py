"""Sign a release, and check one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from tabsynth.errors import OutputError, UsageError, VerificationError
from tabsynth.outputs import atomic_file
from tabsynth.release.claims import require_sound
from tabsynth.release.commitment import Commitment, commit, opens
from tabsynth.release.envelope import seal, unseal
from tabsynth.release.keys import PrivateKey, PublicKey, require_current
from tabsynth.release.statement import (
    INTERNAL,
    SIGNATURE,
    Predicate,
    Source,
    Statement,
    digests,
    read_statement,
    require_consistent,
    subjects,
)

DAYS = 365
"""How long a release may be relied on before it is reviewed again, unless told otherwise."""


@dataclass(frozen=True)
class Verified:
    """A release whose every file is as it was signed."""

    signer: str
    key_id: str
    signed: str
    expires: date
    files: tuple[str, ...]
    """Names of the files that were compared, those of `internal` included."""
    internal: bool
    """Whether the folder `internal` is in this copy."""
    source: bool | None
    """Whether the source was compared; None where the release commits to none."""


def sign(
    folder: str | Path,
    key: PrivateKey,
    *,
    source: str | Path | None = None,
    salt: str | Path | None = None,
    days: int = DAYS,
    now: datetime | None = None,
) -> Statement:
    """Sign every file of a release; signatures that are there are replaced.

    Args:
        folder: Folder that `tabsynth run` wrote.
        key: Who signs.
        source: The real table's file, to commit to.
        salt: Where to write the salt of this commitment; outside of the release. Needed with `source`.
        days: How long the release may be relied on, in days; it ends with the key at the latest.
        now: Time of the signature; now where None.

    Returns:
        The statement about the release.

    Raises:
        UsageError: The folder is no release, `salt` is missing, or salt or source lies in it.
        VerificationError: The key has expired, a file is not the one that the release's own papers are about, or these
            do not say what follows from their own figures.
        OutputError: A signature or the salt cannot be written.
    """
    from tabsynth import __version__

    root, moment = _folder(folder), now or datetime.now(UTC)
    require_current(key.public, moment.date())
    if not 1 <= days <= 36_500:
        raise UsageError("--days: a release may be relied on for one day to 100 years")
    if (source is None) != (salt is None):
        raise UsageError("--source and --salt belong together: the real table, and the file to keep its salt in")
    require_outside(root, salt, source)
    schema = require_consistent(root)
    require_sound(root)
    found = digests(root, part="release")
    inside = digests(root, part="internal") if (root / INTERNAL).is_dir() else None
    committed = None if source is None or salt is None else commit(source, salt)
    facts = Predicate(
        part="release",
        tabsynth=__version__,
        signer=key.public.owner,
        signed=moment.isoformat(timespec="seconds"),
        expires=min(moment.date() + timedelta(days=days), key.public.expires),
        schema_sha256=schema,
        source=None if committed is None else Source(algorithm="HMAC-SHA256", commitment=committed.value),
    )
    statement = Statement(subject=subjects(found), predicate=facts)
    _write(root / SIGNATURE, seal(statement.payload(), key))
    if inside is not None:
        about = {"part": "internal", "release_sha256": hashlib.sha256(statement.payload()).hexdigest(), "source": None}
        within = Statement(subject=subjects(inside), predicate=facts.model_copy(update=about))
        _write(root / INTERNAL / SIGNATURE, seal(within.payload(), key))
    return statement


def verify(
    folder: str | Path,
    key: PublicKey,
    *,
    source: str | Path | None = None,
    salt: str | Path | None = None,
    today: date | None = None,
) -> Verified:
    """Check that a release is byte for byte what was signed, and that signature and key still hold.

    Args:
        folder: The release.
        key: Whose signature it must carry; had from its owner, not from the release.
        source: The real table's file, to be held against the commitment.
        salt: The salt that was written when it was signed; needed with `source`.
        today: Day of the check; today where None.

    Raises:
        UsageError: There is no such folder, or the salt cannot be read.
        VerificationError: A file was changed, is missing or was added (the first is named); the signature is absent, of
            another key, or no longer holds; or the source is another one.
    """
    root, day = _folder(folder), today or datetime.now(UTC).date()
    statement, payload = _statement(root, key, "release")
    facts = statement.predicate
    compared = list(_compare(root, statement, "release"))
    internal = (root / INTERNAL).is_dir()
    if internal:
        within, _ = _statement(root, key, "internal")
        if within.predicate.release_sha256 != hashlib.sha256(payload).hexdigest():
            raise VerificationError(f"{INTERNAL}/{SIGNATURE}: belongs to another release; copy 'internal' again")
        compared += [f"{INTERNAL}/{name}" for name in _compare(root, within, "internal")]
    require_consistent(root)
    if day > facts.expires:
        raise VerificationError(
            f"the release was to be relied on until {facts.expires.isoformat()}; have it reviewed and signed again"
        )
    require_current(key, day)
    checked: bool | None = False if facts.source else None
    if source is not None:
        if salt is None:
            raise UsageError("--source needs --salt, the file that 'tabsynth sign --source' wrote")
        if facts.source is None:
            raise VerificationError("the release commits to no source; nothing can be said about where it came from")
        if not opens(Commitment(facts.source.algorithm, facts.source.commitment), source, salt):
            raise VerificationError(f"{Path(source).name}: is not the source this release was signed for")
        checked = True
    return Verified(facts.signer, key.id, facts.signed, facts.expires, tuple(compared), internal, checked)


def require_outside(folder: str | Path, *files: str | Path | None) -> None:
    """Refuse files that would travel with a release and must not: keys, salts, the real table.

    Raises:
        UsageError: One lies in it.
    """
    for file in files:
        if file is not None and Path(file).resolve().is_relative_to(Path(folder).resolve()):
            raise UsageError(f"{file}: lies in the release and would travel with it; choose a place outside")


def _folder(folder: str | Path) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder; give the folder that 'tabsynth run' wrote")
    return root


def _statement(root: Path, key: PublicKey, part: Literal["release", "internal"]) -> tuple[Statement, bytes]:
    name = SIGNATURE if part == "release" else f"{INTERNAL}/{SIGNATURE}"
    try:
        envelope = (root / name).read_bytes()
    except OSError:
        raise VerificationError(
            f"{name}: is missing; the {part} part is not signed, or its signature was left out"
        ) from None
    payload = unseal(envelope, key, name=name)
    statement = read_statement(payload, name=name)
    if statement.predicate.part != part:
        raise VerificationError(f"{name}: is the signature of another part of a release; copy it again")
    return statement, payload


def _compare(root: Path, statement: Statement, part: Literal["release", "internal"]) -> tuple[str, ...]:
    """Names of the files of a part, all as they were signed."""
    signed = {subject.name: subject.digest.sha256 for subject in statement.subject}
    found = digests(root, part=part)
    where = f"{INTERNAL}/" if part == "internal" else ""
    wrong = []
    for name in sorted(signed.keys() | found.keys()):
        if name not in found:
            wrong.append((name, "is missing"))
        elif name not in signed:
            wrong.append((name, "was added after signing"))
        elif signed[name] != found[name]:
            wrong.append((name, "was changed after signing"))
    if wrong:
        name, what = wrong[0]
        more = f" ({len(wrong) - 1} more differ)" if len(wrong) > 1 else ""
        raise VerificationError(f"{where}{name}: {what}{more}")
    return tuple(signed)


def _write(file: Path, content: bytes) -> None:
    if file.is_symlink():
        raise OutputError(f"{file}: is a link; remove it first")
    with atomic_file(file) as partial:
        partial.write_bytes(content)
