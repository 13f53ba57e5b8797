"""The main job, from files or tables to a folder of results: read, split, fit, sample, evaluate, report.

Each step can be called alone; `run` is all of them. The command line is a thin layer over this file and `checking.py`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.errors import TabsynthWarning, UsageError
from tabsynth.generators import GENERATORS
from tabsynth.generators.base import Generator, choose_table
from tabsynth.generators.model import Model
from tabsynth.judging import evaluate
from tabsynth.outputs import require_apart, require_writable
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema
from tabsynth.tables.files import read_table

if TYPE_CHECKING:
    from tabsynth.evaluation.base import Level
    from tabsynth.plain_run import PlainRun
    from tabsynth.private_run import PrivateRun

DEFAULT_GENERATOR = "auto"
PRIVATE_GENERATOR = "dp-auto"
"""Default for a schema that states a privacy budget."""


@dataclass(frozen=True)
class RunResult:
    """What `run` made."""

    folder: Path
    synthetic: Path
    model: Path | None
    """None where the generator's models cannot be written to a file."""
    report: Path
    """The edition that may be published; of a private generator the internal one, as no other may be made."""
    report_json: Path
    internal: Path
    """Folder of the internal edition and of the schema."""
    manifest: Path
    n_rows: int
    seed: int
    verdict: str | None
    """Worst verdict of the policy's clauses; None where nothing could be evaluated."""
    notes: tuple[str, ...]


def make_generator(name: str, parameters: Mapping[str, Any] | None = None) -> Generator:
    """Build a generator from its registered name and parameters.

    Raises:
        UsageError: The name or a parameter is unknown, or a value is out of range.
    """
    generator: Generator = GENERATORS[name](**dict(parameters or {}))
    return generator


def default_generator(schema: Schema) -> str:
    """Name of the generator for a schema where none is named: a private one where it states a privacy budget."""
    stated = schema.privacy is not None and schema.privacy.epsilon is not None
    return PRIVATE_GENERATOR if stated else DEFAULT_GENERATOR


def fit(
    table: object,
    schema: Schema | str | Path,
    *,
    generator: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    seed: int | None = None,
    table_name: str | None = None,
    avoid: object | None = None,
    progress: Progress = SILENT,
) -> Model:
    """Learn a model with a generator by its name.

    Args:
        table: The table to learn from.
        schema: Its schema, or the path of a schema file.
        generator: Name in the registry; None for the default of the schema.
        parameters: Parameters of the generator.
        seed: Seed of the fit; must be None for a private generator, whose noise cannot be seeded.
        table_name: Which table of a schema with several.
        avoid: See `Generator.fit`.
        progress: Told about stages of long work.

    Raises:
        TabsynthError: See `Generator.fit`.
    """
    schema = as_schema(schema)
    maker = make_generator(default_generator(schema) if generator is None else generator, parameters)
    return learn(maker, table, schema, seed=seed, table_name=table_name, avoid=avoid, progress=progress)


def learn(
    maker: Generator,
    table: object,
    schema: Schema,
    *,
    seed: int | None = None,
    table_name: str | None = None,
    avoid: object | None = None,
    progress: Progress = SILENT,
) -> Model:
    """`Generator.fit`, with a warning where the schema states a privacy budget that the generator does not keep."""
    if not maker.private and default_generator(schema) == PRIVATE_GENERATOR:
        warnings.warn(
            f"the schema states a privacy budget, and {maker.name} does not keep it: its rows carry no guarantee",
            TabsynthWarning,
            stacklevel=2,
        )
    return maker.fit(table, schema, seed=seed, table_name=table_name, avoid=avoid, progress=progress)


