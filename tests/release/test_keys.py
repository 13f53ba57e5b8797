"""Keys: private to their owner, never replaced, with an end, and readable by other tools."""

from __future__ import annotations

import hashlib
import stat
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tabsynth.errors import OutputError, UsageError, VerificationError
from tabsynth.release.keys import generate_key, load_private_key, load_public_key, require_current
from tests.release.folders import key_pair


def test_a_pair_reads_back(tmp_path: Path) -> None:
    """Owner, end and id are those that were written; the id is the digest of the public half."""
    made = generate_key(tmp_path / "k", owner="Ward Seven", days=10, today=date(2026, 1, 1))
    secret, public = load_private_key(tmp_path / "k.key"), load_public_key(tmp_path / "k.pub")
    assert secret.public.id == public.id == made.id
    assert (public.owner, public.expires) == ("Ward Seven", date(2026, 1, 11))
    der = public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public.id == hashlib.sha256(der).hexdigest()


def test_the_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask; the public key holds nothing of the private one."""
    key_pair(tmp_path)
    assert stat.S_IMODE((tmp_path / "ward.key").stat().st_mode) == 0o600
    assert b"PRIVATE" not in (tmp_path / "ward.pub").read_bytes()


@pytest.mark.parametrize("suffix", [".key", ".pub"])
def test_a_key_is_never_replaced(tmp_path: Path, suffix: str) -> None:
    """A file that is there, or a link that leads nowhere, stops the pair, and no half of it is written."""
    for make in (Path.touch, lambda file: file.symlink_to(tmp_path / "nowhere")):
        make(tmp_path / f"k{suffix}")
        with pytest.raises(OutputError, match="never replaced"):
            generate_key(tmp_path / "k", owner="o")
        assert [file.name for file in tmp_path.iterdir()] == [f"k{suffix}"]
        (tmp_path / f"k{suffix}").unlink()


def test_other_tools_read_the_files(tmp_path: Path) -> None:
    """The text above the armour is in nobody's way."""
    key_pair(tmp_path)
    load_pem_private_key((tmp_path / "ward.key").read_bytes(), password=None)
    load_pem_public_key((tmp_path / "ward.pub").read_bytes())


def test_a_passphrase_locks_the_private_key(tmp_path: Path) -> None:
    """Without it, or with another one, the key is refused; with it, it signs."""
    generate_key(tmp_path / "k", owner="o", passphrase="long word")
    assert load_private_key(tmp_path / "k.key", passphrase=lambda: "long word").public.owner == "o"
    with pytest.raises(UsageError, match="passphrase is wrong"):
        load_private_key(tmp_path / "k.key", passphrase=lambda: "other")
    with pytest.raises(UsageError, match="is encrypted"):
        load_private_key(tmp_path / "k.key")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"owner": " "}, "--owner"),
        ({"owner": "a\nExpires: 9999-01-01"}, "--owner"),
        ({"owner": "-----BEGIN"}, "--owner"),
        ({"owner": "o", "days": 0}, "--days"),
        ({"owner": "o", "passphrase": ""}, "empty"),
    ],
)
def test_bad_requests_are_named(tmp_path: Path, options: dict[str, object], says: str) -> None:
    """An owner in several lines, a key without a day and an empty passphrase make no file."""
    with pytest.raises(UsageError, match=says):
        generate_key(tmp_path / "k", **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_other_files_are_no_keys(tmp_path: Path) -> None:
    """Absent, empty, the other half, damaged, of another kind, without an end: each is named."""
    key_pair(tmp_path)
    private, public = (tmp_path / f"ward{suffix}" for suffix in (".key", ".pub"))
    with pytest.raises(UsageError, match="cannot be read"):
        load_public_key(tmp_path / "absent")
    with pytest.raises(UsageError, match="holds no public key"):
        load_public_key(private)
    with pytest.raises(UsageError, match="holds no private key"):
        load_private_key(public)
    text = public.read_text()
    (tmp_path / "cut.pub").write_text(text[:-60])
    with pytest.raises(UsageError, match="no public key"):
        load_public_key(tmp_path / "cut.pub")
    (tmp_path / "endless.pub").write_text(text[text.index("-----BEGIN") :])
    with pytest.raises(UsageError, match="Expires"):
        load_public_key(tmp_path / "endless.pub")
    (tmp_path / "foreign.pub").write_text(text.replace("Key-ID: ", "Key-ID: 00"))
    with pytest.raises(UsageError, match="another key"):
        load_public_key(tmp_path / "foreign.pub")
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    other = X25519PrivateKey.generate()
    (tmp_path / "x.key").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="another kind"):
        load_private_key(tmp_path / "x.key")


def test_a_key_holds_to_its_last_day(tmp_path: Path) -> None:
    """The day it expires is the last; the message names owner and day."""
    key = key_pair(tmp_path, today=date(2026, 1, 1), days=30).public
    require_current(key, date(2026, 1, 31))
    with pytest.raises(VerificationError, match=r"Ward Seven .* expired on 2026-01-31"):
        require_current(key, date(2026, 2, 1))


def test_keys_differ() -> None:
    """Randomness is the operating system's."""
    assert len({Ed25519PrivateKey.generate().private_bytes_raw() for _ in range(5)}) == 5
