"""Lines that hold each other: JSON, numbered, each with the hash of the one before, so that a change shows."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabsynth.errors import LedgerError
from tabsynth.strict_json import read_json

FORMAT = "tabsynth-ledger/1"
NO_HASH = "0" * 64
_FIRST_KEYS = {"line", "format", "dataset", "epsilon", "delta", "time", "previous", "hash"}
_CHARGE_KEYS = {"line", "rho", "delta", "purpose", "mechanism", "release", "time", "previous", "hash"}
_ORDER = "order"
"""In charges alone, and only where the cost does not hold for every order."""


def parse_lines(path: Path, data: bytes, *, after: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the lines of a ledger as dictionaries, each checked against the one before.

    Args:
        path: Name of the file, for messages.
        data: The bytes of the lines.
        after: The line that stands before them; None at the start of the file.

    Raises:
        LedgerError: Names the first line that is wrong, and what is wrong with it.
    """
    first = after["line"] + 1 if after else 1
    previous = after["hash"] if after else NO_HASH
    if not data and first == 1:
        raise LedgerError(f"{path}: line 1 is missing: the file is empty, not a ledger")
    lines = data.split(b"\n")
    if lines[-1]:
        raise LedgerError(
            f"{path}: line {first + len(lines) - 1} is half written: a run was stopped in the middle of a charge, "
            "before any noise was drawn for it; delete what stands after the last line break, and only that"
        )
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines[:-1], start=first):
        try:
            entry = read_json(line)
        except ValueError:
            entry = None
        keys = _CHARGE_KEYS if number > 1 else _FIRST_KEYS
        if not isinstance(entry, dict) or set(entry) - ({_ORDER} if number > 1 else set()) != keys:
            raise LedgerError(f"{path}: line {number} is not a line of a ledger; restore the file from a backup")
        if number == 1 and entry["format"] != FORMAT:
            raise LedgerError(f"{path}: line 1 is of another version; this is version {FORMAT.rpartition('/')[2]}")
        if entry["hash"] != _hash({key: value for key, value in entry.items() if key != "hash"}):
            raise LedgerError(f"{path}: line {number} was changed after it was written; restore it from a backup")
        if entry["previous"] != previous or entry["line"] != number:
            raise LedgerError(
                f"{path}: line {number} does not follow the line before it: a line was removed, added or moved; "
                "restore the file from a backup"
            )
        previous = entry["hash"]
        entries.append(entry)
    return entries


def _hash(entry: dict[str, Any]) -> str:
    """SHA-256 of an entry without its own hash, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(entry: dict[str, Any], *, previous: str) -> dict[str, Any]:
    """The entry with time, hash of the line before, and its own hash."""
    entry = {**entry, "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "previous": previous}
    return {**entry, "hash": _hash(entry)}