def run(
    schema: Schema | str | Path,
    data: str | Path,
    out: str | Path,
    *,
    rows: int | None = None,
    generator: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | Iterable[str] | None = None,
    parents: Mapping[str, str | Path] | None = None,
    holdout: float = 0.2,
    swap: bool = False,
    seed: int | None = None,
    table_name: str | None = None,
    policy: str | Path | None = None,
    level: Level = "standard",
    shadows: int | None = None,
    time_limit: float | None = None,
    use: str | Path | None = None,
    pdf: bool | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> RunResult:
    """Do the whole job: split, fit, sample, evaluate, report.

    Args:
        schema: The schema, or its path.
        data: The table's file: CSV, TSV or Parquet, also .gz and .zst.
        out: Folder to make: `synthetic.<format of data>`, `model.tabsynth` (not for generators whose models cannot be
            written), the dossier in its external edition as `report.html`, `.json` and `.pdf`, `manifest.json`, and
            in `internal` the internal edition and the schema. Of a private generator also the certificate, and no
            external edition, because measuring real rows is a release that nobody has paid for.
        rows: Synthetic rows; as many as the data has (of a private generator: as were released) where None.
        generator: Name in the registry; None for the default of the schema.
        parameters: Parameters of the generator.
        given: Conditions on the synthetic rows, as in `Model.sample`.
        parents: Files of synthetic rows of the tables that this one points to, by table; see `Model.sample`.
        holdout: Share of people (rows, without an entity key) kept apart for the evaluation, in (0, 1).
        swap: Whether more models are fitted for the evaluation alone, each without another part of the people, so that
            everybody is once among those kept apart: where people are few, the only way to certainty about
            membership. With a holdout of a fifth, five fits instead of one; not for private generators.
        seed: The same seed gives the same bytes. None draws one; it is written to the manifest.
        table_name: Which table of a schema with several.
        policy: Policy file; None for the default policy.
        level: See `evaluate`; the model of a deep evaluation is the one that is made here.
        shadows: See `evaluate`.
        time_limit: See `evaluate`.
        use: YAML file that says what the rows are for and who gets them; None: printed as not stated.
        pdf: Whether the dossier is also written as PDF; None: where WeasyPrint is installed.
        delimiter: Field separator of a text table, where it is not the usual one.
        encoding: Encoding of a text table.
        overwrite: Whether a folder that is not empty is replaced.
        progress: Told about stages of long work.

    Raises:
        TabsynthError: Anything that is wrong with schema, data, constraints or output, by its own class. Nothing is
            left half written.
    """
    from tabsynth.refitting import check_depth
    from tabsynth.report.pdf import require_pdf
    from tabsynth.report.use import load_use

    if not 0 < holdout < 1:
        raise UsageError("holdout: must lie between 0 and 1; 0.2 keeps a fifth apart")
    check_depth(level, shadows=shadows, time_limit=time_limit)
    ledger = dict(parameters or {}).get("ledger")
    require_apart(out, (schema, data, policy, use, ledger, *(parents or {}).values()))
    require_writable(out, folder=True, overwrite=overwrite)
    if pdf:
        require_pdf()  # before anything is read, or spent of a budget
    seed = check_seed(seed)
    given = given if given is None or isinstance(given, Mapping) else tuple(given)
    schema_object = as_schema(schema)
    name = choose_table(schema_object, table_name)
    maker = make_generator(default_generator(schema_object) if generator is None else generator, parameters)
    judge = functools.partial(
        evaluate,
        schema=schema_object,
        table_name=name,
        policy=policy,
        level=level,
        given=given,
        shadows=shadows,
        time_limit=time_limit,
        seed=seed,
        use=None if use is None else load_use(use),
        progress=progress,
    )
    asked: dict[str, Any] = {
        "rows": rows,
        "given": given,
        "parents": read_parents(parents or {}),
        "holdout": holdout,
        "seed": seed,
        "delimiter": delimiter,
        "encoding": encoding,
        "overwrite": overwrite,
        "judge": judge,
        "deep": level == "deep",
        "pdf": pdf,
        "progress": progress,
    }
    if swap and maker.private:
        raise UsageError(f"swap: {maker.name} is private, and every fit would be paid from the budget; leave it out")
    target = Path(out)
    made: PlainRun | PrivateRun
    if maker.private:
        from tabsynth.private_run import run_privately

        made = run_privately(maker, schema_object, name, data, out, **asked)
        has_model, reports = True, target / "internal"
    else:
        from tabsynth.plain_run import run_plainly

        made = run_plainly(functools.partial(learn, maker), schema_object, name, data, out, swap=swap, **asked)
        has_model, reports = made.has_model, target
    return RunResult(
        folder=target,
        synthetic=target / made.synthetic,
        model=target / "model.tabsynth" if has_model else None,
        report=reports / "report.html",
        report_json=reports / "report.json",
        internal=target / "internal",
        manifest=target / "manifest.json",
        n_rows=made.n_rows,
        seed=seed,
        verdict=made.verdict,
        notes=made.notes,
    )


def read_parents(files: Mapping[str, str | Path]) -> dict[str, Any]:
    """Read synthetic tables that others shall point to, by their name in the schema.

    Raises:
        DataError: A file cannot be read.
    """
    return {name: read_table(file) for name, file in files.items()}
