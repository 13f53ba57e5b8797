"""Signatures: any byte of any file is covered, and whatever does not hold is named."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tabsynth.errors import DataError, OutputError, UsageError, VerificationError
from tabsynth.release.envelope import encoded, seal, unseal
from tabsynth.release.keys import PrivateKey
from tabsynth.release.signing import sign, verify
from tabsynth.release.statement import SIGNATURE
from tests.release.folders import key_pair, release


@pytest.fixture
def key(tmp_path: Path) -> PrivateKey:
    """A key of Ward Seven."""
    return key_pair(tmp_path)


@pytest.fixture
def signed(tmp_path: Path, key: PrivateKey) -> Path:
    """A signed release."""
    sign(release(tmp_path / "out"), key)
    return tmp_path / "out"


def test_what_is_signed_is_the_encoding_of_the_standard() -> None:
    """The example of the protocol's own text."""
    kind = "http://example.com/HelloWorld"
    assert encoded(b"hello world").replace(b"28 application/vnd.in-toto+json", f"29 {kind}".encode()) == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_release_verifies(signed: Path, key: PrivateKey) -> None:
    """Every file but the signatures is compared; signer and dates are those of the statement."""
    found = verify(signed, key.public)
    everything = {file.relative_to(signed).as_posix() for file in signed.rglob("*") if file.is_file()}
    assert set(found.files) == {name for name in everything if not name.endswith(SIGNATURE)}
    assert found.signer == "Ward Seven" and found.internal and found.source is None
    assert found.expires == date.fromisoformat(found.signed[:10]) + timedelta(days=365)


def test_the_statement_is_in_totos(signed: Path) -> None:
    """Type, predicate type and subjects as the framework wants them, in a DSSE envelope with one signature."""
    envelope = json.loads((signed / SIGNATURE).read_text())
    assert set(envelope) == {"payload", "payloadType", "signatures"}
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:tabsynth:release:v1"
    assert all(set(subject) == {"name", "digest"} for subject in statement["subject"])
    assert not any("internal" in subject["name"] for subject in statement["subject"])
    assert statement["predicate"]["schema_sha256"] == "ab" * 32


def test_one_flipped_byte_in_any_file_is_found(signed: Path, key: PrivateKey) -> None:
    """Also in the signatures: first, last and middle byte of each file, by one bit and by case."""
    files = [file for file in sorted(signed.rglob("*")) if file.is_file()]
    assert len(files) == 9
    for file in files:
        content = file.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            for bit in (1, 32):
                changed = bytearray(content)
                changed[place] ^= bit
                file.write_bytes(changed)
                with pytest.raises(VerificationError):
                    verify(signed, key.public)
        file.write_bytes(content)
    verify(signed, key.public)


def test_every_byte_of_a_signature_file_counts(signed: Path, key: PrivateKey) -> None:
    """No byte of the envelope can be flipped, doubled or dropped unseen: there is one spelling."""
    file = signed / SIGNATURE
    content = file.read_bytes()
    for place in range(len(content)):
        for changed in (
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            content[:place] + content[place : place + 1] + content[place:],
            content[:place] + content[place + 1 :],
        ):
            if changed != content:
                with pytest.raises(VerificationError):
                    unseal(changed, key.public, name=SIGNATURE)
    assert unseal(content, key.public, name=SIGNATURE)


@pytest.mark.parametrize("name", ["synthetic.csv", "internal/report.html"])
def test_the_first_file_that_differs_is_named(signed: Path, key: PrivateKey, name: str) -> None:
    """Changed, missing and added files, at the top and in `internal`."""
    file = signed / name
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    with pytest.raises(VerificationError, match=f"^{re.escape(name)}: was changed"):
        verify(signed, key.public)
    file.unlink()
    with pytest.raises(VerificationError, match=f"^{re.escape(name)}: is missing"):
        verify(signed, key.public)
    file.write_bytes(content)
    added = file.with_name("added.txt")
    added.touch()
    with pytest.raises(VerificationError, match=r"added\.txt: was added"):
        verify(signed, key.public)
    (signed / "synthetic.csv").write_text("")
    with pytest.raises(VerificationError):
        verify(signed, key.public)


