"""Ed25519 keys in files: one that signs and stays with its owner, one that checks and goes to everybody else.

Both are PEM with lines above the armour that say whose key it is and until when it holds (RFC 7468 allows text there),
so that `openssl pkey` reads them too.

Decisions
- A private key is written readable by its owner alone, and no file is ever replaced: a key that is lost cannot be had
  back.
- Keys expire, two years after they were made unless told otherwise. A key without an end outlives the person who
  answers for it.
- The id of a key is the SHA-256 of its public half in DER: anybody can compute it from the file.

Source: RFC 8032 (Ed25519); RFC 7468 (textual encodings of keys).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tabsynth.errors import OutputError, UsageError, VerificationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DAYS = 730
"""How long a key holds unless told otherwise."""


@dataclass(frozen=True)
class PublicKey:
    """A key that checks signatures."""

    key: Ed25519PublicKey
    id: str
    owner: str
    expires: date


@dataclass(frozen=True)
class PrivateKey:
    """A key that makes signatures, with its public half."""

    key: Ed25519PrivateKey
    public: PublicKey


def generate_key(
    path: str | Path, *, owner: str, days: int = DAYS, passphrase: str | None = None, today: date | None = None
) -> PublicKey:
    """Make a pair of keys: `PATH.key`, which signs, and `PATH.pub`, which checks.

    Args:
        path: Name of the pair, without suffix.
        owner: Who answers for what is signed; one line, stands in both files and in every statement.
        days: How long the key holds, in days.
        passphrase: Encrypts the private key; None leaves it readable to whoever can read the file.
        today: The day it is made; today where None.

    Returns:
        The public half.

    Raises:
        UsageError: `owner` is empty or has several lines, or `days` is not positive.
        OutputError: One of the files is there already, or cannot be written; nothing was replaced.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    if not owner.strip() or not owner.isprintable() or "-----" in owner:
        raise UsageError("--owner: name who answers for the signature, in one line")
    if not 1 <= days <= 36_500:
        raise UsageError("--days: a key holds between one day and 100 years")
    if passphrase is not None and not passphrase:
        raise UsageError("the passphrase is empty; choose one, or make the key without")
    secret_file, public_file = Path(f"{path}.key"), Path(f"{path}.pub")
    for file in (secret_file, public_file):
        if file.exists() or file.is_symlink():
            raise OutputError(f"{file}: is there already, and a key is never replaced; choose another name")
    secret = Ed25519PrivateKey.generate()
    public = secret.public_key()
    expires = (today or datetime.now(UTC).date()) + timedelta(days=days)
    made = PublicKey(public, _key_id(public), owner.strip(), expires)
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    above = f"Owner: {made.owner}\nExpires: {expires.isoformat()}\nKey-ID: {made.id}\n"
    secret_text = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public_text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_once(secret_file, f"tabsynth signing key: keep it to yourself\n{above}".encode() + secret_text, mode=0o600)
    try:
        write_once(public_file, f"tabsynth public key: checks signatures\n{above}".encode() + public_text, mode=0o644)
    except OutputError:
        secret_file.unlink()
        raise
    return made


def write_once(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet.

    Raises:
        OutputError: It is there, or cannot be written; nothing was replaced.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise OutputError(f"{path}: is there already and is never replaced; choose another name") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def load_private_key(path: str | Path, *, passphrase: Callable[[], str] | None = None) -> PrivateKey:
    """Read a private key.

    Args:
        path: The `.key` file.
        passphrase: Asked only where the key is encrypted; None: such a key is refused.

    Raises:
        UsageError: The file is absent or no such key, or the passphrase is missing or wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    head, armour = _parts(path, "PRIVATE KEY", "the .key file of 'tabsynth keygen'")
    encrypted = b"BEGIN ENCRYPTED" in armour
    if encrypted and passphrase is None:
        raise UsageError(f"{path}: is encrypted; give its passphrase")
    word = passphrase().encode() if encrypted and passphrase is not None else None
    try:
        key = load_pem_private_key(armour, password=word)
    except (ValueError, TypeError):
        what = "the passphrase is wrong, or the file is damaged" if encrypted else "is no private key"
        raise UsageError(f"{path}: {what}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: holds another kind of key; make an Ed25519 key with 'tabsynth keygen'")
    return PrivateKey(key, _described(key.public_key(), head, path))


def load_public_key(path: str | Path) -> PublicKey:
    """Read a public key.

    Raises:
        UsageError: The file is absent or no such key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    head, armour = _parts(path, "PUBLIC KEY", "the .pub file of 'tabsynth keygen'")
    try:
        key = load_pem_public_key(armour)
    except (ValueError, TypeError):
        raise UsageError(f"{path}: is no public key; give the .pub file of 'tabsynth keygen'") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path}: holds another kind of key; give an Ed25519 key of 'tabsynth keygen'")
    return _described(key, head, path)


def require_current(key: PublicKey, day: date) -> None:
    """Refuse a key that no longer holds.

    Raises:
        VerificationError: It expired before `day`.
    """
    if day > key.expires:
        raise VerificationError(
            f"the key of {key.owner} (id {key.id[:16]}) expired on {key.expires.isoformat()}; ask for a release that "
            "is signed with a current key"
        )


def _parts(path: str | Path, what: str, expected: str) -> tuple[dict[str, str], bytes]:
    """The lines above the armour by name, and the armour."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give {expected}") from error
    place = re.search(rb"^-----BEGIN [A-Z ]*" + what.encode() + rb"-----$", content, flags=re.MULTILINE)
    if place is None:
        raise UsageError(f"{path}: holds no {what.lower()}; give {expected}")
    lines = content[: place.start()].decode("utf-8", errors="replace").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line), content[place.start() :]


def _described(key: Ed25519PublicKey, head: dict[str, str], path: str | Path) -> PublicKey:
    try:
        expires = date.fromisoformat(head["Expires"])
    except (KeyError, ValueError):
        raise UsageError(f"{path}: lacks the line 'Expires: YYYY-MM-DD' above the key; make one with keygen") from None
    found = _key_id(key)
    if head.get("Key-ID", found) != found:
        raise UsageError(f"{path}: the line Key-ID is that of another key; ask its owner for the file again")
    return PublicKey(key, found, head.get("Owner", "nobody named"), expires)


def _key_id(key: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
