"""A commitment to the source: proof, when the owner wants to give it, of which file a release was made from.

Decisions
- Never a bare hash. A small or guessable table could be found by hashing guesses; with 32 random bytes mixed in, only
  who holds the salt can tell.
- The salt is made once per release and lies in a file of its own, outside of the release.

Source: HMAC (RFC 2104) with SHA-256, which hides and binds under a random key of 256 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

from tabsynth.errors import DataError, UsageError
from tabsynth.release.keys import write_once

_PURPOSE = b"tabsynth source commitment v1\n"


@dataclass(frozen=True)
class Commitment:
    """What a statement says about the source."""

    algorithm: str
    value: str


def commit(source: str | Path, salt_file: str | Path) -> Commitment:
    """Commit to a file with a new salt, which is written to `salt_file`.

    Raises:
        DataError: The source cannot be read.
        OutputError: The salt file is there already, or cannot be written.

    Privacy: Reads the source's bytes. What is returned tells nothing about them without the salt.
    """
    salt = os.urandom(32)
    value = _value(source, salt)
    content = {"format": 1, "salt": salt.hex(), "commitment": value, "keep": "with the source, never with the release"}
    write_once(Path(salt_file), (json.dumps(content, indent=2) + "\n").encode(), mode=0o600)
    return Commitment("HMAC-SHA256", value)


def opens(commitment: Commitment, source: str | Path, salt_file: str | Path) -> bool:
    """Whether a source and a salt are those of a commitment.

    Raises:
        UsageError: The salt file cannot be read.
        DataError: The source cannot be read.
    """
    try:
        salt = bytes.fromhex(json.loads(Path(salt_file).read_text(encoding="utf-8"))["salt"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{salt_file}: is no salt file; give the one that 'tabsynth sign --source' wrote") from None
    return hmac.compare_digest(_value(source, salt), commitment.value)


def _value(source: str | Path, salt: bytes) -> str:
    mixed = hmac.new(salt, _PURPOSE, hashlib.sha256)
    try:
        with Path(source).open("rb") as file:
            while block := file.read(2**20):
                mixed.update(block)
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from error
    return mixed.hexdigest()
