"""What a reviewer signs: the claim of a private release, everything it rests on, and how to check it.

A certificate is made of a model file alone, without the data. `replay` draws the rows again and compares bytes.

Decisions
- What one person's participation can change is stated twice: as odds (they can move by a factor of e**epsilon at most,
  but for delta), and as the advantage over guessing of the best possible test whether somebody took part. The latter
  uses all bounds that hold: (e**epsilon - 1 + 2 delta) / (e**epsilon + 1), sqrt(rho / 2) + delta by Pinsker, and the
  exact 2 Phi(mu / 2) - 1 where all that left is counts with Gaussian noise.
- Error intervals come from the noise that was drawn from, not from the data, so they cost nothing and hold for every
  table: an exact count lies within 1.96 sigma of a noisy one 95 times in 100.

Source: Bun and Steinke 2016 (zCDP bounds the KL divergence by rho); Kairouz, Oh and Viswanath 2015, for the advantage.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from tabsynth.dp.budget import epsilon_from
from tabsynth.dp.discovery import findings
from tabsynth.dp.fitted import FittedCounts
from tabsynth.dp.gaussian_dp import SLACK
from tabsynth.dp.generator import SECURE, PrivateGenerator
from tabsynth.dp.limits import (
    NORMAL_95,
    composition_of,
    limits_of,
    row_count_in_words,
    sentences_of,
)
from tabsynth.dp.release_plan import domain_of
from tabsynth.dp.released import counted, gaussian_mu
from tabsynth.dp.transcript import Discovery, Distance, Event, Measurement, Selection, Training, Transcript
from tabsynth.errors import ArtifactError, UsageError
from tabsynth.generators.chunks import spelled_together
from tabsynth.generators.model import Model
from tabsynth.schema.files import digest as schema_digest_of
from tabsynth.schema.part import Part
from tabsynth.strict_json import read_json
from tabsynth.tables.frames import FrameKind, to_arrow
from tabsynth.tables.spelling import delimited_bytes

LISTED = 400
"""Events listed one by one, at most; the rest is summed up."""
COMMAND = "tabsynth replay certificate.json"


class Claim(Part):
    """The guarantee in numbers."""

    epsilon: float
    delta: float
    rho: float
    delta_discovery: float
    """Part of delta that thresholds of category discovery use."""
    odds_factor: float
    """How much the odds of any conclusion about one unit can change: e**epsilon."""
    advantage: float
    """How far the best test whether one unit took part can beat guessing, as a difference of two error rates."""
    unit: str
    max_rows: int
    counted: Literal["rows", "people"] = "rows"
    """What counts are of: of people where each of a unit's k rows counts 1 / k."""
    neighbours: str
    secure: bool
    """Whether the noise came from the operating system."""
    order: int | None = None
    """Largest Rényi order that `rho` holds for, as of a training; None for all. See `budget.py`."""


class Cost(Part):
    """One look at the private table."""

    kind: Literal["measurement", "selection", "discovery", "training"]
    columns: tuple[str, ...]
    purpose: str
    cells: int
    sigma: float | None
    """Noise on each count, in rows; in people, where these are counted."""
    half_width: float | None
    """Half of the 95 % interval around each count."""
    expected_error: float | None
    """Total variation distance that the noise alone puts on the shares, on average."""
    rho: float
    delta: float
    share: float
    """Of all that was spent."""


class Opened(Part):
    """What was public about one column."""

    column: str
    kind: str
    codes: int
    missing_slot: bool
    source: str
    """Where the domain came from: the schema, public cuts, or a paid discovery."""


class Replay(Part):
    """How to make the same rows again."""

    rows: int
    seed: int
    sha256: str
    """Of the rows as CSV."""
    command: str
    model: str
    """Name of the model file."""
    model_sha256: str
    transcript_sha256: str


class Certificate(Part):
    """Everything that a reviewer needs, as plain data."""

    format: Literal[1] = 1
    tabsynth: str
    title: str
    mechanism: str
    claim: Claim
    sentences: tuple[str, ...]
    """The claim in plain words."""
    opened: tuple[Opened, ...]
    costs: tuple[Cost, ...]
    costs_left_out: int
    composition: tuple[str, ...]
    ledger: dict[str, JsonValue]
    schema_sha256: str
    parameters: dict[str, JsonValue]
    released_rows: int
    row_count: str
    never_read: tuple[str, ...]
    replay: Replay
    limits: tuple[tuple[str, str], ...]

    def to_json(self) -> str:
        """The certificate as JSON text, two spaces deep, ending in a line break."""
        return self.model_dump_json(indent=2) + "\n"


