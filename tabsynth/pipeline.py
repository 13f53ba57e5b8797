"""The main job, from files or tables to a folder of results: read, check, split, fit, sample, evaluate, report.

Each step can be called alone; `run` is all of them. The command line is a thin layer over this file.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.errors import DataError, TabsynthWarning, UsageError
from tabsynth.generators import GENERATORS
from tabsynth.generators.base import Generator, choose_table
from tabsynth.generators.model import Model
from tabsynth.identifiers.treat import treat
from tabsynth.identifiers.treated_schema import treated_schema
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed
from tabsynth.schema.files import load_schema
from tabsynth.schema.model import Schema, Text
from tabsynth.schema.validate import Validation, require_valid, validate_table
from tabsynth.tables.files import read_table
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from tabsynth.evaluation.base import Level
    from tabsynth.evaluation.canaries import Trials
    from tabsynth.evaluation.policy import Policy
    from tabsynth.identifiers.findings import ScanReport
    from tabsynth.identifiers.proposals import Proposal
    from tabsynth.plain_run import PlainRun
    from tabsynth.private_run import PrivateRun
    from tabsynth.report.build import Report
    from tabsynth.report.use import Use

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


def infer(
    tables: object | Mapping[str, object],
    *,
    min_people: int = 10,
    name: str | None = None,
    safe_harbor: bool = False,
) -> Schema:
    """Propose a schema from one table, or from several by name.

    Args:
        tables: A table (pandas, polars, pyarrow), or a mapping of table names to tables.
        min_people: Categories and extremes that fewer people share are left out of the schema.
        name: Name of the schema, and of the table where there is one.
        safe_harbor: Whether the schema also treats dates, ages and places as Safe Harbor wants, and refuses to fit
            while an identifier is left (`privacy: {safe_harbor: true}`).

    Raises:
        DataError: A table has no columns or no rows, or its headers cannot be used.

    Privacy: The schema holds categories that at least `min_people` rows share, the `min_people`-th smallest and
    largest values, and shapes of keys, all marked `data`. Review it before it leaves your hands.
    """
    from tabsynth.identifiers.detect import detect_identifier
    from tabsynth.schema.infer import infer_schema

    frames = _frames(tables, name)
    drafted = infer_schema(frames, detect=detect_identifier, k=min_people, name=name)
    if not safe_harbor:
        return drafted
    from tabsynth.identifiers.proposals import treated

    return treated(frames, drafted, as_of=date.today())


def propose(tables: object | Mapping[str, object], schema: Schema) -> tuple[Proposal, ...]:
    """Say of each column in which a scan finds identifiers what the schema does about it; no cell is read out.

    Args:
        tables: As for `infer`.
        schema: The schema of these tables.
    """
    from tabsynth.identifiers.proposals import propose as find

    return find(_frames(tables, next(iter(schema.tables))), schema)


def _frames(tables: object | Mapping[str, object], name: str | None) -> dict[str, Any]:
    named = tables if isinstance(tables, Mapping) else {name or "table": tables}
    return {table_name: to_pandas(table)[0] for table_name, table in named.items()}


def validate(table: object, schema: Schema | str | Path, *, table_name: str | None = None) -> Validation:
    """Compare a table with its schema: all violations at once, with counts and row numbers, never values."""
    schema = _schema(schema)
    name = choose_table(schema, table_name)
    return validate_table(to_pandas(table)[0], schema.tables[name], name=name)


def scan(
    table: object,
    schema: Schema | str | Path | None = None,
    *,
    table_name: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    presidio: bool = False,
) -> ScanReport:
    """Find identifiers of the eighteen Safe Harbor classes in a table, and hold them against its schema.

    Args:
        table: A table (pandas, polars, pyarrow), or the path of a file; of a Parquet file the metadata is read, too.
        schema: The schema, or its path; None to find only.
        table_name: Which table of a schema with several.
        delimiter: Field separator of a text table, where it is not the usual one.
        encoding: Encoding of a text table.
        presidio: Whether Presidio's recognisers also search free text (extra `presidio`).

    Returns:
        The findings per column, and `checklist()` with the eighteen classes: handled, unresolved or absent.

    Raises:
        DataError: It is no table.
        MissingExtraError: Presidio is asked for and not installed.

    Privacy: Kinds, counts and names of columns leave; no cell does.
    """
    from tabsynth.identifiers.presidio import Presidio
    from tabsynth.identifiers.scan import scan_table
    from tabsynth.tables.parquet import read_metadata

    also = Presidio.load() if presidio else None
    metadata = {}
    if isinstance(table, str | Path):
        metadata = read_metadata(table)
        table = read_table(table, delimiter=delimiter, encoding=encoding)
    declared = None if schema is None else _schema(schema)
    return scan_table(table, declared, table_name=table_name, metadata=metadata, presidio=also)


def make_generator(name: str, parameters: Mapping[str, Any] | None = None) -> Generator:
    """Build a generator from its registered name and parameters.

    Raises:
        UsageError: The name or a parameter is unknown, or a value is out of range.
    """
    from pydantic import ValidationError

    generator_type = GENERATORS[name]
    try:
        generator: Generator = generator_type(**dict(parameters or {}))
    except ValidationError as error:
        known = ", ".join(generator_type.model_fields)
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise UsageError(f"{name}: {wrong} (parameters: {known})") from None
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
    schema = _schema(schema)
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


def evaluate(
    *,
    train: object,
    holdout: object,
    synthetic: object,
    schema: Schema | str | Path,
    reference: object | None = None,
    test: object | None = None,
    table_name: str | None = None,
    policy: Policy | str | Path | None = None,
    level: Level = "standard",
    model: Model | str | Path | None = None,
    given: Mapping[str, Any] | Iterable[str] | None = None,
    shadows: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    context: Mapping[str, Any] | None = None,
    use: Use | str | Path | None = None,
    scan: ScanReport | None = None,
    swaps: Sequence[tuple[object, object, object]] = (),
    progress: Progress = SILENT,
) -> Report:
    """Measure a synthetic table against the rows it was learned from and rows that were kept apart.

    Args:
        train: Rows that the generator learned from.
        holdout: Real rows that it never saw, of the same schema.
        synthetic: Rows that it made.
        schema: The schema of all tables, or its path.
        reference: Real rows of yet other people, which the attackers are given to know what strangers are like.
        test: Real rows of yet other people, which models that learned from synthetic rows are tested on. Where neither
            is given, the holdout is parted by people if it has 5,000 of them, and else plays these roles as well; the
            report says which.
        table_name: Which table of a schema with several.
        policy: Limits to judge by, or the path of a policy file; None for the default policy.
        level: How much is measured: "quick" trains and searches nothing, "deep" also runs the generator anew, many
            times. Limits on what was not measured stay undecided.
        model: The model that the rows were drawn from, or its file, for the level "deep": shadow models are made by its
            recipe, and the claim of a private one is audited on invented rows. None: neither is tested.
        given: Conditions that the rows were drawn under; shadow models draw under the same.
        shadows: Shadow models, at least 8; None: 32, or 16 of a large table.
        time_limit: Seconds after which no further shadow model or run of an audit is begun. The report says how many
            were made, and hangs on the speed of the machine. None: no limit.
        seed: Seed of every random choice of the evaluation.
        context: Facts about what was made from what (generator, parameters, input names).
        use: What the rows are for and who gets them, or the path of a YAML file that says so; None: not stated.
        scan: What a search of the real table for identifiers found; None: nobody looked.
        swaps: Train, holdout and synthetic rows of more models of the same generator, each learned without another part
            of the people: membership and detection are then asked of all models together.
        progress: Told about stages of long work.

    Returns:
        The report in its internal edition: plain data, with `save("report.html")` (also .json and .pdf), and
        `external()` for the edition that may be published.

    Raises:
        DataError: A real table does not fit the schema, or a table is empty.
        UsageError: There is no such level or policy, or there are too few `shadows`.
    """
    from tabsynth.evaluation import evaluate_typed
    from tabsynth.evaluation.base import metrics_of
    from tabsynth.evaluation.policy import load_policy
    from tabsynth.refitting import check_depth, recipe_of
    from tabsynth.report.build import build_report
    from tabsynth.report.use import load_use

    check_depth(level, shadows=shadows, time_limit=time_limit)
    if model is not None and level != "deep":
        raise UsageError("model: only the level deep uses it; ask for level deep, or leave it out")
    schema = _schema(schema)
    policy = load_policy(policy) if isinstance(policy, str | Path) else policy
    use = load_use(use) if isinstance(use, str | Path) else use
    name = choose_table(schema, table_name)
    after = treated_schema(schema, name).schema
    declared = after.tables[name]
    tables = {"train": train, "holdout": holdout, "reference": reference, "test": test, "synthetic": synthetic}

    def check(part: str, table: object) -> tuple[pd.DataFrame, Validation]:
        frame, _ = to_pandas(table)
        if part != "synthetic":  # which comes out treated
            frame = treat(frame, schema, name, seed=seed).frame
        validation = validate_table(frame, declared, name=part)
        if part != "synthetic":
            require_valid(validation)
        elif missing := [c for c, kind in declared.columns.items() if c not in frame and not isinstance(kind, Text)]:
            raise DataError(
                f"synthetic: lacks columns of the schema: {', '.join(missing)}; add them, or evaluate with their schema"
            )
        return frame, validation

    checked: dict[str, Validation] = {}
    treated: dict[str, pd.DataFrame] = {}
    for part, table in tables.items():
        if table is not None or part not in ("reference", "test"):
            progress.stage(f"Checking {part}")
            frame, checked[part] = check(part, table)
            if model is not None and part in ("train", "holdout"):
                treated[part] = frame
    names = ("train", "holdout", "synthetic")
    more = [[check(part, table)[1].typed for part, table in zip(names, three, strict=True)] for three in swaps]
    recipe = None
    if level == "deep" and model is None:
        warnings.warn(
            "level deep: no model is given, so that shadow models and the claim of a private generator are not tested; "
            "give the model that the rows were drawn from",
            TabsynthWarning,
            stacklevel=2,
        )
    if model is not None:
        from tabsynth.generators.storage import load

        recipe = recipe_of(
            model if isinstance(model, Model) else load(model),
            treated["train"],
            treated["holdout"],
            after,
            name,
            given=given,
            n_shadows=shadows,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )
    evaluation = evaluate_typed(
        checked["train"].typed,
        checked["holdout"].typed,
        checked["synthetic"].typed,
        declared,
        seed=seed,
        policy=policy,
        metrics=metrics_of(level),
        apart={part: checked[part].typed for part in ("reference", "test") if part in checked},
        swaps=[(first, second, third) for first, second, third in more],
        recipe=recipe,
        progress=progress,
        violations=_broken_rules(checked["synthetic"]),
    )
    return build_report(evaluation, schema=after, context=dict(context or {}), use=use, scan=scan)


def try_canaries(
    schema: Schema | str | Path,
    data: str | Path,
    *,
    table_name: str | None = None,
    policy: Policy | str | Path | None = None,
    names: Sequence[str] | None = None,
    max_rows: int = 4_000,
    seed: int = 0,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    progress: Progress = SILENT,
) -> Trials:
    """Judge known-bad and known-good releases of a real table: would the policy have caught them?

    Args:
        schema: The schema, or its path.
        data: The table's file, as in `run`.
        table_name: Which table of a schema with several.
        policy: Limits to judge by, or the path of a policy file; None for the default policy.
        names: Canaries to try; None for all.
        max_rows: Rows of train, of holdout and of each release, at most.
        seed: Seed of everything that is drawn.
        delimiter: Field separator of a text table, where it is not the usual one.
        encoding: Encoding of a text table.
        progress: Told when each canary begins.

    Raises:
        DataError: The table does not fit the schema, or has too few rows for three parts.
        UsageError: A canary or a policy is unknown.
    """
    from tabsynth.evaluation.canaries import try_canaries as attempt
    from tabsynth.evaluation.policy import load_policy

    schema = _schema(schema)
    declared = schema.tables[choose_table(schema, table_name)]
    progress.stage("Reading")
    validation = validate_table(
        read_table(data, delimiter=delimiter, encoding=encoding), declared, name=_source_name(data)
    )
    require_valid(validation)
    if isinstance(policy, str | Path):
        policy = load_policy(policy)
    return attempt(
        validation.typed,
        declared,
        policy=policy,
        names=names,
        max_rows=max_rows,
        seed=check_seed(seed),
        progress=progress,
    )


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
    if pdf:
        require_pdf()  # before anything is read, or spent of a budget
    seed = check_seed(seed)
    given = given if given is None or isinstance(given, Mapping) else tuple(given)
    schema_object = _schema(schema)
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


def read_tables(
    files: Sequence[str | Path], *, delimiter: str | None = None, encoding: str = "utf-8"
) -> dict[str, Any]:
    """Read files as tables named by their file names, without suffixes.

    Raises:
        UsageError: Two files would have the same table name.
        DataError: A file cannot be read.
    """
    tables: dict[str, Any] = {}
    for file in files:
        name = _source_name(file).split(".")[0] or "table"
        if name in tables:
            raise UsageError(f"two files would both be table {name!r}; rename one")
        tables[name] = read_table(file, delimiter=delimiter, encoding=encoding)
    return tables


def read_parents(files: Mapping[str, str | Path]) -> dict[str, Any]:
    """Read synthetic tables that others shall point to, by their name in the schema.

    Raises:
        DataError: A file cannot be read.
    """
    return {name: read_table(file) for name, file in files.items()}


def _schema(schema: Schema | str | Path) -> Schema:
    return schema if isinstance(schema, Schema) else load_schema(schema)


def _source_name(data: str | Path) -> str:
    """Name of a file without its folder, which may say more than a report should."""
    return "table" if str(data) == "-" else Path(data).name


def _broken_rules(validation: Validation) -> dict[str, int]:
    """Rows that break each rule, by a name of the rule that shows no value."""
    broken: dict[str, int] = {}
    for violation in validation.violations:
        rule = f"{violation.column}: {violation.rule}" if violation.column else violation.rule
        broken[rule] = broken.get(rule, 0) + violation.count
    return broken
