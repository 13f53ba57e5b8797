"""Differentially private generators: measure once behind the boundary, then build a model of the transcript alone.

    fit      schema and parameters -> what may be spent -> PrivateRows -> Transcript   (the only step that sees data)
    rebuild  schema + parameters + transcript -> Model                          (a pure function; `load` calls it, too)

A mechanism (`independent.py`, `mst.py`, ...) has two functions, `measure(table, rho=...)`, which sees the table through
`PrivateTable` only, and `model(transcript)`, which sees no data. Everything else is here, once for all of them.

Decisions
- `fit` returns what `rebuild` makes of the transcript, so that a model from a file is the same model.
- The noise cannot be seeded: a `seed` is refused here and belongs to `sample`.
- A ledger is required. Its absence must be written out (`ledger=none`), and the certificate says so: without one nobody
  can tell what else was released about the same people.
- `min_people` has no meaning here: the noise protects everybody, also the only one of their kind.
- The table is not validated: that a cell breaks the schema is a fact about a person. `tabsynth validate` tells those
  who may see the table.
- dtypes of the table are not kept: an integer column with a gap comes in as floats, which one row can bring about.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from tabsynth.dp.cells import series_of
from tabsynth.dp.discovery import discover_sizes, findings
from tabsynth.dp.fitted import FittedCounts
from tabsynth.dp.measure import silence
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.opening import read_private
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.release_plan import ReleasePlan, domain_of, plan_release
from tabsynth.dp.released import entities, released_rows
from tabsynth.dp.spending import Noise, Spending
from tabsynth.dp.transcript import Transcript
from tabsynth.encoding.derived import Derivation, derive
from tabsynth.encoding.table import EncodedTable
from tabsynth.errors import UsageError
from tabsynth.generators.base import Fitted, Generator, choose_table
from tabsynth.generators.model import Model
from tabsynth.identifiers.treat import treat
from tabsynth.identifiers.treated_schema import needs_treatment
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import deterministic_threads
from tabsynth.schema.columns import Categorical, Identifier, Role, Text
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema
from tabsynth.tables.frames import FrameKind, to_arrow

Array = np.ndarray[Any, Any]

SECURE, INSECURE = "operating system", "INSECURE: test source, nothing is protected"


class PrivateGenerator(Generator):
    """Parameters that all differentially private generators share."""

    private: ClassVar[bool] = True
    fitted_type: ClassVar[type[Fitted]] = FittedCounts
    guarantee: ClassVar[str] = (
        "(epsilon, delta)-differential privacy per privacy unit, checkable with 'tabsynth certificate'"
    )
    mechanism: ClassVar[str]
    """Module with `measure` and `model`."""
    trains: ClassVar[bool] = False
    """Whether it is trained on random batches, whose cost holds up to one order only; see `budget.py`."""

    min_people: int = Field(default=1, ge=1, le=1, description="Has no meaning here: noise protects instead of floors.")
    epsilon: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="What this release may cost; all of privacy.epsilon if left out.",
    )
    delta: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Failure probability; privacy.delta if left out, else a tenth of one over privacy.public_rows, at "
        "most 1e-6, else 1e-9.",
    )
    ledger: str | None = Field(
        default=None, description="File that keeps what was spent, across runs; 'none' for a release without one."
    )
    dataset: str | None = Field(
        default=None,
        description="Name of the data in the ledger; the same people, the same name. Default: the schema's.",
    )
    bins: int = Field(default=32, ge=2, le=4096, description="Bins of a numeric column with more values than that.")
    cuts: dict[str, tuple[float | str, ...]] = Field(
        default_factory=dict, description="Public inner edges of bins, by column."
    )
    discover: bool = Field(
        default=False,
        description="Pay for categories and bounds that the schema does not declare (a tenth of the budget).",
    )
    appraisal: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="Share of the budget that run keeps for figures about how close the rows are, to be released.",
    )
    binning: Literal["privtree", "quantiles", "even"] = Field(
        default="privtree",
        description="Where bins of numbers end: privtree (narrow where rows are many) and quantiles (of about equal "
        "mass) are found for up to a tenth of the budget; even costs nothing.",
    )

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> Fitted:
        """Refuse: an encoded table has already been looked at.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{self.name}: learns from a table through fit alone")

    def fit(
        self,
        table: object,
        schema: Schema | str | Path,
        *,
        seed: int | None = None,
        table_name: str | None = None,
        avoid: object | None = None,
        progress: Progress = SILENT,
    ) -> Model:
        """Measure a table and build a model of what was measured.

        Args:
            table: pandas, polars or pyarrow table, or the path of a Parquet file, which is read in parts. It is not
                modified, and nothing keeps a reference to it.
            schema: The schema, with a `privacy` section, or the path of a schema file.
            seed: Must be None: noise that can be repeated can be taken away.
            table_name: Which table of a schema with several.
            avoid: Must be None: surrogates that avoid identifiers would tell which there are.
            progress: Told about stages of long work.

        Raises:
            MissingExtraError: The generator needs a package that is not installed.
            UsageError: A parameter is wrong, a seed is given, or the budget or ledger does not allow the release.
            SchemaError: The schema leaves the unit, the budget or a domain open.
            DataError: It is no table, or lacks a column.

        Privacy: (epsilon, delta)-differentially private for adding or removing one unit; the transcript of the model
        lists all that has left.
        """
        if seed is not None:
            raise UsageError("seed: the noise of a private release cannot be seeded; give the seed to sample")
        if avoid is not None:
            raise UsageError("avoid: surrogates may not depend on identifiers of the table here; leave it out")
        schema = as_schema(schema)
        return release(self, table, schema, table_name=table_name, noise=NoiseSource(), progress=progress)

    def record(self, model: Model) -> dict[str, Any]:
        """What a model file holds: the transcript, and the kind of table that went in. See `Generator.record`."""
        return {"fitted": model.fitted.state(), "frame_kind": {"library": model.frame_kind.library}}

    def restore(self, state: Mapping[str, Any], *, schema: Schema, table_name: str, n_rows_fitted: int) -> Model:
        """The model of a transcript. See `Generator.restore`."""
        transcript = Transcript.from_state(state["fitted"]["transcript"])
        return rebuild(self, schema, table_name, transcript, FrameKind(str(state["frame_kind"]["library"])))

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """What `measure` of the mechanism takes beyond the table and rho: public facts."""
        return {}

    @property
    def module(self) -> ModuleType:
        """The mechanism."""
        return import_module(self.mechanism)