def build_certificate(model: Model, *, file: str | Path, rows: int | None = None, seed: int = 0) -> Certificate:
    """The certificate of a private model.

    Args:
        model: A model of a private generator, as `load` gives it.
        file: The model file; its name and hash are certified.
        rows: Rows to draw for the replay; the released number, at most 10,000, where None.
        seed: Seed of these rows.

    Raises:
        UsageError: The model carries no guarantee.
        ArtifactError: The transcript claims another cost than its noise has.
    """
    transcript = transcript_of(model)
    check_costs(transcript)
    n_replayed = min(model.n_rows_fitted, 10_000) if rows is None else rows
    drawn = Replay(
        rows=n_replayed,
        seed=seed,
        sha256=rows_digest(model, rows=n_replayed, seed=seed),
        command=COMMAND,
        model=Path(file).name,
        model_sha256=hashlib.sha256(Path(file).read_bytes()).hexdigest(),
        transcript_sha256=transcript.digest(),
    )
    return certificate_with(model, drawn)


def certificate_with(model: Model, drawn: Replay) -> Certificate:
    """The certificate of a private model whose costs were checked, around rows that were drawn already."""
    transcript = transcript_of(model)
    generator, public = model.generator, transcript.public
    assert isinstance(generator, PrivateGenerator)
    claim = _claim(transcript, model)
    events = [_cost(event, transcript, counted(transcript)) for event in transcript]
    return Certificate(
        tabsynth=_version(),
        title=f"Privacy certificate: {model.table_name}",
        mechanism=generator.name,
        claim=claim,
        sentences=sentences_of(claim),
        opened=_opened(model, transcript),
        costs=tuple(events[:LISTED]),
        costs_left_out=max(0, len(events) - LISTED),
        composition=composition_of(transcript),
        ledger={
            "file": public.get("ledger"),
            "dataset": public.get("dataset"),
            "left": public.get("ledger_left"),
        },
        schema_sha256=schema_digest(model),
        parameters=generator.model_dump(mode="json"),
        released_rows=model.n_rows_fitted,
        row_count=row_count_in_words(transcript),
        never_read=tuple(name for name in model.derivation.columns if name not in transcript.sizes),
        replay=drawn,
        limits=limits_of(transcript),
    )


def transcript_of(model: Model) -> Transcript:
    """The transcript of a private model.

    Raises:
        UsageError: The model carries no guarantee.
    """
    if not isinstance(model.fitted, FittedCounts):
        raise UsageError(f"{model.generator.name}: carries no guarantee to certify; fit with a dp- generator")
    return model.fitted.transcript


def check_costs(transcript: Transcript) -> None:
    """Compare what every event claims to have cost with what its noise and sensitivity say.

    Raises:
        ArtifactError: A cost is understated, or the total is above what was allowed.
    """
    moves = float(transcript.whole if transcript.weighed else int(transcript.public["max_rows"]))
    for event in transcript:
        is_sizes = isinstance(event, Discovery) and event.kind == "sizes"
        least = 1.0 if is_sizes else moves
        understated = event.rho < event.recomputed_rho() * (1 - 1e-9)
        if understated or (isinstance(event, Measurement | Discovery) and event.sensitivity < least):
            raise ArtifactError(
                "transcript: an event claims to cost less than its noise says; do not rely on this file"
            )
    if transcript.rho > float(transcript.public["rho"]) * (1 + 1e-9):
        raise ArtifactError("transcript: its events cost more than the release was allowed; do not rely on this file")
    left = float(transcript.public["delta"]) - transcript.delta
    spent = epsilon_from(transcript.rho, left, order=transcript.order)
    if spent > float(transcript.public["epsilon"]) * (1 + 1e-9):
        raise ArtifactError("transcript: its events cost more than the epsilon it claims; do not rely on this file")


def rows_bytes(model: Model, *, rows: int, seed: int) -> Iterator[bytes | memoryview]:
    """Synthetic rows as the bytes of a CSV file, piece by piece, whatever library the model's rows usually come in."""
    plain = replace(model, frame_kind=FrameKind("pandas"))
    chunks = [plain.sample(rows, seed=seed)] if spelled_together(plain) else plain.sample_chunks(rows, seed=seed)
    for number, chunk in enumerate(chunks):
        yield from delimited_bytes(to_arrow(chunk), ",", "synthetic rows", header=not number)


def rows_digest(model: Model, *, rows: int, seed: int) -> str:
    """SHA-256 of `rows_bytes`."""
    digest = hashlib.sha256()
    for piece in rows_bytes(model, rows=rows, seed=seed):
        digest.update(piece)
    return digest.hexdigest()


def schema_digest(model: Model) -> str:
    """SHA-256 of the schema."""
    return schema_digest_of(model.schema)


def advantage(epsilon: float, delta: float, rho: float, delta_discovery: float, mu: float | None = None) -> float:
    """Largest difference between the rates at which any test says "took part" of somebody who did and who did not."""
    by_odds = (math.expm1(epsilon) + 2 * delta) / (math.exp(epsilon) + 1) if epsilon < 700 else 1.0
    by_curve = 1.0 if mu is None else math.erf(mu / math.sqrt(8)) + SLACK  # 2 Phi(mu / 2) - 1
    return min(1.0, by_odds, by_curve, math.sqrt(rho / 2) + delta_discovery)


