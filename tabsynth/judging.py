"""Real and synthetic tables to a report: read, check, treat as the schema says, measure, judge by a policy.

Decisions
- Real tables are treated as the generator's were, so that both are compared as they are afterwards.
- A deep evaluation is handed the model's recipe (`refitting.py`); without it, what needs one is not tested, and told.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.errors import DataError, TabsynthWarning, UsageError
from tabsynth.generators.base import choose_table
from tabsynth.generators.model import Model
from tabsynth.identifiers.treat import treat
from tabsynth.identifiers.treated_schema import treated_schema
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed
from tabsynth.schema.columns import Text
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import Validation, require_valid, validate_table
from tabsynth.tables.files import read_table, source_name
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from tabsynth.evaluation.base import Level
    from tabsynth.evaluation.canaries import Trials
    from tabsynth.evaluation.policy import Policy
    from tabsynth.identifiers.findings import ScanReport
    from tabsynth.report.build import Report
    from tabsynth.report.use import Use


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
    schema = as_schema(schema)
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

    schema = as_schema(schema)
    declared = schema.tables[choose_table(schema, table_name)]
    progress.stage("Reading")
    validation = validate_table(
        read_table(data, delimiter=delimiter, encoding=encoding), declared, name=source_name(data)
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


def _broken_rules(validation: Validation) -> dict[str, int]:
    """Rows that break each rule, by a name of the rule that shows no value."""
    broken: dict[str, int] = {}
    for violation in validation.violations:
        rule = f"{violation.column}: {violation.rule}" if violation.column else violation.rule
        # A finding about a whole column counts no rows: all of them break the rule.
        broken[rule] = broken.get(rule, 0) + (violation.count or validation.typed.n_rows)
    return broken