class DPIndependent(PrivateGenerator):
    """Differentially private: every column from its own noisy counts; best where the budget is tiny."""

    name: ClassVar[str] = "dp-independent"
    mechanism: ClassVar[str] = "tabsynth.dp.independent"


class DPMst(PrivateGenerator):
    """Differentially private: a tree of noisy pairs of columns, chosen privately; seconds on most tables."""

    name: ClassVar[str] = "dp-mst"
    mechanism: ClassVar[str] = "tabsynth.dp.mst"


class DPCliqueTree(PrivateGenerator):
    """Differentially private: a tree of noisy pairs, then once more the pairs it gets most wrong; for wide tables."""

    name: ClassVar[str] = "dp-cliquetree"
    mechanism: ClassVar[str] = "tabsynth.dp.cliquetree"


class DPCopula(PrivateGenerator):
    """Differentially private: a noisy correlation for every pair of columns; for a hundred numeric columns and more."""

    name: ClassVar[str] = "dp-copula"
    mechanism: ClassVar[str] = "tabsynth.dp.copula"

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """What the codes of a column mean. See `PrivateGenerator.mechanism_parameters`."""
        return kinds_of_codes(derivation)


class TargetedGenerator(PrivateGenerator):
    """Private generators that can favour one column."""

    target: str | None = Field(
        default=None,
        description="Column that later analyses predict; sets with it weigh more. Default: that with the role target.",
    )

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """The target. See `PrivateGenerator.mechanism_parameters`."""
        targets = [name for name, column in derivation.columns.items() if column.role is Role.TARGET]
        target = self.target or (targets[0] if len(targets) == 1 else None)
        column = derivation.columns.get(target) if target is not None else None
        if target is not None and (column is None or isinstance(column, Identifier | Text)):
            raise UsageError(f"target: {target}: is no column that is measured; it has {', '.join(derivation.columns)}")
        return {"target": target}


class DPAim(TargetedGenerator):
    """Differentially private: measures where the model is most wrong, round by round; the closest rows, in minutes."""

    name: ClassVar[str] = "dp-aim"
    mechanism: ClassVar[str] = "tabsynth.dp.aim"

    degree: int = Field(default=2, ge=2, le=3, description="Largest sets of columns that may be measured: 2 or 3.")
    max_cells: int = Field(
        default=250_000, ge=1_000, le=50_000_000, description="Cells of the model's tables together, at most."
    )

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """Degree, target and size of the model. See `PrivateGenerator.mechanism_parameters`."""
        return {**super().mechanism_parameters(derivation), "degree": self.degree, "max_cells": self.max_cells}


class DPAuto(TargetedGenerator):
    """Differentially private, the default: columns, a tree and further pairs, in steps that noise leaves room for."""

    name: ClassVar[str] = "dp-auto"
    mechanism: ClassVar[str] = "tabsynth.dp.auto"

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """The target, and what codes mean. See `PrivateGenerator.mechanism_parameters`."""
        return {**super().mechanism_parameters(derivation), **kinds_of_codes(derivation)}


