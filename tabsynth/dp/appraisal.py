"""How close synthetic rows are to the private table, in figures that are paid for and may be released.

    number of rows, with noise -> what the synthetic shares make of it, for every column and pair
    -> distance of the exact counts from that, with noise -> total variation of the shares, with an interval

An evaluation against real rows is a release of its own. This one is charged to the same ledger, before each look.

Decisions
- The distance gets the noise, not the counts: one unit moves it by what it moves a count, however many cells there are.
  Noisy tables would bury a small distance of a large table under the noise of its cells.
- An interval covers the noise of the distance, that of the number of rows (each at half of the failures of 95 %), and
  the rounding of expected counts. It is about these rows and this table; there is no sampling error in it.
- Codes are those of the release. How well numbers are spread inside their bins is not looked at.
- The synthetic rows must be a function of the model file and a seed. If they were chosen by another look at the real
  table, that look is not paid for here.

Source: the distance is the score of the exponential mechanism of AIM (McKenna et al. 2022), here released itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import JsonValue

from tabsynth.dp.budget import epsilon_from, rho_from, split
from tabsynth.dp.certificate import transcript_of
from tabsynth.dp.discovery import findings
from tabsynth.dp.exact import ExactCounts
from tabsynth.dp.generator import PrivateGenerator, private_source
from tabsynth.dp.limits import rounded_up
from tabsynth.dp.measure import PrivateTable
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.release_plan import NO_LEDGER, ReleasePlan, domain_of, plan_release
from tabsynth.dp.spending import Noise, Spending
from tabsynth.dp.transcript import Clique, Distance, Transcript
from tabsynth.dp.unit import PrivacyUnit
from tabsynth.errors import UsageError
from tabsynth.generators.model import Model
from tabsynth.progress import SILENT, Progress
from tabsynth.schema.files import digest
from tabsynth.schema.model import Schema
from tabsynth.schema.part import Part

Array = np.ndarray[Any, Any]

NORMAL_97 = 2.241403
"""Standard deviations on either side that hold 97.5 of 100 normal draws; two such intervals hold together in 95."""
COUNT_SHARE, COLUMNS_SHARE = 0.2, 0.3
"""Of the cost: the number of rows, and the columns; the pairs get the rest."""
MOST_PAIRS = 2000
"""With more pairs than this, columns alone are looked at."""


class Figure(Part):
    """Total variation distance between the shares of some columns in the real and in the synthetic rows."""

    columns: tuple[str, ...]
    distance: float
    lower: float
    upper: float
    """Ends of the 95 % interval."""


class Look(Part):
    """What one look cost."""

    columns: tuple[str, ...]
    purpose: str
    sigma: float
    """Noise, in rows; in people, where these are counted."""
    rho: float


class Appraisal(Part):
    """Figures about one set of synthetic rows, and what they cost."""

    format: Literal[1] = 1
    tabsynth: str
    sentences: tuple[str, ...]
    """What the figures are, and what they cost, in plain words."""
    rho: float
    epsilon: float
    """Of the figures alone."""
    epsilon_in_all: float
    """Of the model and the figures together."""
    delta: float
    unit: str
    max_rows: int
    counted: Literal["rows", "people"]
    secure: bool
    mean_column: float
    mean_pair: float | None
    columns: tuple[Figure, ...]
    pairs: tuple[Figure, ...]
    looks: tuple[Look, ...]
    ledger: dict[str, JsonValue]
    transcript_sha256: str
    """Of the transcript of the model that the rows were drawn from."""
    n_synthetic: int

    def to_json(self) -> str:
        """The figures as JSON text, two spaces deep, ending in a line break."""
        return self.model_dump_json(indent=2) + "\n"


def appraise(
    model: Model,
    schema: Schema,
    table: object,
    synthetic: object,
    *,
    ledger: str,
    epsilon: float | None = None,
    dataset: str | None = None,
    progress: Progress = SILENT,
) -> Appraisal:
    """Compare synthetic rows with the table that their model was learned from, and pay for it.

    Args:
        model: A model of a private generator.
        schema: The schema that the table was fitted with.
        table: The real table, as it was given to `fit`.
        synthetic: Rows of the model: a function of its file, a seed and public facts.
        epsilon: What it may cost, at the delta of the model; None: what the model kept for it (parameter `appraisal`).
        ledger: File that the model was charged to, which is charged again; 'none' for a look that nobody adds up.
        dataset: Name of the data in the ledger; that of the model where None.
        progress: Told about stages.

    Returns:
        Total variation of every column and pair, with intervals.

    Raises:
        UsageError: The model is not private, of another schema, or nothing says what it may cost.
        BudgetError: It does not fit into the ledger; nothing was charged.
        DataError: It is no table, or lacks a column.

    Privacy: (epsilon, delta)-differentially private for adding or removing one unit, beside the model's cost.
    """
    generator = model.generator
    if not isinstance(generator, PrivateGenerator):
        raise UsageError(f"{generator.name}: carries no guarantee, so nothing is gained by paying for figures about it")
    changes = {"ledger": ledger, "dataset": dataset or generator.dataset}
    plan = plan_release(generator.model_copy(update=changes), schema, model.table_name)
    if digest(plan.schema) != digest(model.schema):
        raise UsageError("schema: is not the one that the model was fitted with")
    transcript = transcript_of(model)
    charged = transcript.public.get("ledger")
    if charged is not None and ledger != NO_LEDGER and not Path(ledger).exists():
        raise UsageError(f"ledger: is not there; the model was charged to one named {charged}, so give its path")
    if epsilon is None and "appraisal" not in plan.shares:
        raise UsageError(
            "epsilon: say what the figures may cost, or keep a part of the release for them (--set appraisal=0.1)"
        )
    delta = plan.budget.delta - transcript.delta
    rho = plan.shares["appraisal"] if epsilon is None else rho_from(epsilon, delta)
    return appraise_with(model, plan, schema, table, synthetic, rho=rho, noise=NoiseSource(), progress=progress)


def appraise_with(
    model: Model,
    plan: ReleasePlan,
    schema: Schema,
    table: object,
    synthetic: object,
    *,
    rho: float,
    noise: Noise,
    progress: Progress = SILENT,
) -> Appraisal:
    """`appraise` for a given cost, with a given source of noise.

    Privacy: As `appraise` if `noise.secure`; otherwise the result says so.
    """
    transcript = transcript_of(model)
    domain = domain_of(plan.generator, plan.derivation, findings(transcript))
    progress.stage("Reading")
    drawn = PrivateRows(synthetic, plan.table, PrivacyUnit(None, 1), derivation=plan.derivation, noise=noise)
    shares = ExactCounts(drawn.codes(domain), domain.sizes)
    if not shares.total:
        raise UsageError("synthetic: has no rows to compare")
    opened = plan.open_ledger(rho=rho, delta=0.0)
    release = secrets.token_hex(8)
    looks = Transcript(public={"release": release, **({"whole": plan.unit.whole} if plan.unit.weighed else {})})
    spending = Spending(rho=rho, delta=0.0, noise=noise, ledger=opened, transcript=looks)
    source, _ = private_source(table, schema, plan.table_name)
    rows = PrivateRows(source, plan.table, plan.unit, derivation=plan.derivation, noise=noise)
    progress.stage("Measuring")
    measure(rows.encoded(domain, spending), shares, rho=rho)
    figures = figures_of(looks, domain.sizes)
    columns, pairs = (tuple(each for each in figures if len(each.columns) == width) for width in (1, 2))
    left = plan.budget.delta - transcript.delta
    alone, in_all = (
        epsilon_from(looks.rho, left),
        epsilon_from(looks.rho + transcript.rho, left, order=transcript.order),
    )
    remaining = None if opened is None else opened.remaining
    return Appraisal(
        tabsynth=_version(),
        sentences=_sentences(plan, alone, in_all, left),
        rho=looks.rho,
        epsilon=alone,
        epsilon_in_all=in_all,
        delta=left,
        unit="row" if plan.unit.key is None else plan.unit.key,
        max_rows=plan.unit.max_rows,
        counted="people" if plan.unit.weighed else "rows",
        secure=noise.secure,
        mean_column=_mean(columns),
        mean_pair=_mean(pairs) if pairs else None,
        columns=columns,
        pairs=pairs,
        looks=tuple(_look(event, plan.unit) for event in looks),
        ledger={
            "file": None if opened is None else plan.ledger_name,
            "dataset": plan.dataset,
            "release": release,
            "left": None if remaining is None else {"rho": remaining.rho, "epsilon": remaining.epsilon},
        },
        transcript_sha256=transcript.digest(),
        n_synthetic=shares.total,
    )


def measure(table: PrivateTable, shares: ExactCounts, *, rho: float) -> None:
    """The number of rows, then the distance of each column and pair.

    Args:
        table: The boundary.
        shares: Counts of the synthetic rows, which are public.
        rho: Cost in all.

    Privacy: Gaussian noise on a count and on distances, each moved by one unit as far as a count; `rho` in all.
    """
    names = list(table.sizes)
    columns: list[Clique] = [(name,) for name in names]
    pairs: list[Clique] = list(combinations(names, 2))
    pairs = pairs if len(pairs) <= MOST_PAIRS else []
    weights = [COUNT_SHARE, *[COLUMNS_SHARE / len(columns)] * len(columns)]
    weights += [(1 - COUNT_SHARE - COLUMNS_SHARE) / len(pairs)] * len(pairs)
    parts = split(rho * (1 - 1e-12), weights)
    count = table.row_count(rho=parts[0], purpose="number of rows, to appraise by")
    total = max(1.0, float(count.counts))
    cliques = [*columns, *pairs]
    estimates = [total * counts / shares.total for counts in shares.tables(cliques)]
    table.distances(cliques, estimates, rho_each=parts[1:], purpose="distance of the synthetic rows")


def figures_of(looks: Transcript, sizes: Mapping[str, int]) -> list[Figure]:
    """Total variation by the distances that were released; a function of them alone."""
    count = looks.row_counts[0]
    total = max(1.0, float(count.counts))
    found = []
    for event in looks.distances:
        cells = int(np.prod([sizes[name] for name in event.clique]))
        rounding = 0.5 * cells / event.steps
        width = (NORMAL_97 * (event.sigma / event.steps + count.sigma) + rounding) / (2 * total)
        middle = event.value / event.steps / (2 * total)
        found.append(
            Figure(
                columns=event.clique,
                distance=min(max(middle, 0.0), 1.0),
                lower=min(max(middle - width, 0.0), 1.0),
                upper=min(max(middle + width, 0.0), 1.0),
            )
        )
    return found


def _mean(figures: Sequence[Figure]) -> float:
    return float(np.mean([figure.distance for figure in figures]))


def _look(event: Any, unit: PrivacyUnit) -> Look:
    steps = event.steps if isinstance(event, Distance) else 1
    return Look(columns=event.clique, purpose=event.purpose, sigma=event.sigma / steps / unit.whole, rho=event.rho)


def _sentences(plan: ReleasePlan, alone: float, in_all: float, delta: float) -> tuple[str, ...]:
    counted = "people" if plan.unit.weighed else "rows"
    return (
        f"Each figure is how far shares of {counted} in the synthetic rows are from those in the real table, from 0 "
        "(the same) to 1. Noise was added, and the interval around a figure holds the true one in 95 of 100 cases.",
        f"By themselves these figures cost epsilon {rounded_up(alone, 4)}, with the model they cost epsilon "
        f"{rounded_up(in_all, 4)}, at delta {rounded_up(delta, 3)}, for one unit as in the certificate of the model.",
        "They say nothing of what lies inside a bin, of more than two columns, and of whether anybody is protected: "
        "that follows from the noise.",
    )


def _version() -> str:
    from tabsynth import __version__

    return __version__
