"""A payload and its signature in one JSON file: a DSSE envelope.

What is signed is not the JSON but the type and the bytes of the payload, each with its length, so that no two pairs of
them look alike.

Decisions
- There is one spelling of an envelope. Another one (a space more, a letter of the base64 that decodes alike) is
  refused, so that every byte of the file is covered, not only the signed ones.

Source: "DSSE: Dead Simple Signing Envelope", protocol 1.0.2 (github.com/secure-systems-lab/dsse).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from tabsynth.errors import VerificationError
from tabsynth.release.keys import PrivateKey, PublicKey
from tabsynth.strict_json import read_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def encoded(payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of a payload.

    Example:
        >>> encoded(b"hello")
        b'DSSEv1 28 application/vnd.in-toto+json 5 hello'
    """
    kind = PAYLOAD_TYPE.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def seal(payload: bytes, key: PrivateKey) -> bytes:
    """Sign a payload; the bytes of the envelope file."""
    return _written(payload, key.public.id, key.key.sign(encoded(payload)))


def unseal(envelope: bytes, key: PublicKey, *, name: str) -> bytes:
    """The payload of an envelope, checked.

    Args:
        envelope: Bytes of the file.
        key: Whose signature it must carry.
        name: Name of the file, for messages.

    Raises:
        VerificationError: It is no envelope, was changed, or was signed with another key.
    """
    from cryptography.exceptions import InvalidSignature

    payload, key_id, signature = _read(envelope, name)
    if _written(payload, key_id, signature) != envelope:
        raise VerificationError(f"{name}: was changed after signing (it is not written the way tabsynth writes it)")
    if key_id != key.id:
        raise VerificationError(
            f"{name}: was signed with another key (id {key_id[:16]}) than the one of {key.owner} that was given "
            f"(id {key.id[:16]})"
        )
    try:
        key.key.verify(signature, encoded(payload))
    except InvalidSignature:
        raise VerificationError(
            f"{name}: the signature does not hold; the statement was changed after signing"
        ) from None
    return payload


def _read(envelope: bytes, name: str) -> tuple[bytes, str, bytes]:
    try:
        found: Any = read_json(envelope)
        (signature,) = found["signatures"]
        payload, raw = (base64.b64decode(text, validate=True) for text in (found["payload"], signature["sig"]))
        if found["payloadType"] != PAYLOAD_TYPE:
            raise ValueError
        if not re.fullmatch("[0-9a-f]{64}", signature["keyid"]):  # it is printed
            raise ValueError
        return payload, signature["keyid"], raw
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise VerificationError(
            f"{name}: is no signature of tabsynth, or was damaged; sign the release again"
        ) from None


def _written(payload: bytes, key_id: str, signature: bytes) -> bytes:
    content = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(content, indent=2) + "\n").encode()
