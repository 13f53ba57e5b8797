"""Commands about releases: keygen, sign, verify, diff."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tabsynth.cli.root import app
from tabsynth.console import BarProgress, command, put
from tabsynth.errors import UsageError
from tabsynth.options import AsJson, Debug, Quiet

PASSPHRASE = "TABSYNTH_PASSPHRASE"

Release = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that 'tabsynth run' wrote.")]
SourceFile = Annotated[Path | None, typer.Option(help="The real table's file.")]


@app.command(epilog="Example: tabsynth keygen ward-seven --owner 'Ward Seven, Data Office' --passphrase")
@command
def keygen(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="Writes NAME.key (signs) and NAME.pub (checks).")],
    owner: Annotated[str, typer.Option(help="Who answers for what is signed; stands in every statement.")],
    days: Annotated[int, typer.Option(help="How long the key holds.")] = 730,
    passphrase: Annotated[
        bool,
        typer.Option(
            "--passphrase", help=f"Encrypt the private key; asks, or reads {PASSPHRASE} from the environment."
        ),
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a pair of Ed25519 keys. NAME.key stays with you; give NAME.pub to whoever checks your releases."""
    from tabsynth.release.keys import generate_key

    word = _passphrase(f"Passphrase for {name}.key", confirm=True) if passphrase else None
    made = generate_key(name, owner=owner, days=days, passphrase=word)
    described = {
        "private": f"{name}.key",
        "public": f"{name}.pub",
        "id": made.id,
        "owner": made.owner,
        "expires": made.expires.isoformat(),
        "encrypted": word is not None,
    }
    text = f"wrote {name}.key (keep it to yourself) and {name}.pub: id {made.id[:16]}, holds until {made.expires}"
    put(described, as_json=as_json, text=text)


@app.command(
    epilog="Example: tabsynth sign out/patients --key ward-seven.key --source patients.csv --salt patients.salt"
)
@command
def sign(
    folder: Release,
    key: Annotated[Path, typer.Option(help="Private key, the .key file of 'tabsynth keygen'.")],
    source: SourceFile = None,
    salt: Annotated[
        Path | None, typer.Option(help="File to write the salt of the source's commitment to; keep it with the source.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long the release may be relied on before it is reviewed again.")] = 365,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Sign every file of a release: synthetic rows, model, reports, manifest.

    Writes signature.intoto.json, an in-toto statement in a DSSE envelope, and one of its own in the folder 'internal',
    so that a copy without that folder can still be checked. With --source, the statement commits to the real table
    without saying anything about it.
    """
    from tabsynth.release.keys import load_private_key
    from tabsynth.release.signing import require_outside
    from tabsynth.release.signing import sign as make
    from tabsynth.release.statement import SIGNATURE

    require_outside(folder, key)
    loaded = load_private_key(key, passphrase=lambda: _passphrase(f"Passphrase of {key}", confirm=False))
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Signing")
        statement = make(folder, loaded, source=source, salt=salt, days=days)
    facts = statement.predicate
    described = {
        "signature": str(folder / SIGNATURE),
        "files": len(statement.subject),
        "signer": facts.signer,
        "key_id": loaded.public.id,
        "expires": facts.expires.isoformat(),
        "salt": None if salt is None else str(salt),
    }
    text = f"wrote {folder / SIGNATURE}: {len(statement.subject)} files, to be relied on until {facts.expires}"
    put(described, as_json=as_json, text=text)


@app.command(epilog="Example: tabsynth verify out/patients --public-key ward-seven.pub")
@command
def verify(
    folder: Release,
    public_key: Annotated[
        Path, typer.Option("--public-key", help="The signer's .pub file, had from the signer and not from the release.")
    ],
    source: SourceFile = None,
    salt: Annotated[Path | None, typer.Option(help="The salt that 'tabsynth sign --source' wrote.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check that a release is byte for byte what was signed; exit code 12 and the first file that differs if not.

    Exit code 12 also where a file is missing or was added, the key is another one or has expired, the release's own
    date has passed, or --source is not the table that it was signed for.
    """
    from tabsynth.release.keys import load_public_key
    from tabsynth.release.signing import verify as check

    key = load_public_key(public_key)
    with BarProgress(quiet=quiet) as progress:
        progress.stage("Comparing")
        found = check(folder, key, source=source, salt=salt)
    described = {
        "valid": True,
        "signer": found.signer,
        "key_id": found.key_id,
        "signed": found.signed,
        "expires": found.expires.isoformat(),
        "files": list(found.files),
        "internal": found.internal,
        "source": found.source,
    }
    said = {
        None: "it commits to no source",
        False: "its source was not compared (--source and --salt do)",
        True: "its source is the given one",
    }
    lines = [
        f"{folder}: {len(found.files)} files as {found.signer} signed them on {found.signed}",
        f"key {found.key_id[:16]}; to be relied on until {found.expires}; {said[found.source]}",
    ]
    if not found.internal:
        lines.append("the folder 'internal' is not in this copy, and was not compared")
    put(described, as_json=as_json, text="\n".join(lines))


def _passphrase(question: str, *, confirm: bool) -> str:
    """From the environment, else asked for at the terminal; never an argument, which others can see."""
    word = os.environ.get(PASSPHRASE)
    if word is not None:
        return word
    if not sys.stdin.isatty():
        raise UsageError(f"the key needs a passphrase; set {PASSPHRASE}, or run this at a terminal")
    return str(typer.prompt(question, hide_input=True, confirmation_prompt=confirm, err=True))


@app.command(epilog="Example: tabsynth diff out/spring out/autumn")
@command
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder of a release, or its report.json.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same of a later one.")],
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what changed between two releases: verdicts first, then scores, limits and the privacy budget in total."""
    from tabsynth.release.difference import compare

    found = compare(old, new)
    put(found.model_dump(mode="json"), as_json=as_json, text="\n".join(found.lines()))
