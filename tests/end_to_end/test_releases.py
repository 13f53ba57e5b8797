"""keygen, sign, verify and diff from the command line: exit codes, messages, passphrases."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tabsynth.cli import app
from tests.release.folders import release


def call(*arguments: object, **environment: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


def test_a_release_is_signed_and_verified(tmp_path: Path) -> None:
    """The four commands in their order; a changed byte, a foreign key and an expired one end with exit code 12."""
    out = release(tmp_path / "out")
    source = tmp_path / "real.csv"
    source.write_text("a,b\n1,2\n")
    made = call("keygen", tmp_path / "ward", "--owner", "Ward Seven")
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE((tmp_path / "ward.key").stat().st_mode) == 0o600
    key, public, salt = tmp_path / "ward.key", tmp_path / "ward.pub", tmp_path / "salt"
    signed = call("sign", out, "--key", key, "--source", source, "--salt", salt)
    assert signed.exit_code == 0, signed.output
    assert not any(source.name.encode() in file.read_bytes() for file in out.rglob("*") if file.is_file())
    found = json.loads(call("verify", out, "--public-key", public, "--json").stdout)
    assert found["valid"] and found["signer"] == "Ward Seven" and found["source"] is False
    with_source = call("verify", out, "--public-key", public, "--source", source, "--salt", salt)
    assert with_source.exit_code == 0 and "its source is the given one" in with_source.stdout
    call("keygen", tmp_path / "other", "--owner", "Other")
    foreign = call("verify", out, "--public-key", tmp_path / "other.pub")
    assert foreign.exit_code == 12 and "another key" in foreign.stderr
    with (out / "synthetic.csv").open("ab") as rows:
        rows.write(b"\n")
    changed = call("verify", out, "--public-key", public)
    assert changed.exit_code == 12
    assert changed.stderr.startswith("error: synthetic.csv: was changed after signing")
    assert call("keygen", tmp_path / "ward", "--owner", "Again").exit_code == 9
    key.rename(out / "ward.key")
    within = call("sign", out, "--key", out / "ward.key")
    assert within.exit_code == 2 and "lies in the release" in within.stderr


def test_a_passphrase_comes_from_the_environment(tmp_path: Path) -> None:
    """Never from an argument; without a terminal and without the variable, the error names the variable."""
    out = release(tmp_path / "out")
    name, word = tmp_path / "k", "not so short"
    assert call("keygen", name, "--owner", "o", "--passphrase").exit_code == 2
    assert call("keygen", name, "--owner", "o", "--passphrase", TABSYNTH_PASSPHRASE=word).exit_code == 0
    assert b"ENCRYPTED" in (tmp_path / "k.key").read_bytes()
    without = call("sign", out, "--key", tmp_path / "k.key")
    assert without.exit_code == 2 and "TABSYNTH_PASSPHRASE" in without.stderr
    wrong = call("sign", out, "--key", tmp_path / "k.key", TABSYNTH_PASSPHRASE="other")
    assert wrong.exit_code == 2 and "passphrase is wrong" in wrong.stderr
    assert call("sign", out, "--key", tmp_path / "k.key", TABSYNTH_PASSPHRASE=word).exit_code == 0
    assert word not in "".join(file.read_text(errors="replace") for file in tmp_path.iterdir() if file.is_file())


@pytest.mark.parametrize("command", ["keygen", "sign", "verify", "diff"])
def test_help_shows_an_example(command: str) -> None:
    """Each command says how it is used."""
    shown = call(command, "--help")
    assert shown.exit_code == 0 and f"Example: tabsynth {command}" in shown.output