def _claim(transcript: Transcript, model: Model) -> Claim:
    public = transcript.public
    epsilon, delta = float(public["epsilon"]), float(public["delta"])
    key = public["unit"]
    return Claim(
        epsilon=epsilon,
        delta=delta,
        rho=transcript.rho,
        delta_discovery=transcript.delta,
        odds_factor=math.exp(min(epsilon, 700.0)),
        advantage=advantage(epsilon, delta, _divergence(transcript), transcript.delta, gaussian_mu(transcript)),
        unit="row" if model.schema.privacy is None or model.schema.privacy.unit == "row" else str(key),
        max_rows=int(public["max_rows"]),
        counted="people" if transcript.weighed else "rows",
        neighbours=str(public["neighbours"]),
        secure=public.get("noise") == SECURE,
        order=transcript.order,
    )


def _divergence(transcript: Transcript) -> float:
    """Bound on the KL divergence between neighbours: rho, but 2 rho where rho holds from order 2 only."""
    return transcript.rho + math.fsum(event.rho for event in transcript.trainings if event.order is not None)


def _opened(model: Model, transcript: Transcript) -> tuple[Opened, ...]:
    generator = model.generator
    assert isinstance(generator, PrivateGenerator)
    found = findings(transcript)
    domain = domain_of(generator, model.derivation, found)
    opened = []
    for name, codes in domain.codes.items():
        if name in found:
            kinds = [event.kind for event in transcript.discoveries if event.column == name and event.kind != "total"]
            source = f"paid for: {', '.join(kinds)}"
        else:
            source = "schema and public cuts" if name in generator.cuts else "schema"
        opened.append(
            Opened(column=name, kind=codes.column.type, codes=codes.size, missing_slot=codes.nullable, source=source)
        )
    return tuple(opened)


def _cost(event: Event, transcript: Transcript, n_rows: int) -> Cost:
    noise: dict[str, float | None] = {"sigma": None, "half_width": None, "expected_error": None}
    kind: Literal["measurement", "selection", "discovery", "training"] = "measurement"
    columns: tuple[str, ...]
    if isinstance(event, Training):
        kind, columns, cells = "training", tuple(transcript.sizes), event.n_weights
        purpose = (
            f"{event.purpose}: {event.steps} batches, each unit in each with probability {event.rate:.4g}, noise "
            f"{event.noise:.4g} times what one unit can move"
        )
    elif isinstance(event, Selection):
        kind, columns, cells = "selection", event.chosen, event.n_candidates
        purpose = f"{event.purpose} (one of {event.n_candidates})"
    elif isinstance(event, Discovery) and event.kind == "tree":
        kind, columns, cells = "discovery", (event.column,), len(event.numbers) + 1
        purpose = f"{event.purpose} (PrivTree: {cells} bins)"
    else:
        purpose, unit = event.purpose, float(transcript.whole)
        if isinstance(event, Distance):
            columns, cells, unit = event.clique, 1, unit * event.steps
        else:
            cells = int(event.counts.size)
            columns = event.clique if isinstance(event, Measurement) else (event.column,)
        if isinstance(event, Discovery):
            kind, unit = "discovery", 1.0 if event.kind == "sizes" else unit
        noise |= {"sigma": event.sigma / unit, "half_width": NORMAL_95 * event.sigma / unit}
        if isinstance(event, Measurement) and event.clique:
            noise["expected_error"] = expected_error(event.sigma / unit, cells, n_rows)
    share = event.rho / transcript.rho if transcript.rho else 0.0
    return Cost(
        kind=kind, columns=columns, purpose=purpose, cells=cells, **noise, rho=event.rho, delta=event.delta, share=share
    )


def expected_error(sigma: float, cells: int, n_rows: int) -> float:
    """Total variation distance between exact and noisy shares of a table of counts, on average over the noise.

    The mean of the absolute value of normal noise is sigma * sqrt(2 / pi); half the sum over the cells is the distance.
    """
    return min(1.0, sigma * math.sqrt(2 / math.pi) * cells / (2 * max(n_rows, 1)))


def _version() -> str:
    from tabsynth import __version__

    return __version__


def differences(certified: Certificate, made: Certificate) -> tuple[str, ...]:
    """Names of the parts in which two certificates differ; numbers may differ in what the last bits of a float are."""
    first, second = (each.model_dump(mode="json", exclude={"tabsynth"}) for each in (certified, made))
    for each in (first, second):  # a model file may be called otherwise; it is known by its hash
        each["replay"].pop("model")
    return tuple(name for name in first if not _alike(first[name], second[name]))


def _alike(one: JsonValue, other: JsonValue) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return type(one) is type(other) and one == other


def load_certificate(path: str | Path) -> Certificate:
    """Read a certificate.

    Raises:
        ArtifactError: It is absent, no certificate, or of another version.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        read_json(text)  # refuses what programs would read differently
        return Certificate.model_validate_json(text)
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error
    except ValueError:
        raise ArtifactError(f"{path}: is no certificate; make one with 'tabsynth certificate MODEL -o DIR'") from None