def test_a_hidden_file_and_a_link_do_not_slip_in(signed: Path, key: PrivateKey, tmp_path: Path) -> None:
    """Whatever is in the folder, however deep, is compared; a link is no file."""
    (signed / "deep" / "er").mkdir(parents=True)
    (signed / "deep" / "er" / ".hidden").touch()
    with pytest.raises(VerificationError, match=r"deep/er/\.hidden: was added"):
        verify(signed, key.public)
    shutil.rmtree(signed / "deep")
    rows = tmp_path / "elsewhere.csv"
    (signed / "synthetic.csv").rename(rows)
    (signed / "synthetic.csv").symlink_to(rows)
    with pytest.raises(VerificationError, match="is a link"):
        verify(signed, key.public)
    with pytest.raises(VerificationError, match="is a link"):
        sign(signed, key)


def test_a_copy_without_the_internal_part_verifies(signed: Path, key: PrivateKey) -> None:
    """And its signature says nothing of what lay there."""
    shutil.rmtree(signed / "internal")
    found = verify(signed, key.public)
    assert not found.internal and not any("internal" in name for name in found.files)


def test_an_internal_part_of_another_release_is_found(signed: Path, key: PrivateKey, tmp_path: Path) -> None:
    """Its signature names the release it belongs to; without a signature it is refused, too."""
    other = release(tmp_path / "other", rows="a,b\n3,4\n")
    sign(other, key)
    shutil.rmtree(signed / "internal")
    shutil.copytree(other / "internal", signed / "internal")
    with pytest.raises(VerificationError, match="belongs to another release"):
        verify(signed, key.public)
    (signed / "internal" / SIGNATURE).unlink()
    with pytest.raises(VerificationError, match=f"internal/{re.escape(SIGNATURE)}: is missing"):
        verify(signed, key.public)
    shutil.copy(signed / SIGNATURE, signed / "internal" / SIGNATURE)
    with pytest.raises(VerificationError, match="another part"):
        verify(signed, key.public)


def test_a_foreign_key_is_named(signed: Path, tmp_path: Path, key: PrivateKey) -> None:
    """Another key is refused, and so is a signature that claims to be of the right one."""
    other = key_pair(tmp_path, "other", owner="Somebody Else")
    with pytest.raises(VerificationError, match=r"signed with another key .* of Somebody Else"):
        verify(signed, other.public)
    payload = unseal((signed / SIGNATURE).read_bytes(), key.public, name="s")
    forged = seal(payload, PrivateKey(other.key, key.public))
    (signed / SIGNATURE).write_bytes(forged)
    with pytest.raises(VerificationError, match="does not hold"):
        verify(signed, key.public)


