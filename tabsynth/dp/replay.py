"""Drawing the rows of a release again and comparing bytes: the check that needs no data and no trust.

Decisions
- All of a certificate is compared, not its rows alone: epsilon, unit, costs and sentences are functions of the model
  file too, and they are what a reviewer reads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tabsynth.dp.certificate import (
    COMMAND,
    Certificate,
    certificate_with,
    check_costs,
    differences,
    load_certificate,
    rows_digest,
    schema_digest,
    transcript_of,
)
from tabsynth.errors import ArtifactError, UsageError
from tabsynth.generators.model import Model
from tabsynth.generators.storage import load
from tabsynth.randomness import check_seed

_COSTS = "costs of all events follow from their noise"


@dataclass(frozen=True)
class Replayed:
    """What was drawn, and what was found to be the same."""

    rows: int
    seed: int
    sha256: str
    checked: tuple[str, ...]


def replay(
    target: str | Path,
    *,
    model: str | Path | None = None,
    rows: int | None = None,
    seed: int | None = None,
    compare: str | Path | None = None,
) -> Replayed:
    """Draw rows of a model file again and compare them.

    Args:
        target: A certificate, or a model file.
        model: The model file of a certificate; the file it names, beside it, where None.
        rows: Rows to draw; the certificate's where None.
        seed: Seed; the certificate's where None.
        compare: CSV file that must hold the same bytes.

    Raises:
        ArtifactError: Something differs from what is certified, or a file cannot be read.
        UsageError: A model file is given without `rows` and `seed`.
    """
    certified: Certificate | None = None
    if Path(target).suffix == ".json":
        certified, loaded, checked = require_certified(target, model=model)
    else:
        loaded = load(target)
        check_costs(transcript_of(loaded))
        checked = [_COSTS]
        if rows is None or seed is None:
            raise UsageError("replay: a model file says neither how many rows nor which seed; give --rows and --seed")
    n_rows = certified.replay.rows if rows is None and certified is not None else rows
    chosen = certified.replay.seed if seed is None and certified is not None else seed
    assert n_rows is not None
    digest = rows_digest(loaded, rows=n_rows, seed=check_seed(chosen))
    if certified is not None and (n_rows, chosen) == (certified.replay.rows, certified.replay.seed):
        if digest != certified.replay.sha256:
            raise ArtifactError(
                f"{target}: the rows differ from the certified ones; use tabsynth {certified.tabsynth} and the numpy "
                "that it was made with, and if they still differ, do not rely on this release"
            )
        checked.append(f"all bytes of {n_rows} rows")
    if compare is not None:
        try:
            with Path(compare).open("rb") as file_there:
                there = hashlib.file_digest(file_there, "sha256").hexdigest()
        except OSError as error:
            raise ArtifactError(f"{compare}: cannot be read ({error.strerror or type(error).__name__})") from error
        if there != digest:
            raise ArtifactError(f"{compare}: is not what this model draws with {n_rows} rows and seed {chosen}")
        checked.append(f"all bytes of {Path(compare).name}")
    return Replayed(n_rows, check_seed(chosen), digest, tuple(checked))


def require_certified(
    certificate: str | Path, *, model: str | Path | None = None
) -> tuple[Certificate, Model, list[str]]:
    """Check that all of a certificate but its rows follows from its model file.

    Args:
        certificate: The certificate.
        model: The model file; the file that the certificate names, beside it, where None.

    Returns:
        The certificate, its model, and what was compared.

    Raises:
        ArtifactError: Something differs, or a file cannot be read.
    """
    certified = load_certificate(certificate)
    if model is None and Path(certified.replay.model).name != certified.replay.model:
        raise ArtifactError(f"{certificate}: names a model file in another folder; give its place with --model")
    file = Path(model or Path(certificate).parent / certified.replay.model)
    loaded = load(file)
    transcript = transcript_of(loaded)
    check_costs(transcript)
    checked = [_COSTS]
    found = {
        "model file": (hashlib.sha256(file.read_bytes()).hexdigest(), certified.replay.model_sha256),
        "transcript": (transcript.digest(), certified.replay.transcript_sha256),
        "schema": (schema_digest(loaded), certified.schema_sha256),
    }
    for what, (here, there) in found.items():
        if here != there:
            raise ArtifactError(f"{file}: the {what} is not the certified one; fetch certificate and model again")
        checked.append(what)
    made = certificate_with(loaded, certified.replay.model_copy(update={"command": COMMAND}))
    if wrong := differences(certified, made):
        raise ArtifactError(
            f"{certificate}: {', '.join(wrong)}: not what follows from the model file; use tabsynth "
            f"{certified.tabsynth}, and if it still differs, do not rely on this certificate"
        )
    return certified, loaded, [*checked, "claim, costs and words of the certificate"]