def kinds_of_codes(derivation: Derivation) -> dict[str, Any]:
    """By the schema: columns whose codes follow no order, and columns whose last code is a missing cell."""
    read = {name: column for name, column in derivation.columns.items() if not isinstance(column, Identifier | Text)}
    return {
        "unordered": tuple(name for name, column in read.items() if isinstance(column, Categorical)),
        "nullable": tuple(name for name, column in read.items() if column.nullable),
    }


def release(
    generator: PrivateGenerator,
    table: object,
    schema: Schema,
    *,
    table_name: str | None = None,
    noise: Noise,
    progress: Progress = SILENT,
) -> Model:
    """Measure a table with a given source of noise; `fit` is this with the operating system's.

    Raises:
        See `PrivateGenerator.fit`.

    Privacy: As for `PrivateGenerator.fit` if `noise.secure`; otherwise the transcript says INSECURE.
    """
    generator.require_installed()
    name = choose_table(schema, table_name)
    plan = plan_release(generator, schema, name)
    library = _library(table)
    table, schema = private_source(table, schema, name)
    transcript = look(plan, table, noise=noise, progress=progress)
    public = generator.model_copy(update={"ledger": plan.ledger_name})
    progress.stage("Building the model")
    return rebuild(public, schema, plan.table_name, transcript, FrameKind(library))


def look(plan: ReleasePlan, table: object, *, noise: Noise, progress: Progress = SILENT) -> Transcript:
    """Everything that a release measures, charged to the ledger of its plan.

    Args:
        plan: What may be spent, on what.
        table: The table after its treatments.
        noise: Source of the noise.
        progress: Told about stages.

    Privacy: As for `release`.
    """
    generator = plan.generator
    source = SECURE if noise.secure else INSECURE
    transcript = Transcript(public={**plan.public, "noise": source, "release": secrets.token_hex(8)})
    ledger = plan.open_ledger()
    spending = Spending(
        rho=plan.rho,
        delta=plan.delta_discovery,
        noise=noise,
        ledger=ledger,
        transcript=transcript,
        order=plan.order,
    )
    progress.stage("Reading")
    rows = PrivateRows(table, plan.table, plan.unit, derivation=plan.derivation, noise=noise)
    progress.stage("Measuring")
    plan.discover(rows, spending)
    private = rows.encoded(plan.domain(findings(transcript)), spending)
    if plan.unit.key is not None and plan.unit.max_rows > 1:
        discover_sizes(rows, rho=plan.shares["sizes"], spending=spending)
    if "rows" in plan.shares:
        private.row_count(rho=plan.shares["rows"], purpose="number of rows")
    with deterministic_threads():
        generator.module.measure(
            private, rho=plan.shares["mechanism"], **generator.mechanism_parameters(plan.derivation)
        )
    del private, rows
    if ledger is not None:
        left = ledger.remaining
        transcript.public = {
            **transcript.public,
            "ledger_left": {"rho": left.rho, "delta": left.delta, "epsilon": left.epsilon},
        }
    return transcript


def private_source(table: object, schema: Schema, name: str) -> tuple[object, Schema]:
    """A table after the treatments that the schema names, and the schema that it has then."""
    if not needs_treatment(schema.tables[name]):
        return table, schema
    frame = _whole(table)
    with silence():
        treated = treat(frame, schema, name, silent=True)
    return treated.frame, treated.schema


def rebuild(
    generator: PrivateGenerator, schema: Schema, table_name: str, transcript: Transcript, frame_kind: FrameKind
) -> Model:
    """The model of a transcript: a function of its arguments alone, so anybody can repeat it."""
    table = schema.tables[table_name]
    derivation = derive(table, None)
    domain = domain_of(generator, derivation, findings(transcript))
    with deterministic_threads():
        graph = generator.module.model(transcript)
    fitted = FittedCounts(transcript, domain, graph)
    return Model(
        generator=generator,
        fitted=fitted,
        schema=schema,
        table_name=table_name,
        derivation=derivation,
        encoder=domain.encoder(),
        entity_info=entities(table, transcript),
        storage={},
        frame_kind=frame_kind,
        n_rows_fitted=released_rows(transcript),
        seed=None,
        notes=fitted.notes,
    )


def _whole(table: object) -> pd.DataFrame:
    """A table in memory, which may have no rows: whether it has any must not show.

    Whole numbers stay whole where one is missing; as floats, long keys of different people would be the same.
    """
    if isinstance(table, str | Path):
        return read_private(table)
    if isinstance(table, pd.DataFrame):
        return table
    arrow = to_arrow(table)
    with silence():
        return pd.DataFrame({name: series_of(arrow.column(name)) for name in arrow.column_names})


def _library(table: object) -> str:
    library = "pandas" if isinstance(table, str | Path) else type(table).__module__.partition(".")[0]
    return library if library in ("pandas", "polars") else "pyarrow"