def test_an_expired_key_or_release_is_named(tmp_path: Path) -> None:
    """A release ends with its own date, or with its key; an expired key signs nothing."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    key = key_pair(tmp_path, days=100, today=start.date())
    out = release(tmp_path / "out")
    sign(out, key, days=30, now=start)
    verify(out, key.public, today=date(2026, 1, 31))
    with pytest.raises(VerificationError, match="relied on until 2026-01-31"):
        verify(out, key.public, today=date(2026, 2, 1))
    assert sign(out, key, now=start).predicate.expires == key.public.expires == date(2026, 4, 11)
    with pytest.raises(VerificationError, match="expired on 2026-04-11"):
        sign(out, key, now=datetime(2026, 4, 12, tzinfo=UTC))


def test_a_report_about_other_rows_is_not_signed(tmp_path: Path, key: PrivateKey) -> None:
    """What manifest and report say they are about is compared before signing."""
    out = release(tmp_path / "out")
    (out / "synthetic.csv").write_text("a,b\n9,9\n")
    with pytest.raises(VerificationError, match=r"synthetic\.csv: is not the file that manifest\.json is about"):
        sign(out, key)
    out = release(tmp_path / "mixed")
    report = release(tmp_path / "other", rows="a,b\n3,4\n") / "report.json"
    shutil.copy(report, out / "report.json")
    with pytest.raises(VerificationError, match=r"synthetic\.csv: is not the file that report\.json is about"):
        sign(out, key)
    assert not (out / SIGNATURE).exists()
    (out / "synthetic.csv").unlink()
    with pytest.raises(VerificationError, match="is missing"):
        sign(out, key)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no manifest\.json"):
        sign(tmp_path / "empty", key)
    with pytest.raises(UsageError, match="no such folder"):
        verify(tmp_path / "absent", key.public)


def test_the_source_is_committed_to_and_not_shown(tmp_path: Path, key: PrivateKey) -> None:
    """With the salt the source is recognised, another one is not; the statement and two signings say nothing of it."""
    source, other = tmp_path / "real.csv", tmp_path / "real2.csv"
    source.write_text("a,b\n1,2\n")
    other.write_text("a,b\n1,3\n")
    out = release(tmp_path / "out")
    first = sign(out, key, source=source, salt=tmp_path / "salt")
    assert verify(out, key.public).source is False
    assert verify(out, key.public, source=source, salt=tmp_path / "salt").source is True
    with pytest.raises(VerificationError, match=r"real2\.csv: is not the source"):
        verify(out, key.public, source=other, salt=tmp_path / "salt")
    assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    with pytest.raises(OutputError, match="never replaced"):
        sign(out, key, source=source, salt=tmp_path / "salt")
    second = sign(out, key, source=source, salt=tmp_path / "salt2")
    assert first.predicate.source != second.predicate.source
    with pytest.raises(VerificationError, match="is not the source"):
        verify(out, key.public, source=source, salt=tmp_path / "salt")
    assert "real.csv" not in second.payload().decode()


def test_wrong_use_of_source_and_salt_is_named(tmp_path: Path, key: PrivateKey, signed: Path) -> None:
    """One without the other, a salt that would travel along, an absent source, a release that commits to none."""
    source = tmp_path / "real.csv"
    source.write_text("a\n1\n")
    with pytest.raises(UsageError, match="belong together"):
        sign(signed, key, source=source)
    with pytest.raises(UsageError, match="lies in the release"):
        sign(signed, key, source=source, salt=signed / "salt")
    with pytest.raises(DataError, match="cannot be read"):
        sign(signed, key, source=tmp_path / "absent", salt=tmp_path / "salt")
    assert not (tmp_path / "salt").exists()
    with pytest.raises(VerificationError, match="commits to no source"):
        verify(signed, key.public, source=source, salt=tmp_path / "salt")
    sign(signed, key, source=source, salt=tmp_path / "salt")
    with pytest.raises(UsageError, match="needs --salt"):
        verify(signed, key.public, source=source)
    (tmp_path / "bad").write_text("{}")
    with pytest.raises(UsageError, match="no salt file"):
        verify(signed, key.public, source=source, salt=tmp_path / "bad")


def test_signing_again_replaces_the_signature(signed: Path, key: PrivateKey) -> None:
    """A release is signed anew after review, and verifies."""
    before = (signed / SIGNATURE).read_bytes()
    sign(signed, key, days=10)
    assert (signed / SIGNATURE).read_bytes() != before
    verify(signed, key.public)


def test_what_is_called_internal_must_be_a_folder(signed: Path, key: PrivateKey, tmp_path: Path) -> None:
    """A file, or a link to a folder, of that name would be no part of either statement."""
    (signed / "internal").rename(tmp_path / "elsewhere")
    (signed / "internal").write_text("All limits are kept.")
    with pytest.raises(VerificationError, match="internal: was added"):
        verify(signed, key.public)
    (signed / "internal").unlink()
    (signed / "internal").symlink_to(tmp_path / "elsewhere")
    for check in (lambda: verify(signed, key.public), lambda: sign(signed, key)):
        with pytest.raises(VerificationError, match="internal: is a link"):
            check()


def test_no_name_prints_what_it_likes(signed: Path, key: PrivateKey) -> None:
    """Line breaks, escapes and characters that turn the direction could write a verdict of their own on a screen."""
    for name in ("a\nout: 7 files as Ward Seven signed them", "\x1b[2Kall is well", "synthetic\u202evsc.csv", "\udcff"):
        (signed / name).touch()
        for check in (lambda: verify(signed, key.public), lambda: sign(signed, key)):
            with pytest.raises(VerificationError, match="cannot be shown") as caught:
                check()
            assert str(caught.value).isprintable()
        (signed / name).unlink()
    envelope = json.loads((signed / SIGNATURE).read_text())
    envelope["signatures"][0]["keyid"] = "\x1b[2K\rall is well"
    (signed / SIGNATURE).write_text(json.dumps(envelope, indent=2) + "\n")
    with pytest.raises(VerificationError) as caught:
        verify(signed, key.public)
    assert str(caught.value).isprintable()


def test_a_signature_nested_without_end_is_refused(signed: Path, key: PrivateKey) -> None:
    """What a reader gives up on has the exit code of a release that does not verify, too."""
    (signed / SIGNATURE).write_text("[" * 200_000)
    with pytest.raises(VerificationError, match="no signature"):
        verify(signed, key.public)


def test_nothing_that_must_stay_travels_with_a_release(tmp_path: Path, key: PrivateKey) -> None:
    """The real table is not signed as part of the release that it was the source of."""
    out = release(tmp_path / "out")
    (out / "real.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"real\.csv: lies in the release"):
        sign(out, key, source=out / "real.csv", salt=tmp_path / "salt")
    assert not (tmp_path / "salt").exists()
